//! Keeps an output playing through whatever a stage does to it.
//!
//! Time does not stop, whatever the device does: the source is asked for every period, at the right time, so that the tape has
//! moved on when a device comes or is back, and everything that follows the playhead keeps its place. A device that is not
//! there, is busy, or cannot do what is asked of it is tried again every second or two, from the first moment on: what a card
//! answers at one plug is no promise for the next. One that takes sound faster than time passes is held to the clock. A file
//! that is full is given up, and the sound goes nowhere. What happened is handed up as [`News`]; nothing here ends playing.

use std::collections::VecDeque;
use std::time::Duration;

use super::ahead::Ahead;
use super::clock::Pace;
use super::{Agreed, Ask, AudioOut, Clock, OutError, RealClock, StereoFrame};

/// First wait before a lost device is tried again, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// What became of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was taken by the output, after this many gaps.
    Played {
        /// Gaps in the sound, recovered from.
        gaps: u32,
    },
    /// Nobody hears it; its time has passed in silence.
    Away,
    /// The device was away and is here; this period was played.
    Back,
}

/// What a player should know of the output.
#[derive(Debug)]
pub enum News {
    /// It is away, for this reason; it is looked for. Said again when the reason is another.
    Away(OutError),
    /// It is here, after it was away.
    Back(Agreed),
    /// It takes sound faster than time passes; the clock sets the pace from now on.
    Unpaced,
    /// It will not take anything more, for this reason; the sound goes nowhere.
    Over(OutError),
}

/// An output with patience.
pub struct Speaker<'o> {
    out: &'o mut dyn AudioOut,
    clock: Box<dyn Clock + Send>,
    ask: Ask,
    period: Vec<StereoFrame>,
    state: State,
    news: VecDeque<News>,
}

enum State {
    /// The output takes the sound, so far ahead of the clock.
    Playing(Ahead),
    Away(Away),
    /// Nothing takes the sound any more.
    Over(Pace),
}

/// The device is away.
struct Away {
    pace: Pace,
    try_again: Duration,
    back_off: Duration,
    /// Why, as it was told last.
    told: String,
}

impl Away {
    /// From `now` on.
    fn since(now: Duration, why: &OutError) -> Self {
        Self { pace: Pace::default(), try_again: now + BACK_OFF.0, back_off: BACK_OFF.0, told: why.to_string() }
    }
}

impl<'o> Speaker<'o> {
    /// Opens `out`, now or when it can be.
    pub fn start(out: &'o mut dyn AudioOut, ask: Ask) -> Self {
        Self::with_clock(out, ask, Box::<RealClock>::default())
    }

    /// [`Self::start`] with a clock to keep time by.
    pub fn with_clock(out: &'o mut dyn AudioOut, ask: Ask, clock: Box<dyn Clock + Send>) -> Self {
        let period = vec![[0.0; 2]; ask.period_frames.max(1)];
        let mut speaker = Self { out, clock, ask, period, state: State::Over(Pace::default()), news: VecDeque::new() };
        match speaker.out.open(ask) {
            Ok(agreed) => speaker.begin(&agreed),
            Err(error) => speaker.lose(error),
        }
        speaker
    }

    /// Asks `fill` for one period and plays it, or lets its time pass.
    pub fn play_period(&mut self, fill: &mut dyn FnMut(&mut [StereoFrame])) -> Heard {
        let was_away = matches!(self.state, State::Away(_));
        if was_away {
            self.look_again();
        }
        fill(&mut self.period);
        if let State::Playing(ahead) = &mut self.state {
            match self.out.write(&self.period) {
                Ok(written) => {
                    if ahead.keep(self.clock.as_mut(), self.period.len()) {
                        self.news.push_back(News::Unpaced);
                    }
                    return if was_away { Heard::Back } else { Heard::Played { gaps: written.gaps } };
                }
                Err(error) => self.lose(error),
            }
        }
        if let State::Away(Away { pace, .. }) | State::Over(pace) = &mut self.state {
            pace.wait(self.clock.as_mut(), self.period.len(), self.ask.rate_hz);
        }
        Heard::Away
    }

    /// The oldest news that was not taken yet.
    pub fn take_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Frames between the last one handed over and the one being heard, as far as the device knows.
    pub fn delay_frames(&mut self) -> usize {
        if matches!(self.state, State::Playing(_)) { self.out.delay_frames() } else { 0 }
    }

    fn begin(&mut self, agreed: &Agreed) {
        self.period.resize(agreed.period_frames.max(1), [0.0; 2]);
        self.state = State::Playing(Ahead::new(self.clock.now(), agreed.buffer_frames, self.ask.rate_hz));
    }

    fn lose(&mut self, error: OutError) {
        let now = self.clock.now();
        match error {
            OutError::Gone { .. } | OutError::Unsupported { .. } => {
                self.state = State::Away(Away::since(now, &error));
                self.news.push_back(News::Away(error));
            }
            OutError::Full { .. } | OutError::NoFile { .. } => {
                self.state = State::Over(Pace::default());
                self.news.push_back(News::Over(error));
            }
        }
    }

    /// Tries to open a lost device when its time has come.
    fn look_again(&mut self) {
        let now = self.clock.now();
        let State::Away(away) = &mut self.state else { return };
        if now < away.try_again {
            return;
        }
        match self.out.open(self.ask) {
            Ok(agreed) => {
                self.begin(&agreed);
                self.news.push_back(News::Back(agreed));
            }
            Err(error @ (OutError::Gone { .. } | OutError::Unsupported { .. })) => {
                away.back_off = (away.back_off * 2).min(BACK_OFF.1);
                away.try_again = now + away.back_off;
                let words = error.to_string();
                if words != away.told {
                    away.told = words;
                    self.news.push_back(News::Away(error));
                }
            }
            Err(error) => self.lose(error),
        }
    }
}

#[cfg(test)]
#[path = "speaker_tests.rs"]
mod tests;
