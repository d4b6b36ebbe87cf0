//! The shape that every tensor must have, by its published name.
//!
//! A lowering only sees whether operations fit each other; a checkpoint of other widths than the configuration says would
//! compute something. So names are read here and held against the configuration, before anything is packed.

use super::config::{CodecConfig, DitConfig, Stack, TextConfig};
use super::text::TABLE;

/// Cosines and sines of the time embedding.
const TIME_FEATURES: usize = 256;

/// A configuration that knows the tensors it asks for.
pub trait Shapes {
    /// Shape of the tensor called `name`; `None` for names that the architecture does not have.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;
}

impl Shapes for DitConfig {
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let (hidden, width, channels) = (self.denoiser.hidden, self.encoders.hidden, self.latent_channels);
        let (owner, kind) = name.rsplit_once('.').unwrap_or(("", name));
        let linear = |outputs: usize, inputs: usize| match kind {
            "weight" => Some(vec![outputs, inputs]),
            "bias" => Some(vec![outputs]),
            _ => None,
        };
        match owner {
            "decoder.condition_embedder" => linear(hidden, width),
            "decoder.time_embed.linear_1" | "decoder.time_embed_r.linear_1" => linear(hidden, TIME_FEATURES),
            "decoder.time_embed.linear_2" | "decoder.time_embed_r.linear_2" => linear(hidden, hidden),
            "decoder.time_embed.time_proj" | "decoder.time_embed_r.time_proj" => linear(6 * hidden, hidden),
            "decoder.proj_in.1" if kind == "weight" => Some(vec![hidden, 3 * channels, self.patch]),
            "decoder.proj_in.1" => linear(hidden, 0),
            "decoder.proj_out.1" if kind == "weight" => Some(vec![hidden, channels, self.patch]),
            "decoder.proj_out.1" => linear(channels, 0),
            "decoder" if kind == "scale_shift_table" => Some(vec![1, 2, hidden]),
            "encoder.text_projector" | "encoder.lyric_encoder.embed_tokens" => linear(width, self.text_width),
            "encoder.timbre_encoder.embed_tokens" => linear(width, self.timbre_channels),
            "encoder.timbre_encoder" | "tokenizer.attention_pooler" if kind == "special_token" => {
                Some(vec![1, 1, width])
            }
            "tokenizer.audio_acoustic_proj" => linear(width, channels),
            "tokenizer.attention_pooler.embed_tokens" | "detokenizer.embed_tokens" => linear(width, width),
            "tokenizer.quantizer.project_in" => linear(self.levels.len(), width),
            "tokenizer.quantizer.project_out" => linear(width, self.levels.len()),
            "detokenizer" if kind == "special_tokens" => Some(vec![1, self.pool, width]),
            "detokenizer.proj_out" => linear(channels, width),
            _ if name == "null_condition_emb" => Some(vec![1, 1, width]),
            _ if owner.starts_with("decoder.layers.") && kind == "scale_shift_table" => Some(vec![1, 6, hidden]),
            _ if owner.starts_with("decoder.") => block(&self.denoiser, name),
            _ => block(&self.encoders, name),
        }
    }
}

impl Shapes for TextConfig {
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        if name == TABLE { Some(vec![self.vocabulary, self.stack.hidden]) } else { block(&self.stack, name) }
    }
}

/// Tensors of a transformer block, and the norm after the last.
fn block(stack: &Stack, name: &str) -> Option<Vec<usize>> {
    let owner = name.strip_suffix(".weight")?.rsplit('.').next()?;
    let (queries, keys) = (stack.heads * stack.head_dim, stack.kv_heads * stack.head_dim);
    match owner {
        "q_proj" => Some(vec![queries, stack.hidden]),
        "k_proj" | "v_proj" => Some(vec![keys, stack.hidden]),
        "o_proj" => Some(vec![stack.hidden, queries]),
        "q_norm" | "k_norm" => Some(vec![stack.head_dim]),
        "gate_proj" | "up_proj" => Some(vec![stack.intermediate, stack.hidden]),
        "down_proj" => Some(vec![stack.hidden, stack.intermediate]),
        norm if norm.ends_with("norm") || norm == "norm_out" => Some(vec![stack.hidden]),
        _ => None,
    }
}

impl Shapes for CodecConfig {
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let (owner, kind) = name.rsplit_once('.')?;
        let (side, place) = owner.split_once('.')?;
        let encodes = side == "encoder";
        let last = self.multiples.len();
        // Width after `blocks` encoder blocks, or where as many decoder blocks are still to come.
        let base = if encodes { self.encoder_base } else { self.decoder_base };
        let width = |blocks: usize| base * blocks.checked_sub(1).map_or(1, |at| self.multiples[at]);
        let conv = |outputs: usize, inputs: usize, taps: usize| of_conv(kind, [outputs, inputs, taps], outputs);
        let snake = |channels: usize| matches!(kind, "alpha" | "beta").then(|| vec![1, channels, 1]);
        let Some((block, part)) = place.strip_prefix("block.").and_then(|it| it.split_once('.')) else {
            return match (encodes, place) {
                (true, "conv1") => conv(width(0), self.audio_channels, 7),
                (true, "conv2") => conv(self.moments, width(last), 3),
                (true, "snake1") => snake(width(last)),
                (false, "conv1") => conv(width(last), self.latent_channels, 7),
                (false, "conv2") => conv(self.audio_channels, width(0), 7),
                (false, "snake1") => snake(width(0)),
                _ => None,
            };
        };
        let block: usize = block.parse().ok().filter(|it| *it < last)?;
        // Decoder blocks walk the encoder's backwards.
        let (outer, inner, stride) = if encodes {
            (width(block), width(block + 1), self.strides[block])
        } else {
            (width(last - block - 1), width(last - block), self.strides[last - block - 1])
        };
        match part.split_once('.') {
            Some((unit, "conv1")) if unit.starts_with("res_unit") => conv(outer, outer, 7),
            Some((unit, "conv2")) if unit.starts_with("res_unit") => conv(outer, outer, 1),
            Some((unit, "snake1" | "snake2")) if unit.starts_with("res_unit") => snake(outer),
            None if part == "snake1" => snake(if encodes { outer } else { inner }),
            None if encodes && part == "conv1" => conv(inner, outer, 2 * stride),
            None if !encodes && part == "conv_t1" => of_conv(kind, [inner, outer, 2 * stride], outer),
            _ => None,
        }
    }
}

/// Tensors of a weight-normed convolution.
fn of_conv(kind: &str, direction: [usize; 3], outputs: usize) -> Option<Vec<usize>> {
    match kind {
        "weight_v" => Some(direction.to_vec()),
        "weight_g" => Some(vec![direction[0], 1, 1]),
        "bias" => Some(vec![outputs]),
        _ => None,
    }
}
