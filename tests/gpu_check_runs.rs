//! Goal: the harness that a machine with a card will be asked with works before it meets one: nothing is skipped in silence,
//! nothing passes that was not looked at.
//! Method: its parts run on the fake driver with few frames and ticks; networks are computed on the host.

#[path = "golden_kinds/card.rs"]
mod card;
#[path = "golden_kinds/case.rs"]
#[allow(dead_code, reason = "the other golden tests use the rest")]
mod case;
#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "../benches/gpu/mod.rs"]
#[allow(dead_code, reason = "the other test of the harness uses the rest")]
mod gpu;
#[path = "golden_kinds/model.rs"]
#[allow(dead_code, reason = "the other golden tests use the rest")]
mod model;
#[path = "ring_support/mod.rs"]
mod ring_support;
#[path = "golden_kinds/solver.rs"]
#[allow(dead_code, reason = "the other golden tests use the rest")]
mod solver;
#[path = "golden_kinds/stream.rs"]
#[allow(dead_code, reason = "the other golden tests use the rest")]
mod stream;

use std::path::Path;
use std::sync::Arc;

use engine::backend::cuda::{Device, HostNetwork, Network, NetworkShape};
use engine::backend::{BackendError, Denoiser, DenoiserError, DenoiserRow};
use engine::graph::cpu::{Packed, Plan, Pool};
use engine::graph::{Sizes, WeightSource};
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::live::WindowDecoder;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::{self, Extras};
use engine::model::vae;
use fake_cuda::FakeCuda;
use gpu::machinery::Besides;
use gpu::network::{Maker, Shape};
use gpu::report::{Figures, Found, Report, Row, Verdict, counts, row_from, row_json};
use gpu::synthetic::Size;
use gpu::{Settings, arithmetic, machinery, network, torch};
use tensorrt::Search;

fn verdict<'a>(report: &'a Report, name: &str) -> &'a Verdict {
    let exact = report.rows.iter().find(|it| it.name == name);
    let row = exact.or(report.rows.iter().find(|it| it.name.contains(name)));
    &row.unwrap_or_else(|| panic!("no row `{name}`")).verdict
}

fn failures(report: &Report) -> Vec<&Row> {
    report.rows.iter().filter(|it| matches!(it.verdict, Verdict::Failed(_))).collect()
}

#[test]
fn everything_but_the_networks_is_answered_without_a_card() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let mut report = Report::default();
    arithmetic::run(&device, &Settings::small(), &mut report);
    let besides = machinery::run(&device, &Settings::small(), &mut report);
    assert_eq!(failures(&report), Vec::<&Row>::new());
    assert_eq!(besides.keys().copied().collect::<Vec<_>>(), [1, 4]);
    for passed in ["onset of a step control", "calls of a tick, plain", "slots at depth 8 and alone"] {
        assert_eq!(verdict(&report, passed), &Verdict::Passed, "{passed}");
    }
    let trace = report.rows.iter().find(|it| it.name == "calls of a tick, plain").expect("a row");
    let calls = "cuCtxSetCurrent, cuGraphLaunch, cuEventRecord, cuEventSynchronize";
    assert!(matches!(&trace.found, Found::Words(words) if words.ends_with(calls)), "{trace:?}");
    drop(device);
    assert_eq!(cuda.leaked(), 0, "everything was given back");
}

#[test]
fn goldens_ticks_and_windows_of_a_network_are_measured() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let (mut report, settings) = (Report::default(), Settings { with_golden: true, ..Settings::small() });
    let besides = [(4, 1.0)].into();
    network::run(&device, &OnHost(Arc::clone(&device)), &besides, &settings, &mut report);
    assert_eq!(failures(&report), Vec::<&Row>::new());
    for passed in ["f32, dit/", "bf16, dit/", "worst sample of a window", "everything besides the denoiser"] {
        assert_eq!(verdict(&report, passed), &Verdict::Passed, "{passed}");
    }
    for measured in ["depth 1: generations a second", "window of 1.2 s", "device memory, all depths"] {
        assert_eq!(verdict(&report, measured), &Verdict::Measured, "{measured}");
    }
}

