//! A lock that processes take on a file, and that the system takes back when its holder dies.
//!
//! The file itself stays: whoever removed it would let two processes hold a lock on two files of one name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

/// A fifth of a second in all.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held open: the lock is the file's")] File);

/// Why a lock is not held.
#[derive(Debug, thiserror::Error)]
pub enum Held {
    /// Another process holds it: its number, where that is known.
    #[error("another program is at it")]
    By(String),
    /// The system refuses.
    #[error("{0}")]
    System(io::Error),
}

impl Lock {
    /// Takes the lock of a file, which is made where it is missing; it says then who holds it.
    ///
    /// # Errors
    /// [`Held`].
    pub fn take(path: &Path) -> Result<Self, Held> {
        let nonblock = OFlags::NONBLOCK.bits() as i32;
        let file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).custom_flags(nonblock).open(path);
        let mut file = file.map_err(Held::System)?;
        if !patiently(&file)? {
            let mut holder = String::new();
            let _ = file.take(16).read_to_string(&mut holder);
            return Err(Held::By(holder.trim().to_owned()));
        }
        // Only for the other's sentence: a full disk is no reason not to hold it.
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = file.write_all(std::process::id().to_string().as_bytes());
        Ok(Self(file))
    }

    /// Takes the lock of a folder, for as long as a file in it is read, changed and written.
    ///
    /// # Errors
    /// [`Held`].
    pub fn folder(path: &Path) -> Result<Self, Held> {
        let flags = (OFlags::DIRECTORY | OFlags::NONBLOCK).bits() as i32;
        let folder = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(Held::System)?;
        match patiently(&folder)? {
            true => Ok(Self(folder)),
            false => Err(Held::By(String::new())),
        }
    }
}

/// Whether the lock was had within [`TRIES`]. A process that is being started holds its parent's locks for an instant, until it
/// becomes another program, and a short write is soon done: both are waited out.
fn patiently(file: &File) -> Result<bool, Held> {
    for _ in 0..TRIES {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            Err(Errno::INTR) => {}
            Err(error) => return Err(Held::System(error.into())),
        }
    }
    Ok(false)
}
