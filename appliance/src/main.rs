//! The command line of the box: reads what is asked, does it, and says in words what went wrong.
//!
//! Exit codes: 0 done, 1 it failed (the reason is on standard error), 2 the command line was not understood, 130 a build or a
//! render was interrupted.

use std::io::Write;
use std::process::ExitCode;

use appliance::command::stdout::{Told, say};
use appliance::command::told::told;
use appliance::command::{Cli, Command, build, learn, params, render, run};
use appliance::compute::arguments::Misused;
use appliance::compute::build::Outcome;
use clap::Parser;

/// As a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(words) = listen_to_libraries() {
        say(&format!("demon: {words}"));
        return ExitCode::from(2);
    }
    let mut out = Told::new(std::io::stdout());
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
        Command::Params(args) => params::params(args, &mut out, &mut |words| say(words)).map_err(Into::into),
        Command::Run(args) => run::run(args),
        Command::Learn(args) => learn::learn(args, &mut out),
        Command::Build(args) => match build::command(args, &mut out) {
            Ok(Outcome::Interrupted { built }) => {
                say(&format!("demon: interrupted; {built} plans were finished before and are kept"));
                return ExitCode::from(INTERRUPTED);
            }
            done => done.map(|_| ()),
        },
    };
    // What is told last may still wait in a buffer.
    match done.and_then(|()| out.flush().map_err(Into::into)) {
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

/// What TensorRT and others say goes to standard error when somebody asks for it; a player does not want to read it.
fn listen_to_libraries() -> Result<(), String> {
    let Ok(asked) = std::env::var("DEMON_LOG") else { return Ok(()) };
    let level: tracing_subscriber::filter::LevelFilter = asked
        .parse()
        .map_err(|_| format!("DEMON_LOG: found `{asked}`, expected off, error, warn, info, debug or trace"))?;
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false)
        .init();
    Ok(())
}
