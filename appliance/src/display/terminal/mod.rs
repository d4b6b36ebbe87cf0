//! The terminal, or whatever standard output is: a screen where there is one, else lines. On a thread of its own.
//!
//! Who plays hands over a status or a line and goes on: of statuses the latest wins, lines wait in a bounded queue, and what does
//! not fit is counted and said. Nobody waits for a terminal or a pipe that is not read; leaving it takes [`CLOSE`] at most, after
//! which the thread is left to itself and ends with the program. A reader that is gone is no reason to stop playing.
//!
//! [`picture`] says what stands on a screen of any size, [`lines`] what is worth a line; both are pure.

mod keys;
mod layout;
mod library;
mod lines;
mod parts;
mod picture;
mod row;
mod screen;
mod text;
mod thread;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::display::status::Status;
use crate::files::plain;
use lines::Changes;
use thread::{Desk, Worker};

/// The longest that leaving takes.
pub const CLOSE: Duration = Duration::from_millis(200);

/// What stands on standard output, for whoever ends the process without asking anybody else.
static STANDS: Mutex<Weak<Desk>> = Mutex::new(Weak::new());

/// Leaves the screen that stands on standard output, if one does, as far as it is taken within [`CLOSE`]: for an end that cannot wait
/// for the performance. The terminal's thread writes it, so that it is the last that is written there.
pub fn leave_at_once() {
    // Held for a copy only, as the desk is.
    let stands = STANDS.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
    if let Some(desk) = stands {
        desk.leave_screen(CLOSE);
    }
}

/// What letters look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ink {
    /// Whether there are colours.
    pub colours: bool,
    /// High contrast: no letter is dim and none is coloured, all are bold.
    pub strong: bool,
}

/// Standard output, as a player sees it.
#[derive(Debug)]
pub struct Terminal {
    desk: Arc<Desk>,
    /// Lines instead of a screen.
    lines: Option<Changes>,
    begun: Instant,
}

impl Terminal {
    /// Opens standard output: a screen, unless `plain` asks for lines, or it is no terminal, or one that cannot move its cursor.
    /// `high_contrast`: in letters that eyes find easily.
    ///
    /// # Errors
    /// When the system has no thread or file descriptor left.
    pub fn open(plain: bool, high_contrast: bool) -> io::Result<Self> {
        let out = io::stdout();
        let kind = std::env::var("TERM").unwrap_or_default();
        let screen = !plain && out.is_terminal() && !kind.is_empty() && kind != "dumb";
        let colours = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        let terminal = Self::onto(&out, screen, Ink { colours, strong: high_contrast })?;
        *STANDS.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&terminal.desk);
        Ok(terminal)
    }

    /// The same onto any open file: a screen in this ink, or lines.
    ///
    /// # Errors
    /// When the system has no thread or file descriptor left.
    pub fn onto(out: &impl AsFd, screen: bool, ink: Ink) -> io::Result<Self> {
        let desk = Arc::new(Desk::new()?);
        let worker = Worker::new(out, Arc::clone(&desk), screen, ink)?;
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || worker.work())?;
        Ok(Self { desk, lines: (!screen).then(Changes::default), begun: Instant::now() })
    }

    /// Whether lines are printed instead of a screen.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.lines.is_some()
    }

    /// Shows a status: as the next picture, or as lines where something worth a line changed. Returns at once.
    pub fn show(&mut self, status: &Status) {
        match &mut self.lines {
            Some(changes) => {
                changes.lines(status, self.begun.elapsed()).iter().for_each(|it| self.desk.print(&plain(it)));
            }
            None => self.desk.show(status),
        }
    }

    /// Prints a line; while a screen stands, when it is left. Returns at once.
    pub fn print(&self, line: &str) {
        self.desk.print(&plain(line));
    }

    /// Leaves the terminal as it was found, within [`CLOSE`]: its settings always, its screen as far as it takes what leaves it.
    /// What is printed after this is still printed.
    pub fn close(&self) {
        hal::keys::put_back();
        self.desk.leave_screen(CLOSE);
    }
}

impl Drop for Terminal {
    /// What waits to be printed is, as far as it is taken within [`CLOSE`].
    fn drop(&mut self) {
        self.close();
        self.desk.end(CLOSE);
    }
}

#[cfg(test)]
mod tests {
    use super::{Ink, Status, Terminal};
    use std::io::{BufRead, BufReader, Read};
    use std::os::fd::OwnedFd;

    fn piped(screen: bool) -> (std::io::PipeReader, Terminal) {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let terminal =
            Terminal::onto(&OwnedFd::from(writer), screen, Ink { colours: true, strong: false }).expect("a thread");
        (reader, terminal)
    }

    #[test]
    fn lines_that_nobody_reads_hold_up_nobody_and_are_counted() {
        let (reader, terminal) = piped(false);
        // Many times what a pipe and the queue hold together.
        for number in 0..20_000 {
            terminal.print(&format!("a line of some length, number {number}"));
        }
        // The count is told whenever nothing else waits, so more than once where the thread was quick.
        let mut lines = BufReader::new(reader).lines().map(|it| it.expect("text"));
        let (mut told, mut left_out) = (0, 0);
        while told + left_out < 20_000 {
            let line = lines.next().expect("every line is told or counted");
            match line.strip_prefix('(').and_then(|it| it.split(' ').next()) {
                Some(count) => left_out += count.parse::<usize>().expect("a number"),
                None => told += 1,
            }
        }
        assert!(told + left_out == 20_000 && left_out > 0, "{told} told, {left_out} left out");
        terminal.print("after that");
        drop(terminal);
        assert_eq!(lines.collect::<Vec<_>>(), ["after that"]);
    }

    #[test]
    fn what_was_printed_is_there_when_the_terminal_is_dropped() {
        let (mut reader, terminal) = piped(false);
        terminal.print("one\u{1b}");
        terminal.close();
        terminal.print("two");
        drop(terminal);
        let mut all = String::new();
        reader.read_to_string(&mut all).expect("text");
        assert_eq!(all, "one\\u{1b}\ntwo\n");
    }

    #[test]
    fn a_screen_that_nobody_reads_and_one_that_is_gone_hold_up_nobody() {
        for gone in [false, true] {
            let (reader, mut terminal) = piped(true);
            let reader = (!gone).then_some(reader);
            for number in 0..20_000 {
                terminal.show(&Status { message: format!("message {number}"), ..Status::default() });
            }
            terminal.close();
            terminal.print("farewell");
            drop(terminal);
            drop(reader);
        }
    }

    #[test]
    fn a_screen_is_left_as_it_was_found_and_lines_come_after_it() {
        let (mut reader, mut terminal) = piped(true);
        terminal.show(&Status { source: "song".to_owned(), ..Status::default() });
        let mut all = Vec::new();
        while !String::from_utf8_lossy(&all).contains("q q") {
            let mut some = [0; 4096];
            let count = reader.read(&mut some).expect("open");
            all.extend_from_slice(&some[..count]);
        }
        terminal.print("farewell");
        terminal.close();
        drop(terminal);
        reader.read_to_end(&mut all).expect("open");
        let all = String::from_utf8(all).expect("text");
        assert!(all.starts_with("\u{1b}[?1049h"), "{all:?}");
        assert!(all.ends_with("\u{1b}[?25h\u{1b}[?1049lfarewell\n"), "{all:?}");
    }
}
