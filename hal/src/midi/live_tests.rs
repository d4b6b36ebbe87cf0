//! The surface over the fake sequencer: the real threads, queue, roster and voice.

use std::time::Duration;

use super::alsa_seq::SEQUENCER;
use super::message::{CLOCK, cc, exclusive};
use super::sequencer::{Address, Port};
use super::{FakeSeq, LiveMidi, PATIENCE, Pairing};
use crate::gesture::{
    Clock, Control, Gesture, Identity, Motion, Position, Reply, Roster, Surface, SurfaceError, SurfaceId, VirtualClock,
    Voice, WallClock,
};
use crate::usb::UsbSelect;
use crate::usb::plug::build;

/// How long a test waits for what must come; it is only ever used up by a test that fails.
const MUST: Duration = Duration::from_secs(20);
const NANO: [(&str, &str); 3] = [("idVendor", "0944"), ("idProduct", "0117"), ("product", "nanoKONTROL2")];

type Surfaces = LiveMidi<FakeSeq, VirtualClock>;

/// A sequencer with its surface, and a `/sys` of two equal controllers: card 1 on port 1-2, card 2 on port 1-4.
struct Stage {
    sequencer: FakeSeq,
    roster: Roster,
    pairing: Pairing,
    sys: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let sys = tempfile::tempdir().expect("a folder");
        build(sys.path(), 1, "1-2", &NANO);
        build(sys.path(), 2, "1-4", &NANO);
        Self { sequencer: FakeSeq::default(), roster: Roster::default(), pairing: Pairing::default(), sys }
    }

    fn open(&self, taken: UsbSelect) -> Surfaces {
        let (sequencer, clock) = (self.sequencer.clone(), self.sequencer.clock());
        LiveMidi::over(sequencer, self.sys.path().into(), clock, &self.roster, &self.pairing, taken)
    }

    fn plug(&self, client: i32, card: u32) {
        self.sequencer.plug(client, "nanoKONTROL2", &["nanoKONTROL2 MIDI 1"], Some(card));
    }

    fn turn(&self, client: i32, to: u8) {
        self.sequencer.play(at(client, 0), &cc(1, 1, to));
    }
}

fn at(client: i32, port: i32) -> Address {
    Address { client, port }
}

fn next(surface: &mut Surfaces) -> Gesture {
    surface.next_gesture(MUST).expect("no fault").expect("a gesture")
}

fn comes(surface: &mut Surfaces) -> (SurfaceId, Identity) {
    match next(surface) {
        Gesture { surface, motion: Motion::Connected(identity), .. } => (surface, identity),
        other => panic!("expected a plug, found {other:?}"),
    }
}

fn goes(surface: &mut Surfaces) -> SurfaceId {
    let gesture = next(surface);
    assert_eq!(gesture.motion, Motion::Disconnected);
    gesture.surface
}

fn turned(surface: &mut Surfaces) -> (SurfaceId, u8) {
    match next(surface) {
        Gesture { surface, motion: Motion::Turned(Control::Cc { number: 1, .. }, Position::Seven(to)), .. } => {
            (surface, to)
        }
        other => panic!("expected a turn, found {other:?}"),
    }
}

/// Lets the other threads come to where something is so.
fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

fn silent(surface: &mut Surfaces) -> bool {
    matches!(surface.next_gesture(Duration::ZERO), Ok(None))
}

#[test]
fn a_machine_without_a_sequencer_is_told_in_words() {
    if std::path::Path::new(SEQUENCER).exists() {
        return; // held where it can be: in containers
    }
    match LiveMidi::open(WallClock::start(), &Roster::default(), &Pairing::default(), UsbSelect::None) {
        Err(SurfaceError::Unavailable(words)) => assert!(words.contains(SEQUENCER) && words.contains("without")),
        Err(other) => panic!("expected it to be unavailable, found {other}"),
        Ok(_) => panic!("opened a sequencer that is not there"),
    }
}

