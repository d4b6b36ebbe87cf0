//! Goal: a performance goes on where the last one was, and what plays already is not changed by an engine that comes.
//! Method: conductors over players of this process and over shared memory; the first snapshot that a tick would see, and what is heard.

use engine::boundary::{Arena, Sizes};
use engine::latent::{SAMPLES_PER_LATENT_FRAME as FRAME, StereoFrame};
use engine::live::{relay, set_queue};
use engine::param::{EdgeReceiver, ParamId, SnapshotReader, edge_queue};
use engine::playback::{
    AttachedPlayer, DeckSize, Epoch, LoopBand, POWER_ON_FADE_FRAMES, Player, Tape, Transport, attach, deck,
};
use hal::gesture::{Control, Gesture, Motion, Position, SurfaceId};
use std::time::Duration;

use super::{Beginning, Last};
use crate::control::binding::Act;
use crate::performance::conductor::{Conductor, EngineLinks};
use crate::settings::last_state::{LastState, Origin, Playing};
use crate::settings::patch::Patch;

const FRAMES: usize = 25;
const TAPE: usize = FRAMES * FRAME;
const HAND: SurfaceId = SurfaceId(7);

fn tone() -> Vec<StereoFrame> {
    (0..TAPE).map(|at| [(at as f32 / 100.0 * std::f32::consts::TAU).sin() * 0.5; 2]).collect()
}

fn patch() -> Patch {
    let curve = "[curves]\nsource_blend = [[0.0, 0.2], [1.0, 0.8]]\n";
    Patch::parse(&format!("format = 2\n[values]\ndenoise = 0.4\ngain_db = -3.0\n{curve}")).expect("a patch")
}

/// A conductor with the ends that ticks would have.
fn conductor(
    transport: Transport,
    last: Option<Last>,
    plays: bool,
) -> (Conductor, SnapshotReader, EdgeReceiver<engine::live::Swap>) {
    let (edges, receiver) = edge_queue(64);
    let engine = EngineLinks { edges, decode_values: relay().0, sets: set_queue().0, transport };
    let (conductor, reader) = Conductor::begin(&patch(), FRAMES, engine, last, plays);
    (conductor, reader, receiver)
}

fn here() -> (Player, Transport) {
    let (player, _packer, transport) =
        deck(Tape::new(tone()).expect("a tape"), DeckSize { boxes: 2, window_frames: FRAME });
    (player, transport)
}

fn turn(conductor: &mut Conductor, number: u8, to: u8, at_ms: u64) -> Vec<Act> {
    let motion = Motion::Turned(Control::Cc { channel: 1, number }, Position::Seven(to));
    let mut acts = Vec::new();
    conductor.play(&Gesture { at: Duration::from_millis(at_ms), surface: HAND, motion }, &mut acts);
    acts
}

/// Everything that is kept of a conductor.
fn left(conductor: &Conductor) -> LastState {
    LastState {
        origin: Origin::default(),
        playing: Playing::default(),
        kept: conductor.store().keep(),
        scene: conductor.desk().scene_values().copied(),
        bank: 3,
        selected: ParamId::Shift,
        screens: Vec::new(),
        position: 12_345,
        muted: false,
        sources: None,
        writings: conductor.writings().clone(),
        loads: Default::default(),
    }
}

/// A performance in which a hand has been at denoise, twice, and kept a scene between.
fn played() -> Conductor {
    let (_player, transport) = here();
    let mut first = conductor(transport, None, false).0;
    for (at, to) in [(0, 50), (10, 51), (20, 52), (30, 90)] {
        turn(&mut first, 1, to, at);
    }
    first.binding_mut();
    first
}

#[test]
fn the_first_snapshot_is_what_was_left_and_undo_goes_back_in_it() {
    let mut first = played();
    let before = first.store().keep();
    assert!(before.aims != patch().values && !before.done.is_empty(), "a hand has moved something");
    let (_player, transport) = here();
    let state = left(&first);
    let (mut next, mut reader, _edges) = conductor(transport, Some(Last { state, patch: None }), false);
    assert_eq!(reader.latest().values, before.aims, "also what was on its way: it is where it goes");
    assert_eq!((next.store().keep(), next.desk().stands()), (before, true));
    assert_eq!((next.binding().playing().bank, next.binding().selected()), (3, ParamId::Shift));
    // Hands take hold by takeover: a knob that stands elsewhere moves nothing.
    let acts = turn(&mut next, 1, 3, 1_000);
    assert!(acts.iter().all(|it| !matches!(it, Act::Moved(_))), "{acts:?}");
    for conductor in [&mut first, &mut next] {
        let undo = Motion::Struck(hal::gesture::Key::Char('u'));
        conductor
            .play(&Gesture { at: Duration::from_secs(2), surface: SurfaceId::KEYS, motion: undo }, &mut Vec::new());
    }
    assert_eq!(next.store().aims(), first.store().aims());
    let revert = |conductor: &mut Conductor| {
        let revert = Motion::Struck(hal::gesture::Key::Char('R'));
        conductor
            .play(&Gesture { at: Duration::from_secs(3), surface: SurfaceId::KEYS, motion: revert }, &mut Vec::new());
        *conductor.store().aims()
    };
    assert_eq!(revert(&mut next), revert(&mut first), "and the patch is still what it comes back to");
}

