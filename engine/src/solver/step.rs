//! The law of one solver step, as coefficients.
//!
//! Every step of the published sampler, with all its blends, is a weighted sum of at most six latents: the state `x`, the
//! velocity `v`, a draw of noise, the source, a mask's original and a target. Only the weights differ, frame by frame.
//! So the law is worked out once a frame here, and [`super::sweep`] does one kind of arithmetic whatever is switched on.

use super::curve::Curve;
use super::mask::MaskAt;

/// One step's noise levels. Time runs down: `1 >= now >= next >= 0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSpan {
    /// Before the step.
    pub now: f32,
    /// After it; 0 ends the schedule.
    pub next: f32,
}

impl StepSpan {
    /// Whether this is the last step of its schedule.
    #[must_use]
    pub fn is_last(self) -> bool {
        self.next <= 0.0
    }
}

/// How a step is taken where no source blend decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Method {
    /// Along the velocity.
    #[default]
    Ode,
    /// To the predicted sound and back up with fresh noise.
    Sde,
}

/// Pull of the prediction toward a target latent.
#[derive(Clone, Copy, Debug)]
pub struct TargetPull<'a> {
    /// Share of the target, before [`Self::factor`].
    pub strength: &'a Curve,
    /// The gate's share at this step, see [`gate`].
    pub factor: f32,
}

/// Everything that decides one slot's step.
#[derive(Clone, Copy, Debug)]
pub struct StepLaw<'a> {
    /// Noise levels.
    pub span: StepSpan,
    /// The method where there is no source blend.
    pub method: Method,
    /// Factor on the velocity.
    pub velocity_scale: Option<&'a Curve>,
    /// Share of the generation against the source; given only when there is a source. Chooses the SDE.
    pub source_blend: Option<&'a Curve>,
    /// Noise added by an ODE step.
    pub ode_noise: Option<&'a Curve>,
    /// Inpainting.
    pub mask: Option<MaskAt<'a>>,
    /// Target of the prediction.
    pub target: Option<TargetPull<'a>>,
}

/// Weights of one frame's sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameWeights {
    /// Of the state before the step.
    pub x: f32,
    /// Of the velocity.
    pub velocity: f32,
    /// Of the draw.
    pub noise: f32,
    /// Of the source.
    pub source: f32,
    /// Of the mask's original.
    pub original: f32,
    /// Of the target.
    pub target: f32,
}

impl StepLaw<'_> {
    /// Whether any frame may use the draw, so that it must be made.
    #[must_use]
    pub fn draws(&self) -> bool {
        let ode = self.source_blend.is_none() && self.method == Method::Ode;
        !self.span.is_last() && (!ode || self.ode_noise.is_some_and(|it| !it.is_zero()))
    }

    /// The weights of frame `frame` of `frames`.
    #[must_use]
    #[inline]
    pub fn weights(&self, frame: usize, frames: usize) -> FrameWeights {
        let StepSpan { now, next } = self.span;
        let scale = self.velocity_scale.map_or(1.0, |it| it.at(frame, frames));
        let last = self.span.is_last();
        let ode_noise = || if last { 0.0 } else { self.ode_noise.map_or(0.0, |it| it.at(frame, frames)) * next };
        let plain = self.mask.is_none() && self.target.is_none() && self.source_blend.is_none();
        if plain && (last || self.method == Method::Ode) {
            let span = if last { -now } else { next - now };
            let still = FrameWeights { x: 1.0, velocity: span * scale, ..FrameWeights::NONE };
            return FrameWeights { noise: ode_noise(), ..still };
        }
        let prediction = self.prediction(scale, frame, frames);
        if let Some(blend) = self.source_blend {
            let share = blend.at(frame, frames);
            let there = prediction.times(share * (1.0 - next));
            return FrameWeights { noise: next, source: (1.0 - share) * (1.0 - next), ..there };
        }
        if last {
            return prediction;
        }
        match self.method {
            Method::Sde => FrameWeights { noise: next, ..prediction.times(1.0 - next) },
            // x + (next - now) (x - x0) / now, sorted by x and x0.
            Method::Ode => {
                let stay = next / now;
                let there = prediction.times(1.0 - stay);
                FrameWeights { x: stay + there.x, noise: ode_noise(), ..there }
            }
        }
    }

    /// The predicted sound with its blends: mask first, target second.
    fn prediction(&self, scale: f32, frame: usize, frames: usize) -> FrameWeights {
        let mask = self.mask.map_or(1.0, |it| it.at(frame, frames));
        let pull = self.target.map_or(0.0, |it| it.strength.at(frame, frames) * it.factor);
        let keep = 1.0 - pull;
        FrameWeights {
            x: keep * mask,
            velocity: keep * mask * (-self.span.now * scale),
            original: keep * (1.0 - mask),
            target: pull,
            ..FrameWeights::NONE
        }
    }
}

impl FrameWeights {
    /// Nothing of anything.
    pub const NONE: Self = Self { x: 0.0, velocity: 0.0, noise: 0.0, source: 0.0, original: 0.0, target: 0.0 };

    fn times(self, factor: f32) -> Self {
        Self {
            x: self.x * factor,
            velocity: self.velocity * factor,
            noise: self.noise * factor,
            source: self.source * factor,
            original: self.original * factor,
            target: self.target * factor,
        }
    }
}

/// Share of a gated target curve at a step: 0 up to `start` (a share of the schedule), then rising to 1 at the end.
#[must_use]
pub fn gate(start: f32, step: usize, steps: usize) -> f32 {
    let progress = step as f64 / (steps.saturating_sub(1).max(1)) as f64;
    let start = f64::from(start);
    ((progress - start).max(0.0) / (1.0 - start).max(1e-6)) as f32
}

#[cfg(test)]
mod tests {
    use super::{FrameWeights, Method, StepLaw, StepSpan};

    const LAW: StepLaw<'static> = StepLaw {
        span: StepSpan { now: 0.5, next: 0.25 },
        method: Method::Ode,
        velocity_scale: None,
        source_blend: None,
        ode_noise: None,
        mask: None,
        target: None,
    };

    #[test]
    fn an_ode_step_goes_along_the_velocity() {
        assert_eq!(LAW.weights(0, 1), FrameWeights { x: 1.0, velocity: -0.25, ..FrameWeights::NONE });
    }

    #[test]
    fn a_stochastic_step_goes_to_the_prediction_and_back_up() {
        let law = StepLaw { method: Method::Sde, ..LAW };
        let expected = FrameWeights { x: 0.75, velocity: -0.375, noise: 0.25, ..FrameWeights::NONE };
        assert_eq!(law.weights(0, 1), expected);
    }

    #[test]
    fn the_last_step_lands_on_the_prediction_and_draws_nothing() {
        let law = StepLaw { method: Method::Sde, span: StepSpan { now: 0.5, next: 0.0 }, ..LAW };
        assert_eq!(law.weights(0, 1), FrameWeights { x: 1.0, velocity: -0.5, ..FrameWeights::NONE });
        assert!(!law.draws());
    }

    #[test]
    fn a_source_blend_of_nothing_is_the_source_at_the_next_noise_level() {
        let none = 0.0.into();
        let law = StepLaw { source_blend: Some(&none), ..LAW };
        let expected = FrameWeights { noise: 0.25, source: 0.75, ..FrameWeights::NONE };
        let found = law.weights(0, 1);
        assert_eq!(FrameWeights { velocity: found.velocity.abs(), ..found }, expected);
    }
}
