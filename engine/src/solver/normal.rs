//! Uniform bits to Gaussian numbers, the same on every machine.
//!
//! Box and Muller's method with own polynomials (the well-known single-precision ones of the Cephes library) instead of
//! the platform's `ln`, `sin` and `cos`, whose last bit differs between systems. Only sums, products, square roots and
//! integer operations are used, each rounded by itself, so every compilation gives the same bits. Everything works on
//! arrays of [`LANES`] so that a compiler makes vectors of it.

/// Numbers made at once.
pub(super) const LANES: usize = 16;

/// A vector of floats.
pub(super) type Lanes = [f32; LANES];

/// Turns two words a lane into two independent Gaussian numbers a lane. The largest is `sqrt(-2 ln 2^-24)`, about 5.77.
#[inline(always)]
pub(super) fn box_muller(radius_bits: &[u32; LANES], angle_bits: &[u32; LANES]) -> [Lanes; 2] {
    let mut across = [0.0; LANES];
    let mut up = [0.0; LANES];
    for lane in 0..LANES {
        // In (0, 1]: 24 bits and one more, so that the logarithm is finite.
        let uniform = ((radius_bits[lane] >> 8) as i32 + 1) as f32 * (1.0 / 16_777_216.0);
        let radius = (-2.0 * ln(uniform)).sqrt();
        let (sin, cos) = sin_cos_of_turn(angle_bits[lane] >> 8);
        across[lane] = radius * cos;
        up[lane] = radius * sin;
    }
    [across, up]
}

/// Natural logarithm of a normal positive number, to 1 ulp or so.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // Splits x into 2^exponent * mantissa with the mantissa in [sqrt(1/2), sqrt(2)).
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    let bits = x.to_bits() as i32;
    let exponent = (bits - SQRT_HALF_BITS) >> 23;
    let mantissa = f32::from_bits((bits - (exponent << 23)) as u32);
    let exponent = exponent as f32;
    let z = mantissa - 1.0;
    let square = z * z;
    let mut y = 7.037_683_6e-2;
    y = y * z - 1.151_461e-1;
    y = y * z + 1.167_699_87e-1;
    y = y * z - 1.242_014_1e-1;
    y = y * z + 1.424_932_3e-1;
    y = y * z - 1.666_805_7e-1;
    y = y * z + 2.000_071_4e-1;
    y = y * z - 2.499_999_4e-1;
    y = y * z + 3.333_333e-1;
    y = y * z * square;
    y += exponent * -2.121_944_4e-4;
    y -= 0.5 * square;
    (z + y) + exponent * 0.693_359_4
}

/// Sine and cosine of `2 pi turn / 2^24`, to 1 ulp or so.
#[inline(always)]
fn sin_cos_of_turn(turn: u32) -> (f32, f32) {
    const QUARTER: i32 = 1 << 22;
    let turn = turn as i32;
    let quadrant = (turn + QUARTER / 2) >> 22;
    let rest = turn - quadrant * QUARTER;
    let x = rest as f32 * (std::f32::consts::TAU / 16_777_216.0);
    let z = x * x;
    let sin = ((-1.951_529_6e-4 * z + 8.332_161e-3) * z - 1.666_665_5e-1) * z * x + x;
    let cos = ((2.443_315_7e-5 * z - 1.388_731_6e-3) * z + 4.166_664_6e-2) * z * z - 0.5 * z + 1.0;
    let swapped = quadrant & 1 != 0;
    let (s, c) = if swapped { (cos, sin) } else { (sin, cos) };
    // The sine is negative in the quadrants 2 and 3, the cosine in 1 and 2.
    let sin_sign = ((quadrant & 2) as u32) << 30;
    let cos_sign = (((quadrant + 1) & 2) as u32) << 30;
    (f32::from_bits(s.to_bits() ^ sin_sign), f32::from_bits(c.to_bits() ^ cos_sign))
}

#[cfg(test)]
mod tests {
    use super::{ln, sin_cos_of_turn};

    #[test]
    fn the_logarithm_is_right_to_two_units_in_the_last_place() {
        for at in 0..200_000_u32 {
            let x = (at * 83 + 1) as f32 / 16_777_216.0;
            let exact = f64::from(x).ln();
            let allowed = 2.0 * f64::from(f32::EPSILON) * exact.abs().max(1e-6);
            assert!((f64::from(ln(x)) - exact).abs() <= allowed, "ln({x}) = {}, not {exact}", ln(x));
        }
    }

    #[test]
    fn sine_and_cosine_are_right_all_around() {
        for at in 0..200_000_u32 {
            let turn = (at * 83) & 0xff_ffff;
            let (sin, cos) = sin_cos_of_turn(turn);
            let angle = f64::from(turn) * std::f64::consts::TAU / 16_777_216.0;
            assert!((f64::from(sin) - angle.sin()).abs() < 1.5e-7, "sin of {turn}");
            assert!((f64::from(cos) - angle.cos()).abs() < 1.5e-7, "cos of {turn}");
        }
    }
}
