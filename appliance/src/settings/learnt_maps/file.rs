//! The file of learnt maps: read as far as it is sound, looked at again, written under a lock.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Learnt;
use super::text::{parse, text};
use crate::files::document::{is_newer, lines};
use crate::files::{self, FileError, Held, Lock, Place, Trouble, read_text, shown};

/// Greatest file in bytes.
const LARGEST_BYTES: u64 = 1 << 20;

/// A file, and what is known of it.
#[derive(Debug)]
pub(super) struct MapFile {
    pub(super) path: PathBuf,
    /// What it held when it was last read or written.
    pub(super) filed: Vec<Learnt>,
    /// By which it is seen that another has written it.
    stamp: Stamp,
    /// The file on the disk holds more than was understood, for this reason.
    pub(super) fault: Option<String>,
}

/// Number, time and size of a file; nothing where there is none.
type Stamp = Option<(u64, i64, i64, u64)>;

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.ino(), about.mtime(), about.mtime_nsec(), about.len()))
}

impl MapFile {
    /// A file that was not read yet.
    pub(super) const fn at(path: PathBuf) -> Self {
        Self { path, filed: Vec::new(), stamp: None, fault: None }
    }

    /// Reads the file; answers whether it is of a newer format. What cannot be read leaves what is known as it is.
    pub(super) fn read(&mut self) -> bool {
        // Before the reading: what is written meanwhile is seen with the next look.
        self.stamp = stamp(&self.path);
        match read_text(&self.path, LARGEST_BYTES) {
            Ok(text) => {
                let (controllers, faults) = parse(&text.text);
                let faults = text.with(faults);
                self.filed = controllers;
                self.fault = (!faults.is_empty()).then(|| lines(&self.path, &faults));
                is_newer(&faults)
            }
            Err(Trouble::Missing) => {
                (self.filed, self.fault) = (Vec::new(), None);
                false
            }
            Err(trouble) => {
                let error = FileError::reading(&self.path)(trouble);
                self.fault = Some(format!("{error}; what was learnt is not known"));
                false
            }
        }
    }

    /// Whether it is another than the one that was last read or written.
    pub(super) fn has_changed(&self) -> bool {
        stamp(&self.path) != self.stamp
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Why it could not be written; `None` where it can be.
    pub(super) fn why_not_kept(&self) -> Option<String> {
        let trouble = files::why_not_writable(self.folder())?;
        Some(format!("{}: what is learnt cannot be kept there: {trouble}", shown(self.folder())))
    }

    /// Nobody else reads, changes and writes while this is held. The folder is made.
    pub(super) fn lock(&self) -> Result<Lock, FileError> {
        std::fs::create_dir_all(self.folder()).map_err(FileError::writing(&self.path))?;
        Lock::folder(self.folder()).map_err(|held| match held {
            Held::System(error) => FileError::writing(&self.path)(error),
            busy @ Held::By(_) => FileError::writing(&self.path)(std::io::Error::other(busy)),
        })
    }

    /// Writes it anew, beside the old one and renamed over it. One with faults is copied aside before.
    pub(super) fn write(&mut self, controllers: &[Learnt]) -> Result<(), FileError> {
        let mut part = Place::look(&self.path)?.begin()?;
        part.write_all(text(controllers).as_bytes()).map_err(FileError::writing(&self.path))?;
        let mut aside = None;
        if self.fault.is_some() && files::is_there(&self.path) {
            // Only when the new one is safe on the disk: a full disk loses nothing that was there.
            part.sync()?;
            let names = (1..).map(|number| self.path.with_extension(format!("toml.faulty-{number}")));
            aside = Some(files::copy_aside(&self.path, names)?);
        }
        part.finish().inspect_err(|_| {
            // The file itself is still there: the copy of it says nothing.
            let _ = aside.map(std::fs::remove_file);
        })?;
        self.filed = controllers.to_vec();
        (self.fault, self.stamp) = (None, stamp(&self.path));
        Ok(())
    }
}
