//! Any bytes as a patch, read as the file would be: faults with their lines, or a patch that is the same after being written
//! and read again.
#![no_main]

use appliance::files::decode;
use appliance::settings::patch::Patch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = decode(bytes);
    let lines = text.text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let (patch, faults) = Patch::parse_sound(&text.text);
    let lost = faults.iter().any(|fault| !fault.mended);
    assert_eq!(Patch::parse(&text.text).is_err(), lost);
    if !lost {
        assert_eq!(Patch::parse(&patch.to_text()).as_ref(), Ok(&patch));
    }
    for fault in text.with(faults) {
        assert!((1..=lines).contains(&fault.line) && !fault.to_string().contains('\n'), "{fault}");
    }
});
