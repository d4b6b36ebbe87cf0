//! What a gesture and a patch do to the fast side, seen from there: edges, the tape's head, its band.

use std::time::Duration;

use engine::live::{Swap, relay, set_queue};
use engine::param::{Edge, EdgeReceiver, ParamId, SnapshotReader, edge_queue};
use engine::playback::{DeckSize, LoopBand, Player, Tape, deck};
use hal::gesture::{Gesture, Key, Motion, SurfaceId, Transport};

use super::{Conductor, EngineLinks};
use crate::settings::patch::Patch;

/// Fifty latent frames: two seconds, four beats at 120.
const FRAMES: usize = 50;
const TAPE: usize = FRAMES * 1920;
/// Fewer than a patch may draw curves, so that some have to wait.
const EDGES: usize = 2;

struct Stage {
    conductor: Conductor,
    player: Player,
    edges: EdgeReceiver<Swap>,
    _values: SnapshotReader,
    now: Duration,
}

impl Stage {
    fn new(patch: &str) -> Self {
        let (player, _packer, transport) = deck(Tape::new(vec![[0.1; 2]; TAPE]).expect("a tape"), DeckSize::default());
        let (sender, edges) = edge_queue(EDGES);
        let engine = EngineLinks { edges: sender, decode_values: relay().0, sets: set_queue().0, transport };
        let (conductor, values) = Conductor::new(&parsed(patch), FRAMES, engine);
        Self { conductor, player, edges, _values: values, now: Duration::ZERO }
    }

    fn play(&mut self, motion: Motion) {
        self.now += Duration::from_millis(10);
        self.conductor.play(&Gesture { at: self.now, surface: SurfaceId::KEYS, motion }, &mut Vec::new());
    }

    fn strike(&mut self, key: char) {
        self.play(Motion::Struck(Key::Char(key)));
    }

    /// Where the head stands after one more period.
    fn head(&mut self) -> usize {
        self.player.fill(&mut [[0.0; 2]; 256]);
        self.conductor.transport().playhead().position
    }

    /// All edges, in the order in which they were sent.
    fn obeyed(&mut self) -> Vec<Edge<Swap>> {
        let mut obeyed = Vec::new();
        loop {
            let before = obeyed.len();
            // Whatever snapshot they belong to: what is asked here is what was sent.
            while let Some(edge) = self.edges.next_edge(u64::MAX) {
                obeyed.push(edge);
            }
            if obeyed.len() == before {
                return obeyed;
            }
            self.conductor.settle(self.now);
        }
    }

    /// The curves among the edges: whose, and their points.
    fn drawn(&mut self) -> Vec<(ParamId, Option<Vec<f32>>)> {
        let curve = |edge| match edge {
            Edge::SetCurve(id, curve) => (id, curve.map(|it: std::sync::Arc<[f32]>| it.to_vec())),
            other => panic!("a curve was drawn, {other:?} came"),
        };
        self.obeyed().into_iter().map(curve).collect()
    }
}

fn parsed(patch: &str) -> Patch {
    Patch::parse(patch).expect("a patch")
}

#[test]
fn keys_and_a_sequencer_move_the_head_to_where_they_say() {
    let mut stage = Stage::new("[prompt]\nbpm = 120\n");
    // The part of the tape is a number of 32 bits, and the place is cut to whole samples.
    let near = |stage: &mut Stage, wanted: usize, what: &str| {
        let head = stage.head();
        assert!(head.abs_diff(wanted + 256) <= 1, "{what}: the head is at {head}, not {wanted} and a period");
        head
    };
    let begin = near(&mut stage, 0, "nothing was said");
    stage.strike(']');
    let on = near(&mut stage, begin + TAPE / 20, "a key forward");
    stage.strike('[');
    let back = near(&mut stage, on - TAPE / 20, "a key back");
    stage.strike('[');
    near(&mut stage, TAPE + back - TAPE / 20, "back around the start of the tape");
    // Six sixteenths are a beat and a half of four.
    stage.play(Motion::Transport(Transport::Position(6)));
    near(&mut stage, TAPE * 3 / 8, "a song position");
    stage.play(Motion::Transport(Transport::Start));
    near(&mut stage, 0, "a start");
}

