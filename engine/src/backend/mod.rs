//! Where the arithmetic runs: one trait, one implementation per processor.
//!
//! A backend owns the latents of the slots. The ring ([`crate::ring`]) only says which slot begins and which advances, so a
//! backend may keep everything on its own device and move nothing but births in and finished latents out.

pub mod away;
pub mod cpu;
pub mod crew;
pub mod cuda;
mod law;
pub mod tensorrt;

pub use away::{Away, AwayDecoder};
pub use cpu::CpuBackend;
pub use crew::{Alone, Crew};
pub use cuda::DeviceError;

use crate::ring::StepControls;
use crate::ring::plan::{Birth, TickPlan};

/// Latents of all slots, and the arithmetic on them.
pub trait Backend {
    /// Begins a generation in a slot: start noise, source, everything that the request carries. What the slot held before
    /// is gone.
    ///
    /// # Errors
    /// When the request does not fit the backend.
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError>;

    /// Advances every slot of the plan one step, under the shared controls. Comes back with one bit a slot (bit 0 is slot
    /// 0) for those whose latent is no longer finite; their latent is never read.
    ///
    /// # Errors
    /// When it could not be computed: then no slot of the plan has advanced. [`BackendError::RowOf`] names a slot that never
    /// will be.
    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError>;

    /// The latent of a slot as it stands, `[frames, 64]`. Asked for slots that are done.
    fn latent(&mut self, slot: usize) -> &[f32];

    /// Most rows (slots under each of their conditions) that fit into one tick.
    fn most_rows(&self) -> usize {
        usize::MAX
    }
}

/// Why a backend could not compute.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum BackendError {
    /// A request asks for more than the model was prepared for: do not submit its like again.
    #[error(transparent)]
    Row(#[from] DenoiserError),
    /// A row of this slot cannot be computed, in this tick or in any other.
    #[error("{error}")]
    RowOf {
        /// The slot.
        slot: usize,
        /// What does not fit.
        error: DenoiserError,
    },
    /// The slots in flight have more rows together than the network's largest batch.
    #[error("{found} rows at once, the network was made for {most}")]
    TooManyRows {
        /// Rows of the slots in flight and of the request.
        found: usize,
        /// Rows that fit.
        most: usize,
    },
    /// The device could not do it. When [`cuda::DeviceError::is_fatal`], everything on it is gone.
    #[error(transparent)]
    Device(cuda::DeviceError),
    /// There is no device at the moment; the tape goes on looping.
    #[error("the device is away")]
    Away,
}

impl BackendError {
    /// Whether the device failed, not the request.
    #[must_use]
    pub fn is_of_the_device(&self) -> bool {
        matches!(self, Self::Device(_) | Self::Away)
    }

    /// Whether everything that the backend held is gone, so that another has to take over ([`crate::ring::Ring::begin_again`]).
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Device(error) if error.is_fatal())
    }
}

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
