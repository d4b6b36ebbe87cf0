//! An extension that was made by the image's own builder is read as it was made; whatever is changed of it is refused in a line.
//!
//! `appliance/tests/fixtures/extension`: three blocks and the tree over them, by `veritysetup format` and openssl, under a key that nobody has the other
//! half of.

use std::io::Cursor;

use super::*;
use crate::update::read_key;

const KEY: &str = include_str!("../../tests/fixtures/extension/update.pub");
const WHOLE: &[u8] = include_bytes!("../../tests/fixtures/extension/small.extension");

fn key() -> VerifyingKey {
    read_key(KEY, "the key").expect("it is one")
}

fn open(bytes: &[u8]) -> Result<(Extension, u64), NotUsed> {
    let mut from = Cursor::new(bytes);
    let found = Extension::open(&mut from, &key())?;
    Ok((found, from.position()))
}

fn check(bytes: &[u8]) -> Result<Extension, NotUsed> {
    let (found, head) = open(bytes)?;
    found.check(&mut &bytes[head as usize..], head)?;
    Ok(found)
}

#[test]
fn what_the_builder_made_is_read_as_it_was_made_and_adds_up_to_what_others_reckon() {
    let found = check(WHOLE).expect("it is whole");
    assert_eq!(
        (found.name.as_str(), found.version.as_str(), found.kernel.as_str()),
        ("small", "1.2-3", "6.12.0+deb13-amd64")
    );
    assert_eq!((found.root_at, found.blocks, found.verity_at, found.bytes), (4096, 3, 16_384, WHOLE.len() as u64));
    assert_eq!(found.file_name(), "small_6.12.0+deb13-amd64.extension");
    let words: Vec<String> = found.table().split(' ').map(str::to_owned).collect();
    assert_eq!(words[..5], ["small", "1.2-3", "4096", "3", "16384"]);
    assert_eq!((words.len(), words[5].len(), words[6].len()), (7, 64, 64));
    assert!(found.fits("6.12.0+deb13-amd64").is_ok());
    let told = found.fits("6.13.0").expect_err("another").to_string();
    assert_eq!(
        told,
        "the extension is for the kernel 6.12.0+deb13-amd64, and this one is 6.13.0: make it anew for this version of the box"
    );
}

#[test]
fn every_byte_that_is_changed_before_the_hashes_and_every_length_but_its_own_is_refused() {
    let (found, head) = open(WHOLE).expect("it is whole");
    for at in (0..head as usize).chain(found.root_at as usize..found.verity_at as usize) {
        let mut bytes = WHOLE.to_vec();
        bytes[at] ^= 1;
        assert!(check(&bytes).is_err(), "byte {at}");
    }
    for length in (0..WHOLE.len()).step_by(97).chain([WHOLE.len() - 1]) {
        let told = check(&WHOLE[..length]).expect_err("it is torn").to_string();
        assert!(told.contains("torn") || told.contains("no extension"), "{length}: {told}");
    }
    let long = [WHOLE, &[0]].concat();
    assert!(matches!(check(&long), Err(NotUsed::TooLong)));
}

#[test]
fn a_head_that_was_signed_and_cannot_be_is_refused_with_what_was_expected() {
    let whole = "name = \"a\"\nversion = \"1\"\nkernel = \"6\"\nmachine = \"x86_64\"\nblocks = 1\nverity_blocks = 1\n";
    let hashes = format!("roothash = \"{0}\"\nsalt = \"{0}\"\n", "ab".repeat(32));
    let read = |text: String| Extension::read(text.as_bytes(), 300).map_err(|it| it.to_string());
    let found = read(format!("{whole}{hashes}")).expect("it can be");
    assert_eq!((found.root_at, found.verity_at, found.bytes), (4096, 8192, 12_288));
    for (from, to, told) in [
        ("\"a\"", "\"../a\"", "name is no plain word"),
        ("\"a\"", "\"\"", "name is no plain word"),
        ("\"6\"", "\"6 7\"", "kernel is no plain word"),
        ("x86_64", "riscv64", "for a machine riscv64"),
        ("blocks = 1", "blocks = 0", "blocks: 0, expected 1 to 4194304"),
        ("verity_blocks = 1", "verity_blocks = 99999999", "verity_blocks: 99999999"),
        ("ab", "xy", "no 64 digits"),
        ("blocks = 1", "more = 1\nblocks = 1", "unknown field"),
    ] {
        let why = read(format!("{whole}{hashes}").replacen(from, to, 1)).expect_err(to);
        assert!(why.contains(told) && !why.contains('\n'), "{to}: {why}");
    }
}
