//! Goal: another recording is prepared beside the music and taken over by all sides; until its moment not a sample of what plays is another,
//! and what fails leaves everything as it was, and is said.
//! Method: the built-in model on tones of a second and two, stepped by hand against a twin that nobody asks for anything; the worker is the
//! real one, the player in this process or over shared memory as another process has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::boundary::{Arena, Sizes};
use engine::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::param::{ParamId, Values};
use engine::playback::{self, Epoch, Lead, Player, SharedMeters, attach};
use engine::solver::curve::Curve;
use hal::audio::{WavFormat, wav_header};
use tempfile::TempDir;

use super::tests::args;
use super::*;
use crate::compute::loader::Kit;
use crate::compute::progress::ProgressLine;
use crate::compute::set::Set;
use crate::performance::instrument::{EngineParts, Instrument};
use crate::recording::Part;
use crate::settings::patch::Patch;

/// Stereo samples of a turn: 10 ms.
const TURN: usize = 480;
/// A tick takes so many turns.
const TICK: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(240);
const PATCH: &str = "[prompt]\na = \"house\"\n[values]\ndepth = 2\nsteps = 4\nloop_start = 0.25\n\
                     [curves]\nx0_target = [[0.0, 0.0], [1.0, 1.0]]\n";

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Here,
    Another,
}

struct World {
    parts: EngineParts,
    player: Player,
    slow_side: Option<playback::Loader>,
    messages: Messages,
    told: Vec<String>,
    arrived: Vec<Arrived>,
    turns: u64,
    heard: Vec<StereoFrame>,
    folder: TempDir,
}

/// A tone of so many seconds, whole cycles of it.
fn tone(seconds: f64, hz: f32) -> Vec<StereoFrame> {
    let frames = (seconds * 48_000.0) as usize;
    (0..frames).map(|at| [(at as f32 * hz / 48_000.0 * std::f32::consts::TAU).sin() * 0.25; 2]).collect()
}

fn write_wav(path: &Path, sound: &[StereoFrame]) {
    write_wav_at(path, sound, 48_000);
}

fn write_wav_at(path: &Path, sound: &[StereoFrame], rate: u32) {
    let mut bytes = wav_header(WavFormat::F32, rate, Some(sound.len() as u64));
    WavFormat::F32.append(sound, &mut bytes);
    std::fs::write(path, bytes).expect("a disk");
}

impl World {
    fn new(who: Who) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("first.toml"), PATCH).expect("a disk");
        write_wav(&at("a.wav"), &tone(1.0, 220.0));
        write_wav(&at("b.wav"), &tone(2.0, 330.0));
        write_wav(&at("c.wav"), &tone(1.0, 440.0));
        std::fs::write(at("torn.wav"), &std::fs::read(at("b.wav")).expect("it is there")[..60]).expect("a disk");
        let mut args = args(at("first.toml"));
        (args.source, args.longest) = (Some(at("a.wav")), 10.0);
        let set = Set::open(&args, &mut ProgressLine::new()).expect("the built-in model");
        let lead = Lead::new(TURN, set.tape.len());
        let (parts, mut player, slow_side) = match who {
            Who::Here => {
                let Instrument { player, engine } = Instrument::new(set, lead).expect("a tape");
                (engine, player, None)
            }
            Who::Another => attached(set, lead),
        };
        player.open_at_once();
        let (told, arrived, heard) = Default::default();
        let messages = Messages::new(true, []);
        Self { parts, player, slow_side, messages, told, arrived, turns: 0, heard, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn turn(&mut self) {
        let now = Duration::from_millis(10 * self.turns);
        let EngineParts { ticks, patcher, values, sets, conductor, loading } = &mut self.parts;
        conductor.settle(now);
        self.arrived.extend(loading.look_after("first", now, conductor, &mut self.messages));
        conductor.settle(now);
        if self.turns.is_multiple_of(TICK) {
            ticks.tick(|_, _| ()).expect("the processor does not fail");
        }
        sets.hand_to(patcher);
        let course = conductor.transport().course();
        patcher.patch(&values.latest(), &course);
        let mut out = [[0.0; 2]; TURN];
        self.player.fill(&mut out);
        if let Some(slow) = &mut self.slow_side {
            slow.poll();
        }
        self.heard.extend(out);
        self.told.extend(std::iter::from_fn(|| self.messages.next_line()));
        self.turns += 1;
    }

    fn turns(&mut self, count: usize) {
        (0..count).for_each(|_| self.turn());
    }

    fn want(&mut self, name: &str) {
        let sources = Sources::of(&self.path(name));
        let (name, words) = (name.to_owned(), None);
        self.parts.conductor.want(Wanted::Set { patch: None, name, sources, words, band: None, reason: Reason::Asked });
    }

    /// Turns until nothing is prepared or on its way any more.
    fn until_done(&mut self) {
        let begun = Instant::now();
        self.turn();
        while self.parts.loading.is_awaited() {
            assert!(begun.elapsed() < PATIENCE, "never: {:?}", self.told);
            self.turn();
        }
        self.turn();
    }

    fn values(&self) -> Values {
        *self.parts.conductor.store().aims()
    }

    fn said(&self, words: &str) -> usize {
        self.told.iter().filter(|it| it.contains(words)).count()
    }

    /// The frame in which a sample is another than what the same instrument plays that nobody asks for anything.
    fn parts_from(&self, who: Who) -> Option<usize> {
        let mut twin = Self::new(who);
        (0..self.turns).for_each(|_| twin.turn());
        self.heard.iter().zip(&twin.heard).position(|(a, b)| a.map(f32::to_bits) != b.map(f32::to_bits))
    }
}

