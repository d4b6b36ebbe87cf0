//! Goal: what leaves the guard is finite, centred, under the ceiling between the samples too, and otherwise untouched.

use super::*;
use proptest::prelude::{prop_assert, proptest};
use rustfft::num_complex::Complex;
use std::cmp::Ordering::{Equal, Greater, Less};
use std::f64::consts::{PI, TAU};
use std::sync::atomic::Ordering::Relaxed;

fn sine(frames: usize, hz: f64, amplitude: f64, phase: f64) -> Vec<StereoFrame> {
    (0..frames).map(|i| [(amplitude * (TAU * hz * i as f64 / 48_000.0 + phase).sin()) as f32; 2]).collect()
}

fn guarded(sound: &[StereoFrame], period: usize) -> (Vec<StereoFrame>, Meters) {
    let (mut guard, meters, mut out) = (Guard::new(), Meters::default(), sound.to_vec());
    out.chunks_mut(period).for_each(|period| guard.process(period, &meters));
    (out, meters)
}

/// An independent judge: both channels 16 times as often, exactly, by their spectrum. The ends are faded, for a spectrum
/// takes what it is given for a loop.
fn judged_peak(sound: &[StereoFrame]) -> f64 {
    const TIMES: usize = 16;
    const FADE: usize = 256;
    let count = sound.len();
    let mut planner = rustfft::FftPlanner::<f64>::new();
    let (forth, back) = (planner.plan_fft_forward(count), planner.plan_fft_inverse(count * TIMES));
    let peak = |channel: usize| {
        let ramp = |i: usize| (PI / 2.0 * (i.min(count - 1 - i) as f64 / FADE as f64).min(1.0)).sin().powi(2);
        let mut bins: Vec<Complex<f64>> =
            sound.iter().enumerate().map(|(i, it)| Complex::new(f64::from(it[channel]) * ramp(i), 0.0)).collect();
        forth.process(&mut bins);
        let mut wide = vec![Complex::default(); count * TIMES];
        for (i, bin) in bins.iter().enumerate() {
            // What lies at half the rate belongs to both sides alike.
            match (2 * i).cmp(&count) {
                Less => wide[i] = *bin,
                Equal => (wide[i], wide[count * (TIMES - 1) + i]) = (*bin / 2.0, *bin / 2.0),
                Greater => wide[count * (TIMES - 1) + i] = *bin,
            }
        }
        back.process(&mut wide);
        wide.iter().map(|it| it.re.abs()).fold(0.0, f64::max) / count as f64
    };
    peak(0).max(peak(1))
}

/// Unrelated noise left and right, uniform within `amplitude`; nothing above 20 kHz is left of it where `below_20k`.
fn noise(frames: usize, amplitude: f64, seed: u64, below_20k: bool) -> Vec<StereoFrame> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
    };
    let mut planner = rustfft::FftPlanner::<f64>::new();
    let (forth, back) = (planner.plan_fft_forward(frames), planner.plan_fft_inverse(frames));
    let mut channel = || {
        let mut bins: Vec<Complex<f64>> = (0..frames).map(|_| Complex::new(next() * amplitude, 0.0)).collect();
        forth.process(&mut bins);
        for (i, bin) in bins.iter_mut().enumerate() {
            let hz = i.min(frames - i) as f64 * 48_000.0 / frames as f64;
            *bin *= if below_20k && hz > 20_000.0 { 0.0 } else { 1.0 / frames as f64 };
        }
        back.process(&mut bins);
        bins
    };
    let (left, right) = (channel(), channel());
    left.iter().zip(&right).map(|(l, r)| [l.re as f32, r.re as f32]).collect()
}

fn db(linear: f64) -> f64 {
    20.0 * linear.log10()
}

#[test]
fn below_the_ceiling_the_limiter_passes_the_same_bits_and_says_when() {
    let sound = sine(4_000, 997.0, 0.8, 0.3);
    let mut limiter = Limiter::new(CEILING);
    let mut out = sound.clone();
    out.chunks_mut(100).for_each(|block| {
        limiter.process(block);
    });
    assert!(out[GUARD_LATENCY_FRAMES..] == sound[..4_000 - GUARD_LATENCY_FRAMES]);
}

#[test]
fn loud_tones_stay_under_minus_one_decibel_between_the_samples_up_to_20_khz() {
    // 12, 16 and 19.2 kHz hit the same few moments of their wave for ever: with the worst phase nothing helps but looking.
    let phases = [0.0, PI / 12.0, PI / 8.0, PI / 5.0, PI / 4.0, PI / 3.0, PI / 2.4];
    let tones = [60.0, 997.0, 6_000.0, 9_123.0, 12_000.0, 16_000.0, 18_000.0, 19_000.0, 19_200.0, 19_983.0, 20_000.0];
    for hz in tones {
        for phase in phases {
            let (out, meters) = guarded(&sine(8_000, hz, 4.0, phase), 256);
            let peak = db(judged_peak(&out[2_000..7_000]));
            assert!(peak < -1.0 + 0.1, "{hz} Hz at {phase} reaches {peak} dBTP");
            assert!(peak > -1.6, "{hz} Hz at {phase} is pressed down to {peak} dBTP");
            assert_eq!(meters.clamped_frames.load(Relaxed), 0, "{hz} Hz");
        }
    }
}

