//! The denoiser and the codec as products of cuBLASLt and our own plain kernels: what runs on cards that TensorRT does not know.

use std::sync::Arc;

use engine::backend::cuda::plain::{CudaPlan, DenoiserGraphs, PlainNetwork, PlainWindows, Rig};
use engine::backend::cuda::{Device, DeviceError, Event, Network, Stream};
use engine::graph::weights::InMemory;
use engine::graph::{Builder, Dim, Precision, Sizes, WeightSource};
use engine::live::WindowDecoder;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::{self, Extras, PromptForm};
use engine::model::vae;

use super::network::{Maker, Shape};

/// The product that the ceiling is measured with: large enough for the card to reach its ceiling: rows, inputs, outputs. Outputs are many, so that turning
/// the input into bf16, which is part of the time, is below 3 % of it.
pub const PRODUCT: [usize; 3] = [8192, 4096, 32_768];
/// Products that are timed; the fastest counts.
const PRODUCTS: usize = 20;

/// Networks of plain kernels on a card.
pub struct Plain {
    device: Arc<Device>,
}

impl Plain {
    /// On this card.
    pub fn new(device: &Arc<Device>) -> Self {
        Self { device: Arc::clone(device) }
    }
}

impl Maker for Plain {
    fn denoiser(
        &self,
        config: &DitConfig,
        weights: &dyn WeightSource,
        shape: &Shape,
    ) -> Result<Box<dyn Network>, String> {
        let rig = Rig::new(&self.device, shape.precision).map_err(|error| error.to_string())?;
        let extras = Extras { trace: false, token_mask: true, prompt: PromptForm::KeysAndValues };
        let (prompt, velocity) = (dit::prompt_graph(config), dit::graph(config, extras));
        let graphs = DenoiserGraphs { prompt: &prompt, velocity: &velocity };
        let network = PlainNetwork::new(&rig, graphs, weights, (shape.frames, shape.tokens), &shape.batches);
        network.map(|it| Box::new(it) as Box<dyn Network>).map_err(|error| error.to_string())
    }

    fn windows(
        &self,
        config: &CodecConfig,
        weights: &dyn WeightSource,
        keeps: &[usize],
        frames: usize,
        _exact: bool,
    ) -> Result<Box<dyn WindowDecoder>, String> {
        let rig = Rig::new(&self.device, Precision::F32).map_err(|error| error.to_string())?;
        let around = (config.decode_context(), frames);
        let windows = PlainWindows::new(&rig, &vae::decoder(config, false), weights, keeps, around);
        windows.map(|it| Box::new(it) as Box<dyn WindowDecoder>).map_err(|error| error.to_string())
    }
}

/// The card's bf16 matrix ceiling with sums and results in f32, in TFLOP a second: the fastest of some products of this
/// size.
pub fn ceiling(device: &Arc<Device>, [rows, inputs, outputs]: [usize; 3]) -> Result<f64, String> {
    let weights =
        InMemory::new().stored_as(Precision::Bf16, "l.weight", &[outputs, inputs], &vec![0.01; outputs * inputs]);
    let mut b = Builder::new();
    let x = b.input("x", &[Dim::Fixed(rows), Dim::Fixed(inputs)]);
    let y = b.linear(x, "l", false);
    b.output("y", y);
    let rig = Rig::new(device, Precision::Bf16).map_err(|error| error.to_string())?;
    let plan = CudaPlan::compile(&rig, &b.finish(), &Sizes::new(), &weights).map_err(|error| error.to_string())?;
    let stream = Stream::new(device, false).map_err(|error| error.to_string())?;
    let ms = fastest_ms(device, &stream, &plan).map_err(|error| error.to_string())?;
    Ok(2.0 * rows as f64 * inputs as f64 * outputs as f64 / 1e9 / f64::from(ms))
}

fn fastest_ms(device: &Arc<Device>, stream: &Stream, plan: &CudaPlan) -> Result<f32, DeviceError> {
    let (start, end) = (Event::new(device, true)?, Event::new(device, true)?);
    plan.enqueue(stream)?;
    stream.wait()?;
    let mut fastest = f32::INFINITY;
    for _ in 0..PRODUCTS {
        start.record(stream)?;
        plan.enqueue(stream)?;
        end.record(stream)?;
        end.wait()?;
        fastest = fastest.min(end.ms_since(&start)?);
    }
    Ok(fastest)
}
