//! Writes a decoded window onto the tape, a slice a period.
//!
//! A 3 s window is 144 000 frames; written at once it would cost the audio thread most of a short period. So each call
//! writes a share of it ([`SPLICE_FRAMES_PER_FILL`]), from the front, which is what will be played first. (The alternative,
//! swapping pointers to whole segments, was not taken: tape feedback and both fades have to touch the old sound anyway,
//! and the bench puts a slice of copying at a few per cent of the shortest period.)
//!
//! A window is always written whole, wherever the head is: what lies behind the head is for the next lap, and what lies
//! under it is the head's to fade over ([`super::head`]). Its own edges fade against what is on the tape. Where a slice
//! ends in mid window, new sound stands against old without a fade until the next call, so a slice never ends where
//! the head may read before that. Which lap a frame belongs to is of no concern here.
//!
//! Nothing here allocates after `new`.

use super::crossfade::{Crossfade, correlation_of};
use super::parcel::Parcel;
use super::tape::{Span, Tape};
use crate::latent::StereoFrame;

/// Length of the fade at each edge of a window, in stereo samples: 25 ms, the published figure.
pub const SPLICE_FADE_FRAMES: usize = 1200;
/// The most stereo samples written to the tape while 128 or fewer are played, and as many for each 128 of a longer period:
/// 48 times as fast as the tape is played. The longest window, of 3 s, is on the tape in 63 ms, and a player who asks for
/// such windows ten times a second is not kept waiting by the one before. What is heard first is written first, so more would
/// not be heard sooner; and a share from another process's memory, copied, looked at, spliced and kept, stays under a
/// hundredth of the period it is written in (`benches/boundary.rs`).
pub const SPLICE_FRAMES_PER_FILL: usize = 6144;

/// The shortest window worth splicing, in stereo samples: 20 ms, a fade of 10 ms at each edge. Below that it would be a
/// blip.
pub(super) const WINDOW_FRAMES_MIN: usize = 960;

/// How much may be written while `step` stereo samples are played.
pub(super) fn budget(step: usize) -> usize {
    SPLICE_FRAMES_PER_FILL.max(step * (SPLICE_FRAMES_PER_FILL / 128))
}

/// The window being written.
#[derive(Debug)]
struct Work {
    parcel: Parcel,
    /// Where on the tape the parcel's frame 0 lands.
    land: usize,
    /// Frames of the parcel to write, and the length of the fade at each edge.
    end: usize,
    fade: usize,
    /// Next frame of the parcel to write.
    at: usize,
    /// Correlation with the tape at the edge being written.
    correlation: f32,
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

    /// Takes a window to write.
    pub(super) fn take(&mut self, parcel: Parcel) {
        let plan = parcel.plan.expect("a parcel leaves the packer with its plan");
        assert!(self.work.is_none() && plan.frames > 0, "one window at a time, and something of it");
        let fade = SPLICE_FADE_FRAMES.min(plan.frames / 2);
        self.work = Some(Work { parcel, land: plan.land, end: plan.frames, fade, at: 0, correlation: 0.0 });
    }

    /// Brings as much of the window here as the next slice of at most `budget` reads: `fetch` copies so much of it and answers how
    /// much is here and good. A window that is not good to its end is ended before that, with its fade; one of which not even its
    /// fades are good comes back, and nothing of it was written.
    pub(super) fn fetch(&mut self, budget: usize, fetch: impl FnOnce(&mut Parcel, usize) -> usize) -> Option<Parcel> {
        let work = self.work.as_mut()?;
        let needed = work.end.min((work.at + budget).saturating_add(work.fade));
        if needed <= work.parcel.here {
            return None;
        }
        let good = fetch(&mut work.parcel, needed);
        if good < needed {
            // What was fetched before reaches over the fade behind what is written.
            work.end = good.max(work.at);
            if work.at == 0 {
                work.fade = SPLICE_FADE_FRAMES.min(good / 2);
                if good < WINDOW_FRAMES_MIN {
                    return self.work.take().map(|work| work.parcel);
                }
            }
        }
        None
    }

