//! Any text as a patch: faults with their lines, or a patch that is the same after being written and read again.
#![no_main]

use appliance::patch::Patch;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Patch::parse(text) {
        Ok(patch) => assert_eq!(Patch::parse(&patch.to_text()).as_ref(), Ok(&patch)),
        Err(faults) => {
            assert!(!faults.is_empty());
            let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
            assert!(faults.iter().all(|fault| (1..=lines).contains(&fault.line) && !fault.to_string().contains('\n')));
        }
    }
});
