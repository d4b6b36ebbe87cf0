//! A read-only file mapping. The only file of the model that needs `unsafe`; it opens files and knows nothing else.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use memmap2::{Mmap, UncheckedAdvice};

/// A whole file, mapped.
#[derive(Debug)]
pub(super) struct Map(Option<Mmap>);

impl Map {
    /// Maps the file; an empty one has no bytes.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // Asked before it is opened: a pipe that nobody writes would be waited for.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        if file.metadata()?.len() == 0 {
            return Ok(Self(None));
        }
        // SAFETY: the mapping is private and read-only. Model files are replaced whole, by rename, never written in
        // place; whoever truncates one under us ends the process with SIGBUS, which no reader of a mapping can prevent.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self(Some(map)))
    }

    /// All bytes of the file.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }

    /// Gives the pages of `range` back to the system; touching them again reads them again. A hint: faults are ignored.
    pub(super) fn release(&self, range: Range<usize>) {
        let Some(map) = &self.0 else { return };
        if range.is_empty() || map.len() < range.end {
            return;
        }
        // SAFETY: DONTNEED on a private, never-written, file-backed mapping drops clean pages only: the bytes read back
        // from the file are the same, so borrows of them stay valid, also in the pages shared with neighbours.
        let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
    }
}
