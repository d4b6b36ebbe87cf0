//! Goal: every parameter takes effect exactly when its class says: one test a parameter, generated from the table.
//! Method: two performers play the same set; one has a knob turned at a tick in the middle. Every slot's latent after every
//! tick is recorded in both and compared bit for bit. Curves, seeds and choices are in `propagation/drawn.rs`.

#[path = "propagation/drawn.rs"]
mod drawn;
#[path = "propagation/stage.rs"]
mod stage;

use engine::param::{Class, ParamId, Values};
use stage::{Birth, Played, TURN, play};

/// The other value that the knob is turned to, and what has to stand before so that it can be heard at all.
struct Turn {
    before: Vec<(ParamId, f64)>,
    to: f64,
}

fn turn(id: ParamId) -> Turn {
    use ParamId as P;
    let guided = || vec![(P::CfgMode, 3.0), (P::GuidanceScale, 4.0)];
    let sde = || vec![(P::Method, 1.0), (P::SourceBlend, 0.3)];
    let dcw = |mode: f64| vec![(P::DcwMode, mode), (P::DcwScaler, 0.3), (P::DcwHighScaler, 0.3)];
    let (before, to) = match id {
        P::Method => (vec![], 1.0),
        P::SourceBlend => (sde(), 0.8),
        P::BlendPeriod => (sde(), 5.0),
        P::VelocityScale => (vec![], 0.7),
        P::OdeNoise => (vec![], 0.5),
        P::X0Target => (vec![], 0.5),
        P::GuidanceScale => (guided(), 9.0),
        P::CfgRescale | P::ApgMomentum => (guided(), 0.6),
        P::DcwEnabled => (dcw(2.0), 0.0),
        P::DcwMode => (dcw(2.0), 3.0),
        P::DcwWavelet => (dcw(2.0), 1.0),
        P::DcwScaler | P::DcwHighScaler => (dcw(2.0), 0.1),
        P::DcwMultBlend | P::DcwMagPhase => (dcw(2.0), 0.7),
        P::DcwSoftThresh => (dcw(2.0), 0.2),
        P::Denoise => (vec![], 0.8),
        P::Seed => (vec![], 7.0),
        P::Shift => (vec![], 5.0),
        P::Feedback => (vec![], 0.6),
        P::FeedbackTap => (vec![(P::Feedback, 0.5), (P::OdeNoise, 0.2)], 2.0),
        P::HintStrength | P::TimbreStrength => (vec![], 0.3),
        P::PromptBlend => (vec![], 0.5),
        P::PromptPath => (vec![(P::PromptBlend, 0.5)], 1.0),
        P::PromptA => (vec![], 2.0),
        P::PromptB => (vec![(P::PromptBlend, 0.5)], 3.0),
        P::CfgMode => (vec![(P::GuidanceScale, 4.0)], 1.0),
        P::X0TargetGate => (vec![], 0.6),
        P::Schedule => (vec![(P::Denoise, 0.7)], 1.0),
        P::Depth => (vec![], 6.0),
        P::Steps => (vec![], 5.0),
        P::GainDb => (vec![], -6.0),
        P::TapeFeedback => (vec![], 0.5),
        P::LoopStart => (vec![], 0.25),
        P::LoopEnd => (vec![], 0.75),
        P::WindowS => (vec![], 0.4),
        P::Transition => (vec![], 3.0),
        P::TransitionS => (vec![], 1.0),
        P::Tempo => (vec![], 90.0),
        P::TimeSignature | P::Key => (vec![], 2.0),
        // The channel gains: groups and keystones.
        _ => (vec![], 2.0),
    };
    Turn { before, to }
}

/// Whether a slot's step can hear the parameter at all, by the laws in `tests/golden/README.md`.
fn hears(id: ParamId, step: usize, steps: usize) -> bool {
    use ParamId as P;
    let last = step + 1 == steps;
    match id {
        // The last step is the clean estimate itself, whatever the solver and its noise.
        P::Method | P::OdeNoise => !last,
        // After the last step there is nothing left that the correction could pull apart.
        P::DcwEnabled | P::DcwMode | P::DcwScaler | P::DcwHighScaler => !last,
        P::X0Target => step >= steps / 2,
        // There is no momentum before there is an average.
        P::ApgMomentum => step > 0,
        _ => true,
    }
}

