//! The terminal's own thread, and the desk between it and who plays.
//!
//! The desk is locked for a copy only. The thread holds what was begun until it is taken: half a picture would leave a terminal
//! in the middle of a sequence. It waits for room and for news at once, so an order to leave reaches it whatever the terminal does.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hal::display::TextWire;
use ratatui::layout::Size;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::Ink;
use super::picture::Picture;
use super::screen::Screen;
use crate::display::status::Status;
use crate::files::plain;

/// Lines that wait for a reader at most.
pub(super) const WAITING: usize = 256;
/// Least time between two pictures: a hand sees no more, and a slow connection carries no more.
const PICTURE: Duration = Duration::from_millis(50);
/// So often all is drawn again: what others have written over the screen goes.
const AGAIN: Duration = Duration::from_secs(10);
/// A wire that has room and takes nothing is asked again after this.
const REST: Duration = Duration::from_millis(10);
/// Nothing to do: the thread sleeps until there are news, and looks after itself now and then.
const IDLE: Duration = Duration::from_secs(60);
/// Messages that are remembered for screens with room.
const REMEMBERED: usize = 16;

/// What lies between who plays and the thread.
#[derive(Debug)]
pub(super) struct Desk {
    place: Mutex<Place>,
    /// Something was laid down.
    news: OwnedFd,
    /// An order was carried out.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Place {
    status: Option<Status>,
    lines: VecDeque<String>,
    left_out: u64,
    /// Until when the screen may be left; later it is as it is.
    leave: Option<Instant>,
    left: bool,
    /// Until when lines may still be printed.
    end: Option<Instant>,
    ended: bool,
}

impl Desk {
    pub(super) fn new() -> io::Result<Self> {
        let news = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { place: Mutex::default(), news, done: Condvar::new() })
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        // Nothing that can panic is done while the place is held.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // The counter is full only when there are news already.
        let _ = rustix::io::write(&self.news, &1u64.to_ne_bytes());
    }

    /// Lays down the latest status; one that still lay there is dropped.
    pub(super) fn show(&self, status: &Status) {
        self.place().status = Some(status.clone());
        self.wake();
    }

    /// Lays down a line, or counts it where there is no room.
    pub(super) fn print(&self, line: &str) {
        let mut place = self.place();
        if place.lines.len() < WAITING {
            place.lines.push_back(line.to_owned());
        } else {
            place.left_out += 1;
        }
        drop(place);
        self.wake();
    }

    /// Has the screen left, and waits for it no longer than `patience`.
    pub(super) fn leave_screen(&self, patience: Duration) {
        self.order(patience, |place, until| place.leave = Some(until), |place| place.left);
    }

    /// Has the lines printed and the thread ended, and waits for it no longer than `patience`.
    pub(super) fn end(&self, patience: Duration) {
        self.order(patience, |place, until| place.end = Some(until), |place| place.ended);
    }

    fn order(&self, patience: Duration, give: fn(&mut Place, Instant), is_done: fn(&Place) -> bool) {
        let mut place = self.place();
        if is_done(&place) {
            return;
        }
        give(&mut place, Instant::now() + patience);
        self.wake();
        drop(self.done.wait_timeout_while(place, patience, |place| !is_done(place) && !place.ended));
    }
}

/// The thread's work.
pub(super) struct Worker {
    desk: Arc<Desk>,
    wire: TextWire,
    /// To ask for its size.
    out: OwnedFd,
    screen: Option<Screen>,
    ink: Ink,
    /// What was begun and is not taken yet.
    pending: Vec<u8>,
    /// Nobody takes anything any more.
    gone: bool,
    latest: Option<Status>,
    log: VecDeque<String>,
    drawn: Option<Instant>,
    all_drawn: Instant,
}

impl Worker {
    pub(super) fn new(out: &impl AsFd, desk: Arc<Desk>, screen: bool, ink: Ink) -> io::Result<Self> {
        let (wire, out) = (TextWire::onto(out)?, out.as_fd().try_clone_to_owned()?);
        let (pending, gone, latest, log, drawn) = Default::default();
        let screen = screen.then(Screen::default);
        Ok(Self { desk, wire, out, screen, ink, pending, gone, latest, log, drawn, all_drawn: Instant::now() })
    }

    /// Shows and prints until it is told to end.
    pub(super) fn work(mut self) {
        loop {
            self.hear();
            if self.obey() {
                return;
            }
            if self.pending.is_empty() {
                self.begin();
            }
            let taken = self.offer();
            self.wait(taken);
        }
    }

    /// Takes what was laid down.
    fn hear(&mut self) {
        let _ = rustix::io::read(&self.desk.news, &mut [0; 8]);
        if let Some(status) = self.desk.place().status.take() {
            if !status.message.is_empty() && self.log.back() != Some(&status.message) {
                if self.log.len() == REMEMBERED {
                    self.log.pop_front();
                }
                self.log.push_back(status.message.clone());
            }
            self.latest = Some(status);
        }
    }

