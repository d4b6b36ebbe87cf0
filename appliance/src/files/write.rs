//! Writing a file so that there is the old one or the new one, whole, at every moment.
//!
//! A place is looked at before any long work begins ([`Place::look`]): what cannot be written is said then, and not after a
//! night of rendering. A file is written under a hidden name of its own beside its place ([`Part`]), synchronised, renamed,
//! and the folder synchronised; whatever fails, and when the part is dropped, nothing is left over. Where a link stands, the
//! file that it names is replaced and the link stays. A pipe, a device or a socket is written into. Nothing is ever written
//! over what the same run reads.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::disk::{Disk, PART, RealDisk, before};
use super::open::{Kind, Patience, Trouble, look, ready, why};
use super::{STREAM, open_regular, shown};

/// Links that are followed by hand before they are a circle; as many as the system follows.
const MOST_LINKS: usize = 40;
/// How long whoever reads a pipe may take to open it or to take something out of it.
const READER_PATIENCE: Duration = Duration::from_secs(10);
/// What a folder is tried with: a block of a file system, so that a full one says so.
const TRIAL: [u8; 4096] = [0; 4096];

/// What kept a file from being read or written, with its name.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be {doing}: {trouble}", shown(path))]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// `read` or `written`.
    pub doing: &'static str,
    /// Why.
    pub trouble: Trouble,
}

impl FileError {
    /// For [`Result::map_err`], of a file that was to be read.
    pub fn reading<T: Into<Trouble>>(path: &Path) -> impl Fn(T) -> Self {
        move |trouble| Self { path: path.to_owned(), doing: "read", trouble: trouble.into() }
    }

    /// For [`Result::map_err`], of a file that was to be written.
    pub fn writing<T: Into<Trouble>>(path: &Path) -> impl Fn(T) -> Self {
        move |trouble| Self { path: path.to_owned(), doing: "written", trouble: trouble.into() }
    }
}

/// What stands where a file is to be written.
#[derive(Clone, Debug)]
enum Stands {
    /// Nothing.
    Nothing,
    /// A file, with its rights.
    File(u32),
    /// A pipe, a device or a socket.
    Stream(Kind),
    /// Standard output.
    Stdout,
}

/// A place where a file can be written, as far as can be known without writing it.
#[derive(Clone)]
pub struct Place {
    named: PathBuf,
    /// Where links lead.
    real: PathBuf,
    stands: Stands,
    /// Device and number of what stands there.
    identity: Option<(u64, u64)>,
    disk: Arc<dyn Disk>,
}

impl Place {
    /// Looks at a place; `-` is standard output. Where a file is to be made, a block is written beside and taken away again:
    /// rights alone say nothing of a disk that is full or mounted for reading.
    ///
    /// # Errors
    /// [`FileError`] for a folder, a disk, a circle of links, a place in a folder that is missing or cannot be written in.
    pub fn look(path: &Path) -> Result<Self, FileError> {
        let place = Self::on(path, Arc::new(RealDisk)).map_err(FileError::writing(path))?;
        if !place.is_stream() {
            try_out(folder_of(&place.real)).map_err(FileError::writing(path))?;
        }
        Ok(place)
    }

