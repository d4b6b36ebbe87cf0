//! Goal: what leaves the guard is finite, centred, under the ceiling between the samples too, and otherwise untouched.

use super::*;
use proptest::prelude::{prop_assert, proptest};
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

/// An independent judge: 16 looks between samples through a long sinc.
fn judged_peak(sound: &[StereoFrame]) -> f64 {
    const HALF: i64 = 48;
    let mut highest = 0.0_f64;
    for centre in HALF..sound.len() as i64 - HALF {
        for look in 0..16 {
            let at = centre as f64 + f64::from(look) / 16.0;
            let sum: f64 = (centre - HALF + 1..=centre + HALF)
                .map(|k| {
                    let x = at - k as f64;
                    let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
                    let window = (PI * x / (2.0 * (HALF + 1) as f64)).cos().powi(2);
                    f64::from(sound[k as usize][0]) * sinc * window
                })
                .sum();
            highest = highest.max(sum.abs());
        }
    }
    highest
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
fn loud_sound_stays_under_minus_one_decibel_between_the_samples_too() {
    for (hz, phase) in [(997.0, 0.0), (6_000.0, PI / 8.0), (12_000.0, PI / 4.0), (60.0, 0.1), (9_123.0, 1.0)] {
        let (out, meters) = guarded(&sine(6_000, hz, 4.0, phase), 256);
        let peak = db(judged_peak(&out[2_000..5_000]));
        assert!(peak < -1.0 + 0.18, "{hz} Hz reaches {peak} dBTP");
        assert!(peak > -1.6, "{hz} Hz is pressed down to {peak} dBTP");
        assert_eq!(meters.clamped_frames.load(Relaxed), 0, "{hz} Hz");
    }
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
