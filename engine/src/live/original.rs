//! Where a latent is the recording's own, the recording itself is heard and not what the codec makes of it.
//!
//! A codec's round trip loses something, with a small model much. So the bottom of the denoise knob, a source blend of 1 and whatever else leads
//! all the way back end in the recording, to the bit on the tape. Between there and what the denoiser made, nearness of the latents decides, frame by
//! frame: over the first hundredths of the knob's travel one goes over into the other. Both are the same sound at the same place, so the
//! mix has no comb of its own.

use std::sync::Arc;

use crate::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};

/// Up to this distance a latent frame is the recording's: what half precision on a card leaves of equality.
const SAME: f32 = 0.005;
/// From this distance on nothing of the recording is mixed in. With the built-in model denoise .05 is about as far.
const OTHER: f32 = 0.1;

/// A recording and its encoding, of one length: `frames` latent frames.
#[derive(Clone, Debug)]
pub struct Original {
    /// `[frames, 64]`.
    latent: Arc<[f32]>,
    /// `frames * 1920` stereo samples.
    sound: Arc<[StereoFrame]>,
}

impl Original {
    /// Joins both; `None` when they are not of one length.
    #[must_use]
    pub fn new(latent: Arc<[f32]>, sound: Arc<[StereoFrame]>) -> Option<Self> {
        let frames = latent.len() / LATENT_CHANNELS;
        let fits = 0 < frames && latent.len() == frames * LATENT_CHANNELS;
        (fits && sound.len() == frames * SAMPLES_PER_LATENT_FRAME).then_some(Self { latent, sound })
    }

    /// Whether the window of `keep` frames from `first` on is the recording's all through, with a frame on both sides, which reach into the
    /// window's sound: then it need not be decoded.
    #[must_use]
    pub fn is_all_of(&self, latent: &[f32], first: usize, keep: usize) -> bool {
        latent.len() == self.latent.len()
            && (0..keep + 2).all(|at| self.share(latent, first + self.frames() + at - 1) >= 1.0)
    }

    /// Writes the recording over a window that is all of it.
    pub fn write(&self, first: usize, sound: &mut [StereoFrame]) {
        for (at, samples) in sound.chunks_mut(SAMPLES_PER_LATENT_FRAME).enumerate() {
            let begin = (first + at) % self.frames() * SAMPLES_PER_LATENT_FRAME;
            samples.copy_from_slice(&self.sound[begin..begin + samples.len()]);
        }
    }

    /// Mixes the recording into the decoded window from latent frame `first` on, as near as `latent` is to its own.
    pub fn mix(&self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) {
        if latent.len() != self.latent.len() {
            return;
        }
        let (frames, half) = (self.frames(), SAMPLES_PER_LATENT_FRAME / 2);
        // A share is that of a frame's middle: from one middle to the next it moves straight.
        let (mut before, mut here) = (self.share(latent, first + frames - 1), self.share(latent, first));
        for (at, samples) in sound.chunks_mut(SAMPLES_PER_LATENT_FRAME).enumerate() {
            let after = self.share(latent, first + at + 1);
            if before.max(here).max(after) > 0.0 {
                let begin = (first + at) % frames * SAMPLES_PER_LATENT_FRAME;
                for (place, sample) in samples.iter_mut().enumerate() {
                    let off = (place as f32 + 0.5) / SAMPLES_PER_LATENT_FRAME as f32;
                    let share = if place < half {
                        here + (before - here) * (0.5 - off)
                    } else {
                        here + (after - here) * (off - 0.5)
                    };
                    let own = self.sound[begin + place];
                    (0..2).for_each(|ear| sample[ear] += (own[ear] - sample[ear]) * share);
                }
            }
            (before, here) = (here, after);
        }
    }

    fn frames(&self) -> usize {
        self.latent.len() / LATENT_CHANNELS
    }

