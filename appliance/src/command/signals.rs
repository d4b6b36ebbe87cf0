//! What ends a command from outside: Ctrl-C, the system's shutdown, a terminal that is closed; and what ends it for certain.
//!
//! The first signal asks ([`Leave`]); where nothing has begun that must be ended in order, as while a model is loaded, the process
//! ends at once. A second signal ends it at once in any case, with 128 and its number; hang-ups come in pairs (from the terminal
//! and from the shell), and `timeout` sends its own twice, so neither is one. Whoever asked, and whatever hangs (a
//! controller, a driver, a terminal that nobody reads), the process is gone when its time is over, with a line that says what
//! did not end. Before each such end the terminal gets back the settings that it was found with, and its screen, as far as it takes
//! what leaves ours within [`TIME_TO_SAY`].
//!
//! A terminal that is gone asks as a hang-up does, also where no signal comes of it. Where hang-ups are ignored at the start, as
//! `nohup` has it, neither does.

use std::io::{self, IsTerminal as _, Read as _};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{exit, pipe};

use crate::display::terminal;
use crate::files::read_regular;
use crate::performance::ending::{Leave, NotEnded};

/// What the process may take after everything should have ended, to say so and go.
const TIME_TO_GO: Duration = Duration::from_millis(300);
/// How long last words may take, and what clears a screen: nobody may be there to read them.
const TIME_TO_SAY: Duration = Duration::from_millis(200);
/// A signal so soon after the first is the same wish: nobody strikes Ctrl-C twice in this time.
const SAME_WISH: Duration = Duration::from_millis(100);
/// Exit code of what was to be whole and is not, as a shell says of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;
/// Added to a signal's number, as a shell does.
const BY_SIGNAL: i32 = 128;
/// Most of `/proc/self/status`, a page or two.
const STATUS_BYTES: u64 = 1 << 16;
/// Shows the cursor, which a display may have hidden.
const SHOW_CURSOR: &[u8] = b"\x1b[?25h";

/// What is done when a hand breaks a start off, before anything has begun that must be ended in order; a disk that hangs is not waited for
/// long.
pub(super) type BrokenOff = Box<dyn FnOnce() + Send>;

/// Listens for the process's life; `code` is the exit code of a command that was asked to end and had to be made to.
///
/// # Errors
/// When the system has no thread or descriptor left.
pub(super) fn listen(code: i32) -> io::Result<Leave> {
    Ok(listen_with(code)?.0)
}

/// As [`listen`]; what is sent is done when a hand breaks the start off. The last that was sent counts.
///
/// # Errors
/// As [`listen`].
pub(super) fn listen_with(code: i32) -> io::Result<(Leave, Sender<BrokenOff>)> {
    let (sender, broken_off) = channel();
    let leave = Leave::new()?;
    let ignores_hang_up = ignores_hang_up();
    let mut pipes = Vec::new();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if signal == SIGHUP && ignores_hang_up {
            continue;
        }
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        pipe::register(signal, write)?;
        pipes.push((signal, read));
    }
    let guard = Guard {
        leave: leave.clone(),
        pipes,
        code,
        found: Found::now(),
        watches_terminal: !ignores_hang_up,
        first: None,
        broken_off,
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || guard.run())?;
    Ok((leave, sender))
}

/// Whether whoever started us wants hang-ups ignored.
fn ignores_hang_up() -> bool {
    let status = read_regular(Path::new("/proc/self/status"), STATUS_BYTES).unwrap_or_default();
    ignores(&String::from_utf8_lossy(&status), SIGHUP)
}

/// Whether the mask of ignored signals in a process's status has this one.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

struct Guard {
    leave: Leave,
    pipes: Vec<(i32, UnixStream)>,
    code: i32,
    found: Found,
    watches_terminal: bool,
    /// When the first signal came.
    first: Option<Instant>,
    broken_off: Receiver<BrokenOff>,
}

impl Guard {
    fn run(mut self) -> ! {
        loop {
            let is_asked = self.leave.is_asked();
            let left = is_asked.then(|| (self.leave.deadline() + TIME_TO_GO).saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                self.out_of_time();
            }
            let (signal, hung_up) = self.wait(left, is_asked);
            if hung_up {
                self.watches_terminal = false;
                self.heard(SIGHUP);
            }
            if let Some(signal) = signal {
                let first = *self.first.get_or_insert_with(Instant::now);
                if signal != SIGHUP && SAME_WISH < first.elapsed() {
                    self.end(BY_SIGNAL + signal, None);
                }
                self.heard(signal);
            }
        }
    }

