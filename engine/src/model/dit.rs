//! The velocity network: a diffusion transformer over patches of latent frames, as a graph.
//!
//! Every block is modulated by the time: `table + time_proj(t) + time_proj_r(t - r)` gives shift, scale and gate for the
//! self-attention and for the feed-forward part; the cross-attention to the condition tokens has neither.

use super::block::{Sight, feed_forward, heads, join_heads, normed_heads, self_attention};
use super::config::DitConfig;
use crate::graph::{Builder, Dim, Graph, NodeId, Op, Weight};

/// Frequencies of the time embedding, cosines and sines each.
const TIME_FREQUENCIES: usize = 128;
/// Factor on a time of 0 to 1 before the embedding.
const TIME_SCALE: f32 = 1000.0;

/// What a graph of the velocity network has besides the velocity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Names every intermediate as an output: `patch_embed`, `layer3.mlp` and so on, for bisection.
    pub trace: bool,
    /// Adds the input `token_mask`, `[batch, tokens]`, 0 hiding a token: lets rows of different prompts share a batch.
    pub token_mask: bool,
    /// How the prompt comes in.
    pub prompt: PromptForm,
}

/// How a prompt comes into the velocity network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PromptForm {
    /// As condition tokens: the input `tokens`.
    #[default]
    Tokens,
    /// As the keys and values that [`prompt_graph`] makes of them: they depend on neither time nor sound, so once a
    /// prompt is enough.
    KeysAndValues,
}

/// Builds the velocity network.
///
/// Inputs: `x` `[batch, frames, latent]`, `context` `[batch, frames, 2 latent]` (structure, chunk mask), `tokens`
/// `[batch, tokens, encoder width]`, `t` `[batch]` (1 noise, 0 sound), `t_minus_r` `[batch]` (0 for our samplers).
/// With [`PromptForm::KeysAndValues`] the outputs of [`prompt_graph`] are inputs, in the place of `tokens`.
/// Output: `velocity` `[batch, frames, latent]`. An odd frame count is filled up with a zero frame that takes part in
/// attention and is cropped at the end, as published.
#[must_use]
pub fn graph(config: &DitConfig, extras: Extras) -> Graph {
    let (batch, frames, tokens) = (Dim::Named("batch"), Dim::Named("frames"), Dim::Named("tokens"));
    let mut b = Builder::new();
    let x = b.input("x", &[batch, frames, Dim::Fixed(config.latent_channels)]);
    let context = b.input("context", &[batch, frames, Dim::Fixed(2 * config.latent_channels)]);
    let prompt = match extras.prompt {
        PromptForm::Tokens => Prompt::Tokens(b.input("tokens", &[batch, tokens, Dim::Fixed(config.encoders.hidden)])),
        PromptForm::KeysAndValues => Prompt::Kept(kept_inputs(&mut b, config)),
    };
    let token_mask = extras.token_mask.then(|| b.input("token_mask", &[batch, tokens]));
    let t = b.input("t", &[batch]);
    let t_minus_r = b.input("t_minus_r", &[batch]);

    let mut net = Net { b, config, trace: extras.trace, prompt, token_mask };
    let time = net.time(t, t_minus_r);
    let stacked = net.b.concat(&[context, x], 2);
    let padded = net.b.pad_end(stacked, 1, config.patch);
    let mut h = net.patch_in(padded);
    net.named("patch_embed", h);
    net.embed_prompt();
    for layer in 0..config.reaches.len() {
        h = net.layer(layer, h, time.modulation);
    }
    let velocity = net.patch_out(h, time.embedding, x);
    net.b.output("velocity", velocity);
    net.b.finish()
}

/// Builds the part of the velocity network that depends on nothing but the prompt.
///
/// Input: `tokens` as in [`graph`]. Outputs for every layer `n`: `k{n}` (normalised) and `v{n}`, both
/// `[batch, tokens, key heads, head width]`.
#[must_use]
pub fn prompt_graph(config: &DitConfig) -> Graph {
    let mut b = Builder::new();
    let width = Dim::Fixed(config.encoders.hidden);
    let tokens = b.input("tokens", &[Dim::Named("batch"), Dim::Named("tokens"), width]);
    let mut net = Net { b, config, trace: false, prompt: Prompt::Tokens(tokens), token_mask: None };
    net.embed_prompt();
    for layer in 0..config.reaches.len() {
        let Heard { k, v } = net.heard(layer);
        let [key, value] = kept_names(layer);
        net.b.output(key, k);
        net.b.output(value, v);
    }
    net.b.finish()
}

