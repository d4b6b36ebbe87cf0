//! Goal: a slot's result is that of the slot alone, bit for bit, whatever the depth, the neighbours or the threads.
//! Method: random rings of random requests (prompt lengths, guidance modes, masks, targets, curves, noise) are run to their
//! end; every latent that leaves is made again alone, at depth 1 on one thread.

#[path = "ring_support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::graph::cpu::Pool;
use engine::ring::{Request, Ring, Shrink, StepControls};
use engine::solver::schedule::{Sampling, ScheduleLaw};
use engine::solver::step::Method;
use proptest::prelude::*;
use support::{Dice, Stage};

fn alone(request: &Arc<Request>, sampling: Sampling, shared: &StepControls) -> Vec<f32> {
    let mut stage = Stage::new(Ring::new(1, sampling));
    stage.shared = shared.clone();
    stage.submit(Request::clone(request));
    stage.drain().pop().expect("a request alone finishes").1
}

fn bits(latent: &[f32]) -> Vec<u32> {
    latent.iter().map(|it| it.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_slot_in_any_ring_makes_what_it_makes_alone(
        seed in any::<u64>(),
        depth in 1..=8_usize,
        frames in 1..14_usize,
        steps in 1..6_usize,
        threads in 1..=2_usize,
        controls in 0..4_usize,
    ) {
        let law = if seed & 1 == 0 { ScheduleLaw::Continuous } else { ScheduleLaw::Stepped };
        let sampling = Sampling { steps, shift: 2.0, law };
        let mut dice = Dice(seed);
        let mut stage = Stage::with(Ring::new(depth, sampling), Pool::new(threads));
        stage.shared = StepControls {
            source_blend: (controls == 1).then(|| dice.curve(frames)),
            method: (controls == 2).then_some(Method::Sde),
            ..StepControls::default()
        };
        let mut requests = BTreeMap::new();
        let mut left = Vec::new();
        for at in 0..12 {
            for _ in 0..dice.below(3) {
                let request = dice.request(frames);
                let ticket = stage.submit(request.clone());
                requests.insert(ticket, Arc::new(request));
            }
            if at == 6 {
                stage.ring.shrink = Shrink::Drain;
                stage.ring.set_depth(1 + dice.below(8));
            }
            left.extend(stage.tick());
        }
        left.extend(stage.drain());
        prop_assert_eq!(stage.ring.counters().slots_unsound, 0);
        for (ticket, latent) in left {
            let expected = alone(&requests[&ticket], sampling, &stage.shared);
            prop_assert_eq!(bits(&latent), bits(&expected), "ticket {}", ticket);
        }
    }
}

#[test]
fn the_same_requests_leave_the_same_latents_at_every_depth() {
    let made = |depth: usize| -> BTreeMap<u64, Vec<u32>> {
        let mut stage = Stage::new(Ring::new(depth, Sampling { steps: 4, ..Sampling::default() }));
        let mut dice = Dice(77);
        let mut left = BTreeMap::new();
        for _ in 0..10 {
            while stage.ring.waiting().len() == depth {
                left.extend(stage.tick().into_iter().map(|(ticket, latent)| (ticket, bits(&latent))));
            }
            let request = dice.request(9);
            stage.submit(request);
        }
        left.extend(stage.drain().into_iter().map(|(ticket, latent)| (ticket, bits(&latent))));
        left
    };
    let alone = made(1);
    assert_eq!(alone.len(), 10);
    for depth in 2..=8 {
        assert_eq!(made(depth), alone, "depth {depth}");
    }
}
