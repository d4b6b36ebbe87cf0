//! How a performance ends: somebody asks, everything that runs is let go by name, and nothing holds the end up.
//!
//! [`Leave`] is the one place where the wish to end is: hands, signals, a lost terminal and a full hour raise it, every thread
//! looks at it, and the time counts from the first of them. Whatever must be ended is started through it and bears a name, so
//! that who still runs when the time is over can be said ([`Leave::still_there`]). Nothing here waits without a deadline.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

/// What everything together may take from the wish to the end: the sound's fade is a tenth of a second, a decoded window or a
/// tick of a large model a few. With what follows, a box is gone within two seconds.
const TIME_TO_END: Duration = Duration::from_millis(1_200);

/// The wish to end, and who still has to. Clones are the same.
#[derive(Clone, Debug)]
pub struct Leave(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    asked: AtomicBool,
    /// A player of its own process is not asked to end.
    leaves_the_sound: AtomicBool,
    since: OnceLock<Instant>,
    /// Readable once it is asked.
    wake: OwnedFd,
    there: Mutex<Vec<&'static str>>,
}

impl Leave {
    /// Nobody has asked yet.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Shared {
            asked: AtomicBool::new(false),
            leaves_the_sound: AtomicBool::new(false),
            since: OnceLock::new(),
            wake,
            there: Mutex::default(),
        })))
    }

    /// Asks for the end. Only the first time counts.
    pub fn ask(&self) {
        self.0.since.get_or_init(Instant::now);
        self.0.asked.store(true, Ordering::Relaxed);
        // It can only fail when it was written to 2^64 times.
        let _ = rustix::io::write(&self.0.wake, &1_u64.to_ne_bytes());
    }

    /// Runs `work`, which leads the performance. Should it panic, everything that is ours ends in order, and a player in a process of
    /// its own plays on for the next engine, as it does when an engine is killed. Answers whether it ended by itself.
    #[must_use]
    pub fn lead(&self, work: impl FnOnce()) -> bool {
        let ended = catch_unwind(AssertUnwindSafe(work)).is_ok();
        if !ended {
            self.0.leaves_the_sound.store(true, Ordering::Relaxed);
            self.ask();
        }
        ended
    }

    /// Whether a player in a process of its own is to play on.
    #[must_use]
    pub fn leaves_the_sound(&self) -> bool {
        self.0.leaves_the_sound.load(Ordering::Relaxed)
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// The same as a flag, for work that looks at one.
    #[must_use]
    pub fn flag(&self) -> &AtomicBool {
        &self.0.asked
    }

    /// When everything has to have ended; asks for it.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.ask();
        *self.0.since.get_or_init(Instant::now) + TIME_TO_END
    }

    /// Can be read from once somebody has asked.
    #[must_use]
    pub fn wake(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }

    /// Something begins that must be ended in order. It counts as there until the answer is dropped.
    #[must_use]
    pub fn hold(&self, name: &'static str) -> Hold {
        self.there().push(name);
        Hold { leave: self.clone(), name }
    }

    /// Who has not ended, in the order of their beginning.
    #[must_use]
    pub fn still_there(&self) -> Vec<&'static str> {
        self.there().clone()
    }

    /// Runs `work` on a thread that is called `name`.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn spawn<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Running<T>> {
        let (ended, end) = channel();
        let hold = self.hold(name);
        Builder::new().name(name.to_owned()).spawn(move || {
            // Whoever panicked has said so on standard error; here it becomes an end like any other, seen by who looks.
            let result = catch_unwind(AssertUnwindSafe(work)).ok();
            drop(hold);
            let _ = ended.send(result);
        })?;
        Ok(Running { name, end, result: None })
    }

    fn there(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.0.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is there and has to be ended in order.
#[derive(Debug)]
pub struct Hold {
    leave: Leave,
    name: &'static str,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut there = self.leave.there();
        if let Some(at) = there.iter().position(|it| *it == self.name) {
            there.remove(at);
        }
    }
}

