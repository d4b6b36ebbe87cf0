//! Adaptive projected guidance: away from the negative prompt, without growing louder.
//!
//! Of the difference between both velocities (remembered over the steps with a momentum) only the part at right angles
//! to the positive velocity is used, its length limited. Lengths and projections run over time, each channel for
//! itself, as in the published sampler; [`Axis::Channels`] measures each frame for itself.

use super::curve::Curve;
use crate::wide::{Wide, widest};

/// Along which axis lengths and projections are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Axis {
    /// Over all frames, per channel.
    #[default]
    Time,
    /// Over all channels, per frame.
    Channels,
}

/// Constants of the guidance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuidanceLaw {
    /// Longest difference; 0 or less means no limit.
    pub norm_threshold: f32,
    /// How much of the parallel part is kept.
    pub eta: f32,
    /// Where lengths are measured.
    pub axis: Axis,
}

impl Default for GuidanceLaw {
    fn default() -> Self {
        Self { norm_threshold: 2.5, eta: 0.0, axis: Axis::Time }
    }
}

/// Momentum of the published sampler.
pub const DEFAULT_MOMENTUM: f32 = -0.75;

/// Knobs of one step.
#[derive(Clone, Copy, Debug)]
pub struct GuidanceKnobs<'a> {
    /// 1 is the positive velocity alone.
    pub scale: &'a Curve,
    /// Factor on the remembered difference.
    pub momentum: &'a Curve,
}

/// Room for the sums of one latent.
#[derive(Debug)]
pub struct Guidance {
    /// `sum difference²`, then the factor that limits it.
    limit: Vec<f64>,
    /// `sum difference * positive`, then the factor of the projection.
    along: Vec<f64>,
    /// `sum positive²`.
    length: Vec<f64>,
}

/// The two velocities and what is remembered between steps, all `[frames, channels]`.
#[derive(Debug)]
pub struct Velocities<'a> {
    /// Under the prompt.
    pub positive: &'a [f32],
    /// Under the negative prompt.
    pub negative: &'a [f32],
    /// The remembered difference; zeros before the first step.
    pub average: &'a mut [f32],
    /// The guided velocity.
    pub out: &'a mut [f32],
}

impl Guidance {
    /// Room for latents of up to `frames` frames and `channels` channels.
    #[must_use]
    pub fn new(frames: usize, channels: usize) -> Self {
        let room = frames.max(channels);
        let sums = || Vec::with_capacity(room);
        Self { limit: sums(), along: sums(), length: sums() }
    }

    /// One step of guidance: `avg = d + momentum avg`, limited, projected, `out = v + (scale - 1) d`.
    pub fn guide(&mut self, law: &GuidanceLaw, knobs: GuidanceKnobs<'_>, channels: usize, it: &mut Velocities<'_>) {
        self.clear(law.axis, it.positive.len() / channels, channels);
        widest(Gather { sums: self, law, knobs, channels, it });
        self.factors(law.norm_threshold);
        widest(Apply { factors: self, law, knobs, channels, it });
    }

    /// Pulls the length of `guided` back toward that of `positive`: `r v ||p|| / ||v|| + (1 - r) v`.
    pub fn rescale(&mut self, axis: Axis, amount: &Curve, positive: &[f32], channels: usize, guided: &mut [f32]) {
        let frames = positive.len() / channels;
        self.clear(axis, frames, channels);
        for (at, (&positive, &guided)) in positive.iter().zip(&*guided).enumerate() {
            let group = axis.group(at / channels, at % channels);
            self.length[group] += f64::from(positive) * f64::from(positive);
            self.limit[group] += f64::from(guided) * f64::from(guided);
        }
        for (limit, length) in self.limit.iter_mut().zip(&self.length) {
            *limit = length.sqrt() / limit.sqrt().max(1e-12);
        }
        for (frame, row) in guided.chunks_exact_mut(channels).enumerate() {
            let amount = amount.at(frame, frames);
            for (channel, v) in row.iter_mut().enumerate() {
                let rescaled = *v * self.limit[axis.group(frame, channel)] as f32;
                *v = amount * rescaled + (1.0 - amount) * *v;
            }
        }
    }

    fn clear(&mut self, axis: Axis, frames: usize, channels: usize) {
        let groups = if axis == Axis::Time { channels } else { frames };
        for sums in [&mut self.limit, &mut self.along, &mut self.length] {
            sums.clear();
            sums.resize(groups, 0.0);
        }
    }

