//! What a velocity network is to whoever integrates it: rows in, velocities out.
//!
//! No word here says where it runs: the network on the CPU is [`CpuDenoiser`](super::CpuDenoiser), a test's is a few lines.

use std::any::Any;

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
    /// Whether rows of this length under these tokens can be computed. Asked once, at a birth.
    ///
    /// # Errors
    /// What does not fit.
    fn check(&self, _frames: usize, _tokens: &[f32]) -> Result<(), DenoiserError> {
        Ok(())
    }

    /// Writes the velocity of one row into `out`, `[frames, 64]`.
    ///
    /// # Errors
    /// When the row cannot be computed; the slot's latent is then left as it was.
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError>;

    /// Computes as another of its own kind from now on; what it was comes back in its place. Answers whether it is one.
    fn exchange(&mut self, other: &mut Box<dyn Any + Send>) -> bool {
        let _ = other;
        false
    }
}

/// Lets two things of one kind change places; answers whether they are.
pub fn exchange<T: 'static>(one: &mut T, other: &mut Box<dyn Any + Send>) -> bool {
    let Some(other) = other.downcast_mut::<T>() else { return false };
    std::mem::swap(one, other);
    true
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
    /// A prompt is not whole tokens of the model's width.
    #[error("a prompt of {found} numbers is not whole tokens of {width}")]
    TornTokens {
        /// Numbers of the prompt.
        found: usize,
        /// Numbers of a token.
        width: usize,
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

impl DenoiserError {
    /// Tokens of a prompt of so many numbers.
    ///
    /// # Errors
    /// When they are not whole, or more than fit.
    pub(crate) fn count_tokens(numbers: usize, width: usize, most: usize) -> Result<usize, Self> {
        if width == 0 || !numbers.is_multiple_of(width) {
            return Err(Self::TornTokens { found: numbers, width });
        }
        let found = numbers / width;
        if most < found { Err(Self::TooManyTokens { found, most }) } else { Ok(found) }
    }
}
