//! Times and rates of late, as the displays show them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::display::status::Took;

/// Times that are looked back on: two seconds of them.
const TIMES: usize = 64;
/// Over how long rates are counted.
const SPAN: Duration = Duration::from_secs(1);

/// The last few times that something took, in milliseconds.
#[derive(Default)]
pub(super) struct Times(VecDeque<f32>);

impl Times {
    pub(super) fn add(&mut self, ms: f32) {
        if self.0.len() == TIMES {
            self.0.pop_front();
        }
        self.0.push_back(ms);
    }

    pub(super) fn took(&self) -> Took {
        let mut sorted: Vec<f32> = self.0.iter().copied().collect();
        sorted.sort_by(f32::total_cmp);
        let (p50_ms, max_ms) = (sorted.get(sorted.len() / 2), sorted.last());
        Took { p50_ms: p50_ms.copied().unwrap_or_default(), max_ms: max_ms.copied().unwrap_or_default() }
    }
}

/// Ticks and latents a second, over about a second.
pub(super) struct Rates {
    since: Instant,
    counts: [u64; 2],
}

impl Rates {
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, counts: [0; 2] }
    }

    /// The rates since the last answer, once a second; the counts only grow.
    pub(super) fn count(&mut self, now: Instant, counts: [u64; 2]) -> Option<[f32; 2]> {
        let passed = now.saturating_duration_since(self.since);
        if passed < SPAN {
            return None;
        }
        let rate = |place: usize| counts[place].saturating_sub(self.counts[place]) as f32 / passed.as_secs_f32();
        let rates = [rate(0), rate(1)];
        (self.since, self.counts) = (now, counts);
        Some(rates)
    }
}

#[cfg(test)]
mod tests {
    use super::{Rates, TIMES, Times};
    use crate::display::status::Took;
    use std::time::{Duration, Instant};

    #[test]
    fn the_middle_and_the_longest_of_the_last_times_are_told() {
        let mut times = Times::default();
        assert_eq!(times.took(), Took { p50_ms: 0.0, max_ms: 0.0 });
        times.add(900.0);
        (0..TIMES).for_each(|ms| times.add(ms as f32));
        assert_eq!(times.took(), Took { p50_ms: 32.0, max_ms: 63.0 }, "the first is forgotten");
    }

    #[test]
    fn rates_are_told_once_a_second_by_what_has_passed() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        assert_eq!(rates.count(start + Duration::from_millis(999), [5, 5]), None);
        assert_eq!(rates.count(start + Duration::from_secs(2), [30, 10]), Some([15.0, 5.0]));
        assert_eq!(rates.count(start + Duration::from_secs(3), [30, 11]), Some([0.0, 1.0]));
    }
}
