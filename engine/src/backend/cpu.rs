//! The CPU backend: the denoiser row by row, then the solver on all slots at once.
//!
//! Rows are computed in the order of the plan, all positive ones first; a row sees its own tokens only, so a slot's
//! result does not depend on its neighbours. The solver's part is shared out over a [`Crew`]. Room is made when a slot is
//! first filled with a length and kept.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::crew::{Alone, Crew};
use super::law::{law, mask_draws};
use super::{Backend, BackendError, Denoiser, DenoiserRow};
use crate::graph::cpu::FlushDenormals;
use crate::latent::LATENT_CHANNELS;
use crate::ring::plan::{Birth, PlanRow, SlotStep, TickPlan};
use crate::ring::request::{Condition, GuidanceMode, MaskRequest, Request};
use crate::ring::{MAX_DEPTH, StepControls};
use crate::solver::blend::VelocityMix;
use crate::solver::curve::Curve;
use crate::solver::dcw::{AnalyticPlans, Correction};
use crate::solver::gain;
use crate::solver::guidance::{DEFAULT_MOMENTUM, Guidance, GuidanceKnobs, GuidanceLaw, Velocities};
use crate::solver::mask::blend_before;
use crate::solver::noise::{Draw, NoiseSource, Philox, Purpose, fill_wide};
use crate::solver::slerp::Slerp;
use crate::solver::sweep::{Operands, Sweep, SweepRoom};

/// A denoiser, a source of noise and the slots' latents.
#[derive(Debug)]
pub struct CpuBackend<D, N = Philox, C = Alone> {
    denoiser: D,
    noise: N,
    crew: C,
    /// Locked by the one job that works on the slot; the locks are never contended.
    slots: Vec<Mutex<CpuSlot>>,
    mix: VelocityMix,
    slerp: Slerp,
    /// The network's input, channel gains applied.
    gained: Vec<f32>,
    /// One of several velocities, before it is mixed in.
    single: Vec<f32>,
    default_correction: Correction,
    guidance: GuidanceLaw,
}

/// One slot's latents, all `[frames, 64]`; those that its request does not need are empty.
#[derive(Debug)]
struct CpuSlot {
    request: Option<Arc<Request>>,
    x: Vec<f32>,
    /// What the network saw where a mask was blended in.
    seen: Vec<f32>,
    /// Under the prompt, then guided.
    velocity: Vec<f32>,
    /// Under the prompt, when guidance follows.
    positive: Vec<f32>,
    /// Under the negative prompt, kept between steps where the mode says so; or the start noise.
    negative: Vec<f32>,
    average: Vec<f32>,
    mask_noise: Vec<f32>,
    sweep: SweepRoom,
    guidance: Guidance,
    finite: bool,
}

impl<D: Denoiser> CpuBackend<D> {
    /// The instrument's backend on one thread.
    pub fn new(denoiser: D) -> Self {
        Self::with(denoiser, Philox, Alone)
    }
}

impl<D: Denoiser, N: NoiseSource, C: Crew> CpuBackend<D, N, C> {
    /// A backend with another source of noise, and hands to share the solver's work.
    pub fn with(denoiser: D, noise: N, crew: C) -> Self {
        Self {
            denoiser,
            noise,
            crew,
            slots: (0..MAX_DEPTH).map(|_| Mutex::new(CpuSlot::empty())).collect(),
            mix: VelocityMix::new(0),
            slerp: Slerp::new(LATENT_CHANNELS),
            gained: Vec::new(),
            single: Vec::new(),
            default_correction: Correction::default(),
            guidance: GuidanceLaw::default(),
        }
    }

    /// Makes room for generations of `frames` frames of every kind in every slot, so that not even the first of a kind
    /// allocates within a tick, whatever wavelet it is corrected with.
    pub fn prepare(&mut self, frames: usize) {
        let numbers = frames * LATENT_CHANNELS;
        self.mix = VelocityMix::new(frames);
        for latent in [&mut self.gained, &mut self.single] {
            reserve(latent, numbers);
        }
        let plans = AnalyticPlans::new(frames);
        self.slots.iter_mut().for_each(|slot| sole(slot).prepare(frames, &plans));
    }

    /// The denoiser.
    pub fn denoiser(&mut self) -> &mut D {
        &mut self.denoiser
    }

    /// The source of noise.
    pub fn noise(&mut self) -> &mut N {
        &mut self.noise
    }

