//! NVIDIA's driver, asked before TensorRT is: without one, TensorRT's own runtime factory may answer with a pointer that is
//! neither null nor valid.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::fs;
use std::path::Path;

use libloading::Library;

use crate::search::Search;

const NO_DEVICE: c_int = 100;
const CAPABILITY_MAJOR: c_int = 75;
const CAPABILITY_MINOR: c_int = 76;
/// Where the kernel module says its version; absent in some containers.
const MODULE_VERSION: &str = "/sys/module/nvidia/version";

/// Why no GPU can be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DriverError {
    /// No driver's library: this machine has no NVIDIA GPU, or its driver is not installed.
    #[error("no NVIDIA driver: {why}")]
    NoDriver {
        /// The dynamic loader's words.
        why: String,
    },
    /// A driver and no card: it is not seated, not visible in this container, or has fallen off the bus.
    #[error("the NVIDIA driver finds no GPU")]
    NoDevice,
    /// The driver is there and refuses; mostly it is older than the library, or the card needs a reset.
    #[error("the NVIDIA driver failed: {call} answered {code}")]
    Failed {
        /// The driver's function.
        call: &'static str,
        /// Its answer, a CUresult.
        code: i32,
    },
}

/// A card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// As the driver calls it.
    pub name: String,
    /// Compute capability, 120 for 12.0.
    pub capability: u32,
    /// Its memory.
    pub memory_bytes: u64,
}

/// The driver, which has at least one card.
pub struct Driver {
    library: Library,
    count: c_int,
}

impl Driver {
    /// Opens the driver and counts its cards.
    ///
    /// # Errors
    /// See [`DriverError`].
    pub fn open(search: &Search) -> Result<Self, DriverError> {
        Self::open_at(&search.cuda)
    }

    fn open_at(path: &Path) -> Result<Self, DriverError> {
        // SAFETY: the driver's library is made to be opened so; its initialisers have no conditions.
        let library = unsafe { Library::new(path) }.map_err(|why| DriverError::NoDriver { why: why.to_string() })?;
        let mut driver = Self { library, count: 0 };
        match driver.call("cuInit", 0_u32) {
            Err(DriverError::Failed { code: NO_DEVICE, .. }) => return Err(DriverError::NoDevice),
            other => other?,
        }
        let mut count = 0;
        driver.call("cuDeviceGetCount", &raw mut count)?;
        if count < 1 {
            return Err(DriverError::NoDevice);
        }
        driver.count = count;
        Ok(driver)
    }

    /// CUDA's version that the driver can do, and the driver's own where the system tells: `13.0, 580.95.05`.
    ///
    /// # Errors
    /// When the driver does not answer.
    pub fn version(&self) -> Result<String, DriverError> {
        let mut number: c_int = 0;
        self.call("cuDriverGetVersion", &raw mut number)?;
        let cuda = format!("{}.{}", number / 1000, number % 1000 / 10);
        Ok(fs::read_to_string(MODULE_VERSION).map_or(cuda.clone(), |module| format!("{cuda}, {}", module.trim())))
    }

    /// The cards, in the driver's order.
    ///
    /// # Errors
    /// When the driver does not answer.
    pub fn gpus(&self) -> Result<Vec<Gpu>, DriverError> {
        (0..self.count).map(|index| self.gpu(index)).collect()
    }

    fn gpu(&self, index: c_int) -> Result<Gpu, DriverError> {
        let mut device: c_int = 0;
        let mut name = [0 as c_char; 128];
        let mut memory_bytes: usize = 0;
        let (mut major, mut minor): (c_int, c_int) = (0, 0);
        self.call2("cuDeviceGet", &raw mut device, index)?;
        self.call3("cuDeviceGetName", name.as_mut_ptr(), name.len() as c_int - 1, device)?;
        self.call2("cuDeviceTotalMem_v2", &raw mut memory_bytes, device)?;
        self.call3("cuDeviceGetAttribute", &raw mut major, CAPABILITY_MAJOR, device)?;
        self.call3("cuDeviceGetAttribute", &raw mut minor, CAPABILITY_MINOR, device)?;
        // SAFETY: the last byte of `name` was never given away and is zero.
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned();
        Ok(Gpu { name, capability: (major * 10 + minor).unsigned_abs(), memory_bytes: memory_bytes as u64 })
    }

    fn call<A>(&self, call: &'static str, a: A) -> Result<(), DriverError> {
        // SAFETY: each caller passes what CUDA's driver interface documents for the function it names.
        answered(call, unsafe { self.library.get::<unsafe extern "C" fn(A) -> c_int>(call.as_bytes()).map(|it| it(a)) })
    }

    fn call2<A, B>(&self, call: &'static str, a: A, b: B) -> Result<(), DriverError> {
        // SAFETY: as in `call`.
        answered(call, unsafe {
            self.library.get::<unsafe extern "C" fn(A, B) -> c_int>(call.as_bytes()).map(|it| it(a, b))
        })
    }

    fn call3<A, B, C>(&self, call: &'static str, a: A, b: B, c: C) -> Result<(), DriverError> {
        // SAFETY: as in `call`.
        answered(call, unsafe {
            self.library.get::<unsafe extern "C" fn(A, B, C) -> c_int>(call.as_bytes()).map(|it| it(a, b, c))
        })
    }
}

fn answered(call: &'static str, answer: Result<c_int, libloading::Error>) -> Result<(), DriverError> {
    match answer {
        Ok(0) => Ok(()),
        Ok(code) => Err(DriverError::Failed { call, code }),
        Err(why) => Err(DriverError::NoDriver { why: why.to_string() }),
    }
}
