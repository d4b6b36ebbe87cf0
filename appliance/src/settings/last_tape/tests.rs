//! Goal: a tape comes back to the bit, or not at all.
//! Method: tapes in which some blocks differ from their recording, through their bytes; bytes that were cut off, changed, mixed up or never were
//! a tape.

use std::fs;
use std::path::Path;

use engine::latent::StereoFrame;
use proptest::prelude::*;

use super::{
    BLOCK_FRAMES, Changes, ENTRY_BYTES, FILE, Found, HEADER_BYTES, MOST_FRAMES, TapeFault, TapeFile, TapeOrigin, read,
    sealed, write,
};

/// Four blocks, the last of which is shorter.
const FRAMES: usize = 7 * 1920;
/// A tape of the first format: the recording of these tests with other sound in its last block.
const FIRST: &[u8] = include_bytes!("../../../tests/last-tape-v1.bin");

fn recording() -> Vec<StereoFrame> {
    (0..FRAMES).map(|at| [at as f32 / 20_000.0, -0.0]).collect()
}

fn origin() -> TapeOrigin {
    TapeOrigin::of(&recording())
}

/// The recording with other sound in these blocks.
fn tape(blocks: &[usize]) -> Vec<StereoFrame> {
    let mut tape = recording();
    for block in blocks {
        let end = FRAMES.min((block + 1) * BLOCK_FRAMES);
        tape[block * BLOCK_FRAMES..end].iter_mut().for_each(|it| *it = [it[0] - 0.5, f32::MIN_POSITIVE / 2.0]);
    }
    tape
}

fn bytes(origin: &TapeOrigin, tape: &[StereoFrame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(origin, tape, &Changes::of(origin, tape), &mut bytes, |_| Ok(())).expect("a vector takes everything");
    bytes
}

fn bits(sound: &[StereoFrame]) -> Vec<u32> {
    sound.iter().flatten().map(|it| it.to_bits()).collect()
}

fn whole() -> Vec<u8> {
    bytes(&origin(), &tape(&[1, 3]))
}

fn refused(bytes: &[u8]) -> TapeFault {
    read(&origin(), &recording(), bytes).expect_err("it is not as it was written")
}

#[test]
fn only_blocks_that_differ_are_written_and_any_tape_comes_back_to_the_bit() {
    let origin = self::origin();
    for blocks in [&[][..], &[0], &[3], &[1, 3], &[0, 1, 2, 3]] {
        let (tape, frames) =
            (tape(blocks), |it: &usize| if *it == 3 { FRAMES - 3 * BLOCK_FRAMES } else { BLOCK_FRAMES });
        let bytes = bytes(&origin, &tape);
        let sound: usize = blocks.iter().map(frames).sum();
        assert_eq!(bytes.len(), HEADER_BYTES + 32 + blocks.len() * ENTRY_BYTES + sound * 8);
        assert_eq!(read(&origin, &recording(), &bytes).map(|it| bits(&it)), Ok(bits(&tape)));
    }
}

#[test]
fn bytes_that_were_cut_off_anywhere_or_changed_are_refused_in_words() {
    let whole = whole();
    let sound = HEADER_BYTES + 32 + 2 * ENTRY_BYTES;
    // At every byte of the head, around every block, and here and there within.
    let kinds = (0..=sound + 9).chain((sound..whole.len()).step_by(1_009)).chain(whole.len() - 9..whole.len());
    for at in kinds.clone() {
        let fault = refused(&whole[..at]);
        assert!(
            matches!(fault, TapeFault::Foreign | TapeFault::Length { .. } | TapeFault::Head),
            "cut at {at}: {fault}"
        );
    }
    for at in kinds.filter(|it| *it < whole.len()) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let fault = refused(&changed);
        let expected = match at {
            0..8 => fault == TapeFault::Foreign,
            8..32 => matches!(fault, TapeFault::Newer(_) | TapeFault::Length { .. } | TapeFault::Head),
            _ if at < sound => fault == TapeFault::Head,
            _ => matches!(fault, TapeFault::Block(_)),
        };
        assert!(expected && !fault.to_string().contains('\n'), "changed at {at}: {fault}");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(matches!(refused(&longer), TapeFault::Length { .. } | TapeFault::Head));
    assert_eq!(
        refused(&whole[..whole.len() - 8]).to_string().split(',').count(),
        2,
        "what was found, and what expected"
    );
}

#[test]
fn what_is_whole_and_cannot_be_is_refused_too() {
    let whole = whole();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        refused(&sealed(&changed))
    };
    assert_eq!(with(8, &2_u32.to_le_bytes()), TapeFault::Newer(2));
    assert!(TapeFault::Newer(2).to_string().contains("found format 2 (written by a newer demon), expected at most 1"));
    assert!(matches!(with(24, &u64::MAX.to_le_bytes()), TapeFault::Length { expected: 0, .. }));
    assert!(matches!(with(16, &u64::MAX.to_le_bytes()), TapeFault::Length { .. } | TapeFault::OtherRecording));
    // A block twice, out of its order, and beyond the tape.
    for (first, second) in [(1, 1), (2, 1), (1, 4), (1, u64::MAX)] {
        let mut changed = whole.clone();
        changed[HEADER_BYTES..HEADER_BYTES + 8].copy_from_slice(&u64::to_le_bytes(first));
        changed[HEADER_BYTES + ENTRY_BYTES..][..8].copy_from_slice(&u64::to_le_bytes(second));
        assert_eq!(refused(&sealed(&changed)), TapeFault::Head, "{first}, {second}");
    }
    let sound = HEADER_BYTES + 32 + 2 * ENTRY_BYTES;
    assert_eq!(with(sound, &f32::NAN.to_le_bytes()), TapeFault::Block(4096.0 / 48_000.0));
    let other = TapeOrigin::of(&tape(&[0]));
    assert_eq!(read(&other, &recording(), &whole), Err(TapeFault::OtherRecording));
}

