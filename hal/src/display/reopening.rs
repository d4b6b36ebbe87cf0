//! A screen that comes and goes: it is opened again every two seconds until it is there.
//!
//! Who shows a frame is never kept waiting by a screen that is away: a call is at most one attempt to open or one
//! frame's transfer. A screen that is there and unfit is not tried again, since nothing but a hand can change that.

use std::io;
use std::time::Duration;

use super::{Frame, Screen, ScreenError};
use crate::gesture::Clock;

/// How often a screen that is away is tried. A plug is put in by hand: sooner is not noticed, and each attempt on an I2C
/// bus takes others' time.
pub const REOPEN_EVERY: Duration = Duration::from_secs(2);

/// A screen, or the place where one may be.
pub struct Reopening<O, S, C> {
    open: O,
    clock: C,
    name: String,
    screen: Option<S>,
    tried: Option<Duration>,
    /// Why it is away.
    fault: Option<ScreenError>,
}

impl<O, S, C> Reopening<O, S, C>
where
    O: FnMut() -> Result<S, ScreenError>,
    S: Screen,
    C: Clock,
{
    /// A screen that `open` opens, with the name that its faults carry. Nothing is opened before the first frame.
    pub fn new(name: &str, open: O, clock: C) -> Self {
        Self { open, clock, name: name.to_owned(), screen: None, tried: None, fault: None }
    }

    fn with(&mut self, what: impl FnOnce(&mut S) -> Result<(), ScreenError>) -> Result<(), ScreenError> {
        if let Some(fault) = self.fault.as_ref().filter(|_| self.resting()) {
            return Err(again(fault));
        }
        let done = self.opened().and_then(what);
        self.fault = done.err().map(|error| match error {
            ScreenError::Gone(cause) => {
                ScreenError::Gone(io::Error::new(cause.kind(), format!("{}: {cause}", self.name)))
            }
            unfit @ ScreenError::Unfit { .. } => unfit,
        });
        let Some(fault) = &self.fault else { return Ok(()) };
        self.screen = None;
        // The clock starts when a screen goes: what was just lost is not there again at once.
        self.tried = Some(self.clock.now());
        Err(again(fault))
    }

    /// The screen, opened if it was away.
    fn opened(&mut self) -> Result<&mut S, ScreenError> {
        match self.screen {
            Some(ref mut screen) => Ok(screen),
            None => Ok(self.screen.insert((self.open)()?)),
        }
    }

    /// Whether a screen that is away is left alone for now.
    fn resting(&self) -> bool {
        let just_tried = self.tried.is_some_and(|at| self.clock.now().saturating_sub(at) < REOPEN_EVERY);
        just_tried || matches!(self.fault, Some(ScreenError::Unfit { .. }))
    }
}

impl<O, S, C> Screen for Reopening<O, S, C>
where
    O: FnMut() -> Result<S, ScreenError>,
    S: Screen,
    C: Clock,
{
    fn show(&mut self, frame: &Frame) -> Result<(), ScreenError> {
        self.with(|screen| screen.show(frame))
    }

    fn tend(&mut self) -> Result<(), ScreenError> {
        self.with(Screen::tend)
    }
}

/// The same fault once more.
fn again(fault: &ScreenError) -> ScreenError {
    match fault {
        ScreenError::Gone(cause) => ScreenError::Gone(io::Error::new(cause.kind(), cause.to_string())),
        ScreenError::Unfit { device, found, expected } => {
            ScreenError::Unfit { device: device.clone(), found: found.clone(), expected }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::io::ErrorKind;
    use std::time::Duration;

    use super::{REOPEN_EVERY, Reopening};
    use crate::display::{FakeScreen, Frame, Screen, ScreenError};
    use crate::gesture::VirtualClock;

    #[test]
    fn a_screen_that_is_away_is_tried_every_two_seconds_and_no_more_often() {
        let (tries, clock) = (Cell::new(0), VirtualClock::default());
        let open = || {
            tries.set(tries.get() + 1);
            if tries.get() < 4 { Err(ScreenError::Gone(ErrorKind::NotFound.into())) } else { Ok(FakeScreen::default()) }
        };
        let mut screen = Reopening::new("the OLED", open, clock.clone());
        let mut seen = Vec::new();
        // Nine seconds at ten frames a second.
        for _ in 0..90 {
            seen.push(screen.show(&Frame::default()).is_ok());
            clock.advance(Duration::from_millis(100));
        }
        assert_eq!(tries.get(), 4);
        let away = seen.iter().take_while(|it| !**it).count();
        assert_eq!(away, 60, "opened at the fourth attempt, after six seconds");
        assert!(seen[60..].iter().all(|it| *it));
    }

    #[test]
    fn a_screen_that_goes_in_the_middle_of_a_set_comes_back() {
        let (opened, clock) = (RefCell::new(0), VirtualClock::default());
        let open = || {
            *opened.borrow_mut() += 1;
            Ok(FakeScreen::default().gone(2, 3))
        };
        let mut screen = Reopening::new("the OLED", open, clock.clone());
        let shown: Vec<bool> = (0..2).map(|_| screen.show(&Frame::default()).is_ok()).collect();
        assert_eq!(shown, [true, true]);
        for _ in 0..2 {
            let words = screen.show(&Frame::default()).unwrap_err().to_string();
            assert_eq!(words, "the display is gone: the OLED: not connected", "the same words while it is away");
        }
        clock.advance(REOPEN_EVERY - Duration::from_nanos(1));
        assert!(screen.show(&Frame::default()).is_err());
        assert_eq!(*opened.borrow(), 1);
        clock.advance(Duration::from_nanos(1));
        assert!(screen.show(&Frame::default()).is_ok());
        assert_eq!(*opened.borrow(), 2);
    }

    #[test]
    fn an_unfit_screen_is_left_alone_and_says_why() {
        let (tries, clock) = (Cell::new(0), VirtualClock::default());
        let open = || -> Result<FakeScreen, ScreenError> {
            tries.set(tries.get() + 1);
            Err(ScreenError::Unfit { device: "/dev/fb0".into(), found: "8 bits a pixel".into(), expected: "16" })
        };
        let mut screen = Reopening::new("the monitor", open, clock.clone());
        for _ in 0..5 {
            let said = screen.show(&Frame::default()).unwrap_err().to_string();
            assert!(said.contains("8 bits a pixel"), "{said}");
            clock.advance(Duration::from_secs(60));
        }
        assert_eq!(tries.get(), 1);
    }
}
