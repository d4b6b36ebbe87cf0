//! Goal: a patch with another recording comes whole or not at all, steps count from the one on its way, and the library is loaded by hand.
//! Method: the surfaces' side over a real conductor, without a worker: what it asks for and what becomes of an answer.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::param::ParamId;
use hal::gesture::{Control, FakeSurface, Key, Motion, Position};
use tempfile::TempDir;

use super::support_tests::{Stage, TAPE};
use crate::compute::loader::Heard;
use crate::control::tempo::Quantise;
use crate::performance::conductor::Wanted;
use crate::performance::loading::Arrived;
use crate::settings::box_file::BoxConfig;
use crate::settings::last_state::Loads;
use crate::settings::patch::Sources;

const FIRST: &str = "[values]\ndenoise = 0.1\n[[map]]\nnote = 1\nto = \"next-patch\"\n[[map]]\nnote = 2\nto = \"previous-patch\"\n\
                     [[map]]\nnote = 3\nto = \"next-in-library\"\n[[map]]\nnote = 4\nto = \"load-from-library\"\n";

fn stage(folder: &TempDir) -> Stage {
    let list = folder.path().join("set-list");
    std::fs::create_dir_all(&list).expect("a disk");
    std::fs::write(list.join("b.wav"), "").expect("a disk");
    let other = format!("source = \"b.wav\"\n{}", FIRST.replace("0.1", "0.9"));
    let last = FIRST.replace("0.1", "0.5");
    Stage::new(folder.path(), FakeSurface::default(), BoxConfig::default(), &[FIRST, &other, &last])
}

fn press(stage: &mut Stage, note: u8) {
    stage.play(Motion::Pressed(Control::Note { channel: 1, number: note }, 100), Duration::from_secs(1));
}

fn patch_of(wanted: Option<Wanted>) -> Option<usize> {
    match wanted {
        Some(Wanted::Set { patch, .. }) => patch,
        _ => None,
    }
}

#[test]
fn a_patch_with_another_recording_comes_whole_when_that_plays_and_not_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    press(&mut stage, 1);
    assert_eq!((stage.surface_side.list().place(), stage.value(ParamId::Denoise)), (0, 0.1), "nothing of it is there");
    let wanted = stage.conductor.wanted();
    let Some(Wanted::Set { sources, .. }) = &wanted else { panic!("{wanted:?}") };
    let sources = sources.clone();
    assert!(sources.recording.ends_with("b.wav"));
    assert_eq!(patch_of(wanted), Some(1));
    // A hand moves on: what it does is the first patch's.
    let heard = Heard::new(Path::new("b.wav"), "b".to_owned(), vec![[0.0; 2]; 1920].into(), vec![0.0; 64].into());
    let arrived = Arrived { patch: Some(1), recording: Arc::new(heard), sources, is_another: true, band: None };
    stage.surface_side.arrived(&arrived, &mut stage.conductor, &mut stage.view);
    stage.surface_side.awaits(None);
    assert_eq!((stage.surface_side.list().place(), stage.value(ParamId::Denoise)), (1, 0.9));
    stage.conductor.want(Wanted::Stay);
    press(&mut stage, 2);
    assert_eq!(patch_of(stage.conductor.wanted()), None, "a patch without a recording plays on what plays");
    assert_eq!((stage.surface_side.list().place(), stage.value(ParamId::Denoise)), (0, 0.1));
    stage.close_only();
}

#[test]
fn a_step_counts_from_the_patch_on_its_way_and_going_back_calls_it_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    press(&mut stage, 1);
    assert_eq!(patch_of(stage.conductor.wanted()), Some(1));
    press(&mut stage, 1);
    assert_eq!((stage.surface_side.list().place(), stage.conductor.wanted()), (2, Some(Wanted::Stay)));
    assert_eq!(stage.value(ParamId::Denoise), 0.5);
    press(&mut stage, 2);
    assert_eq!((stage.surface_side.list().place(), patch_of(stage.conductor.wanted())), (2, Some(1)));
    press(&mut stage, 1);
    assert_eq!((stage.surface_side.list().place(), stage.conductor.wanted()), (2, Some(Wanted::Stay)));
    stage.close_only();
}

#[test]
fn what_is_prepared_ahead_is_what_the_next_patch_asks_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    let next = stage.surface_side.next_to_prepare(&stage.conductor).expect("there is a next patch");
    assert_eq!(stage.surface_side.next_to_prepare(&stage.conductor), None, "once");
    press(&mut stage, 1);
    let wanted = stage.conductor.wanted();
    let Some(Wanted::Set { sources, words, .. }) = wanted else { panic!("{wanted:?}") };
    assert_eq!(next, (sources.clone(), words.unwrap_or_else(|| stage.conductor.words().to_vec())));
    plays(&mut stage, &sources, Some(1));
    let next = stage.surface_side.next_to_prepare(&stage.conductor).expect("another one");
    assert!(next.0.recording.ends_with("b.wav"), "the last one plays on what plays");
    stage.close_only();
}

