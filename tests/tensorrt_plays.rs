//! Goal: the denoiser's two plans and the decoder's play as the CPU does: seats, prompts, masks, batches, graphs, windows
//! around the seam of the tape.
//! Method: a TensorRT that runs on the fake driver, whose engines compute something simple; the same on the CPU beside it.

#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "ring_support/mod.rs"]
mod ring_support;

use std::sync::Arc;

use engine::backend::cuda::{Device, DeviceBackend, DeviceError, Network};
use engine::backend::tensorrt::{DenoiserPlans, ENCODER_TILE, TrtEncoder, TrtNetwork, TrtWindows, WindowPlan};
use engine::backend::{BackendError, CpuBackend, DenoiserError};
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME};
use engine::live::{WindowDecoder, tick};
use engine::ring::plan::TickPlan;
use engine::ring::{Condition, Ring, StepControls};
use engine::solver::curve::Curve;
use engine::solver::schedule::Sampling;
use fake_cuda::FakeCuda;
use ring_support::{Dice, StandInOnCpu, WIDTH, plain};
use tensorrt::{Runtime, Search, TensorRt};

const FRAMES: usize = 9;
const TOKENS: usize = 6;

fn runtime() -> Runtime {
    let (folder, driver) = fake_cuda::tensorrt();
    let mut search = Search::only(&folder);
    search.cuda = driver;
    let tensorrt = TensorRt::open(&search).expect("the fake opens");
    Runtime::new(&tensorrt).expect("the fake driver has a card")
}

fn plans() -> DenoiserPlans {
    DenoiserPlans {
        prompt: format!("prompt {TOKENS} {WIDTH}").into_bytes().into(),
        velocity: format!("denoiser {FRAMES} {TOKENS} {WIDTH}").into_bytes().into(),
        batches: vec![1, 2, 4, 8, 16],
    }
}

#[test]
fn every_seat_hears_its_own_prompt_in_every_batch() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let runtime = runtime();
    for depth in [1, 3, 8] {
        let network = TrtNetwork::new(&device, &runtime, &plans()).expect("the plans fit");
        let mut card = DeviceBackend::new(&device, network).expect("there is room");
        let mut cpu = CpuBackend::new(StandInOnCpu);
        let sampling = Sampling { steps: 4, ..Sampling::default() };
        let (mut card_ring, mut cpu_ring) = (Ring::new(depth, sampling), Ring::new(depth, sampling));
        let (mut of_card, mut of_cpu) = (Vec::new(), Vec::new());
        let mut plan = TickPlan::new();
        let mut dice = Dice(depth as u64);
        for seed in 0..14 {
            let mut request = plain(FRAMES, seed);
            request.conditions = (0..1 + dice.below(2))
                .map(|_| {
                    let tokens = 1 + dice.below(TOKENS);
                    Condition {
                        weight: dice.maybe(|it| it.curve(FRAMES)),
                        ..Condition::always(dice.numbers(tokens * WIDTH))
                    }
                })
                .collect();
            request.controls.velocity_scale = Some(Curve::Scalar(0.5 + dice.next().abs()));
            let request = Arc::new(request);
            card_ring.submit(Arc::clone(&request)).expect("it is sound");
            cpu_ring.submit(request).expect("it is sound");
            let shared = StepControls::default();
            cuda.log();
            let mut emit = |it: engine::live::Finished<'_>| of_card.push((it.ticket, it.latent.to_vec()));
            tick(&mut card_ring, &mut card, &mut plan, &shared, &mut emit).expect("the card can");
            let graphs = cuda.log().iter().filter(|it| *it == "cuGraphLaunch").count();
            assert_eq!(graphs, 1, "a tick is one graph");
            let mut emit = |it: engine::live::Finished<'_>| of_cpu.push((it.ticket, it.latent.to_vec()));
            tick(&mut cpu_ring, &mut cpu, &mut plan, &shared, &mut emit).expect("the processor can");
        }
        assert!(2 < of_cpu.len(), "something finished at depth {depth}");
        assert_eq!(of_card, of_cpu, "depth {depth}, bit for bit");
    }
    drop((runtime, device));
    assert_eq!(cuda.leaked(), 0, "everything was given back");
}

