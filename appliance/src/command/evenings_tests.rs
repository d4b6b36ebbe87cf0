//! Goal: whatever hands do of an evening, and however it ends, the next one finds it: values, curves, scenes of every patch, saved patches,
//! undo and redo, but for what hands did in the last two seconds before a kill.
//! Method: random gestures through surfaces' side, keeper and writer in a real folder. A kill is what lies in the folder at any moment between
//! two writes. A model beside it has a stack of moments, each with all that there is; undo and redo walk on it, and a start has to be at
//! one of the moments that it was at since the disk was last waited for. `DEMON_EVENINGS=100` for the figure.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Parser as _;
use engine::param::{Class, ParamId, Values};
use hal::gesture::{Control, FakeSurface, Key, Motion, Position};

use super::come_back;
use crate::command::cli::{Cli, Command};
use crate::command::run::RunArgs;
use crate::control::binding::Act;
use crate::performance::ending::Leave;
use crate::performance::keeper::Keeper;
use crate::performance::surface_side::support_tests::Stage;
use crate::settings::box_file::{BoxConfig, Trial};
use crate::settings::last_state::SoundSum;
use crate::settings::patch::{Patch, Spoken};
use crate::settings::set_list::{Listed, Scenes, SetList};

/// As many as undo knows, and the one before them.
const MOMENTS: usize = 65;
const PATIENCE: Duration = Duration::from_secs(60);
/// The patch of the start, and those of the set list.
const PATCHES: [(&str, &str); 4] = [
    ("first.toml", "[curves]\nsource_blend = [[0.0, 0.2], [1.0, 0.8]]\n[[map]]\ncc = 70\nto = \"morph-1-2\"\n"),
    (
        "list/1_a.toml",
        "[prompt]\na = \"house\"\nbpm = 120\n[values]\ndenoise = 0.25\n[scenes.1]\nname = \"drop\"\ndenoise = 0.9\n[scenes.2]\nshift = 4.0\n\
         [[map]]\ncc = 70\nto = \"morph-1-2\"\n[[map]]\ncc = 71\nto = \"morph-1-3\"\n",
    ),
    (
        "list/2_b.toml",
        "[prompts.2]\nname = \"far\"\ntags = \"choir\"\n[values]\nshift = 2.0\n[curves]\nx0_target = [[0.5, 0.5]]\n[scenes.9]\ndenoise = 0.1\n",
    ),
    ("list/3_c.toml", ""),
];

/// All that there is at one moment.
#[derive(Clone, Debug, PartialEq)]
struct Moment {
    patch: String,
    values: Values,
    curves: Vec<(ParamId, Vec<u32>)>,
    scenes: BTreeMap<String, Scenes>,
    words: Vec<Spoken>,
    /// The number of the last save: of full stacks that are equal, the one with this.
    last_save: u32,
    /// The save that led here: the file, what it had and has.
    save: Option<(PathBuf, Option<Vec<u8>>, Vec<u8>)>,
}

/// What undo and redo walk on.
#[derive(Clone, Debug)]
struct World {
    moments: Vec<Rc<Moment>>,
    at: usize,
}

impl World {
    fn now(&self) -> &Moment {
        &self.moments[self.at]
    }

    fn push(&mut self, moment: Moment) {
        self.moments.truncate(self.at + 1);
        self.moments.push(Rc::new(moment));
        let forgotten = self.moments.len().saturating_sub(MOMENTS);
        self.moments.drain(..forgotten);
        self.at = self.moments.len() - 1;
    }

    /// As another start finds it: a patch that was saved as new and taken back is gone, and what came after it.
    fn after_start(&self) -> Self {
        let is_gone = |it: &Rc<Moment>| it.save.as_ref().is_some_and(|it| it.1.is_none());
        let left = self.moments[self.at + 1..].iter().take_while(|it| !is_gone(it)).count();
        Self { moments: self.moments[..=self.at + left].to_vec(), at: self.at }
    }

