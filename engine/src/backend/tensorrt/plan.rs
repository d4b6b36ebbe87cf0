//! A plan on its way to the card, and the kernels that TensorRT compiled for it there.
//!
//! TensorRT for RTX finishes a plan for the card at hand when it is loaded, which takes seconds. What it compiled can be kept
//! and given back at the next start.

use ::tensorrt::{Engine, Runtime, RuntimeCache};

use super::from_engine;
use crate::backend::cuda::{Device, DeviceError};

/// A plan as built, with what an earlier start kept.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The plan.
    pub bytes: Vec<u8>,
    /// What [`Loaded::kernels`] gave before; those of another card or driver are not used.
    pub kernels: Option<Vec<u8>>,
}

impl From<Vec<u8>> for Plan {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, kernels: None }
    }
}

/// An engine with its kernels.
pub(super) struct Loaded {
    pub(super) engine: Engine,
    pub(super) cache: Option<RuntimeCache>,
}

impl Loaded {
    /// Loads a plan; `what` names it in an error.
    pub(super) fn new(device: &Device, runtime: &Runtime, what: &str, plan: &Plan) -> Result<Self, DeviceError> {
        device.enter()?;
        let engine = runtime.engine(&plan.bytes).map_err(|error| from_engine(what, device.card(), &error))?;
        // Only the flavour that compiles late has one.
        let cache = engine.runtime_cache().ok();
        if let (Some(cache), Some(kernels)) = (&cache, &plan.kernels) {
            // Kernels of another driver are compiled anew: that is all that a refusal means.
            let _ = cache.load(kernels);
        }
        Ok(Self { engine, cache })
    }

    /// What to keep for the next start, once everything was run for the first time.
    pub(super) fn kernels(&self) -> Option<Vec<u8>> {
        self.cache.as_ref()?.save().ok().map(|it| it.to_vec())
    }
}
