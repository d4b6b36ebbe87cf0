//! Goal: the host's bookkeeping for one tick at depth 8 stays under 100 us.
//! Method: every tick a request is made and submitted (as a moving knob does), controls are snapshot, and the ring plans
//! and ends a tick against a backend that computes nothing.

#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use engine::backend::{Backend, BackendError};
use engine::ring::plan::{Birth, TickPlan};
use engine::ring::request::CONTEXT_CHANNELS;
use engine::ring::{Request, Ring, StepControls, tick};
use engine::solver::schedule::Sampling;

const FRAMES: usize = 1500;

/// Computes nothing.
struct Nothing(Vec<f32>);

impl Backend for Nothing {
    fn fill(&mut self, _birth: &Birth) -> Result<(), BackendError> {
        Ok(())
    }

    fn advance(&mut self, _plan: &TickPlan, _shared: &StepControls) -> Result<u8, BackendError> {
        Ok(0)
    }

    fn latent(&mut self, _slot: usize) -> &[f32] {
        &self.0
    }
}

fn main() {
    let mut bench = support::Bench::new("host bookkeeping of one tick");
    let mut request = Request::new(FRAMES, vec![0.0; FRAMES * CONTEXT_CHANNELS].into(), vec![0.0; 64].into());
    request.source = Some(vec![0.0; FRAMES * 64].into());
    for depth in [1, 4, 8] {
        let mut ring = Ring::new(depth, Sampling::default());
        let mut backend = Nothing(vec![0.0; 64]);
        let mut plan = TickPlan::new();
        let controls = StepControls { source_blend: Some(vec![0.5; FRAMES].into()), ..StepControls::default() };
        let mut finished = 0;
        let mut knob = 0.0_f64;
        bench.measure(&format!("host bookkeeping at depth {depth}"), 100, 2000, || {
            knob = (knob + 0.013).fract();
            let born = Request { denoise: 0.2 + 0.8 * knob, ..request.clone() };
            ring.submit(Arc::new(born)).expect("the request is sound");
            let snapshot = controls.clone();
            let result = tick(&mut ring, &mut backend, &mut plan, &snapshot, &mut |_| finished += 1);
            assert!(result.is_ok(), "the backend cannot fail");
        });
        assert!(0 < finished, "something finished");
    }
}
