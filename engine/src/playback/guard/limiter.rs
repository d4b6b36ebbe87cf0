//! A true-peak limiter that is not heard.
//!
//! The gain that each moment needs goes through three stages: the least over look-ahead and hold (so that the gain is
//! down before the peak comes, and does not ripple with the wave: the hold spans half a wave of 25 Hz), a slow rise
//! back, and a plain average over the look-ahead, which turns every step into a ramp of 2 ms. The least over a span that
//! covers the average is never above what the peak needs, so the ramp is always complete in time. Both channels share
//! one gain: the picture does not move.
//!
//! Gains are summed as integers, so unity is exact: below the ceiling the same bits come out, for ever.

use super::peak::{AFTER, PeakFilter, TAPS};
use crate::latent::{SAMPLE_RATE_HZ, StereoFrame};

/// Most frames in one call.
pub(super) const BLOCK_FRAMES: usize = 256;
/// Length of the ramp down to a peak: 2 ms.
const LOOKAHEAD_FRAMES: usize = 96;
/// How long a gain is held: half a wave of 25 Hz.
const HOLD_FRAMES: usize = 960;
/// Time constant of the way back up: 100 ms.
const RELEASE_FRAMES: f64 = SAMPLE_RATE_HZ as f64 * 0.1;
/// Sound leaves this much later: the look of the peak filter, and the ramp.
pub(super) const LATENCY_FRAMES: usize = AFTER + LOOKAHEAD_FRAMES - 1;
const _: () = assert!(LATENCY_FRAMES >= TAPS, "the peak filter looks back into the delay line");

/// Room for the rounding of gain and product, 0.01 dB, so that the last clamp never acts.
const AIM: f32 = 0.999;
/// Unity of the integer gains.
const UNITY: u32 = 1 << 30;

/// What the limiter did to one block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limited {
    /// Frames turned down.
    pub(super) frames: u64,
    /// Frames on which the clamp had to act.
    pub(super) clamped: u64,
    /// Smallest gain.
    pub(super) deepest: f32,
    /// Highest samples that left.
    pub(super) peaks: [f32; 2],
}

/// Look-ahead true-peak limiter for one stereo output.
#[derive(Debug)]
pub(super) struct Limiter {
    ceiling: f32,
    filter: PeakFilter,
    /// Delay lines, planar: `LATENCY_FRAMES` of the past, then the block.
    delayed: [Box<[f32]>; 2],
    peaks: Box<[f32]>,
    least: SlidingLeast,
    /// f64: near unity the rise is smaller than an f32 can add.
    slow: f64,
    ramp: Box<[u32]>,
    ramp_at: usize,
    ramp_sum: u64,
}

impl Limiter {
    /// A limiter at rest; `ceiling` is linear.
    pub(super) fn new(ceiling: f32) -> Self {
        let line = || vec![0.0; LATENCY_FRAMES + BLOCK_FRAMES].into();
        Self {
            ceiling,
            filter: PeakFilter::new(),
            delayed: [line(), line()],
            peaks: vec![0.0; BLOCK_FRAMES].into(),
            least: SlidingLeast::new(LOOKAHEAD_FRAMES + HOLD_FRAMES),
            slow: 1.0,
            ramp: vec![UNITY; LOOKAHEAD_FRAMES].into(),
            ramp_at: 0,
            ramp_sum: LOOKAHEAD_FRAMES as u64 * u64::from(UNITY),
        }
    }

    /// Limits at most [`BLOCK_FRAMES`] finite frames in place.
    pub(super) fn process(&mut self, block: &mut [StereoFrame]) -> Limited {
        let frames = block.len();
        let peaks = &mut self.peaks[..frames];
        peaks.fill(0.0);
        for (channel, line) in self.delayed.iter_mut().enumerate() {
            for (sample, frame) in line[LATENCY_FRAMES..].iter_mut().zip(block.iter()) {
                *sample = frame[channel];
            }
            self.filter.raise(&line[LATENCY_FRAMES - TAPS..LATENCY_FRAMES + frames], peaks);
        }
        let mut done = Limited { frames: 0, clamped: 0, deepest: 1.0, peaks: [0.0; 2] };
        for (i, frame) in block.iter_mut().enumerate() {
            let gain = self.next_gain(self.peaks[i]);
            let wanted = [self.delayed[0][i] * gain, self.delayed[1][i] * gain];
            *frame = wanted.map(|sample| sample.clamp(-self.ceiling, self.ceiling));
            done.frames += u64::from(gain < 1.0);
            done.clamped += u64::from(*frame != wanted);
            done.deepest = done.deepest.min(gain);
            done.peaks = [0, 1].map(|channel| done.peaks[channel].max(frame[channel].abs()));
        }
        for line in &mut self.delayed {
            line.copy_within(frames..frames + LATENCY_FRAMES, 0);
        }
        done
    }

