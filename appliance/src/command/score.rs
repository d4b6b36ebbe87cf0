//! A Standard MIDI File from disk, as the score that a command plays.

use std::path::Path;

use anyhow::Context;
use hal::midi::Score;

use crate::files::{self, FileError, shown};

/// Greatest MIDI file in bytes: hours of fourteen-bit faders is a few megabytes.
const LARGEST_SCORE_BYTES: u64 = 64 << 20;

/// Reads a Standard MIDI File, `-` and pipes too; what of it is not heard as it was written goes to `say`, a line each.
///
/// # Errors
/// With the file and the fault.
pub fn read_score(path: &Path, say: &mut dyn FnMut(&str)) -> anyhow::Result<Score> {
    let bytes = files::read_all(path, LARGEST_SCORE_BYTES).map_err(FileError::reading(path))?;
    let score = Score::read(&bytes).with_context(|| format!("{}: not a MIDI file that can be played", shown(path)))?;
    score.notices().iter().for_each(|notice| say(&format!("{}: {notice}", shown(path))));
    Ok(score)
}
