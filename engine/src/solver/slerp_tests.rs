//! The law against its textbook form in f64, with the standard library's own functions.

use std::f64::consts::PI;

use super::*;

const FRAMES: usize = 40;
const CHANNELS: usize = 3;

/// A channel's two velocities over the frames: lengths `a` and `b`, at an angle, turned out of the axes.
fn pair(a: f64, b: f64, angle: f64) -> [Vec<f64>; 2] {
    let wave = |step: f64| -> Vec<f64> { (0..FRAMES).map(|at| (at as f64 * step + 0.3).sin()).collect() };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (mut u, mut n) = (wave(0.7), wave(1.9));
    let length = dot(&u, &u).sqrt();
    u.iter_mut().for_each(|it| *it /= length);
    let along = dot(&n, &u);
    n.iter_mut().zip(&u).for_each(|(it, u)| *it -= along * u);
    let length = dot(&n, &n).sqrt();
    n.iter_mut().for_each(|it| *it /= length);
    let turned = u.iter().zip(&n).map(|(u, n)| b * (angle.cos() * u + angle.sin() * n)).collect();
    [u.iter().map(|it| a * it).collect(), turned]
}

/// What the engine makes of one channel's pair; the other channels hold something else.
fn engines(share: f64, [a, b]: &[Vec<f64>; 2]) -> Vec<f64> {
    let spread = |of: &[f64]| -> Vec<f32> { of.iter().flat_map(|it| [0.5, *it as f32, -1.0]).collect() };
    let (mut out, b) = (spread(a), spread(b));
    Slerp::new(CHANNELS).blend(share, CHANNELS, &mut out, &b);
    out.chunks_exact(CHANNELS).map(|it| f64::from(it[1])).collect()
}

fn length(it: &[f64]) -> f64 {
    it.iter().map(|it| it * it).sum::<f64>().sqrt()
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn mean(share: f64, [a, b]: &[Vec<f64>; 2]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| (1.0 - share) * a + share * b).collect()
}

/// The textbook: unit vectors, `sin((1 - t) w) / sin w` and `sin(t w) / sin w`, and a length between; and the documented way
/// over to the mean where vectors are nearly opposite, or one is much shorter.
fn textbook(share: f64, [a, b]: &[Vec<f64>; 2]) -> Vec<f64> {
    let (long_a, long_b) = (length(a), length(b));
    let ratio = long_a.min(long_b) / long_a.max(long_b);
    let cosine = a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / (long_a * long_b);
    let arc = ((cosine + 0.98) / 0.13).clamp(0.0, 1.0) * ((ratio - 0.05) / 0.2).clamp(0.0, 1.0);
    let angle = cosine.clamp(-1.0, 1.0).acos();
    let [of_a, of_b] = [1.0 - share, share].map(|it| (it * angle).sin() / angle.sin());
    let long = (1.0 - share) * long_a + share * long_b;
    let pairs = a.iter().zip(b);
    pairs
        .map(|(a, b)| {
            let turned = if arc == 0.0 { 0.0 } else { arc * long * (of_a * a / long_a + of_b * b / long_b) };
            turned + (1.0 - arc) * ((1.0 - share) * a + share * b)
        })
        .collect()
}

#[test]
fn the_arc_is_the_textbooks_at_every_angle_and_share() {
    let angles = [1e-4, 3e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0, PI / 2.0, 2.0, 2.5, 2.58, 2.65, 2.75, 2.9, 2.95, 3.1, PI];
    for angle in angles {
        for share in [1e-3, 0.1, 0.25, 0.5, 0.8, 0.999] {
            for long in [0.04, 0.1, 0.3, 1.0, 2.0, 3.9, 15.0] {
                let pair = pair(1.0, long, angle);
                let (found, expected) = (engines(share, &pair), textbook(share, &pair));
                // In f32 a velocity is known to 6e-8 of itself; near opposite ones count up to three times.
                let away = apart(&found, &expected) / long.max(1.0);
                assert!(away < 5e-7, "angle {angle}, share {share}, length {long}: {away}");
                let (length, between) = (length(&found), (1.0 - share) + share * long);
                let whole = angle < 2.58 && (0.25..=4.0).contains(&long);
                assert!(!whole || (length / between - 1.0).abs() < 3e-7, "{angle} {share}: {length}, not {between}");
            }
        }
    }
}

#[test]
fn sines_and_angles_are_the_standard_librarys() {
    for at in 0..=20_000 {
        let angle = PI * f64::from(at) / 20_000.0;
        assert!((sine(angle) - angle.sin()).abs() < 4e-16, "sine of {angle}: {}", sine(angle));
        if OPPOSITE < angle.cos() {
            // A cosine near 1 says little of its angle: that much is lost before.
            let lost = 1e-15 * (1.0 + 1.0 / angle.sin().max(1e-8));
            let found = angle_of(angle.cos());
            assert!((found - angle).abs() <= lost.min(3e-8), "angle {angle}: {found}");
        }
    }
    assert_eq!((sine(0.0), angle_of(1.0)), (0.0, 0.0));
}

