//! What an update is written to: the other slot, and the folder of kernel files. [`Partitions`] is a box's; tests have others, whose power is cut.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use super::refusal::Refusal;
use crate::files::volume::{self, Volume};
use crate::files::{FileError, read_regular, shown};

/// One of the two places for a version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// Its letter, as partitions have it.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// One of the two partitions of a slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Half {
    /// The root.
    Root,
    /// The hashes over it.
    Verity,
}

impl Half {
    /// Its name, as a manifest has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Verity => "verity",
        }
    }
}

/// What an update is written to. What is written may be lost, in any part and order, until the sync behind it has come back.
pub trait Medium {
    /// Writes into a half of the other slot.
    ///
    /// # Errors
    /// What the disk says; as of all that follow.
    fn write_slot(&mut self, half: Half, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Reads what a half of the other slot holds.
    ///
    /// # Errors
    /// What the disk says.
    fn read_slot(&mut self, half: Half, at: u64, out: &mut [u8]) -> io::Result<()>;
    /// Waits until a half of the other slot is on the disk.
    ///
    /// # Errors
    /// What the disk says.
    fn sync_slot(&mut self, half: Half) -> io::Result<()>;
    /// Bytes of a half of the other slot.
    fn slot_bytes(&self, half: Half) -> u64;
    /// Names of kernel files.
    ///
    /// # Errors
    /// What the disk says.
    fn kernels(&self) -> io::Result<Vec<String>>;
    /// Size of a kernel file.
    ///
    /// # Errors
    /// What the disk says.
    fn kernel_bytes(&self, name: &str) -> io::Result<u64>;
    /// Writes into a kernel file, which is made where it is missing.
    ///
    /// # Errors
    /// What the disk says.
    fn write_kernel(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Reads from a kernel file.
    ///
    /// # Errors
    /// What the disk says.
    fn read_kernel(&mut self, name: &str, at: u64, out: &mut [u8]) -> io::Result<()>;
    /// Waits until a kernel file's bytes are on the disk.
    ///
    /// # Errors
    /// What the disk says.
    fn sync_kernel(&mut self, name: &str) -> io::Result<()>;
    /// Takes a kernel file away.
    ///
    /// # Errors
    /// What the disk says.
    fn remove_kernel(&mut self, name: &str) -> io::Result<()>;
    /// Gives a kernel file another name.
    ///
    /// # Errors
    /// What the disk says.
    fn rename_kernel(&mut self, name: &str, to: &str) -> io::Result<()>;
    /// Waits until names of kernel files are on the disk.
    ///
    /// # Errors
    /// What the disk says.
    fn sync_names(&mut self) -> io::Result<()>;
    /// Free bytes for kernel files.
    ///
    /// # Errors
    /// What the disk says.
    fn room(&self) -> io::Result<u64>;
}

/// Where a box has its parts: devices that the initrd has named, and the boot partition.
#[derive(Clone, Debug)]
pub struct Places {
    /// `root-a`, `verity-a` and the same with b.
    pub devices: PathBuf,
    /// The folder of kernel files.
    pub kernels: PathBuf,
    /// The file in which the initrd says which slot it has started.
    pub slot: PathBuf,
}

impl Places {
    /// Those of a box whose root is `root`.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        let at = |name: &str| root.join(name);
        Self { devices: at("dev/demon"), kernels: at("efi/EFI/Linux"), slot: at("run/demon-disk/slot") }
    }

    /// Which slot runs.
    ///
    /// # Errors
    /// [`Refusal::NoBox`] where that is not known: then no slot is the other one.
    pub fn running(&self) -> Result<Slot, Refusal> {
        let text = read_regular(&self.slot, 16);
        match text.as_deref().map(<[u8]>::trim_ascii) {
            Ok(b"a") => Ok(Slot::A),
            Ok(b"b") => Ok(Slot::B),
            Ok(_) => Err(Refusal::NoBox(format!("{} names no slot (expected a or b)", shown(&self.slot)))),
            Err(why) => Err(Refusal::NoBox(format!("{}: {why}", shown(&self.slot)))),
        }
    }

    /// Names in the folder of kernel files.
    ///
    /// # Errors
    /// What the disk says.
    pub fn kernels(&self) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(&self.kernels)?.map(|it| Ok(it?.file_name().into_string().ok()));
        let mut names: Vec<String> = names.filter_map(io::Result::transpose).collect::<io::Result<_>>()?;
        names.sort();
        Ok(names)
    }
}

/// The partitions of a box.
#[derive(Debug)]
pub struct Partitions {
    root: Volume,
    verity: Volume,
    places: Places,
    /// The kernel file that is being written.
    kernel: Option<(String, Volume)>,
}

impl Partitions {
    /// Opens the other slot of a box. A slot that is mounted is refused by the system itself.
    ///
    /// # Errors
    /// [`Refusal::NoBox`].
    pub fn open(places: Places) -> Result<Self, Refusal> {
        let slot = places.running()?.other().letter();
        let open = |half: Half| {
            let mut name = half.name().to_owned();
            let _ = write!(name, "-{slot}");
            Volume::open(&places.devices.join(name)).map_err(|it| Refusal::NoBox(it.to_string()))
        };
        Ok(Self { root: open(Half::Root)?, verity: open(Half::Verity)?, places, kernel: None })
    }

    const fn half(&self, half: Half) -> &Volume {
        match half {
            Half::Root => &self.root,
            Half::Verity => &self.verity,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.places.kernels.join(name)
    }

    fn kernel(&mut self, name: &str) -> io::Result<&Volume> {
        if self.kernel.as_ref().is_none_or(|it| it.0 != name) {
            self.kernel = Some((name.to_owned(), Volume::make(&self.path(name)).map_err(of_file)?));
        }
        self.kernel.as_ref().map(|it| &it.1).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn of_file(error: FileError) -> io::Error {
    io::Error::other(error)
}

impl Medium for Partitions {
    fn write_slot(&mut self, half: Half, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.half(half).write_at(at, bytes)
    }

    fn read_slot(&mut self, half: Half, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.half(half).read_at(at, out)
    }

    fn sync_slot(&mut self, half: Half) -> io::Result<()> {
        self.half(half).sync()
    }

    fn slot_bytes(&self, half: Half) -> u64 {
        self.half(half).bytes()
    }

    fn kernels(&self) -> io::Result<Vec<String>> {
        self.places.kernels()
    }

    fn kernel_bytes(&self, name: &str) -> io::Result<u64> {
        std::fs::metadata(self.path(name)).map(|it| it.len())
    }

    fn write_kernel(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.kernel(name)?.write_at(at, bytes)
    }

    fn read_kernel(&mut self, name: &str, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.kernel(name)?.read_at(at, out)
    }

    fn sync_kernel(&mut self, name: &str) -> io::Result<()> {
        self.kernel(name)?.sync()
    }

    fn remove_kernel(&mut self, name: &str) -> io::Result<()> {
        self.kernel = None;
        volume::remove(&self.path(name)).map_err(of_file)
    }

    fn rename_kernel(&mut self, name: &str, to: &str) -> io::Result<()> {
        self.kernel = None;
        volume::rename(&self.path(name), &self.path(to)).map_err(of_file)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        volume::sync_folder(&self.path("any")).map_err(of_file)
    }

    fn room(&self) -> io::Result<u64> {
        volume::room(&self.places.kernels).map_err(of_file)
    }
}
