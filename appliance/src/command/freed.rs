//! Memory that is freed goes back to the system. The C library learns from a large block that was freed to keep such blocks for later, one heap a
//! thread that ever asked: after fifty loads of recordings half of an engine's memory was kept for nobody (217 of 382 MB, by `malloc_stats`).
#![allow(unsafe_code)]

/// From this size on, in bytes, a block is the system's again as soon as it is freed: the buffers of a load, never those of a tick.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 1 << 20;

/// Heaps of small blocks: one for what is fast, one for what prepares.
#[cfg(target_env = "gnu")]
const HEAPS: libc::c_int = 2;

/// Tells the C library so; before any thread has begun.
#[cfg(target_env = "gnu")]
pub fn give_back() {
    for (what, value) in [(libc::M_MMAP_THRESHOLD, LARGE), (libc::M_TRIM_THRESHOLD, LARGE), (libc::M_ARENA_MAX, HEAPS)]
    {
        // SAFETY: numbers alone are handed over; glibc takes these at any time, and answers 0 for what it does not know.
        unsafe { libc::mallopt(what, value) };
    }
}

/// Other C libraries keep no heap a thread.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
