//! The model's own sampler: one generation from start to end, without a ring.
//!
//! The instrument does not play it: the published model has it beside the published stream, so the golden vectors do. Covers
//! that start from a partly noised source or change their conditioning on the way, and repainting of a part of a recording.
//! Its steps are the engine's own ([`Sweep`]).

use engine::backend::{Denoiser, DenoiserError, DenoiserRow};
use engine::latent::LATENT_CHANNELS;
use engine::solver::dcw::Correction;
use engine::solver::noise::{Draw, NoiseSource, Purpose, fill_wide};
use engine::solver::step::{Method, StepLaw, StepSpan};
use engine::solver::sweep::{Operands, Sweep, SweepRoom};

/// Most steps that the sampler takes.
pub const MAX_STEPS: usize = 20;

/// What the network is told.
#[derive(Clone, Copy, Debug)]
pub struct Conditioning<'a> {
    /// `[tokens, width]`.
    pub tokens: &'a [f32],
    /// `[frames, 128]`.
    pub context: &'a [f32],
}

/// Conditioning that takes over on the way.
#[derive(Clone, Copy, Debug)]
pub struct CoverSwitch<'a> {
    /// Share of the steps that are taken as a cover, 0 to 1 (truncated to whole steps).
    pub strength: f64,
    /// What the network is told afterwards.
    pub then: Conditioning<'a>,
}

/// Generating only a part of a recording anew.
#[derive(Clone, Copy, Debug)]
pub struct Repaint<'a> {
    /// True frames are made new, `[frames]`.
    pub mask: &'a [bool],
    /// The recording, `[frames, 64]`.
    pub clean: &'a [f32],
    /// Share of the steps after which the recording is put back outside the mask (rounded to even).
    pub injection: f64,
    /// Frames of the ramps outside the mask at the end.
    pub crossfade: usize,
}

/// One generation.
#[derive(Clone, Debug)]
pub struct OneShot<'a> {
    /// Noise levels before each step, without the final 0; see [`levels`].
    pub levels: Vec<f64>,
    /// The method.
    pub method: Method,
    /// Wavelet correction after each step.
    pub correction: Correction,
    /// Names the noise.
    pub seed: u64,
    /// What the network is told, at first.
    pub conditioning: Conditioning<'a>,
    /// What it is told later.
    pub switch: Option<CoverSwitch<'a>>,
    /// Starts from this latent instead of from noise: the source and how strongly it shows, 0 to 1.
    pub cover: Option<(&'a [f32], f64)>,
    /// Repainting.
    pub repaint: Option<Repaint<'a>>,
}

/// Published noise levels for a number of steps (at most [`MAX_STEPS`]) and a shift. Without a number there are 8 steps
/// and the shift is the nearest of 1, 2 and 3.
#[must_use]
pub fn levels(steps: Option<usize>, shift: f64) -> Vec<f64> {
    let (steps, shift) = match steps {
        Some(steps) => (steps.clamp(1, MAX_STEPS), shift),
        None => (8, (shift.clamp(1.0, 3.0) - 0.5).ceil()),
    };
    let line = (0..steps).map(|at| 1.0 - at as f64 / steps as f64);
    line.map(|t| shift * t / (1.0 + (shift - 1.0) * t)).collect()
}

impl OneShot<'_> {
    /// Runs all steps; comes back with the latent, `[frames, 64]`.
    ///
    /// # Errors
    /// When the denoiser cannot compute a row.
    pub fn generate<D, N>(&self, denoiser: &mut D, noise: &N) -> Result<Vec<f32>, DenoiserError>
    where
        D: Denoiser + ?Sized,
        N: NoiseSource + ?Sized,
    {
        let numbers = self.conditioning.context.len() / 2;
        let mut start = vec![0.0; numbers];
        fill_wide(noise, &Draw { seed: self.seed, generation: 0, purpose: Purpose::Start }, &mut start);
        let (mut x, first) = self.start(&start);
        let levels: Vec<f32> = self.levels[first..].iter().map(|&t| t as f32).chain([0.0]).collect();
        let steps = levels.len() - 1;
        let switch_at = self.switch.map_or(usize::MAX, |it| (steps as f64 * it.strength) as usize);
        let mut velocity = vec![0.0; numbers];
        let mut room = SweepRoom::new(numbers / LATENT_CHANNELS);
        for step in 0..steps {
            let told = self.switch.filter(|_| switch_at <= step).map_or(self.conditioning, |it| it.then);
            let span = StepSpan { now: levels[step], next: levels[step + 1] };
            let (tokens, context) = (told.tokens, told.context);
            denoiser.velocity(&DenoiserRow { x: &x, context, tokens, t: span.now, r: span.now }, &mut velocity)?;
            self.step(step, span, &velocity, noise, &mut room, &mut x);
            if let Some(repaint) = self.repaint.filter(|it| step < it.last_injection(steps)) {
                repaint.put_back(span.next, &start, &mut x);
            }
        }
        if let Some(repaint) = &self.repaint {
            repaint.blend_edges(&mut x);
        }
        Ok(x)
    }

    /// The start state, and the first of the levels that is used.
    fn start(&self, noise: &[f32]) -> (Vec<f32>, usize) {
        let Some((source, strength)) = self.cover.filter(|it| 0.0 < it.1) else { return (noise.to_vec(), 0) };
        let distance = |at: &usize| (self.levels[*at] - (1.0 - strength)).abs();
        let nearest = |a: &usize, b: &usize| distance(a).total_cmp(&distance(b));
        let first = (0..self.levels.len()).min_by(nearest).unwrap_or(0);
        let t = self.levels[first] as f32;
        (noise.iter().zip(source).map(|(noise, source)| t * noise + (1.0 - t) * source).collect(), first)
    }

    fn step<N>(&self, step: usize, span: StepSpan, velocity: &[f32], noise: &N, room: &mut SweepRoom, x: &mut [f32])
    where
        N: NoiseSource + ?Sized,
    {
        let law = StepLaw {
            span,
            method: self.method,
            velocity_scale: None,
            source_blend: None,
            ode_noise: None,
            mask: None,
            target: None,
        };
        let operands = Operands { seen: None, velocity, source: None, original: None, target: None };
        let draw = Draw { seed: self.seed, generation: 0, purpose: Purpose::Step { step: step as u32 } };
        // What is not finite is the caller's to judge: it holds the whole latent in the end.
        let _finite = Sweep { law, operands, noise, draw, correction: &self.correction }.run(room, x);
    }
}

