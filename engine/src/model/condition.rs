//! The condition encoder as graphs: text projector, lyric encoder, timbre encoder.
//!
//! Their outputs are packed into one sequence of condition tokens by plain code ([`super::pack`]). At run time there is
//! one prompt without padding; padded batches exist to compare with the published implementation.

use super::block::{Padding, Sight, encoder_block};
use super::config::DitConfig;
use crate::graph::{Builder, Dim, Graph, NodeId};

const BATCH: Dim = Dim::Named("batch");
const TOKENS: Dim = Dim::Named("tokens");
const FRAMES: Dim = Dim::Named("frames");

/// Text: input `text` `[batch, tokens, text width]`, output `tokens` `[batch, tokens, encoder width]`.
#[must_use]
pub fn text_projector(config: &DitConfig) -> Graph {
    let mut b = Builder::new();
    let text = b.input("text", &[BATCH, TOKENS, Dim::Fixed(config.text_width)]);
    let projected = b.linear(text, "encoder.text_projector", false);
    b.output("tokens", projected);
    b.finish()
}

/// Lyrics: input `lyrics` `[batch, tokens, text width]` (embedded, not encoded), output `tokens`
/// `[batch, tokens, encoder width]`.
///
/// `padded` adds the inputs `mask` `[batch, tokens]` (0 hides), and `blind_full` and `blind_window`
/// `[batch, tokens, 1, 1]`: 1 where a position sees no valid key at all, or none within the window ([`blind`]).
#[must_use]
pub fn lyric_encoder(config: &DitConfig, padded: bool) -> Graph {
    let mut b = Builder::new();
    let lyrics = b.input("lyrics", &[BATCH, TOKENS, Dim::Fixed(config.text_width)]);
    let padding = padded.then(|| {
        let one = Dim::Fixed(1);
        let mask = b.input("mask", &[BATCH, TOKENS]);
        let full = b.input("blind_full", &[BATCH, TOKENS, one, one]);
        let window = b.input("blind_window", &[BATCH, TOKENS, one, one]);
        (Padding { mask, blind: full }, Padding { mask, blind: window })
    });
    let mut h = b.linear(lyrics, "encoder.lyric_encoder.embed_tokens", true);
    for layer in 0..config.lyric_layers {
        let window = config.reach(layer).window();
        let padding = padding.map(|(full, local)| if window.is_some() { local } else { full });
        let sight = Sight { window, causal: false, padding };
        h = encoder_block(&mut b, &config.encoders, h, &format!("encoder.lyric_encoder.layers.{layer}"), sight);
    }
    let normed = b.rms_norm(h, "encoder.lyric_encoder.norm", config.encoders.eps);
    b.output("tokens", normed);
    b.finish()
}

/// Timbre: input `references` `[batch, frames, timbre channels]`, output `tokens` `[batch, encoder width]`, one token a
/// reference: the first position of the stack's output.
#[must_use]
pub fn timbre_encoder(config: &DitConfig) -> Graph {
    let mut b = Builder::new();
    let references = b.input("references", &[BATCH, FRAMES, Dim::Fixed(config.timbre_channels)]);
    let mut h = b.linear(references, "encoder.timbre_encoder.embed_tokens", true);
    if config.timbre_token {
        h = prepend_token(&mut b, h, "encoder.timbre_encoder.special_token");
    }
    for layer in 0..config.timbre_layers {
        let sight = Sight { window: config.reach(layer).window(), ..Sight::default() };
        h = encoder_block(&mut b, &config.encoders, h, &format!("encoder.timbre_encoder.layers.{layer}"), sight);
    }
    let normed = b.rms_norm(h, "encoder.timbre_encoder.norm", config.encoders.eps);
    let first = first_position(&mut b, normed);
    b.output("tokens", first);
    b.finish()
}

/// Puts the learned token `name`, `[1, 1, width]`, before every row of `x`.
pub(super) fn prepend_token(b: &mut Builder, x: NodeId, name: &str) -> NodeId {
    let token = b.constant(name);
    let token = b.expand_batch_like(token, x);
    b.concat(&[token, x], 1)
}

/// `[batch, positions, width] -> [batch, width]`, position 0.
pub(super) fn first_position(b: &mut Builder, x: NodeId) -> NodeId {
    let first = b.slice(x, 1, 0, 1);
    b.merge_axes(first, 0)
}

/// For every position of a `[batch, tokens]` mask, 1 where it sees no valid key at most `window` away, else 0.
#[must_use]
pub fn blind(mask: &[f32], tokens: usize, window: Option<usize>) -> Vec<f32> {
    let row = |row: &[f32]| {
        let sees = |at: usize| {
            let (first, last) = match window {
                Some(window) => (at.saturating_sub(window), (at + window).min(tokens - 1)),
                None => (0, tokens - 1),
            };
            row[first..=last].iter().any(|&it| it != 0.0)
        };
        (0..tokens).map(|at| if sees(at) { 0.0 } else { 1.0 }).collect::<Vec<f32>>()
    };
    mask.chunks_exact(tokens).flat_map(row).collect()
}
