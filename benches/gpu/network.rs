//! What is measured of a denoiser and a codec on the card, whoever computes them: goldens of the tiny models in every
//! precision, ticks of a synthetic 2B model, windows against the decode of everything, memory.

use std::sync::Arc;
use std::time::Instant;

use engine::backend::Backend;
use engine::backend::cuda::{Device, DeviceBackend, Network};
use engine::graph::{Precision, WeightSource};
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME};
use engine::live::WindowDecoder;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::{self, Extras};
use engine::model::vae;
use engine::ring::Request;
use engine::ring::StepControls;
use engine::ring::plan::{Birth, PlanRow, SlotStep, TickPlan};
use engine::solver::dcw::Correction;
use engine::solver::noise::{Draw, NoiseSource};
use engine::solver::step::StepSpan;

use super::Settings;
use super::machinery::{Besides, parts};
use super::report::Report;
use super::stage::{Motion, STEPS, Stage};
use super::synthetic::{self, RandomWeights};
use crate::case::{Case, Golden};
use crate::model::{codec_part, dit_part};

/// Sizes of a denoiser.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Latent frames.
    pub frames: usize,
    /// Condition tokens.
    pub tokens: usize,
    /// Batches that are prepared, ascending.
    pub batches: Vec<usize>,
    /// What it computes in.
    pub precision: Precision,
}

/// Whoever computes networks on the card. What cannot be made is refused in words.
pub trait Maker {
    /// A denoiser.
    fn denoiser(
        &self,
        config: &DitConfig,
        weights: &dyn WeightSource,
        shape: &Shape,
    ) -> Result<Box<dyn Network>, String>;

    /// Windows of these lengths on a tape of `frames`; `exact` ones may not round factors to ten bits.
    fn windows(
        &self,
        config: &CodecConfig,
        weights: &dyn WeightSource,
        keeps: &[usize],
        frames: usize,
        exact: bool,
    ) -> Result<Box<dyn WindowDecoder>, String>;
}

/// Every figure and check of one maker.
pub fn run(device: &Arc<Device>, maker: &dyn Maker, besides: &Besides, settings: &Settings, report: &mut Report) {
    if let Some(golden) = settings.golden() {
        report.part("goldens of the denoiser", |report| goldens(device, maker, &golden, settings, report));
        report.part("goldens of the decoder", |report| golden_windows(maker, &golden, report));
    }
    report.part("synthetic denoiser", |report| ticks(device, maker, besides, settings, report));
    report.part("synthetic codec", |report| windows(device, maker, settings, report));
}

/// Of products; the residual stream is f32 with all of them.
const PRECISIONS: [(Precision, &str); 3] =
    [(Precision::F32, "f32"), (Precision::F16, "f16"), (Precision::Bf16, "bf16")];

/// Root mean square of the error, as a share of the velocity's, that a precision may cost. f32 has the manifest's own
/// tolerance instead. The tiny models are noise and cost somewhat more than trained ones.
fn allowed(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-4,
        Precision::Bf16 => 0.03,
        Precision::F16 => 0.004,
    }
}

fn goldens(device: &Arc<Device>, maker: &dyn Maker, golden: &Golden, settings: &Settings, report: &mut Report) {
    let cases: Vec<Case> = golden.cases_of(|it| it == "dit_forward").filter(same_times).collect();
    // Spread over the list, so that lengths, batches and both families are among them.
    let apart = (cases.len() / settings.golden_networks.max(1)).max(1);
    for (precision, word) in PRECISIONS {
        for case in cases.iter().step_by(apart).take(settings.golden_networks) {
            let name = format!("{word}, {}", case.path);
            match velocities(device, maker, golden, case, precision) {
                Err(words) => report.skip(name, words),
                Ok(found) => {
                    let [share, worst] = errors(case, &found);
                    let (holds, limit) = if precision == Precision::F32 {
                        (worst <= 1.0, "within the manifest's tolerance")
                    } else {
                        (share <= allowed(precision), "within 3 % (bf16) or 0.4 % (f16) of the velocity")
                    };
                    report.target(format!("{name}: error"), 100.0 * share, "% of the velocity", holds, limit);
                    report.number(format!("{name}: worst number"), worst, "of the f32 tolerance");
                }
            }
        }
    }
}

