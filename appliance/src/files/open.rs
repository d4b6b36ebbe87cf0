//! Opening what is read: files where files are meant, pipes where a recording may come through one.
//!
//! A name is asked what it leads to before it is opened, and what was opened is asked again: a pipe that nobody writes would
//! hold up the start for ever, a device may do anything when it is opened. Neither is ever waited for. A pipe is read only
//! for what is used whole (a recording, a MIDI file), with a bound on its bytes and on how long it may be silent.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Cursor, IsTerminal, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{STREAM, shown};

/// Most bytes that are taken from a pipe: 46 minutes of 48 kHz stereo in 32 bits.
const MOST_PIPED_BYTES: u64 = 1 << 30;
/// Bytes that are read from a pipe at once.
const GULP: usize = 1 << 16;
/// How often a reader of a pipe looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);
/// How long a pipe with a name may be silent: whoever was to write it has been forgotten.
const NAMED_PATIENCE: Duration = Duration::from_secs(5);
/// How long standard input may be silent: whoever writes it is there, and may be slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A FIFO.
    Pipe,
    /// A device that takes or gives bytes as they come: a terminal, `/dev/null`.
    Device,
    /// A device that holds a file system.
    Disk,
    /// A socket.
    Socket,
}

impl Kind {
    /// What is known of something.
    #[must_use]
    pub fn of(about: &Metadata) -> Self {
        let it = about.file_type();
        match () {
            () if it.is_dir() => Self::Folder,
            () if it.is_fifo() => Self::Pipe,
            () if it.is_char_device() => Self::Device,
            () if it.is_block_device() => Self::Disk,
            () if it.is_socket() => Self::Socket,
            () => Self::File,
        }
    }

    /// As in "is a folder".
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Pipe => "a pipe (FIFO)",
            Self::Device => "a device",
            Self::Disk => "a disk",
            Self::Socket => "a socket",
        }
    }
}

/// Why something cannot be read or written, without its name: whoever asked for it says that once.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Nothing has this name.
    #[error("there is no such file")]
    Missing,
    /// No folder has this name.
    #[error("there is no such folder")]
    MissingFolder,
    /// The name is a link into nothing.
    #[error("a link to {}, which is not there", shown(_0))]
    Dangling(PathBuf),
    /// The name is a link that leads to itself.
    #[error("a link that leads in a circle")]
    Circle,
    /// It is something else.
    #[error("{} (expected {expected})", found.noun())]
    Kind {
        /// What it is.
        found: Kind,
        /// What was meant.
        expected: &'static str,
    },
    /// It is larger than such a file ever is.
    #[error("{found} bytes (expected at most {most})")]
    Large {
        /// Its size.
        found: u64,
        /// The bound.
        most: u64,
    },
    /// More came through a pipe than a recording has.
    #[error("more than {MOST_PIPED_BYTES} bytes come through this pipe")]
    Endless,
    /// Nothing comes through a pipe.
    #[error("a pipe through which nothing came for {} s", .0.as_secs())]
    Silent(Duration),
    /// Nobody reads what is written into a pipe.
    #[error("a pipe from which nobody reads")]
    Unread,
    /// Standard input is somebody's keyboard.
    #[error("standard input is a terminal (expected a pipe or a file)")]
    Terminal,
    /// Somebody wants the program to end.
    #[error("interrupted")]
    Stopped,
    /// The folder in which it is to be is not there.
    #[error("the folder {} is not there", shown(_0))]
    NoFolder(PathBuf),
    /// It would take the place of something that is read.
    #[error("it would be written over the {0}")]
    OverSource(&'static str),
    /// It may not be changed.
    #[error("it is protected against writing")]
    Protected,
    /// The system refuses.
    #[error("{0}")]
    System(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        let kind = match trouble {
            Trouble::System(error) => return error,
            Trouble::Missing | Trouble::MissingFolder | Trouble::Dangling(_) | Trouble::NoFolder(_) => {
                io::ErrorKind::NotFound
            }
            Trouble::Silent(_) => io::ErrorKind::TimedOut,
            Trouble::Stopped => io::ErrorKind::Interrupted,
            Trouble::Unread => io::ErrorKind::BrokenPipe,
            _ => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, trouble)
    }
}

/// Why a name does not lead anywhere.
pub(super) fn why(path: &Path, error: io::Error) -> Trouble {
    if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        return Trouble::Circle;
    }
    if error.kind() != io::ErrorKind::NotFound {
        return Trouble::System(error);
    }
    match std::fs::read_link(path) {
        Ok(target) => Trouble::Dangling(target),
        Err(_) => Trouble::Missing,
    }
}

/// What a name leads to, through links.
pub(super) fn look(path: &Path) -> Result<Metadata, Trouble> {
    std::fs::metadata(path).map_err(|error| why(path, error))
}

/// Whether anything has this name, a link into nothing included.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Opens a file; what is none is refused at once and not opened.
///
/// # Errors
/// [`Trouble`], in words for a player.
pub fn open_regular(path: &Path) -> Result<File, Trouble> {
    let file_only = |about: &Metadata| match Kind::of(about) {
        Kind::File => Ok(()),
        found => Err(Trouble::Kind { found, expected: "a file" }),
    };
    file_only(&look(path)?)?;
    let file = open_now(path)?;
    // Between the look and the opening somebody may have put something else there.
    file_only(&file.metadata()?)?;
    Ok(file)
}

