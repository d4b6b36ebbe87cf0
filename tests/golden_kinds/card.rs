//! Golden cases of solver and stream on a card's own kernels: recorded velocities and recorded noise go up, and what the
//! card makes of them comes home.
//!
//! A primitive of the solver is asked for as one step of one slot, so that nothing but what plays is run. What a step hides
//! (the guidance's average, rescaling and projection without guidance, laws that the instrument never uses) has no case here.

use std::sync::Arc;

use engine::backend::cuda::{Device, DeviceBackend, HostNetwork, NetworkShape};
use engine::backend::{Backend, BackendError, Denoiser, DenoiserError, DenoiserRow};
use engine::latent::LATENT_CHANNELS;
use engine::ring::plan::{Birth, PlanRow, SlotStep, TickPlan};
use engine::ring::request::CONTEXT_CHANNELS;
use engine::ring::{Condition, MAX_DEPTH, MaskRequest, Request, StepControls, TargetRequest};
use engine::solver::curve::Curve;
use engine::solver::dcw::Correction;
use engine::solver::gain::ChannelGain;
use engine::solver::guidance::{GuidanceKnobs, GuidanceLaw};
use engine::solver::mask::MaskStrength;
use engine::solver::noise::{Draw, NoiseSource, Purpose};
use engine::solver::step::{Method, StepLaw, StepSpan};

use crate::case::{Case, Golden, Report};
use crate::solver::{self, Arithmetic, Guided};
use crate::stream::{self, Answer, Plays, Rows, Script, ScriptNoise, Seen};

/// The kinds that [`run`] knows.
pub const KINDS: [&str; 4] = ["stream", "solver_unit", "dcw", "channel_gain"];

/// Runs one case.
pub fn run(device: &Arc<Device>, golden: &Golden, case: &Case, report: &mut Report) {
    if case.kind() != "stream" {
        return solver::run_steps(&mut OnCard(device), case, report);
    }
    let script = Script::read(golden, case);
    stream::replayed(case, &script, "replay on the card", report, || Lengths {
        device,
        case,
        script: &script,
        backends: Vec::new(),
        of_slot: [0; MAX_DEPTH],
    });
}

/// A script's ring on the card. A network is made for one length, and scripts mix them: each has a backend of its own.
struct Lengths<'a, 'd> {
    device: &'d Arc<Device>,
    case: &'a Case,
    script: &'a Script<'a>,
    backends: Vec<(usize, OfScript<'a>)>,
    of_slot: [usize; MAX_DEPTH],
}

type OfScript<'a> = DeviceBackend<HostNetwork<Rows<'a>>>;

impl Backend for Lengths<'_, '_> {
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError> {
        let frames = birth.request.frames;
        let known = self.backends.iter().position(|it| it.0 == frames);
        let place = known.unwrap_or_else(|| {
            let mut new = backend(self.device, frames, Rows::new(self.case, self.script, Answer::Recorded));
            new.replay_noise(ScriptNoise::new(self.case, self.script));
            self.backends.push((frames, new));
            self.backends.len() - 1
        });
        self.of_slot[birth.slot] = place;
        self.backends[place].1.fill(birth)
    }

    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        let mut unsound = 0;
        for (place, (_, backend)) in self.backends.iter_mut().enumerate() {
            let mine = |slot: usize| self.of_slot[slot] == place;
            let mut part = TickPlan::new();
            for step in plan.steps.iter().filter(|it| mine(it.slot)) {
                let (positive, negative) = (part.positive.len(), part.negative.len());
                part.positive.extend_from_slice(&plan.positive[step.positive.clone()]);
                part.negative.extend_from_slice(&plan.negative[step.negative.clone()]);
                let (positive, negative) = (positive..part.positive.len(), negative..part.negative.len());
                part.steps.push(SlotStep { positive, negative, ..step.clone() });
            }
            if !part.steps.is_empty() {
                unsound |= backend.advance(&part, shared)?;
            }
        }
        Ok(unsound)
    }

    fn latent(&mut self, slot: usize) -> &[f32] {
        self.backends[self.of_slot[slot]].1.latent(slot)
    }
}

impl<'a> Plays<'a> for Lengths<'a, '_> {
    fn begin_tick(&mut self, tick: usize) {
        self.backends.iter_mut().for_each(|(_, it)| it.network().denoiser().tick = tick);
    }

    fn take_seen(&mut self) -> Vec<Seen<'a>> {
        self.backends.iter_mut().flat_map(|(_, it)| std::mem::take(&mut it.network().denoiser().seen)).collect()
    }
}

