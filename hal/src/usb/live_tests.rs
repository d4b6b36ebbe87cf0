//! The surface over the fake bus: the real threads, queue, roster and voice.

use std::time::Duration;

use super::bus::{Refusal, Seat};
use super::{FakeBus, UsbMidi, UsbSelect};
use crate::gesture::{
    Clock, Control, Gesture, Motion, Position, Reply, Roster, Surface, SurfaceError, SurfaceId, VirtualClock,
};
use crate::midi::message::{cc, exclusive};
use crate::midi::{PATIENCE, Pairing};

/// How long a test waits for what must come; it is only ever used up by a test that fails.
const MUST: Duration = Duration::from_secs(20);

type Surfaces = UsbMidi<FakeBus, VirtualClock>;

/// A surface that looks at the bus only when told to.
fn surface(bus: &FakeBus, roster: &Roster, select: UsbSelect) -> Surfaces {
    UsbMidi::unwatched(bus.clone(), bus.clock(), roster, &Pairing::default(), select).expect("a bus")
}

fn next(surface: &mut Surfaces) -> Gesture {
    surface.next_gesture(MUST).expect("no fault").expect("a gesture")
}

/// The controller that comes next.
fn comes(surface: &mut Surfaces) -> SurfaceId {
    let gesture = next(surface);
    assert!(matches!(gesture.motion, Motion::Connected(_)), "expected a plug, found {gesture:?}");
    gesture.surface
}

fn goes(surface: &mut Surfaces) -> SurfaceId {
    let gesture = next(surface);
    assert_eq!(gesture.motion, Motion::Disconnected);
    gesture.surface
}

fn turned(surface: &mut Surfaces) -> (SurfaceId, u8, u8) {
    match next(surface) {
        Gesture { surface, motion: Motion::Turned(Control::Cc { number, .. }, Position::Seven(to)), .. } => {
            (surface, number, to)
        }
        other => panic!("expected a turn, found {other:?}"),
    }
}

fn silent(surface: &mut Surfaces) -> bool {
    matches!(surface.next_gesture(Duration::ZERO), Ok(None))
}

fn nano(port: &str) -> super::Found {
    FakeBus::controller(0x0944, 0x0117, port, 1)
}

#[test]
fn a_knob_is_told_with_its_controller_and_the_time_of_the_clock() {
    let bus = FakeBus::default();
    let seat = bus.plug(nano("1-2"));
    let mut surface = surface(&bus, &Roster::default(), UsbSelect::All);
    let Gesture { surface: id, motion: Motion::Connected(identity), .. } = next(&mut surface) else { panic!("a plug") };
    assert_eq!(identity.to_string(), "usb 0944:0117 at 1-2");
    bus.clock().wait(Duration::from_millis(7));
    bus.turn(seat, 0, 3, 64);
    let gesture = next(&mut surface);
    let motion = Motion::Turned(Control::Cc { channel: 1, number: 3 }, Position::Seven(64));
    assert_eq!(gesture, Gesture { at: Duration::from_millis(7), surface: id, motion });
}

#[test]
fn only_the_selected_models_are_taken_from_the_kernel_and_they_are_given_back() {
    let bus = FakeBus::default();
    let [ours, other] = [nano("1-1"), FakeBus::controller(1, 2, "1-2", 1)].map(|it| bus.plug(it));
    let mut surface = surface(&bus, &Roster::default(), UsbSelect::Models(vec![(0x0944, 0x0117)]));
    comes(&mut surface);
    (0..20).for_each(|_| surface.look());
    assert!(silent(&mut surface), "what is open is left alone");
    assert_eq!([ours, other].map(|it| bus.kernel_has(it)), [false, true]);
    drop(surface);
    assert!(bus.kernel_has(ours), "given back");
}

