//! Moments of playing, and the way that the head goes: the one place where it is said which lap a frame belongs to.
//!
//! A place of the tape is heard once in every lap, so a place alone says nothing about when. A [`PlayedFrame`] does: it
//! counts what is heard, across laps, seeks and bands. A [`Course`] is a head that goes on as it does; it says which place
//! is played at a moment, and in which lap. Planner, splice and landing speak in moments and ask the course for places,
//! so that sound for the next lap can never be taken for sound that comes too late: its moment lies ahead, wherever on
//! the tape its place is.
//!
//! Pure arithmetic on numbers that wrap; no clock, no allocation.

use super::meters::Playhead;
use super::tape::LoopBand;

/// A moment: how many stereo samples were played since the start when it comes, modulo 2^36 (16 days at 48 kHz). Only
/// differences mean anything, and they are right across the wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayedFrame(u64);

impl PlayedFrame {
    /// Bits of the count.
    pub(super) const BITS: u32 = 36;
    const MASK: u64 = (1 << Self::BITS) - 1;

    /// The moment at which `count` stereo samples have been played.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count & Self::MASK)
    }

    /// The count, below 2^36.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.0
    }

    /// The moment `frames` stereo samples later.
    #[must_use]
    pub const fn after(self, frames: usize) -> Self {
        Self::new(self.0.wrapping_add(frames as u64))
    }

    /// Stereo samples from this moment to `then`; negative when `then` is past.
    #[must_use]
    pub const fn until(self, then: Self) -> i64 {
        let spare = u64::BITS - Self::BITS;
        ((then.0.wrapping_sub(self.0) << spare) as i64) >> spare
    }
}

/// The way ahead of a head that goes on as it does, round and round in its band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// The place that is played next, in the band.
    place: usize,
    now: PlayedFrame,
    band: LoopBand,
}

impl Course {
    /// From where `head` is, in `band`; a head outside of it is brought in by whole turns, as the player does.
    #[must_use]
    pub fn new(head: Playhead, band: LoopBand) -> Self {
        Self { place: band.wrap(head.position), now: head.played, band }
    }

    /// The moment of the frame that is played next.
    #[must_use]
    pub const fn now(&self) -> PlayedFrame {
        self.now
    }

    /// What is looped.
    #[must_use]
    pub const fn band(&self) -> LoopBand {
        self.band
    }

    /// The place of the tape that is played at `moment`, in stereo samples.
    #[must_use]
    pub fn place(&self, moment: PlayedFrame) -> usize {
        self.band.start() + self.offset(moment).rem_euclid(self.band.len() as i64) as usize
    }

    /// The lap that `moment` lies in: 0 is the one that is being played, 1 the next.
    #[must_use]
    pub fn lap(&self, moment: PlayedFrame) -> i64 {
        self.offset(moment).div_euclid(self.band.len() as i64)
    }

    /// The moment, after `moment`, at which the head is back at the band's start: the next lap's first.
    #[must_use]
    pub fn turn(&self, moment: PlayedFrame) -> PlayedFrame {
        moment.after(self.band.end() - self.place(moment))
    }

    /// Whether a head that is on course `later` got there from here by steady playing.
    #[must_use]
    pub fn leads_to(&self, later: &Self) -> bool {
        self.band == later.band && self.now.until(later.now) >= 0 && self.place(later.now) == later.place
    }

    /// Stereo samples from the band's start to `moment`, along the way.
    fn offset(&self, moment: PlayedFrame) -> i64 {
        (self.place - self.band.start()) as i64 + self.now.until(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    const TAPE: usize = 100_000;

    fn course(position: usize, played: u64, start: usize, end: usize) -> Course {
        let head = Playhead { position, played: PlayedFrame::new(played) };
        Course::new(head, LoopBand::new(start, end, TAPE).unwrap())
    }

    #[test]
    fn a_moment_behind_the_wrap_of_the_count_is_still_ahead() {
        let late = PlayedFrame::new((1 << 36) - 5);
        assert_eq!((late.until(PlayedFrame::new(7)), PlayedFrame::new(7).until(late)), (12, -12));
        assert_eq!(late.after(12), PlayedFrame::new(7));
    }

    #[test]
    fn a_place_behind_the_head_is_played_in_the_next_lap() {
        let it = course(15_000, 500, 10_000, 20_000);
        let next = PlayedFrame::new(500 + 9_000);
        assert_eq!((it.place(next), it.lap(next)), (14_000, 1));
        let past = PlayedFrame::new(0);
        assert_eq!((it.place(past), it.lap(past)), (14_500, 0));
        assert_eq!(it.turn(it.now()), PlayedFrame::new(5_500));
    }

    #[test]
    fn a_seek_or_another_band_leaves_the_course() {
        let it = course(15_000, 500, 10_000, 20_000);
        assert!(it.leads_to(&course(16_000, 1_500, 10_000, 20_000)));
        assert!(it.leads_to(&course(11_000, 6_500, 10_000, 20_000)), "around the turn");
        assert!(!it.leads_to(&course(17_000, 1_500, 10_000, 20_000)), "a seek");
        assert!(!it.leads_to(&course(16_000, 1_500, 10_000, 21_000)), "another band");
    }

    proptest! {
        /// The course says what a head does that plays frame by frame.
        #[test]
        fn the_course_is_what_a_head_does(
            start in 0_usize..90_000, length in 1_920_usize..30_000, at in 0_usize..100_000, steps in 0_usize..70_000
        ) {
            let end = (start + length).min(TAPE);
            let band = LoopBand::new(start.min(end - 1_920), end, TAPE).unwrap();
            let it = Course::new(Playhead { position: at, played: PlayedFrame::new((1 << 36) - 900) }, band);
            let (mut place, mut lap) = (it.place(it.now()), 0);
            for _ in 0..steps {
                place += 1;
                if place == band.end() {
                    (place, lap) = (band.start(), lap + 1);
                }
            }
            let moment = it.now().after(steps);
            prop_assert_eq!((it.place(moment), it.lap(moment)), (place, lap));
            prop_assert_eq!(it.place(it.turn(moment)), band.start());
            prop_assert!(it.lap(it.turn(moment)) == lap + 1);
        }
    }
}
