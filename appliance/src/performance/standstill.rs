//! Whether a player in another process still plays: its clock goes on with every period, whatever its device does.
//!
//! A device that takes nothing is given up by the player after two seconds, and its clock goes on without. So a clock that stands for
//! [`STANDS`], which is more than twenty of the longest periods, is that of a process that was stopped or hangs in the system. Pure: who
//! looks brings the time.

use std::time::{Duration, Instant};

/// How long a clock may stand.
pub const STANDS: Duration = Duration::from_secs(4);
/// How long it may stand before it has gone at all: some devices take seconds to open.
pub const BEGINS: Duration = Duration::from_secs(20);

/// What became of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It goes on, or may.
    Goes,
    /// It stands; said once.
    Stands,
    /// It stood, and goes on again; said once.
    GoesAgain,
}

/// Looks at a clock.
#[derive(Clone, Copy, Debug)]
pub struct Standstill {
    seen: u64,
    since: Instant,
    /// How long it may stand.
    patience: Duration,
    stands: bool,
}

impl Standstill {
    /// From `now` on, of a clock that shows `played` and has yet to begin.
    #[must_use]
    pub const fn new(played: u64, now: Instant) -> Self {
        Self { seen: played, since: now, patience: BEGINS, stands: false }
    }

    /// What became of it. Whoever could not look for a while finds that it has gone on.
    pub fn look(&mut self, played: u64, now: Instant) -> Clock {
        if played != self.seen {
            let stood = self.stands;
            *self = Self { seen: played, since: now, patience: STANDS, stands: false };
            return if stood { Clock::GoesAgain } else { Clock::Goes };
        }
        if self.stands || now.saturating_duration_since(self.since) < self.patience {
            return Clock::Goes;
        }
        self.stands = true;
        Clock::Stands
    }
}

#[cfg(test)]
mod tests {
    use super::{BEGINS, Clock, STANDS, Standstill};
    use std::time::{Duration, Instant};

    #[test]
    fn a_clock_that_stands_for_four_seconds_is_said_once_and_so_is_that_it_goes_again() {
        let begun = Instant::now();
        let mut standstill = Standstill::new(7, begun);
        let mut look = |played, after| standstill.look(played, begun + after);
        let moment = Duration::from_millis(1);
        assert_eq!(look(7, BEGINS - moment), Clock::Goes, "its device is slow to open");
        assert_eq!(look(8, BEGINS), Clock::Goes);
        assert_eq!(look(8, BEGINS + STANDS - moment), Clock::Goes);
        assert_eq!(look(9, BEGINS + STANDS), Clock::Goes, "a period was played at the last moment");
        let stood = BEGINS + 2 * STANDS;
        assert_eq!([look(9, stood), look(9, stood + STANDS)], [Clock::Stands, Clock::Goes]);
        assert_eq!([look(10, stood + 2 * STANDS), look(11, stood + 3 * STANDS)], [Clock::GoesAgain, Clock::Goes]);
        // Nobody looked for an hour, as while the engine itself was stopped.
        assert_eq!(look(12, Duration::from_secs(3600)), Clock::Goes);
        assert_eq!(look(12, Duration::from_secs(3600) + STANDS), Clock::Stands);
        let mut never = Standstill::new(7, begun);
        assert_eq!(never.look(7, begun + BEGINS), Clock::Stands, "it never began");
    }
}