impl Repaint<'_> {
    fn last_injection(&self, steps: usize) -> usize {
        (self.injection * steps as f64).round_ties_even() as usize
    }

    /// Outside the mask: the recording at the noise level after the step, with the start noise.
    fn put_back(&self, t: f32, noise: &[f32], x: &mut [f32]) {
        let rows = x.chunks_exact_mut(LATENT_CHANNELS).zip(noise.chunks_exact(LATENT_CHANNELS));
        let rows = rows.zip(self.clean.chunks_exact(LATENT_CHANNELS)).zip(self.mask);
        for (((x, noise), clean), _) in rows.filter(|(_, anew)| !**anew) {
            for ((x, noise), clean) in x.iter_mut().zip(noise).zip(clean) {
                *x = t * noise + (1.0 - t) * clean;
            }
        }
    }

    /// Mixes the recording back in, with ramps outside the first and the last masked frame.
    fn blend_edges(&self, x: &mut [f32]) {
        if self.crossfade == 0 {
            return;
        }
        let rows = x.chunks_exact_mut(LATENT_CHANNELS).zip(self.clean.chunks_exact(LATENT_CHANNELS));
        for (frame, (x, clean)) in rows.enumerate() {
            let share = self.share(frame);
            for (x, clean) in x.iter_mut().zip(clean) {
                *x = share * *x + (1.0 - share) * clean;
            }
        }
    }

    /// How much of the new is heard at a frame.
    fn share(&self, frame: usize) -> f32 {
        let frames = self.mask.len();
        let (Some(first), Some(last)) = (self.mask.iter().position(|it| *it), self.mask.iter().rposition(|it| *it))
        else {
            return 0.0;
        };
        // A ramp of n frames has n + 1 rungs to climb; it is cut short where the latent ends.
        let ramp = |room: usize, away: usize| {
            let length = room.min(self.crossfade);
            (length + 1).saturating_sub(away) as f32 / (length + 1) as f32
        };
        if frame < first {
            ramp(first, first - frame)
        } else if last < frame {
            ramp(frames - last - 1, frame - last)
        } else {
            f32::from(u8::from(self.mask[frame]))
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_shift_without_steps_is_the_nearest_of_the_three_published_ones() {
        assert_eq!(super::levels(None, 2.8), super::levels(Some(8), 3.0));
        assert_eq!(super::levels(None, 0.2), super::levels(Some(8), 1.0));
        assert_eq!(super::levels(Some(2), 3.0), [1.0, 0.75]);
    }

    #[test]
    fn ramps_lie_outside_the_mask_and_leave_both_ends_of_the_line_out() {
        let mask = [false, false, false, false, true, true, false, false];
        let repaint = super::Repaint { mask: &mask, clean: &[], injection: 0.5, crossfade: 3 };
        let shares: Vec<f32> = (0..8).map(|frame| repaint.share(frame)).collect();
        let third = 1.0 / 3.0;
        assert_eq!(shares, [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 2.0 * third, third]);
    }

    #[test]
    fn a_mask_of_nothing_keeps_the_recording() {
        let repaint = super::Repaint { mask: &[false; 3], clean: &[], injection: 0.5, crossfade: 3 };
        assert_eq!([0, 1, 2].map(|frame| repaint.share(frame)), [0.0; 3]);
    }
}