    /// Turns the sums into the limiting factor and the factor of the (limited) projection.
    fn factors(&mut self, norm_threshold: f32) {
        for ((limit, along), length) in self.limit.iter_mut().zip(&mut self.along).zip(&self.length) {
            let norm = limit.sqrt();
            let free = norm_threshold <= 0.0 || norm <= f64::from(norm_threshold);
            *limit = if free { 1.0 } else { f64::from(norm_threshold) / norm };
            let length = length.sqrt().max(1e-12);
            *along = *limit * *along / (length * length);
        }
    }
}

/// First pass: the remembered difference and its sums.
struct Gather<'a, 'b> {
    sums: &'a mut Guidance,
    law: &'a GuidanceLaw,
    knobs: GuidanceKnobs<'a>,
    channels: usize,
    it: &'a mut Velocities<'b>,
}

impl Wide for Gather<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { sums, law, knobs, channels, it } = self;
        let frames = it.positive.len() / channels;
        let rows = it.positive.chunks_exact(channels).zip(it.negative.chunks_exact(channels));
        let rows = rows.zip(it.average.chunks_exact_mut(channels));
        for (frame, ((positive, negative), average)) in rows.enumerate() {
            let momentum = knobs.momentum.at(frame, frames);
            for ((average, positive), negative) in average.iter_mut().zip(positive).zip(negative) {
                *average = (positive - negative) + momentum * *average;
            }
            match law.axis {
                Axis::Time => add_each(average, positive, sums),
                Axis::Channels => add_all(average, positive, frame, sums),
            }
        }
    }
}

/// Every channel has its own sums.
#[inline(always)]
fn add_each(average: &[f32], positive: &[f32], sums: &mut Guidance) {
    let sums = sums.limit.iter_mut().zip(&mut sums.along).zip(&mut sums.length);
    for (((limit, along), length), (&d, &p)) in sums.zip(average.iter().zip(positive)) {
        let (d, p) = (f64::from(d), f64::from(p));
        *limit += d * d;
        *along += d * p;
        *length += p * p;
    }
}

/// The frame has one of each.
#[inline(always)]
fn add_all(average: &[f32], positive: &[f32], frame: usize, sums: &mut Guidance) {
    for (&d, &p) in average.iter().zip(positive) {
        let (d, p) = (f64::from(d), f64::from(p));
        sums.limit[frame] += d * d;
        sums.along[frame] += d * p;
        sums.length[frame] += p * p;
    }
}

/// Second pass: limited, projected, scaled.
struct Apply<'a, 'b> {
    factors: &'a Guidance,
    law: &'a GuidanceLaw,
    knobs: GuidanceKnobs<'a>,
    channels: usize,
    it: &'a mut Velocities<'b>,
}

impl Wide for Apply<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { factors, law, knobs, channels, it } = self;
        let frames = it.positive.len() / channels;
        let rows = it.positive.chunks_exact(channels).zip(it.average.chunks_exact(channels));
        for (frame, ((positive, average), out)) in rows.zip(it.out.chunks_exact_mut(channels)).enumerate() {
            let push = knobs.scale.at(frame, frames) - 1.0;
            let guided = |p: f32, d: f32, limit: f64, along: f64| {
                let parallel = (along * f64::from(p)) as f32;
                p + push * ((d * limit as f32 - parallel) + law.eta * parallel)
            };
            let row = out.iter_mut().zip(positive.iter().zip(average));
            match law.axis {
                Axis::Time => {
                    let factors = factors.limit.iter().zip(&factors.along);
                    row.zip(factors).for_each(|((out, (&p, &d)), (&limit, &along))| *out = guided(p, d, limit, along));
                }
                Axis::Channels => {
                    let (limit, along) = (factors.limit[frame], factors.along[frame]);
                    row.for_each(|(out, (&p, &d))| *out = guided(p, d, limit, along));
                }
            }
        }
    }
}

