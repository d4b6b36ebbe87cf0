//! The writer, with every call of it failing in every way, and with everything that may stand where it is to write.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::Errno;

use super::{Place, Trouble, copy_aside, why_not_writable, write_whole};
use crate::files::disk::{Call, FakeDisk};

const CALLS: [Call; 5] = [Call::Create, Call::Write, Call::Sync, Call::Rename, Call::SyncFolder];
/// Full, full for this user, read-only, gone, broken, not allowed.
const REASONS: [Errno; 6] = [Errno::NOSPC, Errno::DQUOT, Errno::ROFS, Errno::NOENT, Errno::IO, Errno::ACCESS];
const OLD: &[u8] = b"the old one";
const NEW: &[u8] = b"the new one, which is longer";

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// Writes NEW over `before` on a disk that fails so; what stands there then.
fn write_failing(before: Option<&[u8]>, disk: std::sync::Arc<FakeDisk>) -> (Result<(), String>, Option<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    if let Some(before) = before {
        fs::write(&path, before).unwrap();
    }
    let done = Place::on(&path, disk.clone()).unwrap().write(NEW).map_err(|error| error.to_string());
    assert!(disk.has_failed(), "{:?} was never asked for", disk.call);
    let after = fs::read(&path).ok();
    let expected: &[&str] = if after.is_some() { &["file"] } else { &[] };
    assert_eq!(names(folder.path()), expected, "{:?}: something is left over", disk.call);
    (done, after)
}

#[test]
fn whatever_fails_there_is_the_old_one_or_the_new_one_and_nothing_else() {
    for before in [None, Some(OLD)] {
        for (call, reason) in CALLS.iter().flat_map(|call| REASONS.map(|reason| (*call, reason))) {
            // A write that fails at its first byte, in the middle, and at its last.
            let places: &[u32] = if call == Call::Write { &[0, 9, NEW.len() as u32 - 1] } else { &[0] };
            for &after in places {
                let disk = FakeDisk::failing(call, reason.raw_os_error(), after, 1);
                let (done, found) = write_failing(before, disk);
                // The name is there and the folder is not known to be on the disk: the new one, and the fault said.
                let expected = if call == Call::SyncFolder { Some(NEW) } else { before };
                assert_eq!(found.as_deref(), expected, "{call:?} {reason:?}");
                let words = done.expect_err("it failed");
                assert!(words.contains("file: cannot be written: ") && words.matches("/file").count() == 1, "{words}");
            }
        }
    }
}

#[test]
fn a_signal_interrupts_nothing() {
    for before in [None, Some(OLD)] {
        for call in CALLS {
            let (done, found) = write_failing(before, FakeDisk::failing(call, Errno::INTR.raw_os_error(), 0, 3));
            assert_eq!((done, found.as_deref()), (Ok(()), Some(NEW)), "{call:?}");
        }
    }
}

#[test]
fn a_part_that_is_given_up_leaves_nothing_and_the_old_one_keeps_its_rights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, OLD).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let mut part = Place::look(&path).unwrap().begin().unwrap();
    part.write_all(NEW).unwrap();
    assert_eq!(names(folder.path()).len(), 2, "it is written beside");
    assert!(names(folder.path())[0].starts_with(".file."), "and hidden");
    drop(part);
    assert_eq!((names(folder.path()), fs::read(&path).unwrap()), (vec!["file".to_owned()], OLD.to_vec()));
    write_whole(&path, NEW).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    let fresh = folder.path().join("fresh");
    write_whole(&fresh, NEW).unwrap();
    let usual = fs::metadata(folder.path().join("fresh")).unwrap().permissions().mode() & 0o777;
    fs::write(folder.path().join("as usual"), b"").unwrap();
    assert_eq!(usual, fs::metadata(folder.path().join("as usual")).unwrap().permissions().mode() & 0o777);
    // As long as a name can be.
    write_whole(&folder.path().join("ü".repeat(127)), NEW).unwrap();
}

