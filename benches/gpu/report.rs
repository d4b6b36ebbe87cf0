//! What was found: rows of one shape, whatever was measured or checked, as a table and as JSON.
//!
//! A row has one of four verdicts. `measured` is a figure without a target; `skipped` says why and never counts as passed.
//! Times are p50, p99 and maximum. A check that panics has failed with the words of its panic. Whoever wants rows as they
//! come, to write them down or to hand them to another process, is told each of them at once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

/// What became of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The target is met.
    Passed,
    /// It is not, in these words.
    Failed(String),
    /// Nothing was found out, for this reason.
    Skipped(String),
    /// A figure without a target.
    Measured,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// One number.
    Number(f64),
    /// Many runs of one thing.
    Spread(Figures),
    /// Words.
    Words(String),
}

/// Percentiles of many runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Half of them were below.
    pub p50: f64,
    /// 99 of 100 were below.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Figures {
    /// Of runs in any order; zeros of none.
    pub fn of(mut runs: Vec<f64>) -> Self {
        runs.sort_by(f64::total_cmp);
        let last = runs.len().saturating_sub(1) as f64;
        let [p50, p99] = [0.5, 0.99].map(|share| runs.get((last * share).ceil() as usize).copied().unwrap_or(0.0));
        Self { p50, p99, max: runs.last().copied().unwrap_or(0.0) }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Part of the report.
    pub section: String,
    /// What was looked at.
    pub name: String,
    /// What was found.
    pub found: Found,
    /// Unit of a number.
    pub unit: String,
    /// What that means.
    pub verdict: Verdict,
}

/// Who is told every row as it comes.
type Listener = Box<dyn FnMut(&Row)>;

/// All rows so far.
#[derive(Default)]
pub struct Report {
    /// In the order in which they came.
    pub rows: Vec<Row>,
    section: String,
    listener: Option<Listener>,
}

impl Report {
    /// One whose rows are told as they come.
    pub fn told_to(listener: impl FnMut(&Row) + 'static) -> Self {
        Self { listener: Some(Box::new(listener)), ..Self::default() }
    }

    /// Rows from here on belong to this part.
    pub fn section(&mut self, name: &str) {
        name.clone_into(&mut self.section);
    }

    /// Adds a row.
    pub fn add(&mut self, name: impl Into<String>, found: Found, unit: &str, verdict: Verdict) {
        self.push(Row { section: self.section.clone(), name: name.into(), found, unit: unit.to_owned(), verdict });
    }

    /// Adds a row that was made elsewhere.
    pub fn push(&mut self, row: Row) {
        if let Some(listener) = &mut self.listener {
            listener(&row);
        }
        self.rows.push(row);
    }

    /// A number without a target.
    pub fn number(&mut self, name: impl Into<String>, value: f64, unit: &str) {
        self.add(name, Found::Number(value), unit, Verdict::Measured);
    }

    /// Many runs without a target.
    pub fn spread(&mut self, name: impl Into<String>, runs: Vec<f64>, unit: &str) -> Figures {
        let figures = Figures::of(runs);
        self.add(name, Found::Spread(figures), unit, Verdict::Measured);
        figures
    }

    /// Words that are worth keeping.
    pub fn words(&mut self, name: impl Into<String>, words: impl Into<String>) {
        self.add(name, Found::Words(words.into()), "", Verdict::Measured);
    }

    /// Something that could not be found out.
    pub fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.add(name, Found::Nothing, "", Verdict::Skipped(why.into()));
    }

    /// A number that must hold; `words` say what it should be.
    pub fn target(&mut self, name: impl Into<String>, value: f64, unit: &str, holds: bool, words: &str) {
        let verdict = if holds { Verdict::Passed } else { Verdict::Failed(words.to_owned()) };
        self.add(name, Found::Number(value), unit, verdict);
    }

    /// Runs a check that fails by panicking or by an error; a row of that name says so, and the words it passed with.
    pub fn check(&mut self, name: &str, check: impl FnOnce() -> Result<String, String>) {
        match guarded(check) {
            Ok(words) => self.add(name, Found::Words(words), "", Verdict::Passed),
            Err(words) => self.add(name, Found::Nothing, "", Verdict::Failed(words)),
        }
    }

    /// Runs a part that adds rows of its own; a panic becomes a row of that name.
    pub fn part(&mut self, name: &str, part: impl FnOnce(&mut Self)) {
        if let Err(words) = guarded(|| {
            part(self);
            Ok(())
        }) {
            self.add(name, Found::Nothing, "", Verdict::Failed(words));
        }
    }
}

