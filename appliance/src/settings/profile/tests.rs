//! The profiles that are built in, and what is said of faulty ones.

use std::time::Duration;

use hal::gesture::{Identity, Reply};

use super::profiles::BUILT_IN;
use super::{Kind, Level, Part, Profile, Profiles};
use crate::control::binding::{Deed, Encoding, Map, On, Playing, Press, Target};
use hal::gesture::SurfaceId;

fn shipped(key: &str) -> Profile {
    let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == key).expect("a built-in profile");
    Profile::parse_sound(key, text).0
}

fn part<'a>(profile: &'a Profile, name: &str) -> &'a Part {
    profile.parts.iter().find(|part| part.name == name).unwrap_or_else(|| panic!("{}: no {name}", profile.key))
}

/// The bytes of a part's light for a place.
fn at(part: &Part, place: f64) -> Vec<u8> {
    let light = part.light.as_ref().expect("a light");
    let value = light.place.as_ref().expect("a light that shows places").at(place);
    bytes(light.reply(Level { channel: None, value }))
}

fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Midi(bytes) => bytes,
        Reply::Led(number, on) => panic!("bytes were expected, found light {number} {on}"),
    }
}

/// The bytes of a part's light for off, dim, on and blink, where it has them.
fn states(part: &Part) -> [Option<Vec<u8>>; 4] {
    let light = part.light.as_ref().expect("a light");
    [light.off, light.dim, light.on, light.blink].map(|level| level.map(|level| bytes(light.reply(level))))
}

#[test]
fn every_profile_that_is_built_in_reads_without_a_fault_and_reaches_what_there_is() {
    for (key, text) in BUILT_IN {
        let (profile, faults) = Profile::parse_sound(key, text);
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, Vec::<String>::new(), "{key}");
        assert!(key == "generic" || profile.parts.len() >= 20, "{key}: {} parts", profile.parts.len());
        for entry in profile.entries() {
            let name = entry.target.name();
            assert_eq!(Target::from_name(&name), Some(entry.target), "{key}: {name}");
        }
    }
}

#[test]
fn no_two_parts_of_a_profile_send_the_same_on_the_same_layer() {
    for (key, text) in BUILT_IN {
        let (profile, _) = Profile::parse_sound(key, text);
        let mut seen = Vec::new();
        for part in &profile.parts {
            let layer = part.entries.first().map(|entry| entry.layer);
            let what = (part.on, part.channel, layer);
            assert!(!seen.contains(&what), "{key}: {} sends {what:?} too", part.name);
            seen.push(what);
        }
    }
}

#[test]
fn a_panic_a_mute_a_learn_and_an_undo_are_within_reach_on_every_controller_of_a_profile() {
    for (key, text) in BUILT_IN.iter().filter(|(key, _)| *key != "generic") {
        let (profile, _) = Profile::parse_sound(key, text);
        for deed in [Deed::Panic, Deed::Mute, Deed::Learn, Deed::Undo] {
            let reached = profile.entries().iter().any(|entry| entry.target == Target::Deed(deed));
            assert!(reached, "{key}: {}", deed.name());
        }
    }
}

#[test]
fn the_rings_of_an_x_touch_mini_go_from_1_to_13_and_its_buttons_are_off_on_or_blinking() {
    let profile = shipped("behringer-x-touch-mini");
    let ring = part(&profile, "Encoder A3");
    let shown = [0.0, 0.5, 1.0, -1.0, 9.0, f64::NAN].map(|place| at(ring, place));
    assert_eq!(shown, [1, 7, 13, 1, 13, 1].map(|value| vec![0xb0, 11, value]));
    assert_eq!(at(part(&profile, "Encoder B3"), 0.25), [0xb0, 11, 4], "layer B lights the same ring");
    let waiting = ring.light.as_ref().and_then(|light| light.waiting.clone()).expect("a ring that blinks");
    assert_eq!([0.0, 1.0].map(|place| waiting.at(place)), [14, 26]);
    let button = states(part(&profile, "Button A16"));
    assert_eq!(button, [Some(vec![0x90, 15, 0]), None, Some(vec![0x90, 15, 1]), Some(vec![0x90, 15, 2])]);
    assert_eq!((part(&profile, "Fader B").on, part(&profile, "Fader B").channel), (On::Cc(10), Some(11)));
    assert_eq!(profile.setup[..2], [vec![0xb0, 127, 0], vec![0xc0, 0]]);
    assert_eq!(profile.again, Some(Duration::from_secs(2)));
}

