//! Kernels that TensorRT for RTX compiled at run time, kept for the next start: without them every start compiles again.
#![allow(unsafe_code)]

use std::fmt;
use std::ptr::null_mut;
use std::sync::Arc;

use crate::blob::Blob;
use crate::engine::{Engine, EngineInner};
use crate::{Words, log, sys};

/// Why kernels are not kept.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CacheError {
    /// This flavour compiles everything when it builds: there is nothing to keep.
    #[error("this TensorRT compiles nothing at run time")]
    Unsupported,
    /// Of another TensorRT, card or driver, or damaged: throw the file away; the kernels are compiled again.
    #[error("the kept kernels do not fit: {words}")]
    Refused {
        /// TensorRT's words.
        words: Words,
    },
    /// None of these.
    #[error("the kernels cannot be kept: {words}")]
    Failed {
        /// TensorRT's words.
        words: Words,
    },
}

/// Compiled kernels. Give it to every context of the engine, and save it when the instrument has played a while. Cloning is
/// cheap and shares.
#[derive(Clone)]
pub struct RuntimeCache {
    pub(crate) inner: Arc<CacheInner>,
}

pub(crate) struct CacheInner {
    pub(crate) raw: *mut sys::dt_cache,
    engine: Arc<EngineInner>,
}

// SAFETY: TensorRT's own compiler threads write into it while contexts read, so it locks itself.
unsafe impl Send for CacheInner {}
// SAFETY: as above.
unsafe impl Sync for CacheInner {}

impl Engine {
    /// An empty cache.
    ///
    /// # Errors
    /// See [`CacheError`].
    pub fn runtime_cache(&self) -> Result<RuntimeCache, CacheError> {
        let engine = self.inner.clone();
        let mark = log::mark();
        let mut raw = null_mut();
        // SAFETY: the engine is alive.
        let status = unsafe { engine.runtime.library.shim.dt_cache_create(engine.raw, &mut raw) };
        match status {
            sys::DT_OK if !raw.is_null() => Ok(RuntimeCache { inner: Arc::new(CacheInner { raw, engine }) }),
            sys::DT_UNSUPPORTED => Err(CacheError::Unsupported),
            _ => Err(CacheError::Failed { words: log::since(mark) }),
        }
    }
}

impl RuntimeCache {
    /// Takes in what an earlier run saved. A refusal leaves the cache as it was.
    ///
    /// # Errors
    /// [`CacheError::Refused`] when it is of another TensorRT, card or driver, or damaged.
    pub fn load(&self, bytes: &[u8]) -> Result<(), CacheError> {
        let mark = log::mark();
        // SAFETY: the cache is alive, and `bytes` is read only, for the call.
        let status = unsafe {
            self.inner.engine.runtime.library.shim.dt_cache_load(self.inner.raw, bytes.as_ptr().cast(), bytes.len())
        };
        match status {
            sys::DT_OK => Ok(()),
            sys::DT_UNSUPPORTED => Err(CacheError::Unsupported),
            _ => Err(CacheError::Refused { words: log::since(mark) }),
        }
    }

    /// What to keep for the next start.
    ///
    /// # Errors
    /// See [`CacheError`].
    pub fn save(&self) -> Result<Blob, CacheError> {
        let library = &self.inner.engine.runtime.library;
        let mark = log::mark();
        let mut raw = null_mut();
        // SAFETY: the cache is alive.
        let status = unsafe { library.shim.dt_cache_save(self.inner.raw, &mut raw) };
        match status {
            sys::DT_OK if !raw.is_null() => Ok(Blob::new(raw, library.clone())),
            sys::DT_UNSUPPORTED => Err(CacheError::Unsupported),
            _ => Err(CacheError::Failed { words: log::since(mark) }),
        }
    }
}

impl fmt::Debug for RuntimeCache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RuntimeCache")
    }
}

impl Drop for CacheInner {
    fn drop(&mut self) {
        // SAFETY: every context that uses it holds an `Arc` of this, so none is left.
        unsafe { self.engine.runtime.library.shim.dt_cache_destroy(self.raw) }
    }
}
