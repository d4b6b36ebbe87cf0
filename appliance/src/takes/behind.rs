//! What lies behind the music: its last minutes, on the disk, as a ring of FLAC files of ten seconds each.
//!
//! A file belongs to the one before it, to the sample, but where its name says that a run begins with it. Each is on the disk before the next is
//! begun. One that a loss of power has left without its length is measured at the next start; what is older than wanted goes, and where the
//! disk has little room more of it goes: takes and what is kept of the music are worth more.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::flac::{BLOCK, Decoder, HEAD_BYTES, frames_of, head};
use super::growing::Growing;
use crate::files::FileError;
use crate::files::volume::{LEAST_ROOM, Volume, remove, room};

/// Stereo samples of a file: whole blocks, about ten seconds.
pub const SEGMENT: u64 = 117 * BLOCK as u64;
/// With less room than this on the disk the oldest files go, in bytes.
const ENOUGH_ROOM: u64 = 4 * LEAST_ROOM;
const ENDING: &str = ".flac";
const BEGINS: &str = "-begins";

/// A file of the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its place in the order; never used twice.
    pub number: u64,
    /// Whether what is before it is not what was heard before it.
    pub begins: bool,
    /// Its length in stereo samples.
    pub frames: u64,
}

impl Segment {
    /// Where it is.
    #[must_use]
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{:010}{}{ENDING}", self.number, if self.begins { BEGINS } else { "" }))
    }

    fn of_name(name: &str) -> Option<Self> {
        let name = name.strip_suffix(ENDING)?;
        let (number, begins) = name.strip_suffix(BEGINS).map_or((name, false), |it| (it, true));
        let is_one = number.len() == 10 && number.bytes().all(|it| it.is_ascii_digit());
        is_one.then(|| number.parse().ok()).flatten().map(|number| Self { number, begins, frames: 0 })
    }
}

/// The ring.
#[derive(Debug)]
pub struct Behind {
    folder: PathBuf,
    /// Stereo samples that are kept at least, once they were played.
    most: u64,
    whole: VecDeque<Segment>,
    open: Option<Open>,
    next: u64,
    /// Whether the next sample does not belong to the one before.
    begins: bool,
    /// Files from this one on stay, whatever their age.
    held_from: Option<u64>,
}

/// The file that is being written.
#[derive(Debug)]
struct Open {
    segment: Segment,
    file: Growing,
}

impl Behind {
    /// Opens the ring in a folder, which is made where it is missing; what is there is measured where it has to be.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(folder: &Path, most: u64) -> Result<Self, FileError> {
        std::fs::create_dir_all(folder).map_err(FileError::writing(folder))?;
        let names = std::fs::read_dir(folder).map_err(FileError::reading(folder))?.filter_map(Result::ok);
        let mut found: Vec<Segment> =
            names.filter_map(|it| Segment::of_name(&it.file_name().to_string_lossy())).collect();
        found.sort_unstable_by_key(|it| it.number);
        let mut whole = VecDeque::new();
        let next = found.last().map_or(1, |it| it.number + 1);
        for mut segment in found {
            let path = segment.path(folder);
            match measure(&path)? {
                0 => remove(&path)?,
                frames => {
                    segment.frames = frames;
                    whole.push_back(segment);
                }
            }
        }
        let (open, begins, held_from) = (None, true, None);
        Ok(Self { folder: folder.to_owned(), most, whole, open, next, begins, held_from })
    }

    /// What follows does not belong to what was pushed last.
    pub const fn interrupt(&mut self) {
        self.begins = true;
    }

    /// Adds samples, left and right in turn. After a failure what is whole stays, and a new run begins.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn push(&mut self, words: &[i32]) -> Result<(), FileError> {
        let pushed = self.try_push(words);
        if pushed.is_err() {
            // What could be written of it is found at the next start.
            (self.open, self.begins) = (None, true);
        }
        pushed
    }

    fn try_push(&mut self, words: &[i32]) -> Result<(), FileError> {
        let mut rest = words;
        while !rest.is_empty() {
            if self.begins && self.open.is_some() {
                self.close()?;
            }
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.begin()?,
            };
            let left = (SEGMENT - open.file.frames()) as usize;
            let (now, later) = rest.split_at(rest.len().min(2 * left));
            rest = later;
            open.file.push(now)?;
            let is_whole = open.file.frames() == SEGMENT;
            self.open = Some(open);
            if is_whole {
                self.close()?;
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<Open, FileError> {
        let segment = Segment { number: self.next, begins: self.begins, frames: 0 };
        let file = Growing::begin(&segment.path(&self.folder))?;
        (self.next, self.begins) = (self.next + 1, false);
        Ok(Open { segment, file })
    }

    /// Ends the file that is being written, however short it is, and lets go of what is too old.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn close(&mut self) -> Result<(), FileError> {
        if let Some(mut open) = self.open.take() {
            open.file.finish()?;
            let frames = open.file.frames();
            self.whole.push_back(Segment { frames, ..open.segment });
        }
        self.let_go_of_the_oldest()
    }

    fn let_go_of_the_oldest(&mut self) -> Result<(), FileError> {
        while let Some(oldest) = self.whole.front() {
            let is_held = self.held_from.is_some_and(|it| it <= oldest.number);
            let is_too_old = self.most <= self.frames() - oldest.frames;
            if is_held || !(is_too_old || room(&self.folder)? < ENOUGH_ROOM) {
                break;
            }
            remove(&oldest.path(&self.folder))?;
            self.whole.pop_front();
        }
        Ok(())
    }

    /// Stereo samples that are there, whole or not.
    #[must_use]
    pub fn frames(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, |it| it.file.frames());
        self.whole.iter().map(|it| it.frames).sum::<u64>() + open
    }

    /// All that is whole, the oldest first; it stays until [`Self::let_go`].
    pub fn hold(&mut self) -> Vec<Segment> {
        self.held_from = self.whole.front().map(|it| it.number);
        self.whole.iter().cloned().collect()
    }

    /// What was held need not stay.
    pub const fn let_go(&mut self) {
        self.held_from = None;
    }
}

/// How many stereo samples a file has; where it does not say so it is measured, and says so from then on. 0 where it is no file of ours, or
/// has nothing in it.
fn measure(path: &Path) -> Result<u64, FileError> {
    let volume = Volume::make(path)?;
    let mut bytes = [0; HEAD_BYTES];
    let told = volume.read_at(0, &mut bytes).ok().and_then(|()| frames_of(&bytes));
    let frames = match told {
        None => return Ok(0),
        Some(frames @ 1..=SEGMENT) => return Ok(frames),
        // It was not ended, or says what no file of the ring has.
        Some(_) => {
            let mut decoder = Decoder::open(path)?;
            let mut frames = 0;
            while let Some(block) = decoder.block().filter(|_| frames < SEGMENT) {
                frames += block.len() as u64 / 2;
            }
            frames.min(SEGMENT)
        }
    };
    volume.write_at(0, &head(frames)).and_then(|()| volume.sync()).map_err(FileError::writing(path))?;
    Ok(frames)
}

#[cfg(test)]
#[path = "behind_tests.rs"]
mod tests;
