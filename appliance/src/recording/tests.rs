//! The loader against the recordings of `tests/fixtures` and against files made here.

use std::f64::consts::TAU;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::{Fault, LONGEST_S, Notice, Progress, Source, load_source, read_source};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn load(name: &str) -> Source {
    load_source(&fixture(name), LONGEST_S, &mut |_| {}).expect("a sound fixture")
}

fn read(bytes: Vec<u8>) -> Result<Source, Fault> {
    read_source(Cursor::new(bytes), "bytes".to_owned(), LONGEST_S, &mut |_| {})
}

/// Level of a sine of `hz` on one side, from the middle of the recording.
fn level(source: &Source, side: usize, hz: f64) -> f64 {
    let (from, count) = (9_600, 48_000); // one second: every whole frequency is orthogonal to every other
    let (mut re, mut im) = (0.0, 0.0);
    for (i, frame) in source.pcm[from..from + count].iter().enumerate() {
        let turn = TAU * hz * i as f64 / 48_000.0;
        re += f64::from(frame[side]) * turn.cos();
        im += f64::from(frame[side]) * turn.sin();
    }
    2.0 * re.hypot(im) / count as f64
}

/// A float WAV of two equal channels.
fn wav(rate: u32, samples: impl IntoIterator<Item = f32>) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    for sample in samples {
        writer.write_sample(sample).expect("memory");
        writer.write_sample(sample).expect("memory");
    }
    writer.finalize().expect("memory");
    bytes.into_inner()
}

fn sine(seconds: f64) -> impl Iterator<Item = f32> {
    (0..(seconds * 48_000.0) as usize).map(|i| (0.5 * (TAU * 100.0 * i as f64 / 48_000.0).sin()) as f32)
}

macro_rules! the_same_tones_come_out_of_every_format {
    ($($test:ident: $file:literal, $rate:literal, $codec:literal, $tolerance:literal;)*) => {$(
        #[test]
        fn $test() {
            let source = load($file);
            assert_eq!((source.origin.rate_hz, source.origin.channels, source.origin.codec.as_str()), ($rate, 2, $codec));
            for (side, hz, other) in [(0, 440.0, 660.0), (1, 660.0, 440.0)] {
                let (found, leaked) = (level(&source, side, hz), level(&source, side, other));
                assert!((found - 0.5012).abs() < $tolerance, "side {side}: level {found}");
                assert!(leaked < $tolerance, "side {side}: {leaked} of the other side");
            }
            assert_eq!(source.latent_frames(), 40, "{:?}", source.notices);
        }
    )*};
}

the_same_tones_come_out_of_every_format! {
    wav_is_heard_as_it_was: "tones_11025.wav", 11_025, "pcm_s16le", 1e-4;
    flac_is_heard_as_it_was: "tones_44100.flac", 44_100, "flac", 1e-4;
    flac_of_24_bit_at_32_khz_is_heard_as_it_was: "tones_32000_24bit.flac", 32_000, "flac", 1e-4;
    ogg_vorbis_is_heard_as_it_was: "tones_44100.ogg", 44_100, "vorbis", 1e-2;
    mp3_is_heard_as_it_was: "tones_44100.mp3", 44_100, "mp3", 3e-2;
}

#[test]
fn a_mono_recording_is_heard_on_both_sides() {
    let source = load("tone_8000_mono_8bit.wav");
    assert_eq!((source.origin.channels, source.origin.rate_hz), (1, 8_000));
    assert!((level(&source, 0, 440.0) - 0.5012).abs() < 2e-3);
    assert!(source.pcm.iter().all(|[left, right]| left == right));
}

#[test]
fn the_centre_of_six_channels_is_heard_on_both_sides_and_the_effects_channel_is_not() {
    let source = load("tones_4000_six_channels.wav");
    let front = 0.2512;
    for (side, hz) in [(0, 440.0), (1, 660.0)] {
        assert!((level(&source, side, hz) - front).abs() < 1e-3);
        assert!((level(&source, side, 880.0) - front * std::f64::consts::FRAC_1_SQRT_2).abs() < 1e-3);
        assert!(level(&source, side, 50.0) < 1e-3);
    }
}

#[test]
fn a_seamless_recording_at_48_khz_keeps_every_bit() {
    let samples: Vec<f32> = sine(1.6).collect();
    let source = read(wav(48_000, samples.iter().copied())).expect("a sound recording");
    assert_eq!(source.notices, vec![]);
    assert_eq!(source.pcm.len(), samples.len());
    assert!(source.pcm.iter().zip(&samples).all(|(frame, sample)| *frame == [*sample; 2]));
}

#[test]
fn a_long_recording_is_cut_and_not_read_to_its_end() {
    let source =
        read_source(Cursor::new(wav(48_000, sine(9.0))), String::new(), 2.0, &mut |_| {}).expect("a recording");
    assert_eq!((source.seconds(), &source.notices[0]), (2.0, &Notice::Cut { kept_s: 2.0 }));
}

