//! One pass over a slot's latent: step, noise and Haar correction together.
//!
//! A latent of a minute is 384 kB; eight of them do not fit into a processor's nearest memory. Doing the step, the
//! noise and the correction one after another would read and write them three times. So a pair of frames is taken
//! through all of it while it is near. Other wavelets reach further than a pair: then the pass leaves the prediction
//! beside the result and [`Correction::apply`] follows.

use super::dcw::{AnalyticPlans, Correction, CorrectionRoom};
use super::noise::{Draw, NoiseSource};
use super::step::{FrameWeights, StepLaw};
use crate::latent::LATENT_CHANNELS;
use crate::wide::{Wide, widest};

/// Numbers of one frame.
type Frame = [f32; LATENT_CHANNELS];

/// What a step reads, all `[frames, 64]`.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    /// The state that the network saw, where it is not the slot's own (a mask was blended in).
    pub seen: Option<&'a [f32]>,
    /// The velocity, guided.
    pub velocity: &'a [f32],
    /// The source.
    pub source: Option<&'a [f32]>,
    /// The mask's original.
    pub original: Option<&'a [f32]>,
    /// The target.
    pub target: Option<&'a [f32]>,
}

/// Room that a sweep may need.
#[derive(Debug)]
pub struct SweepRoom {
    prediction: Vec<f32>,
    correction: CorrectionRoom,
}

impl SweepRoom {
    /// For latents of up to `frames` frames.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        let numbers = frames * LATENT_CHANNELS;
        Self { prediction: vec![0.0; numbers], correction: CorrectionRoom::new(frames, LATENT_CHANNELS) }
    }

    /// As [`Self::new`], with what the phase fader of the correction needs.
    #[must_use]
    pub fn with(plans: &AnalyticPlans, frames: usize) -> Self {
        Self { correction: CorrectionRoom::with(plans, frames, LATENT_CHANNELS), ..Self::new(frames) }
    }
}

/// One slot's step.
#[derive(Debug)]
pub struct Sweep<'a, N: ?Sized> {
    /// Weights by frame.
    pub law: StepLaw<'a>,
    /// What it reads.
    pub operands: Operands<'a>,
    /// Where the draw comes from.
    pub noise: &'a N,
    /// Its name: [`Draw`] of the step, or of the mask.
    pub draw: Draw,
    /// Correction after the step.
    pub correction: &'a Correction,
}

impl<N: NoiseSource + ?Sized> Sweep<'_, N> {
    /// Takes the step in place. Whether every number of the result is finite comes back.
    #[must_use]
    pub fn run(&self, room: &mut SweepRoom, x: &mut [f32]) -> bool {
        let active = self.correction.is_active();
        let pairwise = active && self.correction.is_pairwise();
        let beside = active && !pairwise;
        room.prediction.resize(x.len(), 0.0);
        let prediction = beside.then_some(&mut room.prediction[..]);
        let finite = widest(Pass { sweep: self, pairwise, prediction, x });
        if beside {
            let t = self.law.span.now;
            self.correction.apply(t, &room.prediction, LATENT_CHANNELS, &mut room.correction, x);
            return finite && x.iter().all(|it| it.is_finite());
        }
        finite
    }
}

struct Pass<'a, 'b, N: ?Sized> {
    sweep: &'a Sweep<'b, N>,
    pairwise: bool,
    prediction: Option<&'a mut [f32]>,
    x: &'a mut [f32],
}

impl<N: NoiseSource + ?Sized> Wide for Pass<'_, '_, N> {
    type Out = bool;

    #[inline(always)]
    fn run(mut self) -> bool {
        let frames = self.x.len() / LATENT_CHANNELS;
        let band_frames = frames.div_ceil(2);
        let draws = self.sweep.law.draws();
        let t = self.sweep.law.span.now;
        let mut unsound = [0_u32; LATENT_CHANNELS];
        let mut pair = [[0.0; LATENT_CHANNELS]; 2];
        let mut ahead = [[0.0; LATENT_CHANNELS]; 2];
        for k in 0..band_frames {
            let held = (frames - 2 * k).min(2);
            for side in 0..held {
                self.step(2 * k + side, frames, draws, &mut pair[side], &mut ahead[side]);
            }
            if held == 1 {
                // The published transform continues the latent, and its prediction, with a frame of zeros.
                ahead[1] = [0.0; LATENT_CHANNELS];
            }
            if self.pairwise {
                correct_pair(self.sweep.correction.strength(t, k, band_frames), &ahead, &mut pair);
            }
            for (side, row) in pair.iter().enumerate().take(held) {
                for (unsound, x) in unsound.iter_mut().zip(row) {
                    *unsound |= u32::from(x.to_bits() & 0x7f80_0000 == 0x7f80_0000);
                }
                self.x[(2 * k + side) * LATENT_CHANNELS..][..LATENT_CHANNELS].copy_from_slice(row);
            }
        }
        unsound.iter().all(|it| *it == 0)
    }
}

impl<N: NoiseSource + ?Sized> Pass<'_, '_, N> {
    /// Steps one frame into `out`; `ahead` is how far the result lies from the prediction.
    #[inline(always)]
    fn step(&mut self, frame: usize, frames: usize, draws: bool, out: &mut Frame, ahead: &mut Frame) {
        let sweep = self.sweep;
        let here = frame * LATENT_CHANNELS;
        let row = |latent: &[f32]| -> Frame {
            latent[here..][..LATENT_CHANNELS].try_into().expect("a frame has that many numbers")
        };
        let weights = sweep.law.weights(frame, frames);
        let x = row(sweep.operands.seen.unwrap_or(self.x));
        let v = row(sweep.operands.velocity);
        for (out, (x, v)) in out.iter_mut().zip(x.iter().zip(&v)) {
            *out = weights.x * x + weights.velocity * v;
        }
        if draws && weights.noise != 0.0 {
            let mut noise = [0.0; LATENT_CHANNELS];
            sweep.noise.fill(&sweep.draw, frame, &mut noise);
            add(weights.noise, &noise, out);
        }
        let FrameWeights { source, original, target, .. } = weights;
        let blends =
            [(source, sweep.operands.source), (original, sweep.operands.original), (target, sweep.operands.target)];
        for (weight, latent) in blends {
            if let Some(latent) = latent.filter(|_| weight != 0.0) {
                add(weight, &row(latent), out);
            }
        }
        let t = sweep.law.span.now;
        for (ahead, (out, (x, v))) in ahead.iter_mut().zip(out.iter().zip(x.iter().zip(&v))) {
            *ahead = out - (x - v * t);
        }
        if let Some(prediction) = &mut self.prediction {
            for (y, (x, v)) in prediction[here..].iter_mut().zip(x.iter().zip(&v)) {
                *y = x - v * t;
            }
        }
    }
}

#[inline(always)]
fn add(weight: f32, row: &Frame, out: &mut Frame) {
    for (out, x) in out.iter_mut().zip(row) {
        *out += weight * x;
    }
}

/// Haar bands of a pair are its sum and difference over sqrt 2; there and back the roots cancel.
#[inline(always)]
fn correct_pair([low, high]: [f32; 2], ahead: &[Frame; 2], pair: &mut [Frame; 2]) {
    let (low, high) = (0.5 * low, 0.5 * high);
    let [first, second] = pair;
    for channel in 0..LATENT_CHANNELS {
        let sum = low * (ahead[0][channel] + ahead[1][channel]);
        let difference = high * (ahead[0][channel] - ahead[1][channel]);
        first[channel] += sum + difference;
        second[channel] += sum - difference;
    }
}