    /// The places that the next slice may cover: at most `budget`, and ending nowhere inside what is heard before the next
    /// call, `soon`. `None` when there is nothing that may be written now.
    pub(super) fn slice(&self, soon: &[Span], budget: usize, tape_frames: usize) -> Option<Span> {
        let work = self.work.as_ref()?;
        let frames = work.allowed(soon, budget, tape_frames);
        (frames > 0).then(|| Span { begin: (work.land + work.at) % tape_frames, frames })
    }

    /// Writes the next `frames` of the window; gives the box back when it is whole.
    pub(super) fn write(&mut self, tape: &mut Tape, frames: usize) -> Option<Parcel> {
        let work = self.work.as_mut()?;
        let mut allowed = frames;
        while allowed > 0 && work.at < work.end {
            allowed -= work.write_run(tape, &self.fade, allowed);
        }
        if work.at == work.end { self.work.take().map(|work| work.parcel) } else { None }
    }

    /// Ends the window being written where it is, with its fade; gives the box back. A little work, at most a fade's.
    pub(super) fn cut(&mut self, tape: &mut Tape) -> Option<Parcel> {
        let work = self.work.as_mut()?;
        if work.at < work.end - work.fade {
            // A slice never ends inside the first fade, so all that stands here has faded in.
            work.end = if work.at == 0 { 0 } else { work.at + work.fade };
        }
        self.write(tape, usize::MAX)
    }
}

impl Work {
    /// How many frames of `budget` may be written now.
    fn allowed(&self, soon: &[Span], budget: usize, tape_frames: usize) -> usize {
        let rest = self.end - self.at;
        if rest <= budget {
            return rest;
        }
        let mut frames = budget;
        // Stepping back out of one span may lead into another: each is left once at most.
        for _ in 0..soon.len() {
            for span in soon {
                let edge = self.land + self.at + frames;
                frames -= span.inside(edge, tape_frames).unwrap_or(0).min(frames);
            }
        }
        // The first fade is written whole or not begun.
        if self.at == 0 && frames < self.fade { 0 } else { frames }
    }

    /// Writes up to `budget` frames without crossing an edge of a fade or the end of the tape; returns how many.
    fn write_run(&mut self, tape: &mut Tape, fade: &Crossfade, budget: usize) -> usize {
        let (frames, heard) = tape.parts_mut();
        let (body, tail) = (self.fade, self.end - self.fade);
        let place = (self.land + self.at) % frames.len();
        if self.at == 0 || self.at == tail {
            self.correlation = self.listen(frames, heard, place);
        }
        let edge = [body, tail].into_iter().find(|edge| self.at < *edge).unwrap_or(self.end);
        let run = (edge - self.at).min(budget).min(frames.len() - place);
        let (old, heard) = (&mut frames[place..place + run], &heard[place..place + run]);
        let new = &self.parcel.sound[self.at..self.at + run];
        let keep = self.parcel.feedback;
        let mixed = heard.iter().zip(new).map(|(heard, new)| feed_back(*heard, *new, keep));
        if self.at < body {
            for (i, (old, new)) in (self.at..).zip(old.iter_mut().zip(mixed)) {
                *old = fade.gains(i, self.fade, self.correlation).mix(*old, new);
            }
        } else if self.at >= tail {
            for (i, (old, new)) in (self.at - tail..).zip(old.iter_mut().zip(mixed)) {
                *old = fade.gains(i, self.fade, self.correlation).mix(new, *old);
            }
        } else if keep == 0.0 {
            old.copy_from_slice(new);
        } else {
            old.iter_mut().zip(mixed).for_each(|(old, new)| *old = new);
        }
        self.at += run;
        run
    }

    /// How alike the window and the tape are over the fade that starts at `place`.
    fn listen<'tape>(&self, tape: &'tape [StereoFrame], heard: &'tape [StereoFrame], place: usize) -> f32 {
        let keep = self.parcel.feedback;
        // Both lie far apart in a memory that was not looked at for a lap: read in order, without a division a place, many
        // of their lines are on their way at once.
        let round = |of: &'tape [StereoFrame]| of[place..].iter().chain(of);
        let old = round(tape).zip(round(heard)).zip(&self.parcel.sound[self.at..self.at + self.fade]);
        correlation_of(old.map(|((old, heard), new)| (*old, feed_back(*heard, *new, keep))))
    }
}