/// The samplers' times are alike, and a time near zero would leave nothing of the velocity in a step.
fn same_times(case: &Case) -> bool {
    let t = &case.tensor("timestep").data;
    *t == case.tensor("timestep_r").data && t.iter().all(|it| 0.1 < *it) && case.tensor("xt").shape[1] < 512
}

/// Root mean square of the error over that of the reference; and the worst number's share of the manifest's tolerance.
fn errors(case: &Case, found: &[f32]) -> [f64; 2] {
    let (expected, tolerance) = (&case.tensor("velocity").data, case.tolerance("velocity"));
    let (mut error, mut size, mut worst) = (0.0, 0.0, 0.0_f64);
    for (&found, &expected) in found.iter().zip(expected) {
        let (found, expected) = (f64::from(found), f64::from(expected));
        error += (found - expected).powi(2);
        size += expected.powi(2);
        worst = worst.max((found - expected).abs() / (tolerance.absolute + tolerance.relative * expected.abs()));
    }
    [(error / size).sqrt(), if error.is_nan() { f64::INFINITY } else { worst }]
}

/// The velocities of a case: each row is one slot's only step, from its `xt` to sound.
fn velocities(
    device: &Arc<Device>,
    maker: &dyn Maker,
    golden: &Golden,
    case: &Case,
    precision: Precision,
) -> Result<Vec<f32>, String> {
    let part = dit_part(golden, case);
    let [rows, frames, _] = case.tensor("xt").shape[..] else { panic!("{}: xt has three axes", case.path) };
    let tokens = case.tensor("encoder_hidden_states").shape[1];
    let shape = Shape { frames, tokens, batches: vec![1], precision };
    let network = maker.denoiser(&part.config, &part.weights, &shape)?;
    let mut backend = DeviceBackend::new(device, network).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for row in 0..rows {
        let of = |name: &str| {
            let numbers = &case.tensor(name).data;
            let count = numbers.len() / rows;
            numbers[row * count..(row + 1) * count].to_vec()
        };
        let (x, t) = (of("xt"), of("timestep")[0]);
        let request = Request::new(frames, of("context_latents").into(), of("encoder_hidden_states").into());
        backend.replay_noise(Start(x.clone()));
        let birth = Birth { slot: 0, request: Arc::new(request), start: 1.0 };
        backend.fill(&birth).map_err(|error| error.to_string())?;
        let span = StepSpan { now: t, next: 0.0 };
        let step = SlotStep { slot: 0, step: 0, steps: 1, span, positive: 0..1, negative: 0..0 };
        let positive = vec![PlanRow { slot: 0, condition: 0 }];
        let plan = TickPlan { positive, steps: vec![step], ..TickPlan::new() };
        let off = StepControls { correction: Some(Correction::off()), ..StepControls::default() };
        backend.advance(&plan, &off).map_err(|error| error.to_string())?;
        found.extend(x.iter().zip(backend.latent(0)).map(|(x, sound)| (x - sound) / t));
    }
    Ok(found)
}

/// A slot that starts here.
struct Start(Vec<f32>);

impl NoiseSource for Start {
    fn fill(&self, _draw: &Draw, first_frame: usize, out: &mut [f32]) {
        out.copy_from_slice(&self.0[first_frame * LATENT_CHANNELS..][..out.len()]);
    }
}

/// The middle of a golden decode of the codec with the published strides, as the window of a tape.
fn golden_windows(maker: &dyn Maker, golden: &Golden, report: &mut Report) {
    let mut cases = golden.cases_of(|it| it == "vae_windowed_decode");
    let Some(case) = cases.find(|it| it.entry["model"] == "vae_hop1920") else {
        return report.skip("goldens of the decoder", "the folder has no windowed decode of vae_hop1920");
    };
    let part = codec_part(golden, &case);
    let tape = &case.tensor("latents_btd").data;
    let frames = tape.len() / LATENT_CHANNELS;
    let context = part.config.decode_context();
    let keep = frames - 2 * context;
    let mut windows = match maker.windows(&part.config, &part.weights, &[keep], frames, true) {
        Ok(windows) => windows,
        Err(words) => return report.skip(format!("f32, {}", case.path), words),
    };
    let mut sound = vec![[0.0; 2]; keep * SAMPLES_PER_LATENT_FRAME];
    windows.decode(tape, context, &mut sound).expect("the card can");
    let (audio, tolerance) = (&case.tensor("full_audio").data, case.tolerance("full_audio"));
    let first = context * SAMPLES_PER_LATENT_FRAME;
    let mut worst = 0.0_f64;
    for (at, sample) in sound.iter().enumerate() {
        for (channel, &found) in sample.iter().enumerate() {
            let expected = f64::from(audio[channel * frames * SAMPLES_PER_LATENT_FRAME + first + at]);
            let error =
                (f64::from(found) - expected).abs() / (tolerance.absolute + tolerance.relative * expected.abs());
            worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
        }
    }
    let name = format!("f32, {}: worst sample of a window", case.path);
    report.target(name, worst, "of the tolerance", worst <= 1.0, "within the manifest's tolerance");
}

