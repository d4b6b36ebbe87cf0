//! The published pipeline's shapes in PyTorch, timed in the same run by `pipeline.py`, where there is a Python with it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::report::{Figures, Found, Report, Verdict};

/// What the script said.
pub struct Torch(Result<Vec<Value>, String>);

impl Torch {
    /// Runs the script. Every line of its output is a row as JSON.
    pub fn run(python: &str, script: &Path, arguments: &[String]) -> Self {
        if !script.is_file() {
            return Self(Err(format!("{} is not here", script.display())));
        }
        let done = Command::new(python).arg(script).args(arguments).output();
        Self(match done {
            Err(error) => Err(format!("{python}: {error}")),
            Ok(done) => {
                let text = String::from_utf8_lossy(&done.stdout);
                let rows: Vec<Value> = text.lines().filter_map(|it| serde_json::from_str(it).ok()).collect();
                let last = || String::from_utf8_lossy(&done.stderr).lines().last().unwrap_or("nothing").to_owned();
                if rows.is_empty() { Err(format!("{python} said: {}", last())) } else { Ok(rows) }
            }
        })
    }

    /// Not at all, for this reason.
    pub fn skipped(why: &str) -> Self {
        Self(Err(why.to_owned()))
    }

    /// The ceiling that it measured, in TFLOP a second.
    pub fn ceiling(&self) -> Result<f64, String> {
        let rows = self.0.as_ref().map_err(Clone::clone)?;
        let row = rows.iter().find(|it| it["name"] == "bf16 matrix ceiling");
        row.and_then(|it| it["value"].as_f64()).ok_or_else(|| "it was not measured".to_owned())
    }

    /// Its rows.
    pub fn report(&self, report: &mut Report) {
        report.section("PyTorch");
        let rows = match &self.0 {
            Ok(rows) => rows,
            Err(why) => return report.skip("the published pipeline's shapes", why.clone()),
        };
        for row in rows {
            let name = row["name"].as_str().unwrap_or("a row without a name");
            let number = |key: &str| row[key].as_f64();
            match (row["skipped"].as_str(), number("p50"), number("p99"), number("max"), number("value")) {
                (Some(why), ..) => report.skip(name, why),
                (_, Some(p50), Some(p99), Some(max), _) => {
                    let found = Found::Spread(Figures { p50, p99, max });
                    report.add(name, found, "ms", Verdict::Measured);
                }
                (_, _, _, _, Some(value)) => report.number(name, value, "see name"),
                _ => report.words(name, row["words"].as_str().unwrap_or_default()),
            }
        }
    }
}