/// How many rows passed, failed, and were skipped; measured ones are none of these.
pub fn counts(rows: &[Row]) -> [usize; 3] {
    let count = |is: fn(&Verdict) -> bool| rows.iter().filter(|it| is(&it.verdict)).count();
    [
        count(|it| matches!(it, Verdict::Passed)),
        count(|it| matches!(it, Verdict::Failed(_))),
        count(|it| matches!(it, Verdict::Skipped(_))),
    ]
}

fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        Err(words.or(panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_else(|| "it panicked".to_owned()))
    })
}

/// A row as JSON.
pub fn row_json(row: &Row) -> Value {
    let (verdict, why) = match &row.verdict {
        Verdict::Passed => ("passed", None),
        Verdict::Measured => ("measured", None),
        Verdict::Failed(why) => ("failed", Some(why)),
        Verdict::Skipped(why) => ("skipped", Some(why)),
    };
    let mut it = json!({ "section": row.section, "name": row.name, "verdict": verdict });
    let mut put = |key: &str, value: Value| it[key] = value;
    match &row.found {
        Found::Nothing => {}
        Found::Number(value) => put("value", json!(value)),
        Found::Spread(it) => put("value", json!({ "p50": it.p50, "p99": it.p99, "max": it.max })),
        Found::Words(words) => put("words", json!(words)),
    }
    if !row.unit.is_empty() {
        put("unit", json!(row.unit));
    }
    if let Some(why) = why {
        put("why", json!(why));
    }
    it
}

/// A row that was JSON; nothing where it is none.
pub fn row_from(it: &Value) -> Option<Row> {
    let text = |key: &str| it[key].as_str().map(str::to_owned);
    let why = || text("why").unwrap_or_default();
    let verdict = match it["verdict"].as_str()? {
        "passed" => Verdict::Passed,
        "measured" => Verdict::Measured,
        "failed" => Verdict::Failed(why()),
        "skipped" => Verdict::Skipped(why()),
        _ => return None,
    };
    let value = &it["value"];
    let found = match (value.as_f64(), text("words")) {
        (Some(number), _) => Found::Number(number),
        (None, Some(words)) => Found::Words(words),
        (None, None) => figures_from(value).map_or(Found::Nothing, Found::Spread),
    };
    let unit = text("unit").unwrap_or_default();
    Some(Row { section: text("section")?, name: text("name")?, found, unit, verdict })
}

fn figures_from(it: &Value) -> Option<Figures> {
    Some(Figures { p50: it["p50"].as_f64()?, p99: it["p99"].as_f64()?, max: it["max"].as_f64()? })
}

/// A row as a line of the table.
pub fn line(row: &Row) -> String {
    let number = |it: f64| match it.abs() {
        _ if it.fract() == 0.0 && it.abs() < 1e6 => format!("{it}"),
        size if size < 1e-3 => format!("{it:.1e}"),
        size if size < 10.0 => format!("{it:.3}"),
        _ => format!("{it:.1}"),
    };
    let [a, b, c] = match &row.found {
        Found::Nothing => [const { String::new() }; 3],
        Found::Number(value) => [number(*value), String::new(), String::new()],
        Found::Spread(it) => [it.p50, it.p99, it.max].map(number),
        Found::Words(words) => [words.replace(['|', '\n'], " "), String::new(), String::new()],
    };
    let verdict = match &row.verdict {
        Verdict::Passed => "passed".to_owned(),
        Verdict::Measured => "measured".to_owned(),
        Verdict::Failed(why) => format!("**failed**: {}", why.replace(['|', '\n'], " ")),
        Verdict::Skipped(why) => format!("skipped: {}", why.replace(['|', '\n'], " ")),
    };
    format!("| {}: {} | {a} | {b} | {c} | {} | {verdict} |", row.section, row.name, row.unit)
}
