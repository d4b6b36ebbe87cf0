//! The runtime: turns a plan into an engine. Made only after the driver has been asked, see [`crate::Driver`].
#![allow(unsafe_code)]

use std::fmt;
use std::ptr::null_mut;
use std::sync::Arc;

use crate::driver::{Driver, DriverError};
use crate::engine::Engine;
use crate::library::{Library, TensorRt};
use crate::{Words, log, sys, verdict};

/// Why nothing can be run here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RuntimeError {
    /// No driver, no card, or a driver that refuses: play on the CPU.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// TensorRT does not start, though a card is there.
    #[error("TensorRT's runtime does not start: {words}")]
    Failed {
        /// TensorRT's words.
        words: Words,
    },
}

/// Why a plan does not become an engine.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EngineError {
    /// Made for another card: build it again on this one.
    #[error("the plan is for another card: {words}")]
    WrongCard {
        /// TensorRT's words.
        words: Words,
    },
    /// Made by another TensorRT: build it again.
    #[error("the plan is of another TensorRT: {words}")]
    WrongVersion {
        /// TensorRT's words.
        words: Words,
    },
    /// Truncated, or no plan at all: build it again.
    #[error("the plan is damaged: {words}")]
    Corrupt {
        /// TensorRT's words.
        words: Words,
    },
    /// The driver is older than the plan wants: a newer driver helps.
    #[error("the NVIDIA driver is too old for the plan: {words}")]
    OldDriver {
        /// TensorRT's words.
        words: Words,
    },
    /// The card's memory does not hold it: fewer slots, a shorter tape, or a smaller model.
    #[error("the card's memory does not hold the plan: {words}")]
    OutOfMemory {
        /// TensorRT's words.
        words: Words,
    },
    /// None of these.
    #[error("the plan cannot be loaded: {words}")]
    Failed {
        /// TensorRT's words.
        words: Words,
    },
}

/// TensorRT's runtime. Cloning is cheap.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<RuntimeInner>,
}

pub(crate) struct RuntimeInner {
    raw: *mut sys::dt_runtime,
    pub(crate) library: Arc<Library>,
}

// SAFETY: TensorRT's runtime may be used from any thread, and by several at once once it is made.
unsafe impl Send for RuntimeInner {}
// SAFETY: as above.
unsafe impl Sync for RuntimeInner {}

impl Runtime {
    /// Asks the driver for a card, then starts the runtime. The card is CUDA's current device when an engine is made.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub fn new(tensorrt: &TensorRt) -> Result<Self, RuntimeError> {
        let _there = Driver::open(&tensorrt.search)?;
        let library = tensorrt.library.clone();
        let mark = log::mark();
        let mut raw = null_mut();
        // SAFETY: the library is open, and a driver with a card was found, without which the factory must not be called.
        let status = unsafe { library.shim.dt_runtime_create(library.raw, &mut raw) };
        if status != sys::DT_OK || raw.is_null() {
            return Err(RuntimeError::Failed { words: log::since(mark) });
        }
        Ok(Self { inner: Arc::new(RuntimeInner { raw, library }) })
    }

    /// Loads a plan: its header is read first, so that a plan of another card or version is told apart from a broken one.
    /// For RTX this is where kernels are compiled; seconds for a large model.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn engine(&self, plan: &[u8]) -> Result<Engine, EngineError> {
        let shim = &self.inner.library.shim;
        let mark = log::mark();
        let (mut validity, mut why) = (sys::DT_VALID, 0);
        // SAFETY: the runtime is alive, and `plan` is `plan.len()` bytes that are read only.
        let status =
            unsafe { shim.dt_plan_validity(self.inner.raw, plan.as_ptr().cast(), plan.len(), &mut validity, &mut why) };
        if status == sys::DT_OK && validity == sys::DT_INVALID {
            return Err(verdict::from_header(why, log::since(mark)));
        }
        let mut raw = null_mut();
        // SAFETY: as above; TensorRT copies what it keeps of the plan.
        let status = unsafe { shim.dt_engine_create(self.inner.raw, plan.as_ptr().cast(), plan.len(), &mut raw) };
        if status != sys::DT_OK || raw.is_null() {
            return Err(verdict::from_log(log::since(mark)));
        }
        Engine::new(raw, self.inner.clone()).map_err(|words| EngineError::Failed { words })
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Runtime")
    }
}

impl Drop for RuntimeInner {
    fn drop(&mut self) {
        // SAFETY: every engine holds an `Arc` of this, so none is left.
        unsafe { self.library.shim.dt_runtime_destroy(self.raw) }
    }
}
