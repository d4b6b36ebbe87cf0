//! Goal: what can be refused is refused before anything slow begins, with the documented code and in words that say what is wrong.
//! Method: the real program; a table of arguments, exit code and words. Whether a model was loaded is seen on its progress.

mod doors_support;

use std::fs;
use std::process::Command;

use doors_support::{Demon, PATIENCE, surround};

/// What is said of progress as soon as a model is loaded.
const SLOW: [&str; 4] = ["codec\n", "denoiser\n", "listening to the source", "compiling"];

/// What the program answers to a command line; it must do so by itself.
fn answer(folder: &std::path::Path, line: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demon"));
    command.args(line.split(' '));
    surround(&mut command, folder);
    Demon::start(command).end_within(PATIENCE)
}

#[test]
fn what_can_be_refused_is_refused_before_a_model_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("bare")).unwrap();
    fs::write(path.join("words.wav"), "no sound").unwrap();
    fs::write(path.join("words.mid"), "no notes").unwrap();
    let refused = [
        ("run --seconds 0", 2, "expected a number above 0"),
        ("run --seconds -1", 2, "unexpected argument"),
        ("run --seconds nan", 2, "expected a number above 0"),
        ("run --longest 0", 2, "expected a number from 1 to 86400"),
        ("run --longest 1e9", 2, "expected a number from 1 to 86400"),
        ("run --threads 0", 2, "expected 1 to 256"),
        ("run --threads 100000", 2, "expected 1 to 256"),
        ("run --depth 9", 2, "9 is not in 1..=8"),
        ("run --depth 0", 2, "0 is not in 1..=8"),
        ("run --seed -1", 2, "unexpected argument"),
        ("run --backend abacus", 2, "possible values: auto, tensorrt, cuda, cpu"),
        ("run --wav -", 2, "--wav -: what is played is told on standard output"),
        ("run --wav a.wav --device hw:0", 2, "cannot be used with"),
        ("run --source - --midi - --wav a.wav", 2, "only one of them can be standard input"),
        ("run --wav nope/take.wav", 1, "demon: nope/take.wav: cannot be written: the folder nope is not there"),
        ("run --wav bare", 1, "demon: bare: cannot be written"),
        ("run --config nope.toml", 1, "demon: nope.toml: cannot be read: there is no such file"),
        ("run --set-list nope", 1, "demon: nope: cannot be read: there is no such folder"),
        ("run --patch nope.toml", 1, "demon: nope.toml: cannot be read: there is no such file"),
        ("run --source nope.wav", 1, "demon: nope.wav: cannot be read: there is no such file"),
        ("run --midi nope.mid", 1, "demon: nope.mid: cannot be read: there is no such file"),
        ("run --midi words.mid", 1, "demon: words.mid: not a MIDI file that can be played"),
        ("run --model /nope", 1, "demon: /nope: cannot be read: there is no such folder"),
        ("run --model bare", 1, "is not a complete model; missing: "),
        ("run --model words.wav", 1, "demon: words.wav: cannot be read: a file (expected the folder of a model)"),
        ("render --seconds 0 --out a.wav", 2, "expected a number above 0"),
        ("render --seconds 1 --out a.wav --tick-ms 0", 2, "expected a number from 1 to 60000"),
        ("render --seconds 1 --out a.wav --latents a.wav", 2, "named by --out and by --latents"),
        ("render --seconds 1 --out nope/a.wav", 1, "cannot be written: the folder nope is not there"),
        ("learn --seconds 0 denoise", 2, "expected a number above 0"),
        ("learn no-such-knob", 1, "demon: 'no-such-knob' can not be learnt"),
        ("build --seconds 0", 2, "invalid value '0' for '--seconds"),
        ("build --depth 9", 2, "9 is not in 1..=8"),
        ("build --level 6", 2, "6 is not in 0..=5"),
    ];
    for (line, code, words) in refused {
        let (found, said) = answer(path, line);
        assert_eq!(found, code, "`{line}`: {said}");
        assert!(said.contains(words), "`{line}`: expected `{words}`, found {said}");
        assert!(!SLOW.iter().any(|it| said.contains(it)), "`{line}` was refused after something slow: {said}");
    }
    let left: Vec<_> = fs::read_dir(path).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "nothing is left over: {left:?}");
}

#[test]
fn what_is_wrong_and_does_not_stop_a_stage_is_said_and_it_plays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("map.toml"), "[[map]]\ncc = 1\nto = \"denoise\"\n").unwrap();
    fs::write(path.join("box.toml"), "bogus = 3\n").unwrap();
    fs::create_dir(path.join("list")).unwrap();
    fs::write(path.join("list/1.toml"), "bogus = 4\n").unwrap();
    let played = [
        ("--patch map.toml", "playing demo"),
        ("--config box.toml", "box.toml:1: bogus: found an unknown key"),
        ("--set-list list", "1.toml:1: bogus: found an unknown key"),
        ("--state /proc/nope", "/proc/nope: what is learnt cannot be kept there"),
    ];
    for (line, words) in played {
        let rest = "--backend cpu --threads 1 --longest 4 --no-midi --plain --wav take.wav --seconds .2";
        let (code, said) = answer(path, &format!("run {rest} {line}"));
        assert_eq!(code, 0, "`{line}`: {said}");
        assert!(said.contains(words), "`{line}`: expected `{words}`, found {said}");
        assert!(!said.contains("there is no recording"), "`{line}`: {said}");
    }
}

#[test]
fn help_gives_the_range_of_every_number_and_every_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let help = |line: &str| {
        let (code, said) = answer(folder.path(), line);
        assert_eq!(code, 0);
        // As one line: where it is broken is the terminal's affair.
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let codes = help("--help");
    for code in
        ["0 done", "1 it failed", "2 the command line", "130 a build or a render", "128 and the signal's number"]
    {
        assert!(codes.contains(code), "{code}: {codes}");
    }
    let ranges = [
        ("run", "--seconds", "above 0"),
        ("run", "--longest", "1 to 86400"),
        ("run", "--threads", "1 to 256"),
        ("run", "--depth", "1 to 8"),
        ("run", "--seed", "0 to 4294967295"),
        ("render", "--seconds", "above 0, at most 86400"),
        ("render", "--tick-ms", "1 to 60000"),
        ("learn", "--seconds", "above 0"),
        ("build", "--seconds", "0.04 to 4000"),
        ("build", "--frames", "1 to 100000"),
        ("build", "--tokens", "1 to 4096"),
        ("build", "--depth", "1 to 8"),
        ("build", "--level", "0 to 5"),
    ];
    for (command, argument, range) in ranges {
        let text = help(&format!("{command} --help"));
        let from =
            text.rfind(&format!(" {argument} <")).unwrap_or_else(|| panic!("{command} has no {argument}: {text}"));
        let about = text[from + 3..].split(" --").next().expect("words");
        assert!(about.contains(range), "{command} {argument}: expected {range}, found {about}");
    }
}
