//! Goal: words are typed on a terminal and on a keyboard plugged in, spelled and picked with one encoder; they play from the next
//! generation on, undo takes them back, and they are saved with their patch.
//! Method: the surfaces' side over a real conductor; what it asks the worker for is what a worker would read.

use std::time::{Duration, Instant};

use hal::gesture::{Control, FakeSurface, Key, Motion, Position};
use tempfile::TempDir;

use super::support_tests::Stage;
use crate::control::binding::Act;
use crate::performance::patch_jobs::PatchJob;
use crate::settings::box_file::BoxConfig;

const FIRST: &str = "[prompt]\na = \"house\"\nb = \"dub\"\nbpm = 120\n[[map]]\nencoder = 1\nto = \"next-character\"\n[[map]]\nbutton = 1\n\
                     to = \"take-character\"\n[[map]]\nkey = 31\nto = \"next-patch\"\n";

fn stage(folder: &TempDir) -> Stage {
    let patches = [FIRST, "[prompt]\na = \"choir\"\n", "[values]\ndenoise = 0.3\n"];
    let mut stage = Stage::new(folder.path(), FakeSurface::default(), BoxConfig::default(), &patches);
    stage.conductor.wanted_words();
    stage
}

fn strike(stage: &mut Stage, key: Key) -> Vec<Act> {
    stage.play(Motion::Struck(key), Duration::from_secs(1))
}

fn strike_all(stage: &mut Stage, keys: &str) {
    keys.chars().for_each(|it| _ = strike(stage, Key::Char(it)));
}

/// The tags of what a worker is asked to read, by their places.
fn wanted(stage: &mut Stage) -> Option<Vec<String>> {
    stage.conductor.wanted_words().map(|words| words.into_iter().map(|it| it.tags).collect())
}

fn said(stage: &mut Stage) -> String {
    stage.view.messages().line(Instant::now()).to_owned()
}

#[test]
fn words_are_typed_in_a_terminal_and_undo_and_redo_go_through_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    strike_all(&mut stage, "e, q");
    assert!(
        stage.surface_side.text_page().is_some_and(|it| it.text == "house, q"),
        "no letter has another meaning now"
    );
    strike(&mut stage, Key::Backspace);
    strike_all(&mut stage, "warm");
    strike(&mut stage, Key::Enter);
    assert_eq!(wanted(&mut stage), Some(vec!["house, warm".to_owned(), "dub".to_owned()]));
    assert_eq!((said(&mut stage).as_str(), stage.surface_side.text_page()), ("Prompt A: house, warm", None));
    assert_eq!(stage.conductor.words()[0].bpm, Some(120), "what else a prompt says stays");
    strike_all(&mut stage, "E");
    strike_all(&mut stage, "step");
    strike(&mut stage, Key::Enter);
    assert_eq!(wanted(&mut stage), Some(vec!["house, warm".to_owned(), "dubstep".to_owned()]));
    strike_all(&mut stage, "u");
    assert_eq!(wanted(&mut stage), Some(vec!["house, warm".to_owned(), "dub".to_owned()]));
    strike_all(&mut stage, "u");
    assert_eq!(wanted(&mut stage), Some(vec!["house".to_owned(), "dub".to_owned()]));
    strike_all(&mut stage, "UU");
    assert_eq!(wanted(&mut stage), Some(vec!["house, warm".to_owned(), "dubstep".to_owned()]), "the latest counts");
    // What leaves nothing, and what changes nothing, is no stroke.
    let depth = stage.conductor.store().undo_depth();
    strike_all(&mut stage, "exyz");
    strike(&mut stage, Key::Escape);
    strike_all(&mut stage, "e");
    strike(&mut stage, Key::Enter);
    assert_eq!((wanted(&mut stage), said(&mut stage).as_str()), (None, "these words play already"));
    strike_all(&mut stage, "e");
    (0..400).for_each(|_| _ = strike(&mut stage, Key::Backspace));
    strike(&mut stage, Key::Enter);
    assert_eq!(said(&mut stage), "no words yet: write some, or leave as it was");
    strike(&mut stage, Key::Escape);
    assert_eq!((wanted(&mut stage), stage.conductor.store().undo_depth()), (None, depth));
    assert_eq!(strike(&mut stage, Key::Interrupt), [Act::Quit], "ctrl-c leaves wherever it is struck");
    stage.close_only();
}

