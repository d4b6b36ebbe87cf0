//! Part after part, each in a process of its own with a deadline of its own: whatever one does to the card, to its process or
//! to the clock, the next begins anew, and what was found is on the disk.
//!
//! A part speaks in lines: `gpu-check row {...}`, `gpu-check card {...}`, `gpu-check besides {...}`, and at its end
//! `gpu-check end`; the script beside PyTorch speaks in bare JSON. Whatever else comes is counted and the first of it kept.
//! This process itself never touches the driver.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{End, Ended, listen};
use super::record::{PartRecord, Record, State};
use super::report::{Found, Row, Verdict, line, row_from};
use super::{libraries, torch};

/// Parts by the names that `--only` takes, in the order in which they tell most, with their title and their deadline in
/// seconds. PyTorch's own come last: they say nothing of us, and the compiler takes minutes.
pub const PARTS: [(&str, &str, u64); 7] = [
    ("machine", "machine", 45),
    ("solver", "solver", 90),
    ("machinery", "machinery", 90),
    ("plain", "plain", 150),
    ("tensorrt", "TensorRT", 900),
    ("torch", "PyTorch, eager", 90),
    ("torch-compiled", "PyTorch, compiled", 300),
];
/// Begins every line that a part says to whoever runs it.
pub const MARK: &str = "gpu-check ";
/// What the machinery costs, for parts that hold the denoiser against it: `DEPTH=MICROSECONDS`, by commas.
pub const BESIDES: &str = "GPU_CHECK_BESIDES";
/// A part is not begun with less than this.
const LEAST: Duration = Duration::from_secs(1);
/// What is asked for.
pub struct Asked<'a> {
    /// Names of the parts, of [`PARTS`]; all where it is empty.
    pub only: Vec<String>,
    /// For everything together.
    pub deadline: Option<Duration>,
    /// For a part, instead of its own.
    pub limit: &'a dyn Fn(&str) -> Option<Duration>,
    /// A process that answers a part.
    pub answers: &'a dyn Fn(&str) -> Command,
    /// Python, perhaps with PyTorch.
    pub python: String,
    /// How long Python may take to say where its packages are.
    pub search: Duration,
    /// The script that times PyTorch, and its arguments.
    pub script: (PathBuf, Vec<String>),
}

/// Runs the parts. Gives whether a card was found.
pub fn run(asked: &Asked<'_>, record: &mut Record, say: &mut dyn FnMut(&str)) -> bool {
    let start = Instant::now();
    let wanted = |name: &str| asked.only.is_empty() || asked.only.iter().any(|it| it == name);
    let limit = |name: &str, own: u64| (asked.limit)(name).unwrap_or(Duration::from_secs(own));
    record.parts = PARTS
        .iter()
        .filter(|it| wanted(it.0))
        .map(|&(name, _, own)| PartRecord {
            name: name.to_owned(),
            state: State::Waiting,
            took: Duration::ZERO,
            limit: limit(name, own),
        })
        .collect();
    record.save();
    let mut turn = Turn { asked, record, say, besides: String::new(), libraries: None, has_card: false };
    for at in 0..turn.record.parts.len() {
        let left = asked.deadline.map(|it| it.saturating_sub(start.elapsed()));
        turn.part(at, left);
    }
    turn.has_card
}

struct Turn<'a> {
    asked: &'a Asked<'a>,
    record: &'a mut Record,
    say: &'a mut dyn FnMut(&str),
    besides: String,
    /// Where cuBLASLt was found, once it was looked for.
    libraries: Option<String>,
    has_card: bool,
}

/// What came besides rows.
#[derive(Default)]
struct Noise {
    lines: usize,
    first: String,
    rows: usize,
    is_over: bool,
}

