//! Models of the published sizes with random weights: what a step costs does not depend on what the weights say.

use std::collections::HashMap;
use std::path::Path;

use engine::graph::{Graph, Op, Precision, TensorView, Weight, WeightSource};
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::shapes::Shapes;
use half::bf16;
use serde_json::{Value, json};

/// Sizes of a synthetic model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The published 2B turbo model and its codec.
    Published,
    /// The same shapes, a hundred times smaller: for a run of the harness itself.
    Small,
}

/// The denoiser's configuration.
pub fn denoiser(size: Size) -> DitConfig {
    let mut config = json!({
        "attention_bias": false, "audio_acoustic_hidden_dim": 64, "fsq_dim": 2048,
        "fsq_input_levels": [8, 8, 8, 5, 5, 5], "fsq_input_num_quantizers": 1, "head_dim": 128, "hidden_act": "silu",
        "hidden_size": 2048, "in_channels": 192, "intermediate_size": 6144, "num_attention_heads": 16,
        "num_attention_pooler_hidden_layers": 2, "num_hidden_layers": 24, "num_key_value_heads": 8,
        "num_lyric_encoder_hidden_layers": 8, "num_timbre_encoder_hidden_layers": 4, "patch_size": 2,
        "pool_window_size": 5, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000, "sliding_window": 128,
        "text_hidden_dim": 1024, "timbre_fix_frame": 750, "timbre_hidden_dim": 64, "vocab_size": 64003,
        "use_sliding_window": true,
    });
    if size == Size::Small {
        let smaller = json!({
            "fsq_dim": 64, "head_dim": 16, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4,
            "num_hidden_layers": 2, "num_key_value_heads": 2, "sliding_window": 4,
        });
        merge(&mut config, &smaller);
    }
    DitConfig::parse(Path::new("config.json"), &config.to_string()).expect("it is sound")
}

/// The codec's configuration.
pub fn codec(size: Size) -> CodecConfig {
    let mut config = json!({
        "audio_channels": 2, "channel_multiples": [1, 2, 4, 8, 16], "decoder_channels": 128,
        "decoder_input_channels": 64, "downsampling_ratios": [2, 4, 4, 6, 10], "encoder_hidden_size": 128,
        "sampling_rate": 48000,
    });
    if size == Size::Small {
        merge(&mut config, &json!({ "channel_multiples": [1, 1, 1, 1, 1], "decoder_channels": 4 }));
    }
    CodecConfig::parse(Path::new("config.json"), &config.to_string()).expect("it is sound")
}

fn merge(into: &mut Value, changes: &Value) {
    for (key, value) in changes.as_object().expect("changes are an object") {
        into[key] = value.clone();
    }
}

/// Random weights of every name that a graph asks for, stored as bf16. All of them look into one pool of numbers, each at a
/// place of its own, so that gigabytes take the memory of the largest tensor.
pub struct RandomWeights {
    places: HashMap<String, (Vec<usize>, usize)>,
    pool: Vec<u8>,
}

impl RandomWeights {
    /// For the weights of these graphs.
    pub fn of<'a>(graphs: impl IntoIterator<Item = &'a Graph>, config: &dyn Shapes) -> Self {
        let names = graphs.into_iter().flat_map(|it| it.nodes.iter()).flat_map(|node| weights_of(&node.op));
        let mut places = HashMap::new();
        for name in names {
            let shape = config.shape(&name).unwrap_or_else(|| panic!("`{name}` has no shape"));
            let shift = places.len() * 977 % SHIFTS;
            places.insert(name, (shape, shift));
        }
        let most = places.values().map(|(shape, _)| shape.iter().product::<usize>()).max().unwrap_or(0);
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let number = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Small, so that a stack of any depth stays finite; never zero, so that every direction has a length.
            let value = ((state >> 40) as f32 / 8_388_608.0 - 1.0) * 0.05;
            bf16::from_f32(value + 1e-3_f32.copysign(value)).to_le_bytes()
        };
        Self { places, pool: (0..most + SHIFTS).flat_map(number).collect() }
    }
}

/// Numbers by which tensors look into the pool at other places.
const SHIFTS: usize = 4096;

impl WeightSource for RandomWeights {
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let (shape, shift) = self.places.get(name)?;
        let size = Precision::Bf16.size();
        let bytes = &self.pool[shift * size..(shift + shape.iter().product::<usize>()) * size];
        Some(TensorView { bytes, precision: Precision::Bf16, shape })
    }
}

/// Names of the weights that an operation reads.
pub fn weights_of(op: &Op) -> Vec<String> {
    let names = |weight: &Weight| match weight {
        Weight::Plain(name) => vec![name.clone()],
        Weight::Normed { gain, direction } => vec![gain.clone(), direction.clone()],
    };
    match op {
        Op::Constant(weight) | Op::Embedding { table: weight } | Op::RmsNorm { gain: weight, .. } => names(weight),
        Op::Snake { alpha, beta } => [names(alpha), names(beta)].concat(),
        Op::Linear { weight, bias } | Op::Conv1d { weight, bias, .. } | Op::ConvTranspose1d { weight, bias, .. } => {
            std::iter::once(weight).chain(bias).flat_map(names).collect()
        }
        _ => Vec::new(),
    }
}
