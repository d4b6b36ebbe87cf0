//! The daemon: the only crate that knows both the engine and the hardware.

pub mod binding;
pub mod build;
pub mod cli;
pub mod compute;
pub mod conductor;
pub mod device_side;
pub mod fast;
pub mod health;
pub mod params_command;
pub mod patch;
pub mod plans;
pub mod progress;
pub mod recovery;
pub mod render;
pub mod rig;
pub mod run;
pub mod screens;
pub mod set;
pub mod source;
pub mod terminal;
pub mod view;
