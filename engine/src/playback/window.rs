//! Which part of the latent to decode, when it will be heard, and where on the tape it lands.
//!
//! [`Walk`] chooses where windows start, in moments of the head's [`Course`]; places follow from those. Landing is exact to
//! the sample: waiting for the next latent frame would cost 20 ms of lead on average. The decode begins with the latent
//! frame that the landing lies in, and what lies before the landing is left out. (The decoder hears
//! [`CONTEXT_FRAMES`] to each side of what it renders; taking them around the tape's seam is its own affair.)
//!
//! A window overlaps the one before it by both their fades: the end of a window fades back into what was on the tape,
//! and the next one covers that fade with its body, so that no old sound is heard between them. A band that fits into one
//! window is renewed whole each time: what lies behind the head then is for the next lap.
//!
//! Pure arithmetic; nothing allocates, nothing reads a clock: time is the playhead's count of frames played.

use super::moment::{Course, PlayedFrame};
use super::splice::SPLICE_FADE_FRAMES;
use super::tape::{LoopBand, TapeId};
use crate::latent::SAMPLES_PER_LATENT_FRAME;

/// Latent frames of context on each side: the decoder's receptive field (strides 2, 4, 4, 6, 10), measured in
/// `tests/golden/README.md`.
pub const CONTEXT_FRAMES: usize = 9;

/// A band shorter than the tape is refreshed this far beyond its edges, in stereo samples, so that the fades of its
/// windows and the run-up to its seam are heard from fresh sound only.
const MARGIN_FRAMES: usize = SAMPLES_PER_LATENT_FRAME;

/// How far the next window reaches back over the one before it, in stereo samples: its own fade in, and the other's fade
/// out.
const OVERLAP_FRAMES: usize = 2 * SPLICE_FADE_FRAMES;

/// One window: what to decode, when it is heard, and where it lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowPlan {
    /// The tape that this window is for.
    pub tape: TapeId,
    /// Stereo sample of the tape where the kept sound starts.
    pub land: usize,
    /// Stereo samples kept; the run goes around the tape's end.
    pub frames: usize,
    /// Latent frames to decode, without context; the run goes around the tape's end.
    pub keep: usize,
    /// Stereo samples at the start of the kept sound that are not promised to be heard at first: those before a band's
    /// start, for the fade in, and those that are for the next lap.
    pub run_up: usize,
    /// The moment from which the kept sound is to be heard, `run_up` samples after `land`.
    pub due: PlayedFrame,
    /// The moment at which this was planned.
    pub planned: PlayedFrame,
}

impl WindowPlan {
    /// The latent frame that `land` lies in: the first to decode.
    #[must_use]
    pub const fn first_latent(&self) -> usize {
        self.land / SAMPLES_PER_LATENT_FRAME
    }

    /// Stereo samples at the start of the decoded sound that lie before `land`.
    #[must_use]
    pub const fn inside(&self) -> usize {
        self.land % SAMPLES_PER_LATENT_FRAME
    }

    /// Stereo samples of the kept sound that are heard.
    #[must_use]
    pub const fn heard(&self) -> usize {
        self.frames.saturating_sub(self.run_up)
    }
}

/// Where the next window starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A newer latent is there: at playhead + lead, over whatever older windows have put ahead of it. A window that
    /// ended a little short of there is joined instead (up to half the lead), so that no old sound shows between.
    Fresh,
    /// The same latent goes on: where the last window ended, unless playhead + lead has overtaken it.
    Onward,
    /// Here and nowhere else, over whatever older windows have put there.
    At(PlayedFrame),
}

/// Walks ahead of the playhead and plans windows that cover the tape without gaps.
#[derive(Debug)]
pub struct Walk {
    tape: TapeId,
    tape_frames: usize,
    keep: usize,
    /// The moment from which the next window is heard when it goes on from the last.
    joint: Option<PlayedFrame>,
    seen: Option<Course>,
    run: Run,
}

/// What the windows since [`Walk::begin_run`] have renewed.
#[derive(Debug, Default)]
struct Run {
    /// From where to where they follow one another without a gap.
    reaches: Option<(PlayedFrame, PlayedFrame)>,
    /// The band that they have gone round.
    round: Option<LoopBand>,
}

impl Run {
    /// A window is heard from `from` on, and the next one joins it at `joint`.
    fn goes_on(&mut self, from: PlayedFrame, joint: PlayedFrame, band: LoopBand) {
        let (begin, end) = self.reaches.filter(|(_, end)| 0 <= from.until(*end)).unwrap_or((from, from));
        let end = if 0 < end.until(joint) { joint } else { end };
        self.reaches = Some((begin, end));
        // The first window's fade lies under the body of the last: it ends one fade behind its joint.
        if band.len() as i64 <= begin.until(end) {
            self.round = Some(band);
        }
    }
}

impl Walk {
    /// A walk over a tape of `tape_latent_frames`, keeping `keep` latent frames a window (at least 1).
    #[must_use]
    pub fn new(tape: TapeId, tape_latent_frames: usize, keep: usize) -> Self {
        let tape_frames = tape_latent_frames * SAMPLES_PER_LATENT_FRAME;
        Self { tape, tape_frames, keep: keep.max(1), joint: None, seen: None, run: Run::default() }
    }

    /// Length of the tape, in stereo samples.
    #[must_use]
    pub fn tape_frames(&self) -> usize {
        self.tape_frames
    }

    /// Changes the window length from the next window on, in latent frames (at least 1).
    pub fn set_keep(&mut self, keep: usize) {
        self.keep = keep.max(1);
    }

