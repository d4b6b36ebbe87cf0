//! Writes the last state to the disk, on a thread that nobody waits for.
//!
//! Of what is to be written the latest counts. What the disk says of it is told when it is asked for: once when it begins to fail, and once
//! when it is over.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::files::write_whole;
use crate::performance::ending::{End, Leave, Running};
use crate::settings::last_state::{LastState, text};

/// What the thread is called.
pub const STATE_WRITER: &str = "last state";

/// A state to be written, and what became of the one before.
#[derive(Debug, Default)]
struct Slot {
    next: Option<LastState>,
    /// What went wrong; nothing where it is on the disk.
    told: Option<Option<String>>,
    ends: bool,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    wake: Condvar,
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next state, after waiting for it; none when there is none to come.
    fn next(&self) -> Option<LastState> {
        let mut slot = self.slot();
        loop {
            if let Some(next) = slot.next.take() {
                return Some(next);
            }
            if slot.ends {
                return None;
            }
            slot = self.wake.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The end that hands states over.
#[derive(Debug)]
pub struct StateWriter {
    shared: Arc<Shared>,
    thread: Running<()>,
}

impl StateWriter {
    /// Starts to write to a file.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(path: PathBuf, leave: &Leave) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let its = Arc::clone(&shared);
        let thread = leave.spawn(STATE_WRITER, move || {
            while let Some(state) = its.next() {
                let done = write_whole(&path, text(&state).as_bytes());
                its.slot().told = Some(done.err().map(|it| it.to_string()));
            }
        })?;
        Ok(Self { shared, thread })
    }

    /// Hands a state over, in the place of one that still waits. Does not wait for a disk.
    pub fn write(&self, state: LastState) {
        self.shared.slot().next = Some(state);
        self.shared.wake.notify_one();
    }

    /// What became of the last state that was tried since the last call: nothing of none, else what went wrong with it.
    pub fn told(&mut self) -> Option<Option<String>> {
        if matches!(self.thread.look(), Some(End::Crashed)) {
            return Some(Some("the thread that writes it crashed; please report it".to_owned()));
        }
        self.shared.slot().told.take()
    }

    /// Writes what waits, and ends; by the deadline it is left to itself. Answers as [`Self::told`].
    pub fn end(self, deadline: Instant) -> Option<Option<String>> {
        self.shared.slot().ends = true;
        self.shared.wake.notify_one();
        match self.thread.join_by(deadline) {
            End::Done(()) => self.shared.slot().told.take(),
            End::Crashed | End::Not => Some(Some("it was not written in time".to_owned())),
        }
    }
}
