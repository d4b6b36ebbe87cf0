//! Goal: real music, turned up far beyond full scale, leaves the guard under -1 dBTP between the samples too, unharmed where
//! it was quiet.
//! Method: the repository's own recordings, and an exact oversampler of 16 times that is not the engine's: by the spectrum,
//! in blocks.

use std::path::Path;

use appliance::recording::load_source;
use engine::playback::{Guard, Meters};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

const BLOCK: usize = 16_384;
const TIMES: usize = 16;

/// The highest that the wave through the samples of each block's middle half reaches; its outer quarters are ramps.
fn judged_peak(sound: &[[f32; 2]]) -> f64 {
    let mut planner = FftPlanner::<f32>::new();
    let (forth, back) = (planner.plan_fft_forward(BLOCK), planner.plan_fft_inverse(BLOCK * TIMES));
    let quarter = BLOCK / 4;
    let ramp = |i: usize| {
        ((i.min(BLOCK - 1 - i) as f32 / quarter as f32).min(1.0) * std::f32::consts::FRAC_PI_2).sin().powi(2)
    };
    let mut highest = 0.0_f32;
    for start in (0..sound.len() - BLOCK).step_by(BLOCK / 2) {
        // Left and right in one go: the spectrum is linear, and both are real.
        let block = sound[start..start + BLOCK].iter().enumerate();
        let mut bins: Vec<Complex<f32>> = block.map(|(i, it)| Complex::new(it[0], it[1]) * ramp(i)).collect();
        forth.process(&mut bins);
        let mut wide = vec![Complex::default(); BLOCK * TIMES];
        let half = BLOCK / 2;
        wide[..half].copy_from_slice(&bins[..half]);
        wide[BLOCK * TIMES - half + 1..].copy_from_slice(&bins[half + 1..]);
        (wide[half], wide[BLOCK * TIMES - half]) = (bins[half] / 2.0, bins[half] / 2.0);
        back.process(&mut wide);
        let middle = &wide[quarter * TIMES..(BLOCK - quarter) * TIMES];
        highest = middle.iter().fold(highest, |peak, it| peak.max(it.re.abs()).max(it.im.abs()));
    }
    20.0 * f64::from(highest / BLOCK as f32).log10()
}

#[test]
fn real_music_turned_up_stays_under_minus_one_decibel_between_the_samples() {
    for (path, seconds) in [("models/house/demo.flac", 12.0), ("docs/set.ogg", 24.0)] {
        let source = load_source(Path::new(path), seconds, &mut |_| ()).expect("the recording opens").pcm;
        for gain_db in [6.0_f32, 12.0, 24.0] {
            let gain = 10_f32.powf(gain_db / 20.0);
            let mut sound: Vec<[f32; 2]> = source.iter().map(|frame| frame.map(|it| it * gain)).collect();
            let before = judged_peak(&sound);
            let (mut guard, meters) = (Guard::new(), Meters::default());
            sound.chunks_mut(256).for_each(|period| guard.process(period, &meters));
            let peak = judged_peak(&sound);
            println!("{path} at +{gain_db} dB: {before:.2} dBTP, guarded {peak:.3} dBTP");
            assert!(before > 0.0, "{path} at +{gain_db} dB is loud: {before}");
            assert!(peak < -0.9, "{path} at +{gain_db} dB reaches {peak} dBTP");
            assert!(peak > -1.3, "{path} at +{gain_db} dB is pressed down to {peak} dBTP");
        }
    }
}
