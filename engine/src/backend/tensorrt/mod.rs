//! TensorRT on the card: the denoiser as a [`Network`](super::cuda::Network), the codec's windows, and its
//! encoder.
//!
//! Plans come in as bytes; who builds and keeps them is the daemon's business. Everything that may compile, load or allocate
//! happens when these are made, so that what remains is recorded in CUDA graphs.

mod encoder;
mod network;
mod plan;
mod session;
mod windows;

pub use encoder::{ENCODER_TILE, TrtEncoder};
pub use network::{DenoiserPlans, TrtNetwork};
pub use plan::Plan;
pub use windows::{TrtWindows, WindowPlan};

use ::tensorrt::{ContextError, EngineError, EnqueueError, RuntimeError, SetError};

use super::cuda::{Card, DeviceError};

/// Sorts what TensorRT says by what the caller does next.
pub(super) fn from_engine(what: &str, card: &Card, error: &EngineError) -> DeviceError {
    let words = error.to_string();
    match error {
        EngineError::OutOfMemory { .. } => DeviceError::OutOfMemory { wanted: 0, free: 0, total: card.memory_bytes },
        EngineError::WrongCard { .. }
        | EngineError::WrongVersion { .. }
        | EngineError::Corrupt { .. }
        | EngineError::OldDriver { .. } => {
            DeviceError::WrongCard { what: what.to_owned(), card: card.to_string(), words }
        }
        _ => DeviceError::Refused { call: "TensorRT's engine", words },
    }
}

impl From<RuntimeError> for DeviceError {
    fn from(error: RuntimeError) -> Self {
        Self::DriverBroken { words: error.to_string() }
    }
}

impl From<ContextError> for DeviceError {
    fn from(error: ContextError) -> Self {
        Self::Refused { call: "TensorRT's context", words: error.to_string() }
    }
}

impl From<SetError> for DeviceError {
    fn from(error: SetError) -> Self {
        Self::Refused { call: "TensorRT's context", words: error.to_string() }
    }
}

impl From<EnqueueError> for DeviceError {
    fn from(error: EnqueueError) -> Self {
        Self::Refused { call: "TensorRT's enqueue", words: error.to_string() }
    }
}
