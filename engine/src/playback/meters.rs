//! What the audio thread tells everybody else: where it is, and what went wrong.
//!
//! Every field is an atomic with one writer, the audio thread; readers look whenever they like. Values only grow, so a
//! reader that wants "since last time" subtracts. Trouble on the audio thread ends here and nowhere else: another
//! thread logs it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

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
#[derive(Debug, Default)]
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
    peaks: [AtomicU32; 2],
    /// Smallest limiter gain since it was last read, as `f32` bits.
    deepest: AtomicU32,
}

impl Meters {
    /// Where the tape is being read now.
    #[must_use]
    pub fn playhead(&self) -> Playhead {
        Playhead::unpack(self.playhead.load(Relaxed))
    }

    /// Highest absolute sample of left and right since the last call, after the guard.
    pub fn take_peaks(&self) -> [f32; 2] {
        [0, 1].map(|channel: usize| f32::from_bits(self.peaks[channel].swap(0, Relaxed)))
    }

    /// Smallest limiter gain since the last call: 1 when it did nothing.
    pub fn take_limiter_gain(&self) -> f32 {
        // Stored as depth below 1, so that the resting value is 0 and larger bits mean deeper.
        1.0 - f32::from_bits(self.deepest.swap(0, Relaxed))
    }

    pub(super) fn publish(&self, playhead: Playhead) {
        self.playhead.store(playhead.pack(), Relaxed);
    }

    pub(super) fn note_peaks(&self, peaks: [f32; 2]) {
        for (shared, peak) in self.peaks.iter().zip(peaks) {
            // The bits of positive floats are ordered like the floats.
            shared.fetch_max(peak.to_bits(), Relaxed);
        }
    }

    pub(super) fn note_limiter_gain(&self, gain: f32) {
        self.deepest.fetch_max((1.0 - gain).max(0.0).to_bits(), Relaxed);
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
