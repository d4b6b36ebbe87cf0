//! Goal: what hands do is on the disk soon after, what they keep stays with its patch, undo goes through all of it, and a disk that refuses it is one fault that stands until it is over.
//! Method: the keeper over a stage of fake surfaces, in a real folder that is taken away and given back.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use engine::param::ParamId;
use hal::gesture::{Control, FakeSurface, Key, Motion, Position};

use super::support_tests::Stage;
use crate::display::messages::FaultKey;
use crate::performance::ending::Leave;
use crate::performance::keeper::{Keeper, Kept, PERIOD};
use crate::settings::box_file::{BoxConfig, Trial};
use crate::settings::last_state::{Found, LastState, Shelf, SoundSum, Starts};
use crate::settings::patch::Patch;

/// After this a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

fn keeper(folder: &Path, stage: &mut Stage, leave: &Leave) -> Keeper {
    let shelf = Shelf::open(folder).expect("nobody has it");
    let (starts, _) = Starts::begin(folder, SystemTime::now());
    let (recording, sound) = ("river".to_owned(), SoundSum::default());
    let kept = Kept { shelf, starts, recording, sound, sources: None, model: PathBuf::new() };
    Keeper::begin(Trial::of_nothing(folder), Some(kept), leave, stage.view.messages())
}

/// Lets both hear until it is so.
fn until(stage: &mut Stage, keeper: &mut Keeper, mut is: impl FnMut(&mut Stage) -> bool) {
    let begun = Instant::now();
    while !is(stage) {
        assert!(begun.elapsed() < PATIENCE, "never");
        stage.hear();
        keeper.look(&mut stage.conductor, &mut stage.surface_side, &mut stage.view, 1);
    }
}

/// What stands in the folder.
fn kept(folder: &Path) -> Option<LastState> {
    let text = std::fs::read_to_string(folder.join("last-state.toml")).ok()?;
    crate::settings::last_state::parse(&text).ok()
}

#[test]
fn what_hands_do_is_on_the_disk_within_two_seconds_and_an_end_in_order_leaves_no_mark_of_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let surface = (0..60).fold(FakeSurface::default(), |it, to| it.turn(1, to + 20));
    let mut stage = Stage::new(folder.path(), surface, BoxConfig::default(), &["[values]\ngain_db = -20"]);
    let leave = Leave::new().expect("a descriptor");
    let mut keeper = keeper(folder.path(), &mut stage, &leave);
    let denoise = 79.0 / 127.0;
    until(&mut stage, &mut keeper, |_| {
        kept(folder.path()).is_some_and(|it| it.kept.aims.exact(ParamId::Denoise) == denoise)
    });
    let state = kept(folder.path()).expect("it is there");
    assert_eq!((state.kept.done.len(), state.muted, state.origin.source.as_str()), (1, false, "river"));
    assert!(PERIOD < Duration::from_secs(2));
    assert!(Shelf::open(folder.path()).is_err() && folder.path().join("starts").exists());
    // What is done last is kept by the end, however soon it comes.
    stage.conductor.transport().set_muted(true);
    keeper.rest(&mut stage.conductor, &mut stage.surface_side, &mut stage.view);
    assert_eq!(keeper.end(false), Vec::<String>::new());
    assert!(kept(folder.path()).is_some_and(|it| it.muted) && !folder.path().join("starts").exists());
    assert!(matches!(Shelf::open(folder.path()).expect("it is free").read(), Found::State(_)));
    // An end because something crashed counts as a crash, however orderly it was.
    let another = self::keeper(folder.path(), &mut stage, &leave);
    assert_eq!(another.end(true), Vec::<String>::new());
    assert!(folder.path().join("starts").exists());
    stage.close_only();
}

