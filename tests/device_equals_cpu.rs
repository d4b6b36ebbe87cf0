//! Goal: a tick on the card is the tick of the CPU backend, bit for bit where nothing is summed over time, for requests of
//! every kind; with and without a recorded graph.
//! Method: the fake driver runs the card's kernels on the host. Random rings of random requests run on both backends side
//! by side.

#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "ring_support/mod.rs"]
mod ring_support;

use std::sync::Arc;

use engine::backend::cuda::{Device, DeviceBackend, HostNetwork, NetworkShape, StandIn};
use engine::backend::{Backend, CpuBackend};
use engine::ring::plan::TickPlan;
use engine::ring::request::CONTEXT_CHANNELS;
use engine::ring::{Ring, StepControls, tick};
use engine::solver::curve::Curve;
use engine::solver::dcw::{Bands, Correction, Faders};
use engine::solver::gain::ChannelGain;
use engine::solver::schedule::Sampling;
use engine::solver::step::Method;
use engine::solver::wavelet::Wavelet;
use fake_cuda::FakeCuda;
use ring_support::{Dice, StandInOnCpu, Toy, WIDTH, plain};

const FRAMES: usize = 13;
const SHAPE: NetworkShape = NetworkShape { frames: FRAMES, most_tokens: 5, token_width: WIDTH };

/// A ring on one backend, and what left it.
struct Run<B> {
    ring: Ring,
    backend: B,
    plan: TickPlan,
    left: Vec<(u64, Vec<f32>)>,
}

impl<B: Backend> Run<B> {
    fn new(depth: usize, backend: B) -> Self {
        let sampling = Sampling { steps: 4, ..Sampling::default() };
        Self { ring: Ring::new(depth, sampling), backend, plan: TickPlan::new(), left: Vec::new() }
    }

    fn tick(&mut self, shared: &StepControls) {
        let left = &mut self.left;
        let mut emit = |it: engine::ring::Finished<'_>| left.push((it.ticket, it.latent.to_vec()));
        tick(&mut self.ring, &mut self.backend, &mut self.plan, shared, &mut emit).expect("both can compute");
    }
}

/// Step controls of any kind.
fn shared(dice: &mut Dice) -> StepControls {
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

/// How near the card comes. Sums over time are taken in another order there, and analytic signals are made by
/// convolution, not by a transform.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Near {
    Exactly,
    Within(f32),
}

fn compare(seed: u64, near: Near, cpu: &[(u64, Vec<f32>)], card: &[(u64, Vec<f32>)]) {
    assert_eq!(cpu.len(), card.len(), "seed {seed}: as many latents left");
    for ((ticket, expected), (name, found)) in cpu.iter().zip(card) {
        assert_eq!(ticket, name, "seed {seed}: in the same order");
        for (at, (&expected, &found)) in expected.iter().zip(found).enumerate() {
            let holds = match near {
                Near::Exactly => expected.to_bits() == found.to_bits(),
                Near::Within(share) => (expected - found).abs() <= share * expected.abs().max(1.0),
            };
            assert!(holds, "seed {seed}, ticket {ticket}, number {at}: {found} on the card, {expected} on the CPU");
        }
    }
}

#[test]
fn every_kind_of_request_gives_the_same_latents_on_the_card() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let mut compared = [0; 3];
    for seed in 0..180 {
        let mut dice = Dice(seed * 7919 + 13);
        let network = HostNetwork::new(&device, SHAPE, Toy::default()).expect("there is room");
        let mut card = Run::new(2, DeviceBackend::new(&device, network).expect("there is room"));
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
                }
                let request = Arc::new(request);
                cpu.ring.submit(Arc::clone(&request)).expect("it is sound");
                card.ring.submit(request).expect("it is sound");
            }
            cpu.tick(&controls);
            card.tick(&controls);
        }
        compared[kind] += cpu.left.len();
        compare(seed, [Near::Exactly, Near::Within(1e-6), Near::Within(2e-5)][kind], &cpu.left, &card.left);
    }
    assert!(compared.iter().all(|it| 50 < *it), "too few latents to say anything: {compared:?}");
    drop(device);
    assert_eq!(cuda.leaked(), 0, "everything was given back");
}

