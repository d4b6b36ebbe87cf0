//! Mixing prompts and latents before they reach the denoiser. Pure arithmetic over slices.
//!
//! The published engine has three ways to bring two prompts together: average (keeps the first prompt's length), blend
//! (keeps both), and combine (keeps them apart; the velocities are averaged per frame with these weights). The instrument
//! plays none of them.

use engine::model::pack::Padded;

/// `(1 - weight) a + weight b`, `b` cut or zero-padded to `a`'s length; the mask is `a`'s.
#[must_use]
pub fn average(a: &Padded, b: &Padded, weight: f32) -> Padded {
    let b = resized(b, a.tokens);
    Padded { values: mixed(&a.values, &b.values, weight), ..a.clone() }
}

/// `(1 - weight) a + weight b`, both zero-padded to the longer; a token is valid where either is.
#[must_use]
pub fn blend(a: &Padded, b: &Padded, weight: f32) -> Padded {
    let tokens = a.tokens.max(b.tokens);
    let (a, b) = (resized(a, tokens), resized(b, tokens));
    let valid = a.valid.iter().zip(&b.valid).map(|(&a, &b)| a || b).collect();
    Padded { values: mixed(&a.values, &b.values, weight), valid, ..a }
}

/// Per-frame weights of two prompts that are kept apart: `1 - weight_b`, `weight_b`.
#[must_use]
pub fn combine_weights(weight_b: &[f32]) -> (Vec<f32>, Vec<f32>) {
    (weight_b.iter().map(|it| 1.0 - it).collect(), weight_b.to_vec())
}

/// `(1 - c) a + c b` of two latents `[frames, channels]`, with one number for all frames or one a frame.
///
/// # Panics
/// When the curve has neither one entry nor one a frame.
#[must_use]
pub fn blend_latents(a: &[f32], b: &[f32], curve: &[f32], channels: usize) -> Vec<f32> {
    assert!(curve.len() == 1 || curve.len() * channels == a.len(), "one number, or one a frame");
    let weight = |at: usize| curve[(at / channels).min(curve.len() - 1)];
    a.iter().zip(b).enumerate().map(|(at, (&a, &b))| (1.0 - weight(at)) * a + weight(at) * b).collect()
}

fn mixed(a: &[f32], b: &[f32], weight: f32) -> Vec<f32> {
    a.iter().zip(b).map(|(&a, &b)| (1.0 - weight) * a + weight * b).collect()
}

/// The same batch cut or zero-padded to another length.
fn resized(it: &Padded, tokens: usize) -> Padded {
    let mut out = Padded::new(it.width, tokens, Vec::new(), Vec::new());
    let kept = it.tokens.min(tokens);
    for row in 0..it.rows() {
        let first = row * it.tokens;
        out.values.extend_from_slice(&it.values[first * it.width..(first + kept) * it.width]);
        out.values.resize((row + 1) * tokens * it.width, 0.0);
        out.valid.extend_from_slice(&it.valid[first..first + kept]);
        out.valid.resize((row + 1) * tokens, false);
    }
    out
}
