//! Whether the engine computes: a fault of it stands until it has computed again for a while.
//!
//! Whoever meets the fault tells it, with its words ([`crate::performance::device_side`]); its end is seen here, by the counters of
//! the fast threads.

use std::time::{Duration, Instant};

use crate::display::messages::{FaultKey, Messages};

/// So long must it go well: a device that fails every other second is at fault.
const WELL: Duration = Duration::from_secs(2);

/// One side of the engine.
pub(super) struct Side {
    key: FaultKey,
    done: u64,
    failed: u64,
    /// Since when it has computed and nothing failed.
    well: Option<Instant>,
}

impl Side {
    pub(super) const fn new(key: FaultKey) -> Self {
        Self { key, done: 0, failed: 0, well: None }
    }

    /// Looks at how often it has computed, and failed, since the start; ends its fault when it is over.
    /// A side that `rests` on purpose has computed all that there is.
    pub(super) fn look(&mut self, now: Instant, (done, failed): (u64, u64), rests: bool, messages: &mut Messages) {
        if failed != self.failed || !messages.stands(&self.key) {
            (self.done, self.failed, self.well) = (done, failed, None);
            return;
        }
        if done > self.done || rests {
            let well = *self.well.get_or_insert(now);
            if WELL <= now.saturating_duration_since(well) {
                messages.over(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Side, WELL};
    use crate::display::messages::{FaultKey, Messages};
    use std::time::{Duration, Instant};

    #[test]
    fn a_failed_tick_stands_until_ticks_have_gone_well_for_a_while() {
        let (mut side, mut messages) = (Side::new(FaultKey::EngineTick), Messages::new(false, []));
        let start = Instant::now();
        let mut look = |after: Duration, counts, told: bool, rests: bool| {
            if told {
                messages.fault(FaultKey::EngineTick, "a tick failed");
            }
            side.look(start + after, counts, rests, &mut messages);
            messages.stands(&FaultKey::EngineTick)
        };
        let mut stands = |after, counts, told| look(after, counts, told, false);
        assert!(stands(Duration::ZERO, (10, 1), true));
        assert!(stands(WELL * 9, (10, 1), false), "nothing was computed since");
        assert!(stands(WELL * 10, (11, 1), false));
        assert!(stands(WELL * 10 + WELL / 2, (20, 2), true), "it failed again");
        assert!(stands(WELL * 11, (21, 2), false));
        assert!(stands(WELL * 12 - Duration::from_millis(1), (30, 2), false));
        assert!(!stands(WELL * 12, (31, 2), false));
        assert!(stands(WELL * 13, (31, 3), true));
        assert!(look(WELL * 14, (31, 3), false, true));
        assert!(!look(WELL * 15, (31, 3), false, true), "what rests has nothing to compute and is well");
    }
}
