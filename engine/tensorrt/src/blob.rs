//! Bytes that TensorRT allocated: a plan, or compiled kernels. Not copied, since a plan may be several gigabytes.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::library::Library;
use crate::sys;

/// Bytes to be written to a file or handed back to TensorRT. Reads as a slice.
pub struct Blob {
    raw: *mut sys::dt_blob,
    library: Arc<Library>,
}

// SAFETY: the bytes are never written after TensorRT made them, and freeing them is not bound to a thread.
unsafe impl Send for Blob {}
// SAFETY: as above; sharing only reads.
unsafe impl Sync for Blob {}

impl Blob {
    /// Takes over `raw`, which `library` made and nobody else frees.
    pub(crate) fn new(raw: *mut sys::dt_blob, library: Arc<Library>) -> Self {
        assert!(!raw.is_null(), "the shim reports success and gives no bytes");
        Self { raw, library }
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `raw` is alive until drop.
        let (data, bytes) =
            unsafe { (self.library.shim.dt_blob_data(self.raw), self.library.shim.dt_blob_bytes(self.raw)) };
        if data.is_null() || bytes == 0 {
            return &[];
        }
        // SAFETY: the shim says that `bytes` bytes stand at `data`; they do not move while `raw` lives.
        unsafe { std::slice::from_raw_parts(data.cast(), bytes) }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Blob({} bytes)", self.len())
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        // SAFETY: ours alone, and not used again.
        unsafe { self.library.shim.dt_blob_destroy(self.raw) }
    }
}
