//! Any bytes as the state that was left, as they are and under a digest that is theirs: refused in words, or a state that is the same after
//! being written and read again.
#![no_main]

mod faults;

use appliance::files::decode;
use appliance::settings::last_state::{parse, sealed, text};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = decode(bytes).text;
    for written in [read.clone(), sealed(&read)] {
        match parse(&written) {
            Ok(state) => {
                let once = text(&state);
                let again = parse(&once).unwrap_or_else(|faults| panic!("{faults:?}"));
                assert_eq!(text(&again), once);
            }
            Err(faults) => {
                assert!(!faults.is_empty());
                faults::are_told(&faults, &written);
            }
        }
    }
});
