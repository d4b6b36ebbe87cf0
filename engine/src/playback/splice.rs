//! Splices a decoded window into the tape, a slice a period.
//!
//! A 3 s window is 144 000 frames; written at once it would cost the audio thread most of a short period. So each call
//! writes at most [`SPLICE_FRAMES_PER_FILL`] frames, from the front, which is what will be played first. (The alternative,
//! swapping pointers to whole segments, was not taken: tape feedback and both fades have to touch the old sound anyway,
//! and the bench puts a slice of copying at a few per cent of the shortest period.)
//!
//! Both edges of a window fade against what is on the tape. What the playhead has already passed is dropped and the rest
//! fades in at the playhead. Nothing here allocates after `new`.

use super::crossfade::{Crossfade, correlation_of};
use super::head::Turn;
use super::parcel::{Landing, Parcel};
use crate::latent::StereoFrame;

/// Length of the fade at each edge of a window, in stereo samples: 25 ms, the published figure.
pub const SPLICE_FADE_FRAMES: usize = 1200;
/// The most stereo samples written to the tape in one call of `Player::fill`: 64 times as fast as the tape is played at
/// periods of 128, so that a window is always written faster than it is heard.
pub const SPLICE_FRAMES_PER_FILL: usize = 8192;

/// The shortest piece of a window worth splicing, in stereo samples: 20 ms, a fade of 10 ms at each edge. What a late
/// window has left below that would be a blip.
const SEGMENT_FRAMES_MIN: usize = 960;

/// The window being written, in one segment or, when the playhead jumps into it, in two.
#[derive(Debug)]
struct Work {
    parcel: Parcel,
    /// Where on the tape the parcel's frame 0 lands.
    land: usize,
    /// The segment being written, in frames of the parcel, and the fades at its edges.
    start: usize,
    end: usize,
    fade_in: usize,
    fade_out: usize,
    /// Next frame of the parcel to write.
    at: usize,
    /// Correlation with the tape at the edge being written.
    correlation: f32,
}

/// What is about to be heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ears {
    /// The place on the tape that is played next.
    pub(super) head: usize,
    /// The head has just jumped there.
    pub(super) unheard: bool,
    /// Heard before the writing may go on, when the head is about to turn.
    pub(super) turn: Option<Turn>,
}

/// Writes one window at a time.
#[derive(Debug)]
pub(super) struct Splicer {
    fade: Crossfade,
    work: Option<Work>,
}

impl Splicer {
    pub(super) fn new() -> Self {
        Self { fade: Crossfade::new(SPLICE_FADE_FRAMES), work: None }
    }

    /// Whether a window is being written.
    pub(super) fn busy(&self) -> bool {
        self.work.is_some()
    }

    /// Takes a window to write; `late` of its frames are dropped from the front.
    pub(super) fn take(&mut self, parcel: Parcel, late: usize) {
        let plan = parcel.plan.expect("a parcel leaves the packer with its plan");
        assert!(self.work.is_none() && late < plan.frames, "one window at a time, and something left of it");
        let mut work =
            Work { parcel, land: plan.land, start: 0, end: 0, fade_in: 0, fade_out: 0, at: 0, correlation: 0.0 };
        work.begin(late, plan.frames);
        self.work = Some(work);
    }

    /// Gives up the window being written, as far as it got. The edge that this leaves on the tape is the caller's to
    /// care for; only another tape makes that right.
    pub(super) fn give_up(&mut self) -> Option<Parcel> {
        self.work.take().map(|work| work.parcel)
    }

    /// Writes the next slice and takes what it wrote from `budget`; gives the box back when the window is whole.
    pub(super) fn write(&mut self, tape: &mut [StereoFrame], ears: Ears, budget: &mut usize) -> Option<Parcel> {
        let work = self.work.as_mut()?;
        // Under a head that has played nothing yet, the sound may change as long as the writing gets well past it now.
        let reach = if ears.unheard { budget.saturating_sub(SPLICE_FRAMES_PER_FILL / 4) } else { 0 };
        if work.at == work.end {
            work.begin(work.end, work.parcel_frames());
        }
        work.yield_to(ears.head, reach, tape.len());
        let mut allowed = ears.turn.map_or(*budget, |turn| work.stop_before(turn, *budget, tape.len()));
        *budget -= allowed;
        while allowed > 0 && work.at < work.end {
            allowed -= work.write_run(tape, &self.fade, allowed);
        }
        *budget += allowed;
        if work.done() { self.give_up() } else { None }
    }
}

impl Work {
    /// Begins a segment; one too short to fade in and out is left out.
    fn begin(&mut self, start: usize, end: usize) {
        let start = if end - start < SEGMENT_FRAMES_MIN { end } else { start };
        let fade = SPLICE_FADE_FRAMES.min((end - start) / 2);
        (self.start, self.at, self.end, self.fade_in, self.fade_out) = (start, start, end, fade, fade);
    }

