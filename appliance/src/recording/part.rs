//! The part of a recording that is played on.

use std::fmt;

use engine::latent::{SAMPLE_RATE_HZ, SAMPLES_PER_LATENT_FRAME, StereoFrame};

use super::SHORTEST_S;

/// A part of a recording, in stereo samples at 48 kHz from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its first sample.
    pub start: u64,
    /// The one behind its last.
    pub end: u64,
}

impl Part {
    /// Between two times in seconds; none of what is shorter than [`SHORTEST_S`], or no times.
    #[must_use]
    pub fn of_seconds([start, end]: [f64; 2]) -> Option<Self> {
        let is_one = 0.0 <= start && SHORTEST_S <= end - start && end <= 86_400.0;
        let sample = |seconds: f64| (seconds * f64::from(SAMPLE_RATE_HZ)).round() as u64;
        is_one.then(|| Self { start: sample(start), end: sample(end) })
    }

    /// Its two times in seconds; [`Self::of_seconds`] gives the same part.
    #[must_use]
    pub fn seconds(self) -> [f64; 2] {
        [self.start, self.end].map(|it| it as f64 / f64::from(SAMPLE_RATE_HZ))
    }

    /// The part that holds the stereo samples `band` of a tape of `tape` samples, which itself begins at sample `from` of its recording: whole
    /// latent frames, a second at least, no more than the tape has.
    ///
    /// A loop that ends on a beat is rarely a whole number of frames: what is more is kept behind it, or before it where the tape ends.
    #[must_use]
    pub fn around(band: [usize; 2], tape: usize, from: u64) -> Self {
        let [start, end] = band.map(|it| it.min(tape));
        let least = (SHORTEST_S * f64::from(SAMPLE_RATE_HZ)) as usize;
        let length = (end - start).max(least).next_multiple_of(SAMPLES_PER_LATENT_FRAME).min(tape);
        let first = start.min(tape - length);
        Self { start: from + first as u64, end: from + (first + length) as u64 }
    }

    /// The first sample of what plays: of no part the recording's own.
    #[must_use]
    pub fn first(part: Option<Self>) -> u64 {
        part.map_or(0, |it| it.start)
    }

    /// The two faders at which the loop `band` of a tape of the part `before` plays what it does on a tape of `frames` stereo samples of the part
    /// `after`, as far as that has it; of no part the tape is the recording's beginning.
    #[must_use]
    pub fn faders(band: [usize; 2], before: Option<Self>, after: Option<Self>, frames: usize) -> [f32; 2] {
        let first = |part| Self::first(part) as f64;
        band.map(|place| ((place as f64 + first(before) - first(after)) / frames.max(1) as f64).clamp(0.0, 1.0) as f32)
    }

    /// Leaves this of a recording; whether it is there. Where it is not, nothing is left out.
    pub(super) fn cut(self, pcm: &mut Vec<StereoFrame>) -> bool {
        let [start, end] = [self.start, self.end].map(|it| usize::try_from(it).unwrap_or(usize::MAX));
        // What was fitted as a whole may have been a frame longer than its file is.
        if pcm.len().saturating_add(SAMPLES_PER_LATENT_FRAME) < end || end <= start {
            return false;
        }
        pcm.resize(pcm.len().max(end), [0.0; 2]);
        pcm.truncate(end);
        pcm.drain(..start);
        true
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [start, end] = self.seconds();
        write!(f, "{start:.1} to {end:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: usize = SAMPLE_RATE_HZ as usize;

    #[test]
    fn a_part_of_a_second_and_more_is_one_and_comes_back_from_its_times() {
        for sound in [[0.0, 1.0], [1.0 / 3.0, 7.0], [59.000_02, 61.5]] {
            let part = Part::of_seconds(sound).expect("it is one");
            assert_eq!(Part::of_seconds(part.seconds()), Some(part));
        }
        for none in [[0.0, 0.9], [3.0, 2.0], [-1.0, 4.0], [f64::NAN, 4.0], [0.0, f64::NAN], [0.0, f64::INFINITY]] {
            assert_eq!(Part::of_seconds(none), None, "{none:?}");
        }
        assert_eq!(Part { start: 600_000, end: 1_310_400 }.to_string(), "12.5 to 27.3 s");
    }

    #[test]
    fn what_is_more_than_the_loop_lies_behind_it_and_before_it_at_the_end() {
        let tape = 10 * SECOND;
        let whole = Part::around([SECOND, 3 * SECOND], tape, 7);
        assert_eq!(whole, Part { start: 7 + SECOND as u64, end: 7 + 3 * SECOND as u64 });
        let behind = Part::around([100, 2 * SECOND], tape, 0);
        assert_eq!((behind.start, behind.end), (100, 100 + 2 * SECOND as u64));
        let before = Part::around([8 * SECOND + 100, tape], tape, 0);
        assert_eq!((before.start, before.end), (8 * SECOND as u64, tape as u64));
        let short = Part::around([tape - 4800, tape], tape, 0);
        assert_eq!(short, Part { start: 9 * SECOND as u64, end: tape as u64 });
        assert_eq!(Part::faders([tape - 4800, tape], None, Some(short), SECOND), [0.9, 1.0]);
        assert_eq!(Part::faders([0, SECOND], Some(short), None, tape), [0.9, 1.0], "and back");
        assert_eq!(Part::faders([0, SECOND], None, Some(short), SECOND), [0.0, 0.0], "it is not there");
    }

    proptest! {
        #[test]
        fn the_loop_plays_in_its_part_as_it_did_before(
            frames in 25_usize..1500, a in 0.0..1.0_f64, b in 0.0..1.0_f64, from in 0_u64..1 << 30,
        ) {
            let tape = frames * SAMPLES_PER_LATENT_FRAME;
            let band = engine::playback::LoopBand::from_faders(a as f32, b as f32, tape);
            let part = Part::around([band.start(), band.end()], tape, from);
            let before = Some(Part { start: from, end: from + tape as u64 });
            let length = (part.end - part.start) as usize;
            prop_assert!(length.is_multiple_of(SAMPLES_PER_LATENT_FRAME) && SECOND <= length);
            prop_assert!(from <= part.start && part.end <= from + tape as u64);
            let [start, end] = Part::faders([band.start(), band.end()], before, Some(part), length);
            let again = engine::playback::LoopBand::from_faders(start, end, length);
            let first = (part.start - from) as usize;
            prop_assert!((again.start() + first).abs_diff(band.start()) <= 1, "{again:?} of {part:?} is not {band:?}");
            prop_assert!((again.end() + first).abs_diff(band.end()) <= 1);
        }
    }

    #[test]
    fn what_is_not_there_is_not_cut_out() {
        let whole: Vec<StereoFrame> = (0..2 * SECOND).map(|it| [it as f32; 2]).collect();
        let cut = |start, end| {
            let mut pcm = whole.clone();
            Part { start, end }.cut(&mut pcm).then_some(pcm)
        };
        let inside = cut(100, 60_100).expect("it is there");
        assert_eq!((inside.len(), inside[0], inside[59_999]), (60_000, [100.0; 2], [60_099.0; 2]));
        let at_the_end = cut(40_000, 96_000 + 1920).expect("a frame more is silence");
        assert_eq!((at_the_end.len(), at_the_end[55_999], at_the_end[56_000]), (57_920, [95_999.0; 2], [0.0; 2]));
        assert!(cut(40_000, 96_000 + 1921).is_none() && cut(u64::MAX, u64::MAX).is_none() && cut(90, 80).is_none());
    }
}
