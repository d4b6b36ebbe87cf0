//! A network that is none, entirely on the card: it stands in for the denoiser where the machinery around it is checked or
//! timed. Its law is `stand_in` in `kernels/kernels.cu`.

use std::sync::Arc;

use super::driver::Device;
use super::error::DeviceError;
use super::kernels::Kernels;
use super::memory::{Buffer, Pinned};
use super::network::{Network, NetworkShape, Ports, Seated};
use super::parameters::ROWS;
use super::stream::Stream;
use crate::backend::{BackendError, DenoiserError};
use crate::latent::LATENT_CHANNELS;
use crate::ring::MAX_DEPTH;
use crate::ring::request::CONTEXT_CHANNELS;

/// Batch sizes: every depth, and every depth under guidance.
const BATCHES: [usize; 5] = [1, 2, 4, MAX_DEPTH, 2 * MAX_DEPTH];

/// The stand-in.
pub struct StandIn {
    kernels: Kernels,
    shape: NetworkShape,
    x: Buffer,
    context: Buffer,
    prompt: Buffer,
    times: Buffer,
    velocity: Buffer,
    host: Pinned<f32>,
}

impl StandIn {
    /// Room for a full batch.
    ///
    /// # Errors
    /// When the card has no room or cannot run the kernel.
    pub fn new(device: &Arc<Device>, shape: NetworkShape) -> Result<Self, DeviceError> {
        let row = shape.frames * LATENT_CHANNELS;
        Ok(Self {
            kernels: Kernels::load(device)?,
            shape,
            x: Buffer::zeroed(device, 4 * ROWS * row)?,
            context: Buffer::zeroed(device, 4 * ROWS * shape.frames * CONTEXT_CHANNELS)?,
            prompt: Buffer::zeroed(device, 4 * ROWS)?,
            times: Buffer::zeroed(device, 4 * 2 * ROWS)?,
            velocity: Buffer::zeroed(device, 4 * ROWS * row)?,
            host: Pinned::zeroed(device, ROWS * (shape.frames * CONTEXT_CHANNELS + 1))?,
        })
    }

    /// What a prompt comes to: one number in which every token matters.
    #[must_use]
    pub fn gist(tokens: &[f32]) -> f32 {
        tokens.iter().enumerate().map(|(at, token)| token * (at as f32 * 0.37).sin()).sum()
    }
}

impl Network for StandIn {
    fn shape(&self) -> NetworkShape {
        self.shape
    }

    fn batches(&self) -> &[usize] {
        &BATCHES
    }

    fn ports(&self) -> Ports {
        let [x, velocity] = [&self.x, &self.velocity].map(Buffer::address);
        Ports { x, t: self.times.address(), t_minus_r: self.times.float(ROWS), velocity }
    }

    fn seat(&mut self, stream: &Stream, seat: usize, row: Seated<'_>) -> Result<(), BackendError> {
        let expected = self.shape.frames * CONTEXT_CHANNELS;
        if row.context.len() != expected {
            let found = row.context.len() / CONTEXT_CHANNELS;
            return Err(DenoiserError::WrongLength { found, expected: self.shape.frames }.into());
        }
        let first = seat * (expected + 1);
        self.host[first..first + expected].copy_from_slice(row.context);
        self.host[first + expected] = Self::gist(row.tokens);
        stream.upload(self.context.float(seat * expected), &self.host, first, expected)?;
        stream.upload(self.prompt.float(seat), &self.host, first + expected, 1)?;
        Ok(())
    }

    fn enqueue(&mut self, stream: &Stream, batch: usize, _live: &[usize]) -> Result<(), BackendError> {
        let Self { x, context, prompt, times, velocity, .. } = self;
        let addresses = [x, context, prompt, times, velocity].map(|it| it.address());
        Ok(self.kernels.stand_in(stream, addresses, batch, self.shape.frames)?)
    }
}