#[test]
fn plans_are_built_and_played_where_tensorrt_takes_the_card() {
    let cuda = FakeCuda::take();
    fake_cuda::plans(&cuda, "30 4 64 9 7");
    let device = Device::open(0).expect("the fake has a card");
    let (folder, driver) = fake_cuda::tensorrt();
    let search = Search { cuda: driver, ..Search::only(&folder) };
    let mut report = Report::default();
    gpu::ask(&device, "tensorrt", &Settings::small(), &search, &Besides::new(), &mut report);
    assert_eq!(counts(&report.rows), [0, 0, 0], "{:#?}", report.rows);
    for measured in ["version", "depth 1: tick", "depth 4: generations a second", "window of 0.08 s", "window of 1.2 s"]
    {
        assert_eq!(verdict(&report, measured), &Verdict::Measured, "{measured}");
    }
    drop(device);
    assert_eq!(cuda.leaked(), 0, "everything was given back");
}

#[test]
fn plain_kernels_are_measured_and_so_is_the_ceiling() {
    let cuda = FakeCuda::take();
    fake_cuda::open_cublaslt();
    let device = Device::open(0).expect("the fake has a card");
    let (mut report, settings) = (Report::default(), Settings::small());
    let nowhere = Search::only(Path::new("/nowhere"));
    for part in ["machine", "plain"] {
        report.section(part);
        gpu::ask(&device, part, &settings, &nowhere, &Besides::new(), &mut report);
    }
    assert_eq!(failures(&report), Vec::<&Row>::new());
    for measured in ["bf16 matrix ceiling, cuBLASLt", "depth 4: generations a second", "window of 1.2 s"] {
        assert_eq!(verdict(&report, measured), &Verdict::Measured, "{measured}");
    }
    drop(device);
    assert_eq!(cuda.leaked(), 0, "everything was given back");
}

#[test]
fn what_is_not_there_is_skipped_with_its_reason() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let (mut report, nowhere) = (Report::default(), Search::only(Path::new("/nowhere")));
    gpu::ask(&device, "tensorrt", &Settings::small(), &nowhere, &Besides::new(), &mut report);
    let [row] = &report.rows[..] else { panic!("{:#?}", report.rows) };
    assert!(
        matches!(&row.verdict, Verdict::Skipped(why) if why.contains("TensorRT is not installed")),
        "{:#?}",
        report.rows
    );
    assert_eq!(row.section, "TensorRT");
}

#[test]
fn rows_are_the_same_after_they_were_json() {
    let mut report = Report::default();
    report.section("solver");
    report.number("a", 0.25, "us");
    report.spread("b", vec![1.0, 2.0, 4.0], "ms");
    report.words("c", "a | b");
    report.skip("d", "it is not there");
    report.target("e", 7.0, "%", false, "under 3 %");
    report.check("f", || Ok("all of it".to_owned()));
    let again: Vec<Row> = report.rows.iter().map(|it| row_from(&row_json(it)).expect("it is a row")).collect();
    assert_eq!(again, report.rows);
    assert_eq!(counts(&again), [1, 1, 1]);
    for no_row in ["null", "7", "{\"name\": \"a\"}", "{\"section\": \"a\", \"name\": \"b\", \"verdict\": \"fine\"}"] {
        assert_eq!(row_from(&serde_json::from_str(no_row).expect("it is JSON")), None, "{no_row}");
    }
}