#[test]
fn a_plug_pulled_is_told_after_what_was_said_and_a_replug_is_the_same_controller() {
    let (bus, roster) = (FakeBus::default(), Roster::default());
    let seat = bus.plug(nano("1-2"));
    let mut surface = surface(&bus, &roster, UsbSelect::All);
    let id = comes(&mut surface);
    bus.turn(seat, 0, 1, 5);
    assert_eq!(turned(&mut surface), (id, 1, 5));
    bus.unplug(seat);
    assert_eq!(goes(&mut surface), id);
    assert!(!roster.here(id));
    let seat = bus.plug(nano("1-2"));
    surface.look();
    assert_eq!(comes(&mut surface), id);
    bus.turn(seat, 0, 1, 6);
    assert_eq!(turned(&mut surface), (id, 1, 6));
}

#[test]
fn a_controller_moved_to_another_port_before_anyone_looked_is_the_one_it_was() {
    let (bus, roster) = (FakeBus::default(), Roster::default());
    let seat = bus.plug(nano("1-2"));
    let mut surface = surface(&bus, &roster, UsbSelect::All);
    let id = comes(&mut surface);
    let seat = bus.replug(seat, "1-4.1");
    surface.look();
    assert_eq!(goes(&mut surface), id);
    assert_eq!(comes(&mut surface), id);
    bus.turn(seat, 0, 1, 6);
    assert_eq!(turned(&mut surface), (id, 1, 6));
}

#[test]
fn two_equal_controllers_are_two_and_stay_who_they_are() {
    let (bus, roster) = (FakeBus::default(), Roster::default());
    let [right, left] = ["1-4", "1-2"].map(|port| bus.plug(nano(port)));
    let mut surface = surface(&bus, &roster, UsbSelect::All);
    let ids = [comes(&mut surface), comes(&mut surface)];
    bus.turn(right, 0, 1, 5);
    assert_eq!(turned(&mut surface), (ids[1], 1, 5), "numbered by their ports");
    bus.unplug(left);
    assert_eq!(goes(&mut surface), ids[0]);
    bus.unplug(right);
    assert_eq!(goes(&mut surface), ids[1]);
    bus.plug(nano("1-4"));
    surface.look();
    assert_eq!(comes(&mut surface), ids[1]);
}

/// A surface with its watcher.
fn watched(bus: &FakeBus) -> Surfaces {
    let (roster, pairing) = (Roster::default(), Pairing::default());
    UsbMidi::over(bus.clone(), bus.clock(), &roster, &pairing, UsbSelect::All).expect("a bus")
}

#[test]
fn late_plugs_are_noticed_by_the_watcher() {
    let bus = FakeBus::default();
    let mut surface = watched(&bus);
    assert!(silent(&mut surface));
    for port in ["1-2", "1-3", "1-4"] {
        let seat = bus.plug(nano(port));
        let id = comes(&mut surface);
        bus.turn(seat, 0, 1, 5);
        assert_eq!(turned(&mut surface), (id, 1, 5));
    }
}

#[test]
fn a_plug_amid_the_flood_of_another_is_still_noticed() {
    let bus = FakeBus::default();
    let seat = bus.plug(nano("1-2"));
    let mut surface = watched(&bus);
    comes(&mut surface);
    bus.flood(seat, 5000);
    // A notice of the watcher may have one of the places.
    while bus.unread(seat) > 5000 / 16 + 1 - 1024 / 16 {
        std::thread::yield_now();
    }
    bus.plug(nano("1-3"));
    while !bus.noticed() {
        std::thread::yield_now();
    }
    let came = (0..=5000).find_map(|_| match next(&mut surface).motion {
        Motion::Connected(identity) => Some(identity),
        _ => None,
    });
    assert_eq!(came.expect("a plug").to_string(), "usb 0944:0117 at 1-3");
}

/// Lets the reader of a flooded device fill the queue: 1024 gestures in it and one transfer in hand are all that is ever
/// asked for, of 16 gestures each.
fn until_it_waits(bus: &FakeBus, seat: Seat, turns: usize) {
    let left = turns.div_ceil(16) - 1024 / 16 - 1;
    while bus.unread(seat) > left {
        std::thread::yield_now();
    }
    assert_eq!(bus.unread(seat), left);
}