impl Turn<'_> {
    fn part(&mut self, at: usize, left: Option<Duration>) {
        let name = self.record.parts[at].name.clone();
        let title = PARTS.iter().find(|it| it.0 == name).expect("a part of the list").1;
        let limit = self.record.parts[at].limit.min(left.unwrap_or(Duration::MAX));
        if limit < LEAST {
            let why = "no time was left".to_owned();
            self.row(title, "everything", Verdict::Skipped(why.clone()));
            return self.became(at, State::Skipped(why));
        }
        self.became(at, State::Running);
        let begun = Instant::now();
        let is_torch = name.starts_with("torch");
        if matches!(name.as_str(), "machine" | "plain") && self.libraries.is_none() {
            self.find_libraries(title, self.asked.search.min(limit / 2));
        }
        let mut command = if is_torch { self.python(&name) } else { self.own(&name) };
        let mut noise = Noise::default();
        let limit_now = limit.saturating_sub(begun.elapsed());
        let ended = listen(&mut command, limit_now, |line| self.hear(title, is_torch, line, &mut noise));
        self.record.parts[at].took = begun.elapsed();
        let state = self.state(is_torch, limit, &ended, &noise);
        if let State::Late(why) | State::Died(why) | State::Skipped(why) = &state {
            // PyTorch is there to be compared with: that it does not run is no fault of ours.
            let why = why.clone();
            let verdict = if is_torch { Verdict::Skipped(why) } else { Verdict::Failed(why) };
            self.row(title, if noise.rows == 0 { "everything" } else { "the rest" }, verdict);
        }
        if 0 < noise.lines {
            let words = format!("{}, the first: {}", noise.lines, noise.first);
            self.push(title, "lines that were no rows", Found::Words(words), Verdict::Measured);
        }
        self.became(at, state);
    }

    /// A part of ours.
    fn own(&self, name: &str) -> Command {
        let mut command = (self.asked.answers)(name);
        command.env(BESIDES, &self.besides);
        if let Some(folders) = self.libraries.as_ref().filter(|it| !it.is_empty()) {
            command.env("LD_LIBRARY_PATH", folders);
        }
        command
    }

    fn python(&self, name: &str) -> Command {
        let (script, arguments) = &self.asked.script;
        let mut command = Command::new(&self.asked.python);
        let way = if name == "torch" { "eager" } else { "compiled" };
        command.arg(script).args(arguments).args(["--way", way]).env("PYTHONUNBUFFERED", "1");
        command
    }

    fn find_libraries(&mut self, title: &str, limit: Duration) {
        let (folders, words) = libraries::cublaslt(&self.asked.python, limit);
        self.push(title, "cuBLASLt on this machine", Found::Words(words), Verdict::Measured);
        self.libraries = Some(folders);
    }

    fn hear(&mut self, title: &str, is_torch: bool, line: &str, noise: &mut Noise) {
        let known = if is_torch { torch::row(title, line).map(Said::Row) } else { said(line) };
        match known {
            Some(Said::Row(row)) => {
                noise.rows += 1;
                self.tell(row);
            }
            Some(Said::Card(card)) => {
                self.record.head["card"] = card;
                self.has_card = true;
                self.record.save();
            }
            Some(Said::Besides(besides)) => self.besides = besides,
            Some(Said::End) => noise.is_over = true,
            None if line.trim().is_empty() => {}
            None => {
                if noise.lines == 0 {
                    noise.first = line.chars().take(200).collect();
                }
                noise.lines += 1;
            }
        }
    }

    fn state(&self, is_torch: bool, limit: Duration, ended: &Ended, noise: &Noise) -> State {
        let words = |what: String| {
            let last = &ended.last_words;
            if last.is_empty() { what } else { format!("{what}; its last words: {last}") }
        };
        match &ended.end {
            End::Late => State::Late(words(format!("past its deadline of {:.1} s", limit.as_secs_f64()))),
            End::NotStarted(error) => State::Skipped(format!("it does not start: {error}")),
            End::Exited(status) if !status.success() => State::Died(words(format!("it ended with {status}"))),
            End::Exited(_) if noise.is_over || (is_torch && 0 < noise.rows) => State::Ran,
            End::Exited(_) => State::Died(words("it ended before its end".to_owned())),
        }
    }

    fn row(&mut self, title: &str, name: &str, verdict: Verdict) {
        self.push(title, name, Found::Nothing, verdict);
    }

    fn push(&mut self, title: &str, name: &str, found: Found, verdict: Verdict) {
        let (section, unit) = (title.to_owned(), String::new());
        self.tell(Row { section, name: name.to_owned(), found, unit, verdict });
    }

    fn tell(&mut self, row: Row) {
        (self.say)(&line(&row));
        self.record.rows.push(row);
        self.record.save();
    }

    fn became(&mut self, at: usize, state: State) {
        self.record.parts[at].state = state;
        self.record.save();
    }
}

enum Said {
    Row(Row),
    Card(Value),
    Besides(String),
    End,
}

/// What a line of a part says; nothing where it is none of ours.
fn said(line: &str) -> Option<Said> {
    // Whatever runs the process may have begun the line.
    let line = &line[line.find(MARK)? + MARK.len()..];
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    match kind {
        "row" => row_from(&serde_json::from_str(rest).ok()?).map(Said::Row),
        "card" => serde_json::from_str(rest).ok().map(Said::Card),
        "besides" => Some(Said::Besides(rest.to_owned())),
        "end" => Some(Said::End),
        _ => None,
    }
}