#[test]
fn a_knob_is_told_with_the_plug_of_its_card_and_the_time_of_the_clock() {
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    let (id, identity) = comes(&mut surface);
    assert_eq!((identity.to_string().as_str(), identity.name.as_str()), ("usb 0944:0117 at 1-2", "nanoKONTROL2"));
    stage.sequencer.clock().wait(Duration::from_millis(7));
    stage.turn(20, 64);
    let motion = Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Seven(64));
    assert_eq!(next(&mut surface), Gesture { at: Duration::from_millis(7), surface: id, motion });
}

#[test]
fn a_program_is_known_by_its_name_and_a_second_port_is_a_model_of_its_own() {
    let stage = Stage::new();
    stage.sequencer.plug(130, "a program", &["out"], None);
    stage.sequencer.plug(20, "Launchpad", &["MIDI 1", "MIDI 2"], Some(1));
    let mut surface = stage.open(UsbSelect::None);
    let models: Vec<String> = (0..3).map(|_| comes(&mut surface).1.model).collect();
    assert_eq!(models, ["alsa a program:out", "usb 0944:0117", "usb 0944:0117 cable 2"]);
}

#[test]
fn a_plug_is_heard_that_came_when_the_ports_had_just_been_listed() {
    let stage = Stage::new();
    let mut surface = stage.open(UsbSelect::None);
    let (address, client, name) = (at(24, 0), "nanoKONTROL2".to_owned(), "nanoKONTROL2 MIDI 1".to_owned());
    let late = Port { address, client, name, card: Some(2), speaks: true, listens: true };
    stage.sequencer.plug_behind_the_list(late);
    stage.plug(20, 1);
    assert_eq!([comes(&mut surface).1, comes(&mut surface).1].map(|it| it.port.unwrap()), ["1-2", "1-4"]);
}

#[test]
fn a_late_plug_is_heard_and_a_replug_with_another_number_is_the_same_controller() {
    let stage = Stage::new();
    let mut surface = stage.open(UsbSelect::None);
    assert!(silent(&mut surface));
    stage.plug(20, 1);
    let (id, _) = comes(&mut surface);
    stage.sequencer.unplug(20);
    assert_eq!(goes(&mut surface), id);
    assert!(!stage.roster.here(id));
    stage.plug(24, 1);
    assert_eq!(comes(&mut surface).0, id);
    stage.turn(24, 5);
    assert_eq!(turned(&mut surface), (id, 5));
}

#[test]
fn a_replug_with_the_same_numbers_is_connected_anew() {
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    let (id, _) = comes(&mut surface);
    stage.sequencer.replug(20);
    assert_eq!((goes(&mut surface), comes(&mut surface).0), (id, id));
    stage.turn(20, 5);
    assert_eq!(turned(&mut surface), (id, 5));
}

#[test]
fn another_client_with_the_numbers_of_one_that_left_is_not_taken_for_it() {
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    let (id, _) = comes(&mut surface);
    stage.sequencer.replace(20, "a program");
    assert_eq!(goes(&mut surface), id);
    let (other, identity) = comes(&mut surface);
    assert_eq!(identity.model, "alsa a program:nanoKONTROL2 MIDI 1");
    stage.turn(20, 5);
    assert_eq!(turned(&mut surface), (other, 5));
}

#[test]
fn two_equal_controllers_stay_who_they_are_when_their_numbers_are_swapped() {
    let stage = Stage::new();
    stage.plug(20, 1);
    stage.plug(24, 2);
    let mut surface = stage.open(UsbSelect::None);
    let ids = [comes(&mut surface).0, comes(&mut surface).0];
    for (client, id) in [(20, ids[0]), (24, ids[1])] {
        stage.sequencer.unplug(client);
        assert_eq!(goes(&mut surface), id);
    }
    stage.plug(20, 2);
    assert_eq!(comes(&mut surface).0, ids[1]);
    stage.plug(24, 1);
    assert_eq!(comes(&mut surface).0, ids[0]);
}

