//! Any bytes as a Standard MIDI File: refused in words, or gestures in the order of their times.
#![no_main]

use hal::midi::Score;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match Score::read(bytes, 0) {
        Ok(score) => {
            assert!(score.gestures().windows(2).all(|pair| pair[0].at <= pair[1].at));
            assert!(score.gestures().last().is_none_or(|last| last.at <= score.length()));
        }
        Err(fault) => assert!(!fault.to_string().contains('\n')),
    }
});