/// The parts of a set at a player over memory that both share.
fn attached(set: Set, lead: Lead) -> (EngineParts, Player, Option<playback::Loader>) {
    let sizes = Sizes { boxes: 4, window_frames: 144_000, tape_frames: 480_000 };
    let arena = Arena::on_heap(sizes);
    let playback::AttachedPlayer { mut player, mut loader, grant, .. } = Player::attached(&arena);
    grant.give(1);
    let epochs = Epoch::default();
    epochs.set(1);
    let (packer, mut transport) = attach(&arena, &epochs);
    player.fill(&mut [[0.0; 2]; TURN]);
    transport.swap(playback::Tape::new(set.tape.clone()).expect("a tape"), 0).expect("there is room");
    for _ in 0..40 {
        player.fill(&mut [[0.0; 2]; TURN]);
        loader.poll();
    }
    (EngineParts::new(set, lead, packer, transport, None, false), player, Some(loader))
}

/// How far a curve that is drawn over the tape reaches in the slots of now.
fn curves_in_flight(world: &World) -> Vec<usize> {
    let slots = world.parts.ticks.performer().ring().slots().flatten();
    let lock = |it: &Curve| if let Curve::Frames(points) = it { points.len() } else { 0 };
    slots.filter_map(|it| it.request.target.as_ref()?.curve.as_ref().map(lock)).collect()
}

fn a_recording_is_taken_over(who: Who) {
    let mut world = World::new(who);
    world.turns(60);
    let old = Arc::downgrade(world.parts.ticks.performer().material());
    let before = world.values();
    let windows = |it: &World| it.parts.conductor.transport().meters().clone();
    let late = SharedMeters::clone(&windows(&world)).windows_late.load(std::sync::atomic::Ordering::Relaxed);
    world.want("b.wav");
    world.until_done();
    assert_eq!((world.arrived.len(), world.said("b.wav plays, 2.0 s")), (1, 1), "{:?}", world.told);
    assert!(0 < world.said("b.wav: listening to it"), "{:?}", world.told);
    assert_eq!(&*world.arrived[0].recording.name, "b");
    // All of it is what it was until then: the first other sample is in the turn in which the tape came.
    let parted = world.parts_from(who).expect("it is another recording");
    let came = world.heard.len() - 3 * TURN;
    assert!(came <= parted, "at {parted}, {came} of {}", world.heard.len());
    world.turns(TICK as usize);
    let frames = 2 * 48_000;
    assert_eq!(world.player.tape().len(), frames);
    let EngineParts { ticks, patcher, conductor, .. } = &world.parts;
    assert_eq!((patcher.tape_frames(), conductor.transport().tape_frames()), (frames, frames));
    assert_eq!(ticks.performer().material().frames, frames / SAMPLES_PER_LATENT_FRAME);
    assert_eq!(conductor.transport().band().start(), frames / 4, "the band is the new tape's");
    assert_eq!(world.values(), before);
    // Windows of the new set lie on the new tape, and what is drawn lies over all of it.
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    let spliced = windows(&world).windows_spliced.load(relaxed);
    world.turns(200);
    assert!(spliced < windows(&world).windows_spliced.load(relaxed));
    assert_eq!(windows(&world).windows_late.load(relaxed), late);
    let curves = curves_in_flight(&world);
    assert!(!curves.is_empty() && curves.iter().all(|it| *it == 50), "{curves:?}");
    // What played is freed, by somebody else.
    let begun = Instant::now();
    while old.strong_count() != 0 {
        assert!(begun.elapsed() < PATIENCE, "the set before is never freed");
        std::thread::yield_now();
    }
    // And back, without a second listening.
    world.want("a.wav");
    world.until_done();
    assert_eq!((world.player.tape().len(), world.said("a.wav: listening")), (48_000, 0), "{:?}", world.told);
}

