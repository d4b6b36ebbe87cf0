//! MIDI clock to outside: drum machines and sequencers follow the tape.
//!
//! Ticks follow from where the tape is being read, so the clock is in time with what is heard. They go on while the song
//! is stopped, so that a receiver holds the tempo. A receiver begins with the tick that follows a start or a continue, and
//! may only be placed at a sixteenth: so a start is said with the tape's first tick, and a continue one tick ahead of the
//! sixteenth that was told before it, which leaves the receiver time to get there. The tape's turn from its end to its
//! start is no seek: ticks simply go on.
//!
//! Whoever asks too late has missed ticks. A few are made up for; more would reach the receiver as a burst, so they are
//! left out and counted, and the receiver is placed anew, as after a seek. This reads no clock and allocates nothing.

use std::ops::Range;

use hal::gesture::Transport;

use super::tape_beats::TapeBeats;

/// Ticks said at once at most: what a long period of the sound card holds at the fastest tempo.
const MOST_AT_ONCE: u64 = 4;
/// Ticks in a sixteenth.
const SIXTEENTH: u64 = 6;
/// Ticks after the tape's first within which a start can still be made good.
const LATE: u64 = 2;
/// Sixteenths that a song position can say; then it begins anew.
const POSITIONS: u64 = 1 << 14;
/// A playhead may be reported this far behind itself and only trembles, in ms.
const TREMBLES_MS: u64 = 100;

/// Where a receiver's song is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Song {
    Stopped,
    /// To go on from wherever the tape will be found.
    Resuming,
    /// From the tape's first tick.
    Starting,
    /// From this tick, whose sixteenth was told.
    Continuing(u64),
    Running,
}

/// The clock that receivers hear.
#[derive(Clone, Debug)]
pub struct ClockOut {
    beats: TapeBeats,
    /// The first frame whose ticks have not been said; `None` before a landing.
    told: Option<u64>,
    song: Song,
    skipped: u64,
}

impl ClockOut {
    /// A clock for a tape; the song is stopped.
    #[must_use]
    pub const fn new(beats: TapeBeats) -> Self {
        Self { beats, told: None, song: Song::Stopped, skipped: 0 }
    }

    /// Another tape, or another tempo.
    pub const fn set_beats(&mut self, beats: TapeBeats) {
        self.beats = beats;
        self.told = None;
    }

    /// The song begins when the tape does: seek it to its start.
    pub fn start(&mut self, say: &mut impl FnMut(Transport)) {
        self.stop(say);
        self.song = Song::Starting;
        self.told = None;
    }

    /// The song goes on from where the tape is.
    pub fn carry_on(&mut self) {
        if self.song == Song::Stopped {
            self.song = Song::Resuming;
        }
    }

    /// The song stops. Ticks go on.
    pub fn stop(&mut self, say: &mut impl FnMut(Transport)) {
        if self.song == Song::Running {
            say(Transport::Stop);
        }
        self.song = Song::Stopped;
    }

    /// The tape was sent elsewhere: what is found next is no stall. (A seek by more than a few ticks is also noticed
    /// unsaid.)
    pub const fn sought(&mut self) {
        self.told = None;
    }

    /// Whether receivers play.
    #[must_use]
    pub fn running(&self) -> bool {
        self.song == Song::Running
    }

    /// Ticks left out because nobody asked in time.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Frames from the playhead to the next tick's: how long one may rest. None before the first [`ClockOut::advance`].
    #[must_use]
    pub fn rest(&self, playhead: u64) -> u64 {
        self.told.map_or(0, |told| self.beats.frame_of(self.beats.ticks_before(told)).saturating_sub(playhead))
    }

    /// Says what is due with the playhead at a frame of the tape that turns from `lap`'s end to its start.
    pub fn advance(&mut self, playhead: u64, lap: Range<u64>, say: &mut impl FnMut(Transport)) {
        let heard = playhead + 1;
        let Some(told) = self.told else { return self.land(playhead, say) };
        if self.song == Song::Resuming {
            self.enter(told, say);
        }
        if heard >= told {
            let due = self.count(told..heard);
            if due > MOST_AT_ONCE {
                self.skipped += due;
                return self.land(playhead, say);
            }
            self.say_ticks(told..heard, say);
            self.told = Some(heard);
            return;
        }
        let back = told - heard;
        let end = told..lap.end.max(told);
        let start = lap.start.min(playhead)..heard;
        if lap.contains(&playhead) && (end.end - end.start) + (start.end - start.start) < back {
            self.turn(end, start, say);
        } else if back > self.beats.frames_in(TREMBLES_MS) || self.song == Song::Starting {
            // One that waits for the tape's start takes even the shortest way back for it.
            self.land(playhead, say);
        }
    }

    /// The tape has turned: first what was left of its end, then its start.
    fn turn(&mut self, end: Range<u64>, start: Range<u64>, say: &mut impl FnMut(Transport)) {
        let due = self.count(end.clone()) + self.count(start.clone());
        if due > MOST_AT_ONCE {
            self.skipped += due;
            return self.land(start.end - 1, say);
        }
        let lap = start.start..end.end;
        self.say_ticks(end, say);
        let out_of_reach = match self.song {
            Song::Continuing(tick) => !lap.contains(&self.beats.frame_of(tick)),
            Song::Starting => lap.start > 0,
            Song::Stopped | Song::Resuming | Song::Running => false,
        };
        if out_of_reach {
            self.enter(lap.start, say);
        }
        self.told = Some(start.end);
        self.say_ticks(start, say);
    }

    /// The playhead was found somewhere, and what lay before is not known.
    fn land(&mut self, playhead: u64, say: &mut impl FnMut(Transport)) {
        let heard = playhead + 1;
        let mut from = playhead;
        match self.song {
            Song::Stopped => {}
            Song::Starting if self.count(0..heard) <= LATE + 1 => from = 0,
            Song::Starting => {}
            Song::Running => {
                say(Transport::Stop);
                self.enter(playhead, say);
            }
            Song::Resuming | Song::Continuing(_) => self.enter(playhead, say),
        }
        self.told = Some(heard);
        self.say_ticks(from..heard, say);
    }

    /// Tells a receiver where it will go on: the next sixteenth that leaves a tick to get there.
    fn enter(&mut self, frame: u64, say: &mut impl FnMut(Transport)) {
        let sixteenth = (self.beats.ticks_before(frame) + 1).div_ceil(SIXTEENTH);
        say(Transport::Position((sixteenth % POSITIONS) as u16));
        self.song = Song::Continuing(sixteenth * SIXTEENTH);
    }

    fn say_ticks(&mut self, frames: Range<u64>, say: &mut impl FnMut(Transport)) {
        for tick in self.beats.ticks_before(frames.start)..self.beats.ticks_before(frames.end) {
            if self.song == Song::Starting && tick == 0 {
                say(Transport::Start);
                self.song = Song::Running;
            }
            say(Transport::Clock);
            if self.song == Song::Continuing(tick + 1) {
                say(Transport::Continue);
                self.song = Song::Running;
            }
        }
    }

    fn count(&self, frames: Range<u64>) -> u64 {
        self.beats.ticks_before(frames.end).saturating_sub(self.beats.ticks_before(frames.start))
    }
}

#[cfg(test)]
mod tests;
