//! Keeps an output playing through whatever a stage does to it.
//!
//! When the device goes away, time does not stop: the source is still asked for every period, at the right time, so that
//! the tape has moved on when the device is back, and everything that follows the playhead keeps its place. Opening is
//! tried again and again, less and less often. What a person must put right is handed up.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::clock::Pace;
use super::{Agreed, Ask, AudioOut, Clock, OutError, RealClock, StereoFrame};

/// First wait before a lost device is tried again, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// What became of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was taken by the device, after this many gaps.
    Played {
        /// Gaps in the sound, recovered from.
        gaps: u32,
    },
    /// The device is away; the time of the period has passed in silence.
    Away,
    /// The device was away and is back; this period was played.
    Back,
}

/// An output with patience.
pub struct Speaker<'o> {
    out: &'o mut dyn AudioOut,
    clock: Box<dyn Clock + Send>,
    ask: Ask,
    period: Vec<StereoFrame>,
    away: Option<Away>,
}

/// The device is away.
struct Away {
    pace: Pace,
    try_again: Duration,
    back_off: Duration,
}

impl<'o> Speaker<'o> {
    /// Opens `out`.
    ///
    /// # Errors
    /// When it cannot be opened the first time: then another output can still be chosen.
    pub fn open(out: &'o mut dyn AudioOut, ask: Ask) -> Result<(Self, Agreed), OutError> {
        Self::with_clock(out, ask, Box::<RealClock>::default())
    }

    /// [`Self::open`] with a clock to keep time by while the device is away.
    ///
    /// # Errors
    /// As `open`.
    pub fn with_clock(
        out: &'o mut dyn AudioOut,
        ask: Ask,
        clock: Box<dyn Clock + Send>,
    ) -> Result<(Self, Agreed), OutError> {
        let agreed = out.open(ask)?;
        let period = vec![[0.0; 2]; agreed.period_frames.max(1)];
        Ok((Self { out, clock, ask, period, away: None }, agreed))
    }

    /// Asks `fill` for one period and plays it, or lets its time pass.
    ///
    /// # Errors
    /// When a person must put something right; [`OutError::Gone`] is never returned.
    pub fn play_period(&mut self, fill: &mut dyn FnMut(&mut [StereoFrame])) -> Result<Heard, OutError> {
        let was_away = self.away.is_some();
        if was_away {
            self.look_again()?;
        }
        fill(&mut self.period);
        if let Some(away) = &mut self.away {
            away.pace.wait(self.clock.as_mut(), self.period.len(), self.ask.rate_hz);
            return Ok(Heard::Away);
        }
        match self.out.write(&self.period) {
            Ok(_) if was_away => Ok(Heard::Back),
            Ok(written) => Ok(Heard::Played { gaps: written.gaps }),
            Err(OutError::Gone { .. }) => {
                let mut away =
                    Away { pace: Pace::default(), try_again: self.clock.now() + BACK_OFF.0, back_off: BACK_OFF.0 };
                away.pace.wait(self.clock.as_mut(), self.period.len(), self.ask.rate_hz);
                self.away = Some(away);
                Ok(Heard::Away)
            }
            Err(error) => Err(error),
        }
    }

    /// Frames that are still to be heard before the next period: what the device holds. None while it is away.
    pub fn delay_frames(&mut self) -> usize {
        if self.away.is_some() { 0 } else { self.out.delay_frames() }
    }

    /// Plays until `stop`; `report` hears of every period and must not block.
    ///
    /// # Errors
    /// As [`Self::play_period`], and when the rest cannot be written at the end.
    pub fn play(
        &mut self,
        stop: &AtomicBool,
        fill: &mut dyn FnMut(&mut [StereoFrame]),
        report: &mut dyn FnMut(Heard),
    ) -> Result<(), OutError> {
        while !stop.load(Relaxed) {
            report(self.play_period(fill)?);
        }
        self.out.close()
    }

    /// Tries to open a lost device when its time has come.
    fn look_again(&mut self) -> Result<(), OutError> {
        let now = self.clock.now();
        let Some(away) = self.away.as_mut().filter(|away| away.try_again <= now) else { return Ok(()) };
        match self.out.open(self.ask) {
            Ok(agreed) => {
                self.period.resize(agreed.period_frames.max(1), [0.0; 2]);
                self.away = None;
                Ok(())
            }
            Err(OutError::Gone { .. }) => {
                away.back_off = (away.back_off * 2).min(BACK_OFF.1);
                away.try_again = now + away.back_off;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::FakeOut;

    const ASK: Ask = Ask { rate_hz: 48_000, period_frames: 480, periods: 3 };

    /// Plays `periods` and tells what was heard, with a source that numbers its periods.
    fn evening(out: &mut FakeOut, periods: usize) -> Vec<Heard> {
        let clock = out.clock();
        let (mut speaker, _) = Speaker::with_clock(out, ASK, Box::new(clock)).unwrap();
        let mut number = 0.0;
        let mut fill = |frames: &mut [StereoFrame]| {
            number += 1.0;
            frames.fill([number; 2]);
        };
        (0..periods).map(|_| speaker.play_period(&mut fill).unwrap()).collect()
    }

    #[test]
    fn a_gap_is_counted_and_the_sound_goes_on() {
        let mut out = FakeOut::default().play_periods(2).xrun();
        let heard = evening(&mut out, 4);
        assert_eq!(heard, [0, 0, 1, 0].map(|gaps| Heard::Played { gaps }));
        assert_eq!(out.heard().len(), 4 * 480);
    }

    #[test]
    fn while_the_device_is_away_the_source_goes_on_in_time() {
        let mut out = FakeOut::default().play_periods(10).unplug(30).replug();
        let heard = evening(&mut out, 100);
        let away = heard.iter().filter(|it| **it == Heard::Away).count();
        let back = heard.iter().position(|it| *it == Heard::Back).unwrap();
        // 25 periods of 10 ms until the first try, which comes too early; 50 more until the second.
        assert_eq!((away, back), (75, 85));
        assert_eq!(out.clock().now(), Duration::from_secs(1), "every period took its time, heard or not");
        assert_eq!(out.heard()[10 * 480], [86.0; 2], "the source had gone on");
        assert_eq!(out.opened(), 2);
    }

    #[test]
    fn a_device_that_never_comes_back_is_tried_less_and_less_often() {
        let mut out = FakeOut::default().unplug(1);
        assert!(evening(&mut out, 2_000).iter().all(|it| *it == Heard::Away));
        assert_eq!(out.clock().now(), Duration::from_secs(20));
        assert_eq!(out.opened(), 1);
    }

    #[test]
    fn the_first_opening_is_the_callers_to_judge() {
        let mut out = crate::audio::WavOut::unpaced("/no/such/folder/a.wav".as_ref(), crate::audio::WavFormat::F32);
        assert!(Speaker::open(&mut out, ASK).is_err());
    }
}
