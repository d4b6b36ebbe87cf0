//! Goal: a tick on the card is the tick of the CPU backend, bit for bit where nothing is summed over time, for requests of
//! every kind; with and without a recorded graph.
//! Method: the fake driver runs the card's kernels on the host. Random rings of random requests run on both backends side
//! by side.

#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "ring_support/mod.rs"]
mod ring_support;

use std::sync::Arc;

use engine::backend::cuda::{Device, DeviceBackend, StandIn, trace};
use engine::backend::{Backend, CpuBackend};
use engine::live::{Load, Material, Performer, Prompt, latents};
use engine::param::{ParamId, Values};
use engine::ring::StepControls;
use engine::ring::request::CONTEXT_CHANNELS;
use engine::solver::curve::Curve;
use engine::solver::dcw::Correction;
use engine::solver::gain::ChannelGain;
use fake_cuda::FakeCuda;
use ring_support::side_by_side::{FRAMES, Run, SHAPE, alone_and_together, on_the_arc, random_requests, recorded_ticks};
use ring_support::{Dice, StandInOnCpu, WIDTH, plain};

#[test]
fn every_kind_of_request_gives_the_same_latents_on_the_card() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let [plain, guided, analytic] = random_requests(&device, 180);
    assert!(!plain.differs, "{}", plain.place);
    assert!(guided.worst <= 1e-6, "{}", guided.place);
    assert!(analytic.worst <= 2e-5, "{}", analytic.place);
    let compared = [plain, guided, analytic].map(|it| it.latents);
    assert!(compared.iter().all(|it| 50 < *it), "too few latents to say anything: {compared:?}");
    drop(device);
    assert_eq!(cuda.leaked(), 0, "everything was given back");
}

#[test]
fn on_the_arc_between_two_prompts_the_card_makes_the_latents_of_the_cpu() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    for (frames, seeds, least) in [(FRAMES, 60, 100), (150, 9, 20)] {
        let apart = on_the_arc(&device, frames, seeds);
        println!("{frames} frames: {} latents, at most {} apart", apart.latents, apart.worst);
        assert!(least < apart.latents, "{} latents", apart.latents);
        assert!(apart.worst <= 1e-6, "{}", apart.place);
    }
}

#[test]
fn a_recorded_tick_gives_the_bits_of_the_cpu_at_every_depth() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    for depth in [1, 2, 4, 8] {
        let apart = recorded_ticks(&device, depth);
        assert!(0 < apart.latents, "something finished");
        assert!(!apart.differs, "{}", apart.place);
    }
}

#[test]
fn a_slot_on_the_card_makes_what_it_makes_alone() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    for depth in 1..=8 {
        let apart = alone_and_together(&device, depth);
        assert!(3 < apart.latents, "{} latents at depth {depth}", apart.latents);
        assert!(!apart.differs, "{}", apart.place);
    }
}

/// A set whose prompts have two tokens and five.
fn material() -> Arc<Material> {
    let mut dice = Dice(77);
    let mut prompt = |tokens: usize| {
        let with_timbre = dice.numbers(tokens * WIDTH);
        Prompt { weight: 1.0, with_timbre, neutral: dice.numbers(tokens * WIDTH) }
    };
    let prompts = vec![prompt(2), prompt(5)];
    let mut latent = || dice.numbers(FRAMES * 64);
    let (source, hints, silence) = (latent(), latent(), latent());
    let unconditional = dice.numbers(WIDTH);
    let material = Material { frames: FRAMES, token_width: WIDTH, source, hints, silence, prompts, unconditional };
    material.check().expect("the set is sound");
    Arc::new(material)
}

/// Plays the prompt blend from A to B, straight (0) or on the arc (1); latents in the order in which they finished.
fn blended(backend: Box<dyn Backend + Send>, cfg_mode: f64, path: f64) -> Vec<Vec<f32>> {
    let (writer, _reader) = latents(FRAMES * 64);
    let mut performer = Performer::new(Load::new(material(), backend, writer));
    let mut values = Values::default();
    let timbre = (ParamId::TimbreStrength, 0.75);
    for (id, value) in [(ParamId::Depth, 8.0), timbre, (ParamId::CfgMode, cfg_mode), (ParamId::PromptPath, path)] {
        assert!(values.set(id, value));
    }
    let mut left = Vec::new();
    for blend in [0.0, 0.001, 0.5, 0.999, 1.0] {
        values.set(ParamId::PromptBlend, blend);
        for _ in 0..12 {
            let report = performer.tick(&values, |_, latent| left.push(latent.to_vec())).expect("it can compute");
            assert_eq!(report.refused, 0, "{:?}", report.refusal);
        }
    }
    left
}

