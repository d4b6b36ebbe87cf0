//! Goal: a service manager hears what is true: ready after the first sound and the first window, alive only while everything moves, and the
//! player's memory outlives its process.
//! Method: the real program under a manager of the test's own, on sockets and descriptors as systemd has them.

mod doors_support;

use std::fs::{self, File};
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use doors_support::{Demon, PATIENCE, demon, goes_on, heard, run, surround, until, with_device};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, Signal};

/// How long the manager waits for a sign of life.
const WATCHDOG: Duration = Duration::from_secs(2);

/// Who starts services, watches them, and keeps descriptors.
struct Systemd {
    socket: UnixDatagram,
    path: PathBuf,
    kept: Option<OwnedFd>,
}

impl Systemd {
    fn at(folder: &Path) -> Self {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        Self { socket, path, kept: None }
    }

    /// The same command as a service: addressed by its own process, with what is kept as descriptor 3.
    fn serves(&self, command: &Command) -> Command {
        let mut service = Command::new("bash");
        let kept = self.kept.as_ref().map(|it| format!("/proc/{}/fd/{}", std::process::id(), it.as_raw_fd()));
        let words = match &kept {
            Some(path) => {
                format!("exec 3<>{path}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=memory; exec \"$@\"")
            }
            None => "exec \"$@\"".to_owned(),
        };
        service.args(["-c", &words, "bash"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            service.env(key, value.expect("nothing is taken away"));
        }
        service.current_dir(command.get_current_dir().expect("a folder"));
        service.env("NOTIFY_SOCKET", &self.path).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        service
    }

    /// The next message; a descriptor that comes with it is kept. Nothing when none comes for so long.
    fn hears(&mut self, patience: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(patience)).expect("a time");
        let mut bytes = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut with = RecvAncillaryBuffer::new(&mut space);
        let came =
            recvmsg(&self.socket, &mut [IoSliceMut::new(&mut bytes)], &mut with, RecvFlags::CMSG_CLOEXEC).ok()?;
        for more in with.drain() {
            if let RecvAncillaryMessage::ScmRights(all) = more {
                self.kept = all.last();
            }
        }
        Some(String::from_utf8_lossy(&bytes[..came.bytes]).into_owned())
    }

    /// Waits for a message that holds this line, and answers those before it.
    fn until(&mut self, line: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let said = self.hears(PATIENCE).unwrap_or_else(|| panic!("never said {line}: {before:?}"));
            if said.lines().any(|it| it == line) {
                return before;
            }
            before.push(said);
        }
    }

    /// Whether a sign of life comes within the time after which a manager gives up, twice.
    fn sees_life(&mut self) -> bool {
        let until = Instant::now() + 2 * WATCHDOG;
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        std::iter::from_fn(|| (!left(until).is_zero()).then(|| self.hears(left(until)))?)
            .any(|it| it.contains("WATCHDOG=1"))
    }
}

fn player(folder: &Path, output: &[&str]) -> Command {
    let mut command = Command::new(demon());
    command.arg("player").args(output);
    surround(&mut command, folder);
    command
}

fn engine(folder: &Path) -> Command {
    run(folder, &["--wait-for-player"])
}

/// Waits until something that is no silence was heard.
fn until_sound(raw: &Path) {
    until("no silence", || !fs::read(raw).is_ok_and(|it| it.iter().all(|it| *it == 0)));
}

#[test]
fn a_player_is_ready_with_its_first_sound_and_alive_while_its_clock_runs() {
    let (folder, raw) = with_device();
    let mut manager = Systemd::at(folder.path());
    let player = Demon::start(manager.serves(&player(folder.path(), &["--device", "kept"])));
    let before = manager.until("READY=1");
    assert!(heard(&raw) > 0, "ready before anything was heard");
    assert!(before.iter().any(|it| it.contains("FDSTORE=1") && it.contains("FDNAME=memory")), "{before:?}");
    assert!(manager.kept.is_some(), "what is kept came with the words");
    assert!(manager.sees_life() && manager.sees_life());
    player.signal(Signal::TERM);
    manager.until("STOPPING=1");
    assert_eq!(player.end().0, 0);
}

#[test]
fn a_player_whose_clock_stands_gives_no_sign_of_life_and_says_what_stands() {
    let (folder, _) = with_device();
    let pipe = folder.path().join("take.wav");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    // A reader that takes some and then nothing more: the sound hangs in it.
    let reader = File::options().read(true).write(true).open(&pipe).expect("a pipe");
    let mut manager = Systemd::at(folder.path());
    let player = Demon::start(manager.serves(&player(folder.path(), &["--wav", "take.wav"])));
    manager.until("READY=1");
    manager.until("STATUS=does not move: the clock");
    assert!(!manager.sees_life());
    player.signal(Signal::KILL);
    assert_eq!(player.end().0, -9);
    drop(reader);
}