    /// Strokes that can be taken back, and done again.
    fn depths(&self) -> (usize, usize) {
        (self.at, self.moments.len() - 1 - self.at)
    }

    /// A patch that is not played has other scenes than was thought: so it had in all moments since it was played.
    fn correct(&mut self, patch: &str, scenes: &Scenes) {
        let is_other = |it: &Rc<Moment>| it.patch != patch;
        let below = self.moments[..=self.at].iter().rev().take_while(|it| is_other(it)).count();
        let above = self.moments[self.at + 1..].iter().take_while(|it| is_other(it)).count();
        for moment in &mut self.moments[self.at + 1 - below..self.at + 1 + above] {
            Rc::make_mut(moment).scenes.insert(patch.to_owned(), *scenes);
        }
    }
}

struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A performance.
struct Evening {
    folder: PathBuf,
    stage: Stage,
    keeper: Keeper,
    leave: Leave,
    /// Time of the hands.
    at: Duration,
}

impl Evening {
    fn begin(folder: &Path) -> Self {
        let state = folder.join("state");
        let Ok(Cli { command: Command::Run(args) }) = Cli::try_parse_from(["demon", "run"]) else {
            panic!("it is one")
        };
        let args = RunArgs { state: Some(state.clone()), wants_last: true, ..args };
        let file = folder.join("first.toml");
        let (patch, faults) = Patch::load_sound(&file).expect("a patch");
        let (list, told) = SetList::of_folder(Some(&folder.join("list"))).expect("a folder");
        let mut list = list.starting_with(Listed::new("first".to_owned(), patch, Some(file)));
        let mut said = list.take_kept(&state);
        let (kept, last) = come_back(&args, "river", SoundSum::default(), &mut list, &mut said);
        assert!(faults.is_empty() && told.is_empty() && said.is_empty(), "{faults:?} {told:?} {said:?}");
        let mut stage = Stage::going_on(&state, FakeSurface::default(), BoxConfig::default(), list, last);
        let leave = Leave::new().expect("a descriptor");
        let keeper = Keeper::begin(Trial::of_nothing(&state), kept, &leave, stage.view.messages());
        let mut evening = Self { folder: folder.to_owned(), stage, keeper, leave, at: Duration::from_secs(1) };
        evening.rest();
        evening
    }

    fn look(&mut self) {
        let Self { stage, keeper, .. } = self;
        keeper.look(&mut stage.conductor, &mut stage.surface_side, &mut stage.view, 1);
    }

    /// Until what was asked of patches' files is done and known.
    fn settle(&mut self) {
        let begun = Instant::now();
        loop {
            self.look();
            if self.keeper.writer().rests() {
                return self.look();
            }
            assert!(begun.elapsed() < PATIENCE, "never written");
            std::thread::yield_now();
        }
    }

    /// Two seconds in which nothing is done.
    fn rest(&mut self) {
        self.keeper.time_passes();
        self.settle();
    }

    fn play(&mut self, motion: Motion) -> Vec<Act> {
        self.at += Duration::from_secs(1);
        self.stage.play(motion, self.at)
    }

    fn key(&mut self, key: char) -> Vec<Act> {
        self.play(Motion::Struck(Key::Char(key)))
    }

    fn turn(&mut self, number: u8, to: u8) {
        self.play(Motion::Turned(Control::Cc { channel: 1, number }, Position::Seven(to)));
    }

    fn patch(&self) -> String {
        self.stage.surface_side.list().playing().expect("it plays").name.clone()
    }

    /// All that there is now, as far as it can be seen from outside.
    fn moment(&self) -> Moment {
        let store = self.stage.conductor.store();
        let list = self.stage.surface_side.list();
        let scenes = (0..=list.last()).filter_map(|it| list.listed(it)).map(|it| (it.name.clone(), it.scenes));
        let curve = |id: ParamId| Some((id, store.drawn().get(id)?.iter().map(|it| it.to_bits()).collect()));
        let mut scenes: BTreeMap<String, Scenes> = scenes.collect();
        scenes.insert(self.patch(), *store.scenes());
        let curves = ParamId::all().filter_map(curve).collect();
        let words = self.stage.conductor.own_words().to_vec();
        let (patch, values, last_save) = (self.patch(), *store.aims(), store.mark().save);
        Moment { patch, values, curves, scenes, words, last_save, save: None }
    }

