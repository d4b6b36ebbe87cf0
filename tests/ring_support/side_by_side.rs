//! Rings on a card beside rings on the CPU, and slots in company beside slots alone: the same requests, and how far the
//! latents lie apart. Tests run them on the fake driver, `make gpu-check` on a card.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::backend::cuda::{Device, DeviceBackend, HostNetwork, NetworkShape, StandIn};
use engine::backend::{Backend, CpuBackend};
use engine::live::{Finished, tick};
use engine::ring::plan::TickPlan;
use engine::ring::{Request, Ring, StepControls};
use engine::solver::blend::BlendPath;
use engine::solver::curve::Curve;
use engine::solver::dcw::{Bands, Correction, Faders};
use engine::solver::gain::ChannelGain;
use engine::solver::schedule::Sampling;
use engine::solver::step::Method;
use engine::solver::wavelet::Wavelet;

use super::{Dice, StandInOnCpu, Toy, WIDTH, plain};

/// Frames of every latent here; odd, so that a pair is left over.
pub const FRAMES: usize = 13;
/// What the networks here are made for.
pub const SHAPE: NetworkShape = NetworkShape { frames: FRAMES, most_tokens: 5, token_width: WIDTH };

/// Latents by ticket, in the order in which they left.
pub type Left = Vec<(u64, Vec<f32>)>;

/// A ring on one backend, and what left it.
pub struct Run<B> {
    pub ring: Ring,
    pub backend: B,
    pub plan: TickPlan,
    pub left: Left,
}

impl<B: Backend> Run<B> {
    pub fn new(depth: usize, backend: B) -> Self {
        let sampling = Sampling { steps: 4, ..Sampling::default() };
        Self { ring: Ring::new(depth, sampling), backend, plan: TickPlan::new(), left: Vec::new() }
    }

    pub fn tick(&mut self, shared: &StepControls) {
        let left = &mut self.left;
        let mut emit = |it: Finished<'_>| left.push((it.ticket, it.latent.to_vec()));
        tick(&mut self.ring, &mut self.backend, &mut self.plan, shared, &mut emit).expect("it can compute");
    }
}

/// How far latents lie apart that should be the same.
#[derive(Debug, Default)]
pub struct Apart {
    /// Latents that were compared.
    pub latents: usize,
    /// Whether every bit was the same.
    pub differs: bool,
    /// The largest difference, as a share of the number where that is larger than 1.
    pub worst: f32,
    /// Where that is.
    pub place: String,
}

impl Apart {
    fn add(&mut self, what: &str, expected: &[(u64, Vec<f32>)], found: &[(u64, Vec<f32>)]) {
        let tickets = |it: &[(u64, Vec<f32>)]| it.iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(tickets(expected), tickets(found), "{what}: the same latents left in the same order");
        for ((ticket, expected), (_, found)) in expected.iter().zip(found) {
            self.latents += 1;
            for (at, (&expected, &found)) in expected.iter().zip(found).enumerate() {
                if expected.to_bits() == found.to_bits() {
                    continue;
                }
                let away = (expected - found).abs() / expected.abs().max(1.0);
                if !self.differs || self.worst < away || away.is_nan() {
                    self.worst = away;
                    self.place = format!("{what}, ticket {ticket}, number {at}: {found}, not {expected}");
                }
                self.differs = true;
            }
        }
    }
}

/// Step controls of any kind.
pub fn shared(dice: &mut Dice) -> StepControls {
    const WAVELETS: [&str; 5] = ["haar", "db2", "db4", "sym5", "db8"];
    const BANDS: [Bands; 4] = [Bands::Low, Bands::High, Bands::Double, Bands::Pix];
    let gains = |dice: &mut Dice| -> Arc<[ChannelGain]> {
        (0..3).map(|at| ChannelGain { first: 9 * at, last: 20 * at + 3, gain: dice.curve(FRAMES) }).collect()
    };
    let fader = |dice: &mut Dice| if dice.below(2) == 0 { 0.0 } else { dice.next().abs() * 0.5 };
    StepControls {
        source_blend: dice.maybe(|it| it.curve(FRAMES)),
        velocity_scale: dice.maybe(|it| it.curve(FRAMES)),
        ode_noise: dice.maybe(|it| it.curve(FRAMES)),
        target_strength: dice.maybe(|it| it.curve(FRAMES)),
        guidance_scale: dice.maybe(|it| Curve::Scalar(1.0 + 2.0 * it.next().abs())),
        guidance_rescale: dice.maybe(|it| it.curve(FRAMES)),
        momentum: dice.maybe(|it| Curve::Scalar(it.next())),
        channel_gains: dice.maybe(gains),
        correction: dice.maybe(|it| Correction {
            enabled: it.below(4) != 0,
            bands: BANDS[it.below(4)],
            scaler: it.curve(FRAMES),
            high_scaler: it.curve(FRAMES),
            wavelet: Wavelet::named(WAVELETS[it.below(5)]).expect("one of the table"),
            faders: Faders { soft_threshold: fader(it), multiplicative: fader(it), phase: fader(it) },
        }),
        method: dice.maybe(|it| [Method::Ode, Method::Sde][it.below(2)]),
    }
}

