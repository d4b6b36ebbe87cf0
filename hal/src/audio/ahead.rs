//! How far an output is ahead of the clock, and what holds it back: not every device takes as long as its sound.
//!
//! A card takes what it has played, and its buffer besides. ALSA's `null`, a file, a broken driver take everything at once: the
//! thread that feeds them would never sleep, and it runs at real-time priority. Who is further ahead than its buffer and a
//! quarter of a second is no card, and waits for the clock from then on. A card's own clock may be some per mille off
//! ours, so the count starts anew every ten seconds.

use std::time::Duration;

use super::Clock;
use super::clock::Pace;

/// What an honest device may be ahead, beside its buffer: some fill more than they say, some take a moment to start.
const SLACK: Duration = Duration::from_millis(250);
/// How long is counted: ten seconds of a card whose clock is 2 % fast are less than [`SLACK`].
const SPAN: Duration = Duration::from_secs(10);

/// The count of one output since it was opened.
#[derive(Debug)]
pub(super) struct Ahead {
    since: Duration,
    frames: u64,
    buffer_frames: u64,
    rate_hz: u32,
    held: Option<Pace>,
}

impl Ahead {
    /// Of an output that is opened at `now`.
    pub(super) fn new(now: Duration, buffer_frames: usize, rate_hz: u32) -> Self {
        Self { since: now, frames: 0, buffer_frames: buffer_frames as u64, rate_hz: rate_hz.max(1), held: None }
    }

    /// Counts `frames` that were taken, and waits where the clock sets the pace. `true` once: when that begins.
    pub(super) fn keep(&mut self, clock: &mut dyn Clock, frames: usize) -> bool {
        if let Some(pace) = &mut self.held {
            pace.wait(clock, frames, self.rate_hz);
            return false;
        }
        self.frames += frames as u64;
        let passed = clock.now().saturating_sub(self.since);
        let lasts = Duration::from_nanos(self.frames.saturating_mul(1_000_000_000) / u64::from(self.rate_hz));
        let buffer = Duration::from_nanos(self.buffer_frames.saturating_mul(1_000_000_000) / u64::from(self.rate_hz));
        if passed + buffer + SLACK < lasts {
            self.held = Some(Pace::default());
            return true;
        }
        if SPAN <= passed {
            (self.since, self.frames) = (clock.now(), 0);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Ahead;
    use crate::audio::{Clock, FakeClock};
    use std::time::Duration;

    const PERIOD: usize = 256;
    /// An hour of periods.
    const HOUR: usize = 3600 * 48_000 / PERIOD;

    /// Plays `periods` on a card whose clock runs `speed` times as fast as ours; whether it was held back.
    fn held(speed: f64, buffer: usize, periods: usize) -> bool {
        let mut clock = FakeClock::default();
        let mut ahead = Ahead::new(clock.now(), buffer, 48_000);
        (0..periods).any(|period| {
            // The first buffer is taken at once.
            if buffer <= period * PERIOD {
                clock.advance(Duration::from_secs_f64(PERIOD as f64 / 48_000.0 / speed));
            }
            ahead.keep(&mut clock, PERIOD)
        })
    }

    #[test]
    fn a_card_is_never_held_back_in_an_hour_however_its_clock_runs_or_long_its_buffer_is() {
        for speed in [0.98, 0.999, 1.0, 1.001, 1.02] {
            for buffer in [0, 768, 96_000] {
                assert!(!held(speed, buffer, HOUR), "{speed} times as fast, a buffer of {buffer}");
            }
        }
        // A machine that slept.
        let mut clock = FakeClock::default();
        let mut ahead = Ahead::new(clock.now(), 768, 48_000);
        clock.advance(Duration::from_secs(3600));
        assert!((0..40).all(|_| !ahead.keep(&mut clock, PERIOD)));
    }

    #[test]
    fn what_takes_everything_at_once_is_held_to_the_clock_within_a_third_of_a_second_of_sound() {
        let mut clock = FakeClock::default();
        let mut ahead = Ahead::new(clock.now(), 768, 48_000);
        let until = (0..HOUR).position(|_| ahead.keep(&mut clock, PERIOD)).expect("it is held back");
        assert!(until * PERIOD < 16_000, "after {until} periods");
        assert_eq!(clock.now(), Duration::ZERO, "it took no time until then");
        (0..375).for_each(|_| assert!(!ahead.keep(&mut clock, PERIOD), "said once"));
        assert_eq!(clock.now(), Duration::from_secs(2), "375 periods are two seconds");
        assert!(held(1.2, 768, HOUR), "and one that is a fifth too fast");
    }
}
