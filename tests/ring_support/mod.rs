//! What the tests of the ring share: a small nonlinear network, and requests of every kind made from a seed.
#![allow(dead_code, reason = "every test uses a part of it")]

pub mod side_by_side;

use std::sync::Arc;

use engine::backend::cuda::StandIn;
use engine::backend::{Alone, Backend, CpuBackend, Crew, Denoiser, DenoiserError, DenoiserRow, exchange};
use engine::live::tick;
use engine::ring::plan::TickPlan;
use engine::ring::request::CONTEXT_CHANNELS;
use engine::ring::{Condition, GuidanceMode, MaskRequest, Request, Ring, StepControls, TargetRequest};
use engine::solver::blend::BlendPath;
use engine::solver::curve::Curve;
use engine::solver::mask::MaskStrength;
use engine::solver::noise::Philox;

/// Tokens are this wide.
pub const WIDTH: usize = 8;

/// A network in which every input matters: latent, context, every token and the time. Small enough for random tests.
#[derive(Debug, Default)]
pub struct Toy {
    /// Rows computed so far.
    pub rows: usize,
    /// From this row on, velocities are not finite for rows at this address.
    pub poisoned: Option<usize>,
    /// Rows until one fails.
    pub fails_in: Option<usize>,
}

impl Denoiser for Toy {
    fn exchange(&mut self, other: &mut Box<dyn std::any::Any + Send>) -> bool {
        exchange(self, other)
    }

    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        self.rows += 1;
        if self.fails_in.is_some_and(|it| it < self.rows) {
            self.fails_in = None;
            return Err(DenoiserError::TooManyTokens { found: row.tokens.len() / WIDTH, most: 0 });
        }
        let mut prompt = 0.0;
        for (at, token) in row.tokens.iter().enumerate() {
            prompt += token * (at as f32 * 0.37).sin();
        }
        for (at, out) in out.iter_mut().enumerate() {
            let context = row.context[at * 2] - 0.5 * row.context[at * 2 + 1];
            let mixed = row.x[at] * (0.8 + 0.3 * row.t) + 0.4 * context + prompt;
            *out = mixed / (1.0 + mixed.abs() * 0.2) - 0.1 * row.r;
        }
        if self.poisoned == Some(row.tokens.as_ptr() as usize) {
            out[7] = f32::NAN;
        }
        Ok(())
    }
}

/// The device's stand-in network, computed on the CPU.
pub struct StandInOnCpu;

impl Denoiser for StandInOnCpu {
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        let prompt = StandIn::gist(row.tokens);
        for (at, out) in out.iter_mut().enumerate() {
            let told = row.context[2 * at] - 0.5 * row.context[2 * at + 1];
            let sum = row.x[at] * (0.8 + 0.3 * row.t) + 0.4 * told + prompt;
            *out = sum / (1.0 + sum.abs() * 0.2) - 0.1 * row.t;
        }
        Ok(())
    }
}

