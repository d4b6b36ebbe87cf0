//! The ring keeps what it is to keep, to the sample, and takes of it are what was pushed.

use super::*;
use crate::takes::keep::{Interrupted, keep, pending};
use std::fs;

/// Samples that are known again: each is its own place.
fn words(from: u64, frames: u64) -> Vec<i32> {
    (from..from + frames).flat_map(|it| [it as i32, -(it as i32)]).collect()
}

fn read(path: &Path) -> Vec<i32> {
    let bytes = fs::read(path).expect("it is there");
    let told = frames_of(bytes[..HEAD_BYTES].try_into().expect("a head")).expect("one of ours");
    let (mut decoder, mut out) = (Decoder::new(&bytes[HEAD_BYTES..]), Vec::new());
    while let Some(block) = decoder.block() {
        out.extend_from_slice(block);
    }
    assert_eq!(told, out.len() as u64 / 2, "it says how long it is");
    out
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).expect("a folder").map(|it| it.expect("a name").file_name()).collect();
    names.sort();
    names.into_iter().map(|it| it.to_string_lossy().into_owned()).collect()
}

const GO_ON: &dyn Fn() -> bool = &|| false;

#[test]
fn what_is_older_than_wanted_goes_and_a_take_of_the_rest_is_what_was_pushed_last() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("behind");
    let mut behind = Behind::open(&at, 2 * SEGMENT).expect("a disk");
    let all = words(0, 5 * SEGMENT + 1_000);
    all.chunks(2 * 9_600).for_each(|it| behind.push(it).expect("a disk"));
    assert_eq!(names(&at), ["0000000004.flac", "0000000005.flac", "0000000006.flac"]);
    behind.close().expect("a disk");
    assert_eq!((behind.frames(), names(&at).len()), (2 * SEGMENT + 1_000, 3), "two files and what was begun");
    let held = behind.hold();
    // Nothing that is held goes while more is played.
    words(0, 4 * SEGMENT).chunks(2 * 9_600).for_each(|it| behind.push(it).expect("a disk"));
    assert_eq!(names(&at).len(), 7);
    let takes = keep(&at, &held, folder.path(), GO_ON).expect("a disk");
    assert_eq!(takes.len(), 1);
    assert_eq!(takes[0].path, folder.path().join("take-0001.flac"));
    assert_eq!(read(&takes[0].path), all[2 * 3 * SEGMENT as usize..]);
    behind.let_go();
    behind.close().expect("a disk");
    assert_eq!(names(&at).len(), 2, "what was held goes afterwards");
}

#[test]
fn a_run_that_does_not_belong_to_the_one_before_is_a_take_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut behind = Behind::open(folder.path(), 100 * SEGMENT).expect("a disk");
    behind.push(&words(0, 50)).expect("a disk");
    behind.interrupt();
    behind.push(&words(100, 60)).expect("a disk");
    behind.close().expect("a disk");
    behind.push(&words(160, 70)).expect("a disk");
    behind.close().expect("a disk");
    assert_eq!(names(folder.path()), ["0000000001-begins.flac", "0000000002-begins.flac", "0000000003.flac"]);
    let takes = keep(folder.path(), &behind.hold(), &folder.path().join("takes"), GO_ON).expect("a disk");
    let sounds: Vec<_> = takes.iter().map(|it| read(&it.path)).collect();
    assert_eq!(sounds, [words(0, 50), words(100, 130)]);
}

