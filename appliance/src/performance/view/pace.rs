//! Whether ticks keep up with the player: told when they do not, and again when they have for a while. How many slots are left out meanwhile stands on the
//! displays alone: on a machine that is nearly fast enough that is another number every second.

use std::time::{Duration, Instant};

use crate::display::messages::{FaultKey, Messages};

/// So long must ticks keep up, or rest, before they are no longer slow.
const WELL: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Since when they keep up.
    well: Option<Instant>,
}

impl Pace {
    /// Looks at how many slots are left out; at rest none is missed.
    pub(super) fn look(&mut self, now: Instant, left_out: u32, messages: &mut Messages) {
        if 0 < left_out {
            self.well = None;
            let words = format!("ticks are slow: {left_out} slots fewer until they keep up");
            return messages.fault_by_now(FaultKey::Pace, &words);
        }
        let well = *self.well.get_or_insert(now);
        if WELL <= now.saturating_duration_since(well) {
            messages.over(&FaultKey::Pace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_that_are_nearly_fast_enough_are_told_of_once_and_are_well_when_they_were_for_a_while() {
        let (mut pace, mut messages) = (Pace::default(), Messages::new(true, []));
        let start = Instant::now();
        let mut said = Vec::new();
        let mut look = |after_ms: u64, left_out: u32| {
            pace.look(start + Duration::from_millis(after_ms), left_out, &mut messages);
            said.extend(std::iter::from_fn(|| messages.next_line()));
            (messages.worst().map(str::to_owned), said.len())
        };
        let words = |slots: u32| Some(format!("ticks are slow: {slots} slots fewer until they keep up"));
        assert_eq!(look(0, 0), (None, 0));
        for (at, left_out) in [(100, 2), (200, 3), (900, 1)] {
            assert_eq!(look(at, left_out), (words(left_out), 1), "another number is no news");
        }
        // For a moment they keep up, again and again.
        for second in 1..20 {
            assert_eq!(look(1000 * second, 0), (words(1), 1));
            assert_eq!(look(1000 * second + 700, 1), (words(1), 1));
        }
        assert_eq!(look(20_000, 0), (words(1), 1));
        assert_eq!(look(22_999, 0), (words(1), 1));
        assert_eq!(look(23_000, 0), (None, 2));
        assert_eq!(look(24_000, 2), (words(2), 3), "it is told anew");
    }
}