/// Tape feedback: how much of what was heard in the last lap stays under the new, as a tape echo does.
#[inline]
fn feed_back(heard: StereoFrame, new: StereoFrame, keep: f32) -> StereoFrame {
    [keep * heard[0] + (1.0 - keep) * new[0], keep * heard[1] + (1.0 - keep) * new[1]]
}

#[cfg(test)]
mod tests {
    //! Goal: a window is on the tape whole, in slices that the head never hears the end of.

    use super::super::head::Head;
    use super::super::moment::PlayedFrame;
    use super::super::sound_memory::SoundMemory;
    use super::super::tape::{LoopBand, TapeId};
    use super::super::window::WindowPlan;
    use super::*;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    const TAPE: usize = 60 * 1920;

    fn sound(of: &[StereoFrame]) -> SoundMemory {
        SoundMemory::copy_of(of).expect("memory")
    }

    fn parcel(land: usize, frames: usize) -> Parcel {
        let (due, planned) = (PlayedFrame::default(), PlayedFrame::default());
        let plan = WindowPlan { tape: TapeId::default(), land, frames, keep: 60, run_up: 0, due, planned };
        Parcel { plan: Some(plan), sound: sound(&vec![[0.5; 2]; frames]), here: frames, ..Parcel::default() }
    }

    #[test]
    fn a_short_window_fades_over_half_of_itself_at_each_edge() {
        let (mut splicer, mut tape) = (Splicer::new(), Tape::new(vec![[0.0; 2]; TAPE]).unwrap());
        splicer.take(parcel(700, WINDOW_FRAMES_MIN));
        assert!(splicer.write(&mut tape, WINDOW_FRAMES_MIN).is_some() && !splicer.busy());
        let level = |at: usize| tape.frames()[at][0];
        assert_eq!((level(699), level(700 + WINDOW_FRAMES_MIN)), (0.0, 0.0));
        let half = WINDOW_FRAMES_MIN / 2;
        for at in 0..half {
            let (comes, goes) = (level(700 + at), level(700 + WINDOW_FRAMES_MIN - 1 - at));
            assert!((comes - goes).abs() < 1e-6, "it goes as it comes: {comes} and {goes} at {at}");
        }
        assert!(level(700) < 0.002 && level(700 + half / 2) < 0.36 && level(700 + half - 1) > 0.4999);
    }

    #[test]
    fn fades_hold_the_level_between_sounds_that_have_nothing_in_common() {
        let mut tape = Tape::new(vec![[0.5, 0.0]; TAPE]).unwrap();
        let mut splicer = Splicer::new();
        splicer.take(Parcel { sound: sound(&[[0.0, 0.5]; 5_000]), ..parcel(700, 5_000) });
        assert!(splicer.write(&mut tape, 5_000).is_some());
        for middle in [700 + SPLICE_FADE_FRAMES / 2, 700 + 5_000 - SPLICE_FADE_FRAMES / 2] {
            let [old, new] = tape.frames()[middle];
            assert!((old * old + new * new - 0.25).abs() < 1e-3, "{old} and {new} at {middle}");
        }
    }

    #[test]
    fn feedback_mixes_each_side_with_what_was_heard_of_it() {
        assert_eq!(feed_back([1.0, 2.0], [3.0, 5.0], 0.25), [2.5, 4.25]);
    }

    #[test]
    fn a_window_that_is_cut_in_its_last_fade_ends_where_it_would_have() {
        let (mut splicer, mut tape) = (Splicer::new(), Tape::new(vec![[0.0; 2]; TAPE]).unwrap());
        splicer.take(parcel(700, 5_000));
        assert!(splicer.write(&mut tape, 4_500).is_none() && splicer.cut(&mut tape).is_some());
        let level = |at: usize| tape.frames()[at][0];
        assert!(level(700 + 4_900) > 0.0 && level(700 + 4_990) > 0.0);
        assert_eq!((level(700 + 3_700), level(700 + 5_000)), (0.5, 0.0));
    }

