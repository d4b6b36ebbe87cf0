//! Goal: every promise about a card is measured or checked on the card at hand, by one command, without a network.
//! Method: the parts of `mod.rs`, each row with a verdict; a JSON report and a table. Ends well only when nothing failed;
//! without a card every row is skipped and the end is bad, too: nothing was found out.
//!
//!   gpu [--out FOLDER] [--only PART]... [--ticks N] [--network-ticks N]
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "../../tests/golden_kinds/card.rs"]
mod card;
#[path = "../../tests/golden_kinds/case.rs"]
#[allow(dead_code, reason = "the golden tests use the rest")]
mod case;
// The golden networks know a machine that is none; it is not used here.
#[path = "../../tests/fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "mod.rs"]
mod gpu;
#[path = "../../tests/golden_kinds/model.rs"]
#[allow(dead_code, reason = "the golden tests use the rest")]
mod model;
#[path = "../../tests/ring_support/mod.rs"]
mod ring_support;
#[path = "../../tests/golden_kinds/solver.rs"]
#[allow(dead_code, reason = "the golden tests use the rest")]
mod solver;
#[path = "../../tests/golden_kinds/stream.rs"]
#[allow(dead_code, reason = "the golden tests use the rest")]
mod stream;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use engine::backend::cuda::Device;
use gpu::report::Report;
use gpu::torch::Torch;
use gpu::{PARTS, Settings, machine};
use tensorrt::Search;

fn main() -> ExitCode {
    let mut settings = Settings::full();
    let out = match read(&mut settings) {
        Ok(out) => out,
        Err(words) => {
            println!("{words}");
            return ExitCode::from(2);
        }
    };
    // A check that fails says so in its row.
    std::panic::set_hook(Box::new(|_| {}));
    let mut report = Report::default();
    let device = Device::open(0);
    let found_out = device.is_ok();
    let head = machine::head(device.as_deref().ok());
    match device {
        Ok(device) => {
            let torch = torch(&settings);
            let mut save = |report: &Report| write(&out, report, &head);
            gpu::run(&device, &settings, &Search::usual(), &torch, &mut report, &mut save);
        }
        Err(error) => gpu::nothing(&error, &mut report),
    }
    write(&out, &report, &head);
    let [failed, skipped] = report.counts();
    println!("\n{} rows, {failed} failed, {skipped} skipped: {}", report.rows.len(), out.join("gpu.json").display());
    if failed == 0 && found_out { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(settings: &mut Settings) -> Result<PathBuf, String> {
    let mut out = PathBuf::from("target/gpu-check");
    let mut arguments = std::env::args().skip(1);
    while let Some(word) = arguments.next() {
        // Cargo says this to a bench.
        if word == "--bench" {
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{word} wants a value"))?;
        let number = || value.parse::<usize>().map_err(|_| format!("{word} wants a number, not {value}"));
        match word.as_str() {
            "--out" => out = value.into(),
            "--only" if PARTS.contains(&value.as_str()) => settings.only.push(value),
            "--only" => return Err(format!("there is no part {value}: {}", PARTS.join(", "))),
            "--ticks" => (settings.ticks, settings.jitter_ticks) = (number()?, 10 * number()?),
            "--network-ticks" => settings.network_ticks = number()?,
            _ => return Err(format!("{word} is not known: --out, --only, --ticks, --network-ticks")),
        }
    }
    Ok(out)
}

/// PyTorch first: it needs the card's memory to itself, and its figures are the ceiling of the others.
fn torch(settings: &Settings) -> Torch {
    if !settings.only.is_empty() && !settings.only.iter().any(|it| it == "torch") {
        return Torch::skipped("it was not asked");
    }
    let python = std::env::var("GPU_CHECK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = std::env::var_os("GPU_CHECK_PIPELINE").map_or_else(|| PathBuf::from(PIPELINE), PathBuf::from);
    Torch::run(&python, &script, &["--frames".to_owned(), settings.frames.to_string()])
}

/// Where the script lies from where the repository lies.
const PIPELINE: &str = "tools/gpu-check/pipeline.py";

fn write(out: &Path, report: &Report, head: &serde_json::Value) {
    std::fs::create_dir_all(out).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
    let title = format!("GPU check, {}", head["card"]["name"].as_str().unwrap_or("no card"));
    let json = serde_json::to_string_pretty(&report.json(head)).expect("the report is JSON");
    for (name, text) in [("gpu.json", json), ("gpu.md", report.table(&title))] {
        let path = out.join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