/// Names of a layer's keys and values between [`prompt_graph`] and [`graph`].
#[must_use]
pub fn kept_names(layer: usize) -> [String; 2] {
    [format!("k{layer}"), format!("v{layer}")]
}

fn kept_inputs(b: &mut Builder, config: &DitConfig) -> Vec<Heard> {
    let stack = &config.denoiser;
    let dims = [Dim::Named("batch"), Dim::Named("tokens"), Dim::Fixed(stack.kv_heads), Dim::Fixed(stack.head_dim)];
    let layer = |layer| {
        let [k, v] = kept_names(layer).map(|name| b.input(name, &dims));
        Heard { k, v }
    };
    (0..config.reaches.len()).map(layer).collect()
}

/// What the network has of the prompt.
enum Prompt {
    /// `[batch, tokens, encoder width]`, once embedded `[batch, tokens, hidden]`.
    Tokens(NodeId),
    /// One entry a layer.
    Kept(Vec<Heard>),
}

/// What a layer's cross-attention hears, `[batch, tokens, key heads, head width]`.
#[derive(Clone, Copy)]
struct Heard {
    /// Normalised.
    k: NodeId,
    v: NodeId,
}

/// The pen and what every layer needs.
struct Net<'a> {
    b: Builder,
    config: &'a DitConfig,
    trace: bool,
    prompt: Prompt,
    token_mask: Option<NodeId>,
}

/// What the network knows of the time.
struct Time {
    /// `[batch, hidden]`.
    embedding: NodeId,
    /// `[batch, 6, hidden]`.
    modulation: NodeId,
}

