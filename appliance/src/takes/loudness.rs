//! How loud the last ten seconds were, as ITU-R BS.1770-4 counts it, by `ebur128`: blocks of 400 ms, one every 100 ms; what is quieter than -70 LUFS, or 10 LU
//! below the mean of the others, does not count, so that a pause in the music makes it no quieter.

use std::collections::VecDeque;

use ebur128::{EbuR128, Mode};
use engine::latent::{SAMPLE_RATE_HZ, StereoFrame};

/// From one block to the next, in stereo samples.
const HOP: usize = SAMPLE_RATE_HZ as usize / 10;
/// Blocks of ten seconds.
const BLOCKS: usize = 100;
/// Blocks without which nothing is said: three seconds.
const LEAST: usize = 30;
/// Hops that a block is long.
const HOPS_IN_BLOCK: usize = 4;
/// Nothing below counts, in LUFS.
const SILENCE: f64 = -70.0;
/// Nothing that is so much below the mean counts, in LU.
const BELOW: f64 = 10.0;
/// What BS.1770 takes off the mean square's level, in LU.
const OFFSET: f64 = 0.691;

/// Listens.
pub struct Loudness {
    meter: EbuR128,
    /// Stereo samples since the last block.
    since: usize,
    /// Blocks to come that still hold what was heard before it was to listen anew.
    stale: usize,
    /// Mean squares of blocks, the oldest first.
    blocks: VecDeque<f64>,
}

impl std::fmt::Debug for Loudness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loudness").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

impl Default for Loudness {
    fn default() -> Self {
        let meter = EbuR128::new(2, SAMPLE_RATE_HZ, Mode::M).expect("two channels, at a rate that it knows");
        Self { meter, since: 0, stale: HOPS_IN_BLOCK, blocks: VecDeque::with_capacity(BLOCKS) }
    }
}

impl Loudness {
    /// Takes what was heard.
    pub fn hear(&mut self, sound: &[StereoFrame]) {
        let mut rest = sound;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(HOP - self.since));
            rest = later;
            self.since += now.len();
            self.meter.add_frames_f32(now.as_flattened()).expect("whole stereo samples");
            if self.since == HOP {
                self.since = 0;
                self.block();
            }
        }
    }

    /// What comes is not what was.
    pub fn forget(&mut self) {
        self.blocks.clear();
        self.stale = HOPS_IN_BLOCK;
    }

    /// The loudness of the last ten seconds, in LUFS; none of less than three seconds, and none of silence.
    #[must_use]
    pub fn lufs(&self) -> Option<f64> {
        if self.blocks.len() < LEAST {
            return None;
        }
        let mean = |above: f64| {
            let counts: Vec<f64> = self.blocks.iter().copied().filter(|it| above < level(*it)).collect();
            (!counts.is_empty()).then(|| level(counts.iter().sum::<f64>() / counts.len() as f64))
        };
        mean((mean(SILENCE)? - BELOW).max(SILENCE))
    }

    fn block(&mut self) {
        if 0 < self.stale {
            self.stale -= 1;
            if 0 < self.stale {
                return;
            }
        }
        if self.blocks.len() == BLOCKS {
            self.blocks.pop_front();
        }
        let lufs = self.meter.loudness_momentary().expect("it was made for that");
        self.blocks.push_back(10_f64.powf((lufs + OFFSET) / 10.0));
    }
}

/// The level of a mean square, in LUFS.
fn level(square: f64) -> f64 {
    10.0 * square.log10() - OFFSET
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(seconds: f64, amplitude: f32) -> Vec<StereoFrame> {
        let sample = |it: usize| (it as f64 / 48_000.0 * 997.0 * std::f64::consts::TAU).sin() as f32 * amplitude;
        (0..(seconds * 48_000.0) as usize).map(|it| [sample(it), 0.0]).collect()
    }

    fn of(sounds: &[Vec<StereoFrame>]) -> Option<f64> {
        let mut loudness = Loudness::default();
        for sound in sounds {
            sound.chunks(1_777).for_each(|it| loudness.hear(it));
        }
        loudness.lufs()
    }

    #[test]
    fn a_tone_at_full_scale_in_one_channel_has_the_level_that_the_standard_says() {
        let whole = of(&[tone(12.0, 1.0)]).expect("it is heard");
        assert!((whole + 3.01).abs() < 0.05, "{whole}");
        let quiet = of(&[tone(12.0, 0.1)]).expect("it is heard");
        assert!((quiet + 23.01).abs() < 0.05, "{quiet}");
    }

    #[test]
    fn pauses_do_not_count_and_what_is_older_than_ten_seconds_neither() {
        let with_pauses = of(&[tone(3.0, 0.1), tone(2.0, 0.0), tone(4.0, 0.1)]).expect("it is heard");
        assert!((with_pauses + 23.01).abs() < 0.4, "{with_pauses}");
        let later = of(&[tone(5.0, 1.0), tone(10.5, 0.1)]).expect("it is heard");
        assert!((later + 23.01).abs() < 0.05, "{later}");
        assert_eq!(of(&[tone(2.0, 1.0)]), None, "too little");
        assert_eq!(of(&[tone(12.0, 0.0)]), None, "silence");
    }

    #[test]
    fn what_is_forgotten_is_in_no_block_any_more() {
        let mut loudness = Loudness::default();
        loudness.hear(&tone(8.0, 1.0));
        loudness.forget();
        assert_eq!(loudness.lufs(), None);
        loudness.hear(&tone(4.0, 0.1));
        let quiet = loudness.lufs().expect("it is heard");
        assert!((quiet + 23.01).abs() < 0.05, "{quiet}");
    }
}