fn backend<D: Denoiser + Send>(device: &Arc<Device>, frames: usize, denoiser: D) -> DeviceBackend<HostNetwork<D>> {
    // Tokens only name rows here, so their shape says nothing.
    let shape = NetworkShape { frames, most_tokens: 1, token_width: 1 };
    let network = HostNetwork::new(device, shape, denoiser).expect("the card has room");
    DeviceBackend::new(device, network).expect("the card has room")
}

/// The card's solver.
struct OnCard<'a>(&'a Arc<Device>);

/// Answers rows by the number in their only token, and keeps what they saw.
struct Given {
    velocities: Vec<Vec<f32>>,
    seen: Vec<f32>,
}

impl Denoiser for Given {
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        self.seen = row.x.to_vec();
        out.copy_from_slice(&self.velocities[row.tokens[0] as usize]);
        Ok(())
    }
}

/// The state that a slot starts from, and the draw of its step.
struct Draws {
    start: Vec<f32>,
    step: Vec<f32>,
}

impl NoiseSource for Draws {
    fn fill(&self, draw: &Draw, first_frame: usize, out: &mut [f32]) {
        let numbers = if draw.purpose == Purpose::Start { &self.start } else { &self.step };
        match numbers.get(first_frame * LATENT_CHANNELS..) {
            Some(rest) if out.len() <= rest.len() => out.copy_from_slice(&rest[..out.len()]),
            // No draw: it must not be heard.
            _ => out.fill(f32::NAN),
        }
    }
}

/// One slot's life on the card.
struct Slot {
    backend: DeviceBackend<HostNetwork<Given>>,
    plan: TickPlan,
}

impl Slot {
    /// A slot that starts at `x`, with one velocity for every condition and every negative, in that order.
    fn born(device: &Arc<Device>, x: &[f32], noise: &[f32], request: Request, velocities: Vec<Vec<f32>>) -> Self {
        let mut backend = backend(device, request.frames, Given { velocities, seen: Vec::new() });
        backend.replay_noise(Draws { start: x.to_vec(), step: noise.to_vec() });
        let rows = |count: usize| (0..count).map(|condition| PlanRow { slot: 0, condition }).collect();
        let (positive, negative) = (rows(request.conditions.len()), rows(request.negatives.len()));
        let birth = Birth { slot: 0, request: Arc::new(request), start: 1.0 };
        backend.fill(&birth).expect("the request is sound");
        Self { backend, plan: TickPlan { births: Vec::new(), positive, negative, steps: Vec::new() } }
    }

    fn step(&mut self, span: StepSpan, [step, steps]: [usize; 2], shared: &StepControls) -> Vec<f32> {
        let (positive, negative) = (0..self.plan.positive.len(), 0..self.plan.negative.len());
        self.plan.steps = vec![SlotStep { slot: 0, step, steps, span, positive, negative }];
        let unsound = self.backend.advance(&self.plan, shared).expect("the card can");
        assert_eq!(unsound, 0, "the step is finite");
        self.backend.latent(0).to_vec()
    }

    fn given(&mut self) -> &mut Given {
        self.backend.network().denoiser()
    }
}

fn request(frames: usize, conditions: usize) -> Request {
    let mut request = Request::new(frames, vec![0.0; frames * CONTEXT_CHANNELS].into(), vec![0.0].into());
    request.conditions = (0..conditions).map(token).collect();
    request
}

/// A condition that is nothing but its place among the velocities.
fn token(place: usize) -> Condition {
    Condition::always(vec![place as f32].into())
}

const TO_SOUND: StepSpan = StepSpan { now: 1.0, next: 0.0 };

