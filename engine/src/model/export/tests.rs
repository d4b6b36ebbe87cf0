//! Goal: exported files are whole, and a prompt whose keys and values are kept sounds as one that is read every time.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::graph::cpu::{Packed, Plan, Pool};
use crate::graph::weights::InMemory;
use crate::graph::{Op, Weight};
use crate::model::shapes::Shapes;

fn config() -> DitConfig {
    let text = serde_json::json!({
        "attention_bias": false, "audio_acoustic_hidden_dim": 4, "fsq_dim": 32, "fsq_input_levels": [4],
        "fsq_input_num_quantizers": 1, "head_dim": 16, "hidden_act": "silu", "hidden_size": 32, "in_channels": 12,
        "intermediate_size": 48, "num_attention_heads": 2, "num_attention_pooler_hidden_layers": 1,
        "num_hidden_layers": 2, "num_key_value_heads": 1, "num_lyric_encoder_hidden_layers": 1,
        "num_timbre_encoder_hidden_layers": 1, "patch_size": 2, "pool_window_size": 5, "rms_norm_eps": 1e-6,
        "rope_theta": 10_000, "sliding_window": 2, "text_hidden_dim": 8, "timbre_fix_frame": 4,
        "timbre_hidden_dim": 4, "use_sliding_window": true, "vocab_size": 16,
    });
    DitConfig::parse(Path::new("config.json"), &text.to_string()).expect("it is sound")
}

/// Made-up weights for a graph.
fn weights(config: &DitConfig, graph: &Graph) -> InMemory {
    let mut weights = InMemory::new();
    let mut seed = 1_u32;
    let mut number = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 23) as f32 * 0.4 - 0.2
    };
    for node in &graph.nodes {
        let named: Vec<&Weight> = match &node.op {
            Op::Constant(weight) | Op::RmsNorm { gain: weight, .. } => vec![weight],
            Op::Linear { weight, bias }
            | Op::Conv1d { weight, bias, .. }
            | Op::ConvTranspose1d { weight, bias, .. } => std::iter::once(weight).chain(bias).collect(),
            _ => Vec::new(),
        };
        for weight in named {
            let Weight::Plain(name) = weight else { panic!("the denoiser folds nothing") };
            let shape = config.shape(name).unwrap_or_else(|| panic!("`{name}` has no shape"));
            let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| number()).collect();
            weights = weights.with(name, &shape, &numbers);
        }
    }
    weights
}

const FRAMES: usize = 7;
const TOKENS: usize = 5;

fn shape(prompt: PromptForm) -> DenoiserShape {
    DenoiserShape { frames: FRAMES, tokens: TOKENS, batch: Batch::Fixed(2), prompt }
}

fn run(network: &Network, weights: &InMemory, known: &mut BTreeMap<String, Vec<f32>>) {
    let sizes = network.sizes.clone().with("batch", 2);
    let mut plan = Plan::compile(&network.graph, &sizes, weights, &Packed::new(), &Pool::new(1)).expect("it fits");
    for node in &network.graph.nodes {
        if let Op::Input { name, .. } = &node.op {
            let input = plan.input_mut(name);
            let wave = |at| (at as f32 * 0.7 + name.len() as f32).sin();
            let made = || (0..input.len()).map(wave).collect();
            let numbers = known.entry(name.clone()).or_insert_with(made);
            input.copy_from_slice(numbers);
        }
    }
    plan.run();
    for (name, _) in &network.graph.outputs {
        known.insert(name.clone(), plan.output(name).to_vec());
    }
}

#[test]
fn kept_keys_and_values_give_the_same_bits_as_tokens() {
    let config = config();
    let whole = denoiser(&config, &shape(PromptForm::Tokens), Precision::F32);
    let weights = weights(&config, &whole.graph);
    let mask: Vec<f32> = vec![1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0];
    let mut known = BTreeMap::from([("token_mask".to_owned(), mask)]);
    run(&whole, &weights, &mut known);
    let expected = known.remove("velocity").expect("it is the output");
    run(&prompt(&config, TOKENS, Batch::Fixed(2), Precision::F32), &weights, &mut known);
    run(&denoiser(&config, &shape(PromptForm::KeysAndValues), Precision::F32), &weights, &mut known);
    assert!(expected.iter().any(|it| *it != 0.0));
    assert_eq!(known["velocity"], expected);
}

#[test]
fn a_network_that_hears_kept_keys_reads_no_weight_of_the_prompt() {
    let config = config();
    let whole = denoiser(&config, &shape(PromptForm::Tokens), Precision::F16);
    let weights = weights(&config, &whole.graph);
    let names = |network: &Network| {
        let written = network.outline(&weights).expect("the graph is sound");
        written.weights.into_iter().map(|it| it.name).collect::<Vec<_>>()
    };
    let (kept, prompt) = (
        names(&denoiser(&config, &shape(PromptForm::KeysAndValues), Precision::F16)),
        names(&prompt(&config, TOKENS, Batch::Fixed(2), Precision::F16)),
    );
    assert!(kept.iter().all(|name| !prompt.contains(name)), "{kept:?} and {prompt:?}");
    assert_eq!(kept.len() + prompt.len(), names(&whole).len());
}

/// The file of a denoiser whose residual is stored otherwise is another file, which a plan's key sees.
#[test]
fn a_denoisers_residual_is_f32_whatever_its_products_are() {
    let config = config();
    for precision in [Precision::F32, Precision::F16, Precision::Bf16] {
        let network = denoiser(&config, &shape(PromptForm::KeysAndValues), precision);
        assert_eq!((network.form.precision, network.form.residual), (precision, Precision::F32));
        let weights = weights(&config, &network.graph);
        let mut narrow = network.clone();
        narrow.form.residual = precision;
        let fingerprint = |it: &Network| it.outline(&weights).expect("the graph is sound").fingerprint;
        assert_eq!(fingerprint(&network) == fingerprint(&narrow), precision == Precision::F32, "{precision:?}");
    }
}

#[test]
fn both_files_of_a_network_are_as_its_outline_says() {
    let config = config();
    let network = denoiser(&config, &shape(PromptForm::Tokens), Precision::Bf16);
    let weights = weights(&config, &network.graph);
    let (mut model, mut data) = (Vec::new(), Vec::new());
    let written = network.write(&weights, &mut model, &mut data).expect("it fits");
    let names = (network.model_file(), network.form.data_file.as_str());
    assert_eq!(names, ("denoiser-7f-5t-2b-bf16.onnx".to_owned(), "denoiser-7f-5t-2b-bf16.data"));
    assert_eq!(data.len() as u64, written.data_bytes);
    assert!(model.windows(names.1.len()).any(|it| it == names.1.as_bytes()), "the model names its weights");
    assert_eq!(written, network.outline(&weights).expect("it fits"));
}

#[test]
fn a_weight_beyond_the_range_of_the_file_is_named() {
    let config = config();
    let network = denoiser(&config, &shape(PromptForm::Tokens), Precision::F16);
    let broken = weights(&config, &network.graph);
    let broken = broken.with("decoder.layers.1.mlp.down_proj.weight", &[32, 48], &[1e6; 32 * 48]);
    let error = network.write(&broken, &mut Vec::new(), &mut Vec::new()).expect_err("f16 ends at 65504");
    assert!(error.to_string().contains("down_proj.weight` holds 1000000"), "{error}");
}
