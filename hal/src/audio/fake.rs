//! An output that fails on cue and owns time, for tests of everything that must survive a bad evening.
//!
//! ```
//! use hal::audio::{Ask, AudioOut, FakeOut};
//! let mut out = FakeOut::default().play_periods(1).xrun().unplug(3).replug();
//! let period = [[0.0; 2]; 256];
//! out.open(Ask::default())?;
//! assert_eq!(out.write(&period)?.gaps, 0);
//! assert_eq!(out.write(&period)?.gaps, 1);
//! assert!(out.write(&period).is_err());
//! # Ok::<(), hal::audio::OutError>(())
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use super::{Agreed, Ask, AudioOut, Clock, Encoding, OutError, StereoFrame, Written};

/// A clock that stands still until somebody waits or plays. Clones tell the same time.
#[derive(Clone, Debug, Default)]
pub struct FakeClock {
    nanos: Arc<AtomicU64>,
}

impl FakeClock {
    /// Lets `time` pass.
    pub fn advance(&self, time: Duration) {
        self.nanos.fetch_add(time.as_nanos() as u64, SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(SeqCst))
    }

    fn wait_until(&mut self, then: Duration) {
        self.nanos.fetch_max(then.as_nanos() as u64, SeqCst);
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Cue {
    Play,
    Xrun,
    Unplug(u32),
    Fill,
}

/// How a device answers who opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It is not there.
    Absent,
    /// Somebody else has it.
    Busy,
    /// It is there, and cannot do what is asked.
    Unable,
    /// It opens, with periods of so many frames.
    Periods(usize),
}

/// A device with a script. When the script is over it plays on.
#[derive(Debug, Default)]
pub struct FakeOut {
    cues: VecDeque<Cue>,
    replugged: VecDeque<bool>,
    openings: VecDeque<Opening>,
    unpaced: bool,
    clock: FakeClock,
    ask: Ask,
    open: bool,
    /// Not to be opened before this.
    away_until: Option<Duration>,
    heard: Vec<StereoFrame>,
    opened: u32,
    delay: usize,
    forgets: bool,
}

impl FakeOut {
    /// Then plays `periods` writes.
    #[must_use]
    pub fn play_periods(mut self, periods: usize) -> Self {
        self.cues.extend(std::iter::repeat_n(Cue::Play, periods));
        self
    }

    /// Then has run dry before the next write.
    #[must_use]
    pub fn xrun(mut self) -> Self {
        self.cues.push_back(Cue::Xrun);
        self
    }

    /// Then is pulled out, for `periods` of its time if [`Self::replug`] follows, else for good.
    #[must_use]
    pub fn unplug(mut self, periods: u32) -> Self {
        self.cues.push_back(Cue::Unplug(periods));
        self.replugged.push_back(false);
        self
    }

    /// Then is a file that is full.
    #[must_use]
    pub fn fill(mut self) -> Self {
        self.cues.push_back(Cue::Fill);
        self
    }

    /// Answers whoever opens it by this list, while it is not pulled out; when the list is over it opens as asked.
    #[must_use]
    pub fn answer(mut self, openings: &[Opening]) -> Self {
        self.openings.extend(openings);
        self
    }

    /// Takes sound as fast as it comes.
    #[must_use]
    pub fn without_pace(mut self) -> Self {
        self.unpaced = true;
        self
    }

    /// Puts the device back after the last [`Self::unplug`].
    #[must_use]
    pub fn replug(mut self) -> Self {
        *self.replugged.back_mut().expect("a device is put back after it was pulled out") = true;
        self
    }

    /// The time that this device owns.
    #[must_use]
    pub fn clock(&self) -> FakeClock {
        self.clock.clone()
    }

    /// Holds so many frames before each write: the delay that it tells.
    #[must_use]
    pub fn delayed(mut self, frames: usize) -> Self {
        self.delay = frames;
        self
    }

    /// Keeps nothing of what it plays: for hours of it.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.forgets = true;
        self
    }

    /// Everything that was played.
    #[must_use]
    pub fn heard(&self) -> &[StereoFrame] {
        &self.heard
    }

    /// How often it was opened.
    #[must_use]
    pub fn opened(&self) -> u32 {
        self.opened
    }

    fn gone(&self) -> OutError {
        OutError::Gone { device: self.name(), cause: "no such device".into() }
    }

    fn period(&self) -> Duration {
        Duration::from_secs(self.ask.period_frames as u64) / self.ask.rate_hz
    }
}

impl AudioOut for FakeOut {
    fn name(&self) -> String {
        "fake".into()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        self.ask = ask;
        if self.away_until.is_some_and(|until| self.clock.now() < until) {
            return Err(self.gone());
        }
        let device = self.name();
        let period_frames = match self.openings.pop_front() {
            Some(Opening::Absent) => return Err(self.gone()),
            Some(Opening::Busy) => return Err(OutError::Gone { device, cause: "Device or resource busy".into() }),
            Some(Opening::Unable) => {
                let (asked, offered) = ("48000 Hz".into(), "44100 to 44100 Hz".into());
                return Err(OutError::Unsupported { device, asked, offered });
            }
            Some(Opening::Periods(frames)) => frames,
            None => ask.period_frames,
        };
        (self.open, self.away_until, self.opened) = (true, None, self.opened + 1);
        Ok(Agreed {
            period_frames,
            buffer_frames: ask.period_frames * ask.periods,
            channels: 2,
            encoding: Encoding::F32,
            paced: true,
        })
    }

    fn write(&mut self, frames: &[StereoFrame]) -> Result<Written, OutError> {
        if !self.open {
            return Err(self.gone());
        }
        let cue = self.cues.pop_front().unwrap_or(Cue::Play);
        if let Cue::Unplug(periods) = cue {
            self.open = false;
            let back = self.replugged.pop_front().unwrap_or(false);
            let until = if back { self.clock.now() + self.period() * periods } else { Duration::MAX };
            self.away_until = Some(until);
            return Err(self.gone());
        }
        if let Cue::Fill = cue {
            return Err(OutError::Full { path: self.name().into(), cause: "No space left on device".into() });
        }
        if !self.unpaced {
            self.clock.advance(Duration::from_secs(frames.len() as u64) / self.ask.rate_hz);
        }
        if !self.forgets {
            self.heard.extend_from_slice(frames);
        }
        Ok(Written { gaps: u32::from(matches!(cue, Cue::Xrun)) })
    }

    fn delay_frames(&mut self) -> usize {
        if self.open { self.delay } else { 0 }
    }
}