impl Net<'_> {
    fn named(&mut self, name: &str, value: NodeId) {
        if self.trace {
            self.b.output(name, value);
        }
    }

    fn time(&mut self, t: NodeId, t_minus_r: NodeId) -> Time {
        let sinusoid = self.b.sinusoid(t, TIME_FREQUENCIES, TIME_SCALE);
        self.named("sinusoid", sinusoid);
        let (embedding, modulation) = self.time_embedder("time_embed", sinusoid);
        self.named("temb_t", embedding);
        self.named("tproj_t", modulation);
        let sinusoid_r = self.b.sinusoid(t_minus_r, TIME_FREQUENCIES, TIME_SCALE);
        let (embedding_r, modulation_r) = self.time_embedder("time_embed_r", sinusoid_r);
        self.named("temb_r", embedding_r);
        self.named("tproj_r", modulation_r);
        Time { embedding: self.b.add(embedding, embedding_r), modulation: self.b.add(modulation, modulation_r) }
    }

    /// `[batch, 256] -> [batch, hidden]`, `[batch, 6, hidden]`.
    fn time_embedder(&mut self, name: &str, sinusoid: NodeId) -> (NodeId, NodeId) {
        let b = &mut self.b;
        let inner = b.linear(sinusoid, &format!("decoder.{name}.linear_1"), true);
        let inner = b.silu(inner);
        let embedding = b.linear(inner, &format!("decoder.{name}.linear_2"), true);
        let active = b.silu(embedding);
        let projected = b.linear(active, &format!("decoder.{name}.time_proj"), true);
        (embedding, b.split_axis(projected, 1, self.config.denoiser.hidden))
    }

    /// From the encoder's width to the network's.
    fn embed_prompt(&mut self) {
        if let Prompt::Tokens(tokens) = self.prompt {
            let embedded = self.b.linear(tokens, "decoder.condition_embedder", true);
            self.named("cond_embed", embedded);
            self.prompt = Prompt::Tokens(embedded);
        }
    }

    /// Keys and values of the prompt for a layer.
    fn heard(&mut self, layer: usize) -> Heard {
        let embedded = match &self.prompt {
            Prompt::Kept(layers) => return layers[layer],
            Prompt::Tokens(embedded) => *embedded,
        };
        let (stack, prefix) = (&self.config.denoiser, format!("decoder.layers.{layer}.cross_attn"));
        let k = normed_heads(&mut self.b, stack, embedded, &prefix, "k");
        Heard { k, v: heads(&mut self.b, stack, embedded, &format!("{prefix}.v_proj")) }
    }

    fn patch_in(&mut self, padded: NodeId) -> NodeId {
        let (weight, bias) = weight_and_bias("decoder.proj_in.1");
        let patch = Op::Conv1d { weight, bias, stride: self.config.patch, padding: 0, dilation: 1 };
        self.b.node(patch, &[padded])
    }

    /// Final modulation, back from patches to frames, cropped to the length of `like`.
    fn patch_out(&mut self, h: NodeId, embedding: NodeId, like: NodeId) -> NodeId {
        let hidden = self.config.denoiser.hidden;
        let normed = self.b.rms_norm(h, "decoder.norm_out", self.config.denoiser.eps);
        self.named("norm_out", normed);
        let table = self.b.constant("decoder.scale_shift_table");
        let embedding = self.b.split_axis(embedding, 1, hidden);
        let modulation = self.b.add(table, embedding);
        let modulated = self.modulated(normed, modulation, 0);
        let (weight, bias) = weight_and_bias("decoder.proj_out.1");
        let unpatch = Op::ConvTranspose1d { weight, bias, stride: self.config.patch, padding: 0 };
        let frames = self.b.node(unpatch, &[modulated]);
        self.b.crop_like(frames, 1, like)
    }

    /// `x (1 + scale) + shift`, shift and scale being rows `row` and `row + 1` of the modulation.
    fn modulated(&mut self, x: NodeId, modulation: NodeId, row: usize) -> NodeId {
        let shift = self.b.slice(modulation, 1, row, 1);
        let scale = self.b.slice(modulation, 1, row + 1, 1);
        let scale = self.b.add_scalar(scale, 1.0);
        let scaled = self.b.mul(x, scale);
        self.b.add(scaled, shift)
    }

    /// `h + gate part`, the gate being row `row` of the modulation.
    fn gated(&mut self, h: NodeId, part: NodeId, modulation: NodeId, row: usize) -> NodeId {
        let gate = self.b.slice(modulation, 1, row, 1);
        let part = self.b.mul(part, gate);
        self.b.add(h, part)
    }

    fn layer(&mut self, layer: usize, h: NodeId, time: NodeId) -> NodeId {
        let stack = &self.config.denoiser;
        let prefix = format!("decoder.layers.{layer}");
        let trace = format!("layer{layer}");
        let table = self.b.constant(format!("{prefix}.scale_shift_table"));
        let modulation = self.b.add(table, time);

        let normed = self.b.rms_norm(h, &format!("{prefix}.self_attn_norm"), stack.eps);
        self.named(&format!("{trace}.self_attn_norm"), normed);
        let x = self.modulated(normed, modulation, 0);
        let sight = Sight { window: self.config.reach(layer).window(), ..Sight::default() };
        let attended = self_attention(&mut self.b, stack, x, &format!("{prefix}.self_attn"), sight);
        self.named(&format!("{trace}.self_attn.q_norm"), attended.q_norm);
        self.named(&format!("{trace}.self_attn.k_norm"), attended.k_norm);
        self.named(&format!("{trace}.self_attn"), attended.out);
        let h = self.gated(h, attended.out, modulation, 2);

        let x = self.b.rms_norm(h, &format!("{prefix}.cross_attn_norm"), stack.eps);
        let heard = self.cross_attention(x, layer);
        self.named(&format!("{trace}.cross_attn"), heard);
        let h = self.b.add(h, heard);

        let normed = self.b.rms_norm(h, &format!("{prefix}.mlp_norm"), stack.eps);
        let x = self.modulated(normed, modulation, 3);
        let fed = feed_forward(&mut self.b, x, &format!("{prefix}.mlp"));
        self.named(&format!("{trace}.mlp"), fed);
        let h = self.gated(h, fed, modulation, 5);
        self.named(&format!("{trace}.out"), h);
        h
    }

    /// Attention to the condition tokens: no positions, no window.
    fn cross_attention(&mut self, x: NodeId, layer: usize) -> NodeId {
        let (stack, prefix) = (&self.config.denoiser, format!("decoder.layers.{layer}.cross_attn"));
        let q = normed_heads(&mut self.b, stack, x, &prefix, "q");
        let Heard { k, v } = self.heard(layer);
        let heard = self.b.attention([q, k, v], self.token_mask, None, false);
        join_heads(&mut self.b, heard, &prefix)
    }
}

fn weight_and_bias(prefix: &str) -> (Weight, Option<Weight>) {
    (Weight::plain(format!("{prefix}.weight")), Some(Weight::plain(format!("{prefix}.bias"))))
}