#[test]
fn an_x_touch_mini_in_mc_mode_goes_by_detents_and_fills_its_rings() {
    let profile = shipped("behringer-x-touch-mini-mc");
    let encoder = part(&profile, "Encoder 8");
    assert_eq!((encoder.kind, encoder.encoding, encoder.on), (Kind::Encoder, Encoding::SignBit, On::Cc(23)));
    assert_eq!([0.0, 1.0].map(|place| at(encoder, place)), [vec![0xb0, 55, 33], vec![0xb0, 55, 43]]);
    let button = states(part(&profile, "Button 1"));
    assert_eq!(button, [Some(vec![0x90, 89, 0]), None, Some(vec![0x90, 89, 127]), Some(vec![0x90, 89, 1])]);
    assert_eq!((part(&profile, "Fader").on, part(&profile, "Fader").channel), (On::Bend, Some(9)));
    assert_eq!((&profile.setup[0], &profile.farewell[0]), (&vec![0xb0, 127, 1], &vec![0xb0, 127, 0]));
}

#[test]
fn a_launch_control_xl_is_told_its_colours_by_template_and_index() {
    let profile = shipped("novation-launch-control-xl");
    let knob = part(&profile, "Send B 2");
    let message = |lamp, value| vec![0xf0, 0, 0x20, 0x29, 2, 0x11, 0x78, 8, lamp, value, 0xf7];
    assert_eq!([0.0, 0.3, 0.6, 1.0].map(|place| at(knob, place)), [12, 29, 46, 63].map(|value| message(9, value)));
    assert_eq!((knob.on, knob.channel), (On::Cc(30), Some(9)));
    let scene = states(part(&profile, "Focus 5"));
    assert_eq!(scene, [Some(message(28, 12)), Some(message(28, 29)), Some(message(28, 60)), None]);
    assert_eq!(part(&profile, "Focus 5").on, On::Note(57));
    assert_eq!(states(part(&profile, "Right"))[2], Some(message(47, 63)));
    assert_eq!(profile.setup, [vec![0xf0, 0, 0x20, 0x29, 2, 0x11, 0x77, 8, 0xf7]]);
}

#[test]
fn an_apc_mini_says_brightness_and_blinking_by_the_channel_and_colour_by_the_velocity() {
    let profile = shipped("akai-apc-mini-mk2");
    let scene = states(part(&profile, "Pad 4"));
    let said = [vec![0x90, 3, 0], vec![0x90, 3, 21], vec![0x96, 3, 21], vec![0x9d, 3, 21]];
    assert_eq!(scene, said.map(Some));
    assert_eq!(states(part(&profile, "Track 2"))[2..], [Some(vec![0x90, 101, 1]), Some(vec![0x90, 101, 2])]);
    assert_eq!(part(&profile, "Master").on, On::Cc(56));
}

#[test]
fn a_nanokontrol_is_asked_for_its_lights_and_they_are_control_changes_on_channel_16() {
    let profile = shipped("korg-nanokontrol2");
    assert_eq!(profile.setup, [vec![0xf0, 0x42, 0x40, 0, 1, 0x13, 0, 0, 0, 1, 0xf7]]);
    assert_eq!(profile.farewell, [vec![0xf0, 0x42, 0x40, 0, 1, 0x13, 0, 0, 0, 0, 0xf7]]);
    let button = part(&profile, "R 8");
    assert_eq!((button.on, button.channel), (On::Cc(71), None));
    assert_eq!(states(button)[2], Some(vec![0xbf, 71, 127]));
    let switch = part(&profile, "R 1").entries[0];
    assert_eq!(switch.press, Some(Press::Toggle), "a control change that is pressed is no knob");
}

