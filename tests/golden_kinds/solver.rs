//! Golden cases of the solver: primitives of a step, schedules, guidance, wavelets and channel gains.
//!
//! Parameters come from the manifest entry, never from the file's name: a number is itself, a string names a tensor, and
//! where the entry says "see key" the key is read (`g3` is 3, `g7p5` is 7.5, `gcurve` the tensor `guidance_curve`).

use engine::latent::LATENT_CHANNELS;
use engine::solver::blend::VelocityMix;
use engine::solver::curve::Curve;
use engine::solver::dcw::{Bands, Correction, CorrectionRoom, Faders};
use engine::solver::gain::{self, ChannelGain};
use engine::solver::guidance::{Axis, DEFAULT_MOMENTUM, Guidance, GuidanceKnobs, GuidanceLaw, Velocities};
use engine::solver::mask::{MaskStrength, blend_before};
use engine::solver::noise::{Draw, NoiseSource, Purpose};
use engine::solver::schedule::{Grain, Sampling, ScheduleLaw};
use engine::solver::step::{Method, StepLaw, StepSpan, TargetPull};
use engine::solver::sweep::{Operands, Sweep, SweepRoom};
use engine::solver::wavelet::Wavelet;
use serde_json::Value;

use crate::case::{Case, Golden, Report, Tolerance};

/// The kinds that [`run`] knows.
pub const KINDS: [&str; 5] = ["solver_unit", "schedules", "dcw", "wavelets", "channel_gain"];

/// What computes a step. A case that has no latents of its own (schedules, wavelets alone) is the host's on every machine.
pub trait Arithmetic {
    /// One step of the case's `xt` under its `vt`, with its `noise`, `source` and `x0_target`.
    fn stepped(&mut self, case: &Case, law: StepLaw<'_>) -> Vec<f32>;

    /// What the network sees of the case's `xt` where a mask keeps its `original`, and its `x0` after the mask.
    fn masked(&mut self, case: &Case, t: f32, mask: &Curve, strength: MaskStrength, at: [usize; 2]) -> [Vec<f32>; 2];

    /// Velocities of one slot, by name, under their weights.
    fn mixed(&mut self, case: &Case, parts: Vec<(&str, Option<Curve>)>) -> Vec<f32>;

    /// Guided velocities of successive steps and the average after each, where it can be seen. None where the machine
    /// knows the instrument's own law only.
    fn guided(&mut self, law: &GuidanceLaw, knobs: GuidanceKnobs<'_>, steps: &[[&[f32]; 2]]) -> Option<Vec<Guided>>;

    /// `x` corrected toward `prediction`, both of one row, `[frames, channels]`.
    fn corrected(&mut self, by: &Correction, t: f32, channels: usize, prediction: &[f32], x: &[f32]) -> Vec<f32>;

    /// `x` as the network sees it.
    fn gained(&mut self, gains: &[ChannelGain], x: &[f32]) -> Vec<f32>;

    /// Whether what a step hides can be asked for alone: rescaling and projection without guidance.
    fn shows_parts(&self) -> bool;
}

/// A guided velocity, and the average after it.
pub type Guided = (Vec<f32>, Option<Vec<f32>>);

/// Runs one case.
pub fn run(golden: &Golden, case: &Case, report: &mut Report) {
    match case.kind() {
        "schedules" => schedules(golden, case, report),
        "wavelets" => wavelets(case, report),
        _ => run_steps(&mut OnCpu, case, report),
    }
}

/// Runs one case that is arithmetic on latents (`solver_unit`, `dcw`, `channel_gain`) on a machine.
pub fn run_steps(machine: &mut dyn Arithmetic, case: &Case, report: &mut Report) {
    match case.kind() {
        "dcw" => corrections(machine, case, report),
        "channel_gain" => channel_gains(machine, case, report),
        // Four different families share this kind; their parameters tell them apart.
        _ if case.entry.get("variants").is_some() => guidance(machine, case, report),
        _ if case.tensors.contains_key("v0") => velocity_blends(machine, case, report),
        _ if case.tensors.keys().any(|it| it.starts_with("mask_")) => masks(machine, case, report),
        _ => steps(machine, case, report),
    }
}

/// A number, or the tensor that a string names.
pub fn curve(case: &Case, value: &Value) -> Curve {
    match value {
        Value::String(name) => Curve::from(case.tensor(name).data.clone()),
        number => Curve::Scalar(number.as_f64().unwrap_or_else(|| panic!("{number} is no curve")) as f32),
    }
}

fn entries<'a>(case: &'a Case, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = case.entry[key].as_array();
    list.unwrap_or_else(|| panic!("{}: the entry has no list `{key}`", case.path)).iter()
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("`{key}` of {value} is no number"))
}