    fn depths(&self) -> (usize, usize) {
        let kept = self.stage.conductor.store().keep();
        (kept.done.len(), kept.undone.len())
    }

    /// The file of the patch that plays.
    fn file(&self) -> PathBuf {
        self.stage.surface_side.list().playing().and_then(|it| it.file.clone()).expect("it has one")
    }

    /// The end, in order.
    fn quit(mut self) {
        self.keeper.rest(&mut self.stage.conductor, &mut self.stage.surface_side, &mut self.stage.view);
        assert_eq!(self.keeper.end(false), Vec::<String>::new());
        self.stage.close_only();
    }

    /// The power goes: the folder is what it was at this moment, whatever would have come.
    fn kill(self) {
        let left = tempfile::tempdir().expect("a folder");
        self.keeper.writer().at_a_kill(|| copy(&self.folder, left.path()));
        let _ = self.keeper.end(true);
        self.stage.close_only();
        drop(self.leave);
        fs::remove_dir_all(&self.folder).expect("a disk");
        copy(left.path(), &self.folder);
    }
}

/// Copies a folder: patches first, and what a save replaced last, as a save writes them in the other order.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a disk");
    let mut entries: Vec<PathBuf> =
        fs::read_dir(from).expect("a folder").map(|it| it.expect("an entry").path()).collect();
    entries.sort_by_key(|it| (it.ends_with("state"), it.ends_with("saves"), it.clone()));
    for path in entries {
        let name = path.file_name().expect("a name");
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            // A part that is being written may be gone by now.
            false => drop(fs::copy(&path, to.join(name))),
        }
    }
}

/// Values of a patch as they are loaded: those of the load class stay.
fn loaded(patch: &Patch, now: &Values) -> Values {
    let mut values = patch.values;
    ParamId::all().filter(|id| id.row().class == Class::Load).for_each(|id| _ = values.set(id, now.exact(id)));
    values
}

/// One gesture at random, in the evening and in the model.
fn gesture(dice: &mut Dice, evening: &mut Evening, world: &mut World, worlds: &mut Vec<World>) {
    let before = world.now().clone();
    match dice.throw(100) {
        0..30 => {
            evening.turn(1 + dice.throw(16) as u8, dice.throw(128) as u8);
            moved(evening, world);
        }
        30..36 => {
            evening.turn(70, dice.throw(128) as u8);
            moved(evening, world);
        }
        36..50 => {
            let place = dice.throw(9) as usize;
            evening.key("!@#$%^&*(".chars().nth(place).expect("nine"));
            let mut after = before.clone();
            after.scenes.get_mut(&before.patch).expect("it plays")[place] = Some(before.values);
            step(evening, world, after);
        }
        50..60 => {
            let place = dice.throw(9) as usize;
            evening.key(char::from(b'1' + place as u8));
            let mut after = before.clone();
            if let Some(scene) = before.scenes[&before.patch][place] {
                let patch = Patch { values: scene, ..Patch::default() };
                after.values = loaded(&patch, &before.values);
            }
            step(evening, world, after);
        }
        60..70 => {
            let by = if dice.throw(2) == 0 { '{' } else { '}' };
            evening.key(by);
            goes(evening, world, &before);
        }
        70..82 => undo(evening, world),
        82..89 => redo(evening, world),
        89..91 => save(evening, world, 'S', worlds),
        91..92 => save(evening, world, 'A', worlds),
        92..94 => reload(evening, world),
        94..97 => {
            writes(dice, evening);
            let mut after = before.clone();
            after.words = evening.moment().words;
            step(evening, world, after);
        }
        97..98 => {
            evening.key(if dice.throw(2) == 0 { 'p' } else { 'R' });
            moved(evening, world);
        }
        _ => {
            evening.rest();
            worlds.clear();
        }
    }
    worlds.push(world.clone());
}

