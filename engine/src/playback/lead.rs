//! How far ahead of the playhead the next window lands: as little as the machine allows, since lead is what the player
//! feels between hand and ear.
//!
//! The lead is what delays a window, and nothing else: from its plan until the audio thread takes it pass its decode, its
//! way, and the rest of the window that is being written. All of it is measured at once, in frames played, where the
//! window lands ([`Landing::delay`]); the lead is the 99th percentile of that, plus one period for the moment at which the
//! audio thread looks. Ticks are no part of it: windows are decoded on threads of their own, and a tick that is slow makes
//! latents rare, not windows late.
//!
//! A measurement, not a correction: that several windows were planned under one old lead and all came late says the same
//! thing several times and adds nothing up. For one lap of the tape what was slow counts in full; after it, and until
//! [`MEMORY_FRAMES`] have passed, only as far as half again the usual delay. So a stall is over one lap after it ended, and
//! on a tape of a second, where a lap is two windows, the lead still knows how decodes vary.
//!
//! Times come as moments of playing: nothing here reads a clock. No allocation after `new`.

use super::landing::{Landing, Timing};
use super::moment::PlayedFrame;
use crate::latent::SAMPLE_RATE_HZ;

/// How many landings are remembered at most: at 25 windows a second about 10 s.
const REMEMBERED: usize = 256;
/// For how long a landing is remembered, in stereo samples: 10 s. Long enough that a decode which is slow now and then is no
/// surprise, short enough that a bad moment is not felt for a whole piece.
const MEMORY_FRAMES: usize = 10 * SAMPLE_RATE_HZ as usize;
/// The lead before anything was measured, in stereo samples: half a second.
const FIRST_GUESS_FRAMES: usize = SAMPLE_RATE_HZ as usize / 2;
/// The share of windows that land in time by forecast.
const IN_TIME: f64 = 0.99;
/// How much longer the lead is beside other work: two programs that want one memory have half of it each.
const CROWDED: usize = 2;

/// The lead, following what was measured.
#[derive(Debug)]
pub struct Lead {
    period_frames: usize,
    most_frames: usize,
    /// With how long there had been rest when they came.
    landings: Box<[Option<(Landing, u64)>]>,
    next: usize,
    /// Stereo samples that were played while nothing was decoded.
    rested: u64,
    crowded: bool,
    sorted: Box<[i64]>,
}

impl Lead {
    /// A lead for an audio period of `period_frames`, never above `most_frames` (half the tape is a sensible bound); both
    /// in stereo samples.
    #[must_use]
    pub fn new(period_frames: usize, most_frames: usize) -> Self {
        Self {
            period_frames,
            most_frames: most_frames.max(period_frames),
            landings: vec![None; REMEMBERED].into(),
            next: 0,
            rested: 0,
            crowded: false,
            sorted: vec![0; REMEMBERED].into(),
        }
    }

    /// Never above so many stereo samples from now on: another tape plays.
    pub fn set_most(&mut self, most_frames: usize) {
        self.most_frames = most_frames.max(self.period_frames);
    }

    /// Whether from now on other work goes on beside the engine, on the same processors.
    pub fn set_crowded(&mut self, crowded: bool) {
        self.crowded = crowded;
    }

    /// A window landed; [`super::Packer::collect`] says so.
    pub fn landed(&mut self, landing: Landing) {
        self.landings[self.next] = Some((landing, self.rested));
        self.next = (self.next + 1) % REMEMBERED;
    }

    /// Nothing was decoded while `frames` stereo samples were played: what is remembered is forgotten no sooner for it.
    pub fn pass_over(&mut self, frames: usize) {
        self.rested += frames as u64;
    }

    /// The lead to plan a window of `keep` latent frames with at `now`, in stereo samples. `lap_frames` is the length of the
    /// tape.
    pub fn frames(&mut self, now: PlayedFrame, lap_frames: usize, keep: usize) -> usize {
        let lap = lap_frames.min(MEMORY_FRAMES);
        let delay = self
            .delay(now, lap, |it| it.keep() == keep)
            // A window length that was just chosen is judged by the others at first.
            .or_else(|| self.delay(now, lap, |_| true))
            .or_else(|| self.last().map(Landing::delay));
        let lead = delay.map_or(FIRST_GUESS_FRAMES, |delay| delay + self.period_frames);
        let lead = if self.crowded { CROWDED * lead } else { lead };
        lead.clamp(self.period_frames, self.most_frames)
    }

