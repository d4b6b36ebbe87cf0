//! A network that is computed on the host, row by row, for checks: everything else of the tick runs on the card.
//!
//! It waits for the card and copies to and fro, so it cannot be recorded in a graph and is no way to play.

use std::sync::Arc;

use super::driver::Device;
use super::error::DeviceError;
use super::memory::{Buffer, Pinned};
use super::network::{Network, NetworkShape, Ports, Seated};
use super::parameters::ROWS;
use super::stream::Stream;
use crate::backend::{BackendError, Denoiser, DenoiserRow};
use crate::latent::LATENT_CHANNELS;

/// Any [`Denoiser`] as a [`Network`].
pub struct HostNetwork<D> {
    denoiser: D,
    shape: NetworkShape,
    x: Buffer,
    t: Buffer,
    velocity: Buffer,
    host: Pinned<f32>,
    times: Pinned<f32>,
    seats: Vec<(Vec<f32>, Vec<f32>)>,
}

/// Every batch is possible.
const BATCHES: [usize; ROWS] = {
    let mut sizes = [0; ROWS];
    let mut at = 0;
    while at < ROWS {
        sizes[at] = at + 1;
        at += 1;
    }
    sizes
};

impl<D: Denoiser> HostNetwork<D> {
    /// Room on the card for a full batch.
    ///
    /// # Errors
    /// When the card has no room.
    pub fn new(device: &Arc<Device>, shape: NetworkShape, denoiser: D) -> Result<Self, DeviceError> {
        let row = shape.frames * LATENT_CHANNELS;
        Ok(Self {
            denoiser,
            shape,
            x: Buffer::zeroed(device, 4 * ROWS * row)?,
            t: Buffer::zeroed(device, 4 * 2 * ROWS)?,
            velocity: Buffer::zeroed(device, 4 * ROWS * row)?,
            host: Pinned::zeroed(device, 2 * row)?,
            times: Pinned::zeroed(device, ROWS)?,
            seats: vec![(Vec::new(), Vec::new()); ROWS],
        })
    }

    /// What computes it.
    pub fn denoiser(&mut self) -> &mut D {
        &mut self.denoiser
    }
}

impl<D: Denoiser + Send> Network for HostNetwork<D> {
    fn shape(&self) -> NetworkShape {
        self.shape
    }

    fn batches(&self) -> &[usize] {
        &BATCHES
    }

    fn ports(&self) -> Ports {
        let [x, velocity] = [&self.x, &self.velocity].map(Buffer::address);
        Ports { x, t: self.t.address(), t_minus_r: self.t.float(ROWS), velocity }
    }

    fn seat(&mut self, _stream: &Stream, seat: usize, row: Seated<'_>) -> Result<(), BackendError> {
        self.seats[seat] = (row.context.to_vec(), row.tokens.to_vec());
        Ok(())
    }

    fn enqueue(&mut self, stream: &Stream, batch: usize, live: &[usize]) -> Result<(), BackendError> {
        let row = self.shape.frames * LATENT_CHANNELS;
        stream.download(&mut self.times, 0, batch, self.t.address())?;
        for &seat in live {
            stream.download(&mut self.host, 0, row, self.x.float(seat * row))?;
            stream.wait()?;
            let (x, velocity) = self.host.split_at_mut(row);
            let (context, tokens) = &self.seats[seat];
            let t = self.times[seat];
            self.denoiser.velocity(&DenoiserRow { x, context, tokens, t, r: t }, velocity)?;
            stream.upload(self.velocity.float(seat * row), &self.host, row, row)?;
            stream.wait()?;
        }
        Ok(())
    }

    fn is_capturable(&self) -> bool {
        false
    }
}