    /// Stereo samples between the playhead and the end of what has been planned; 0 or less when nothing is left (always
    /// so after a seek or a change of band). When it is less than lead plus the time to the next latent, plan
    /// [`Start::Onward`].
    #[must_use]
    pub fn planned_ahead(&self, course: &Course) -> i64 {
        match self.joint {
            Some(joint) if self.goes_on(course) => course.now().until(joint),
            _ => 0,
        }
    }

    /// From now on windows are of another sound, or one of them never came: what lies on the tape is to be renewed.
    pub fn begin_run(&mut self) {
        self.run = Run::default();
    }

    /// Whether the windows since [`Self::begin_run`] have renewed all of this band, with its margins.
    #[must_use]
    pub fn has_gone_round(&self, band: LoopBand) -> bool {
        self.run.round == Some(band)
    }

    /// Plans the next window. `lead` is in stereo samples.
    ///
    /// # Panics
    /// When the course's band is not on the tape of this walk.
    pub fn plan(&mut self, course: &Course, lead: usize, start: Start) -> WindowPlan {
        assert!(course.band().end() <= self.tape_frames, "the band lies on the tape");
        if !self.goes_on(course) {
            (self.joint, self.run) = (None, Run::default());
        }
        self.seen = Some(*course);
        let from = self.start(course, lead, start);
        let keep = self.keep.min(self.tape_frames / SAMPLES_PER_LATENT_FRAME);
        let before = self.before(course, from);
        let land = (course.place(from) + self.tape_frames - before) % self.tape_frames;
        let (tape, planned) = (self.tape, course.now());
        let mut plan = WindowPlan { tape, land, frames: 0, keep, run_up: before, due: from, planned };
        plan.frames = keep * SAMPLES_PER_LATENT_FRAME - plan.inside();
        let joint = self.trim(&mut plan, course);
        self.joint = Some(joint);
        self.run.goes_on(from, joint, course.band());
        // Nobody can be promised what is joined nearer than the lead: it is heard where it comes in time, and next lap.
        let early = usize::try_from(from.until(planned.after(lead))).unwrap_or(0).min(plan.heard());
        let band = course.band().len();
        let in_this_lap = band == self.tape_frames || (early as i64) < from.until(course.turn(from));
        (plan.due, plan.run_up) = match in_this_lap {
            true => (from.after(early), before + early),
            // A band shorter than the lead has turned by then: all of it is for a lap to come.
            false => (from.after(early.div_ceil(band) * band), before),
        };
        plan
    }

    /// Stereo samples that a window heard from `from` on has before that: the fade in before a band's start, and where the
    /// whole band is renewed what is for the next lap.
    fn before(&self, course: &Course, from: PlayedFrame) -> usize {
        let into = course.place(from) - course.band().start();
        match course.band().len() == self.tape_frames {
            false if self.fits(course.band()) => MARGIN_FRAMES + into,
            false if into == 0 => MARGIN_FRAMES,
            _ => 0,
        }
    }

    /// The moment from which the next window's sound goes on.
    fn start(&self, course: &Course, lead: usize, start: Start) -> PlayedFrame {
        if let Start::At(moment) = start {
            return moment;
        }
        let target = course.now().after(lead);
        let behind = self.joint.map(|joint| joint.until(target));
        let joined = self.joint.filter(|_| match (start, behind) {
            // Windows that renew all of the band leave nothing between them that one would have to join.
            _ if self.fits(course.band()) => start == Start::Onward && behind < Some(0),
            (Start::Fresh, behind) => behind.is_some_and(|it| (0..=lead as i64 / 2).contains(&it)),
            (Start::Onward, behind) => behind <= Some(lead as i64 / 2),
            (Start::At(_), _) => false,
        });
        // A little before the turn is left as it is: to decode a window for it would make the next one late, with which the
        // lap begins.
        let little = lead.min(course.band().len() / 4) as i64;
        let whole = course.band().len() == self.tape_frames || self.fits(course.band());
        let turn = course.turn(target);
        joined.unwrap_or(if !whole && target.until(turn) < little { turn } else { target })
    }

    /// Whether one window renews all of `band`, which is not the whole tape.
    fn fits(&self, band: LoopBand) -> bool {
        // The margin is a whole latent frame: the landing lies as deep in its own as the band's start.
        let inside = band.start() % SAMPLES_PER_LATENT_FRAME;
        let room = (self.keep * SAMPLES_PER_LATENT_FRAME).min(self.tape_frames) - inside;
        MARGIN_FRAMES + band.len() + SPLICE_FADE_FRAMES <= room
    }

    /// Whether the playhead is where steady playing since the last plan would have brought it.
    fn goes_on(&self, course: &Course) -> bool {
        self.seen.is_some_and(|seen| seen.leads_to(course))
    }

    /// Ends the window at the band's far margin and says where the next one joins it.
    fn trim(&self, plan: &mut WindowPlan, course: &Course) -> PlayedFrame {
        if course.band().len() == self.tape_frames {
            return onward(plan);
        }
        let turn = course.turn(plan.due);
        let to_turn = plan.due.until(turn) as usize;
        plan.frames = plan.frames.min(plan.run_up + to_turn + MARGIN_FRAMES).min(self.tape_frames);
        if self.fits(course.band()) {
            return plan.due.after(course.band().len());
        }
        if plan.heard() < to_turn + SPLICE_FADE_FRAMES.min(plan.frames / 2) { onward(plan) } else { turn }
    }
}

/// The moment from which the window after `plan` is heard: at least one sample further on, however short this one is.
fn onward(plan: &WindowPlan) -> PlayedFrame {
    let overlap = OVERLAP_FRAMES.min(plan.frames / 2);
    plan.due.after(plan.heard().saturating_sub(overlap).max(1))
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