    fn parcel_frames(&self) -> usize {
        self.parcel.plan.map_or(0, |plan| plan.frames)
    }

    fn done(&self) -> bool {
        self.at == self.parcel_frames()
    }

    /// The playhead may stand inside what is still to be written: changing the sound under it would be a step. Before
    /// the first frame is written the part behind the head is late and dropped; later it is ended with a fade at the
    /// head. Either way a new segment fades in where the head is, at the next call: a call always has the budget to finish
    /// the fade that begins a segment, so that what is cut here has faded in.
    fn yield_to(&mut self, head: usize, reach: usize, tape_frames: usize) {
        let next = (self.land + self.at) % tape_frames;
        let passed = (head + tape_frames - next) % tape_frames;
        if passed == 0 || self.end - self.at <= passed {
            return;
        }
        if self.at == self.start {
            if let Landing::Late { by } = &mut self.parcel.landing {
                *by += passed;
            } else if matches!(self.parcel.landing, Landing::InTime { .. }) {
                self.parcel.landing = Landing::Late { by: passed };
            }
            self.begin(self.at + passed, self.end);
        } else if passed > reach && self.at <= self.end - self.fade_out {
            // Only a jump brings the head here: what happens now says nothing about the lead.
            self.parcel.landing = Landing::Void;
            self.end = self.at + passed;
            self.fade_out = self.fade_out.min(passed);
        }
    }

    /// How many frames of `budget` may be written now. Where a call ends in mid window, new sound stands against old
    /// without a fade until the next call; in the turn that would be heard. So a call that cannot get through the turn
    /// stops ahead of it, outside of fades: a segment's first fade is written whole or not begun.
    fn stop_before(&self, turn: Turn, budget: usize, tape_frames: usize) -> usize {
        if budget >= self.end - self.at {
            return budget;
        }
        let next = (self.land + self.at) % tape_frames;
        let inside = (next + tape_frames - turn.begin) % tape_frames;
        if inside < turn.frames {
            return if self.at == self.start && inside + budget < turn.frames { 0 } else { budget };
        }
        let ahead = tape_frames - inside;
        if !(ahead..ahead + turn.frames).contains(&budget) {
            return budget;
        }
        let tail = (self.end - self.fade_out).max(self.at);
        let stop = (self.at + ahead).min(tail) - self.at;
        if self.at == self.start && stop < self.fade_in { 0 } else { stop }
    }

    /// Writes up to `budget` frames without crossing an edge of a fade or the end of the tape; returns how many.
    fn write_run(&mut self, tape: &mut [StereoFrame], fade: &Crossfade, budget: usize) -> usize {
        let (body, tail) = (self.start + self.fade_in, self.end - self.fade_out);
        let place = (self.land + self.at) % tape.len();
        if self.at == self.start && self.fade_in > 0 {
            self.correlation = self.listen(tape, place, self.fade_in);
        } else if self.at == tail && self.fade_out > 0 {
            self.correlation = self.listen(tape, place, self.fade_out);
        }
        let edge = [body, tail].into_iter().find(|edge| self.at < *edge).unwrap_or(self.end);
        let run = (edge - self.at).min(budget).min(tape.len() - place);
        let old = &mut tape[place..place + run];
        let new = &self.parcel.sound[self.at..self.at + run];
        let keep = self.parcel.feedback;
        if self.at < body {
            for (i, (old, new)) in (self.at - self.start..).zip(old.iter_mut().zip(new)) {
                let gains = fade.gains(i, self.fade_in, self.correlation);
                *old = gains.mix(*old, feed_back(*old, *new, keep));
            }
        } else if self.at >= tail {
            for (i, (old, new)) in (self.at - tail..).zip(old.iter_mut().zip(new)) {
                let gains = fade.gains(i, self.fade_out, self.correlation);
                *old = gains.mix(feed_back(*old, *new, keep), *old);
            }
        } else if keep == 0.0 {
            old.copy_from_slice(new);
        } else {
            old.iter_mut().zip(new).for_each(|(old, new)| *old = feed_back(*old, *new, keep));
        }
        self.at += run;
        run
    }

    /// How alike the window and the tape are over the fade of `length` that starts at `place`.
    fn listen(&self, tape: &[StereoFrame], place: usize, length: usize) -> f32 {
        let keep = self.parcel.feedback;
        let old = tape[place..].iter().chain(tape.iter()).copied();
        let new = self.parcel.sound[self.at..self.at + length].iter().copied();
        correlation_of(old.zip(new).map(|(old, new)| (old, feed_back(old, new, keep))))
    }
}

/// Tape feedback: how much of the old sound stays under the new, as a tape echo does.
#[inline]
fn feed_back(old: StereoFrame, new: StereoFrame, keep: f32) -> StereoFrame {
    [keep * old[0] + (1.0 - keep) * new[0], keep * old[1] + (1.0 - keep) * new[1]]
}
