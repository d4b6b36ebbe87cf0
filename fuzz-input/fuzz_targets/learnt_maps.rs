//! Any bytes, read as the file would be, as what controllers have learnt: faults with their lines, and what is sound is the same after being written and
//! read again.
#![no_main]

mod faults;

use appliance::files::decode;
use appliance::settings::learnt_maps::{parse, text};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = decode(bytes);
    let written = read.text.as_str();
    let (controllers, faults) = parse(written);
    faults::are_told(&faults, written);
    let (again, faults) = parse(&text(&controllers));
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(again, controllers);
});
