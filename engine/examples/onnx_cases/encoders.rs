//! The graphs around the denoiser (text, lyrics, timbre, structure), of the golden models: not for a GPU today, but every
//! operation of the graph is to be written as it is computed.

use std::path::PathBuf;

use engine::graph::onnx::{Batch, Form};
use engine::graph::{Dim, Graph, Op, Precision, Sizes};
use engine::model::checkpoint::Checkpoint;
use engine::model::config::{DitConfig, TextConfig};
use engine::model::export::Network;
use engine::model::{condition, text, tokenizer};
use serde_json::Value;

use super::{Cases, Expected, Tensor, Tensors, noise, on_cpu};

/// What the manifest gives the golden cases of these graphs.
const TOLERANCE: [f64; 2] = [5e-5, 1e-4];
/// Rows.
const ROWS: usize = 2;

/// Writes all of them.
pub fn write(cases: &mut Cases) {
    let folder = std::env::var_os("DEMON_GOLDEN").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from);
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).expect("the golden vectors have a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("it is JSON");
    let model = |name: &str| {
        let model = &manifest["models"][name];
        let weights = folder.join(model["weights"].as_str().expect("it has weights"));
        (model["config"].to_string(), Checkpoint::open(&weights).expect("they are sound"))
    };
    let path = std::path::Path::new("config.json");
    for name in ["tiny", "tiny_xl"] {
        let (config, weights) = model(name);
        let config = DitConfig::parse(path, &config).expect("it is sound");
        let graphs = [
            ("text", condition::text_projector(&config)),
            ("lyrics", condition::lyric_encoder(&config, false)),
            ("padded", condition::lyric_encoder(&config, true)),
            ("timbre", condition::timbre_encoder(&config)),
            ("pooler", tokenizer::pooler(&config)),
            ("project_out", tokenizer::project_out(&config)),
            ("detokenizer", tokenizer::detokenizer(&config)),
        ];
        for (kind, graph) in graphs {
            add(cases, &format!("encoder-{kind}-{name}"), graph, &weights);
        }
    }
    let (config, weights) = model("tiny_qwen3");
    let config = TextConfig::parse(path, &config).expect("it is sound");
    add(cases, "encoder-qwen3", text::graph(&config), &weights);
}

fn add(cases: &mut Cases, name: &str, graph: Graph, weights: &Checkpoint) {
    let sizes = Sizes::new().with("tokens", 23).with("frames", 20).with("groups", 3);
    let cpu_sizes = sizes.clone().with("batch", ROWS);
    let mut seed = 11;
    let mut inputs = Tensors::new();
    for node in &graph.nodes {
        if let Op::Input { name, dims } = &node.op {
            inputs.insert(name.clone(), made_up(&mut seed, name, dims, &cpu_sizes));
        }
    }
    let outputs = on_cpu(&graph, &cpu_sizes, weights, &inputs);
    let expected =
        outputs.into_iter().map(|(output, tensor)| Expected { against: "cpu", output, tensor, tolerance: TOLERANCE });
    let expected: Vec<Expected> = expected.collect();
    let file = format!("{name}.data");
    let form = Form { batch: Batch::Dynamic, ..Form::new(Precision::F32, file) };
    cases.add(name, &[Network { name: name.to_owned(), graph, sizes, form }], weights, &inputs, &expected);
}

/// Noise; of masks, zeros and ones. The last row sees nothing, if there is a mask.
fn made_up(seed: &mut u32, name: &str, dims: &[Dim], sizes: &Sizes) -> Tensor {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Named(axis) => sizes.get(axis).unwrap_or_else(|| panic!("no size for `{axis}`")),
    };
    let shape: Vec<usize> = dims.iter().map(size).collect();
    let count = shape.iter().product();
    let mut numbers = noise(seed, count);
    if name == "mask" || name.starts_with("blind") {
        numbers.iter_mut().for_each(|it| *it = f32::from(u8::from(*it < 0.5)));
        numbers[count / ROWS * (ROWS - 1)..].fill(0.0);
    }
    (shape, numbers)
}
