//! What plans of one precision on one card share: cuBLASLt, our kernels, and the weights, uploaded once.
//!
//! A weight is uploaded in the form in which its steps read it, and stays as long as the rig; plans of other sizes then
//! cost no second copy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use half::{bf16, f16};

use super::PlanError;
use super::blas::Blas;
use super::kernels::Kernels;
use crate::backend::cuda::{Buffer, Device, DeviceError, Pinned, Stream};
use crate::graph::weights::{find, load};
use crate::graph::{LowerError, Precision, Weight, WeightSource};

/// Bytes that are on their way to the card at a time.
const STAGING_BYTES: usize = 8 << 20;
/// Bytes of attention scores, and of a convolution's unrolled input, at a time. Enough to keep the card busy, and little
/// beside a model.
const PIECE_BYTES: usize = 256 << 20;
/// Added to a snake's beta, as published.
const SNAKE_FLOOR: f64 = 1e-9;

/// A card made ready for plans of one precision.
#[derive(Debug)]
pub struct Rig {
    pub(super) blas: Blas,
    pub(super) kernels: Kernels,
    precision: Precision,
    piece_bytes: usize,
    device: Arc<Device>,
    uploads: Mutex<Uploads>,
}

/// A form in which steps read a weight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// As it is stored, in f32.
    Plain(Weight),
    /// As it is stored, in the precision of products.
    Matrix(Weight),
    /// `[O, I, K]` as `[O, K, I]`, in the precision of products.
    TapsBeforeInputs(Weight),
    /// `[I, O, K]` as `[K, O, I]`, in the precision of products.
    TapsBeforeOutputs(Weight),
    /// Its exponential.
    Exp(Weight),
    /// `1 / (exp(it) + 1e-9)`.
    InverseExp(Weight),
    /// Cosines of the angles of so many positions and half a head; theta by its bits.
    Cosines(usize, usize, u32),
    /// Sines likewise.
    Sines(usize, usize, u32),
    /// Frequencies of a time embedding, f64.
    Frequencies(usize),
}

#[derive(Debug)]
struct Uploads {
    // The stream waits for its work before the memory that it uses goes.
    stream: Stream,
    staging: Pinned<u8>,
    done: HashMap<Form, Buffer>,
}

impl Rig {
    /// Opens cuBLASLt and loads the kernels. `precision` is that of what matrix products read; they sum in f32.
    ///
    /// # Errors
    /// [`PlanError::NoBlas`] without the library; what the card refuses.
    pub fn new(device: &Arc<Device>, precision: Precision) -> Result<Arc<Self>, PlanError> {
        Self::in_pieces(device, precision, PIECE_BYTES)
    }

    /// As [`Self::new`], with so many bytes of attention scores, and of a convolution's unrolled input, at a time: less
    /// memory for more steps.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn in_pieces(device: &Arc<Device>, precision: Precision, bytes: usize) -> Result<Arc<Self>, PlanError> {
        let uploads = Uploads {
            stream: Stream::new(device, false)?,
            staging: Pinned::zeroed(device, STAGING_BYTES)?,
            done: HashMap::new(),
        };
        Ok(Arc::new(Self {
            blas: Blas::open(device)?,
            kernels: Kernels::load(device)?,
            precision,
            piece_bytes: bytes,
            device: Arc::clone(device),
            uploads: Mutex::new(uploads),
        }))
    }

    /// The card.
    #[must_use]
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// What matrix products read.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    pub(super) fn piece_bytes(&self) -> usize {
        self.piece_bytes
    }

    /// Bytes of weights on the card.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.done.values().map(Buffer::bytes).sum()
    }

    /// Where a weight lies on the card in that form; uploaded when it is asked for the first time.
    pub(super) fn weight(&self, source: &dyn WeightSource, form: Form) -> Result<u64, PlanError> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = uploads.done.get(&form) {
            return Ok(known.address());
        }
        let bytes = form.bytes(source, self.precision)?;
        let buffer = uploads.send(&self.device, &bytes)?;
        form.names().for_each(|name| source.release(name));
        let address = buffer.address();
        uploads.done.insert(form, buffer);
        Ok(address)
    }
}

impl Uploads {
    fn send(&mut self, device: &Arc<Device>, bytes: &[u8]) -> Result<Buffer, DeviceError> {
        let buffer = Buffer::zeroed(device, bytes.len())?;
        for (at, part) in bytes.chunks(STAGING_BYTES).enumerate() {
            self.staging[..part.len()].copy_from_slice(part);
            self.stream.upload(buffer.address() + (at * STAGING_BYTES) as u64, &self.staging, 0, part.len())?;
            self.stream.wait()?;
        }
        Ok(buffer)
    }
}