#[test]
fn another_recording_is_taken_over_by_all_sides_and_what_played_is_heard_to_its_last_sample() {
    a_recording_is_taken_over(Who::Here);
}

#[test]
fn another_recording_is_taken_over_by_a_player_of_another_process() {
    a_recording_is_taken_over(Who::Another);
}

#[test]
fn a_recording_that_cannot_be_played_is_said_and_not_a_sample_is_another() {
    let mut world = World::new(Who::Here);
    let model = engine::model::Model::open(Path::new(super::tests::MODEL), 1, &mut |_| ()).expect("the model");
    world.turns(30);
    let before = world.values();
    let fails = |world: &mut World, name: &str, why: &str| {
        let told = world.told.len();
        world.want(name);
        world.until_done();
        let said: Vec<_> = world.told[told..].iter().filter(|it| it.contains("cannot be played")).collect();
        assert!(
            said.len() == 1 && said[0].contains(why) && said[0].ends_with("what plays goes on"),
            "{name}: {said:?}"
        );
    };
    fails(&mut world, "missing.wav", "there is no such file");
    fails(&mut world, "torn.wav", "torn.wav");
    fails(&mut world, "first.toml", "first.toml");
    let starved = Kit::of(&model, &model, true, 10.0).with_memory(|| Some(1 << 20));
    let kits = [(starved, "MB of memory"), (Kit::of(&model, &model, false, 10.0), "on a card")];
    for (kit, why) in kits {
        world.parts.loading.work_with(kit);
        fails(&mut world, "b.wav", why);
    }
    world.turns(40);
    assert_eq!((world.arrived.len(), world.values()), (0, before));
    assert_eq!(world.parts_from(Who::Here), None, "nothing that was heard is another");
}

#[test]
fn of_recordings_that_are_wanted_the_latest_comes_and_one_that_is_not_wanted_any_more_never_does() {
    let mut world = World::new(Who::Here);
    world.turns(10);
    for name in ["b.wav", "missing.wav", "b.wav", "c.wav"] {
        world.want(name);
        world.turn();
    }
    world.until_done();
    assert_eq!((world.arrived.len(), world.said("c.wav plays"), world.said("cannot")), (1, 1, 0), "{:?}", world.told);
    world.want("b.wav");
    // One turn: a tape on its way is not called back, and more of them are enough for one where turns are slow.
    world.turn();
    world.parts.conductor.want(Wanted::Stay);
    world.until_done();
    world.turns(20);
    assert_eq!((world.arrived.len(), world.player.tape().len()), (1, 48_000), "{:?}", world.told);
}

/// Turns until what may be asked for next is prepared.
fn until_ahead(world: &mut World) {
    let begun = Instant::now();
    while !world.parts.loading.is_ahead() {
        assert!(begun.elapsed() < PATIENCE, "never");
        world.turn();
    }
}

#[test]
fn what_may_be_asked_for_next_is_prepared_before_it_is_and_the_worker_does_nothing_twice() {
    let mut world = World::new(Who::Here);
    let words = world.parts.conductor.words().to_vec();
    world.parts.loading.expect(Sources::of(&world.path("b.wav")), words.clone());
    until_ahead(&mut world);
    assert!(world.told.is_empty() && !world.parts.loading.is_awaited(), "nobody hears of it: {:?}", world.told);
    // Its file is gone by now: nothing of it is read again.
    std::fs::remove_file(world.path("b.wav")).expect("it is there");
    world.want("b.wav");
    world.until_done();
    assert_eq!((world.arrived.len(), world.said("b.wav is ready"), world.said("b.wav plays")), (1, 1, 1));
    assert_eq!(world.said("b.wav: "), 0, "it was there already: {:?}", world.told);
    // What was prepared ahead and is not what is wanted makes room, and comes in its own time.
    world.parts.loading.expect(Sources::of(&world.path("c.wav")), words.clone());
    until_ahead(&mut world);
    world.want("a.wav");
    world.until_done();
    world.want("c.wav");
    world.until_done();
    assert_eq!((world.arrived.len(), world.player.tape().len()), (3, 48_000), "{:?}", world.told);
    // Of one that cannot be played nobody hears before it is asked for.
    let told = world.told.len();
    world.parts.loading.expect(Sources::of(&world.path("missing.wav")), words);
    world.turns(50);
    assert!(world.told.len() == told && !world.parts.loading.is_awaited());
    world.want("missing.wav");
    world.until_done();
    assert_eq!(world.said("missing.wav: it cannot be played"), 1);
}

