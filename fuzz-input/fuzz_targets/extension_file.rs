//! Any bytes as an extension of the system, under the key that signed the seed, and any bytes as a head that was signed: refused in a line, or read; what is
//! read has places that do not lie on each other, and a name that leads nowhere.
#![no_main]

use std::io::Cursor;

use appliance::extension::Extension;
use appliance::update::read_key;

/// The key of `seeds/extension_file`, which nobody has the other half of.
const KEY: &str = include_str!("../../appliance/tests/fixtures/extension/update.pub");
const WHOLE: &[u8] = include_bytes!("../../appliance/tests/fixtures/extension/small.extension");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let key = read_key(KEY, "the key").expect("it is one");
    let mut from = Cursor::new(bytes);
    let opened = Extension::open(&mut from, &key);
    let head = from.position();
    match opened.and_then(|it| it.check(&mut from, head).map(|()| it)) {
        // The hashes themselves are the kernel's to check, and what fills up the head's block is nobody's to read.
        Ok(found) => {
            let (root, verity) = (found.root_at as usize, found.verity_at as usize);
            assert_eq!(bytes[..head as usize], WHOLE[..head as usize]);
            assert_eq!(bytes[root..verity], WHOLE[root..verity]);
        }
        Err(refusal) => assert!(!refusal.to_string().contains('\n')),
    }
    match Extension::read(bytes, 300) {
        Ok(found) => {
            assert!(300 <= found.root_at && found.root_at < found.verity_at && found.verity_at < found.bytes);
            assert!(!found.file_name().contains('/') && !found.file_name().starts_with('.') && !found.table().contains('\n'));
        }
        Err(refusal) => assert!(!refusal.to_string().contains('\n')),
    }
});
