//! The frames that a window decodes, taken out of a tape that is a loop.

use crate::latent::LATENT_CHANNELS;

/// Fills `span` `[frames of it, 64]` from `latent` `[frames, 64]`, beginning `context` frames before frame `first`, round the
/// seam as often as it takes.
pub(in crate::backend) fn gather(latent: &[f32], first: usize, context: usize, span: &mut [f32]) {
    let frames = latent.len() / LATENT_CHANNELS;
    // Whole turns back, so that the context before the seam does not count below zero.
    let start = first % frames + context.div_ceil(frames) * frames - context;
    for (at, frame) in span.chunks_exact_mut(LATENT_CHANNELS).enumerate() {
        let from = (start + at) % frames * LATENT_CHANNELS;
        frame.copy_from_slice(&latent[from..from + LATENT_CHANNELS]);
    }
}
