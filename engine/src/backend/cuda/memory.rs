//! Memory of the card, and memory of the host that the card reaches.
//!
//! Allocated when a set is prepared, never within a tick. An owner of a [`Pinned`] does not touch it between enqueuing a
//! copy of it and the next wait for its stream: that is the one rule that these files cannot check, and why the copies of
//! [`super::stream`] are open to the backends alone.
#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytemuck::Pod;
use cudarc::driver::{result, sys};

use super::driver::{Device, Done, sorted};
use super::error::DeviceError;

/// Memory of the card.
#[derive(Debug)]
pub struct Buffer {
    device: Arc<Device>,
    address: u64,
    bytes: usize,
}

impl Buffer {
    /// Room for `bytes` bytes, all zero when this returns: whatever is uploaded next stays.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`] with what is free.
    pub fn zeroed(device: &Arc<Device>, bytes: usize) -> Done<Self> {
        device.enter()?;
        // SAFETY: freed once, in `drop`.
        let address = unsafe { result::malloc_sync(bytes.max(1)) }.map_err(|error| match error.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                let (free, total) = result::mem_get_info().unwrap_or((0, device.card().memory_bytes));
                DeviceError::OutOfMemory { wanted: bytes, free, total }
            }
            _ => sorted("cuMemAlloc", error),
        })?;
        let buffer = Self { device: Arc::clone(device), address, bytes };
        // SAFETY: the range was allocated just above.
        unsafe { result::memset_d8_sync(address, 0, bytes.max(1)) }.map_err(|error| sorted("cuMemsetD8", error))?;
        // Despite its name it only enqueues, on the legacy stream, and our streams wait for no other.
        // SAFETY: the legacy stream, whose handle is null, always lives.
        unsafe { result::stream::synchronize(std::ptr::null_mut()) }
            .map_err(|error| sorted("cuStreamSynchronize", error))?;
        Ok(buffer)
    }

    /// Its first byte, as the card counts.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.address
    }

    /// The address of float number `index`.
    ///
    /// # Panics
    /// When the buffer does not reach that far.
    #[must_use]
    pub fn float(&self, index: usize) -> u64 {
        assert!(4 * index <= self.bytes, "float {index} of {} bytes", self.bytes);
        self.address + 4 * index as u64
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: allocated in `zeroed`. The driver waits for work that still uses it.
            let _ = unsafe { result::free_sync(self.address) };
        }
    }
}

/// Memory of the host that the card copies from and to without the processor.
#[derive(Debug)]
pub struct Pinned<T: Pod> {
    device: Arc<Device>,
    numbers: *mut T,
    len: usize,
}

// SAFETY: it owns its memory, which any thread may read and write.
unsafe impl<T: Pod + Send> Send for Pinned<T> {}
// SAFETY: as above; shared references only read.
unsafe impl<T: Pod + Sync> Sync for Pinned<T> {}

impl<T: Pod> Pinned<T> {
    /// `len` things, all zero.
    ///
    /// # Errors
    /// When the system will not lock that much memory.
    pub fn zeroed(device: &Arc<Device>, len: usize) -> Done<Self> {
        device.enter()?;
        let bytes = (len * size_of::<T>()).max(1);
        // SAFETY: freed once, in `drop`; plain flags, so that reading it back is as fast as writing.
        let memory = unsafe { result::malloc_host(bytes, 0) }.map_err(|error| sorted("cuMemHostAlloc", error))?;
        // SAFETY: allocated just above, `bytes` long; page-aligned, so aligned for any `T`.
        unsafe { memory.cast::<u8>().write_bytes(0, bytes) };
        Ok(Self { device: Arc::clone(device), numbers: memory.cast(), len })
    }
}

impl<T: Pod> Deref for Pinned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `len` zeroed or later written things, owned by us; `Pod` allows every bit pattern.
        unsafe { std::slice::from_raw_parts(self.numbers, self.len) }
    }
}

impl<T: Pod> DerefMut for Pinned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.numbers, self.len) }
    }
}

impl<T: Pod> Drop for Pinned<T> {
    fn drop(&mut self) {
        if self.device.enter().is_ok() {
            // SAFETY: allocated in `zeroed`.
            let _ = unsafe { result::free_host(self.numbers.cast()) };
        }
    }
}
