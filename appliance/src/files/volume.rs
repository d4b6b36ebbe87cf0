//! Writing in place: a partition or a file that takes what is written at once, and is never renamed.
//!
//! For what has no room for a second copy beside it: the other slot of a box, and the boot partition, whose order of writes is the caller's.
//! Nothing written here is whole before [`Volume::sync`] has come back; whoever writes says what a loss of power leaves
//! (`update::install`).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, OFlags, fadvise};

use super::open::{Kind, Trouble, look};
use super::write::{FileError, folder_of};

/// Something that is written in place.
#[derive(Debug)]
pub struct Volume {
    file: File,
    path: PathBuf,
    bytes: u64,
}

impl Volume {
    /// Opens a partition, or a file that stands for one. A partition that is mounted or that something else holds is refused.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let no = FileError::writing(path);
        let found = Kind::of(&look(path).map_err(FileError::writing(path))?);
        let exclusive = match found {
            Kind::Disk => OFlags::EXCL,
            Kind::File => OFlags::empty(),
            found => return Err(FileError::writing(path)(Trouble::Kind { found, expected: "a partition or a file" })),
        };
        let flags = exclusive.bits() as i32;
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).map_err(no)?;
        Self::of(file, path).map_err(FileError::writing(path))
    }

    /// Opens a file, and makes it where it is missing; what is in it stays.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn make(path: &Path) -> Result<Self, FileError> {
        let flags = OFlags::NOFOLLOW.bits() as i32;
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).custom_flags(flags).open(path);
        file.and_then(|it| Self::of(it, path)).map_err(FileError::writing(path))
    }

    fn of(file: File, path: &Path) -> io::Result<Self> {
        // Of a partition the file's own size is nothing; its end is where one can seek to.
        let bytes = io::Seek::seek(&mut &file, io::SeekFrom::End(0))?;
        Ok(Self { file, path: path.to_owned(), bytes })
    }

    /// Its size when it was opened.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of `bytes` from byte `at` on.
    ///
    /// # Errors
    /// What the disk says.
    pub fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    /// Reads as many bytes as `out` has, from byte `at` on.
    ///
    /// # Errors
    /// What the disk says, and when it ends before.
    pub fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, at)
    }

    /// Waits until everything written is on the disk, and forgets what memory holds of it: what is read from now on is what the disk has, and
    /// others keep their memory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        // Advice; a file system that takes none reads what memory holds.
        let _ = fadvise(self.file.as_fd(), 0, None, Advice::DontNeed);
        Ok(())
    }
}

/// Takes a file away. It is gone for good after [`sync_folder`].
///
/// # Errors
/// [`FileError`].
pub fn remove(path: &Path) -> Result<(), FileError> {
    std::fs::remove_file(path).map_err(FileError::writing(path))
}

/// Gives a file another name in its folder, for good after [`sync_folder`].
///
/// # Errors
/// [`FileError`].
pub fn rename(path: &Path, to: &Path) -> Result<(), FileError> {
    std::fs::rename(path, to).map_err(FileError::writing(to))
}

/// Waits until names that were made, changed or taken away in the folder of `path` are on the disk.
///
/// # Errors
/// [`FileError`].
pub fn sync_folder(path: &Path) -> Result<(), FileError> {
    File::open(folder_of(path)).and_then(|it| it.sync_all()).map_err(FileError::writing(path))
}

/// Below this a disk is as good as full: what is kept of an evening may not fit.
pub const LEAST_ROOM: u64 = 64 << 20;

/// Free bytes of the file system that a folder lies on.
///
/// # Errors
/// [`FileError`].
pub fn room(folder: &Path) -> Result<u64, FileError> {
    let about = rustix::fs::statvfs(folder).map_err(io::Error::from).map_err(FileError::writing(folder))?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::{Volume, remove, rename, room, sync_folder};

    #[test]
    fn what_is_written_in_place_stands_there_and_a_folder_or_a_link_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("slot");
        std::fs::write(&path, [7; 4096]).expect("a disk");
        let volume = Volume::open(&path).expect("a file");
        assert_eq!(volume.bytes(), 4096);
        volume.write_at(512, b"here").expect("a disk");
        volume.sync().expect("a disk");
        let mut out = [0; 5];
        volume.read_at(511, &mut out).expect("a disk");
        assert_eq!(&out, b"\x07here");
        assert!(volume.read_at(4095, &mut [0; 2]).is_err(), "it ends there");
        let told = Volume::open(folder.path()).expect_err("a folder").to_string();
        assert!(told.ends_with("a folder (expected a partition or a file)"), "{told}");
        std::os::unix::fs::symlink(&path, folder.path().join("link")).expect("a disk");
        assert!(Volume::make(&folder.path().join("link")).is_err(), "a stick leads nowhere by a link");
        let to = folder.path().join("other");
        rename(&path, &to).expect("a disk");
        sync_folder(&to).expect("a disk");
        assert!(!path.exists() && 0 < room(folder.path()).expect("a disk"));
        remove(&to).expect("a disk");
        assert!(!to.exists() && remove(&to).is_err());
    }
}