#[test]
fn a_recorded_tick_gives_the_bits_of_the_cpu_at_every_depth() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    for depth in [1, 2, 4, 8] {
        let network = StandIn::new(&device, SHAPE).expect("there is room");
        let mut card = Run::new(depth, DeviceBackend::new(&device, network).expect("there is room"));
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
        assert!(!cpu.left.is_empty(), "something finished");
        compare(depth as u64, Near::Exactly, &cpu.left, &card.left);
    }
}

#[test]
fn a_tick_is_one_graph_and_one_wait_whatever_the_knobs_do() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let network = StandIn::new(&device, SHAPE).expect("there is room");
    let mut card = Run::new(4, DeviceBackend::new(&device, network).expect("there is room"));
    card.ring.submit(Arc::new(plain(FRAMES, 1))).expect("it is sound");
    card.tick(&StepControls::default());
    let still = ["cuCtxSetCurrent", "cuGraphLaunch", "cuEventRecord", "cuEventSynchronize"];
    for turn in 0..2 {
        cuda.log();
        let moved = StepControls {
            velocity_scale: Some(Curve::Scalar(0.5 + turn as f32)),
            guidance_rescale: Some(Curve::Scalar(0.1)),
            channel_gains: Some(Arc::from([ChannelGain { first: 0, last: 3, gain: Curve::Scalar(1.5) }])),
            correction: Some(Correction { scaler: Curve::Scalar(0.1 * turn as f32), ..Correction::default() }),
            ..StepControls::default()
        };
        card.tick(&moved);
        assert_eq!(cuda.log(), still, "a moved knob changes numbers and no call");
    }
    cuda.log();
    card.tick(&StepControls::default());
    let last = ["cuCtxSetCurrent", "cuGraphLaunch", "cuMemcpyDtoHAsync", "cuEventRecord", "cuEventSynchronize"];
    assert_eq!(cuda.log(), last, "only the finished latent comes home");
    assert_eq!(card.left.len(), 1);
}

#[test]
fn what_the_host_writes_is_what_the_kernels_read() {
    use std::mem::offset_of;

    use engine::backend::cuda::parameters::{
        BirthParameters as Birth, CurveParameters as Curve, RowParameters as Row, SlotParameters as Slot,
        TickParameters as Tick,
    };
    let cuda = FakeCuda::take();
    let mut checked = 0;
    let mut check = |name: &str, ours: usize| {
        assert_eq!(cuda.layout(name), Some(ours), "{name}");
        checked += 1;
    };
    macro_rules! fields {
        ($($of:ident: $($field:ident)*;)*) => {
            $(check(stringify!($of), size_of::<$of>());
              $(check(concat!(stringify!($of), ".", stringify!($field)), offset_of!($of, $field));)*)*
        };
    }
    fields! {
        Curve:;
        Slot: x_next average average_next negative scratch bands source original target mask_noise given_noise gain_plane
            hilbert seed generation source_blend velocity_scale ode_noise mask target_pull guidance_scale momentum rescale
            scaler high_scaler gains low_filter high_filter now next mask_factor target_factor soft_threshold multiplicative
            phase norm_threshold eta flags active frames noise_tag taps band_frames correction bands_corrected
            positive_first positive_count negative_first negative_count;
        Row: weight slot seat;
        Tick: rows seat_row net_x net_t net_t_minus_r net_velocity unsound frames;
        Birth: negative average mask_noise clean given_start start seed mask_seed frames flags;
    }
    assert_eq!(checked, 75, "every field of the header");
    assert_eq!(CONTEXT_CHANNELS, 128, "what the stand-in's kernel assumes");
}