/// Numbers from a seed, evenly in -1 to 1.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (((f64::from(self.next()) + 1.0) * 0.5) * end as f64) as usize
    }

    pub fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.below(2) == 0 { None } else { Some(make(self)) }
    }

    pub fn numbers(&mut self, count: usize) -> Arc<[f32]> {
        (0..count).map(|_| self.next()).collect()
    }

    pub fn curve(&mut self, frames: usize) -> Curve {
        match self.below(3) {
            0 => Curve::Scalar(self.next().abs()),
            1 => Curve::Frames((0..frames).map(|_| self.next().abs()).collect()),
            // Another length than the latent: it is stretched.
            _ => Curve::Frames((0..3).map(|_| self.next().abs()).collect()),
        }
    }

    fn condition(&mut self, frames: usize) -> Condition {
        let tokens = 1 + self.below(5);
        Condition {
            tokens: self.numbers(tokens * WIDTH),
            weight: self.maybe(|it| it.curve(frames)),
            steps: self.maybe(|it| {
                let start = it.below(3) as f64 * 0.25;
                start..start + 0.5
            }),
        }
    }

    /// A request of any kind on the arc between two prompts, and between two negative ones where it is guided.
    pub fn request_on_the_arc(&mut self, frames: usize) -> Request {
        let mut request = self.request(frames);
        request.path = BlendPath::Spherical;
        let guided = request.controls.guidance_scale.is_some();
        for conditions in [&mut request.conditions, &mut request.negatives] {
            conditions.clear();
            let share = 0.02 + 0.96 * self.next().abs();
            conditions.extend([1.0 - share, share].map(|share| Condition {
                weight: Some(Curve::Scalar(share)),
                ..Condition::always(self.numbers(3 * WIDTH))
            }));
        }
        if !guided {
            request.negatives.clear();
        }
        request
    }

    /// A request of any kind.
    pub fn request(&mut self, frames: usize) -> Request {
        let mut request = Request::new(frames, self.numbers(frames * CONTEXT_CHANNELS), self.numbers(WIDTH));
        request.seed = self.below(4) as u64;
        request.generation = self.below(3) as u64;
        request.denoise = f64::from(self.next().abs()) * 1.2;
        request.conditions = (0..1 + self.below(3)).map(|_| self.condition(frames)).collect();
        request.source = self.maybe(|it| it.numbers(frames * 64));
        request.start_noise = self.maybe(|it| it.curve(frames));
        if self.below(2) == 0 {
            request.negatives = (0..1 + self.below(2)).map(|_| self.condition(frames)).collect();
            request.controls.guidance_scale = Some(Curve::Scalar(1.0 + 3.0 * self.next().abs()));
            request.guidance_mode =
                [GuidanceMode::Full, GuidanceMode::Initialize, GuidanceMode::OwnNoise][self.below(3)];
        }
        request.mask = self.maybe(|it| MaskRequest {
            curve: it.curve(frames),
            original: it.numbers(frames * 64),
            strength: MaskStrength { start: 1.0, slope: -0.5 },
            noise: it.maybe(|it| it.numbers(frames * 64)),
            seed: 9,
        });
        request.target = self.maybe(|it| TargetRequest {
            latent: it.numbers(frames * 64),
            curve: it.maybe(|it| it.curve(frames)),
            gate: 0.25,
        });
        let own = &mut request.controls;
        own.source_blend = self.maybe(|it| it.curve(frames));
        own.ode_noise = self.maybe(|it| it.curve(frames));
        own.velocity_scale = self.maybe(|it| it.curve(frames));
        own.target_strength = self.maybe(|it| it.curve(frames));
        own.guidance_rescale = self.maybe(|it| it.curve(frames));
        own.momentum = self.maybe(|it| Curve::Scalar(it.next()));
        request.path = [BlendPath::Linear, BlendPath::Spherical][self.below(2)];
        request
    }
}

/// A plain request from a source.
pub fn plain(frames: usize, seed: u64) -> Request {
    let mut dice = Dice(seed ^ 0x5eed);
    let mut request = Request::new(frames, dice.numbers(frames * CONTEXT_CHANNELS), dice.numbers(3 * WIDTH));
    request.seed = seed;
    request.source = Some(dice.numbers(frames * 64));
    request
}

/// A ring, its backend and the player's controls.
pub struct Stage<C = Alone> {
    pub ring: Ring,
    pub backend: CpuBackend<Toy, Philox, C>,
    pub plan: TickPlan,
    pub shared: StepControls,
}

impl Stage {
    pub fn new(ring: Ring) -> Self {
        Self::with(ring, Alone)
    }
}

impl<C: Crew> Stage<C> {
    pub fn with(ring: Ring, crew: C) -> Self {
        let backend = CpuBackend::with(Toy::default(), Philox, crew);
        Self { ring, backend, plan: TickPlan::new(), shared: StepControls::default() }
    }

    pub fn submit(&mut self, request: Request) -> u64 {
        self.ring.submit(Arc::new(request)).expect("the request is sound").ticket
    }

    /// One tick; tickets and latents that left.
    pub fn tick(&mut self) -> Vec<(u64, Vec<f32>)> {
        let mut left = Vec::new();
        let mut emit = |it: engine::live::Finished<'_>| left.push((it.ticket, it.latent.to_vec()));
        tick(&mut self.ring, &mut self.backend, &mut self.plan, &self.shared, &mut emit).expect("the toy can compute");
        left
    }

    /// Ticks until nothing is in flight.
    pub fn drain(&mut self) -> Vec<(u64, Vec<f32>)> {
        let mut left = Vec::new();
        while 0 < self.ring.in_flight() + self.ring.waiting().len() {
            left.extend(self.tick());
        }
        left
    }

    pub fn latent(&mut self, slot: usize) -> Vec<f32> {
        self.backend.latent(slot).to_vec()
    }
}