#[test]
fn words_that_are_wanted_while_a_recording_is_prepared_come_with_it_or_without_it() {
    let mut world = World::new(Who::Here);
    world.turns(10);
    let patch = |tags: &str| Patch::parse(&format!("[prompt]\na = \"{tags}\"\n")).expect("a patch");
    world.want("b.wav");
    world.turn();
    world.parts.conductor.load(&patch("dub"), 0, Duration::from_secs(1));
    world.until_done();
    assert_eq!((world.arrived.len(), world.parts.conductor.words()[0].tags.as_str()), (1, "dub"), "{:?}", world.told);
    assert_eq!(world.said("its words play"), 0, "the set has them: {:?}", world.told);
    world.want("missing.wav");
    world.turn();
    world.parts.conductor.load(&patch("choir"), 0, Duration::from_secs(2));
    world.until_done();
    assert_eq!((world.said("cannot be played"), world.said("its words play")), (1, 1), "{:?}", world.told);
}

/// Where the tape that played was when the other one came in, in stereo samples, and how long both were heard.
fn comes_in(who: Who, transition: &str, seconds: f64, bpm: Option<u16>) -> (usize, usize) {
    let mut world = World::new(who);
    let tempo = bpm.map_or(String::new(), |it| format!("bpm = {it}\n"));
    let values = format!("[values]\ndepth = 1\nsteps = 2\ntransition = \"{transition}\"\ntransition_s = {seconds}\n");
    let patch = Patch::parse(&format!("[prompt]\na = \"house\"\n{tempo}{values}")).expect("a patch");
    world.parts.conductor.load(&patch, 0, Duration::ZERO);
    world.turns(7);
    world.want("b.wav");
    let begun = Instant::now();
    // To the sample: until it comes the head goes on by a turn at a time, and then it is another place of another tape.
    let mut before = 0;
    while world.player.tape().len() == 48_000 {
        assert!(begun.elapsed() < PATIENCE, "never: {:?}", world.told);
        before = world.parts.conductor.transport().playhead().position;
        world.turn();
    }
    let played = world.parts.conductor.transport().playhead().position;
    let at = before + TURN - played;
    world.until_done();
    let fade = (0..20 * 48_000 / TURN).find(|_| {
        let quiet = !world.player.fades();
        world.turn();
        quiet
    });
    (at, fade.expect("it ends") * TURN)
}

#[test]
fn a_recording_comes_in_at_the_beat_the_bar_or_the_loops_end_to_the_sample() {
    for who in [Who::Here, Who::Another] {
        // 240 beats a minute: four in the second that the tape is long.
        let beat = comes_in(who, "beat", 0.1, Some(240)).0;
        assert!(beat.is_multiple_of(12_000), "{who:?}: {beat}");
        assert_eq!(comes_in(who, "loop", 0.1, Some(240)).0 % 48_000, 0, "{who:?}");
    }
    assert_eq!(comes_in(Who::Here, "bar", 0.1, Some(240)).0 % 48_000, 0, "a bar is as long as the tape");
    assert_eq!(comes_in(Who::Here, "bar", 0.1, None).0 % 48_000, 0, "without a tempo at the loop's end");
}

#[test]
fn both_recordings_are_heard_as_long_as_the_fade_says() {
    let (_, fade) = comes_in(Who::Here, "now", 1.5, None);
    assert!((65_000..=72_000).contains(&fade), "{fade}");
}

/// Asks for a part of b.wav.
fn want_part(world: &mut World, part: Option<Part>, reason: Reason) {
    let sources = Sources { part, ..Sources::of(&world.path("b.wav")) };
    let (name, words) = ("b".to_owned(), None);
    world.parts.conductor.want(Wanted::Set { patch: None, name, sources, words, band: None, reason });
}

