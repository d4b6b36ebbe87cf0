//! Goal: whoever asks for the end gets it, at every moment and whatever hangs: the sound fades, the take is whole, nothing stays.
//! Method: the real program as a child, on the built-in model; signals, a terminal that goes, a pipe that nobody reads.

mod doors_support;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;
use std::time::Duration;

use doors_support::{Demon, GONE, PATIENCE, faded, run, sounds, surround};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::Signal;

#[test]
fn each_signal_while_it_loads_ends_it_and_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let mut demon = Demon::start(run(folder.path(), &["--wav", "take.wav"]));
        demon.until("reading the recording");
        demon.signal(signal);
        let (code, said) = demon.end();
        assert_eq!(code, 0, "{signal:?}: {said}");
        assert!(!said.contains("playing"), "{signal:?}: {said}");
        assert!(!folder.path().join("take.wav").exists(), "{signal:?}");
    }
}

#[test]
fn each_signal_while_it_plays_fades_the_sound_and_leaves_a_whole_take() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let mut demon = Demon::start(run(folder.path(), &["--wav", "take.wav"]));
        demon.plays();
        sounds(&folder.path().join("take.wav"));
        demon.signal(signal);
        let (code, said) = demon.end();
        assert_eq!(code, 0, "{signal:?}: {said}");
        assert!(said.contains("the sound went to take.wav"), "{said}");
        faded(&folder.path().join("take.wav"));
    }
}

#[test]
fn a_signal_that_comes_twice_at_once_is_one_wish_and_so_are_two_hang_ups() {
    let folder = tempfile::tempdir().unwrap();
    let mut demon = Demon::start(run(folder.path(), &["--wav", "take.wav"]));
    demon.plays();
    sounds(&folder.path().join("take.wav"));
    for signal in [Signal::TERM, Signal::TERM, Signal::HUP, Signal::HUP] {
        demon.signal(signal);
    }
    assert_eq!(demon.end().0, 0);
    faded(&folder.path().join("take.wav"));
}

/// A pipe whose reader reads nothing: whoever plays into it hangs in the system.
fn blocked_pipe(folder: &std::path::Path) -> File {
    let path = folder.join("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let flags = OFlags::NONBLOCK.bits() as i32;
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).expect("a pipe")
}

#[test]
fn an_output_that_hangs_is_named_and_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let _reader = blocked_pipe(folder.path());
    let mut demon = Demon::start(run(folder.path(), &["--wav", "pipe"]));
    demon.plays();
    demon.signal(Signal::TERM);
    let (code, said) = demon.end();
    let named = said.lines().any(|it| it == "demon: did not end in time: audio");
    assert!(named, "and nothing else is held up by it: {said}");
    assert_eq!(code, 1, "nobody knows whether all of the sound is there: {said}");
}

#[test]
fn a_second_signal_ends_it_at_once_with_its_number() {
    for (signal, number) in [(Signal::INT, 2), (Signal::TERM, 15)] {
        let folder = tempfile::tempdir().unwrap();
        let _reader = blocked_pipe(folder.path());
        let mut demon = Demon::start(run(folder.path(), &["--wav", "pipe"]));
        demon.plays();
        demon.signal(Signal::TERM);
        assert!(demon.lasts(Duration::from_millis(300)), "the output hangs");
        demon.signal(signal);
        let (code, said) = demon.end();
        assert_eq!(code, 128 + number, "{said}");
    }
}

#[test]
fn nohup_protects() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("nohup");
    command.arg(doors_support::demon()).args(["run", "--backend", "cpu", "--threads", "1", "--longest", "4"]);
    command.args(["--no-midi", "--plain", "--wav", "take.wav"]);
    surround(&mut command, folder.path());
    let mut demon = Demon::start(command);
    demon.until("reading the recording");
    demon.signal(Signal::HUP);
    demon.plays();
    demon.signal(Signal::HUP);
    demon.plays();
    sounds(&folder.path().join("take.wav"));
    demon.signal(Signal::TERM);
    assert_eq!(demon.end().0, 0);
    faded(&folder.path().join("take.wav"));
}

#[test]
fn one_that_was_stopped_goes_on_where_it_was_and_still_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let mut demon = Demon::start(run(folder.path(), &["--wav", "take.wav"]));
    demon.plays();
    demon.signal(Signal::STOP);
    assert!(demon.lasts(Duration::from_secs(1)));
    demon.signal(Signal::CONT);
    demon.plays();
    sounds(&folder.path().join("take.wav"));
    demon.signal(Signal::STOP);
    // The wish waits until it goes on.
    demon.signal(Signal::TERM);
    demon.signal(Signal::CONT);
    assert_eq!(demon.end().0, 0);
    faded(&folder.path().join("take.wav"));
}

#[test]
fn a_terminal_that_goes_without_a_signal_ends_it_too() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    for phase in ["reading the recording", "playing demo"] {
        let folder = tempfile::tempdir().unwrap();
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = || OpenOptions::new().read(true).write(true).custom_flags(OFlags::NOCTTY.bits() as i32).open(&name);
        let mut command = run(folder.path(), &["--wav", "take.wav"]);
        command.stdin(slave().unwrap()).stdout(slave().unwrap()).stderr(slave().unwrap());
        let mut child = command.spawn().unwrap();
        drop(command);
        // Reads until the phase; then nobody reads any more, and the terminal goes.
        let (ended, end) = std::sync::mpsc::channel();
        let (seen, reached) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let (mut said, mut part) = (String::new(), [0; 4096]);
            while !said.contains(phase) {
                let count = rustix::io::read(&master, &mut part).unwrap();
                said.push_str(&String::from_utf8_lossy(&part[..count]));
            }
            seen.send(()).unwrap();
            drop(master);
        });
        reached.recv_timeout(PATIENCE).expect("it came so far");
        reader.join().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        std::thread::spawn(move || ended.send(child.wait().unwrap()));
        let status = end.recv_timeout(GONE).unwrap_or_else(|_| {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            panic!("{phase}: still there after {GONE:?}")
        });
        assert_eq!(status.code(), Some(0), "{phase}: {status:?}");
    }
}
