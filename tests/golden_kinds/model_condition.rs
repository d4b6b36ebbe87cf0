//! Golden cases of the condition encoder and of what is done with prompts before it is heard.

use engine::graph::reference::Inputs;
use engine::model::config::DitConfig;
use engine::model::pack::{Padded, group, pack};
use engine::model::{condition, context};

#[path = "published_mixing.rs"]
mod mix;

use super::tokenizer::detokenized;
use super::{Machine, Part, compare, dit_part};
use crate::case::{Case, Golden, Report, Tensor};

/// Everything that the condition encoder gives.
struct Encoded {
    text: Padded,
    lyric: Padded,
    timbre: Padded,
    packed: Padded,
}

pub fn encoder(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    for machine in Machine::ALL {
        let found = encode(machine, &part, case);
        compare(report, case, machine, "text_out", &found.text.values);
        compare(report, case, machine, "lyric_out", &found.lyric.values);
        compare(report, case, machine, "timbre_out", &found.timbre.values);
        compare(report, case, machine, "timbre_mask", &numbers(&found.timbre.valid));
        compare_packed(report, case, machine, &found.packed);
    }
}

pub fn prepare(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    for machine in Machine::ALL {
        let (packed, context) = prepared(machine, &part, case);
        compare_packed(report, case, machine, &packed);
        compare(report, case, machine, "context_latents", &context);
    }
}

/// Condition tokens and context latents of every row of a case.
pub fn prepared(machine: Machine, part: &Part<DitConfig>, case: &Case) -> (Padded, Vec<f32>) {
    let channels = part.config.latent_channels;
    let (source, mask) = (case.tensor("src_latents"), case.tensor("chunk_masks"));
    let covers = case.tensor("is_covers").ids.as_ref().expect("switches are whole numbers");
    let frames = source.shape[1];
    let hints = match case.tensors.get("precomputed_hints") {
        Some(hints) => rows(hints).map(<[f32]>::to_vec).collect(),
        None => {
            let silence = &case.tensor("silence_latent").data;
            let filled = rows(source).map(|it| context::filled_up(it, silence, part.config.pool, channels));
            filled.map(|it| detokenized(machine, part, &it).hints).collect::<Vec<_>>()
        }
    };
    let mut joined = Vec::new();
    for (row, &cover) in covers.iter().enumerate() {
        let mask = &mask.data[row * frames * channels..(row + 1) * frames * channels];
        let source = rows(source).nth(row).expect("a source for every row");
        joined.extend(context::join(if 0 < cover { &hints[row] } else { source }, mask, channels));
    }
    (encode(machine, part, case).packed, joined)
}

pub fn packing(case: &Case, report: &mut Report) {
    let packed = pack(&padded(case, "hidden1", "mask1"), &padded(case, "hidden2", "mask2"));
    report.compare_tensor(case, "packed", &packed.values);
    report.compare_tensor(case, "packed_mask", &numbers(&packed.valid));
}

pub fn ops(case: &Case, report: &mut Report) {
    let (a, b) = (padded(case, "a", "mask_a"), padded(case, "b", "mask_b"));
    let (latent_a, latent_b) = (case.tensor("latent_a"), case.tensor("latent_b"));
    let channels = latent_a.shape[2];
    let curve = &case.tensor("temporal_weight").data;
    let (weight_a, weight_b) = mix::combine_weights(curve);
    report.compare_tensor(case, "combine_weight_a", &weight_a);
    report.compare_tensor(case, "combine_weight_b", &weight_b);
    for name in case.tensors.keys() {
        if let Some(weight) = weight_in(name, "average_w") {
            let mixed = mix::average(&a, &b, weight);
            report.compare_tensor(case, name, &mixed.values);
            report.compare_tensor(case, "average_mask", &numbers(&mixed.valid));
        } else if let Some(weight) = weight_in(name, "blend_a") {
            let mixed = mix::blend(&a, &b, weight);
            report.compare_tensor(case, name, &mixed.values);
            report.compare_tensor(case, "blend_mask", &numbers(&mixed.valid));
        } else if name == "latent_blend_curve" {
            let mixed = mix::blend_latents(&latent_a.data, &latent_b.data, curve, channels);
            report.compare_tensor(case, name, &mixed);
        } else if let Some(weight) = weight_in(name, "latent_blend_") {
            let mixed = mix::blend_latents(&latent_a.data, &latent_b.data, &[weight], channels);
            report.compare_tensor(case, name, &mixed);
        }
    }
}