/// A thread by its name. Dropped, it goes on alone.
#[derive(Debug)]
pub struct Running<T> {
    name: &'static str,
    end: Receiver<Option<T>>,
    result: Option<End<T>>,
}

/// How a thread ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End<T> {
    /// With this.
    Done(T),
    /// It panicked.
    Crashed,
    /// It did not, in time.
    Not,
}

impl<T> Running<T> {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How it ended, if it has: without waiting.
    pub fn look(&mut self) -> Option<&End<T>> {
        if self.result.is_none() {
            self.result = match self.end.try_recv() {
                Ok(Some(result)) => Some(End::Done(result)),
                Ok(None) | Err(TryRecvError::Disconnected) => Some(End::Crashed),
                Err(TryRecvError::Empty) => None,
            };
        }
        self.result.as_ref()
    }

    /// Waits for its end, until `deadline` at most.
    pub fn join_by(self, deadline: Instant) -> End<T> {
        if let Some(result) = self.result {
            return result;
        }
        match self.end.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Some(result)) => End::Done(result),
            Ok(None) | Err(RecvTimeoutError::Disconnected) => End::Crashed,
            Err(RecvTimeoutError::Timeout) => End::Not,
        }
    }
}

/// Something did not end in time. The process is to be ended without waiting for it.
#[derive(Debug, thiserror::Error)]
#[error("did not end in time: {}", names.join(", "))]
pub struct NotEnded {
    /// What.
    pub names: Vec<&'static str>,
}

impl NotEnded {
    /// Whether the sound is among them: then nobody knows whether all of it was played or written.
    #[must_use]
    pub fn lost_sound(&self) -> bool {
        self.names.contains(&SOUND)
    }
}

/// What the thread that plays is called.
pub const SOUND: &str = "audio";
/// What is called so that leads a performance.
pub const CONDUCTOR: &str = "conductor";

#[cfg(test)]
mod tests {
    use super::{End, Leave, NotEnded, SOUND};
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    #[test]
    fn a_thread_that_hangs_is_not_waited_for_past_the_deadline_and_is_named() {
        let leave = Leave::new().expect("a descriptor");
        let (_never, wait) = channel::<()>();
        let hangs = leave.spawn("surfaces", move || wait.recv()).expect("a thread");
        let ends = leave.spawn(SOUND, || 7).expect("a thread");
        let until = Instant::now() + Duration::from_secs(60);
        assert_eq!(ends.join_by(until), End::Done(7));
        assert!(matches!(hangs.join_by(Instant::now()), End::Not));
        assert_eq!(leave.still_there(), ["surfaces"]);
        let told = NotEnded { names: leave.still_there() };
        assert_eq!((told.to_string().as_str(), told.lost_sound()), ("did not end in time: surfaces", false));
    }

    #[test]
    fn a_thread_that_panics_has_ended_and_is_seen_without_waiting() {
        let leave = Leave::new().expect("a descriptor");
        let mut crashes = leave.spawn("tick", || panic!("as the test asked")).expect("a thread");
        while crashes.look().is_none() {
            std::thread::yield_now();
        }
        assert_eq!(crashes.look(), Some(&End::<()>::Crashed));
        assert_eq!(crashes.join_by(Instant::now()), End::Crashed);
        assert!(leave.still_there().is_empty());
    }

    #[test]
    fn whoever_leads_and_panics_has_asked_for_the_end_and_for_no_other_process_to_end() {
        let leave = Leave::new().expect("a descriptor");
        assert!(leave.lead(|| ()) && !leave.is_asked());
        assert!(!leave.lead(|| panic!("as the test asked")));
        assert!(leave.is_asked() && leave.leaves_the_sound());
    }

    #[test]
    fn the_time_counts_from_the_first_wish() {
        let leave = Leave::new().expect("a descriptor");
        assert!(!leave.is_asked());
        leave.ask();
        let first = leave.deadline();
        leave.ask();
        assert_eq!((leave.deadline(), leave.is_asked()), (first, true));
        let hold = leave.hold("a file");
        assert_eq!(leave.still_there(), ["a file"]);
        drop(hold);
        assert!(leave.still_there().is_empty());
    }
}
