//! How the benches measure and report: p50, p99 and maximum of many runs, never a mean.
//!
//! Every figure is printed as a row of a table and appended to `target/bench.json` as one
//! `{"name", "value", "unit"}` a line, so that two runs can be compared by a script.
#![allow(clippy::print_stdout, reason = "a bench prints its table")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

/// Collects the figures of one bench program.
pub struct Bench {
    file: File,
}

/// Percentiles of one measurement, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Half of the runs were faster.
    pub p50_us: f64,
    /// 99 of 100 runs were faster.
    pub p99_us: f64,
    /// The slowest run.
    pub max_us: f64,
}

impl Bench {
    /// Opens `target/bench.json` for appending and prints the head of the table.
    pub fn new(title: &str) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        std::fs::create_dir_all(&target).expect("the target folder can be made");
        let path = target.join("bench.json");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        println!("\n{title}\n| what | p50 | p99 | max |\n| --- | --- | --- | --- |");
        Self { file }
    }

    /// Runs `work` `warm_up` times unmeasured, then `runs` times measured.
    #[allow(dead_code, reason = "not every bench measures by running a piece of work again and again")]
    pub fn measure(&mut self, name: &str, warm_up: usize, runs: usize, mut work: impl FnMut()) -> Figures {
        (0..warm_up).for_each(|_| work());
        let times_us: Vec<f64> = (0..runs.max(1))
            .map(|_| {
                let start = Instant::now();
                work();
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        self.report(name, times_us)
    }

    /// Reports times that were measured elsewhere, in microseconds; at least one.
    pub fn report(&mut self, name: &str, mut times_us: Vec<f64>) -> Figures {
        times_us.sort_by(f64::total_cmp);
        let at = |share: f64| times_us[((times_us.len() - 1) as f64 * share).ceil() as usize];
        let figures = Figures { p50_us: at(0.5), p99_us: at(0.99), max_us: at(1.0) };
        println!("| {name} | {} | {} | {} |", human(figures.p50_us), human(figures.p99_us), human(figures.max_us));
        for (suffix, value) in [("p50", figures.p50_us), ("p99", figures.p99_us), ("max", figures.max_us)] {
            self.write(&format!("{name} {suffix}"), value, "us");
        }
        figures
    }

    /// Reports a figure that is not a time, or that is derived from times.
    #[allow(dead_code, reason = "not every bench has figures that are no times")]
    pub fn value(&mut self, name: &str, value: f64, unit: &str) {
        println!("| {name} | {value:.3} {unit} | | |");
        self.write(name, value, unit);
    }

    fn write(&mut self, name: &str, value: f64, unit: &str) {
        let line = serde_json::json!({ "name": name, "value": value, "unit": unit });
        writeln!(self.file, "{line}").expect("target/bench.json can be written");
    }
}

fn human(us: f64) -> String {
    if us < 1e3 { format!("{us:.1} us") } else { format!("{:.2} ms", us / 1e3) }
}