    /// Computes one slot's velocity under its positive or negative rows.
    fn velocity(
        &mut self,
        step: &SlotStep,
        rows: &[PlanRow],
        shared: &StepControls,
        negative: bool,
    ) -> Result<(), BackendError> {
        let Self { denoiser, slots, mix, slerp, gained, single, .. } = self;
        let _flush = FlushDenormals::begin();
        let slot = sole(&mut slots[step.slot]);
        let Some(request) = slot.request.as_ref() else { return Ok(()) };
        let seen = if request.mask.is_some() { &slot.seen } else { &slot.x };
        let gains = StepControls::channel_gains(&request.controls, shared).filter(|it| !gain::is_neutral(it));
        let x = gains.map_or(&seen[..], |gains| {
            gained.resize(seen.len(), 0.0);
            gain::apply::<LATENT_CHANNELS>(gains, seen, gained);
            gained
        });
        let conditions: &[Condition] = if negative { &request.negatives } else { &request.conditions };
        let out = match (negative, request.is_guided()) {
            (true, _) => &mut slot.negative,
            (false, true) => &mut slot.positive,
            (false, false) => &mut slot.velocity,
        };
        let mut row = |condition: &Condition, out: &mut [f32]| {
            let (t, tokens, context) = (step.span.now, &condition.tokens, &request.context);
            denoiser.velocity(&DenoiserRow { x, context, tokens, t, r: t }, out)
        };
        let of_slot = |error| BackendError::RowOf { slot: step.slot, error };
        if let [only] = rows {
            return row(&conditions[only.condition], out).map_err(of_slot);
        }
        single.resize(out.len(), 0.0);
        if let ([a, b], Some(share)) = (rows, request.share(rows, negative)) {
            row(&conditions[a.condition], out).map_err(of_slot)?;
            row(&conditions[b.condition], single).map_err(of_slot)?;
            slerp.blend(share, LATENT_CHANNELS, out, single);
            return Ok(());
        }
        mix.begin(request.frames, out);
        for it in rows {
            let condition = &conditions[it.condition];
            row(condition, single).map_err(of_slot)?;
            mix.add(condition.weight.as_ref(), single, out);
        }
        mix.end(out);
        Ok(())
    }
}

impl<D: Denoiser, N: NoiseSource, C: Crew> Backend for CpuBackend<D, N, C> {
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError> {
        let request = &birth.request;
        for condition in request.conditions.iter().chain(&request.negatives) {
            self.denoiser.check(request.frames, &condition.tokens)?;
        }
        sole(&mut self.slots[birth.slot]).fill(birth, &self.noise);
        Ok(())
    }

    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        for step in &plan.steps {
            sole(&mut self.slots[step.slot]).blend_mask(step);
        }
        for step in &plan.steps {
            self.velocity(step, &plan.positive[step.positive.clone()], shared, false)?;
        }
        for step in plan.steps.iter().filter(|it| !it.negative.is_empty()) {
            self.velocity(step, &plan.negative[step.negative.clone()], shared, true)?;
        }
        let Self { slots, noise, crew, default_correction, guidance, .. } = self;
        let slots = &*slots;
        crew.share(plan.steps.len(), &|at| {
            let step = &plan.steps[at];
            held(&slots[step.slot]).advance(step, shared, &*noise, default_correction, guidance);
        });
        let unsound = plan.steps.iter().filter(|it| !held(&slots[it.slot]).finite);
        Ok(unsound.fold(0, |bits, it| bits | (1 << it.slot)))
    }

    fn latent(&mut self, slot: usize) -> &[f32] {
        &sole(&mut self.slots[slot]).x
    }

    fn exchange(&mut self, network: &mut Box<dyn Any + Send>) -> bool {
        self.denoiser.exchange(network)
    }
}

impl CpuSlot {
    fn empty() -> Self {
        Self {
            request: None,
            x: Vec::new(),
            seen: Vec::new(),
            velocity: Vec::new(),
            positive: Vec::new(),
            negative: Vec::new(),
            average: Vec::new(),
            mask_noise: Vec::new(),
            sweep: SweepRoom::new(0),
            guidance: Guidance::new(0, LATENT_CHANNELS),
            finite: true,
        }
    }

    fn prepare(&mut self, frames: usize, plans: &AnalyticPlans) {
        let numbers = frames * LATENT_CHANNELS;
        let Self { x, seen, velocity, positive, negative, average, mask_noise, .. } = self;
        for latent in [x, seen, velocity, positive, negative, average, mask_noise] {
            reserve(latent, numbers);
        }
        self.sweep = SweepRoom::with(plans, frames);
        self.guidance = Guidance::new(frames, LATENT_CHANNELS);
    }

    /// The start state: per-frame noise against source, or source at the schedule's first level, or noise.
    fn fill<N: NoiseSource + ?Sized>(&mut self, birth: &Birth, noise: &N) {
        let _flush = FlushDenormals::begin();
        let request = &birth.request;
        let numbers = request.frames * LATENT_CHANNELS;
        let guided = request.is_guided();
        self.x.resize(numbers, 0.0);
        self.velocity.resize(numbers, 0.0);
        for latent in [&mut self.positive, &mut self.negative, &mut self.average] {
            latent.clear();
            latent.resize(if guided { numbers } else { 0 }, 0.0);
        }
        let draw = Draw { seed: request.seed, generation: request.generation, purpose: Purpose::Start };
        fill_wide(noise, &draw, &mut self.x);
        if guided && request.guidance_mode == GuidanceMode::OwnNoise {
            self.negative.copy_from_slice(&self.x);
        }
        if let Some(clean) = request.clean() {
            let frames = request.frames;
            let rows = self.x.chunks_exact_mut(LATENT_CHANNELS).zip(clean.chunks_exact(LATENT_CHANNELS));
            for (frame, (x, clean)) in rows.enumerate() {
                let share = match &request.start_noise {
                    Some(curve) => curve.at(frame, frames),
                    None if request.denoise < 1.0 => birth.start,
                    None => 1.0,
                };
                for (x, &clean) in x.iter_mut().zip(clean) {
                    *x = share * *x + (1.0 - share) * clean;
                }
            }
        }
        if let Some(mask) = &request.mask {
            self.seen.resize(numbers, 0.0);
            self.take_mask_noise(mask, numbers, noise);
        }
        self.request = Some(Arc::clone(request));
    }