    /// The gain of the frame that leaves now, given the peak of the one that lies a look-ahead behind it.
    fn next_gain(&mut self, peak: f32) -> f32 {
        let needed = if peak > self.ceiling { self.ceiling * AIM / peak } else { 1.0 };
        let least = f64::from(self.least.push(needed));
        self.slow = rise(self.slow, least);
        let slow = (self.slow * f64::from(UNITY)) as u32;
        self.ramp_sum = self.ramp_sum + u64::from(slow) - u64::from(self.ramp[self.ramp_at]);
        self.ramp[self.ramp_at] = slow;
        self.ramp_at = (self.ramp_at + 1) % LOOKAHEAD_FRAMES;
        (self.ramp_sum / LOOKAHEAD_FRAMES as u64) as f32 / UNITY as f32
    }
}

/// Down to `least` at once, or one frame of the way back up to it, ending exactly on it.
fn rise(slow: f64, least: f64) -> f64 {
    const ARRIVED: f64 = 1e-5;
    // Each frame waits for the one before: a quotient would take as long as all the rest.
    const PART: f64 = 1.0 / RELEASE_FRAMES;
    let next = slow + (least - slow) * PART;
    if least - next < ARRIVED { least } else { next }
}

/// The least of the last `span` values: a queue of those that can still become it, rising from front to back.
#[derive(Debug)]
struct SlidingLeast {
    span: usize,
    queue: Box<[(f32, u64)]>,
    first: usize,
    count: usize,
    now: u64,
}

impl SlidingLeast {
    fn new(span: usize) -> Self {
        Self { span, queue: vec![(1.0, 0); span.next_power_of_two()].into(), first: 0, count: 0, now: 0 }
    }

    fn push(&mut self, value: f32) -> f32 {
        let mask = self.queue.len() - 1;
        self.now += 1;
        while self.count > 0 && self.queue[(self.first + self.count - 1) & mask].0 >= value {
            self.count -= 1;
        }
        self.queue[(self.first + self.count) & mask] = (value, self.now);
        self.count += 1;
        if self.queue[self.first & mask].1 + self.span as u64 <= self.now {
            self.first = (self.first + 1) & mask;
            self.count -= 1;
        }
        self.queue[self.first & mask].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn a_peak_at_the_ceiling_is_not_over_it() {
        let mut limiter = Limiter::new(0.5);
        assert!((0..3 * LOOKAHEAD_FRAMES).all(|_| limiter.next_gain(0.5) == 1.0));
        let gains: Vec<f32> = (0..3 * LOOKAHEAD_FRAMES).map(|_| limiter.next_gain(0.501)).collect();
        assert!(gains.iter().all(|gain| *gain < 1.0) && gains[LOOKAHEAD_FRAMES - 1] <= 0.5 / 0.501, "{gains:?}");
    }

    #[test]
    fn what_was_turned_down_is_counted_and_what_passed_is_not() {
        let mut limiter = Limiter::new(0.5);
        let quiet = limiter.process(&mut [[0.25, -0.25]; BLOCK_FRAMES]);
        assert_eq!((quiet.frames, quiet.clamped, quiet.deepest), (0, 0, 1.0));
        let loud = limiter.process(&mut [[1.0, 0.0]; BLOCK_FRAMES]);
        assert!((1..=BLOCK_FRAMES as u64).contains(&loud.frames) && loud.deepest < 0.51, "{loud:?}");
        assert_eq!((limiter.process(&mut [[1.0, 0.0]; BLOCK_FRAMES]).frames, loud.clamped), (BLOCK_FRAMES as u64, 0));
    }

    #[test]
    fn a_frame_that_only_the_clamp_holds_is_counted() {
        let mut limiter = Limiter::new(0.5);
        limiter.process(&mut [[0.4, 0.1]; BLOCK_FRAMES]);
        // What no gain was made for: the sound is in the delay line already.
        limiter.ceiling = 0.25;
        let mut block = [[0.0; 2]; LATENCY_FRAMES];
        let limited = limiter.process(&mut block);
        // Until the gain that follows from the sound after it is down.
        assert!((20..LATENCY_FRAMES as u64).contains(&limited.clamped), "{limited:?}");
        assert_eq!((limited.peaks[0], block[0][0]), (0.25, 0.25));
    }

    proptest! {
        #[test]
        fn the_sliding_least_is_the_least_of_its_span(values in proptest::collection::vec(any::<u8>(), 1..300)) {
            let mut least = SlidingLeast::new(16);
            for (i, value) in values.iter().enumerate() {
                let wanted = values[(i + 1).saturating_sub(16)..=i].iter().min().copied().unwrap();
                prop_assert_eq!(least.push(f32::from(*value)), f32::from(wanted));
            }
        }
    }
}
