//! What the checks ask of a machine, and this machine's answers.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use engine::backend::cuda::Device;
use hal::audio::{Agreed, AlsaOut, Ask, AudioOut as _, OutError, become_realtime, has_card, lock_memory};
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

use crate::files::read_regular;

/// The kernel's own files are some lines long.
const TEXT_BYTES: u64 = 64 * 1024;
/// As the audio thread asks for it.
const PRIORITY: i32 = 70;

/// Room on the file system of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that a player may still write.
    pub free_bytes: u64,
    /// Mounted for reading alone.
    pub read_only: bool,
}

/// A machine that can be looked at. Paths are absolute.
pub trait Machine {
    /// A small text of the system's, without the white space around it.
    fn text(&self, path: &str) -> Option<String>;
    /// The names in a folder, sorted; none where there is no such folder.
    fn names(&self, folder: &str) -> Vec<String>;
    /// The last name of what a link leads to.
    fn link(&self, path: &str) -> Option<String>;
    /// Whether anything has this name.
    fn is_there(&self, path: &Path) -> bool;
    /// Whether this user may read and write a device.
    ///
    /// # Errors
    /// As the system says it.
    fn may_use(&self, path: &Path) -> io::Result<()>;
    /// Room where a folder is, or would be made.
    ///
    /// # Errors
    /// As the system says it.
    fn space(&self, folder: &Path) -> io::Result<Space>;
    /// Whether a thread may run before others.
    ///
    /// # Errors
    /// Why not, in words.
    fn realtime(&self) -> Result<(), String>;
    /// Whether memory may be locked.
    ///
    /// # Errors
    /// Why not, in words.
    fn memory(&self) -> Result<(), String>;
    /// Opens a sound device as the player would, and closes it.
    ///
    /// # Errors
    /// Why it does not open.
    fn sound(&self, device: &str) -> Result<Agreed, OutError>;
    /// Whether there is any sound card.
    fn has_card(&self) -> bool;
    /// Cards that CUDA sees.
    ///
    /// # Errors
    /// Why it sees none, in words.
    fn cuda_cards(&self) -> Result<usize, String>;
    /// What time it is.
    fn now(&self) -> SystemTime;
}

/// The machine that this runs on.
#[derive(Clone, Debug)]
pub struct ThisMachine {
    root: PathBuf,
}

impl Default for ThisMachine {
    fn default() -> Self {
        Self::below("/")
    }
}

impl ThisMachine {
    /// Its files looked for below another folder than `/`.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn place(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

impl Machine for ThisMachine {
    fn text(&self, path: &str) -> Option<String> {
        let bytes = read_regular(&self.place(path), TEXT_BYTES).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.place(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn link(&self, path: &str) -> Option<String> {
        let target = std::fs::read_link(self.place(path)).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    fn is_there(&self, path: &Path) -> bool {
        self.place(path).exists()
    }

    fn may_use(&self, path: &Path) -> io::Result<()> {
        Ok(access(self.place(path), Access::READ_OK | Access::WRITE_OK)?)
    }

    fn space(&self, folder: &Path) -> io::Result<Space> {
        let folder = self.place(folder);
        let there = folder.ancestors().find(|it| it.exists()).unwrap_or(Path::new("/"));
        let found = statvfs(there)?;
        let read_only = found.f_flag.contains(StatVfsMountFlags::RDONLY);
        Ok(Space { free_bytes: found.f_bavail.saturating_mul(found.f_frsize), read_only })
    }

    fn realtime(&self) -> Result<(), String> {
        // A thread of its own: this one goes on as it was.
        let asked = std::thread::spawn(|| become_realtime(PRIORITY).map_err(|error| error.to_string()));
        asked.join().unwrap_or_else(|_| Err("the thread that asked for it crashed".to_owned()))
    }

    fn memory(&self) -> Result<(), String> {
        lock_memory().map_err(|error| error.to_string())
    }

    fn sound(&self, device: &str) -> Result<Agreed, OutError> {
        let mut out = AlsaOut::new(device);
        let agreed = out.open(Ask::default())?;
        // Nothing was played: a device that does not close well is no fault of this look.
        let _ = out.close();
        Ok(agreed)
    }

    fn has_card(&self) -> bool {
        has_card()
    }

    fn cuda_cards(&self) -> Result<usize, String> {
        Device::count().map_err(|error| error.to_string())
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
