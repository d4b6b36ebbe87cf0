//! A conductor over the very tick side that plays, with a backend that writes down what it is told.

use std::sync::{Arc, Mutex};

use engine::backend::{Backend, BackendError};
use engine::live::{Load, Material, Performer, Prompt, Swap, TickSide, latents, relay, set_queue};
use engine::param::{Edge, edge_queue};
use engine::playback::{DeckSize, Tape, deck};
use engine::ring::StepControls;
use engine::ring::plan::{Birth, TickPlan};
use engine::solver::curve::Curve;

use super::*;

const FRAMES: usize = 25;

/// What a tick ran under: the first point of the velocity's curve, or its value; and the noise.
type Heard = (f32, f32);

struct Watcher(Arc<Mutex<Vec<Heard>>>, Vec<f32>);

impl Backend for Watcher {
    fn fill(&mut self, _birth: &Birth) -> Result<(), BackendError> {
        Ok(())
    }

    fn advance(&mut self, _plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        let first = |curve: &Option<Curve>| curve.as_ref().map_or(0.0, |it| it.at(0, FRAMES));
        let heard = (first(&shared.velocity_scale), first(&shared.ode_noise));
        self.0.lock().expect("nobody panics with it").push(heard);
        Ok(0)
    }

    fn latent(&mut self, _slot: usize) -> &[f32] {
        &self.1
    }
}

fn material() -> Arc<Material> {
    let latent = || -> Arc<[f32]> { vec![0.0; FRAMES * 64].into() };
    let tokens: Arc<[f32]> = [0.0; 4].into();
    let prompt = || Prompt { weight: 1.0, with_timbre: Arc::clone(&tokens), neutral: Arc::clone(&tokens) };
    Arc::new(Material {
        frames: FRAMES,
        token_width: 4,
        source: latent(),
        hints: latent(),
        silence: latent(),
        prompts: vec![prompt(), prompt()],
        unconditional: tokens.clone(),
    })
}

/// A conductor under a patch, the tick side, and what it hears.
fn stage(first: &Patch) -> (Conductor, TickSide, Arc<Mutex<Vec<Heard>>>) {
    let tape = Tape::new(vec![[0.1; 2]; FRAMES * 1920]).expect("a tape");
    let (_player, _packer, transport) = deck(tape, DeckSize::default());
    let (edges, receiver) = edge_queue::<Swap>(64);
    let (decode_values, _reader) = relay();
    let (conductor, snapshots) =
        Conductor::new(first, FRAMES, EngineLinks { edges, decode_values, sets: set_queue().0, transport });
    let heard = Arc::new(Mutex::new(Vec::new()));
    let backend = Watcher(Arc::clone(&heard), vec![0.0; FRAMES * 64]);
    let (writer, _latents) = latents(FRAMES * 64);
    let performer = Performer::new(Load::new(material(), Box::new(backend), writer));
    (conductor, TickSide::new(performer, snapshots, receiver), heard)
}

fn patch(curve: Option<f32>, noise: f32) -> Patch {
    let curve = curve.map_or(String::new(), |it| {
        format!("[curves]\nvelocity_scale = [[0.0, {it}]]\ncfg_rescale = [[0.0, 0.5]]\nx0_target = [[0.0, 0.5]]\n")
    });
    Patch::parse(&format!("[values]\node_noise = {noise}\n{curve}")).expect("a patch")
}

fn tick(side: &mut TickSide, heard: &Mutex<Vec<Heard>>) -> Heard {
    side.tick(|_, _| ()).expect("the watcher cannot fail");
    *heard.lock().expect("nobody panics with it").last().expect("it ticked")
}

#[test]
fn a_patch_and_its_curves_reach_the_same_tick_however_full_the_queue_is() {
    let (one, two) = (patch(Some(0.75), 0.25), patch(Some(1.25), 0.5));
    let (mut conductor, mut side, heard) = stage(&one);
    assert_eq!(tick(&mut side, &heard), (0.75, 0.25), "from the first tick on");
    for waiting in 55..=70 {
        for (patch, before, after) in [(&two, (0.75, 0.25), (1.25, 0.5)), (&one, (1.25, 0.5), (0.75, 0.25))] {
            // Edges in front of the curves: some of those, or all, find no room at first.
            (0..waiting).for_each(|_| conductor.held.push_back(Edge::Reseed));
            conductor.load(patch, 1, Duration::ZERO);
            let whole = tick(&mut side, &heard);
            assert!(whole == before || whole == after, "{waiting} edges before: {whole:?}");
            // The queue is empty again: the next round of the conductor sends the rest.
            conductor.settle(Duration::ZERO);
            conductor.settle(Duration::ZERO);
            assert_eq!(tick(&mut side, &heard), after, "{waiting} edges before");
        }
    }
}

