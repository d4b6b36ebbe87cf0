//! Golden cases of the model: every network, and the plain arithmetic around it.
//!
//! Each network runs through the lowering that ships and, where it is cheap, through the reference interpreter.

#[path = "model_card.rs"]
mod card;
#[path = "model_codec.rs"]
mod codec;
#[path = "model_condition.rs"]
pub mod condition;
#[path = "model_dit.rs"]
mod dit;
#[path = "model_text.rs"]
mod text;
#[path = "model_tokenizer.rs"]
mod tokenizer;

use std::collections::BTreeMap;
use std::path::Path;

use engine::graph::cpu::{Packed, Plan, Pool};
use engine::graph::reference::{self, Inputs};
use engine::graph::{Graph, LowerError, Op, WeightSource};
use engine::model::checkpoint::Checkpoint;
use engine::model::config::{CodecConfig, DitConfig, TextConfig};
use engine::model::shapes::Shapes;

use crate::case::{Case, Golden, Report};

/// The kinds that [`run`] knows.
pub const KINDS: [&str; 17] = [
    "dit_forward",
    "dit_trace",
    "condition_encoder",
    "prepare_condition",
    "conditioning_ops",
    "pack_sequences",
    "fsq",
    "fsq_law",
    "fsq_indices",
    "semantic_hints",
    "tokenize_padded",
    "vae_decode",
    "vae_encode",
    "vae_tiled",
    "vae_windowed_decode",
    "vae_trace",
    "qwen3",
];

/// Runs one case.
pub fn run(golden: &Golden, case: &Case, report: &mut Report) {
    match case.kind() {
        "dit_forward" => dit::forward(golden, case, report),
        "dit_trace" => dit::trace(golden, case, report),
        "condition_encoder" => condition::encoder(golden, case, report),
        "prepare_condition" => condition::prepare(golden, case, report),
        "conditioning_ops" => condition::ops(case, report),
        "pack_sequences" => condition::packing(case, report),
        "fsq" => tokenizer::fsq(golden, case, report),
        "fsq_law" => tokenizer::law(golden, case, report),
        "fsq_indices" => tokenizer::indices(golden, case, report),
        "semantic_hints" => tokenizer::hints(golden, case, report),
        "tokenize_padded" => tokenizer::padded(golden, case, report),
        "vae_decode" => codec::decode(golden, case, report),
        "vae_encode" => codec::encode(golden, case, report),
        "vae_tiled" => codec::tiled(golden, case, report),
        "vae_windowed_decode" => codec::windowed(golden, case, report),
        "vae_trace" => codec::trace(golden, case, report),
        "qwen3" => text::causal(golden, case, report),
        other => report.fail(case, format!("kind `{other}` is not a kind of the model")),
    }
}

/// One part of a model of the manifest.
pub struct Part<Config> {
    pub config: Config,
    pub weights: Checkpoint,
}

pub fn dit_part(golden: &Golden, case: &Case) -> Part<DitConfig> {
    part(golden, case, DitConfig::parse)
}

pub fn codec_part(golden: &Golden, case: &Case) -> Part<CodecConfig> {
    part(golden, case, CodecConfig::parse)
}

pub fn text_part(golden: &Golden, case: &Case) -> Part<TextConfig> {
    part(golden, case, TextConfig::parse)
}

fn part<C: Shapes, E: std::fmt::Display>(
    golden: &Golden,
    case: &Case,
    parse: impl Fn(&Path, &str) -> Result<C, E>,
) -> Part<C> {
    let name = case.entry["model"].as_str().unwrap_or_else(|| panic!("{}: no model named", case.path));
    let (config, weights) = golden.model(name);
    let config = parse(Path::new(name), &config.to_string()).unwrap_or_else(|error| panic!("{error}"));
    let weights = Checkpoint::open(&weights).unwrap_or_else(|error| panic!("{error}"));
    for name in weights.names() {
        let (found, expected) = (weights.tensor(name).expect("it is named").shape.to_vec(), config.shape(name));
        assert_eq!(Some(found), expected, "{name}: the shape that its configuration asks for");
    }
    Part { config, weights }
}

/// What computes a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// The plan that ships.
    Cpu,
    /// The interpreter.
    Reference,
    /// The plain plan of the card.
    Card,
}

impl Machine {
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Reference, Self::Card];
    /// For cases that run a network hundreds of times and are about what is around it.
    pub const ON_HOST: [Self; 2] = [Self::Cpu, Self::Reference];

    /// Every output of a graph.
    pub fn run(self, graph: &Graph, inputs: &Inputs, weights: &Checkpoint) -> Outputs {
        let outputs = match self {
            Self::Cpu => planned(graph, inputs, weights),
            Self::Reference => reference::run(graph, inputs, weights),
            Self::Card => Ok(card::run(graph, inputs, weights)),
        };
        Outputs { machine: self, outputs: outputs.unwrap_or_else(|error| panic!("{error}")) }
    }
}

/// Shape and numbers of every output.
type Computed = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn planned(graph: &Graph, inputs: &Inputs, weights: &Checkpoint) -> Result<Computed, LowerError> {
    let mut plan = Plan::compile(graph, &inputs.sizes(graph)?, weights, &Packed::new(), &Pool::new(2))?;
    for node in &graph.nodes {
        if let Op::Input { name, .. } = &node.op {
            let (_, numbers) = inputs.numbers(name).expect("the sizes were read from it");
            plan.input_mut(name).copy_from_slice(numbers);
        }
    }
    plan.run();
    let output =
        |(name, _): &(String, _)| (name.clone(), (plan.output_shape(name).to_vec(), plan.output(name).to_vec()));
    Ok(graph.outputs.iter().map(output).collect())
}

/// Results by name, and who computed them.
pub struct Outputs {
    machine: Machine,
    outputs: Computed,
}

impl Outputs {
    pub fn get(&self, name: &str) -> &[f32] {
        &self.outputs[name].1
    }

    /// Compares output `name` with tensor `tensor` of the case.
    pub fn compare(&self, report: &mut Report, case: &Case, name: &str, tensor: &str) {
        compare(report, case, self.machine, tensor, self.get(name));
    }

    /// The same for a tensor that is stored with channels before time.
    pub fn compare_channels_first(&self, report: &mut Report, case: &Case, name: &str, tensor: &str) {
        let (shape, values) = &self.outputs[name];
        compare(report, case, self.machine, tensor, &transposed(shape, values));
    }
}

/// Compares numbers with a tensor of the case.
pub fn compare(report: &mut Report, case: &Case, machine: Machine, tensor: &str, found: &[f32]) {
    let what = format!("{tensor} ({machine:?})");
    report.compare(case, &what, found, &case.tensor(tensor).data, case.tolerance(tensor));
}

/// `[batch, a, b] -> [batch, b, a]`, the numbers only.
pub fn transposed(shape: &[usize], values: &[f32]) -> Vec<f32> {
    let [batch, a, b] = *shape else { panic!("three axes expected, found {shape:?}") };
    let mut out = Vec::with_capacity(values.len());
    for row in 0..batch {
        for column in 0..b {
            out.extend((0..a).map(|at| values[(row * a + at) * b + column]));
        }
    }
    out
}
