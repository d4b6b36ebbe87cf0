//! What a slot is born with. Latents and tokens are shared (`Arc`), so a request is cheap to make and to queue.

use std::ops::Range;
use std::sync::Arc;

use super::controls::StepControls;
use super::plan::PlanRow;
use crate::latent::LATENT_CHANNELS;
use crate::solver::blend::BlendPath;
use crate::solver::curve::Curve;
use crate::solver::mask::MaskStrength;

/// Channels of the context latent: structure and chunk mask.
pub const CONTEXT_CHANNELS: usize = 2 * LATENT_CHANNELS;

/// One generation to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Length in latent frames, at least 1.
    pub frames: usize,
    /// Chooses the start noise, and with [`Self::generation`] the noise of the steps.
    pub seed: u64,
    /// Tells apart generations of one seed; the same number gives the same sound again.
    pub generation: u64,
    /// How much is made new: 1 starts from noise, less starts from the source.
    pub denoise: f64,
    /// Prompts; the first is the primary one. Never empty.
    pub conditions: Vec<Condition>,
    /// Negative prompts, for guidance.
    pub negatives: Vec<Condition>,
    /// The way of the velocity between two prompts, and between two negative ones.
    pub path: BlendPath,
    /// How the negative velocity is found.
    pub guidance_mode: GuidanceMode,
    /// Structure and chunk mask, `[frames, 128]`.
    pub context: Arc<[f32]>,
    /// The source, `[frames, 64]`.
    pub source: Option<Arc<[f32]>>,
    /// Per-frame share of noise in the start state (1 noise, 0 source), instead of what denoise says.
    pub start_noise: Option<Curve>,
    /// Inpainting.
    pub mask: Option<MaskRequest>,
    /// A latent that predictions are pulled toward.
    pub target: Option<TargetRequest>,
    /// Step-class controls as this generation wants them.
    pub controls: StepControls,
}

/// A prompt of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// `[tokens, width]`; every token is attended to.
    pub tokens: Arc<[f32]>,
    /// Weight per frame against the other conditions; 1 when not given.
    pub weight: Option<Curve>,
    /// Share of the schedule in which the condition acts (`step / steps`); always when not given.
    pub steps: Option<Range<f64>>,
}

/// How the negative velocity is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GuidanceMode {
    /// The negative prompts are computed at every step.
    #[default]
    Full,
    /// They are computed at the first step and kept.
    Initialize,
    /// The start noise stands for them: nothing more is computed.
    OwnNoise,
}

/// Inpainting of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskRequest {
    /// 1 generates, 0 keeps.
    pub curve: Curve,
    /// What is kept, `[frames, 64]`.
    pub original: Arc<[f32]>,
    /// Factor on the curve over the schedule.
    pub strength: MaskStrength,
    /// Noise on kept frames, `[frames, 64]`; drawn from [`Self::seed`] when not given.
    pub noise: Option<Arc<[f32]>>,
    /// Names the drawn noise: it stays the same for all steps, and for all requests with the same mask seed.
    pub seed: u64,
}

/// Target of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetRequest {
    /// `[frames, 64]`.
    pub latent: Arc<[f32]>,
    /// Pull per frame, ramped in by the gate; without it [`StepControls::target_strength`] pulls.
    pub curve: Option<Curve>,
    /// Share of the schedule before the curve begins to pull, 0 to 1.
    pub gate: f32,
}

/// What is wrong with a request: a fault of whoever made it, so it is never queued.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum RequestError {
    /// There is nothing to make.
    #[error("a request needs at least one latent frame")]
    NoFrames,
    /// There is no prompt.
    #[error("a request needs at least one condition")]
    NoCondition,
    /// A latent does not have the request's length.
    #[error("{what} has {found} numbers, {frames} frames need {expected}")]
    Length {
        /// Which one.
        what: &'static str,
        /// Its length.
        found: usize,
        /// Frames of the request.
        frames: usize,
        /// The length it should have.
        expected: usize,
    },
    /// A curve has no value, or one that is not finite.
    #[error("the curve of {0} is empty or not finite")]
    Curve(&'static str),
    /// Denoise is not a number.
    #[error("denoise is not a number")]
    Denoise,
}

impl Request {
    /// Text to music: from noise, under one prompt.
    #[must_use]
    pub fn new(frames: usize, context: Arc<[f32]>, tokens: Arc<[f32]>) -> Self {
        Self {
            frames,
            seed: 0,
            generation: 0,
            denoise: 1.0,
            conditions: vec![Condition { tokens, weight: None, steps: None }],
            negatives: Vec::new(),
            path: BlendPath::Linear,
            guidance_mode: GuidanceMode::Full,
            context,
            source: None,
            start_noise: None,
            mask: None,
            target: None,
            controls: StepControls::default(),
        }
    }

