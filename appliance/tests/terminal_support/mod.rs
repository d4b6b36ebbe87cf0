//! The real program in a real pseudo-terminal: the test is the terminal, and reads it or does not.
//!
//! The program's end of the terminal is its controlling one, as a shell or ssh gives it, so hanging up sends SIGHUP too. Times are
//! those after which a test gives up; none is a figure.

#![allow(dead_code)] // not every test uses all of it

#[path = "../doors_support/program.rs"]
mod program;
mod pty;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use program::demon;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, OutputModes, Termios, Winsize, tcgetattr, tcsetwinsize};

/// What a program may take that does not hang; a hundred times what it does.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program in a terminal of ours.
pub struct Stage {
    /// The terminal's side; none once it hung up.
    master: Option<File>,
    /// The program's side, kept open so that its settings can be asked for.
    slave: Option<OwnedFd>,
    child: Child,
    /// All that was read.
    pub seen: Vec<u8>,
    /// What stands on the terminal after it, and each whole picture that stood: an update writes only the letters that changed, so
    /// a word on the screen need not be one among the bytes.
    screen: vt100::Parser,
    pub pictures: Vec<String>,
    before: Termios,
    folder: Option<tempfile::TempDir>,
}

impl Stage {
    /// `demon run` with a few seconds of music into a file, and `more`, in a terminal of this size and kind.
    pub fn play(more: &[&str], size: (u16, u16), kind: &str) -> Self {
        Self::play_in(tempfile::tempdir().expect("a folder"), more, size, kind)
    }

    /// The same in a folder that holds something already: the sound goes into its `take.wav`.
    pub fn play_in(folder: tempfile::TempDir, more: &[&str], (columns, rows): (u16, u16), kind: &str) -> Self {
        let (master, slave) = pty::terminal();
        resize(&master, columns, rows);
        let before = tcgetattr(&slave).expect("its settings");
        assert!(before.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON));
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let child = Command::new("setsid")
            // Whoever runs the tests may ignore hang-ups; the program is not to inherit that.
            .args(["--ctty", "env", "--default-signal=HUP"])
            .arg(demon())
            .args(["run", "--wav", "take.wav", "--state", "state"])
            .args(["--backend", "cpu", "--threads", "1", "--longest", "4", "--no-midi"])
            .args(more)
            .current_dir(folder.path())
            .env("DEMON_MODEL", Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/house"))
            .env("TERM", kind)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("setsid of util-linux");
        let (master, slave) = (Some(master), Some(slave));
        let screen = vt100::Parser::new(rows, columns, 0);
        Self { master, slave, child, seen: Vec::new(), screen, pictures: Vec::new(), before, folder: Some(folder) }
    }

    /// Reads for so long; what was seen is in [`Stage::seen`].
    pub fn read_for(&mut self, span: Duration) {
        let until = Instant::now() + span;
        while self.read_until(until) {}
    }

    /// Reads until `words` have been seen after place `from`, and answers the place behind them.
    pub fn wait_for(&mut self, words: &str, from: usize) -> usize {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.seen[from..].windows(words.len()).position(|it| it == words.as_bytes());
            if let Some(place) = found {
                return from + place + words.len();
            }
            assert!(self.read_until(until), "{words:?} did not come:\n{}", self.seen[from..].escape_ascii());
        }
    }

    /// Waits until `words` stand on the screen.
    pub fn shows(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.screen.screen().contents().contains(words) {
            let reads = self.read_until(until);
            assert!(reads, "{words:?} does not stand there:\n{}", self.screen.screen().contents());
        }
    }

    /// Reads once; whether the time is not over and the program is still there.
    fn read_until(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || !readable(self.master(), left) {
            return false;
        }
        let mut some = [0; 4096];
        match self.master().read(&mut some) {
            Ok(count) if count > 0 => self.take(&some[..count]),
            // Nobody holds the other side.
            _ => return false,
        }
        true
    }

    /// Brings bytes onto the screen, and keeps each picture that they complete.
    fn take(&mut self, bytes: &[u8]) {
        const END_UPDATE: &[u8] = b"\x1b[?2026l";
        for byte in bytes {
            self.seen.push(*byte);
            self.screen.process(&[*byte]);
            if self.seen.ends_with(END_UPDATE) {
                self.pictures.push(self.screen.screen().contents());
            }
        }
    }

    fn master(&mut self) -> &mut File {
        self.master.as_mut().expect("it did not hang up")
    }

    /// Types bytes, as they are.
    pub fn types(&mut self, bytes: &[u8]) {
        self.master().write_all(bytes).expect("a terminal takes keys");
    }

    /// Pastes a text: marked, where the program asked for marks.
    pub fn pastes(&mut self, text: &str) {
        let marked = self.seen.windows(8).any(|it| it == b"\x1b[?2004h");
        let text = if marked { format!("\x1b[200~{text}\x1b[201~") } else { text.to_owned() };
        self.types(text.as_bytes());
    }

    /// Another size, with the signal that the kernel sends.
    pub fn resizes(&mut self, columns: u16, rows: u16) {
        resize(self.master(), columns, rows);
        self.screen.screen_mut().set_size(rows, columns);
    }

    /// The terminal is closed.
    pub fn hangs_up(&mut self) {
        (self.master, self.slave) = (None, None);
    }

    /// Sends a signal.
    pub fn signals(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_none()
    }

    /// Waits for its end, reading on or not.
    pub fn ends(&mut self, reading: bool) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status;
            }
            if until < Instant::now() {
                panic!("it does not end:\n{}", self.seen.escape_ascii());
            }
            if reading {
                self.read_for(Duration::from_millis(20));
            } else {
                pause(Duration::from_millis(20));
            }
        }
    }

    /// Its folder, for another one after its end.
    pub fn take_folder(&mut self) -> tempfile::TempDir {
        self.folder.take().expect("nobody has it")
    }

    /// Whether the terminal's settings are those that it had before the program came.
    pub fn is_as_before(&self) -> bool {
        let now = tcgetattr(self.slave.as_ref().expect("it did not hang up")).expect("its settings");
        let modes = |it: &Termios| (it.input_modes, it.output_modes, it.control_modes, it.local_modes);
        modes(&now) == modes(&self.before)
    }

    /// Whether a line that is printed still begins at the left.
    pub fn prints_lines(&self) -> bool {
        let now = tcgetattr(self.slave.as_ref().expect("it did not hang up")).expect("its settings");
        now.output_modes.contains(OutputModes::OPOST)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Ended or not, nothing of a test is left running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: &impl AsFd, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("a terminal has a size");
}

fn readable(file: &File, patience: Duration) -> bool {
    let patience = Timespec::try_from(patience).expect("short");
    poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&patience)).expect("it can be asked") > 0
}

/// Lets time pass while a process that was started runs on.
pub fn pause(span: Duration) {
    let span = Timespec::try_from(span).expect("short");
    poll(&mut [], Some(&span)).expect("it can be asked");
}
