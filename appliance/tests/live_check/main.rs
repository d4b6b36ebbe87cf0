//! Goal: whatever is loaded while it plays, the music goes on: what plays is heard to its last sample, nothing is lost, late or changed, and what cannot be
//! loaded is said.
//! Method: the real `demon run` with the built-in model at a real player on a real clock, in a terminal whose hands answer what it says:
//! recordings of 22 lengths and rates by hand and by patch, structure, timbre, 20 prompts, undo of a load, loads that are called off, files that
//! are missing, torn or on a disk that is gone. Knobs move while it prepares. Then `survive`'s oracle plays every window and every tape again and
//! compares every sample that was heard.
//!
//! Without arguments it is short, for the gate: times are not judged there. `make live-check` has the long one, and runs the same on a virtual clock
//! besides (`any_order_of_loads...`): `--loads N`, `--seed N`, `--report FILE`.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a table for whoever runs it
#![allow(dead_code)] // `survive` uses all of what lies there

#[path = "../survive/dummy.rs"]
mod dummy;
mod hands;
#[path = "../survive/oracle.rs"]
mod oracle;
#[path = "../terminal_support/pty.rs"]
mod pty;
#[path = "../recordings/mod.rs"]
mod recordings;
mod set;
mod table;
#[path = "../recordings/turned_model.rs"]
mod turned_model;
#[path = "../survive/world.rs"]
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use dummy::Dice;
use hands::Hands;
use oracle::{Verdict, judge};
use table::{Found, Rows};
use world::{Restarts, World};

/// Loads of one engine's life: all sound of a life is in memory until it is judged.
const IN_A_LIFE: usize = 50;

/// Without loads, in each life, to see how many windows come late anyway.
const QUIET: Duration = Duration::from_secs(20);

struct Wanted {
    loads: usize,
    seed: u64,
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().skip_while(|it| *it != name).nth(1);
    let number = |name: &str, usual: usize| after(name).map_or(usual, |it| it.parse().expect("a number"));
    let wanted = Wanted {
        loads: number("--loads", 14),
        seed: number("--seed", 7) as u64,
        report: after("--report").map(PathBuf::from),
    };
    let mut found = Found::default();
    let (mut left, is_long) = (wanted.loads, wanted.report.is_some());
    while 0 < left {
        let count = left.min(IN_A_LIFE);
        life(count, wanted.seed + left as u64, if is_long { QUIET } else { QUIET / 10 }, &mut found);
        left -= count;
    }
    let rows = Rows::of(&found, wanted.report.is_some());
    println!("{rows}");
    if let Some(path) = &wanted.report {
        std::fs::write(path, rows.report(wanted.seed)).expect("the report is written");
    }
    if rows.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One life: so many loads, and what was heard of them.
fn life(count: usize, seed: u64, quiet: Duration, found: &mut Found) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut dice = Dice(seed);
    let set = set::write(folder.path(), &mut dice);
    let demon = Path::new(env!("CARGO_BIN_EXE_demon"));
    let (terminal, keys) = pty::terminal();
    let start = Box::new(move |folder: &Path| hands::command(demon, folder, &keys));
    let mut world = World::start(folder.path(), demon, start, Restarts::Engine);
    for path in set.recordings() {
        world.sent.add_tape(set::sound_of(&path));
    }
    let mut hands = Hands::new(&world, terminal, quiet, set, dice);
    hands.begin(&world);
    hands.play(count, &world, found);
    world.end();
    let mut verdict = Verdict::default();
    for life in &world.lives {
        verdict.add(&judge(life, &world.sent));
    }
    found.verdict.add(&verdict);
}
