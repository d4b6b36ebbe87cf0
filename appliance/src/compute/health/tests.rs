//! Goal: the card's load, heat and brakes reach the display, and a missing card troubles nobody.
//! Method: a library in C behind the same names, with cues for trouble and a journal of its calls.

use std::path::PathBuf;
use std::process::Command;

use super::{Brake, GpuHealth, Poller, Watch};

struct Stub {
    folder: tempfile::TempDir,
}

impl Stub {
    fn new(cues: &[&str]) -> Self {
        let stub = Self { folder: tempfile::tempdir().unwrap() };
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC"]).args(cues.iter().map(|cue| format!("-D{cue}")));
        cc.arg(format!("-DJOURNAL=\"{}\"", stub.folder.path().join("journal").display()));
        cc.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/nvml.c")).arg("-o").arg(stub.library());
        assert!(cc.status().unwrap().success());
        stub
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("libnvidia-ml.so.1")
    }

    fn poller(&self) -> Poller {
        Poller::new(Some(self.library()), 0)
    }

    fn calls(&self) -> Vec<String> {
        let journal = std::fs::read_to_string(self.folder.path().join("journal")).unwrap_or_default();
        journal.lines().map(str::to_owned).collect()
    }
}

#[test]
fn the_card_says_load_temperature_and_what_slows_it() {
    let cases = [
        ("REASONS=0x0ull", None),
        ("REASONS=0x1ull", None),
        ("REASONS=0x4ull", Some(Brake::PowerLimit)),
        ("REASONS=0x24ull", Some(Brake::Heat)),
        ("REASONS=0x40ull", Some(Brake::Heat)),
        ("REASONS=0x8ull", Some(Brake::Heat)),
        ("REASONS=0x88ull", Some(Brake::Supply)),
    ];
    for (cue, brake) in cases {
        let stub = Stub::new(&[cue, "LOAD=93", "CELSIUS=84"]);
        assert_eq!(stub.poller().poll(), Some(GpuHealth { load_percent: 93, celsius: 84, brake }), "{cue}");
    }
}

#[test]
fn older_drivers_say_it_too_and_the_oldest_say_the_rest() {
    let old = Stub::new(&["OLD", "REASONS=0x20ull"]);
    assert_eq!(old.poller().poll().and_then(|it| it.brake), Some(Brake::Heat));
    let oldest = Stub::new(&["OLDEST"]);
    assert_eq!(oldest.poller().poll(), Some(GpuHealth { load_percent: 87, celsius: 71, brake: None }));
}

#[test]
fn a_machine_without_a_card_says_nothing_and_is_not_asked_again() {
    let nowhere = tempfile::tempdir().unwrap();
    let path = nowhere.path().join("libnvidia-ml.so.1");
    let mut poller = Poller::new(Some(path.clone()), 0);
    assert_eq!(poller.poll(), None);
    // A library that turns up later is not looked for: the file system is left in peace.
    let stub = Stub::new(&[]);
    std::fs::copy(stub.library(), path).unwrap();
    assert_eq!((poller.poll(), stub.calls().len()), (None, 0));
}

#[test]
fn a_driver_that_is_not_ready_is_asked_again() {
    let stub = Stub::new(&["INIT=9"]);
    let mut poller = stub.poller();
    assert_eq!((poller.poll(), poller.poll()), (None, None));
    assert_eq!(stub.calls(), ["init", "init"]);
}

#[test]
fn a_card_that_fell_off_the_bus_comes_back_under_a_new_handle() {
    let stub = Stub::new(&["LOST_AT=2"]);
    let mut poller = stub.poller();
    let seen: Vec<bool> = (0..4).map(|_| poller.poll().is_some()).collect();
    assert_eq!(seen, [true, false, true, true]);
    drop(poller);
    assert_eq!(stub.calls(), ["init", "handle", "handle", "shutdown"]);
}

#[test]
fn a_card_that_is_refused_at_first_is_found_later() {
    let stub = Stub::new(&["REFUSED=2"]);
    let mut poller = stub.poller();
    let seen: Vec<bool> = (0..3).map(|_| poller.poll().is_some()).collect();
    assert_eq!(seen, [false, false, true]);
    assert_eq!(Poller::new(Some(stub.library()), 5).poll(), None, "no such card");
}

#[test]
fn the_watch_asks_on_its_own_thread_and_shuts_the_library() {
    let stub = Stub::new(&[]);
    let mut watch = Watch::start(stub.poller()).unwrap();
    watch.close();
    assert_eq!(watch.last(), Some(GpuHealth { load_percent: 87, celsius: 71, brake: None }));
    assert_eq!(stub.calls(), ["init", "handle", "shutdown"]);
}
