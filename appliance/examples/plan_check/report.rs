//! The list of what was checked: a table for people, JSON for machines. What was skipped is never counted as passed.

use std::io::Write;
use std::time::Instant;

use serde_json::json;

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It holds; with what was seen.
    Passed(String),
    /// It does not hold.
    Failed(String),
    /// It was not tried, and why.
    Skipped(String),
}

/// A result that reads well at the end of a check.
pub type Seen = Result<String, String>;

/// The checks so far.
#[derive(Default)]
pub struct Report {
    rows: Vec<(String, Ending, f64)>,
}

impl Report {
    /// Runs a check; says at once how it ended.
    pub fn check(&mut self, name: &str, check: impl FnOnce() -> Seen) {
        let start = Instant::now();
        let ending = match check() {
            Ok(seen) => Ending::Passed(seen),
            Err(wrong) => Ending::Failed(wrong),
        };
        self.add(name, ending, start.elapsed().as_secs_f64());
    }

    /// A check that cannot be made here.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.add(name, Ending::Skipped(why.to_owned()), 0.0);
    }

    fn add(&mut self, name: &str, ending: Ending, seconds: f64) {
        let (word, text) = words(&ending);
        let line = format!("{word:<8} {name:<52} {seconds:>6.1} s  {text}");
        writeln!(std::io::stdout(), "{}", line.trim_end()).expect("standard output takes a line");
        self.rows.push((name.to_owned(), ending, seconds));
    }

    /// Writes the JSON, says the sum, and tells whether nothing failed.
    pub fn close(&self, path: &str) -> std::io::Result<bool> {
        let count = |wanted: &str| self.rows.iter().filter(|(_, ending, _)| words(ending).0 == wanted).count();
        let (passed, failed, skipped) = (count("passed"), count("FAILED"), count("skipped"));
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|(name, ending, seconds)| {
                let (word, text) = words(ending);
                json!({ "check": name, "ending": word.to_lowercase(), "seen": text, "seconds": seconds })
            })
            .collect();
        let whole = json!({ "passed": passed, "failed": failed, "skipped": skipped, "checks": rows });
        std::fs::write(path, format!("{whole:#}\n"))?;
        writeln!(std::io::stdout(), "{passed} passed, {failed} failed, {skipped} skipped; {path}")?;
        Ok(failed == 0)
    }
}

fn words(ending: &Ending) -> (&'static str, &str) {
    match ending {
        Ending::Passed(text) => ("passed", text),
        Ending::Failed(text) => ("FAILED", text),
        Ending::Skipped(text) => ("skipped", text),
    }
}
