//! A fast thread that panics is caught, counted, and goes on with its side built again; one that does it too often is left down.
//!
//! Whoever panicked has said where on standard error and in the flight recorder ([`crate::recorder`]); what is counted here comes onto the
//! panel (`Stage`). The tape plays on in any case.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// So many crashes within [`WITHIN`] are one too many.
const MOST: usize = 3;
/// See [`MOST`].
const WITHIN: Duration = Duration::from_secs(60);
/// How long a thread rests after a crash: whatever led to it may have gone by then, and a minute is not used up at once.
const REST: Duration = Duration::from_millis(250);

/// The crashes of late of one thread.
#[derive(Debug, Default)]
pub(super) struct Crashes([Option<Duration>; MOST]);

impl Crashes {
    /// One more at this moment of any clock; whether it is one too many.
    pub(super) fn are_too_many(&mut self, now: Duration) -> bool {
        self.0.rotate_left(1);
        self.0[MOST - 1] = Some(now);
        self.0[0].is_some_and(|first| now.saturating_sub(first) < WITHIN)
    }
}

/// Runs `side` by `run` until that ends by itself. After a crash, which is counted and is no rest, `mend` builds the side again;
/// after too many the crash is the end.
pub(super) fn supervise<S>(
    mut side: S,
    (crashes, rests): (&AtomicU64, &AtomicBool),
    run: impl Fn(&mut S),
    mend: impl Fn(&mut S),
) {
    let (begun, mut late) = (Instant::now(), Crashes::default());
    while let Err(why) = catch_unwind(AssertUnwindSafe(|| run(&mut side))) {
        rests.store(false, Relaxed);
        crashes.fetch_add(1, Relaxed);
        if late.are_too_many(begun.elapsed()) {
            resume_unwind(why);
        }
        std::thread::sleep(REST);
        mend(&mut side);
    }
}

#[cfg(test)]
mod tests {
    use super::{Crashes, WITHIN};
    use std::time::Duration;

    #[test]
    fn three_crashes_in_a_minute_are_too_many_and_three_in_more_are_not() {
        let second = Duration::from_secs(1);
        let mut crashes = Crashes::default();
        let mut at = |now: Duration| crashes.are_too_many(now);
        assert_eq!([at(second), at(second * 20), at(second + WITHIN)], [false; 3]);
        assert!(at(second * 20 + WITHIN - Duration::from_nanos(1)), "the second, third and fourth lie in one minute");
    }
}