#[test]
fn a_flood_is_told_whole_and_in_order_and_meanwhile_the_device_waits() {
    const TURNS: usize = 5000;
    let bus = FakeBus::default();
    let seat = bus.plug(nano("1-2"));
    let mut surface = surface(&bus, &Roster::default(), UsbSelect::All);
    let id = comes(&mut surface);
    bus.flood(seat, TURNS);
    until_it_waits(&bus, seat, TURNS);
    for turn in 0..TURNS {
        assert_eq!(turned(&mut surface), (id, 1, (turn % 128) as u8), "turn {turn}");
    }
    assert!(silent(&mut surface));
}

#[test]
fn a_surface_that_is_closed_in_a_flood_lets_its_reader_go() {
    let bus = FakeBus::default();
    let seat = bus.plug(nano("1-2"));
    let mut surface = surface(&bus, &Roster::default(), UsbSelect::All);
    comes(&mut surface);
    bus.flood(seat, 5000);
    until_it_waits(&bus, seat, 5000);
    drop(surface);
    assert!(bus.kernel_has(seat));
}

#[test]
fn garbage_is_counted_and_what_follows_is_heard() {
    let bus = FakeBus::default();
    let seat = bus.plug(nano("1-2"));
    let mut surface = surface(&bus, &Roster::default(), UsbSelect::All);
    let id = comes(&mut surface);
    bus.garbage(seat);
    bus.turn(seat, 0, 1, 5);
    assert_eq!(turned(&mut surface), (id, 1, 5));
    // Two broken packets, and three transfers that end inside one.
    assert_eq!(surface.dropped(), 5);
}

#[test]
fn stalls_and_interference_pass() {
    let bus = FakeBus::default();
    let seat = bus.plug(nano("1-2"));
    let mut surface = surface(&bus, &Roster::default(), UsbSelect::All);
    let id = comes(&mut surface);
    for round in 0..3 {
        bus.stall(seat, 4);
        bus.interfere(seat, 3);
        bus.turn(seat, 0, 1, round);
        assert_eq!(turned(&mut surface), (id, 1, round));
    }
}

#[test]
fn a_device_that_only_stalls_is_let_go_with_words_until_it_is_plugged_in_again() {
    let (bus, roster) = (FakeBus::default(), Roster::default());
    let seat = bus.plug(nano("1-2"));
    let mut surface = surface(&bus, &roster, UsbSelect::All);
    let id = comes(&mut surface);
    bus.stall(seat, 8);
    assert_eq!(goes(&mut surface), id);
    let said = surface.next_gesture(MUST).expect_err("words").to_string();
    let words =
        "USB MIDI: a controller (0944:0117, USB port 1-2): it stalled again and again, and is let go; plug it in again";
    assert_eq!(said, words);
    (0..20).for_each(|_| surface.look());
    assert!(silent(&mut surface) && bus.kernel_has(seat), "it is left to the kernel");
    bus.replug(seat, "1-2");
    surface.look();
    assert_eq!(comes(&mut surface), id);
}

/// What is said of a refused device, by the look after which it is said.
fn refusals(surface: &mut Surfaces, looks: usize) -> Vec<(usize, String)> {
    let mut said = Vec::new();
    for look in 1..=looks {
        surface.look();
        match surface.next_gesture(Duration::ZERO) {
            Err(SurfaceError::Unavailable(words)) => said.push((look, words)),
            Ok(None) => {}
            other => panic!("expected words or silence, found {other:?}"),
        }
    }
    said
}

