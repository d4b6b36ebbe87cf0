//! Any bytes as the tape that was left, as they are and under digests that are theirs: refused in words, or a tape of the recording's length that is
//! the same after being written and read again.
#![no_main]

use appliance::settings::last_tape::{Changes, TapeOrigin, read, sealed, write};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let recording = vec![[0.25, -0.25]; 3 * 1920];
    let origin = TapeOrigin::of(&recording);
    for written in [bytes.to_vec(), sealed(bytes)] {
        match read(&origin, &recording, &written) {
            Ok(tape) => {
                assert!(tape.len() == recording.len() && tape.iter().flatten().all(|it| it.is_finite()));
                let mut once = Vec::new();
                write(&origin, &tape, &Changes::of(&origin, &tape), &mut once, |_| Ok(())).expect("a vector takes everything");
                let again = read(&origin, &recording, &once).unwrap_or_else(|fault| panic!("{fault}"));
                assert!(again.iter().flatten().map(|it| it.to_bits()).eq(tape.iter().flatten().map(|it| it.to_bits())));
            }
            Err(fault) => assert!(!fault.to_string().contains('\n')),
        }
    }
});
