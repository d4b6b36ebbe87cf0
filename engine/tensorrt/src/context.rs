//! A context: an engine at work on a stream. Everything that a tick calls allocates nothing on the host while it succeeds.
//!
//! Made to be captured in a CUDA graph: the caller supplies the device memory, TensorRT's own graphs are off, and kernels for
//! a shape are compiled at once or never, so that nothing is compiled or allocated inside a capture. The order that holds:
//! shapes, addresses and device memory; one enqueue without a capture, which compiles; then the capture.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt;
use std::ptr::null_mut;
use std::sync::Arc;

use crate::cache::{CacheInner, RuntimeCache};
use crate::engine::{Engine, EngineInner, Tensor};
use crate::{Dims, Words, log, sys};

/// When kernels for a shape that is new are compiled (RTX only; the other flavour compiles when it builds).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewShapes {
    /// At once, within the call: the choice for work that is to be captured.
    #[default]
    Eager,
    /// Never: general kernels only, slower and without a surprise.
    Never,
    /// In the background, later: must not be captured, since a graph would keep the slow kernels.
    Lazy,
}

/// Why there is no context.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ContextError {
    /// The card's memory is full.
    #[error("the card's memory does not hold another context: {words}")]
    OutOfMemory {
        /// TensorRT's words.
        words: Words,
    },
    /// None of these.
    #[error("TensorRT makes no context: {words}")]
    Failed {
        /// TensorRT's words.
        words: Words,
    },
}

/// Why a context does not take a shape or an address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SetError {
    /// The plan has no such tensor: the plan and the program do not belong together.
    #[error("the plan has no tensor `{name}`, it has {known}")]
    Unknown {
        /// The tensor.
        name: String,
        /// Those that it has.
        known: String,
    },
    /// Too many dimensions, or outside the profile: build for this shape.
    #[error("the plan was not built for `{name}` as {asked:?} (it takes {built}): {words}")]
    Shape {
        /// The tensor.
        name: String,
        /// The shape that was asked for.
        asked: Vec<i64>,
        /// The shapes that it was built for.
        built: String,
        /// TensorRT's words.
        words: Words,
    },
    /// None of these.
    #[error("`{name}` was not set: {words}")]
    Failed {
        /// The tensor, or what else was set.
        name: String,
        /// TensorRT's words.
        words: Words,
    },
}

/// The work was not handed to the stream; nothing of it runs. Whether the card is lost, the next CUDA call tells.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the work was not handed to the card: {words}")]
pub struct EnqueueError {
    /// TensorRT's words.
    pub words: Words,
}

/// An engine at work. One thread at a time.
pub struct Context {
    raw: *mut sys::dt_context,
    engine: Arc<EngineInner>,
    _cache: Option<Arc<CacheInner>>,
}

// SAFETY: a context may move between threads as long as one uses it at a time, which `&mut self` sees to.
unsafe impl Send for Context {}

impl Engine {
    /// A context; kernels come from and go to `cache` where one is given.
    ///
    /// # Errors
    /// See [`ContextError`].
    pub fn context(&self, cache: Option<&RuntimeCache>, shapes: NewShapes) -> Result<Context, ContextError> {
        let shapes = match shapes {
            NewShapes::Lazy => sys::DT_SHAPES_LAZY,
            NewShapes::Eager => sys::DT_SHAPES_EAGER,
            NewShapes::Never => sys::DT_SHAPES_NEVER,
        };
        let engine = self.inner.clone();
        let mark = log::mark();
        let mut raw = null_mut();
        let raw_cache = cache.map_or(null_mut(), |it| it.inner.raw);
        // SAFETY: engine and cache are alive, and the context keeps both for as long as it lives.
        let status = unsafe { engine.runtime.library.shim.dt_context_create(engine.raw, raw_cache, shapes, &mut raw) };
        if status == sys::DT_OK && !raw.is_null() {
            return Ok(Context { raw, engine, _cache: cache.map(|it| it.inner.clone()) });
        }
        let words = log::since(mark);
        let full = words.0.iter().any(|it| it.to_lowercase().contains("memory"));
        Err(if full { ContextError::OutOfMemory { words } } else { ContextError::Failed { words } })
    }
}

impl Context {
    /// Chooses the profile; the first is chosen already. Shapes and addresses are to be set anew after it.
    ///
    /// # Errors
    /// When there is no such profile, or another context uses it.
    ///
    /// # Safety
    /// `stream` is null or a live CUDA stream of the engine's device.
    pub unsafe fn set_profile(&mut self, profile: usize, stream: *mut c_void) -> Result<(), SetError> {
        let mark = log::mark();
        let index = i32::try_from(profile).unwrap_or(i32::MAX);
        // SAFETY: the context is alive; the caller vouches for the stream.
        let status = unsafe { self.engine.runtime.library.shim.dt_context_set_profile(self.raw, index, stream) };
        let failed = || SetError::Failed { name: format!("profile {profile}"), words: log::since(mark) };
        if status == sys::DT_OK { Ok(()) } else { Err(failed()) }
    }

