//! The text encoder (a causal Qwen3 transformer) as a graph.
//!
//! All tokens' last hidden states are used, after the final norm, without pooling or padding mask. Lyrics skip the
//! transformer: they are rows of the embedding table, which plain code reads straight from the mapped checkpoint
//! ([`embed`]), so that a table of hundreds of megabytes is never widened.

use super::block::{Sight, encoder_block};
use super::config::TextConfig;
use crate::graph::{Builder, Dim, Graph, LowerError, Precision, TensorView, WeightSource};

/// Name of the embedding table.
pub const TABLE: &str = "embed_tokens.weight";

/// Input `embedded` `[batch, tokens, width]`, output `hidden` `[batch, tokens, width]`.
#[must_use]
pub fn graph(config: &TextConfig) -> Graph {
    let mut b = Builder::new();
    let mut h = b.input("embedded", &[Dim::Named("batch"), Dim::Named("tokens"), Dim::Fixed(config.stack.hidden)]);
    for layer in 0..config.layers {
        let sight = Sight { causal: true, ..Sight::default() };
        h = encoder_block(&mut b, &config.stack, h, &format!("layers.{layer}"), sight);
    }
    let normed = b.rms_norm(h, "norm", config.stack.eps);
    b.output("hidden", normed);
    b.finish()
}

/// Rows of the embedding table, `[tokens, width]`.
///
/// # Errors
/// [`LowerError::MissingWeight`] without a table, [`LowerError::WeightShape`] when it is not
/// `[vocabulary, width]`.
///
/// # Panics
/// When an id is not below the vocabulary: ids come from the tokenizer, whose vocabulary is checked on loading.
pub fn embed(config: &TextConfig, weights: &dyn WeightSource, ids: &[u32]) -> Result<Vec<f32>, LowerError> {
    let table = weights.tensor(TABLE).ok_or_else(|| LowerError::MissingWeight(TABLE.into()))?;
    let width = config.stack.hidden;
    if table.shape != [config.vocabulary, width] {
        let expected = format!("[{}, {width}]", config.vocabulary);
        return Err(LowerError::WeightShape { name: TABLE.into(), found: table.shape.to_vec(), expected });
    }
    let row = |&id: &u32| {
        assert!((id as usize) < config.vocabulary, "token {id} of {}", config.vocabulary);
        let first = id as usize * width;
        (first..first + width).map(|at| widened(&table, at))
    };
    Ok(ids.iter().flat_map(row).collect())
}

/// Number `at` of a tensor.
fn widened(table: &TensorView<'_>, at: usize) -> f32 {
    match table.precision {
        Precision::F32 => {
            let it = &table.bytes[4 * at..4 * at + 4];
            f32::from_le_bytes([it[0], it[1], it[2], it[3]])
        }
        Precision::F16 => half::f16::from_le_bytes([table.bytes[2 * at], table.bytes[2 * at + 1]]).to_f32(),
        Precision::Bf16 => half::bf16::from_le_bytes([table.bytes[2 * at], table.bytes[2 * at + 1]]).to_f32(),
    }
}