#[test]
fn the_meter_reads_a_tone_within_a_tenth_of_a_decibel_up_to_20_khz() {
    for hz in [1_000.0, 12_000.0, 16_000.0, 18_000.0, 19_200.0, 20_000.0] {
        for eighth in 0..8 {
            let mut tone = sine(3_000, hz, 0.5, f64::from(eighth) * PI / 8.0);
            for i in 0..400 {
                let ramp = (PI / 2.0 * i as f64 / 400.0).sin().powi(2) as f32;
                tone[i] = tone[i].map(|it| it * ramp);
                tone[2_999 - i] = tone[2_999 - i].map(|it| it * ramp);
            }
            let off = db(f64::from(true_peak(&tone)) / 0.5);
            assert!(off.abs() < 0.1, "{hz} Hz at {eighth} eighths of a half turn is read {off} dB off");
        }
    }
}

#[test]
fn loud_stereo_noise_stays_under_minus_one_decibel() {
    for (seed, below_20k, most) in [(3, true, 0.1), (4, true, 0.1), (5, false, 0.9), (6, false, 0.9)] {
        for amplitude in [1.0, 4.0] {
            let (out, meters) = guarded(&noise(20_000, amplitude, seed, below_20k), 256);
            let peak = db(judged_peak(&out[1_000..19_000]));
            println!("noise {seed} amplitude {amplitude}: {peak:.3} dBTP");
            assert!(peak < -1.0 + most, "noise {seed}, {amplitude}: {peak} dBTP");
            assert!(peak > -2.0, "noise {seed}, {amplitude}: pressed down to {peak} dBTP");
            assert_eq!(meters.clamped_frames.load(Relaxed), 0);
        }
    }
}

/// Samples that stay under the ceiling while the wave between them goes far above it: all signs as a sinc between two samples
/// wants them, with nothing above 20 kHz.
#[test]
fn the_worst_that_can_hide_between_samples_is_found() {
    const COUNT: usize = 4_800;
    let mut planner = rustfft::FftPlanner::<f64>::new();
    let (forth, back) = (planner.plan_fft_forward(COUNT), planner.plan_fft_inverse(COUNT));
    let mut bins: Vec<Complex<f64>> = (0..COUNT)
        .map(|i| {
            let from = i as i64 - 2_400;
            let sign = if (from >= 0) == (from.rem_euclid(2) == 0) { 1.0 } else { -1.0 };
            Complex::new(if from.abs() < 40 { sign } else { 0.0 }, 0.0)
        })
        .collect();
    forth.process(&mut bins);
    for (i, bin) in bins.iter_mut().enumerate() {
        let keep = i.min(COUNT - i) as f64 * 48_000.0 / COUNT as f64 <= 20_000.0;
        *bin *= if keep { 1.0 } else { 0.0 };
    }
    back.process(&mut bins);
    let highest = bins.iter().map(|it| it.re.abs()).fold(0.0, f64::max);
    let sound: Vec<StereoFrame> = bins.iter().map(|it| [(it.re / highest * 0.89) as f32; 2]).collect();
    assert!(sound.iter().all(|it| it[0].abs() < CEILING), "no sample is over the ceiling");
    let before = db(judged_peak(&sound));
    let (out, _) = guarded(&sound, 256);
    let peak = db(judged_peak(&out));
    println!("hidden peak {before:.2} dBTP, guarded {peak:.3} dBTP");
    assert!(before > 0.0 && peak < -0.9, "{before} dBTP became {peak} dBTP");
}

#[test]
fn a_peak_hidden_between_the_samples_is_found() {
    // A quarter of the rate at 45 degrees: every sample at 0.707 of the true peak.
    let sound = sine(4_000, 12_000.0, 1.2, PI / 4.0);
    assert!(sound.iter().all(|frame| frame[0].abs() < CEILING), "no sample is over the ceiling");
    let (out, _) = guarded(&sound, 128);
    let peak = judged_peak(&out[2_000..3_500]);
    assert!(db(peak) < -0.95, "{}", db(peak));
}