/// Words written by hand, of either prompt: typed, or another one picked by an encoder.
fn writes(dice: &mut Dice, evening: &mut Evening) {
    evening.key(if dice.throw(2) == 0 { 'e' } else { 'E' });
    let text = format!(", night {}", dice.throw(9));
    text.chars().for_each(|it| _ = evening.key(it));
    let end = [Key::Enter, Key::Enter, Key::Escape][dice.throw(3) as usize];
    let before = evening.moment().words;
    evening.play(Motion::Struck(end));
    let words = evening.moment().words;
    assert!(words.iter().any(|it| it.tags.ends_with(&text)) || end == Key::Escape, "{words:?}");
    assert!(end == Key::Enter || words == before);
}

/// What hands moved is seen and believed; all else is as it was.
fn moved(evening: &Evening, world: &mut World) {
    let (seen, before) = (evening.moment(), world.now().clone());
    step(evening, world, Moment { values: seen.values, curves: seen.curves, save: None, ..before });
}

/// What was expected is what there is, and a stroke where it is another.
fn step(evening: &Evening, world: &mut World, expected: Moment) {
    let expected = Moment { save: None, ..expected };
    if expected != (Moment { save: None, ..world.now().clone() }) {
        world.push(expected);
    }
    check(evening, world);
}

fn check(evening: &Evening, world: &World) {
    let (seen, now) = (evening.moment(), Moment { save: None, ..world.now().clone() });
    assert_eq!((&seen.patch, evening.depths(), seen.last_save), (&now.patch, world.depths(), now.last_save));
    assert_eq!((seen.values, &seen.curves), (now.values, &now.curves));
    assert_eq!(seen.words, now.words, "words of patch {}", seen.patch);
    for (patch, scenes) in &now.scenes {
        assert!(seen.scenes.get(patch).is_none_or(|it| it == scenes), "scenes of patch {patch}");
    }
    let list = evening.stage.surface_side.list();
    let own = list.playing().map(|it| it.patch.map.own().to_vec()).unwrap_or_default();
    assert_eq!(evening.stage.conductor.binding().map().own(), own, "the map of patch {}", seen.patch);
}

fn goes(evening: &Evening, world: &mut World, before: &Moment) {
    let mut after = before.clone();
    after.patch = evening.patch();
    if after.patch != before.patch {
        let patch = Patch::load(&evening.file()).expect("a patch");
        after.values = loaded(&patch, &before.values);
        after.curves = curves(&patch);
        after.words = words(&patch, before);
    }
    step(evening, world, after);
}

fn curves(patch: &Patch) -> Vec<(ParamId, Vec<u32>)> {
    let curve =
        |it: &(ParamId, engine::param::Breakpoints)| (it.0, it.1.resample(50).iter().map(|it| it.to_bits()).collect());
    let mut curves: Vec<_> = patch.curves.iter().map(curve).collect();
    curves.sort_by_key(|it| it.0 as usize);
    curves
}

/// A patch without words is played under those that are there.
fn words(patch: &Patch, before: &Moment) -> Vec<Spoken> {
    let own = patch.own_words();
    if own.is_empty() { before.words.clone() } else { own }
}

fn undo(evening: &mut Evening, world: &mut World) {
    let save = world.now().save.clone();
    let stood = save.as_ref().map(|it| fs::read(&it.0).ok());
    let undone = evening.key('u').contains(&Act::Undone(true));
    assert_eq!(undone, 0 < world.at);
    if undone {
        if let Some((file, before, after)) = save {
            evening.settle();
            assert!(fs::read(&file).ok() == before, "the save is taken back: {}", file.display());
            // A save that was lost with a kill has left its file: what it has comes back too.
            let after = stood.flatten().filter(|it| Some(it) != before.as_ref()).unwrap_or(after);
            Rc::make_mut(&mut world.moments[world.at]).save = Some((file, before, after));
        }
        world.at -= 1;
    }
    check(evening, world);
}

