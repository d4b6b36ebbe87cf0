//! Any bytes, read as the file would be, as the box's file: faults with their lines, and a sound rest that asks the device for nothing that it cannot be asked.
#![no_main]

mod faults;

use appliance::files::decode;
use appliance::settings::box_file::{BoxConfig, PERIOD_FRAMES, PERIODS};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = decode(bytes);
    let text = read.text.as_str();
    let (found, faults) = BoxConfig::parse(text);
    faults::are_told(&faults, text);
    let audio = &found.audio;
    assert!(audio.period_frames.is_none_or(|it| PERIOD_FRAMES.contains(&it)) && audio.periods.is_none_or(|it| PERIODS.contains(&it)));
    assert!((-40.0..=-8.0).contains(&audio.loudness_lufs));
    assert!(found.play.depth.is_none_or(|it| (1..=8).contains(&it)) && found.takes.behind_minutes <= 240);
});