fn ticks(device: &Arc<Device>, maker: &dyn Maker, besides: &Besides, settings: &Settings, report: &mut Report) {
    let config = synthetic::denoiser(settings.size);
    let graphs = [dit::graph(&config, Extras::default())];
    let weights = RandomWeights::of(&graphs, &config);
    let shape = Shape {
        frames: settings.frames,
        tokens: settings.tokens,
        batches: settings.depths.clone(),
        precision: Precision::F16,
    };
    let free = || device.memory().map_or(0, |(free, _)| free);
    let (before, start) = (free(), Instant::now());
    let network = match maker.denoiser(&config, &weights, &shape) {
        Ok(network) => network,
        Err(words) => return report.skip("ticks", words),
    };
    report.number("making the denoiser for every depth", start.elapsed().as_secs_f64(), "s");
    let mut stage = Stage::new(device, network, 1, Motion::Plain).expect("the card has room");
    report.number("device memory, all depths", before.saturating_sub(free()) as f64 / 1e6, "MB");
    for &depth in &settings.depths {
        let name = format!("depth {depth}");
        stage.restart(depth);
        let runs = stage.ticks(settings.network_ticks);
        parts(report, &name, &runs);
        let mut ms: Vec<f64> = runs.iter().map(|it| it.tick_us / 1e3).collect();
        ms.sort_by(f64::total_cmp);
        let p50 = ms[ms.len() / 2];
        report.number(format!("{name}: generations a second"), depth as f64 * 1e3 / (STEPS as f64 * p50), "1/s");
        if let Some(besides) = besides.get(&depth).filter(|_| depth == 4) {
            let share = 100.0 * besides / (p50 * 1e3);
            let name = format!("{name}: everything besides the denoiser, guided, every control drawn");
            report.target(name, share, "% of a tick", share < 3.0, "under 3 %");
        }
        let flop = TERAFLOP_A_ROW_STEP * depth as f64;
        if settings.size == synthetic::Size::Published && settings.frames == 1500 {
            report.number(format!("{name}: arithmetic"), flop * 1e3 / p50, "TFLOP/s");
        }
    }
}

/// One row through the 2B denoiser at 60 s.
const TERAFLOP_A_ROW_STEP: f64 = 2.26;

fn windows(device: &Arc<Device>, maker: &dyn Maker, settings: &Settings, report: &mut Report) {
    let config = synthetic::codec(settings.size);
    let weights = RandomWeights::of(&[vae::decoder(&config, false)], &config);
    let tape = vec![0.1; settings.frames * LATENT_CHANNELS];
    let mut p50 = Vec::new();
    for &keep in &settings.windows {
        let name = format!("window of {} s", keep as f64 / 25.0);
        let before = device.memory().map_or(0, |it| it.0);
        let mut windows = match maker.windows(&config, &weights, &[keep], settings.frames, false) {
            Ok(windows) => windows,
            Err(words) => {
                report.skip(name, words);
                continue;
            }
        };
        let after = device.memory().map_or(0, |it| it.0);
        report.number(format!("{name}: device memory"), before.saturating_sub(after) as f64 / 1e6, "MB");
        let mut sound = vec![[0.0; 2]; keep * SAMPLES_PER_LATENT_FRAME];
        let runs = (0..settings.window_runs).map(|at| {
            let start = Instant::now();
            windows.decode(&tape, at * 7 % settings.frames, &mut sound).expect("the card can");
            start.elapsed().as_secs_f64() * 1e3
        });
        p50.push((keep, report.spread(name, runs.collect(), "ms").p50));
    }
    let of = |wanted: usize| p50.iter().find(|it| it.0 == wanted).map(|it| it.1);
    if let (Some(three), Some(all)) = (of(75), of(settings.frames)) {
        let times = all / three;
        report.target("full decode over a window of 3 s", times, "times", 8.0 <= times, "at least 8 times");
    }
}