#[test]
fn a_file_that_was_cut_off_is_measured_at_the_next_start_and_what_follows_is_another_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut behind = Behind::open(folder.path(), 100 * SEGMENT).expect("a disk");
    behind.push(&words(0, SEGMENT + 3 * BLOCK as u64 + 5)).expect("a disk");
    // Killed: nothing of it is closed. The last block was torn.
    drop(behind);
    let torn = folder.path().join("0000000002.flac");
    let bytes = fs::read(&torn).expect("it is there");
    fs::write(&torn, &bytes[..bytes.len() - 10]).expect("a disk");
    fs::write(folder.path().join("0000000003.flac"), b"fLaC").expect("a disk");
    fs::write(folder.path().join("notes.txt"), b"mine").expect("a disk");
    let mut behind = Behind::open(folder.path(), 100 * SEGMENT).expect("a disk");
    assert_eq!(behind.frames(), SEGMENT + 2 * BLOCK as u64);
    assert_eq!(names(folder.path()), ["0000000001-begins.flac", "0000000002.flac", "notes.txt"]);
    behind.push(&words(0, 9)).expect("a disk");
    behind.close().expect("a disk");
    let numbers: Vec<_> = behind.hold().iter().map(|it| (it.number, it.begins, it.frames)).collect();
    assert_eq!(
        numbers,
        [(1, true, SEGMENT), (2, false, 2 * BLOCK as u64), (4, true, 9)],
        "a number is never used twice"
    );
}

#[test]
fn keeping_that_was_interrupted_is_noted_and_done_again_from_the_beginning() {
    let folder = tempfile::tempdir().expect("a folder");
    let takes = folder.path().join("takes");
    let mut behind = Behind::open(folder.path(), 100 * SEGMENT).expect("a disk");
    behind.push(&words(0, 700)).expect("a disk");
    behind.close().expect("a disk");
    assert!(pending(folder.path(), &behind.hold()).is_empty());
    let stopped = keep(folder.path(), &behind.hold(), &takes, &|| true);
    assert!(matches!(stopped, Err(Interrupted::Stopped)));
    assert!(names(&takes).is_empty(), "half a take is none");
    // Another start has more by then, which is not asked for.
    behind.push(&words(0, 9)).expect("a disk");
    behind.close().expect("a disk");
    let wanted = pending(folder.path(), &behind.hold());
    assert_eq!(wanted.iter().map(|it| it.number).collect::<Vec<_>>(), [1]);
    let kept = keep(folder.path(), &wanted, &takes, GO_ON).expect("a disk");
    assert_eq!(read(&kept[0].path), words(0, 700));
    assert!(pending(folder.path(), &behind.hold()).is_empty());
}

#[test]
fn a_folder_that_takes_nothing_is_told_and_the_next_sound_begins_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("behind");
    let mut behind = Behind::open(&at, SEGMENT).expect("a disk");
    behind.push(&words(0, 10)).expect("a disk");
    behind.close().expect("a disk");
    fs::rename(&at, folder.path().join("away")).expect("a disk");
    let told = behind.push(&words(10, 10)).expect_err("no folder").to_string();
    assert!(told.contains("0000000002.flac"), "{told}");
    fs::rename(folder.path().join("away"), &at).expect("a disk");
    behind.push(&words(20, 10)).expect("a disk");
    behind.close().expect("a disk");
    assert_eq!(names(&at), ["0000000001-begins.flac", "0000000002-begins.flac"]);
}

#[test]
fn a_head_that_speaks_of_more_than_a_file_has_takes_no_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut behind = Behind::open(folder.path(), 100 * SEGMENT).expect("a disk");
    behind.push(&words(0, 2 * BLOCK as u64)).expect("a disk");
    behind.close().expect("a disk");
    drop(behind);
    let path = folder.path().join("0000000001-begins.flac");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[..HEAD_BYTES].copy_from_slice(&head((1 << 36) - 1));
    fs::write(&path, &bytes).expect("a disk");
    let mut behind = Behind::open(folder.path(), 100 * SEGMENT).expect("a disk");
    assert_eq!(behind.frames(), 2 * BLOCK as u64, "it is measured");
    let kept = keep(folder.path(), &behind.hold(), &folder.path().join("takes"), GO_ON).expect("a disk");
    assert_eq!(read(&kept[0].path), words(0, 2 * BLOCK as u64));
}
