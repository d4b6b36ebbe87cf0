//! MIDI as a surface: the bytes of the wire, live ports, and a Standard MIDI File that plays as if it were one.
//!
//! Bytes become messages ([`Wire`]), messages become motions ([`Listener`], which puts 14-bit pairs together as [`Pairing`]
//! says). Live ports and files go through the same two, so a file recorded from a controller says what the controller said.
//! What goes out is written by [`message`].

mod ear;
mod listener;
mod live;
pub mod message;
mod pairing;
mod score;
mod wire;

pub(crate) use ear::Ear;
pub use listener::Listener;
pub use live::LiveMidi;
pub use pairing::Pairing;
pub use score::{Score, ScoreFault, ScoreSurface};
pub use wire::{Message, Wire};