#[test]
fn a_header_that_promises_twenty_hours_costs_no_memory_and_is_found_out() {
    let mut bytes = wav(48_000, sine(1.6));
    let data = bytes.windows(4).position(|four| four == b"data").expect("a data chunk");
    bytes[data + 4..data + 8].copy_from_slice(&0xf000_0000u32.to_le_bytes());
    bytes[4..8].copy_from_slice(&0xf000_0100u32.to_le_bytes());
    let source = read(bytes).expect("what is there can be played");
    assert!((source.seconds() - 1.6).abs() < 0.02);
    assert!(matches!(source.notices[0], Notice::EndsEarly { .. }), "{:?}", source.notices);
}

#[test]
fn a_sample_that_is_no_number_is_refused_with_its_place() {
    for bad in [f32::NAN, f32::INFINITY, 1e30] {
        let samples = sine(1.2).enumerate().map(|(i, sample)| if i == 24_000 { bad } else { sample });
        match read(wav(48_000, samples)) {
            Err(Fault::Sample { value, at_s }) => assert_eq!((value.to_bits(), at_s), (bad.to_bits(), 0.5)),
            other => panic!("expected a refused sample, found {other:?}"),
        }
    }
}

#[test]
fn peaks_above_full_scale_are_turned_down_and_said_so() {
    let source = read(wav(48_000, sine(1.6).map(|sample| sample * 4.0))).expect("a sound recording");
    let peak = source.pcm.iter().flatten().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    assert!((0.999..=1.0).contains(&peak), "{peak}");
    assert!(matches!(source.notices[0], Notice::TurnedDown { peak_db } if (peak_db - 6.02).abs() < 0.01));
}

#[test]
fn unusable_files_are_refused_in_one_line_that_names_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        let error = load_source(&path, LONGEST_S, &mut |_| {}).expect_err("a refusal");
        let line = error.to_string();
        assert!(line.contains(name) && !line.contains('\n'), "{line}");
        error.fault
    };
    assert!(matches!(refused("empty.wav", b""), Fault::Empty));
    assert!(matches!(
        refused("text.wav", b"It was a dark and stormy night; the rain fell in torrents."),
        Fault::Unsupported(_)
    ));
    assert!(matches!(refused("short.wav", &wav(48_000, sine(0.5))), Fault::Short { .. }));
    assert!(matches!(refused("none.wav", &wav(48_000, [])), Fault::Short { .. } | Fault::Broken { .. }));
    assert!(matches!(refused("slow.wav", &wav(100, sine(0.1))), Fault::Rate { found: 100 }));
    let missing = load_source(&folder.path().join("missing.ogg"), LONGEST_S, &mut |_| {}).expect_err("a refusal");
    assert!(matches!(missing.fault, Fault::Unreadable(_)) && missing.to_string().contains("missing.ogg"));
    let is_folder = load_source(folder.path(), LONGEST_S, &mut |_| {}).expect_err("a refusal");
    assert!(matches!(is_folder.fault, Fault::Unreadable(_)));
}

#[test]
fn a_recording_cut_off_anywhere_is_played_or_refused_and_never_a_panic() {
    for name in ["tones_44100.ogg", "tones_44100.flac", "tones_44100.mp3", "tones_11025.wav"] {
        let whole = std::fs::read(fixture(name)).expect("a fixture");
        for tenth in 0..10 {
            if let Ok(source) = read(whole[..whole.len() * tenth / 10].to_vec()) {
                assert!(source.pcm.iter().flatten().all(|sample| sample.abs() <= 1.0), "{name}, {tenth} tenths");
                assert_eq!(source.pcm.len() % 1920, 0);
            }
        }
    }
}

/// Fragments whose index has no entry where it says that there is one: the demultiplexer reaches past the end of a list.
#[test]
fn a_file_over_which_a_demultiplexer_panics_is_refused_in_words() {
    let file = include_bytes!("../../tests/fixtures/cases/index_without_entries.m4a");
    let fault = read(file.to_vec()).expect_err("nothing of it can be heard").to_string();
    assert!(fault.contains("its headers cannot be understood"), "{fault}");
}

#[test]
fn a_few_broken_bytes_leave_the_rest_to_be_heard() {
    for name in ["tones_44100.flac", "tones_44100.mp3"] {
        let mut bytes = std::fs::read(fixture(name)).expect("a fixture");
        let middle = bytes.len() / 2;
        bytes[middle..middle + 20].fill(0xa5);
        let source = read(bytes).expect("most of it is whole");
        assert!(source.seconds() > 1.0 && source.pcm.iter().flatten().all(|sample| sample.abs() <= 1.0), "{name}");
    }
}

#[test]
fn progress_ends_with_fitting() {
    let mut told = Vec::new();
    load_source(&fixture("tones_44100.ogg"), LONGEST_S, &mut |step| told.push(step)).expect("a fixture");
    assert!(matches!(told.first(), Some(Progress::Decoding(_))));
    assert_eq!(told[told.len() - 2..], [Progress::Resampling, Progress::Fitting]);
}
