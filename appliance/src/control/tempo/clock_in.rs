//! MIDI clock from outside: whose it is, how fast, and where the beat lies.
//!
//! A clock says 24 ticks a quarter note, each late by what its cable and its sender's other work cost. A straight line
//! through the last four beats of ticks gives tempo and beat; a source that truly changes is told from one that trembles
//! by its ticks straying to one side for a while, and then the line begins anew with them. A source that falls silent
//! leaves the tempo as it was: beats go on, and whoever asks can hear that they are guessed.
//!
//! Several controllers may send a clock. The first that ticks is the master until it is silent for a second. Start,
//! continue, stop and song position are the master's to give; while there is none, anyone's. This reads no clock of its
//! own: gestures bring their time.

use std::collections::VecDeque;
use std::time::Duration;

use hal::gesture::{SurfaceId, Transport};

use super::{FASTEST_BPM, Grid, SLOWEST_BPM, TICKS_IN_BEAT};

/// A master this long silent is one no longer.
const ABDICATES: Duration = Duration::from_secs(1);
/// A clock this long silent is lost: four ticks of the slowest tempo.
const LOST: Duration = Duration::from_millis(500);
/// Ticks in the line: four beats. Jitter of 2 ms then moves the tempo by less than a thousandth.
const MOST_TICKS: usize = 4 * TICKS_IN_BEAT as usize + 1;
/// Ticks before a line is believed: half a beat.
const FEWEST_TICKS: usize = 12;
/// A tick this far from its line, in seconds, does not tremble: USB and a busy sender make 2 ms.
const ASTRAY_S: f64 = 0.004;
/// Ticks astray in a row, all to one side, before the line begins anew.
const MOST_ASTRAY: usize = 6;
/// Sixteenths are six ticks.
const TICKS_IN_SIXTEENTH: u64 = 6;
/// How far outside the range a line may point and still mean its end.
const SLACK: f64 = 0.02;

/// What the sender of the clock wants of the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// Play from the beginning.
    Start,
    /// Play on.
    Continue,
    /// Be silent.
    Stop,
    /// Go to this sixteenth.
    Locate(u16),
}

/// Everything heard of clocks.
#[derive(Clone, Debug, Default)]
pub struct ClockIn {
    /// Who ticks, and when it last did.
    master: Option<(SurfaceId, Duration)>,
    /// When the last tick was heard.
    last: Option<Duration>,
    /// Times of the line's ticks, oldest first.
    line: VecDeque<Duration>,
    /// Ticks astray in a row; below zero when early.
    astray: i32,
    /// What the next tick is counted as; the beat is where it divides by 24.
    next: u64,
    /// Where a continue goes on from, in ticks.
    song: u64,
    playing: bool,
    grid: Option<Grid>,
    refused: u64,
}

impl ClockIn {
    /// Takes a transport message; answers what it asks for. A start acts at once and not on the tick after it, because
    /// that tick may never come.
    pub fn hear(&mut self, at: Duration, from: SurfaceId, message: Transport) -> Option<Cue> {
        let master = self.master.filter(|(_, last)| at.saturating_sub(*last) < ABDICATES);
        if master.is_some_and(|(master, _)| master != from) {
            return None;
        }
        match message {
            Transport::Clock => {
                if self.master.is_none_or(|(master, _)| master != from) {
                    self.begin_line();
                }
                self.master = Some((from, at));
                self.tick(at);
                None
            }
            Transport::Start => {
                (self.next, self.song, self.playing) = (0, 0, true);
                Some(Cue::Start)
            }
            Transport::Continue => {
                (self.next, self.playing) = (self.song, true);
                Some(Cue::Continue)
            }
            Transport::Stop => {
                self.playing = false;
                Some(Cue::Stop)
            }
            Transport::Position(sixteenths) => {
                self.song = u64::from(sixteenths) * TICKS_IN_SIXTEENTH;
                if self.playing {
                    self.next = self.song;
                }
                Some(Cue::Locate(sixteenths))
            }
        }
    }

