//! The box's file: the documented example, and every fault of a bad one.

use super::{AtStart, BoxConfig, ClockSource, DisplayDevice, Face, SlewSetting};
use crate::control::tempo::Quantise;
use crate::files::document::documented;
use engine::param::ParamId;
use hal::input::InputChoice;
use hal::usb::UsbSelect;
use proptest::prelude::*;
use std::time::Duration;

/// The player's document: every key stands in its table, and most in its example.
const DOCUMENT: &str = include_str!("../../../../docs/box-file.md");

fn example() -> String {
    documented::example_of(DOCUMENT)
}

#[test]
fn the_documented_example_is_a_box() {
    let (config, faults) = BoxConfig::parse(&example());
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!((config.play.at_start, config.play.depth), (Some(AtStart::Last), Some(4)));
    assert_eq!((config.audio.period_frames, config.audio.periods), (Some(256), Some(3)));
    assert_eq!(config.usb, UsbSelect::Models(vec![(0x1397, 0x00b3)]));
    assert_eq!((config.program_channel, config.follow, config.quantise), (Some(1), true, Quantise::Off));
    assert_eq!((config.keys, config.grab), (vec![InputChoice::All], false));
    assert!(matches!(&config.displays[0].device, DisplayDevice::I2c { address: 0x3c, .. }));
    assert!(matches!(&config.displays[1].device, DisplayDevice::Spi { data_line, .. } if data_line.1 == 25));
    let panel = &config.panels[0];
    assert_eq!((panel.name.as_str(), panel.buttons.len(), panel.encoders.len()), ("front", 1, 1));
    assert_eq!((panel.leds.len(), panel.pots.len()), (1, 1));
    assert_eq!((config.takes.behind_minutes, BoxConfig::parse("").0.takes.behind_minutes), (30, 30));
    let minutes = |it: &str| BoxConfig::parse(&format!("[takes]\nbehind_minutes = {it}\n"));
    assert_eq!([minutes("0").0, minutes("240").0].map(|it| it.takes.behind_minutes), [0, 240]);
    assert_eq!((minutes("241").0.takes.behind_minutes, minutes("241").1.len()), (30, 1));
    assert_eq!((config.open.console, config.open.clock), (false, vec![ClockSource::Dhcp]));
    assert_eq!(config.feel, [SlewSetting { id: ParamId::Denoise, limit: Some(Some(2.0)), glide: Duration::ZERO }]);
}

#[test]
fn the_document_has_a_row_for_every_key() {
    // A reader that meets a key it does not know names those that it does.
    let wrong = "[play]\nx = 1\n[audio]\nx = 1\n[midi]\nx = 1\n[tempo]\nx = 1\n[keys]\nx = 1\n[terminal]\nx = 1\n[[display]]\nx = 1\n[[panel]]\nx = 1\n[[panel.button]]\nx = 1\n\
                 [[panel.encoder]]\nx = 1\n[[panel.led]]\nx = 1\n[[panel.pot]]\nx = 1\n[feel.denoise]\nx = 1\n[takes]\nx = 1\n[open]\nx = 1\n";
    let (_, faults) = BoxConfig::parse(wrong);
    let unknown: Vec<_> = faults.iter().filter(|it| it.found == "an unknown key").collect();
    assert_eq!(unknown.len(), 15, "{faults:?}");
    for key in unknown.iter().flat_map(|it| documented::keys_of(&it.expected)) {
        assert!(documented::has_row(DOCUMENT, key), "docs/box-file.md has no row for `{key}`");
    }
    assert!(!documented::has_row(DOCUMENT, "x"));
    // And no row of a key that is not read.
    let known: Vec<&str> = unknown.iter().flat_map(|it| documented::keys_of(&it.expected)).collect();
    let cells = DOCUMENT.lines().filter(|it| it.starts_with("| `")).filter_map(|it| it.split('|').nth(1));
    let paths: Vec<&str> = cells.flat_map(|it| it.split('`').skip(1).step_by(2)).filter(|it| *it != "format").collect();
    assert!(paths.len() > 30, "{paths:?}");
    for path in paths {
        let key = path.rsplit('.').next().unwrap_or_default();
        assert!(known.contains(&key), "docs/box-file.md has a row for `{path}`, which is not read");
    }
}