#[test]
fn the_tape_of_a_player_that_was_killed_plays_on_in_the_next_under_the_engine_that_waits() {
    let (folder, raw) = with_device();
    let (mut manager, mut of_engine) = (Systemd::at(folder.path()), {
        let apart = folder.path().join("engine");
        fs::create_dir(&apart).expect("a folder");
        Systemd::at(&apart)
    });
    // The engine may come first: it waits.
    let mut engine = Demon::start(of_engine.serves(&engine(folder.path())));
    let first = Demon::start(manager.serves(&player(folder.path(), &["--device", "kept"])));
    manager.until("READY=1");
    of_engine.until("READY=1");
    assert!(of_engine.sees_life());
    first.signal(Signal::KILL);
    assert_eq!(first.end().0, -9);
    // The device writes a new file.
    let mut second = Demon::start(manager.serves(&player(folder.path(), &["--device", "kept"])));
    second.until("the tape of the player before this one plays on");
    engine.until("the player plays again");
    manager.until("READY=1");
    until_sound(&raw);
    assert!(of_engine.sees_life() && of_engine.sees_life());
    // What one engine leaves in order is there for the next.
    engine.signal(Signal::TERM);
    of_engine.until("STOPPING=1");
    assert_eq!(engine.end().0, 0);
    second.until("the engine is gone (process ");
    goes_on(&raw);
    assert!(manager.sees_life());
    second.signal(Signal::TERM);
    assert_eq!(second.end().0, 0);
}

#[test]
fn an_engine_whose_player_lost_the_tape_ends_so_that_it_is_started_again() {
    let (folder, _) = with_device();
    let first = Demon::start(player(folder.path(), &["--device", "kept"]));
    let mut engine = Demon::start(engine(folder.path()));
    engine.plays();
    first.signal(Signal::KILL);
    assert_eq!(first.end().0, -9);
    let second = Demon::start(player(folder.path(), &["--device", "kept"]));
    let (code, said) = engine.end_within(PATIENCE);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("has lost the tape; the engine has to start again"), "{said}");
    second.signal(Signal::TERM);
    assert_eq!(second.end().0, 0);
}

#[test]
fn an_engine_that_does_not_move_gives_no_sign_of_life() {
    let (folder, _) = with_device();
    let mut manager = Systemd::at(folder.path());
    let player = Demon::start(player(folder.path(), &["--device", "kept"]));
    let engine = Demon::start(manager.serves(&engine(folder.path())));
    manager.until("READY=1");
    assert!(manager.sees_life());
    // One thread stands, as in a driver that hangs; all others go on.
    for name in ["tick", "decode"] {
        let thread = thread_of(engine.pid(), name);
        let held = held::thread(thread.as_raw_nonzero().get());
        manager.until(&format!("STATUS=does not move: {name}"));
        assert!(!manager.sees_life(), "{name}");
        drop(held);
        manager.until("WATCHDOG=1");
    }
    engine.signal(Signal::TERM);
    assert_eq!(engine.end().0, 0);
    player.signal(Signal::TERM);
    assert_eq!(player.end().0, 0);
}

/// Holds one thread of a child and no other, as a debugger does.
mod held {
    #![allow(unsafe_code)]

    pub struct Held(i32);

    pub fn thread(id: i32) -> Held {
        for what in [libc::PTRACE_SEIZE, libc::PTRACE_INTERRUPT] {
            ask(what, id);
        }
        Held(id)
    }

    impl Drop for Held {
        fn drop(&mut self) {
            ask(libc::PTRACE_DETACH, self.0);
        }
    }

    fn ask(what: libc::c_uint, id: i32) {
        // SAFETY: neither pointer is used by these requests; a thread that is not there is an error.
        let done = unsafe {
            libc::ptrace(what, id, std::ptr::null_mut::<libc::c_void>(), std::ptr::null_mut::<libc::c_void>())
        };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    }
}

fn thread_of(process: Pid, name: &str) -> Pid {
    let folder = format!("/proc/{}/task", process.as_raw_nonzero());
    let mut all = fs::read_dir(folder).expect("it runs").filter_map(Result::ok);
    let found = all.find(|it| fs::read_to_string(it.path().join("comm")).is_ok_and(|it| it.trim() == name));
    found.and_then(|it| Pid::from_raw(it.file_name().to_str()?.parse().ok()?)).expect("a thread")
}
