//! The golden cases of the velocity network and the codec.

use std::path::{Path, PathBuf};

use engine::graph::Precision;
use engine::graph::onnx::Batch;
use engine::model::checkpoint::Checkpoint;
use engine::model::config::{CodecConfig, ConfigError, DitConfig};
use engine::model::dit::{self, Extras, PromptForm};
use engine::model::export::{self, DenoiserShape, Network};
use safetensors::SafeTensors;
use serde_json::Value;

use super::{Cases, Expected, PRECISIONS, Tensor, Tensors, narrow, on_cpu};

struct Golden {
    folder: PathBuf,
    manifest: Value,
}

/// Writes every case of the kinds that are networks of the GPU.
pub fn write(cases: &mut Cases) {
    let folder = std::env::var_os("DEMON_GOLDEN").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from);
    let text = std::fs::read_to_string(folder.join("manifest.json")).expect("the golden vectors have a manifest");
    let golden = Golden { folder, manifest: serde_json::from_str(&text).expect("it is JSON") };
    for entry in golden.manifest["files"].as_array().expect("the manifest lists files") {
        match entry["kind"].as_str().unwrap_or_default() {
            "dit_forward" => golden.forward(cases, entry),
            "dit_trace" => golden.trace(cases, entry),
            "vae_decode" => golden.codec(cases, entry, ("latents", "audio")),
            "vae_encode" => golden.codec(cases, entry, ("audio", "moments")),
            _ => {}
        }
    }
}

