//! What holds the conductor up: the time of a turn in which its thread neither ran nor was ready to run.
//!
//! Whoever waits for a lock, a disk or a page of a mapped file is held up; whoever waits for a core is not: that is the machine's
//! affair, and a turn that computes for long shows as time of the processor. Two short calls of the system a turn.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::files::open_regular;

/// A turn that is held up for longer is told: a hand would feel two of them.
pub const FELT: Duration = Duration::from_millis(5);
/// A turn that is over within this cannot have been held up for longer, and is not looked at.
const SHORT: Duration = Duration::from_millis(1);

/// How the conductor's turns went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldUp {
    /// Turns that were counted.
    pub turns: u64,
    /// Those that were held up for longer than [`FELT`].
    pub felt: u64,
    /// The longest that one was held up.
    pub most: Duration,
    /// The part of that turn that took longest.
    pub part: &'static str,
}

/// Counts how long the turns of a thread are held up. Belongs to the thread that made it.
#[derive(Debug)]
pub struct HoldUps {
    schedule: Option<File>,
    begun: Times,
    marked: Instant,
    longest: (Duration, &'static str),
    seen: HeldUp,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    wall: Instant,
    /// On a core.
    ran: Duration,
    /// Ready to run, and without a core.
    queued: Duration,
}

impl HoldUps {
    /// Of the calling thread. Where the kernel does not tell how long a thread waits for a core (`/proc/thread-self/schedstat`), such
    /// waits count as hold-ups.
    #[must_use]
    pub fn of_this_thread() -> Self {
        let schedule = open_regular(Path::new("/proc/thread-self/schedstat")).ok();
        let begun = Times::now(schedule.as_ref());
        Self { schedule, begun, marked: begun.wall, longest: Default::default(), seen: HeldUp::default() }
    }

    /// A turn begins now: what came before it was waiting on purpose.
    pub fn begin(&mut self) {
        self.begun = Times::now(self.schedule.as_ref());
        (self.marked, self.longest) = (self.begun.wall, Default::default());
    }

    /// A part of the turn is done.
    pub fn done(&mut self, part: &'static str) {
        let now = Instant::now();
        self.longest = self.longest.max((now - self.marked, part));
        self.marked = now;
    }

    /// The turn ends with its last part; one that was held up so that a hand would feel it is logged.
    pub fn end(&mut self, part: &'static str) {
        self.done(part);
        self.seen.turns += 1;
        if self.marked - self.begun.wall <= SHORT {
            return;
        }
        let now = Times::now(self.schedule.as_ref());
        let busy = (now.ran - self.begun.ran) + now.queued.saturating_sub(self.begun.queued);
        let held = (now.wall - self.begun.wall).saturating_sub(busy);
        let (took, part) = self.longest;
        if FELT < held {
            self.seen.felt += 1;
            tracing::info!(held_ms = held.as_secs_f64() * 1e3, part, took_ms = took.as_secs_f64() * 1e3, "held up");
        }
        if self.seen.most < held {
            (self.seen.most, self.seen.part) = (held, part);
        }
    }

    /// How the turns went.
    #[must_use]
    pub const fn seen(&self) -> HeldUp {
        self.seen
    }
}

impl Times {
    fn now(schedule: Option<&File>) -> Self {
        let ran = clock_gettime(ClockId::ThreadCPUTime);
        let ran = Duration::new(ran.tv_sec.unsigned_abs(), ran.tv_nsec.unsigned_abs() as u32);
        Self { queued: schedule.map(queued).unwrap_or_default(), ran, wall: Instant::now() }
    }
}

/// The second number of `schedstat`: nanoseconds that the thread was ready to run and had no core.
fn queued(schedule: &File) -> Duration {
    let mut text = [0; 96];
    let length = schedule.read_at(&mut text, 0).unwrap_or(0);
    let words = text.get(..length).and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default();
    Duration::from_nanos(words.split_ascii_whitespace().nth(1).and_then(|it| it.parse().ok()).unwrap_or(0))
}

impl std::fmt::Display for HeldUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = self.most.as_secs_f64() * 1e3;
        write!(f, "held up {most:.2} ms at most ({}), {} of {} turns over 5 ms", self.part, self.felt, self.turns)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, HoldUps, Instant};

    const LONG: Duration = Duration::from_millis(40);

    /// Waits for somebody who never comes.
    fn wait() {
        let (_nobody, comes) = std::sync::mpsc::channel::<()>();
        assert!(comes.recv_timeout(LONG).is_err());
    }

    #[test]
    fn a_turn_that_waits_is_held_up_and_the_part_that_waited_is_named() {
        let mut hold_ups = HoldUps::of_this_thread();
        hold_ups.begin();
        hold_ups.done("hands");
        wait();
        hold_ups.done("disk");
        hold_ups.end("display");
        let seen = hold_ups.seen();
        assert_eq!((seen.turns, seen.felt, seen.part), (1, 1, "disk"));
        // Less what the turn computed itself, and what it then waited for a core.
        assert!(LONG - LONG / 10 <= seen.most, "{seen}");
    }

    #[test]
    fn waiting_on_purpose_before_a_turn_and_computing_in_it_hold_nobody_up() {
        let mut hold_ups = HoldUps::of_this_thread();
        wait();
        hold_ups.begin();
        let begun = Instant::now();
        while begun.elapsed() < LONG {
            std::hint::spin_loop();
        }
        hold_ups.end("hands");
        let seen = hold_ups.seen();
        assert_eq!(seen.turns, 1);
        assert!(seen.most < LONG / 2, "{seen}");
    }
}
