//! Goal: other words are read beside the music and taken over between two ticks; what fails leaves everything as it was, and is said.
//! Method: the built-in model on a second of its own recording, stepped by hand; the worker is the real one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::live::Material;
use engine::model::Model;
use engine::playback::Lead;
use engine::ring::RingCounters;

use super::*;
use crate::compute::arguments::{BackendChoice, PlanPrecision, SetArgs, WhenLost};
use crate::compute::loader::{Base, Kit};
use crate::compute::progress::ProgressLine;
use crate::compute::set::Set;
use crate::performance::instrument::{EngineParts, Instrument};
use crate::settings::patch::Patch;

pub(in crate::performance) const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house");
const FIRST: &str = "[prompt]\na = \"house\"\n[values]\ndepth = 2\nsteps = 4\n";
/// Far longer than the first, so that the network's room does not do.
const NIGHT: &str = "[prompts.1]\nname = \"night\"\ntags = \"a slow and wide ambient piece with a soft evolving pad, no drums \
                     at all, a deep warm bass that swells, distant bells, long reverb, gentle noise like rain on a window\"\n";

struct Played {
    parts: EngineParts,
    messages: Messages,
    told: Vec<String>,
    turns: u64,
}

pub(in crate::performance) fn args(patch: PathBuf) -> SetArgs {
    SetArgs {
        source: None,
        library: None,
        any_path: false,
        patch: Some(patch),
        model: Some(MODEL.into()),
        seed: None,
        depth: None,
        midi: None,
        longest: 1.0,
        by_hand: false,
        backend: Some(BackendChoice::Cpu),
        precision: PlanPrecision::F16,
        when_lost: WhenLost::Loop,
        threads: Some(1),
    }
}

fn patch(text: &str) -> Patch {
    Patch::parse(text).expect("a patch")
}

impl Played {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("first.toml");
        std::fs::write(&path, FIRST).expect("a disk");
        let set = Set::open(&args(path), &mut ProgressLine::new()).expect("the built-in model");
        let lead = Lead::new(256, set.tape.len());
        let parts = Instrument::new(set, lead).expect("a tape").engine;
        Self { parts, messages: Messages::new(true, []), told: Vec::new(), turns: 0 }
    }

    /// What a conductor does in a turn.
    fn lead(&mut self) {
        let Self { parts: EngineParts { conductor, loading, .. }, messages, told, turns, .. } = self;
        *turns += 1;
        conductor.settle(Duration::from_millis(10 * *turns));
        let now = Duration::from_millis(10 * *turns);
        assert!(loading.look_after("night", now, conductor, messages).is_none(), "no set comes with words");
        conductor.settle(Duration::from_millis(10 * *turns));
        told.extend(std::iter::from_fn(|| messages.next_line()));
    }

    /// A turn and a tick; answers slots that were given up.
    fn tick(&mut self) -> usize {
        self.lead();
        self.parts.ticks.tick(|_, _| ()).expect("the processor does not fail").refused
    }

    /// Ticks until the worker has done what it was asked; answers how many.
    fn until_read(&mut self) -> u64 {
        let begun = self.turns;
        self.tick();
        while self.parts.loading.works() {
            self.tick();
        }
        self.lead();
        self.turns - begun
    }

    fn load(&mut self, text: &str) {
        self.parts.conductor.load(&patch(text), 0, Duration::from_millis(10 * self.turns));
    }

    /// Tickets in flight, each with the number of its tokens.
    fn in_flight(&self) -> Vec<(u64, usize)> {
        let slots = self.parts.ticks.performer().ring().slots().flatten();
        let mut slots: Vec<_> = slots.map(|it| (it.ticket, it.request.conditions[0].tokens.len())).collect();
        slots.sort_unstable();
        slots
    }

    fn counters(&self) -> RingCounters {
        self.parts.ticks.performer().counters()
    }
}

fn said(told: &[String], words: &str) -> usize {
    told.iter().filter(|it| it.contains(words)).count()
}