#[test]
fn a_part_of_the_recording_comes_in_where_the_loop_turns_and_the_loop_plays_what_it_did() {
    let mut world = World::new(Who::Here);
    world.want("b.wav");
    world.until_done();
    // From .5 to 1.7 s of two: whole turns of 330 Hz.
    let mut patch = Patch::parse(PATCH).expect("a patch");
    for (id, to) in [(ParamId::LoopStart, 0.25), (ParamId::LoopEnd, 0.85)] {
        assert!(patch.values.set(id, to));
    }
    world.parts.conductor.load(&patch, 0, Duration::ZERO);
    world.turns(20);
    let whole = world.parts.conductor.transport().band();
    assert_eq!((whole.start(), whole.end()), (24_000, 81_600));
    let part = Part::around([whole.start(), whole.end()], 96_000, 0);
    want_part(&mut world, Some(part), Reason::Part);
    // Where the head was at the end of each of our turns, until it is known that the tape is another.
    let mut places = vec![0; 2];
    while world.arrived.len() < 2 {
        places.push(world.parts.conductor.transport().playhead().position);
        world.turn();
        assert!(places.len() < 4_000, "it never comes: {:?}", world.told);
    }
    // The turn of the loop lies in the last turn of ours before that, or at its beginning.
    let [before, after] = [places[places.len() - 2], places[places.len() - 1]];
    let at_turn = before == whole.start() || whole.end() - before <= TURN;
    assert!(at_turn && after <= TURN, "from {before} to {after}: the music goes on where it is");
    let arrived = &world.arrived[1];
    assert_eq!(
        (arrived.band, arrived.sources.part, arrived.recording.part),
        (Some([0.0, 1.0]), Some(part), Some(part))
    );
    assert_eq!(*arrived.recording.sound, tone(2.0, 330.0)[24_000..81_600], "to the sample");
    assert_eq!(world.parts.conductor.transport().tape_frames(), 57_600);
    // Back; nobody has moved the faders here, so the loop is .25 to .85 of the part by now.
    want_part(&mut world, None, Reason::Part);
    world.until_done();
    assert_eq!(world.arrived[2].band, Some([0.4, 0.76]), "24,000 of 96,000 and .25 and .85 of 57,600");
    assert_eq!(world.parts.conductor.transport().tape_frames(), 96_000);
}

#[test]
fn a_part_that_is_not_there_is_said_and_all_of_it_plays() {
    let mut world = World::new(Who::Here);
    want_part(&mut world, Some(Part { start: 100_000, end: 200_000 }), Reason::Part);
    world.until_done();
    assert_eq!(
        world.said("its part from 2.1 to 4.2 s is not in the 2.0 s that are read: all of them play"),
        1,
        "{:?}",
        world.told
    );
    assert_eq!((world.arrived[0].sources.part, world.parts.conductor.transport().tape_frames()), (None, 96_000));
}

#[test]
fn the_loops_faders_wait_for_the_tape_that_undo_brings() {
    let mut world = World::new(Who::Here);
    world.want("b.wav");
    world.until_done();
    let band = world.parts.conductor.transport().band();
    want_part(&mut world, Some(Part { start: 0, end: 48_000 }), Reason::History);
    world.turn();
    let mut patch = Patch::parse(PATCH).expect("a patch");
    assert!(patch.values.set(ParamId::LoopStart, 0.5));
    world.parts.conductor.load(&patch, 0, Duration::from_secs(9));
    while world.arrived.len() < 2 {
        let is_here = world.parts.conductor.transport().tape_frames() == 48_000;
        assert!(is_here || world.parts.conductor.transport().band() == band, "it means the tape that comes");
        world.turn();
    }
    world.turns(2);
    assert_eq!(world.parts.conductor.transport().band().start(), 24_000);
    // Where it cannot be had they mean what plays.
    let sources = Sources::of(&world.path("missing.wav"));
    let name = "missing".to_owned();
    world.parts.conductor.want(Wanted::Set {
        patch: None,
        name,
        sources,
        words: None,
        band: None,
        reason: Reason::History,
    });
    world.until_done();
    assert!(patch.values.set(ParamId::LoopStart, 0.25));
    world.parts.conductor.load(&patch, 0, Duration::from_secs(9));
    world.turns(2);
    assert_eq!(world.parts.conductor.transport().band().start(), 12_000);
}

