//! The context that the velocity network sees frame by frame: structure (hints or source), then the chunk mask.
//!
//! Plain arithmetic over `[frames, channels]`; the silence latent stands in for what is missing.

/// `structure ++ chunk_mask` on channels: `[frames, 2 channels]`.
///
/// `structure` is the hints of a cover or the source itself, cut to the mask's frames when it is longer.
///
/// # Panics
/// When `structure` has fewer frames than `chunk_mask`.
#[must_use]
pub fn join(structure: &[f32], chunk_mask: &[f32], channels: usize) -> Vec<f32> {
    assert!(chunk_mask.len() <= structure.len(), "structure for every frame");
    let frames = structure.chunks_exact(channels).zip(chunk_mask.chunks_exact(channels));
    frames.flat_map(|(structure, mask)| structure.iter().chain(mask).copied()).collect()
}

/// `frames` frames of silence; past its end the silence latent is taken from its beginning.
#[must_use]
pub fn silent(silence: &[f32], frames: usize, channels: usize) -> Vec<f32> {
    silence.iter().copied().cycle().take(frames * channels).collect()
}

/// Fills a latent up with silence to a multiple of `pool` frames, as the tokenizer wants it.
#[must_use]
pub fn filled_up(latent: &[f32], silence: &[f32], pool: usize, channels: usize) -> Vec<f32> {
    let missing = (latent.len() / channels).next_multiple_of(pool) - latent.len() / channels;
    let mut filled = latent.to_vec();
    filled.extend(silent(silence, missing, channels));
    filled
}