#[test]
fn a_disk_that_refuses_is_one_fault_that_stands_and_its_end_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let mut stage = Stage::new(folder.path(), FakeSurface::default().turn(1, 3), BoxConfig::default(), &[""]);
    let leave = Leave::new().expect("a descriptor");
    let mut keeper = keeper(&state, &mut stage, &leave);
    until(&mut stage, &mut keeper, |_| kept(&state).is_some());
    // The folder is gone: the same to a writer as a disk that is full or for reading only, and root is refused too.
    let gone = folder.path().join("gone");
    std::fs::rename(&state, &gone).expect("a disk");
    stage.conductor.binding_mut().go_on(5, ParamId::Shift);
    until(&mut stage, &mut keeper, |stage| stage.view.messages().stands(&FaultKey::LastState));
    let words = stage.view.messages().worst().expect("it stands").to_owned();
    assert!(
        words.contains("last-state.toml: cannot be written") && words.ends_with("is not kept for the next start"),
        "{words}"
    );
    std::fs::rename(&gone, &state).expect("a disk");
    until(&mut stage, &mut keeper, |stage| !stage.view.messages().stands(&FaultKey::LastState));
    assert_eq!(kept(&state).map(|it| it.bank), Some(5), "nothing is lost of what was done meanwhile");
    std::fs::rename(&state, &gone).expect("a disk");
    stage.conductor.transport().set_muted(true);
    keeper.rest(&mut stage.conductor, &mut stage.surface_side, &mut stage.view);
    let words = keeper.end(false).concat();
    assert!(words.contains("cannot be written"), "{words}");
    stage.close_only();
}

fn key(stage: &mut Stage, key: char, at: u64) {
    stage.play(Motion::Struck(Key::Char(key)), Duration::from_secs(at));
}

fn turn(stage: &mut Stage, to: u8, at: u64) {
    let motion = Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Seven(to));
    stage.play(motion, Duration::from_secs(at));
}

/// The patch that is played, its denoise, and the denoise of its first scene.
fn seen(stage: &Stage) -> (usize, f64, Option<f64>) {
    let scene = stage.conductor.store().scene(0).map(|it| it.exact(ParamId::Denoise));
    (stage.surface_side.list().place(), stage.value(ParamId::Denoise), scene)
}

#[test]
fn scenes_stay_with_their_patch_and_undo_goes_through_patches() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = "[[map]]\ncc = 99\nto = \"shift\"\n";
    let patches = ["[values]\ndenoise = 0.5\n", &format!("[values]\ndenoise = 0.25\n[prompt]\nbpm = 90\n{map}")];
    let mut stage = Stage::new(folder.path(), FakeSurface::default(), BoxConfig::default(), &patches);
    let [one, own] = [64.0 / 127.0, 0.25];
    turn(&mut stage, 64, 1);
    key(&mut stage, '!', 2);
    assert_eq!(seen(&stage), (0, one, Some(one)));
    key(&mut stage, '}', 3);
    assert_eq!(seen(&stage), (1, own, None));
    assert_eq!((stage.conductor.binding().map().own().len(), stage.conductor.beats().is_some()), (1, true));
    key(&mut stage, '!', 4);
    key(&mut stage, '{', 5);
    assert_eq!(seen(&stage), (0, 0.5, Some(one)), "what was kept is there again, and values are the patch's");
    assert_eq!((stage.conductor.binding().map().own().len(), stage.conductor.beats().is_some()), (0, false));
    // Back through all of it, and forth again: patch, values, scenes, map and tempo.
    let way = [(0, 0.5, Some(one)), (1, own, Some(own)), (1, own, None), (0, one, Some(one)), (0, one, None)];
    for expected in &way[1..] {
        key(&mut stage, 'u', 6);
        assert_eq!(seen(&stage), *expected);
        let around = (stage.conductor.binding().map().own().len(), stage.conductor.beats().is_some());
        assert_eq!(around, (expected.0, expected.0 == 1));
    }
    for expected in way[..4].iter().rev() {
        key(&mut stage, 'U', 7);
        assert_eq!(seen(&stage), *expected);
    }
    stage.close_only();
}

