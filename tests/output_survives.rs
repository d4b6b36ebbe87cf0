//! Goal: what the player plays arrives at the device sample for sample, and bad devices end in words, not in silence.
//! Method: ALSA itself, with a private configuration whose PCMs need no hardware. ALSA reads its configuration once a
//! process, so each test runs itself again as a child with `ALSA_CONFIG_PATH` set.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::Ordering::Relaxed;

use engine::playback::{DeckSize, Tape, deck};
use hal::audio::{AlsaIn, AlsaOut, Ask, AudioIn, AudioOut, Encoding, FakeOut, Heard, OutError, Speaker};

const ASK: Ask = Ask { rate_hz: 48_000, period_frames: 256, periods: 3 };
/// Tells the child where its folder is.
const FOLDER: &str = "DEMON_TEST_ALSA_FOLDER";

fn config(folder: &Path) -> String {
    format!(
        r#"
        pcm.take {{ type file slave.pcm {{ type null }} file "{0}/take.raw" format "raw" }}
        pcm.played {{ type file slave.pcm {{ type null }} file "/dev/null" infile "{0}/came.raw" format "raw" }}
        pcm.whole {{ type linear slave {{ pcm {{ type null }} format S16_LE }} }}
        pcm.surround {{ type route slave {{ pcm {{ type null }} channels 6 }} ttable.0.0 1 ttable.1.1 1 }}
        "#,
        folder.display()
    )
}

/// Runs the test called `name` again where ALSA knows only our PCMs; `None` in that child.
fn parent(name: &str) -> Option<(tempfile::TempDir, Output)> {
    if std::env::var_os(FOLDER).is_some() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("asound.conf");
    fs::write(&path, config(folder.path())).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("ALSA_CONFIG_PATH", &path)
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "the child ran the test: {said}");
    Some((folder, output))
}

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).expect("set by the parent").into()
}

fn sound(frames: usize) -> Vec<[f32; 2]> {
    (0..frames).map(|i| [(i as f32 * 0.01).sin() * 0.7, (i as f32 * 0.013).cos() * 0.5]).collect()
}

/// Plays `sound` through PCM `take` and gives back the bytes of its file.
fn taken(encoding: Encoding, sound: &[[f32; 2]]) -> Vec<u8> {
    let mut out = AlsaOut::new("take").with_encodings(&[encoding]);
    let agreed = out.open(ASK).unwrap();
    assert_eq!((agreed.encoding, agreed.channels), (encoding, 2));
    for period in sound.chunks(agreed.period_frames) {
        assert_eq!(out.write(period).unwrap().gaps, 0);
    }
    out.close().unwrap();
    drop(out);
    fs::read(folder().join("take.raw")).unwrap()
}

#[test]
fn what_is_played_through_alsa_arrives_sample_for_sample() {
    if parent("what_is_played_through_alsa_arrives_sample_for_sample").is_some() {
        return;
    }
    let sound = sound(10_000);
    let samples: Vec<f32> = sound.concat();
    let floats = taken(Encoding::F32, &sound);
    let floats: Vec<f32> = floats.chunks(4).map(|it| f32::from_le_bytes(it.try_into().unwrap())).collect();
    assert!(floats == samples, "{} samples of {}", floats.len(), samples.len());
    let wide = taken(Encoding::S32, &sound);
    let wide: Vec<i32> = wide.chunks(4).map(|it| i32::from_le_bytes(it.try_into().unwrap())).collect();
    assert_eq!(wide.len(), samples.len());
    assert!(wide.iter().zip(&samples).all(|(a, b)| (f64::from(*a) - f64::from(*b) * 2_147_483_648.0).abs() <= 0.5));
    let narrow = taken(Encoding::S16, &sound);
    let narrow: Vec<i16> = narrow.chunks(2).map(|it| i16::from_le_bytes(it.try_into().unwrap())).collect();
    assert_eq!(narrow.len(), samples.len());
    assert!(narrow.iter().zip(&samples).all(|(a, b)| (f32::from(*a) - b * 32_768.0).abs() <= 1.5));
}