#[test]
fn what_eyes_need_is_asked_for_in_the_file() {
    let text = "[terminal]\nhigh_contrast = true\n[[display]]\nkind = \"sh1106\"\ndevice = \"/dev/i2c-1\"\nhigh_contrast = true\n\
                face = \"large\"\n[[display]]\nkind = \"framebuffer\"\ndevice = \"/dev/fb0\"\ncontrast = 90\n";
    let (config, faults) = BoxConfig::parse(text);
    assert!(faults.is_empty() && config.terminal_high_contrast, "{faults:?}");
    let [small, screen] = config.displays.as_slice() else { panic!("{config:?}") };
    assert!(small.high_contrast && small.face == Face::Large);
    assert!(matches!(&small.device, DisplayDevice::I2c { setup, .. } if setup.contrast == 255), "{small:?}");
    assert!(matches!(&screen.device, DisplayDevice::Framebuffer { bright: 90, .. }) && !screen.high_contrast);
}

#[test]
fn every_fault_is_told_with_its_line_and_what_is_sound_is_used() {
    let text = "[midi]\nusb = \"1397\"\nfolow = true\n[tempo]\nquantise = \"beats\"\n[[display]]\nkind = \"ssd1307\"\ndevice = \"/dev/i2c-1\"\n\
                [[display]]\nkind = \"framebuffer\"\ndevice = \"/dev/fb0\"\n[[panel]]\nname = \"a\"\n[[panel.button]]\nnumber = 1\nline = \"17\"\n\
                [[panel]]\nname = \"b\"\n[[panel.button]]\nnumber = 1\nline = \"gpiochip0:1\"\n[[panel.button]]\nnumber = 1\nline = \"gpiochip0:2\"\n\
                [[panel]]\nname = \"c\"\n[[panel.encoder]]\nnumber = 1\na = \"gpiochip0:1\"\nb = \"gpiochip0:2\"\nsteps = 3\n[feel.denoize]\nglide_ms = 5\n[feel.shift]\ntravels_per_s = -1\n\
                [play]\nat_start = \"lest\"\ndepth = 9\npatch = \"\"\nmodle = \"m\"\n[audio]\nrate = 44100\nperiods = 1\n";
    let (config, faults) = BoxConfig::parse(text);
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for part in [
        "2: midi.usb: found \"1397\", expected ",
        "3: midi.folow: found an unknown key, expected usb, out, program_channel or follow; try follow",
        "5: tempo.quantise: found \"beats\", expected off, beat, bar, loop; try beat",
        "7: display 1.kind: found \"ssd1307\", expected ssd1306, sh1106, framebuffer; try ssd1306",
        "16: panel 1.button 1.line: found \"17\", expected ",
        "button 1 stands twice",
        "panel 3.encoder 1.steps: found 3, expected 1, 2 or 4 states a detent",
        "feel.denoize: found an unknown key, expected a parameter of `demon params`; try denoise",
        "feel.shift.travels_per_s: found -1, expected 0 to 1000",
        "play.at_start: found \"lest\", expected last, source, silence; try last",
        "play.depth: found 9, expected a whole number, 1 to 8",
        "play.patch: found \"\", expected a file or folder",
        "play.modle: found an unknown key, expected patch, set_list, model, backend, depth or at_start; try model",
        "audio.rate: found an unknown key, expected device, period_frames, periods or loudness_lufs",
        "audio.periods: found 1, expected a whole number, 2 to 32",
    ] {
        assert!(told.iter().any(|told| told.contains(part)), "{part}\n{told:#?}");
    }
    assert_eq!(config.displays.len(), 1);
    assert_eq!(config.panels.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn a_box_without_a_file_plays_and_a_named_file_that_is_missing_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("demon.toml");
    let told = BoxConfig::open(Some(&missing)).expect_err("there is none").to_string();
    assert!(told.contains("demon.toml"), "{told}");
    std::fs::write(&missing, "[midi]\nfollow = false\n").expect("a disk");
    let (config, faults) = BoxConfig::open(Some(&missing)).expect("it is there");
    assert_eq!((config, faults), (BoxConfig { follow: false, ..BoxConfig::default() }, Vec::new()));
}

#[test]
fn what_is_to_be_played_lies_beside_the_file_where_its_path_is_not_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("demon.toml");
    std::fs::write(&path, "[play]\npatch = \"sets/a.toml\"\nset_list = \"..\"\nmodel = \"/srv/model\"\n")
        .expect("a disk");
    let (config, faults) = BoxConfig::open(Some(&path)).expect("it is there");
    assert!(faults.is_empty(), "{faults:?}");
    let paths = [config.play.patch, config.play.set_list, config.play.model];
    assert_eq!(
        paths,
        [Some(folder.path().join("sets/a.toml")), Some(folder.path().join("..")), Some("/srv/model".into())]
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\[{1,2}(panel|display|keys|midi|feel|open|panel.pot)(\\.[a-z]{1,6})?\\]{1,2}\n|[a-z_]{1,9} = [-0-9.\"a-z:\\[\\], {}=/]{0,12}\n){0,12}") {
        let _ = BoxConfig::parse(&text);
    }
}
