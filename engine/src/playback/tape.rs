//! The loop of sound being played, what was last heard of it, and the part of it that loops.
//!
//! A tape carries a second loop of its own length: at each place what the head played when it was there last. Tape feedback
//! mixes new windows with that and not with the tape, on which windows overwrite each other many times a lap. The share of
//! old sound is therefore a matter of laps alone: after `n` of them `feedback^n` of it is left, whatever the length of
//! the windows, their number, or the speed of the machine. It costs as much memory again: 384 kB for each second.
//!
//! A [`Tape`] is checked once, where it is made: whole latent frames, finite, not longer than the packed playhead can
//! count. After that the audio thread owns it and nothing on that thread needs to ask again. No method here allocates
//! after `new`.

use super::sound_memory::SoundMemory;
use crate::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};

/// Which tape a window was decoded for. A window for another tape than the one playing is dropped, not spliced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapeId(pub(super) u32);

/// A loop of stereo sound, a whole number of latent frames long, every sample finite.
#[derive(Debug, Default)]
pub struct Tape {
    frames: SoundMemory,
    heard: SoundMemory,
}

/// A run of places on the tape, in stereo samples, which may go around its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begin: usize,
    pub(super) frames: usize,
}

impl Span {
    /// How far inside of it `place` lies on a tape of `tape_frames`: 0 is its first place. `None` outside.
    pub(super) fn inside(self, place: usize, tape_frames: usize) -> Option<usize> {
        let inside = (place + tape_frames - self.begin % tape_frames) % tape_frames;
        (inside < self.frames).then_some(inside)
    }

    /// Whether both have a place in common.
    pub(super) fn meets(self, other: Self, tape_frames: usize) -> bool {
        let begins = |a: Self, b: Self| b.frames > 0 && a.inside(b.begin, tape_frames).is_some();
        begins(self, other) || begins(other, self)
    }
}

/// Why a recording cannot be a tape. The caller tells the player and keeps the tape it has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TapeError {
    /// Nothing to play.
    #[error("the tape is empty")]
    Empty,
    /// The codec works in frames of 1920 samples; pad or cut the recording first.
    #[error("the tape has {found} stereo samples, which is not a multiple of {SAMPLES_PER_LATENT_FRAME}")]
    NotWholeLatentFrames {
        /// Stereo samples found.
        found: usize,
    },
    /// A NaN or infinite sample.
    #[error("the tape's sample {at} is not a finite number")]
    NonFinite {
        /// First stereo sample that is not finite.
        at: usize,
    },
    /// Longer than the playhead can count.
    #[error("the tape has {found} stereo samples, the most is {most}")]
    TooLong {
        /// Stereo samples found.
        found: usize,
        /// Stereo samples that fit.
        most: usize,
    },
    /// The system has none for so much sound.
    #[error("there is no memory for a tape of {found} stereo samples")]
    NoMemory {
        /// Stereo samples found.
        found: usize,
    },
}

impl Tape {
    /// The longest tape, in stereo samples: about 93 minutes. The playhead travels in 28 bits.
    pub const FRAMES_MAX: usize = (1 << 28) - SAMPLES_PER_LATENT_FRAME;

    /// A tape that starts as `source`, 48 kHz.
    ///
    /// # Errors
    /// When `source` is empty, too long, not finite, or not a whole number of latent frames; when there is no memory for it.
    pub fn new(source: impl AsRef<[StereoFrame]>) -> Result<Self, TapeError> {
        let source = source.as_ref();
        let found = source.len();
        if found == 0 {
            return Err(TapeError::Empty);
        }
        if found > Self::FRAMES_MAX {
            return Err(TapeError::TooLong { found, most: Self::FRAMES_MAX });
        }
        if !source.chunks_exact(SAMPLES_PER_LATENT_FRAME).remainder().is_empty() {
            return Err(TapeError::NotWholeLatentFrames { found });
        }
        if let Some(at) = source.iter().position(|frame| !frame.iter().all(|sample| sample.is_finite())) {
            return Err(TapeError::NonFinite { at });
        }
        // What was never played counts as heard: the source is what the player knows.
        let memory = || SoundMemory::copy_of(source).map_err(|_| TapeError::NoMemory { found });
        Ok(Self { heard: memory()?, frames: memory()? })
    }

    /// A tape of silence; at least one latent frame, and whole ones.
    pub(super) fn silent(frames: usize) -> Self {
        let frames = frames.next_multiple_of(SAMPLES_PER_LATENT_FRAME).max(SAMPLES_PER_LATENT_FRAME);
        let memory = || SoundMemory::silent(frames).expect("memory to begin with");
        Self { frames: memory(), heard: memory() }
    }

    /// Length in stereo samples; never 0.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a tape is never empty
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// The sound as it is now.
    #[must_use]
    pub fn frames(&self) -> &[StereoFrame] {
        &self.frames
    }

    /// The sound to be changed, and beside it what was heard last at each place.
    pub(super) fn parts_mut(&mut self) -> (&mut [StereoFrame], &[StereoFrame]) {
        (&mut self.frames, &self.heard)
    }

    /// The head plays the place `at` as it is now, and so much of it counts as heard (0 to 1).
    pub(super) fn hear_partly(&mut self, at: usize, part: f32) {
        let (heard, now) = (&mut self.heard[at], self.frames[at]);
        *heard = [0, 1].map(|i| heard[i] + part * (now[i] - heard[i]));
    }

