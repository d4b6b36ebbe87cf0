//! Plans of whole models for the card that the box is built around: the golden vectors' tiny one, the built-in one, and one of
//! the published size with random weights, written by the same code that `demon build` uses.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use engine::graph::onnx::Batch;
use engine::graph::{Graph, Op, Precision, TensorView, Weight, WeightSource};
use engine::model::checkpoint::Checkpoint;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::PromptForm;
use engine::model::export::{self, DenoiserShape, Network};
use engine::model::open;
use engine::model::shapes::Shapes;
use serde_json::{Value, json};
use tensorrt::{BuildOptions, Dims, Flow, Profile, Range, Target, TensorRt};

use crate::report::Report;

const GOLDEN: &str = "tests/golden";
const HOUSE: &str = "models/house";
const SCRATCH: &str = "target/plan-check";
/// Condition tokens: room for a caption and some lyrics.
const TOKENS: usize = 512;
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

/// The sizes of the published 2B model; `config.json` of its denoiser and its codec as published.
fn published(report: &mut Report, tensorrt: &TensorRt, target: Target) {
    let dit = json!({
        "attention_bias": false, "audio_acoustic_hidden_dim": 64, "fsq_dim": 2048,
        "fsq_input_levels": [8, 8, 8, 5, 5, 5], "fsq_input_num_quantizers": 1, "head_dim": 128, "hidden_act": "silu",
        "hidden_size": 2048, "in_channels": 192, "intermediate_size": 6144, "num_attention_heads": 16,
        "num_attention_pooler_hidden_layers": 2, "num_hidden_layers": 24, "num_key_value_heads": 8,
        "num_lyric_encoder_hidden_layers": 8, "num_timbre_encoder_hidden_layers": 4, "patch_size": 2,
        "pool_window_size": 5, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000, "sliding_window": 128,
        "text_hidden_dim": 1024, "timbre_fix_frame": 750, "timbre_hidden_dim": 64, "vocab_size": 64003,
        "use_sliding_window": true,
    });
    let codec = json!({
        "audio_channels": 2, "channel_multiples": [1, 2, 4, 8, 16], "decoder_channels": 128,
        "decoder_input_channels": 64, "downsampling_ratios": [2, 4, 4, 6, 10], "encoder_hidden_size": 128,
        "sampling_rate": 48000,
    });
    let name = Path::new("config.json");
    let config = DitConfig::parse(name, &dit.to_string()).expect("it is published");
    for network in denoiser(&config, MINUTE, TOKENS, Precision::Bf16) {
        let weights = Random::of(&network.graph, &config);
        plan(report, tensorrt, target, ("2B", &network), &weights);
    }
    let config = CodecConfig::parse(name, &codec.to_string()).expect("it is published");
    for network in codec_of(&config, Precision::F32) {
        let weights = Random::of(&network.graph, &config);
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
    report.check(&format!("{model} {} {precision}: a plan", network.name), || {
        let folder = PathBuf::from(SCRATCH);
        std::fs::create_dir_all(&folder).map_err(|why| why.to_string())?;
        let written = network.write(weights, &folder).map_err(|why| why.to_string())?;
        let begun = Instant::now();
        let options = BuildOptions { profiles: profiles(&written.written.inputs), ..BuildOptions::new(target) };
        let built = tensorrt.build(&written.model, &options, &mut |_| Flow::Go).map_err(|why| why.to_string());
        for file in [&written.model, &written.data] {
            std::fs::remove_file(file).map_err(|why| why.to_string())?;
        }
        let built = built?;
        Ok(format!("{:.1} MB in {:.1} s", built.len() as f64 / 1e6, begun.elapsed().as_secs_f64()))
    });
}

/// One profile for every depth and its guidance, where the batch is open.
fn profiles(inputs: &[engine::graph::onnx::Port]) -> Vec<Profile> {
    let open: Vec<_> = inputs.iter().filter(|it| it.dims.contains(&None)).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let profile = |batch: i64| -> Profile {
        let dims = |it: &&engine::graph::onnx::Port| {
            let sizes: Vec<i64> = it.dims.iter().map(|size| size.map_or(batch, |size| size as i64)).collect();
            Range::fixed(&it.name, Dims::new(&sizes).expect("at most four axes"))
        };
        open.iter().map(dims).collect()
    };
    [1, 2, 4, 8, 16].map(profile).to_vec()
}

/// Weights of the right shapes and of a size that keeps activations finite: slices of one pool of random numbers.
struct Random {
    shapes: HashMap<String, Vec<usize>>,
    pool: Vec<u8>,
}

/// Numbers of the pool before the largest tensor is added: tensors begin at different places of it.
const OFFSETS: usize = 1 << 20;

impl Random {
    fn of(graph: &Graph, config: &dyn Shapes) -> Self {
        let names = graph.nodes.iter().flat_map(|node| weights_of(&node.op));
        let shapes: HashMap<String, Vec<usize>> = names
            .map(|name| {
                let shape = config.shape(&name).unwrap_or_else(|| panic!("`{name}` has no shape"));
                (name, shape)
            })
            .collect();
        let most = shapes.values().map(|it| it.iter().product::<usize>()).max().unwrap_or(0);
        let mut state = 0x9E37_79B9_u32;
        let number = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // bf16 between 1/64 and 1/32 in size, either sign.
            let bits = 0x3C80 | ((state >> 9) as u16 & 0x7F) | ((state >> 16) as u16 & 0x8000);
            bits.to_le_bytes()
        };
        let pool = (0..most + OFFSETS).flat_map(number).collect();
        Self { shapes, pool }
    }
}

impl WeightSource for Random {
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let shape = self.shapes.get(name)?;
        let hash = name.bytes().fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let first = 2 * (hash % OFFSETS);
        let bytes = 2 * shape.iter().product::<usize>();
        Some(TensorView { bytes: &self.pool[first..first + bytes], precision: Precision::Bf16, shape })
    }
}

fn weights_of(op: &Op) -> Vec<String> {
    let names = |weight: &Weight| match weight {
        Weight::Plain(name) => vec![name.clone()],
        Weight::Normed { gain, direction } => vec![gain.clone(), direction.clone()],
    };
    match op {
        Op::Constant(weight) | Op::Embedding { table: weight } | Op::RmsNorm { gain: weight, .. } => names(weight),
        Op::Snake { alpha, beta } => [names(alpha), names(beta)].concat(),
        Op::Linear { weight, bias } | Op::Conv1d { weight, bias, .. } | Op::ConvTranspose1d { weight, bias, .. } => {
            std::iter::once(weight).chain(bias).flat_map(names).collect()
        }
        _ => Vec::new(),
    }
}
