//! The audio tokenizer and detokenizer as graphs: five latent frames become one coarse token, and back.
//!
//! What comes back are structure hints: the music's course without its sound. The quantisation between the two is plain
//! code ([`super::fsq`]). A group of frames is one row of the batch, so a latent `[frames, channels]` is read as
//! `[frames / pool, pool, channels]` without moving a number.

use super::block::{Sight, encoder_block};
use super::condition::{first_position, prepend_token};
use super::config::DitConfig;
use crate::graph::{Builder, Dim, Graph, NodeId};

const GROUPS: Dim = Dim::Named("groups");

/// Input `latents` `[groups, pool, channels]`; outputs `pooled` `[groups, width]` and `projected`
/// `[groups, code dimensions]`, not yet clamped.
#[must_use]
pub fn pooler(config: &DitConfig) -> Graph {
    let mut b = Builder::new();
    let latents = b.input("latents", &[GROUPS, Dim::Fixed(config.pool), Dim::Fixed(config.latent_channels)]);
    let h = b.linear(latents, "tokenizer.audio_acoustic_proj", true);
    let h = b.linear(h, "tokenizer.attention_pooler.embed_tokens", true);
    let h = prepend_token(&mut b, h, "tokenizer.attention_pooler.special_token");
    let normed = stack(&mut b, config, h, "tokenizer.attention_pooler");
    let pooled = first_position(&mut b, normed);
    b.output("pooled", pooled);
    let projected = b.linear(pooled, "tokenizer.quantizer.project_in", true);
    b.output("projected", projected);
    b.finish()
}

/// Input `pooled` `[groups, width]`, output `projected` `[groups, code dimensions]`: the last step of [`pooler`] alone.
#[must_use]
pub fn project_in(config: &DitConfig) -> Graph {
    let mut b = Builder::new();
    let pooled = b.input("pooled", &[GROUPS, Dim::Fixed(config.encoders.hidden)]);
    let projected = b.linear(pooled, "tokenizer.quantizer.project_in", true);
    b.output("projected", projected);
    b.finish()
}

/// Input `codes` `[groups, code dimensions]`, output `quantized` `[groups, width]`.
#[must_use]
pub fn project_out(config: &DitConfig) -> Graph {
    let mut b = Builder::new();
    let codes = b.input("codes", &[GROUPS, Dim::Fixed(config.levels.len())]);
    let quantized = b.linear(codes, "tokenizer.quantizer.project_out", true);
    b.output("quantized", quantized);
    b.finish()
}

/// Input `quantized` `[groups, 1, width]`, output `hints` `[groups, pool, channels]`.
#[must_use]
pub fn detokenizer(config: &DitConfig) -> Graph {
    let mut b = Builder::new();
    let quantized = b.input("quantized", &[GROUPS, Dim::Fixed(1), Dim::Fixed(config.encoders.hidden)]);
    let h = b.linear(quantized, "detokenizer.embed_tokens", true);
    let h = b.expand(h, 1, config.pool);
    let places = b.constant("detokenizer.special_tokens");
    let h = b.add(h, places);
    let normed = stack(&mut b, config, h, "detokenizer");
    let hints = b.linear(normed, "detokenizer.proj_out", true);
    b.output("hints", hints);
    b.finish()
}

/// The blocks and the final norm of `{prefix}`.
fn stack(b: &mut Builder, config: &DitConfig, mut h: NodeId, prefix: &str) -> NodeId {
    for layer in 0..config.pooler_layers {
        let sight = Sight { window: config.reach(layer).window(), ..Sight::default() };
        h = encoder_block(b, &config.encoders, h, &format!("{prefix}.layers.{layer}"), sight);
    }
    b.rms_norm(h, &format!("{prefix}.norm"), config.encoders.eps)
}