    /// What windows of this kind are delayed by, by what is remembered; `None` when nothing is.
    fn delay(&mut self, now: PlayedFrame, lap: usize, kind: impl Fn(&Landing) -> bool) -> Option<usize> {
        let all = self.rested;
        // A stall is over one lap after it ended, whatever was done in that; how decodes vary is known for as long as they are seen.
        let age = |it: &Landing, rested: u64| it.met().until(now) - (all - rested) as i64;
        let mut remembered = |share| {
            self.percentile(share, |it, rested| {
                (kind(it) && age(it, rested) <= MEMORY_FRAMES as i64).then(|| it.delay() as i64)
            })
        };
        let (usual, slow) = (remembered(0.5)?, remembered(IN_TIME)?);
        let of_this_lap = |it: &Landing, _| (kind(it) && it.met().until(now) <= lap as i64).then(|| it.delay() as i64);
        let late = self.percentile(IN_TIME, of_this_lap).unwrap_or(0);
        usize::try_from(late.max(slow.min(usual * 3 / 2))).ok()
    }

    /// 5th percentile of the lead that remained when windows landed, of all that are remembered, in stereo samples;
    /// negative means late. `None` before the first landing.
    pub fn remaining_p5(&mut self) -> Option<i64> {
        self.percentile(0.05, |it, _| match it.timing() {
            Timing::InTime { left } => Some(left as i64),
            Timing::Late { by } => Some(-(by as i64)),
            Timing::Void => None,
        })
    }

    fn last(&self) -> Option<&Landing> {
        self.landings[(self.next + REMEMBERED - 1) % REMEMBERED].as_ref().map(|(it, _)| it)
    }

