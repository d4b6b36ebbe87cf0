//! Any bytes as a file of what lies behind the music, and as the note of what is to be kept of it: measured or thrown away, never longer than a file of the ring,
//! and what is kept of it is as long as was said.
#![no_main]

use std::fs;
use std::path::Path;

use appliance::recording::load_source;
use appliance::takes::{Behind, keep, pending};

const FILES: [&str; 2] = ["0000000001-begins.flac", "0000000002.flac"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" }).expect("a folder");
    let behind = folder.path().join("behind");
    fs::create_dir(&behind).expect("a folder");
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for (name, part) in FILES.into_iter().zip([bytes, second]) {
        fs::write(behind.join(name), part).expect("a disk");
    }
    fs::write(behind.join("keep"), &first[..first.len().min(40)]).expect("a disk");
    let mut ring = Behind::open(&behind, u64::MAX / 4).expect("a disk");
    let there = ring.hold();
    assert!(there.iter().all(|it| 0 < it.frames && it.frames < 1_000_000) && pending(&behind, &there).len() <= there.len());
    for taken in keep(&behind, &there, folder.path(), &|| false).expect("a disk") {
        let read = load_source(&taken.path, 600.0, &mut |_| ());
        // Shorter than a second is no loop to play on.
        assert!(read.is_ok_and(|it| it.origin.frames == taken.frames) || taken.frames < 48_000);
    }
});
