//! Any text as the file beside a plan: one fault in one line, or a sidecar that is the same after being written and read again.
#![no_main]

use appliance::compute::plans::Sidecar;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Sidecar::parse(text) {
        Ok(sidecar) => {
            assert_eq!(Sidecar::parse(&sidecar.to_text()).as_ref(), Ok(&sidecar));
            let stem = sidecar.key.stem();
            assert!(stem.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_'), "{stem}");
        }
        Err(fault) => assert!(!fault.to_string().contains('\n'), "{fault}"),
    }
});