#[test]
fn windows_lie_where_they_are_asked_for_and_go_round_the_seam() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let runtime = runtime();
    let (frames, context) = (7, 9);
    let window = |keep: usize| WindowPlan { keep, plan: format!("decoder {}", keep + 2 * context).into_bytes().into() };
    let mut decoder = TrtWindows::new(&device, &runtime, &[window(2), window(5)], frames).expect("the plans fit");
    let latent: Vec<f32> = (0..frames * LATENT_CHANNELS).map(|at| at as f32).collect();
    for (first, keep) in [(0, 2), (3, 5), (6, 5), (6, 2), (40, 5)] {
        let mut sound = vec![[0.0; 2]; keep * SAMPLES_PER_LATENT_FRAME];
        decoder.decode(&latent, first, &mut sound).expect("the card can");
        for (at, sample) in sound.iter().enumerate() {
            let frame = (first + at / SAMPLES_PER_LATENT_FRAME) % frames;
            let expected = [latent[frame * LATENT_CHANNELS], latent[frame * LATENT_CHANNELS + 1]];
            assert_eq!(*sample, expected, "window of {keep} at {first}, sample {at}");
        }
    }
}

#[test]
fn a_tape_is_encoded_tile_by_tile_as_a_loop_without_a_gap_or_an_overlap() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    // A tape of several tiles, one of less than a tile, which goes round in it, and one of a single frame.
    for (context, frames) in [(3, 150), (3, 10), (3, 1)] {
        let plan = format!("encoder {}", ENCODER_TILE + 2 * context).into_bytes().into();
        let mut encoder = TrtEncoder::new(&device, &runtime(), &plan, context).expect("the plan fits");
        let sound: Vec<[f32; 2]> = (0..frames * SAMPLES_PER_LATENT_FRAME).map(|at| [at as f32, -(at as f32)]).collect();
        let latent = encoder.encode(&sound, &mut |_, _| ()).expect("the card can");
        // The fake hears one frame to each side: on a loop that of the other end.
        let expected = (0..frames * LATENT_CHANNELS).map(|at| {
            let (frame, channel) = (at / LATENT_CHANNELS, at % 4);
            let heard = frame + frames + usize::from(channel == 3) - usize::from(channel == 2);
            sound[heard % frames * SAMPLES_PER_LATENT_FRAME][channel % 2]
        });
        assert!(latent.iter().copied().eq(expected), "every frame of {frames} once, in its place");
    }
}

#[test]
fn a_window_on_a_lost_card_fails_and_says_so() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let plan = WindowPlan { keep: 2, plan: b"decoder 20".to_vec().into() };
    let mut decoder = TrtWindows::new(&device, &runtime(), &[plan], 7).expect("the plan fits");
    cuda.lose(999);
    let error = decoder.decode(&[0.0; 7 * LATENT_CHANNELS], 0, &mut vec![[0.0; 2]; 2 * 1920]).expect_err("it is gone");
    assert!(error.is_fatal(), "{error:?}");
}

#[test]
fn plans_that_are_none_or_another_part_are_refused_in_words() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let runtime = runtime();
    let refused =
        |plans: &DenoiserPlans| TrtNetwork::new(&device, &runtime, plans).map(|_| ()).expect_err("it is no denoiser");
    let decoder = refused(&DenoiserPlans { velocity: b"decoder 5".to_vec().into(), ..plans() });
    assert!(decoder.to_string().contains("not those of a denoiser"), "{decoder}");
    let rubbish = refused(&DenoiserPlans { prompt: b"rubbish".to_vec().into(), ..plans() });
    assert!(rubbish.to_string().contains("the plan is no plan"), "{rubbish}");
    let odd = WindowPlan { keep: 4, plan: b"decoder 7".to_vec().into() };
    let error = TrtWindows::new(&device, &runtime, &[odd], 7).map(|_| ()).expect_err("7 is not 4 and two sides");
    assert!(matches!(error, DeviceError::WrongCard { .. }), "{error:?}");
    let mut network = TrtNetwork::new(&device, &runtime, &plans()).expect("the plans fit");
    let stream = engine::backend::cuda::Stream::new(&device, false).expect("the fake makes streams");
    let long = vec![0.0; (TOKENS + 1) * WIDTH];
    let row = engine::backend::cuda::Seated { context: &[0.0; FRAMES * 128], tokens: &long };
    let error = network.seat(&stream, 0, row).expect_err("a token too many");
    assert_eq!(error, BackendError::Row(DenoiserError::TooManyTokens { found: TOKENS + 1, most: TOKENS }));
}