#[test]
fn the_first_thousandth_of_the_arc_is_no_longer_than_the_next_and_its_ends_are_the_prompts() {
    for angle in [0.0, 1e-4, 0.3, 1.0, 2.0, 2.6, 2.7, 2.9, PI] {
        for long in [0.0, 0.04, 0.1, 0.24, 1.0, 1.7, 30.0] {
            let pair = pair(1.0, long, angle);
            let at = |share: f64| engines(share, &pair);
            assert_eq!([at(0.0), at(1.0)], pair.clone().map(rounded), "angle {angle}, length {long}");
            for [rest, first, second] in [[0.0, 0.001, 0.002], [1.0, 0.999, 0.998]] {
                let (leaving, next) = (apart(&at(rest), &at(first)), apart(&at(first), &at(second)));
                // Steps of a thousandth, of numbers that are rounded to f32.
                assert!(
                    leaving < 1.01 * next + 3e-7 * long.max(1.0),
                    "{angle} {long} from {rest}: {leaving} then {next}"
                );
            }
        }
    }
}

fn rounded(it: Vec<f64>) -> Vec<f64> {
    it.into_iter().map(|it| f64::from(it as f32)).collect()
}

#[test]
fn no_angle_and_no_length_is_a_step() {
    // A thousand little turns from nothing to a half turn, and lengths from nothing to four times: each moves the middle of the
    // blend by little, whatever law holds there. Between the laws it moves faster than on either, and never jumps.
    for share in [0.1, 0.5, 0.7] {
        let turn = |at: u32| engines(share, &pair(1.0, 1.3, PI * f64::from(at) / 1000.0));
        let most = (0..1000).map(|at| apart(&turn(at), &turn(at + 1))).fold(0.0, f64::max);
        assert!(most < 0.03, "a turn by a thousandth of pi moves it by {most}");
        let grow = |at: u32| engines(share, &pair(1.0, 4.0 * f64::from(at) / 1000.0, 2.0));
        let most = (0..1000).map(|at| apart(&grow(at), &grow(at + 1))).fold(0.0, f64::max);
        assert!(most < 0.03, "growing by a thousandth moves it by {most}");
    }
    // At the sine below which both count as of one direction, and at the four bounds, both sides are the same.
    let sides = |of: &dyn Fn(f64) -> [f32; 2], at: f64| {
        let [below, above] = [of(at - 1e-9), of(at + 1e-9)];
        below.iter().zip(above).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
    };
    let by_cosine = |cosine: f64| factors(0.3, [1.0, cosine, 1.0]);
    for cosine in [OPPOSITE, ARC, 1.0 - SAME_WAY * SAME_WAY / 2.0] {
        assert!(sides(&by_cosine, cosine) < 2e-7, "at a cosine of {cosine}: {}", sides(&by_cosine, cosine));
    }
    let by_length = |length: f64| factors(0.3, [1.0, -0.3 * length, length * length]);
    for length in [UNEVEN, EVEN, 1.0 / EVEN, 1.0 / UNEVEN] {
        assert!(sides(&by_length, length) < 2e-6 * length.max(1.0), "at {length}: {}", sides(&by_length, length));
    }
}

#[test]
fn equal_prompts_opposite_ones_and_silence_are_the_mean() {
    for share in [0.001, 0.3, 0.5, 0.99] {
        for (what, pair) in [
            ("equal", pair(1.0, 1.0, 0.0)),
            ("one way", pair(1.0, 2.5, 0.0)),
            ("opposite", pair(1.0, 1.0, PI)),
            ("nearly opposite", pair(1.0, 1.4, 3.0)),
            ("the first silent", pair(0.0, 1.0, 1.0)),
            ("the second silent", pair(1.0, 0.0, 1.0)),
            ("the second all but silent", pair(1.0, 0.049, 1.0)),
            ("both silent", pair(0.0, 0.0, 1.0)),
        ] {
            let away = apart(&engines(share, &pair), &mean(share, &pair));
            assert!(away < 3e-7, "{what} at {share}: {away} from the mean");
        }
    }
}

#[test]
fn what_is_no_number_stays_none() {
    for unsound in [f64::NAN, f64::INFINITY] {
        for side in 0..2 {
            let mut pair = pair(1.0, 1.0, 1.0);
            pair[side][7] = unsound;
            assert!(!engines(0.5, &pair)[7].is_finite(), "{unsound} on side {side}");
        }
    }
}

#[test]
fn the_mean_of_two_velocities_is_shorter_than_either_and_the_arc_is_not() {
    let pair = pair(1.0, 1.0, PI / 2.0);
    let (short, round) = (length(&mean(0.5, &pair)), length(&engines(0.5, &pair)));
    assert!((short - 0.5_f64.sqrt()).abs() < 1e-9 && (round - 1.0).abs() < 1e-6, "{short} and {round}");
}
