//! Any bytes as a `config.json`: refused with at least one fault, or a configuration whose graphs can be built and whose
//! every weight has a known shape. The first byte chooses the part.
#![no_main]

use std::path::Path;

use engine::graph::{Graph, Op, Weight};
use engine::model::config::{CodecConfig, ConfigError, DitConfig, TextConfig};
use engine::model::dit::{self, Extras};
use engine::model::shapes::Shapes;
use engine::model::{condition, text, tokenizer, vae};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((part, rest)) = data.split_first() else { return };
    let Ok(json) = std::str::from_utf8(rest) else { return };
    let file = Path::new("config.json");
    match part % 3 {
        0 => check(DitConfig::parse(file, json), |config| {
            let mut graphs = vec![dit::graph(config, Extras { trace: true, token_mask: true, ..Extras::default() })];
            graphs.extend([condition::lyric_encoder(config, true), condition::timbre_encoder(config)]);
            graphs.extend([tokenizer::pooler(config), tokenizer::project_out(config), tokenizer::detokenizer(config)]);
            graphs
        }),
        1 => check(CodecConfig::parse(file, json), |config| {
            assert!(config.decode_context() < 1 << 20 && config.encode_context() < 1 << 20);
            vec![vae::encoder(config, true), vae::decoder(config, true)]
        }),
        _ => check(TextConfig::parse(file, json), |config| vec![text::graph(config)]),
    }
});

fn check<C: Shapes>(config: Result<C, ConfigError>, graphs: impl Fn(&C) -> Vec<Graph>) {
    match config {
        Err(error) => assert!(!error.faults.is_empty()),
        Ok(config) => graphs(&config).iter().flat_map(weights).for_each(|name| {
            let shape = config.shape(name).unwrap_or_else(|| panic!("{name} has no shape"));
            shape.iter().try_fold(1_usize, |all, &axis| all.checked_mul(axis)).expect("no tensor overflows");
        }),
    }
}

fn weights(graph: &Graph) -> Vec<&str> {
    let mut names = Vec::new();
    for node in &graph.nodes {
        let weights: Vec<&Weight> = match &node.op {
            Op::Constant(it) | Op::Embedding { table: it } | Op::RmsNorm { gain: it, .. } => vec![it],
            Op::Snake { alpha, beta } => vec![alpha, beta],
            Op::Linear { weight, bias } | Op::Conv1d { weight, bias, .. } | Op::ConvTranspose1d { weight, bias, .. } => {
                std::iter::once(weight).chain(bias).collect()
            }
            _ => Vec::new(),
        };
        for weight in weights {
            match weight {
                Weight::Plain(name) => names.push(name.as_str()),
                Weight::Normed { gain, direction } => names.extend([gain.as_str(), direction.as_str()]),
            }
        }
    }
    names
}
