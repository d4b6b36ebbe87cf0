//! Peaks between the samples: what the converter's filter will make of them.
//!
//! A band-limited signal can rise above all of its samples (by 3 dB at a quarter of the rate). As in ITU-R BS.1770 the
//! signal is looked at four times as often, by a windowed sinc. Four looks a sample leave .47 dB unseen at 20 kHz, where a
//! wave has 9.6 of them; so the crest between three looks is taken for a parabola's, which leaves .05 dB, and the sinc has
//! 32 taps, which hold 20 kHz within .04 dB. No filter holds up to the half of the rate: of white noise, a sixth of which
//! lies beyond 20 kHz, up to .9 dB stay unseen, which is less than the ceiling leaves to full scale. The judge in the tests
//! is an exact oversampler of 16 times.

use std::f64::consts::PI;

use crate::latent::StereoFrame;
use crate::wide::{Wide, widest};

/// Taps of each phase.
pub(super) const TAPS: usize = 32;
/// Looks between two samples; the sample itself is the fourth.
const PHASES: usize = 3;
/// Samples that lie after the one being judged.
pub(super) const AFTER: usize = TAPS / 2;
/// Shape of the Kaiser window: with 32 taps the passband reaches 21 kHz.
const KAISER_BETA: f64 = 4.0;
/// Intervals judged at a time: all looks at them stay in the nearest cache.
const LANES: usize = 64;

/// The interpolator's three filters.
#[derive(Debug)]
pub(super) struct PeakFilter {
    taps: [[f32; TAPS]; PHASES],
}

impl PeakFilter {
    pub(super) fn new() -> Self {
        let mut taps = [[0.0; TAPS]; PHASES];
        for (phase, filter) in taps.iter_mut().enumerate() {
            let fraction = (phase + 1) as f64 / (PHASES + 1) as f64;
            let weights: [f64; TAPS] = std::array::from_fn(|k| {
                let x = k as f64 - (AFTER - 1) as f64 - fraction;
                let edge = x / AFTER as f64;
                (PI * x).sin() / (PI * x) * bessel_i0(KAISER_BETA * (1.0 - edge * edge).max(0.0).sqrt())
            });
            let sum: f64 = weights.iter().sum();
            *filter = weights.map(|weight| (weight / sum) as f32);
        }
        Self { taps }
    }

    /// Raises `peaks[i]` to the highest magnitude from sample `i + AFTER` of `samples` up to the next one. `samples` has
    /// `TAPS` more entries than `peaks`.
    pub(super) fn raise(&self, samples: &[f32], peaks: &mut [f32]) {
        debug_assert_eq!(samples.len(), peaks.len() + TAPS);
        widest(Raise { taps: &self.taps, samples, peaks });
    }
}

/// See [`PeakFilter::raise`].
struct Raise<'a> {
    taps: &'a [[f32; TAPS]; PHASES],
    samples: &'a [f32],
    peaks: &'a mut [f32],
}

impl Wide for Raise<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { taps, samples, peaks } = self;
        for (block, peaks) in peaks.chunks_mut(LANES).enumerate() {
            let samples = &samples[block * LANES..][..peaks.len() + TAPS];
            // Lane 0 is the interval before the first that is judged: a crest has a look on either side.
            let mut looks = [[0.0_f32; LANES + 1]; PHASES];
            for (filter, looks) in taps.iter().zip(&mut looks) {
                for (k, tap) in filter.iter().enumerate() {
                    for (sum, sample) in looks.iter_mut().zip(&samples[k..]).take(peaks.len() + 1) {
                        *sum += tap * sample;
                    }
                }
            }
            let [first, second, third] = &looks;
            let whole = &samples[AFTER - 1..];
            for (i, peak) in peaks.iter_mut().enumerate() {
                let (here, next) = (whole[i + 1], whole[i + 2]);
                let before = crest(third[i], here, first[i + 1]).max(crest(here, first[i + 1], second[i + 1]));
                let after =
                    crest(first[i + 1], second[i + 1], third[i + 1]).max(crest(second[i + 1], third[i + 1], next));
                *peak = peak.max(before).max(after);
            }
        }
    }
}

/// The magnitude that a wave through three looks reaches around the middle one: a parabola's crest, where that is the
/// highest of them.
#[inline(always)]
fn crest(before: f32, here: f32, after: f32) -> f32 {
    // Under the highest look the bend is never less than the slope, so the quotient is at most a quarter of it.
    let (slope, bend) = (after - before, (before - 2.0 * here + after).abs());
    let rise = slope * slope / (8.0 * bend).max(f32::MIN_POSITIVE);
    let height = here.abs();
    height + if height >= before.abs() && height >= after.abs() { rise } else { 0.0 }
}

/// Highest true peak of `frames` over both channels, linear, silence assumed before and after. Allocates: for meters,
/// renders and tests, not for the audio thread.
#[must_use]
pub fn true_peak(frames: &[StereoFrame]) -> f32 {
    let filter = PeakFilter::new();
    let mut peaks = vec![0.0; frames.len() + TAPS];
    for channel in 0..2 {
        let silence = || std::iter::repeat_n(0.0, TAPS);
        let samples: Vec<f32> = silence().chain(frames.iter().map(|frame| frame[channel])).chain(silence()).collect();
        filter.raise(&samples, &mut peaks);
    }
    peaks.into_iter().fold(0.0, f32::max)
}

/// Modified Bessel function of the first kind, order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let terms = (1..40).scan(1.0, |term, k| {
        *term *= quarter / f64::from(k * k);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::bessel_i0;

    #[test]
    fn the_bessel_function_is_the_tables() {
        // Abramowitz and Stegun, table 9.8.
        for (x, expected) in [(0.0, 1.0), (1.0, 1.266_065_877_752), (4.0, 11.301_921_952_136)] {
            assert!((bessel_i0(x) - expected).abs() < 1e-11, "{x}: {}", bessel_i0(x));
        }
    }
}
