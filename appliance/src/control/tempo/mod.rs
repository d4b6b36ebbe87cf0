//! Tempo: whose counts, where the beat lies, and when the next one falls.
//!
//! A clock from outside counts before taps, taps before the patch's own tempo. The tape is never stretched to any of
//! them: tempo decides when a scene or a morph that waits for a beat or a bar comes, and what clock is sent out; that one
//! ([`ClockOut`]) follows the tape alone.
//!
//! Nothing here reads a clock: what happens brings its time, and who asks says when. Times are of one clock.

mod clock_in;
mod clock_out;
mod delay_line;
mod needle;
mod tap;
mod tape_beats;

use std::time::Duration;

use hal::gesture::{SurfaceId, Transport};

pub use clock_in::{ClockIn, Cue};
pub use clock_out::ClockOut;
pub use delay_line::DelayLine;
pub use needle::Needle;
pub use tap::{Tapped, Taps};
pub use tape_beats::TapeBeats;

/// Slowest tempo in beats a minute: a beat of three seconds.
pub const SLOWEST_BPM: f64 = 20.0;
/// Fastest tempo in beats a minute: a beat of a seventh of a second.
pub const FASTEST_BPM: f64 = 420.0;
/// Ticks of MIDI clock in a beat (a quarter note).
pub const TICKS_IN_BEAT: u32 = 24;
/// Beats of a bar where the patch says nothing.
const USUAL_BAR: u8 = 4;
/// A tapped tempo this near to a whole number is set as that.
const SAME_BPM: f64 = 0.5;
/// Beats that fall back by this much have gone round; less is a grid that was set a little better.
const BACK_BEATS: f64 = 0.1;
/// The longest that anything waits, in what it waits for: one that should have come has.
const WAIT_MOST: f64 = 1.1;
/// So near to a boundary, in seconds, one is on it: less than anyone hears, more than a straight line trembles.
const ON_IT_S: f64 = 0.001;

/// Beats in time: a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// A moment.
    pub at: Duration,
    /// The beat at that moment; the whole ones are beats, 0 is the one of a bar.
    pub beat: f64,
    /// Beats a minute, 20 to 420.
    pub bpm: f64,
}

impl Grid {
    /// The beat at another moment, before or after.
    #[must_use]
    pub fn beat_at(&self, now: Duration) -> f64 {
        let seconds = now.saturating_sub(self.at).as_secs_f64() - self.at.saturating_sub(now).as_secs_f64();
        self.beat + seconds * self.bpm / 60.0
    }
}

/// Whose tempo counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A MIDI clock; it may be lost, see [`Tempo::clock`].
    Clock,
    /// Taps.
    Tap,
    /// The patch.
    Patch,
}

/// What something waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantise {
    /// Nothing: at once.
    #[default]
    Off,
    /// The next beat.
    Beat,
    /// The next one of a bar.
    Bar,
    /// The end of the loop that plays, which is no matter of tempo.
    Loop,
}

/// Something that waits for a beat or a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wait {
    quantise: Quantise,
    /// The beat or bar in which it began to wait.
    during: i64,
    /// When it began, and at which beat.
    at: Duration,
    beat: f64,
}

/// Everything known of tempo.
#[derive(Clone, Debug, Default)]
pub struct Tempo {
    clock: ClockIn,
    taps: Taps,
    /// When a tap last made a tempo.
    tapped: Option<Duration>,
    patch: Option<Grid>,
    bar: Option<u8>,
}

impl Tempo {
    /// A patch was loaded: its tempo in beats a minute, 20 to 420, and the beats of its bar, 4 where it says nothing.
    /// Taps were for the patch before.
    pub fn set_patch(&mut self, now: Duration, bpm: Option<f64>, bar: Option<u8>) {
        self.clear_taps();
        self.set(now, bpm, bar);
    }

    /// The tempo was set under the same patch. Taps go on counting where it was they that set it: they know where the beat is.
    pub fn set(&mut self, now: Duration, bpm: Option<f64>, bar: Option<u8>) {
        let grid = |bpm: f64| Grid { at: now, beat: 0.0, bpm: bpm.clamp(SLOWEST_BPM, FASTEST_BPM) };
        self.patch = bpm.filter(|bpm| !bpm.is_nan()).map(grid);
        self.bar = bar.filter(|beats| *beats > 0);
        let is_tapped = |bpm: f64| self.taps.grid().is_some_and(|it| (it.bpm - bpm).abs() <= SAME_BPM);
        if !bpm.is_some_and(is_tapped) {
            self.clear_taps();
        }
    }

    fn clear_taps(&mut self) {
        self.taps.clear();
        self.tapped = None;
    }

    /// Where the tape is, in its beats ([`TapeBeats::beats_at`]): the patch's beats are those that are heard.
    pub fn set_tape(&mut self, now: Duration, beat: f64) {
        if let Some(grid) = self.patch.as_mut().filter(|_| beat.is_finite()) {
            (grid.at, grid.beat) = (now, beat);
        }
    }