#[test]
fn words_of_another_patch_are_read_while_it_plays_and_the_next_birth_has_them_at_no_slots_cost() {
    let mut played = Played::new();
    (0..10).for_each(|_| assert_eq!(played.tick(), 0));
    let short = played.in_flight()[0].1;
    played.load(NIGHT);
    let waited = played.until_read();
    assert!(
        0 < waited && played.in_flight().iter().all(|it| it.1 == short),
        "the old words play until the new are read"
    );
    let next = played.parts.ticks.performer().ring().next_ticket();
    let before = played.in_flight();
    while played.parts.ticks.performer().ring().next_ticket() == next {
        assert_eq!(played.tick(), 0);
    }
    let now = played.in_flight();
    let born = now.iter().find(|it| it.0 == next).expect("it was born");
    assert!(2 * short < born.1, "{} numbers, {short} before", born.1);
    assert!(now.iter().filter(|it| it.0 < next).all(|it| before.contains(it)), "slots in flight keep theirs");
    (0..20).for_each(|_| assert_eq!(played.tick(), 0, "there is room for them"));
    assert!(played.parts.conductor.leaving() <= 1, "only the prompts that the set itself has");
    let mut still = Played::new();
    (0..played.counters().ticks).for_each(|_| _ = still.tick());
    assert_eq!(played.counters(), still.counters(), "as many were born and finished as without other words");
    assert_eq!(said(&played.told, "its words play from the next generation on"), 1, "{:?}", played.told);
    assert!(0 < said(&played.told, "reading its words"), "{:?}", played.told);
    assert_eq!(played.parts.conductor.words()[0].name, "night");
}

#[test]
fn of_words_that_were_wanted_one_after_the_other_the_latest_win_and_those_given_up_never_play() {
    let mut played = Played::new();
    played.tick();
    for tags in ["dub", "drone, choir", "disco strings"] {
        played.load(&format!("[prompt]\na = \"{tags}\"\n"));
        played.lead();
    }
    played.until_read();
    assert_eq!(said(&played.told, "its words play"), 1, "{:?}", played.told);
    assert_eq!(played.parts.conductor.words()[0].tags, "disco strings");
    // Back when they are read and not yet taken over: they never play.
    played.load("[prompt]\na = \"dub\"\n");
    played.lead();
    while played.parts.loading.works() {
        std::thread::yield_now();
    }
    played.load("[prompt]\na = \"disco strings\"\n");
    played.until_read();
    assert_eq!(said(&played.told, "its words play"), 1, "{:?}", played.told);
    assert_eq!(said(&played.told, "cannot be read"), 0);
}

/// The same instrument, whose worker fails as `spoil` makes it.
fn failing(grows: bool, room: usize, spoil: impl Fn(&mut Material)) -> Played {
    let mut played = Played::new();
    let model = Model::open(Path::new(MODEL), 1, &mut |_| ()).expect("the built-in model");
    let mut material = Material::clone(played.parts.ticks.performer().material());
    spoil(&mut material);
    let kit = Kit::of(&model, &model, grows, 1.0).with_folder(MODEL.into());
    let timbre = Arc::clone(&material.source);
    let sources = played.parts.loading.sources().clone();
    let mut loader = Loader::new(kit, Base { material: Arc::new(material), timbre, sources, seconds: 1.0, room });
    loader.set_berth(played.parts.conductor.berth());
    played.parts.loading = Loading::new(loader, patch(FIRST).words());
    played
}

#[test]
fn words_that_cannot_be_read_are_said_and_those_before_play_on() {
    for (mut played, why) in [
        (failing(false, 8, |_| ()), "the card was prepared for 8"),
        // Tokens of no width: a division that panics.
        (failing(true, 8, |it| it.token_width = 0), "what prepares it crashed"),
    ] {
        (0..6).for_each(|_| assert_eq!(played.tick(), 0));
        let before = played.in_flight()[0].1;
        played.load(NIGHT);
        played.until_read();
        (0..20).for_each(|_| assert_eq!(played.tick(), 0));
        assert!(played.in_flight().iter().all(|it| it.1 == before));
        let told = format!("{:?}", played.told);
        assert_eq!(said(&played.told, "night: its words cannot be read: "), 1, "{told}");
        assert!(told.contains(why) && told.contains("; those before play on"), "{told}");
        assert_eq!(played.parts.conductor.words(), patch(FIRST).words(), "they can be asked for again");
        assert_eq!(played.parts.conductor.leaving(), 0);
    }
}
