//! Keyboards and foot switches from their keys to their gestures, on devices that play a script.

use std::time::Duration;

use super::{FakeInput, InputChoice, InputDevice, InputKeys};
use crate::gesture::{Clock, Control, Gesture, Motion, Roster, Surface, SurfaceError, SurfaceId};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn pedal(port: &str) -> InputDevice {
    InputDevice {
        name: "Page Turner".to_owned(),
        vendor: 0x3553,
        product: 0xb001,
        port: Some(format!("usb-0000:00:14.0-{port}/input0")),
        keys: vec![104, 109],
        ..InputDevice::default()
    }
}

fn mouse() -> InputDevice {
    InputDevice { name: "a mouse".to_owned(), keys: vec![0x110, 0x111], points: true, ..InputDevice::default() }
}

fn keys(fake: &FakeInput, grab: bool, roster: &Roster) -> InputKeys {
    InputKeys::new(vec![InputChoice::All], grab, fake.clone(), fake.clock(), roster)
}

/// Everything said until `until`, and everything complained of.
fn heard(keys: &mut InputKeys, fake: &FakeInput, until: Duration) -> (Vec<Gesture>, Vec<String>) {
    let (mut all, mut words) = (Vec::new(), Vec::new());
    while fake.clock().now() < until {
        match keys.next_gesture(until - fake.clock().now()) {
            Ok(Some(gesture)) => all.push(gesture),
            Ok(None) => {}
            Err(SurfaceError::Garbled { fault, .. }) => words.push(fault),
            Err(other) => panic!("expected a complaint at most, found {other}"),
        }
    }
    (all, words)
}

fn brief(gestures: &[Gesture]) -> Vec<String> {
    let word = |it: &Gesture| match &it.motion {
        Motion::Connected(identity) => format!("{} came: {identity}", it.surface.0),
        Motion::Disconnected => format!("{} left", it.surface.0),
        Motion::Pressed(control, how) => format!("{} {control} down {how} at {}", it.surface.0, it.at.as_millis()),
        Motion::Released(control) => format!("{} {control} up at {}", it.surface.0, it.at.as_millis()),
        other => panic!("expected a key, found {other:?}"),
    };
    gestures.iter().map(word).collect()
}

#[test]
fn a_foot_switch_is_a_press_and_a_release_and_its_repeats_are_nothing() {
    let fake = FakeInput::default().plug(0, mouse()).plug(3, pedal("2"));
    let fake = fake.after(ms(100)).press(3, 109).repeat(3, 109, 20).release(3, 109);
    let (told, words) = heard(&mut keys(&fake, false, &Roster::default()), &fake, ms(2000));
    assert_eq!(
        brief(&told),
        ["2 came: input 3553:b001 at usb-0000:00:14.0-2/input0", "2 key 109 down 127 at 100", "2 key 109 up at 860"]
    );
    assert!(words.is_empty(), "{words:?}");
    assert_eq!(fake.opened(), 2, "a mouse is looked at once");
}

#[test]
fn a_pulled_plug_lets_go_of_the_keys_that_were_held() {
    let fake = FakeInput::default().plug(3, pedal("2")).after(ms(100)).press(3, 104).press(3, 109).release(3, 109);
    let fake = fake.unplug(3).after(ms(1000)).plug(5, pedal("2")).after(ms(600)).press(5, 104);
    let roster = Roster::default();
    let (told, _) = heard(&mut keys(&fake, false, &roster), &fake, ms(3000));
    assert_eq!(
        brief(&told)[3..],
        [
            "2 key 109 up at 300",
            "2 key 104 up at 400",
            "2 left",
            "2 came: input 3553:b001 at usb-0000:00:14.0-2/input0",
            "2 key 104 down 127 at 2000"
        ]
    );
    let back = told.iter().rfind(|it| matches!(it.motion, Motion::Connected(_))).unwrap();
    assert!(back.at - ms(1400) <= ms(500), "looked for twice a second: {:?}", back.at);
}

#[test]
fn one_that_was_replugged_between_two_looks_starts_with_no_key_held() {
    let fake = FakeInput::default().plug(3, pedal("2")).after(ms(60)).press(3, 104).after(ms(1)).unplug(3);
    let fake = fake.plug(3, pedal("2")).after(ms(1000)).press(3, 104);
    let (told, _) = heard(&mut keys(&fake, false, &Roster::default()), &fake, ms(3000));
    let brief = brief(&told);
    assert_eq!((brief.len(), brief[2].as_str(), brief[3].as_str()), (6, "2 key 104 up at 61", "2 left"), "{brief:?}");
    assert_eq!(brief[5], "2 key 104 down 127 at 1062");
}

#[test]
fn two_equal_pedals_are_two_surfaces() {
    let fake = FakeInput::default().plug(3, pedal("1")).plug(4, pedal("2")).after(ms(100)).press(4, 104).press(3, 104);
    let (told, _) = heard(&mut keys(&fake, false, &Roster::default()), &fake, ms(400));
    assert_eq!(told[2..].iter().map(|it| it.surface).collect::<Vec<_>>(), [SurfaceId(3), SurfaceId(2)]);
}

#[test]
fn missing_rights_are_said_once_and_in_words_and_given_ones_are_used() {
    let fake = FakeInput::default().plug(3, pedal("2")).forbid(3).after(ms(2000)).allow(3).after(ms(600)).press(3, 104);
    let (told, words) = heard(&mut keys(&fake, false, &Roster::default()), &fake, ms(4000));
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].contains("/dev/input/event3") && words[0].contains("group 'input'"), "{words:?}");
    assert_eq!(told.last().map(|it| it.motion.clone()), Some(Motion::Pressed(Control::Key(104), 127)));
}

#[test]
fn a_grabbed_one_is_ours_alone_and_one_that_cannot_be_is_played_all_the_same() {
    let fake = FakeInput::default().plug(3, pedal("1")).plug(4, pedal("2")).take(4).after(ms(100)).press(4, 104);
    let (told, words) = heard(&mut keys(&fake, true, &Roster::default()), &fake, ms(2000));
    assert_eq!(fake.grabbed(), [std::path::PathBuf::from("/dev/input/event3")]);
    assert!(words.len() == 1 && words[0].contains("event4 is not ours alone"), "{words:?}");
    assert_eq!(told.len(), 3);
}

#[test]
fn a_stall_and_a_flood_lose_nothing_and_keep_their_times() {
    let fake = FakeInput::default().plug(3, pedal("1")).after(ms(100)).stall(ms(90)).press(3, 104).release(3, 104);
    let fake = fake.flood(3, 109, 2000);
    let (told, _) = heard(&mut keys(&fake, false, &Roster::default()), &fake, ms(1000));
    assert_eq!(brief(&told[1..3]), ["2 key 104 down 127 at 200", "2 key 104 up at 300"]);
    assert_eq!(told.len(), 3 + 4000);
}
