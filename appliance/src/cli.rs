//! The command line: what can be asked of the box, and how it is explained.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Plays music diffusion live: knobs reach into the denoising loop while it runs.
#[derive(Debug, Parser)]
#[command(name = "demon", version, max_term_width = 100)]
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
    /// Play into a file on a virtual clock: the same input gives the same bytes
    Render(RenderArgs),
    /// Print the parameters: id, range, default, and when a change is heard
    Params(ParamsArgs),
}

/// What both ways of playing share.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// Recording to play on (WAV, FLAC, OGG or MP3; any rate, any channels) [default: the model's demo.flac]
    #[arg(long, value_name = "FILE")]
    pub source: Option<PathBuf>,
    /// Patch with prompts, values, curves and mappings
    #[arg(long, value_name = "FILE")]
    pub patch: Option<PathBuf>,
    /// Model folder in the published layout [default: $DEMON_MODEL, /var/lib/demon/models/current, models/house]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Seed of the noise; overrides the patch
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u32>,
    /// Generations in flight, 1 to 8; overrides the patch
    #[arg(long, value_name = "SLOTS", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub depth: Option<u8>,
    /// Standard MIDI File played as the controller
    #[arg(long, value_name = "FILE")]
    pub midi: Option<PathBuf>,
    /// Longest part of the recording that is used, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub longest: f64,
    /// Compute threads [default: all cores]
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<usize>,
}

/// `demon run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Source, patch, model.
    #[command(flatten)]
    pub set: SetArgs,
    /// ALSA device [default: `default`; where that does not open, sound goes to a WAV file]
    #[arg(long, value_name = "PCM")]
    pub device: Option<String>,
    /// Write a WAV file in real time instead of opening a sound card
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    pub wav: Option<PathBuf>,
    /// Stop after so many seconds [default: play until `q` or Ctrl-C]
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<f64>,
    /// Do not draw the status display; print a line a second instead
    #[arg(long)]
    pub plain: bool,
    /// Open no live MIDI ports
    #[arg(long)]
    pub no_midi: bool,
}

/// `demon render`.
#[derive(Args, Clone, Debug)]
pub struct RenderArgs {
    /// Source, patch, model.
    #[command(flatten)]
    pub set: SetArgs,
    /// Length of the result
    #[arg(long, value_name = "SECONDS")]
    pub seconds: f64,
    /// WAV file to write (48 kHz, stereo, 32-bit float)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Time that one tick takes on the virtual clock, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 40.0)]
    pub tick_ms: f64,
    /// Also write every finished latent's number and hash, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub latents: Option<PathBuf>,
}

/// `demon params`.
#[derive(Args, Clone, Debug)]
pub struct ParamsArgs {
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Also print which control change, note and key reaches what
    #[arg(long)]
    pub map: bool,
}