    fn take_mask_noise<N: NoiseSource + ?Sized>(&mut self, mask: &MaskRequest, numbers: usize, noise: &N) {
        self.mask_noise.resize(numbers, 0.0);
        match &mask.noise {
            Some(given) => self.mask_noise.copy_from_slice(given),
            None => {
                let draw = Draw { seed: mask.seed, generation: 0, purpose: Purpose::Mask };
                fill_wide(noise, &draw, &mut self.mask_noise);
            }
        }
    }

    /// Makes what the network sees, where there is a mask. The state itself stays, so that a failed tick can be repeated.
    fn blend_mask(&mut self, step: &SlotStep) {
        let Some(request) = self.request.as_ref() else { return };
        let Some(mask) = &request.mask else { return };
        let _flush = FlushDenormals::begin();
        let at = mask.at(step);
        for frame in 0..request.frames {
            let row = frame * LATENT_CHANNELS..(frame + 1) * LATENT_CHANNELS;
            let m = at.at(frame, request.frames);
            let (noise, original) = (&self.mask_noise[row.clone()], &mask.original[row.clone()]);
            blend_before(m, step.span.now, &self.x[row.clone()], noise, original, &mut self.seen[row]);
        }
    }

    /// Guidance, then the step with its correction.
    fn advance<N: NoiseSource + ?Sized>(
        &mut self,
        step: &SlotStep,
        shared: &StepControls,
        noise: &N,
        default_correction: &Correction,
        guidance: &GuidanceLaw,
    ) {
        // Whoever does this job, denormal numbers are zero: the result depends neither on the thread nor on its mood.
        let _flush = FlushDenormals::begin();
        let Some(request) = self.request.clone() else { return };
        self.guide(&request, shared, guidance);
        let own = &request.controls;
        let law = law(&request, step, shared);
        let masked_sde = mask_draws(&request, &law);
        let recorded = MaskNoise(&self.mask_noise);
        let purpose = Purpose::Step { step: step.step as u32 };
        let draw = Draw { seed: request.seed, generation: request.generation, purpose };
        let operands = Operands {
            seen: request.mask.is_some().then_some(&self.seen[..]),
            velocity: &self.velocity,
            source: request.source.as_deref(),
            original: request.mask.as_ref().map(|it| &*it.original),
            target: request.target.as_ref().map(|it| &*it.latent),
        };
        let correction = StepControls::correction(own, shared).unwrap_or(default_correction);
        self.finite = if masked_sde {
            Sweep { law, operands, noise: &recorded, draw, correction }.run(&mut self.sweep, &mut self.x)
        } else {
            Sweep { law, operands, noise, draw, correction }.run(&mut self.sweep, &mut self.x)
        };
    }

    fn guide(&mut self, request: &Request, shared: &StepControls, law: &GuidanceLaw) {
        const MOMENTUM: Curve = Curve::Scalar(DEFAULT_MOMENTUM);
        if !request.is_guided() {
            return;
        }
        let own = &request.controls;
        let Some(scale) = StepControls::guidance_scale(own, shared) else { return };
        let knobs = GuidanceKnobs { scale, momentum: StepControls::momentum(own, shared).unwrap_or(&MOMENTUM) };
        let Self { positive, negative, average, velocity, guidance, .. } = self;
        let mut velocities = Velocities { positive, negative, average, out: velocity };
        guidance.guide(law, knobs, LATENT_CHANNELS, &mut velocities);
        if let Some(amount) = StepControls::guidance_rescale(own, shared) {
            guidance.rescale(law.axis, amount, positive, LATENT_CHANNELS, velocity);
        }
    }
}

/// A mask's noise, where the sweep expects a source of draws.
struct MaskNoise<'a>(&'a [f32]);

impl NoiseSource for MaskNoise<'_> {
    #[inline(always)]
    fn fill(&self, _draw: &Draw, first_frame: usize, out: &mut [f32]) {
        out.copy_from_slice(&self.0[first_frame * LATENT_CHANNELS..][..out.len()]);
    }
}

/// A job that panicked leaves a slot half stepped; its request is still whole, and the next birth overwrites the rest.
fn held(slot: &Mutex<CpuSlot>) -> MutexGuard<'_, CpuSlot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reserve(latent: &mut Vec<f32>, numbers: usize) {
    latent.reserve(numbers.saturating_sub(latent.len()));
}

fn sole(slot: &mut Mutex<CpuSlot>) -> &mut CpuSlot {
    slot.get_mut().unwrap_or_else(PoisonError::into_inner)
}
