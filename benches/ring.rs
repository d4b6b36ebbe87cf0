//! Goal: the host's bookkeeping for one tick at depth 8 stays under 100 us; and what the whole tick side takes beside the
//! network and the solver.
//! Method: a backend that computes nothing. First a ring alone: every tick a request is made and submitted, controls are
//! snapshot, and the ring plans and ends a tick. Then a performer over a tape of a minute, with every knob moving: births
//! are mixed, steering is made anew, what finishes is remembered for feedback and published. Mixing and copying touch
//! whole latents, so those figures are told apart from the bookkeeping.

#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use engine::backend::{Backend, BackendError};
use engine::live::{Load, Material, Performer, Prompt, latents, tick};
use engine::param::{Class, Edge, ParamId, Values};
use engine::ring::plan::{Birth, TickPlan};
use engine::ring::request::CONTEXT_CHANNELS;
use engine::ring::{Request, Ring, StepControls};
use engine::solver::schedule::Sampling;

const FRAMES: usize = 1500;
/// Tokens of a long prompt, and their width in the large model.
const TOKENS: usize = 512;
const WIDTH: usize = 2048;

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
    for (words, moving) in
        [("at rest", None), ("step knobs moving", Some(Class::Step)), ("slot knobs moving", Some(Class::Slot))]
    {
        tick_side(&mut bench, words, moving);
    }
}

/// The tick side at depth 8 and 8 steps, so that a slot is born and one finishes in every tick: the worst there is.
fn tick_side(bench: &mut support::Bench, words: &str, moving: Option<Class>) {
    let (writer, _reader) = latents(FRAMES * 64);
    let backend = Box::new(Nothing(vec![0.25; FRAMES * 64]));
    let mut performer = Performer::new(Load::new(material(), backend, writer));
    performer.obey(Edge::SetCurve(ParamId::VelocityScale, Some(vec![1.0; FRAMES].into())));
    let (mut values, mut turn, mut finished) = (Values::default(), 0, 0);
    values.set(ParamId::Depth, 8.0);
    bench.measure(&format!("tick side at depth 8, 60 s, {words}"), 100, 2000, || {
        turn += 1;
        for (at, id) in ParamId::all().enumerate().filter(|(_, id)| Some(id.row().class) == moving) {
            let place = ((turn * (2 * at + 3) + 7 * at) % 97) as f64 / 96.0;
            values.set(id, id.row().at(place));
        }
        finished += performer.tick(&values, |_, _| ()).expect("the backend cannot fail").finished;
    });
    assert!(2000 < finished, "a latent finishes in every tick, {finished} did");
}

fn material() -> Arc<Material> {
    let latent = |level: f32| -> Arc<[f32]> { vec![level; FRAMES * 64].into() };
    let prompt = |level: f32| {
        let tokens = |level: f32| -> Arc<[f32]> { vec![level; TOKENS * WIDTH].into() };
        Prompt { weight: 1.0, with_timbre: tokens(level), neutral: tokens(-level) }
    };
    Arc::new(Material {
        frames: FRAMES,
        token_width: WIDTH,
        source: latent(0.5),
        hints: latent(0.75),
        silence: latent(0.0),
        prompts: vec![prompt(1.0), prompt(2.0)],
        unconditional: vec![0.0; WIDTH].into(),
    })
}
