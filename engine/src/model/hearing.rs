//! What the velocity network hears: condition tokens of a prompt, and the structure of a source.
//!
//! For the load lane: plans are compiled for the length at hand and thrown away (packed weights stay).

use std::sync::Arc;

use super::checkpoint::CheckpointError;
use super::config::{DitConfig, TextConfig};
use super::part::Part;
use super::{condition, context, fsq, text, tokenizer};
use crate::graph::cpu::Pool;
use crate::graph::{Graph, Sizes, WeightSource};

/// Name of the learned token that stands for no prompt.
pub(super) const NO_PROMPT: &str = "null_condition_emb";

/// Encodes token ids.
#[derive(Clone)]
pub struct TextEncoder {
    part: Arc<Part<TextConfig>>,
    pool: Arc<Pool>,
}

impl TextEncoder {
    /// An encoder that computes on `pool`.
    #[must_use]
    pub fn new(part: Arc<Part<TextConfig>>, pool: Arc<Pool>) -> Self {
        Self { part, pool }
    }

    /// Rows of the embedding table, `[tokens, width]`: what lyrics are given as.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] when the table is not that of the configuration.
    pub fn embed(&self, ids: &[u32]) -> Result<Vec<f32>, CheckpointError> {
        let rows = text::embed(&self.part.config, &self.part.weights, ids);
        rows.map_err(|error| self.part.explain(&error))
    }

    /// Last hidden states of all tokens, `[tokens, width]`: what a prompt is given as.
    ///
    /// # Errors
    /// As [`Self::embed`].
    pub fn encode(&self, ids: &[u32]) -> Result<Vec<f32>, CheckpointError> {
        let sizes = Sizes::new().with("batch", 1).with("tokens", ids.len());
        let embedded = self.embed(ids)?;
        compute(&self.part, &text::graph(&self.part.config), &sizes, ("embedded", &embedded), "hidden", &self.pool)
    }
}

/// Turns encoded prompts into condition tokens.
#[derive(Clone)]
pub struct ConditionEncoder {
    part: Arc<Part<DitConfig>>,
    pool: Arc<Pool>,
}

impl ConditionEncoder {
    /// An encoder that computes on `pool`.
    #[must_use]
    pub fn new(part: Arc<Part<DitConfig>>, pool: Arc<Pool>) -> Self {
        Self { part, pool }
    }

    /// Condition tokens `[tokens, width]` of one prompt: lyrics, then the timbre token, then the text.
    ///
    /// `text` and `lyrics` are `[tokens, text width]`, `timbre` a latent `[frames, channels]`.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] when the weights are not those of the configuration.
    pub fn encode(&self, text: &[f32], lyrics: &[f32], timbre: &[f32]) -> Result<Vec<f32>, CheckpointError> {
        let config = &self.part.config;
        let tokens = |values: &[f32]| Sizes::new().with("batch", 1).with("tokens", values.len() / config.text_width);
        let frames = Sizes::new().with("batch", 1).with("frames", timbre.len() / config.timbre_channels);
        let mut heard = Vec::new();
        for (graph, sizes, input) in [
            (condition::lyric_encoder(config, false), tokens(lyrics), ("lyrics", lyrics)),
            (condition::timbre_encoder(config), frames, ("references", timbre)),
            (condition::text_projector(config), tokens(text), ("text", text)),
        ] {
            heard.extend(compute(&self.part, &graph, &sizes, input, "tokens", &self.pool)?);
        }
        Ok(heard)
    }

    /// The one token `[1, width]` that stands for no prompt, for guidance.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] when the checkpoint has none, or not of the configuration's width.
    pub fn no_prompt(&self) -> Result<Vec<f32>, CheckpointError> {
        use crate::graph::LowerError;
        let width = self.part.config.encoders.hidden;
        let missing = || LowerError::MissingWeight(NO_PROMPT.into());
        let token = self.part.weights.tensor(NO_PROMPT).ok_or_else(missing).and_then(|view| {
            let expected = format!("[1, 1, {width}]");
            let fits = view.shape == [1, 1, width];
            let misfit = || LowerError::WeightShape { name: NO_PROMPT.into(), found: view.shape.to_vec(), expected };
            if fits { Ok(view.to_f32()) } else { Err(misfit()) }
        });
        token.map_err(|error| self.part.explain(&error))
    }
}

/// Extracts the course of a piece without its sound.
#[derive(Clone)]
pub struct StructureHints {
    part: Arc<Part<DitConfig>>,
    pool: Arc<Pool>,
}

impl StructureHints {
    /// An extractor that computes on `pool`.
    #[must_use]
    pub fn new(part: Arc<Part<DitConfig>>, pool: Arc<Pool>) -> Self {
        Self { part, pool }
    }

    /// Hints `[frames, channels]` of a latent of the same shape. `silence` fills the last token up.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] when the weights are not those of the configuration.
    pub fn extract(&self, latent: &[f32], silence: &[f32]) -> Result<Vec<f32>, CheckpointError> {
        let config = &self.part.config;
        let filled = context::filled_up(latent, silence, config.pool, config.latent_channels);
        let groups = Sizes::new().with("groups", filled.len() / (config.pool * config.latent_channels));
        let run = |graph: Graph, input: &str, values: &[f32], output: &str| {
            compute(&self.part, &graph, &groups, (input, values), output, &self.pool)
        };
        let projected = run(tokenizer::pooler(config), "latents", &filled, "projected")?;
        let (codes, _) = fsq::quantize(&projected, &config.levels);
        let quantized = run(tokenizer::project_out(config), "codes", &codes, "quantized")?;
        let mut hints = run(tokenizer::detokenizer(config), "quantized", &quantized, "hints")?;
        hints.truncate(latent.len());
        Ok(hints)
    }
}

/// Compiles a graph of one input, runs it once, and gives one output.
fn compute<Config>(
    part: &Part<Config>,
    graph: &Graph,
    sizes: &Sizes,
    (input, values): (&str, &[f32]),
    output: &str,
    pool: &Arc<Pool>,
) -> Result<Vec<f32>, CheckpointError> {
    let mut plan = part.plan(graph, sizes, pool)?;
    plan.input_mut(input).copy_from_slice(values);
    plan.run();
    Ok(plan.output(output).to_vec())
}
