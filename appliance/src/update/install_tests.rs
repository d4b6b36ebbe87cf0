//! Goal: whenever the power goes while an update is written, a whole version starts; and no write of it is missed that was not synced.
//! Method: the very code that writes a box's update writes onto paper; the power is cut with every operation in turn and every disk that may
//! then be found is started; every operation is made to fail; every sync is taken away, and that has to be seen.

use std::io::Cursor;

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use super::install::{SECTOR, Step, install};
use super::medium::{Half, Medium as _};
use super::power_tests::{Found, Paper};
use super::*;

const RUNS: &str = "1.0.0";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The parts of a version: three sectors of root, two of hashes, a kernel of three that begins as a program does.
fn parts(version: &str) -> [Vec<u8>; 3] {
    let part = |what: &str, bytes: usize| {
        let word = format!("{what} of {version}; ");
        word.bytes().cycle().take(bytes).collect::<Vec<u8>>()
    };
    let mut kernel = part("kernel", 2 * SECTOR + 99);
    kernel[..2].copy_from_slice(b"MZ");
    [part("root", 2 * SECTOR + 17), part("hashes", SECTOR + 5), kernel]
}

pub(super) fn made(version: &str) -> Vec<u8> {
    let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut text = format!("product = \"demon\"\nmachine = \"x86_64\"\nversion = \"{version}\"\n");
    text += &format!("roothash = \"{}\"\n", "ab".repeat(32));
    let parts = parts(version);
    for (name, bytes) in ["root", "verity", "kernel"].iter().zip(&parts) {
        let (count, sum) = (bytes.len(), digits(&Sha256::digest(bytes)));
        text += &format!("[[part]]\nname = \"{name}\"\nbytes = {count}\nsha256 = \"{sum}\"\n");
    }
    let line = b"demon update 1\n";
    let signature = key().sign(&[line, text.as_bytes()].concat()).to_bytes();
    let length = u32::try_from(text.len()).expect("small").to_le_bytes();
    [line, &length[..], &signature, text.as_bytes(), &parts.concat()].concat()
}

fn here() -> Here {
    Here {
        product: "demon".to_owned(),
        machine: "x86_64".to_owned(),
        version: RUNS.parse().expect("a version"),
        kernel_room: None,
    }
}

/// A box on which `RUNS` is fit, with this kernel file of another version and its slot.
fn paper(other: Option<(&str, &str)>) -> Paper {
    let paper = Paper { room: 1 << 20, ..Paper::default() };
    let paper = paper.with_kernel(&format!("demon_{RUNS}.efi"), &parts(RUNS)[2]);
    match other {
        Some((name, version)) => {
            let [root, verity, kernel] = parts(version);
            paper.with_slot(&root, &verity).with_kernel(name, &kernel)
        }
        None => paper.with_slot(&[], &[]),
    }
}

const OTHERS: [Option<(&str, &str)>; 5] = [
    None,
    Some(("demon_0.9.0.efi", "0.9.0")),
    // Written and not yet started: this is what the next start takes.
    Some(("demon_1.5.0+3.efi", "1.5.0")),
    Some(("demon_1.5.0+0-3.efi", "1.5.0")),
    Some(("demon_1.5.0+0.efi", "1.5.0")),
];

fn write(paper: &mut Paper, version: &str) -> Result<Manifest, Refusal> {
    let file = Cursor::new(made(version));
    install(file, &key().verifying_key(), &here(), true, paper, &mut |_| {})
}

/// The version that starts from a disk, where it starts whole.
fn starts(found: &Found) -> Result<String, String> {
    let (kernel, bytes) = found.started().ok_or("nothing starts")?;
    let version = kernel.version.to_string();
    let [root, verity, whole] = parts(&version);
    let slot = version == RUNS || (found.halves[0].starts_with(&root) && found.halves[1].starts_with(&verity));
    match (bytes == whole, slot) {
        (true, true) => Ok(version),
        (kernel, root) => Err(format!("{version}: kernel whole: {kernel}, root whole: {root}")),
    }
}

/// What is wrong with any disk that may be found now.
fn wrong(paper: &Paper, allowed: &[&str]) -> Option<String> {
    let told = |found: &Found| match starts(found) {
        Ok(version) if allowed.contains(&version.as_str()) => None,
        Ok(version) => Some(format!("{version} starts, expected one of {allowed:?}")),
        Err(why) => Some(why),
    };
    paper.found().iter().find_map(told)
}

