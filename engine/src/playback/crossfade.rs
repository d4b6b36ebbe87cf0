//! Joins two pieces of sound so that nobody hears the seam.
//!
//! Two renderings of the same music may share their phase or not, and that decides the fade: gains with unit power hold
//! the level of strangers but lift twins by 3 dB; gains with unit sum hold twins but let strangers sink by 3 dB. So the
//! seam is measured first. With `r` the correlation of the two pieces and equal power on both sides, the power of
//! `a old + b new` is `a² + b² + 2 r a b`; the gains here are `(cos, sin) / sqrt(1 + r sin 2x)`, which keep it at 1 for
//! every `r`. At `r = 1` they add up to 1: splicing a sound into itself changes nothing.
//!
//! Pure; only `new` allocates.

use std::f32::consts::FRAC_PI_2;

use crate::latent::StereoFrame;

/// Below this correlation the gains stop growing. Pieces in antiphase cancel whatever the gains, and holding their
/// power would take gains without bound; at -0.5 they stay under `sqrt 2`.
const CORRELATION_MIN: f32 = -0.5;

/// How loud the old and the new sound are at one moment of a fade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gains {
    /// Gain of the sound that goes, 1 to 0.
    pub old: f32,
    /// Gain of the sound that comes, 0 to 1.
    pub new: f32,
}

impl Gains {
    /// Both sounds at these gains, added.
    #[must_use]
    pub fn mix(self, old: StereoFrame, new: StereoFrame) -> StereoFrame {
        [self.old * old[0] + self.new * new[0], self.old * old[1] + self.new * new[1]]
    }
}

/// A table of unit-power gains, read at any fade length up to its own.
#[derive(Clone, Debug)]
pub struct Crossfade {
    quarter_turn: Box<[Gains]>,
}

impl Crossfade {
    /// A table for fades of up to `frames` stereo samples.
    ///
    /// # Panics
    /// When `frames` is 0.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        assert!(frames > 0, "a fade takes at least one frame");
        let angle = |i: usize| (i as f32 + 0.5) / frames as f32 * FRAC_PI_2;
        let quarter_turn = (0..frames).map(angle).map(|a| Gains { old: a.cos(), new: a.sin() }).collect();
        Self { quarter_turn }
    }

    /// Gains at frame `at` of a fade of `frames` between pieces of this `correlation` (-1 to 1).
    #[must_use]
    #[inline]
    pub fn gains(&self, at: usize, frames: usize, correlation: f32) -> Gains {
        let unit = self.quarter_turn[(2 * at + 1) * self.quarter_turn.len() / (2 * frames)];
        let level = 1.0 / (1.0 + 2.0 * correlation.clamp(CORRELATION_MIN, 1.0) * unit.old * unit.new).sqrt();
        Gains { old: unit.old * level, new: unit.new * level }
    }
}

impl Crossfade {
    /// As [`Self::gains`], drawn straight between the places of the table, for fades that are longer than it: no step is heard.
    #[must_use]
    #[inline]
    pub fn gains_between(&self, at: usize, frames: usize, correlation: f32) -> Gains {
        let last = self.quarter_turn.len() - 1;
        let place = (at as f32 + 0.5) / frames as f32 * self.quarter_turn.len() as f32 - 0.5;
        let below = (place.max(0.0) as usize).min(last);
        let (a, b, part) = (self.quarter_turn[below], self.quarter_turn[last.min(below + 1)], place - below as f32);
        let unit = Gains { old: a.old + part * (b.old - a.old), new: a.new + part * (b.new - a.new) };
        let level = 1.0 / (1.0 + 2.0 * correlation.clamp(CORRELATION_MIN, 1.0) * unit.old * unit.new).sqrt();
        Gains { old: unit.old * level, new: unit.new * level }
    }
}

/// Normalised correlation of two pieces of sound, -1 to 1, over their common length; 0 when either is silent or not
/// finite, because a fade with silence wants unit power.
#[must_use]
pub fn correlation(old: &[StereoFrame], new: &[StereoFrame]) -> f32 {
    correlation_of(old.iter().copied().zip(new.iter().copied()))
}

