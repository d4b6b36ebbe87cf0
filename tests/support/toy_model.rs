//! A whole model in the published layout, small enough to be written in a moment: for tests of loading and of its faults.
//!
//! Every tensor that the published names ask for is there, filled with small reproducible numbers. Tests change one thing
//! and look at what is said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    F32,
    F16,
    Bf16,
}

/// One part: configuration and tensors.
#[derive(Clone, Debug)]
pub struct ToyPart {
    pub config: Value,
    pub tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

/// The parts of a model before they are written.
#[derive(Clone, Debug)]
pub struct ToyModel {
    pub denoiser: ToyPart,
    pub codec: ToyPart,
    pub text: ToyPart,
    pub tokenizer: Value,
}

/// Width of everything but the latents.
pub const WIDTH: usize = 16;
const HEAD: usize = 8;
const KEYS: usize = 8;
const INNER: usize = 24;
const LAYERS: usize = 2;

impl ToyModel {
    pub fn new() -> Self {
        Self { denoiser: denoiser(), codec: codec(), text: text(), tokenizer: tokenizer() }
    }

    /// Rounds every number to what a precision can hold.
    pub fn rounded(mut self, stored: Stored) -> Self {
        for part in [&mut self.denoiser, &mut self.codec, &mut self.text] {
            let numbers = part.tensors.values_mut().flat_map(|(_, numbers)| numbers);
            numbers.for_each(|it| *it = stored.rounded(*it));
        }
        self
    }

    /// Writes the model into an empty folder: codec inside, text encoder beside it. Gives the denoiser's folder.
    pub fn write(&self, top: &Path, stored: Stored) -> PathBuf {
        let folder = top.join("toy");
        write_part(&folder, "model.safetensors", &self.denoiser, stored);
        write_part(&folder.join("vae"), "diffusion_pytorch_model.safetensors", &self.codec, stored);
        write_part(&top.join("Qwen3-Embedding-0.6B"), "model.safetensors", &self.text, stored);
        std::fs::write(top.join("Qwen3-Embedding-0.6B/tokenizer.json"), self.tokenizer.to_string()).expect("writable");
        std::fs::write(folder.join("silence_latent.pt"), include_bytes!("silence_latent.pt")).expect("writable");
        folder
    }
}

impl Stored {
    fn rounded(self, x: f32) -> f32 {
        match self {
            Self::F32 => x,
            Self::F16 => half::f16::from_f32(x).to_f32(),
            Self::Bf16 => half::bf16::from_f32(x).to_f32(),
        }
    }

    fn bytes(self, numbers: &[f32]) -> Vec<u8> {
        match self {
            Self::F32 => numbers.iter().flat_map(|it| it.to_le_bytes()).collect(),
            Self::F16 => numbers.iter().flat_map(|&it| half::f16::from_f32(it).to_le_bytes()).collect(),
            Self::Bf16 => numbers.iter().flat_map(|&it| half::bf16::from_f32(it).to_le_bytes()).collect(),
        }
    }

    fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
            Self::Bf16 => Dtype::BF16,
        }
    }
}

/// The bytes of a safetensors file.
pub fn safetensors_file(tensors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>, stored: Stored) -> Vec<u8> {
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> =
        tensors.iter().map(|(name, (shape, numbers))| (name, shape, stored.bytes(numbers))).collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        (*name, TensorView::new(stored.dtype(), (*shape).clone(), bytes).expect("shape and bytes agree"))
    });
    safetensors::serialize(views, None).expect("tensors can be written")
}

fn write_part(folder: &Path, name: &str, part: &ToyPart, stored: Stored) {
    std::fs::create_dir_all(folder).expect("folders can be made");
    std::fs::write(folder.join("config.json"), part.config.to_string()).expect("writable");
    std::fs::write(folder.join(name), safetensors_file(&part.tensors, stored)).expect("writable");
}

