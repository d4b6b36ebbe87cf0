//! Writes what `tools/onnx-check` runs elsewhere: graphs as ONNX files, their inputs, and the results they must have.
//!
//! `onnx_cases FOLDER` takes the golden cases of `$DEMON_GOLDEN` (default `tests/golden`), the built-in model in
//! `models/house`, and the true sizes of the published 2B model with made-up weights. Results come from the golden
//! vectors and from the CPU lowering. The folder then holds `cases.json`, which names everything.

mod encoders;
mod golden;
mod house;
mod published;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use engine::graph::cpu::{Packed, Plan, Pool};
use engine::graph::{Graph, Op, Precision, Sizes, WeightSource};
use engine::model::export::Network;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

/// Every precision of a file's products.
const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::Bf16, Precision::F16];

/// Shape and numbers.
type Tensor = (Vec<usize>, Vec<f32>);
type Tensors = BTreeMap<String, Tensor>;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder is named"));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let mut cases = Cases { folder, list: Vec::new() };
    golden::write(&mut cases);
    encoders::write(&mut cases);
    house::write(&mut cases);
    published::write(&mut cases);
    let text = serde_json::to_string_pretty(&cases.list).expect("it is JSON");
    std::fs::write(cases.folder.join("cases.json"), text).expect("the folder takes a file");
}

/// What was written.
struct Cases {
    folder: PathBuf,
    list: Vec<Value>,
}

/// One comparison: a tensor of the values file, an output, and what they may differ by.
struct Expected {
    /// `golden` or `cpu`.
    against: &'static str,
    output: String,
    tensor: Tensor,
    /// `[absolute, relative]`.
    tolerance: [f64; 2],
}

impl Cases {
    /// Writes networks that run one after another on one set of inputs, each hearing what those before it said.
    fn add(
        &mut self,
        name: &str,
        networks: &[Network],
        weights: &dyn WeightSource,
        inputs: &Tensors,
        expected: &[Expected],
    ) {
        self.add_as(name, networks, weights, inputs, expected, true);
    }

    /// As [`Self::add`]; where it is not `finite`, the results must not be numbers.
    fn add_as(
        &mut self,
        name: &str,
        networks: &[Network],
        weights: &dyn WeightSource,
        inputs: &Tensors,
        expected: &[Expected],
        finite: bool,
    ) {
        let last = networks.last().expect("something runs");
        let folder = self.folder.join(format!("{name}.{:?}", last.form.precision).to_lowercase());
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let models: Vec<PathBuf> = networks.iter().map(|it| export(it, weights, &folder)).collect();
        let mut tensors: Tensors = inputs.iter().map(|(name, it)| (format!("in.{name}"), it.clone())).collect();
        let compare = expected.iter().map(|it| {
            let tensor = format!("{}.{}", it.against, it.output);
            tensors.insert(tensor.clone(), it.tensor.clone());
            json!({ "output": it.output, "against": it.against, "tensor": tensor, "tolerance": it.tolerance })
        });
        let compare: Vec<Value> = compare.collect();
        let values = folder.join("values.safetensors");
        save(&values, &tensors);
        let precision = format!("{:?}", last.form.precision).to_lowercase();
        self.list.push(json!({
            "name": name, "precision": precision, "models": models, "values": values, "compare": compare,
            "finite": finite,
        }));
    }
}

/// Writes a network's two files, and answers where its model is.
fn export(network: &Network, weights: &dyn WeightSource, folder: &Path) -> PathBuf {
    let create = |path: PathBuf| BufWriter::new(File::create(path).expect("the folder takes a file"));
    let model = folder.join(network.model_file());
    let (mut to, mut data) = (create(model.clone()), create(folder.join(&network.form.data_file)));
    network.write(weights, &mut to, &mut data).unwrap_or_else(|error| panic!("{}: {error}", network.name));
    model
}

/// The same network with its residual stream in the precision of its products, to show what that costs.
fn narrow(mut network: Network) -> Network {
    network.form.residual = network.form.precision;
    network
}

/// All outputs of a graph by the CPU lowering.
fn on_cpu(graph: &Graph, sizes: &Sizes, weights: &dyn WeightSource, inputs: &Tensors) -> Tensors {
    let plan = Plan::compile(graph, sizes, weights, &Packed::new(), &Pool::new(2));
    let mut plan = plan.unwrap_or_else(|error| panic!("{error}"));
    for node in &graph.nodes {
        if let Op::Input { name, .. } = &node.op {
            plan.input_mut(name).copy_from_slice(&inputs[name].1);
        }
    }
    plan.run();
    let output =
        |(name, _): &(String, _)| (name.clone(), (plan.output_shape(name).to_vec(), plan.output(name).to_vec()));
    graph.outputs.iter().map(output).collect()
}

fn save(path: &Path, tensors: &Tensors) {
    let bytes = |numbers: &[f32]| numbers.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>();
    let stored: Vec<(&str, &[usize], Vec<u8>)> =
        tensors.iter().map(|(name, (shape, numbers))| (name.as_str(), shape.as_slice(), bytes(numbers))).collect();
    let views = stored.iter().map(|(name, shape, bytes)| {
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("shapes fit their numbers"))
    });
    safetensors::serialize_to_file(views, None, path).expect("the folder takes a file");
}

/// Numbers of a normal distribution, near enough: the sum of twelve, from a generator that is the same everywhere.
fn noise(seed: &mut u32, count: usize) -> Vec<f32> {
    let mut uniform = || {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*seed >> 8) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0).collect()
}