    pub(super) fn on(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, Trouble> {
        let named = path.to_owned();
        if path == Path::new(STREAM) {
            return Ok(Self { named, real: PathBuf::new(), stands: Stands::Stdout, identity: None, disk });
        }
        let real = end_of_links(path)?;
        let about = match look(&real) {
            Ok(about) => Some(about),
            Err(Trouble::Missing) => None,
            // What is to be its folder is a file; said below.
            Err(Trouble::System(error)) if error.kind() == io::ErrorKind::NotADirectory => None,
            Err(other) => return Err(other),
        };
        let kind = about.as_ref().map(Kind::of);
        let stands = match (kind, &about) {
            (None, _) | (_, None) => Stands::Nothing,
            (Some(Kind::File), Some(about)) => Stands::File(about.mode() & 0o7777),
            (Some(found @ (Kind::Folder | Kind::Disk)), _) => {
                return Err(Trouble::Kind { found, expected: "a file, or a name that is free" });
            }
            (Some(kind), _) => Stands::Stream(kind),
        };
        if matches!(stands, Stands::Nothing | Stands::File(_)) {
            let folder = folder_of(&real);
            match look(folder).map(|it| Kind::of(&it)) {
                Ok(Kind::Folder) => {}
                Ok(found) => return Err(Trouble::Kind { found, expected: "a folder to write in" }),
                Err(_) => return Err(Trouble::NoFolder(folder.to_owned())),
            }
            if real.file_name().is_none() || path.as_os_str().to_string_lossy().ends_with('/') {
                return Err(Trouble::Kind { found: Kind::Folder, expected: "a file, or a name that is free" });
            }
        }
        if kind.is_some() {
            may(&real, Access::WRITE_OK).map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied => Trouble::Protected,
                _ => Trouble::System(error),
            })?;
        }
        let identity = about.map(|it| (it.dev(), it.ino()));
        Ok(Self { named, real, stands, identity, disk })
    }

    /// Refuses the place when it is a file that this run reads, under whatever name; `what` is for the sentence.
    ///
    /// # Errors
    /// [`FileError`] with [`Trouble::OverSource`].
    pub fn spare(&self, source: &Path, what: &'static str) -> Result<(), FileError> {
        let same = |about: std::fs::Metadata| {
            Some((about.dev(), about.ino())) == self.identity && matches!(Kind::of(&about), Kind::File | Kind::Pipe)
        };
        match std::fs::metadata(source).is_ok_and(same) {
            true => Err(FileError::writing(&self.named)(Trouble::OverSource(what))),
            false => Ok(()),
        }
    }

    /// Whether both would be written into one file.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.stands, &other.stands) {
            (Stands::Stdout, Stands::Stdout) => true,
            (Stands::Stream(Kind::Device), _) | (Stands::Stdout, _) | (_, Stands::Stdout) => false,
            _ => {
                let whole =
                    |it: &Path| (std::fs::canonicalize(folder_of(it)).ok(), it.file_name().map(ToOwned::to_owned));
                whole(&self.real) == whole(&other.real) || (self.identity.is_some() && self.identity == other.identity)
            }
        }
    }

    /// The name as it was given, as far as it is fit for a line.
    #[must_use]
    pub fn name(&self) -> String {
        match self.stands {
            Stands::Stdout => "standard output".to_owned(),
            _ => shown(&self.named).to_string(),
        }
    }

    /// The name as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.named
    }

    /// The file that is written in the end, links followed.
    #[must_use]
    pub fn real(&self) -> &Path {
        &self.real
    }

    /// Whether what is written goes somewhere as it comes and cannot be taken back.
    #[must_use]
    pub const fn is_stream(&self) -> bool {
        matches!(self.stands, Stands::Stream(_) | Stands::Stdout)
    }

    /// Whether a file stands there.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        matches!(self.stands, Stands::File(_))
    }

    /// Begins to write.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn begin(&self) -> Result<Part, FileError> {
        self.begin_part().map_err(FileError::writing(&self.named))
    }

    fn begin_part(&self) -> Result<Part, Trouble> {
        let to = match self.stands {
            Stands::Nothing | Stands::File(_) => Sink::Beside(self.part()?),
            Stands::Stream(_) | Stands::Stdout => Sink::Stream(self.stream()?),
        };
        Ok(Part { place: self.clone(), to })
    }

    /// A file beside the place, for what is renamed there.
    pub(super) fn part(&self) -> io::Result<NamedTempFile> {
        let mode = match self.stands {
            Stands::File(mode) => Some(mode),
            _ => None,
        };
        let name = self.real.file_name().unwrap_or_default();
        again(|| self.disk.create(folder_of(&self.real), name, mode))
    }

    /// What is written into as it comes.
    pub(super) fn stream(&self) -> Result<Stream, Trouble> {
        let mut waits = Patience::of(READER_PATIENCE);
        match self.stands {
            Stands::Stdout => Ok(Stream(File::from(io::stdout().as_fd().try_clone_to_owned()?))),
            Stands::Stream(Kind::Socket) => {
                let socket = UnixStream::connect(&self.real)?;
                socket.set_write_timeout(Some(READER_PATIENCE))?;
                Ok(Stream(File::from(OwnedFd::from(socket))))
            }
            _ => loop {
                let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32;
                match OpenOptions::new().write(true).custom_flags(flags).open(&self.real) {
                    Ok(file) => return Ok(Stream(file)),
                    // Nobody reads this pipe yet.
                    Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                        if !waits.lasts() {
                            return Err(Trouble::Unread);
                        }
                        std::thread::sleep(Duration::from_millis(100));
                    }
                    Err(error) => return Err(why(&self.real, error)),
                }
            },
        }
    }

    /// Gives a part its name.
    pub(super) fn settle(&self, part: NamedTempFile, exclusive: bool) -> io::Result<File> {
        let (file, path) = part.into_parts();
        again(|| self.disk.sync(&file))?;
        let mut path = path;
        loop {
            match self.disk.rename(path, &self.real, exclusive) {
                Ok(()) => break,
                Err((error, part)) if error.kind() == io::ErrorKind::Interrupted => path = part,
                // The part goes with its path.
                Err((error, _)) => return Err(error),
            }
        }
        again(|| self.disk.sync_folder(folder_of(&self.real)))?;
        Ok(file)
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// [`FileError`]; what stood there is then as it was, and nothing is left over.
    pub fn write(&self, bytes: &[u8]) -> Result<(), FileError> {
        let mut part = self.begin()?;
        part.write_all(bytes).map_err(FileError::writing(&self.named))?;
        part.finish()
    }
}

