//! How one tape gives way to another: when, where the new one begins, which part of it loops, and how long both are heard.

use super::head::{JUMP_FADE_FRAMES, SWAP_FADE_FRAMES};
use super::moment::PlayedFrame;
use super::tape::LoopBand;
use crate::latent::SAMPLE_RATE_HZ;

/// The longest fade from one tape to another, in stereo samples: 10 s.
pub const TAPE_FADE_FRAMES_MOST: usize = 10 * SAMPLE_RATE_HZ as usize;
/// How far ahead a transition may be ordered, in stereo samples: 2 s. What is ordered after it waits for it.
pub const DUE_FRAMES_MOST: usize = 2 * SAMPLE_RATE_HZ as usize;

/// How one tape gives way to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Stereo sample of the new tape that is played first.
    pub position: usize,
    /// The part of the new tape that loops.
    pub band: LoopBand,
    /// The moment at which the new tape begins; as soon as it can where there is none, or where it is past.
    pub due: Option<PlayedFrame>,
    /// How long both are heard, in stereo samples.
    pub fade_frames: usize,
}

impl Transition {
    /// As soon as it can, from `position`, with the whole of a tape of `tape_frames` looping, over 100 ms.
    #[must_use]
    pub fn at_once(position: usize, tape_frames: usize) -> Self {
        Self { position, band: LoopBand::whole(tape_frames), due: None, fade_frames: SWAP_FADE_FRAMES }
    }

    /// The same with a fade that can be played: no shorter than a jump's, no longer than the longest.
    pub(super) fn playable(self) -> Self {
        Self { fade_frames: self.fade_frames.clamp(JUMP_FADE_FRAMES, TAPE_FADE_FRAMES_MOST), ..self }
    }

    /// Stereo samples from `now` to its moment; 0 where that is past or there is none.
    pub(super) fn waits(&self, now: PlayedFrame) -> usize {
        self.due.map_or(0, |due| usize::try_from(now.until(due)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fade_is_no_shorter_than_a_jumps_and_no_longer_than_ten_seconds() {
        let of =
            |fade_frames| Transition { due: Some(PlayedFrame::new(9)), fade_frames, ..Transition::at_once(5, 9_600) };
        for (asked, played) in [(0, JUMP_FADE_FRAMES), (30_000, 30_000), (usize::MAX, 480_000)] {
            assert_eq!(of(asked).playable(), of(played));
        }
    }
}
