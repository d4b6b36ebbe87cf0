//! Goal: what a hand loads is taken back and done again by the keys that the pages name, also after a restart.
//! Method: the real program in a real pseudo-terminal, into a file; the hands answer what it says.

mod recordings;
mod terminal_support;

use std::fs;

use recordings::tone;
use terminal_support::Stage;

/// A folder with a library of two recordings.
fn with_library() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let recordings = folder.path().join("state/library/recordings");
    fs::create_dir_all(&recordings).expect("a disk");
    tone(&recordings.join("a-dawn.wav"), 220.0, 1.0, 48_000);
    tone(&recordings.join("b-river.wav"), 330.0, 1.0, 44_100);
    folder
}

/// Types a key and waits until it says so; answers the place behind that.
fn key(stage: &mut Stage, key: &str, says: &str, from: usize) -> usize {
    stage.types(key.as_bytes());
    stage.wait_for(says, from)
}

const LINES: (u16, u16) = (200, 50);

fn leave(mut stage: Stage) -> tempfile::TempDir {
    stage.types(b"\x03");
    assert!(stage.ends(true).success());
    stage.take_folder()
}

#[test]
fn undo_of_a_recording_is_heard_and_outlives_a_restart() {
    let play = |folder| Stage::play_in(folder, &["--plain"], LINES, "xterm");
    let mut stage = play(with_library());
    let mut at = stage.wait_for("sound to", 0);
    at = key(&mut stage, "o", "1 of 2: a-dawn.wav", at);
    at = key(&mut stage, "\r", "a-dawn.wav plays, 1.0 s", at);
    at = key(&mut stage, "o", "2 of 2: b-river.wav", at);
    at = key(&mut stage, "\r", "b-river.wav plays, 1.0 s", at);
    at = key(&mut stage, "u", "a-dawn.wav plays, 1.0 s", at);
    at = key(&mut stage, "U", "b-river.wav plays, 1.0 s", at);
    key(&mut stage, "u", "a-dawn.wav plays, 1.0 s", at);
    let folder = leave(stage);
    let mut stage = play(folder);
    at = stage.wait_for("playing a-dawn (1.0 s)", 0);
    at = stage.wait_for("sound to", at);
    at = key(&mut stage, "U", "b-river.wav plays, 1.0 s", at);
    at = key(&mut stage, "u", "a-dawn.wav plays, 1.0 s", at);
    key(&mut stage, "u", "demo.flac plays, 4.0 s", at);
    // A file that is gone is said, and what plays goes on.
    let folder = leave(stage);
    fs::remove_file(folder.path().join("state/library/recordings/a-dawn.wav")).expect("it is there");
    let mut stage = play(folder);
    at = stage.wait_for("sound to", 0);
    at = key(&mut stage, "U", "a-dawn.wav: it cannot be played", at);
    at = stage.wait_for("what plays goes on", at);
    key(&mut stage, "U", "b-river.wav plays, 1.0 s", at);
    drop(leave(stage));
}

/// The bytes of a key, as the page names it.
fn bytes(key: &str) -> &str {
    match key {
        "enter" => "\r",
        "tab" => "\t",
        "right" => "\x1b[C",
        key => key,
    }
}

#[test]
fn the_page_for_performers_does_what_it_says_on_a_keyboard() {
    let page = include_str!("../../docs/performing.md");
    let rows =
        page.split_once("| --- | --- | --- | --- |\n").and_then(|it| it.1.split_once("\n\n")).expect("a table").0;
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    for name in ["state/library/recordings", "set"] {
        fs::create_dir_all(at.join(name)).expect("a disk");
    }
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house/demo.flac");
    fs::copy(demo, at.join("state/library/recordings/river.flac")).expect("a disk");
    // Words are written behind those of the prompt that was chosen.
    let first = "[prompt]\na = \"house\"\n[prompts.2]\nname = \"night\"\ntags = \"drone\"\n";
    fs::write(at.join("first.toml"), first).expect("a disk");
    fs::write(at.join("set/1.toml"), "[values]\ndenoise = 0.9\n").expect("a disk");
    let line = ["--plain", "--patch", "first.toml", "--set-list", "set"];
    let mut stage = Stage::play_in(folder, &line, LINES, "xterm");
    let mut from = stage.wait_for("sound to", 0);
    let codes = |cell: &'static str| cell.split('`').skip(1).step_by(2);
    assert_eq!(rows.lines().count(), 8);
    for row in rows.lines() {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, keys, says] = cells[..] else { panic!("{row}") };
        codes(keys).for_each(|it| stage.types(bytes(it).as_bytes()));
        for words in codes(says) {
            // How long a recording is the page cannot know.
            from = stage.wait_for(words.split(", ").next().unwrap_or(words), from);
        }
    }
    let kept = fs::read_to_string(leave(stage).path().join("first.toml")).expect("it was saved");
    assert!(["[scenes.1]", "prompt_a = 2", "tags = \"drone, warm\""].iter().all(|it| kept.contains(it)), "{kept}");
}