#[test]
fn what_pytorch_says_is_a_row_or_nothing() {
    let row = |line: &str| torch::row("PyTorch", line).map(|it| (it.name, it.found, it.verdict));
    let figures = Figures { p50: 1.0, p99: 2.0, max: 3.0 };
    let told = row(r#"{"name": "step", "p50": 1, "p99": 2, "max": 3}"#);
    assert_eq!(told, Some(("step".to_owned(), Found::Spread(figures), Verdict::Measured)));
    let skipped = row(r#"{"name": "step", "skipped": "no room"}"#);
    assert_eq!(skipped.map(|it| it.2), Some(Verdict::Skipped("no room".to_owned())));
    for garbage in ["", "Traceback", "{}", "[1]", r#"{"name": "half a row", "p50": 1}"#, r#"{"name": 7, "value": 1}"#] {
        assert_eq!(row(garbage), None, "{garbage}");
    }
}

#[test]
fn a_card_is_asked_at_the_sizes_of_the_published_figures() {
    let full = Settings::full();
    assert_eq!((full.frames, &full.depths[..]), (1500, &[1, 2, 4, 8][..]));
    assert_eq!((full.jitter_ticks, &full.windows[..]), (10_000, &[25, 75, 1500][..]));
    assert_eq!((full.size, full.with_golden, full.seeds), (Size::Published, true, 40));
    let config = gpu::synthetic::denoiser(full.size);
    assert_eq!((config.denoiser.hidden, config.reaches.len(), config.denoiser.kv_heads), (2048, 24, 8));
}

#[test]
fn a_check_that_panics_has_failed_in_its_own_words() {
    let mut report = Report::default();
    report.check("sound", || Ok("all of it".to_owned()));
    report.check("unsound", || panic!("number {} is wrong", 7));
    report.part("broken", |_| panic!("off"));
    let verdicts: Vec<&Verdict> = report.rows.iter().map(|it| &it.verdict).collect();
    assert_eq!(verdicts[0], &Verdict::Passed);
    assert_eq!(verdicts[1], &Verdict::Failed("number 7 is wrong".to_owned()));
    assert_eq!(verdicts[2], &Verdict::Failed("off".to_owned()));
    assert_eq!(counts(&report.rows), [1, 2, 0]);
}

#[test]
fn percentiles_are_of_the_runs_and_not_between_them() {
    let figures = Figures::of((1..=1000).rev().map(f64::from).collect());
    assert_eq!(figures, Figures { p50: 501.0, p99: 991.0, max: 1000.0 });
    assert_eq!(Figures::of(vec![3.0]), Figures { p50: 3.0, p99: 3.0, max: 3.0 });
}

/// Networks computed by the CPU's plans; whatever precision is asked for, it is f32.
struct OnHost(Arc<Device>);

struct HostDenoiser {
    plan: Plan,
    tokens: usize,
}

impl Denoiser for HostDenoiser {
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        assert!(row.tokens.len() == self.tokens, "rows of one length");
        for (name, numbers) in [("x", row.x), ("context", row.context), ("tokens", row.tokens)] {
            self.plan.input_mut(name).copy_from_slice(numbers);
        }
        self.plan.input_mut("t")[0] = row.t;
        self.plan.input_mut("t_minus_r")[0] = row.t - row.r;
        self.plan.run();
        out.copy_from_slice(self.plan.output("velocity"));
        Ok(())
    }
}

struct HostWindows {
    plan: Plan,
    keep: [usize; 1],
    frames: usize,
    context: usize,
}

impl WindowDecoder for HostWindows {
    fn keeps(&self) -> &[usize] {
        &self.keep
    }

    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        let start = first + self.context.div_ceil(self.frames) * self.frames - self.context;
        for (at, row) in self.plan.input_mut("latents").chunks_exact_mut(LATENT_CHANNELS).enumerate() {
            let from = (start + at) % self.frames * LATENT_CHANNELS;
            row.copy_from_slice(&latent[from..from + LATENT_CHANNELS]);
        }
        self.plan.run();
        let audio = &self.plan.output("audio")[2 * self.context * SAMPLES_PER_LATENT_FRAME..];
        for (sample, pair) in sound.iter_mut().zip(audio.chunks_exact(2)) {
            *sample = [pair[0], pair[1]];
        }
        Ok(())
    }
}

impl Maker for OnHost {
    fn denoiser(
        &self,
        config: &DitConfig,
        weights: &dyn WeightSource,
        shape: &Shape,
    ) -> Result<Box<dyn Network>, String> {
        let sizes = Sizes::new().with("batch", 1).with("frames", shape.frames).with("tokens", shape.tokens);
        let graph = dit::graph(config, Extras::default());
        let plan = Plan::compile(&graph, &sizes, weights, &Packed::new(), &Pool::new(2));
        let plan = plan.map_err(|error| error.to_string())?;
        let width = config.encoders.hidden;
        let of = NetworkShape { frames: shape.frames, most_tokens: shape.tokens, token_width: width };
        let network = HostNetwork::new(&self.0, of, HostDenoiser { plan, tokens: shape.tokens * width });
        Ok(Box::new(network.map_err(|error| error.to_string())?))
    }

    fn windows(
        &self,
        config: &CodecConfig,
        weights: &dyn WeightSource,
        keeps: &[usize],
        frames: usize,
        _exact: bool,
    ) -> Result<Box<dyn WindowDecoder>, String> {
        let context = config.decode_context();
        let sizes = Sizes::new().with("batch", 1).with("frames", keeps[0] + 2 * context);
        let plan = Plan::compile(&vae::decoder(config, false), &sizes, weights, &Packed::new(), &Pool::new(2));
        let plan = plan.map_err(|error| error.to_string())?;
        Ok(Box::new(HostWindows { plan, keep: [keeps[0]], frames, context }))
    }
}
