//! Where the arithmetic runs: one trait, one implementation per processor.

/// One row for the velocity network: one slot under one condition at one time.
#[derive(Clone, Copy, Debug)]
pub struct DenoiserRow<'a> {
    /// The noisy latent, `[frames, 64]`, channel gain already applied.
    pub x: &'a [f32],
    /// Structure (64 channels) and chunk mask (64 channels), `[frames, 128]`.
    pub context: &'a [f32],
    /// Condition tokens, `[tokens, condition width]`; all of them are attended to.
    pub tokens: &'a [f32],
    /// Noise level, 1 (noise) to 0 (sound).
    pub t: f32,
    /// Second time of the two embedders; the samplers use `r = t`.
    pub r: f32,
}

/// The velocity network as the CPU solver sees it.
pub trait Denoiser {
    /// Writes the velocity of one row into `out`, `[frames, 64]`.
    ///
    /// # Errors
    /// When the row cannot be computed; the slot's latent is then left as it was.
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError>;
}

/// Why a row could not be computed.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum DenoiserError {
    /// A prompt is longer than the plan was compiled for.
    #[error("{found} condition tokens, the plan holds {most}")]
    TooManyTokens {
        /// Tokens of the row.
        found: usize,
        /// Tokens that fit.
        most: usize,
    },
    /// The row has another length than the plan.
    #[error("{found} latent frames, the plan was compiled for {expected}")]
    WrongLength {
        /// Frames of the row.
        found: usize,
        /// Frames of the plan.
        expected: usize,
    },
}
