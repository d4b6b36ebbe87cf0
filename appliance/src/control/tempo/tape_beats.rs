//! The beats of a tape, as a fraction of whole numbers.
//!
//! The patch says a tempo; the tape says how long it is. Where the two nearly agree on a whole number of beats, the tape
//! is right, so that the beat does not slip by a little with every lap. All places are exact: a tick is asked for by its
//! number and never reached by adding up periods, so an hour of it has not drifted by one sample.

use super::TICKS_IN_BEAT;

/// A tape this near to a whole number of beats has that many: an eighth of a beat, and no more than a hundredth of all.
const NEAR_BEATS: f64 = 0.125;
const NEAR_PART: f64 = 0.01;

/// Ticks (24 a beat) a frame (a stereo sample), exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeBeats {
    ticks: u64,
    frames: u64,
    /// Frames a second.
    rate_hz: u32,
}

impl TapeBeats {
    /// The beats of a tape of so many frames, more than none, at a tempo in thousandths of a beat a minute.
    #[must_use]
    pub fn new(milli_bpm: u32, tape_frames: u64, rate_hz: u32) -> Self {
        assert!(milli_bpm > 0 && tape_frames > 0 && rate_hz > 0, "a tape has a length and a tempo");
        let minute = 60_000 * u64::from(rate_hz);
        let beats = tape_frames as f64 * f64::from(milli_bpm) / minute as f64;
        let off = (beats - beats.round()).abs();
        let (ticks, frames) = if beats >= 0.5 && off <= NEAR_BEATS.min(beats * NEAR_PART) {
            (beats.round() as u64 * u64::from(TICKS_IN_BEAT), tape_frames)
        } else {
            (u64::from(milli_bpm) * u64::from(TICKS_IN_BEAT), minute)
        };
        Self { ticks, frames, rate_hz }
    }

    /// Beats a minute.
    #[must_use]
    pub fn bpm(&self) -> f64 {
        self.beats_at(60.0 * f64::from(self.rate_hz))
    }

    /// The beat at a place of the tape, in frames; a place need not be whole.
    #[must_use]
    pub fn beats_at(&self, place: f64) -> f64 {
        place * self.ticks as f64 / (self.frames as f64 * f64::from(TICKS_IN_BEAT))
    }

    /// How many ticks lie before a frame. It is also the number of the first tick that does not.
    #[must_use]
    pub fn ticks_before(&self, frame: u64) -> u64 {
        let Some(last) = frame.checked_sub(1) else { return 0 };
        narrow(u128::from(last) * u128::from(self.ticks) / u128::from(self.frames)) + 1
    }

    /// The first frame at or after a tick.
    #[must_use]
    pub fn frame_of(&self, tick: u64) -> u64 {
        narrow((u128::from(tick) * u128::from(self.frames)).div_ceil(u128::from(self.ticks)))
    }

    /// Frames in so many milliseconds.
    pub(super) const fn frames_in(&self, ms: u64) -> u64 {
        self.rate_hz as u64 * ms / 1000
    }
}

fn narrow(count: u128) -> u64 {
    u64::try_from(count).expect("no tape plays for longer than the sun shines")
}

#[cfg(test)]
mod tests {
    use super::TapeBeats;
    use proptest::prelude::*;

    const RATE: u32 = 48_000;

    #[test]
    fn a_tape_that_is_nearly_whole_beats_long_is_whole() {
        let loose = TapeBeats::new(119_900, 60 * 48_000, RATE);
        assert_eq!(loose.bpm(), 120.0);
        assert_eq!(loose.ticks_before(60 * 48_000), 120 * 24);
        assert_eq!(TapeBeats::new(119_500, 60 * 48_000, RATE).bpm(), 119.5, "half a beat is no slip of the pen");
        assert_eq!(TapeBeats::new(120_000, 100, RATE).bpm(), 120.0, "far less than a beat");
    }

    #[test]
    fn the_beat_at_a_place_is_what_the_ticks_say() {
        let beats = TapeBeats::new(120_000, 48_000 * 60, RATE);
        assert_eq!((beats.beats_at(36_000.0), beats.frame_of(36), beats.ticks_before(36_000)), (1.5, 36_000, 36));
    }

    proptest! {
        #[test]
        fn ticks_and_frames_are_each_others_inverse(
            milli_bpm in 20_000..420_000u32, tape in 48_000..28_800_000u64, tick in 0..1_000_000u64
        ) {
            let beats = TapeBeats::new(milli_bpm, tape, RATE);
            let frame = beats.frame_of(tick);
            prop_assert_eq!(beats.ticks_before(frame), tick);
            prop_assert_eq!(beats.ticks_before(frame + 1), tick + 1);
        }
    }
}