fn redo(evening: &mut Evening, world: &mut World) {
    let save = world.moments.get(world.at + 1).and_then(|it| it.save.clone());
    let stood = save.as_ref().map(|it| fs::read(&it.0).ok());
    let redone = evening.key('U').contains(&Act::Redone(true));
    assert_eq!(redone, world.at + 1 < world.moments.len());
    if redone {
        world.at += 1;
        if let Some((file, before, after)) = save {
            evening.settle();
            assert!(fs::read(&file).ok().as_ref() == Some(&after), "saved again: {}", file.display());
            let before = stood.flatten().filter(|it| *it != after).or(before);
            Rc::make_mut(&mut world.moments[world.at]).save = Some((file, before, after));
        }
    }
    check(evening, world);
}

fn save(evening: &mut Evening, world: &mut World, key: char, worlds: &mut Vec<World>) {
    let mut after = world.now().clone();
    let had = fs::read(evening.file()).ok();
    evening.key(key);
    // A save is known to have been asked for before it is done.
    worlds.push(world.clone());
    evening.settle();
    after.patch = evening.patch();
    let file = evening.file();
    assert_eq!(after.patch == world.now().patch, key == 'S');
    let scenes = *evening.stage.conductor.store().scenes();
    after.scenes.insert(after.patch.clone(), scenes);
    let patch = Patch::load(&file).expect("a patch");
    assert_eq!((patch.values, patch.scenes), (after.values, world.now().scenes[&world.now().patch]));
    assert_eq!(curves(&patch), after.curves);
    assert!(patch.own_words().is_empty() || patch.own_words() == after.words);
    let text = fs::read(&file).expect("it is there");
    after.last_save = evening.stage.conductor.store().mark().save;
    after.save = Some((file, had.filter(|_| key == 'S'), text));
    world.push(after);
    check(evening, world);
}

fn reload(evening: &mut Evening, world: &mut World) {
    let mut after = world.now().clone();
    let patch = Patch::load(&evening.file()).expect("a patch");
    evening.key('B');
    evening.settle();
    after.values = loaded(&patch, &after.values);
    after.curves = curves(&patch);
    after.words = words(&patch, &after);
    after.scenes.insert(after.patch.clone(), patch.scenes);
    step(evening, world, after);
}

/// Where the next evening begins: at one of the worlds that there were since the disk was waited for.
fn found(evening: &Evening, worlds: &[World]) -> World {
    let seen = evening.moment();
    let is_it = |world: &World| {
        let now = world.now();
        (&now.patch, now.values, &now.curves, &now.words) == (&seen.patch, seen.values, &seen.curves, &seen.words)
            && now.scenes.get(&now.patch) == seen.scenes.get(&seen.patch)
            && (world.after_start().depths(), now.last_save) == (evening.depths(), seen.last_save)
    };
    // Of worlds that differ in nothing but scenes of other patches, the one that has those.
    let is_known = |place: usize, patch: &String, scenes| {
        let mut known = worlds[place..].iter().filter_map(|it| it.now().scenes.get(patch)).peekable();
        known.peek().is_none() || known.any(|it| it == scenes)
    };
    let others = || seen.scenes.iter().filter(|it| *it.0 != seen.patch);
    let has_others = |place: usize| others().all(|(patch, scenes)| is_known(place, patch, scenes));
    let alike: Vec<usize> = (0..worlds.len()).filter(|it| is_it(&worlds[*it])).collect();
    let place = alike.iter().rfind(|it| has_others(**it)).or(alike.last()).copied().unwrap_or_else(|| {
        let told = |it: &World| {
            let now = it.now();
            let is_same = (now.values == seen.values, now.curves == seen.curves);
            let scenes = now.scenes.get(&now.patch) == seen.scenes.get(&seen.patch);
            (now.patch.clone(), it.after_start().depths(), now.last_save, is_same, scenes)
        };
        let all: Vec<_> = worlds.iter().map(told).collect();
        panic!("it is at none of {all:?} but at {:?}", (seen.patch.clone(), evening.depths(), seen.last_save))
    });
    let mut world = worlds[place].after_start();
    // Scenes go to the disk at once: those of other patches may be newer.
    for (patch, scenes) in others() {
        assert!(is_known(place, patch, scenes), "scenes of patch {patch}, which is not played");
        world.correct(patch, scenes);
    }
    world
}

