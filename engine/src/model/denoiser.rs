//! The velocity network on the CPU.
//!
//! One plan serves every prompt: it is compiled for the longest one and told how many tokens a row has, so that a short
//! prompt gives the same bits as a plan of its own length. It never allocates after it was made.

use std::any::Any;
use std::sync::Arc;

use super::checkpoint::CheckpointError;
use super::config::DitConfig;
use super::dit::{self, Extras};
use super::part::Part;
use super::velocity::{Denoiser, DenoiserError, DenoiserRow, exchange};
use crate::graph::Sizes;
use crate::graph::cpu::{Plan, Pool};

/// The velocity network, compiled for one length.
pub struct CpuDenoiser {
    plan: Plan,
    frames: usize,
    channels: usize,
    token_width: usize,
    most_tokens: usize,
}

impl CpuDenoiser {
    /// Compiles the network for latents of `frames` frames and prompts of at most `most_tokens` tokens.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] when the weights are not those of the configuration.
    pub fn compile(
        part: &Part<DitConfig>,
        frames: usize,
        most_tokens: usize,
        pool: &Arc<Pool>,
    ) -> Result<Self, CheckpointError> {
        let (config, most_tokens) = (&part.config, most_tokens.max(1));
        let sizes = Sizes::new().with("batch", 1).with("frames", frames).with("tokens", most_tokens);
        let plan = part.plan(&dit::graph(config, Extras::default()), &sizes, pool)?;
        Ok(Self { plan, frames, channels: config.latent_channels, token_width: config.encoders.hidden, most_tokens })
    }

    /// Latent frames of a row.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Width of a condition token.
    #[must_use]
    pub fn token_width(&self) -> usize {
        self.token_width
    }

    /// Condition tokens that fit.
    #[must_use]
    pub fn most_tokens(&self) -> usize {
        self.most_tokens
    }

    fn fit(&self, row: &DenoiserRow<'_>, out: &[f32]) -> Result<usize, DenoiserError> {
        let found = [row.x.len() / self.channels, row.context.len() / (2 * self.channels), out.len() / self.channels];
        if let Some(&found) = found.iter().find(|it| **it != self.frames) {
            return Err(DenoiserError::WrongLength { found, expected: self.frames });
        }
        DenoiserError::count_tokens(row.tokens.len(), self.token_width, self.most_tokens)
    }
}

impl Denoiser for CpuDenoiser {
    fn check(&self, frames: usize, tokens: &[f32]) -> Result<(), DenoiserError> {
        if frames != self.frames {
            return Err(DenoiserError::WrongLength { found: frames, expected: self.frames });
        }
        DenoiserError::count_tokens(tokens.len(), self.token_width, self.most_tokens).map(|_| ())
    }

    fn exchange(&mut self, other: &mut Box<dyn Any + Send>) -> bool {
        exchange(self, other)
    }

    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        let tokens = self.fit(row, out)?;
        self.plan.input_mut("x").copy_from_slice(row.x);
        self.plan.input_mut("context").copy_from_slice(row.context);
        self.plan.input_mut("tokens")[..row.tokens.len()].copy_from_slice(row.tokens);
        self.plan.input_mut("t").fill(row.t);
        self.plan.input_mut("t_minus_r").fill(row.t - row.r);
        self.plan.set_length("tokens", tokens);
        self.plan.run();
        out.copy_from_slice(self.plan.output("velocity"));
        Ok(())
    }
}
