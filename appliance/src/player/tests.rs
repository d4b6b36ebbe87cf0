//! Goal: whoever comes hears what holds, also what was told before it was there; and the end is an end for everybody.
//! Method: a whole player with a device that owns its time, and engines that come to its door.

use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use engine::boundary::Sizes;
use hal::audio::FakeOut;

use super::*;
use crate::handover::link::{Heard, Link, stop};

const PATIENCE: Duration = Duration::from_secs(30);

/// A player on a thread of its own, and what it says.
struct Playing {
    folder: tempfile::TempDir,
    leave: Leave,
    said: Receiver<String>,
    thread: JoinHandle<anyhow::Result<()>>,
}

fn playing(out: FakeOut) -> Playing {
    let folder = tempfile::tempdir().expect("a folder");
    let door = Door::open(folder.path()).expect("a door");
    let shared = SharedArena::create(Sizes { boxes: 2, window_frames: 4_800, tape_frames: 9_600 }).expect("memory");
    let leave = Leave::new().expect("a descriptor");
    let (say, said) = channel();
    let asked = leave.clone();
    let thread = std::thread::spawn(move || {
        let place = "a device".to_owned();
        let parts = Parts {
            door,
            shared,
            out: Box::new(out),
            ask: Ask::default(),
            place,
            notice: None,
            ends_with_engine: false,
            manager: Systemd::default(),
        };
        play(parts, &asked, &mut |line| drop(say.send(line.words.clone())))
    });
    Playing { folder, leave, said, thread }
}

impl Playing {
    fn until(&self, part: &str) {
        while !self.said.recv_timeout(PATIENCE).expect("it says so").contains(part) {}
    }

    fn attach(&self) -> Link {
        Link::attach(self.folder.path()).expect("it is let in")
    }
}

/// All that is told within a moment.
fn told(link: &Link) -> Vec<Told> {
    let mut all = Vec::new();
    while let Heard::Told(it) = link.hear(if all.is_empty() { PATIENCE } else { Duration::from_millis(200) }) {
        all.push(it);
    }
    all
}

#[test]
fn what_holds_of_the_device_is_told_to_every_engine_that_comes() {
    let playing = playing(FakeOut::default().without_pace());
    playing.until("the clock sets the pace");
    for engine in 0..2 {
        let link = playing.attach();
        let told = told(&link);
        let is_pace = |it: &&Told| matches!(it, Told::News(words) if words.contains("the clock sets the pace"));
        assert_eq!(told.iter().filter(is_pace).count(), 1, "engine {engine}: {told:?}");
        drop(link);
        playing.until("playing on");
    }
    playing.leave.ask();
    playing.thread.join().expect("it ends").expect("all arrived");
}

#[test]
fn who_is_asked_to_end_says_so_to_its_engine_and_to_who_asked() {
    let playing = playing(FakeOut::default());
    let link = playing.attach();
    assert_eq!(stop(playing.folder.path(), PATIENCE).expect("it ends"), None);
    assert_eq!(told(&link).pop(), Some(Told::Ended(None)));
    playing.thread.join().expect("it ends").expect("all arrived");
}
