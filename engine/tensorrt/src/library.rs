//! Opening TensorRT: the shim first, then through it TensorRT and its parser. Every way of failing names the file.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::sync::Arc;

use libloading::os::unix;

use crate::search::{Flavour, Search};
use crate::{log, sys};

/// glibc's RTLD_NODELETE: stay mapped after the last close. TensorRT leaves threads and thread-local destructors behind.
const STAY_MAPPED: i32 = 0x1000;
/// Room for the shim's sentence about a library that does not open.
const WHY_BYTES: usize = 1024;

/// Why TensorRT could not be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    /// No shim anywhere: install one.
    #[error("TensorRT is not installed (`make tensorrt` installs it); looked for {}", list(.tried))]
    NotInstalled {
        /// Every path that was tried.
        tried: Vec<PathBuf>,
    },
    /// The shim is of another build of this project: compile it again.
    #[error("{}: the shim speaks version {found}, this binary {expected} (`make tensorrt` compiles it again)", .path.display())]
    OtherAbi {
        /// The shim.
        path: PathBuf,
        /// What it speaks.
        found: u32,
        /// What this binary speaks.
        expected: u32,
    },
    /// A library is damaged or of a product that is not wanted: install again.
    #[error("{}: a function is missing: {symbol}", .path.display())]
    MissingSymbol {
        /// The shim.
        path: PathBuf,
        /// The function, and in which library where it is not the shim.
        symbol: String,
    },
    /// TensorRT is of another version than the shim: install the two together.
    #[error("{}: {why}", .path.display())]
    OtherVersion {
        /// The shim.
        path: PathBuf,
        /// Which versions.
        why: String,
    },
    /// A library is there and does not open; often one that it needs is missing.
    #[error("{}: {why}", .path.display())]
    NotOpened {
        /// The shim.
        path: PathBuf,
        /// The dynamic loader's words.
        why: String,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// TensorRT's version. Plans work with the version that made them and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// Which product.
    pub flavour: Flavour,
    /// Major, minor, patch.
    pub number: [u32; 3],
}

/// `rtx 1.7.1`
impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.number;
        write!(out, "{} {major}.{minor}.{patch}", self.flavour.name())
    }
}

/// TensorRT, opened. Cloning is cheap.
#[derive(Clone)]
pub struct TensorRt {
    pub(crate) library: Arc<Library>,
    pub(crate) search: Search,
}

impl fmt::Debug for TensorRt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TensorRt({}, {})", self.version(), self.shim_path().display())
    }
}

pub(crate) struct Library {
    pub(crate) shim: sys::Shim,
    pub(crate) raw: *mut sys::dt_library,
    path: PathBuf,
    flavour: Flavour,
}

// SAFETY: what `raw` points at is written once, while it is made; the factories in it may be called from any thread.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

impl TensorRt {
    /// Opens the first that is found. A shim that is found and does not work is an error, not a reason to search on.
    ///
    /// # Errors
    /// When none is installed, or the first does not open or fit; see [`OpenError`].
    pub fn open(search: &Search) -> Result<Self, OpenError> {
        let Some((flavour, folder, path)) = search.shims().find(|(_, _, path)| path.exists()) else {
            return Err(OpenError::NotInstalled { tried: search.shims().map(|(_, _, path)| path).collect() });
        };
        let shim = open_shim(&path)?;
        let raw = open_tensorrt(&shim, folder, flavour, &path)?;
        Ok(Self { library: Arc::new(Library { shim, raw, path, flavour }), search: search.clone() })
    }

    /// Which TensorRT this is.
    #[must_use]
    pub fn version(&self) -> Version {
        // SAFETY: `raw` is alive until the library is dropped.
        let number = unsafe { self.library.shim.dt_library_version(self.library.raw) }.unsigned_abs();
        Version { flavour: self.library.flavour, number: split(number) }
    }

    /// The shim that was opened.
    #[must_use]
    pub fn shim_path(&self) -> &Path {
        &self.library.path
    }
}

/// `10701` is 1.7.1 and `110400` is 11.4.0.
fn split(number: u32) -> [u32; 3] {
    [number / 10_000, number / 100 % 100, number % 100]
}

