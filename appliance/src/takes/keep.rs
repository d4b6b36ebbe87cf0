//! Makes takes of what lies behind: a take a run, the newest last. Slow, for a thread that nobody waits for.
//!
//! What is to be kept is noted first, so that a start after a loss of power, or after an end that came too early, makes it again from the
//! beginning; the note goes when all of it is there.

use std::io::Write as _;
use std::path::Path;

use super::behind::Segment;
use super::flac::{Decoder, Encoder, head};
use super::free_name;
use super::taking::Taken;
use crate::files::volume::{remove, sync_folder};
use crate::files::{FileError, Place, is_there, read_regular, write_whole};

/// The note of what is to be kept, beside the files: first and last number.
const NOTE: &str = "keep";
/// It is two numbers.
const NOTE_BYTES: u64 = 64;

/// Why nothing was kept.
#[derive(Debug)]
pub enum Interrupted {
    /// The performance ends; the next start goes on.
    Stopped,
    /// The disk refused.
    Failed(FileError),
}

impl From<FileError> for Interrupted {
    fn from(error: FileError) -> Self {
        Self::Failed(error)
    }
}

/// Of the files that are there, those that a performance before was to keep and did not.
#[must_use]
pub fn pending(behind: &Path, there: &[Segment]) -> Vec<Segment> {
    let noted = read_regular(&behind.join(NOTE), NOTE_BYTES).ok().and_then(|it| {
        let text = String::from_utf8(it).ok()?;
        let mut numbers = text.split_whitespace().map_while(|it| it.parse::<u64>().ok());
        Some(numbers.next()?..=numbers.next()?)
    });
    there.iter().filter(|it| noted.as_ref().is_some_and(|range| range.contains(&it.number))).cloned().collect()
}

/// Makes takes in `folder` of these files of the folder `behind`; `stops` is asked now and then.
///
/// # Errors
/// [`Interrupted`]; takes that are whole stay.
pub fn keep(
    behind: &Path,
    segments: &[Segment],
    folder: &Path,
    stops: &dyn Fn() -> bool,
) -> Result<Vec<Taken>, Interrupted> {
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return Ok(Vec::new()) };
    std::fs::create_dir_all(folder).map_err(FileError::writing(folder))?;
    let note = behind.join(NOTE);
    write_whole(&note, format!("{} {}\n", first.number, last.number).as_bytes())?;
    let mut taken = Vec::new();
    for run in segments.chunk_by(|_, next| !next.begins) {
        taken.push(join(behind, run, &free_name(folder), stops)?);
    }
    if is_there(&note) {
        remove(&note)?;
        sync_folder(&note)?;
    }
    Ok(taken)
}

/// One file of a run of them.
fn join(behind: &Path, run: &[Segment], path: &Path, stops: &dyn Fn() -> bool) -> Result<Taken, Interrupted> {
    let failed = FileError::writing(path);
    let mut part = Place::look(path)?.begin()?;
    let frames = run.iter().map(|it| it.frames).sum();
    part.write_all(&head(frames)).map_err(&failed)?;
    let mut encoder = Encoder::default();
    for segment in run {
        let mut decoder = Decoder::open(&segment.path(behind))?;
        // A file that was changed meanwhile is as long as it was said to be all the same.
        let mut left = 2 * segment.frames as usize;
        while let Some(block) = decoder.block().filter(|_| 0 < left) {
            if stops() {
                return Err(Interrupted::Stopped);
            }
            let block = &block[..block.len().min(left)];
            left -= block.len();
            part.write_all(&encoder.push(block)).map_err(&failed)?;
        }
        part.write_all(&encoder.push(&vec![0; left])).map_err(&failed)?;
    }
    part.write_all(&encoder.finish()).map_err(&failed)?;
    part.finish_new()?;
    Ok(Taken { path: path.to_owned(), frames, missing: 0 })
}
