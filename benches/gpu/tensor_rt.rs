//! The denoiser and the codec as TensorRT plans, built here for the card at hand. What TensorRT refuses is kept word for word.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use appliance::compute::build::{export as export_files, profiles};
use engine::backend::cuda::{Device, Network};
use engine::backend::tensorrt::{DenoiserPlans, TrtNetwork, TrtWindows, WindowPlan};
use engine::graph::onnx::Batch;
use engine::graph::{Precision, WeightSource};
use engine::live::WindowDecoder;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::PromptForm;
use engine::model::export::{self, DenoiserShape};
use tensorrt::{BuildOptions, Flavour, Flow, Runtime, Search, Target, TensorRt};

use super::network::{Maker, Shape};

/// TensorRT on a card.
pub struct Trt {
    device: Arc<Device>,
    tensorrt: TensorRt,
    runtime: Runtime,
    folder: PathBuf,
}

impl Trt {
    /// Opens the library and its runtime. Files are written below `folder`.
    pub fn open(device: &Arc<Device>, search: &Search, folder: &Path) -> Result<Self, String> {
        let tensorrt = TensorRt::open(search).map_err(|error| error.to_string())?;
        let runtime = Runtime::new(&tensorrt).map_err(|error| error.to_string())?;
        Ok(Self { device: Arc::clone(device), tensorrt, runtime, folder: folder.to_owned() })
    }

    /// The version.
    pub fn version(&self) -> String {
        self.tensorrt.version().to_string()
    }

    /// A plan for this card. The ONNX files go when it is made: those of the 2B model have gigabytes.
    fn build(
        &self,
        network: &export::Network,
        weights: &dyn WeightSource,
        batches: &[usize],
        tf32: bool,
    ) -> Result<Vec<u8>, String> {
        let folder = self.folder.join("onnx");
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let (model, written) = export_files(network, weights, &folder).map_err(|error| format!("{error:#}"))?;
        let (major, minor) = self.device.card().compute;
        let target = match self.tensorrt.version().flavour {
            Flavour::Rtx => Target::Capability((10 * major + minor) as u16),
            Flavour::Datacentre => Target::Current,
        };
        let batches: Vec<u32> = batches.iter().map(|&it| it as u32).collect();
        let profiles = profiles(&written.inputs, &batches);
        let options = BuildOptions { profiles, tf32, ..BuildOptions::new(target) };
        let built = self.tensorrt.build(&model, &options, &mut |_| Flow::Go);
        let _ = std::fs::remove_dir_all(&folder);
        Ok(built.map_err(|error| error.to_string())?.to_vec())
    }
}

/// Under the name that it has where plans are made for playing.
fn named(name: &str, mut network: export::Network) -> export::Network {
    name.clone_into(&mut network.name);
    network
}

impl Maker for Trt {
    fn denoiser(
        &self,
        config: &DitConfig,
        weights: &dyn WeightSource,
        shape: &Shape,
    ) -> Result<Box<dyn Network>, String> {
        let (frames, tokens) = (shape.frames, shape.tokens);
        let exact = shape.precision == Precision::F32;
        let prompt = named("prompt", export::prompt(config, tokens, Batch::Fixed(1), shape.precision));
        let form = DenoiserShape { frames, tokens, batch: Batch::Dynamic, prompt: PromptForm::KeysAndValues };
        let velocity = named("denoiser", export::denoiser(config, &form, shape.precision));
        let plans = DenoiserPlans {
            prompt: self.build(&prompt, weights, &[], !exact)?.into(),
            velocity: self.build(&velocity, weights, &shape.batches, !exact)?.into(),
            batches: shape.batches.clone(),
        };
        let network = TrtNetwork::new(&self.device, &self.runtime, &plans);
        Ok(Box::new(network.map_err(|error| error.to_string())?))
    }

    fn windows(
        &self,
        config: &CodecConfig,
        weights: &dyn WeightSource,
        keeps: &[usize],
        frames: usize,
        exact: bool,
    ) -> Result<Box<dyn WindowDecoder>, String> {
        let plans = keeps.iter().map(|&keep| {
            let span = keep + 2 * config.decode_context();
            let network = export::decoder(config, span, Batch::Fixed(1), Precision::F32);
            let network = named(&format!("window-{keep}"), network);
            Ok(WindowPlan { keep, plan: self.build(&network, weights, &[], !exact)?.into() })
        });
        let plans = plans.collect::<Result<Vec<_>, String>>()?;
        let windows = TrtWindows::new(&self.device, &self.runtime, &plans, frames);
        Ok(Box::new(windows.map_err(|error| error.to_string())?))
    }
}