fn open_shim(path: &Path) -> Result<sys::Shim, OpenError> {
    let not_opened = |why: libloading::Error| OpenError::NotOpened { path: path.to_owned(), why: why.to_string() };
    // SAFETY: running the initialisers of the file is what was asked for; ours (or a test's) have none of their own.
    let library = unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL | STAY_MAPPED) };
    let library = library.map_err(not_opened)?;
    // The version is asked before anything else is looked up: an older shim may lack what this binary wants.
    // SAFETY: `dt_abi` has had this signature since version 1.
    let found = unsafe { library.get::<unsafe extern "C" fn() -> u32>(b"dt_abi\0").map(|abi| abi()) };
    let missing =
        |error: libloading::Error| OpenError::MissingSymbol { path: path.to_owned(), symbol: missing_name(&error) };
    let found = found.map_err(missing)?;
    let expected = sys::DT_ABI as u32;
    if found != expected {
        return Err(OpenError::OtherAbi { path: path.to_owned(), found, expected });
    }
    // SAFETY: the version says that the functions have the signatures of the header that `sys` was written from.
    unsafe { sys::Shim::from_library(library) }.map_err(missing)
}

/// The loader's sentence ends with the name: `libx.so: undefined symbol: dt_build`.
fn missing_name(error: &libloading::Error) -> String {
    let sentence = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    sentence.rsplit(": ").next().unwrap_or(&sentence).to_owned()
}

fn open_tensorrt(
    shim: &sys::Shim,
    folder: &Path,
    flavour: Flavour,
    path: &Path,
) -> Result<*mut sys::dt_library, OpenError> {
    let (infer, parser) = (beside(folder, flavour.infer()), beside(folder, flavour.parser()));
    let mut raw = null_mut();
    let mut why = [0 as c_char; WHY_BYTES];
    // SAFETY: the strings end with a zero and outlive the call; `why` has the room that is said; `hear` lives for ever.
    let status = unsafe {
        let (why, room) = (why.as_mut_ptr(), why.len());
        shim.dt_library_create(infer.as_ptr(), parser.as_ptr(), Some(log::hear), null_mut(), &mut raw, why, room)
    };
    // SAFETY: the shim ends its sentence with a zero within the room, and `why` started as zeros.
    let why = unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy().into_owned();
    let path = path.to_owned();
    match status {
        sys::DT_OK if !raw.is_null() => Ok(raw),
        sys::DT_NO_SYMBOL => Err(OpenError::MissingSymbol { path, symbol: why }),
        sys::DT_OTHER_VERSION => Err(OpenError::OtherVersion { path, why }),
        _ => Err(OpenError::NotOpened { path, why }),
    }
}

/// The library in the shim's folder, or its bare name, which the dynamic loader looks up where the system keeps libraries.
fn beside(folder: &Path, name: &str) -> CString {
    let here = folder.join(name);
    let bytes = if here.exists() { here.as_os_str().as_bytes().to_vec() } else { name.as_bytes().to_vec() };
    CString::new(bytes).expect("a path that exists has no zero in it")
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: whoever uses the library holds the `Arc` around it, so this is the last use.
        unsafe { self.shim.dt_library_destroy(self.raw) }
    }
}

#[cfg(test)]
mod tests {
    use super::{split, sys};

    #[test]
    fn versions_are_read_as_tensorrt_writes_them() {
        assert_eq!(split(10_701), [1, 7, 1]);
        assert_eq!(split(110_400), [11, 4, 0]);
    }

    /// POSIX `cksum`, so that the script that writes `sys.rs` needs nothing but a shell.
    fn cksum(bytes: &[u8]) -> u32 {
        let length = bytes.len().to_le_bytes();
        let digits = (usize::BITS - bytes.len().leading_zeros()).div_ceil(8) as usize;
        let feed = |crc: u32, byte: &u8| {
            (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| {
                if crc & 0x8000_0000 == 0 { crc << 1 } else { (crc << 1) ^ 0x04C1_1DB7 }
            })
        };
        !bytes.iter().chain(&length[..digits]).fold(0, feed)
    }

    #[test]
    fn the_bindings_were_written_from_the_header_that_is_there() {
        assert_eq!(sys::HEADER_SUM, cksum(include_bytes!("../shim/demon_tensorrt.h")), "run make tensorrt-bindings");
    }
}