#[test]
fn controllers_taken_from_usb_are_left_alone_and_sound_cards_are_not() {
    let stage = Stage::new();
    let sound = build(stage.sys.path(), 3, "1-5", &[("idVendor", "1235"), ("idProduct", "8211")]);
    std::fs::create_dir(sound.join("pcmC3D0p")).expect("a stream");
    stage.plug(20, 1);
    stage.sequencer.plug(28, "Scarlett", &["MIDI"], Some(3));
    for taken in [UsbSelect::All, UsbSelect::Models(vec![(0x0944, 0x0117)])] {
        let mut surface = stage.open(taken);
        assert_eq!(comes(&mut surface).1.model, "usb 1235:8211");
        assert!(silent(&mut surface));
    }
}

#[test]
fn a_flood_is_told_whole_and_before_the_leaving_of_who_sent_it() {
    const TURNS: usize = 5000;
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    let (id, _) = comes(&mut surface);
    (0..TURNS).for_each(|turn| stage.turn(20, (turn % 128) as u8));
    stage.sequencer.unplug(20);
    // Its connection waits for a place in the queue when it is to be closed.
    for turn in 0..TURNS {
        assert_eq!(turned(&mut surface), (id, (turn % 128) as u8), "turn {turn}");
    }
    assert_eq!(goes(&mut surface), id);
}

#[test]
fn a_plug_amid_the_flood_of_another_is_still_noticed() {
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    let (flooding, _) = comes(&mut surface);
    // Read past the notice of the first plug, which would make it look for the second one too.
    until(|| stage.sequencer.noticed());
    stage.turn(20, 0);
    turned(&mut surface);
    (0..5000).for_each(|turn| stage.turn(20, (turn % 128) as u8));
    // The queue is full, of gestures or of all but a notice of the watcher.
    until(|| stage.sequencer.unheard(at(20, 0)) <= 5000 - 1024);
    stage.plug(24, 2);
    until(|| stage.sequencer.noticed());
    let came = (0..=5000).find_map(|_| match next(&mut surface) {
        Gesture { motion: Motion::Connected(identity), .. } => Some(identity),
        Gesture { surface, .. } => {
            assert_eq!(surface, flooding);
            None
        }
    });
    assert_eq!(came.expect("a plug").to_string(), "usb 0944:0117 at 1-4");
}

#[test]
fn a_surface_that_is_closed_in_a_flood_ends() {
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    comes(&mut surface);
    (0..5000).for_each(|turn| stage.turn(20, (turn % 128) as u8));
    until(|| stage.sequencer.unheard(at(20, 0)) <= 5000 - 1024);
    drop(surface);
    assert!(!stage.roster.here(SurfaceId(SurfaceId::FIRST_LIVE.0 + 1)));
}

#[test]
fn a_reply_goes_to_the_port_that_spoke_or_to_the_one_of_its_client_that_only_listens() {
    let stage = Stage::new();
    let port = |port, speaks, listens| Port {
        address: at(130, port),
        client: "split".to_owned(),
        name: format!("port {port}"),
        card: None,
        speaks,
        listens,
    };
    stage.plug(20, 1);
    [port(0, true, false), port(1, false, true)].into_iter().for_each(|it| stage.sequencer.plug_port(it));
    let mut surface = stage.open(UsbSelect::None);
    let ids = [comes(&mut surface).0, comes(&mut surface).0];
    let mut voice = surface.voice().expect("the first time");
    assert!(surface.voice().is_none());
    let lights = [&cc(1, 7, 100)[..], &exclusive(&[1, 2])].concat();
    ids.iter().for_each(|id| voice.say(*id, &Reply::Midi(lights.clone())).expect("said"));
    let messages = [cc(1, 7, 100).to_vec(), exclusive(&[1, 2])];
    let expected: Vec<_> =
        [at(20, 0), at(130, 1)].into_iter().flat_map(|to| messages.clone().map(|message| (to, message))).collect();
    assert_eq!(stage.sequencer.told(), expected);
    voice.say(ids[0], &Reply::Led(1, true)).expect("it has no ear for it");
    voice.say(SurfaceId(99), &Reply::Midi(lights)).expect("nobody");
    assert_eq!(stage.sequencer.told(), vec![]);
}