#[test]
fn a_patch_of_the_set_list_that_was_gone_to_is_what_revert_and_tempo_are_of() {
    let gone_to = Patch::parse("format = 2\n[prompt]\nbpm = 90\n[values]\ndenoise = 0.9\n").expect("a patch");
    let state = left(&played());
    let (_player, transport) = here();
    let (next, _reader, _edges) =
        conductor(transport, Some(Last { state: state.clone(), patch: Some(gone_to) }), false);
    assert_eq!(next.store().keep(), state.kept);
    assert!(next.beats().is_some(), "the patch of the start has no tempo");
}

#[test]
fn the_first_sample_is_as_loud_as_what_was_kept_and_a_mute_is_remembered() {
    let loudest = |out: &[StereoFrame]| out.iter().flatten().fold(0.0_f32, |most, it| most.max(it.abs()));
    let mut state = left(&played());
    state.kept.aims.set(ParamId::GainDb, -20.0);
    for muted in [false, true] {
        let (mut player, mut transport) = here();
        let last = Last { state: state.clone(), patch: None };
        let beginning = Beginning { muted, last: Some(last.clone()), ..Beginning::default() };
        transport.set_muted(beginning.muted);
        transport.seek(beginning.position(TAPE)).expect("on the tape");
        let (mut next, _reader, _edges) = conductor(transport, Some(last), false);
        let mut out = vec![[0.0; 2]; 2 * POWER_ON_FADE_FRAMES];
        player.fill(&mut out[..256]);
        assert_eq!(next.transport().playhead().position, 12_345 + 256, "from where it was");
        out[256..].chunks_mut(256).for_each(|period| player.fill(period));
        let expected = if muted { 0.0..=0.0 } else { 0.049..=0.050_5 };
        assert!(expected.contains(&loudest(&out)), "{}", loudest(&out));
        assert_eq!(next.transport().muted(), muted);
        next.settle(Duration::from_secs(1));
    }
    assert_eq!(
        Beginning { last: Some(Last { state, patch: None }), ..Beginning::default() }.position(12_000),
        0,
        "another tape"
    );
}

/// Shared memory with a player in it, and one engine after another.
struct Shared {
    arena: Arena,
    own: AttachedPlayer,
}

impl Shared {
    fn new() -> Self {
        let sizes = Sizes { boxes: 2, window_frames: FRAME, tape_frames: TAPE };
        let arena = Arena::on_heap(sizes);
        let own = Player::attached(&arena);
        Self { arena, own }
    }

    fn engine(&mut self, epoch: u64) -> Transport {
        self.own.grant.give(epoch);
        self.play(1);
        let epochs = Epoch::default();
        epochs.set(epoch);
        attach(&self.arena, &epochs).1
    }

    fn play(&mut self, periods: usize) -> Vec<StereoFrame> {
        let mut out = vec![[0.0; 2]; 64 * periods];
        out.chunks_mut(64).for_each(|period| {
            self.own.loader.poll();
            self.own.player.fill(period);
        });
        out
    }
}

#[test]
fn an_engine_that_comes_to_a_player_that_plays_changes_nothing_that_is_heard() {
    let (mut shared, mut alone) = (Shared::new(), Shared::new());
    for world in [&mut shared, &mut alone] {
        let mut transport = world.engine(1);
        transport.swap(Tape::new(tone()).expect("a tape"), 0).expect("there is room");
        assert!(transport.set_gain_db(-12.5));
        world.play(10);
        transport.set_band(LoopBand::from_faders(0.25, 0.8, TAPE)).expect("on the tape");
        world.play(2_000);
    }
    // What it has of the last state, if anything, is older than what is heard.
    for (epoch, last) in [(2, None), (3, Some(Last { state: left(&played()), patch: None }))] {
        let transport = shared.engine(epoch);
        alone.play(1);
        let (mut next, mut reader, _edges) = conductor(transport, last, true);
        next.settle(Duration::from_secs(1));
        let (heard, expected) = (shared.play(1_000), alone.play(1_000));
        let off = heard.iter().zip(&expected).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f32::max);
        assert!(off < 1e-6, "engine {epoch} is heard by {off}");
        let values = reader.latest().values;
        assert!((values.exact(ParamId::GainDb) + 12.5).abs() < 1e-4, "{}", values.exact(ParamId::GainDb));
        assert!((values.exact(ParamId::LoopStart) - 0.25).abs() < 1e-6 && !next.transport().muted());
    }
    shared.engine(4).set_muted(true);
    let next = conductor(shared.engine(5), None, true).0;
    assert!(next.transport().muted(), "and a mute stays");
}
