//! The report as it lies on the disk: rewritten whole with every row and every part, so that a run that is cut off anywhere
//! leaves a sound file with all that it had found.
//!
//! A disk that takes nothing is said once, on standard error, and stops nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::report::{Row, counts, line, row_json};

/// What became of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Its turn has not come.
    Waiting,
    /// It is under way.
    Running,
    /// It said all it had to say.
    Ran,
    /// It was not begun, for this reason.
    Skipped(String),
    /// It was cut off when its time was over, in these words.
    Late(String),
    /// It ended before its end, in these words.
    Died(String),
}

/// A part of a run.
#[derive(Clone, Debug)]
pub struct PartRecord {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: State,
    /// How long it took.
    pub took: Duration,
    /// How long it might have taken.
    pub limit: Duration,
}

/// The report.
pub struct Record {
    /// In the order in which they came.
    pub rows: Vec<Row>,
    /// In their order.
    pub parts: Vec<PartRecord>,
    /// Card and machine.
    pub head: Value,
    folder: PathBuf,
    is_complete: bool,
    is_lost: bool,
}

impl Record {
    /// Nothing yet, to be written into `folder`.
    pub fn new(folder: &Path, head: Value) -> Self {
        let folder = folder.to_owned();
        Self { rows: Vec::new(), parts: Vec::new(), head, folder, is_complete: false, is_lost: false }
    }

    /// Nothing more will come.
    pub fn complete(&mut self) {
        self.is_complete = true;
        self.save();
    }

    /// Whether some of it could not be written.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// How many rows passed, failed and were skipped.
    pub fn counts(&self) -> [usize; 3] {
        counts(&self.rows)
    }

    /// The report.
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(row_json).collect();
        let parts: Vec<Value> = self.parts.iter().map(part_json).collect();
        let [passed, failed, skipped] = self.counts();
        json!({
            "head": self.head, "complete": self.is_complete, "passed": passed, "failed": failed, "skipped": skipped,
            "parts": parts, "rows": rows,
        })
    }

    /// The same as tables in Markdown.
    pub fn table(&self) -> String {
        let title = self.head["card"]["name"].as_str().unwrap_or("no card");
        let mut lines = vec![format!("# GPU check, {title}"), String::new()];
        if !self.is_complete {
            lines.extend(["This run was cut off, or is under way.".to_owned(), String::new()]);
        }
        lines.extend(["| part | what became of it | s |", "| --- | --- | --- |"].map(str::to_owned));
        lines.extend(self.parts.iter().map(|it| {
            let (state, why) = words(&it.state);
            let why = why.map(|it| format!(": {}", it.replace(['|', '\n'], " "))).unwrap_or_default();
            format!("| {} | {state}{why} | {:.1} |", it.name, it.took.as_secs_f64())
        }));
        lines.push(String::new());
        lines.push("| what | p50 or value | p99 | max | unit | verdict |".to_owned());
        lines.push("| --- | --- | --- | --- | --- | --- |".to_owned());
        lines.extend(self.rows.iter().map(line));
        lines.join("\n") + "\n"
    }

    /// Writes both files. Each takes the place of the one before in one step.
    pub fn save(&mut self) {
        let json = serde_json::to_string_pretty(&self.json()).expect("the report is JSON");
        let written = fs::create_dir_all(&self.folder)
            .and_then(|()| replace(&self.folder.join("gpu.json"), &json))
            .and_then(|()| replace(&self.folder.join("gpu.md"), &self.table()));
        if let Err(error) = written
            && !std::mem::replace(&mut self.is_lost, true)
        {
            eprintln!("{}: {error}; the rows above are all there is", self.folder.display());
        }
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("unfinished");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, path))
}

fn words(state: &State) -> (&'static str, Option<&str>) {
    match state {
        State::Waiting => ("waiting", None),
        State::Running => ("running", None),
        State::Ran => ("ran", None),
        State::Skipped(why) => ("skipped", Some(why)),
        State::Late(why) => ("late", Some(why)),
        State::Died(why) => ("died", Some(why)),
    }
}

fn part_json(it: &PartRecord) -> Value {
    let (state, why) = words(&it.state);
    let tenths = |it: Duration| (it.as_secs_f64() * 10.0).round() / 10.0;
    let mut out = json!({ "name": it.name, "state": state, "seconds": tenths(it.took), "deadline": tenths(it.limit) });
    if let Some(why) = why {
        out["why"] = json!(why);
    }
    out
}
