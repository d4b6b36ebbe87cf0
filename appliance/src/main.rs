//! The command line of the box: reads what is asked, does it, and says in words what went wrong.
//!
//! Exit codes: 0 done, 1 it failed (the reason is on standard error), 2 the command line was not understood, 130 a build or a
//! render was interrupted.

use std::io::Write;
use std::process::ExitCode;

use appliance::binding::Map;
use appliance::build::{self, Outcome};
use appliance::cli::{Cli, Command, Misused, ParamsArgs};
use appliance::instrument::Instrument;
use appliance::told::told;
use appliance::{learn_command, params_command, render, run, set};
use clap::Parser;

/// As a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(words) = listen_to_libraries() {
        say(&format!("demon: {words}"));
        return ExitCode::from(2);
    }
    let done = match &cli.command {
        Command::Render(args) => render::render(args).map(|rendered| {
            say(&format!(
                "{}: {} ticks, {} latents, {} windows, {} gestures",
                render::name_of(&args.out),
                rendered.ticks,
                rendered.latents,
                rendered.windows,
                rendered.gestures
            ));
        }),
        Command::Params(args) => params(args).map_err(Into::into),
        Command::Run(args) => run::run(args),
        Command::Learn(args) => learn_command::learn(args, &mut std::io::stdout().lock()),
        Command::Build(args) => match build::command(args, &mut std::io::stdout().lock()) {
            Ok(Outcome::Interrupted { built }) => {
                say(&format!("demon: interrupted; {built} plans were finished before and are kept"));
                return ExitCode::from(INTERRUPTED);
            }
            done => done.map(|_| ()),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("demon: {}", told(&error)));
            match () {
                () if error.is::<Misused>() => ExitCode::from(2),
                () if error.is::<render::Interrupted>() => ExitCode::from(INTERRUPTED),
                () => ExitCode::FAILURE,
            }
        }
    }
}

fn params(args: &ParamsArgs) -> std::io::Result<()> {
    // Without a model the knobs are as published: the table is there before any model is.
    let (instrument, faults) =
        set::model_folder(args.model.as_deref()).map_or_else(|_| Default::default(), |it| Instrument::open(&it));
    faults.iter().for_each(|it| say(it));
    let travels = &instrument.travels;
    let mut out = std::io::stdout().lock();
    if args.json {
        params_command::write_json(&mut out, travels)?;
    } else {
        params_command::write_table(&mut out, travels)?;
    }
    if args.map {
        params_command::write_map(&mut out, &Map::default())?;
    }
    out.flush()
}

/// What TensorRT and others say goes to standard error when somebody asks for it; a player does not want to read it.
fn listen_to_libraries() -> Result<(), String> {
    let Ok(asked) = std::env::var("DEMON_LOG") else { return Ok(()) };
    let level: tracing_subscriber::filter::LevelFilter = asked
        .parse()
        .map_err(|_| format!("DEMON_LOG: found `{asked}`, expected off, error, warn, info, debug or trace"))?;
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).init();
    Ok(())
}

#[expect(clippy::print_stderr, reason = "this is the program's own voice")]
fn say(sentence: &str) {
    eprintln!("{sentence}");
}
