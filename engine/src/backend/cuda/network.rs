//! The velocity network as a device backend sees it: a batch of places on the card.
//!
//! A row (one slot under one condition) keeps its place, its *seat*, for its whole life, so that context and prompt are
//! written once, at its birth, and a tick moves nothing but the latents.

use super::error::DeviceError;
use super::stream::Stream;
use crate::backend::BackendError;

/// What a network was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkShape {
    /// Latent frames of a row.
    pub frames: usize,
    /// Condition tokens that fit.
    pub most_tokens: usize,
    /// Width of a condition token.
    pub token_width: usize,
}

/// Where a network reads and writes on the card; all f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// `[batch, frames, 64]`.
    pub x: u64,
    /// `[batch]`.
    pub t: u64,
    /// `[batch]`.
    pub t_minus_r: u64,
    /// `[batch, frames, 64]`, written by the network.
    pub velocity: u64,
}

/// What a row is told for its whole life.
#[derive(Clone, Copy, Debug)]
pub struct Seated<'a> {
    /// Structure and chunk mask, `[frames, 128]`.
    pub context: &'a [f32],
    /// Condition tokens, `[tokens, width]`.
    pub tokens: &'a [f32],
}

/// The velocity network.
pub trait Network: Send {
    /// What it was made for.
    fn shape(&self) -> NetworkShape;

    /// Batch sizes that it was made for, ascending; a batch is filled up to the next of them.
    fn batches(&self) -> &[usize];

    /// Where it reads and writes.
    fn ports(&self) -> Ports;

    /// Gives a row its place. Only enqueues.
    ///
    /// # Errors
    /// When the prompt or the context does not fit, or the card is gone.
    fn seat(&mut self, stream: &Stream, seat: usize, row: Seated<'_>) -> Result<(), BackendError>;

    /// Enqueues one pass over the first `batch` seats, of which `live` hold rows, in the order of the plan. What the
    /// other seats compute is never read.
    ///
    /// # Errors
    /// When it cannot be enqueued.
    fn enqueue(&mut self, stream: &Stream, batch: usize, live: &[usize]) -> Result<(), BackendError>;

    /// Whether [`Self::enqueue`] may be recorded in a graph: it does nothing but enqueue, and does not look at `live`.
    fn is_capturable(&self) -> bool {
        true
    }
}

impl<N: Network + ?Sized> Network for Box<N> {
    fn shape(&self) -> NetworkShape {
        (**self).shape()
    }

    fn batches(&self) -> &[usize] {
        (**self).batches()
    }

    fn ports(&self) -> Ports {
        (**self).ports()
    }

    fn seat(&mut self, stream: &Stream, seat: usize, row: Seated<'_>) -> Result<(), BackendError> {
        (**self).seat(stream, seat, row)
    }

    fn enqueue(&mut self, stream: &Stream, batch: usize, live: &[usize]) -> Result<(), BackendError> {
        (**self).enqueue(stream, batch, live)
    }

    fn is_capturable(&self) -> bool {
        (**self).is_capturable()
    }
}

impl From<DeviceError> for BackendError {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}
