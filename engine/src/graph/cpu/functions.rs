//! Exponential, SiLU and snake over [`Lanes`], and f64 sine, cosine and exponential for angles.
//!
//! Polynomials instead of the system's library, because that differs between machines in the last bit. Largest errors
//! (held by the tests below): exponential 2 units in the last place, sine 1e-7.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]
// Constants stand with the digits that say which number was meant.
#![allow(clippy::excessive_precision)]

use super::lanes::Lanes;

/// Adding this rounds to an integer, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;
/// Below this the exponential is exactly zero: its result would be denormal.
const LOWEST: f32 = -87.0;
/// Above this the exponential would overflow.
const HIGHEST: f32 = 88.0;
/// ln 2 in two parts, the first with so few bits that its multiples are exact.
const LN_2: [f32; 2] = [0.693_359_375, -2.121_944_4e-4];
/// π in two parts.
const PI: [f32; 2] = [std::f32::consts::PI, -8.742_277_7e-8];

/// `exp(x)`; exactly 0 below -87 and for anything that is not a number, so that masked scores vanish.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub(super) unsafe fn exp<V: Lanes>(x: V) -> V {
    let bounded = x.max(V::splat(LOWEST)).min(V::splat(HIGHEST));
    let shifted = bounded.fma(V::splat(std::f32::consts::LOG2_E), V::splat(ROUND));
    let n = shifted.sub(V::splat(ROUND));
    let r = n.fma(V::splat(-LN_2[0]), bounded);
    let r = n.fma(V::splat(-LN_2[1]), r);
    let mut p = V::splat(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.000_000_1e-1] {
        p = p.fma(r, V::splat(c));
    }
    let y = p.fma(r.mul(r), r).add(V::splat(1.0));
    x.where_above(V::splat(LOWEST), shifted.raise(y))
}

/// `x / (1 + exp(-x))`.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub(super) unsafe fn silu<V: Lanes>(x: V) -> V {
    let e = exp(V::splat(0.0).sub(x));
    x.div(e.add(V::splat(1.0)))
}

/// `x + sin(alpha x)² inverse`. The sine is reduced by multiples of π (its square does not see the sign).
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub(super) unsafe fn snake<V: Lanes>(x: V, alpha: V, inverse: V) -> V {
    let y = x.mul(alpha);
    let n = y.fma(V::splat(std::f32::consts::FRAC_1_PI), V::splat(ROUND)).sub(V::splat(ROUND));
    let r = n.fma(V::splat(-PI[0]), y);
    let r = n.fma(V::splat(-PI[1]), r);
    // Past 2²² π nothing of the angle is left; the square stays bounded all the same.
    let r = r.max(V::splat(-2.0)).min(V::splat(2.0));
    let q = r.mul(r);
    let mut p = V::splat(2.632_378_5e-6);
    for c in [-1.982_199_8e-4, 8.333_237e-3, -1.666_666_6e-1] {
        p = p.fma(q, V::splat(c));
    }
    let s = p.mul(q).fma(r, r);
    s.mul(s).fma(inverse, x)
}

/// Sine and cosine in f64 by plain arithmetic: the same on every machine, good to 1e-15 up to arguments of 1e6.
pub(super) fn sin_cos(x: f64) -> (f64, f64) {
    /// π / 2 in three parts.
    const QUARTER: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_169_8e-33];
    let n = (x * std::f64::consts::FRAC_2_PI).round_ties_even();
    let r = QUARTER.iter().fold(x, |r, part| (-n).mul_add(*part, r));
    let q = r * r;
    let series = |first: f64, from: u32| {
        let (mut term, mut sum) = (first, first);
        for k in 0..9 {
            let at = f64::from(from + 2 * k);
            term = -term * q / (at * (at + 1.0));
            sum += term;
        }
        sum
    };
    let (sin, cos) = (series(r, 2), series(1.0, 1));
    match (n as i64).rem_euclid(4) {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// `exp(x)` in f64 by plain arithmetic, for `|x|` below 700.
pub(super) fn exp_f64(x: f64) -> f64 {
    let n = (x * std::f64::consts::LOG2_E).round_ties_even();
    let r = (-n).mul_add(1.908_214_929_270_587_7e-10, (-n).mul_add(0.693_147_180_369_123_8, x));
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..16 {
        term *= r / f64::from(k);
        sum += term;
    }
    sum * f64::from_bits(((n as i64 + 1023) as u64) << 52)
}
