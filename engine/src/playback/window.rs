//! Which latent frames to decode, and where on the tape the sound lands.
//!
//! The decoder hears 9 latent frames to each side of the one it renders, so a window is decoded with 9 frames of context
//! a side and only the middle is kept: the kept part equals the full decode to rounding. The tape loops, so context is
//! taken around its seam ([`Edges::Cyclic`]) and the loop is rendered as a loop; [`Edges::Clamped`] stops at the ends as
//! a full decode does.
//!
//! [`Walk`] chooses where windows start. Landing is exact to the sample: waiting for the next latent frame would
//! cost 20 ms of lead on average. A window overlaps the one before it by the splice's fade, because the end of a window
//! fades back into what was on the tape.
//!
//! Pure arithmetic; nothing allocates, nothing reads a clock: time is the playhead's count of frames played.

use super::meters::Playhead;
use super::splice::SPLICE_FADE_FRAMES;
use super::tape::{LoopBand, TapeId};
use crate::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};

/// Latent frames of context on each side: the decoder's receptive field (strides 2, 4, 4, 6, 10), measured in
/// `tests/golden/README.md`.
pub const CONTEXT_FRAMES: usize = 9;

/// A band shorter than the tape is refreshed this far beyond its edges, in stereo samples, so that the fades of its
/// windows and the run-up to its seam are heard from fresh sound only.
const MARGIN_FRAMES: usize = SAMPLES_PER_LATENT_FRAME;

/// What the decoder hears beyond the ends of the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// The other end: the tape is a loop. Every window decodes the same number of frames.
    Cyclic,
    /// Nothing, as in a decode of the whole latent. Windows at the ends decode fewer frames.
    Clamped,
}

/// One window: what to decode and where it lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowPlan {
    /// The tape that this window is for.
    pub tape: TapeId,
    /// Latent frames in the tape.
    pub tape_latent_frames: usize,
    /// First latent frame to decode, context included.
    pub first_latent: usize,
    /// How many latent frames to decode, context included; the run goes around the tape's end.
    pub decode_frames: usize,
    /// Stereo samples at the start of the decoded sound that are context only.
    pub skip: usize,
    /// Stereo sample of the tape where the kept sound starts.
    pub land: usize,
    /// Stereo samples kept; the run goes around the tape's end.
    pub frames: usize,
    /// Stereo samples at the start of the kept sound that lie before a band's start and are not heard (for the fade in).
    pub run_up: usize,
    /// The played count at which the kept sound starts to be heard, `run_up` samples after `land`.
    pub due: u64,
    /// The played count at which this was planned.
    pub planned: u64,
}

impl WindowPlan {
    /// The window that starts at stereo sample `land` and keeps up to `keep` latent frames of sound: the latent frame
    /// that `land` lies in is the first of them, so `keep * 1920` samples less the part before `land` are kept.
    ///
    /// # Panics
    /// When `land` is not on the tape or `keep` is 0: both are the planner's own figures.
    #[must_use]
    pub fn at(land: usize, keep: usize, tape_latent_frames: usize, edges: Edges) -> Self {
        assert!(land < tape_latent_frames * SAMPLES_PER_LATENT_FRAME && keep > 0, "a window lies on the tape");
        let frame = land / SAMPLES_PER_LATENT_FRAME;
        let inside = land % SAMPLES_PER_LATENT_FRAME;
        let (first_latent, decode_frames, lead_in, keep) = match edges {
            Edges::Cyclic => {
                let turns = CONTEXT_FRAMES.div_ceil(tape_latent_frames);
                let first = (frame + turns * tape_latent_frames - CONTEXT_FRAMES) % tape_latent_frames;
                (first, keep + 2 * CONTEXT_FRAMES, CONTEXT_FRAMES, keep.min(tape_latent_frames))
            }
            Edges::Clamped => {
                let first = frame.saturating_sub(CONTEXT_FRAMES);
                let keep = keep.min(tape_latent_frames - frame);
                let last = (frame + keep + CONTEXT_FRAMES).min(tape_latent_frames);
                (first, last - first, frame - first, keep)
            }
        };
        Self {
            tape: TapeId::default(),
            tape_latent_frames,
            first_latent,
            decode_frames,
            skip: lead_in * SAMPLES_PER_LATENT_FRAME + inside,
            land,
            frames: keep * SAMPLES_PER_LATENT_FRAME - inside,
            run_up: 0,
            due: 0,
            planned: 0,
        }
    }

    /// The latent frames to decode, in order, going around the end of the tape.
    pub fn latent_frames(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, length) = (self.first_latent, self.tape_latent_frames);
        (0..self.decode_frames).map(move |i| (first + i) % length)
    }

    /// Copies the rows to decode from `latent` (`[tape frames, 64]`) to `rows` (`[decode_frames, 64]`).
    ///
    /// # Panics
    /// When either slice has another size.
    pub fn gather(&self, latent: &[f32], rows: &mut [f32]) {
        assert_eq!(latent.len(), self.tape_latent_frames * LATENT_CHANNELS, "the latent is as long as the tape");
        assert_eq!(rows.len(), self.decode_frames * LATENT_CHANNELS, "the rows are those that the plan names");
        for (frame, row) in self.latent_frames().zip(rows.chunks_exact_mut(LATENT_CHANNELS)) {
            row.copy_from_slice(&latent[frame * LATENT_CHANNELS..][..LATENT_CHANNELS]);
        }
    }

    /// Copies the kept part of decoded sound, `[2, decode_frames * 1920]` (all of left, then all of right), to `kept`
    /// (`frames` stereo samples).
    ///
    /// # Panics
    /// When either slice has another size.
    pub fn keep_planar(&self, decoded: &[f32], kept: &mut [StereoFrame]) {
        assert_eq!(decoded.len(), 2 * self.decode_frames * SAMPLES_PER_LATENT_FRAME, "two channels of decoded sound");
        assert_eq!(kept.len(), self.frames, "the kept part is what the plan says");
        let (left, right) = decoded.split_at(decoded.len() / 2);
        for ((frame, left), right) in kept.iter_mut().zip(&left[self.skip..]).zip(&right[self.skip..]) {
            *frame = [*left, *right];
        }
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
}