#[test]
fn a_panel_is_lit_by_numbers_and_has_a_second_layer() {
    let profile = shipped("gpio-panel");
    let light = part(&profile, "Button 6").light.clone().expect("a light");
    let said = [light.off, light.on].map(|level| light.reply(level.expect("a level")));
    assert_eq!(said, [Reply::Led(6, false), Reply::Led(6, true)]);
    let mut map = Map::default();
    map.set_profile(SurfaceId(3), profile.entries());
    let button = part(&profile, "Button 6").control();
    let found = |shift| map.find(SurfaceId(3), button, Playing { bank: 0, shift }).next().map(|entry| entry.target);
    assert_eq!(found(false), Some(Target::Deed(Deed::Mute)));
    assert_eq!(found(true), Some(Target::Deed(Deed::Panic)));
}

#[test]
fn a_controller_is_known_by_its_plug_then_by_its_name_and_all_others_are_generic() {
    let mut profiles = Profiles::built_in();
    let key =
        |profiles: &Profiles, name: &str, model: &str| profiles.for_identity(&Identity::new(name, model)).key.clone();
    for (name, model, known) in [
        ("whatever", "usb 1397:00b3", "behringer-x-touch-mini"),
        ("whatever", "usb 0944:0117", "korg-nanokontrol2"),
        ("nanoKONTROL2", "usb 1397:00B3", "behringer-x-touch-mini"),
        ("X-TOUCH MINI MIDI 1", "alsa X-TOUCH MINI", "behringer-x-touch-mini"),
        ("Faderfox UC4", "usb 16d0:ffff", "faderfox-uc4"),
        ("APC mini mk2 Notes", "usb 09e8:004f cable 2", "generic"),
        ("panel", "gpio panel", "gpio-panel"),
        ("stage left", "gpio stage left", "gpio-panel"),
        ("panel", "gpiopanel", "generic"),
        ("Some Synth", "usb 1234:5678", "generic"),
        ("", "", "generic"),
    ] {
        assert_eq!(key(&profiles, name, model), known, "{name}, {model}");
    }
    assert!(profiles.prefer("behringer-x-touch-mini-mc") && !profiles.prefer("nothing"));
    assert_eq!(key(&profiles, "", "usb 1397:00b3"), "behringer-x-touch-mini-mc");
}

/// A text, and how its faults begin.
const FAULTY: &str = r#"
name = 7
mach = { name = ["x"] }
rate = 0
setup = ["b0 7f", "f0 00", "zz", "b0 7f 00"]
match = { usb = ["1397"], nam = ["x"] }
control = [
    { name = "A", kind = "knob", cc = 1, to = "denois" },
    { name = "B", kind = "nob", cc = 2, to = "denoise" },
    { name = "C", kind = "knob", cc = 3, to = "denoise", light = "rin" },
    { name = "D", kind = "knob", cc = 4, to = "denoise", range = [0.8, 0.2] },
    { name = "E", kind = "knob", cc = 5, to = "denoise", ligth = "ring" },
    { name = "F", kind = "knob", to = "denoise" },
    { name = "G", cc = 7, to = "denoise" },
    { name = "H", kind = "knob", cc = 8, to = "denoise", light = "ring" },
    { name = "I", kind = "knob", cc = 9, to = "denoise", light = "upside" },
]
[light.ring]
send = "cc"
place = [1, 13]
[light.upside]
send = "cc"
place = [13, 1]
[light.loud]
send = "led"
off = 0
on = 127
[light.dumb]
send = "note"
[light.bytes]
send = "sysex"
on = 1
bytes = "f0 90 f7"
"#;