#[test]
fn steady_loud_sound_is_turned_down_by_a_steady_amount() {
    for hz in [30.0, 55.0, 440.0, 5_000.0] {
        let (mut limiter, mut sound) = (Limiter::new(CEILING), sine(48_000, hz, 2.0, 0.0));
        let original = sound.clone();
        sound.chunks_mut(256).for_each(|block| {
            limiter.process(block);
        });
        let gains = (24_000..48_000).filter_map(|i| {
            let before = original[i - GUARD_LATENCY_FRAMES][0];
            (before.abs() > 0.5).then(|| sound[i][0] / before)
        });
        let (low, high) = gains.fold((9.0_f32, 0.0_f32), |(low, high), gain| (low.min(gain), high.max(gain)));
        assert!(high - low < 0.004 * high, "{hz} Hz: gain moves between {low} and {high}");
    }
}

#[test]
fn quiet_sound_after_a_loud_one_comes_back_to_the_same_bits() {
    let mut limiter = Limiter::new(CEILING);
    let sound = [sine(4_800, 440.0, 3.0, 0.0), sine(96_000, 440.0, 0.3, 0.0)].concat();
    let mut out = sound.clone();
    out.chunks_mut(256).for_each(|block| {
        limiter.process(block);
    });
    assert!(out[90_000..] == sound[90_000 - GUARD_LATENCY_FRAMES..sound.len() - GUARD_LATENCY_FRAMES]);
}

#[test]
fn direct_current_is_taken_out_and_music_is_not() {
    let offset: Vec<_> = sine(96_000, 440.0, 0.25, 0.0).iter().map(|frame| [frame[0] + 0.4, frame[1] - 0.2]).collect();
    let (out, _) = guarded(&offset, 480);
    let tail = &out[48_000..];
    let mean = tail.iter().map(|frame| f64::from(frame[0])).sum::<f64>() / tail.len() as f64;
    let power = tail.iter().map(|frame| f64::from(frame[0]).powi(2)).sum::<f64>() / tail.len() as f64;
    assert!(mean.abs() < 1e-4, "{mean}");
    assert!((power.sqrt() - 0.25 / 2.0_f64.sqrt()).abs() < 1e-3, "{power}");
}

#[test]
fn samples_that_are_no_numbers_are_faded_over_and_counted() {
    let mut sound = sine(4_800, 440.0, 0.5, 0.0);
    sound[1_000..1_300].fill([f32::NAN, f32::INFINITY]);
    sound[2_000] = [f32::NEG_INFINITY, 0.0];
    sound[3_000] = [1e30, 0.0];
    let (out, meters) = guarded(&sound, 128);
    assert_eq!(meters.non_finite_frames.load(Relaxed), 302);
    let steepest = out.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.5 * 0.0577 * 1.2, "{steepest}");
    let undisturbed = guarded(&sine(4_800, 440.0, 0.5, 0.0), 128).0;
    assert!((out[4_000][0] - undisturbed[4_000][0]).abs() < 0.01);
}

#[test]
fn the_guard_delays_by_two_milliseconds_and_a_third() {
    assert_eq!(GUARD_LATENCY_FRAMES, 111);
    let mut sound = vec![[0.0; 2]; 1_000];
    sound[500] = [0.25, -0.25];
    let (out, _) = guarded(&sound, 128);
    let peak = (0..out.len()).max_by(|a, b| out[*a][0].total_cmp(&out[*b][0]));
    assert_eq!(peak, Some(611));
}

#[test]
fn the_period_does_not_change_a_bit() {
    let sound = sine(5_000, 777.0, 1.7, 0.0);
    assert!(guarded(&sound, 128).0 == guarded(&sound, 1_000).0);
}

proptest! {
    #[test]
    fn whatever_comes_in_the_output_is_finite_and_under_the_ceiling(
        sound in proptest::collection::vec(proptest::array::uniform2(proptest::num::f32::ANY), 1..3000), period in 1_usize..700
    ) {
        let (out, meters) = guarded(&sound, period);
        prop_assert!(out.iter().flatten().all(|sample| sample.abs() <= CEILING));
        prop_assert!(meters.clamped_frames.load(Relaxed) == 0);
    }

    #[test]
    fn any_music_stays_under_the_ceiling_as_a_meter_reads_it(
        partials in proptest::collection::vec((20.0_f64..15_000.0, 0.0_f64..2.0, 0.0_f64..6.0), 1..5), period in 1_usize..700
    ) {
        let mut sound = vec![[0.0_f32; 2]; 4_000];
        for (hz, amplitude, phase) in partials {
            for (frame, partial) in sound.iter_mut().zip(sine(4_000, hz, amplitude, phase)) {
                frame[0] += partial[0];
                frame[1] -= partial[1] * 0.5;
            }
        }
        let (mut out, _) = guarded(&sound, period);
        // The judge hears silence after the end: a sound cut off there would have peaks that are the cut's.
        for (i, frame) in out[3_000..].iter_mut().rev().enumerate() {
            *frame = frame.map(|sample| sample * i as f32 / 1_000.0);
        }
        let peak = true_peak(&out);
        prop_assert!(db(f64::from(peak)) < -0.9, "{}", db(f64::from(peak)));
    }
}
