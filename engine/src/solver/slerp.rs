//! Spherical interpolation of two velocities: the direction turns, the length goes straight.
//!
//! The mean of two vectors at an angle is shorter than either, and a velocity that is too short leaves noise in. So on the
//! spherical path each channel's velocities over all frames, the axis that guidance measures along as well, are two vectors
//! `A` and `B` at an angle `w`, and at the share `t` of the way from one to the other stands
//! `length / sin w * (sin((1 - t) w) A / |A| + sin(t w) B / |B|)` with `length = (1 - t) |A| + t |B|`. Of vectors that point
//! the same way that is the mean. Lengths go straight, not geometrically, for that reason.
//!
//! Two kinds of pairs have no arc between them, and it gives way to the mean as they come near, without a step. Opposite
//! ones could turn either way: the arc is whole down to a cosine of [`ARC`] (148 degrees) and gone at [`OPPOSITE`] (169).
//! A channel without a velocity has no direction: the arc is whole where the shorter one has a quarter of the longer one's
//! length ([`EVEN`]), and gone at a twentieth ([`UNEVEN`]).
//!
//! Sums, sines and angles are made of sums, products, quotients and roots in one order, so the bits are the same on every
//! machine. Nothing here allocates once there is room for a latent's channels.

use crate::wide::{Wide, widest};

/// At and above this cosine of the angle the arc is whole.
pub const ARC: f64 = -0.85;
/// At and below this cosine there is the mean alone.
pub const OPPOSITE: f64 = -0.98;
/// From this share of the longer length on, the shorter one lets the arc be whole.
pub const EVEN: f64 = 0.25;
/// At and below this share there is the mean alone.
pub const UNEVEN: f64 = 0.05;
/// Below this sine both are taken to point the same way. What is left out is below a sixth of its square: 2e-9 of a length.
const SAME_WAY: f64 = 1e-4;

/// Room for one latent's sums over time, and then for its factors; one of each a channel.
#[derive(Debug)]
pub struct Slerp {
    /// `sum A²`.
    a: Vec<f64>,
    /// `sum A B`.
    both: Vec<f64>,
    /// `sum B²`.
    b: Vec<f64>,
    factors: Vec<[f32; 2]>,
}

impl Slerp {
    /// For latents of up to `channels` channels without allocating later.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        let sums = || Vec::with_capacity(channels);
        Self { a: sums(), both: sums(), b: sums(), factors: Vec::with_capacity(channels) }
    }

    /// Puts into `a` what stands at `share` of the way from `a` to `b`, both `[frames, channels]`; `share` in `[0, 1]`.
    pub fn blend(&mut self, share: f64, channels: usize, a: &mut [f32], b: &[f32]) {
        for sums in [&mut self.a, &mut self.both, &mut self.b] {
            sums.clear();
            sums.resize(channels, 0.0);
        }
        widest(Gather { sums: self, a, b });
        let sums = self.a.iter().zip(&self.both).zip(&self.b);
        self.factors.clear();
        self.factors.extend(sums.map(|((&a, &both), &b)| factors(share, [a, both, b])));
        widest(Apply { factors: &self.factors, a, b });
    }
}

/// Factors of `A` and `B` at the share of the way, from the sums `A A`, `A B` and `B B`.
#[must_use]
pub fn factors(share: f64, [a, both, b]: [f64; 3]) -> [f32; 2] {
    let mean = [1.0 - share, share];
    let (a, b) = (a.sqrt(), b.sqrt());
    let (shorter, longer) = if a < b { (a, b) } else { (b, a) };
    // Zeros, and what is no number, have no arc.
    let has_arc = UNEVEN * longer < shorter && OPPOSITE * (a * b) < both;
    if !has_arc {
        return mean.map(|it| it as f32);
    }
    let cosine = at_most_one(both / (a * b));
    let round = at_most_one((cosine - OPPOSITE) / (ARC - OPPOSITE))
        * at_most_one((shorter / longer - UNEVEN) / (EVEN - UNEVEN));
    let angle = angle_of(cosine);
    let whole = sine(angle);
    let turned = if whole < SAME_WAY { mean } else { mean.map(|part| sine(part * angle) / whole) };
    let length = mean[0] * a + mean[1] * b;
    [
        (round * (turned[0] * (length / a)) + (1.0 - round) * mean[0]) as f32,
        (round * (turned[1] * (length / b)) + (1.0 - round) * mean[1]) as f32,
    ]
}

fn at_most_one(it: f64) -> f64 {
    if it < 1.0 { it } else { 1.0 }
}

/// The angle of a cosine above [`OPPOSITE`], in radians: the tangent of its half is halved four times, until a short series holds.
fn angle_of(cosine: f64) -> f64 {
    let mut tangent = ((1.0 - cosine) / (1.0 + cosine)).sqrt();
    for _ in 0..4 {
        tangent /= 1.0 + (1.0 + tangent * tangent).sqrt();
    }
    let z = tangent * tangent;
    let mut series = 1.0 / 17.0;
    for odd in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = 1.0 / odd - z * series;
    }
    32.0 * (tangent * series)
}

/// The sine of an angle between 0 and pi, in radians.
fn sine(angle: f64) -> f64 {
    const HALF_TURN: f64 = std::f64::consts::PI;
    let x = if 0.5 * HALF_TURN < angle { HALF_TURN - angle } else { angle };
    let z = x * x;
    let mut series = 1.0;
    for even in [20.0, 18.0, 16.0, 14.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0] {
        series = 1.0 - z / (even * (even + 1.0)) * series;
    }
    x * series
}

/// The sums over time of every channel, frame by frame.
struct Gather<'a> {
    sums: &'a mut Slerp,
    a: &'a [f32],
    b: &'a [f32],
}

impl Wide for Gather<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { sums, a, b } = self;
        let channels = sums.a.len();
        for (a, b) in a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
            let sums = sums.a.iter_mut().zip(&mut sums.both).zip(&mut sums.b);
            for (((sum_a, sum_both), sum_b), (&a, &b)) in sums.zip(a.iter().zip(b)) {
                let (a, b) = (f64::from(a), f64::from(b));
                *sum_a += a * a;
                *sum_both += a * b;
                *sum_b += b * b;
            }
        }
    }
}

/// `a = a factor + b factor`.
struct Apply<'a> {
    factors: &'a [[f32; 2]],
    a: &'a mut [f32],
    b: &'a [f32],
}

impl Wide for Apply<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Self { factors, a, b } = self;
        let channels = factors.len();
        for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
            for ((a, &b), &[of_a, of_b]) in a.iter_mut().zip(b).zip(factors) {
                *a = *a * of_a + b * of_b;
            }
        }
    }
}

#[cfg(test)]
#[path = "slerp_tests.rs"]
mod tests;