#[test]
fn a_link_stays_and_the_file_that_it_names_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("far")).unwrap();
    fs::write(at("far/file"), OLD).unwrap();
    symlink("far/file", at("near")).unwrap();
    symlink(at("near"), at("twice")).unwrap();
    symlink("far/new", at("dangling")).unwrap();
    for (link, file) in [("near", "far/file"), ("twice", "far/file"), ("dangling", "far/new")] {
        let target = fs::read_link(at(link)).unwrap();
        write_whole(&at(link), link.as_bytes()).unwrap();
        assert_eq!((fs::read_link(at(link)).unwrap(), fs::read(at(file)).unwrap()), (target, link.as_bytes().to_vec()));
    }
    assert_eq!(names(&at("far")), ["file", "new"]);
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), OLD).unwrap();
    symlink("circle", at("circle")).unwrap();
    symlink("nowhere/file", at("lost")).unwrap();
    let refused = |path: PathBuf| Place::look(&path).err().map(|it| it.trouble.to_string()).unwrap_or_default();
    assert_eq!(refused(folder.path().to_owned()), "a folder (expected a file, or a name that is free)");
    assert_eq!(refused(at("new/")), "a folder (expected a file, or a name that is free)");
    assert_eq!(refused(at("circle")), "a link that leads in a circle");
    assert_eq!(refused(at("file/new")), "a file (expected a folder to write in)");
    assert!(refused(at("nowhere/new")).ends_with("nowhere is not there"), "{}", refused(at("nowhere/new")));
    assert!(refused(at("lost")).ends_with("nowhere is not there"), "{}", refused(at("lost")));
    assert!(!refused(PathBuf::from("/proc/new")).is_empty(), "nobody can write there");
    assert_eq!(names(folder.path()), ["circle", "file", "lost"]);
}

#[test]
fn a_source_is_never_written_over_under_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("source"), OLD).unwrap();
    fs::hard_link(at("source"), at("hard")).unwrap();
    symlink("source", at("soft")).unwrap();
    for name in ["source", "hard", "soft", "./source"] {
        let refused = Place::look(&at(name)).unwrap().spare(&at("source"), "recording that is played").unwrap_err();
        assert!(refused.to_string().ends_with("it would be written over the recording that is played"), "{refused}");
    }
    let free = Place::look(&at("other")).unwrap();
    free.spare(&at("source"), "recording").unwrap();
    assert!(free.is_same(&Place::look(&at("./other")).unwrap()));
    assert!(Place::look(&at("hard")).unwrap().is_same(&Place::look(&at("soft")).unwrap()));
    assert!(!free.is_same(&Place::look(&at("source")).unwrap()));
    let null = || Place::look(Path::new("/dev/null")).unwrap();
    assert!(!null().is_same(&null()) && null().spare(Path::new("/dev/null"), "recording").is_ok());
}

#[test]
fn devices_pipes_and_sockets_are_written_into_and_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_whole(Path::new("/dev/null"), NEW).unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    let full = write_whole(Path::new("/dev/full"), NEW).unwrap_err().to_string();
    assert!(full.starts_with("/dev/full: cannot be written: No space left"), "{full}");
    mknodat(CWD, at("fifo"), FileType::Fifo, Mode::from(0o600), 0).unwrap();
    let fifo = at("fifo");
    let reader = std::thread::spawn(move || fs::read(fifo));
    write_whole(&at("fifo"), NEW).unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), NEW);
    assert!(fs::metadata(at("fifo")).unwrap().file_type().is_fifo());
    let socket = UnixListener::bind(at("socket")).unwrap();
    let reader = std::thread::spawn(move || {
        let mut came = Vec::new();
        socket.accept().map(|(mut stream, _)| stream.read_to_end(&mut came)).map(|_| came)
    });
    write_whole(&at("socket"), NEW).unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), NEW);
    assert_eq!(names(folder.path()), ["fifo", "socket"]);
}

#[test]
fn a_copy_aside_takes_the_first_free_name_and_a_failed_one_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), OLD).unwrap();
    fs::write(at("file.1"), b"other").unwrap();
    symlink("nowhere", at("file.2")).unwrap();
    let named = || (1..).map(|number| at(&format!("file.{number}")));
    // A dangling link is a name that is taken by what it names; its file would be made somewhere else.
    let copy = copy_aside(&at("file"), named().filter(|it| !it.ends_with("file.2"))).unwrap();
    assert_eq!((copy, fs::read(at("file.3")).unwrap()), (at("file.3"), OLD.to_vec()));
    assert!(copy_aside(&at("nothing"), named().skip(3)).is_err());
    assert_eq!(names(folder.path()), ["file", "file.1", "file.2", "file.3"]);
}

#[test]
fn a_folder_that_takes_nothing_says_why_and_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    assert!(why_not_writable(folder.path()).is_none());
    assert!(why_not_writable(&folder.path().join("a/b")).is_none(), "it would be made");
    assert!(names(folder.path()).is_empty());
    fs::write(folder.path().join("file"), OLD).unwrap();
    let trouble = why_not_writable(&folder.path().join("file"));
    assert!(matches!(trouble, Some(Trouble::Kind { .. })), "{trouble:?}");
    assert!(why_not_writable(Path::new("/proc")).is_some());
}

/// A file system where nobody can make a file.
#[test]
fn a_refusal_names_the_file_that_was_asked_for_and_not_its_part() {
    let error = Place::look(Path::new("/proc/take.wav")).err().expect("nothing can be made there");
    assert_eq!(error.to_string(), "/proc/take.wav: cannot be written: No such file or directory (os error 2)");
}
