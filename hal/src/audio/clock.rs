//! Time, as the outputs need it: what is it now, and wake me then.

use std::thread;
use std::time::{Duration, Instant};

/// A clock that only goes forward.
pub trait Clock {
    /// Time since the clock was made.
    fn now(&self) -> Duration;
    /// Returns at `then`, or at once if that is past.
    fn wait_until(&mut self, then: Duration);
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug)]
pub struct RealClock {
    start: Instant,
}

impl Default for RealClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wait_until(&mut self, then: Duration) {
        if let Some(rest) = then.checked_sub(self.now()) {
            thread::sleep(rest);
        }
    }
}

/// Hands out one deadline after another, so that rounding never adds up and a late caller catches up.
#[derive(Debug, Default)]
pub(super) struct Pace {
    frames: u64,
    start: Option<Duration>,
}

impl Pace {
    /// Later than this the pace starts anew: the machine slept, and racing through what was missed helps nobody.
    const CATCH_UP_MOST: Duration = Duration::from_millis(500);

    /// Waits until `frames` more would have been played at `rate_hz`.
    pub(super) fn wait(&mut self, clock: &mut dyn Clock, frames: usize, rate_hz: u32) {
        let now = clock.now();
        let mut start = *self.start.get_or_insert(now);
        let due = |frames: u64| Duration::from_nanos(frames.saturating_mul(1_000_000_000) / u64::from(rate_hz.max(1)));
        if now > start + due(self.frames) + Self::CATCH_UP_MOST {
            (start, self.frames) = (now, 0);
            self.start = Some(now);
        }
        self.frames += frames as u64;
        clock.wait_until(start + due(self.frames));
    }

    /// Starts anew at the next wait.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }
}
