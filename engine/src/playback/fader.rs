//! The output level, gliding: no step of a knob is heard as a click, and sound that begins comes in over a fade.
//!
//! A one-pole glide towards the target, sample by sample, ending exactly on it, so that unity gain passes the tape's own
//! bits. Mute is a target of 0. After power-on the sound opens over [`POWER_ON_FADE_FRAMES`], and when a device is back over
//! [`OPENING_FADE_FRAMES`], from silence to the level that is set then: it starts from no other level, so it is never louder than what was
//! kept. Nothing here allocates.

use std::f64::consts::FRAC_PI_2;

use crate::latent::{SAMPLE_RATE_HZ, StereoFrame};

/// Length of the fade when a device or a player is back, in stereo samples: 100 ms, as a hand would open a fader.
pub const OPENING_FADE_FRAMES: usize = SAMPLE_RATE_HZ as usize / 10;

/// Length of the fade after power-on, in stereo samples: 2 s, in which whoever stands at an amplifier finds its knob.
pub const POWER_ON_FADE_FRAMES: usize = SAMPLE_RATE_HZ as usize * 2;

/// Time constant of the glide: 99 % of a move is done in 23 ms, under what a hand notices, and its steepest slope is
/// 1/240 of the move a sample.
const GLIDE_FRAMES: f64 = SAMPLE_RATE_HZ as f64 * 0.005;
/// Closer than this (-120 dB of full scale) the glide has arrived.
const ARRIVED: f64 = 1e-6;

/// A gain that moves smoothly. In f64: the last steps of a glide are smaller than an f32 can add to 1.
#[derive(Debug)]
pub(super) struct Fader {
    gain: f64,
    /// Stereo samples of the opening fade that are done, and its length.
    opened: usize,
    opening: usize,
}

impl Fader {
    /// A fader that is closed, and opens with the first sound over so many stereo samples, above 0.
    pub(super) fn closed(opening: usize) -> Self {
        Self { gain: 0.0, opened: 0, opening }
    }

    /// Closes it at once, for sound that nobody hears: it opens over so many stereo samples. A longer opening that is not over begins anew.
    pub(super) fn close(&mut self, opening: usize) {
        let rest = if self.opened < self.opening { self.opening } else { 0 };
        (self.opened, self.opening) = (0, opening.max(rest));
    }

    /// Leaves out the fade that is going on or to come; the level is that of the next sound.
    pub(super) fn open_at_once(&mut self, target: f32) {
        (self.gain, self.opened) = (f64::from(target), self.opening);
    }

    /// Whether it has arrived at `gain`.
    pub(super) fn is_at(&self, gain: f32) -> bool {
        self.gain == f64::from(gain)
    }

    /// Scales `frames`, gliding towards `target` (finite, linear).
    pub(super) fn apply(&mut self, target: f32, frames: &mut [StereoFrame]) {
        if self.opened == 0 {
            self.gain = f64::from(target);
        }
        let opening = (self.opening - self.opened).min(frames.len());
        let (opening, open) = frames.split_at_mut(opening);
        for frame in opening {
            self.opened += 1;
            let part = (self.opened as f64 / self.opening as f64 * FRAC_PI_2).sin().powi(2);
            let gain = (self.glide(f64::from(target)) * part) as f32;
            *frame = [frame[0] * gain, frame[1] * gain];
        }
        for frame in open {
            if self.gain == 1.0 && target == 1.0 {
                return;
            }
            let gain = self.glide(f64::from(target)) as f32;
            *frame = [frame[0] * gain, frame[1] * gain];
        }
    }

    fn glide(&mut self, target: f64) -> f64 {
        if self.gain != target {
            self.gain += (target - self.gain) / GLIDE_FRAMES;
            if (target - self.gain).abs() < ARRIVED {
                self.gain = target;
            }
        }
        self.gain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_at(gain: f32) -> Fader {
        let mut fader = Fader::closed(OPENING_FADE_FRAMES);
        fader.open_at_once(gain);
        fader
    }

    #[test]
    fn sound_opens_over_two_seconds_after_power_on_and_a_tenth_of_one_when_a_device_is_back() {
        assert_eq!((POWER_ON_FADE_FRAMES, OPENING_FADE_FRAMES), (96_000, 4_800));
        let opens = |fader: &mut Fader| {
            let mut frames = vec![[1.0; 2]; POWER_ON_FADE_FRAMES + 1];
            fader.apply(1.0, &mut frames);
            frames.iter().position(|it| it[0] == 1.0)
        };
        let mut fader = Fader::closed(POWER_ON_FADE_FRAMES);
        // A device that comes only now: nobody has heard anything yet.
        fader.apply(1.0, &mut [[1.0; 2]; 500]);
        fader.close(OPENING_FADE_FRAMES);
        let found = opens(&mut fader);
        assert!(found.is_some_and(|it| POWER_ON_FADE_FRAMES - 60 < it), "{found:?}");
        fader.close(OPENING_FADE_FRAMES);
        let found = opens(&mut fader);
        assert!(found.is_some_and(|it| it < OPENING_FADE_FRAMES), "{found:?}");
    }

    #[test]
    fn unity_gain_passes_the_same_bits() {
        let mut frames = [[0.1, -0.7]; 64];
        open_at(1.0).apply(1.0, &mut frames);
        assert_eq!(frames, [[0.1, -0.7]; 64]);
    }

    #[test]
    fn a_glide_never_steps_and_ends_on_its_target() {
        let mut frames = [[1.0, 1.0]; 9600];
        open_at(0.0).apply(0.5, &mut frames);
        let steepest = frames.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
        assert!(steepest <= 0.5 / GLIDE_FRAMES as f32 + 1e-6, "{steepest}");
        assert_eq!(frames[9599], [0.5, 0.5]);
        let mut fader = open_at(0.0);
        fader.apply(0.5, &mut frames);
        assert!(fader.is_at(0.5) && !fader.is_at(0.25), "to the bit, in f64 too: {fader:?}");
    }

    #[test]
    fn sound_opens_from_silence_to_the_level_that_is_set_and_is_never_louder() {
        for kept in [0.1, 1.0] {
            let (mut fader, mut frames) =
                (Fader::closed(OPENING_FADE_FRAMES), vec![[1.0, -1.0]; OPENING_FADE_FRAMES + 100]);
            frames.chunks_mut(100).for_each(|period| fader.apply(kept, period));
            assert!(frames.iter().all(|frame| frame[1] == -frame[0]), "both sides open alike");
            let levels = frames.iter().map(|frame| frame[0]);
            assert!(levels.clone().all(|level| level <= kept), "louder than {kept}");
            assert!(frames[0][0] < 1e-5 && frames[OPENING_FADE_FRAMES..].iter().all(|it| it[0] == kept));
            let steepest = frames.windows(2).map(|pair| pair[1][0] - pair[0][0]).fold(0.0, f32::max);
            assert!(steepest < 2.0 / OPENING_FADE_FRAMES as f32, "{steepest}");
            let half = frames[OPENING_FADE_FRAMES / 2][0] / kept;
            assert!((half - 0.5).abs() < 0.01, "it opens over its whole length, half way at {half}");
        }
    }
}
