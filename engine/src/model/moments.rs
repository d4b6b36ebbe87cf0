//! What the codec's encoder says of a latent: a mean and a scale for every number.
//!
//! The published accelerated encode samples by another law, `exp(scale / 2)`; we keep the model's own.

/// Added to the standard deviation, so that it is never zero.
const SMALLEST_STD: f64 = 1e-4;

/// Means and standard deviations, `[frames, channels]` each, of moments `[frames, 2 channels]`:
/// `std = ln(1 + exp(scale)) + 1e-4`.
#[must_use]
pub fn split(moments: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let frames = || moments.chunks_exact(2 * channels);
    let means = frames().flat_map(|it| &it[..channels]).copied().collect();
    let softplus = |&scale: &f32| {
        let scale = f64::from(scale);
        // For large scales the sum is the scale itself; the exponential would overflow first.
        let soft = if 30.0 < scale { scale } else { scale.exp().ln_1p() };
        (soft + SMALLEST_STD) as f32
    };
    (means, frames().flat_map(|it| &it[channels..]).map(softplus).collect())
}
