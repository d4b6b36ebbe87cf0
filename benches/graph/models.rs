//! The two networks of the bench with random weights: sizes as they are played, names as published.

use std::collections::BTreeMap;
use std::path::Path;

use engine::graph::weights::InMemory;
use engine::graph::{Graph, Sizes};
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::{dit, vae};
use serde_json::json;

/// Shape and numbers.
pub type Tensor = (Vec<usize>, Vec<f32>);

/// A network with everything it needs to run.
pub struct Case {
    pub name: &'static str,
    pub output: &'static str,
    pub graph: Graph,
    pub sizes: Sizes,
    pub weights: BTreeMap<String, Tensor>,
    pub inputs: BTreeMap<String, Tensor>,
    /// What another implementation must know besides the tensors.
    pub facts: serde_json::Value,
}

impl Case {
    pub fn source(&self) -> InMemory {
        let add = |all: InMemory, (name, (shape, numbers)): (&String, &Tensor)| all.with(name, shape, numbers);
        self.weights.iter().fold(InMemory::new(), add)
    }
}

/// Sizes of a denoising step.
pub struct DitSizes {
    pub name: &'static str,
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub intermediate: usize,
    pub window: usize,
    pub frames: usize,
    pub tokens: usize,
}

/// 375 patches (30 s), as the figures in the published comparisons.
pub const STEP: DitSizes = DitSizes {
    name: "denoising step",
    layers: 6,
    hidden: 256,
    heads: 4,
    kv_heads: 2,
    head_dim: 64,
    intermediate: 768,
    window: 128,
    frames: 750,
    tokens: 64,
};

/// The built-in model's shape over a minute.
pub const HOUSE_STEP: DitSizes = DitSizes {
    name: "house step 60 s",
    layers: 6,
    hidden: 256,
    heads: 8,
    kv_heads: 2,
    head_dim: 32,
    intermediate: 512,
    window: 16,
    frames: 1500,
    tokens: 64,
};

pub fn denoiser(s: &DitSizes) -> Case {
    let text = json!({
        "hidden_act": "silu", "attention_bias": false, "hidden_size": s.hidden, "intermediate_size": s.intermediate,
        "num_attention_heads": s.heads, "num_key_value_heads": s.kv_heads, "head_dim": s.head_dim,
        "rms_norm_eps": 1e-6, "rope_theta": 1_000_000, "num_hidden_layers": s.layers, "sliding_window": s.window,
        "use_sliding_window": true, "audio_acoustic_hidden_dim": 64, "in_channels": 192, "patch_size": 2,
        "text_hidden_dim": 64, "timbre_hidden_dim": 64, "timbre_fix_frame": 100, "pool_window_size": 5,
        "num_lyric_encoder_hidden_layers": 1, "num_timbre_encoder_hidden_layers": 1, "fsq_dim": s.hidden,
        "num_attention_pooler_hidden_layers": 1, "fsq_input_levels": [8, 8, 8, 5, 5, 5],
        "fsq_input_num_quantizers": 1, "model_version": "turbo", "vocab_size": 512, "model_type": "acestep",
        "num_audio_decoder_hidden_layers": s.layers, "max_position_embeddings": 32768,
        "layer_types": (0..s.layers).map(|it| if it % 2 == 0 { "sliding_attention" } else { "full_attention" })
            .collect::<Vec<_>>(),
    });
    let config = DitConfig::parse(Path::new("bench"), &text.to_string()).unwrap_or_else(|error| panic!("{error}"));
    let mut w = Pen::default();
    let (h, q, kv) = (s.hidden, s.heads * s.head_dim, s.kv_heads * s.head_dim);
    for embed in ["time_embed", "time_embed_r"] {
        for (part, n, k) in [("linear_1", h, 256), ("linear_2", h, h), ("time_proj", 6 * h, h)] {
            w.linear(&format!("decoder.{embed}.{part}"), &[n, k], true);
        }
    }
    w.linear("decoder.proj_in.1", &[h, 192, 2], true);
    w.tensor("decoder.proj_out.1.weight", &[h, 64, 2], (h as f32).powf(-0.5), 0.0);
    w.tensor("decoder.proj_out.1.bias", &[64], 0.1, 0.0);
    w.linear("decoder.condition_embedder", &[h, h], true);
    w.norm("decoder.norm_out", h);
    w.tensor("decoder.scale_shift_table", &[1, 2, h], 0.2, 0.0);
    for layer in 0..s.layers {
        let prefix = format!("decoder.layers.{layer}");
        w.tensor(&format!("{prefix}.scale_shift_table"), &[1, 6, h], 0.2, 0.0);
        ["self_attn_norm", "cross_attn_norm", "mlp_norm"].iter().for_each(|it| w.norm(&format!("{prefix}.{it}"), h));
        for attention in ["self_attn", "cross_attn"] {
            let prefix = format!("{prefix}.{attention}");
            for (part, n, k) in [("q_proj", q, h), ("k_proj", kv, h), ("v_proj", kv, h), ("o_proj", h, q)] {
                w.linear(&format!("{prefix}.{part}"), &[n, k], false);
            }
            ["q_norm", "k_norm"].iter().for_each(|it| w.norm(&format!("{prefix}.{it}"), s.head_dim));
        }
        for (part, n, k) in
            [("gate_proj", s.intermediate, h), ("up_proj", s.intermediate, h), ("down_proj", h, s.intermediate)]
        {
            w.linear(&format!("{prefix}.mlp.{part}"), &[n, k], false);
        }
    }
    let mut inputs = Pen::seeded(77);
    inputs.tensor("x", &[1, s.frames, 64], 1.7, 0.0);
    inputs.tensor("context", &[1, s.frames, 128], 1.0, 0.0);
    inputs.tensor("tokens", &[1, s.tokens, h], 1.0, 0.0);
    inputs.tensor("t", &[1], 0.0, 0.7);
    inputs.tensor("t_minus_r", &[1], 0.0, 0.0);
    Case {
        name: s.name,
        output: "velocity",
        graph: dit::graph(&config, dit::Extras::default()),
        sizes: Sizes::new().with("batch", 1).with("frames", s.frames).with("tokens", s.tokens),
        weights: w.tensors,
        inputs: inputs.tensors,
        facts: json!({
            "kind": "denoiser", "layers": s.layers, "heads": s.heads, "kv_heads": s.kv_heads, "head_dim": s.head_dim,
            "window": s.window,
        }),
    }
}

