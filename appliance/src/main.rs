//! The command line of the box: reads what is asked, does it, and says in words what went wrong.
//!
//! Exit codes stand in `--help`, and here again by where they come from: 0 done, or a run that was asked to end; 1 it failed, or
//! the sound did not end in time; 2 the command line was not understood; 128 and a signal's number when a second one ended it at
//! once; 130 a build, a render or a measurement was interrupted. Whatever does not end in time is named, and not waited for.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use appliance::command::box_file::NotAsked;
use appliance::command::exhausted::OrEnd;
use appliance::command::log::{LogWriter, Put, left_out, lines_to};
use appliance::command::signals::{INTERRUPTED, end_at_once};
use appliance::command::stdout::{Told, say};
use appliance::command::told::told;
use appliance::command::{
    Cli, Command, box_file, build, doctor, extension, latency, learn, library, params, player, render, report, run,
    stick, update,
};
use appliance::compute::arguments::Misused;
use appliance::compute::build::Outcome;
use appliance::compute::freed;
use appliance::latency::Interrupted;
use appliance::performance::ending::NotEnded;
use appliance::service::journal::{self, Entries, Entry};
use clap::Parser;
use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Memory that is exhausted is said.
#[global_allocator]
static MEMORY: OrEnd = OrEnd;

/// How long the end waits for the last events to be read.
const LAST_EVENTS: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    freed::keep_no_large_blocks();
    let cli = Cli::parse();
    let log = match begin_log() {
        Ok(log) => log,
        Err(words) => {
            say(&format!("demon: {words}"));
            return ExitCode::from(2);
        }
    };
    let code = run(&cli, log.as_ref());
    if let Some(log) = log {
        log.flush();
    }
    code
}

fn run(cli: &Cli, log: Option<&Log>) -> ExitCode {
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
        Command::Player(args) => player::player(args),
        Command::Doctor(args) => doctor::doctor(args, &mut out),
        Command::Latency(args) => latency::latency(args, &mut out),
        Command::Report(args) => report::report(args, &mut out),
        Command::Update(args) => update::update(args, &mut out),
        Command::Stick(args) => stick::stick(args, &mut out),
        Command::Extension(args) => extension::extension(args, &mut out),
        Command::BoxFile(args) => box_file::box_file(args, &mut out),
        Command::Learn(args) => learn::learn(args, &mut out),
        Command::Library(args) => library::library(args, &mut out),
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
        // The exit code says it.
        Err(error) if error.is::<NotAsked>() => ExitCode::FAILURE,
        Err(error) => {
            last_word(&told(&error));
            if let Some(rest) = error.downcast_ref::<NotEnded>() {
                // What hangs would hold up the end of the process, too.
                log.into_iter().for_each(Log::flush);
                end_at_once(u8::from(rest.lost_sound()));
            }
            match () {
                () if error.is::<Misused>() => ExitCode::from(2),
                () if error.is::<render::Interrupted>() || error.is::<Interrupted>() => ExitCode::from(INTERRUPTED),
                () => ExitCode::FAILURE,
            }
        }
    }
}

/// Why it failed: a fault of the journal where standard error goes there, or a line.
fn last_word(words: &str) {
    if journal::holds(std::io::stderr()) {
        tracing::error!("{words}");
    } else {
        say(&format!("demon: {words}"));
    }
}

/// Where events go.
enum Log {
    Lines(LogWriter<Vec<u8>>),
    Journal(LogWriter<Entry>),
}

impl Log {
    fn flush(&self) {
        match self {
            Self::Lines(log) => log.flush(LAST_EVENTS),
            Self::Journal(log) => log.flush(LAST_EVENTS),
        }
    }
}

/// What the player is told, and what TensorRT and others say, are events: lines on standard error when somebody asks for it, and
/// entries of systemd's journal wherever standard error goes there.
fn begin_log() -> Result<Option<Log>, String> {
    let journal = journal::holds(std::io::stderr());
    let usual = journal.then(|| "info".to_owned());
    let Some(asked) = std::env::var("DEMON_LOG").ok().or(usual) else { return Ok(None) };
    let level: LevelFilter = asked
        .parse()
        .map_err(|_| format!("DEMON_LOG: found `{asked}`, expected off, error, warn, info, debug or trace"))?;
    let no_thread = |error: std::io::Error| format!("the log has no thread: {error}");
    if journal {
        let log = LogWriter::start(to_journal).map_err(no_thread)?;
        let writer = log.clone();
        tracing_subscriber::registry().with(Entries::to(move |it| writer.log(it)).with_filter(level)).init();
        return Ok(Some(Log::Journal(log)));
    }
    let log = LogWriter::start(lines_to(std::io::stderr())).map_err(no_thread)?;
    let writer = log.clone();
    let written = move || -> Box<dyn Write> { Box::new(writer.clone()) };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(written)
        .with_ansi(false)
        .log_internal_errors(false)
        .init();
    Ok(Some(Log::Lines(log)))
}

/// Sends an entry. Where the journal does not take it, standard error is the journal's too, and takes the words.
fn to_journal(what: Put<Entry>) {
    let entry = match what {
        Put::Event(entry) => entry,
        Put::LeftOut(count) => Entry { level: Level::WARN, message: left_out(count), fields: Vec::new() },
    };
    if entry.send().is_err() {
        say(&entry.message);
    }
}
