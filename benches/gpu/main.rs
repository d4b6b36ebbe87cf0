//! Goal: every promise about a card is measured or checked on the card at hand, by one command, without a network.
//! Method: the parts of `parts.rs`, each in a process of its own with a deadline, each row with a verdict; a JSON report and a
//! table, whole after every row. Ends well only when nothing failed; without a card every row is skipped and the end is bad,
//! too: nothing was found out.
//!
//!   gpu [--out FOLDER] [--only PART]... [--deadline SECONDS] [--ticks N] [--network-ticks N] [--seeds N] [--small]
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

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use gpu::parts::{Asked, PARTS};
use gpu::record::Record;
use gpu::{Settings, machine, parts};
use rustix::process::{Signal, set_parent_process_death_signal};
use tensorrt::Search;

/// What the command line says.
struct Line {
    out: PathBuf,
    settings: Settings,
    only: Vec<String>,
    deadline: Option<Duration>,
    /// The part that this process is to answer, where another asks it.
    part: Option<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let it = match read(&words) {
        Ok(it) => it,
        Err(words) => {
            println!("{words}");
            return ExitCode::from(2);
        }
    };
    if let Some(part) = &it.part {
        // Whoever asked may be killed: a card is not to be held for nobody.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        // A check that fails says so in its row.
        std::panic::set_hook(Box::new(|_| {}));
        gpu::answer(part, &it.settings, &Search::usual());
        return ExitCode::SUCCESS;
    }
    let binary = std::env::current_exe().unwrap_or_else(|error| panic!("this program is nowhere: {error}"));
    let answers = |part: &str| {
        let mut command = Command::new(&binary);
        command.args(&words).args(["--part", part]);
        command
    };
    let script = std::env::var_os("GPU_CHECK_PIPELINE").map_or_else(|| PathBuf::from(PIPELINE), PathBuf::from);
    let asked = Asked {
        only: it.only,
        deadline: it.deadline,
        limit: &|_| None,
        answers: &answers,
        python: std::env::var("GPU_CHECK_PYTHON").unwrap_or_else(|_| "python3".to_owned()),
        search: Duration::from_secs(15),
        script: (script, vec!["--frames".to_owned(), it.settings.frames.to_string()]),
    };
    let mut record = Record::new(&it.out, machine::head());
    let found_out = parts::run(&asked, &mut record, &mut |row| println!("{row}"));
    record.complete();
    println!();
    for it in &record.parts {
        println!("{:15} {:6.1} s  {:?}", it.name, it.took.as_secs_f64(), it.state);
    }
    let [passed, failed, skipped] = record.counts();
    let measured = record.rows.len() - passed - failed - skipped;
    println!("{}: {} rows, {measured} of them measured", it.out.join("gpu.json").display(), record.rows.len());
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 && found_out && !record.is_lost() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Where the script lies from where the repository lies.
const PIPELINE: &str = "tools/gpu-check/pipeline.py";

fn read(words: &[String]) -> Result<Line, String> {
    let small = words.iter().any(|it| it == "--small");
    let mut it = Line {
        out: PathBuf::from("target/gpu-check"),
        settings: if small { Settings::small() } else { Settings::full() },
        only: Vec::new(),
        deadline: None,
        part: None,
    };
    // Cargo says the first to a bench.
    let mut words = words.iter().filter(|it| !matches!(it.as_str(), "--bench" | "--small"));
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} wants a value"))?.clone();
        let number = || {
            let number = value.parse::<usize>().ok().filter(|it| 0 < *it);
            number.ok_or_else(|| format!("{word} wants a number from 1 on, not {value}"))
        };
        let settings = &mut it.settings;
        match word.as_str() {
            "--out" => it.out = value.into(),
            "--only" if PARTS.iter().any(|it| it.0 == value) => it.only.push(value),
            "--only" => return Err(format!("there is no part {value}: {}", PARTS.map(|it| it.0).join(", "))),
            "--part" => it.part = Some(value),
            "--deadline" => it.deadline = Some(Duration::from_secs(number()? as u64)),
            "--ticks" => (settings.ticks, settings.jitter_ticks) = (number()?, 10 * number()?),
            "--network-ticks" => settings.network_ticks = number()?,
            "--seeds" => settings.seeds = number()? as u64,
            _ => {
                let known = "--out, --only, --deadline, --ticks, --network-ticks, --seeds, --small";
                return Err(format!("{word} is not known: {known}"));
            }
        }
    }
    Ok(it)
}