/// Cuts the power with every operation of an update in turn, these syncs forgotten; the first thing that is wrong.
fn cut_everywhere(other: Option<(&str, &str)>, version: &str, forgotten: &[usize]) -> Option<String> {
    let before = starts(&paper(other).found()[0]).expect("it starts before");
    let mut whole = Paper { forgotten: forgotten.to_vec(), ..paper(other) };
    write(&mut whole, version).expect("written");
    // What is told as done is done.
    if let Some(told) = wrong(&whole, &[version]) {
        return Some(format!("when it is done: {told}"));
    }
    let commit = whole.syncs.iter().rev().find(|it| it.1 == "kernel").expect("there is one").0 - 1;
    (0..whole.count).find_map(|cut| {
        let mut paper = Paper { cut: Some(cut), forgotten: forgotten.to_vec(), ..paper(other) };
        let _ = write(&mut paper, version);
        let allowed: &[&str] = if commit <= cut { &[RUNS, version] } else { &[RUNS, &before] };
        wrong(&paper, allowed).map(|it| format!("with operation {cut}: {it}"))
    })
}

#[test]
fn a_loss_of_power_at_any_write_leaves_a_whole_version_and_before_the_last_the_old_one() {
    for other in OTHERS {
        for version in ["2.0.0", "0.5.0"] {
            assert_eq!(cut_everywhere(other, version, &[]), None, "{version} over {other:?}");
        }
    }
}

#[test]
fn a_sync_that_is_missing_is_found() {
    let other = OTHERS[2];
    let mut whole = paper(other);
    write(&mut whole, "2.0.0").expect("written");
    let kinds: Vec<&str> = whole.syncs.iter().map(|it| it.1.as_str()).collect();
    assert_eq!(kinds, ["kernel", "names", "root", "verity", "kernel", "names", "kernel"]);
    let syncs: Vec<usize> = whole.syncs.iter().map(|it| it.0).collect();
    // The other's kernel is no program any more, and its name is gone: either is enough.
    let planted = [&syncs[..2], &syncs[2..3], &syncs[3..4], &syncs[4..5], &syncs[5..6], &syncs[6..]];
    for forgotten in planted {
        assert!(cut_everywhere(other, "2.0.0", forgotten).is_some(), "{forgotten:?} of {syncs:?} was not missed");
    }
}

#[test]
fn a_write_that_fails_leaves_what_was_and_the_next_try_succeeds() {
    for other in OTHERS {
        let before = starts(&paper(other).found()[0]).expect("it starts before");
        let mut whole = paper(other);
        write(&mut whole, "2.0.0").expect("written");
        for fails in 0..whole.count {
            let mut paper = Paper { fails: Some(fails), ..paper(other) };
            let told = write(&mut paper, "2.0.0").expect_err("it fails").to_string();
            assert!(told.starts_with("the update cannot be written: "), "{told}");
            assert_eq!(wrong(&paper, &[RUNS, &before, "2.0.0"]), None, "operation {fails}");
            paper.fails = None;
            write(&mut paper, "2.0.0").unwrap_or_else(|it| panic!("after operation {fails}: {it}"));
            assert_eq!(wrong(&paper, &["2.0.0"]), None, "operation {fails}");
        }
    }
}

#[test]
fn nothing_is_written_of_an_update_that_is_refused() {
    let whole = made("2.0.0");
    let refused = |bytes: Vec<u8>, forced: bool, paper: &mut Paper| {
        let told = install(Cursor::new(bytes), &key().verifying_key(), &here(), forced, paper, &mut |_| {});
        assert_eq!(paper.count, 0, "something was written");
        told.expect_err("refused").to_string()
    };
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        refused(bytes, true, &mut paper(None));
        refused(whole[..at].to_vec(), true, &mut paper(None));
    }
    let told = refused(made("0.9.0"), false, &mut paper(None));
    assert!(told.starts_with("the update is version 0.9.0, and 1.0.0 is here already"), "{told}");
    let told = refused(made(RUNS), true, &mut paper(None));
    assert_eq!(told, "the update is version 1.0.0, which runs already");
    let mut full = Paper { room: 7, ..paper(None) };
    assert_eq!(refused(whole.clone(), true, &mut full), "the update's kernel has 1123 bytes, and there is room for 7");
    // What the other version's kernel has is room too.
    full = Paper { room: 7, ..paper(OTHERS[1]) };
    write(&mut full, "2.0.0").expect("there is room");
    let on_trial = Paper { room: 1 << 20, ..Paper::default() }.with_slot(&[], &[]);
    let mut on_trial = on_trial.with_kernel("demon_1.0.0+2-1.efi", &parts(RUNS)[2]);
    let told = refused(whole.clone(), true, &mut on_trial);
    assert_eq!(told, "version 1.0.0 is on trial after an update: try again when it has played for a moment");
    let mut bare = Paper { room: 1 << 20, ..Paper::default() }.with_slot(&[], &[]);
    let told = refused(whole, true, &mut bare);
    assert!(told.starts_with("this box takes no update: the boot partition has no kernel of version 1.0.0"), "{told}");
}

#[test]
fn a_disk_that_does_not_keep_what_was_written_is_found_before_anything_counts() {
    let mut paper = Paper { wears_out: true, ..paper(None) };
    let told = write(&mut paper, "2.0.0").expect_err("it is broken").to_string();
    assert_eq!(told, "the disk does not give back what was written to root: it is worn out or broken");
    assert_eq!(wrong(&paper, &[RUNS]), None);
}

