//! How a window met the playhead: judged once, by the audio thread, when it takes the window, and never rewritten.
//!
//! A window is late when the moment of its first frame is past: a frame was heard old that should have been new. A window
//! whose place lies behind the head but whose moment lies ahead is for the next lap, and in time.

use super::moment::PlayedFrame;
use super::window::WindowPlan;
use crate::boundary::Told;

/// How the landing went in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// This many stereo samples were left until its first frame was to be heard.
    InTime {
        /// Remaining lead in stereo samples.
        left: usize,
    },
    /// The first `by` stereo samples were heard old.
    Late {
        /// Stereo samples that came too late.
        by: usize,
    },
    /// The playhead jumped, or the tape was swapped, after it was planned: nobody waited for it.
    Void,
}

/// A window's landing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landing {
    met: PlayedFrame,
    delay: usize,
    keep: usize,
    timing: Timing,
}

impl Landing {
    /// The window of `plan` met the head at `now`. `jumped` is the moment of the last jump.
    #[must_use]
    pub fn of(plan: &WindowPlan, now: PlayedFrame, jumped: PlayedFrame) -> Self {
        let timing = match usize::try_from(now.until(plan.due)) {
            _ if jumped.until(plan.planned) < 0 => Timing::Void,
            Ok(left) => Timing::InTime { left },
            Err(_) => Timing::Late { by: plan.due.until(now).unsigned_abs() as usize },
        };
        // What was planned before the count wrapped to far ahead of it cannot be: then nothing was measured.
        let delay = usize::try_from(plan.planned.until(now)).unwrap_or(0);
        Self { met: now, delay, keep: plan.keep, timing }
    }

    /// As numbers, for another process.
    pub(super) fn told(&self) -> Told {
        let left = match self.timing {
            Timing::InTime { left } => Some(left as i64),
            Timing::Late { by } => Some(-(by as i64)),
            Timing::Void => None,
        };
        Told { met: self.met.count(), delay: self.delay as u64, keep: self.keep as u64, left }
    }

    /// From the numbers of another process, whatever they are: a landing that cannot be was seen by nobody.
    pub(super) fn from_told(told: &Told) -> Option<Self> {
        let within = |frames: u64| usize::try_from(frames).ok().filter(|it| *it < 1 << 32);
        let timing = match told.left {
            None => Timing::Void,
            Some(left) if left < 0 => Timing::Late { by: within(left.unsigned_abs())? },
            Some(left) => Timing::InTime { left: within(left as u64)? },
        };
        Some(Self { met: PlayedFrame::new(told.met), delay: within(told.delay)?, keep: within(told.keep)?, timing })
    }

    /// When it met the head.
    #[must_use]
    pub const fn met(&self) -> PlayedFrame {
        self.met
    }

    /// Stereo samples played from planning to landing: its decode, its way, and what was written before it. A jump does
    /// not change that, so it is known of void landings too.
    #[must_use]
    pub const fn delay(&self) -> usize {
        self.delay
    }

    /// Latent frames that were decoded for it, without context.
    #[must_use]
    pub const fn keep(&self) -> usize {
        self.keep
    }

    /// How it went.
    #[must_use]
    pub const fn timing(&self) -> Timing {
        self.timing
    }
}

#[cfg(test)]
mod tests {
    use super::super::tape::TapeId;
    use super::*;

    fn plan(planned: u64, due: u64) -> WindowPlan {
        let [planned, due] = [planned, due].map(PlayedFrame::new);
        WindowPlan { tape: TapeId::default(), land: 700, frames: 4_000, keep: 5, run_up: 0, due, planned }
    }

    fn met(plan: &WindowPlan, now: u64, jumped: u64) -> Landing {
        Landing::of(plan, PlayedFrame::new(now), PlayedFrame::new(jumped))
    }

    #[test]
    fn only_a_moment_that_is_past_is_late() {
        assert_eq!(met(&plan(100, 900), 400, 0).timing(), Timing::InTime { left: 500 });
        assert_eq!(met(&plan(100, 900), 1_000, 0).timing(), Timing::Late { by: 100 });
    }

    #[test]
    fn a_landing_is_the_same_in_another_process_and_one_that_cannot_be_is_none() {
        for landing in [met(&plan(100, 900), 400, 0), met(&plan(100, 900), 1_000, 0), met(&plan(100, 900), 1_000, 101)]
        {
            assert_eq!(Landing::from_told(&landing.told()), Some(landing));
        }
        // Just in time is in time.
        let just = met(&plan(100, 900), 900, 0);
        assert_eq!((just.timing(), Landing::from_told(&just.told())), (Timing::InTime { left: 0 }, Some(just)));
        let told = met(&plan(100, 900), 400, 0).told();
        for wild in
            [Told { left: Some(i64::MIN), ..told }, Told { delay: u64::MAX, ..told }, Told { keep: 1 << 32, ..told }]
        {
            assert_eq!(Landing::from_told(&wild), None);
        }
    }

    #[test]
    fn nobody_waited_for_what_was_planned_before_a_jump_but_its_delay_is_known() {
        let void = met(&plan(100, 900), 1_000, 101);
        assert_eq!((void.timing(), void.delay()), (Timing::Void, 900));
    }
}
