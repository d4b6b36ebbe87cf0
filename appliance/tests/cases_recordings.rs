//! Goal: what others can play plays here, whole and exact to the frame, or it is said what is left out and where.
//! Method: files after public reports, byte by byte, and their siblings; compressed ones come from `fixtures/cases`, are joined, cut
//! and covered with tags here. The loader is asked for lengths and words, the binary for exit codes.

#[path = "cases/binary.rs"]
mod binary;
#[path = "cases/bytes.rs"]
mod bytes;
#[path = "cases/compressed.rs"]
mod compressed;
#[path = "cases/uncompressed.rs"]
mod uncompressed;

use std::io::Cursor;

use appliance::recording::{LONGEST_S, Notice, Source, read_source};

/// Frames at the file's own rate, the rate, channels, and everything that the player is told about the file.
#[derive(Debug, PartialEq)]
struct Heard {
    frames: u64,
    rate: u32,
    channels: usize,
    told: Vec<String>,
}

fn load(bytes: &[u8]) -> Result<Source, String> {
    let source = read_source(Cursor::new(bytes.to_vec()), "case".to_owned(), LONGEST_S, &mut |_| {});
    source.map_err(|fault| fault.to_string())
}

/// What is heard of a file; what is done to every loop that does not fit is left out of the words.
fn heard(bytes: &[u8]) -> Result<Heard, String> {
    let source = load(bytes)?;
    let usual = |it: &&Notice| !matches!(it, Notice::Fitted { .. } | Notice::SeamBent);
    let told = source.notices.iter().filter(usual).map(ToString::to_string).collect();
    Ok(Heard { frames: source.origin.frames, rate: source.origin.rate_hz, channels: source.origin.channels, told })
}

/// A file of so many frames plays whole and nothing is said.
#[track_caller]
fn plays(what: &str, bytes: &[u8], frames: u64) {
    match heard(bytes) {
        Ok(heard) => assert_eq!((heard.frames, &heard.told[..]), (frames, &[][..]), "{what}"),
        Err(fault) => panic!("{what}: {fault}"),
    }
}

/// A file plays so many frames, and exactly these words are said.
#[track_caller]
fn plays_and_says(what: &str, bytes: &[u8], frames: u64, words: &[&str]) {
    match heard(bytes) {
        Ok(heard) => {
            assert_eq!((heard.frames, heard.told), (frames, words.iter().map(|it| it.to_string()).collect()), "{what}")
        }
        Err(fault) => panic!("{what}: {fault}"),
    }
}

/// A file is refused in these words.
#[track_caller]
fn is_refused(what: &str, bytes: &[u8], words: &str) {
    match heard(bytes) {
        Ok(heard) => panic!("{what}: {heard:?}"),
        Err(fault) => assert_eq!(fault, words, "{what}"),
    }
}
