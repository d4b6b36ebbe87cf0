//! Several conditions at once: velocities averaged with per-frame weights, or two of them on an arc.

use super::curve::Curve;

/// Below this the weights of a frame count as none.
pub const WEIGHT_MIN: f32 = 1e-8;

/// The way that a velocity takes from one condition to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BlendPath {
    /// The mean by the weights.
    #[default]
    Linear,
    /// Directions turn and lengths go straight ([`Slerp`](super::slerp::Slerp)), between two conditions whose weights are plain
    /// values. Of one, of more than two, and of weights drawn along the timeline it is the mean.
    Spherical,
}

impl BlendPath {
    /// How far along the arc two conditions of these weights stand, from 0 at the first to 1 at the second; `None` where the mean
    /// is to be taken. No weight means weight 1.
    #[must_use]
    pub fn share(self, weights: [Option<&Curve>; 2]) -> Option<f64> {
        if self == Self::Linear {
            return None;
        }
        let plain = |weight: Option<&Curve>| match weight {
            None => Some(1.0),
            Some(Curve::Scalar(value)) => Some(*value).filter(|it| 0.0 <= *it),
            Some(Curve::Frames(_)) => None,
        };
        let [a, b] = [plain(weights[0])?, plain(weights[1])?].map(f64::from);
        (f64::from(WEIGHT_MIN) < a + b).then(|| b / (a + b))
    }
}

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

#[cfg(test)]
mod tests {
    use super::BlendPath::{Linear, Spherical};
    use super::*;

    #[test]
    fn an_arc_is_between_two_plain_weights_and_nowhere_else() {
        let plain = |weight: f32| Some(Curve::Scalar(weight));
        let share = |path: BlendPath, a: Option<Curve>, b: Option<Curve>| path.share([a.as_ref(), b.as_ref()]);
        assert_eq!(share(Spherical, plain(0.75), plain(0.25)), Some(0.25));
        assert_eq!(share(Spherical, plain(3.0), None), Some(0.25), "no weight is weight 1");
        assert_eq!(share(Spherical, plain(0.0), plain(2.0)), Some(1.0));
        assert_eq!(share(Linear, plain(0.75), plain(0.25)), None);
        let drawn = || Some(Curve::from(vec![0.5, 0.5]));
        for (a, b) in
            [(drawn(), plain(0.5)), (plain(0.5), drawn()), (plain(0.0), plain(0.0)), (plain(-1.0), plain(2.0))]
        {
            assert_eq!(share(Spherical, a.clone(), b.clone()), None, "{a:?} {b:?}");
        }
        assert_eq!(share(Spherical, plain(f32::NAN), None), None);
    }
}
