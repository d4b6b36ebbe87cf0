//! A screen that keeps what it was shown and fails on cue.

use super::{Frame, Screen, ScreenError};

/// What was shown, and how often.
#[derive(Debug, Default)]
pub struct FakeScreen {
    /// The last frame that arrived.
    pub shown: Frame,
    /// Frames that arrived.
    pub count: usize,
    fail_from: Option<usize>,
    fail_until: usize,
}

impl FakeScreen {
    /// Is gone from the call `from` (counted from 0) until just before the call `until`.
    #[must_use]
    pub const fn gone(mut self, from: usize, until: usize) -> Self {
        self.fail_from = Some(from);
        self.fail_until = until;
        self
    }
}

impl Screen for FakeScreen {
    fn show(&mut self, frame: &Frame) -> Result<(), ScreenError> {
        let call = self.count;
        self.count += 1;
        if self.fail_from.is_some_and(|from| (from..self.fail_until).contains(&call)) {
            return Err(ScreenError::Gone(std::io::ErrorKind::NotConnected.into()));
        }
        self.shown = frame.clone();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FakeScreen, Frame, Screen};

    #[test]
    fn the_fake_is_gone_on_cue_and_comes_back() {
        let mut screen = FakeScreen::default().gone(1, 3);
        let shows: Vec<bool> = (0..4).map(|_| screen.show(&Frame::default()).is_ok()).collect();
        assert_eq!(shows, [true, false, false, true]);
    }
}