#[test]
fn every_fault_of_a_profile_is_told_with_its_line_and_the_sound_rest_is_used() {
    let (profile, faults) = Profile::parse_sound("mine", FAULTY);
    let told = [
        "2: name: found 7, expected words in quotes",
        "3: mach: found an unknown key, expected ",
        "4: rate: found 0, expected a whole number, 5 to 1000",
        "5: setup: found \"b0 7f\", expected a whole MIDI message",
        "5: setup: found \"f0 00\", expected a whole MIDI message",
        "5: setup: found \"zz\", expected a whole MIDI message",
        "6: match.nam: found an unknown key, expected usb, model or name; try name",
        "6: match.usb: found \"1397\", expected vendor and product as in \"1397:00b3\"",
        "8: control 1.to: found \"denois\", expected a parameter of `demon params`, or a deed like reseed or scene-1; try denoise",
        "9: control 2.kind: found \"nob\", expected knob, encoder, fader, motor-fader, button, pad; try knob",
        "10: control 3.light: found \"rin\", expected a light under [light.NAME]; try ring",
        "11: control 4.range: found [0.8, 0.2], upside down",
        "12: control 5.ligth: found an unknown key, expected ",
        "13: control 6: found no control",
        "14: control 7: found no `kind`",
        "23: light.upside.place: found [13, 1], upside down",
        "27: light.loud.on: found 127, expected a whole number, 0 to 1",
        "28: light.dumb: found a light that shows nothing",
        "33: light.bytes.bytes: found \"f0 90 f7\", expected f0 to f7 in hex with {value}",
    ];
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let mut left: Vec<&String> = faults.iter().collect();
    for told in told {
        let place = left.iter().position(|fault| fault.starts_with(told));
        left.remove(place.unwrap_or_else(|| panic!("{told}\nis not among\n{faults:#?}")));
    }
    assert_eq!(left, Vec::<&String>::new());
    assert!(faults.iter().any(|fault| fault.starts_with("12:") && fault.ends_with("; try light")));
    let names: Vec<&str> = profile.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["C", "H", "I"], "what is sound is used");
    assert_eq!((profile.rate, &profile.setup), (100, &vec![vec![0xb0, 0x7f, 0]]));
    let lit: Vec<bool> = profile.parts.iter().map(|part| part.light.is_some()).collect();
    assert_eq!(lit, [false, true, false], "a light that is faulty is dark");
}

#[test]
fn a_folder_adds_to_what_is_built_in_and_what_cannot_be_read_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("a file");
    let mine = "match = { name = [\"Box\"] }\ncontrol = [{ name = \"K\", kind = \"knob\", cc = 1, to = \"shift\" }]\n";
    write("mine.toml", mine.as_bytes());
    write("generic.toml", mine.replace("shift", "seed").replace("Box", "nothing").as_bytes());
    write("akai-apc-mini-mk2.toml", b"\xff\xfe");
    write("empty.toml", b"name = \"nothing\"\n");
    write("broken.toml", b"match = { name = [\"Broken\"\n[[control]\n");
    write("notes.txt", b"not a profile");
    let (profiles, said) = Profiles::with_folder(folder.path());
    let key = |name: &str| profiles.for_identity(&Identity::new(name, "usb 0000:0001")).key.clone();
    assert_eq!([key("my box"), key("Broken"), key("APC mini mk2")], ["mine", "generic", "akai-apc-mini-mk2"]);
    let generic = profiles.for_identity(&Identity::new("?", "?"));
    assert_eq!(generic.entries()[0].target.name(), "seed", "the folder's generic profile stands in");
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said.iter().any(|words| words.contains("empty.toml") && words.contains("no control in it")), "{said:#?}");
    assert!(said.iter().any(|words| words.contains("broken.toml:")), "{said:#?}");
    let (profiles, said) = Profiles::with_folder(&folder.path().join("not there"));
    assert_eq!((profiles.all().count(), said), (BUILT_IN.len(), vec![]));
}
