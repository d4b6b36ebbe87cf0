//! Goal: a velocity that is not finite costs the one slot it belongs to; a row that cannot be computed costs nothing but the
//! tick, which can be run again.
//! Method: a stage beside an undisturbed one, compared latent for latent.

#[path = "ring_support/mod.rs"]
mod support;

use engine::backend::{BackendError, DenoiserError};
use engine::ring::{Ring, tick};
use engine::solver::schedule::Sampling;
use support::{Dice, Stage, WIDTH, plain};

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
fn a_tick_whose_row_failed_can_be_run_again_as_if_nothing_had_happened() {
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
            stage.backend.denoiser().fails_in = Some(stage.backend.denoiser().rows + 1);
            let Stage { ring, backend, plan, shared } = &mut stage;
            let failed = tick(ring, backend, plan, shared, &mut |_| panic!("nothing may leave a tick that failed"));
            let expected = DenoiserError::TooManyTokens { found: 3 * WIDTH / WIDTH, most: 0 };
            assert_eq!(failed, Err(BackendError::Row(expected)));
        }
        stage.drain()
    };
    assert_eq!(run(true), run(false));
}
