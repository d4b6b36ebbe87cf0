//! Goal: the silence latent is read exactly, and nothing but a tensor is.
//! Method: files written by `torch.save` (PyTorch 2.x), and everything that one changed or missing byte makes of them.

use proptest::prelude::*;

use super::*;

/// `torch.arange(15).float().reshape(1, 3, 5) * 0.25 - 1`.
const SINGLE: &[u8] = include_bytes!("single.pt");
/// Three by three numbers in bfloat16, stored with their last two axes exchanged.
const TRANSPOSED: &[u8] = include_bytes!("bf16_transposed.pt");
/// A dictionary that holds a tensor.
const DICTIONARY: &[u8] = include_bytes!("dict.pt");

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), bytes).expect("it can be written");
    file
}

#[test]
fn a_saved_tensor_is_read_number_for_number() {
    let (shape, numbers) = parse(SINGLE).expect("written by torch.save");
    assert_eq!(shape, [1, 3, 5]);
    assert_eq!(numbers, (0..15).map(|it| it as f32 * 0.25 - 1.0).collect::<Vec<f32>>());
}

#[test]
fn strides_and_bfloat16_are_followed() {
    let (shape, numbers) = parse(TRANSPOSED).expect("written by torch.save");
    assert_eq!(shape, [1, 3, 3]);
    assert_eq!(numbers, [10.0, 12.0, 14.0, 15.0, 17.0, 19.0, 20.0, 22.0, 24.0]);
}

#[test]
fn frames_come_before_channels() {
    let latent = open(written(SINGLE).path(), 3).expect("three channels");
    let number = |channel: usize, frame: usize| (channel * 5 + frame) as f32 * 0.25 - 1.0;
    let wanted: Vec<f32> = (0..5).flat_map(|frame| (0..3).map(move |channel| number(channel, frame))).collect();
    assert_eq!(latent, wanted);
}

#[test]
fn another_channel_count_is_refused_with_file_found_and_expected() {
    let file = written(SINGLE);
    let error = open(file.path(), 64).expect_err("three channels are not 64").to_string();
    assert_eq!(error, format!("{}: shape [1, 3, 5], expected [1, 64, frames]", file.path().display()));
}

#[test]
fn a_dictionary_is_no_tensor() {
    let error = parse(DICTIONARY).expect_err("it holds more than a tensor");
    assert!(error.contains("opcode") || error.contains("dictionary"), "{error}");
}

#[test]
fn a_pickle_that_calls_anything_else_is_refused() {
    let error = pickle::read(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.").expect_err("it would run a command");
    assert_eq!(error, "a call of `os.system` that does not rebuild a tensor");
}

#[test]
fn numbers_outside_the_storage_are_never_read() {
    // The stored entry ends right before the next local header; pretend that the row stride is 200 numbers.
    let at = SINGLE.windows(6).position(|it| it == b"K\x0fK\x05K\x01").expect("the strides stand in the pickle");
    let mut bytes = SINGLE.to_vec();
    bytes[at + 3] = 200;
    let (name, pickled) = (b"single/data.pkl", archive_pickle_range(&bytes));
    assert!(!name.is_empty());
    repair_checksum(&mut bytes, pickled);
    let error = parse(&bytes).expect_err("the storage has 15 numbers");
    assert!(error.contains("leads out of the storage"), "{error}");
}

/// Where the pickle lies in a file of ours.
fn archive_pickle_range(bytes: &[u8]) -> std::ops::Range<usize> {
    let start = bytes.windows(2).position(|it| it == b"\x80\x02").expect("a pickle begins with its protocol");
    let end = start + bytes[start..].windows(3).position(|it| it == b"q\x0b.").expect("and ends with a stop") + 3;
    start..end
}

/// Writes the checksum of changed contents into every header of the first entry.
fn repair_checksum(bytes: &mut [u8], contents: std::ops::Range<usize>) {
    let sum = archive::crc32(&bytes[contents]).to_le_bytes();
    let directory = bytes.windows(4).position(|it| it == b"PK\x01\x02").expect("a directory");
    bytes[directory + 16..directory + 20].copy_from_slice(&sum);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for length in 0..SINGLE.len() {
        parse(&SINGLE[..length]).expect_err("a part is no archive");
    }
}

proptest! {
    #[test]
    fn a_damaged_byte_never_changes_a_number(at in 0..SINGLE.len(), flip in 1..=255_u8) {
        let mut bytes = SINGLE.to_vec();
        bytes[at] ^= flip;
        if let Ok((shape, numbers)) = parse(&bytes) {
            prop_assert_eq!((shape, numbers), parse(SINGLE).expect("undamaged"));
        }
    }
}