    /// Carries out orders; whether this was the last.
    fn obey(&mut self) -> bool {
        let (leave, end) = {
            let place = self.desk.place();
            (place.leave, place.end)
        };
        if let Some(until) = leave.filter(|_| self.screen.is_some()) {
            if let Some(mut screen) = self.screen.take() {
                // What was begun is given up: what leaves begins with the end of any sequence.
                self.pending = screen.leave().to_vec();
            }
            self.push_out(until);
        }
        if leave.is_some() && !self.desk.place().left {
            self.desk.place().left = true;
            self.desk.done.notify_all();
        }
        let Some(until) = end else { return false };
        while !self.gone && Instant::now() < until {
            if self.pending.is_empty() && !self.next_line() {
                break;
            }
            self.push_out(until);
        }
        self.desk.place().ended = true;
        self.desk.done.notify_all();
        true
    }

    /// Offers what was begun until it is taken or the time is over; then it is given up.
    fn push_out(&mut self, until: Instant) {
        while !self.pending.is_empty() && !self.gone {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.pending.clear();
            } else if !self.offer() {
                // Room that takes nothing is asked again.
                let _ = self.wire.room(left.min(REST), None);
            }
        }
    }

    /// Begins the next picture, or the next line where no screen stands.
    fn begin(&mut self) {
        let now = Instant::now();
        if self.screen.is_none() {
            self.next_line();
        }
        let Some(screen) = &mut self.screen else { return };
        if self.drawn.is_some_and(|at| now.duration_since(at) < PICTURE) {
            return;
        }
        let Some(status) = self.latest.take() else { return };
        if AGAIN <= now.duration_since(self.all_drawn) {
            screen.spoil();
            self.all_drawn = now;
        }
        // The size is asked for with every picture: a signal would say no more.
        let size = rustix::termios::tcgetwinsize(&self.out);
        let size = size.map_or(Size::ZERO, |it| Size { width: it.ws_col, height: it.ws_row });
        // What stands in the message line is not said before it as well.
        let before = if self.log.back() == Some(&status.message) { self.log.len() - 1 } else { self.log.len() };
        let log: Vec<String> = self.log.iter().take(before).map(|it| plain(it).into_owned()).collect();
        self.pending = screen.show(&Picture { status: &status, log: &log, ink: self.ink }, size);
        self.drawn = Some(now);
    }

    /// Begins the next line that waits; whether there was one.
    fn next_line(&mut self) -> bool {
        let mut place = self.desk.place();
        let line = place.lines.pop_front().or_else(|| {
            let left_out = std::mem::take(&mut place.left_out);
            (left_out > 0).then(|| format!("({left_out} lines were left out: nobody read them in time)"))
        });
        drop(place);
        let Some(line) = line else { return false };
        self.pending = line.into_bytes();
        self.pending.push(b'\n');
        true
    }

    /// Offers what was begun; whether some of it was taken.
    fn offer(&mut self) -> bool {
        if self.gone {
            self.pending.clear();
        }
        match self.wire.offer(&self.pending) {
            Ok(taken) => {
                self.pending.drain(..taken);
                taken > 0
            }
            Err(error) => {
                (self.gone, self.screen) = (true, None);
                self.pending.clear();
                // A reader that left, or a terminal that hung up, knows it; who has a full disk does not.
                if error.kind() != io::ErrorKind::BrokenPipe && !self.out.is_terminal() {
                    let words = format!("standard output takes no more ({error}); playing on without it");
                    let _ = writeln!(io::stderr(), "demon: {words}");
                }
                false
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&self, taken: bool) {
        let news = &self.desk.news;
        if !self.pending.is_empty() {
            if !taken && self.wire.room(IDLE, Some(news)).unwrap_or(true) {
                // There is room; should it have been there before, nothing was taken for another reason.
                wait_for(news, REST);
            }
            return;
        }
        if self.gone {
            self.desk.place().lines.clear();
            return wait_for(news, IDLE);
        }
        let place = self.desk.place();
        let lines_wait = self.screen.is_none() && (!place.lines.is_empty() || place.left_out > 0);
        drop(place);
        if lines_wait {
            return;
        }
        let rest = self.drawn.map_or(Duration::ZERO, |at| PICTURE.saturating_sub(at.elapsed()));
        wait_for(news, if self.latest.is_some() && self.screen.is_some() { rest } else { IDLE });
    }
}

/// Waits for news, at most `patience`.
fn wait_for(news: &OwnedFd, patience: Duration) {
    let patience = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    // Interrupted or not, the thread looks again.
    let _ = poll(&mut [PollFd::new(news, PollFlags::IN)], Some(&patience));
}