    /// Says what is wrong, if anything.
    ///
    /// # Errors
    /// The first thing found.
    pub fn check(&self) -> Result<(), RequestError> {
        let frames = self.frames;
        if frames == 0 {
            return Err(RequestError::NoFrames);
        }
        if self.conditions.is_empty() {
            return Err(RequestError::NoCondition);
        }
        if self.denoise.is_nan() {
            return Err(RequestError::Denoise);
        }
        let latents = [
            ("the source", self.source.as_ref()),
            ("the mask's original", self.mask.as_ref().map(|it| &it.original)),
            ("the mask's noise", self.mask.as_ref().and_then(|it| it.noise.as_ref())),
            ("the target", self.target.as_ref().map(|it| &it.latent)),
        ];
        let expected = frames * LATENT_CHANNELS;
        length("the context", frames, self.context.len(), frames * CONTEXT_CHANNELS)?;
        for (what, latent) in latents {
            length(what, frames, latent.map_or(expected, |it| it.len()), expected)?;
        }
        let unsound = self.curves().find(|(_, it)| !it.is_sound());
        unsound.map_or(Ok(()), |(what, _)| Err(RequestError::Curve(what)))
    }

    /// Whether steps of this request are guided: it has a scale, and something to be guided away from.
    #[must_use]
    pub fn is_guided(&self) -> bool {
        let away = self.guidance_mode == GuidanceMode::OwnNoise || !self.negatives.is_empty();
        self.controls.guidance_scale.is_some() && away
    }

    /// Whether the negative prompts are computed at a step.
    #[must_use]
    pub fn needs_negative(&self, step: usize) -> bool {
        self.is_guided()
            && match self.guidance_mode {
                GuidanceMode::Full => true,
                GuidanceMode::Initialize => step == 0,
                GuidanceMode::OwnNoise => false,
            }
    }

    /// Rows that it has in a batch for its whole life: its conditions, and the negatives that are computed.
    #[must_use]
    pub fn rows(&self) -> usize {
        let negatives = self.is_guided() && self.guidance_mode != GuidanceMode::OwnNoise;
        self.conditions.len() + if negatives { self.negatives.len() } else { 0 }
    }

    /// How far along the arc between two prompts the velocity of these rows stands ([`BlendPath::share`]); `None` where it is the
    /// mean. `negative` says whose rows they are.
    #[must_use]
    pub fn share(&self, rows: &[PlanRow], negative: bool) -> Option<f64> {
        let [a, b] = rows else { return None };
        let conditions = if negative { &self.negatives } else { &self.conditions };
        let weight = |row: &PlanRow| conditions[row.condition].weight.as_ref();
        self.path.share([weight(a), weight(b)])
    }

    /// What the start state is mixed from: the source, or what a mask keeps.
    #[must_use]
    pub fn clean(&self) -> Option<&Arc<[f32]>> {
        self.source.as_ref().or(self.mask.as_ref().map(|it| &it.original))
    }

    fn curves(&self) -> impl Iterator<Item = (&'static str, &Curve)> {
        let own = &self.controls;
        let named = [
            ("the start noise", &self.start_noise),
            ("the source blend", &own.source_blend),
            ("the velocity scale", &own.velocity_scale),
            ("the ODE noise", &own.ode_noise),
            ("the target strength", &own.target_strength),
            ("the guidance scale", &own.guidance_scale),
            ("the guidance rescale", &own.guidance_rescale),
            ("the momentum", &own.momentum),
        ];
        let conditions = self.conditions.iter().chain(&self.negatives);
        named
            .into_iter()
            .filter_map(|(what, it)| Some((what, it.as_ref()?)))
            .chain(conditions.filter_map(|it| Some(("a condition's weight", it.weight.as_ref()?))))
            .chain(self.mask.iter().map(|it| ("the mask", &it.curve)))
            .chain(self.target.iter().filter_map(|it| Some(("the target", it.curve.as_ref()?))))
    }
}

impl Condition {
    /// A condition that always acts, with weight 1.
    #[must_use]
    pub fn always(tokens: Arc<[f32]>) -> Self {
        Self { tokens, weight: None, steps: None }
    }

    /// Whether it acts at a step.
    #[must_use]
    pub fn acts_at(&self, step: usize, steps: usize) -> bool {
        let progress = step as f64 / steps.max(1) as f64;
        self.steps.as_ref().is_none_or(|it| it.contains(&progress))
    }
}

fn length(what: &'static str, frames: usize, found: usize, expected: usize) -> Result<(), RequestError> {
    if found == expected { Ok(()) } else { Err(RequestError::Length { what, found, frames, expected }) }
}
