//! Goal: once prepared, a tick allocates and frees nothing: births, steps, guidance, masks and every wavelet included.
//! Method: the allocator itself refuses within the tick (`assert_no_alloc`).

#[path = "ring_support/mod.rs"]
mod support;

use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use engine::ring::plan::TickPlan;
use engine::ring::{Ring, tick};
use engine::solver::dcw::{Correction, Faders};
use engine::solver::schedule::Sampling;
use engine::solver::wavelet::Wavelet;
use support::{Dice, Stage};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const FRAMES: usize = 24;

#[test]
fn a_warm_tick_allocates_nothing() {
    let mut dice = Dice(11);
    let mut stage = Stage::new(Ring::new(4, Sampling { steps: 4, ..Sampling::default() }));
    let requests: Vec<_> = (0..64).map(|_| Arc::new(dice.request(FRAMES))).collect();
    let faders = Faders { soft_threshold: 0.1, multiplicative: 0.3, phase: 0.4 };
    let wavelet = Wavelet::named("sym8").expect("a wavelet of the table");
    stage.shared.correction = Some(Correction { wavelet, faders, ..Correction::default() });
    let Stage { ring, backend, plan, shared } = &mut stage;
    *plan = TickPlan::new();
    backend.prepare(FRAMES);
    let mut finished = 0;
    for (at, request) in requests.iter().cycle().take(192).enumerate() {
        let request = Arc::clone(request);
        let once = || {
            ring.submit(request).expect("the request is sound");
            tick(ring, backend, plan, shared, &mut |_| finished += 1).expect("the toy can compute");
        };
        // The first birth of a slot grows its schedule and plans the transform; from then on nothing may grow.
        if at < 6 { once() } else { assert_no_alloc(once) }
    }
    assert!(40 < finished, "{finished} latents left");
}