#[test]
fn one_encoder_and_its_push_pick_and_spell_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    let turn = |stage: &mut Stage, by: i32| {
        stage.play(Motion::Turned(Control::Encoder(1), Position::Detents(by)), Duration::from_secs(1));
    };
    let push = |stage: &mut Stage| {
        stage.play(Motion::Pressed(Control::Button(1), 127), Duration::from_secs(1));
        stage.play(Motion::Released(Control::Button(1)), Duration::from_secs(1));
    };
    turn(&mut stage, 1);
    let page = stage.surface_side.text_page().expect("a turn opens the words of prompt A");
    assert_eq!((page.text.as_str(), page.choices[page.cursor].as_str()), ("house", "techno"), "the first known word");
    push(&mut stage);
    push(&mut stage);
    assert_eq!(wanted(&mut stage), Some(vec!["house, techno".to_owned(), "dub".to_owned()]));
    // To a choice by its name, however far: forwards and back, fast.
    let to = |stage: &mut Stage, name: &str| {
        let page = stage.surface_side.text_page().expect("it is open");
        let place = page.choices.iter().position(|it| it == name).expect("it is offered");
        turn(stage, place as i32 - page.cursor as i32);
        push(stage);
    };
    push(&mut stage);
    for name in [",", "space", "z", "z", "delete a letter", "play these words"] {
        to(&mut stage, name);
    }
    assert_eq!(wanted(&mut stage), Some(vec!["house, techno, z".to_owned(), "dub".to_owned()]));
    push(&mut stage);
    to(&mut stage, "a");
    to(&mut stage, "leave as it was");
    assert_eq!((wanted(&mut stage), said(&mut stage).as_str()), (None, "the words stay as they were"));
    stage.close_only();
}

#[test]
fn a_keyboard_that_is_plugged_in_types_but_for_keys_that_have_a_meaning() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    let press =
        |stage: &mut Stage, code: u16| stage.play(Motion::Pressed(Control::Key(code), 127), Duration::from_secs(1));
    press(&mut stage, 18);
    assert_eq!(stage.surface_side.text_page(), None, "a key types where words are written, and nowhere else");
    strike_all(&mut stage, "e");
    // Comma, space, shift and b, then o and b.
    [51, 57, 42, 48].into_iter().for_each(|it| _ = press(&mut stage, it));
    stage.play(Motion::Released(Control::Key(42)), Duration::from_secs(1));
    [24, 48].into_iter().for_each(|it| _ = press(&mut stage, it));
    assert_eq!(stage.surface_side.text_page().map(|it| it.text), Some("house, Bob".to_owned()));
    // A foot switch that was given a meaning keeps it.
    assert_eq!(press(&mut stage, 31), [Act::PatchBy(1)]);
    assert_eq!(stage.surface_side.list().place(), 1);
    stage.play(Motion::Released(Control::Key(31)), Duration::from_secs(1));
    press(&mut stage, 28);
    assert_eq!(wanted(&mut stage), Some(vec!["house, Bob".to_owned()]), "it is played under the patch of now");
    stage.close_only();
}

#[test]
fn written_words_go_with_their_patch_and_are_saved_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(&folder);
    strike_all(&mut stage, "e, warm");
    strike(&mut stage, Key::Enter);
    strike_all(&mut stage, "}");
    assert_eq!(wanted(&mut stage), Some(vec!["choir".to_owned()]));
    strike_all(&mut stage, "}");
    assert_eq!(wanted(&mut stage), None, "a patch without words is played under those that are there");
    strike_all(&mut stage, "u");
    assert_eq!(wanted(&mut stage), None);
    strike_all(&mut stage, "u");
    assert_eq!(wanted(&mut stage), Some(vec!["house, warm".to_owned(), "dub".to_owned()]), "as they were written");
    let saved = |stage: &mut Stage| {
        strike_all(stage, "A");
        let jobs = stage.surface_side.take_jobs();
        let [PatchJob::SaveNew { patch, .. }] = &jobs[..] else { panic!("one save") };
        patch.own_words().into_iter().map(|it| it.tags).collect::<Vec<_>>()
    };
    assert_eq!(saved(&mut stage), ["house, warm", "dub"]);
    strike_all(&mut stage, "UU");
    assert_eq!(saved(&mut stage), Vec::<String>::new(), "words of another patch are not its own");
    stage.close_only();
}
