//! What stands between two processes: one piece of memory that both have mapped, and the records that cross it.
//!
//! The player's process owns the sound; the engine's process owns what is new. Either may die at any moment, hang, or be of
//! another version, and neither may be harmed by what it reads. So nothing that lies in the memory is believed:
//!
//! ```text
//!   engine -- windows (ring), sound in boxes ----> player      [`Window`]
//!   engine -- orders (ring), a tape in a slot ---> player      [`Order`]
//!   engine -- gain, mute (latest wins) ----------> player      (desk)
//!   engine <- boxes that came home (ring) -------- player      [`Report`]
//!   engine <- playhead, counters, levels --------- player      (meters)
//!   a restart <- the tape as it stands ----------- player      [`Standing`]
//!   a copy on a disk <- the same ----------------- player      [`TapeReader`]
//!   anybody <- what was played, and of what ------ player      (tee, trace)
//! ```
//!
//! A record is copied out first and then checked; indexes and sizes are held against the layout that a side has read once
//! and keeps for itself. All memory is atomic words and every access is held against its length, so there is no byte of the
//! other side that reads or writes outside, or that stops this one. A writer that dies leaves a record whole or not at all:
//! what it wrote counts with the last store, that of the ring's head.
//!
//! Who maps the memory, and how it is handed over, is not this room's affair; nothing here calls the system.

mod arena;
mod layout;
mod memory;
mod record;
mod ring;
mod snapshot;
mod standing;
mod tee;

pub use arena::{Arena, ArenaFault};
pub use layout::{LAYOUT_VERSION, Sizes};
pub use memory::{HeapMemory, Memory};
pub use record::{Order, Report, Told, Torn, Window};
pub use snapshot::{NoSnapshot, Snapshot, TapeReader};
pub use standing::{Keeper, Standing};
pub use tee::{Event, Heard, Taken, Trace, TraceReader};

pub(crate) use arena::Sum;
pub use layout::{DESK_GAIN, DESK_MUTED};
pub(crate) use layout::{METERS, METERS_WORDS, ORDERS, REPORTS, WINDOWS};
pub(crate) use ring::{Popped, RingReader, RingWriter, Words};

#[cfg(test)]
mod ring_tests;
