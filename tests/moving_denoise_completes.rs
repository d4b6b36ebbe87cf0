//! Goal: a denoise value that moves on every tick disturbs nothing that is in flight.
//! Method: 60 ticks, 60 requests, 60 different values; each of them must leave, finished under the value it was born with.

#[path = "ring_support/mod.rs"]
mod support;

use engine::ring::Ring;
use engine::solver::schedule::Sampling;
use support::{Stage, plain};

const TICKS: usize = 60;

#[test]
fn every_generation_completes_while_denoise_moves_on_every_tick() {
    let sampling = Sampling::default();
    let mut stage = Stage::new(Ring::new(8, sampling));
    let denoise = |at: usize| 0.2 + 0.8 * (at as f64 * 0.37).sin().abs();
    let mut left = Vec::new();
    for at in 0..TICKS {
        let mut request = plain(6, at as u64);
        request.denoise = denoise(at);
        stage.submit(request);
        left.extend(stage.tick());
        for slot in stage.ring.slots().flatten() {
            let born_with = sampling.levels(slot.request.denoise);
            assert_eq!(slot.levels, born_with, "a schedule in flight changed");
        }
    }
    left.extend(stage.drain());
    let tickets: Vec<u64> = left.iter().map(|it| it.0).collect();
    assert_eq!(tickets, (0..TICKS as u64).collect::<Vec<_>>(), "60 of 60, in order");
}
