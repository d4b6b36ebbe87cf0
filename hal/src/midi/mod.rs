//! MIDI as a surface: the bytes of the wire, live ports, and a Standard MIDI File that plays as if it were one.
//!
//! Bytes become messages ([`Wire`]), messages become motions ([`Listener`], which puts 14-bit pairs together). Live ports and
//! files go through the same two, so a file recorded from a controller says what the controller said.

mod listener;
mod live;
mod score;
mod wire;

pub use listener::Listener;
pub use live::LiveMidi;
pub use score::{Score, ScoreFault, ScoreSurface};
pub use wire::{Message, Wire};
