//! A short quiet sweep, and where it lies in what a microphone or a cable brought back: the delay of a device is measured by it.
//!
//! A sweep and not a click, because it is found under noise while it is hardly heard: all of its length speaks for one place. Found
//! means that the sound there has its shape, however loud or turned round it is. Pure arithmetic; no clock, no device.

use std::f32::consts::TAU;

use crate::latent::SAMPLE_RATE_HZ;

/// Samples of the sweep: 21 ms.
const LENGTH: usize = 1024;
/// From where to where it goes, in Hz: what every converter and small loudspeaker can bear.
const HERTZ: [f32; 2] = [600.0, 9_000.0];
/// Its peak, as a factor of full scale: -34 dB.
const PEAK: f32 = 0.02;
/// How like the sweep sound has to be, 0 to 1. The best of 12,000 places of plain noise reaches about .15.
const LIKE: f32 = 0.35;

/// Where a sweep was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Sample at which it begins.
    pub at: usize,
    /// How like the sweep it is, 0 to 1.
    pub like: f32,
    /// How loud it came back, as a factor; below 0 where it is turned round.
    pub gain: f32,
}

/// The sweep.
#[derive(Clone, Debug)]
pub struct Sweep(Vec<f32>);

impl Default for Sweep {
    fn default() -> Self {
        let sample = |at: usize| {
            let part = at as f32 / LENGTH as f32;
            let seconds = LENGTH as f32 / SAMPLE_RATE_HZ as f32;
            let turns = seconds * part * (HERTZ[0] + (HERTZ[1] - HERTZ[0]) * part / 2.0);
            // It begins and ends in silence.
            PEAK * (TAU * turns).sin() * (0.5 - 0.5 * (TAU * part).cos())
        };
        Self((0..LENGTH).map(sample).collect())
    }
}

impl Sweep {
    /// Its samples, mono, 48 kHz.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.0
    }

    /// Where it lies in `sound`, where it does: the place that is most like it.
    #[must_use]
    pub fn find(&self, sound: &[f32]) -> Option<Found> {
        let own = energy(&self.0);
        let mut best = Found { at: 0, like: 0.0, gain: 0.0 };
        for (at, window) in sound.windows(LENGTH).enumerate() {
            let product: f32 = window.iter().zip(&self.0).map(|(a, b)| a * b).sum();
            // The sweep's own silence apart: what is far under it is no sound that came back.
            let like = product.abs() / (own * energy(window)).sqrt().max(own * 1e-6);
            if best.like < like {
                best = Found { at, like, gain: product / own };
            }
        }
        (LIKE <= best.like).then_some(best)
    }
}

fn energy(sound: &[f32]) -> f32 {
    sound.iter().map(|it| it * it).sum()
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, PEAK, Sweep};

    /// Noise of this peak, the same in every run.
    fn noise(frames: usize, peak: f32) -> Vec<f32> {
        let mut state = 5_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..frames).map(|_| next() * peak).collect()
    }

    #[test]
    fn a_sweep_is_found_to_the_sample_under_noise_softer_and_turned_round_and_nowhere_else() {
        let sweep = Sweep::default();
        assert!(sweep.samples().iter().all(|it| it.abs() <= PEAK));
        for (at, gain) in [(0, 1.0), (777, 0.05), (4_000, -0.3), (8_000 - LENGTH, 1.0)] {
            // As loud as the sweep comes back.
            let mut sound = noise(8_000, PEAK * f32::abs(gain));
            sound[at..].iter_mut().zip(sweep.samples()).for_each(|(to, it)| *to += gain * it);
            let found = sweep.find(&sound).expect("it is there");
            assert!(found.at.abs_diff(at) <= 1, "{found:?}, it is at {at}");
            assert!((found.gain - gain).abs() < 0.2 * gain.abs(), "{found:?}, it came back at {gain}");
        }
        assert_eq!(sweep.find(&noise(12_000, PEAK)), None);
        assert_eq!(sweep.find(&[0.0; 4_000]), None);
        // A hum is no sweep.
        let hum: Vec<f32> = (0..8_000).map(|it| (it as f32 * 0.006_5).sin() * 0.5).collect();
        assert_eq!(sweep.find(&hum), None);
        assert_eq!(sweep.find(&sweep.samples()[1..]), None, "a part of one is none");
    }
}
