//! Golden cases of the model's own one-shot sampler: conditions are prepared, then every row of the batch is generated.

use std::collections::BTreeMap;

use engine::latent::LATENT_CHANNELS;
use engine::solver::curve::Curve;
use engine::solver::dcw::Correction;
use engine::solver::noise::{Draw, NoiseSource, Purpose};
use engine::solver::step::Method;
use serde_json::Value;

#[path = "one_shot_sampler.rs"]
mod sampler;

use sampler::{Conditioning, CoverSwitch, OneShot, Repaint, levels};

use super::network::Network;
use crate::case::{Case, Golden, Report, Tensor};
use crate::model::{Machine, condition, dit_part};
use crate::solver;

/// Arguments of the sampler that are read here; any other would be ignored in silence.
const ARGUMENTS: [&str; 12] = [
    "infer_steps",
    "shift",
    "infer_method",
    "cover_noise_strength",
    "audio_cover_strength",
    "repaint_crossfade_frames",
    "repaint_injection_ratio",
    "dcw_enabled",
    "dcw_mode",
    "dcw_scaler",
    "dcw_high_scaler",
    "dcw_wavelet",
];

pub fn run(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    let arguments = case.entry["args"].as_object().cloned().unwrap_or_default();
    for unknown in arguments.keys().filter(|it| !ARGUMENTS.contains(&it.as_str())) {
        report.fail(case, format!("the argument `{unknown}` is not known"));
    }
    for machine in Machine::ON_HOST {
        let first = condition::prepared(machine, &part, case);
        compare_condition(case, "cond0", &first, report);
        let second = arguments.contains_key("audio_cover_strength").then(|| {
            let second = condition::prepared(machine, &part, &text_only(case));
            compare_condition(case, "cond1", &second, report);
            second
        });
        let rows = case.tensor("noise.init0").shape[0];
        let told = |all: &'_ (engine::model::pack::Padded, Vec<f32>), row: usize| -> (Vec<f32>, Vec<f32>) {
            let (tokens, context) = (all.0.values.len() / rows, all.1.len() / rows);
            (all.0.values[row * tokens..][..tokens].to_vec(), all.1[row * context..][..context].to_vec())
        };
        let mut found = Vec::new();
        for row in 0..rows {
            let (first, second) = (told(&first, row), second.as_ref().map(|it| told(it, row)));
            let mut network = Network::new(machine, &part);
            found.extend(generated(case, row, &arguments, &first, second.as_ref(), &mut network));
        }
        let what = format!("target_latents ({machine:?})");
        report.compare(case, &what, &found, &case.tensor("target_latents").data, case.tolerance("target_latents"));
    }
}

fn generated(
    case: &Case,
    row: usize,
    arguments: &serde_json::Map<String, Value>,
    first: &(Vec<f32>, Vec<f32>),
    second: Option<&(Vec<f32>, Vec<f32>)>,
    network: &mut Network<'_>,
) -> Vec<f32> {
    let number = |key: &str| arguments.get(key).and_then(Value::as_f64);
    let part_of = |name: &str| case.tensors.get(name).map(|it| part(it, row));
    let told = |it: &'_ (Vec<f32>, Vec<f32>)| -> (Vec<f32>, Vec<f32>) { it.clone() };
    let (first, second) = (told(first), second.map(told));
    let conditioning = Conditioning { tokens: &first.0, context: &first.1 };
    let mask: Option<Vec<bool>> = part_of("repaint_mask").map(|it| it.iter().map(|it| *it != 0.0).collect());
    let repaint = mask.as_ref().zip(part_of("clean_src_latents")).map(|(mask, clean)| Repaint {
        mask,
        clean,
        injection: number("repaint_injection_ratio").unwrap_or(0.5),
        crossfade: number("repaint_crossfade_frames").map_or(10, |it| it as usize),
    });
    let shot = OneShot {
        levels: levels(number("infer_steps").map(|it| it as usize), number("shift").unwrap_or(3.0)),
        method: if arguments.get("infer_method").is_some_and(|it| it == "sde") { Method::Sde } else { Method::Ode },
        correction: correction(case, arguments),
        seed: 0,
        conditioning,
        switch: second.as_ref().map(|(tokens, context)| CoverSwitch {
            strength: number("audio_cover_strength").expect("a switch has a strength"),
            then: Conditioning { tokens, context },
        }),
        cover: part_of("src_latents").zip(number("cover_noise_strength")),
        repaint,
    };
    shot.generate(network, &Draws { case, row }).unwrap_or_else(|error| panic!("{}: {error}", case.path))
}

fn correction(case: &Case, arguments: &serde_json::Map<String, Value>) -> Correction {
    let settings: serde_json::Map<String, Value> = arguments
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("dcw_")?.to_owned(), value.clone())))
        .collect();
    let enabled = settings.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    let number = |it: &Value| Curve::Scalar(it.as_f64().expect("a scaler is a number") as f32);
    Correction { enabled, ..solver::correction(case, &Value::Object(settings), &Correction::default(), number) }
}

fn part(tensor: &Tensor, row: usize) -> &[f32] {
    let numbers = tensor.data.len() / tensor.shape[0];
    &tensor.data[row * numbers..][..numbers]
}

fn compare_condition(case: &Case, name: &str, found: &(engine::model::pack::Padded, Vec<f32>), report: &mut Report) {
    report.compare_tensor(case, &format!("{name}.encoder_hidden_states"), &found.0.values);
    report.compare_tensor(case, &format!("{name}.context_latents"), &found.1);
}

/// The case as the sampler sees it once it is no cover any more: other text, and silence for a source.
fn text_only(case: &Case) -> Case {
    let mut tensors: BTreeMap<String, Tensor> = case.tensors.clone();
    for name in ["text_hidden_states", "text_attention_mask"] {
        tensors.insert(name.into(), case.tensor(&format!("non_cover_{name}")).clone());
    }
    let source = case.tensor("src_latents");
    let numbers = source.data.len() / source.shape[0];
    let silence = &case.tensor("silence_latent").data[..numbers];
    let repeated = Tensor { data: silence.repeat(source.shape[0]), ..source.clone() };
    tensors.insert("src_latents".into(), repeated);
    let covers = case.tensor("is_covers");
    let none = covers.ids.as_ref().map(|it| vec![0; it.len()]);
    tensors.insert("is_covers".into(), Tensor { data: vec![0.0; covers.data.len()], ids: none, ..covers.clone() });
    Case { path: case.path.clone(), entry: case.entry.clone(), tensors }
}

/// Recorded draws of one row.
struct Draws<'a> {
    case: &'a Case,
    row: usize,
}

impl NoiseSource for Draws<'_> {
    fn fill(&self, draw: &Draw, first_frame: usize, out: &mut [f32]) {
        let name = match draw.purpose {
            Purpose::Start => "noise.init0".into(),
            Purpose::Step { step } => format!("noise.renoise{step}"),
            Purpose::Mask => panic!("the one-shot sampler has no masks"),
        };
        out.copy_from_slice(&part(self.case.tensor(&name), self.row)[first_frame * LATENT_CHANNELS..][..out.len()]);
    }
}