/// `7p5` is 7.5.
fn number_in_key(text: &str) -> Option<f32> {
    text.replace('p', ".").replace("neg", "-").parse().ok()
}

struct Recorded<'a>(&'a [f32]);

impl NoiseSource for Recorded<'_> {
    fn fill(&self, _draw: &Draw, first_frame: usize, out: &mut [f32]) {
        out.copy_from_slice(&self.0[first_frame * LATENT_CHANNELS..][..out.len()]);
    }
}

fn steps(machine: &mut dyn Arithmetic, case: &Case, report: &mut Report) {
    let one = |name: &str| curve(case, &Value::from(name));
    let (scale, ode_noise, source_blend) = (one("velocity_scale"), one("ode_noise_curve"), one("sde_denoise_curve"));
    let target_curve = one("x0_target_curve");
    for it in entries(case, "cases") {
        let span = StepSpan { now: number(it, "t_curr") as f32, next: number(it, "t_next") as f32 };
        let prefix = format!("c{}.", it["case"]);
        let ode = StepLaw {
            span,
            method: Method::Ode,
            velocity_scale: None,
            source_blend: None,
            ode_noise: None,
            mask: None,
            target: None,
        };
        let last = StepLaw { span: StepSpan { next: 0.0, ..span }, ..ode };
        for name in case.tensors.keys().filter_map(|it| it.strip_prefix(&prefix)) {
            let scalar = name.rsplit_once("_scalar_").and_then(|(_, it)| number_in_key(it)).map(Curve::Scalar);
            let blend = scalar.as_ref().unwrap_or(&source_blend);
            let pull = scalar.as_ref().unwrap_or(&target_curve);
            let law = match name.split("_scalar_").next().expect("split gives one part at least") {
                "ode_plain" => ode,
                "ode_vs" => StepLaw { velocity_scale: Some(&scale), ..ode },
                "ode_vs_noise" => StepLaw { velocity_scale: Some(&scale), ode_noise: Some(&ode_noise), ..ode },
                "sde_renoise" => StepLaw { method: Method::Sde, ..ode },
                "sde_curve" => StepLaw { source_blend: Some(blend), ..ode },
                "x0_from_vel" => last,
                "x0_blend" => StepLaw { target: Some(TargetPull { strength: pull, factor: 1.0 }), ..last },
                other => {
                    report.fail(case, format!("the step `{other}` is not known"));
                    continue;
                }
            };
            report.compare_tensor(case, &format!("{prefix}{name}"), &machine.stepped(case, law));
        }
    }
}

fn masks(machine: &mut dyn Arithmetic, case: &Case, report: &mut Report) {
    for it in entries(case, "cases") {
        let key = it["key"].as_str().expect("every case has a key");
        // `soft2d` is the mask `soft`, given to the published code in another shape.
        let name =
            it["mask"].as_str().expect("every case names its mask").trim_end_matches("2d").trim_end_matches("3d");
        let mask = curve(case, &Value::from(format!("mask_{name}")));
        let at = [number(it, "step") as usize, number(it, "total") as usize];
        let t = number(it, "t_curr") as f32;
        let [before, after] = machine.masked(case, t, &mask, mask_strength(&it["strength"]), at);
        report.compare_tensor(case, &format!("{key}.pre"), &before);
        report.compare_tensor(case, &format!("{key}.post"), &after);
    }
}

