//! Goal: the sound outlives its engine: whoever is killed or hangs, at whatever moment, not a sample is lost or wrong.
//! Method: real processes, killed at random moments in random order; then an oracle plays all of it again on one thread and
//! compares every sample (`oracle`). Two rounds: `dummy`, an engine without a model that sends windows, seeks, bands, gains and tapes
//! as fast as it can, where this test starts the player again; and `run`, the real `demon run` with the built-in model under hands
//! that never rest, which starts its player again by itself.
//!
//! Without arguments both are short, for the gate. `tools/survive/run` has the long ones: `--kills N`, `--stops N`,
//! `--player-kills N`, `--seed N`, `--engine dummy|run`, `--report FILE`.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a table for whoever runs it

mod dummy;
#[allow(dead_code)] // `live_check` uses the rest
mod oracle;
mod real;
#[allow(dead_code)] // `live_check` uses the rest
mod world;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use dummy::Dice;
use oracle::{Verdict, judge};
use world::{Restarts, Times, World};

/// Back with sound, and with windows.
const PLAYER_BACK: Duration = Duration::from_secs(1);
const ENGINE_BACK: Duration = Duration::from_secs(5);
/// How long an orderly end may take.
const TO_END: Duration = Duration::from_secs(2);

/// What is done, how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    KillEngine,
    StopEngine,
    KillPlayer,
}

/// Which engine is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Dummy,
    Run,
}

struct Wanted {
    engines: Vec<Engine>,
    deeds: [(Deed, usize); 3],
    seed: u64,
    report: Option<PathBuf>,
    /// Whether times are judged: the gate's machine may be busy with anything.
    strict: bool,
}

