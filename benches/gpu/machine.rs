//! The machine: card, driver, clocks, and the ceiling that other figures are a share of.

use std::process::Command;
use std::sync::Arc;

use engine::backend::cuda::Device;
use serde_json::{Value, json};

use super::plain;
use super::report::Report;

/// The card as JSON.
pub fn card(device: &Device) -> Value {
    let card = device.card();
    json!({
        "name": card.name, "compute": format!("{}.{}", card.compute.0, card.compute.1),
        "driver_cuda": card.driver_version, "memory_bytes": card.memory_bytes,
        "multiprocessors": card.multiprocessors,
    })
}

/// The machine as the head of the report; its card is known when a part has met it.
pub fn head() -> Value {
    let kernel = std::fs::read_to_string("/proc/version").unwrap_or_default();
    json!({
        "date": said("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]).unwrap_or_default(),
        "kernel": kernel.trim(),
        "processor": processor(),
        "threads": std::thread::available_parallelism().map_or(0, usize::from),
        "card": Value::Null,
        "demon": env!("CARGO_PKG_VERSION"),
    })
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|it| it.starts_with("model name")).unwrap_or_default();
    line.split(": ").nth(1).unwrap_or("unknown").to_owned()
}

fn said(program: &str, arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let words = |it: &[u8]| String::from_utf8_lossy(it).trim().to_owned();
    if done.status.success() { Ok(words(&done.stdout)) } else { Err(format!("{program}: {}", words(&done.stderr))) }
}

/// What the driver's own tool says, in its order.
const ASKED: &str =
    "driver_version,clocks.sm,clocks.mem,clocks.max.sm,power.draw,power.limit,temperature.gpu,persistence_mode";

/// Rows of the machine.
pub fn run(device: &Arc<Device>, product: [usize; 3], report: &mut Report) {
    report.section("machine");
    report.words("card", device.card().to_string());
    match device.memory() {
        Ok((free, all)) => {
            report.number("memory", all as f64 / 1e9, "GB");
            report.number("memory that is free", free as f64 / 1e9, "GB");
        }
        Err(error) => report.skip("memory", error.to_string()),
    }
    match said("nvidia-smi", &[&format!("--query-gpu={ASKED}"), "--format=csv,noheader"]) {
        Ok(words) => report.words(format!("nvidia-smi ({ASKED})"), words),
        Err(why) => report.skip("clocks", why),
    }
    match plain::ceiling(device, product) {
        Ok(teraflop) => report.number("bf16 matrix ceiling, cuBLASLt", teraflop, "TFLOP/s"),
        Err(why) => report.skip("bf16 matrix ceiling, cuBLASLt", why),
    }
}