    /// Sets the shape of an input that was left open in the plan.
    ///
    /// # Errors
    /// When there is no such tensor, or the plan was not built for the shape.
    pub fn set_shape(&mut self, name: &str, dims: &[i64]) -> Result<(), SetError> {
        let tensor = self.tensor(name)?;
        let mark = log::mark();
        let refused = || SetError::Shape {
            name: name.to_owned(),
            asked: dims.to_vec(),
            built: built_for(tensor),
            words: log::since(mark),
        };
        let raw = Dims::new(dims).ok_or_else(refused)?.to_raw();
        let shim = &self.engine.runtime.library.shim;
        // SAFETY: the context is alive, name and shape outlive the call.
        let status = unsafe { shim.dt_context_set_shape(self.raw, tensor.raw_name.as_ptr(), &raw const raw) };
        if status == sys::DT_OK { Ok(()) } else { Err(refused()) }
    }

    /// The shape of a tensor as the inputs' shapes make it.
    ///
    /// # Errors
    /// When there is no such tensor.
    pub fn shape(&self, name: &str) -> Result<Dims, SetError> {
        let tensor = self.tensor(name)?;
        let mark = log::mark();
        let mut raw = sys::dt_dims { rank: 0, size: [0; sys::DT_RANK_MAX as usize] };
        let shim = &self.engine.runtime.library.shim;
        // SAFETY: the context is alive, the name ends with a zero, `raw` is ours.
        let status = unsafe { shim.dt_context_shape(self.raw, tensor.raw_name.as_ptr(), &mut raw) };
        if status == sys::DT_OK {
            return Ok(Dims::from_raw(&raw));
        }
        Err(SetError::Failed { name: name.to_owned(), words: log::since(mark) })
    }

    /// Where a tensor is, as a device address (a host address where [`Tensor::on_host`]). Followed when work is enqueued.
    ///
    /// # Errors
    /// When there is no such tensor.
    pub fn set_address(&mut self, name: &str, address: u64) -> Result<(), SetError> {
        let tensor = self.tensor(name)?;
        let mark = log::mark();
        let shim = &self.engine.runtime.library.shim;
        // SAFETY: the context is alive and the name ends with a zero; the address is only noted here.
        let status = unsafe { shim.dt_context_set_address(self.raw, tensor.raw_name.as_ptr(), address) };
        if status == sys::DT_OK {
            return Ok(());
        }
        Err(SetError::Failed { name: name.to_owned(), words: log::since(mark) })
    }

    /// Device memory that the shapes need which are set now, in bytes; nothing while one is missing.
    #[must_use]
    pub fn device_memory_bytes(&mut self) -> Option<u64> {
        // SAFETY: the context is alive.
        let bytes = unsafe { self.engine.runtime.library.shim.dt_context_device_memory(self.raw) };
        u64::try_from(bytes).ok()
    }

    /// Gives the context its device memory: at least [`Context::device_memory_bytes`], aligned to 256 bytes. Followed when
    /// work is enqueued; contexts whose work never overlaps may share it.
    ///
    /// # Errors
    /// When it is too small, as far as TensorRT says so here.
    pub fn set_device_memory(&mut self, address: u64, bytes: u64) -> Result<(), SetError> {
        let mark = log::mark();
        let size = i64::try_from(bytes).unwrap_or(i64::MAX);
        let shim = &self.engine.runtime.library.shim;
        // SAFETY: the context is alive; the address is only noted here.
        let status = unsafe { shim.dt_context_set_device_memory(self.raw, address, size) };
        // The call answers nothing: what it says in the log is all there is.
        if status == sys::DT_OK && log::own_errors_since(mark).0.is_empty() {
            return Ok(());
        }
        Err(SetError::Failed { name: "device memory".to_owned(), words: log::since(mark) })
    }

    /// Whether the next [`Context::enqueue`] on this stream can be captured; nothing where TensorRT cannot say.
    ///
    /// # Safety
    /// As for [`Context::enqueue`].
    #[must_use]
    pub unsafe fn capturable(&self, stream: *mut c_void) -> Option<bool> {
        // SAFETY: the context is alive; the caller vouches for the stream.
        match unsafe { self.engine.runtime.library.shim.dt_context_capturable(self.raw, stream) } {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// Hands the work to a stream and returns; inside a capture it becomes part of the graph.
    ///
    /// # Errors
    /// When a shape or an address is missing, or CUDA fails.
    ///
    /// # Safety
    /// `stream` is a live CUDA stream of the engine's device. Every address that was set points at memory of that device with
    /// room for the tensor's shape, and stays so until the stream, or the last graph captured from it, has run.
    pub unsafe fn enqueue(&mut self, stream: *mut c_void) -> Result<(), EnqueueError> {
        let mark = log::mark();
        // SAFETY: the context is alive; the caller vouches for the rest.
        let status = unsafe { self.engine.runtime.library.shim.dt_context_enqueue(self.raw, stream) };
        if status == sys::DT_OK { Ok(()) } else { Err(EnqueueError { words: log::since(mark) }) }
    }

    fn tensor(&self, name: &str) -> Result<&Tensor, SetError> {
        self.engine.tensor(name).ok_or_else(|| {
            let known: Vec<String> = self.engine.tensors.iter().map(|it| format!("`{}`", it.name)).collect();
            SetError::Unknown { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

fn built_for(tensor: &Tensor) -> String {
    let ranges: Vec<String> = tensor.profiles.iter().map(|it| format!("{} to {}", it.least, it.most)).collect();
    if ranges.is_empty() { tensor.dims.to_string() } else { ranges.join(" or ") }
}

impl fmt::Debug for Context {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Context")
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours alone; engine and cache outlive this call as fields.
        unsafe { self.engine.runtime.library.shim.dt_context_destroy(self.raw) }
    }
}
