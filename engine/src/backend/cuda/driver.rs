//! The fence around the CUDA driver: a card, and what its errors mean.
//!
//! The driver is opened at run time, so the same binary runs on machines without one. Memory is in [`super::memory`],
//! queues of work in [`super::stream`]; these three files are the fence, and unsafe code about the driver is nowhere else.
#![allow(unsafe_code)]

use std::sync::Arc;

use cudarc::driver::{result, sys};

use super::error::DeviceError;
use super::trace;

pub(super) type Done<T> = Result<T, DeviceError>;

/// What is known of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The driver's name for it.
    pub name: String,
    /// Compute capability, for instance `(12, 0)`.
    pub compute: (u32, u32),
    /// CUDA version of the driver, for instance 13010.
    pub driver_version: u32,
    /// Memory, in bytes.
    pub memory_bytes: usize,
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
}

impl std::fmt::Display for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, compute: (major, minor), driver_version, .. } = self;
        write!(f, "{name} (sm_{major}{minor}, driver CUDA {}.{})", driver_version / 1000, driver_version % 1000 / 10)
    }
}

/// A card that this process uses. Everything made from it keeps it open.
#[derive(Debug)]
pub struct Device {
    raw: sys::CUdevice,
    context: sys::CUcontext,
    card: Card,
}

// SAFETY: a primary context may be used from any thread that makes it current, which `enter` does.
unsafe impl Send for Device {}
// SAFETY: as above; the driver's own functions are safe to call from several threads.
unsafe impl Sync for Device {}

