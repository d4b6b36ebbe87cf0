//! A take: a WAV file that grows while it is played, and that is a recording at every moment.
//!
//! It is not renamed at its end as other files are: whoever pulls the plug after an hour wants that hour. A new take has its
//! name from the beginning, which nobody else can have taken (two that start at once get two takes). One that replaces a file
//! takes its place after its first second, when it is on the disk whole as a recording of that second: up to then the old
//! file is there. A take without any sound is taken away again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hal::audio::WavFile;
use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use super::write::{FileError, Place, Stream, folder_of};
use super::{Trouble, shown};

/// A take that is being written.
pub struct Take(State);

enum State {
    /// Under its own name; `sounds` once there is something in it.
    There { file: File, path: PathBuf, sounds: bool },
    /// Beside the file that it will replace.
    Beside { part: NamedTempFile, place: Place },
    /// Into a pipe or a device.
    Stream(Stream),
    /// Between two of them, and after a failure.
    Nowhere,
}

impl Take {
    /// A take at a place.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn at(place: &Place) -> Result<Self, FileError> {
        let failed = FileError::writing(place.path());
        if place.is_stream() {
            return Ok(Self(State::Stream(place.stream().map_err(failed)?)));
        }
        if place.is_taken() {
            let part = place.part().map_err(FileError::writing(place.path()))?;
            return Ok(Self(State::Beside { part, place: place.clone() }));
        }
        Self::new(place.real()).map_err(FileError::writing(place.path()))
    }

    /// A take of the first of `names` that nobody has; with its name.
    ///
    /// # Errors
    /// [`FileError`]; when all names are taken, of the last of them.
    pub fn first_of(names: impl IntoIterator<Item = PathBuf>) -> Result<(Self, PathBuf), FileError> {
        let mut taken = None;
        for path in names {
            match Self::new(&path) {
                Ok(take) => return Ok((take, path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = Some((path, error)),
                Err(error) => return Err(FileError::writing(&path)(error)),
            }
        }
        let (path, error) = taken.unwrap_or_else(|| (PathBuf::new(), io::ErrorKind::InvalidInput.into()));
        Err(FileError { path, doing: "written", trouble: Trouble::System(error) })
    }

    fn new(path: &Path) -> io::Result<Self> {
        let flags = OFlags::NOCTTY.bits() as i32;
        let file = OpenOptions::new().write(true).create_new(true).custom_flags(flags).open(path)?;
        Ok(Self(State::There { file, path: path.to_owned(), sounds: false }))
    }

    fn gone() -> io::Error {
        io::Error::new(io::ErrorKind::NotFound, "the take was given up")
    }
}

impl Write for Take {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            State::There { file, .. } => file.write(bytes),
            State::Beside { part, .. } => part.as_file_mut().write(bytes),
            State::Stream(stream) => stream.write(bytes),
            State::Nowhere => Err(Self::gone()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WavFile for Take {
    fn is_stream(&self) -> bool {
        matches!(self.0, State::Stream(_))
    }

    fn head(&mut self, header: &[u8]) -> io::Result<()> {
        self.0 = match std::mem::replace(&mut self.0, State::Nowhere) {
            State::There { file, path, .. } => {
                file.write_all_at(header, 0)?;
                State::There { file, path, sounds: true }
            }
            State::Beside { part, place } => {
                part.as_file().write_all_at(header, 0)?;
                // From here on the new one is worth more than the old one.
                let file = place.settle(part, false)?;
                State::There { file, path: place.real().to_owned(), sounds: true }
            }
            other => other,
        };
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        match &self.0 {
            State::There { file, path, sounds: true } => {
                file.sync_all()?;
                match OpenOptions::new().read(true).open(folder_of(path)).and_then(|it| it.sync_all()) {
                    // As of any other file: what a file system does not know cannot be asked of it.
                    Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        if let State::There { path, sounds: false, .. } = &self.0 {
            // Nothing was played into it.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl std::fmt::Debug for Take {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            State::There { path, .. } => write!(f, "Take({})", shown(path)),
            State::Beside { place, .. } => write!(f, "Take({}, beside)", place.name()),
            State::Stream(_) => f.write_str("Take(a stream)"),
            State::Nowhere => f.write_str("Take(given up)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Take, WavFile};
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").file_name());
        entries.map(|it| it.to_string_lossy().into_owned()).collect()
    }

    fn take(path: &Path) -> Take {
        let mut take = Take::at(&Place::look(path).expect("a place")).expect("a take");
        take.write_all(b"head, sound").expect("a disk");
        take
    }

    #[test]
    fn an_old_file_is_there_until_the_take_is_a_recording() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("take.wav");
        fs::write(&path, b"old").expect("a disk");
        let given_up = take(&path);
        assert_eq!(fs::read(&path).expect("it is there"), b"old");
        drop(given_up);
        assert_eq!((fs::read(&path).expect("it is there"), names(folder.path()).len()), (b"old".to_vec(), 1));
        let mut kept = take(&path);
        kept.head(b"HEAD").expect("a disk");
        assert_eq!(fs::read(&path).expect("it is there"), b"HEAD, sound");
        kept.write_all(b", more").expect("a disk");
        kept.head(b"Head").expect("a disk");
        kept.end().expect("a disk");
        drop(kept);
        assert_eq!(
            (fs::read(&path).expect("it is there"), names(folder.path()).len()),
            (b"Head, sound, more".to_vec(), 1)
        );
    }

    #[test]
    fn a_new_take_has_its_name_at_once_and_goes_when_nothing_is_heard_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("take.wav");
        let first = take(&path);
        assert_eq!(names(folder.path()), ["take.wav"]);
        // Somebody who looked before it was there does not get it.
        let second = Take::new(&path).expect_err("it is taken");
        assert_eq!(second.kind(), std::io::ErrorKind::AlreadyExists);
        drop(first);
        assert!(names(folder.path()).is_empty());
        let mut kept = take(&path);
        kept.head(b"HEAD").expect("a disk");
        drop(kept);
        assert_eq!(fs::read(&path).expect("a killed program leaves it"), b"HEAD, sound");
    }

    #[test]
    fn a_take_into_a_device_goes_out_as_it_comes() {
        let mut take = take(Path::new("/dev/null"));
        assert!(take.is_stream());
        take.head(b"HEAD").expect("nothing to do");
        take.end().expect("nothing to do");
    }
}
