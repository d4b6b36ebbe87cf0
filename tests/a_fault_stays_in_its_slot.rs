//! Goal: a velocity that is not finite, and a row that cannot be computed, cost the one slot they belong to, and it is said;
//! the others go on in the same tick, and what can never be computed is not tried for ever.
//! Method: a stage beside an undisturbed one, compared latent for latent.

#[path = "ring_support/mod.rs"]
mod support;

use std::sync::Arc;

use engine::backend::{BackendError, CpuBackend, Denoiser, DenoiserError, DenoiserRow};
use engine::live::tick;
use engine::ring::plan::TickPlan;
use engine::ring::{Condition, Ring, StepControls};
use engine::solver::schedule::Sampling;
use support::{Dice, Stage, Toy, WIDTH, plain};

const FRAMES: usize = 5;

fn stage() -> Stage {
    let mut stage = Stage::new(Ring::new(3, Sampling { steps: 4, ..Sampling::default() }));
    for seed in 0..3 {
        stage.submit(plain(FRAMES, seed));
    }
    stage
}

#[test]
fn a_slot_that_is_not_finite_is_dropped_and_its_neighbours_never_know() {
    let (mut sound, mut ill) = (stage(), stage());
    sound.tick();
    ill.tick();
    let tokens = ill.ring.slot(1).expect("three slots live").request.conditions[0].tokens.as_ptr() as usize;
    ill.backend.denoiser().poisoned = Some(tokens);
    let mut left = ill.drain();
    assert_eq!(left.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(ill.ring.counters().slots_unsound, 1);
    let mut expected = sound.drain();
    expected.retain(|it| it.0 != 1);
    left.sort_by_key(|it| it.0);
    assert_eq!(left, expected);
}

#[test]
fn a_row_that_fails_costs_its_slot_says_so_and_its_neighbours_never_know() {
    let masked = |seed| {
        let mut request = plain(FRAMES, seed);
        let mut dice = Dice(seed);
        request.mask = Some(engine::ring::MaskRequest {
            curve: 0.5.into(),
            original: dice.numbers(FRAMES * 64),
            strength: engine::solver::mask::MaskStrength::FULL,
            noise: None,
            seed,
        });
        request
    };
    let run = |failing: bool| {
        let mut stage = stage();
        stage.submit(masked(7));
        stage.tick();
        if failing {
            // The second row of the tick: the first slot's has been computed by then, and is computed again.
            stage.backend.denoiser().fails_in = Some(stage.backend.denoiser().rows + 1);
        }
        let Stage { ring, backend, plan, shared } = &mut stage;
        let report = tick(ring, backend, plan, shared, &mut |_| panic!("nobody is done")).expect("no device failed");
        let error = DenoiserError::TooManyTokens { found: 3, most: 0 };
        let refusal = failing.then_some(BackendError::RowOf { slot: 1, error });
        assert_eq!((report.refused, report.refusal), (usize::from(failing), refusal));
        assert_eq!(report.advanced, if failing { 2 } else { 3 });
        assert_eq!(stage.ring.counters().slots_refused, u64::from(failing));
        stage.drain()
    };
    let (mut undisturbed, disturbed) = (run(false), run(true));
    // The fourth request made the first give way, so the second slot holds the third.
    undisturbed.retain(|it| it.0 != 2);
    assert_eq!(undisturbed.len(), 2);
    assert_eq!(disturbed, undisturbed);
}

/// Computes as the toy does, but refuses long prompts: as a plan that was compiled for shorter ones.
#[derive(Default)]
struct Short(Toy);

const MOST: usize = 3;

impl Denoiser for Short {
    fn check(&self, _frames: usize, tokens: &[f32]) -> Result<(), DenoiserError> {
        let found = tokens.len() / WIDTH;
        if MOST < found { Err(DenoiserError::TooManyTokens { found, most: MOST }) } else { Ok(()) }
    }

    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        self.check(0, row.tokens)?;
        self.0.velocity(row, out)
    }
}

#[test]
fn a_prompt_that_never_fits_is_refused_at_its_birth_wherever_it_stands_and_the_others_are_born() {
    let too_long = |seed, negative: bool| {
        let mut request = plain(FRAMES, seed);
        let long = Condition::always(Dice(seed).numbers((MOST + 1) * WIDTH));
        if negative {
            request.controls.guidance_scale = Some(2.0.into());
            request.negatives = vec![long];
        } else {
            request.conditions.push(long);
        }
        request
    };
    let mut ring = Ring::new(4, Sampling { steps: 4, ..Sampling::default() });
    let (mut backend, mut plan) = (CpuBackend::new(Short::default()), TickPlan::new());
    let (mut refused, mut left) = (0, Vec::new());
    for request in [plain(FRAMES, 0), too_long(1, false), plain(FRAMES, 2), too_long(3, true)] {
        ring.submit(Arc::new(request)).expect("it is sound");
    }
    for at in 0..4 {
        let mut emit = |it: engine::live::Finished<'_>| left.push(it.ticket);
        let report = tick(&mut ring, &mut backend, &mut plan, &StepControls::default(), &mut emit).expect("no device");
        refused += report.refused;
        assert_eq!((report.born, report.advanced), (if at == 0 { 2 } else { 0 }, 2));
    }
    assert_eq!((refused, left), (2, vec![0, 2]), "each is refused once, the others finish");
}