#[test]
fn how_far_it_is_rises_to_the_end_in_three_steps() {
    let (mut paper, mut seen) = (paper(None), Vec::new());
    let file = Cursor::new(made("2.0.0"));
    install(file, &key().verifying_key(), &here(), false, &mut paper, &mut |it| seen.push(it)).expect("written");
    let percents: Vec<u64> = seen.iter().map(Progress::percent).collect();
    assert!(percents.is_sorted() && percents.last() == Some(&100), "{percents:?}");
    for step in [Step::Check, Step::Write, Step::ReadBack] {
        assert!(seen.iter().any(|it| it.step == step && it.done == it.of), "{step:?} has no end: {seen:?}");
    }
}

#[test]
fn the_way_back_starts_the_other_version_and_the_way_forth_again() {
    let runs: Version = RUNS.parse().expect("a version");
    let status = |paper: &Paper, runs: &Version| Installed::of(runs, &paper.kernels().expect("paper")).to_string();
    let mut box_ = paper(OTHERS[1]);
    assert_eq!(
        status(&box_, &runs),
        "runs:  demon 1.0.0, fit\nother: demon 0.9.0, fit\nthe next start takes demon 1.0.0\n"
    );
    assert_eq!(go_back(&runs, false, &mut box_).expect("there is another").to_string(), "0.9.0");
    assert_eq!(wrong(&box_, &["0.9.0"]), None);
    let old: Version = "0.9.0".parse().expect("a version");
    assert!(status(&box_, &old).contains("other: demon 1.0.0, left by hand\nthe next start takes demon 0.9.0"));
    // From there: the newer one is tried again.
    assert_eq!(go_back(&old, false, &mut box_).expect("there is another").to_string(), "1.0.0");
    assert_eq!(wrong(&box_, &[RUNS]), None);
    let mut failed = paper(OTHERS[3]);
    let told = go_back(&runs, false, &mut failed).expect_err("it did not start").to_string();
    assert_eq!(told, "version 1.5.0 did not come to play three times (--force tries it again)");
    assert_eq!((failed.count, wrong(&failed, &[RUNS])), (0, None));
    go_back(&runs, true, &mut failed).expect("asked for");
    assert_eq!(wrong(&failed, &["1.5.0"]), None);
    let told = go_back(&runs, true, &mut paper(None)).expect_err("there is none").to_string();
    assert_eq!(told, "there is no other version on this box");
    // The power may go in between: either starts.
    for other in OTHERS.into_iter().flatten() {
        for cut in 0..6 {
            let mut paper = Paper { cut: Some(cut), ..paper(Some(other)) };
            let _ = go_back(&runs, true, &mut paper);
            assert_eq!(wrong(&paper, &[RUNS, other.1]), None, "{other:?}, operation {cut}");
        }
    }
}

#[test]
fn a_box_of_files_takes_an_update_as_paper_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = Places::below(folder.path());
    for it in [&places.devices, &places.kernels, &folder.path().join("run/demon-disk")] {
        std::fs::create_dir_all(it).expect("a disk");
    }
    let told = |places: &Places| Partitions::open(places.clone()).expect_err("no box").to_string();
    assert!(told(&places).starts_with("this box takes no update: "));
    std::fs::write(&places.slot, "b\n").expect("a disk");
    std::fs::write(places.kernels.join("demon_1.0.0.efi"), &parts(RUNS)[2]).expect("a disk");
    for name in ["root-a", "root-b", "verity-a", "verity-b"] {
        std::fs::write(places.devices.join(name), [b'x'; 8 * SECTOR]).expect("a disk");
    }
    let mut box_ = Partitions::open(places.clone()).expect("a box");
    let file = Cursor::new(made("2.0.0"));
    install(file, &key().verifying_key(), &here(), false, &mut box_, &mut |_| {}).expect("written");
    let [root, verity, kernel] = parts("2.0.0");
    let read = |name: &str| std::fs::read(places.devices.join(name)).expect("a disk");
    assert!(read("root-a").starts_with(&root) && read("verity-a").starts_with(&verity));
    assert_eq!((read("root-b"), read("verity-b")), (vec![b'x'; 8 * SECTOR], vec![b'x'; 8 * SECTOR]), "what runs");
    assert_eq!(std::fs::read(places.kernels.join("demon_2.0.0+3.efi")).expect("a disk"), kernel);
    let mut out = [0; 4];
    box_.read_slot(Half::Root, 0, &mut out).expect("a disk");
    assert_eq!(&out, b"root");
    assert_eq!(go_back(&"2.0.0".parse().expect("a version"), false, &mut box_).expect("back").to_string(), RUNS);
    assert_eq!(places.kernels().expect("a disk"), ["demon_1.0.0.efi", "demon_2.0.0+0.efi"]);
}
