//! Several conditions at once: velocities averaged with per-frame weights.

use super::curve::Curve;

/// Below this the weights of a frame count as none.
pub const WEIGHT_MIN: f32 = 1e-8;

/// A running `sum(v w) / max(sum w, 1e-8)` over velocities that come one after another. No weight means weight 1.
#[derive(Debug)]
pub struct VelocityMix {
    weights: Vec<f32>,
}

impl VelocityMix {
    /// For latents of up to `frames` frames without allocating later.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        Self { weights: Vec::with_capacity(frames) }
    }

    /// Begins a mix of `frames` frames in `sum`.
    pub fn begin(&mut self, frames: usize, sum: &mut [f32]) {
        self.weights.clear();
        self.weights.resize(frames, 0.0);
        sum.fill(0.0);
    }

    /// Adds a velocity.
    pub fn add(&mut self, weight: Option<&Curve>, velocity: &[f32], sum: &mut [f32]) {
        let frames = self.weights.len();
        let channels = sum.len() / frames.max(1);
        let rows = sum.chunks_exact_mut(channels).zip(velocity.chunks_exact(channels));
        for (frame, (sum, velocity)) in rows.enumerate() {
            let weight = weight.map_or(1.0, |it| it.at(frame, frames));
            self.weights[frame] += weight;
            for (sum, &v) in sum.iter_mut().zip(velocity) {
                *sum += v * weight;
            }
        }
    }

    /// Divides by the weights; `sum` is then the mixed velocity.
    pub fn end(&mut self, sum: &mut [f32]) {
        let channels = sum.len() / self.weights.len().max(1);
        for (&weight, sum) in self.weights.iter().zip(sum.chunks_exact_mut(channels)) {
            let weight = weight.max(WEIGHT_MIN);
            sum.iter_mut().for_each(|it| *it /= weight);
        }
    }
}
