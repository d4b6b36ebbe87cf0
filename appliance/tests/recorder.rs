//! Goal: what hands did and what was told in the last minutes is there after a kill; `demon report` tells it, `demon doctor` says how
//! the last performance ended; where nothing can be recorded the box plays. Method: the real program, killed and not.

mod doors_support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use doors_support::{Demon, run, surround};
use rustix::process::Signal;

/// Denoise (CC 1) goes up and stays; then nothing for a minute.
fn score(folder: &Path) {
    let track = b"\x00\xb0\x01\x40\x10\xb0\x01\x50\x8b\xff\x00\xb0\x01\x50\x00\xff\x2f\x00";
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    fs::write(folder.join("hands.mid"), file).expect("it can be written");
}

fn demon(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(doors_support::demon());
    command.args(line.split(' '));
    surround(&mut command, folder);
    command.output().expect("the program starts")
}

fn row(folder: &Path) -> serde_json::Value {
    let told = demon(folder, "doctor --json --device null");
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&told.stdout).expect("JSON");
    rows.into_iter().find(|it| it["row"] == "recorder").expect("every row is told")
}

#[test]
fn what_happened_before_a_kill_is_told_and_an_end_in_order_is_known() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    score(folder.path());
    let nothing = demon(folder.path(), "report");
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("recorder"), "{nothing:?}");
    assert_eq!(row(folder.path())["verdict"], "absent");

    let mut killed = Demon::start(run(folder.path(), &["--wav", "take.wav", "--midi", "hands.mid"]));
    killed.plays();
    assert_eq!(row(folder.path())["verdict"], "well", "it plays");
    killed.signal(Signal::KILL);
    assert_eq!(killed.end().0, -Signal::KILL.as_raw());
    let found = row(folder.path());
    assert_eq!(found["verdict"], "warning");
    assert!(found["found"].as_str().is_some_and(|it| it.contains("cut off")), "{found}");

    let report = String::from_utf8(demon(folder.path(), "report").stdout).expect("text");
    assert!(report.starts_with("0."), "the versions come first: {report}");
    for part in [" start ", " gesture ", " act      denoise = ", " told     playing demo"] {
        assert!(report.contains(part), "`{part}` is not in {report}");
    }
    assert!(!report.contains(" end "), "{report}");

    let (code, said) =
        Demon::start(run(folder.path(), &["--wav", "take.wav", "--seconds", "1"])).end_within(doors_support::PATIENCE);
    assert_eq!(code, 0, "{said}");
    assert_eq!(row(folder.path())["verdict"], "well");
    let told = demon(folder.path(), "report --out home.txt");
    assert!(told.status.success() && told.stdout.is_empty(), "{told:?}");
    let report = fs::read_to_string(folder.path().join("home.txt")).expect("it was written");
    assert!(report.contains(" end      in order") && report.contains("denoise = "), "both performances: {report}");
}

#[test]
fn what_was_cut_off_is_kept_as_a_report_by_the_next_start_and_a_stick_takes_it_home() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let at = folder.path();
    score(at);
    let nothing = demon(at, "report --crash");
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("nothing has crashed"), "{nothing:?}");
    let mut killed = Demon::start(run(at, &["--wav", "take.wav", "--midi", "hands.mid"]));
    killed.plays();
    killed.signal(Signal::KILL);
    assert_eq!(killed.end().0, -Signal::KILL.as_raw());
    // The next one keeps what it finds, and so does the one behind it, which finds nothing new.
    for _ in 0..2 {
        let (code, said) =
            Demon::start(run(at, &["--wav", "take.wav", "--seconds", "1"])).end_within(doors_support::PATIENCE);
        assert_eq!(code, 0, "{said}");
    }
    fs::create_dir(at.join("stick")).expect("a folder can be made");
    let told = demon(at, "report --crash --out stick");
    assert!(told.status.success() && told.stdout.is_empty(), "{told:?}");
    let report = fs::read_to_string(at.join("stick/demon-crash-report.txt")).expect("it was written");
    let why = "the performance was cut off without a word: power, a kill, or memory that was exhausted\n\n0.";
    assert!(report.starts_with(why), "{report}");
    assert!(
        report.contains(" act      denoise = ") && !report.contains(" end "),
        "what was before it, and no more: {report}"
    );
    assert_eq!(report.matches(" start ").count(), 1, "{report}");
    assert!(demon(at, "report --out stick").status.success() && at.join("stick/demon-report.txt").exists());
}

#[test]
fn where_nothing_can_be_recorded_it_is_said_and_played() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("state"), "a file").expect("it can be written");
    let (code, said) =
        Demon::start(run(folder.path(), &["--wav", "take.wav", "--seconds", "1"])).end_within(doors_support::PATIENCE);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("what happens is not recorded"), "{said}");
}
