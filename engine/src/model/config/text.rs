//! Configuration of the text encoder (a Qwen3 transformer): its `config.json`.

use std::path::Path;

use serde_json::json;

use super::dit::check_heads;
use super::reader::Reader;
use super::{ConfigError, Stack};

/// The text encoder's `config.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    /// The blocks; attention is causal and full.
    pub stack: Stack,
    /// Number of blocks.
    pub layers: usize,
    /// Rows of the embedding table.
    pub vocabulary: usize,
}

impl TextConfig {
    /// Reads the text of the text encoder's `config.json`; `file` is for messages.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(file, text)?;
        let r = &mut reader;
        r.only("hidden_act", json!("silu"));
        r.only("attention_bias", json!(false));
        r.only("use_sliding_window", json!(false));
        r.no_rope_scaling();
        let stack = Stack {
            hidden: r.count("hidden_size", 1..=16_384),
            intermediate: r.count("intermediate_size", 1..=65_536),
            heads: r.count("num_attention_heads", 1..=1024),
            kv_heads: r.count("num_key_value_heads", 1..=1024),
            head_dim: r.count("head_dim", 2..=1024),
            eps: r.number("rms_norm_eps", 0.0..=1.0),
            theta: r.rope_theta(1.0..=1e9),
        };
        check_heads(r, &stack, "num_attention_heads", "head_dim");
        let config = Self {
            layers: r.count("num_hidden_layers", 1..=128),
            vocabulary: r.count("vocab_size", 1..=1 << 22),
            stack,
        };
        reader.finish(config)
    }
}
