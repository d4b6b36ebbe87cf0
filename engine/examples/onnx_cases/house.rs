//! The built-in model: trained weights, rows of different prompts, one of them without any; and the same with gates so wide
//! that its residual stream passes f16's largest number, as that of published weights does at a high t.

use std::collections::HashMap;
use std::path::Path;

use engine::graph::onnx::Batch;
use engine::graph::{Graph, Op, Precision, Sizes, TensorView, Weight, WeightSource};
use engine::model::dit::{self, Extras, PromptForm};
use engine::model::export::{self, DenoiserShape};
use engine::model::open;

use super::{Cases, Expected, PRECISIONS, Tensors, narrow, noise, on_cpu};

const FOLDER: &str = "models/house";
/// Twelve seconds.
const FRAMES: usize = 300;
/// Tokens that fit, and of them those of every row.
const TOKENS: usize = 40;
const LENGTHS: [usize; 3] = [40, 7, 0];
/// A window of the tape: a second, and context.
const SPAN: usize = 25 + 18;
/// Trained weights go through more rounding than the golden ones: larger sums.
const TOLERANCE: [f64; 2] = [4e-4, 2e-4];

/// Writes the denoiser and the codec.
pub fn write(cases: &mut Cases) {
    let mut seed = 7;
    denoiser(cases, &mut seed);
    let part = open::codec_part(Path::new(FOLDER)).expect("the built-in model opens");
    let (config, hop) = (&part.config, part.config.hop());
    let latents = (vec![1, SPAN, 64], noise(&mut seed, SPAN * 64));
    let wave = |at: usize| 0.3 * (at as f32 * 0.03).sin() + 0.1 * (at as f32 * 0.37).sin();
    let audio = (vec![1, 20 * hop, 2], (0..40 * hop).map(wave).collect());
    for (input, output, given) in [("latents", "audio", latents), ("audio", "moments", audio)] {
        let inputs = Tensors::from([(input.to_owned(), given)]);
        for precision in PRECISIONS {
            let network = match input {
                "latents" => export::decoder(config, SPAN, Batch::Fixed(1), precision),
                _ => export::encoder(config, 20 * hop, Batch::Fixed(1), precision),
            };
            let sizes = network.sizes.clone().with("batch", 1);
            let tensor = on_cpu(&network.graph, &sizes, &part.weights, &inputs).remove(output).expect("an output");
            let expected = [Expected { against: "cpu", output: output.to_owned(), tensor, tolerance: TOLERANCE }];
            cases.add(&format!("house-{output}"), &[network], &part.weights, &inputs, &expected);
        }
    }
}

fn denoiser(cases: &mut Cases, seed: &mut u32) {
    let part = open::denoiser_part(Path::new(FOLDER)).expect("the built-in model opens");
    let (config, rows) = (&part.config, LENGTHS.len());
    let width = config.encoders.hidden;
    let mask = LENGTHS.iter().flat_map(|&length| (0..TOKENS).map(move |at| f32::from(u8::from(at < length))));
    let mut context = noise(seed, rows * FRAMES * 128);
    context.chunks_exact_mut(128).for_each(|frame| frame[64..].fill(1.0));
    let inputs = Tensors::from([
        ("x".to_owned(), (vec![rows, FRAMES, 64], noise(seed, rows * FRAMES * 64))),
        ("context".to_owned(), (vec![rows, FRAMES, 128], context)),
        ("tokens".to_owned(), (vec![rows, TOKENS, width], noise(seed, rows * TOKENS * width))),
        ("token_mask".to_owned(), (vec![rows, TOKENS], mask.collect())),
        ("t".to_owned(), (vec![rows], vec![1.0, 0.7, 0.125])),
        ("t_minus_r".to_owned(), (vec![rows], vec![0.0; rows])),
    ]);
    let graph = dit::graph(config, Extras { token_mask: true, ..Extras::default() });
    let sizes = Sizes::new().with("batch", rows).with("frames", FRAMES).with("tokens", TOKENS);
    let tensor = on_cpu(&graph, &sizes, &part.weights, &inputs).remove("velocity").expect("it is the output");
    let expected = [Expected { against: "cpu", output: "velocity".to_owned(), tensor, tolerance: TOLERANCE }];
    for precision in PRECISIONS {
        let network = |prompt| {
            let shape = DenoiserShape { frames: FRAMES, tokens: TOKENS, batch: Batch::Dynamic, prompt };
            export::denoiser(config, &shape, precision)
        };
        let whole = [network(PromptForm::Tokens)];
        cases.add("house-velocity", &whole, &part.weights, &inputs, &expected);
        let prompt = export::prompt(config, TOKENS, Batch::Dynamic, precision);
        let kept = [prompt, network(PromptForm::KeysAndValues)];
        cases.add("house-velocity-kv", &kept, &part.weights, &inputs, &expected);
        if precision != Precision::F32 {
            let [whole] = whole.map(narrow);
            cases.add("house-velocity-narrow", &[whole], &part.weights, &inputs, &expected);
        }
    }
    let loud = Loud::new(&graph, &part.weights);
    let tensor = on_cpu(&graph, &sizes, &loud, &inputs).remove("velocity").expect("it is the output");
    let expected = [Expected { against: "cpu", output: "velocity".to_owned(), tensor, tolerance: TOLERANCE }];
    let shape = DenoiserShape { frames: FRAMES, tokens: TOKENS, batch: Batch::Dynamic, prompt: PromptForm::Tokens };
    let network = export::denoiser(config, &shape, Precision::F16);
    cases.add("house-loud", std::slice::from_ref(&network), &loud, &inputs, &expected);
    cases.add_as("house-loud-narrow", &[narrow(network)], &loud, &inputs, &expected, false);
}

/// Rows of a layer's modulation that are gates, and what is added to them: with it the stream of the built-in model passes
/// 65504, and what a product gives does not.
const GATES: [usize; 2] = [2, 5];
const LOUDER: f32 = 30_000.0;

/// The model's weights, with wider gates.
struct Loud<'a> {
    weights: &'a dyn WeightSource,
    tables: HashMap<String, (Vec<usize>, Vec<u8>)>,
}

impl<'a> Loud<'a> {
    fn new(graph: &Graph, weights: &'a dyn WeightSource) -> Self {
        let layers = graph.nodes.iter().filter_map(|it| match &it.op {
            Op::Constant(Weight::Plain(name)) if name.starts_with("decoder.layers.") => Some(name),
            _ => None,
        });
        let tables = layers.map(|name| {
            let stored = weights.tensor(name).expect("the model is whole");
            let width = stored.shape[2];
            let mut numbers = stored.to_f32();
            GATES
                .iter()
                .for_each(|row| numbers[row * width..(row + 1) * width].iter_mut().for_each(|it| *it += LOUDER));
            (name.clone(), (stored.shape.to_vec(), numbers.iter().flat_map(|it| it.to_le_bytes()).collect()))
        });
        Self { weights, tables: tables.collect() }
    }
}

impl WeightSource for Loud<'_> {
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let Some((shape, bytes)) = self.tables.get(name) else { return self.weights.tensor(name) };
        Some(TensorView { bytes, precision: Precision::F32, shape })
    }
}
