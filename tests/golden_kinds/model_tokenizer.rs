//! Golden cases of the audio tokenizer: the quantisation law, codes, and the structure hints.

use engine::graph::reference::Inputs;
use engine::model::config::DitConfig;
use engine::model::{context, fsq, tokenizer};

use super::{Machine, Part, compare, dit_part};
use crate::case::{Case, Golden, Report};

/// Everything on the way from a latent to its hints.
pub struct Detokenized {
    pub pooled: Vec<f32>,
    pub indices: Vec<usize>,
    pub quantized: Vec<f32>,
    pub hints: Vec<f32>,
}

pub fn law(golden: &Golden, case: &Case, report: &mut Report) {
    // The case names no model: all published ones have the same levels, which the first model of the manifest states.
    let (config, _) = golden.model("tiny");
    let levels: Vec<usize> = serde_json::from_value(config["fsq_input_levels"].clone()).expect("levels are numbers");
    let x = &case.tensor("x").data;
    let soft: Vec<f32> = x.iter().enumerate().map(|(at, &x)| fsq::soft_clamp(x, levels[at % levels.len()])).collect();
    let (codes, indices) = fsq::quantize(x, &levels);
    report.compare_tensor(case, "soft_clamped", &soft);
    report.compare_tensor(case, "code", &codes);
    report.compare_tensor(case, "index", &numbers(&indices));
}

pub fn fsq(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    let x = case.tensor("x");
    let inputs = Inputs::new().with("pooled", &[x.shape[0] * x.shape[1], x.shape[2]], x.data.clone());
    for machine in Machine::ALL {
        let out = machine.run(&tokenizer::project_in(&part.config), &inputs, &part.weights);
        out.compare(report, case, "projected", "projected");
        let (codes, indices) = fsq::quantize(out.get("projected"), &part.config.levels);
        compare(report, case, machine, "indices", &numbers(&indices));
        compare(report, case, machine, "quantized", &project_out(machine, &part, codes));
    }
}

pub fn indices(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    let ids = case.tensor("indices").ids.as_ref().expect("indices are whole numbers");
    let ids: Vec<usize> = ids.iter().map(|&it| usize::try_from(it).expect("indices count from 0")).collect();
    let codes = fsq::codes(&ids, &part.config.levels).expect("indices below the number of codes");
    report.compare_tensor(case, "codes", &codes);
    for machine in Machine::ALL {
        compare(report, case, machine, "quantized", &project_out(machine, &part, codes.clone()));
    }
}

pub fn hints(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    for machine in Machine::ALL {
        let found = detokenized(machine, &part, &case.tensor("latents").data);
        compare(report, case, machine, "pooled", &found.pooled);
        compare(report, case, machine, "indices", &numbers(&found.indices));
        compare(report, case, machine, "quantized", &found.quantized);
        compare(report, case, machine, "hints", &found.hints);
    }
}

pub fn padded(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    let (latents, silence) = (case.tensor("latents"), &case.tensor("silence_latent").data);
    let (rows, frames) = (latents.shape[0], latents.shape[1]);
    let channels = part.config.latent_channels;
    let filled = latents.data.chunks_exact(frames * channels);
    let filled: Vec<f32> = filled.flat_map(|it| context::filled_up(it, silence, part.config.pool, channels)).collect();
    // A coarse token is heard when any of its frames is real; the rest of the last one is filling.
    let mask = vec![1.0; frames.div_ceil(part.config.pool)].repeat(rows);
    report.compare_tensor(case, "mask_5hz", &mask);
    for machine in Machine::ALL {
        let found = detokenized(machine, &part, &filled);
        compare(report, case, machine, "indices", &numbers(&found.indices));
        compare(report, case, machine, "quantized", &found.quantized);
        compare(report, case, machine, "detokenized", &found.hints);
    }
}

/// The whole way, for a latent whose frames are a multiple of the pool.
pub fn detokenized(machine: Machine, part: &Part<DitConfig>, latents: &[f32]) -> Detokenized {
    let config = &part.config;
    let groups = latents.len() / (config.pool * config.latent_channels);
    let inputs = Inputs::new().with("latents", &[groups, config.pool, config.latent_channels], latents);
    let out = machine.run(&tokenizer::pooler(config), &inputs, &part.weights);
    let (codes, indices) = fsq::quantize(out.get("projected"), &config.levels);
    let quantized = project_out(machine, part, codes);
    let inputs = Inputs::new().with("quantized", &[groups, 1, config.encoders.hidden], quantized.clone());
    let hints = machine.run(&tokenizer::detokenizer(config), &inputs, &part.weights);
    Detokenized { pooled: out.get("pooled").to_vec(), indices, quantized, hints: hints.get("hints").to_vec() }
}

fn project_out(machine: Machine, part: &Part<DitConfig>, codes: Vec<f32>) -> Vec<f32> {
    let dimensions = part.config.levels.len();
    let inputs = Inputs::new().with("codes", &[codes.len() / dimensions, dimensions], codes);
    machine.run(&tokenizer::project_out(&part.config), &inputs, &part.weights).get("quantized").to_vec()
}

fn numbers(indices: &[usize]) -> Vec<f32> {
    indices.iter().map(|&it| it as f32).collect()
}
