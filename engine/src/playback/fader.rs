//! The output level, gliding: no step of a knob is heard as a click.
//!
//! A one-pole glide towards the target, sample by sample, ending exactly on it, so that unity gain passes the tape's own
//! bits. Mute is a target of 0. Nothing here allocates.

use crate::latent::{SAMPLE_RATE_HZ, StereoFrame};

/// Time constant of the glide: 99 % of a move is done in 23 ms, under what a hand notices, and its steepest slope is
/// 1/240 of the move a sample.
const GLIDE_FRAMES: f64 = SAMPLE_RATE_HZ as f64 * 0.005;
/// Closer than this (-120 dB of full scale) the glide has arrived.
const ARRIVED: f64 = 1e-6;

/// A gain that moves smoothly. In f64: the last steps of a glide are smaller than an f32 can add to 1.
#[derive(Debug)]
pub(super) struct Fader {
    gain: f64,
}

impl Fader {
    pub(super) fn new(gain: f32) -> Self {
        Self { gain: f64::from(gain) }
    }

    /// Scales `frames`, gliding towards `target` (finite, linear).
    pub(super) fn apply(&mut self, target: f32, frames: &mut [StereoFrame]) {
        let target = f64::from(target);
        for frame in frames {
            if self.gain != target {
                self.gain += (target - self.gain) / GLIDE_FRAMES;
                if (target - self.gain).abs() < ARRIVED {
                    self.gain = target;
                }
            } else if target == 1.0 {
                return;
            }
            let gain = self.gain as f32;
            *frame = [frame[0] * gain, frame[1] * gain];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unity_gain_passes_the_same_bits() {
        let mut frames = [[0.1, -0.7]; 64];
        Fader::new(1.0).apply(1.0, &mut frames);
        assert_eq!(frames, [[0.1, -0.7]; 64]);
    }

    #[test]
    fn a_glide_never_steps_and_ends_on_its_target() {
        let mut frames = [[1.0, 1.0]; 9600];
        Fader::new(0.0).apply(0.5, &mut frames);
        let steepest = frames.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
        assert!(steepest <= 0.5 / GLIDE_FRAMES as f32 + 1e-6, "{steepest}");
        assert_eq!(frames[9599], [0.5, 0.5]);
    }
}
