//! The same files through `demon render`: exit codes, and the words on standard error.

use std::path::Path;
use std::process::{Command, Output};

use super::bytes::plain;
use super::uncompressed::waves;

/// Renders as little as there is to hear of it.
fn render(folder: &Path, source: &Path, midi: Option<&Path>, seconds: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demon"));
    command.args([
        "render",
        "--seconds",
        seconds,
        "--tick-ms",
        "60000",
        "--depth",
        "1",
        "--threads",
        "1",
        "--longest",
        "1",
    ]);
    command.arg("--model").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/house"));
    command.arg("--source").arg(source).arg("--out").arg(folder.join("out.wav"));
    if let Some(midi) = midi {
        command.arg("--midi").arg(midi);
    }
    command.output().expect("the binary runs")
}

fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("words")
}

#[test]
fn every_wav_of_the_reports_is_rendered_from_and_nothing_untrue_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in waves() {
        let source = folder.path().join(format!("{name}.wav"));
        std::fs::write(&source, bytes).expect("the folder takes files");
        let output = render(folder.path(), &source, None, "0.02");
        let said = words(&output);
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
        for untrue in ["damage", "early", "left out", "breaks off", "riff", "unsupported"] {
            assert!(!said.to_lowercase().contains(untrue), "{name}: {said}");
        }
    }
}

#[test]
fn a_source_that_cannot_be_read_is_named_once_with_exit_code_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("song.wav");
    std::fs::write(&source, b"\x0b\x77\x12\x34 and so on").expect("the folder takes files");
    let output = render(folder.path(), &source, None, "0.02");
    let said = words(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("song.wav").count(), 1, "{said}");
    assert!(said.contains("an AC-3 file, which is not read here"), "{said}");
}

fn midi(folder: &Path, name: &str, hexed: &str) -> std::path::PathBuf {
    let digits: Vec<u8> = hexed.chars().filter_map(|it| it.to_digit(16)).map(|it| it as u8).collect();
    let body: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let head = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk";
    let path = folder.join(format!("{name}.mid"));
    std::fs::write(&path, [&head[..], &(body.len() as u32).to_be_bytes(), &body].concat())
        .expect("the folder takes files");
    path
}

/// The MIDI files of `make.py`: name, track, gestures, and what is told.
const TRACKS: [(&str, &str, u32, &str); 7] = [
    ("running_across_meta", "00b0010a00ff0102686983600128836001508360017800ff2f00", 4, ""),
    ("running_across_sysex", "00b0010a00f0037e7ff783600128836001508360017800ff2f00", 4, ""),
    ("clock_in_stream", "00b0010a8170f88170b0012800fe8360b001508360b0017800ff2f00", 4, ""),
    ("realtime_fe", "00b0010a0afe0ab001280ab0015000ff2f00", 3, ""),
    (
        "cc_value_high",
        "00b0010a8360b001a88360b0015000ff2f00",
        3,
        "track 1, byte 30: a value above 127 is taken for 127",
    ),
    (
        "data_before_status",
        "00014000b0010a8360b001288360b001508360b0017800ff2f00",
        4,
        "track 1, byte 23: 2 bytes that belong to no message are left out",
    ),
    ("a_track_cut_off", "00b0010a8360b001288360b001", 2, "track 1 is cut off at byte 35, where the file ends"),
];

#[test]
fn every_midi_file_of_the_reports_plays_all_of_its_gestures() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("plain.wav");
    std::fs::write(&source, plain()).expect("the folder takes files");
    for (name, track, gestures, told) in TRACKS {
        let output = render(folder.path(), &source, Some(&midi(folder.path(), name, track)), "1.6");
        let said = words(&output);
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
        assert!(said.contains(&format!(", {gestures} gestures")), "{name}: {said}");
        assert!(said.contains(told) && said.contains("track 1") != told.is_empty(), "{name}: {said}");
    }
}

#[test]
fn a_fine_half_in_a_midi_file_is_heard_where_the_map_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("plain.wav");
    std::fs::write(&source, plain()).expect("the folder takes files");
    let patch = folder.path().join("patch.toml");
    let level = |midi: &Path, fine: bool| {
        let pair = if fine { "fourteen_bit = true\n" } else { "" };
        let text =
            format!("source = \"plain.wav\"\n[prompt]\na = \"a tone\"\n[[map]]\ncc = 1\nto = \"gain_db\"\n{pair}");
        std::fs::write(&patch, text).expect("the folder takes files");
        let mut command = Command::new(env!("CARGO_BIN_EXE_demon"));
        command.args(["render", "--seconds", "0.5", "--tick-ms", "60000", "--depth", "1", "--longest", "1"]);
        command.arg("--model").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/house"));
        command.arg("--patch").arg(&patch).arg("--midi").arg(midi).arg("--out").arg(folder.path().join("out.wav"));
        let output = command.output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        let mut wav = hound::WavReader::open(folder.path().join("out.wav")).expect("a WAV file");
        let samples: Vec<f32> = wav.samples::<f32>().map(|it| it.expect("a whole file")).collect();
        let loud: f64 = samples[samples.len() / 2..].iter().map(|it| f64::from(*it).powi(2)).sum();
        10.0 * loud.log10()
    };
    let low = midi(folder.path(), "g14_a", "00b0014000b0210000ff2f00");
    let high = midi(folder.path(), "g14_b", "00b0014000b0217f00ff2f00");
    let apart = level(&high, true) - level(&low, true);
    // 127 steps of 16383 over the range of the gain.
    assert!((0.1..1.0).contains(&apart), "{apart} dB apart");
    assert!((level(&high, false) - level(&low, false)).abs() < 1e-6, "without the map's word the low half is nobody's");
}