#[test]
fn other_programs_are_heard_and_told_by_ports_of_our_own() {
    let stage = Stage::new();
    let mut surface = stage.open(UsbSelect::None);
    let others = surface.other_programs();
    stage.sequencer.play_to_us(&cc(1, 1, 9));
    assert_eq!(turned(&mut surface), (others, 9));
    surface.voice().expect("a voice").say(others, &Reply::Midi(vec![CLOCK])).expect("said");
    assert_eq!(stage.sequencer.told(), vec![(FakeSeq::OWN, vec![CLOCK])]);
}

#[test]
fn a_port_that_says_again_what_it_hears_is_never_spoken_to() {
    let stage = Stage::new();
    stage.sequencer.plug(14, "Midi Through", &["Midi Through Port-0"], None);
    let mut surface = stage.open(UsbSelect::None);
    let (through, _) = comes(&mut surface);
    surface.voice().expect("a voice").say(through, &Reply::Midi(vec![CLOCK])).expect("passed over");
    assert_eq!(stage.sequencer.told(), vec![]);
}

#[test]
fn lights_follow_a_replug_and_trouble_is_told_by_name() {
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    let (id, _) = comes(&mut surface);
    let mut voice = surface.voice().expect("a voice");
    stage.sequencer.unplug(20);
    goes(&mut surface);
    voice.say(id, &Reply::Midi(vec![CLOCK])).expect("passed over");
    assert_eq!(stage.sequencer.told(), vec![]);
    stage.plug(24, 1);
    comes(&mut surface);
    voice.say(id, &Reply::Midi(vec![CLOCK])).expect("said");
    assert_eq!(stage.sequencer.told(), vec![(at(24, 0), vec![CLOCK])]);
    for _ in 0..2 {
        in_trouble(&stage, &mut *voice, id);
    }
}

/// What is said goes nowhere for a while.
fn in_trouble(stage: &Stage, voice: &mut dyn Voice, id: SurfaceId) {
    stage.sequencer.clog(true);
    let said = voice.say(id, &Reply::Midi(vec![CLOCK])).expect_err("words").to_string();
    assert_eq!(said, "MIDI: nanoKONTROL2: lights and clock do not arrive, the sequencer has no room");
    voice.say(id, &Reply::Midi(vec![CLOCK])).expect_err("it is told each time, so that its end is known");
    stage.sequencer.clog(false);
    voice.say(id, &Reply::Midi(vec![CLOCK])).expect("said");
}

#[test]
fn a_pairing_set_while_it_plays_is_heard() {
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    let (id, _) = comes(&mut surface);
    stage.pairing.set(id, 1 << 1);
    stage.turn(20, 64);
    stage.sequencer.play(at(20, 0), &cc(1, 33, 3));
    let motion = Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Fourteen(64 << 7 | 3));
    assert_eq!(next(&mut surface).motion, motion);
}

#[test]
fn a_half_that_stays_alone_on_a_wire_is_told_in_the_silence_after_it() {
    let stage = Stage::new();
    stage.plug(20, 1);
    let mut surface = stage.open(UsbSelect::None);
    let (id, _) = comes(&mut surface);
    stage.pairing.set(id, 1 << 1);
    stage.turn(20, 64);
    stage.sequencer.play(at(20, 0), &cc(1, 2, 9));
    // Its low half may follow; the other knob has none to wait for.
    let other = Motion::Turned(Control::Cc { channel: 1, number: 2 }, Position::Seven(9));
    assert_eq!(next(&mut surface).motion, other);
    assert!(silent(&mut surface));
    stage.sequencer.clock().advance(PATIENCE);
    let motion = Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Fourteen(64 << 7));
    assert_eq!(next(&mut surface).motion, motion);
    assert!(silent(&mut surface), "it is told once");
}
