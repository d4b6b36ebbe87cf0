//! What a machine with a GPU is asked, part by part. `main.rs` runs all of it; a test runs the parts that the fake driver
//! can, so that the harness itself is known to work before it meets a card.

pub mod arithmetic;
pub mod machine;
pub mod machinery;
pub mod network;
pub mod plain;
pub mod report;
pub mod stage;
pub mod synthetic;
pub mod tensor_rt;
pub mod torch;

use std::sync::Arc;

use engine::backend::cuda::{Device, DeviceError};
use tensorrt::Search;

use crate::case::Golden;
use report::Report;
use synthetic::Size;
use tensor_rt::Trt;
use torch::Torch;

/// How much is asked.
pub struct Settings {
    /// Latent frames of the tape.
    pub frames: usize,
    /// Condition tokens of the synthetic denoiser.
    pub tokens: usize,
    /// Depths of the ring.
    pub depths: Vec<usize>,
    /// Ticks that a figure is taken from.
    pub ticks: usize,
    /// Ticks of the jitter.
    pub jitter_ticks: usize,
    /// Ticks of a real denoiser that a figure is taken from.
    pub network_ticks: usize,
    /// Windows that a figure is taken from.
    pub window_runs: usize,
    /// Latent frames that windows keep; the last is the whole tape.
    pub windows: Vec<usize>,
    /// Random rings beside the CPU.
    pub seeds: u64,
    /// Golden cases of the denoiser, in every precision; each may be a plan to build.
    pub golden_networks: usize,
    /// Sizes of the synthetic model.
    pub size: Size,
    /// Rows, inputs and outputs of the product that the matrix ceiling is measured with.
    pub product: [usize; 3],
    /// Whether golden vectors are read.
    pub with_golden: bool,
    /// Parts to run; all where it is empty.
    pub only: Vec<String>,
}

impl Settings {
    /// A minute, as the published figures are.
    pub fn full() -> Self {
        Self {
            frames: 1500,
            tokens: 256,
            depths: vec![1, 2, 4, 8],
            ticks: 1000,
            jitter_ticks: 10_000,
            network_ticks: 100,
            window_runs: 50,
            windows: vec![25, 75, 1500],
            seeds: 180,
            golden_networks: 4,
            size: Size::Published,
            product: plain::PRODUCT,
            with_golden: true,
            only: Vec::new(),
        }
    }

    /// The golden vectors, where they are wanted and there.
    pub fn golden(&self) -> Option<Golden> {
        let folder = std::env::var_os("DEMON_GOLDEN").unwrap_or_else(|| "tests/golden".into());
        let there = std::path::Path::new(&folder).join("manifest.json").is_file();
        (self.with_golden && there).then(Golden::open)
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|it| it == part)
    }
}

/// Parts by the names that `--only` takes.
pub const PARTS: [&str; 6] = ["machine", "solver", "machinery", "tensorrt", "plain", "torch"];

/// Runs everything on a card. `save` is called after every part, so that a run that is cut off has not been for nothing.
pub fn run(
    device: &Arc<Device>,
    settings: &Settings,
    search: &Search,
    torch: &Torch,
    report: &mut Report,
    save: &mut dyn FnMut(&Report),
) {
    let mut besides = machinery::Besides::new();
    for part in PARTS.into_iter().filter(|it| settings.wants(it)) {
        match part {
            "machine" => machine::run(device, settings.product, torch, report),
            "solver" => arithmetic::run(device, settings, report),
            "machinery" => besides = machinery::run(device, settings, report),
            "tensorrt" => on_tensorrt(device, settings, search, &besides, report),
            "plain" => {
                report.section("plain");
                network::run(device, &plain::Plain::new(device), &besides, settings, report);
            }
            _ => torch.report(report),
        }
        save(report);
    }
}

fn on_tensorrt(
    device: &Arc<Device>,
    settings: &Settings,
    search: &Search,
    besides: &machinery::Besides,
    report: &mut Report,
) {
    report.section("TensorRT");
    let folder = tempfile::tempdir().expect("a folder can be made");
    match Trt::open(device, search, folder.path()) {
        Ok(trt) => {
            report.words("version", trt.version());
            network::run(device, &trt, besides, settings, report);
        }
        Err(words) => report.skip("everything", words),
    }
}

/// What is said of a machine that cannot be asked: every part skipped, none passed.
pub fn nothing(error: &DeviceError, report: &mut Report) {
    for part in PARTS {
        report.section(part);
        report.skip("everything", error.to_string());
    }
}
