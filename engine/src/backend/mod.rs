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
mod windows;

pub use away::{Away, AwayDecoder};
pub use cpu::CpuBackend;
pub use crew::{Alone, Crew};
pub use cuda::DeviceError;
pub use windows::WindowDecoder;

/// What a backend asks for the velocity of a row.
pub use crate::model::{Denoiser, DenoiserError, DenoiserRow, exchange};

use std::any::Any;

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

    /// Computes with another network of its own kind from now on, prepared with more room for words; the one before comes back in
    /// its place. Slots live on: of them a network knows nothing between two ticks. Answers whether it could be taken.
    fn exchange(&mut self, network: &mut Box<dyn Any + Send>) -> bool {
        let _ = network;
        false
    }

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
