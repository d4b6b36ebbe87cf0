//! `demon player`: the sound alone, which engines come to and leave.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use engine::latent::SAMPLE_RATE_HZ;

use super::from_box::AskArgs;
use super::signals::listen;
use super::stdout::say;
use crate::compute::arguments::{Misused, number};
use crate::display::messages::Level;
use crate::files::{Place, STREAM};
use crate::handover::door::Door;
use crate::handover::folder::folder;
use crate::handover::link::{NotAttached, stop};
use crate::handover::memory::{SharedArena, sizes};
use crate::performance::output::{DEFAULT_DEVICE, Output};
use crate::player::{Line, Parts, play};
use crate::service::journal;
use crate::service::systemd::{Systemd, kept};
use crate::settings::box_file::{AudioPlan, BoxConfig};

/// `demon player`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
An engine (demon run) that finds a player attaches to it, takes the tape that plays, and sends it windows. When the engine ends in \
order, so does the player; when it is killed, hangs or crashes, the player plays on, and the next engine finds it.\n\n\
Exit codes: 0 it was asked to end, or --stop ended one; 1 not all of the sound arrived, a player runs already, or --stop found none; \
2 the command line asks for what cannot be done.")]
pub struct PlayerArgs {
    /// ALSA device, waited for while it is absent or busy [default: `default`; on a machine without any sound card the sound goes
    /// into demon-take-NNNN.wav until there is one]
    #[arg(long, value_name = "PCM")]
    pub device: Option<String>,
    /// Write a WAV file in real time instead of opening a sound card
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    pub wav: Option<PathBuf>,
    /// How the sound device is asked.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The box's file, for its sound device [default: /etc/demon/demon.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// End the player that runs: it fades out
    #[arg(long, conflicts_with_all = ["device", "wav", "longest", "config"])]
    pub stop: bool,
    /// Room for tapes of so many seconds [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = number(1.0, 5_000.0))]
    pub longest: Option<f64>,
    /// Folder of the socket by which engines find it [default: $DEMON_RUNTIME, $XDG_RUNTIME_DIR/demon, /run/demon or /tmp/demon-USER]
    #[arg(long, value_name = "FOLDER")]
    pub runtime: Option<PathBuf>,
    /// The shared memory is standard input: how an engine starts a player again with its tape
    #[arg(long, hide = true)]
    pub memory: bool,
    /// Started by an engine: leads a session of its own, since that one's terminal may go
    #[arg(long, hide = true)]
    pub for_one: bool,
    /// The same, and it and the folder of its socket are that engine's own: they end with it
    #[arg(long, hide = true)]
    pub own: bool,
}

/// What the shared memory is called while the service manager keeps it.
const MEMORY: &str = "memory";
/// Exit code of a player that was asked to end: that is how it ends.
const ASKED: i32 = 0;
/// How long a player may take to end: two seconds, and some for a busy machine.
const TIME_TO_END: Duration = Duration::from_secs(4);

/// Plays until somebody asks for the end, or ends the one that plays.
///
/// # Errors
/// In words, when there is a player already, none to end, or not all of the sound arrived.
pub fn player(args: &PlayerArgs) -> anyhow::Result<()> {
    let folder = folder(args.runtime.as_deref());
    if args.stop {
        return match stop(&folder, TIME_TO_END) {
            Ok(None) => Ok(()),
            Ok(Some(why)) => bail!("the player ended; not all of the sound arrived: {why}"),
            Err(error @ NotAttached::Nobody) => bail!("{error}; nothing is to be ended"),
            Err(error) => Err(error.into()),
        };
    }
    if args.for_one || args.own {
        // Whoever started it may have a terminal, and that may go. One that leads a group already stays where it is.
        let _ = rustix::process::setsid();
    }
    let leave = listen(ASKED)?;
    let manager = Systemd::of_environment();
    let plan = plan(args)?;
    let output = match &args.wav {
        Some(path) if path == Path::new(STREAM) => {
            bail!(Misused("--wav -: a player has nothing to say on standard output; give a name".to_owned()))
        }
        Some(path) => Output::File(Place::look(path)?),
        None => {
            let named = args.device.as_deref().or(plan.device.as_deref());
            // A service has no folder for takes: it waits for a device, also where there is no card yet.
            Output::to_device(named.or_else(|| manager.listens().then_some(DEFAULT_DEVICE)))
        }
    };
    let door = Door::open(&folder).map_err(anyhow::Error::msg)?;
    let shared = memory(args, manager)?;
    // A file that nobody hears is not to grow for ever.
    let ends_with_engine = args.own || args.for_one && output.is_file();
    let (out, place, notice) = output.make()?;
    put(&Line::new(Level::Info, format!("playing to {place}")));
    let ask = args.ask.or(&plan).ask();
    let parts = Parts { door, shared, out, ask, place, notice, ends_with_engine, manager };
    let played = play(parts, &leave, &mut put);
    if args.own {
        let _ = std::fs::remove_dir_all(&folder);
    }
    played
}

/// What is shared with engines: handed over by the engine that started us, kept by the service manager while a player before us died, or
/// new. The manager is asked to keep it, so that a player's end is not the tape's.
fn memory(args: &PlayerArgs, manager: Systemd) -> anyhow::Result<SharedArena> {
    if args.memory {
        let memory = rustix::stdio::stdin().try_clone_to_owned().context("the shared memory")?;
        return Ok(SharedArena::open(memory)?);
    }
    match kept(MEMORY).map(SharedArena::open) {
        Some(Ok(shared)) => {
            put(&Line::new(Level::Info, "the tape of the player before this one plays on"));
            return Ok(shared);
        }
        Some(Err(error)) => {
            let words = format!("what the service manager kept is no tape of this version ({error}); it is let go");
            put(&Line::new(Level::Warning, words));
            manager.let_go(MEMORY);
        }
        None => {}
    }
    let shared = SharedArena::create(sizes((args.longest.unwrap_or(0.0) * f64::from(SAMPLE_RATE_HZ)) as usize))?;
    let _ = manager.keep(MEMORY, shared.descriptor());
    Ok(shared)
}

/// What the box's file says of the sound device. Whoever was started by an engine has been told by it.
fn plan(args: &PlayerArgs) -> anyhow::Result<AudioPlan> {
    if args.memory {
        return Ok(AudioPlan::default());
    }
    let (config, faults) = BoxConfig::open(args.config.as_deref())?;
    faults.into_iter().for_each(|it| put(&Line::new(Level::Warning, it)));
    Ok(config.audio)
}

/// A line is an event where the log is read, and else words on standard error; nothing twice. A journal that does not want its level does
/// not get it as words either.
fn put(line: &Line) {
    if line.is_logged() {
        line.log();
    } else if !journal::holds(std::io::stderr()) {
        say(&line.words);
    }
}