#[test]
fn what_is_recorded_through_alsa_arrives_sample_for_sample() {
    if parent("what_is_recorded_through_alsa_arrives_sample_for_sample").is_some() {
        return;
    }
    let sound = sound(10_000);
    let bytes: Vec<u8> = sound.concat().iter().flat_map(|it| it.to_le_bytes()).collect();
    fs::write(folder().join("came.raw"), bytes).unwrap();
    let mut input = AlsaIn::new("played");
    let agreed = input.open(ASK).unwrap();
    assert_eq!((agreed.encoding, agreed.channels), (Encoding::F32, 2));
    let (mut all, mut room) = (Vec::new(), [[9.0; 2]; 700]);
    // It is read as fast as it comes; what is not there yet is not waited for.
    while all.len() < sound.len() {
        let read = input.read(&mut room).unwrap();
        all.extend_from_slice(&room[..read]);
        std::thread::yield_now();
    }
    assert!(all[..sound.len()] == sound[..], "{} frames", all.len());
    let error = AlsaIn::new("nowhere").open(ASK).unwrap_err();
    assert!(error.to_string().starts_with("sound device nowhere: No such file or directory"), "{error}");
}

#[test]
fn a_device_without_floats_is_played_whole_numbers_and_one_that_cannot_says_what_it_can() {
    if parent("a_device_without_floats_is_played_whole_numbers_and_one_that_cannot_says_what_it_can").is_some() {
        return;
    }
    let mut out = AlsaOut::new("whole");
    assert_eq!(out.open(ASK).unwrap().encoding, Encoding::S32);
    let refused = AlsaOut::new("whole").with_encodings(&[Encoding::F32]).open(ASK).unwrap_err();
    assert!(matches!(&refused, OutError::Unsupported { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.starts_with("sound device whole cannot do FLOAT_LE; it offers S32_LE"), "{text}");
}

#[test]
fn a_device_that_is_not_there_is_said_in_words_and_alsa_keeps_quiet() {
    if let Some((_folder, output)) = parent("a_device_that_is_not_there_is_said_in_words_and_alsa_keeps_quiet") {
        let noise = String::from_utf8_lossy(&output.stderr);
        assert!(!noise.contains("ALSA lib"), "{noise}");
        return;
    }
    let error = AlsaOut::new("nowhere").open(ASK).unwrap_err();
    assert!(matches!(&error, OutError::Gone { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("sound device nowhere: No such file or directory"), "{text}");
}

#[test]
fn the_tape_moves_on_while_the_device_is_away() {
    let frames = 1920 * 50;
    let tape = Tape::new((0..frames).map(|i| [(i as f32 * 0.02).sin() * 0.5; 2]).collect::<Vec<_>>()).unwrap();
    let (mut player, _packer, transport) = deck(tape, DeckSize { boxes: 1, window_frames: 1920 });
    let mut out = FakeOut::default().play_periods(100).xrun().play_periods(50).unplug(60).replug();
    let clock = out.clock();
    let mut speaker = Speaker::with_clock(&mut out, ASK, Box::new(clock));
    let mut away = 0;
    for _ in 0..600 {
        match speaker.play_period(&mut |period| player.fill(period)) {
            Heard::Played { gaps } => player_gaps(&transport, gaps),
            Heard::Away => away += 1,
            Heard::Back => {}
        }
    }
    assert!((60..300).contains(&away), "{away} periods were not heard");
    assert_eq!(transport.playhead().position, 600 * 256 % frames);
    assert_eq!(transport.meters().underruns.load(Relaxed), 1);
}

/// What the audio thread does with a gap, from outside the player that the closure holds.
fn player_gaps(transport: &engine::playback::Transport, gaps: u32) {
    transport.meters().underruns.fetch_add(u64::from(gaps), Relaxed);
}
