//! The display's own thread: who draws hands over a frame and goes on; the thread shows the latest.
//!
//! One place lies between them. A frame that is still there when the next one comes is dropped: what a player saw late
//! would be wrong. Frames equal to what stands are not shown again, and at most thirty a second are: beyond that nobody
//! reads, and an I2C bus has others on it. The place is locked for the copy of one kilobyte, so who draws waits for no
//! device, ever.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Frame, Screen};
use crate::gesture::Clock;

/// Least time between two frames: thirty a second.
pub const FRAME_LEAST: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// How often a screen is looked after, whether frames come or not: one that forgot what stands gets only changes otherwise.
pub const TEND_EVERY: Duration = Duration::from_secs(1);

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScreenCounts {
    /// Shown.
    pub shown: u64,
    /// Equal to what stood.
    pub equal: u64,
    /// Overtaken by the next before they were shown.
    pub dropped: u64,
    /// Refused by the screen.
    pub failed: u64,
}

/// Shows frames on a screen, at its pace: the thread's work without the thread.
#[derive(Debug)]
pub struct Painter<S, C> {
    screen: S,
    clock: C,
    stands: Option<Frame>,
    /// When the screen last got a frame.
    spoken: Option<Duration>,
    /// When it was last looked after.
    tended: Duration,
    counts: ScreenCounts,
    fault: Option<String>,
}

impl<S: Screen, C: Clock> Painter<S, C> {
    /// A painter before a screen of which nothing is known.
    pub fn new(screen: S, clock: C) -> Self {
        let tended = clock.now();
        Self { screen, clock, stands: None, spoken: None, tended, counts: ScreenCounts::default(), fault: None }
    }

    /// Waits until a frame may be shown again. Take the latest frame after this, not before.
    pub fn rest(&mut self) {
        let since = self.spoken.map_or(FRAME_LEAST, |at| self.clock.now().saturating_sub(at));
        if since < FRAME_LEAST {
            self.clock.wait(FRAME_LEAST - since);
        }
    }

    /// Shows a frame, unless it stands already. A frame that is refused is shown again with the next tending.
    pub fn paint(&mut self, frame: Frame) {
        if self.stands.as_ref() == Some(&frame) && self.fault.is_none() {
            self.counts.equal += 1;
            return;
        }
        let done = self.screen.show(&frame);
        self.stands = Some(frame);
        match done {
            Ok(()) => (self.counts.shown, self.fault) = (self.counts.shown + 1, None),
            Err(error) => (self.counts.failed, self.fault) = (self.counts.failed + 1, Some(error.to_string())),
        }
        self.spoken = Some(self.clock.now());
    }

    /// Looks after the screen, if it is time: one that refused gets the frame again.
    pub fn tend(&mut self) {
        if self.clock.now().saturating_sub(self.tended) < TEND_EVERY {
            return;
        }
        self.tended = self.clock.now();
        if self.fault.is_none() {
            self.fault = self.screen.tend().err().map(|error| error.to_string());
        } else if let Some(frame) = self.stands.take() {
            self.paint(frame);
        }
    }

    /// What became of the frames so far.
    #[must_use]
    pub const fn counts(&self) -> ScreenCounts {
        self.counts
    }

    /// Why the last frame is not seen, in words; `None` when it is.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

/// The place between who draws and the thread, and what the thread has to say.
#[derive(Debug, Default)]
struct Desk {
    place: Mutex<Place>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Place {
    frame: Option<Frame>,
    dropped: u64,
    leave: bool,
    counts: ScreenCounts,
    fault: Option<String>,
}

impl Desk {
    fn place(&self) -> MutexGuard<'_, Place> {
        // Nothing that can panic is done while the place is held.
        self.place.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A screen on a thread of its own. Dropped, it shows what still waits and ends.
#[derive(Debug)]
pub struct ScreenThread {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl ScreenThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start<S, C>(screen: S, clock: C) -> std::io::Result<Self>
    where
        S: Screen + Send + 'static,
        C: Clock + Send + 'static,
    {
        let desk = Arc::new(Desk::default());
        let painter = Painter::new(screen, clock);
        let theirs = Arc::clone(&desk);
        let thread = std::thread::Builder::new().name("display".to_owned()).spawn(move || work(painter, &theirs))?;
        Ok(Self { desk, thread: Some(thread) })
    }

    /// Hands over a frame. Returns at once; a frame that still waited is dropped.
    pub fn show(&self, frame: &Frame) {
        let mut place = self.desk.place();
        place.dropped += u64::from(place.frame.is_some());
        place.frame = Some(frame.clone());
        drop(place);
        self.desk.news.notify_one();
    }

    /// What became of the frames so far.
    #[must_use]
    pub fn counts(&self) -> ScreenCounts {
        let place = self.desk.place();
        ScreenCounts { dropped: place.dropped, ..place.counts }
    }

    /// Why nothing is seen, in words for a player; `None` while something is.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.desk.place().fault.clone()
    }

