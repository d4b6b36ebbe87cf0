//! What the audio thread tells everybody else: where it is, and what went wrong.
//!
//! Every field is an atomic with one writer, the audio thread; readers look whenever they like. Values only grow, so a
//! reader that wants "since last time" subtracts. Trouble on the audio thread ends here and nowhere else: another
//! thread logs it.
//!
//! The meters of a player in another process lie in the memory that both share ([`crate::boundary`]); a [`SharedMeters`] is
//! either. Nobody decides by them what to read or write, so it does not matter what another process writes there.
//! This file is the fence around one cast: of a run of atomic words to the struct that names them.
#![allow(unsafe_code)]

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::boundary::{Arena, METERS, METERS_WORDS};

use super::moment::PlayedFrame;

/// Bits of the packed playhead that count frames played; the other 28 hold the position.
const PLAYED_BITS: u32 = PlayedFrame::BITS;

/// Where the tape is being read, and how much has been played since the start: one coherent moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Playhead {
    /// The next stereo sample of the tape to be played.
    pub position: usize,
    /// The moment at which it is played.
    pub played: PlayedFrame,
}

impl Playhead {
    fn pack(self) -> u64 {
        ((self.position as u64) << PLAYED_BITS) | self.played.count()
    }

    fn unpack(packed: u64) -> Self {
        Self { position: (packed >> PLAYED_BITS) as usize, played: PlayedFrame::new(packed) }
    }
}

/// Counters and levels of the audio thread. Frames are stereo samples; every count is since the start.
///
/// Every field is one atomic word: it may lie in memory that another process writes to. New ones are added at the end.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Meters {
    playhead: AtomicU64,
    /// Frames from the one that is heard to the playhead, at the moment in which the playhead was told: what the device holds,
    /// and the period that was being filled. Written by whoever drives the device.
    pub delay: AtomicU64,
    /// Periods filled.
    pub fills: AtomicU64,
    /// Gaps that the device reported (see `Player::underran`).
    pub underruns: AtomicU64,
    /// Windows spliced into the tape, whole or in part.
    pub windows_spliced: AtomicU64,
    /// Windows that came after the moment of their first frame: the old sound was heard in its place.
    pub windows_late: AtomicU64,
    /// Frames that were heard old because their window was late.
    pub late_frames: AtomicU64,
    /// Windows for a tape that is no longer playing.
    pub windows_stale: AtomicU64,
    /// Windows refused because a sample in them was not finite. Written by the decode thread.
    pub windows_non_finite: AtomicU64,
    /// Frames at the output that were not finite and were replaced.
    pub non_finite_frames: AtomicU64,
    /// Frames that the limiter turned down.
    pub limited_frames: AtomicU64,
    /// Frames that only the last clamp held under the ceiling. Above 0 the limiter has a fault.
    pub clamped_frames: AtomicU64,
    /// Turns of the loop.
    pub laps: AtomicU64,
    peaks: [AtomicU64; 2],
    /// Smallest limiter gain since it was last read, as `f32` bits.
    deepest: AtomicU64,
    /// Records and values of another process that were refused.
    pub refused: AtomicU64,
}

// Nothing but words, and not more than there are.
const _: () = assert!(size_of::<Meters>() <= METERS_WORDS * 8 && size_of::<Meters>().is_multiple_of(8));

/// Meters of this process or of an arena. Clones are the same.
#[derive(Clone, Debug)]
pub struct SharedMeters(Home);

#[derive(Clone, Debug)]
enum Home {
    Here(Arc<Meters>),
    Arena(Arena),
}

impl Default for SharedMeters {
    fn default() -> Self {
        Self(Home::Here(Arc::default()))
    }
}

impl SharedMeters {
    /// Those of an arena.
    #[must_use]
    pub fn of(arena: &Arena) -> Self {
        Self(Home::Arena(arena.clone()))
    }
}

impl Deref for SharedMeters {
    type Target = Meters;

    fn deref(&self) -> &Meters {
        match &self.0 {
            Home::Here(meters) => meters,
            Home::Arena(arena) => {
                let words = &arena.memory().words()[METERS..][..METERS_WORDS];
                // SAFETY: `words` are as many atomic words as the assertion above has room for, aligned as such, and live as
                // long as the arena that is borrowed; the struct is `repr(C)` and of atomic words alone, for which any bytes
                // are a value, and all access is atomic.
                unsafe { &*words.as_ptr().cast::<Meters>() }
            }
        }
    }
}

impl Meters {
    /// Where the tape is being read now.
    #[must_use]
    pub fn playhead(&self) -> Playhead {
        Playhead::unpack(self.playhead.load(Relaxed))
    }

    /// Highest absolute sample of left and right since the last call, after the guard.
    pub fn take_peaks(&self) -> [f32; 2] {
        [0, 1].map(|channel: usize| f32::from_bits(self.peaks[channel].swap(0, Relaxed) as u32))
    }

    /// Smallest limiter gain since the last call: 1 when it did nothing.
    pub fn take_limiter_gain(&self) -> f32 {
        // Stored as depth below 1, so that the resting value is 0 and larger bits mean deeper.
        1.0 - f32::from_bits(self.deepest.swap(0, Relaxed) as u32)
    }

    pub(super) fn publish(&self, playhead: Playhead) {
        self.playhead.store(playhead.pack(), Relaxed);
    }

    pub(super) fn note_peaks(&self, peaks: [f32; 2]) {
        for (shared, peak) in self.peaks.iter().zip(peaks) {
            // The bits of positive floats are ordered like the floats.
            shared.fetch_max(peak.to_bits().into(), Relaxed);
        }
    }

    pub(super) fn note_limiter_gain(&self, gain: f32) {
        self.deepest.fetch_max((1.0 - gain).max(0.0).to_bits().into(), Relaxed);
    }

    pub(super) fn add(counter: &AtomicU64, count: u64) {
        if count > 0 {
            counter.fetch_add(count, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_and_count_come_back_from_one_word() {
        let meters = Meters::default();
        let head = Playhead { position: (1 << 28) - 1, played: PlayedFrame::new((1 << 36) - 1) };
        meters.publish(head);
        assert_eq!(meters.playhead(), head);
    }

    #[test]
    fn the_deepest_limiting_is_read_once() {
        let meters = Meters::default();
        [0.5, 0.25, 1.0].into_iter().for_each(|gain| meters.note_limiter_gain(gain));
        assert_eq!((meters.take_limiter_gain(), meters.take_limiter_gain()), (0.25, 1.0));
    }

    #[test]
    fn a_peak_is_read_once() {
        let meters = Meters::default();
        meters.note_peaks([0.5, 0.25]);
        meters.note_peaks([0.125, 0.75]);
        assert_eq!((meters.take_peaks(), meters.take_peaks()), ([0.5, 0.75], [0.0, 0.0]));
    }
}
