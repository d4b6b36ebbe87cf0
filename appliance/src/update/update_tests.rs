//! Goal: nothing of an update is believed that was not signed, and each reason for refusing one is told in its own words.
//! Method: updates made here with a key of the test, cut off, changed and lengthened at every byte; and one that the image's builder made.

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::*;

const ROOT: &[u8] = b"the root of a version";
const VERITY: &[u8] = b"its hashes";
const KERNEL: &[u8] = b"its kernel";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn manifest() -> String {
    let part = |name: &str, bytes: &[u8]| {
        let (count, sum) = (bytes.len(), digits(&Sha256::digest(bytes)));
        format!("[[part]]\nname = \"{name}\"\nbytes = {count}\nsha256 = \"{sum}\"\n")
    };
    let parts = [part("root", ROOT), part("verity", VERITY), part("kernel", KERNEL)].concat();
    let head = "product = \"demon\"\nmachine = \"x86_64\"\nversion = \"1.2.3\"\n";
    format!("{head}roothash = \"{}\"\n{parts}", "ab".repeat(32))
}

/// An update with this manifest, signed by `by`.
fn signed(by: &SigningKey, manifest: &str) -> Vec<u8> {
    let line = b"demon update 1\n";
    let signature = by.sign(&[line, manifest.as_bytes()].concat());
    let length = u32::try_from(manifest.len()).expect("small").to_le_bytes();
    [line, &length[..], &signature.to_bytes(), manifest.as_bytes(), ROOT, VERITY, KERNEL].concat()
}

fn update() -> Vec<u8> {
    signed(&key(), &manifest())
}

fn check(bytes: &[u8], key: &VerifyingKey) -> Result<Manifest, Refusal> {
    Package::open(bytes, key)?.check(&mut |_| {})
}

fn refused(bytes: &[u8]) -> String {
    check(bytes, &key().verifying_key()).expect_err("refused").to_string()
}

#[test]
fn a_whole_update_is_read_part_by_part_as_it_was_written() {
    let bytes = update();
    let mut package = Package::open(&bytes[..], &key().verifying_key()).expect("ours");
    assert_eq!(package.manifest().version.to_string(), "1.2.3");
    for wanted in [ROOT, VERITY, KERNEL] {
        let mut seen = Vec::new();
        let mut keep = |piece: &[u8]| {
            seen.extend_from_slice(piece);
            Ok(())
        };
        let part = package.part(&mut keep).expect("whole").expect("there");
        assert_eq!((seen.as_slice(), part.bytes), (wanted, wanted.len() as u64));
    }
    assert!(package.part(&mut |_| Ok(())).expect("at its end").is_none());
    let mut told = 0;
    let looked = Package::open(&bytes[..], &key().verifying_key()).expect("ours").check(&mut |seen| told = seen);
    assert_eq!(looked.expect("whole").bytes(), told);
}

#[test]
fn no_byte_of_an_update_can_be_changed_and_no_byte_before_the_signature_was_asked_is_handed_on() {
    let whole = update();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        assert!(check(&bytes, &key().verifying_key()).is_err(), "byte {at} was changed and nobody saw it");
    }
    let mut bytes = signed(&SigningKey::from_bytes(&[8; 32]), &manifest());
    assert_eq!(refused(&bytes), "the update is not signed with this box's key");
    // Not even a word of its manifest is believed.
    bytes = signed(&SigningKey::from_bytes(&[8; 32]), "nonsense");
    assert_eq!(refused(&bytes), "the update is not signed with this box's key");
}

#[test]
fn an_update_that_is_cut_off_anywhere_or_goes_on_is_refused_as_that() {
    let whole = update();
    for length in 0..whole.len() {
        let told = refused(&whole[..length]);
        let wanted = if length < 13 { "this is no update" } else { "the update is torn: it ends in " };
        assert!(told.starts_with(wanted), "{length}: {told}");
    }
    assert_eq!(
        refused(&whole[..whole.len() - 3]),
        "the update is torn: it ends in kernel, 3 bytes too early; copy it again"
    );
    assert_eq!(refused(&[&whole[..], b"x"].concat()), "the update goes on behind its last part: copy it again");
    let mut damaged = whole;
    let at = damaged.len() - KERNEL.len() - 1;
    damaged[at] ^= 1;
    assert_eq!(refused(&damaged), "the update is damaged: verity is not what was signed; copy it again");
}

#[test]
fn what_is_no_update_or_a_newer_one_is_told_as_that() {
    for bytes in [
        &b""[..],
        b"PK\x03\x04",
        b"demon update \n",
        b"demon update 01\n",
        b"demon update 1234567\n",
        b"demon update 0\n",
    ] {
        assert_eq!(refused(bytes), "this is no update (expected the first line `demon update 1`)");
    }
    assert!(refused(b"demon update 2\n").starts_with("the update is of format 2, and this box reads 1"));
    let large = [&b"demon update 1\n"[..], &u32::MAX.to_le_bytes()].concat();
    assert_eq!(refused(&large), "the update's manifest: 4294967295 bytes, expected 1 to 65536");
}

