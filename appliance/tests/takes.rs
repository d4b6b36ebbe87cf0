//! Goal: what a performer meets of takes: a press records what is heard, to the sample, the last minutes can be kept after the fact, also those
//! before a kill.
//! Method: the real program and its player on a device that writes down what it was given; hands are a MIDI file.

mod doors_support;

use std::fs;
use std::path::Path;

use doors_support::{Demon, run, until, with_device};
use rustix::process::Signal;

const PATCH: &str =
    "[prompt]\na = \"house\"\n[[map]]\nnote = 70\nto = \"record\"\n[[map]]\nnote = 71\nto = \"keep-last\"\n";

/// Notes of 120 beats a minute, each so many half seconds after the one before.
fn hands(folder: &Path, notes: &[(u8, u8)]) {
    let mut track = Vec::new();
    for (wait, note) in notes {
        let ticks = u16::from(*wait) * 480;
        track.extend([0x80 | (ticks >> 7) as u8, ticks as u8 & 0x7f, 0x90, *note, 100]);
    }
    track.extend([0, 0xff, 0x2f, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    fs::write(folder.join("hands.mid"), file).expect("a disk");
    fs::write(folder.join("patch.toml"), PATCH).expect("a disk");
}

/// The left side as whole numbers of 24 bits.
fn recorded(take: &Path) -> Vec<i32> {
    let source = appliance::recording::load_source(take, 60.0, &mut |_| ()).expect("a recording");
    assert_eq!((source.origin.rate_hz, source.origin.channels), (48_000, 2));
    source.pcm.iter().map(|it| (it[0] * 8_388_608.0).round() as i32).collect()
}

/// The same of what the device was given.
fn heard(raw: &Path) -> Vec<i32> {
    let bytes = fs::read(raw).expect("it was given something");
    let left = bytes.as_chunks::<8>().0.iter().map(|it| f32::from_le_bytes([it[0], it[1], it[2], it[3]]));
    left.map(|it| (it * 8_388_608.0).round() as i32).collect()
}

/// Where a take lies in what was heard, to the bit; but for its end, which a recording is bent by to be a loop.
fn place(take: &[i32], heard: &[i32]) -> Option<usize> {
    let whole = &take[..take.len() - 4_800];
    let loud = whole.iter().position(|it| it.abs() > 1_000).expect("there is sound in it");
    (0..heard.len().saturating_sub(whole.len()))
        .find(|at| heard[at + loud] == whole[loud] && heard[*at..].starts_with(whole))
}

#[test]
fn a_press_records_what_is_heard_and_another_keeps_what_was_played_before() {
    let (folder, raw) = with_device();
    hands(folder.path(), &[(8, 70), (6, 70), (4, 71)]);
    let line = ["--device", "kept", "--patch", "patch.toml", "--midi", "hands.mid"];
    let mut demon = Demon::start(run(folder.path(), &line));
    for words in ["recording take-0001.flac; room for", "recorded take-0001.flac, 0:0", "kept take-0002.flac, 0:0"] {
        demon.has_said(words);
    }
    demon.signal(Signal::INT);
    let (code, said) = demon.end();
    assert_eq!(code, 0, "{said}");
    let (takes, heard) = (folder.path().join("state/takes"), heard(&raw));
    let [pressed, kept] = [1, 2].map(|it| recorded(&takes.join(format!("take-000{it}.flac"))));
    let [at, behind] = [&pressed, &kept].map(|it| place(it, &heard).expect("it was heard so"));
    // On a machine that was slow to begin the press comes within the first second of sound.
    assert!(3 * 48_000 < pressed.len() && behind <= at && at < behind + kept.len(), "{at}, {behind}");
    assert!(pressed.iter().any(|it| 400_000 < it.abs()), "there is sound in it");
}

#[test]
fn what_was_played_before_a_kill_is_kept_by_the_next_start_and_a_take_that_was_open_is_a_recording() {
    let (folder, raw) = with_device();
    hands(folder.path(), &[(4, 70)]);
    let line = ["--device", "kept", "--patch", "patch.toml", "--midi", "hands.mid"];
    let mut demon = Demon::start(run(folder.path(), &line));
    demon.has_said("recording take-0001.flac");
    let take = folder.path().join("state/takes/take-0001.flac");
    until("three seconds of a take", || 400_000 < fs::metadata(&take).map_or(0, |it| it.len()));
    demon.signal(Signal::KILL);
    assert_eq!(demon.end().0, -9);
    let open = recorded(&take);
    assert!(place(&open, &heard(&raw)).is_some(), "{} samples", open.len());
    hands(folder.path(), &[(8, 71)]);
    let mut demon = Demon::start(run(folder.path(), &line));
    demon.has_said("kept take-0002.flac");
    demon.has_said("kept take-0003.flac");
    demon.signal(Signal::INT);
    let (code, said) = demon.end();
    assert_eq!(code, 0, "{said}");
    let before = recorded(&take.with_file_name("take-0002.flac"));
    assert!(open.len() < before.len() + 48_000 && place(&before, &heard(&raw)).is_some(), "{} samples", before.len());
}