/// A number, or words of the form `1 - 0.5*step/total`.
pub fn mask_strength(value: &Value) -> MaskStrength {
    if value.is_null() {
        return MaskStrength::FULL;
    }
    if let Some(start) = value.as_f64() {
        return MaskStrength { start, slope: 0.0 };
    }
    let text = value.as_str().unwrap_or_else(|| panic!("a mask's strength is a number or words, not {value}"));
    let parsed = text.replace(' ', "").strip_suffix("*step/total").and_then(|it| {
        let sign = it.rfind(['+', '-']).filter(|at| 0 < *at)?;
        Some(MaskStrength { start: it[..sign].parse().ok()?, slope: it[sign..].parse().ok()? })
    });
    parsed.unwrap_or_else(|| panic!("the mask strength `{text}` is not known"))
}

fn velocity_blends(machine: &mut dyn Arithmetic, case: &Case, report: &mut Report) {
    let data = |name: &str| &case.tensor(name).data[..];
    let weight = |name: &str| Some(Curve::from(data(name).to_vec()));
    let rest = || Some(Curve::from(data("w1").iter().map(|it| 1.0 - it).collect::<Vec<_>>()));
    type Parts = Vec<(&'static str, Option<Curve>)>;
    let blends: [(&str, Parts); 4] = [
        ("two_weighted", vec![("v0", rest()), ("v1", weight("w1"))]),
        ("three_mixed_rank", vec![("v0", weight("w0")), ("v1", weight("w1")), ("v2", weight("w2"))]),
        ("none_plus_w0", vec![("v0", None), ("v1", weight("w0"))]),
        ("zero_weight_frames", vec![("v0", weight("z0")), ("v1", weight("z1"))]),
    ];
    for (name, parts) in blends {
        let sum = machine.mixed(case, parts);
        report.compare_tensor(case, name, &sum);
    }
}

fn guidance(machine: &mut dyn Arithmetic, case: &Case, report: &mut Report) {
    let variants = case.entry["variants"].as_object().expect("the entry lists variants");
    for (key, variant) in variants {
        guided_steps(machine, case, key, variant, report);
    }
    if machine.shows_parts() {
        parts_of_guidance(case, report);
    }
}

fn parts_of_guidance(case: &Case, report: &mut Report) {
    let data = |name: &str| &case.tensor(name).data[..];
    let positive = data("pos0");
    let frames = positive.len() / LATENT_CHANNELS;
    let mut room = Guidance::new(frames, LATENT_CHANNELS);
    for name in case.tensors.keys().filter(|it| it.starts_with("rescale_")) {
        let amount = match &name["rescale_".len()..] {
            "in" | "curve" => continue,
            "curve_out" => curve(case, &Value::from("rescale_curve")),
            key => Curve::Scalar(number_in_key(key).unwrap_or_else(|| panic!("the rescale `{name}` is not known"))),
        };
        let mut guided = data("rescale_in").to_vec();
        // The reference pulls toward the second step's positive velocity.
        room.rescale(Axis::Time, &amount, data("pos1"), LATENT_CHANNELS, &mut guided);
        report.compare_tensor(case, name, &guided);
    }
    let [parallel, orthogonal] = projected(&mut room, positive, data("neg0"));
    report.compare_tensor(case, "project_parallel", &parallel);
    report.compare_tensor(case, "project_orthogonal", &orthogonal);
}

/// `negative - positive`, split along `positive` over all frames, channel by channel, by the guidance that is played: without a
/// limit and without memory `eta` 0 adds the orthogonal part of `positive - negative`, and `eta` 1 all of it. The push is large,
/// so that the velocity it is added to costs none of the digits, and a power of two, so that it costs none itself.
fn projected(room: &mut Guidance, positive: &[f32], negative: &[f32]) -> [Vec<f32>; 2] {
    const PUSH: f32 = 4096.0;
    let (scale, momentum) = (Curve::Scalar(1.0 + PUSH), Curve::Scalar(0.0));
    let mut added = |eta: f32| -> Vec<f64> {
        let law = GuidanceLaw { norm_threshold: 0.0, eta, axis: Axis::Time };
        let (mut average, mut out) = (vec![0.0; positive.len()], vec![0.0; positive.len()]);
        let it = &mut Velocities { positive, negative, average: &mut average, out: &mut out };
        room.guide(&law, GuidanceKnobs { scale: &scale, momentum: &momentum }, LATENT_CHANNELS, it);
        let pushed = out.iter().zip(positive).map(|(&out, &p)| (f64::from(out) - f64::from(p)) / f64::from(PUSH));
        pushed.collect()
    };
    let (orthogonal, whole) = (added(0.0), added(1.0));
    let parallel = orthogonal.iter().zip(&whole).map(|(orthogonal, whole)| (orthogonal - whole) as f32);
    [parallel.collect(), orthogonal.iter().map(|it| -it as f32).collect()]
}

fn guided_steps(machine: &mut dyn Arithmetic, case: &Case, key: &str, variant: &Value, report: &mut Report) {
    let given = |name: &str, prefixes: [&str; 2], tensor: &str, default: f32| -> Curve {
        if let Some(number) = variant[name].as_f64() {
            return Curve::Scalar(number as f32);
        }
        let parts = key.split('_').filter_map(|part| prefixes.iter().find_map(|it| part.strip_prefix(it)));
        let mut found = parts.filter_map(|rest| match rest {
            "curve" => Some(curve(case, &Value::from(tensor))),
            rest => number_in_key(rest).map(Curve::Scalar),
        });
        found.next_back().unwrap_or(Curve::Scalar(default))
    };
    let scale = given("guidance_scale", ["g", "g"], "guidance_curve", 1.0);
    let momentum = given("momentum", ["mom", "m"], "momentum_curve", DEFAULT_MOMENTUM);
    let mut law = GuidanceLaw::default();
    if let Some(eta) = variant["eta"].as_f64() {
        law.eta = eta as f32;
    }
    if let Some(threshold) = variant["norm_threshold"].as_f64() {
        law.norm_threshold = threshold as f32;
    }
    law.axis = match variant["dims"].as_array().map(|it| it[0].as_i64()) {
        None | Some(Some(1 | -2)) => Axis::Time,
        _ => Axis::Channels,
    };
    let data = |name: String| &case.tensor(&name).data[..];
    let count = (0..).take_while(|step| case.tensors.contains_key(&format!("{key}.step{step}"))).count();
    let steps: Vec<[&[f32]; 2]> =
        (0..count).map(|step| [data(format!("pos{step}")), data(format!("neg{step}"))]).collect();
    let knobs = GuidanceKnobs { scale: &scale, momentum: &momentum };
    for (step, (out, average)) in machine.guided(&law, knobs, &steps).into_iter().flatten().enumerate() {
        report.compare_tensor(case, &format!("{key}.step{step}"), &out);
        if let Some(average) = average {
            report.compare_tensor(case, &format!("{key}.avg{step}"), &average);
        }
    }
}

fn schedules(golden: &Golden, case: &Case, report: &mut Report) {
    let rows = golden.json(&case.path);
    for row in rows.as_array().expect("schedules are a list") {
        let sampling = Sampling {
            steps: number(row, "steps") as usize,
            shift: number(row, "shift") as f32,
            law: ScheduleLaw::Stepped,
        };
        let grain = match row["dtype"].as_str() {
            Some("f16") => Grain::F16,
            Some("bf16") => Grain::Bf16,
            _ => Grain::F32,
        };
        let mut levels = Vec::new();
        sampling.levels_into(number(row, "denoise"), grain, &mut levels);
        let expected: Vec<f32> =
            row["t"].as_array().expect("levels").iter().map(|it| it.as_f64().expect("a level") as f32).collect();
        let what = format!("shift {} steps {} denoise {} {}", row["shift"], row["steps"], row["denoise"], row["dtype"]);
        // The manifest allows half-precision rows one unit in the last place.
        let tolerance = match grain {
            Grain::F32 => case.tolerance("f32"),
            Grain::F16 => Tolerance { absolute: 6e-8, relative: f64::powi(2.0, -10) },
            Grain::Bf16 => Tolerance { absolute: 1e-38, relative: f64::powi(2.0, -7) },
        };
        report.compare(case, &what, &levels, &expected, tolerance);
    }
}

/// Reads settings as cases and events give them; absent fields keep what `before` says.
pub fn correction(case: &Case, value: &Value, before: &Correction, find: impl Fn(&Value) -> Curve) -> Correction {
    let mut after = before.clone();
    after.bands = match value["mode"].as_str() {
        None => before.bands,
        Some("low") => Bands::Low,
        Some("high") => Bands::High,
        Some("double") => Bands::Double,
        Some("pix") => Bands::Pix,
        Some(other) => panic!("{}: the correction mode `{other}` is not known", case.path),
    };
    if !value["scaler"].is_null() {
        after.scaler = find(&value["scaler"]);
    }
    if !value["high_scaler"].is_null() {
        after.high_scaler = find(&value["high_scaler"]);
    }
    if let Some(name) = value["wavelet"].as_str() {
        after.wavelet = Wavelet::named(name).unwrap_or_else(|| panic!("{}: no wavelet `{name}`", case.path));
    }
    if value["advanced"].is_object() {
        let fader = |name: &str| value["advanced"][name].as_f64().unwrap_or(0.0) as f32;
        let (soft_threshold, multiplicative, phase) = (fader("soft_thresh"), fader("mult_blend"), fader("mag_phase"));
        after.faders = Faders { soft_threshold, multiplicative, phase };
    }
    after
}

fn corrections(machine: &mut dyn Arithmetic, case: &Case, report: &mut Report) {
    let (x, y) = (case.tensor("x"), case.tensor("denoised"));
    let [batch, frames, channels] = x.shape[..] else { panic!("{}: x has three axes", case.path) };
    for it in entries(case, "cases") {
        let correction = correction(case, it, &Correction::default(), |value| curve(case, value));
        let t = number(it, "t_curr") as f32;
        let rows = (0..batch).map(|row| row * frames * channels..(row + 1) * frames * channels);
        let found: Vec<f32> = rows
            .flat_map(|row| machine.corrected(&correction, t, channels, &y.data[row.clone()], &x.data[row]))
            .collect();
        report.compare_tensor(case, it["key"].as_str().expect("every case has a key"), &found);
    }
}

fn wavelets(case: &Case, report: &mut Report) {
    let x = case.tensor("x");
    let [batch, channels, frames] = x.shape[..] else { panic!("{}: x has three axes", case.path) };
    assert_eq!(batch, 1, "{}: one signal", case.path);
    let turned = |data: &[f32], inner: usize| -> Vec<f32> {
        let outer = data.len() / inner;
        (0..data.len()).map(|at| data[(at % outer) * inner + at / outer]).collect()
    };
    for name in case.tensors.keys().filter_map(|it| it.strip_suffix(".dec_lo")) {
        let Some(wavelet) = Wavelet::named(name) else {
            report.fail(case, format!("no wavelet `{name}`"));
            continue;
        };
        let [low, high] = wavelet.filters();
        let backwards = |it: &[f32]| it.iter().rev().copied().collect::<Vec<f32>>();
        report.compare_tensor(case, &format!("{name}.rec_lo"), low);
        report.compare_tensor(case, &format!("{name}.rec_hi"), high);
        report.compare_tensor(case, &format!("{name}.dec_lo"), &backwards(low));
        report.compare_tensor(case, &format!("{name}.dec_hi"), &backwards(high));
        let band_frames = wavelet.band_frames(frames);
        let mut bands = [vec![0.0; band_frames * channels], vec![0.0; band_frames * channels]];
        let [low, high] = &mut bands;
        wavelet.split(&turned(&x.data, frames), channels, low, high);
        report.compare_tensor(case, &format!("{name}.low"), &turned(low, channels));
        report.compare_tensor(case, &format!("{name}.high"), &turned(high, channels));
        let mut back = vec![0.0; case.tensor(&format!("{name}.recon")).data.len()];
        wavelet.join(low, high, channels, &mut back);
        report.compare_tensor(case, &format!("{name}.recon"), &turned(&back, channels));
    }
}

/// Reads the ranges of a channel-gain list.
pub fn gains(entries: &Value, find: impl Fn(&Value) -> Curve) -> Vec<ChannelGain> {
    let list = entries.as_array().expect("channel gains are a list");
    let index = |it: &Value, key: &str| number(it, key) as usize;
    let range = |it: &Value| ChannelGain {
        first: index(it, "channel_start"),
        last: index(it, "channel_end"),
        gain: find(&it["scale"]),
    };
    list.iter().map(range).collect()
}

fn channel_gains(machine: &mut dyn Arithmetic, case: &Case, report: &mut Report) {
    let gains = gains(&case.entry["entries"], |value| curve(case, value));
    let expected = &case.tensor("gain").data;
    let x = &case.tensor("xt").data;
    // One frame stands for all where no gain is drawn.
    let found = machine.gained(&gains, &vec![1.0; x.len()]);
    report.compare_tensor(case, "gain", &found[..expected.len()]);
    report.compare_tensor(case, "decoder_input", &machine.gained(&gains, x));
}

/// The CPU's solver, part by part.
struct OnCpu;

impl Arithmetic for OnCpu {
    fn stepped(&mut self, case: &Case, law: StepLaw<'_>) -> Vec<f32> {
        let data = |name: &str| &case.tensor(name).data[..];
        let operands = Operands {
            seen: None,
            velocity: data("vt"),
            source: Some(data("source")),
            original: None,
            target: Some(data("x0_target")),
        };
        let mut x = data("xt").to_vec();
        let draw = Draw { seed: 0, generation: 0, purpose: Purpose::Start };
        let (noise, correction) = (&Recorded(data("noise")), &Correction::off());
        let mut room = SweepRoom::new(x.len() / LATENT_CHANNELS);
        assert!(Sweep { law, operands, noise, draw, correction }.run(&mut room, &mut x), "the step is finite");
        x
    }

    fn masked(&mut self, case: &Case, t: f32, mask: &Curve, strength: MaskStrength, at: [usize; 2]) -> [Vec<f32>; 2] {
        let data = |name: &str| &case.tensor(name).data[..];
        let original = data("original");
        let mut before = vec![0.0; original.len()];
        let mut after = data("x0").to_vec();
        let frames = original.len() / LATENT_CHANNELS;
        let strength = strength.at(at[0], at[1]);
        for frame in 0..frames {
            let row = frame * LATENT_CHANNELS..(frame + 1) * LATENT_CHANNELS;
            let m = mask.at(frame, frames) * strength;
            let (x, noise) = (&data("xt")[row.clone()], &data("noise")[row.clone()]);
            blend_before(m, t, x, noise, &original[row.clone()], &mut before[row.clone()]);
            // After the network the instrument blends within its step's weights; the published law, by itself.
            for (x0, &original) in after[row.clone()].iter_mut().zip(&original[row]) {
                *x0 = m * *x0 + (1.0 - m) * original;
            }
        }
        [before, after]
    }

    fn mixed(&mut self, case: &Case, parts: Vec<(&str, Option<Curve>)>) -> Vec<f32> {
        let mut sum = vec![0.0; case.tensor(parts[0].0).data.len()];
        let frames = sum.len() / LATENT_CHANNELS;
        let mut mix = VelocityMix::new(frames);
        mix.begin(frames, &mut sum);
        for (velocity, weight) in parts {
            mix.add(weight.as_ref(), &case.tensor(velocity).data, &mut sum);
        }
        mix.end(&mut sum);
        sum
    }

    fn guided(&mut self, law: &GuidanceLaw, knobs: GuidanceKnobs<'_>, steps: &[[&[f32]; 2]]) -> Option<Vec<Guided>> {
        let numbers = steps[0][0].len();
        let mut average = vec![0.0; numbers];
        let mut room = Guidance::new(numbers / LATENT_CHANNELS, LATENT_CHANNELS);
        let guided = steps.iter().map(|&[positive, negative]| {
            let mut out = vec![0.0; numbers];
            let mut velocities = Velocities { positive, negative, average: &mut average, out: &mut out };
            room.guide(law, GuidanceKnobs { ..knobs }, LATENT_CHANNELS, &mut velocities);
            (out, Some(average.clone()))
        });
        Some(guided.collect())
    }

    fn corrected(&mut self, by: &Correction, t: f32, channels: usize, prediction: &[f32], x: &[f32]) -> Vec<f32> {
        let mut found = x.to_vec();
        let mut room = CorrectionRoom::new(x.len() / channels, channels);
        by.apply(t, prediction, channels, &mut room, &mut found);
        found
    }

    fn gained(&mut self, gains: &[ChannelGain], x: &[f32]) -> Vec<f32> {
        let mut seen = vec![0.0; x.len()];
        gain::apply::<LATENT_CHANNELS>(gains, x, &mut seen);
        seen
    }

    fn shows_parts(&self) -> bool {
        true
    }
}