impl Golden {
    fn tensors(&self, entry: &Value) -> Tensors {
        let path = self.folder.join(entry["path"].as_str().expect("every file has a path"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let number = |it: &[u8]| f32::from_le_bytes(it.try_into().expect("four bytes"));
        let floats = file.tensors().into_iter().filter(|(_, it)| it.dtype() == safetensors::Dtype::F32);
        floats
            .map(|(name, it)| (name, (it.shape().to_vec(), it.data().chunks_exact(4).map(number).collect())))
            .collect()
    }

    fn model<C>(&self, entry: &Value, parse: impl Fn(&Path, &str) -> Result<C, ConfigError>) -> (C, Checkpoint) {
        let model = &self.manifest["models"][entry["model"].as_str().expect("a model is named")];
        let config = parse(Path::new("config.json"), &model["config"].to_string()).expect("it is sound");
        let weights = self.folder.join(model["weights"].as_str().expect("it has weights"));
        (config, Checkpoint::open(&weights).expect("they are sound"))
    }

    fn forward(&self, cases: &mut Cases, entry: &Value) {
        let (config, weights) = self.model(entry, DitConfig::parse);
        let mut tensors = self.tensors(entry);
        let (inputs, [rows, frames, tokens]) = denoiser_inputs(&tensors);
        let velocity = tensors.remove("velocity").expect("a forward case has one");
        let graph = dit::graph(&config, Extras { token_mask: true, ..Extras::default() });
        let network = |prompt, batch, precision| {
            export::denoiser(&config, &DenoiserShape { frames, tokens, batch, prompt }, precision)
        };
        let sizes = network(PromptForm::Tokens, Batch::Dynamic, Precision::F32).sizes.with("batch", rows);
        let cpu = on_cpu(&graph, &sizes, &weights, &inputs).remove("velocity").expect("it is the output");
        let expected = [
            expected("golden", "velocity", velocity, tolerance(entry, "velocity")),
            expected("cpu", "velocity", cpu, tolerance(entry, "velocity")),
        ];
        for precision in PRECISIONS {
            let whole = [network(PromptForm::Tokens, Batch::Dynamic, precision)];
            cases.add(&stem(entry), &whole, &weights, &inputs, &expected);
            let prompt = export::prompt(&config, tokens, Batch::Fixed(rows), precision);
            let kept = [prompt, network(PromptForm::KeysAndValues, Batch::Fixed(rows), precision)];
            cases.add(&format!("{}-kv", stem(entry)), &kept, &weights, &inputs, &expected);
            if precision != Precision::F32 {
                let [whole] = whole.map(narrow);
                cases.add(&format!("{}-narrow", stem(entry)), &[whole], &weights, &inputs, &expected);
            }
        }
    }

    fn trace(&self, cases: &mut Cases, entry: &Value) {
        let (config, weights) = self.model(entry, DitConfig::parse);
        let tensors = self.tensors(entry);
        let (inputs, [_, frames, tokens]) = denoiser_inputs(&tensors);
        let shape = DenoiserShape { frames, tokens, batch: Batch::Dynamic, prompt: PromptForm::Tokens };
        let extras = Extras { trace: true, token_mask: true, ..Extras::default() };
        let network =
            Network { graph: dit::graph(&config, extras), ..export::denoiser(&config, &shape, Precision::F32) };
        let known = |name: &str| network.graph.outputs.iter().any(|(it, _)| it == name);
        let traced = tensors.into_iter().filter_map(|(name, it)| Some((name.strip_prefix("trace.")?.to_owned(), it)));
        let traced = traced.filter(|(name, _)| known(name));
        let all: Vec<Expected> =
            traced.map(|(name, it)| expected("golden", &name, it, tolerance(entry, "*"))).collect();
        assert!(20 < all.len(), "a trace names every intermediate, found {}", all.len());
        cases.add(&stem(entry), &[network], &weights, &inputs, &all);
    }

    fn codec(&self, cases: &mut Cases, entry: &Value, (input, output): (&str, &str)) {
        let (config, weights) = self.model(entry, CodecConfig::parse);
        let tensors = self.tensors(entry);
        let (given, golden) = (transposed(&tensors[input]), transposed(&tensors[output]));
        let (rows, length) = (given.0[0], given.0[1]);
        let inputs = Tensors::from([(input.to_owned(), given)]);
        for (at, precision) in PRECISIONS.into_iter().enumerate() {
            let batch = if at == 0 { Batch::Dynamic } else { Batch::Fixed(rows) };
            let network = match input {
                "latents" => export::decoder(&config, length, batch, precision),
                _ => export::encoder(&config, length, batch, precision),
            };
            let sizes = network.sizes.clone().with("batch", rows);
            let cpu = on_cpu(&network.graph, &sizes, &weights, &inputs).remove(output).expect("it is the output");
            let expected = [
                expected("golden", output, golden.clone(), tolerance(entry, output)),
                expected("cpu", output, cpu, tolerance(entry, output)),
            ];
            cases.add(&stem(entry), &[network], &weights, &inputs, &expected);
        }
    }
}

fn expected(against: &'static str, output: &str, tensor: Tensor, tolerance: [f64; 2]) -> Expected {
    Expected { against, output: output.to_owned(), tensor, tolerance }
}

/// Inputs of the velocity network; rows, frames, tokens. No token is hidden: the published engine attends to padding.
fn denoiser_inputs(tensors: &Tensors) -> (Tensors, [usize; 3]) {
    let (xt, tokens) = (&tensors["xt"].0, &tensors["encoder_hidden_states"].0);
    let sizes = [xt[0], xt[1], tokens[1]];
    let (t, r) = (&tensors["timestep"], &tensors["timestep_r"]);
    let t_minus_r = t.1.iter().zip(&r.1).map(|(t, r)| t - r).collect();
    let mut inputs = Tensors::from([("t_minus_r".to_owned(), (t.0.clone(), t_minus_r))]);
    let mask_shape = vec![sizes[0], sizes[2]];
    inputs.insert("token_mask".to_owned(), (mask_shape, vec![1.0; sizes[0] * sizes[2]]));
    for (name, tensor) in
        [("x", "xt"), ("context", "context_latents"), ("tokens", "encoder_hidden_states"), ("t", "timestep")]
    {
        inputs.insert(name.to_owned(), tensors[tensor].clone());
    }
    (inputs, sizes)
}

fn stem(entry: &Value) -> String {
    let path = entry["path"].as_str().expect("every file has a path");
    path.trim_end_matches(".safetensors").replace('/', "-")
}

/// Absolute and relative.
fn tolerance(entry: &Value, tensor: &str) -> [f64; 2] {
    let given = &entry["tolerance"][tensor];
    let number = |key: &str| given[key].as_f64();
    [number("atol").expect("the manifest says it"), number("rtol").unwrap_or(0.0)]
}

/// `[batch, a, b] -> [batch, b, a]`.
fn transposed((shape, values): &Tensor) -> Tensor {
    let [batch, a, b] = shape[..] else { panic!("three axes expected, found {shape:?}") };
    let at = |n: usize| values[(n / (a * b) * a + n % a) * b + n / a % b];
    (vec![batch, b, a], (0..values.len()).map(at).collect())
}