#[test]
fn a_denied_device_is_told_once_with_the_mending_and_taken_when_it_is_mended() {
    let (bus, roster) = (FakeBus::default(), Roster::default());
    let mut surface = surface(&bus, &roster, UsbSelect::All);
    let seat = bus.plug(nano("1-2"));
    bus.refuse(seat, Some(Refusal::Denied));
    surface.look();
    let said = refusals(&mut surface, 40);
    assert_eq!(said.len(), 1);
    let (look, words) = &said[0];
    // Two seconds: udev has long set the permissions by then.
    assert_eq!(*look, 8);
    assert!(words.starts_with("a controller (0944:0117, USB port 1-2): permission denied; "), "{words}");
    assert!(words.contains("70-demon-usb-midi.rules") && words.contains("group audio"), "{words}");
    bus.refuse(seat, None);
    (0..8).for_each(|_| surface.look());
    comes(&mut surface);
}

#[test]
fn permissions_that_come_a_little_after_the_plug_are_not_worth_a_word() {
    let (bus, roster) = (FakeBus::default(), Roster::default());
    let mut surface = surface(&bus, &roster, UsbSelect::All);
    let seat = bus.plug(nano("1-2"));
    bus.refuse(seat, Some(Refusal::Denied));
    (0..4).for_each(|_| surface.look());
    bus.refuse(seat, None);
    surface.look();
    comes(&mut surface);
}

#[test]
fn a_device_that_another_program_holds_says_so() {
    let (bus, roster) = (FakeBus::default(), Roster::default());
    let mut surface = surface(&bus, &roster, UsbSelect::All);
    let seat = bus.plug(nano("1-2"));
    bus.refuse(seat, Some(Refusal::Busy));
    surface.look();
    let said = refusals(&mut surface, 8);
    assert!(said[0].1.contains("another program holds it; close the other program"), "{said:?}");
}

#[test]
fn a_named_model_without_midi_says_so_and_any_other_device_does_not() {
    let (bus, roster) = (FakeBus::default(), Roster::default());
    let mut mouse = nano("1-2");
    mouse.interfaces.iter_mut().for_each(|it| it.class = 3);
    bus.plug(mouse);
    assert!(silent(&mut surface(&bus, &roster, UsbSelect::All)));
    let mut surface = surface(&bus, &roster, UsbSelect::Models(vec![(0x0944, 0x0117)]));
    let said = surface.next_gesture(MUST).expect_err("words").to_string();
    assert!(said.contains("(0944:0117, USB port 1-2): it has no MIDI"), "{said}");
    assert_eq!(refusals(&mut surface, 20), vec![]);
}

#[test]
fn every_cable_is_a_surface_and_an_unannounced_one_is_the_last() {
    let bus = FakeBus::default();
    let seat = bus.plug(FakeBus::controller(1, 2, "1-2", 2));
    let mut surface = surface(&bus, &Roster::default(), UsbSelect::All);
    let ids = [comes(&mut surface), comes(&mut surface)];
    for (cable, id) in [(0, ids[0]), (1, ids[1]), (9, ids[1])] {
        bus.turn(seat, cable, 1, cable);
        assert_eq!(turned(&mut surface), (id, 1, cable));
    }
}

#[test]
fn a_pairing_set_while_it_plays_is_heard() {
    let (bus, pairing) = (FakeBus::default(), Pairing::default());
    let seat = bus.plug(nano("1-2"));
    let mut surface =
        UsbMidi::unwatched(bus.clone(), bus.clock(), &Roster::default(), &pairing, UsbSelect::All).expect("a bus");
    let id = comes(&mut surface);
    pairing.set(id, 1 << 1);
    bus.turn(seat, 0, 1, 64);
    bus.turn(seat, 0, 33, 3);
    let motion = Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Fourteen(64 << 7 | 3));
    assert_eq!(next(&mut surface).motion, motion);
}

#[test]
fn a_half_that_stays_alone_on_a_cable_is_told_in_the_silence_after_it() {
    let (bus, pairing) = (FakeBus::default(), Pairing::default());
    let seat = bus.plug(nano("1-2"));
    let mut surface =
        UsbMidi::unwatched(bus.clone(), bus.clock(), &Roster::default(), &pairing, UsbSelect::All).expect("a bus");
    let id = comes(&mut surface);
    pairing.set(id, 1 << 1);
    bus.turn(seat, 0, 1, 64);
    bus.turn(seat, 0, 2, 9);
    let other = Motion::Turned(Control::Cc { channel: 1, number: 2 }, Position::Seven(9));
    assert_eq!(next(&mut surface).motion, other);
    bus.clock().advance(PATIENCE);
    let motion = Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Fourteen(64 << 7));
    assert_eq!(next(&mut surface).motion, motion);
}

