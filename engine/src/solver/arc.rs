//! Angle, sine and cosine from sums and products alone, the same on every machine (Cephes' single-precision polynomials).

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// Angle of the point `(x, y)`, in radians within `[-pi, pi]`; 0 at the origin.
pub(super) fn angle(y: f32, x: f32) -> f32 {
    if x == 0.0 && y == 0.0 {
        return 0.0;
    }
    let steep = x.abs() < y.abs();
    let slope = if steep { x.abs() / y.abs() } else { y.abs() / x.abs() };
    let mut angle = atan_of_unit(slope);
    if steep {
        angle = FRAC_PI_2 - angle;
    }
    if x.is_sign_negative() {
        angle = PI - angle;
    }
    if y.is_sign_negative() { -angle } else { angle }
}

/// Cosine of any angle of a few turns, in radians.
pub(super) fn cos(angle: f32) -> f32 {
    // Three parts of pi/2, so that the reduction loses nothing.
    let quadrant = (angle.abs() * (1.0 / FRAC_PI_2) + 0.5) as i32;
    let q = quadrant as f32;
    let x = ((angle.abs() - q * 1.570_312_5) - q * 4.837_513e-4) - q * 7.549_79e-8;
    let z = x * x;
    let sin = ((-1.951_529_6e-4 * z + 8.332_161e-3) * z - 1.666_665_5e-1) * z * x + x;
    let cos = ((2.443_315_7e-5 * z - 1.388_731_6e-3) * z + 4.166_664_6e-2) * z * z - 0.5 * z + 1.0;
    match quadrant & 3 {
        0 => cos,
        1 => -sin,
        2 => -cos,
        _ => sin,
    }
}

/// `atan(x)` for `x` in `[0, 1]`.
fn atan_of_unit(x: f32) -> f32 {
    const TAN_PI_8: f32 = 0.414_213_57;
    let (base, x) = if TAN_PI_8 < x { (FRAC_PI_4, (x - 1.0) / (x + 1.0)) } else { (0.0, x) };
    let z = x * x;
    let series = ((8.053_744_5e-2 * z - 1.387_768_6e-1) * z + 1.997_771_1e-1) * z - 3.333_295e-1;
    base + (series * z * x + x)
}

#[cfg(test)]
mod tests {
    use super::{angle, cos};

    #[test]
    fn angles_and_cosines_are_right_all_around() {
        for at in -3000..3000 {
            let phi = f64::from(at) * 0.004;
            let found = f64::from(cos(phi as f32));
            assert!((found - f64::from(phi as f32).cos()).abs() < 3e-7, "cos({phi}) = {found}");
            let (y, x) = ((phi.sin() * 3.0) as f32, (phi.cos() * 3.0) as f32);
            let exact = f64::from(y).atan2(f64::from(x));
            assert!((f64::from(angle(y, x)) - exact).abs() < 4e-7, "angle({y}, {x})");
        }
        assert_eq!(angle(0.0, 0.0), 0.0);
    }
}
