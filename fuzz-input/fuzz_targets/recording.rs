//! Any bytes as a recording: refused in one line, or finite samples within full scale and a whole number of latent frames.
#![no_main]

use std::io::Cursor;

use appliance::source::read_source;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Four seconds at most: a fuzzer learns nothing from more.
    match read_source(Cursor::new(bytes.to_vec()), String::new(), 4.0, &mut |_| {}) {
        Ok(source) => {
            assert!(source.pcm.iter().flatten().all(|sample| sample.abs() <= 1.0));
            assert!(!source.pcm.is_empty() && source.pcm.len() % 1920 == 0);
        }
        Err(fault) => assert!(!fault.to_string().contains('\n'), "{fault}"),
    }
});
