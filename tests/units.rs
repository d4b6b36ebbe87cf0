//! Goal: the units start what there is, as users that there are, and say nothing that systemd does not understand; and they are locked
//! down as far as is promised.
//! Method: read them; have `systemd-analyze` verify and judge them in a root of their own, where it is installed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use appliance::command::Cli;
use clap::Parser as _;

const FOLDER: &str = "systemd/system";
/// Exposure, as `systemd-analyze security` has it: 0 nothing, 10 everything.
const PLAYER_MOST: f64 = 1.2;
const ENGINE_MOST: f64 = 1.8;

/// The units by their names, as lines `key=value`.
fn units() -> BTreeMap<String, Vec<(String, String)>> {
    let files = fs::read_dir(FOLDER).expect("it is there").map(|it| it.expect("readable").path());
    let read = |path: &Path| {
        let text = fs::read_to_string(path).expect("readable");
        let lines = text.lines().filter(|it| !it.starts_with('#')).filter_map(|it| it.split_once('='));
        lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    files.map(|it| (it.file_name().expect("a name").to_string_lossy().into_owned(), read(&it))).collect()
}

fn all<'a>(unit: &'a [(String, String)], key: &str) -> Vec<&'a str> {
    unit.iter().filter(|it| it.0 == key).flat_map(|it| it.1.split_whitespace()).collect()
}

#[test]
fn every_unit_starts_a_command_that_there_is_as_a_user_that_is_made() {
    let users = fs::read_to_string("systemd/sysusers.d/demon.conf").expect("it is there");
    let made = |kind: &str, name: &str| users.lines().any(|it| it.starts_with(&format!("{kind} {name} ")));
    let mut services = 0;
    for (name, unit) in units().iter().filter(|it| it.0.ends_with(".service")) {
        services += 1;
        let words = all(unit, "ExecStart");
        assert_eq!(words[0], "/usr/bin/demon", "{name}");
        let understood = Cli::try_parse_from(words);
        assert!(understood.is_ok(), "{name}: {}", understood.expect_err("refused"));
        assert_eq!(all(unit, "User"), ["demon"], "{name}");
        assert!(made("u", "demon"));
        for group in all(unit, "SupplementaryGroups") {
            assert!(made("g", group) && users.contains(&format!("m demon {group}")), "{name}: {group}");
        }
        // Whoever it tells that it is ready must be able to read that, and to be told the folders.
        assert!(all(unit, "Environment").contains(&"DEMON_RUNTIME=/run/demon"), "{name}");
    }
    assert_eq!(services, 3);
}

#[test]
fn what_the_sound_needs_is_not_taken_from_it_and_nothing_waits_for_a_network() {
    let units = units();
    for name in ["demon-player.service", "demon-engine.service"] {
        let unit = &units[name];
        for (key, value) in [
            ("Type", "notify"),
            ("Restart", "always"),
            ("StartLimitIntervalSec", "0"),
            ("LimitMEMLOCK", "infinity"),
            ("PrivateNetwork", "yes"),
            ("RuntimeDirectoryPreserve", "yes"),
        ] {
            assert_eq!(all(unit, key), [value], "{name}: {key}");
        }
        let priority: u32 = all(unit, "LimitRTPRIO")[0].parse().expect("a number");
        assert!(70 <= priority, "{name}: the audio thread asks for 70");
        assert!(all(unit, "RestrictRealtime").is_empty(), "{name}");
        let calls = all(unit, "SystemCallFilter");
        let last = calls.iter().rposition(|it| it.starts_with('~') || *it == "@resources").expect("something is taken");
        for call in ["sched_setscheduler", "setpriority", "mlockall"] {
            assert!(calls[last..].contains(&call), "{name}: {call} is taken and not given back");
        }
        assert!(all(unit, "WatchdogSec")[0].parse::<u32>().is_ok_and(|it| it <= 20), "{name}");
        let after = all(unit, "After");
        assert!(!after.iter().any(|it| it.contains("network") || it.contains("online")), "{name}: {after:?}");
    }
    assert_eq!(all(&units["demon-player.service"], "FileDescriptorStoreMax"), ["1"]);
    assert!(all(&units["demon-player.service"], "Before").contains(&"demon-engine.service"));
    assert!(all(&units["demon-engine.service"], "After").contains(&"demon-player.service"));
}

#[test]
fn systemd_understands_the_units_and_finds_them_locked_down() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("skipped: systemd-analyze is not here; where it is: cargo test -p demon-box --test units");
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let system = root.path().join("usr/lib/systemd/system");
    fs::create_dir_all(&system).expect("a disk");
    // The units of the system that ours name.
    let theirs = Path::new("/usr/lib/systemd/system");
    for entry in fs::read_dir(theirs).expect("systemd is here").filter_map(Result::ok) {
        if entry.path().is_file() {
            let _ = fs::copy(entry.path(), system.join(entry.file_name()));
        }
    }
    let ours: Vec<String> = units().into_keys().collect();
    for name in &ours {
        fs::copy(Path::new(FOLDER).join(name), system.join(name)).expect("a disk");
    }
    fs::create_dir_all(root.path().join("usr/bin")).expect("a disk");
    let program = root.path().join("usr/bin/demon");
    fs::write(&program, "#!/bin/sh\n").expect("a disk");
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    let analyze = |more: &[&str]| {
        let done = Command::new("systemd-analyze").arg(format!("--root={}", root.path().display())).args(more).output();
        let done = done.expect("it ran before");
        (
            done.status.success(),
            format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)),
        )
    };
    let mut verify = vec!["--man=no", "verify"];
    verify.extend(ours.iter().map(String::as_str));
    let (fine, said) = analyze(&verify);
    // Of the system's own units it may have something to say.
    let of_ours: Vec<&str> = said.lines().filter(|it| it.contains("demon-")).collect();
    assert!(fine && of_ours.is_empty(), "{of_ours:#?}");
    for (name, most) in [("demon-player.service", PLAYER_MOST), ("demon-engine.service", ENGINE_MOST)] {
        let (_, said) = analyze(&["--offline=yes", "--no-pager", "security", name]);
        let overall = said.lines().find(|it| it.contains("Overall exposure level")).unwrap_or_else(|| panic!("{said}"));
        let level = overall.split_whitespace().find_map(|it| it.parse::<f64>().ok()).expect("a number");
        assert!(level <= most, "{name}: exposure {level}, {most} is promised\n{said}");
    }
}
