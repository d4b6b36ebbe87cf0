//! The command line: what can be asked of the box, and how it is explained.

use clap::{Parser, Subcommand};

use super::box_file::BoxFileArgs;
use super::doctor::DoctorArgs;
use super::extension::ExtensionArgs;
use super::latency::LatencyArgs;
use super::learn::LearnArgs;
use super::library::LibraryArgs;
use super::params::ParamsArgs;
use super::player::PlayerArgs;
use super::render::RenderArgs;
use super::report::ReportArgs;
use super::run::RunArgs;
use super::stick::StickArgs;
use super::update::UpdateArgs;
use super::version;
use crate::compute::build::BuildArgs;

/// Plays music diffusion live: knobs reach into the denoising loop while it runs.
#[derive(Debug, Parser)]
#[command(name = "demon", version = version::short(), long_version = version::long(), max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 done, or a run that was asked to end (q, Ctrl-C, SIGTERM, SIGHUP, a terminal that is closed); 1 it failed, the \
sound did not end in time, or memory was exhausted; 2 the command line asks for what cannot be done; 130 a build or a render was interrupted; 128 and the \
signal's number when a second signal ended it at once. Whatever hangs is named and left behind: the process is gone within two \
seconds. Under nohup a hang-up does not end it.\n\n\
DEMON_LOG=info shows on standard error what the player is told and what libraries say (off, error, warn, info, debug, trace).")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the box.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play live: source in, knobs and keys, sound out
    Run(RunArgs),
    /// The sound alone, which outlives the engine that feeds it: started by `run` where none is there
    Player(PlayerArgs),
    /// Play into a file on a virtual clock: the same input gives the same bytes
    Render(RenderArgs),
    /// Print the parameters: id, range, default, and when a change is heard
    Params(ParamsArgs),
    /// Give a knob or button of a controller a meaning, and list or forget what was given
    Learn(LearnArgs),
    /// What patches name: recordings, patches, models and adapters; list them, look at them, bring some in
    Library(LibraryArgs),
    /// Build what the graphics card plays from: plans, kept until model, card or driver change
    Build(BuildArgs),
    /// Say what is wrong with the box, and what would mend it: card, model, sound, controllers, rights, disk, units
    Doctor(DoctorArgs),
    /// Measure how long a gesture takes from the hand to the ear, by class, and what the sound device adds
    Latency(LatencyArgs),
    /// Write what hands did and what was told in the last minutes, or (--crash) the report of the last crash, to a file or a stick
    Report(ReportArgs),
    /// Write an update of the box beside what plays, look at one, say which versions there are, or go back
    Update(UpdateArgs),
    /// Look at an extension of the system: drivers and libraries that the image does not ship
    Extension(ExtensionArgs),
    /// Say whether the box's file is in order, and what it asks the system for
    BoxFile(BoxFileArgs),
    /// Look at a mounted stick: what it brings is checked and copied, an update on it is offered, reports go home
    Stick(StickArgs),
}
