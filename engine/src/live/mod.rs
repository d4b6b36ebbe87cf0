//! The running instrument: parameters in, decoded windows out, one step at a time.
//!
//! [`tick()`] joins ring and backend for one tick. [`Performer`] is the tick side: it turns a snapshot of the parameters into
//! births and step controls and advances the ring once. [`Patcher`] is the decode side: it turns the newest finished latent
//! into a window just ahead of the playhead. Neither has a clock or a thread: the daemon gives each a thread, `demon render`
//! steps both on a virtual clock, and the tests step them by hand.

mod births;
mod decode_set;
mod governor;
mod latents;
mod line;
mod material;
mod original;
mod pace;
mod patcher;
mod performer;
mod reading;
mod relay;
mod shelf;
mod stage;
mod standing;
mod steering;
mod tick;
mod tick_side;
mod words;

/// What a [`Patcher`] decodes with.
pub use crate::backend::WindowDecoder;
pub use decode_set::{DecodeSet, SetReceiver, SetSender, set_queue};
pub use governor::{Governor, Ticked, work_of};
pub use latents::{LatentReader, LatentWriter, Newest, latents};
pub use line::{Line, Needs};
pub use material::{Material, MaterialError, Prompt};
pub use original::Original;
pub use patcher::{Patched, Patcher};
pub use performer::{Load, Performer, Swap};
pub use reading::{Said, Unread, read};
pub use relay::{ValuesReader, ValuesWriter, relay};
pub use shelf::Shelf;
pub use stage::{
    CodecWindows, Latents, Stage, StageError, StageProgress, cpu_backend, cpu_stage, listen, material, material_of,
    material_with, stage, window_lengths,
};
pub use steering::Steering;
pub use tick::{Finished, TickReport, tick};
pub use tick_side::{TickHeard, TickSide};
pub use words::{PROMPTS, Words, longest};
