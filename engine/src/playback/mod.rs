//! The tape and everything that touches a sample on its way out.
//!
//! The tape is a loop of sound as long as the source; it starts as the source itself and goes on looping whatever else
//! fails, so the box is never silent by accident. Decoded windows are spliced into it a little ahead of the playhead.
//! [`deck`] makes the three ends, one for each thread that touches the tape:
//!
//! ```text
//!   Packer ---- parcels (full) ----> Player ---> StereoFrame, StereoFrame, ...   (decode thread -> audio thread)
//!   Packer <--- parcels (empty) ---- Player
//!   Transport - seek, band, swap --> Player      (conductor -> audio thread; gain and mute are latest-wins atomics)
//!   anybody  <- playhead, meters --- Player
//! ```
//!
//! The player may also be another process's: then [`attach`] makes an engine's ends, over memory that both share
//! ([`crate::boundary`]), and [`Player::attached`] the player's. It is the same player: only its [`feed`] is another.
//!
//! Everything that has to do with time speaks of moments of playing ([`PlayedFrame`]) and of the way that the head goes
//! ([`Course`]); a place of the tape alone says nothing about the lap.
//!
//! Nothing on the audio thread's end allocates, frees, locks, reads a clock or logs; trouble there is a counter.

mod attached;
mod attached_packer;
mod berth;
mod crossfade;
mod deck;
mod fader;
mod feed;
mod guard;
mod head;
mod heard;
mod landing;
mod lead;
mod loader;
mod meters;
mod moment;
mod parcel;
mod parting;
mod player;
mod refusal;
mod sound_memory;
mod splice;
mod sweep;
mod tape;
mod transition;
mod window;

pub use attached_packer::Epoch;
pub use berth::{Berth, Berthed};
pub use crossfade::{Crossfade, Gains, correlation};
pub use deck::{DeckSize, Transport, TransportError, attach, deck, deck_with_tee, sum_of};
pub use fader::{OPENING_FADE_FRAMES, POWER_ON_FADE_FRAMES};
pub use guard::{CEILING, GUARD_LATENCY_FRAMES, Guard, true_peak};
pub use head::{JUMP_FADE_FRAMES, SWAP_FADE_FRAMES};
pub use landing::{Landing, Timing};
pub use lead::Lead;
pub use loader::Loader;
pub use meters::{Meters, Playhead, SharedMeters};
pub use moment::{Course, PlayedFrame};
pub use parcel::{Packer, Unsent, Witness};
pub use player::{AttachedPlayer, Player};
pub use refusal::{Grant, Refusals, Refused};
pub use splice::{SPLICE_FADE_FRAMES, SPLICE_FRAMES_PER_FILL};
pub use sweep::{Found, Sweep};
pub use tape::{LoopBand, Tape, TapeError, TapeId};
pub use transition::{DUE_FRAMES_MOST, TAPE_FADE_FRAMES_MOST, Transition};
pub use window::{CONTEXT_FRAMES, Start, Walk, WindowPlan};
