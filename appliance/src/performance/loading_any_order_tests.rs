//! Goal: loads of any kind in any order, with failures and second thoughts among them, bring what was asked for, where it was asked for, and harm nothing.
//! Method: as in the module around this, twenty recordings and twenty ways to say it; `make live-check` does 200 and prints a row a kind.

use super::*;

/// What is asked for in a run of loads, as often as `DEMON_LOADS` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Recording,
    Structure,
    Timbre,
    Words,
    Missing,
    Torn,
    CalledOff,
    NoMemory,
    Crash,
    OnACard,
}

/// Recordings of different lengths and rates, besides the three.
const OTHERS: usize = 20;
/// Words in twenty ways.
const TAGS: [&str; 20] = [
    "dub",
    "choir",
    "rock",
    "house",
    "drone",
    "disco",
    "acid",
    "lo-fi",
    "piano",
    "brass",
    "jazz",
    "noise",
    "harp",
    "trance",
    "reggae",
    "march",
    "bells",
    "breaks",
    "funk",
    "a slow and wide ambient piece with a soft evolving pad, no drums at all, distant bells, long reverb",
];

fn other(number: usize) -> String {
    format!("r{number:02}.wav")
}

/// Writes them into the world's folder.
fn write_others(world: &World) {
    for number in 0..OTHERS {
        // Cycles of 100 Hz end with the file at any rate.
        let rate = [48_000, 44_100, 22_050, 96_000, 32_000][number % 5];
        // `tone` counts seconds of 48 kHz; a file of a higher rate needs more of them to last as long.
        let seconds = (1.04 + 0.08 * number as f64) * (f64::from(rate) / 48_000.0).max(1.0);
        let sound = tone(seconds, 110.0 + 20.0 * number as f32);
        write_wav_at(&world.path(&other(number)), &sound, rate);
    }
}

/// A worker as it is in a set, or as a failure makes it.
fn kit_of(kind: Option<Kind>) -> Kit {
    let model = engine::model::Model::open(Path::new(super::tests::MODEL), 1, &mut |_| ()).expect("the model");
    let kit = Kit::of(&model, &model, kind != Some(Kind::OnACard), 10.0);
    let kit = kit.with_folder(super::super::tests::MODEL.into());
    match kind {
        Some(Kind::NoMemory) => kit.with_memory(|| Some(1 << 20)),
        Some(Kind::Crash) => kit.with_memory(|| panic!("on purpose")),
        _ => kit,
    }
}

/// Whether the place where the tape before was left is where `transition` says, which is a parameter's value.
fn is_where_asked(transition: f64, left: usize, ends: [usize; 2], beat: Option<f64>) -> bool {
    let count = [None, Some(1.0), Some(4.0), None][transition as usize];
    let near = |every: f64| {
        let off = (left as f64 / every).fract() * every;
        off.min(every - off) <= 1.0
    };
    let on_beat = count.zip(beat).is_some_and(|(count, beat)| near(count * beat));
    transition == 0.0 || on_beat || ends.iter().any(|it| left.abs_diff(*it) <= 1)
}

/// Numbers that look drawn, the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

/// What became of the loads of a kind: how many came as they were asked for, and turns of 10 ms from the press until they were there.
type Rows = std::collections::BTreeMap<Kind, Vec<u64>>;

/// Asks for one thing and plays until it is there, refused or called off; answers whether that was what should have been.
fn load(world: &mut World, kind: Kind, dice: &mut Dice) -> bool {
    let mut sources = world.parts.loading.sources().clone();
    let other = |than: Option<&Path>, dice: &mut Dice| {
        let at = dice.throw(OTHERS);
        let path = |it: usize| world.folder.path().join(other(it % OTHERS));
        if than == Some(path(at).as_path()) { path(at + 1) } else { path(at) }
    };
    match kind {
        Kind::Recording | Kind::CalledOff => sources.recording = other(Some(&sources.recording.clone()), dice),
        Kind::Structure => sources.structure = Some(other(sources.structure.clone().as_deref(), dice)),
        Kind::Timbre => sources.timbre = Some(other(sources.timbre.clone().as_deref(), dice)),
        Kind::Missing => sources.recording = world.path("missing.wav"),
        Kind::Torn => sources.recording = world.path("torn.wav"),
        Kind::NoMemory | Kind::Crash | Kind::OnACard => {
            sources.recording = world.path("b.wav");
            world.parts.loading.work_with(kit_of(Some(kind)));
        }
        Kind::Words => {}
    }
    let (told, arrived, before) = (world.told.len(), world.arrived.len(), world.parts.loading.sources().clone());
    if kind == Kind::Words {
        let (tags, values) = (TAGS[dice.throw(TAGS.len())], world.values());
        let patch =
            Patch { values, ..Patch::parse(&format!("[prompt]\na = \"{tags}\"\nbpm = 240\n")).expect("a patch") };
        world.parts.conductor.load(&patch, 0, Duration::from_millis(10 * world.turns));
    } else {
        let (name, words) = ("it".to_owned(), None);
        world.parts.conductor.want(Wanted::Set {
            patch: None,
            name,
            sources: sources.clone(),
            words,
            band: None,
            reason: Reason::Asked,
        });
    }
    if kind == Kind::CalledOff {
        world.turns(1 + dice.throw(3));
        world.parts.conductor.want(Wanted::Stay);
    }
    let is_there = kind != Kind::Recording || world.until_done_where_asked();
    world.until_done();
    let refused = world.told[told..].iter().any(|it| it.contains("what plays goes on"));
    let (came, now) = (world.arrived.len() - arrived, world.parts.loading.sources());
    let as_it_should = match kind {
        Kind::Recording | Kind::Structure | Kind::Timbre => came == 1 && *now == sources && !refused,
        Kind::CalledOff | Kind::Words => came == 0 && *now == before && !refused,
        _ => came == 0 && *now == before && refused,
    };
    if matches!(kind, Kind::NoMemory | Kind::Crash | Kind::OnACard) {
        world.parts.loading.work_with(kit_of(None));
    }
    is_there && as_it_should
}