#[test]
fn the_loop_faders_are_the_band_that_is_heard() {
    let mut stage = Stage::new("[values]\nloop_start = 0.25\nloop_end = 0.5\n");
    let band = |from, to| LoopBand::new(from, to, TAPE).expect("on the tape");
    assert_eq!(stage.conductor.transport().band(), band(TAPE / 4, TAPE / 2));
    for _ in 0..400 {
        let head = stage.head();
        assert!((TAPE / 4..=TAPE / 2).contains(&head), "the head is at {head}");
    }
    stage.conductor.load(&parsed("[values]\nloop_end = 0.125\n"), 1, stage.now);
    assert_eq!(stage.conductor.transport().band(), band(0, TAPE / 8));
}

#[test]
fn a_patchs_curves_are_drawn_over_the_tape_and_go_with_it() {
    let mut stage = Stage::new(
        "[curves]\nsource_blend = [[0.0, 0.0], [1.0, 1.0]]\node_noise = [[0.5, 0.25]]\n\
         velocity_scale = [[0.0, 0.5]]\n",
    );
    let drawn = stage.drawn();
    let of = |id| drawn.iter().find(|it| it.0 == id).and_then(|it| it.1.clone()).expect("it is drawn");
    assert_eq!(drawn.len(), 3, "more than the queue holds, and none is lost: {drawn:?}");
    let ramp: Vec<f32> = (0..FRAMES).map(|frame| ((frame as f64 + 0.5) / FRAMES as f64) as f32).collect();
    assert_eq!(of(ParamId::SourceBlend), ramp, "a value a frame");
    assert_eq!(of(ParamId::OdeNoise), [0.25; FRAMES]);
    stage.conductor.load(&parsed("[curves]\node_noise = [[0.5, 0.5]]\n"), 1, stage.now);
    let mut drawn = stage.drawn();
    drawn.sort_by_key(|it| it.0);
    let kept = Some(vec![0.5; FRAMES]);
    let wanted = [(ParamId::SourceBlend, None), (ParamId::VelocityScale, None), (ParamId::OdeNoise, kept)];
    assert_eq!(drawn, wanted, "the next patch draws its own and takes the others back");
}

#[test]
fn every_press_of_reseed_is_one_edge_however_full_the_queue_is() {
    let mut stage = Stage::new("");
    (0..3 * EDGES).for_each(|_| stage.strike('r'));
    let obeyed = stage.obeyed();
    assert!(obeyed.iter().all(|it| matches!(it, Edge::Reseed)), "{obeyed:?}");
    assert_eq!(obeyed.len(), 3 * EDGES);
}

#[test]
fn the_end_of_the_tape_is_its_last_sample_and_is_no_fault() {
    let mut stage = Stage::new("");
    stage.conductor.seek(1.0);
    assert_eq!(stage.head(), 255, "a period from the last sample on, around the seam");
    let mut messages = crate::display::messages::Messages::new(true, []);
    stage.conductor.tell_faults(&mut messages);
    assert_eq!(messages.next_line(), None);
}

#[test]
fn orders_that_the_audio_thread_does_not_take_are_told() {
    let mut stage = Stage::new("");
    (0..65).for_each(|_| stage.conductor.seek(0.5));
    let mut messages = crate::display::messages::Messages::new(true, []);
    stage.conductor.tell_faults(&mut messages);
    assert!(messages.next_line().is_some_and(|line| line.contains("has not caught up")));
    stage.conductor.tell_faults(&mut messages);
    assert_eq!(messages.next_line(), None, "once");
}

#[test]
fn the_patchs_tempo_is_the_conductors() {
    let stage = Stage::new("[prompt]\nbpm = 90\n");
    assert_eq!(stage.conductor.tempo().bpm(stage.now), Some(90.0));
}

#[test]
fn the_machine_whose_clock_counts_is_forgotten_when_it_goes() {
    let mut stage = Stage::new("");
    let clock = SurfaceId(9);
    let say = |stage: &mut Stage, motion| {
        stage.now += Duration::from_millis(20);
        stage.conductor.play(&Gesture { at: stage.now, surface: clock, motion }, &mut Vec::new());
    };
    (0..30).for_each(|_| say(&mut stage, Motion::Transport(Transport::Clock)));
    assert_eq!(stage.conductor.tempo().clock().master(), Some(clock));
    say(&mut stage, Motion::Disconnected);
    assert_eq!(stage.conductor.tempo().clock().master(), None);
}

#[path = "conductor_meter_tests.rs"]
mod meter_tests;
#[path = "conductor_pause_tests.rs"]
mod pause_tests;
