//! Fades over samples that are no numbers.
//!
//! A NaN or an infinity would pass through a filter's memory for ever, so it is met first. The last good sample is held
//! and sinks to zero, and the sound fades back in over what is left of it: neither edge clicks. Samples beyond +36 dB of
//! full scale count as broken too: no music is there, and the limiter would duck a second of sound for one of them.

use crate::latent::StereoFrame;

/// What no music reaches: +36 dB of full scale.
const ABSURD: f32 = 64.0;
/// Frames in which the sound fades back in: 2.7 ms.
const RETURN_FRAMES: usize = 128;
/// What the held sample keeps of itself in one frame: down 60 dB in 7 ms.
const SINK: f32 = 0.98;

/// Keeps the last sample that was heard.
#[derive(Debug, Default)]
pub(super) struct Finite {
    held: StereoFrame,
    returning: usize,
}

impl Finite {
    /// Replaces broken frames; returns how many there were.
    pub(super) fn process(&mut self, frames: &mut [StereoFrame]) -> u64 {
        let mut broken = 0;
        for frame in frames {
            // Written so that NaN fails it.
            let good = frame[0].abs() <= ABSURD && frame[1].abs() <= ABSURD;
            if good && self.returning == 0 {
                self.held = *frame;
                continue;
            }
            // `held` is always what was heard last, so that a new break starts from there.
            let sunk = [self.held[0] * SINK, self.held[1] * SINK];
            if good {
                let back = 1.0 - self.returning as f32 / (RETURN_FRAMES + 1) as f32;
                self.returning -= 1;
                *frame = [0, 1].map(|i| sunk[i] + back * (frame[i] - sunk[i]));
            } else {
                broken += 1;
                self.returning = RETURN_FRAMES;
                *frame = sunk;
            }
            self.held = *frame;
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_comes_back_in_equal_steps_from_the_frame_after_a_break() {
        let mut finite = Finite::default();
        let mut frames = vec![[0.5_f32, -0.5]; RETURN_FRAMES + 3];
        (frames[0], frames[1]) = ([1.0, -1.0], [f32::NAN, 0.0]);
        assert_eq!(finite.process(&mut frames), 1);
        assert_eq!(frames[1], [SINK, -SINK], "what was held sinks");
        let first = SINK * SINK + (0.5 - SINK * SINK) / (RETURN_FRAMES + 1) as f32;
        assert!((frames[2][0] - first).abs() < 1e-6 && (frames[2][1] + first).abs() < 1e-6, "{:?}", frames[2]);
        assert_ne!(frames[RETURN_FRAMES + 1], [0.5, -0.5], "the last frame of the way back");
        assert_eq!(frames[RETURN_FRAMES + 2], [0.5, -0.5], "and then the sound itself");
    }
}
