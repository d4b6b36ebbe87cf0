//! Inpainting: which frames are generated and which stay.
//!
//! A mask is 1 where sound is generated and 0 where the original stays; between, both are mixed at every step. Before
//! the network sees a latent, kept frames are replaced by the original at the current noise level; after it, its
//! prediction is replaced there by the original itself.

use super::curve::Curve;

/// Factor on a mask, moving linearly with progress: `start + slope * step / steps`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskStrength {
    /// At the first step.
    pub start: f64,
    /// Added by the end of the schedule.
    pub slope: f64,
}

impl MaskStrength {
    /// The mask as it is.
    pub const FULL: Self = Self { start: 1.0, slope: 0.0 };

    /// The factor at a step.
    #[must_use]
    pub fn at(self, step: usize, steps: usize) -> f32 {
        (self.start + self.slope * step as f64 / steps.max(1) as f64) as f32
    }
}

/// A mask at one step.
#[derive(Clone, Copy, Debug)]
pub struct MaskAt<'a> {
    /// 1 generates, 0 keeps.
    pub curve: &'a Curve,
    /// [`MaskStrength::at`] of the step.
    pub strength: f32,
}

impl MaskAt<'_> {
    /// The mask of a frame.
    #[must_use]
    #[inline]
    pub fn at(&self, frame: usize, frames: usize) -> f32 {
        self.curve.at(frame, frames) * self.strength
    }
}

/// What the network sees of one frame: `m x + (1 - m)(t n + (1 - t) original)`.
#[inline]
pub fn blend_before(m: f32, t: f32, x: &[f32], noise: &[f32], original: &[f32], out: &mut [f32]) {
    for (((out, &x), &n), &original) in out.iter_mut().zip(x).zip(noise).zip(original) {
        *out = m * x + (1.0 - m) * (t * n + (1.0 - t) * original);
    }
}

#[cfg(test)]
mod tests {
    use super::MaskStrength;

    #[test]
    fn a_strength_moves_from_its_start_by_its_slope_over_the_schedule() {
        let strength = MaskStrength { start: 0.25, slope: 0.5 };
        assert_eq!([0, 1, 3, 4].map(|step| strength.at(step, 4)), [0.25, 0.375, 0.625, 0.75]);
        assert_eq!(strength.at(0, 0), 0.25, "a schedule of no steps has one");
        assert_eq!(MaskStrength::FULL.at(3, 4), 1.0);
    }
}
