//! Takes DC out of the output.
//!
//! A decoder may drift off centre; DC costs headroom, heats loudspeakers and thumps at every mute. One pole at 5 Hz:
//! 0.26 dB at 20 Hz, nothing above. The state is f64, so that the pole this close to 1 adds no noise of its own.

use std::f64::consts::TAU;

use crate::latent::{SAMPLE_RATE_HZ, StereoFrame};

/// Corner of the high-pass.
const CORNER_HZ: f64 = 5.0;
const POLE: f64 = 1.0 - TAU * CORNER_HZ / SAMPLE_RATE_HZ as f64;
/// Below this (-400 dB) the state is set to zero: denormal numbers are slow.
const NOTHING: f64 = 1e-20;

/// `y = x - x' + pole y'`, one for each channel.
#[derive(Debug, Default)]
pub(super) struct DcBlocker {
    before: [f64; 2],
    out: [f64; 2],
}

impl DcBlocker {
    pub(super) fn process(&mut self, frames: &mut [StereoFrame]) {
        for frame in frames {
            for ((sample, before), out) in frame.iter_mut().zip(&mut self.before).zip(&mut self.out) {
                let now = f64::from(*sample);
                let blocked = now - *before + POLE * *out;
                *before = now;
                *out = if blocked.abs() < NOTHING { 0.0 } else { blocked };
                *sample = *out as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_sinks_to_nothing_and_not_to_denormal_numbers() {
        let (mut blocker, mut frames) = (DcBlocker::default(), vec![[0.0; 2]; 2 * SAMPLE_RATE_HZ as usize]);
        frames[0] = [1.0, -1.0];
        blocker.process(&mut frames);
        assert!(frames[1][0] < 0.0, "the pole answers");
        assert_eq!(blocker.out, [0.0; 2]);
    }
}
