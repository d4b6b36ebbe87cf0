//! A stream script: requests and events, turned into what the ring takes.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::ring::request::CONTEXT_CHANNELS;
use engine::ring::{Condition, GuidanceMode, MaskRequest, Request, Ring, StepControls, TargetRequest};
use engine::solver::blend::BlendPath;
use engine::solver::curve::Curve;
use engine::solver::dcw::Correction;
use engine::solver::schedule::{Sampling, ScheduleLaw};
use engine::solver::step::Method;
use serde_json::Value;

use crate::case::{Case, Golden};
use crate::solver;

/// A script, read.
pub struct Script<'a> {
    case: &'a Case,
    pub depth: usize,
    pub sampling: Sampling,
    /// What the configuration sets for all slots.
    pub controls: StepControls,
    /// By name; the request's generation is its place in this order.
    pub requests: BTreeMap<String, Arc<Request>>,
    pub ticks: Vec<Value>,
    /// Requests with a row whose velocity was left out: a replay goes on without it, and their latents say nothing.
    pub unrecorded: BTreeSet<String>,
    /// Conditions read so far; see [`named`].
    conditions: Cell<u16>,
}

/// A row's tokens, and the number of its condition, which rides behind them: a backend may copy tokens to wherever it
/// likes, and two requests may say the same, so neither address nor words tell rows apart.
pub fn named(tokens: &[f32]) -> (u16, &[f32]) {
    let (number, tokens) = tokens.split_last().expect("every condition of a script has a number");
    (*number as u16, tokens)
}

/// How scripts name a row's condition.
pub fn condition_name(condition: usize, negative: bool) -> String {
    match (condition, negative) {
        (_, true) => format!("neg{condition}"),
        (0, false) => "primary".into(),
        (_, false) => format!("extra{}", condition - 1),
    }
}

impl<'a> Script<'a> {
    pub fn read(golden: &Golden, case: &'a Case) -> Self {
        let path = case.entry["script"].as_str().expect("a stream names its script");
        let json = golden.json(path);
        let config = &json["config"];
        let sampling = Sampling {
            steps: config["infer_steps"].as_u64().unwrap_or(8) as usize,
            shift: config["shift"].as_f64().unwrap_or(3.0) as f32,
            law: ScheduleLaw::Stepped,
        };
        let dcw: serde_json::Map<String, Value> = config.as_object().map_or_else(Default::default, |it| {
            it.iter().filter_map(|(key, value)| Some((key.strip_prefix("dcw_")?.to_owned(), value.clone()))).collect()
        });
        let mut script = Self {
            case,
            depth: json["initial_depth"].as_u64().map_or(sampling.steps, |it| it as usize),
            sampling,
            controls: StepControls::default(),
            requests: BTreeMap::new(),
            ticks: json["ticks"].as_array().expect("ticks are a list").clone(),
            unrecorded: BTreeSet::new(),
            conditions: Cell::new(0),
        };
        for row in script.ticks.iter().flat_map(|it| ["pos_rows", "neg_rows"].map(|side| &it[side])) {
            let rows = row.as_array().map_or(&[][..], |it| it);
            let unrecorded = rows.iter().filter(|row| row["recorded"] == false);
            script.unrecorded.extend(unrecorded.filter_map(|row| row["request"].as_str().map(str::to_owned)));
        }
        script.controls.method = Some(method(&config["infer_method"]));
        script.set_correction(&Value::Object(dcw), &Correction::default());
        let requests = json["requests"].as_object().expect("requests are named");
        for (generation, (name, it)) in requests.iter().enumerate() {
            script.requests.insert(name.clone(), Arc::new(script.request(generation, it)));
        }
        script
    }

    /// Applies an event of a tick.
    pub fn apply(&self, event: &Value, ring: &mut Ring, shared: &mut StepControls, tickets: &mut Vec<String>) {
        match event["op"].as_str().expect("every event has an op") {
            "submit" => {
                let name = event["request"].as_str().expect("a submission names its request");
                let submitted = ring.submit(Arc::clone(&self.requests[name]));
                let ticket = submitted.unwrap_or_else(|error| panic!("{name}: {error}")).ticket;
                assert_eq!(ticket, tickets.len() as u64, "tickets count submissions");
                tickets.push(name.to_owned());
            }
            "set_depth" => ring.set_depth(event["depth"].as_u64().expect("a depth") as usize),
            "set_shift" => ring.sampling.shift = event["shift"].as_f64().expect("a shift") as f32,
            "set_method" => shared.method = Some(method(&event["method"])),
            "set_channel_guidance" => {
                let entries = &event["entries"];
                let gains = if entries.is_null() { Vec::new() } else { solver::gains(entries, |it| self.curve(it)) };
                shared.channel_gains = Some(gains.into());
            }
            "set_dcw" => {
                let before = shared.correction.clone().unwrap_or_default();
                shared.correction = Some(self.correction(event, &before));
            }
            "set_shared_curve" => {
                let name = event["name"].as_str().expect("a shared curve has a name");
                let value = &event["value"];
                *control(shared, name) = if value.is_null() { None } else { Some(self.curve(value)) };
            }
            other => panic!("{}: the event `{other}` is not known", self.case.path),
        }
    }