#[test]
fn every_fault_of_a_manifest_is_told() {
    for (from, to, wanted) in [
        ("1.2.3", "1.2", "`1.2` is no version (expected three numbers as 1.2.3, perhaps with -rc1)"),
        ("1.2.3", "1.2.+3", "`1.2.+3` is no version (expected three numbers as 1.2.3, perhaps with -rc1)"),
        ("\"root\"", "\"boot\"", "expected the parts root, verity, kernel, found 3 others"),
        ("bytes = 21", "bytes = 0", "root: 0 bytes, expected 1 to 4294967296"),
        ("sha256 = \"", "sha256 = \"x", "root: its sha256 is no 64 digits of 0-9a-f"),
        ("roothash = \"ab", "roothash = \"AB", "roothash is no 64 digits of 0-9a-f"),
        ("\"demon\"", "\"de mon\"", "product and machine are plain words"),
        (
            "product",
            "prodcut",
            "unknown field `prodcut`, expected one of `product`, `machine`, `version`, `roothash`, `part`",
        ),
    ] {
        let told = refused(&signed(&key(), &manifest().replacen(from, to, 1)));
        assert_eq!(told, format!("the update's manifest: {wanted}"));
    }
}

#[test]
fn an_update_for_another_box_an_older_one_and_one_without_room_are_refused_in_words() {
    let here = |version: &str| Here {
        product: "demon".to_owned(),
        machine: "x86_64".to_owned(),
        version: version.parse().expect("a version"),
        kernel_room: None,
    };
    let bytes = update();
    let manifest = check(&bytes, &key().verifying_key()).expect("ours");
    let told = |here: &Here, forced| fits(&manifest, here, forced).map_err(|it| it.to_string());
    assert_eq!(told(&here("1.2.2"), false), Ok(()));
    assert_eq!(told(&here("1.2.3-rc9"), false), Ok(()));
    let older = "the update is version 1.2.3, and 1.3.0 is here already (--force takes it all the same)";
    assert_eq!(told(&here("1.3.0"), false), Err(older.to_owned()));
    assert_eq!(told(&here("1.3.0"), true), Ok(()));
    assert!(told(&here("1.2.3"), false).is_err());
    let other = Here { product: "daemon".to_owned(), ..here("1.0.0") };
    assert_eq!(told(&other, true), Err("the update is for demon, and this box is daemon".to_owned()));
    let other = Here { machine: "aarch64".to_owned(), ..here("1.0.0") };
    assert_eq!(told(&other, true), Err("the update is for a machine x86_64, and this one is aarch64".to_owned()));
    let full = Here { kernel_room: Some(9), ..here("1.0.0") };
    assert_eq!(told(&full, true), Err("the update's kernel has 10 bytes, and there is room for 9".to_owned()));
    let mut large = manifest.clone();
    large.parts[0].bytes = ROOT_SLOT + 1;
    assert!(fits(&large, &here("1.0.0"), true).is_err());
}

#[test]
fn versions_stand_in_the_order_of_their_numbers_and_a_candidate_before_its_release() {
    let order = ["0.9.10", "0.10.0-rc1", "0.10.0-rc2", "0.10.0", "1.0.0"];
    let versions: Vec<Version> = order.iter().map(|it| it.parse().expect("a version")).collect();
    assert!(versions.is_sorted() && versions.windows(2).all(|it| it[0] != it[1]));
    assert!(order.iter().zip(&versions).all(|(text, version)| version.to_string() == *text));
    for odd in ["", "1", "1.2.3.4", "1.2.-3", "01.2.3", "1.2.3-", "1.2.3-RC", "1.2.3 ", "1.2.4294967296", "1..3"] {
        assert!(odd.parse::<Version>().is_err(), "{odd:?}");
    }
}

#[test]
fn a_key_is_a_line_of_digits_and_a_weak_one_is_none() {
    let line = digits(key().verifying_key().as_bytes());
    assert!(read_key(&format!("{line}\n"), "update.pub").is_ok());
    for odd in [&line[1..], &format!("{line}0"), "", &"0".repeat(64), &format!("g{}", &line[1..])] {
        let told = read_key(odd, "update.pub").expect_err("no key").to_string();
        assert_eq!(told, "update.pub is no key (expected 64 digits of 0-9a-f)");
    }
}

#[test]
fn the_slots_are_those_that_the_image_lays_out() {
    let text = include_str!("../../../image/builder/disk.py");
    let line = format!("ROOT_MIB, VERITY_MIB = 192, {}, {}", ROOT_SLOT >> 20, VERITY_SLOT >> 20);
    assert!(text.contains(&line), "image/builder/disk.py does not say {line}");
}

#[test]
fn an_update_that_the_builder_of_the_image_made_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/update");
    let read = |name: &str| std::fs::read(format!("{folder}/{name}")).expect("the fixture is there");
    let key = read_key(&String::from_utf8_lossy(&read("update.pub")), "update.pub").expect("a key");
    let manifest = check(&read("small.update"), &key).expect("whole and signed");
    assert_eq!((manifest.product.as_str(), manifest.version.to_string()), ("demon", "1.2.3".to_owned()));
}
