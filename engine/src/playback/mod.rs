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
//! Everything that has to do with time speaks of moments of playing ([`PlayedFrame`]) and of the way that the head goes
//! ([`Course`]); a place of the tape alone says nothing about the lap.
//!
//! Nothing on the audio thread's end allocates, frees, locks, reads a clock or logs; trouble there is a counter.

mod crossfade;
mod deck;
mod fader;
mod guard;
mod head;
mod heard;
mod landing;
mod lead;
mod meters;
mod moment;
mod parcel;
mod player;
mod splice;
mod tape;
mod window;

pub use crossfade::{Crossfade, Gains, correlation};
pub use deck::{DeckSize, Transport, TransportError, deck};
pub use fader::OPENING_FADE_FRAMES;
pub use guard::{CEILING, GUARD_LATENCY_FRAMES, Guard, true_peak};
pub use head::{JUMP_FADE_FRAMES, SWAP_FADE_FRAMES};
pub use landing::{Landing, Timing};
pub use lead::Lead;
pub use meters::{Meters, Playhead};
pub use moment::{Course, PlayedFrame};
pub use parcel::{Packer, Unsent};
pub use player::Player;
pub use splice::{SPLICE_FADE_FRAMES, SPLICE_FRAMES_PER_FILL};
pub use tape::{LoopBand, Tape, TapeError, TapeId};
pub use window::{CONTEXT_FRAMES, Start, Walk, WindowPlan};
