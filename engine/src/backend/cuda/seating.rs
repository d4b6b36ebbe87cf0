//! What a denoiser with kept keys and values reads and writes on the card, and how a row takes its seat there: context,
//! tokens, and which of them are real.
//!
//! Room on the host for every seat, so that several births may be on their way at once.

use std::sync::Arc;

use super::driver::Device;
use super::error::DeviceError;
use super::memory::{Buffer, Pinned};
use super::network::{NetworkShape, Ports, Seated};
use super::stream::Stream;
use crate::backend::{BackendError, DenoiserError};
use crate::latent::LATENT_CHANNELS;
use crate::ring::request::CONTEXT_CHANNELS;

/// A denoiser's memory besides keys and values.
pub(in crate::backend) struct Seating {
    x: Buffer,
    /// `t`, then `t_minus_r`.
    times: Buffer,
    velocity: Buffer,
    context: Buffer,
    token_mask: Buffer,
    tokens: Buffer,
    host: Pinned<f32>,
    shape: NetworkShape,
    rows: usize,
}

impl Seating {
    /// Room for so many rows.
    pub(in crate::backend) fn new(device: &Arc<Device>, shape: NetworkShape, rows: usize) -> Result<Self, DeviceError> {
        let NetworkShape { frames, most_tokens, token_width } = shape;
        let numbers = |count: usize| Buffer::zeroed(device, 4 * count);
        let seat = frames * CONTEXT_CHANNELS + most_tokens * (1 + token_width);
        Ok(Self {
            x: numbers(rows * frames * LATENT_CHANNELS)?,
            times: numbers(2 * rows)?,
            velocity: numbers(rows * frames * LATENT_CHANNELS)?,
            context: numbers(rows * frames * CONTEXT_CHANNELS)?,
            token_mask: numbers(rows * most_tokens)?,
            tokens: numbers(most_tokens * token_width)?,
            host: Pinned::zeroed(device, rows * seat)?,
            shape,
            rows,
        })
    }

    /// Where the solver's kernels write and read.
    pub(in crate::backend) fn ports(&self) -> Ports {
        let [x, velocity] = [&self.x, &self.velocity].map(Buffer::address);
        Ports { x, t: self.times.address(), t_minus_r: self.times.float(self.rows), velocity }
    }

    /// The velocity graph's tensors by name, without keys and values.
    pub(in crate::backend) fn tensors(&self) -> Vec<(String, u64)> {
        let Ports { x, t, t_minus_r, velocity } = self.ports();
        let (context, token_mask) = (self.context.address(), self.token_mask.address());
        let named = [("x", x), ("context", context), ("t", t), ("t_minus_r", t_minus_r), ("token_mask", token_mask)];
        named.into_iter().chain([("velocity", velocity)]).map(|(name, it)| (name.to_owned(), it)).collect()
    }

    /// The prompt graph's input: the tokens of the row that was seated last.
    pub(in crate::backend) fn told(&self) -> (String, u64) {
        ("tokens".to_owned(), self.tokens.address())
    }

    /// Enqueues what a row is told.
    pub(in crate::backend) fn send(
        &mut self,
        stream: &Stream,
        seat: usize,
        row: &Seated<'_>,
    ) -> Result<(), BackendError> {
        let tokens = self.fit(seat, row)?;
        let NetworkShape { frames, most_tokens, token_width } = self.shape;
        let (context, told) = (frames * CONTEXT_CHANNELS, most_tokens * token_width);
        let first = seat * (context + most_tokens + told);
        let (mask_at, tokens_at) = (first + context, first + context + most_tokens);
        self.host[first..mask_at].copy_from_slice(row.context);
        self.host[mask_at..tokens_at].fill(0.0);
        self.host[mask_at..mask_at + tokens].fill(1.0);
        // What lies behind a short prompt is hidden by the mask; zeros keep it finite.
        self.host[tokens_at..tokens_at + told].fill(0.0);
        self.host[tokens_at..tokens_at + row.tokens.len()].copy_from_slice(row.tokens);
        stream.upload(self.context.float(seat * context), &self.host, first, context)?;
        stream.upload(self.token_mask.float(seat * most_tokens), &self.host, mask_at, most_tokens)?;
        Ok(stream.upload(self.tokens.address(), &self.host, tokens_at, told)?)
    }

    fn fit(&self, seat: usize, row: &Seated<'_>) -> Result<usize, DenoiserError> {
        let NetworkShape { frames, most_tokens, token_width } = self.shape;
        assert!(seat < self.rows, "seat {seat} of {}", self.rows);
        if row.context.len() != frames * CONTEXT_CHANNELS {
            let found = row.context.len() / CONTEXT_CHANNELS;
            return Err(DenoiserError::WrongLength { found, expected: frames });
        }
        DenoiserError::count_tokens(row.tokens.len(), token_width, most_tokens)
    }
}