    /// The head plays the `frames` places from `begin` on as they are now; they lie on the tape in one run.
    pub(super) fn hear(&mut self, begin: usize, frames: usize) {
        self.heard[begin..begin + frames].copy_from_slice(&self.frames[begin..begin + frames]);
    }
}

/// The part of the tape that loops: `start..end` in stereo samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopBand {
    start: usize,
    end: usize,
}

impl LoopBand {
    /// The shortest band, 40 ms: long enough to hold the fade at its seam and to be refreshed by one latent frame.
    pub const FRAMES_MIN: usize = SAMPLES_PER_LATENT_FRAME;

    /// The whole of a tape of `tape_frames` stereo samples.
    #[must_use]
    pub fn whole(tape_frames: usize) -> Self {
        Self { start: 0, end: tape_frames }
    }

    /// A band in stereo samples; `None` when it is shorter than [`Self::FRAMES_MIN`] or leaves the tape.
    #[must_use]
    pub fn new(start: usize, end: usize, tape_frames: usize) -> Option<Self> {
        (end <= tape_frames && start.saturating_add(Self::FRAMES_MIN) <= end).then_some(Self { start, end })
    }

    /// A band from two faders, each 0 (start of the tape) to 1 (its end), in any order. Faders that stand too close
    /// give the shortest band; a fader that is not a number counts as untouched.
    #[must_use]
    pub fn from_faders(start: f32, end: f32, tape_frames: usize) -> Self {
        let place = |fader: f32, untouched: f32| {
            let fader = if fader.is_finite() { fader.clamp(0.0, 1.0) } else { untouched };
            (f64::from(fader) * tape_frames as f64).round() as usize
        };
        let (a, b) = (place(start, 0.0), place(end, 1.0));
        let (start, end) = (a.min(b), a.max(b).min(tape_frames));
        let start = start.min(tape_frames.saturating_sub(Self::FRAMES_MIN));
        Self { start, end: end.max(start + Self::FRAMES_MIN).min(tape_frames) }
    }

    /// First stereo sample of the band.
    #[must_use]
    pub fn start(self) -> usize {
        self.start
    }

    /// One past the last stereo sample of the band.
    #[must_use]
    pub fn end(self) -> usize {
        self.end
    }

    /// Length in stereo samples; never 0.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a band is never empty
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether `position` lies in the band.
    #[must_use]
    pub fn contains(self, position: usize) -> bool {
        (self.start..self.end).contains(&position)
    }

    /// `position` brought into the band by whole turns of the loop, so that the beat is kept.
    #[must_use]
    pub fn wrap(self, position: usize) -> usize {
        let offset = position as i64 - self.start as i64;
        self.start + offset.rem_euclid(self.len() as i64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(begin: usize, frames: usize) -> Span {
        Span { begin, frames }
    }

    #[test]
    fn a_span_knows_its_places_around_the_tapes_end_too() {
        assert_eq!([9, 10, 14, 15].map(|at| span(10, 5).inside(at, 100)), [None, Some(0), Some(4), None]);
        assert_eq!([94, 95, 3, 5].map(|at| span(95, 10).inside(at, 100)), [None, Some(0), Some(8), None]);
        assert_eq!(span(195, 10).inside(3, 100), Some(8), "wherever it was counted from");
    }

    #[test]
    fn spans_meet_where_they_share_a_place_and_an_empty_one_meets_nothing() {
        let both = |a: Span, b: Span| [a.meets(b, 100), b.meets(a, 100)];
        assert_eq!(both(span(95, 10), span(4, 1)), [true; 2]);
        assert_eq!(both(span(95, 10), span(5, 90)), [false; 2]);
        assert_eq!(both(span(10, 30), span(20, 5)), [true; 2]);
        assert_eq!(both(span(10, 30), span(20, 0)), [false; 2]);
        assert_eq!(both(span(295, 1), span(95, 1)), [true; 2]);
    }

    #[test]
    fn the_longest_tape_leaves_a_latent_frame_of_the_playheads_28_bits() {
        assert_eq!(Tape::FRAMES_MAX, 268_433_536);
    }

    #[test]
    fn two_faders_make_a_band_in_any_order_and_never_too_short_a_one() {
        let band = |start: f32, end: f32| {
            let it = LoopBand::from_faders(start, end, 100_000);
            (it.start(), it.end())
        };
        assert_eq!([band(0.25, 0.75), band(0.75, 0.25)], [(25_000, 75_000); 2]);
        assert_eq!(band(0.5, 0.5), (50_000, 50_000 + LoopBand::FRAMES_MIN));
        assert_eq!(band(1.0, 1.0), (100_000 - LoopBand::FRAMES_MIN, 100_000));
        assert_eq!([band(f32::NAN, 0.5), band(-3.0, 0.5)], [(0, 50_000); 2]);
        assert_eq!(band(0.5, f32::INFINITY), (50_000, 100_000));
    }

    #[test]
    fn a_band_holds_its_first_place_and_not_the_one_after_its_last() {
        let band = LoopBand::new(2_000, 6_000, 8_000).expect("it lies on the tape");
        assert_eq!([1_999, 2_000, 5_999, 6_000].map(|at| band.contains(at)), [false, true, true, false]);
    }
}
