//! An output that goes nowhere: for machines without sound, for renders and for tests of everything before it.

use super::clock::Pace;
use super::{Agreed, Ask, AudioOut, Clock, Encoding, OutError, RealClock, StereoFrame, Written};

/// Takes sound at the pace of a clock, or as fast as it comes.
pub struct NullOut {
    clock: Option<Box<dyn Clock + Send>>,
    pace: Pace,
    rate_hz: u32,
}

impl NullOut {
    /// Takes sound in real time.
    #[must_use]
    pub fn paced() -> Self {
        Self::with_clock(Some(Box::<RealClock>::default()))
    }

    /// Takes sound as fast as it comes.
    #[must_use]
    pub fn unpaced() -> Self {
        Self::with_clock(None)
    }

    /// Takes sound at the pace of `clock`.
    #[must_use]
    pub fn with_clock(clock: Option<Box<dyn Clock + Send>>) -> Self {
        Self { clock, pace: Pace::default(), rate_hz: 0 }
    }
}

impl AudioOut for NullOut {
    fn name(&self) -> String {
        "null".into()
    }

    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError> {
        self.rate_hz = ask.rate_hz;
        self.pace.restart();
        Ok(Agreed {
            period_frames: ask.period_frames,
            buffer_frames: 0,
            channels: 2,
            encoding: Encoding::F32,
            paced: self.clock.is_some(),
        })
    }

    fn write(&mut self, frames: &[StereoFrame]) -> Result<Written, OutError> {
        if let Some(clock) = &mut self.clock {
            self.pace.wait(clock.as_mut(), frames.len(), self.rate_hz);
        }
        Ok(Written::default())
    }
}