    /// How much of a frame is the recording's, 0 to 1: 1 up to [`SAME`], 0 from [`OTHER`] on, without a corner between.
    fn share(&self, latent: &[f32], frame: usize) -> f32 {
        let at = frame % self.frames() * LATENT_CHANNELS;
        let pairs = self.latent[at..at + LATENT_CHANNELS].iter().zip(&latent[at..at + LATENT_CHANNELS]);
        let far = (pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / LATENT_CHANNELS as f32).sqrt();
        let near = ((OTHER - far) / (OTHER - SAME)).clamp(0.0, 1.0);
        near * near * (3.0 - 2.0 * near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: usize = 6;
    const LEN: usize = FRAMES * SAMPLES_PER_LATENT_FRAME;

    fn original() -> Original {
        let latent: Arc<[f32]> = (0..FRAMES * LATENT_CHANNELS).map(|at| (at as f32 * 0.37).sin()).collect();
        let sound: Arc<[StereoFrame]> = (0..LEN).map(|at| [at as f32, -(at as f32)]).collect();
        Original::new(latent, sound).expect("one length")
    }

    /// The latent of [`original`], these frames of it moved by `far` in each channel.
    fn moved(frames: &[usize], far: f32) -> Vec<f32> {
        let mut latent = original().latent.to_vec();
        for frame in frames {
            latent[frame * LATENT_CHANNELS..][..LATENT_CHANNELS].iter_mut().for_each(|it| *it += far);
        }
        latent
    }

    #[test]
    fn the_recordings_own_latent_is_heard_as_the_recording_round_the_loops_end() {
        let (original, latent) = (original(), moved(&[], 0.0));
        let mut sound = vec![[7.0; 2]; 3 * SAMPLES_PER_LATENT_FRAME];
        assert!(original.is_all_of(&latent, 5, 3));
        original.mix(&latent, 5, &mut sound);
        let mut written = sound.clone();
        written.fill([0.0; 2]);
        original.write(5, &mut written);
        for (at, [mixed, written]) in sound.iter().zip(&written).map(|(a, b)| [a, b]).enumerate() {
            let wanted = ((5 * SAMPLES_PER_LATENT_FRAME + at) % LEN) as f32;
            assert_eq!((mixed, written), (&[wanted, -wanted], &[wanted, -wanted]), "sample {at}");
        }
    }

    #[test]
    fn what_is_far_from_it_is_left_as_it_was_decoded() {
        let (original, latent) = (original(), moved(&[0, 1, 2, 3, 4, 5], OTHER));
        let mut sound = vec![[7.0; 2]; 2 * SAMPLES_PER_LATENT_FRAME];
        original.mix(&latent, 0, &mut sound);
        assert!(sound.iter().all(|it| *it == [7.0; 2]));
        assert!(!original.is_all_of(&latent, 0, 2));
    }

    #[test]
    fn a_frame_that_is_another_goes_over_into_its_neighbours_without_a_step_and_the_neighbours_of_a_window_count() {
        let original = original();
        let latent = moved(&[2], 1.0);
        // A recording of silence under a decode of ones shows the shares alone.
        let silent = Original { sound: vec![[0.0; 2]; LEN].into(), ..original };
        let mut sound = vec![[1.0; 2]; LEN];
        silent.mix(&latent, 0, &mut sound);
        let middle = |frame: usize| sound[frame * SAMPLES_PER_LATENT_FRAME + SAMPLES_PER_LATENT_FRAME / 2][0];
        assert!((middle(2) - 1.0).abs() < 1e-3 && [0, 1, 3, 4, 5].iter().all(|it| middle(*it).abs() < 1e-3));
        let step = sound.windows(2).map(|it| (it[1][0] - it[0][0]).abs()).fold(0.0, f32::max);
        assert!(step < 1.5 / SAMPLES_PER_LATENT_FRAME as f32, "{step}");
        assert!(silent.is_all_of(&latent, 4, 3), "4, 5, 0 with 3 and 1");
        for (first, keep) in [(3, 1), (0, 2), (2, 1)] {
            assert!(!silent.is_all_of(&latent, first, keep), "the window from {first}");
        }
    }

    #[test]
    fn from_one_to_the_other_there_is_no_jump_and_never_a_way_back() {
        let original = original();
        let shares: Vec<f32> = (0..=200).map(|it| original.share(&moved(&[1], it as f32 * 0.001), 1)).collect();
        assert_eq!((shares[0], shares[4], shares[101], shares[200]), (1.0, 1.0, 0.0, 0.0));
        assert!(shares.windows(2).all(|it| it[1] <= it[0] && it[0] - it[1] < 0.02), "{shares:?}");
    }

    #[test]
    fn what_is_of_two_lengths_is_refused_and_a_latent_of_another_tape_is_left_alone() {
        let Original { latent, sound } = original();
        assert!(Original::new(Arc::clone(&latent), sound[1..].into()).is_none());
        assert!(Original::new([].into(), [].into()).is_none());
        let mut window = vec![[7.0; 2]; SAMPLES_PER_LATENT_FRAME];
        original().mix(&latent[..LATENT_CHANNELS], 0, &mut window);
        assert!(window.iter().all(|it| *it == [7.0; 2]) && !original().is_all_of(&latent[..LATENT_CHANNELS], 0, 1));
    }
}