    fn set_correction(&mut self, settings: &Value, before: &Correction) {
        self.controls.correction = Some(self.correction(settings, before));
    }

    fn correction(&self, settings: &Value, before: &Correction) -> Correction {
        let after = solver::correction(self.case, settings, before, |it| self.curve(it));
        Correction { enabled: settings["enabled"].as_bool().unwrap_or(before.enabled), ..after }
    }

    fn tensor(&self, name: &Value) -> Arc<[f32]> {
        let name = name.as_str().unwrap_or_else(|| panic!("{}: {name} names no tensor", self.case.path));
        self.case.tensor(&format!("in.{name}")).data.clone().into()
    }

    fn curve(&self, value: &Value) -> Curve {
        value.as_f64().map_or_else(|| Curve::Frames(self.tensor(value)), |it| Curve::Scalar(it as f32))
    }

    fn optional<T>(value: &Value, read: impl FnOnce(&Value) -> T) -> Option<T> {
        if value.is_null() { None } else { Some(read(value)) }
    }

    fn condition(&self, name: &Value, weight: &Value, steps: &Value) -> Condition {
        let name = name.as_str().expect("a condition has a name");
        let end = |at: usize| steps[at].as_f64().expect("a step range has two ends");
        let tokens = self.tensor(&Value::from(format!("{name}.enc")));
        let number = self.conditions.replace(self.conditions.get() + 1);
        Condition {
            tokens: tokens.iter().copied().chain([f32::from(number)]).collect(),
            weight: Self::optional(weight, |it| self.curve(it)),
            steps: Self::optional(steps, |_| end(0)..end(1)),
        }
    }

    fn conditions(&self, list: &Value) -> Vec<Condition> {
        let read = |it: &Value| self.condition(&it["cond"], &it["temporal_weight"], &it["step_range"]);
        list.as_array().map_or_else(Vec::new, |list| list.iter().map(read).collect())
    }

    fn request(&self, generation: usize, it: &Value) -> Request {
        let context = self.tensor(&it["context"]);
        let primary = self.condition(&it["cond"], &it["primary_temporal_weight"], &it["primary_step_range"]);
        let curve = |key: &str| Self::optional(&it[key], |it| self.curve(it));
        Request {
            frames: context.len() / CONTEXT_CHANNELS,
            seed: it["seed"].as_u64().unwrap_or(0),
            generation: generation as u64,
            denoise: it["denoise"].as_f64().unwrap_or(1.0),
            conditions: [vec![primary], self.conditions(&it["extra"])].concat(),
            negatives: self.conditions(&it["neg"]),
            path: BlendPath::Linear,
            guidance_mode: match it["rcfg_mode"].as_str() {
                None | Some("full") => GuidanceMode::Full,
                Some("initialize") => GuidanceMode::Initialize,
                Some("self") => GuidanceMode::OwnNoise,
                Some(other) => panic!("{}: the guidance mode `{other}` is not known", self.case.path),
            },
            context,
            source: Self::optional(&it["source"], |it| self.tensor(it)),
            start_noise: curve("initial_noise_curve"),
            mask: Self::optional(&it["mask"], |it| self.mask(it)),
            target: Self::optional(&it["x0_target"], |latent| TargetRequest {
                latent: self.tensor(latent),
                curve: curve("x0_target_curve"),
                gate: it["x0_target_gate"].as_f64().unwrap_or(0.0) as f32,
            }),
            controls: StepControls {
                source_blend: curve("sde_denoise_curve"),
                velocity_scale: curve("velocity_scale"),
                ode_noise: curve("ode_noise_curve"),
                target_strength: curve("x0_target_strength"),
                guidance_scale: curve("guidance_curve"),
                guidance_rescale: curve("cfg_rescale_curve"),
                momentum: curve("apg_momentum"),
                ..StepControls::default()
            },
        }
    }

    fn mask(&self, it: &Value) -> MaskRequest {
        MaskRequest {
            curve: self.curve(&it["mask"]),
            original: self.tensor(&it["original"]),
            strength: solver::mask_strength(&it["strength"]),
            noise: Self::optional(&it["noise"], |it| self.tensor(it)),
            seed: mask_seed(it["id"].as_str().expect("a mask has an id")),
        }
    }
}

/// A mask's id as a number.
pub fn mask_seed(id: &str) -> u64 {
    id.bytes().fold(0, |seed, byte| seed.wrapping_mul(257).wrapping_add(u64::from(byte)))
}

fn method(name: &Value) -> Method {
    match name.as_str() {
        None | Some("ode") => Method::Ode,
        Some("sde") => Method::Sde,
        Some(other) => panic!("the method `{other}` is not known"),
    }
}

fn control<'c>(controls: &'c mut StepControls, name: &str) -> &'c mut Option<Curve> {
    match name {
        "sde_denoise_curve" => &mut controls.source_blend,
        "velocity_scale" => &mut controls.velocity_scale,
        "ode_noise_curve" => &mut controls.ode_noise,
        "x0_target_strength" => &mut controls.target_strength,
        "guidance_curve" => &mut controls.guidance_scale,
        "cfg_rescale_curve" => &mut controls.guidance_rescale,
        "apg_momentum" => &mut controls.momentum,
        other => panic!("the shared curve `{other}` is not known"),
    }
}