/// A line of the table: what, what was found, and whether it is good.
type Row = (String, String, bool);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, runtime, logs] = &arguments[..]
        && word == "engine"
    {
        dummy::live(Path::new(runtime), Path::new(logs));
    }
    let wanted = read(&arguments);
    let (mut rounds, mut passed, mut failed) = (Vec::new(), 0, 0);
    for engine in &wanted.engines {
        println!("{engine:?}, seed {}: {:?}", wanted.seed, wanted.deeds);
        let (rows, times) = round(*engine, &wanted);
        for (what, found, good) in &rows {
            println!("{} {what:<46} {found}", if *good { "ok  " } else { "FAIL" });
        }
        let bad = rows.iter().filter(|it| !it.2).count();
        (passed, failed) = (passed + rows.len() - bad, failed + bad);
        let rows: Vec<_> =
            rows.iter().map(|it| serde_json::json!({ "what": it.0, "found": it.1, "passed": it.2 })).collect();
        let times: Vec<_> = times
            .0
            .iter()
            .map(|(what, all)| serde_json::json!({ "what": what, "s": all.iter().map(Duration::as_secs_f64).collect::<Vec<_>>() }))
            .collect();
        rounds.push(serde_json::json!({ "engine": format!("{engine:?}"), "rows": rows, "times": times }));
    }
    println!("{passed} passed, {failed} failed, 0 skipped");
    if let Some(path) = &wanted.report {
        let report = serde_json::json!({ "seed": wanted.seed, "rounds": rounds, "passed": passed, "failed": failed });
        std::fs::write(path, format!("{report:#}\n")).expect("the report is written");
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Kills, stops and ends one kind of engine; the table, and all times.
fn round(engine: Engine, wanted: &Wanted) -> (Vec<Row>, Times) {
    let folder = tempfile::tempdir().expect("a folder");
    let demon = Path::new(env!("CARGO_BIN_EXE_demon"));
    let me = std::env::current_exe().expect("a program");
    let start = move |folder: &Path| {
        let mut command = Command::new(&me);
        command.stdin(Stdio::null()).arg("engine").arg(folder.join("runtime")).arg(folder.join("logs"));
        command
    };
    let mut world = match engine {
        Engine::Dummy => World::start(folder.path(), demon, Box::new(start), Restarts::Test),
        Engine::Run => {
            real::write_hands(folder.path(), wanted.seed);
            let start = Box::new(|folder: &Path| real::command(demon, folder));
            World::start(folder.path(), demon, start, Restarts::Engine)
        }
    };
    let mut times = Times::default();
    let shortest = survive(&mut world, wanted, &mut times);
    let end = world.end();
    let mut verdict = Verdict::default();
    for life in &world.lives {
        verdict.add(&judge(life, &world.sent));
    }
    (rows(wanted, &verdict, &times, end, shortest), times)
}

fn read(arguments: &[String]) -> Wanted {
    let after = |name: &str| arguments.iter().skip_while(|it| *it != name).nth(1);
    let number = |name: &str, usual: usize| after(name).map_or(usual, |it| it.parse().expect("a number"));
    let deeds = [
        (Deed::KillEngine, number("--kills", 10)),
        (Deed::StopEngine, number("--stops", 2)),
        (Deed::KillPlayer, number("--player-kills", 3)),
    ];
    let engines = match after("--engine").map(String::as_str) {
        None => vec![Engine::Dummy, Engine::Run],
        Some("dummy") => vec![Engine::Dummy],
        Some("run") => vec![Engine::Run],
        Some(other) => panic!("--engine {other}: dummy or run"),
    };
    let seed = number("--seed", std::process::id() as usize) as u64;
    Wanted { engines, deeds, seed, report: after("--report").map(PathBuf::from), strict: after("--report").is_some() }
}

/// Does all of it in a random order at random moments; the least part of its time that a stopped engine's player went on.
fn survive(world: &mut World, wanted: &Wanted, times: &mut Times) -> f64 {
    let mut dice = Dice(wanted.seed ^ 0x5eed);
    let mut deeds: Vec<Deed> = wanted.deeds.iter().flat_map(|(deed, count)| vec![*deed; *count]).collect();
    for at in (1..deeds.len()).rev() {
        deeds.swap(at, dice.throw(at + 1));
    }
    world.windows_come();
    let mut shortest = 1.0_f64;
    for deed in deeds {
        // A while with windows, and then at any moment.
        if dice.throw(3) != 0 {
            world.windows_come();
        }
        std::thread::sleep(Duration::from_micros(dice.throw(400_000) as u64));
        match deed {
            Deed::KillEngine => times.add("engine killed: back with windows", world.kill_engine()),
            Deed::StopEngine => {
                let time = Duration::from_millis(300);
                let frames = world.stop_engine(time);
                shortest = shortest.min(frames as f64 / 48_000.0 / time.as_secs_f64());
                times.add("engine stopped and going on: windows again", world.windows_come());
            }
            Deed::KillPlayer => times.add("player killed: back with sound", world.kill_player()),
        }
    }
    world.windows_come();
    world.plays(24_000);
    shortest
}

/// The table.
fn rows(wanted: &Wanted, verdict: &Verdict, times: &Times, end: Duration, shortest: f64) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut row = |what: &str, found: String, good: bool| rows.push((what.to_owned(), found, good));
    row(
        "heard",
        format!("{:.1} s, {} windows", verdict.frames as f64 / 48_000.0, verdict.windows),
        0 < verdict.windows && 0 < verdict.frames,
    );
    row("gaps", format!("{}", verdict.gaps), verdict.gaps == 0);
    row("samples wrong", format!("{} {:?}", verdict.wrong, verdict.first_wrong), verdict.wrong == 0);
    row("records that nobody sent whole", format!("{}", verdict.foreign), verdict.foreign == 0);
    row("frames wrong in tapes of killed players", format!("{}", verdict.tape_wrong), verdict.tape_wrong == 0);
    for (what, all) in &times.0 {
        let mut all: Vec<f64> = all.iter().map(Duration::as_secs_f64).collect();
        all.sort_by(f64::total_cmp);
        let most = if what.starts_with("player") { PLAYER_BACK } else { ENGINE_BACK }.as_secs_f64();
        let at = |per_cent: usize| all[(all.len() * per_cent).div_ceil(100) - 1];
        let found = format!("{} times: p50 {:.3} s, p99 {:.3} s, max {:.3} s", all.len(), at(50), at(99), at(100));
        row(what, found, !wanted.strict || at(100) < most);
    }
    row(
        "played while the engine hung",
        format!("{:.0} % of the time", shortest * 100.0),
        !wanted.strict || 0.5 < shortest,
    );
    row("altogether", String::new(), verdict.is_clean());
    row("orderly end", format!("{:.3} s", end.as_secs_f64()), !wanted.strict || end < TO_END);
    rows
}
