//! Plain kernels and cuBLASLt: nothing is built, everything is compiled for the card when a set is loaded.

use std::sync::Arc;

use engine::backend::cuda::plain::{DenoiserGraphs, PlainNetwork, PlainWindows, Rig};
use engine::backend::cuda::{Device, DeviceBackend};
use engine::graph::Precision;
use engine::live::window_lengths;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::{self, Extras, PromptForm};
use engine::model::{Part, open, vae};

use super::{Chosen, OnCard, Preparing};
use crate::compute::arguments::PlanPrecision;
use crate::compute::recovery::Parts;

/// Batch sizes: every depth, and every depth under guidance.
const BATCHES: [usize; 5] = [1, 2, 4, 8, 16];

/// A card. Whether cuBLASLt is there shows when a set is loaded.
pub(super) fn find() -> anyhow::Result<Chosen> {
    Ok(Chosen::Plain { device: Device::open(0)? })
}

/// What loads a set.
pub(super) fn loader(set: &Preparing<'_>) -> anyhow::Result<OnCard> {
    let precision = match set.precision {
        PlanPrecision::F32 => Precision::F32,
        PlanPrecision::Bf16 => Precision::Bf16,
        PlanPrecision::F16 => Precision::F16,
    };
    let (denoiser, codec) = (open::denoiser_part(set.folder)?, open::codec_part(set.folder)?);
    let (frames, tokens) = (set.material.frames, set.tokens()?);
    Ok(Box::new(move |device| load(device, (&denoiser, precision), &codec, (frames, tokens))))
}

fn load(
    device: &Arc<Device>,
    (denoiser, precision): (&Part<DitConfig>, Precision),
    codec: &Part<CodecConfig>,
    sizes: (usize, usize),
) -> anyhow::Result<Parts> {
    let extras = Extras { trace: false, token_mask: true, prompt: PromptForm::KeysAndValues };
    let (prompt, velocity) = (dit::prompt_graph(&denoiser.config), dit::graph(&denoiser.config, extras));
    let graphs = DenoiserGraphs { prompt: &prompt, velocity: &velocity };
    let network = PlainNetwork::new(&Rig::new(device, precision)?, graphs, &denoiser.weights, sizes, &BATCHES)?;
    // In 32 bits, as its plans are.
    let rig = Rig::new(device, Precision::F32)?;
    let (keeps, around) = (window_lengths(sizes.0), (codec.config.decode_context(), sizes.0));
    let decoder = PlainWindows::new(&rig, &vae::decoder(&codec.config, false), &codec.weights, &keeps, around)?;
    let backend = DeviceBackend::new(device, network)?;
    let words = format!("plain kernels, {}", device.card().name);
    Ok(Parts { backend: Box::new(backend), decoder: Box::new(decoder), words })
}
