//! The system calls of a write, one by one, so that each can be made to fail.
//!
//! [`RealDisk`] makes them; the fake beside it makes them too, up to the one that it was told to fail at.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use tempfile::{NamedTempFile, TempPath};

/// Rights of a new file, less those that the process takes away from all of its files.
const USUAL_MODE: u32 = 0o666;
/// Ending of a file that is not whole yet. A process that was killed leaves one behind; nothing ever reads it.
pub(super) const PART: &str = "part";

/// What the name of a part of `name` begins with. A name of 255 bytes is the longest; what is added to it needs room.
pub(super) fn before(name: &OsStr) -> String {
    let name: String = name.to_string_lossy().chars().take(48).collect();
    format!(".{name}.")
}

/// What a write asks of a disk.
pub(super) trait Disk: Send + Sync {
    /// A file of a name that nobody else has, hidden, beside what will be `name`; with the rights of the old one.
    fn create(&self, folder: &Path, name: &OsStr, mode: Option<u32>) -> io::Result<NamedTempFile>;
    /// Writes some of the bytes.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize>;
    /// Waits until the bytes are on the disk.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Gives the file its name: in the place of the old one, or, `exclusive`, where there is none.
    fn rename(&self, part: TempPath, to: &Path, exclusive: bool) -> Result<(), (io::Error, TempPath)>;
    /// Waits until the name is on the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The disk.
#[derive(Debug)]
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, folder: &Path, name: &OsStr, mode: Option<u32>) -> io::Result<NamedTempFile> {
        let part = tempfile::Builder::new()
            .prefix(&before(name))
            .suffix(&format!(".{PART}"))
            // Opened here, since an error of the crate's own opening names the part, which nobody asked for.
            .make_in(folder, |path| {
                OpenOptions::new().read(true).write(true).create_new(true).mode(USUAL_MODE).open(path)
            })?;
        if let Some(mode) = mode {
            part.as_file().set_permissions(Permissions::from_mode(mode))?;
        }
        Ok(part)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, part: TempPath, to: &Path, exclusive: bool) -> Result<(), (io::Error, TempPath)> {
        let done = if exclusive { part.persist_noclobber(to) } else { part.persist(to) };
        done.map_err(|failed| (failed.error, failed.path))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let flags = (OFlags::DIRECTORY | OFlags::NONBLOCK).bits() as i32;
        let folder = OpenOptions::new().read(true).custom_flags(flags).open(folder);
        match folder.and_then(|it| it.sync_all()) {
            // A folder that may be written and not listed, and file systems that know no such thing: all was done that can be.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }
}

/// A call, for the fake.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Create,
    Write,
    Sync,
    Rename,
    SyncFolder,
}

/// A disk that fails at one call, a number of times.
#[cfg(test)]
pub(super) struct FakeDisk {
    pub call: Call,
    /// What the system would say.
    pub errno: i32,
    /// How many such calls succeed before.
    pub after: std::sync::atomic::AtomicU32,
    /// How many fail then.
    pub times: std::sync::atomic::AtomicU32,
}

#[cfg(test)]
impl FakeDisk {
    pub fn failing(call: Call, errno: i32, after: u32, times: u32) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self { call, errno, after: after.into(), times: times.into() })
    }

    /// Whether it was asked for what it fails at, as often as it was to fail.
    pub fn has_failed(&self) -> bool {
        self.times.load(std::sync::atomic::Ordering::Relaxed) == 0
    }

    fn fails(&self, call: Call) -> io::Result<()> {
        use std::sync::atomic::Ordering::Relaxed;
        let less = |it: u32| it.checked_sub(1);
        if call != self.call || self.after.fetch_update(Relaxed, Relaxed, less).is_ok() {
            return Ok(());
        }
        match self.times.fetch_update(Relaxed, Relaxed, less) {
            Ok(_) => Err(io::Error::from_raw_os_error(self.errno)),
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
impl Disk for FakeDisk {
    fn create(&self, folder: &Path, name: &OsStr, mode: Option<u32>) -> io::Result<NamedTempFile> {
        self.fails(Call::Create).and_then(|()| RealDisk.create(folder, name, mode))
    }

    /// A disk that becomes full takes what still fits: a byte at a time, so that a failure comes in the middle.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        self.fails(Call::Write).and_then(|()| RealDisk.write(file, &bytes[..bytes.len().min(1)]))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.fails(Call::Sync).and_then(|()| RealDisk.sync(file))
    }

    fn rename(&self, part: TempPath, to: &Path, exclusive: bool) -> Result<(), (io::Error, TempPath)> {
        match self.fails(Call::Rename) {
            Ok(()) => RealDisk.rename(part, to, exclusive),
            Err(error) => Err((error, part)),
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.fails(Call::SyncFolder).and_then(|()| RealDisk.sync_folder(folder))
    }
}