/// Opens for reading without ever waiting for somebody else to open the other end.
fn open_now(path: &Path) -> Result<File, Trouble> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32;
    OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| why(path, error))
}

/// All bytes of a file that holds at most `most`.
///
/// # Errors
/// [`Trouble`].
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>, Trouble> {
    let file = open_regular(path)?;
    let length = file.metadata()?.len();
    if most < length {
        return Err(Trouble::Large { found: length, most });
    }
    let mut bytes = Vec::new();
    // It may have grown since, and what the system makes up as it is read (`/proc`) has no length.
    file.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        found if most < found => Err(Trouble::Large { found, most }),
        _ => Ok(bytes),
    }
}

/// A recording: a file, or what came through a pipe.
#[derive(Debug)]
pub enum Recorded {
    /// Read as it is needed.
    File(File),
    /// Read whole.
    Piped(Cursor<Vec<u8>>),
}

impl Recorded {
    /// Its length in bytes.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn length(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Piped(bytes) => Ok(bytes.get_ref().len() as u64),
        }
    }
}

impl Read for Recorded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(out),
            Self::Piped(bytes) => bytes.read(out),
        }
    }
}

impl Seek for Recorded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Piped(bytes) => bytes.seek(to),
        }
    }
}

/// Opens a recording: a file, standard input (`-`), or a pipe, which is read to its end. `go_on` hears how many bytes came
/// and says whether they are still wanted.
///
/// # Errors
/// [`Trouble`].
pub fn open_recording(path: &Path, go_on: &mut dyn FnMut(u64) -> bool) -> Result<Recorded, Trouble> {
    let stdin = path == Path::new(STREAM);
    let about = if stdin { File::from(io::stdin().as_fd().try_clone_to_owned()?).metadata()? } else { look(path)? };
    match Kind::of(&about) {
        Kind::File if stdin => Ok(Recorded::File(File::from(io::stdin().as_fd().try_clone_to_owned()?))),
        Kind::File => Ok(Recorded::File(open_regular(path)?)),
        Kind::Device if stdin && io::stdin().is_terminal() => Err(Trouble::Terminal),
        Kind::Pipe | Kind::Socket if stdin => {
            let from = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            Ok(Recorded::Piped(Cursor::new(drain(from, PATIENCE, go_on)?)))
        }
        Kind::Pipe => {
            // `<(...)` of a shell is a name of a pipe that already has its writer.
            let of_process = std::fs::canonicalize(path).is_ok_and(|it| it.starts_with("/proc")) || !path.exists();
            let patience = if of_process { PATIENCE } else { NAMED_PATIENCE };
            Ok(Recorded::Piped(Cursor::new(drain(open_now(path)?, patience, go_on)?)))
        }
        found => Err(Trouble::Kind { found, expected: "a file or a pipe" }),
    }
}

/// All bytes of a file, of standard input (`-`) or of a pipe, at most `most`.
///
/// # Errors
/// [`Trouble`].
pub fn read_all(path: &Path, most: u64) -> Result<Vec<u8>, Trouble> {
    let recorded = open_recording(path, &mut |count| count <= most);
    let recorded = match recorded {
        Err(Trouble::Stopped) => return Err(Trouble::Large { found: most + 1, most }),
        other => other?,
    };
    match recorded {
        Recorded::Piped(bytes) => Ok(bytes.into_inner()),
        Recorded::File(_) if path != Path::new(STREAM) => read_regular(path, most),
        Recorded::File(file) => {
            let mut bytes = Vec::new();
            file.take(most + 1).read_to_end(&mut bytes)?;
            let found = bytes.len() as u64;
            if most < found { Err(Trouble::Large { found, most }) } else { Ok(bytes) }
        }
    }
}

/// Whether something can be read or written without waiting, after at most [`LOOK`].
pub(super) fn ready(of: BorrowedFd<'_>, what: PollFlags) -> io::Result<bool> {
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
    match poll(&mut [PollFd::from_borrowed_fd(of, what)], Some(&timeout)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// How long something of which [`ready`] said no may go on so.
pub(super) struct Patience {
    left: u32,
}

impl Patience {
    pub(super) const fn of(patience: Duration) -> Self {
        Self { left: (patience.as_millis() / LOOK.as_millis()) as u32 }
    }

    /// One more look in vain; whether there may be another.
    pub(super) const fn lasts(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }
}

fn drain(mut pipe: File, patience: Duration, go_on: &mut dyn FnMut(u64) -> bool) -> Result<Vec<u8>, Trouble> {
    let (mut bytes, mut gulp) = (Vec::new(), vec![0; GULP]);
    let mut waits = Patience::of(patience);
    loop {
        if !go_on(bytes.len() as u64) {
            return Err(Trouble::Stopped);
        }
        if !ready(pipe.as_fd(), PollFlags::IN)? {
            if !waits.lasts() {
                return Err(Trouble::Silent(patience));
            }
            continue;
        }
        match pipe.read(&mut gulp) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&gulp[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error.into()),
        }
        if MOST_PIPED_BYTES < bytes.len() as u64 {
            return Err(Trouble::Endless);
        }
        waits = Patience::of(patience);
    }
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