    /// A controller has gone: if it was the master, another may be at once.
    pub fn gone(&mut self, surface: SurfaceId) {
        if self.master.is_some_and(|(master, _)| master == surface) {
            self.master = None;
            self.begin_line();
        }
    }

    /// Forgets tempo and beats; the next clock is the first.
    pub fn clear(&mut self) {
        *self = Self { refused: self.refused, ..Self::default() };
    }

    /// Whether a clock is ticking now.
    #[must_use]
    pub fn ticking(&self, now: Duration) -> bool {
        self.last.is_some_and(|last| now.saturating_sub(last) < LOST)
    }

    /// Whether a clock was heard that is silent now: tempo and beats are those of before.
    #[must_use]
    pub fn lost(&self, now: Duration) -> bool {
        self.last.is_some() && !self.ticking(now)
    }

    /// When the last tick was heard.
    #[must_use]
    pub const fn last_tick(&self) -> Option<Duration> {
        self.last
    }

    /// Who the master is: whoever ticked last.
    #[must_use]
    pub fn master(&self) -> Option<SurfaceId> {
        self.master.map(|(master, _)| master)
    }

    /// The beats, once there was half of one; beat 0 was the last start, or the first tick without one.
    #[must_use]
    pub const fn grid(&self) -> Option<Grid> {
        self.grid
    }

    /// Ticks that came at no tempo that music has.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn tick(&mut self, at: Duration) {
        if !self.ticking(at) {
            self.begin_line();
        }
        // A clock that steps back is one that stands.
        let at = self.last.map_or(at, |last| last.max(at));
        self.last = Some(at);
        self.watch(at);
        if self.line.len() == MOST_TICKS {
            self.line.pop_front();
        }
        self.line.push_back(at);
        let beat = self.next as f64 / f64::from(TICKS_IN_BEAT);
        self.next += 1;
        if self.playing {
            self.song = self.next;
        }
        let held = self.grid.map(|grid| Grid { at, beat, ..grid });
        self.grid = match fit(&self.line) {
            Some((end, period)) if self.line.len() >= FEWEST_TICKS => {
                let bpm = 60.0 / (period * f64::from(TICKS_IN_BEAT));
                let clamped = bpm.clamp(SLOWEST_BPM, FASTEST_BPM);
                if (bpm - clamped).abs() <= clamped * SLACK {
                    Some(Grid { at: end, beat, bpm: clamped })
                } else {
                    self.refused += 1;
                    held
                }
            }
            _ => held,
        };
    }

    /// Begins the line anew when its ticks have strayed to one side for a while.
    fn watch(&mut self, at: Duration) {
        let Some((end, period)) = fit(&self.line).filter(|_| self.line.len() >= FEWEST_TICKS) else { return };
        let late = at.as_secs_f64() - end.as_secs_f64() - period;
        let side = if late.abs() > ASTRAY_S { late.signum() as i32 } else { 0 };
        self.astray = if side == self.astray.signum() { self.astray + side } else { side };
        if self.astray.unsigned_abs() as usize >= MOST_ASTRAY {
            self.line.drain(..self.line.len() + 1 - MOST_ASTRAY);
            self.astray = 0;
        }
    }

    fn begin_line(&mut self) {
        self.line.clear();
        self.astray = 0;
    }
}

/// The straight line through the ticks by least squares: when the last should have come, and seconds a tick.
fn fit(line: &VecDeque<Duration>) -> Option<(Duration, f64)> {
    let first = *line.front().filter(|_| line.len() > 1)?;
    let count = line.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mut sum = 0.0;
    let mut moment = 0.0;
    for (number, at) in line.iter().enumerate() {
        // From the line's first tick, so that a box that has been up for weeks loses no precision.
        let seconds = (*at - first).as_secs_f64();
        sum += seconds;
        moment += (number as f64 - middle) * seconds;
    }
    let period = moment * 12.0 / (count * (count * count - 1.0));
    let end = (sum / count + period * middle).max(0.0);
    // No bound on garbage but the type's: ticks that all came at one moment have a period of nothing.
    Some((first + Duration::try_from_secs_f64(end).ok()?, period))
}

#[cfg(test)]
mod tests;