/// The codec's decoder, 75 frames (3 s) with the last layer `base` channels wide.
pub fn decoder(base: usize, frames: usize) -> Case {
    let (strides, multiples) = ([2, 4, 4, 6, 10], [1, 2, 4, 8, 16]);
    let text = json!({
        "encoder_hidden_size": 8, "downsampling_ratios": strides, "channel_multiples": multiples,
        "decoder_channels": base, "decoder_input_channels": 64, "audio_channels": 2, "sampling_rate": 48000,
    });
    let config = CodecConfig::parse(Path::new("bench"), &text.to_string()).unwrap_or_else(|error| panic!("{error}"));
    let mut w = Pen::seeded(5);
    let widths: Vec<usize> = multiples.iter().rev().chain([&1]).map(|it| it * base).collect();
    w.conv("decoder.conv1", &[widths[0], 64, 7], Some(widths[0]));
    for (block, stride) in strides.iter().rev().enumerate() {
        let (from, to) = (widths[block], widths[block + 1]);
        let prefix = format!("decoder.block.{block}");
        w.snake(&format!("{prefix}.snake1"), from);
        w.conv(&format!("{prefix}.conv_t1"), &[from, to, 2 * stride], Some(to));
        for unit in 1..4 {
            let prefix = format!("{prefix}.res_unit{unit}");
            ["snake1", "snake2"].iter().for_each(|it| w.snake(&format!("{prefix}.{it}"), to));
            w.conv(&format!("{prefix}.conv1"), &[to, to, 7], Some(to));
            w.conv(&format!("{prefix}.conv2"), &[to, to, 1], Some(to));
        }
    }
    w.snake("decoder.snake1", base);
    w.conv("decoder.conv2", &[2, base, 7], None);
    let mut inputs = Pen::seeded(78);
    inputs.tensor("latents", &[1, frames, 64], 1.7, 0.0);
    Case {
        name: "codec decode",
        output: "audio",
        graph: vae::decoder(&config, false),
        sizes: Sizes::new().with("batch", 1).with("frames", frames),
        weights: w.tensors,
        inputs: inputs.tensors,
        facts: json!({ "kind": "decoder", "strides": strides, "widths": widths }),
    }
}

/// Writes random tensors that are the same every time.
struct Pen {
    state: u64,
    tensors: BTreeMap<String, Tensor>,
}

impl Default for Pen {
    fn default() -> Self {
        Self::seeded(3)
    }
}

impl Pen {
    fn seeded(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, tensors: BTreeMap::new() }
    }

    fn next(&mut self) -> f32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Uniform within `spread` of `centre`.
    fn tensor(&mut self, name: &str, shape: &[usize], spread: f32, centre: f32) {
        let numbers = (0..shape.iter().product()).map(|_| centre + spread * self.next()).collect();
        self.tensors.insert(name.into(), (shape.to_vec(), numbers));
    }

    fn linear(&mut self, prefix: &str, shape: &[usize], bias: bool) {
        let inputs: usize = shape[1..].iter().product();
        self.tensor(&format!("{prefix}.weight"), shape, 1.5 * (inputs as f32).powf(-0.5), 0.0);
        if bias {
            self.tensor(&format!("{prefix}.bias"), &shape[..1], 0.1, 0.0);
        }
    }

    fn norm(&mut self, prefix: &str, width: usize) {
        self.tensor(&format!("{prefix}.weight"), &[width], 0.1, 1.0);
    }

    fn conv(&mut self, prefix: &str, shape: &[usize], bias: Option<usize>) {
        self.tensor(&format!("{prefix}.weight_v"), shape, 1.0, 0.0);
        self.tensor(&format!("{prefix}.weight_g"), &[shape[0], 1, 1], 0.1, 0.5);
        if let Some(outputs) = bias {
            self.tensor(&format!("{prefix}.bias"), &[outputs], 0.1, 0.0);
        }
    }

    fn snake(&mut self, prefix: &str, channels: usize) {
        ["alpha", "beta"].iter().for_each(|it| self.tensor(&format!("{prefix}.{it}"), &[1, channels, 1], 0.5, 0.5));
    }
}
