//! Any bytes as an update, under the key that signed the seed, and any bytes as a manifest that was signed: refused in a line, or read; never more
//! memory than a manifest may have, and nothing that was changed is taken.
#![no_main]

use appliance::update::{Manifest, Package, read_key};

/// The key of `seeds/update_file`, which nobody has the other half of.
const KEY: &str = include_str!("../../appliance/tests/fixtures/update/update.pub");
const WHOLE: &[u8] = include_bytes!("../../appliance/tests/fixtures/update/small.update");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let key = read_key(KEY, "the key").expect("it is one");
    match Package::open(bytes, &key).and_then(|it| it.check(&mut |_| {})) {
        Ok(_) => assert_eq!(bytes, WHOLE),
        Err(refusal) => assert!(!refusal.to_string().contains('\n')),
    }
    match Manifest::read(bytes) {
        Ok(manifest) => assert!(manifest.parts.iter().all(|it| 0 < it.bytes)),
        Err(refusal) => assert!(!refusal.to_string().contains('\n')),
    }
});
