//! The daemon: the only crate that knows both the engine and the hardware.

pub mod binding;
pub mod build;
pub mod cli;
pub mod compute;
pub mod conductor;
pub mod device_side;
pub mod fast;
pub mod feel;
pub mod inbox;
pub mod morph;
pub mod params_command;
pub mod patch;
pub mod plans;
pub mod progress;
pub mod recovery;
pub mod render;
pub mod rig;
pub mod run;
pub mod set;
pub mod source;
pub mod tempo;
pub mod terminal;
pub mod view;