fn holds(id: ParamId) {
    let Turn { before, to } = turn(id);
    let mut values = Values::default();
    before.iter().for_each(|&(id, value)| assert!(values.set(id, value), "{id:?} takes {value}"));
    let mut turned = values;
    assert!(turned.set(id, to) && turned != values, "{id:?} is turned to another value, {to}");
    match id.row().class {
        Class::Step => step_class(id, &play(id, values, values), &play(id, values, turned)),
        Class::Slot => slot_class(&play(id, values, values), &play(id, values, turned)),
        Class::Load => load_class(id, &play(id, values, values), &play(id, values, turned)),
        Class::Decode => stage::decode_class(id, values, turned),
    }
}

/// Heard in the very next tick, in every slot in flight that can hear it.
fn step_class(id: ParamId, still: &Played, moved: &Played) {
    assert!(still.ticks[..TURN] == moved.ticks[..TURN], "before the knob was turned both are the same");
    let (still, moved) = (&still.ticks[TURN], &moved.ticks[TURN]);
    assert_eq!(still.len(), stage::DEPTH, "every slot is in flight when the knob is turned");
    for (a, b) in still.iter().zip(moved) {
        assert_eq!((a.slot, a.step), (b.slot, b.step));
        let heard = a.latent != b.latent;
        assert_eq!(heard, hears(id, a.step, a.steps), "slot {} at step {} of {}", a.slot, a.step, a.steps);
    }
}

/// Slots born before the turn never hear it; every slot born after does.
fn slot_class(still: &Played, moved: &Played) {
    let lives = |played: &Played, birth: &Birth| -> Vec<Vec<f32>> {
        let steps = played.ticks.iter().skip(birth.tick).map_while(|tick| {
            let step = tick.iter().find(|it| it.slot == birth.slot)?;
            Some(step.clone())
        });
        let mut latents = Vec::new();
        for (at, step) in steps.enumerate() {
            if step.step != at {
                break;
            }
            latents.push(step.latent);
        }
        latents
    };
    assert_eq!(still.births.len(), moved.births.len());
    let (mut old, mut new) = (0, 0);
    for (a, b) in still.births.iter().zip(&moved.births) {
        assert_eq!((a.tick, a.slot), (b.tick, b.slot));
        let (a_lives, b_lives) = (lives(still, a), lives(moved, b));
        if a.tick < TURN {
            assert!(a_lives == b_lives, "the slot born at tick {} lived through the turn unheard", a.tick);
            old += usize::from(a.tick + a_lives.len() > TURN);
        } else if !a_lives.is_empty() {
            assert!(a_lives != b_lives, "the slot born at tick {} was born with the new value", a.tick);
            new += 1;
        }
    }
    assert!(old >= 2 && new >= 2, "{old} slots lived through the turn, {new} were born after it");
}

/// Depth and steps need nothing prepared on the CPU: slots in flight finish as they were born.
fn load_class(id: ParamId, still: &Played, moved: &Played) {
    let of_old = |played: &Played| -> Vec<stage::Step> {
        let old: Vec<usize> = played.ticks[TURN - 1].iter().map(|it| it.slot).collect();
        played.ticks[TURN].iter().filter(|it| old.contains(&it.slot) && it.step > 0).cloned().collect()
    };
    assert!(of_old(still) == of_old(moved), "slots in flight go on as they were born");
    let after = &moved.ticks[moved.ticks.len() - 1];
    match id {
        ParamId::Depth => assert_eq!(after.len(), 6, "the ring grew"),
        ParamId::Steps => assert!(after.iter().all(|it| it.steps == 5), "all slots were born with the new count"),
        other => panic!("{other:?} is a load-class value without a law in this test"),
    }
}

macro_rules! every_parameter {
    ($($id:ident),*) => {$(
        #[test]
        #[allow(non_snake_case)]
        fn $id() {
            holds(ParamId::$id);
        }
    )*};
}

engine::for_each_parameter!(every_parameter);
