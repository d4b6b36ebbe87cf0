//! The fence around `libnvidia-ml.so.1`: seven functions, opened at run time.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint, c_ulonglong, c_void};
use std::path::Path;
use std::ptr::NonNull;

use libloading::Library;

use super::{Brake, GpuHealth};

/// The file that comes with NVIDIA's driver.
const LIBRARY: &str = "libnvidia-ml.so.1";
/// `NVML_TEMPERATURE_GPU`.
const CHIP: c_uint = 0;
/// `NVML_SUCCESS`.
const SUCCESS: c_int = 0;

/// Why a card says nothing.
#[derive(Debug, thiserror::Error)]
pub enum NvmlError {
    /// There is no library, or one without these functions. Do not ask again.
    #[error("NVIDIA's management library does not open: {0}; expected {LIBRARY} of the card's driver")]
    NoLibrary(#[from] libloading::Error),
    /// The library or the card refused. Ask again later.
    #[error("NVIDIA's management library: {call} gave status {status}; expected 0")]
    Refused {
        /// The function.
        call: &'static str,
        /// Its answer.
        status: c_int,
    },
}

/// `nvmlUtilization_t`, in percent.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Utilization {
    gpu: c_uint,
    memory: c_uint,
}

type Init = unsafe extern "C" fn() -> c_int;
type HandleByIndex = unsafe extern "C" fn(c_uint, *mut *mut c_void) -> c_int;
type UtilizationRates = unsafe extern "C" fn(*mut c_void, *mut Utilization) -> c_int;
type Temperature = unsafe extern "C" fn(*mut c_void, c_uint, *mut c_uint) -> c_int;
type Reasons = unsafe extern "C" fn(*mut c_void, *mut c_ulonglong) -> c_int;

/// A card, as the library names it. Only the library follows the pointer, and it checks it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Card(NonNull<c_void>);

// SAFETY: a handle is a name; the library may be called from any thread.
unsafe impl Send for Card {}

/// The open library.
#[derive(Debug)]
pub(super) struct Nvml {
    handle: HandleByIndex,
    utilization: UtilizationRates,
    temperature: Temperature,
    /// Newer drivers call it event reasons, older ones throttle reasons; the oldest have neither.
    reasons: Option<Reasons>,
    shutdown: Init,
    /// Keeps the functions above where they are; closed after them.
    _library: Library,
}

impl Nvml {
    /// Opens and starts the library.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, NvmlError> {
        // SAFETY: loading NVIDIA's library runs its initialisers, which any program may do.
        let library = unsafe { Library::new(path.unwrap_or(Path::new(LIBRARY))) }?;
        // SAFETY: the names and types are those of `nvml.h`, unchanged since these versions of the functions exist; the
        // pointers are called only while the library, kept beside them, is open.
        let (init, open) = unsafe {
            let reasons = library
                .get::<Reasons>(b"nvmlDeviceGetCurrentClocksEventReasons\0")
                .or_else(|_| library.get::<Reasons>(b"nvmlDeviceGetCurrentClocksThrottleReasons\0"));
            let open = (
                *library.get::<HandleByIndex>(b"nvmlDeviceGetHandleByIndex_v2\0")?,
                *library.get::<UtilizationRates>(b"nvmlDeviceGetUtilizationRates\0")?,
                *library.get::<Temperature>(b"nvmlDeviceGetTemperature\0")?,
                reasons.ok().map(|it| *it),
                *library.get::<Init>(b"nvmlShutdown\0")?,
            );
            (*library.get::<Init>(b"nvmlInit_v2\0")?, open)
        };
        // SAFETY: takes nothing.
        check("nvmlInit_v2", unsafe { init() })?;
        let (handle, utilization, temperature, reasons, shutdown) = open;
        Ok(Self { handle, utilization, temperature, reasons, shutdown, _library: library })
    }

    /// The card `index`, counted along the bus.
    pub(super) fn card(&self, index: u32) -> Result<Card, NvmlError> {
        let mut card = std::ptr::null_mut();
        // SAFETY: the library was started; it writes one pointer.
        let status = unsafe { (self.handle)(index, &mut card) };
        check("nvmlDeviceGetHandleByIndex_v2", status)?;
        let missing = NvmlError::Refused { call: "nvmlDeviceGetHandleByIndex_v2", status };
        NonNull::new(card).map(Card).ok_or(missing)
    }

    /// How a card is.
    pub(super) fn read(&self, card: Card) -> Result<GpuHealth, NvmlError> {
        let (mut load, mut celsius) = (Utilization::default(), 0);
        // SAFETY: the library was started and named this card; it writes one struct of its header's layout.
        check("nvmlDeviceGetUtilizationRates", unsafe { (self.utilization)(card.0.as_ptr(), &mut load) })?;
        // SAFETY: as above; it writes one number.
        check("nvmlDeviceGetTemperature", unsafe { (self.temperature)(card.0.as_ptr(), CHIP, &mut celsius) })?;
        let mut bits = 0;
        let known = self.reasons.is_some_and(|reasons| {
            // SAFETY: as above; it writes one number.
            unsafe { reasons(card.0.as_ptr(), &mut bits) == SUCCESS }
        });
        // Some cards do not say why they slow down; that is no reason to hide the rest.
        let brake = if known { Brake::of(bits) } else { None };
        Ok(GpuHealth { load_percent: load.gpu.min(100) as u8, celsius, brake })
    }
}

impl Drop for Nvml {
    fn drop(&mut self) {
        // SAFETY: started once, shut down once; no card is named after this. A refusal leaves nothing to do.
        let _ = unsafe { (self.shutdown)() };
    }
}

fn check(call: &'static str, status: c_int) -> Result<(), NvmlError> {
    if status == SUCCESS { Ok(()) } else { Err(NvmlError::Refused { call, status }) }
}
