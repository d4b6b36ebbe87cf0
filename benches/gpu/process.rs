//! A program of its own that is listened to, line by line, until it ends or its time is over.
//!
//! Whatever it does, it is not waited for past its limit: a program that hangs is killed with all that it started, one that
//! cannot be killed is left behind, and what it left open behind is not read to its end. Lines are cut at a length, and
//! what comes faster than it is read makes the program wait.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Lines are cut here, in bytes: no row is as long.
const LONGEST_LINE: usize = 1 << 16;
/// Lines that may wait to be heard.
const LINES: usize = 256;
/// Lines of the error output that are kept.
const LAST_WORDS: usize = 3;
/// How often it is looked whether a silent program is still there.
const LOOK: Duration = Duration::from_millis(20);
/// How long what an ended program has said is waited for, and a killed one's end.
const GRACE: Duration = Duration::from_secs(2);

/// How a program ended.
#[derive(Debug)]
pub enum End {
    /// By itself.
    Exited(ExitStatus),
    /// It was killed when its time was over.
    Late,
    /// It did not start.
    NotStarted(io::Error),
}

/// What is known of a program that ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub end: End,
    /// The last lines of its error output, or nothing.
    pub last_words: String,
}

enum Heard {
    Line(String),
    Error(String),
}

/// Runs a program for at most `limit`; `each` hears every line of its output as it comes.
pub fn listen(command: &mut Command, limit: Duration, mut each: impl FnMut(&str)) -> Ended {
    let end = Instant::now() + limit;
    // A group of its own, so that what it starts can be killed with it.
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = match piped.spawn() {
        Ok(child) => child,
        Err(error) => return Ended { end: End::NotStarted(error), last_words: String::new() },
    };
    let (sender, lines) = sync_channel(LINES);
    let out = child.stdout.take().expect("it is piped");
    let errors = child.stderr.take().expect("it is piped");
    let to = sender.clone();
    thread::spawn(move || read_lines(out, &to, Heard::Line));
    thread::spawn(move || read_lines(errors, &sender, Heard::Error));
    let mut last_words = VecDeque::new();
    let mut take = |heard: Heard| match heard {
        Heard::Line(line) => each(&line),
        Heard::Error(line) => {
            last_words.push_back(line);
            last_words.drain(..last_words.len().saturating_sub(LAST_WORDS));
        }
    };
    let status = wait(&mut child, &lines, end, &mut take);
    kill(&child);
    if status.is_none() {
        // It is dead in a moment; one that the system cannot end is not waited for.
        let grace = Instant::now() + GRACE;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < grace {
            thread::sleep(LOOK);
        }
    }
    let end = status.map_or(End::Late, End::Exited);
    Ended { end, last_words: last_words.into_iter().collect::<Vec<_>>().join(" / ") }
}

/// Hears the program until it ends, and then what it said before; nothing when its time is over first.
fn wait(child: &mut Child, lines: &Receiver<Heard>, end: Instant, take: &mut dyn FnMut(Heard)) -> Option<ExitStatus> {
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let now = Instant::now();
        if let Some((status, _)) = ended.filter(|it| it.1 <= now) {
            return Some(status);
        }
        if ended.is_none() && end <= now {
            return None;
        }
        match lines.recv_timeout(LOOK) {
            Ok(heard) => take(heard),
            // Both ends are closed: there is nothing more to hear.
            Err(RecvTimeoutError::Disconnected) if ended.is_some() => return ended.map(|it| it.0),
            Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if ended.is_none() {
            // Somebody whom it started may hold its output open for ever.
            ended = child.try_wait().ok().flatten().map(|status| (status, Instant::now() + GRACE));
        }
    }
}

fn kill(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // A group that is gone is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn read_lines(mut from: impl Read, to: &SyncSender<Heard>, heard: fn(String) -> Heard) {
    let (mut line, mut room) = (Vec::new(), [0; 4096]);
    let send = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line).into_owned();
        line.clear();
        to.send(heard(text)).is_ok()
    };
    loop {
        let read = match from.read(&mut room) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for &byte in &room[..read] {
            let over = byte == b'\n';
            if !over && line.len() < LONGEST_LINE {
                line.push(byte);
            }
            if over && !send(&mut line) {
                return;
            }
        }
    }
    if !line.is_empty() {
        send(&mut line);
    }
}