/// Tensors by name, with numbers that depend on name and place alone.
#[derive(Default)]
struct Made(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Made {
    fn with(&mut self, name: impl Into<String>, shape: &[usize]) {
        let name = name.into();
        let count: usize = shape.iter().product();
        let mut state =
            name.bytes().fold(0x9E37_79B9_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let scale = 0.5 / (shape.last().copied().unwrap_or(1) as f32).sqrt();
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
        };
        let numbers = (0..count).map(next).collect();
        self.0.insert(name, (shape.to_vec(), numbers));
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize, bias: bool) {
        self.with(format!("{name}.weight"), &[outputs, inputs]);
        if bias {
            self.with(format!("{name}.bias"), &[outputs]);
        }
    }

    fn attention(&mut self, name: &str, width: usize) {
        for (part, outputs, inputs) in
            [("q_proj", WIDTH, width), ("k_proj", KEYS, width), ("v_proj", KEYS, width), ("o_proj", width, WIDTH)]
        {
            self.linear(&format!("{name}.{part}"), outputs, inputs, false);
        }
        self.with(format!("{name}.q_norm.weight"), &[HEAD]);
        self.with(format!("{name}.k_norm.weight"), &[HEAD]);
    }

    fn feed_forward(&mut self, name: &str) {
        self.linear(&format!("{name}.gate_proj"), INNER, WIDTH, false);
        self.linear(&format!("{name}.up_proj"), INNER, WIDTH, false);
        self.linear(&format!("{name}.down_proj"), WIDTH, INNER, false);
    }

    fn block(&mut self, name: &str) {
        self.with(format!("{name}.input_layernorm.weight"), &[WIDTH]);
        self.with(format!("{name}.post_attention_layernorm.weight"), &[WIDTH]);
        self.attention(&format!("{name}.self_attn"), WIDTH);
        self.feed_forward(&format!("{name}.mlp"));
    }

    fn normed(&mut self, name: &str, shape: &[usize], bias: Option<usize>) {
        self.with(format!("{name}.weight_g"), &[shape[0], 1, 1]);
        self.with(format!("{name}.weight_v"), shape);
        if let Some(outputs) = bias {
            self.with(format!("{name}.bias"), &[outputs]);
        }
    }

    fn snake(&mut self, name: &str, channels: usize) {
        self.with(format!("{name}.alpha"), &[1, channels, 1]);
        self.with(format!("{name}.beta"), &[1, channels, 1]);
    }

    fn units(&mut self, name: &str, channels: usize) {
        for unit in 1..=3 {
            self.snake(&format!("{name}.res_unit{unit}.snake1"), channels);
            self.snake(&format!("{name}.res_unit{unit}.snake2"), channels);
            self.normed(&format!("{name}.res_unit{unit}.conv1"), &[channels, channels, 7], Some(channels));
            self.normed(&format!("{name}.res_unit{unit}.conv2"), &[channels, channels, 1], Some(channels));
        }
    }
}

fn denoiser() -> ToyPart {
    let mut made = Made::default();
    made.linear("decoder.condition_embedder", WIDTH, WIDTH, true);
    for embedder in ["decoder.time_embed", "decoder.time_embed_r"] {
        made.linear(&format!("{embedder}.linear_1"), WIDTH, 256, true);
        made.linear(&format!("{embedder}.linear_2"), WIDTH, WIDTH, true);
        made.linear(&format!("{embedder}.time_proj"), 6 * WIDTH, WIDTH, true);
    }
    made.with("decoder.proj_in.1.weight", &[WIDTH, 192, 2]);
    made.with("decoder.proj_in.1.bias", &[WIDTH]);
    made.with("decoder.proj_out.1.weight", &[WIDTH, 64, 2]);
    made.with("decoder.proj_out.1.bias", &[64]);
    made.with("decoder.norm_out.weight", &[WIDTH]);
    made.with("decoder.scale_shift_table", &[1, 2, WIDTH]);
    for layer in 0..LAYERS {
        let name = format!("decoder.layers.{layer}");
        made.with(format!("{name}.scale_shift_table"), &[1, 6, WIDTH]);
        for norm in ["self_attn_norm", "cross_attn_norm", "mlp_norm"] {
            made.with(format!("{name}.{norm}.weight"), &[WIDTH]);
        }
        made.attention(&format!("{name}.self_attn"), WIDTH);
        made.attention(&format!("{name}.cross_attn"), WIDTH);
        made.feed_forward(&format!("{name}.mlp"));
    }
    made.linear("encoder.text_projector", WIDTH, WIDTH, false);
    made.with("null_condition_emb", &[1, 1, WIDTH]);
    for (stack, inputs) in [
        ("encoder.lyric_encoder", WIDTH),
        ("encoder.timbre_encoder", 64),
        ("tokenizer.attention_pooler", WIDTH),
        ("detokenizer", WIDTH),
    ] {
        made.linear(&format!("{stack}.embed_tokens"), WIDTH, inputs, true);
        made.block(&format!("{stack}.layers.0"));
        made.with(format!("{stack}.norm.weight"), &[WIDTH]);
    }
    made.linear("tokenizer.audio_acoustic_proj", WIDTH, 64, true);
    made.with("tokenizer.attention_pooler.special_token", &[1, 1, WIDTH]);
    made.linear("tokenizer.quantizer.project_in", 6, WIDTH, true);
    made.linear("tokenizer.quantizer.project_out", WIDTH, 6, true);
    made.with("detokenizer.special_tokens", &[1, 5, WIDTH]);
    made.linear("detokenizer.proj_out", 64, WIDTH, true);
    let config = json!({
        "attention_bias": false, "audio_acoustic_hidden_dim": 64, "fsq_dim": WIDTH,
        "fsq_input_levels": [8, 8, 8, 5, 5, 5], "fsq_input_num_quantizers": 1, "head_dim": HEAD, "hidden_act": "silu",
        "hidden_size": WIDTH, "in_channels": 192, "intermediate_size": INNER, "num_attention_heads": WIDTH / HEAD,
        "num_attention_pooler_hidden_layers": 1, "num_hidden_layers": LAYERS, "num_key_value_heads": KEYS / HEAD,
        "num_lyric_encoder_hidden_layers": 1, "num_timbre_encoder_hidden_layers": 1, "patch_size": 2,
        "pool_window_size": 5, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000, "sliding_window": 4,
        "text_hidden_dim": WIDTH, "timbre_fix_frame": 10, "timbre_hidden_dim": 64, "use_sliding_window": true,
    });
    ToyPart { config, tensors: made.0 }
}

fn codec() -> ToyPart {
    let (mut made, strides, base) = (Made::default(), [2, 4, 4, 6, 10], 2);
    made.normed("encoder.conv1", &[base, 2, 7], Some(base));
    made.normed("decoder.conv1", &[base, 64, 7], Some(base));
    for block in 0..strides.len() {
        let (down, up) = (strides[block], strides[strides.len() - 1 - block]);
        made.units(&format!("encoder.block.{block}"), base);
        made.snake(&format!("encoder.block.{block}.snake1"), base);
        made.normed(&format!("encoder.block.{block}.conv1"), &[base, base, 2 * down], Some(base));
        made.snake(&format!("decoder.block.{block}.snake1"), base);
        made.normed(&format!("decoder.block.{block}.conv_t1"), &[base, base, 2 * up], Some(base));
        made.units(&format!("decoder.block.{block}"), base);
    }
    made.snake("encoder.snake1", base);
    made.snake("decoder.snake1", base);
    made.normed("encoder.conv2", &[128, base, 3], Some(128));
    made.normed("decoder.conv2", &[2, base, 7], None);
    let config = json!({
        "audio_channels": 2, "channel_multiples": [1, 1, 1, 1, 1], "decoder_channels": base,
        "decoder_input_channels": 64, "downsampling_ratios": strides, "encoder_hidden_size": 128,
        "encoder_base_channels": base, "sampling_rate": 48000,
    });
    ToyPart { config, tensors: made.0 }
}

fn text() -> ToyPart {
    let mut made = Made::default();
    made.with("embed_tokens.weight", &[300, WIDTH]);
    made.block("layers.0");
    made.with("norm.weight", &[WIDTH]);
    let config = json!({
        "vocab_size": 300, "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": 1,
        "num_attention_heads": WIDTH / HEAD, "num_key_value_heads": KEYS / HEAD, "head_dim": HEAD, "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000, "use_sliding_window": false, "attention_bias": false,
    });
    ToyPart { config, tensors: made.0 }
}

/// One token a printable letter, one a line end.
fn tokenizer() -> Value {
    let letters = (' '..='~').chain(['\n']);
    let vocabulary: serde_json::Map<String, Value> =
        letters.enumerate().map(|(id, letter)| (letter.to_string(), json!(id))).collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                  "vocab": vocabulary, "merges": []},
    })
}