impl World {
    /// Where the loop of the tape that plays begins, in stereo samples.
    fn loop_start(&self) -> usize {
        let values = self.values();
        let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|id| values.get(id));
        playback::LoopBand::from_faders(start, end, self.player.tape().len()).start()
    }

    /// As [`Self::until_done`], for another recording: whether it came in where `transition` says, to the sample.
    fn until_done_where_asked(&mut self) -> bool {
        let transition = self.parts.conductor.store().aims().exact(ParamId::Transition);
        let conductor = &self.parts.conductor;
        // The loop's end is its begin.
        let band = conductor.transport().band();
        let (ends, arrived) = ([band.start(), band.end()], self.arrived.len());
        let beat = conductor.beats().map(|it| 1.0 / it.beats_at(1.0));
        let begun = Instant::now();
        let mut left = None;
        while self.parts.loading.is_awaited() || left.is_none() {
            assert!(begun.elapsed() < PATIENCE, "never: {:?}", self.told);
            let (before, id) =
                (self.parts.conductor.transport().playhead().position, self.player.tape().frames().as_ptr());
            self.turn();
            if id != self.player.tape().frames().as_ptr() {
                let start = self.loop_start();
                let played = self.parts.conductor.transport().playhead().position - start;
                // Since the loop's end the head may be at its begin again.
                left = Some(before + TURN - played);
            }
            if arrived < self.arrived.len() && left.is_none() {
                return false;
            }
        }
        self.turn();
        let left = left.unwrap_or(0);
        let is_so = is_where_asked(transition, left, ends, beat);
        if !is_so {
            self.told.push(format!(
                "transition {transition}: left at {left}, the loop ends at {ends:?}, a beat is {beat:?}"
            ));
        }
        is_so
    }
}

/// What is loaded, in this order and round again.
const KINDS: [Kind; 13] = [
    Kind::Recording,
    Kind::Words,
    Kind::Missing,
    Kind::Structure,
    Kind::CalledOff,
    Kind::Timbre,
    Kind::Torn,
    Kind::NoMemory,
    Kind::Recording,
    Kind::Words,
    Kind::Crash,
    Kind::Recording,
    Kind::OnACard,
];

#[test]
fn any_order_of_loads_brings_what_was_asked_for_and_changes_no_value_and_makes_no_window_late() {
    let count: usize = std::env::var("DEMON_LOADS").ok().and_then(|it| it.parse().ok()).unwrap_or(13);
    let (mut world, mut dice, mut rows) = (World::new(Who::Here), Dice(7), Rows::new());
    write_others(&world);
    world.turns(30);
    let late = |world: &World| {
        world.parts.conductor.transport().meters().windows_late.load(std::sync::atomic::Ordering::Relaxed)
    };
    let (before, mut failed, mut old) = (late(&world), Vec::new(), Vec::new());
    for at in 0..count {
        let kind = KINDS[at % KINDS.len()];
        let (transition, fade) = ([0.0, 1.0, 2.0, 3.0][dice.throw(4)], [0.01, 0.1, 0.3][dice.throw(3)]);
        let tempo = Patch::parse("[prompt]\nbpm = 240\n").expect("a patch");
        let mut patch = Patch { values: world.values(), ..tempo };
        // A hand moves between any two.
        for (id, value) in [(ParamId::Transition, transition), (ParamId::TransitionS, fade), (ParamId::Denoise, 0.25)] {
            patch.values.set(id, value);
        }
        world.parts.conductor.load(&patch, 0, Duration::from_millis(10 * world.turns));
        let (values, pressed) = (world.values(), world.turns);
        old.push(Arc::downgrade(world.parts.ticks.performer().material()));
        if load(&mut world, kind, &mut dice) && world.values() == values {
            rows.entry(kind).or_default().push(world.turns - pressed);
        } else {
            failed.push((at, kind));
        }
        world.turns(TICK as usize);
    }
    for (kind, turns) in &mut rows {
        turns.sort_unstable();
        let at = |share: usize| 10 * turns[(turns.len() * share / 100).min(turns.len() - 1)];
        println!(
            "ok   {kind:<34} {} times; press to there or said p50 {} ms, p99 {} ms",
            turns.len(),
            at(50),
            at(99),
            kind = format!("{kind:?}")
        );
    }
    let row =
        |good: bool, what: &str, found: String| println!("{} {what:<34} {found}", if good { "ok  " } else { "FAIL" });
    row(
        failed.is_empty(),
        "came as asked, where asked",
        format!("{} of {count}, not {failed:?}", count - failed.len()),
    );
    row(late(&world) == before, "windows late", (late(&world) - before).to_string());
    assert!(failed.is_empty(), "{failed:?}: {:?}", world.told);
    assert_eq!(late(&world), before);
    // Whatever played is freed but for what plays.
    let now = Arc::downgrade(world.parts.ticks.performer().material());
    let begun = Instant::now();
    while old.iter().any(|it| it.strong_count() != 0 && !it.ptr_eq(&now)) {
        assert!(begun.elapsed() < PATIENCE, "sets are kept that do not play");
        std::thread::yield_now();
    }
    row(true, "sets that are kept", "only what plays".to_owned());
}