    #[test]
    fn no_slice_is_no_slice_of_no_length() {
        let mut splicer = Splicer::new();
        assert_eq!(splicer.slice(&[], 8_192, TAPE), None);
        splicer.take(parcel(700, 5_000));
        assert_eq!(splicer.slice(&[], SPLICE_FADE_FRAMES - 1, TAPE), None, "the first fade is whole or not begun");
        let fade = Span { begin: 700, frames: SPLICE_FADE_FRAMES };
        assert_eq!(splicer.slice(&[], SPLICE_FADE_FRAMES, TAPE), Some(fade));
    }

    proptest! {
        /// The head is in any band, and reads while the window is written: straight on, around the turn, at the seam.
        #[test]
        fn a_slice_ends_nowhere_in_what_is_heard_before_the_next(
            land in 0_usize..TAPE, frames in WINDOW_FRAMES_MIN..TAPE, start in 0_usize..TAPE - 1_920, length in 1_920_usize..TAPE,
            into in 0_usize..TAPE, step in 1_usize..1_024
        ) {
            let end = (start + length).min(TAPE);
            let band = LoopBand::new(start.min(end - 1_920), end, TAPE).expect("it lies on the tape");
            let (mut tape, mut head) = (Tape::new(vec![[0.0; 2]; TAPE]).expect("a tape"), Head::new(band));
            let mut skipped = vec![[0.0; 2]; into % band.len()];
            head.read(&mut tape, &mut skipped);
            let mut splicer = Splicer::new();
            splicer.take(parcel(land, frames));
            let mut out = vec![[0.0; 2]; step];
            let (mut written, mut calls) = (0, 0);
            while splicer.busy() {
                let soon = head.soon(step);
                let budget = budget(step);
                let span = splicer.slice(&soon, budget, TAPE);
                prop_assert!(span.is_some() || written == 0, "what is begun goes on in each call");
                let Some(span) = span else { break };
                prop_assert_eq!(span.begin, (land + written) % TAPE);
                written += span.frames;
                prop_assert!(span.frames <= budget && written <= frames);
                let edge = (land + written) % TAPE;
                let heard = |it: &Span| it.inside(edge, TAPE).is_some_and(|inside| 0 < inside);
                prop_assert!(written == frames || !soon.iter().any(heard), "the edge at {edge} is heard: {soon:?}");
                splicer.write(&mut tape, span.frames);
                head.read(&mut tape, &mut out);
                calls += 1;
                prop_assert!(calls < 1_000, "the writing makes no way");
            }
            if !splicer.busy() {
                let body = SPLICE_FADE_FRAMES.min(frames / 2)..frames - SPLICE_FADE_FRAMES.min(frames / 2);
                prop_assert!(body.into_iter().all(|at| tape.frames()[(land + at) % TAPE] == [0.5; 2]), "it is there whole");
            }
        }
    }

    #[test]
    fn a_window_that_is_cut_ends_with_its_fade() {
        let (mut tape, mut splicer) = (Tape::new(vec![[0.0; 2]; TAPE]).expect("a tape"), Splicer::new());
        splicer.take(parcel(10_000, 60_000));
        let span = splicer.slice(&[], 8_192, TAPE).expect("there is a budget");
        splicer.write(&mut tape, span.frames);
        assert!(splicer.cut(&mut tape).is_some() && !splicer.busy());
        let at = |place: usize| tape.frames()[place][0];
        assert_eq!((at(18_191), at(18_192 + SPLICE_FADE_FRAMES)), (0.5, 0.0));
        let steepest = tape.frames().windows(2).map(|it| (it[1][0] - it[0][0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.5 * 2.0 / SPLICE_FADE_FRAMES as f32, "{steepest}");
        splicer.take(parcel(10_000, 60_000));
        assert!(splicer.cut(&mut tape).is_some(), "one that was not begun leaves nothing");
    }
}
