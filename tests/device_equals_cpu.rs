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
use engine::ring::StepControls;
use engine::ring::request::CONTEXT_CHANNELS;
use engine::solver::curve::Curve;
use engine::solver::dcw::Correction;
use engine::solver::gain::ChannelGain;
use fake_cuda::FakeCuda;
use ring_support::plain;
use ring_support::side_by_side::{FRAMES, Run, SHAPE, alone_and_together, random_requests, recorded_ticks};

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