    /// The value at or below which `share` (0 to 1) of those lie that `of` chooses.
    fn percentile(&mut self, share: f64, of: impl Fn(&Landing, u64) -> Option<i64>) -> Option<i64> {
        let mut known = 0;
        for value in self.landings.iter().flatten().filter_map(|(it, rested)| of(it, *rested)) {
            self.sorted[known] = value;
            known += 1;
        }
        let at = (known.checked_sub(1)? as f64 * share).ceil() as usize;
        Some(*self.sorted[..known].select_nth_unstable(at).1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tape::TapeId;
    use super::super::window::WindowPlan;
    use super::*;

    const PERIOD: usize = 256;
    const LAP: usize = 12 * 48_000;

    /// A window that was planned under `lead` and met the head `delay` frames later, at `now`.
    fn landing(now: usize, lead: usize, delay: usize, keep: usize) -> Landing {
        let planned = PlayedFrame::new((now - delay) as u64);
        let plan = WindowPlan {
            tape: TapeId::default(),
            land: 0,
            frames: 1,
            keep,
            run_up: 0,
            due: planned.after(lead),
            planned,
        };
        Landing::of(&plan, PlayedFrame::new(now as u64), PlayedFrame::default())
    }

    fn frames(lead: &mut Lead, now: usize) -> usize {
        lead.frames(PlayedFrame::new(now as u64), LAP, 25)
    }

    #[test]
    fn the_lead_is_the_slow_delay_and_one_period() {
        let mut lead = Lead::new(PERIOD, 480_000);
        for i in 0..200 {
            lead.landed(landing(100_000 + i, 4_000, if i % 50 == 0 { 1_280 } else { 768 }, 25));
        }
        assert_eq!(frames(&mut lead, 100_300), 1_280 + PERIOD);
    }

    /// From one window to the next the decode takes up to twice as long: nothing that was measured tells of it, and none is late.
    #[test]
    fn beside_other_work_no_window_is_late_from_the_first_on_and_after_it_the_lead_is_what_it_was() {
        let mut lead = Lead::new(PERIOD, 480_000);
        (0..100).for_each(|i| lead.landed(landing(100_000 + i * 1_920, 2_000, 1_000, 25)));
        let (usual, begin) = (frames(&mut lead, 300_000), 300_000);
        lead.set_crowded(true);
        for i in 0..40 {
            let (now, delay) = (begin + i * 1_920, 1_400 + 100 * (i % 7));
            let planned = frames(&mut lead, now);
            assert!(delay + PERIOD <= planned, "window {i}: {planned} for {delay}");
            lead.landed(landing(now, planned, delay, 25));
        }
        lead.set_crowded(false);
        assert_eq!(frames(&mut lead, begin + 2 * MEMORY_FRAMES), 1_800 + PERIOD, "only the last is known");
        (0..100).for_each(|i| lead.landed(landing(begin + 3 * MEMORY_FRAMES + i, 2_000, 1_000, 25)));
        assert_eq!(frames(&mut lead, begin + 3 * MEMORY_FRAMES + LAP), usual);
    }

    #[test]
    fn a_rest_before_a_landing_makes_it_no_younger() {
        let mut lead = Lead::new(PERIOD, 480_000);
        lead.pass_over(MEMORY_FRAMES);
        let slow = 10_000;
        lead.landed(landing(slow, 4_000, 9_000, 25));
        lead.landed(landing(slow + MEMORY_FRAMES + 1, 4_000, 100, 25));
        assert_eq!(frames(&mut lead, slow + MEMORY_FRAMES + 2), 100 + PERIOD, "the slow one is forgotten");
    }

    #[test]
    fn before_anything_is_measured_the_lead_is_half_a_second() {
        assert_eq!(frames(&mut Lead::new(PERIOD, 480_000), 0), 24_000);
    }

    #[test]
    fn the_lead_never_passes_its_bound() {
        let mut lead = Lead::new(PERIOD, 9_600);
        lead.landed(landing(1_000_000, 0, 900_000, 25));
        assert_eq!(frames(&mut lead, 1_000_000), 9_600);
    }

    /// Four boxes are on their way when a stall begins: each comes late by it, and it counts once.
    #[test]
    fn windows_planned_under_one_old_lead_count_once() {
        let mut lead = Lead::new(PERIOD, 480_000);
        (0..50).for_each(|i| lead.landed(landing(50_000 + i * 4_800, 1_024, 768, 25)));
        let now = 50_000 + 50 * 4_800;
        (0..4).for_each(|i| lead.landed(landing(now + i, 1_024, 9_600, 25)));
        assert_eq!(frames(&mut lead, now + 10), 9_600 + PERIOD);
    }

    #[test]
    fn a_stall_is_forgotten_after_one_lap() {
        let mut lead = Lead::new(PERIOD, 480_000);
        (0..10).for_each(|i| lead.landed(landing(100_000 + i, 1_024, 48_000, 25)));
        (1..20).for_each(|i| lead.landed(landing(100_000 + i * 4_800, 1_024, 768, 25)));
        let soon = |lead: &mut Lead, lap| lead.frames(PlayedFrame::new(100_000 + 20 * 4_800), lap, 25);
        assert_eq!(soon(&mut lead, 20 * 4_800), 48_000 + PERIOD, "within the lap it counts");
        assert_eq!(soon(&mut lead, 20 * 4_800 - 100), 768 * 3 / 2 + PERIOD, "after it as half again the usual");
        let after = lead.frames(PlayedFrame::new(100_000 + 500_000), LAP, 25);
        assert_eq!(after, 768 + PERIOD, "and after ten seconds no more");
    }

    #[test]
    fn another_window_length_has_its_own_lead() {
        let mut lead = Lead::new(PERIOD, 480_000);
        (0..50).for_each(|i| lead.landed(landing(100_000 + i, 4_000, 2_048, 75)));
        assert_eq!(lead.frames(PlayedFrame::new(100_100), LAP, 5), 2_048 + PERIOD, "judged by the others at first");
        lead.landed(landing(100_200, 4_000, 512, 5));
        assert_eq!(lead.frames(PlayedFrame::new(100_300), LAP, 5), 512 + PERIOD);
        assert_eq!(lead.frames(PlayedFrame::new(100_300), LAP, 75), 2_048 + PERIOD);
    }

    #[test]
    fn after_long_silence_the_last_landing_speaks_wherever_it_was_kept() {
        let mut lead = Lead::new(PERIOD, 480_000);
        // Twice round the places that there are, and past the end.
        for i in 0..2 * REMEMBERED + 3 {
            lead.landed(landing(100_000 + i, 4_000, 1_000 + i, 25));
            assert_eq!(frames(&mut lead, 10_000_000), 1_000 + i + PERIOD, "landing {i}");
        }
    }

    #[test]
    fn what_remained_is_the_fifth_percentile_of_those_somebody_waited_for_and_negative_when_late() {
        let mut lead = Lead::new(PERIOD, 480_000);
        assert_eq!(lead.remaining_p5(), None);
        lead.landed(landing(100_000, 1_000, 1_700, 25));
        assert_eq!(lead.remaining_p5(), Some(-700));
        (0..19).for_each(|i| lead.landed(landing(100_000, 1_000, 1_300 - 50 * i, 25)));
        lead.landed(landing(100_000, 1_000, 1_500, 25));
        // Of 21 the second: late by 700, by 500, by 300, ...
        assert_eq!(lead.remaining_p5(), Some(-500));
        let planned = PlayedFrame::new(100_000);
        let (tape, due) = (TapeId::default(), planned.after(10));
        let plan = WindowPlan { tape, land: 0, frames: 1, keep: 25, run_up: 0, due, planned };
        (0..40).for_each(|_| lead.landed(Landing::of(&plan, planned.after(9_000), planned.after(1))));
        assert_eq!(lead.remaining_p5(), Some(-500), "after a jump nobody waits");
    }

    /// A slow decode in thirty, and a delay that nobody else measures: the landings know of both.
    #[test]
    fn slow_windows_are_known_by_their_landings_and_none_is_late_again() {
        let (mut lead, mut late) = (Lead::new(PERIOD, 480_000), 0);
        for i in 0..2_000_usize {
            let now = 100_000 + i * 1_920;
            let delay = if i % 30 == 0 { 7_200 } else { 1_920 };
            let planned = frames(&mut lead, now);
            lead.landed(landing(now, planned, delay, 25));
            late += usize::from(planned < delay && i > 100);
        }
        assert_eq!(late, 0, "once learnt, nothing is late");
        assert!(lead.remaining_p5().is_some_and(|p5| p5 > 0), "{:?}", lead.remaining_p5());
    }
}
