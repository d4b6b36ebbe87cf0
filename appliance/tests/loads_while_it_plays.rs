//! Goal: what another patch brings is prepared while the program plays, and taken over without an end of the sound.
//! Method: the real program on a real clock, into a file; hands are a MIDI file.

mod doors_support;

use std::fs;
use std::path::Path;

use doors_support::{Demon, faded, run};
use rustix::process::Signal;

const FIRST: &str = "[prompt]\na = \"house\"\n[[map]]\nnote = 70\nto = \"next-patch\"\n";
const NIGHT: &str = "[prompts.1]\nname = \"night\"\ntags = \"a slow and wide ambient piece with a soft evolving pad, no drums at all\"\n\
                     [prompts.2]\ntags = \"choir\"\n[[map]]\nnote = 71\nto = \"next-prompt-a\"\n";

/// Half a second, then `next-patch`; two seconds later `next-prompt-a`.
fn hands(folder: &Path) {
    let track = [&[0x83, 0x60, 0x90, 70, 100][..], &[0x8f, 0x00, 0x90, 71, 100], &[0, 0xff, 0x2f, 0]].concat();
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    fs::write(folder.join("hands.mid"), file).expect("a disk");
}

#[test]
fn another_patchs_words_come_while_the_program_plays_and_its_prompts_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    fs::create_dir(at.join("list")).expect("a disk");
    fs::write(at.join("first.toml"), FIRST).expect("a disk");
    fs::write(at.join("list/1_night.toml"), NIGHT).expect("a disk");
    hands(at);
    let line = ["--wav", "take.wav", "--patch", "first.toml", "--set-list", "list", "--midi", "hands.mid"];
    let mut demon = Demon::start(run(at, &line));
    demon.has_said("sound to");
    demon.has_said("patch 1_night");
    demon.has_said("1_night: its words play from the next generation on");
    demon.has_said("Prompt A: prompt 2");
    demon.signal(Signal::INT);
    let (code, said) = demon.end();
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("cannot be read") && said.contains(" 0 given up"), "{said}");
    faded(&at.join("take.wav"));
}