#[test]
fn between_two_prompts_of_different_length_the_card_makes_the_latents_of_the_cpu() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    // Without guidance two rows a slot fill the batch; with every step's negative a full ring would not fit: births wait
    // for room, on the card only, so there the first latents are compared, before anything had to wait.
    let card = |cfg_mode, path| {
        let network = StandIn::new(&device, SHAPE).expect("there is room");
        blended(Box::new(DeviceBackend::new(&device, network).expect("there is room")), cfg_mode, path)
    };
    let on_cpu = |cfg_mode, path| blended(Box::new(CpuBackend::new(StandInOnCpu)), cfg_mode, path);
    let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
    let cpu = on_cpu(0.0, 0.0);
    assert!(40 < cpu.len());
    assert_eq!(card(0.0, 0.0), cpu, "bit for bit");
    // On the arc lengths are summed over time, on the card in another order.
    let (round, round_on_cpu) = (card(0.0, 1.0), on_cpu(0.0, 1.0));
    assert!(round.len() == cpu.len() && round_on_cpu.len() == cpu.len());
    let away = round.iter().zip(&round_on_cpu).fold(0.0_f32, |most, (a, b)| most.max(apart(a, b)));
    assert!(away <= 1e-6, "{away}");
    let moved = round.iter().zip(&cpu).filter(|(round, straight)| 1e-3 < apart(round, straight)).count();
    assert!(8 <= moved, "{moved} latents are others on the arc");
    for path in [0.0, 1.0] {
        let (guided, on_cpu) = (card(3.0, path), on_cpu(3.0, path));
        assert!(
            20 < guided.len() && guided.len() < on_cpu.len(),
            "{} of {} births found room",
            guided.len(),
            on_cpu.len()
        );
        assert!(apart(&guided[0], &on_cpu[0]) <= 1e-6, "{}", apart(&guided[0], &on_cpu[0]));
    }
}

#[test]
fn slots_that_are_done_leave_their_seats_to_those_with_more_rows() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let network = StandIn::new(&device, SHAPE).expect("there is room");
    let backend = DeviceBackend::new(&device, network).expect("there is room");
    let (writer, _reader) = latents(FRAMES * 64);
    let mut performer = Performer::new(Load::new(material(), Box::new(backend), writer));
    let mut values = Values::default();
    let mut finished = 0;
    // Eight slots of two rows fill the batch; five slots of three take fifteen, wherever the eight sat.
    for (depth, blend, cfg_mode) in [(8.0, 0.5, 0.0), (5.0, 0.5, 3.0), (8.0, 0.0, 0.0)] {
        for (id, value) in [(ParamId::Depth, depth), (ParamId::PromptBlend, blend), (ParamId::CfgMode, cfg_mode)] {
            assert!(values.set(id, value));
        }
        for _ in 0..24 {
            let report = performer.tick(&values, |_, _| finished += 1).expect("it can compute");
            assert_eq!(report.refused, 0, "{:?}", report.refusal);
        }
        let (in_flight, depth) = (performer.ring().in_flight(), depth as usize);
        assert!((depth - 1..=depth).contains(&in_flight), "{in_flight} of {depth}; one may have just finished");
    }
    assert!(40 < finished, "{finished} latents");
}

#[test]
fn a_tick_is_one_graph_and_one_wait_whatever_the_knobs_do() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let network = StandIn::new(&device, SHAPE).expect("there is room");
    let mut card = Run::new(4, DeviceBackend::new(&device, network).expect("there is room"));
    card.ring.submit(Arc::new(plain(FRAMES, 1))).expect("it is sound");
    card.tick(&StepControls::default());
    let late = cuda.log().into_iter().any(|it| it.starts_with("a launch that uploads"));
    assert!(!late, "the first tick's graph was on the card before it was played");
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
        trace::begin();
        card.tick(&moved);
        assert_eq!(cuda.log(), still, "a moved knob changes numbers and no call");
        assert_eq!(trace::end(), still, "and the trace says what the driver saw");
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