impl Axis {
    #[inline]
    fn group(self, frame: usize, channel: usize) -> usize {
        match self {
            Self::Time => channel,
            Self::Channels => frame,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Guidance, GuidanceKnobs, GuidanceLaw, Velocities};
    use crate::solver::curve::Curve;

    const FRAMES: usize = 3;
    const CHANNELS: usize = 2;

    fn wave(seed: f64) -> Vec<f32> {
        (0..FRAMES * CHANNELS).map(|at| (at as f64 * 1.7 + seed).sin() as f32).collect()
    }

    /// The places that are measured together with `at`.
    fn together(axis: Axis, at: usize) -> Vec<usize> {
        let (frame, channel) = (at / CHANNELS, at % CHANNELS);
        match axis {
            Axis::Time => (0..FRAMES).map(|frame| frame * CHANNELS + channel).collect(),
            Axis::Channels => (0..CHANNELS).map(|channel| frame * CHANNELS + channel).collect(),
        }
    }

    /// The law as it is written down, one number after the other, in double precision.
    fn written_out(law: &GuidanceLaw, scale: &[f32], momentum: &[f32], p: &[f32], n: &[f32], avg: &[f32]) -> Vec<f64> {
        let d: Vec<f64> = (0..p.len())
            .map(|at| f64::from(p[at]) - f64::from(n[at]) + f64::from(momentum[at / CHANNELS]) * f64::from(avg[at]))
            .collect();
        let guided = |at: usize| {
            let group = together(law.axis, at);
            let sum = |of: &dyn Fn(usize) -> f64| group.iter().map(|at| of(*at)).sum::<f64>();
            let norm = sum(&|at| d[at] * d[at]).sqrt();
            let limit = if law.norm_threshold <= 0.0 { 1.0 } else { (f64::from(law.norm_threshold) / norm).min(1.0) };
            let along = limit * sum(&|at| d[at] * f64::from(p[at])) / sum(&|at| f64::from(p[at]).powi(2));
            let parallel = along * f64::from(p[at]);
            let push = f64::from(scale[at / CHANNELS]) - 1.0;
            f64::from(p[at]) + push * (limit * d[at] - parallel + f64::from(law.eta) * parallel)
        };
        (0..p.len()).map(guided).collect()
    }

    #[test]
    fn guidance_is_its_law_along_either_axis_limited_or_free() {
        let (scale, momentum) = ([2.0, 3.5, 1.0], [-0.75, 0.25, 0.5]);
        let (p, n, average) = (wave(0.3), wave(1.1), wave(2.2));
        let mut guidance = Guidance::new(FRAMES, CHANNELS);
        for axis in [Axis::Time, Axis::Channels] {
            for (norm_threshold, eta) in [(0.0, 0.0), (0.5, 0.0), (0.5, 0.25), (9.0, 0.5)] {
                let law = GuidanceLaw { norm_threshold, eta, axis };
                let expected = written_out(&law, &scale, &momentum, &p, &n, &average);
                let (mut average, mut out) = (average.clone(), vec![9.0; p.len()]);
                let curves = [scale, momentum].map(|it| Curve::from(it.to_vec()));
                let knobs = GuidanceKnobs { scale: &curves[0], momentum: &curves[1] };
                let mut it = Velocities { positive: &p, negative: &n, average: &mut average, out: &mut out };
                guidance.guide(&law, knobs, CHANNELS, &mut it);
                for (found, expected) in out.iter().zip(&expected) {
                    assert!((f64::from(*found) - expected).abs() < 1e-5, "{law:?}: {out:?}, expected {expected:?}");
                }
            }
        }
    }

    #[test]
    fn a_rescaled_velocity_has_the_length_of_the_unguided_one_in_part() {
        let (p, guided) = (wave(0.3), wave(1.9));
        let amounts = [1.0, 0.25, 0.0];
        for axis in [Axis::Time, Axis::Channels] {
            let mut out = guided.clone();
            let amount = Curve::from(amounts.to_vec());
            Guidance::new(FRAMES, CHANNELS).rescale(axis, &amount, &p, CHANNELS, &mut out);
            for at in 0..p.len() {
                let length = |of: &[f32]| together(axis, at).iter().map(|at| of[*at] * of[*at]).sum::<f32>().sqrt();
                let (amount, whole) = (amounts[at / CHANNELS], length(&p) / length(&guided) * guided[at]);
                let expected = amount * whole + (1.0 - amount) * guided[at];
                assert!((out[at] - expected).abs() < 1e-5, "{axis:?} at {at}: {} and not {expected}", out[at]);
            }
        }
    }
}