/// Where the last window left off.
#[derive(Clone, Copy, Debug)]
struct Joint {
    land: usize,
    run_up: usize,
    due: u64,
}

/// Walks ahead of the playhead and plans windows that cover the tape without gaps.
#[derive(Debug)]
pub struct Walk {
    tape: TapeId,
    tape_latent_frames: usize,
    keep: usize,
    joint: Option<Joint>,
    seen: Option<(Playhead, LoopBand)>,
}

impl Walk {
    /// A walk over a tape of `tape_latent_frames`, keeping `keep` latent frames a window (at least 1).
    #[must_use]
    pub fn new(tape: TapeId, tape_latent_frames: usize, keep: usize) -> Self {
        Self { tape, tape_latent_frames, keep: keep.max(1), joint: None, seen: None }
    }

    /// Changes the window length from the next window on, in latent frames (at least 1).
    pub fn set_keep(&mut self, keep: usize) {
        self.keep = keep.max(1);
    }

    /// Stereo samples between the playhead and the end of what has been planned; 0 or less when nothing is left (always
    /// so after a seek or a change of band). When it is less than lead plus the time to the next latent, plan
    /// [`Start::Onward`].
    #[must_use]
    pub fn planned_ahead(&self, head: Playhead, band: LoopBand) -> i64 {
        match self.joint {
            Some(joint) if self.goes_on(head, band) => Playhead::frames_between(head.played, joint.due),
            _ => 0,
        }
    }

    /// Plans the next window. `lead` is in stereo samples.
    ///
    /// # Panics
    /// When `band` is not on the tape of this walk.
    pub fn plan(&mut self, head: Playhead, band: LoopBand, lead: usize, start: Start) -> WindowPlan {
        let tape_frames = self.tape_latent_frames * SAMPLES_PER_LATENT_FRAME;
        assert!(band.end() <= tape_frames, "the band lies on the tape");
        if !self.goes_on(head, band) {
            self.joint = None;
        }
        self.seen = Some((head, band));
        let target = Joint { land: band.wrap(head.position + lead), run_up: 0, due: head.played + lead as u64 };
        let joined = self.joint.filter(|joint| {
            let behind = Playhead::frames_between(joint.due, target.due);
            match start {
                Start::Fresh => (0..=lead as i64 / 2).contains(&behind),
                Start::Onward => behind <= lead as i64 / 2,
            }
        });
        let from = joined.unwrap_or(target);
        let mut plan = WindowPlan::at(from.land, self.keep, self.tape_latent_frames, Edges::Cyclic);
        (plan.tape, plan.run_up, plan.due, plan.planned) = (self.tape, from.run_up, from.due, head.played);
        self.joint = Some(self.trim(&mut plan, band, tape_frames));
        plan
    }

    /// Whether the playhead is where steady playing since the last plan would have brought it.
    fn goes_on(&self, head: Playhead, band: LoopBand) -> bool {
        self.seen.is_some_and(|(seen, seen_band)| {
            let played = Playhead::frames_between(seen.played, head.played);
            seen_band == band && played >= 0 && band.wrap(seen.position + played as usize) == band.wrap(head.position)
        })
    }

    /// Ends the window at the band's far margin and says where the next one joins it.
    fn trim(&self, plan: &mut WindowPlan, band: LoopBand, tape_frames: usize) -> Joint {
        let fade = SPLICE_FADE_FRAMES.min(plan.frames / 2);
        let onward = |plan: &WindowPlan| Joint {
            land: (plan.land + plan.frames - fade) % tape_frames,
            run_up: 0,
            due: (plan.due + (plan.frames - fade) as u64).wrapping_sub(plan.run_up as u64),
        };
        if band.len() == tape_frames {
            return onward(plan);
        }
        // Offsets from the near margin, which may lie around the tape's end.
        let margin = MARGIN_FRAMES.min(tape_frames - band.len());
        let near = (band.start() + tape_frames - margin) % tape_frames;
        let offset = (plan.land + tape_frames - near) % tape_frames;
        let band_end = margin + band.len();
        plan.frames = plan.frames.min((band_end + margin).saturating_sub(offset).max(1)).min(tape_frames);
        if offset + plan.frames < band_end + fade.min(margin) {
            return onward(plan);
        }
        // The playhead turns at the band's end; the next window runs up to the band's start from the near margin.
        let turn = (plan.due + band_end as u64).wrapping_sub((offset + plan.run_up) as u64);
        Joint { land: near, run_up: margin, due: turn }
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
