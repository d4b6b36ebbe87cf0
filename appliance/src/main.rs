//! The command line of the box: reads what is asked, does it, and says in words what went wrong.
//!
//! Exit codes stand in `--help`, and here again by where they come from: 0 done, or a run that was asked to end; 1 it failed, or
//! the sound did not end in time; 2 the command line was not understood; 128 and a signal's number when a second one ended it at
//! once; 130 a build or a render was interrupted. Whatever does not end in time is named, and not waited for.

use std::io::Write as _;
use std::process::ExitCode;

use appliance::command::signals::{INTERRUPTED, end_at_once};
use appliance::command::told::told;
use appliance::command::{Cli, Command, build, learn, params, render, run};
use appliance::compute::arguments::Misused;
use appliance::compute::build::Outcome;
use appliance::performance::ending::NotEnded;
use clap::Parser;

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
        Command::Params(args) => params::params(args, &mut |words| say(words)).map_err(Into::into),
        Command::Run(args) => run::run(args),
        Command::Learn(args) => learn::learn(args, &mut std::io::stdout().lock()),
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
            if let Some(rest) = error.downcast_ref::<NotEnded>() {
                // What hangs would hold up the end of the process, too.
                end_at_once(u8::from(rest.lost_sound()));
            }
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
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).init();
    Ok(())
}

fn say(sentence: &str) {
    // A terminal or a pipe that is gone changes nothing about how it went.
    let _ = writeln!(std::io::stderr(), "{sentence}");
}
