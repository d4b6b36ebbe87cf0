//! Finite scalar quantisation: every dimension of a code is rounded to one of a few levels.
//!
//! The law is the published one: a soft clamp keeps training gradients alive near the ends, a hard clamp follows, then
//! rounding half up. Pure arithmetic, in f64 so that no rounding of ours can tip a level.

/// `c tanh(x / c)`, `c = 1 + 1 / (levels - 1)`.
#[must_use]
pub fn soft_clamp(x: f32, levels: usize) -> f32 {
    let edge = 1.0 + 1.0 / (levels as f64 - 1.0);
    (edge * (f64::from(x) / edge).tanh()) as f32
}

/// The level, 0 to `levels - 1`, of a number that the soft clamp has seen.
#[must_use]
pub fn level(z: f32, levels: usize) -> usize {
    let z = f64::from(z).clamp(-1.0, 1.0);
    ((levels as f64 - 1.0) * (z + 1.0) / 2.0 + 0.5).floor() as usize
}

/// The value, -1 to 1, of a level.
#[must_use]
pub fn value(level: usize, levels: usize) -> f32 {
    (2.0 * level as f64 / (levels as f64 - 1.0) - 1.0) as f32
}

/// One index for a whole code: the first dimension counts fastest.
#[must_use]
pub fn index(code: &[usize], levels: &[usize]) -> usize {
    code.iter().zip(levels).rev().fold(0, |index, (&code, &levels)| index * levels + code)
}

/// Quantises projected numbers `[groups, dimensions]`: code values of the same shape, and one index a group.
#[must_use]
pub fn quantize(projected: &[f32], levels: &[usize]) -> (Vec<f32>, Vec<usize>) {
    let mut indices = Vec::with_capacity(projected.len() / levels.len());
    let mut values = Vec::with_capacity(projected.len());
    for group in projected.chunks_exact(levels.len()) {
        let code = group.iter().zip(levels).map(|(&x, &levels)| level(soft_clamp(x, levels), levels));
        let code: Vec<usize> = code.collect();
        values.extend(code.iter().zip(levels).map(|(&code, &levels)| value(code, levels)));
        indices.push(index(&code, levels));
    }
    (values, indices)
}

/// Code values `[groups, dimensions]` of indices; `None` when an index is past the last code.
#[must_use]
pub fn codes(indices: &[usize], levels: &[usize]) -> Option<Vec<f32>> {
    let mut values = Vec::with_capacity(indices.len() * levels.len());
    for &index in indices {
        let mut rest = index;
        for &levels in levels {
            values.push(value(rest % levels, levels));
            rest /= levels;
        }
        if rest != 0 {
            return None;
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    //! Goal: the law at its edges. The golden cases hold the numbers in between.

    use super::*;

    #[test]
    fn everything_far_out_lands_on_the_outermost_levels() {
        for levels in [2, 5, 8] {
            assert_eq!(level(soft_clamp(1e9, levels), levels), levels - 1);
            assert_eq!(level(soft_clamp(-1e9, levels), levels), 0);
        }
    }

    #[test]
    fn an_index_names_its_code_and_back() {
        let levels = [8, 8, 8, 5, 5, 5];
        let all: usize = levels.iter().product();
        for wanted in [0, 1, 7, 8, 4242, all - 1] {
            let values = codes(&[wanted], &levels).expect("below the number of codes");
            let code: Vec<usize> = values.iter().zip(&levels).map(|(&it, &levels)| level(it, levels)).collect();
            assert_eq!(index(&code, &levels), wanted);
        }
        assert_eq!(codes(&[all], &levels), None);
    }
}