#[test]
fn a_tape_of_the_first_format_is_read_as_it_was_written() {
    let origin = self::origin();
    assert!(
        FIRST == bytes(&origin, &tape(&[3])),
        "the format is another: give it a number of its own, and keep reading this one"
    );
    assert_eq!(read(&origin, &recording(), FIRST).map(|it| bits(&it)), Ok(bits(&tape(&[3]))));
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|it| it.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_writer_that_was_killed_leaves_the_tape_before_and_what_it_had_begun_is_swept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = TapeFile::of(folder.path(), origin());
    let tape = tape(&[2]);
    file.write(&tape, &Changes::of(file.origin(), &tape)).expect("a disk");
    // Parts as killed writers leave them, and files that are none of theirs.
    for name in [".last-tape.Ab12Cd.part", ".last-tape.zzzzzz.part", ".other.Ab12Cd.part", "last-tape.aside"] {
        fs::write(folder.path().join(name), &whole()[..5_000]).expect("a disk");
    }
    let next = TapeFile::of(folder.path(), origin());
    assert_eq!(names(folder.path()), [".other.Ab12Cd.part", FILE, "last-tape.aside"]);
    assert!(matches!(next.found(&recording()), Found::Sound(it) if bits(&it) == bits(&tape)));
}

#[test]
fn one_tape_is_kept_aside_and_one_that_is_too_long_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = TapeFile::of(folder.path(), origin());
    assert!(matches!(file.found(&recording()), Found::Nothing) && file.set_aside().is_none());
    for bytes in [&b"first"[..], b"second"] {
        fs::write(folder.path().join(FILE), bytes).expect("a disk");
        assert!(
            matches!(file.found(&recording()), Found::Refused(words) if words.contains("last-tape: found no tape"))
        );
        assert!(file.set_aside().is_some_and(|it| it.contains("last-tape.aside")));
    }
    assert_eq!(names(folder.path()), ["last-tape.aside"]);
    assert_eq!(fs::read(folder.path().join("last-tape.aside")).expect("it is there"), b"second");
    fs::write(folder.path().join(FILE), vec![0; FRAMES * 8 + 4 * ENTRY_BYTES + HEADER_BYTES + 33]).expect("a disk");
    assert!(matches!(file.found(&recording()), Found::Refused(words) if words.contains("expected at most")));
    let long = TapeOrigin { frames: MOST_FRAMES + 1, ..origin() };
    assert!(file.origin().is_kept() && !long.is_kept());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_bytes_are_nothing_is_read_that_is_not_a_tape(noise in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..200) {
        let mut mixed = whole();
        mixed.splice(at..at + noise.len().min(300), noise.iter().copied());
        for bytes in [&noise, &mixed, &sealed(&noise), &sealed(&mixed)] {
            if let Ok(tape) = read(&origin(), &recording(), bytes) {
                prop_assert!(tape.len() == FRAMES && tape.iter().flatten().all(|it| it.is_finite()));
            }
        }
    }
}