#[test]
fn after_any_evening_and_any_end_the_next_one_finds_all_but_the_last_two_seconds() {
    let evenings = std::env::var("DEMON_EVENINGS").ok().and_then(|it| it.parse().ok()).unwrap_or(12_u64);
    let (_folder, at) = a_box(&PATCHES);
    let mut evening = Evening::begin(&at);
    let mut world = World { moments: vec![Rc::new(evening.moment())], at: 0 };
    let (mut kills, mut gestures) = (0, 0);
    for night in 0..evenings {
        let mut dice = Dice(night);
        let mut worlds = vec![world.clone()];
        for _ in 0..dice.throw(40) + 5 {
            gesture(&mut dice, &mut evening, &mut world, &mut worlds);
            gestures += 1;
            if dice.throw(3) == 0 {
                evening.look();
            }
        }
        match dice.throw(3) {
            0 => {
                evening.quit();
                worlds.drain(..worlds.len() - 1);
            }
            _ => {
                kills += 1;
                if dice.throw(2) == 0 {
                    evening.keeper.time_passes();
                    evening.look();
                }
                evening.kill();
            }
        }
        evening = Evening::begin(&at);
        world = found(&evening, &worlds);
        check(&evening, &world);
    }
    println!("{evenings} evenings, {gestures} gestures, {kills} kills");
    evening.quit();
}

/// A box with patches, in a folder of its own.
fn a_box(patches: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("box");
    fs::create_dir_all(at.join("list")).expect("a disk");
    patches.iter().for_each(|(name, text)| fs::write(at.join(name), text).expect("a disk"));
    (folder, at)
}

#[test]
fn of_patches_that_read_alike_the_one_that_was_played_comes_back_whatever_its_number() {
    let (_folder, at) = a_box(&[("first.toml", ""), ("list/a.toml", ""), ("list/c.toml", "")]);
    let mut evening = Evening::begin(&at);
    evening.key('}');
    evening.key('}');
    evening.key('!');
    evening.turn(1, 100);
    evening.quit();
    // It lies between them, and takes the number that was played.
    fs::write(at.join("list/b.toml"), "").expect("a disk");
    let mut evening = Evening::begin(&at);
    assert_eq!((evening.patch().as_str(), evening.stage.surface_side.list().place()), ("c", 3));
    let way: Vec<String> = (0..3).map(|_| (evening.key('u'), evening.patch()).1).collect();
    assert_eq!(way, ["c", "c", "a"], "undo goes by names too");
    evening.quit();
}

#[test]
fn a_kill_right_behind_a_save_leaves_a_state_that_is_of_the_patch_before_and_after_it() {
    let (_folder, at) = a_box(&PATCHES);
    let mut evening = Evening::begin(&at);
    evening.key('}');
    evening.turn(1, 100);
    evening.rest();
    evening.turn(2, 50);
    let (left, before) = (evening.moment(), fs::read(evening.file()).expect("it is there"));
    evening.key('S');
    // The state that was handed over last is the one of the save.
    evening.settle();
    assert_ne!(fs::read(evening.file()).expect("it is there"), before);
    evening.kill();
    let evening = Evening::begin(&at);
    assert_eq!((evening.patch(), evening.moment().values), (left.patch, left.values));
    evening.quit();
}
