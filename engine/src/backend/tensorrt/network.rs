//! The denoiser: two plans. One turns a prompt into keys and values at a birth; the other computes velocities from them at
//! every tick, so that a prompt costs nothing while it plays.
//!
//! Tensors as `model::export` names them. The velocity plan takes `x` `[B, F, 64]`, `context` `[B, F, 128]`, `t`,
//! `t_minus_r` `[B]`, `token_mask` `[B, L]` and `k{n}`, `v{n}` `[B, L, g, d]`; the prompt plan makes `k{n}`, `v{n}` for one row.

use std::sync::Arc;

use ::tensorrt::{Engine, Runtime, Tensor};

use super::plan::{Loaded, Plan};
use super::session::{Session, shared_memory};
use crate::backend::BackendError;
use crate::backend::cuda::parameters::ROWS;
use crate::backend::cuda::{Buffer, Device, DeviceError, Network, NetworkShape, Ports, Seated, Seating, Stream};
use crate::latent::LATENT_CHANNELS;

/// The denoiser's plans, as built.
#[derive(Clone, Debug)]
pub struct DenoiserPlans {
    /// Keys and values of one prompt.
    pub prompt: Plan,
    /// Velocities of a batch.
    pub velocity: Plan,
    /// Batch sizes that are prepared, ascending.
    pub batches: Vec<usize>,
}

/// The denoiser on TensorRT.
pub struct TrtNetwork {
    // Sessions go before the memory that they point into.
    passes: Vec<Session>,
    loaded: [Loaded; 2],
    prompt: Session,
    batches: Vec<usize>,
    shape: NetworkShape,
    /// Keys and values, layer by layer: name, memory, bytes of a row.
    heard: Vec<(String, Buffer, usize)>,
    seating: Seating,
    _memory: Buffer,
}

impl TrtNetwork {
    /// Loads the plans.
    ///
    /// # Errors
    /// [`DeviceError::WrongCard`] for plans of another card or version, or that are not a denoiser's.
    pub fn new(device: &Arc<Device>, runtime: &Runtime, plans: &DenoiserPlans) -> Result<Self, DeviceError> {
        let prompt = Loaded::new(device, runtime, "the prompt's plan", &plans.prompt)?;
        let velocity = Loaded::new(device, runtime, "the denoiser's plan", &plans.velocity)?;
        let stream = Stream::new(device, true)?;
        Self::with(device, &stream, [prompt, velocity], &plans.batches)
    }

    /// Kernels that were compiled for this card, of the prompt's plan and of the denoiser's; to be kept once a backend was
    /// made of this.
    #[must_use]
    pub fn kernels(&self) -> [Option<Vec<u8>>; 2] {
        [self.loaded[0].kernels(), self.loaded[1].kernels()]
    }

    fn with(
        device: &Arc<Device>,
        stream: &Stream,
        loaded: [Loaded; 2],
        batches: &[usize],
    ) -> Result<Self, DeviceError> {
        let [prompt, velocity] = loaded.each_ref().map(|it| &it.engine);
        let [prompt_cache, cache] = loaded.each_ref().map(|it| it.cache.as_ref());
        let rows = batches.iter().copied().max().unwrap_or(1).min(ROWS);
        let shape = shape_of(device, prompt, velocity)?;
        let seating = Seating::new(device, shape, rows)?;
        let heard = heard(velocity).map(|it| {
            let row = row_bytes(it);
            Ok((it.name.clone(), Buffer::zeroed(device, rows * row)?, row))
        });
        let heard = heard.collect::<Result<Vec<_>, DeviceError>>()?;
        let mut fixed = seating.tensors();
        fixed.extend(heard.iter().map(|(name, memory, _)| (name.clone(), memory.address())));
        let passes = batches.iter().map(|&batch| {
            let shapes = batch_shapes(velocity, batch);
            Session::new(velocity, cache, stream, &shapes, &fixed)
        });
        let mut passes = passes.collect::<Result<Vec<_>, _>>()?;
        let mut told = vec![seating.told()];
        told.extend(heard.iter().map(|(name, memory, _)| (name.clone(), memory.address())));
        let mut prompt = Session::new(prompt, prompt_cache, stream, &batch_shapes(prompt, 1), &told)?;
        let mut all: Vec<&mut Session> = passes.iter_mut().chain([&mut prompt]).collect();
        let memory = shared_memory(device, &mut all)?;
        // Once now, so that nothing is compiled at the first birth.
        prompt.enqueue(stream)?;
        stream.wait()?;
        let batches = batches.to_vec();
        Ok(Self { passes, loaded, prompt, batches, shape, heard, seating, _memory: memory })
    }
}

