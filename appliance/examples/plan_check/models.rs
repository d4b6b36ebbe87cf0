//! Plans of whole models for the card that the box is built around: the golden vectors' tiny one, the built-in one, and one of
//! the published size with random weights, written by the same code that `demon build` uses.

#[path = "../../../benches/gpu/synthetic.rs"]
#[allow(dead_code, reason = "gpu-check has a smaller size, too")]
mod synthetic;

use std::path::{Path, PathBuf};
use std::time::Instant;

use appliance::compute::build::{export as export_files, no_room, profiles};
use engine::graph::onnx::Batch;
use engine::graph::{Precision, WeightSource};
use engine::model::checkpoint::Checkpoint;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::PromptForm;
use engine::model::export::{self, DenoiserShape, Network};
use engine::model::open;
use serde_json::Value;
use tensorrt::{BuildOptions, Flow, Target, TensorRt};

use crate::report::Report;
use synthetic::{RandomWeights, Size};

const GOLDEN: &str = "tests/golden";
const HOUSE: &str = "models/house";
const SCRATCH: &str = "target/plan-check";
/// Condition tokens: room for a caption and some lyrics.
const TOKENS: usize = 512;
/// Every depth and its guidance.
const BATCHES: [u32; 5] = [1, 2, 4, 8, 16];
/// A minute.
const MINUTE: usize = 1500;
/// A window of a second, and of three, without context.
const WINDOWS: [usize; 2] = [25, 75];

/// Builds all of them.
pub fn check(report: &mut Report, tensorrt: &TensorRt, target: Target) {
    tiny(report, tensorrt, target);
    house(report, tensorrt, target);
    published(report, tensorrt, target);
}

fn tiny(report: &mut Report, tensorrt: &TensorRt, target: Target) {
    let read = || -> Result<(DitConfig, Checkpoint), String> {
        let manifest = Path::new(GOLDEN).join("manifest.json");
        let text = std::fs::read_to_string(&manifest).map_err(|why| format!("{}: {why}", manifest.display()))?;
        let manifest: Value = serde_json::from_str(&text).map_err(|why| why.to_string())?;
        let config = manifest["models"]["tiny"]["config"].to_string();
        let config = DitConfig::parse(Path::new("manifest.json"), &config).map_err(|why| why.to_string())?;
        let weights = Path::new(GOLDEN).join("weights/tiny.safetensors");
        Ok((config, Checkpoint::open(&weights).map_err(|why| why.to_string())?))
    };
    let (config, weights) = match read() {
        Ok(read) => read,
        Err(why) => return report.check("tiny: its files", || Err(why)),
    };
    for precision in [Precision::F32, Precision::Bf16, Precision::F16] {
        let networks = denoiser(&config, 64, 24, precision);
        networks.iter().for_each(|it| plan(report, tensorrt, target, ("tiny", it), &weights));
    }
}

fn house(report: &mut Report, tensorrt: &TensorRt, target: Target) {
    let folder = Path::new(HOUSE);
    let (dit, codec) = match (open::denoiser_part(folder), open::codec_part(folder)) {
        (Ok(dit), Ok(codec)) => (dit, codec),
        (Err(why), _) | (_, Err(why)) => return report.check("house: its files", || Err(why.to_string())),
    };
    for precision in [Precision::F32, Precision::Bf16, Precision::F16] {
        let networks = denoiser(&dit.config, 300, TOKENS, precision);
        networks.iter().for_each(|it| plan(report, tensorrt, target, ("house", it), &dit.weights));
        let networks = codec_of(&codec.config, precision);
        networks.iter().for_each(|it| plan(report, tensorrt, target, ("house", it), &codec.weights));
    }
}

/// The sizes of the published 2B model and its codec.
fn published(report: &mut Report, tensorrt: &TensorRt, target: Target) {
    let config = synthetic::denoiser(Size::Published);
    for network in denoiser(&config, MINUTE, TOKENS, Precision::F16) {
        let weights = RandomWeights::of([&network.graph], &config);
        plan(report, tensorrt, target, ("2B", &network), &weights);
    }
    let config = synthetic::codec(Size::Published);
    for network in codec_of(&config, Precision::F32) {
        let weights = RandomWeights::of([&network.graph], &config);
        plan(report, tensorrt, target, ("published", &network), &weights);
    }
}

fn denoiser(config: &DitConfig, frames: usize, tokens: usize, precision: Precision) -> [Network; 2] {
    let shape = DenoiserShape { frames, tokens, batch: Batch::Dynamic, prompt: PromptForm::KeysAndValues };
    [export::prompt(config, tokens, Batch::Fixed(1), precision), export::denoiser(config, &shape, precision)]
}

fn codec_of(config: &CodecConfig, precision: Precision) -> Vec<Network> {
    let windows =
        WINDOWS.map(|keep| export::decoder(config, keep + 2 * config.decode_context(), Batch::Fixed(1), precision));
    windows.into_iter().chain([export::encoder(config, 64 * config.hop(), Batch::Fixed(1), precision)]).collect()
}

/// Writes a network, builds its plan, and takes the files away again.
fn plan(
    report: &mut Report,
    tensorrt: &TensorRt,
    target: Target,
    (model, network): (&str, &Network),
    weights: &dyn WeightSource,
) {
    let precision = format!("{:?}", network.form.precision).to_lowercase();
    let name = format!("{model} {} {precision}: a plan", network.name);
    let folder = PathBuf::from(SCRATCH);
    let made = std::fs::create_dir_all(&folder).map_err(|why| format!("{SCRATCH}: {why}"));
    if let Ok(Some(why)) = no_room(network, weights, &folder) {
        return report.skip(&name, &format!("{SCRATCH}: {why} (make plan-check where there is room)"));
    }
    report.check(&name, || {
        made?;
        let (model, written) = export_files(network, weights, &folder).map_err(|why| format!("{why:#}"))?;
        let begun = Instant::now();
        let options = BuildOptions { profiles: profiles(&written.inputs, &BATCHES), ..BuildOptions::new(target) };
        let built = tensorrt.build(&model, &options, &mut |_| Flow::Go).map_err(|why| why.to_string());
        for file in [&model, &folder.join(&network.form.data_file)] {
            std::fs::remove_file(file).map_err(|why| why.to_string())?;
        }
        let built = built?;
        Ok(format!("{:.1} MB in {:.1} s", built.len() as f64 / 1e6, begun.elapsed().as_secs_f64()))
    });
}