#[test]
fn what_the_walk_through_the_library_shows_is_loaded_by_a_press() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    press(&mut stage, 4);
    assert_eq!(stage.conductor.wanted(), None, "nothing is shown yet");
    let library = crate::settings::library::Library::at(folder.path().join("library"));
    let recordings = library.root().join("recordings");
    std::fs::create_dir_all(&recordings).expect("a disk");
    std::fs::write(recordings.join("a-broken.wav"), "").expect("a disk");
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house/demo.flac");
    std::fs::copy(demo, recordings.join("river.flac")).expect("a disk");
    stage.surface_side.walk_in(library);
    press(&mut stage, 3);
    while !stage.surface_side.has_looked() {
        std::thread::yield_now();
    }
    press(&mut stage, 4);
    assert_eq!(stage.conductor.wanted(), None, "what is broken is said");
    press(&mut stage, 3);
    press(&mut stage, 4);
    let wanted = stage.conductor.wanted();
    let Some(Wanted::Set { name, sources, patch: None, .. }) = wanted else { panic!("{wanted:?}") };
    assert_eq!((name.as_str(), sources), ("river.flac", Sources::of(&recordings.join("river.flac"))));
    stage.close_only();
}

/// Other recordings play, as the worker says it.
fn plays(stage: &mut Stage, sources: &Sources, patch: Option<usize>) {
    let sound = vec![[0.0; 2]; 1920];
    let heard = Heard::new(&sources.recording, "it".to_owned(), sound.into(), vec![0.0; 64].into());
    let arrived = Arrived { patch, recording: Arc::new(heard), sources: sources.clone(), is_another: true, band: None };
    stage.surface_side.arrived(&arrived, &mut stage.conductor, &mut stage.view);
}

fn asks_for(stage: &mut Stage) -> Option<Sources> {
    match stage.conductor.wanted() {
        Some(Wanted::Set { sources, patch: None, .. }) => Some(sources),
        _ => None,
    }
}

fn deed(stage: &mut Stage, key: char, seconds: u64) {
    stage.play(Motion::Struck(Key::Char(key)), Duration::from_secs(seconds));
}

#[test]
fn undo_and_redo_go_through_recordings_that_a_hand_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    let [own, a, b] = ["own.wav", "a.wav", "b.wav"].map(|it| Sources::of(Path::new(it)));
    stage.surface_side.plays_on(own.clone(), Loads::default(), &mut stage.conductor);
    plays(&mut stage, &a, None);
    let other = Sources { timbre: Some("choir.wav".into()), ..a.clone() };
    plays(&mut stage, &other, None);
    assert_eq!(stage.conductor.store().undo_depth(), 2, "a load is a stroke");
    // Back, the nearest first; each is asked for while the one before it may still be on its way.
    deed(&mut stage, 'u', 1);
    assert_eq!(asks_for(&mut stage), Some(a.clone()));
    let told: Vec<String> = std::iter::from_fn(|| stage.view.messages().next_line()).collect();
    assert!(told.iter().any(|it| it.contains("a.wav is being prepared")), "{told:?}");
    plays(&mut stage, &a, None);
    assert_eq!(
        (stage.conductor.store().undo_depth(), asks_for(&mut stage)),
        (1, None),
        "what undo brings is no stroke"
    );
    deed(&mut stage, 'u', 2);
    deed(&mut stage, 'U', 3);
    deed(&mut stage, 'U', 4);
    assert_eq!(asks_for(&mut stage), Some(other.clone()), "the latest counts");
    plays(&mut stage, &other, None);
    // One that is on its way when undo asks for another is no stroke either: undo's own comes behind it.
    deed(&mut stage, 'u', 5);
    deed(&mut stage, 'u', 6);
    plays(&mut stage, &a, None);
    assert_eq!((asks_for(&mut stage), stage.conductor.store().undo_depth()), (Some(own.clone()), 0));
    // It cannot be had: the next load is undone to what plays.
    plays(&mut stage, &b, None);
    deed(&mut stage, 'u', 7);
    assert_eq!(asks_for(&mut stage), Some(a));
    stage.close_only();
}

#[test]
fn undo_of_a_patch_that_brought_a_recording_asks_for_the_one_that_a_hand_had_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    let [own, a] = ["own.wav", "a.wav"].map(|it| Sources::of(Path::new(it)));
    stage.surface_side.plays_on(own, Loads::default(), &mut stage.conductor);
    plays(&mut stage, &a, None);
    press(&mut stage, 1);
    let Some(Wanted::Set { sources, .. }) = stage.conductor.wanted() else { panic!("a patch with a recording") };
    plays(&mut stage, &sources, Some(1));
    stage.surface_side.awaits(None);
    assert_eq!(stage.value(ParamId::Denoise), 0.9);
    deed(&mut stage, 'u', 1);
    assert_eq!((stage.value(ParamId::Denoise), stage.surface_side.list().place()), (0.1, 0));
    assert_eq!(asks_for(&mut stage), Some(a));
    deed(&mut stage, 'U', 2);
    assert_eq!((stage.value(ParamId::Denoise), asks_for(&mut stage)), (0.9, Some(sources)));
    // After the next start it is known as before: what is written says of which recordings strokes speak.
    let kept = stage.conductor.store().keep();
    let loads = stage.surface_side.loads().spoken_of(&kept, |it| it.load);
    let spoken: Vec<u32> = kept.done.iter().filter_map(|it| it.marks).flatten().map(|it| it.load).collect();
    assert!(spoken.iter().filter(|it| 0 < **it).all(|it| loads.get(*it).is_some()), "{spoken:?} of {loads:?}");
    stage.close_only();
}