impl Form {
    fn bytes<'a>(
        &self,
        source: &'a dyn WeightSource,
        precision: Precision,
    ) -> Result<std::borrow::Cow<'a, [u8]>, LowerError> {
        // Large matrices of a checkpoint are mostly stored as they are wanted.
        if let Self::Matrix(Weight::Plain(name)) = self {
            let view = find(source, name)?;
            if view.precision == precision {
                return Ok(view.bytes.into());
            }
        }
        let bytes = match self {
            Self::Plain(weight) => stored(&load(source, weight)?.1, Precision::F32),
            Self::Matrix(weight) => stored(&load(source, weight)?.1, precision),
            Self::TapsBeforeInputs(weight) => {
                let (shape, numbers) = load(source, weight)?;
                stored(&turned(&numbers, [shape[0], shape[1], shape[2]], [0, 2, 1]), precision)
            }
            Self::TapsBeforeOutputs(weight) => {
                let (shape, numbers) = load(source, weight)?;
                stored(&turned(&numbers, [shape[0], shape[1], shape[2]], [2, 1, 0]), precision)
            }
            Self::Exp(weight) => each(source, weight, f64::exp)?,
            Self::InverseExp(weight) => each(source, weight, |it| 1.0 / (it.exp() + SNAKE_FLOOR))?,
            Self::Cosines(positions, half, theta) => angles(*positions, *half, *theta, f64::cos),
            Self::Sines(positions, half, theta) => angles(*positions, *half, *theta, f64::sin),
            Self::Frequencies(half) => {
                let frequency = |i: usize| (-(10_000_f64.ln()) * i as f64 / *half as f64).exp();
                (0..*half).flat_map(|i| frequency(i).to_le_bytes()).collect()
            }
        };
        Ok(bytes.into())
    }

    /// Tensors of the checkpoint that it was made of.
    fn names(&self) -> impl Iterator<Item = &str> {
        let weight = match self {
            Self::Plain(it)
            | Self::Matrix(it)
            | Self::TapsBeforeInputs(it)
            | Self::TapsBeforeOutputs(it)
            | Self::Exp(it)
            | Self::InverseExp(it) => Some(it),
            Self::Cosines(..) | Self::Sines(..) | Self::Frequencies(_) => None,
        };
        let names = match weight {
            Some(Weight::Plain(name)) => [Some(name), None],
            Some(Weight::Normed { gain, direction }) => [Some(gain), Some(direction)],
            None => [None, None],
        };
        names.into_iter().flatten().map(String::as_str)
    }
}

fn stored(numbers: &[f32], precision: Precision) -> Vec<u8> {
    match precision {
        Precision::F32 => numbers.iter().flat_map(|it| it.to_le_bytes()).collect(),
        Precision::F16 => numbers.iter().flat_map(|&it| f16::from_f32(it).to_le_bytes()).collect(),
        Precision::Bf16 => numbers.iter().flat_map(|&it| bf16::from_f32(it).to_le_bytes()).collect(),
    }
}

fn each(source: &dyn WeightSource, weight: &Weight, function: impl Fn(f64) -> f64) -> Result<Vec<u8>, LowerError> {
    let (_, numbers) = load(source, weight)?;
    Ok(numbers.iter().flat_map(|&it| (function(f64::from(it)) as f32).to_le_bytes()).collect())
}

/// Angles of a rotary embedding, `[positions, half]`.
fn angles(positions: usize, half: usize, theta: u32, function: impl Fn(f64) -> f64) -> Vec<u8> {
    let theta = f64::from(f32::from_bits(theta));
    let angle = |at: usize| (at / half) as f64 * theta.powf(-((at % half) as f64) / half as f64);
    (0..positions * half).flat_map(|at| (function(angle(at)) as f32).to_le_bytes()).collect()
}

/// A tensor of three axes with its axes in another order.
fn turned(numbers: &[f32], shape: [usize; 3], order: [usize; 3]) -> Vec<f32> {
    let strides = [shape[1] * shape[2], shape[2], 1];
    let mut out = Vec::with_capacity(numbers.len());
    for a in 0..shape[order[0]] {
        for b in 0..shape[order[1]] {
            let first = a * strides[order[0]] + b * strides[order[1]];
            out.extend((0..shape[order[2]]).map(|c| numbers[first + c * strides[order[2]]]));
        }
    }
    out
}
