//! The tape that goes, heard under the one that comes for longer than can be copied aside.
//!
//! A fade of up to 100 ms is copied aside at once ([`super::head`]). A longer one reads the tape that goes while it lasts, a bounded
//! piece at a time, so the tape stays here until nothing of it is heard. Its first piece is what the head would have played next, with
//! whatever was fading in that. No allocation after `new`.

use super::crossfade::{Crossfade, correlation};
use super::head::{Cursor, SWAP_FADE_FRAMES};
use super::tape::Tape;
use crate::latent::StereoFrame;

/// The tape that goes.
#[derive(Debug)]
pub(super) struct Parting {
    tape: Option<Tape>,
    cursor: Option<Cursor>,
    /// The piece of it that is being heard, and how much of that is over.
    sound: Box<[StereoFrame]>,
    heard: usize,
    /// Length of the fade, and what is left of it, in stereo samples.
    length: usize,
    left: usize,
    correlation: f32,
}

impl Parting {
    pub(super) fn new() -> Self {
        let sound = vec![[0.0; 2]; SWAP_FADE_FRAMES].into();
        Self { tape: None, cursor: None, sound, heard: 0, length: 0, left: 0, correlation: 0.0 }
    }

    /// Whether a tape is still going.
    pub(super) fn goes(&self) -> bool {
        self.tape.is_some()
    }

    /// Room for its first piece.
    pub(super) fn piece_mut(&mut self) -> &mut [StereoFrame] {
        &mut self.sound
    }

    /// A tape goes over `length` stereo samples, read on from `cursor` behind the first piece; `coming` is what is played instead of
    /// that.
    pub(super) fn begin(&mut self, tape: Tape, cursor: Cursor, length: usize, coming: &[StereoFrame]) {
        self.correlation = correlation(&self.sound, coming);
        (self.tape, self.cursor, self.heard, self.length, self.left) = (Some(tape), Some(cursor), 0, length, length);
    }

    /// Fades it out over `out`; gives it back when nothing of it is heard any more. `seam` fades at the loop's seam.
    pub(super) fn mix(&mut self, fade: &Crossfade, seam: &Crossfade, out: &mut [StereoFrame]) -> Option<Tape> {
        let (tape, cursor) = (self.tape.as_ref()?, self.cursor.as_mut()?);
        for frame in out.iter_mut().take(self.left) {
            if self.heard == self.sound.len() {
                cursor.read(tape.frames(), seam, &mut self.sound);
                self.heard = 0;
            }
            let gains = fade.gains_between(self.length - self.left, self.length, self.correlation);
            *frame = gains.mix(self.sound[self.heard], *frame);
            (self.heard, self.left) = (self.heard + 1, self.left - 1);
        }
        if self.left == 0 { self.tape.take() } else { None }
    }
}
