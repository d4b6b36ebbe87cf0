//! The start through the real view onto a display that a test reads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hal::display::{Frame, ScreenError, ScreenThread};
use hal::gesture::WallClock;

use crate::compute::health::{Poller, Watch};
use crate::compute::progress::Progress as _;
use crate::display::displays::Displays;
use crate::display::screens::{Look, Screen, draw};
use crate::display::status::{Boot, Status};
use crate::display::terminal::{Ink, Terminal};
use crate::performance::view::View;
use crate::settings::box_file::BoxConfig;

/// A display that hands over what it shows.
struct Seen(Sender<Frame>);

impl hal::display::Screen for Seen {
    fn show(&mut self, frame: &Frame) -> Result<(), ScreenError> {
        // Who reads no further frames has seen enough.
        let _ = self.0.send(frame.clone());
        Ok(())
    }
}

fn view() -> (View, Receiver<Frame>) {
    let (send, frames) = channel();
    let (config, _) = BoxConfig::parse("[[display]]\nkind = \"framebuffer\"\ndevice = \"/dev/fb0\"\n");
    let thread = ScreenThread::start(Seen(send), WallClock::start()).expect("a thread");
    let displays = Displays::onto(vec![(config.displays[0].clone(), thread)]);
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null").expect("it is there");
    let terminal = Terminal::onto(&nowhere, true, Ink::default()).expect("a thread");
    (View::new(terminal, displays, WallClock::start()), frames)
}

fn picture(status: &Status, screen: Screen) -> Frame {
    let mut frame = Frame::default();
    draw(status, screen, Look::default(), &mut frame).expect("memory");
    frame
}

fn until(frames: &Receiver<Frame>, expected: &Frame) {
    loop {
        let frame = frames.recv_timeout(Duration::from_secs(60)).expect("the picture comes");
        if frame == *expected {
            return;
        }
    }
}

#[test]
fn every_stage_of_the_start_stands_on_a_display_with_its_share_where_that_is_known() {
    let (mut view, frames) = view();
    let boot = |words: &str, part| {
        let boot = Some(Boot { words: words.to_owned(), part });
        picture(&Status { boot, ..Status::default() }, Screen::Boot)
    };
    view.step("starting");
    until(&frames, &boot("starting", None));
    view.tell("reading the model", 25, 100);
    until(&frames, &boot("reading the model", Some(0.25)));
    view.tell("reading the model", 100, 100);
    until(&frames, &boot("reading the model", Some(1.0)));
    view.tell("compiling", 0, 1);
    until(&frames, &boot("compiling", None));
    view.begin(("song", 2.0), "nothing", "nowhere", Watch::start(Poller::new(None, 0)).expect("a thread"));
    view.tell("late", 1, 2);
    assert_eq!(view.status().boot, None, "what plays does not start");
}

#[test]
fn what_the_start_finds_wrong_is_said_while_it_goes_on() {
    let (mut view, _frames) = view();
    view.step("starting");
    view.say_found("demon.toml:3: a key");
    let status = view.status();
    assert!(status.boot.is_some() && status.said() == "demon.toml:3: a key", "{status:?}");
}

#[test]
fn a_start_that_fails_leaves_the_reason_on_the_display() {
    let (mut view, frames) = view();
    view.step("starting");
    let displays = view.not_started("there is no model");
    let faults = vec!["not started: there is no model".to_owned()];
    until(&frames, &picture(&Status { faults, ..Status::default() }, Screen::Fault));
    displays.leave_shown();
    assert!(frames.try_recv().is_err(), "and it stays");
}

#[test]
fn what_stood_on_the_displays_stands_there_again_and_other_displays_keep_what_is_theirs() {
    let (mut view, frames) = view();
    view.displays().put(&[Screen::Levels]);
    assert_eq!(view.displays().screens(), [Screen::Levels]);
    view.displays().turn();
    assert_eq!(view.displays().screens(), [Screen::Machine], "and it is turned on from there");
    view.displays().put(&[Screen::Scenes, Screen::Play]);
    assert_eq!(view.displays().screens(), [Screen::Machine]);
    view.begin(("river", 4.0), "cpu", "none", Watch::start(Poller::new(None, 0)).expect("a thread"));
    let (displays, _) = view.close();
    drop((displays, frames));
}
