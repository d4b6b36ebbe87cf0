//! A take that a hand has begun: a file that grows, and that is a recording at every moment.

use std::path::{Path, PathBuf};

use super::free_name;
use super::growing::Growing;
use crate::files::FileError;
use crate::files::volume::remove;

/// A take that is being recorded.
#[derive(Debug)]
pub struct Taking {
    file: Growing,
    /// Stereo samples that nobody heard in time: silence stands there.
    missing: u64,
}

/// A take that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its file.
    pub path: PathBuf,
    /// Its length in stereo samples.
    pub frames: u64,
    /// Of those, how many are silence because nobody heard them in time.
    pub missing: u64,
}

impl Taking {
    /// Begins a take in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn begin(folder: &Path) -> Result<Self, FileError> {
        std::fs::create_dir_all(folder).map_err(FileError::writing(folder))?;
        let taking = Self { file: Growing::begin(&free_name(folder))?, missing: 0 };
        taking.file.sync()?;
        Ok(taking)
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Stereo samples so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.file.frames()
    }

    /// Adds samples, left and right in turn.
    ///
    /// # Errors
    /// [`FileError`]; what was written before is a take.
    pub fn push(&mut self, words: &[i32]) -> Result<(), FileError> {
        self.file.push(words)
    }

    /// Adds silence for so many stereo samples that are missing, so that what follows stays in time.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn miss(&mut self, frames: u64) -> Result<(), FileError> {
        static SILENCE: [i32; 2 * 4096] = [0; 2 * 4096];
        self.missing += frames;
        let mut left = frames;
        while 0 < left {
            let now = left.min(4096);
            self.push(&SILENCE[..2 * now as usize])?;
            left -= now;
        }
        Ok(())
    }

    /// Ends it: what was pushed is on the disk, and the file says how long it is. One without sound is taken away.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn end(mut self) -> Result<Option<Taken>, FileError> {
        let frames = self.frames();
        if frames == 0 {
            remove(self.path())?;
            return Ok(None);
        }
        self.file.finish()?;
        Ok(Some(Taken { path: self.path().to_owned(), frames, missing: self.missing }))
    }
}

#[cfg(test)]
mod tests {
    use super::Taking;
    use std::fs;
    use std::io::Cursor;

    #[test]
    fn a_take_is_a_recording_while_it_grows_and_says_its_length_at_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let takes = folder.path().join("takes");
        let (mut take, empty) = (Taking::begin(&takes).expect("a disk"), Taking::begin(&takes).expect("a disk"));
        let words: Vec<i32> = (0..2 * 60_000).map(|it| (it % 8_000) * 500).collect();
        take.push(&words).expect("a disk");
        let path = take.path().to_owned();
        let read = |name: &str| {
            let bytes = Cursor::new(fs::read(&path).expect("it is there"));
            crate::recording::read_source(bytes, name.to_owned(), 10.0, &mut |_| ()).expect("a recording")
        };
        assert_eq!(read("while it grows").origin.frames, 14 * 4_096);
        take.miss(50_000).expect("a disk");
        assert_eq!(empty.end().expect("a disk"), None);
        let taken = take.end().expect("a disk").expect("there is sound");
        assert_eq!((taken.frames, taken.missing, taken.path.clone()), (110_000, 50_000, takes.join("take-0001.flac")));
        let whole = read("at its end");
        assert_eq!((whole.origin.frames, fs::read_dir(&takes).expect("a folder").count()), (110_000, 1));
    }
}