/// Random rings of requests on the arc between two prompts, guided and not, on both sides; a third of them between two that are
/// nearly one. A card sums each lane of time for itself: with more frames than lanes (64) in another order than the CPU.
pub fn on_the_arc(device: &Arc<Device>, frames: usize, seeds: u64) -> Apart {
    let mut apart = Apart::default();
    for seed in 0..seeds {
        let mut dice = Dice(seed * 6007 + 29);
        let network =
            HostNetwork::new(device, NetworkShape { frames, ..SHAPE }, Toy::default()).expect("there is room");
        let mut card = Run::new(2, DeviceBackend::new(device, network).expect("there is room"));
        let mut cpu = Run::new(2, CpuBackend::new(Toy::default()));
        for turn in 0..8 {
            let mut controls = shared(&mut dice);
            // Analytic signals are made in another way on the card, and compared elsewhere.
            if let Some(correction) = &mut controls.correction {
                correction.faders.phase = 0.0;
            }
            if turn % 2 == 0 {
                let mut request = dice.request_on_the_arc(frames);
                if seed % 3 == 1 {
                    // Nearly one direction.
                    request.conditions[1].tokens = request.conditions[0].tokens.iter().map(|it| it * 1.001).collect();
                }
                let request = Arc::new(request);
                cpu.ring.submit(Arc::clone(&request)).expect("it is sound");
                card.ring.submit(request).expect("it is sound");
            }
            cpu.tick(&controls);
            card.tick(&controls);
        }
        apart.add(&format!("{frames} frames, seed {seed}"), &cpu.left, &card.left);
    }
    apart
}

/// Random rings of random requests on both sides: without guidance, with it, and with analytic signals, too. Sums over time
/// are taken in another order on the card, and analytic signals are made by convolution, not by a transform.
pub fn random_requests(device: &Arc<Device>, seeds: u64) -> [Apart; 3] {
    let mut apart = [Apart::default(), Apart::default(), Apart::default()];
    for seed in 0..seeds {
        let mut dice = Dice(seed * 7919 + 13);
        let network = HostNetwork::new(device, SHAPE, Toy::default()).expect("there is room");
        let mut card = Run::new(2, DeviceBackend::new(device, network).expect("there is room"));
        let mut cpu = Run::new(2, CpuBackend::new(Toy::default()));
        let kind = (seed % 3) as usize;
        for _ in 0..8 {
            let mut controls = shared(&mut dice);
            if let Some(correction) = controls.correction.as_mut().filter(|_| kind < 2) {
                correction.faders.phase = 0.0;
            }
            if dice.below(2) == 0 {
                let mut request = dice.request(FRAMES);
                if kind == 0 {
                    request.controls.guidance_scale = None;
                    request.path = BlendPath::Linear;
                }
                let request = Arc::new(request);
                cpu.ring.submit(Arc::clone(&request)).expect("it is sound");
                card.ring.submit(request).expect("it is sound");
            }
            cpu.tick(&controls);
            card.tick(&controls);
        }
        apart[kind].add(&format!("seed {seed}"), &cpu.left, &card.left);
    }
    apart
}

/// Ticks as recorded graphs with the stand-in, everything but guidance and analytic signals in motion.
pub fn recorded_ticks(device: &Arc<Device>, depth: usize) -> Apart {
    let network = StandIn::new(device, SHAPE).expect("there is room");
    let mut card = Run::new(depth, DeviceBackend::new(device, network).expect("there is room"));
    let mut cpu = Run::new(depth, CpuBackend::new(StandInOnCpu));
    let mut dice = Dice(depth as u64);
    for turn in 0..14 {
        let mut controls = shared(&mut dice);
        controls.guidance_scale = None;
        controls.correction = controls.correction.map(|it| Correction { faders: Faders::default(), ..it });
        let mut request = plain(FRAMES, turn);
        request.denoise = f64::from(dice.next().abs());
        let request = Arc::new(request);
        cpu.ring.submit(Arc::clone(&request)).expect("it is sound");
        card.ring.submit(request).expect("it is sound");
        cpu.tick(&controls);
        card.tick(&controls);
    }
    let mut apart = Apart::default();
    apart.add(&format!("depth {depth}"), &cpu.left, &card.left);
    apart
}

/// Random requests in a ring of a depth, each beside itself alone at depth 1, all on the card.
pub fn alone_and_together(device: &Arc<Device>, depth: usize) -> Apart {
    let card = |depth: usize| {
        let network = StandIn::new(device, SHAPE).expect("there is room");
        Run::new(depth, DeviceBackend::new(device, network).expect("there is room"))
    };
    let mut dice = Dice(0xa10 + depth as u64);
    let controls = StepControls { source_blend: Some(dice.curve(FRAMES)), ..StepControls::default() };
    let (mut together, mut requests) = (card(depth), BTreeMap::new());
    for _ in 0..24 {
        for _ in 0..dice.below(3) {
            let request = Arc::new(of_two_rows(dice.request(FRAMES)));
            let submitted = together.ring.submit(Arc::clone(&request)).expect("it is sound");
            requests.insert(submitted.ticket, request);
        }
        together.tick(&controls);
    }
    let mut alone = card(1);
    let by_itself = together.left.iter().map(|(ticket, _)| {
        alone.ring.submit(Arc::clone(&requests[ticket])).expect("it is sound");
        alone.left.clear();
        while alone.left.is_empty() {
            alone.tick(&controls);
        }
        (*ticket, alone.left.remove(0).1)
    });
    let by_itself: Left = by_itself.collect();
    let mut apart = Apart::default();
    apart.add(&format!("depth {depth}"), &by_itself, &together.left);
    apart
}

/// A full ring has room for two rows a slot.
fn of_two_rows(mut request: Request) -> Request {
    request.conditions.truncate(1);
    request.conditions[0].steps = None;
    request.negatives.truncate(1);
    request
}
