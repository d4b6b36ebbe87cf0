//! The daemon: the only crate that knows both the engine and the hardware.

pub mod binding;
pub mod params_command;
pub mod patch;
pub mod source;
pub mod terminal;
