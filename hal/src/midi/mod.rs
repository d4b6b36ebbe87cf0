//! MIDI as a surface: the bytes of the wire, live ports, and a Standard MIDI File that plays as if it were one.
//!
//! Bytes become messages ([`Wire`]), messages become motions ([`Listener`], which puts 14-bit pairs together as [`Pairing`]
//! says). Live ports and files go through the same two, so a file recorded from a controller says what the controller said.
//! What goes out is written by [`message`].

mod alsa_seq;
mod ear;
mod fake_seq;
mod listener;
mod live;
#[cfg(test)]
mod live_tests;
pub mod message;
mod pairing;
mod score;
mod sequencer;
mod smf;
#[cfg(test)]
mod smf_tests;
mod voice;
mod wire;

pub use alsa_seq::{AlsaMouth, AlsaNews, AlsaSeq};
pub(crate) use ear::{Ear, Ears, SharedEar, lock};
pub use fake_seq::{FakeEar, FakeMouth, FakeNews, FakeSeq};
pub use listener::{Listener, PATIENCE};
pub use live::LiveMidi;
pub use pairing::Pairing;
pub use score::{Score, ScoreFault, ScoreNotice, ScoreSurface};
pub use sequencer::{Address, Hear, Mouth, News, Port, Sequencer};
pub use wire::{Message, Wire};
