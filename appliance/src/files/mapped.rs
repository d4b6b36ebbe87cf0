//! A file of a fixed length as words in memory: what is stored there is seen by whoever else maps it, and outlives the process
//! without a system call. This file is the fence around such mappings.
#![allow(unsafe_code)]

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::fs::{FallocateFlags, OFlags, fallocate};

use super::open::{Kind, Trouble};

/// Words of a file, shared with whoever else has mapped it.
#[derive(Debug)]
pub struct Mapped {
    map: MmapRaw,
}

impl Mapped {
    /// Maps `words` words of a file, which is made where it is missing and filled up with zeros where it is shorter. Its room on
    /// the disk is taken at once: a disk that fills up later does not end the process at a store.
    ///
    /// # Errors
    /// [`Trouble`]: it is no file, or the disk has no room.
    pub fn open(path: &Path, words: usize) -> Result<Self, Trouble> {
        let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32;
        let file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).custom_flags(flags).open(path)?;
        let found = Kind::of(&file.metadata()?);
        if found != Kind::File {
            return Err(Trouble::Kind { found, expected: "a file" });
        }
        let bytes = words * size_of::<AtomicU64>();
        if let Err(error) = fallocate(&file, FallocateFlags::empty(), 0, bytes as u64) {
            if file.metadata()?.len() == 0 {
                // It was made just now, and holds nothing.
                let _ = std::fs::remove_file(path);
            }
            return Err(io::Error::from(error).into());
        }
        Ok(Self { map: MmapOptions::new().len(bytes).map_raw(&file)? })
    }

    /// Maps all whole words of a file that is open, and that nobody can shorten; in large pages, where the system gives them to such
    /// files: what an audio thread writes there, it comes back to a lap later.
    ///
    /// # Errors
    /// As the system says it; when there is not one word in it, too.
    pub fn whole(file: &impl AsRawFd) -> io::Result<Self> {
        let map = MmapOptions::new().map_raw(file)?;
        // Where it gives none, small ones do.
        let _ = map.advise(Advice::HugePage);
        Ok(Self { map })
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[AtomicU64] {
        let count = self.map.len() / size_of::<AtomicU64>();
        // SAFETY: the map is `len` readable and writable bytes for as long as `self` lives, begins on a page and so on a word, and
        // is never reached but through these atomics; any bits are a word. A file that somebody cuts off under us ends the
        // process with SIGBUS, as it would any that maps a file: one that was opened here lies in the box's own folder, and one
        // that was handed over is sealed.
        unsafe { std::slice::from_raw_parts(self.map.as_mut_ptr().cast::<AtomicU64>(), count) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn what_is_stored_is_there_when_it_is_mapped_again_and_the_rest_is_zero() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("words");
        Mapped::open(&path, 512).expect("it can be made").words()[7].store(99, Relaxed);
        let again = Mapped::open(&path, 1024).expect("it is there, and grows");
        let words: Vec<u64> = again.words().iter().map(|it| it.load(Relaxed)).collect();
        assert_eq!((words.len(), words[7], words.iter().sum::<u64>()), (1024, 99, 99));
    }

    #[test]
    fn a_folder_and_a_link_are_refused() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        assert!(Mapped::open(folder.path(), 512).is_err());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).expect("a link can be made");
        assert!(Mapped::open(&link, 512).is_err());
        assert!(matches!(Mapped::open(Path::new("/dev/null"), 512), Err(Trouble::Kind { .. })));
    }
}
