//! Goal: the solver's arithmetic for one tick at depth 8 over a minute of sound stays under 3 ms on two cores.
//! Method: eight slots step through the instrument's own CPU backend with a denoiser that costs nothing, so that only
//! noise, source blend, step and wavelet correction are left; other settings are timed beside the usual ones.

#[path = "support/processor_time.rs"]
mod processor_time;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use engine::backend::{Backend, CpuBackend, Denoiser, DenoiserError, DenoiserRow};
use engine::graph::cpu::Pool;
use engine::ring::plan::{Birth, PlanRow, SlotStep, TickPlan};
use engine::ring::request::CONTEXT_CHANNELS;
use engine::ring::{Condition, MAX_DEPTH, Request, StepControls};
use engine::solver::curve::Curve;
use engine::solver::dcw::{Correction, Faders};
use engine::solver::noise::Philox;
use engine::solver::step::{Method, StepSpan};
use engine::solver::wavelet::Wavelet;
use processor_time::worked_us;

/// A minute of latent frames.
const FRAMES: usize = 1500;

/// Leaves the velocity as it was: nothing of the network is timed.
struct Silent;

impl Denoiser for Silent {
    fn velocity(&mut self, _row: &DenoiserRow<'_>, _out: &mut [f32]) -> Result<(), DenoiserError> {
        Ok(())
    }
}

fn main() {
    let mut bench = support::Bench::new("solver arithmetic of one tick, depth 8, 1500 frames");
    let curve = || Some(Curve::from((0..FRAMES).map(|at| 0.3 + 0.4 * (at as f32 * 0.01).sin()).collect::<Vec<_>>()));
    let usual = StepControls { source_blend: curve(), ..StepControls::default() };
    let correction = |correction| StepControls { correction: Some(correction), ..usual.clone() };
    let db4 = Wavelet::named("db4").expect("a wavelet of the table");
    let faders = Faders { soft_threshold: 0.1, multiplicative: 0.3, phase: 0.4 };
    let settings = [
        ("source blend, noise, correction", 2, usual.clone()),
        ("source blend, noise, correction; one thread", 1, usual.clone()),
        ("source blend, noise", 2, correction(Correction::off())),
        ("plain ODE", 2, StepControls { correction: Some(Correction::off()), ..StepControls::default() }),
        ("plain SDE", 2, StepControls { method: Some(Method::Sde), ..correction(Correction::off()) }),
        (
            "source blend, noise, correction with db4",
            1,
            correction(Correction { wavelet: db4, ..Correction::default() }),
        ),
        (
            "source blend, noise, correction with all faders",
            1,
            correction(Correction { faders, ..Correction::default() }),
        ),
    ];
    for (name, threads, shared) in settings {
        time(&mut bench, name, threads, false, &shared);
    }
    let guided = StepControls { guidance_scale: Some(3.0.into()), ..usual };
    time(&mut bench, "source blend, noise, correction, guidance", 1, true, &guided);
}

fn time(bench: &mut support::Bench, name: &str, threads: usize, guided: bool, shared: &StepControls) {
    let mut backend = CpuBackend::with(Silent, Philox, Pool::new(threads));
    let mut plan = TickPlan::new();
    for slot in 0..MAX_DEPTH {
        let request = Arc::new(request(slot, guided));
        backend.fill(&Birth { slot, request, start: 1.0 }).expect("the slot is filled");
        let (row, span) = (PlanRow { slot, condition: 0 }, StepSpan { now: 0.6, next: 0.5 });
        plan.positive.push(row);
        let negative = if guided { slot..slot + 1 } else { 0..0 };
        if guided {
            plan.negative.push(row);
        }
        plan.steps.push(SlotStep { slot, step: 3, steps: 8, span, positive: slot..slot + 1, negative });
    }
    let mut worked = Vec::new();
    bench.measure(&format!("solver: {name}"), 30, 300, || {
        let before = worked_us();
        assert_eq!(backend.advance(&plan, shared), Ok(0), "every slot stays finite");
        worked.push(worked_us() - before);
    });
    if threads == 1 {
        worked.sort_by(f64::total_cmp);
        bench.value(&format!("solver: {name}, processor time p50"), worked[worked.len() / 2], "us");
    }
}

fn request(slot: usize, guided: bool) -> Request {
    let source: Vec<f32> = (0..FRAMES * 64).map(|at| ((at * 31 + slot) % 97) as f32 / 50.0 - 1.0).collect();
    let mut request = Request::new(FRAMES, vec![0.0; FRAMES * CONTEXT_CHANNELS].into(), vec![0.0; 64].into());
    request.seed = slot as u64;
    request.source = Some(source.into());
    if guided {
        request.negatives = vec![Condition::always(vec![0.0; 64].into())];
        request.controls.guidance_scale = Some(3.0.into());
    }
    request
}
