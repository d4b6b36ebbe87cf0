//! A piece of memory as atomic words, wherever it comes from.
//!
//! Two processes write to it at once, so it is never looked at in any other way: a plain reference into it would be a lie.

use std::fmt::Debug;
use std::sync::atomic::AtomicU64;

/// Memory that is as long as it says for as long as it is there.
pub trait Memory: Debug + Send + Sync {
    /// All of it. The same words at every call.
    fn words(&self) -> &[AtomicU64];
}

/// Memory of this process alone: for tests, and wherever there is one process.
#[derive(Debug)]
pub struct HeapMemory(Box<[AtomicU64]>);

impl HeapMemory {
    /// Zeroed memory of so many words of 8 bytes.
    #[must_use]
    pub fn zeroed(words: usize) -> Self {
        Self((0..words).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Memory for HeapMemory {
    fn words(&self) -> &[AtomicU64] {
        &self.0
    }
}
