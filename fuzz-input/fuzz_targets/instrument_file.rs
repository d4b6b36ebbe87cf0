//! Any bytes, read as the file would be, as what a model says of its knobs and words: faults with their lines, and a sound rest: every top within its knob's
//! range, every word one that a picker can show.
#![no_main]

mod faults;

use appliance::control::binding::Travels;
use appliance::files::decode;
use appliance::settings::model_settings::ModelSettings;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = decode(bytes);
    let text = read.text.as_str();
    let (found, faults) = ModelSettings::parse(text);
    faults::are_told(&faults, text);
    for id in Travels::names() {
        let ends = found.travels.of(id).expect("it has ends");
        assert!(0.0 < ends.top && ends.top <= id.row().high, "{ends:?}");
    }
    assert!(found.vocabulary.len() <= 200);
    assert!(found.vocabulary.iter().all(|it| !it.is_empty() && it.chars().count() <= 40 && !it.contains(char::is_control)));
});
