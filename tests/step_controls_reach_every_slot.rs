//! Goal: a step-class control that moves is in the very next tick, in every slot in flight; one that is taken back leaves
//! each slot its own.
//! Method: two stages run the same until one control moves on one of them; after that tick every slot must differ, and
//! before it none.

#[path = "ring_support/mod.rs"]
mod support;

use engine::ring::{Condition, GuidanceMode, Request, Ring, StepControls, TargetRequest};
use engine::solver::curve::Curve;
use engine::solver::dcw::Correction;
use engine::solver::gain::ChannelGain;
use engine::solver::schedule::Sampling;
use engine::solver::step::Method;
use support::{Dice, Stage, WIDTH, plain};

const DEPTH: usize = 5;
const FRAMES: usize = 7;

/// Every slot can hear every control: it has a target, and guidance.
fn request(seed: u64) -> Request {
    let mut dice = Dice(seed);
    let mut request = plain(FRAMES, seed);
    request.target = Some(TargetRequest { latent: dice.numbers(FRAMES * 64), curve: None, gate: 0.0 });
    request.negatives = vec![Condition::always(dice.numbers(2 * WIDTH))];
    request.guidance_mode = GuidanceMode::Full;
    request.controls.guidance_scale = Some(2.0.into());
    request
}

/// A stage with every slot in the second half of its schedule, and none in its last step.
fn stage() -> Stage {
    stage_of(request)
}

fn stage_of(request: impl Fn(u64) -> Request) -> Stage {
    let mut stage = Stage::new(Ring::new(DEPTH, Sampling { steps: 14, ..Sampling::default() }));
    for seed in 0..DEPTH as u64 {
        stage.submit(request(seed));
        assert!(stage.tick().is_empty());
    }
    for _ in 0..7 {
        assert!(stage.tick().is_empty());
    }
    stage
}

fn moved(set: impl Fn(&mut StepControls)) {
    let (mut still, mut moving) = (stage(), stage());
    for slot in 0..DEPTH {
        assert_eq!(still.latent(slot), moving.latent(slot), "slot {slot} differs before anything moved");
    }
    set(&mut moving.shared);
    still.tick();
    moving.tick();
    for slot in 0..DEPTH {
        assert_ne!(still.latent(slot), moving.latent(slot), "slot {slot} has not heard the control");
    }
}

#[test]
fn source_blend_is_in_the_next_tick() {
    moved(|it| it.source_blend = Some(Curve::from(vec![0.9; FRAMES])));
}

#[test]
fn velocity_scale_is_in_the_next_tick() {
    moved(|it| it.velocity_scale = Some(0.9.into()));
}

#[test]
fn ode_noise_is_in_the_next_tick() {
    moved(|it| it.ode_noise = Some(0.1.into()));
}

#[test]
fn target_strength_is_in_the_next_tick() {
    moved(|it| it.target_strength = Some(0.3.into()));
}

#[test]
fn guidance_scale_is_in_the_next_tick() {
    moved(|it| it.guidance_scale = Some(4.0.into()));
}

#[test]
fn guidance_rescale_is_in_the_next_tick() {
    moved(|it| it.guidance_rescale = Some(0.5.into()));
}

#[test]
fn momentum_is_in_the_next_tick() {
    moved(|it| it.momentum = Some(0.5.into()));
}

#[test]
fn channel_gains_are_in_the_next_tick() {
    moved(|it| it.channel_gains = Some([ChannelGain { first: 0, last: 3, gain: 1.5.into() }].into()));
}

#[test]
fn the_correction_is_in_the_next_tick() {
    moved(|it| it.correction = Some(Correction::off()));
}

#[test]
fn the_method_is_in_the_next_tick() {
    moved(|it| it.method = Some(Method::Sde));
}

#[test]
fn a_control_taken_back_leaves_every_slot_its_own() {
    // Two ticks of slots with a momentum of their own, each under the shared one or without.
    let run = |own: f32, shared: [Option<f32>; 2]| {
        let mut stage = stage_of(|seed| {
            let mut request = request(seed);
            request.controls.momentum = Some(own.into());
            request
        });
        for shared in shared {
            stage.shared.momentum = shared.map(Curve::from);
            stage.tick();
        }
        (0..DEPTH).map(|slot| stage.latent(slot)).collect::<Vec<_>>()
    };
    let always_own = run(0.25, [None, None]);
    assert_eq!(run(0.25, [Some(0.25), None]), always_own, "the shared value was the slot's own");
    let (taken_back, kept) = (run(0.25, [Some(-0.5), None]), run(0.25, [Some(-0.5), Some(-0.5)]));
    for (slot, own) in always_own.iter().enumerate() {
        assert_ne!(taken_back[slot], *own, "slot {slot} heard the shared value for a tick");
        assert_ne!(taken_back[slot], kept[slot], "slot {slot} has its own back");
    }
}
