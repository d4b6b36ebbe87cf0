//! How far ahead of the playhead the next window lands: as little as the machine allows, since lead is what the player
//! feels between hand and ear.
//!
//! From the moment a window is planned until it is on the tape, one decode passes, a tick may stand before it in the
//! queue of the processor, and the audio thread looks for windows once a period. So the lead is the 99th percentile of
//! tick and of decode times, plus one period. That is a forecast; the landings say how it went. When the 5th percentile
//! of the lead that remained at landing falls under one period, a margin is added at once; it is given back slowly.
//!
//! Times come from the caller: nothing here reads a clock. No allocation after `new`.

use super::parcel::Landing;
use crate::latent::SAMPLE_RATE_HZ;

/// How many measurements are remembered: at 12 windows a second about 20 s.
const REMEMBERED: usize = 256;
/// The lead before anything was measured, in stereo samples: half a second.
const FIRST_GUESS_FRAMES: usize = SAMPLE_RATE_HZ as usize / 2;
/// Share of the margin that is given back at each landing in good time: half of it in about 140 landings.
const MARGIN_DECAY: f64 = 0.995;

/// The last measurements, and their percentiles.
#[derive(Debug)]
struct Recent {
    values: Box<[i64]>,
    sorted: Box<[i64]>,
    count: usize,
}

impl Recent {
    fn new() -> Self {
        Self { values: vec![0; REMEMBERED].into(), sorted: vec![0; REMEMBERED].into(), count: 0 }
    }

    fn note(&mut self, value: i64) {
        self.values[self.count % REMEMBERED] = value;
        self.count += 1;
    }

    /// The value below which `share` (0 to 1) of the remembered ones lie.
    fn percentile(&mut self, share: f64) -> Option<i64> {
        let known = self.count.min(REMEMBERED);
        if known == 0 {
            return None;
        }
        let sorted = &mut self.sorted[..known];
        sorted.copy_from_slice(&self.values[..known]);
        let at = ((known - 1) as f64 * share).ceil() as usize;
        Some(*sorted.select_nth_unstable(at).1)
    }
}

/// The lead, adapting to measured times.
#[derive(Debug)]
pub struct Lead {
    period_frames: usize,
    most_frames: usize,
    ticks: Recent,
    decodes: Recent,
    left: Recent,
    margin: f64,
}

impl Lead {
    /// A lead for an audio period of `period_frames`, never above `most_frames` (half the loop is a sensible bound);
    /// both in stereo samples.
    #[must_use]
    pub fn new(period_frames: usize, most_frames: usize) -> Self {
        Self {
            period_frames,
            most_frames: most_frames.max(period_frames),
            ticks: Recent::new(),
            decodes: Recent::new(),
            left: Recent::new(),
            margin: 0.0,
        }
    }

    /// Sets the upper bound, for instance after a change of tape or loop band.
    pub fn set_most(&mut self, most_frames: usize) {
        self.most_frames = most_frames.max(self.period_frames);
    }

    /// A tick took `seconds`.
    pub fn ticked(&mut self, seconds: f64) {
        self.ticks.note(frames(seconds));
    }

    /// Planning, decoding and sending a window took `seconds`.
    pub fn decoded(&mut self, seconds: f64) {
        self.decodes.note(frames(seconds));
    }

    /// A window landed; [`super::Packer::send`] says so.
    pub fn landed(&mut self, landing: Landing) {
        let left = match landing {
            Landing::InTime { left } => left as i64,
            Landing::Late { by } => -(by as i64),
            Landing::Void => return,
        };
        self.left.note(left);
        let short = self.period_frames as i64 - left;
        if short > 0 {
            // One period of margin covers the moment at which the audio thread looked.
            self.margin = self.margin.max(0.0) + short.min(self.most_frames as i64) as f64;
        } else if self.remaining_p5().is_some_and(|p5| p5 > self.period_frames as i64) {
            self.margin *= MARGIN_DECAY;
        }
        self.margin = self.margin.min(self.most_frames as f64);
    }

    /// The lead to plan with, in stereo samples.
    pub fn frames(&mut self) -> usize {
        let forecast = match (self.ticks.percentile(0.99), self.decodes.percentile(0.99)) {
            (None, None) => FIRST_GUESS_FRAMES,
            (tick, decode) => (tick.unwrap_or(0) + decode.unwrap_or(0)) as usize + self.period_frames,
        };
        (forecast + self.margin.ceil() as usize).clamp(self.period_frames, self.most_frames)
    }

    /// 5th percentile of the lead that remained when windows landed, in stereo samples; negative means late. `None`
    /// before the first landing.
    pub fn remaining_p5(&mut self) -> Option<i64> {
        self.left.percentile(0.05)
    }
}

/// Seconds in stereo samples, rounded up; what is not a time counts as none.
fn frames(seconds: f64) -> i64 {
    if seconds.is_finite() { (seconds.clamp(0.0, 60.0) * f64::from(SAMPLE_RATE_HZ)).ceil() as i64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lead_is_the_slow_tick_and_the_slow_decode_and_one_period() {
        let mut lead = Lead::new(256, 480_000);
        for i in 0..200 {
            lead.ticked(if i % 50 == 0 { 0.020 } else { 0.010 });
            lead.decoded(if i % 50 == 1 { 0.009 } else { 0.005 });
        }
        assert_eq!(lead.frames(), 960 + 432 + 256);
    }

    #[test]
    fn a_slow_minute_is_forgotten() {
        let mut lead = Lead::new(256, 480_000);
        (0..300).for_each(|_| lead.decoded(0.5));
        (0..300).for_each(|_| lead.decoded(0.01));
        assert_eq!(lead.frames(), 480 + 256);
    }

    #[test]
    fn before_anything_is_measured_the_lead_is_half_a_second() {
        assert_eq!(Lead::new(256, 480_000).frames(), 24_000);
    }

    #[test]
    fn the_lead_never_passes_its_bound() {
        let mut lead = Lead::new(256, 9_600);
        lead.decoded(f64::INFINITY);
        lead.decoded(30.0);
        assert_eq!(lead.frames(), 9_600);
    }

    /// Decode times that the forecast underrates: a slow one in thirty, beyond the 99th percentile's memory at first.
    #[test]
    fn late_windows_stretch_the_lead_until_the_remaining_lead_is_above_zero() {
        let mut lead = Lead::new(256, 480_000);
        let mut late = 0;
        for i in 0..2_000_u32 {
            let decode = if i % 30 == 0 { 0.120 } else { 0.010 };
            let hidden = 0.030; // a delay that nobody measures
            let planned = lead.frames() as i64;
            lead.decoded(decode);
            let left = planned - frames(decode + hidden);
            lead.landed(if left < 0 {
                Landing::Late { by: -left as usize }
            } else {
                Landing::InTime { left: left as usize }
            });
            late += u32::from(left < 0 && i > 500);
        }
        assert_eq!(late, 0, "once learned, nothing is late");
        assert!(lead.remaining_p5().is_some_and(|p5| p5 > 0), "{:?}", lead.remaining_p5());
    }

    #[test]
    fn the_margin_is_given_back() {
        let mut lead = Lead::new(256, 480_000);
        lead.decoded(0.01);
        lead.landed(Landing::Late { by: 4_800 });
        let stretched = lead.frames();
        (0..3_000).for_each(|_| lead.landed(Landing::InTime { left: 9_600 }));
        assert!(stretched >= 480 + 256 + 4_800 && lead.frames() < 480 + 256 + 10, "{stretched} then {}", lead.frames());
    }
}