/// Something that is being written. Dropped before it is finished, it leaves nothing.
pub struct Part {
    place: Place,
    to: Sink,
}

enum Sink {
    Beside(NamedTempFile),
    Stream(Stream),
}

impl Part {
    /// What was written is whole: it is synchronised and takes its place.
    ///
    /// # Errors
    /// [`FileError`]; what stood there is then as it was.
    pub fn finish(self) -> Result<(), FileError> {
        let Self { place, to } = self;
        let done = match to {
            Sink::Beside(part) => place.settle(part, false).map(|_| ()),
            Sink::Stream(mut stream) => stream.flush(),
        };
        done.map_err(FileError::writing(&place.named))
    }

    /// As [`Self::finish`], where nothing may stand yet.
    ///
    /// # Errors
    /// [`FileError`]; of kind [`io::ErrorKind::AlreadyExists`] when somebody was first.
    pub fn finish_new(self) -> Result<(), FileError> {
        let Self { place, to } = self;
        let done = match to {
            Sink::Beside(part) => place.settle(part, true).map(|_| ()),
            Sink::Stream(_) => Err(io::ErrorKind::AlreadyExists.into()),
        };
        done.map_err(FileError::writing(&place.named))
    }

    /// Waits until what was written so far is on the disk; a disk that cannot hold it says so now.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn sync(&mut self) -> Result<(), FileError> {
        let done = match &mut self.to {
            Sink::Beside(part) => again(|| self.place.disk.sync(part.as_file())),
            Sink::Stream(stream) => stream.flush(),
        };
        done.map_err(FileError::writing(&self.place.named))
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            Sink::Beside(part) => self.place.disk.write(part.as_file_mut(), bytes),
            Sink::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe, a device or a socket: a reader that takes nothing for long is an error, not a wait without end.
pub(super) struct Stream(File);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waits = Patience::of(READER_PATIENCE);
        loop {
            if ready(self.0.as_fd(), PollFlags::OUT)? {
                match self.0.write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    other => return other,
                }
            }
            if !waits.lasts() {
                return Err(Trouble::Unread.into());
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a small file whole, as [`Place::write`].
///
/// # Errors
/// As [`Place::write`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    Place::look(path)?.write(bytes)
}

/// Opens a file to write at its end, and makes it where it is missing: a record of which everything written stays, whatever becomes
/// of the writer.
///
/// # Errors
/// [`FileError`].
pub fn append(path: &Path) -> Result<File, FileError> {
    if let Some(found) = look(path).ok().map(|it| Kind::of(&it)).filter(|it| *it != Kind::File) {
        return Err(FileError::writing(path)(Trouble::Kind { found, expected: "a file" }));
    }
    OpenOptions::new().create(true).append(true).open(path).map_err(FileError::writing(path))
}

/// Whether two files are the same to the byte.
///
/// # Errors
/// [`FileError`] of the one that cannot be read.
pub fn has_same_bytes(one: &Path, other: &Path) -> Result<bool, FileError> {
    let open = |it: &Path| open_regular(it).map_err(FileError::reading(it));
    let length = |it: &File, path: &Path| it.metadata().map(|it| it.len()).map_err(FileError::reading(path));
    let (mut a, mut b) = (open(one)?, open(other)?);
    if length(&a, one)? != length(&b, other)? {
        return Ok(false);
    }
    let (mut of_a, mut of_b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = a.read(&mut of_a).map_err(FileError::reading(one))?;
        if read == 0 {
            return Ok(b.read(&mut of_b).map_err(FileError::reading(other))? == 0);
        }
        if b.read_exact(&mut of_b[..read]).is_err() || of_a[..read] != of_b[..read] {
            return Ok(false);
        }
    }
}

/// Copies a file to the first of `names` that is free, synchronised, and answers which.
///
/// # Errors
/// [`FileError`]; then there is no copy, and the file is as it was.
pub fn copy_aside(path: &Path, names: impl IntoIterator<Item = PathBuf>) -> Result<PathBuf, FileError> {
    let mut names = names.into_iter();
    loop {
        let to = names.next().ok_or_else(|| FileError::writing(path)(io::Error::from(io::ErrorKind::AlreadyExists)))?;
        let place = Place::look(&to)?;
        if !matches!(place.stands, Stands::Nothing) {
            continue;
        }
        let mut from = open_regular(path).map_err(FileError::reading(path))?;
        let mut part = place.begin()?;
        io::copy(&mut from, &mut part).map_err(FileError::writing(&to))?;
        match part.finish_new() {
            Ok(()) => return Ok(to),
            // Somebody else took the name meanwhile.
            Err(FileError { trouble: Trouble::System(error), .. }) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Copies a file, whole and synchronised, into the place of what stands at `to`.
///
/// # Errors
/// [`FileError`]; then what stood there is as it was.
pub fn copy_over(path: &Path, to: &Path) -> Result<(), FileError> {
    let mut from = open_regular(path).map_err(FileError::reading(path))?;
    let mut part = Place::look(to)?.begin()?;
    io::copy(&mut from, &mut part).map_err(FileError::writing(to))?;
    part.finish()
}

/// Gives a file another name in its folder; what had that name is gone.
///
/// # Errors
/// [`FileError`]; then the file is as it was.
pub fn move_aside(path: &Path, to: &Path) -> Result<(), FileError> {
    std::fs::rename(path, to).map_err(FileError::writing(to))?;
    // Until the folder is on the disk a loss of power may undo it, which loses nothing.
    let _ = File::open(folder_of(to)).and_then(|it| it.sync_all());
    Ok(())
}

/// Takes away the parts of a file that writers have left behind which were killed. Only for who alone writes it.
pub fn sweep_parts(path: &Path) {
    let begins = before(path.file_name().unwrap_or_default());
    for entry in std::fs::read_dir(folder_of(path)).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name();
        let middle = name.to_str().and_then(|it| it.strip_prefix(&begins)?.strip_suffix(PART)?.strip_suffix('.'));
        if middle.is_some_and(|it| !it.contains('.')) && entry.file_type().is_ok_and(|it| it.is_file()) {
            // Nothing ever reads it.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Why nothing could be written in a folder, or in the one in which it would be made. Tries it with a block that is taken
/// away again: rights alone say nothing of a full disk, or of one that is mounted for reading.
#[must_use]
pub fn why_not_writable(folder: &Path) -> Option<Trouble> {
    let there = folder.ancestors().find(|it| it.exists()).filter(|it| !it.as_os_str().is_empty());
    let there = there.unwrap_or(Path::new("."));
    if !there.is_dir() {
        let found = look(there).map_or(Kind::File, |it| Kind::of(&it));
        return Some(Trouble::Kind { found, expected: "a folder" });
    }
    try_out(there).err().map(Trouble::System)
}

/// Writes a block in a folder; it goes again at once.
fn try_out(folder: &Path) -> io::Result<()> {
    again(|| RealDisk.create(folder, "trial".as_ref(), None)).and_then(|mut it| it.as_file_mut().write_all(&TRIAL))
}

/// The folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Where links lead, the last of them into nothing as it may be.
fn end_of_links(path: &Path) -> Result<PathBuf, Trouble> {
    let mut real = path.to_owned();
    for _ in 0..MOST_LINKS {
        match std::fs::read_link(&real) {
            // The kernel's own names of what is open (`/dev/stdout`): a file has its own name too, a pipe has no other.
            Ok(_) if real.starts_with("/proc") => {
                let file = std::fs::canonicalize(&real).ok().filter(|it| it.is_file());
                return Ok(file.unwrap_or(real));
            }
            Ok(target) => real = folder_of(&real).join(target),
            Err(_) => return Ok(real),
        }
    }
    Err(Trouble::Circle)
}

fn may(path: &Path, access: Access) -> io::Result<()> {
    again(|| accessat(CWD, path, access, AtFlags::EACCESS).map_err(io::Error::from))
}

/// A call that a signal interrupted is made again.
fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
