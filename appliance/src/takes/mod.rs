//! Takes: what was played, as FLAC files of 48 kHz, stereo and 24 bits; and behind them the last half hour, so that a take can be kept after
//! the fact.
//!
//! [`Ear`] copies what has left the guard out of the player's tee, and nobody waits for it. [`Behind`] is the half hour: a ring of files of ten
//! seconds each, of which a loss of power takes the last one at most. [`Taking`] is a take that a hand has begun, a recording at every
//! moment; [`keep`] makes takes of what lies behind. [`Loudness`] says how loud it was. Whoever runs them stands in `performance::take_recorder`.

mod behind;
mod ear;
mod flac;
mod growing;
mod keep;
mod loudness;
mod taking;

use std::path::{Path, PathBuf};

pub use behind::{Behind, Segment};
pub use ear::{Ear, Piece};
pub use flac::{Encoder, words_of};
pub use keep::{Interrupted, keep, pending};
pub use loudness::Loudness;
pub use taking::{Taken, Taking};

use crate::files::is_there;

/// What an hour of sound takes on a disk at most, in bytes: noise, which nothing makes smaller. Music takes about six tenths of it.
pub const MOST_BYTES_AN_HOUR: u64 = 3600 * 48_000 * 6;

/// The folder of takes in a state folder.
#[must_use]
pub fn folder(state: &Path) -> PathBuf {
    state.join("takes")
}

/// The folder of what lies behind.
#[must_use]
pub fn behind_folder(state: &Path) -> PathBuf {
    folder(state).join("behind")
}

/// The first name of a take that nobody has.
fn free_name(folder: &Path) -> PathBuf {
    let names = (1_u32..).map(|number| folder.join(format!("take-{number:04}.flac")));
    names.into_iter().find(|it| !is_there(it)).unwrap_or_else(|| folder.join("take.flac"))
}