impl Device {
    /// Number of cards that the driver sees.
    ///
    /// # Errors
    /// [`DeviceError::NoDriver`] or [`DeviceError::DriverBroken`].
    pub fn count() -> Done<usize> {
        // SAFETY: asks the dynamic loader only. Everything else in cudarc would panic without the library.
        if !unsafe { sys::is_culib_present() } {
            return Err(DeviceError::NoDriver);
        }
        match result::init() {
            Err(error) if error.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE => return Ok(0),
            other => other.map_err(|error| DeviceError::DriverBroken { words: words(error) })?,
        }
        let count = result::device::get_count().map_err(|error| sorted("cuDeviceGetCount", error))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Opens a card.
    ///
    /// # Errors
    /// As [`Self::count`]; [`DeviceError::NoDevice`] when there is none of that number.
    pub fn open(ordinal: usize) -> Done<Arc<Self>> {
        let raw = Self::find(ordinal)?;
        // SAFETY: `raw` came from the driver; the context is released once, in `drop`.
        let context = unsafe { result::primary_ctx::retain(raw) };
        let context = context.map_err(|error| sorted("cuDevicePrimaryCtxRetain", error))?;
        let card = card(raw)?;
        let device = Arc::new(Self { raw, context, card });
        device.enter()?;
        Ok(device)
    }

    fn find(ordinal: usize) -> Done<sys::CUdevice> {
        let count = Self::count()?;
        let number = i32::try_from(ordinal).ok().filter(|_| ordinal < count);
        let number = number.ok_or(DeviceError::NoDevice { ordinal, count })?;
        result::device::get(number).map_err(|error| sorted("cuDeviceGet", error))
    }

    /// Opens a card again whose context is beyond use. Everything of this process on it must have been dropped.
    ///
    /// # Errors
    /// As [`Self::open`], and what the reset itself meets.
    pub fn reopen(ordinal: usize) -> Done<Arc<Self>> {
        let raw = Self::find(ordinal)?;
        // SAFETY: `raw` came from the driver; the caller dropped what lived on it.
        let reset = unsafe { sys::cuDevicePrimaryCtxReset_v2(raw) };
        reset.result().map_err(|error| sorted("cuDevicePrimaryCtxReset", error))?;
        Self::open(ordinal)
    }

    /// What is known of it.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Makes the card the calling thread's. Every thread that uses something on it calls this once before.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] or [`DeviceError::KernelFault`] when the context is gone.
    pub fn enter(&self) -> Done<()> {
        trace::note("cuCtxSetCurrent");
        // SAFETY: the context lives until `drop`.
        unsafe { result::ctx::set_current(self.context) }.map_err(|error| sorted("cuCtxSetCurrent", error))
    }

    /// Bytes free and in all.
    ///
    /// # Errors
    /// As [`Self::enter`].
    pub fn memory(&self) -> Done<(usize, usize)> {
        self.enter()?;
        result::mem_get_info().map_err(|error| sorted("cuMemGetInfo", error))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: retained once in `open`. What fails here fails because the context is gone already.
        let _ = unsafe { result::primary_ctx::release(self.raw) };
    }
}

fn card(raw: sys::CUdevice) -> Done<Card> {
    use sys::CUdevice_attribute as A;
    // SAFETY: `raw` came from the driver.
    let ask = |attribute| unsafe { result::device::get_attribute(raw, attribute) };
    let ask = |attribute| {
        let value = ask(attribute).map_err(|error| sorted("cuDeviceGetAttribute", error))?;
        Ok::<_, DeviceError>(u32::try_from(value).unwrap_or(0))
    };
    let mut driver_version = 0;
    // SAFETY: writes one integer.
    let version = unsafe { sys::cuDriverGetVersion(&raw mut driver_version) };
    version.result().map_err(|error| sorted("cuDriverGetVersion", error))?;
    // SAFETY: `raw` came from the driver.
    let memory = unsafe { result::device::total_mem(raw) };
    Ok(Card {
        name: result::device::get_name(raw).map_err(|error| sorted("cuDeviceGetName", error))?,
        compute: (
            ask(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            ask(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        ),
        driver_version: u32::try_from(driver_version).unwrap_or(0),
        memory_bytes: memory.map_err(|error| sorted("cuDeviceTotalMem", error))?,
        multiprocessors: ask(A::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
    })
}

/// Sorts what the driver says by what it means for the caller.
pub(super) fn sorted(call: &'static str, error: result::DriverError) -> DeviceError {
    use sys::CUresult as R;
    let words = words(error);
    match error.0 {
        R::CUDA_ERROR_ILLEGAL_ADDRESS
        | R::CUDA_ERROR_ILLEGAL_INSTRUCTION
        | R::CUDA_ERROR_MISALIGNED_ADDRESS
        | R::CUDA_ERROR_INVALID_ADDRESS_SPACE
        | R::CUDA_ERROR_INVALID_PC
        | R::CUDA_ERROR_HARDWARE_STACK_ERROR
        | R::CUDA_ERROR_ASSERT
        | R::CUDA_ERROR_LAUNCH_TIMEOUT
        | R::CUDA_ERROR_LAUNCH_FAILED => DeviceError::KernelFault { call, words },
        R::CUDA_ERROR_UNKNOWN
        | R::CUDA_ERROR_ECC_UNCORRECTABLE
        | R::CUDA_ERROR_NVLINK_UNCORRECTABLE
        | R::CUDA_ERROR_DEVICE_UNAVAILABLE
        | R::CUDA_ERROR_SYSTEM_NOT_READY
        | R::CUDA_ERROR_CONTEXT_IS_DESTROYED
        | R::CUDA_ERROR_NO_DEVICE => DeviceError::Lost { call, words },
        R::CUDA_ERROR_OUT_OF_MEMORY => {
            let (free, total) = result::mem_get_info().unwrap_or((0, 0));
            DeviceError::OutOfMemory { wanted: 0, free, total }
        }
        _ => DeviceError::Refused { call, words },
    }
}

/// The driver's name of an error and its sentence.
pub(super) fn words(error: result::DriverError) -> String {
    let name =
        error.error_name().map_or_else(|_| format!("error {}", error.0 as u32), |it| it.to_string_lossy().into());
    error.error_string().map_or(name.clone(), |it| format!("{name} ({})", it.to_string_lossy()))
}
