//! A ring on the card with requests that keep it full, timed part by part.

use std::sync::Arc;
use std::time::Instant;

use engine::backend::cuda::{Device, DeviceBackend, Network, trace};
use engine::backend::{Backend, BackendError};
use engine::latent::LATENT_CHANNELS;
use engine::live::tick;
use engine::ring::plan::{Birth, TickPlan};
use engine::ring::request::CONTEXT_CHANNELS;
use engine::ring::{Condition, GuidanceMode, Request, Ring, StepControls, TargetRequest};
use engine::solver::curve::Curve;
use engine::solver::dcw::{Bands, Correction, Faders};
use engine::solver::gain::ChannelGain;
use engine::solver::schedule::Sampling;
use engine::solver::wavelet::Wavelet;

use crate::ring_support::Dice;

/// Steps of a generation, as the published figures count.
pub const STEPS: usize = 8;

/// What is in motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// A plain generation: no guidance, Haar correction as the instrument starts.
    Plain,
    /// Guidance, so twice the rows, and every step control drawn as a curve that moves in every tick.
    Guided,
    /// As [`Self::Guided`], with a longer wavelet and every fader of the correction, analytic signals included.
    Everything,
}

/// Microseconds of a tick's parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts {
    /// Births: everything that `fill` does on the host.
    pub births_us: f64,
    /// Writing the block.
    pub write_us: f64,
    /// Launching the graph.
    pub launch_us: f64,
    /// Waiting.
    pub wait_us: f64,
    /// All of the tick, what leaves included.
    pub tick_us: f64,
    /// The card's own time of the graph.
    pub graph_us: f64,
    /// Slots that were born.
    pub born: usize,
}

/// A backend with a clock.
struct Timed<N> {
    inner: DeviceBackend<N>,
    parts: Parts,
}

impl<N: Network> Backend for Timed<N> {
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError> {
        let start = Instant::now();
        self.inner.fill(birth)?;
        self.parts.births_us += us(start);
        self.parts.born += 1;
        Ok(())
    }

    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        let start = Instant::now();
        let live = self.inner.write_tick(plan, shared)?;
        self.parts.write_us = us(start);
        let start = Instant::now();
        self.inner.launch_tick(plan, &live)?;
        self.parts.launch_us = us(start);
        let start = Instant::now();
        let unsound = self.inner.finish_tick(plan)?;
        self.parts.wait_us = us(start);
        self.parts.graph_us = self.inner.graph_ms().map_or(0.0, |ms| f64::from(ms) * 1e3);
        Ok(unsound)
    }

    fn latent(&mut self, slot: usize) -> &[f32] {
        self.inner.latent(slot)
    }
}

fn us(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}

/// A full ring that is played.
pub struct Stage<N> {
    backend: Timed<N>,
    /// The ring.
    pub ring: Ring,
    plan: TickPlan,
    /// What the knobs say.
    pub shared: StepControls,
    request: Request,
    motion: Motion,
    turns: u64,
    /// Latents that left.
    pub finished: usize,
}

impl<N: Network> Stage<N> {
    /// A ring of a depth on a network.
    pub fn new(device: &Arc<Device>, network: N, depth: usize, motion: Motion) -> Result<Self, BackendError> {
        let shape = network.shape();
        let inner = DeviceBackend::new(device, network)?;
        let tokens = shape.most_tokens * shape.token_width;
        Ok(Self {
            backend: Timed { inner, parts: Parts::default() },
            ring: Ring::new(depth, Sampling { steps: STEPS, ..Sampling::default() }),
            plan: TickPlan::new(),
            shared: controls(shape.frames, motion),
            request: request(shape.frames, tokens, motion),
            motion,
            turns: 0,
            finished: 0,
        })
    }

    /// A new ring of another depth on the same network.
    pub fn restart(&mut self, depth: usize) {
        self.ring = Ring::new(depth, Sampling { steps: STEPS, ..Sampling::default() });
    }