    /// Takes a tap.
    pub fn tap(&mut self, at: Duration) -> Tapped {
        let tapped = self.taps.tap(at);
        if let Tapped::Tempo(_) = tapped {
            self.tapped = Some(at);
        }
        tapped
    }

    /// Takes a transport message; answers what it asks for.
    pub fn hear(&mut self, at: Duration, from: SurfaceId, message: Transport) -> Option<Cue> {
        self.clock.hear(at, from, message)
    }

    /// A controller has gone.
    pub fn gone(&mut self, surface: SurfaceId) {
        self.clock.gone(surface);
    }

    /// The clock from outside.
    #[must_use]
    pub const fn clock(&self) -> &ClockIn {
        &self.clock
    }

    /// Whose tempo counts now; none where nobody gave any. A clock that was lost goes on counting until someone taps.
    #[must_use]
    pub fn source(&self, now: Duration) -> Option<Source> {
        let since_tapped = |tick| self.tapped.is_none_or(|tapped| tapped <= tick);
        let held = self.clock.last_tick().is_some_and(since_tapped);
        if self.clock.grid().is_some() && (held || self.clock.ticking(now)) {
            Some(Source::Clock)
        } else if self.taps.grid().is_some() {
            Some(Source::Tap)
        } else {
            self.patch.map(|_| Source::Patch)
        }
    }

    /// The beats that count now.
    #[must_use]
    pub fn grid(&self, now: Duration) -> Option<Grid> {
        match self.source(now)? {
            Source::Clock => self.clock.grid(),
            Source::Tap => self.taps.grid(),
            Source::Patch => self.patch,
        }
    }

    /// Beats a minute, 20 to 420.
    #[must_use]
    pub fn bpm(&self, now: Duration) -> Option<f64> {
        self.grid(now).map(|grid| grid.bpm)
    }

    /// How far the beat has gone, 0 to below 1.
    #[must_use]
    pub fn phase(&self, now: Duration) -> Option<f64> {
        self.grid(now).map(|grid| grid.beat_at(now).rem_euclid(1.0))
    }

    /// The beat of the bar, from 0.
    #[must_use]
    pub fn beat_of_bar(&self, now: Duration) -> Option<u8> {
        self.grid(now).map(|grid| grid.beat_at(now).floor().rem_euclid(f64::from(self.bar())) as u8)
    }

    /// Beats in a bar.
    #[must_use]
    pub fn bar(&self) -> u8 {
        self.bar.unwrap_or(USUAL_BAR)
    }

    /// When the next beat or bar begins; `now` where one begins now, where there is no tempo, and with
    /// [`Quantise::Off`].
    #[must_use]
    pub fn next(&self, now: Duration, quantise: Quantise) -> Duration {
        let (Some(grid), Some(unit)) = (self.grid(now), self.unit(quantise)) else { return now };
        let beat = grid.beat_at(now);
        let off = beat - (beat / unit).round() * unit;
        if off.abs() <= ON_IT_S * grid.bpm / 60.0 {
            return now;
        }
        let left = (beat / unit).ceil() * unit - beat;
        now + Duration::from_secs_f64(left.max(0.0) * 60.0 / grid.bpm)
    }

    /// Begins to wait; none where there is nothing to wait for: act now.
    #[must_use]
    pub fn wait(&self, now: Duration, quantise: Quantise) -> Option<Wait> {
        let beat = self.grid(now).map_or(0.0, |grid| grid.beat_at(now));
        let during = self.during(now, quantise).unwrap_or(0);
        (self.next(now, quantise) > now).then_some(Wait { quantise, during, at: now, beat })
    }

    /// Whether what was waited for has come. It has also come when the beats were placed anew (a start from outside, a
    /// tap that said "now"), since that too is a one, when the tape went round, and when no tempo is left to wait for:
    /// nothing waits for ever.
    #[must_use]
    pub fn has_come(&self, wait: &Wait, now: Duration) -> bool {
        let (Some(grid), Some(unit)) = (self.grid(now), self.unit(wait.quantise)) else { return true };
        // A tape of one bar is in the same bar again after a lap.
        let went_back = grid.beat_at(now) < wait.beat - BACK_BEATS;
        let waited = now.saturating_sub(wait.at).as_secs_f64() * grid.bpm / 60.0;
        went_back || waited > unit * WAIT_MOST || self.during(now, wait.quantise) != Some(wait.during)
    }

    /// The number of the beat or bar that a moment lies in; one that is about to begin counts as begun.
    fn during(&self, now: Duration, quantise: Quantise) -> Option<i64> {
        let (grid, unit) = (self.grid(now)?, self.unit(quantise)?);
        Some(((grid.beat_at(now) + ON_IT_S / 2.0 * grid.bpm / 60.0) / unit).floor() as i64)
    }

    fn unit(&self, quantise: Quantise) -> Option<f64> {
        match quantise {
            Quantise::Off | Quantise::Loop => None,
            Quantise::Beat => Some(1.0),
            Quantise::Bar => Some(f64::from(self.bar())),
        }
    }
}

#[cfg(test)]
mod tests;
