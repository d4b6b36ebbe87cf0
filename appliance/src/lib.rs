//! The daemon: the only crate that knows both the engine and the hardware.
//!
//! Rooms from the ground up; each imports only from those above it in this list (`ARCHITECTURE.md` has the table, `tests/rooms.rs`
//! holds it). A gesture enters at [`surface`], gets its meaning in [`control`], and reaches the engine through [`performance`].

pub mod command;
pub mod compute;
pub mod control;
pub mod display;
pub mod doctor;
pub mod extension;
pub mod files;
pub mod handover;
pub mod latency;
pub mod performance;
pub mod player;
pub mod recorder;
pub mod recording;
pub mod service;
pub mod settings;
pub mod stick;
pub mod surface;
pub mod takes;
pub mod update;