#[test]
fn a_patch_is_saved_taken_back_and_read_again_and_what_refuses_is_said_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let patches = ["[values]\n", "# by hand\n[values]\ndenoise = 0.25\n"];
    let mut stage = Stage::new(folder.path(), FakeSurface::default(), BoxConfig::default(), &patches);
    let file = folder.path().join("set-list/1.toml");
    std::fs::write(&file, patches[1]).expect("a disk");
    let leave = Leave::new().expect("a descriptor");
    let mut keeper = keeper(&state, &mut stage, &leave);
    let text = || std::fs::read_to_string(&file).expect("it is there");
    let says = |stage: &mut Stage, keeper: &mut Keeper, words: &str| {
        until(stage, keeper, |stage| stage.view.messages().line(Instant::now()).contains(words));
    };
    key(&mut stage, '}', 1);
    turn(&mut stage, 96, 2);
    key(&mut stage, '!', 3);
    until(&mut stage, &mut keeper, |_| std::fs::read_dir(state.join("kept")).is_ok_and(|it| it.count() == 1));
    key(&mut stage, 'S', 4);
    says(&mut stage, &mut keeper, "saved: 1");
    let saved = text();
    let patch = Patch::load(&file).expect("a patch");
    let now = 96.0 / 127.0;
    let scene = patch.scenes[0].map(|it| it.exact(ParamId::Denoise));
    assert_eq!((patch.values.exact(ParamId::Denoise), scene), (now, Some(now)));
    until(&mut stage, &mut keeper, |_| std::fs::read_dir(state.join("kept")).is_ok_and(|it| it.count() == 0));
    key(&mut stage, 'u', 5);
    says(&mut stage, &mut keeper, "taken back");
    assert_eq!((text().as_str(), seen(&stage)), (patches[1], (1, now, Some(now))), "no value moves");
    until(&mut stage, &mut keeper, |_| std::fs::read_dir(state.join("kept")).is_ok_and(|it| it.count() == 1));
    key(&mut stage, 'U', 6);
    says(&mut stage, &mut keeper, "saved again");
    assert_eq!(text(), saved);
    // A person edits it meanwhile.
    std::fs::write(&file, "[values]\ndenoise = 0.125\n").expect("a disk");
    key(&mut stage, 'B', 7);
    says(&mut stage, &mut keeper, "undo brings yours back");
    assert_eq!(seen(&stage), (1, 0.125, None));
    key(&mut stage, 'u', 8);
    assert_eq!(seen(&stage), (1, now, Some(now)));
    // No place for what a save would replace: a file where the folder was. The same as a full disk, and root is refused too.
    std::fs::remove_dir_all(state.join("saves")).expect("a disk");
    std::fs::write(state.join("saves"), "").expect("a disk");
    let depth = stage.conductor.store().undo_depth();
    for save in ['S', 'A'] {
        key(&mut stage, save, 9);
        says(&mut stage, &mut keeper, "not saved: ");
        assert_eq!((text().as_str(), seen(&stage)), ("[values]\ndenoise = 0.125\n", (1, now, Some(now))));
    }
    assert_eq!((stage.conductor.store().undo_depth(), stage.surface_side.list().last()), (depth, 1));
    assert_eq!(keeper.end(false), Vec::<String>::new());
    stage.close_only();
}

#[test]
fn a_patch_saved_as_new_is_played_from_then_on_and_undo_takes_it_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let mut stage = Stage::new(folder.path(), FakeSurface::default(), BoxConfig::default(), &["", "", ""]);
    let leave = Leave::new().expect("a descriptor");
    let mut keeper = keeper(&state, &mut stage, &leave);
    key(&mut stage, '}', 1);
    key(&mut stage, 'A', 2);
    until(&mut stage, &mut keeper, |stage| stage.surface_side.list().place() == 3);
    let file = folder.path().join("set-list/1-2.toml");
    assert!(file.exists() && stage.surface_side.list().playing().is_some_and(|it| it.name == "1-2"));
    key(&mut stage, 'u', 3);
    until(&mut stage, &mut keeper, |_| !file.exists());
    assert_eq!((stage.surface_side.list().place(), stage.surface_side.list().last()), (1, 2));
    key(&mut stage, 'U', 4);
    until(&mut stage, &mut keeper, |_| file.exists());
    assert_eq!(stage.surface_side.list().place(), 3);
    assert_eq!(keeper.end(false), Vec::<String>::new());
    stage.close_only();
}
