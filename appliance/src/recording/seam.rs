//! A recording's length and its seam, where the loop's end meets its start.
//!
//! The length becomes the nearest whole number of latent frames (40 ms), by at most 20 ms of silence or loss: so little
//! keeps a bar's length better than always cutting would. Where the end does not meet the start, its last 10 ms are bent
//! to meet it: a smooth bend is inaudible where a jump clicks, and unlike a fade it takes nothing from the first beat.

use engine::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};

use super::Notice;

/// Samples over which the end is bent: 10 ms.
const BEND: usize = 480;
/// A step at the seam no greater than this needs no bend: -60 dB is below what music masks.
const UNHEARD: f32 = 1e-3;

/// Brings the recording to whole latent frames and mends its seam.
pub(super) fn fit(pcm: &mut Vec<StereoFrame>, notices: &mut Vec<Notice>) {
    let found = pcm.len();
    let frames = ((found + SAMPLES_PER_LATENT_FRAME / 2) / SAMPLES_PER_LATENT_FRAME).max(1);
    let wanted = frames * SAMPLES_PER_LATENT_FRAME;
    if wanted > found {
        // The sound must not break off into the silence either.
        bend(pcm, [0.0; 2]);
        pcm.resize(wanted, [0.0; 2]);
    }
    pcm.truncate(wanted);
    if wanted != found {
        notices.push(Notice::Fitted { samples: wanted as i64 - found as i64 });
    }
    let Some(&start) = pcm.first() else { return };
    if !meets(pcm, start) {
        bend(pcm, start);
        notices.push(Notice::SeamBent);
    }
}

/// Whether the step from the last sample to `next` is no greater than the steps of the music around it.
fn meets(pcm: &[StereoFrame], next: StereoFrame) -> bool {
    let Some(&last) = pcm.last() else { return true };
    let near = BEND.min(pcm.len());
    (0..2).all(|side| {
        let steepest = |around: &[StereoFrame]| {
            around.windows(2).map(|pair| (pair[1][side] - pair[0][side]).abs()).fold(0.0, f32::max)
        };
        let usual = steepest(&pcm[pcm.len() - near..]).max(steepest(&pcm[..near]));
        (next[side] - last[side]).abs() <= usual.max(UNHEARD)
    })
}

/// Bends the last samples smoothly so that the last one is `target`.
fn bend(pcm: &mut [StereoFrame], target: StereoFrame) {
    let Some(&last) = pcm.last() else { return };
    let reach = BEND.min(pcm.len());
    let from = pcm.len() - reach;
    for (place, frame) in pcm[from..].iter_mut().enumerate() {
        let way = (place + 1) as f32 / reach as f32;
        let share = way * way * (3.0 - 2.0 * way); // level at both ends
        for side in 0..2 {
            // The bent sample may lean past full scale where the end is loud and the start of the other sign.
            frame[side] = (frame[side] + share * (target[side] - last[side])).clamp(-1.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BEND, Notice, fit};

    fn fitted(mut pcm: Vec<[f32; 2]>) -> (Vec<[f32; 2]>, Vec<Notice>) {
        let mut notices = Vec::new();
        fit(&mut pcm, &mut notices);
        (pcm, notices)
    }

    #[test]
    fn a_loop_that_fits_and_meets_is_left_alone() {
        let pcm: Vec<[f32; 2]> = (0..3840).map(|i| [(i as f32 * std::f32::consts::TAU / 1920.0).sin(); 2]).collect();
        assert_eq!(fitted(pcm.clone()), (pcm, vec![]));
    }

    #[test]
    fn the_length_goes_to_the_nearest_latent_frame() {
        for (found, wanted) in [(1920 * 3 + 959, 1920 * 3), (1920 * 3 + 960, 1920 * 4), (1920 * 3 + 1, 1920 * 3)] {
            let (pcm, notices) = fitted(vec![[0.0; 2]; found]);
            assert_eq!(pcm.len(), wanted);
            assert_eq!(notices, vec![Notice::Fitted { samples: wanted as i64 - found as i64 }]);
        }
    }

    #[test]
    fn a_jump_at_the_seam_is_bent_away_without_touching_the_first_beat() {
        let pcm: Vec<[f32; 2]> = (0..3840).map(|i| [i as f32 / 3840.0, 0.25]).collect();
        let (bent, notices) = fitted(pcm.clone());
        assert_eq!(notices, vec![Notice::SeamBent]);
        assert_eq!(bent[..3840 - BEND], pcm[..3840 - BEND]);
        assert_eq!(bent[3839], bent[0]);
        let steepest = bent.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.004, "a step of {steepest} is left");
    }

    #[test]
    fn sound_does_not_break_off_into_added_silence() {
        let (pcm, _) = fitted(vec![[0.8, -0.8]; 1920 + 1000]);
        let steepest = pcm.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.004, "a step of {steepest}");
    }
}
