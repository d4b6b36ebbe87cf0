//! Goal: whatever the card does, the ring on the host stays whole: a tick that failed can be taken again, a card that is
//! gone is said by name, and its generations are born again elsewhere with their own requests.
//! Method: the fake driver makes single calls fail, with the codes that real cards give.

#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "ring_support/mod.rs"]
mod ring_support;

use std::sync::Arc;

use engine::backend::cuda::{Device, DeviceBackend, DeviceError, HostNetwork, NetworkShape, StandIn};
use engine::backend::{Backend, BackendError, CpuBackend};
use engine::live::tick;
use engine::ring::plan::TickPlan;
use engine::ring::{Ring, StepControls};
use engine::solver::schedule::Sampling;
use fake_cuda::FakeCuda;
use ring_support::{Toy, WIDTH, plain};

const FRAMES: usize = 10;
const SHAPE: NetworkShape = NetworkShape { frames: FRAMES, most_tokens: 5, token_width: WIDTH };
const OUT_OF_MEMORY: i32 = 2;
const INVALID_VALUE: i32 = 1;
const ILLEGAL_ADDRESS: i32 = 700;
const UNKNOWN: i32 = 999;

fn stage(device: &Arc<Device>) -> Result<DeviceBackend<StandIn>, BackendError> {
    DeviceBackend::new(device, StandIn::new(device, SHAPE)?)
}

fn ring(requests: u64) -> Ring {
    let mut ring = Ring::new(4, Sampling { steps: 4, ..Sampling::default() });
    for seed in 0..requests {
        ring.submit(Arc::new(plain(FRAMES, seed))).expect("it is sound");
    }
    ring
}

type Left = Vec<(u64, Vec<f32>)>;

fn one_tick(ring: &mut Ring, backend: &mut dyn Backend, left: &mut Left) -> Result<(), BackendError> {
    let mut plan = TickPlan::new();
    let mut emit = |it: engine::live::Finished<'_>| left.push((it.ticket, it.latent.to_vec()));
    tick(ring, backend, &mut plan, &StepControls::default(), &mut emit).map(|_| ())
}

fn undisturbed(device: &Arc<Device>) -> Left {
    let (mut ring, mut backend, mut left) = (ring(3), stage(device).expect("there is room"), Vec::new());
    for _ in 0..4 {
        one_tick(&mut ring, &mut backend, &mut left).expect("nothing fails");
    }
    assert_eq!(left.len(), 3);
    left
}

#[test]
fn a_tick_that_the_driver_refused_can_be_taken_again() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let expected = undisturbed(&device);
    // Anywhere on the way: before the graph, at it, after it; at births and later.
    for (call, tick_of) in [
        ("cuGraphLaunch", 0),
        ("cuGraphLaunch", 2),
        ("cuEventRecord", 1),
        ("cuEventSynchronize", 2),
        ("cuMemcpyDtoHAsync", 3),
        ("cuMemcpyHtoDAsync", 0),
        ("cuLaunchKernel", 0),
    ] {
        let (mut ring, mut backend, mut left) = (ring(3), stage(&device).expect("there is room"), Vec::new());
        let mut failures = 0;
        for at in 0..4 {
            if at == tick_of {
                cuda.fail(call, 0, INVALID_VALUE);
                let error = one_tick(&mut ring, &mut backend, &mut left).expect_err("the call fails");
                assert!(matches!(error, BackendError::Device(DeviceError::Refused { .. })), "{call}: {error:?}");
                assert!(!error.is_fatal());
                failures += 1;
            }
            one_tick(&mut ring, &mut backend, &mut left).expect("the next try is fine");
        }
        assert_eq!((failures, &left), (1, &expected), "{call} failing at tick {tick_of} leaves no trace");
    }
}

#[test]
fn generations_of_a_lost_card_are_born_again_where_the_player_goes_on() {
    let cuda = FakeCuda::take();
    for (code, kernel_fault) in [(ILLEGAL_ADDRESS, true), (UNKNOWN, false)] {
        let device = Device::open(0).expect("the fake has a card");
        let expected = undisturbed(&device);
        let (mut ring, mut backend, mut left) = (ring(3), stage(&device).expect("there is room"), Vec::new());
        one_tick(&mut ring, &mut backend, &mut left).expect("nothing fails yet");
        cuda.fail("cuEventSynchronize", 0, code);
        let error = one_tick(&mut ring, &mut backend, &mut left).expect_err("the card is gone");
        assert!(error.is_fatal(), "{error:?}");
        assert_eq!(matches!(error, BackendError::Device(DeviceError::KernelFault { .. })), kernel_fault, "{error:?}");
        one_tick(&mut ring, &mut backend, &mut left).expect_err("and stays gone");
        assert!(Device::open(0).is_err(), "until the context is reset");
        let steps: Vec<usize> = ring.slots().flatten().map(|it| it.step).collect();
        assert_eq!(steps, [1, 1, 1], "the ring stands where it stood");
        drop((backend, device));
        let device = Device::reopen(0).expect("the card is well again");
        let mut backend = stage(&device).expect("there is room");
        ring.begin_again();
        for _ in 0..4 {
            one_tick(&mut ring, &mut backend, &mut left).expect("the new one can");
        }
        assert_eq!(left, expected, "the same requests under the same tickets");
        drop((backend, device));
        assert_eq!(cuda.leaked(), 0, "nothing is left on the card");
    }
}