/// What stands between two marks of the page for performers.
fn page(from: &str, to: &str) -> &'static str {
    let page = include_str!("../../../../docs/performing.md");
    page.split_once(from).and_then(|it| it.1.split_once(to)).expect("it stands there").0
}

/// What a part of a cell of the page does with the controls of a panel, and what ends it.
fn motions(part: &str) -> (Motion, Option<Motion>) {
    let number = |word: &str| -> u8 {
        let digits = part.split_once(word).expect(part).1.trim_start();
        digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect(part)
    };
    if part.starts_with("turn encoder") {
        return (Motion::Turned(Control::Encoder(number("encoder")), Position::Detents(1)), None);
    }
    let button = Control::Button(number("button"));
    (Motion::Pressed(button, 127), Some(Motion::Released(button)))
}

#[test]
fn the_page_for_performers_does_what_it_says_with_two_encoders_and_four_buttons() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = page("```toml\n", "```");
    let first = format!("[prompt]\na = \"house\"\n[prompts.2]\nname = \"night\"\ntags = \"drone\"\n{map}");
    let mut stage = Stage::new(
        folder.path(),
        FakeSurface::default(),
        BoxConfig::default(),
        &[&first, &format!("[values]\ndenoise = 0.9\n{map}")],
    );
    let library = crate::settings::library::Library::at(folder.path().join("library"));
    std::fs::create_dir_all(library.root().join("recordings")).expect("a disk");
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house/demo.flac");
    std::fs::copy(demo, library.root().join("recordings/river.flac")).expect("a disk");
    stage.surface_side.walk_in(library);
    let rows: Vec<&str> = page("| --- | --- | --- | --- |\n", "\n\n").lines().collect();
    assert_eq!(rows.len(), 8, "{rows:#?}");
    for (turn, row) in rows.iter().enumerate() {
        let [_, cell, _, said] = row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let words = said.split('`').nth(1).expect("what is said");
        let (at, parts) = (Duration::from_secs(10 * turn as u64), cell.split(", ").map(motions));
        let ends: Vec<Motion> = parts.filter_map(|(begins, ends)| (stage.play(begins, at), ends).1).collect();
        let begun = Instant::now();
        while !stage.view.messages().line(Instant::now()).contains(words) {
            assert!(begun.elapsed() < Duration::from_secs(60), "never `{words}` after {cell}");
            stage.surface_side.hear(&mut stage.conductor, &mut stage.view);
        }
        ends.into_iter().for_each(|it| _ = stage.play(it, at));
    }
    let wanted = stage.conductor.wanted();
    assert!(
        matches!(&wanted, Some(Wanted::Set { name, .. }) if name == "river.flac"),
        "it is still prepared: {wanted:?}"
    );
    stage.close_only();
}

#[test]
fn a_patch_waits_for_its_line_steps_count_from_it_and_a_panic_calls_it_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = BoxConfig { quantise: Quantise::Loop, ..BoxConfig::default() };
    let patches = ["0.1", "0.3", "0.5"].map(|it| FIRST.replace("0.1", it) + "[[map]]\nnote = 9\nto = \"panic\"\n");
    let mut stage = Stage::new(folder.path(), FakeSurface::default(), config, &patches.each_ref().map(String::as_str));
    press(&mut stage, 1);
    press(&mut stage, 1);
    let play_to = |stage: &mut Stage, place: usize| {
        while stage.conductor.transport().playhead().position != place {
            stage.player.fill(&mut [[0.0; 2]; 192]);
        }
        stage.hear();
        (stage.surface_side.list().place(), stage.value(ParamId::Denoise))
    };
    assert_eq!(play_to(&mut stage, TAPE - 192), (0, 0.1), "it waits");
    assert_eq!(play_to(&mut stage, 0), (2, 0.5), "the second step counted from the first");
    press(&mut stage, 2);
    press(&mut stage, 9);
    let safe = stage.value(ParamId::Denoise);
    play_to(&mut stage, TAPE - 192);
    assert_eq!(play_to(&mut stage, 192), (2, safe), "it was called off");
    press(&mut stage, 2);
    assert_eq!(play_to(&mut stage, 0), (1, 0.3), "a step counts from what plays");
    stage.close();
}
