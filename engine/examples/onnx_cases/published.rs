//! The true sizes of the published models, with weights that are all alike: files to be checked, not to be run.
//!
//! The blob is written with holes, so that gigabytes take no room on the disk.

#[path = "../../../benches/gpu/synthetic.rs"]
#[allow(dead_code, reason = "gpu-check has weights of its own")]
mod synthetic;

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use engine::graph::onnx::{self, Batch};
use engine::graph::{Graph, Precision, TensorView, WeightSource};
use engine::model::dit::PromptForm;
use engine::model::export::{self, DenoiserShape, Network};
use engine::model::shapes::Shapes;
use serde_json::json;

use super::Cases;
use synthetic::Size;

/// A minute.
const FRAMES: usize = 1500;
/// The longest prompt, and lyrics of some verses.
const TOKENS: usize = 512;
/// A window of a second and context.
const SPAN: usize = 25 + 18;

/// Writes the denoiser in both forms, the prompt, and the codec.
pub fn write(cases: &mut Cases) {
    let config = synthetic::denoiser(Size::Published);
    let network = |prompt| {
        let shape = DenoiserShape { frames: FRAMES, tokens: TOKENS, batch: Batch::Dynamic, prompt };
        export::denoiser(&config, &shape, Precision::Bf16)
    };
    for prompt in [PromptForm::Tokens, PromptForm::KeysAndValues] {
        add(cases, &network(prompt), &config, [0, 0]);
    }
    add(cases, &export::prompt(&config, TOKENS, Batch::Dynamic, Precision::Bf16), &config, [0, 0]);
    let config = synthetic::codec(Size::Published);
    // One, not zero: a direction without length cannot be normalised.
    let one = [0x80, 0x3F];
    add(cases, &export::decoder(&config, SPAN, Batch::Fixed(1), Precision::Bf16), &config, one);
    add(cases, &export::encoder(&config, SPAN * config.hop(), Batch::Fixed(1), Precision::Bf16), &config, one);
}

fn add(cases: &mut Cases, network: &Network, config: &dyn Shapes, number: [u8; 2]) {
    let folder = cases.folder.join(format!("published-{}", network.name));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let weights = Alike::of(&network.graph, config, number);
    let model = folder.join(format!("{}.onnx", network.name));
    let mut blob = WithHoles(File::create(folder.join(&network.form.data_file)).expect("the folder takes a file"));
    let mut file = File::create(&model).expect("the folder takes a file");
    let written = onnx::write(&network.graph, &network.sizes, &weights, &network.form, &mut file, &mut blob);
    let written = written.unwrap_or_else(|error| panic!("{}: {error}", network.name));
    blob.0.set_len(written.data_bytes).expect("the file can end in a hole");
    let outline = network.outline(&weights).unwrap_or_else(|error| panic!("{}: {error}", network.name));
    assert_eq!(outline, written, "an outline is the same without the weights");
    let name = format!("published {}", network.name);
    cases.list.push(json!({ "name": name, "precision": "bf16", "models": [model], "only_checked": true }));
}

/// Every weight of a graph in the shape that its configuration gives it, all numbers the same.
struct Alike {
    shapes: HashMap<String, Vec<usize>>,
    bytes: Vec<u8>,
}

impl Alike {
    fn of(graph: &Graph, config: &dyn Shapes, number: [u8; 2]) -> Self {
        let names = graph.nodes.iter().flat_map(|node| synthetic::weights_of(&node.op));
        let shapes = names.map(|name| {
            let shape = config.shape(&name).unwrap_or_else(|| panic!("`{name}` has no shape"));
            (name, shape)
        });
        let shapes: HashMap<String, Vec<usize>> = shapes.collect();
        let most = shapes.values().map(|it| it.iter().product::<usize>()).max().unwrap_or(0);
        Self { shapes, bytes: number.repeat(most) }
    }
}

impl WeightSource for Alike {
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let shape = self.shapes.get(name)?;
        let size = shape.iter().product::<usize>() * Precision::Bf16.size();
        Some(TensorView { bytes: &self.bytes[..size], precision: Precision::Bf16, shape })
    }
}

/// A file in which zeros are holes.
struct WithHoles(File);

impl Write for WithHoles {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.iter().all(|it| *it == 0) {
            let by = i64::try_from(bytes.len()).map_err(std::io::Error::other)?;
            self.0.seek(SeekFrom::Current(by))?;
        } else {
            self.0.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