    /// Waits for a signal, for the terminal to go, for somebody to ask, or for the time to be over.
    fn wait(&self, left: Option<Duration>, is_asked: bool) -> (Option<i32>, bool) {
        let wake = self.leave.wake();
        let mut polled: Vec<PollFd<'_>> = self.pipes.iter().map(|(_, it)| PollFd::new(it, PollFlags::IN)).collect();
        let terminal = self.found.terminal.filter(|_| self.watches_terminal);
        // Nothing is asked for: what is answered all the same is that it has gone.
        polled.extend(terminal.as_ref().map(|it| PollFd::new(it, PollFlags::empty())));
        polled.extend((!is_asked).then(|| PollFd::new(&wake, PollFlags::IN)));
        let left = left.map(|it| Timespec { tv_sec: it.as_secs() as _, tv_nsec: it.subsec_nanos().into() });
        if poll(&mut polled, left.as_ref()).is_err() {
            return (None, false);
        }
        let hung_up = terminal.is_some()
            && polled.get(self.pipes.len()).is_some_and(|it| it.revents().intersects(PollFlags::HUP | PollFlags::ERR));
        let signal = self.pipes.iter().find_map(|(signal, pipe)| {
            let mut byte = [0];
            (&*pipe).read(&mut byte).is_ok_and(|count| 0 < count).then_some(*signal)
        });
        (signal, hung_up)
    }

    /// Somebody outside wants the end, for the first time.
    fn heard(&self, signal: i32) {
        let nothing_to_end = self.leave.still_there().is_empty();
        self.leave.ask();
        if nothing_to_end {
            // Who ends a start that takes too long, as a service manager does, is no hand.
            if signal != SIGTERM {
                self.break_off();
            }
            // A hang-up leaves nobody to tell; Ctrl-C has left `^C` in the line of progress.
            self.end(self.code, (signal == SIGINT).then(String::new));
        }
    }

    fn break_off(&self) {
        let Some(last) = self.broken_off.try_iter().last() else { return };
        let (done, heard) = channel::<()>();
        let work = move || {
            last();
            drop(done);
        };
        if std::thread::Builder::new().spawn(work).is_ok() {
            let _ = heard.recv_timeout(TIME_TO_SAY);
        }
    }

    fn out_of_time(&self) -> ! {
        let told = NotEnded { names: self.leave.still_there() };
        let code = if told.lost_sound() { 1 } else { self.code };
        self.end(code, Some(format!("demon: {told}")))
    }

    fn end(&self, code: i32, words: Option<String>) -> ! {
        self.found.restore();
        say_in_time(words);
        exit(code)
    }
}

/// Ends the process without waiting for whatever still runs in it.
pub fn end_at_once(code: u8) -> ! {
    exit(code.into())
}

/// Leaves the screen, says last words and shows the cursor, as far as somebody takes them. Past the locks of the standard library:
/// whoever hangs may hold one.
fn say_in_time(words: Option<String>) {
    let (said, heard) = channel::<()>();
    let say = move || {
        // On a screen they would go with it; into a file they do not wait for a screen that nobody reads.
        let below_screen = io::stderr().is_terminal();
        if below_screen {
            leave_screen();
        }
        if let Some(words) = words {
            let _ = rustix::io::write(rustix::stdio::stderr(), format!("{words}\n").as_bytes());
        }
        if !below_screen {
            leave_screen();
        }
        if io::stdout().is_terminal() {
            let _ = rustix::io::write(rustix::stdio::stdout(), SHOW_CURSOR);
        }
        drop(said);
    };
    if std::thread::Builder::new().spawn(say).is_ok() {
        let _ = heard.recv_timeout(TIME_TO_SAY);
    }
}

/// Gives the terminal back what the displays and keys of the performance have asked of it.
pub(super) fn leave_screen() {
    hal::keys::put_back();
    terminal::leave_at_once();
}

/// The terminal as it was at the start.
struct Found {
    /// The one that the hands are at, or else one that is looked at. Asked for at the start: a terminal that is gone says that it
    /// is none.
    terminal: Option<BorrowedFd<'static>>,
    settings: Option<Termios>,
}

impl Found {
    fn now() -> Self {
        // Lent for the process's life: nobody closes the three that it began with.
        let all = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
        let terminal = all.into_iter().find(BorrowedFd::is_terminal);
        Self { terminal, settings: terminal.and_then(|it| tcgetattr(it).ok()) }
    }

    /// Gives it back its settings. Never waits: also where nothing is read any more, settings are taken.
    fn restore(&self) {
        let (Some(terminal), Some(settings)) = (self.terminal, &self.settings) else { return };
        // A job in the background would be stopped for it, and the terminal is somebody else's by then.
        if tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp()) {
            let _ = tcsetattr(terminal, OptionalActions::Now, settings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SIGHUP, SIGINT, SIGTERM, ignores};

    #[test]
    fn what_nohup_left_is_read_from_the_mask() {
        let nohup = "Name:\tdemon\nSigQ:\t0/9\nSigIgn:\t0000000000000001\nSigCgt:\t0\n";
        assert!(ignores(nohup, SIGHUP) && !ignores(nohup, SIGINT) && !ignores(nohup, SIGTERM));
        assert!(
            !ignores("SigIgn:\t0000000000001000\n", SIGHUP) && !ignores("", SIGHUP) && !ignores("SigIgn:\tx\n", SIGHUP)
        );
    }
}