impl Network for TrtNetwork {
    fn shape(&self) -> NetworkShape {
        self.shape
    }

    fn batches(&self) -> &[usize] {
        &self.batches
    }

    fn ports(&self) -> Ports {
        self.seating.ports()
    }

    fn seat(&mut self, stream: &Stream, seat: usize, row: Seated<'_>) -> Result<(), BackendError> {
        self.seating.send(stream, seat, &row)?;
        for (name, memory, row) in &self.heard {
            self.prompt.set_address(name, memory.address() + (seat * row) as u64)?;
        }
        Ok(self.prompt.enqueue(stream)?)
    }

    fn enqueue(&mut self, stream: &Stream, batch: usize, _live: &[usize]) -> Result<(), BackendError> {
        let place = self.batches.iter().position(|it| *it == batch).expect("a batch that was prepared");
        Ok(self.passes[place].enqueue(stream)?)
    }
}

/// Keys and values: inputs `k0`, `v0`, `k1` and so on.
fn heard(engine: &Engine) -> impl Iterator<Item = &Tensor> {
    engine.tensors().iter().filter(|it| {
        let number = it.name.strip_prefix(['k', 'v']);
        number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
    })
}

/// Bytes of one row of a tensor whose first axis is the batch.
fn row_bytes(tensor: &Tensor) -> usize {
    let numbers: i64 = tensor.dims.iter().skip(1).product();
    usize::try_from(numbers).unwrap_or(0) * tensor.element.bytes().unwrap_or(4)
}

/// The shapes of all inputs whose batch is open, at a batch size.
fn batch_shapes(engine: &Engine, batch: usize) -> Vec<(&str, Vec<i64>)> {
    let inputs = engine.tensors().iter().filter(|it| it.direction == ::tensorrt::Direction::Input);
    let open = inputs.filter(|it| it.dims.first() == Some(&-1));
    open.map(|it| {
        let mut dims = it.dims.to_vec();
        dims[0] = batch as i64;
        (it.name.as_str(), dims)
    })
    .collect()
}

/// What the plans were made for, from their tensors.
fn shape_of(device: &Device, prompt: &Engine, velocity: &Engine) -> Result<NetworkShape, DeviceError> {
    let axis = |engine: &Engine, name: &str, axis: usize| {
        let tensor = engine.tensors().iter().find(|it| it.name == name)?;
        usize::try_from(*tensor.dims.get(axis)?).ok()
    };
    let found = (|| {
        let frames = axis(velocity, "x", 1)?;
        let (most_tokens, token_width) = (axis(prompt, "tokens", 1)?, axis(prompt, "tokens", 2)?);
        let fits = axis(velocity, "token_mask", 1)? == most_tokens && axis(velocity, "x", 2)? == LATENT_CHANNELS;
        fits.then_some(NetworkShape { frames, most_tokens, token_width })
    })();
    found.ok_or_else(|| {
        let names = |engine: &Engine| -> String {
            engine.tensors().iter().map(|it| format!("{} {} ", it.name, it.dims)).collect()
        };
        DeviceError::WrongCard {
            what: "the denoiser's plans".to_owned(),
            card: device.card().to_string(),
            words: format!("they are not those of a denoiser: {}/ {}", names(prompt), names(velocity)),
        }
    })
}
