//! Goal: `demon latency` measures every class on the instrument that plays, tells the same as a table and as JSON, keeps the figures, and
//! says what it could not measure and with what exit code.
//! Method: the real program with the built-in model, on ALSA's devices that need no hardware. What a device adds is measured against
//! a known delay in `latency::loopback`; here it is a device from which nothing comes back.

mod doors_support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use doors_support::{demon, surround};

fn latency(folder: &Path, more: &[&str]) -> Output {
    fs::write(folder.join("asound.conf"), "pcm.paced { type null }\n").expect("a file");
    let mut command = Command::new(demon());
    command.arg("latency").args(more);
    if !more.contains(&"--device") {
        command.args(["--device", "paced"]);
    }
    surround(&mut command, folder);
    command.output().expect("it starts")
}

const CHEAP: [&str; 8] = ["--hands", "2", "--backend", "cpu", "--threads", "1", "--longest", "4"];

#[test]
fn every_class_is_followed_to_the_ear_told_as_json_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = latency(folder.path(), &[&CHEAP[..], &["--json"]].concat());
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    let classes = told["classes"].as_array().expect("a list");
    let names: Vec<_> = classes.iter().map(|it| it["class"].as_str().expect("a word")).collect();
    assert_eq!(names, ["step", "slot", "decode", "load"]);
    for class in &classes[..3] {
        assert_eq!(class["moves"], serde_json::json!([2, 2]), "{class}");
        let ways = class["ways"].as_array().expect("a list");
        let parts: f64 = ways[..ways.len() - 1].iter().map(|it| it["p50_ms"].as_f64().expect("a time")).sum();
        let whole = ways.last().expect("a way");
        assert_eq!(whole["way"], "hand to ear");
        // Of two moves the worse is the usual one, part by part.
        assert!(0.0 < parts && whole["max_ms"].as_f64().expect("a time") <= parts + 0.1, "{class}");
    }
    assert!(classes[3]["skipped"].as_str().is_some_and(|it| it.contains("worker")), "{}", classes[3]);
    assert!(told["delay"]["skipped"][0].as_str().is_some_and(|it| it.contains("--loopback")), "{}", told["delay"]);
    let kept = fs::read(folder.path().join("state/latency.json")).expect("it is kept");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&kept).expect("JSON"), told);
}

#[test]
fn a_device_that_is_away_is_a_row_that_failed_however_well_the_rest_was_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = latency(folder.path(), &[&["--device", "nowhere"], &CHEAP[..]].concat());
    let (table, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{table}{words}");
    assert!(table.contains("device    NOT MEASURED: sound device nowhere: No such file or directory"), "{table}");
    assert!(table.contains("3 passed, 1 failed, 2 skipped\n"), "{table}");
    assert!(words.contains("1 of 5 rows were not measured"), "{words}");
    assert!(!folder.path().join("state/latency.json").exists(), "the displays show nothing by halves");
}

#[test]
fn a_loopback_from_which_nothing_comes_back_is_a_row_that_failed_and_the_table_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = latency(folder.path(), &["--device-only", "--loopback", "paced"]);
    let (table, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{table}{words}");
    assert!(words.contains("a quiet sweep sounds five times on paced now"), "{words}");
    assert!(table.contains("device    NOT MEASURED: of 5 sweeps 0 came back on paced: lay a cable"), "{table}");
    assert!(table.ends_with("0 passed, 1 failed, 0 skipped\n"), "{table}");
    assert!(!folder.path().join("state/latency.json").exists(), "what was not measured is not kept");
}

#[test]
fn what_cannot_be_asked_for_is_refused_before_anything_sounds() {
    let folder = tempfile::tempdir().expect("a folder");
    for (line, words) in [
        (vec!["--midi", "hands.mid"], "`demon latency` has hands of its own"),
        (vec!["--hands", "0"], "0 is not in 1..=1000"),
        (vec!["--device-only"], "--loopback"),
    ] {
        let output = latency(folder.path(), &line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{line:?}: {said}");
        assert!(said.contains(words), "{line:?}: {said}");
        assert!(!said.contains("sounds"), "{said}");
    }
}
