//! Detents to steps: a knob turned slowly goes step by step, one spun goes far.
//!
//! The curve is that of speed itself: one step a detent up to [`SLOW`] between two detents, then as many as the knob is
//! faster than that, whole numbers only, up to [`MOST`]: 60 ms 1, 30 ms 2, 15 ms 4, 7.5 ms and less 8. The first detent
//! after a turn of direction is always one step, so that correcting an overshoot is exact. Pure: time is what it is told.

use std::time::Duration;

/// Between detents slower than this, each is one step.
pub const SLOW: Duration = Duration::from_millis(60);
/// The most that a detent can be worth.
pub const MOST: i32 = 8;

/// The memory of one encoder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acceleration {
    last: Option<(Duration, i32)>,
}

impl Acceleration {
    /// What `detents` told at `at` are worth. Their sign stays.
    pub fn steps(&mut self, at: Duration, detents: i32) -> i32 {
        let direction = detents.signum();
        if direction == 0 {
            return 0;
        }
        let since = self.last.filter(|(_, before)| *before == direction).map(|(last, _)| at.saturating_sub(last));
        self.last = Some((at, direction));
        detents * since.map_or(1, |since| worth(since / detents.unsigned_abs()))
    }
}

/// What one detent is worth, `since` after the one before.
fn worth(since: Duration) -> i32 {
    let times = SLOW.as_micros() / since.as_micros().max(1);
    i32::try_from(times).unwrap_or(MOST).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::{Acceleration, Duration, MOST, worth};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn slow_is_exact_and_fast_is_eight_times_as_far_at_most() {
        assert_eq!([1000, 61, 60, 30, 20, 15, 7, 1, 0].map(|it| worth(ms(it))), [1, 1, 1, 2, 3, 4, 8, 8, 8]);
    }

    #[test]
    fn turning_back_begins_with_one_step() {
        let mut knob = Acceleration::default();
        let told = [(0, 1), (5, 1), (10, 1), (15, -1), (20, -1)].map(|(at, turn)| knob.steps(ms(at), turn));
        assert_eq!(told, [1, MOST, MOST, -1, -MOST]);
    }

    #[test]
    fn two_detents_at_once_are_as_fast_as_two_in_turn() {
        let mut knob = Acceleration::default();
        assert_eq!([knob.steps(ms(0), 1), knob.steps(ms(40), 2), knob.steps(ms(50), 0)], [1, 6, 0]);
    }
}