/// A surface with one open controller, for its voice.
fn speaking(cables: u8) -> (FakeBus, Seat, Surfaces) {
    let bus = FakeBus::default();
    let seat = bus.plug(FakeBus::controller(1, 2, "1-2", cables));
    let surface = surface(&bus, &Roster::default(), UsbSelect::All);
    (bus, seat, surface)
}

#[test]
fn a_reply_is_packets_on_the_cable_of_its_surface() {
    let (bus, seat, mut surface) = speaking(2);
    let ids = [comes(&mut surface), comes(&mut surface)];
    let mut voice = surface.voice().expect("the first time");
    assert!(surface.voice().is_none());
    voice.say(ids[1], &Reply::Midi([&cc(1, 7, 100)[..], &exclusive(&[1, 2, 3])].concat())).expect("said");
    assert_eq!(bus.taken(seat), [0x1b, 0xb0, 7, 100, 0x14, 0xf0, 1, 2, 0x16, 3, 0xf7, 0]);
    voice.say(ids[0], &Reply::Led(3, true)).expect("it has no ear for it");
    voice.say(SurfaceId(99), &Reply::Midi(vec![0xf8])).expect("nobody");
    assert!(bus.taken(seat).is_empty());
}

#[test]
fn a_long_reply_arrives_whole() {
    let (bus, seat, mut surface) = speaking(1);
    let id = comes(&mut surface);
    let dump = exclusive(&[5; 1000]);
    bus.clog(seat, 7);
    surface.voice().expect("a voice").say(id, &Reply::Midi(dump.clone())).expect("said");
    let mut read = Vec::new();
    super::packet::Unpacker::default().transfer(&bus.taken(seat), |_, byte| read.push(byte));
    assert_eq!(read, dump);
}

#[test]
fn a_device_that_takes_nothing_is_told_each_time_and_so_is_one_that_takes_again() {
    let (bus, seat, mut surface) = speaking(1);
    let id = comes(&mut surface);
    let mut voice = surface.voice().expect("a voice");
    bus.clog(seat, 0);
    let clock = Reply::Midi(vec![0xf8]);
    for _ in 0..3 {
        let said = voice.say(id, &clock).expect_err("words").to_string();
        assert!(said.contains("a controller (0001:0002, USB port 1-2): lights and clock do not arrive"), "{said}");
    }
    bus.clog(seat, usize::MAX);
    voice.another().say(id, &clock).expect("it takes it");
    assert_eq!(bus.taken(seat), [0x0f, 0xf8, 0, 0]);
}

#[test]
fn a_reply_to_a_controller_that_left_is_passed_over_and_the_next_finds_it_again() {
    let (bus, seat, mut surface) = speaking(1);
    let id = comes(&mut surface);
    let mut voice = surface.voice().expect("a voice");
    let seat = bus.replug(seat, "1-3");
    voice.say(id, &Reply::Midi(vec![0xf8])).expect("passed over");
    surface.look();
    assert_eq!((goes(&mut surface), comes(&mut surface)), (id, id));
    voice.say(id, &Reply::Midi(vec![0xf8])).expect("said");
    assert_eq!(bus.taken(seat), [0x0f, 0xf8, 0, 0]);
}

#[test]
fn a_hidden_bus_is_told_in_words() {
    let bus = FakeBus::default();
    bus.hide();
    match UsbMidi::over(bus.clone(), bus.clock(), &Roster::default(), &Pairing::default(), UsbSelect::All) {
        Err(error) => assert_eq!(error.to_string(), "no USB MIDI: the bus is hidden, playing on without"),
        Ok(_) => panic!("opened a bus that is not there"),
    }
}