    /// One tick under moving knobs. A new generation waits whenever a slot is free, so births spread over the ticks.
    pub fn tick(&mut self) -> Parts {
        self.turns += 1;
        if self.motion != Motion::Plain {
            // A small curve and a plain number move in every tick: nothing may depend on their standing still.
            let knob = (self.turns % 17) as f32 / 17.0;
            self.shared.velocity_scale = Some(Curve::Scalar(0.9 + 0.2 * knob));
        }
        if self.ring.waiting().len() == 0 {
            let next = Request { seed: self.turns, ..self.request.clone() };
            self.ring.submit(Arc::new(next)).expect("the request is sound");
        }
        self.backend.parts = Parts::default();
        let start = Instant::now();
        let Self { ring, backend, plan, shared, finished, .. } = self;
        let report = tick(ring, backend, plan, shared, &mut |_| *finished += 1).expect("the card can");
        assert_eq!(report.unsound, 0, "every slot is finite");
        self.backend.parts.tick_us = us(start);
        self.backend.parts
    }

    /// So many measured ticks, after the ring is full; the card's own time is taken, too.
    pub fn ticks(&mut self, count: usize) -> Vec<Parts> {
        self.backend.inner.start_stopwatch().expect("the card has events");
        self.fill();
        (0..count).map(|_| self.tick()).collect()
    }

    /// Ticks until births and endings come evenly.
    fn fill(&mut self) {
        for _ in 0..2 * STEPS {
            self.tick();
        }
    }

    /// The driver's calls of one tick in which nobody is born; for depths at which there are such ticks.
    pub fn traced(&mut self) -> Vec<&'static str> {
        self.fill();
        for _ in 0..STEPS {
            trace::begin();
            let parts = self.tick();
            let calls = trace::end();
            if parts.born == 0 {
                return calls;
            }
        }
        panic!("somebody is born in every tick");
    }

    /// A slot's latent as it stands.
    pub fn latent(&mut self, slot: usize) -> Vec<f32> {
        self.backend.latent(slot).to_vec()
    }
}

fn request(frames: usize, tokens: usize, motion: Motion) -> Request {
    let mut dice = Dice(7);
    let mut request = Request::new(frames, dice.numbers(frames * CONTEXT_CHANNELS), dice.numbers(tokens));
    request.source = Some(dice.numbers(frames * LATENT_CHANNELS));
    request.denoise = 0.8;
    if motion != Motion::Plain {
        request.negatives = vec![Condition::always(dice.numbers(tokens))];
        request.guidance_mode = GuidanceMode::Full;
        request.controls.guidance_scale = Some(Curve::Scalar(3.0));
        let latent = dice.numbers(frames * LATENT_CHANNELS);
        request.target = Some(TargetRequest { latent, curve: None, gate: 0.0 });
    }
    request
}

fn controls(frames: usize, motion: Motion) -> StepControls {
    if motion == Motion::Plain {
        return StepControls::default();
    }
    let mut dice = Dice(11);
    let mut drawn = || Curve::Frames((0..frames).map(|_| 0.2 + 0.6 * dice.next().abs()).collect());
    let everything = motion == Motion::Everything;
    let fader = if everything { 0.1 } else { 0.0 };
    StepControls {
        source_blend: Some(drawn()),
        velocity_scale: Some(Curve::Scalar(1.0)),
        ode_noise: Some(drawn()),
        target_strength: Some(drawn()),
        guidance_scale: Some(drawn()),
        guidance_rescale: Some(drawn()),
        momentum: Some(Curve::Scalar(-0.5)),
        channel_gains: Some(Arc::from([ChannelGain { first: 0, last: 15, gain: Curve::Scalar(1.1) }])),
        correction: Some(Correction {
            enabled: true,
            bands: Bands::Double,
            scaler: Curve::Scalar(0.02),
            high_scaler: Curve::Scalar(0.01),
            wavelet: Wavelet::named(if everything { "db4" } else { "haar" }).expect("one of the table"),
            faders: Faders { soft_threshold: fader, multiplicative: fader, phase: fader },
        }),
        method: None,
    }
}
