//! The command line: one file a subcommand, each with its arguments.
//!
//! Commands read arguments, refuse what can be refused before anything is loaded, put the rooms below to work, and say in words
//! how it went. Nothing below here knows that there is a command line, but for what [`crate::compute::arguments`] shares.

pub mod box_file;
pub mod build;
mod come_back;
pub mod doctor;
pub mod exhausted;
pub mod extension;
mod from_box;
pub mod latency;
pub mod learn;
pub mod library;
pub mod log;
pub mod params;
pub mod player;
mod recording;
pub mod render;
pub mod report;
pub mod run;
pub mod score;
pub mod signals;
mod sound;
pub mod stdout;
pub mod stick;
mod tape_back;
pub mod told;
pub mod update;
pub mod version;

mod cli;

pub use cli::{Cli, Command};