#[test]
fn the_processor_takes_over_the_requests_of_a_lost_card() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let network = HostNetwork::new(&device, SHAPE, Toy::default()).expect("there is room");
    let (mut ring, mut left) = (ring(2), Vec::new());
    let mut card = DeviceBackend::new(&device, network).expect("there is room");
    one_tick(&mut ring, &mut card, &mut left).expect("nothing fails yet");
    cuda.lose(UNKNOWN);
    let error = one_tick(&mut ring, &mut card, &mut left).expect_err("the card is gone");
    assert!(error.to_string().contains("the GPU is lost"), "{error}");
    let mut cpu = CpuBackend::new(Toy::default());
    ring.begin_again();
    for _ in 0..4 {
        one_tick(&mut ring, &mut cpu, &mut left).expect("the processor can");
    }
    let tickets: Vec<u64> = left.iter().map(|it| it.0).collect();
    assert_eq!(tickets, [0, 1], "both requests are answered");
}

#[test]
fn a_birth_that_met_a_failing_device_comes_at_the_next_tick() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let expected = undisturbed(&device);
    let (mut ring, mut backend, mut left) = (ring(3), stage(&device).expect("there is room"), Vec::new());
    cuda.fail("cuMemcpyHtoDAsync", 3, INVALID_VALUE);
    one_tick(&mut ring, &mut backend, &mut left).expect_err("a birth fails");
    assert_eq!(ring.in_flight(), 3, "nobody was given up");
    for _ in 0..4 {
        one_tick(&mut ring, &mut backend, &mut left).expect("the next try is fine");
    }
    assert_eq!(left, expected);
}

#[test]
fn more_rows_than_the_network_holds_are_refused_by_number() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let mut backend = stage(&device).expect("there is room");
    let mut ring = Ring::new(4, Sampling::default());
    for seed in 0..4 {
        let mut request = plain(FRAMES, seed);
        request.conditions = vec![request.conditions[0].clone(); 5];
        ring.submit(Arc::new(request)).expect("it is sound");
    }
    let (mut plan, controls) = (TickPlan::new(), StepControls::default());
    let report = tick(&mut ring, &mut backend, &mut plan, &controls, &mut |_| ()).expect("the card is well");
    assert_eq!(report.refusal, Some(BackendError::TooManyRows { found: 20, most: 16 }));
    assert_eq!((report.refused, report.advanced), (1, 3), "20 rows of 16: the others go on in the same tick");
    assert_eq!(ring.in_flight(), 3, "the others play on");
}

#[test]
fn what_is_wrong_with_a_machine_is_said_before_anything_plays() {
    let cuda = FakeCuda::take();
    cuda.card(0, 8 << 30, 12);
    assert_eq!(Device::open(0).expect_err("there is none"), DeviceError::NoDevice { ordinal: 0, count: 0 });
    cuda.card(1, 8 << 30, 12);
    assert_eq!(Device::open(1).expect_err("there is one"), DeviceError::NoDevice { ordinal: 1, count: 1 });
    cuda.fail("cuInit", 0, 803);
    assert!(matches!(Device::open(0), Err(DeviceError::DriverBroken { .. })));
    let device = Device::open(0).expect("now it starts");
    cuda.card(1, 200_000, 12);
    let error = stage(&device).map(|_| ()).expect_err("200 kB are too little");
    let BackendError::Device(DeviceError::OutOfMemory { wanted, free, total }) = error else { panic!("{error:?}") };
    assert!(free < wanted && total == 200_000, "{wanted} wanted, {free} of {total} free");
    drop(device);
    cuda.card(1, 8 << 30, 8);
    let device = Device::open(0).expect("a card of four years ago opens");
    assert!(stage(&device).is_ok(), "there are kernels from sm_75 on");
    drop(device);
    cuda.card(1, 8 << 30, 7);
    let device = Device::open(0).expect("an old card opens");
    let error = stage(&device).map(|_| ()).expect_err("and cannot run the kernels");
    assert!(matches!(error, BackendError::Device(DeviceError::WrongCard { .. })), "{error:?}");
    assert!(error.to_string().contains("sm_70") && error.to_string().contains("from sm_75 on"), "{error}");
    drop(device);
    cuda.fail("cuMemAlloc", 40, OUT_OF_MEMORY);
    let device = Device::open(0).expect("the fake has a card");
    assert!(stage(&device).is_err(), "halfway through");
    drop(device);
    assert_eq!(cuda.leaked(), 0, "what was taken before the failure was given back");
}