#[test]
fn no_tick_of_a_running_instrument_hears_values_of_one_patch_under_curves_of_another() {
    let (one, two) = (patch(Some(0.75), 0.25), patch(Some(1.25), 0.5));
    let (mut conductor, mut side, heard) = stage(&one);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                tick(&mut side, &heard);
            }
        });
        let ticks = || heard.lock().expect("nobody panics with it").len();
        for turn in 0..1_000 {
            let before = ticks();
            conductor.load(if turn % 2 == 0 { &two } else { &one }, 1, Duration::ZERO);
            // At least one tick of each patch; where in the load the ticks fall is for the machine to say.
            while ticks() == before {
                std::thread::yield_now();
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let heard = heard.lock().expect("nobody panicked");
    let mixed = heard.iter().find(|it| ![(0.75, 0.25), (1.25, 0.5)].contains(it));
    assert_eq!(mixed, None, "in {} ticks", heard.len());
    let changes = heard.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(200 < changes, "{changes} changes in {} ticks are too few to say anything", heard.len());
}

#[test]
fn undo_of_a_patch_brings_the_curves_before_it_back_and_redo_its_own() {
    let (mut conductor, mut side, heard) = stage(&patch(Some(0.75), 0.25));
    let undo = |conductor: &mut Conductor, back: bool| {
        assert!(if back { conductor.desk.undo() } else { conductor.desk.redo() });
        conductor.settle(Duration::ZERO);
    };
    conductor.load(&patch(None, 0.5), 1, Duration::ZERO);
    assert_eq!(tick(&mut side, &heard), (1.0, 0.5), "this one draws nothing");
    conductor.load(&patch(Some(1.25), 0.125), 1, Duration::ZERO);
    assert_eq!(tick(&mut side, &heard), (1.25, 0.125));
    for (back, expected) in [(true, (1.0, 0.5)), (true, (0.75, 0.25)), (false, (1.0, 0.5)), (false, (1.25, 0.125))] {
        undo(&mut conductor, back);
        assert_eq!(tick(&mut side, &heard), expected);
    }
}

#[test]
fn a_reseed_reaches_the_next_birth() {
    let (mut conductor, mut side, heard) = stage(&patch(None, 0.25));
    tick(&mut side, &heard);
    let before = side.performer().seed(conductor.store().values());
    conductor.held.push_back(Edge::Reseed);
    conductor.settle(Duration::ZERO);
    tick(&mut side, &heard);
    assert_eq!(side.performer().seed(conductor.store().values()), before + 1);
}

#[test]
fn whatever_the_fast_threads_are_to_hear_rings_and_nothing_else_does() {
    let (one, two) = (patch(Some(0.75), 0.25), patch(None, 0.5));
    let (mut conductor, _side, _) = stage(&one);
    let bells = [Bell::default(), Bell::default()];
    conductor.ring_with(bells.clone());
    let mut rings = |work: &dyn Fn(&mut Conductor)| {
        let mut rang = [false; 2];
        rang[0] = bells[0].sleep(Duration::ZERO, || {
            rang[1] = bells[1].sleep(Duration::ZERO, || {
                work(&mut conductor);
                true
            });
            true
        });
        assert_eq!(rang[0], rang[1], "both or none");
        rang[0]
    };
    assert!(rings(&|it| it.settle(Duration::ZERO)), "who begins to sleep has heard nothing yet");
    assert!(!rings(&|it| it.settle(Duration::from_secs(1))));
    assert!(rings(&|it| it.load(&two, 1, Duration::from_secs(2))), "values and curves");
    assert!(!rings(&|it| it.settle(Duration::from_secs(3))));
    assert!(rings(&|it| {
        it.held.push_back(Edge::Reseed);
        it.settle(Duration::from_secs(4));
    }));
    assert!(!rings(&|it| it.settle(Duration::from_secs(5))));
}
