//! Goal: what another patch brings is prepared while the program plays, and taken over without an end of the sound.
//! Method: the real program on a real clock, into a file; hands are a MIDI file.

mod doors_support;

use std::fs;
use std::path::Path;

use doors_support::{Demon, faded, run, sounds};
use rustix::process::Signal;

const FIRST: &str = "[prompt]\na = \"house\"\n[[map]]\nnote = 70\nto = \"next-patch\"\n";
const NIGHT: &str = "[prompts.1]\nname = \"night\"\ntags = \"a slow and wide ambient piece with a soft evolving pad, no drums at all\"\n\
                     [prompts.2]\ntags = \"choir\"\n[[map]]\nnote = 71\nto = \"next-prompt-a\"\n";

/// Ticks of a MIDI file as it writes them, 960 a second.
const TWO_SECONDS: [u8; 2] = [0x8f, 0x00];
const THREE_SECONDS: [u8; 2] = [0x97, 0x40];

/// Half a second, then note 70; so much later note 71.
fn hands(folder: &Path, later: [u8; 2]) {
    let track = [&[0x83, 0x60, 0x90, 70, 100][..], &later, &[0x90, 71, 100, 0, 0xff, 0x2f, 0]].concat();
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
    hands(at, TWO_SECONDS);
    let line = ["--wav", "take.wav", "--patch", "first.toml", "--set-list", "list", "--midi", "hands.mid"];
    let mut demon = Demon::start(run(at, &line));
    demon.has_said("sound to");
    demon.has_said("patch 1_night");
    demon.has_said("1_night: its words play from the next generation on");
    demon.has_said("Prompt A: prompt 2");
    sounds(&at.join("take.wav"));
    // Each heap keeps the most that it ever had: workers that come and go are not to have one each.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    assert_eq!(heaps_of_threads(&demon), 1, "beside the first one");
    demon.signal(Signal::INT);
    let (code, said) = demon.end();
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("cannot be read") && said.contains(" 0 given up"), "{said}");
    faded(&at.join("take.wav"));
}

/// The heaps of a program beside its first one: 64 MB of addresses each, of which only the beginning can be written.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn heaps_of_threads(demon: &Demon) -> usize {
    let maps = fs::read_to_string(format!("/proc/{}/maps", demon.pid().as_raw_nonzero())).expect("it runs");
    let range = |line: &str| {
        let (low, high) = line.split(' ').next().and_then(|it| it.split_once('-')).expect("a range");
        [low, high].map(|it| u64::from_str_radix(it, 16).expect("a number"))
    };
    let lines: Vec<&str> = maps.lines().collect();
    let is_heap = |pair: &&[&str]| {
        let reach = range(pair[1])[1] - range(pair[0])[0];
        pair[0].contains(" rw-p ") && pair[1].contains(" ---p ") && reach == 64 << 20
    };
    lines.windows(2).filter(is_heap).count()
}

/// Two seconds of a tone.
fn river(path: &Path) {
    let frames = 96_000_u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + 4 * frames).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0\x80\xbb\0\0\0\xee\x02\0\x04\0\x10\0data");
    bytes.extend((4 * frames).to_le_bytes());
    for at in 0..frames {
        let sample = (f64::from(at) * 330.0 / 48_000.0 * std::f64::consts::TAU).sin() * 8_000.0;
        bytes.extend([(sample as i16).to_le_bytes(); 2].as_flattened());
    }
    fs::write(path, bytes).expect("a disk");
}

#[test]
fn another_recording_comes_with_the_next_patch_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    fs::create_dir(at.join("list")).expect("a disk");
    fs::write(at.join("first.toml"), FIRST).expect("a disk");
    fs::write(at.join("list/1_river.toml"), "source = \"river.wav\"\n[prompt]\na = \"dub\"\n").expect("a disk");
    river(&at.join("list/river.wav"));
    hands(at, TWO_SECONDS);
    let line = ["--wav", "take.wav", "--patch", "first.toml", "--set-list", "list"];
    let mut demon = Demon::start(run(at, &[&line[..], &["--midi", "hands.mid"]].concat()));
    demon.has_said("sound to");
    demon.has_said("patch 1_river: its recording is being prepared");
    demon.has_said("1_river plays, 2.0 s");
    sounds(&at.join("take.wav"));
    demon.signal(Signal::INT);
    let (code, said) = demon.end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("patch 1_river\n") && said.contains(" 0 given up"), "{said}");
    faded(&at.join("take.wav"));
    // The same start finds the recording that was played last, and without it its own.
    let again = |words: [&str; 2]| {
        let mut demon = Demon::start(run(at, &line));
        words.iter().for_each(|it| demon.has_said(it));
        demon.signal(Signal::INT);
        let (code, said) = demon.end();
        assert_eq!(code, 0, "{said}");
    };
    again(["playing river (2.0 s)", "sound to"]);
    fs::remove_file(at.join("list/river.wav")).expect("it is there");
    again(["it was played last; the start's own recording plays", "playing demo (4.0 s)"]);
}

#[test]
fn the_loop_becomes_the_tape_while_it_plays_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let patch = "[prompt]\na = \"house\"\n[values]\nloop_start = 0.25\nloop_end = 0.75\n\
                 [[map]]\nnote = 70\nto = \"crop\"\n[[map]]\nnote = 71\nto = \"whole-recording\"\n";
    fs::write(at.join("first.toml"), patch).expect("a disk");
    hands(at, THREE_SECONDS);
    let play = |more: &[&str], words: &[&str]| {
        let mut demon = Demon::start(run(at, &[&["--wav", "take.wav", "--patch", "first.toml"][..], more].concat()));
        words.iter().for_each(|it| demon.has_said(it));
        demon.signal(Signal::INT);
        let (code, said) = demon.end();
        assert_eq!(code, 0, "{said}");
        assert!(!said.contains("it was played last"), "{said}");
    };
    play(
        &["--midi", "hands.mid"],
        &["playing demo (4.0 s)", "1.0 to 3.0 s of the recording becomes the tape", "demo plays, 2.0 s"],
    );
    play(
        &["--midi", "hands.mid"],
        &["playing demo (2.0 s)", "all of the recording is being prepared", "demo plays, 4.0 s"],
    );
    play(&[], &["playing demo (4.0 s)", "sound to"]);
}