/// The number at the end of a tensor's name: `0p25` is 0.25.
fn weight_in(name: &str, prefix: &str) -> Option<f32> {
    name.strip_prefix(prefix)?.replace('p', ".").parse().ok()
}

fn encode(machine: Machine, part: &Part<DitConfig>, case: &Case) -> Encoded {
    let config = &part.config;
    let width = config.encoders.hidden;
    let text = case.tensor("text_hidden_states");
    let inputs = Inputs::new().with("text", &text.shape, text.data.clone());
    let text_out = machine.run(&condition::text_projector(config), &inputs, &part.weights);
    let text_mask = truth(&case.tensor("text_attention_mask").data);
    let text_out = Padded::new(width, text.shape[1], text_out.get("tokens").to_vec(), text_mask);

    let lyric = lyrics(machine, part, case);

    let references = case.tensor("refer_latents");
    let order = case.tensor("refer_order").ids.as_ref().expect("row ids are whole numbers");
    let order: Vec<usize> = order.iter().map(|&row| usize::try_from(row).expect("rows count from 0")).collect();
    let inputs = Inputs::new().with("references", &references.shape, references.data.clone());
    let timbre = machine.run(&condition::timbre_encoder(config), &inputs, &part.weights);
    let timbre = group(width, timbre.get("tokens"), &order);

    let packed = pack(&pack(&lyric, &timbre), &text_out);
    Encoded { text: text_out, lyric, timbre, packed }
}

fn lyrics(machine: Machine, part: &Part<DitConfig>, case: &Case) -> Padded {
    let (lyrics, mask) = (case.tensor("lyric_hidden_states"), &case.tensor("lyric_attention_mask").data);
    let config = &part.config;
    let (rows, tokens) = (lyrics.shape[0], lyrics.shape[1]);
    let padded = mask.contains(&0.0);
    let mut inputs = Inputs::new().with("lyrics", &lyrics.shape, lyrics.data.clone());
    if padded {
        let window = config.reach(0).window();
        let shape = [rows, tokens, 1, 1];
        inputs = inputs
            .with("mask", &[rows, tokens], mask.clone())
            .with("blind_full", &shape, condition::blind(mask, tokens, None))
            .with("blind_window", &shape, condition::blind(mask, tokens, window));
    }
    let out = machine.run(&condition::lyric_encoder(config, padded), &inputs, &part.weights);
    Padded::new(config.encoders.hidden, tokens, out.get("tokens").to_vec(), truth(mask))
}

fn compare_packed(report: &mut Report, case: &Case, machine: Machine, packed: &Padded) {
    compare(report, case, machine, "encoder_hidden_states", &packed.values);
    compare(report, case, machine, "encoder_attention_mask", &numbers(&packed.valid));
}

fn padded(case: &Case, values: &str, mask: &str) -> Padded {
    let (values, mask) = (case.tensor(values), case.tensor(mask));
    Padded::new(values.shape[2], values.shape[1], values.data.clone(), truth(&mask.data))
}

fn rows(tensor: &Tensor) -> std::slice::ChunksExact<'_, f32> {
    tensor.data.chunks_exact(tensor.shape[1..].iter().product())
}

fn truth(mask: &[f32]) -> Vec<bool> {
    mask.iter().map(|&it| it != 0.0).collect()
}

fn numbers(mask: &[bool]) -> Vec<f32> {
    mask.iter().map(|&it| f32::from(u8::from(it))).collect()
}
