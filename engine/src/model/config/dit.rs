//! Configuration of the velocity network, its condition encoder and its audio tokenizer: one `config.json`.
//!
//! Two published families share it. In the 2B models every part has the denoiser's width and the timbre embedding is
//! the first acoustic frame's output. The XL models give the encoders their own width (`encoder_*` keys) and prepend a
//! learned token to the timbre reference, whose output is the embedding.

use std::path::Path;

use serde_json::{Value, json};

use super::ConfigError;
use super::reader::{Reader, quote};

/// Widest layer accepted, about six times the widest published one.
const WIDEST: usize = 16_384;
/// Deepest stack accepted, four times the deepest published one.
const DEEPEST: usize = 128;
/// Longest window, reference or context accepted, in positions.
const LONGEST: usize = 1 << 20;

/// How far a layer's attention reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every position.
    Full,
    /// Positions at most this many away, inclusive.
    Window(usize),
}

impl Reach {
    /// As the attention operation wants it.
    #[must_use]
    pub fn window(self) -> Option<usize> {
        match self {
            Self::Full => None,
            Self::Window(positions) => Some(positions),
        }
    }
}

/// Sizes of one stack of transformer blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub intermediate: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even.
    pub head_dim: usize,
    /// Added to the mean square in every norm.
    pub eps: f32,
    /// Base of the rotary frequencies.
    pub theta: f32,
}

/// The denoiser's `config.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct DitConfig {
    /// The velocity network.
    pub denoiser: Stack,
    /// Lyric and timbre encoders, tokenizer and detokenizer.
    pub encoders: Stack,
    /// One entry a layer of the velocity network; the encoders take the first entries.
    pub reaches: Vec<Reach>,
    /// Channels of one latent frame.
    pub latent_channels: usize,
    /// Latent frames in one patch.
    pub patch: usize,
    /// Width of the text encoder's output.
    pub text_width: usize,
    /// Channels of a timbre reference frame.
    pub timbre_channels: usize,
    /// Frames of a timbre reference, 750 in the published models.
    pub timbre_frames: usize,
    /// Whether the timbre encoder prepends its learned token (XL) or reads the first acoustic frame (2B).
    pub timbre_token: bool,
    /// Layers of the lyric encoder.
    pub lyric_layers: usize,
    /// Layers of the timbre encoder.
    pub timbre_layers: usize,
    /// Layers of the tokenizer's pooler and of the detokenizer.
    pub pooler_layers: usize,
    /// Latent frames that become one token.
    pub pool: usize,
    /// Quantisation levels of each code dimension.
    pub levels: Vec<usize>,
}

impl DitConfig {
    /// The published families that are read.
    pub const FAMILIES: [&'static str; 2] = ["ACE-Step 1.5 (2B)", "ACE-Step 1.5 XL"];

    /// Which of them this one's layout is.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        Self::FAMILIES[self.timbre_token as usize]
    }

    /// Reads the text of a `config.json`; `file` is for messages.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault: missing keys, numbers out of range, sizes that contradict each other, and
    /// switches that mean an architecture that is not this one.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(file, text)?;
        let r = &mut reader;
        r.only("hidden_act", json!("silu"));
        r.only("attention_bias", json!(false));
        r.no_rope_scaling();
        r.only("fsq_input_num_quantizers", json!(1));
        let denoiser = denoiser_stack(r);
        let encoders = encoder_stack(r, &denoiser);
        let config = Self {
            reaches: reaches(r),
            latent_channels: r.count("audio_acoustic_hidden_dim", 1..=WIDEST),
            patch: r.count("patch_size", 1..=64),
            text_width: r.count("text_hidden_dim", 1..=WIDEST),
            timbre_channels: r.count("timbre_hidden_dim", 1..=WIDEST),
            timbre_frames: r.count("timbre_fix_frame", 1..=LONGEST),
            timbre_token: prepends_timbre_token(r),
            lyric_layers: r.count("num_lyric_encoder_hidden_layers", 1..=DEEPEST),
            timbre_layers: r.count("num_timbre_encoder_hidden_layers", 1..=DEEPEST),
            pooler_layers: r.count("num_attention_pooler_hidden_layers", 1..=DEEPEST),
            pool: r.count("pool_window_size", 1..=64),
            levels: r.counts("fsq_input_levels", 2..=1024, 16),
            denoiser,
            encoders,
        };
        let inputs = r.count("in_channels", 1..=WIDEST);
        let wanted = 3 * config.latent_channels;
        r.require(inputs == wanted, "in_channels", inputs, format!("{wanted}: structure, chunk mask and latent"));
        let fsq = r.count("fsq_dim", 1..=WIDEST);
        let width = config.encoders.hidden;
        r.require(fsq == width, "fsq_dim", fsq, format!("{width}, the width of the encoders"));
        let codes = config.levels.iter().try_fold(1_usize, |all, &levels| all.checked_mul(levels));
        r.require(
            codes.is_some_and(|it| it < 1 << 31),
            "fsq_input_levels",
            config.levels.len(),
            "fewer than 2^31 codes",
        );
        reader.finish(config)
    }

    /// Reach of layer `layer` in any stack; past the list it alternates as the published list does, local first.
    #[must_use]
    pub fn reach(&self, layer: usize) -> Reach {
        let local = self.reaches.iter().copied().find(|it| *it != Reach::Full).unwrap_or(Reach::Full);
        let alternating = if layer.is_multiple_of(2) { local } else { Reach::Full };
        self.reaches.get(layer).copied().unwrap_or(alternating)
    }
}

