//! What a machine with a GPU is asked, part by part. `main.rs` runs all of it; a test runs the parts that the fake driver
//! can, so that the harness itself is known to work before it meets a card.

pub mod arithmetic;
pub mod libraries;
pub mod machine;
pub mod machinery;
pub mod network;
pub mod parts;
pub mod plain;
pub mod process;
pub mod record;
pub mod report;
pub mod stage;
pub mod synthetic;
pub mod tensor_rt;
pub mod torch;

use std::io::Write;
use std::sync::Arc;

use engine::backend::cuda::{Device, DeviceError};
use tensorrt::Search;

use crate::case::Golden;
use machinery::Besides;
use parts::{BESIDES, MARK, PARTS};
use report::{Report, row_json};
use synthetic::Size;
use tensor_rt::Trt;

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
            seeds: 40,
            golden_networks: 4,
            size: Size::Published,
            product: plain::PRODUCT,
            with_golden: true,
        }
    }

    /// Sizes for a run of the harness itself, on a machine without a card.
    pub fn small() -> Self {
        Self {
            frames: 30,
            tokens: 4,
            depths: vec![1, 4],
            ticks: 5,
            jitter_ticks: 10,
            network_ticks: 3,
            window_runs: 2,
            windows: vec![2, 30],
            seeds: 6,
            golden_networks: 2,
            size: Size::Small,
            product: [8, 16, 32],
            with_golden: false,
        }
    }

    /// The golden vectors, where they are wanted and there.
    pub fn golden(&self) -> Option<Golden> {
        let folder = std::env::var_os("DEMON_GOLDEN").unwrap_or_else(|| "tests/golden".into());
        let there = std::path::Path::new(&folder).join("manifest.json").is_file();
        (self.with_golden && there).then(Golden::open)
    }
}

/// Answers one part in this process: opens the card, and says every row as it comes, in lines that begin with [`MARK`].
pub fn answer(part: &str, settings: &Settings, search: &Search) {
    let mut report = Report::told_to(|row| say(&format!("row {}", row_json(row))));
    let title = PARTS.iter().find(|it| it.0 == part).map_or(part, |it| it.1);
    report.section(title);
    match Device::open(0) {
        Ok(device) => {
            say(&format!("card {}", machine::card(&device)));
            // A panic is a row, not the end of what can be said.
            report.part("the part", |report| {
                let besides = ask(&device, part, settings, search, &besides_told(), report);
                if !besides.is_empty() {
                    say(&format!("besides {}", besides_words(&besides)));
                }
            });
        }
        Err(error @ (DeviceError::NoDriver | DeviceError::NoDevice { .. })) => {
            report.skip("everything", error.to_string());
        }
        Err(error) => report.target("the card", 0.0, "cards", false, &error.to_string()),
    }
    say("end");
}

/// Asks a part on a card. Gives what the machinery costs, where it was measured.
pub fn ask(
    device: &Arc<Device>,
    part: &str,
    settings: &Settings,
    search: &Search,
    besides: &Besides,
    report: &mut Report,
) -> Besides {
    match part {
        "machine" => machine::run(device, settings.product, report),
        "solver" => arithmetic::run(device, settings, report),
        "machinery" => return machinery::run(device, settings, report),
        "tensorrt" => on_tensorrt(device, settings, search, besides, report),
        "plain" => {
            report.section("plain");
            network::run(device, &plain::Plain::new(device), besides, settings, report);
        }
        other => report.skip("everything", format!("there is no part {other}")),
    }
    Besides::new()
}

/// Says a line to whoever runs this process; without him there is nothing to go on for.
fn say(words: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{MARK}{words}").and_then(|()| out.flush()).is_err() {
        std::process::exit(3);
    }
}

fn besides_words(besides: &Besides) -> String {
    let pairs: Vec<String> = besides.iter().map(|(depth, us)| format!("{depth}={us}")).collect();
    pairs.join(",")
}

fn besides_told() -> Besides {
    let told = std::env::var(BESIDES).unwrap_or_default();
    let pair = |it: &str| it.split_once('=').and_then(|(depth, us)| Some((depth.parse().ok()?, us.parse().ok()?)));
    told.split(',').filter_map(pair).collect()
}

fn on_tensorrt(device: &Arc<Device>, settings: &Settings, search: &Search, besides: &Besides, report: &mut Report) {
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
