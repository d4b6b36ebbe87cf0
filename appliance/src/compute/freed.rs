//! Memory that is freed goes back to the system. The C library learns from a large block that was freed to keep such blocks for later, one heap a
//! thread that ever asked: after fifty loads of recordings half of an engine's memory was kept for nobody (217 of 382 MB, by `malloc_stats`).
#![allow(unsafe_code)]

/// From this size on, in bytes, a block is the system's again as soon as it is freed. What is smaller shares a heap, and of a heap only whole ends go
/// back in a process that locks its memory: the kernel takes no locked page out of the middle. With 8 MB, workers of a few loads grew an engine from
/// 94 to 141 MB in a quarter of an hour, and all of that was free. Rendering five seconds, with reading the model, takes as long (8 to 10 s,
/// side by side).
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 64 << 10;

/// No heap keeps more than that on its top, in bytes.
#[cfg(target_env = "gnu")]
const TOP: libc::c_int = 256 << 10;

/// As many heaps there are at most; the first one's end goes back even while memory is locked, that of another one never does. Workers come and go,
/// and each new one took the next heap and grew it to what its work needs (6 MB to read words): of eight heaps a core that is a growth of 11 to
/// 20 MB an hour for two hours. No thread that may not wait asks a heap.
#[cfg(target_env = "gnu")]
const HEAPS: libc::c_int = 2;

/// Tells the C library so; before any thread has begun.
pub fn keep_no_large_blocks() {
    #[cfg(target_env = "gnu")]
    for (what, bytes) in [(libc::M_MMAP_THRESHOLD, LARGE), (libc::M_TRIM_THRESHOLD, TOP), (libc::M_ARENA_MAX, HEAPS)] {
        // SAFETY: numbers alone are handed over; glibc takes these at any time, and answers 0 for what it does not know.
        unsafe { libc::mallopt(what, bytes) };
    }
}

/// Gives back what is free below the top of the heaps, where memory is not locked: some milliseconds of a thread that has prepared or freed a set.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a number alone is handed over: how much stays on top of the first heap; glibc takes its locks itself.
    unsafe {
        libc::malloc_trim(0)
    };
}