    /// Shows what still waits, ends the thread and says what became of the frames.
    #[must_use]
    pub fn finish(mut self) -> ScreenCounts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        self.desk.place().leave = true;
        self.desk.news.notify_one();
        if let Some(thread) = self.thread.take() {
            // A painter that panicked left the place usable; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for ScreenThread {
    fn drop(&mut self) {
        self.end();
    }
}

fn work<S: Screen, C: Clock>(mut painter: Painter<S, C>, desk: &Desk) {
    loop {
        let place = desk.place();
        let idle = |place: &mut Place| place.frame.is_none() && !place.leave;
        let waited = desk.news.wait_timeout_while(place, TEND_EVERY, idle);
        let (place, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        let leave = place.leave;
        drop(place);
        if !leave {
            painter.rest();
        }
        // Taken after the rest: it is the latest of all that came meanwhile.
        let frame = desk.place().frame.take();
        if let Some(frame) = frame {
            painter.paint(frame);
        }
        painter.tend();
        let mut place = desk.place();
        place.counts = painter.counts();
        place.fault = painter.fault().map(str::to_owned);
        if leave {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::{FRAME_LEAST, Painter, ScreenCounts, ScreenThread, TEND_EVERY};
    use crate::display::{FakeScreen, Frame, Screen, ScreenError};
    use crate::gesture::{Clock, VirtualClock};

    fn numbered(number: usize) -> Frame {
        let mut frame = Frame::default();
        frame.set(number % 128, number / 128, true);
        frame
    }

    #[test]
    fn no_more_than_thirty_frames_a_second_are_shown() {
        let clock = VirtualClock::default();
        let mut painter = Painter::new(FakeScreen::default(), clock.clone());
        for number in 0..90 {
            painter.rest();
            painter.paint(numbered(number));
        }
        assert_eq!(painter.counts(), ScreenCounts { shown: 90, ..ScreenCounts::default() });
        assert_eq!(clock.now(), FRAME_LEAST * 89, "the first frame waits for nothing");
    }

    #[test]
    fn a_frame_that_stands_is_not_shown_again() {
        let mut painter = Painter::new(FakeScreen::default(), VirtualClock::default());
        [1, 1, 1, 2, 2, 1].into_iter().for_each(|number| painter.paint(numbered(number)));
        assert_eq!(painter.counts(), ScreenCounts { shown: 3, equal: 3, ..ScreenCounts::default() });
        assert_eq!(painter.screen.count, 3);
    }

    #[test]
    fn a_refused_frame_is_shown_when_the_screen_is_back_though_nothing_was_drawn_since() {
        let clock = VirtualClock::default();
        let mut painter = Painter::new(FakeScreen::default().gone(1, 3), clock.clone());
        painter.paint(numbered(1));
        painter.paint(numbered(2));
        assert!(painter.fault().is_some());
        for fault in [true, false] {
            clock.advance(TEND_EVERY - Duration::from_nanos(1));
            painter.tend();
            clock.advance(Duration::from_nanos(1));
            painter.tend();
            assert_eq!(painter.fault().is_some(), fault);
        }
        assert_eq!(painter.screen.shown, numbered(2));
        assert_eq!(painter.counts(), ScreenCounts { shown: 2, failed: 2, ..ScreenCounts::default() });
    }

    #[test]
    fn a_screen_is_looked_after_once_a_second_though_frames_keep_coming() {
        struct Tended(u32);
        impl Screen for Tended {
            fn show(&mut self, _: &Frame) -> Result<(), ScreenError> {
                Ok(())
            }
            fn tend(&mut self) -> Result<(), ScreenError> {
                self.0 += 1;
                Ok(())
            }
        }
        let mut painter = Painter::new(Tended(0), VirtualClock::default());
        for number in 0..100 {
            painter.rest();
            painter.paint(numbered(number));
            painter.tend();
        }
        assert_eq!(painter.screen.0, 3, "a hundred frames take 3.3 seconds");
    }

    /// A screen that says when it begins a frame, and shows it when it may.
    struct Slow {
        began: Sender<Frame>,
        may: Receiver<()>,
    }

    impl Screen for Slow {
        fn show(&mut self, frame: &Frame) -> Result<(), ScreenError> {
            self.began.send(frame.clone()).expect("the test listens");
            self.may.recv().map_err(|_| ScreenError::Gone(std::io::ErrorKind::NotConnected.into()))
        }
    }

    #[test]
    fn while_a_slow_screen_shows_one_frame_the_latest_of_the_others_wins() {
        let ((began, begins), (allow, may)) = (channel(), channel());
        let thread = ScreenThread::start(Slow { began, may }, VirtualClock::default()).unwrap();
        thread.show(&numbered(0));
        assert_eq!(begins.recv(), Ok(numbered(0)));
        // The screen is busy; a hundred frames are handed over without waiting for it.
        (1..=100).for_each(|number| thread.show(&numbered(number)));
        allow.send(()).unwrap();
        assert_eq!(begins.recv(), Ok(numbered(100)));
        allow.send(()).unwrap();
        assert_eq!(thread.finish(), ScreenCounts { shown: 2, dropped: 99, ..ScreenCounts::default() });
        assert!(begins.try_recv().is_err());
    }

    #[test]
    fn the_last_frame_is_shown_before_the_thread_ends() {
        let ((began, begins), (allow, may)) = (channel(), channel());
        (0..3).for_each(|_| allow.send(()).unwrap());
        let thread = ScreenThread::start(Slow { began, may }, VirtualClock::default()).unwrap();
        thread.show(&numbered(7));
        thread.show(&numbered(8));
        drop(thread);
        assert_eq!(begins.iter().last(), Some(numbered(8)));
    }

    #[test]
    fn a_screen_that_fails_is_said_and_the_thread_lives() {
        let ((began, begins), (allow, may)) = (channel(), channel::<()>());
        drop(allow);
        let thread = ScreenThread::start(Slow { began, may }, VirtualClock::default()).unwrap();
        thread.show(&numbered(1));
        assert_eq!(begins.recv(), Ok(numbered(1)));
        thread.show(&numbered(2));
        assert_eq!(begins.recv(), Ok(numbered(2)));
        // The second frame begins only after the first one's fault was told.
        assert!(thread.fault().is_some_and(|words| words.contains("gone")));
        assert_eq!(thread.finish().failed, 2);
    }
}