fn denoiser_stack(r: &mut Reader) -> Stack {
    let stack = Stack {
        hidden: r.count("hidden_size", 1..=WIDEST),
        intermediate: r.count("intermediate_size", 1..=4 * WIDEST),
        heads: r.count("num_attention_heads", 1..=1024),
        kv_heads: r.count("num_key_value_heads", 1..=1024),
        head_dim: r.count("head_dim", 2..=1024),
        eps: r.number("rms_norm_eps", 0.0..=1.0),
        theta: r.rope_theta(1.0..=1e9),
    };
    check_heads(r, &stack, "num_attention_heads", "head_dim");
    stack
}

fn encoder_stack(r: &mut Reader, denoiser: &Stack) -> Stack {
    let mut or = |key: &str, most: usize, like: usize| r.optional_count(key, 1..=most).unwrap_or(like);
    let stack = Stack {
        hidden: or("encoder_hidden_size", WIDEST, denoiser.hidden),
        intermediate: or("encoder_intermediate_size", 4 * WIDEST, denoiser.intermediate),
        heads: or("encoder_num_attention_heads", 1024, denoiser.heads),
        kv_heads: or("encoder_num_key_value_heads", 1024, denoiser.kv_heads),
        ..denoiser.clone()
    };
    check_heads(r, &stack, "encoder_num_attention_heads", "head_dim");
    stack
}

pub(super) fn check_heads(r: &mut Reader, stack: &Stack, heads: &str, head_dim: &str) {
    let grouped = stack.heads.is_multiple_of(stack.kv_heads);
    r.require(grouped, heads, stack.heads, format!("a multiple of {} key and value heads", stack.kv_heads));
    r.require(stack.head_dim.is_multiple_of(2), head_dim, stack.head_dim, "an even number");
}

/// `layer_types`, or the published default: local on even layers, full on odd ones.
fn reaches(r: &mut Reader) -> Vec<Reach> {
    let layers = r.count("num_hidden_layers", 1..=DEEPEST);
    let window = r.optional_count("sliding_window", 0..=LONGEST);
    let local = match window.filter(|_| r.switch("use_sliding_window", true)) {
        Some(window) => Reach::Window(window),
        None => Reach::Full,
    };
    let Some(types) = r.raw("layer_types").cloned() else {
        return (0..layers).map(|layer| if layer.is_multiple_of(2) { local } else { Reach::Full }).collect();
    };
    let reach = |it: &Value| match it.as_str() {
        Some("sliding_attention") => Some(local),
        Some("full_attention") => Some(Reach::Full),
        _ => None,
    };
    let list: Option<Vec<Reach>> = types.as_array().and_then(|it| it.iter().map(reach).collect());
    list.filter(|it| it.len() == layers).unwrap_or_else(|| {
        let expected = format!("{layers} entries (num_hidden_layers), each sliding_attention or full_attention");
        r.fault("layer_types", quote(&types), expected);
        vec![Reach::Full; layers]
    })
}

/// The XL rule is told from the code that the configuration names, and failing that from the key only XL has.
fn prepends_timbre_token(r: &Reader) -> bool {
    match r.raw("auto_map").and_then(|it| it.get("AutoModel")).and_then(Value::as_str) {
        Some(code) => code.contains("_xl_"),
        None => r.has("encoder_hidden_size"),
    }
}
