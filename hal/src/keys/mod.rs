//! The keys of the terminal as a surface.
//!
//! Bytes are read here, with `poll`, and made into keys by [`KeyParser`]: a terminal that has gone is known at once, and a key
//! whose bytes come one after another is still that key. The terminal is put back when the surface is dropped, by
//! [`put_back`], and when the program panics: a player must never be left with a dead terminal. Writes nothing but the request
//! that pastes be marked.

mod parser;
mod raw;

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};

pub use parser::{ESCAPE_ALONE, KeyParser};
pub use raw::put_back;

use crate::gesture::{Clock, Gesture, Key, Motion, Surface, SurfaceError, SurfaceId, WallClock};

/// More than a hand types between two looks.
const BYTES: usize = 256;

/// The keys of the terminal.
#[derive(Debug)]
pub struct KeySurface<C: Clock = WallClock> {
    input: OwnedFd,
    clock: C,
    parser: KeyParser,
    keys: VecDeque<Key>,
    closed: bool,
}

impl KeySurface {
    /// Takes the terminal; gestures carry the time of `clock`.
    ///
    /// # Errors
    /// [`SurfaceError::Unavailable`] where the input is not a terminal, or will not be one.
    pub fn open(clock: WallClock) -> Result<Self, SurfaceError> {
        let unavailable = |words: String| SurfaceError::Unavailable(format!("no keys: {words}"));
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Err(unavailable("the input is not a terminal".to_owned()));
        }
        // Who changes a terminal's settings from the background is stopped by the kernel.
        let group = rustix::termios::tcgetpgrp(&stdin);
        if group.is_ok_and(|it| it != rustix::process::getpgrp()) {
            return Err(unavailable("the program runs in the background of its terminal".to_owned()));
        }
        let input = || stdin.as_fd().try_clone_to_owned();
        let refused = |error: std::io::Error| unavailable(format!("the terminal refuses raw mode ({error})"));
        raw::take(input().map_err(refused)?).map_err(refused)?;
        Ok(Self::on(input().map_err(refused)?, clock))
    }
}

impl<C: Clock> KeySurface<C> {
    /// Keys from any file that can be waited for; no settings are changed.
    pub fn on(input: OwnedFd, clock: C) -> Self {
        Self { input, clock, parser: KeyParser::default(), keys: VecDeque::new(), closed: false }
    }

    /// Waits up to `patience` for bytes and takes them.
    fn listen(&mut self, patience: Duration) -> Result<(), SurfaceError> {
        let garbled = |error: Errno| SurfaceError::Garbled { surface: "keys", fault: error.to_string() };
        let mut wanted = [PollFd::new(&self.input, PollFlags::IN)];
        let patience = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(&mut wanted, Some(&patience)) {
            Ok(0) | Err(Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(garbled(error)),
        }
        let mut bytes = [0; BYTES];
        // A terminal that hung up is readable, and what is read is its end.
        match read(&self.input, &mut bytes) {
            Ok(0) | Err(Errno::IO | Errno::NXIO | Errno::BADF) => self.closed = true,
            Ok(count) => self.parser.feed(&bytes[..count], self.clock.now(), &mut self.keys),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(garbled(error)),
        }
        Ok(())
    }
}

impl<C: Clock + Send> Surface for KeySurface<C> {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let until = self.clock.now() + patience;
        let mut looked = false;
        loop {
            let now = self.clock.now();
            if let Some(key) = self.keys.pop_front() {
                return Ok(Some(Gesture { at: now, surface: SurfaceId::KEYS, motion: Motion::Struck(key) }));
            }
            if self.closed {
                return Err(SurfaceError::Closed("the terminal"));
            }
            if looked && until <= now {
                return Ok(None);
            }
            let next = self.parser.waits_until().map_or(until, |it| it.min(until));
            self.listen(next.saturating_sub(now))?;
            self.parser.expire(self.clock.now(), &mut self.keys);
            looked = true;
        }
    }
}

impl<C: Clock> Drop for KeySurface<C> {
    fn drop(&mut self) {
        put_back();
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, KeySurface};
    use crate::gesture::{Motion, Surface, SurfaceError, WallClock};
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(20);

    fn keys() -> (std::io::PipeWriter, KeySurface) {
        let (read, write) = std::io::pipe().expect("a pipe");
        (write, KeySurface::on(OwnedFd::from(read), WallClock::start()))
    }

    fn key(surface: &mut KeySurface) -> Option<Key> {
        surface.next_gesture(LONG).expect("open").map(|it| match it.motion {
            Motion::Struck(key) => key,
            other => panic!("{other:?} from a terminal"),
        })
    }

    #[test]
    fn keys_come_in_order_and_an_escape_without_a_successor_comes_too() {
        let (mut terminal, mut surface) = keys();
        terminal.write_all("aü\x1b[B\x1b".as_bytes()).expect("a pipe takes it");
        let heard = [(); 4].map(|()| key(&mut surface));
        assert_eq!(heard, [Key::Char('a'), Key::Char('ü'), Key::Down, Key::Escape].map(Some));
        assert_eq!(surface.next_gesture(Duration::from_millis(1)).expect("open"), None);
        assert_eq!(surface.next_gesture(Duration::ZERO).expect("open"), None);
    }

    #[test]
    fn a_terminal_that_goes_is_closed_at_once_after_its_last_key() {
        let (mut terminal, mut surface) = keys();
        terminal.write_all(b"u").expect("a pipe takes it");
        drop(terminal);
        assert_eq!(key(&mut surface), Some(Key::Char('u')));
        for _ in 0..2 {
            assert!(matches!(surface.next_gesture(LONG), Err(SurfaceError::Closed(_))));
        }
    }
}
