//! Any rate to 48 kHz.
//!
//! The ratio is fixed, so rubato's synchronous FFT resampler fits: exact ratio, linear phase, its delay taken off. Blocks
//! of about 2048 samples make its filter steep enough to keep what lies under 20 kHz of a 44.1 kHz recording (held by a
//! test). A recording at 48 kHz passes untouched.

use engine::latent::SAMPLE_RATE_HZ;
use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Async, Fft, FixedAsync, FixedSync, Resampler, SincInterpolationParameters, WindowFunction};

/// Rates of recordings in Hz, lowest and highest: telephone to the fastest converters.
pub(super) const RATES_HZ: (u32, u32) = (4_000, 768_000);
/// Samples a block, before rounding to the ratio.
const BLOCK: usize = 2048;
/// Largest block of the FFT resampler. Its block is a multiple of the rate over the common divisor: for an odd rate like
/// 44101 Hz that is a second, and so would be its filter. Such rates go through a windowed sinc instead.
const LARGEST_BLOCK: u32 = 8192;

/// Brings both planes, of equal length, from `rate_hz` (within [`RATES_HZ`]) to 48 kHz.
pub(super) fn to_48k(planes: [Vec<f32>; 2], rate_hz: u32) -> [Vec<f32>; 2] {
    if rate_hz == SAMPLE_RATE_HZ || planes[0].is_empty() {
        return planes;
    }
    let frames = planes[0].len();
    let mut resampler = resampler(rate_hz);
    let input = SequentialSliceOfVecs::new(&planes, 2, frames).expect("two planes of one length");
    let output = resampler.process_all(&input, frames, None).expect("the buffers were sized by the resampler");
    let samples = output.take_data();
    // Counted in whole numbers: the resampler's own length is a rounded-up product of floats, at times one too long.
    let wanted = ((frames as u64 * u64::from(SAMPLE_RATE_HZ) + u64::from(rate_hz) / 2) / u64::from(rate_hz)) as usize;
    [0, 1].map(|side| samples.iter().skip(side).step_by(2).take(wanted).copied().collect())
}

/// The resampler for a rate.
fn resampler(rate_hz: u32) -> Box<dyn Resampler<f32>> {
    let window = WindowFunction::BlackmanHarris2;
    if rate_hz / greatest_common_divisor(rate_hz, SAMPLE_RATE_HZ) <= LARGEST_BLOCK {
        let rates = (rate_hz as usize, SAMPLE_RATE_HZ as usize);
        let fft = Fft::new_custom(rates.0, rates.1, BLOCK, 1, 2, window, FixedSync::Input);
        Box::new(fft.expect("both rates and the block are above zero"))
    } else {
        let ratio = f64::from(SAMPLE_RATE_HZ) / f64::from(rate_hz);
        let sinc = SincInterpolationParameters::new(256, window);
        let swept = Async::new_sinc(ratio, 1.1, &sinc, BLOCK, 2, FixedAsync::Input);
        Box::new(swept.expect("the ratio and the block are above zero"))
    }
}

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::to_48k;
    use std::f64::consts::TAU;

    /// Worst difference from the same sine drawn at 48 kHz, away from the ends.
    fn worst(rate: u32, hz: f64) -> f64 {
        let sine = |rate: u32, i: usize| (TAU * hz * i as f64 / f64::from(rate)).sin() * 0.5;
        let input: Vec<f32> = (0..rate as usize).map(|i| sine(rate, i) as f32).collect();
        let [left, right] = to_48k([input.clone(), input], rate);
        assert_eq!(left.len(), 48_000, "{rate}");
        assert!(left == right, "{rate}: the sides differ");
        (4000..44_000).map(|i| (f64::from(left[i]) - sine(48_000, i)).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn a_sine_keeps_its_place_and_level_through_every_rate() {
        for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 88_200, 96_000, 176_400, 192_000] {
            let found = worst(rate, 997.0);
            assert!(found < 2e-5, "{rate} Hz: off by {found}");
        }
    }

    #[test]
    fn a_sine_at_an_odd_rate_moves_by_less_than_a_sample_and_keeps_its_level() {
        let rate = 44_101;
        let input: Vec<f32> = (0..rate).map(|i| (TAU * 997.0 * i as f64 / rate as f64).sin() as f32).collect();
        let [left, _] = to_48k([input.clone(), input], rate as u32);
        assert_eq!(left.len(), 48_000);
        let turn = |i: usize| TAU * 997.0 * i as f64 / 48_000.0;
        // Hundreds of periods: the two sums are the two parts of the sine, to a thousandth.
        let range = 4_000..44_000;
        let [re, im] = [f64::sin, f64::cos]
            .map(|part| range.clone().map(|i| f64::from(left[i]) * part(turn(i))).sum::<f64>() / 20_000.0);
        assert!((re.hypot(im) - 1.0).abs() < 2e-3, "level {}", re.hypot(im));
        assert!(
            im.atan2(re).abs() < TAU * 997.0 / 48_000.0,
            "moved by {} samples",
            im.atan2(re) * 48_000.0 / TAU / 997.0
        );
    }

    #[test]
    fn what_lies_under_20_khz_survives_44100() {
        let found = worst(44_100, 20_000.0);
        assert!(found < 5e-4, "off by {found}");
    }

    #[test]
    fn what_48_khz_cannot_hold_is_gone_and_not_folded_down() {
        let rate = 192_000;
        let input: Vec<f32> = (0..rate).map(|i| (TAU * 30_000.0 * i as f64 / rate as f64).sin() as f32).collect();
        let [left, _] = to_48k([input.clone(), input], rate as u32);
        let loudest = left[4000..44_000].iter().fold(0.0f32, |loudest, s| loudest.max(s.abs()));
        assert!(loudest < 1e-4, "an alias of {loudest}");
    }

    #[test]
    fn a_recording_at_48_khz_passes_untouched() {
        let input = vec![0.1f32, -0.3, 0.7];
        assert_eq!(to_48k([input.clone(), input.clone()], 48_000), [input.clone(), input]);
    }
}
