//! The tempo of a recording that says none, as `stratum-dsp` hears it, brought onto a whole number of bars where the recording nearly has one.
//!
//! It is right up to an octave far more often than in it: a slow pad is counted twice, a drum and bass half (`docs/files.md` has how often). The library's
//! keys are left alone: the same recording has another one at the next listening.

use engine::latent::{SAMPLE_RATE_HZ, StereoFrame};
use stratum_dsp::features::chroma::extractor::compute_stft;
use stratum_dsp::features::period::estimate_bpm_tempogram;

use super::guarded::guarded;

/// As much of a recording is listened to, in seconds. Its spectra are 9 MB, in small pieces that locked memory keeps for the next one.
const LISTENED_S: usize = 24;
/// Tempos are counted between these, in beats a minute, as people count.
const COUNTED: [f32; 2] = [60.0, 180.0];
/// Tempos are tried this far apart, in beats a minute.
const STEP: f32 = 0.5;
/// Samples of a spectrum, and from one to the next: of fewer than 48,000 samples a second eight tempos of 48 are not heard.
const SPECTRUM: [usize; 2] = [2048, 512];
/// Nothing is heard of what is nowhere louder than -80 dBFS.
const SILENCE: f32 = 1e-4;
/// Beats of a bar.
const BAR: f64 = 4.0;
/// A recording this near to whole bars has that many, as a part of its length; what is heard is off by a hundredth or two.
const NEAR_BARS: f64 = 0.04;
/// A recording of more beats is near to whole bars at every tempo.
const MOST_BEATS: f64 = 64.0;

/// The tempo of 48 kHz stereo, in beats a minute, 60 to 180; none where none is heard. Takes a tenth of a second; of what is long, from its middle.
#[must_use]
pub fn tempo_of(sound: &[StereoFrame]) -> Option<f64> {
    let listened = LISTENED_S * SAMPLE_RATE_HZ as usize;
    let from = sound.len().saturating_sub(listened) / 2;
    let mono: Vec<f32> = sound[from..].iter().take(listened).map(|[l, r]| 0.5 * (l + r)).collect();
    if mono.iter().all(|it| it.abs() < SILENCE) {
        return None;
    }
    let [frame, hop] = SPECTRUM;
    let heard = || {
        let spectra = compute_stft(&mono, frame, hop).ok()?;
        estimate_bpm_tempogram(&spectra, SAMPLE_RATE_HZ, hop as u32, COUNTED[0], COUNTED[1], STEP).ok()
    };
    // What a library makes of any sound at all is nobody's to know.
    let bpm = f64::from(guarded(heard)??.bpm);
    let is_one = (f64::from(COUNTED[0])..=f64::from(COUNTED[1])).contains(&bpm);
    is_one.then(|| on_bars(bpm, sound.len() as f64 / f64::from(SAMPLE_RATE_HZ)))
}

/// The tempo at which a recording of so many seconds has whole bars, where that is near; else whole beats; else as it is.
fn on_bars(bpm: f64, seconds: f64) -> f64 {
    let beats = bpm * seconds / 60.0;
    let whole = |of: f64, near: f64| {
        let count = (beats / of).round() * of;
        (count >= of && (count - beats).abs() <= near * beats).then(|| 60.0 * count / seconds)
    };
    if MOST_BEATS < beats {
        return bpm;
    }
    whole(BAR, NEAR_BARS).or_else(|| whole(1.0, 0.5 * NEAR_BARS)).unwrap_or(bpm)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kicks on the beats, and something quieter between them.
    fn loop_of(bpm: f64, beats: usize) -> Vec<StereoFrame> {
        let rate = f64::from(SAMPLE_RATE_HZ);
        let frames = (beats as f64 * 60.0 / bpm * rate).round() as usize;
        let hit =
            |since: f64, hertz: f64, fall: f64| (since * hertz * std::f64::consts::TAU).sin() * (-since * fall).exp();
        (0..frames)
            .map(|frame| {
                let beat = frame as f64 / rate * bpm / 60.0;
                let since = |part: f64| (beat / part).fract() * part * 60.0 / bpm;
                let value = 0.6 * hit(since(1.0), 60.0, 20.0) + 0.01 * hit(since(0.5), 5000.0, 90.0);
                [value as f32; 2]
            })
            .collect()
    }

    #[test]
    fn the_tempo_of_a_loop_is_found_and_comes_out_even() {
        for (bpm, beats) in [(124.0, 16), (90.0, 16), (100.0, 32), (140.0, 32)] {
            let found = tempo_of(&loop_of(bpm, beats)).expect("it has one");
            assert!((found - bpm).abs() < 0.01, "{bpm} beats a minute are heard as {found}");
        }
    }

    #[test]
    fn what_has_no_beat_ends_no_performance() {
        let second = SAMPLE_RATE_HZ as usize;
        let noise = |frame: usize| {
            let bits = (frame as u32).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
            [(bits >> 8) as f32 / (1 << 24) as f32 - 0.5; 2]
        };
        let sounds: [Vec<StereoFrame>; 5] = [
            Vec::new(),
            vec![[0.0; 2]; second],
            vec![[1.0; 2]; 2 * second],
            (0..4 * second).map(noise).collect(),
            vec![[0.5, -0.5]; 3 * second],
        ];
        for sound in &sounds {
            let found = tempo_of(sound);
            assert!(found.is_none_or(|it| (55.0..=190.0).contains(&it)), "{found:?}");
        }
        assert_eq!(tempo_of(&sounds[1]), None, "there is nothing in silence");
    }

    #[test]
    fn a_tempo_is_brought_onto_whole_bars_where_they_are_near() {
        assert_eq!(on_bars(123.0, 15.36), 125.0);
        assert_eq!(on_bars(121.0, 15.0), 120.0, "30.25 beats are 30, and no whole bars");
        assert_eq!(on_bars(61.8, 10.0), 61.8, "10.3 beats are no whole number");
        assert_eq!(on_bars(121.3, 240.0), 121.3, "a long recording says nothing of that");
    }
}
