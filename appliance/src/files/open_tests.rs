//! What is opened and what is refused; nothing here ever waits for another process.

use super::{Kind, Trouble, open_recording, open_regular, read_all, read_regular};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from(0o600), 0).expect("a FIFO");
}

#[test]
fn what_is_no_file_is_refused_at_once_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fifo(&at("fifo"));
    let _socket = UnixListener::bind(at("socket")).expect("a socket");
    symlink("nowhere", at("dangling")).expect("a link");
    symlink("circle", at("circle")).expect("a link");
    symlink("fifo", at("to a fifo")).expect("a link");
    for (name, words) in [
        ("fifo", "a pipe (FIFO) (expected a file)"),
        ("to a fifo", "a pipe (FIFO) (expected a file)"),
        ("socket", "a socket (expected a file)"),
        (".", "a folder (expected a file)"),
        ("dangling", "a link to nowhere, which is not there"),
        ("circle", "a link that leads in a circle"),
        ("nothing", "there is no such file"),
    ] {
        assert_eq!(open_regular(&at(name)).expect_err(name).to_string(), words, "{name}");
        assert_eq!(read_regular(&at(name), 9).expect_err(name).to_string(), words, "{name}");
    }
    let device = open_regular(Path::new("/dev/zero")).expect_err("a device");
    assert!(matches!(device, Trouble::Kind { found: Kind::Device, .. }), "{device}");
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, b"12345").expect("a disk");
    assert_eq!(read_regular(&path, 5).expect("five bytes"), b"12345");
    assert!(matches!(read_regular(&path, 4), Err(Trouble::Large { found: 5, most: 4 })));
    assert_eq!(read_all(&path, 5).expect("five bytes"), b"12345");
    // Says that it has no length, and has bytes.
    assert!(!read_regular(Path::new("/proc/self/status"), 1 << 16).expect("a made-up file").is_empty());
    assert!(matches!(read_regular(Path::new("/proc/self/status"), 4), Err(Trouble::Large { .. })));
}

#[test]
fn a_recording_comes_through_a_pipe_whole_and_stops_when_nobody_wants_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fifo");
    fifo(&path);
    let sent: Vec<u8> = (0..300_000_u32).map(|it| it as u8).collect();
    let (to, bytes) = (path.clone(), sent.clone());
    let writer = std::thread::spawn(move || {
        std::fs::OpenOptions::new().write(true).open(to).and_then(|mut it| it.write_all(&bytes))
    });
    let mut came = Vec::new();
    open_recording(&path, &mut |_| true).expect("a recording").read_to_end(&mut came).expect("memory");
    writer.join().expect("a thread").expect("a pipe");
    assert!(came == sent, "{} bytes of {}", came.len(), sent.len());
    // Nobody writes it, and after three looks nobody wants it.
    let mut looks = 0;
    let stopped = open_recording(&path, &mut |_| {
        looks += 1;
        looks < 3
    });
    assert!(matches!(stopped, Err(Trouble::Stopped)), "{stopped:?}");
    let folder = open_recording(folder.path(), &mut |_| true).expect_err("a folder");
    assert_eq!(folder.to_string(), "a folder (expected a file or a pipe)");
}