/// [`correlation`] of pieces that need not lie in one slice each (a tape wraps).
pub(super) fn correlation_of(pairs: impl Iterator<Item = (StereoFrame, StereoFrame)>) -> f32 {
    let (mut both, mut old_power, mut new_power) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (old, new) in pairs {
        both += old[0] * new[0] + old[1] * new[1];
        old_power += old[0] * old[0] + old[1] * old[1];
        new_power += new[0] * new[0] + new[1] * new[1];
    }
    // Of silence it is 0/0.
    let measured = both / (old_power * new_power).sqrt();
    if measured.is_finite() { measured.clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, proptest};

    #[test]
    fn a_fade_longer_than_the_table_is_drawn_without_steps_and_as_the_formula_says() {
        const FRAMES: usize = 48_000;
        let fade = Crossfade::new(1_200);
        // Half a place of the table at each end is not drawn further than it goes.
        let end = FRAMES / 1_200 / 2;
        for r in [-0.5_f32, 0.0, 0.6, 1.0] {
            for at in 0..FRAMES {
                let angle = (at as f32 + 0.5) / FRAMES as f32 * FRAC_PI_2;
                let level = 1.0 / (1.0 + 2.0 * r * angle.sin() * angle.cos()).sqrt();
                let (found, near) = (fade.gains_between(at, FRAMES, r), if at < FRAMES - end { 5e-6 } else { 2e-3 });
                let off = (found.old - level * angle.cos()).abs().max((found.new - level * angle.sin()).abs());
                assert!(off < near, "{off} at {at} of r {r}");
            }
        }
        let of_its_length = |at| (fade.gains(at, 1_200, 0.3), fade.gains_between(at, 1_200, 0.3));
        assert!((0..1_200).map(of_its_length).all(|(a, b)| (a.old - b.old).abs() + (a.new - b.new).abs() < 1e-4));
    }

    /// Noise whose left and right have unit power, different for each seed.
    fn noise(seed: u32, frames: usize) -> Vec<StereoFrame> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state as f32 / u32::MAX as f32 - 0.5) * 12.0_f32.sqrt()
        };
        (0..frames).map(|_| [next(), next()]).collect()
    }

    fn middle_power(old: &[StereoFrame], new: &[StereoFrame]) -> f32 {
        let fade = Crossfade::new(old.len());
        let r = correlation(old, new);
        let third = old.len() / 3..old.len() * 2 / 3;
        let count = 2.0 * third.len() as f32;
        third.map(|i| fade.gains(i, old.len(), r).mix(old[i], new[i])).map(|f| f[0] * f[0] + f[1] * f[1]).sum::<f32>()
            / count
    }

    #[test]
    fn a_fade_between_strangers_holds_their_power() {
        let power = middle_power(&noise(1, 30_000), &noise(2, 30_000));
        assert!((power - 1.0).abs() < 0.03, "{power}");
    }

    #[test]
    fn a_fade_between_half_related_sounds_holds_their_power() {
        let (a, b) = (noise(1, 30_000), noise(2, 30_000));
        let c: Vec<_> = a.iter().zip(&b).map(|(a, b)| [0.6 * a[0] + 0.8 * b[0], 0.6 * a[1] + 0.8 * b[1]]).collect();
        let power = middle_power(&a, &c);
        assert!((power - 1.0).abs() < 0.03, "{power}");
    }

    #[test]
    fn a_fade_of_a_sound_into_itself_changes_nothing() {
        let sound = noise(3, 1200);
        let fade = Crossfade::new(1200);
        let r = correlation(&sound, &sound);
        for (i, frame) in sound.iter().enumerate() {
            let mixed = fade.gains(i, 1200, r).mix(*frame, *frame);
            assert!((mixed[0] - frame[0]).abs() < 1e-5 && (mixed[1] - frame[1]).abs() < 1e-5, "{i}");
        }
    }

    #[test]
    fn a_fade_shorter_than_the_table_is_read_in_the_middle_of_its_frames() {
        let fade = Crossfade::new(6);
        let gains = [0, 1].map(|at| fade.gains(at, 2, 0.0));
        assert_eq!(gains, [1, 4].map(|at| fade.gains(at, 6, 0.0)));
        assert!((gains[0].old - gains[1].new).abs() < 1e-6, "it comes as it goes: {gains:?}");
    }

    #[test]
    fn silence_counts_as_a_stranger() {
        assert_eq!(correlation(&noise(1, 64), &[[0.0; 2]; 64]), 0.0);
        assert_eq!(correlation(&[[f32::NAN; 2]; 4], &[[1.0; 2]; 4]), 0.0);
    }

    proptest! {
        #[test]
        fn the_gains_keep_unit_power_for_every_correlation_and_length(
            table in 1_usize..2000, share in 0.0_f64..1.0, pick in 0.0_f64..1.0, r in -0.5_f32..=1.0
        ) {
            let frames = 1 + ((table - 1) as f64 * share) as usize;
            let at = ((frames - 1) as f64 * pick) as usize;
            let g = Crossfade::new(table).gains(at, frames, r);
            let power = g.old * g.old + g.new * g.new + 2.0 * r * g.old * g.new;
            prop_assert!((power - 1.0).abs() < 1e-4, "{power}");
        }

        #[test]
        fn no_gain_passes_the_root_of_two(at in 0_usize..480, r in -9.0_f32..9.0) {
            let g = Crossfade::new(480).gains(at, 480, r);
            prop_assert!((0.0..1.4143).contains(&g.old) && (0.0..1.4143).contains(&g.new), "{g:?}");
        }
    }
}