impl Arithmetic for OnCard<'_> {
    fn stepped(&mut self, case: &Case, law: StepLaw<'_>) -> Vec<f32> {
        let data = |name: &str| &case.tensor(name).data[..];
        let mut request = request(data("xt").len() / LATENT_CHANNELS, 1);
        request.source = Some(data("source").into());
        // A target without a curve acts in the second half of a schedule with its plain strength.
        request.target = law.target.map(|_| TargetRequest { latent: data("x0_target").into(), curve: None, gate: 0.0 });
        let shared = StepControls {
            method: Some(law.method),
            velocity_scale: law.velocity_scale.cloned(),
            ode_noise: law.ode_noise.cloned(),
            source_blend: law.source_blend.cloned(),
            target_strength: law.target.map(|it| it.strength.clone()),
            correction: Some(Correction::off()),
            ..StepControls::default()
        };
        let velocities = vec![data("vt").to_vec()];
        Slot::born(self.0, data("xt"), data("noise"), request, velocities).step(law.span, [1, 2], &shared)
    }

    fn masked(&mut self, case: &Case, t: f32, mask: &Curve, strength: MaskStrength, at: [usize; 2]) -> [Vec<f32>; 2] {
        let data = |name: &str| &case.tensor(name).data[..];
        let mut request = request(data("xt").len() / LATENT_CHANNELS, 1);
        request.mask = Some(MaskRequest {
            curve: mask.clone(),
            original: data("original").into(),
            strength,
            noise: Some(data("noise").into()),
            seed: 0,
        });
        let off = StepControls { correction: Some(Correction::off()), ..StepControls::default() };
        let last = StepSpan { now: t, next: 0.0 };
        let still = vec![vec![0.0; data("xt").len()]];
        let mut slot = Slot::born(self.0, data("xt"), data("noise"), request.clone(), still);
        slot.step(last, at, &off);
        let before = std::mem::take(&mut slot.given().seen);
        // The velocity that leads from what the network saw to the case's prediction.
        let velocity = before.iter().zip(data("x0")).map(|(seen, x0)| (seen - x0) / t).collect();
        let after = Slot::born(self.0, data("xt"), data("noise"), request, vec![velocity]).step(last, at, &off);
        [before, after]
    }

    fn mixed(&mut self, case: &Case, parts: Vec<(&str, Option<Curve>)>) -> Vec<f32> {
        let velocities: Vec<Vec<f32>> = parts.iter().map(|(name, _)| case.tensor(name).data.clone()).collect();
        let zero = vec![0.0; velocities[0].len()];
        let mut request = request(zero.len() / LATENT_CHANNELS, parts.len());
        for (condition, (_, weight)) in request.conditions.iter_mut().zip(parts) {
            condition.weight = weight;
        }
        let off = StepControls { correction: Some(Correction::off()), ..StepControls::default() };
        let out = Slot::born(self.0, &zero, &zero, request, velocities).step(TO_SOUND, [0, 1], &off);
        out.iter().map(|it| -it).collect()
    }

    fn guided(&mut self, law: &GuidanceLaw, knobs: GuidanceKnobs<'_>, steps: &[[&[f32]; 2]]) -> Option<Vec<Guided>> {
        if *law != GuidanceLaw::default() {
            return None;
        }
        let mut x = vec![0.0; steps[0][0].len()];
        let mut request = request(x.len() / LATENT_CHANNELS, 1);
        request.negatives = vec![token(1)];
        request.controls.guidance_scale = Some(knobs.scale.clone());
        request.controls.momentum = Some(knobs.momentum.clone());
        let off = StepControls { correction: Some(Correction::off()), ..StepControls::default() };
        let mut slot = Slot::born(self.0, &x, &[], request, Vec::new());
        let guided = steps.iter().enumerate().map(|(at, velocities)| {
            slot.given().velocities = velocities.map(<[f32]>::to_vec).to_vec();
            let next = slot.step(TO_SOUND, [at, steps.len()], &off);
            let velocity = x.iter().zip(&next).map(|(x, next)| x - next).collect();
            x = next;
            (velocity, None)
        });
        Some(guided.collect())
    }

    fn corrected(&mut self, by: &Correction, t: f32, channels: usize, prediction: &[f32], x: &[f32]) -> Vec<f32> {
        let frames = x.len() / channels;
        let widened = |from: &[f32]| -> Vec<f32> {
            let rows = from.chunks_exact(channels);
            rows.flat_map(|row| row.iter().copied().chain(std::iter::repeat(0.0)).take(LATENT_CHANNELS)).collect()
        };
        let (prediction, x) = (widened(prediction), widened(x));
        // Standing still at the prediction, a stochastic step to one half gives the mean of prediction and noise.
        let noise: Vec<f32> = x.iter().zip(&prediction).map(|(x, prediction)| 2.0 * x - prediction).collect();
        let shared =
            StepControls { method: Some(Method::Sde), correction: Some(by.clone()), ..StepControls::default() };
        let still = vec![vec![0.0; x.len()]];
        let span = StepSpan { now: t, next: 0.5 };
        let out = Slot::born(self.0, &prediction, &noise, request(frames, 1), still).step(span, [0, 2], &shared);
        out.chunks_exact(LATENT_CHANNELS).flat_map(|row| row[..channels].to_vec()).collect()
    }

    fn gained(&mut self, gains: &[ChannelGain], x: &[f32]) -> Vec<f32> {
        let shared = StepControls { channel_gains: Some(gains.into()), ..StepControls::default() };
        let still = vec![vec![0.0; x.len()]];
        let mut slot = Slot::born(self.0, x, x, request(x.len() / LATENT_CHANNELS, 1), still);
        slot.step(TO_SOUND, [0, 1], &shared);
        std::mem::take(&mut slot.given().seen)
    }

    fn shows_parts(&self) -> bool {
        false
    }
}
