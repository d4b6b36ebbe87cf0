//! The flight recorder: what hands did and what went wrong in the last minutes, in a file that outlives the process.
//!
//! [`ring`] is a ring of records in mapped words: to note something is some stores, on any thread but the fast ones, and needs no
//! file to be written before a crash. [`report`] tells it as text, with versions, for somebody who looks into it: no sound, and
//! nothing older; [`crash`] keeps such a text where something crashed. Nothing here decides what is worth a note; nobody waits for it, and where the file cannot be had nothing is noted.

pub mod crash;
pub mod report;
mod ring;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

pub use ring::{Entry, Kind, RECORD_TEXT_BYTES};

use crate::files::{FileError, Mapped};
use ring::{Ring, WORDS};

/// The file's name in the state folder.
pub const FILE: &str = "recorder";

/// Notes what happens; a copy notes into the same file.
#[derive(Clone, Debug)]
pub struct Recorder {
    mapped: Option<Arc<Mapped>>,
}

impl Recorder {
    /// Of the state folder, going on after what is there.
    ///
    /// # Errors
    /// With the file and the fault.
    pub fn open(folder: &Path) -> Result<Self, FileError> {
        let path = folder.join(FILE);
        let mapped = Mapped::open(&path, WORDS).map_err(FileError::writing(&path))?;
        Ring::over(mapped.words()).begin();
        Ok(Self { mapped: Some(Arc::new(mapped)) })
    }

    /// Of nothing: every note is dropped.
    #[must_use]
    pub const fn nowhere() -> Self {
        Self { mapped: None }
    }

    /// Notes a line of text at this moment; what is longer than [`RECORD_TEXT_BYTES`] loses its end.
    pub fn note(&self, kind: Kind, text: &str) {
        if let Some(mapped) = &self.mapped {
            Ring::over(mapped.words()).push(kind, SystemTime::now(), text);
        }
    }
}

/// Reads what a recorder left in a state folder, and changes nothing; `None` where there is none, or nothing that is one.
#[must_use]
pub fn read(folder: &Path) -> Option<Vec<Entry>> {
    let bytes = crate::files::read_regular(&folder.join(FILE), (WORDS * 8) as u64).ok()?;
    ring::entries_of(&bytes)
}
