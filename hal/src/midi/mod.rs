//! MIDI as bytes and as a file: the bytes of a wire, and a Standard MIDI File that plays as if it were a controller.
//!
//! Bytes become messages ([`Wire`]), messages become motions ([`Listener`], which puts 14-bit pairs together as [`Pairing`]
//! says). Every live transport and every file goes through the same two, so a file recorded from a controller says what the
//! controller said. What goes out is written by [`message`]. Ports are elsewhere: [`crate::sequencer`] and [`crate::usb`].

mod ear;
mod listener;
pub mod message;
mod pairing;
mod score;
mod smf;
#[cfg(test)]
mod smf_tests;
mod wire;

pub(crate) use ear::{Ear, Ears, SharedEar, lock};
pub use listener::{Listener, PATIENCE};
pub use pairing::Pairing;
pub use score::{Score, ScoreFault, ScoreNotice, ScoreSurface};
pub use wire::{Message, Wire};
