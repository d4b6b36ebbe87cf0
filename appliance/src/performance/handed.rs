//! What is handed to a thread that works through it: whoever hands over does not wait for the work, and the thread sleeps while there is
//! none.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What waits, and what became of what did; shared by both sides.
#[derive(Debug, Default)]
pub(super) struct Handed<S> {
    slot: Mutex<S>,
    wake: Condvar,
}

impl<S> Handed<S> {
    /// What is there. Whoever panics with it leaves it as sound as it was: it is only ever replaced.
    pub(super) fn slot(&self) -> MutexGuard<'_, S> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands something over, and wakes the thread.
    pub(super) fn hand_over(&self, change: impl FnOnce(&mut S)) {
        change(&mut self.slot());
        self.wake.notify_one();
    }

    /// For the thread: waits until `take` answers, which is asked again whenever something was handed over.
    pub(super) fn next<T>(&self, mut take: impl FnMut(&mut S) -> Option<T>) -> T {
        let mut slot = self.slot();
        loop {
            if let Some(taken) = take(&mut slot) {
                return taken;
            }
            slot = self.wake.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
