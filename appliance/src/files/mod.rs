//! Every file of the box is opened and written here: recordings, texts, takes, patches, plans, state.
//!
//! What a name leads to is asked before anything is done with it. A file is read only where it is a file: a pipe that nobody
//! writes, a device or a folder is a word at once and never a wait (`open`). A text is read whatever bytes it is made of, with
//! a fault for what had to be guessed (`text`). A file is written beside its place and moved there when it is whole, so that
//! a full disk, a lost power and a killed process leave the old one or the new one (`write`, over the system calls of `disk`);
//! a take is heard while it is written (`take`). Names are shown so that a terminal cannot be steered by them (`names`).
//! What has no room for a second copy, a slot of the box, is written in place (`volume`).
//! Nothing else in this crate opens a file; `tests/tidy.rs` holds that. It never runs on a thread that sound waits for,
//! but for a take, whose thread has nothing else to play on.

mod disk;
pub mod document;
mod lock;
mod mapped;
mod names;
mod open;
mod remark;
mod take;
mod text;
pub mod volume;
mod write;

pub use lock::{Held, Lock};
pub use mapped::Mapped;
pub use names::{Shown, plain, shown};
pub use open::{Kind, Recorded, Trouble, is_there, open_recording, open_regular, read_all, read_regular};
pub use remark::Remark;
pub use take::Take;
pub use text::{Text, decode, read_text};
pub use write::{
    FileError, Part, Place, append, copy_aside, copy_over, has_same_bytes, move_aside, sweep_parts, why_not_writable,
    write_whole,
};

/// The name that stands for standard input where a file is read, and for standard output where one is written.
pub const STREAM: &str = "-";