#[test]
fn structure_and_timbre_of_other_recordings_come_without_the_tape_being_another() {
    let mut world = World::new(Who::Here);
    world.turns(10);
    let own = Arc::clone(world.parts.ticks.performer().material());
    let (structure, timbre) = (Some(world.path("b.wav")), Some(world.path("c.wav")));
    let sources = Sources { structure, timbre, ..Sources::of(&world.path("a.wav")) };
    world.parts.conductor.want(Wanted::Set {
        patch: None,
        name: "both".to_owned(),
        sources,
        words: None,
        band: None,
        reason: Reason::Asked,
    });
    world.until_done();
    world.turns(TICK as usize);
    let both = Arc::clone(world.parts.ticks.performer().material());
    assert_eq!((world.arrived.len(), both.frames, &both.source), (1, own.frames, &own.source), "{:?}", world.told);
    assert!(both.hints != own.hints, "structure is another's");
    assert!(both.prompts[0].with_timbre != own.prompts[0].with_timbre, "timbre is another's");
    assert_eq!(both.prompts[0].neutral, own.prompts[0].neutral, "without timbre the words are the same");
    // Other words have the timbre of that recording too.
    let words = |world: &mut World, tags: &str| {
        let patch = Patch::parse(&format!("[prompt]\na = \"{tags}\"\n")).expect("a patch");
        world.parts.conductor.load(&patch, 0, Duration::from_secs(9));
        world.until_done();
        world.turns(40);
        let slot = world.parts.ticks.performer().ring().slots().flatten().max_by_key(|it| it.ticket).expect("a slot");
        Arc::clone(&slot.request.conditions[0].tokens)
    };
    words(&mut world, "dub");
    assert_eq!(words(&mut world, "house"), both.prompts[0].with_timbre);
}

#[path = "loading_model_tests.rs"]
mod another_model;
#[path = "loading_any_order_tests.rs"]
mod any_order;

#[test]
fn at_denoise_0_the_recording_itself_plays_also_another_one() {
    let mut world = World::new(Who::Here);
    let plays = |world: &mut World, denoise: f64| {
        let mut patch = Patch::default();
        for (id, value) in [(ParamId::Denoise, denoise), (ParamId::Depth, 1.0), (ParamId::Steps, 2.0)] {
            patch.values.set(id, value);
        }
        world.parts.conductor.load(&patch, 0, Duration::from_millis(10 * world.turns));
        world.turns(500);
        world.player.tape().frames().to_vec()
    };
    let others = |a: &[StereoFrame], b: &[StereoFrame]| {
        a.iter().zip(b).filter(|(a, b)| (0..2).any(|ear| 1e-6 < (a[ear] - b[ear]).abs())).count()
    };
    let recording = world.player.tape().frames().to_vec();
    assert!(recording.len() / 2 < others(&plays(&mut world, 0.9), &recording), "it is remade");
    assert_eq!(others(&plays(&mut world, 0.0), &recording), 0);
    world.want("b.wav");
    world.until_done();
    let recording = world.player.tape().frames().to_vec();
    assert_eq!(recording.len(), 96_000);
    assert!(recording.len() / 2 < others(&plays(&mut world, 0.9), &recording), "it is remade");
    assert_eq!(others(&plays(&mut world, 0.0), &recording), 0);
}

#[test]
fn a_patchs_tempo_and_key_are_left_out_where_another_recording_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    ["a.wav", "b.wav"].iter().for_each(|name| write_wav(&at(name), &tone(1.0, 220.0)));
    let meter = "bpm = 120\nkey = \"A minor\"\n";
    let open = |text: &str, source: &str| {
        std::fs::write(at("first.toml"), text).expect("a disk");
        let mut args = args(at("first.toml"));
        args.source = Some(at(source));
        let set = Set::open(&args, &mut ProgressLine::new()).expect("the built-in model");
        let told = set.notices.iter().any(|it| it.contains("are its own recording's"));
        (set.patch.prompt.bpm, set.patch.prompt.key, told)
    };
    let own = format!("source = \"a.wav\"\n[prompt]\na = \"house\"\n{meter}");
    assert_eq!(open(&own, "b.wav"), (None, None, true));
    assert_eq!(open(&own, "a.wav"), (Some(120), Some("A minor".to_owned()), false), "it is its own");
    let none = format!("[prompt]\na = \"house\"\n{meter}");
    assert_eq!(open(&none, "b.wav"), (Some(120), Some("A minor".to_owned()), false), "it names none, and means any");
}
