//! The table: how long what took, by kind, and whether anything was harmed.

use std::collections::BTreeMap;
use std::fmt;

use super::oracle::Verdict;

/// What was found in all lives.
#[derive(Default)]
pub struct Found {
    /// Milliseconds from the press to prepared and to heard, by kind; words are heard with the next birth, failures are said.
    pub times: BTreeMap<&'static str, Vec<(u64, u64)>>,
    /// What went another way than it should have.
    pub faults: Vec<String>,
    /// Values that were others than the patch and the hands say, and looks at them.
    pub changed: usize,
    pub looks: usize,
    /// Windows that came late without loads and with them, and seconds of both.
    pub late: [u64; 2],
    pub seconds: [f64; 2],
    /// The most memory that an engine took on between its first loads and its end, beyond the sound that it keeps, in kB.
    pub growth_kb: i64,
    pub verdict: Verdict,
}

/// The rows.
pub struct Rows(Vec<(String, String, Option<bool>)>);

impl Rows {
    /// Memory and lateness are judged where the machine is meant to do nothing else.
    pub fn of(found: &Found, strict: bool) -> Self {
        let mut rows = Self(Vec::new());
        for (kind, times) in &found.times {
            let both: [Vec<u64>; 2] = [|it: &(u64, u64)| it.0, |it: &(u64, u64)| it.1].map(|of| {
                let mut all: Vec<u64> = times.iter().map(of).collect();
                all.sort_unstable();
                all
            });
            let at = |of: &[u64], share: usize| of[(of.len() * share).div_ceil(100).max(1) - 1];
            let [prepared, heard] = both;
            let words = format!(
                "{} times; press to prepared p50 {} ms, p99 {} ms; to heard or said p50 {} ms, p99 {} ms",
                times.len(),
                at(&prepared, 50),
                at(&prepared, 99),
                at(&heard, 50),
                at(&heard, 99)
            );
            rows.add(kind, words, Some(true));
        }
        let Found { faults, changed, looks, late, seconds, growth_kb, verdict, .. } = found;
        rows.add("went another way than it should", format!("{} {faults:?}", faults.len()), Some(faults.is_empty()));
        rows.add(
            "heard",
            format!("{:.1} s, {} windows, {} tapes", verdict.frames as f64 / 48e3, verdict.windows, verdict.tapes),
            Some(0 < verdict.windows && 0 < verdict.tapes),
        );
        let wrong = (verdict.wrong, verdict.gaps, verdict.foreign);
        let words = format!("{} wrong {:?}, {} missing, {} of nobody", wrong.0, verdict.first_wrong, wrong.1, wrong.2);
        rows.add("samples", words, Some(wrong == (0, 0, 0)));
        rows.add("values changed", format!("{changed} in {looks} looks"), Some(*changed == 0 && 0 < *looks));
        let a_minute = |at: usize| late[at] as f64 * 60.0 / seconds[at].max(1.0);
        let words =
            format!("{} in {:.0} s with loads, {} in {:.0} s without", late[1], seconds[1], late[0], seconds[0]);
        // One in a minute is this machine's and nobody's.
        let is_good = a_minute(1) <= a_minute(0) + 1.0;
        rows.add("windows late", words, if strict { Some(is_good) } else { is_good.then_some(true) });
        let words = format!("{growth_kb} kB beyond the sound that is kept");
        let is_good = *growth_kb < 48 * 1024;
        rows.add("memory of the engine", words, if strict { Some(is_good) } else { is_good.then_some(true) });
        rows
    }

    fn add(&mut self, what: &str, found: String, good: Option<bool>) {
        self.0.push((what.to_owned(), found, good));
    }

    pub fn failed(&self) -> usize {
        self.0.iter().filter(|it| it.2 == Some(false)).count()
    }

    pub fn report(&self, seed: u64) -> String {
        let rows: Vec<_> =
            self.0.iter().map(|it| serde_json::json!({ "what": it.0, "found": it.1, "passed": it.2 })).collect();
        format!("{:#}\n", serde_json::json!({ "seed": seed, "rows": rows, "failed": self.failed() }))
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, found, good) in &self.0 {
            let word = match good {
                Some(true) => "ok  ",
                Some(false) => "FAIL",
                None => "skip",
            };
            writeln!(f, "{word} {what:<34} {found}")?;
        }
        let count = |it: Option<bool>| self.0.iter().filter(|row| row.2 == it).count();
        write!(f, "{} passed, {} failed, {} skipped", count(Some(true)), self.failed(), count(None))
    }
}
