//! The command line: what can be asked of the box, and how it is explained.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::latent::LATENT_FRAMES_PER_SECOND;
use tensorrt::Target;

use crate::build::Wish;
use crate::source::SHORTEST_S;
use crate::version;

/// Plays music diffusion live: knobs reach into the denoising loop while it runs.
#[derive(Debug, Parser)]
#[command(name = "demon", version = version::short(), long_version = version::long(), max_term_width = 100)]
#[command(
    after_help = "DEMON_LOG=info shows on standard error what libraries say (off, error, warn, info, debug, trace)."
)]
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
    /// Give a knob or button of a controller a meaning, and list or forget what was given
    Learn(LearnArgs),
    /// Build what the graphics card plays from: plans, kept until model, card or driver change
    Build(BuildArgs),
}

/// A command line that can be read and that nobody can do: exit code 2, as for one that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misused(pub String);

/// Longest time in seconds that can be asked for: a guard against a mistyped number.
pub const LONGEST_S: f64 = 24.0 * 3600.0;
/// Most compute threads: more than any machine has cores for.
const MOST_THREADS: u64 = 256;

/// What both ways of playing share.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// Recording to play on (WAV, AIFF, FLAC, OGG, Opus, MP3, M4A, CAF or AU; any rate, any channels), `-` for one that is piped
    /// in [default: the patch's, the model's demo.flac]
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
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = number(SHORTEST_S, LONGEST_S))]
    pub longest: f64,
    /// The MIDI file is a recording of hands: its knobs take hold as they would on stage, instead of being meant at once
    #[arg(long)]
    pub by_hand: bool,
    /// What computes [default: `run` takes a graphics card when there is one, `render` the processor, whose bytes are the
    /// same everywhere]
    #[arg(long, value_enum)]
    pub backend: Option<BackendChoice>,
    /// Precision of a card's products; what the denoiser adds up between them is 32 bits wide
    #[arg(long, value_enum, default_value = "f16")]
    pub precision: PlanPrecision,
    /// While a card is lost: loop the tape, or let the processor take over
    #[arg(long, value_enum, default_value = "loop")]
    pub when_lost: WhenLost,
    /// Compute threads [default: all cores]
    #[arg(long, value_name = "COUNT", value_parser = threads)]
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
    #[arg(long, value_name = "SECONDS", value_parser = number(f64::MIN_POSITIVE, f64::MAX))]
    pub seconds: Option<f64>,
    /// Do not draw the status display; print a line a second instead
    #[arg(long)]
    pub plain: bool,
    /// Open no live MIDI ports
    #[arg(long)]
    pub no_midi: bool,
    /// What is built into the box: panels, displays, keys, USB MIDI [default: /etc/demon/demon.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of what the box remembers: learnt maps [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Patches to change to while playing, by program change or `{` and `}`: the .toml files of a folder, by the number that
    /// their names begin with, else by name
    #[arg(long, value_name = "FOLDER")]
    pub set_list: Option<PathBuf>,
}

/// `demon render`.
#[derive(Args, Clone, Debug)]
pub struct RenderArgs {
    /// Source, patch, model.
    #[command(flatten)]
    pub set: SetArgs,
    /// Length of the result
    #[arg(long, value_name = "SECONDS", value_parser = number(f64::MIN_POSITIVE, LONGEST_S))]
    pub seconds: f64,
    /// WAV file to write (48 kHz, stereo, 32-bit float), `-` for standard output; past 4 GiB an RF64 file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Time that one tick takes on the virtual clock, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 40.0, value_parser = number(1.0, 60_000.0))]
    pub tick_ms: f64,
    /// Also write every finished latent's number and hash, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub latents: Option<PathBuf>,
}

/// `demon params`.
#[derive(Args, Clone, Debug)]
pub struct ParamsArgs {
    /// The model whose knobs are shown [default: the one that `demon run` plays]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Also print which control change, note and key reaches what
    #[arg(long)]
    pub map: bool,
}

/// `demon learn`.
#[derive(Args, Clone, Debug)]
pub struct LearnArgs {
    /// What is to be learnt: a parameter of `demon params`, or a deed: scene-1, keep-scene-1, morph-1-2, undo, redo, panic,
    /// revert, mute, reseed, start, tap, learn, shift-layer, bank-1, next-bank, next-patch, browse, selected, next-screen
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Show what every controller has learnt
    #[arg(long)]
    pub list: bool,
    /// Forget what was learnt for TARGET
    #[arg(long)]
    pub forget: bool,
    /// What is built into the box [default: /etc/demon/demon.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of what the box remembers [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Give up after so many seconds [default: wait until Ctrl-C]
    #[arg(long, value_name = "SECONDS", value_parser = number(f64::MIN_POSITIVE, f64::MAX))]
    pub seconds: Option<f64>,
}

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendChoice {
    /// The fastest that works here
    Auto,
    /// The graphics card, with TensorRT
    Tensorrt,
    /// The graphics card, with cuBLASLt and plain kernels: slower, for cards that TensorRT does not know
    Cuda,
    /// The processor
    Cpu,
}

/// What happens while a card is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhenLost {
    /// The tape goes on looping
    Loop,
    /// The processor takes over
    Cpu,
}

/// Precision of a card's products. What they are added up into, the denoiser's residual stream, is 32 bits wide with all of
/// them: f16 ends at 65504, and published weights pass that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanPrecision {
    /// 32 bits
    F32,
    /// 16 bits, with the range of 32 and fewer digits
    Bf16,
    /// 16 bits, with more digits and less range: the card's fastest and nearest
    #[default]
    F16,
}

/// `demon build`.
#[derive(Args, Clone, Debug)]
pub struct BuildArgs {
    /// Model folder in the published layout [default: $DEMON_MODEL, /var/lib/demon/models/current, models/house]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Length of the tape
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub seconds: f64,
    /// Length of the tape in latent frames, 25 a second, instead of seconds
    #[arg(long, value_name = "COUNT", conflicts_with = "seconds", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames: Option<u32>,
    /// Condition tokens that prompts have room for; a caption and its lyrics have a few hundred
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub tokens: u32,
    /// Generations in flight, 1 to 8, separated by commas: one plan for all of them
    #[arg(long, value_name = "SLOTS", value_delimiter = ',', default_value = "1,2,4,8",
          value_parser = clap::value_parser!(u32).range(1..=8))]
    pub depth: Vec<u32>,
    /// Of linear layers, convolutions and attention; what the denoiser adds up between them is 32 bits wide
    #[arg(long, value_enum, default_value = "f16")]
    pub precision: PlanPrecision,
    /// The card: `current`, or a compute capability such as `sm_120`
    #[arg(long, value_name = "CARD", default_value = "current", value_parser = crate::build::parse_target)]
    pub target: Target,
    /// Builder optimisation level, 0 to 5 [default: TensorRT's own]
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=5))]
    pub level: Option<u8>,
    /// Folder with TensorRT and our shim [default: $DEMON_TENSORRT, beside the binary, /usr/lib/demon, target/tensorrt]
    #[arg(long, value_name = "FOLDER")]
    pub library: Option<PathBuf>,
    /// Folder of the plans [default: $DEMON_PLANS, /var/lib/demon/plans, target/plans]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// ONNX files of this folder instead of the model's
    #[arg(long, value_name = "FOLDER")]
    pub onnx: Option<PathBuf>,
    /// Build again what is up to date
    #[arg(long)]
    pub force: bool,
    /// Only print the plans that are there
    #[arg(long, conflicts_with_all = ["clean", "force"])]
    pub list: bool,
    /// Only throw away plans: all but the COUNT used last
    #[arg(long, value_name = "COUNT", num_args = 0..=1, default_missing_value = "8", conflicts_with = "force")]
    pub clean: Option<usize>,
}

impl BuildArgs {
    /// For the card in this machine, everything else as usual.
    #[must_use]
    pub fn for_the_card(frames: u32, tokens: u32) -> Self {
        Self {
            model: None,
            seconds: 0.0,
            frames: Some(frames),
            tokens,
            depth: Vec::new(),
            precision: PlanPrecision::default(),
            target: Target::Current,
            level: None,
            library: None,
            out: None,
            onnx: None,
            force: false,
            list: false,
            clean: None,
        }
    }

    /// What plans are wanted for.
    #[must_use]
    pub fn wish(&self) -> Wish {
        let frames = self.frames.unwrap_or_else(|| (self.seconds * LATENT_FRAMES_PER_SECOND as f64).round() as u32);
        let precision = match self.precision {
            PlanPrecision::F32 => "f32",
            PlanPrecision::Bf16 => "bf16",
            PlanPrecision::F16 => "f16",
        };
        let mut depths = self.depth.clone();
        depths.sort_unstable();
        depths.dedup();
        Wish { frames: frames.max(1), tokens: self.tokens, depths, precision: precision.to_owned() }
    }
}

fn threads(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|it| (1..=MOST_THREADS).contains(it));
    count.map(|it: u64| it as usize).ok_or_else(|| format!("expected 1 to {MOST_THREADS}"))
}

/// A reader of numbers from `low` to `high`.
fn number(low: f64, high: f64) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text: &str| {
        let number = text.parse::<f64>().ok().filter(|it| (low..=high).contains(it));
        number.ok_or_else(|| match (low < 1e-9, high < 1e9) {
            (true, false) => "expected a number above 0".to_owned(),
            (true, true) => format!("expected a number above 0 and at most {high}"),
            (false, _) => format!("expected a number from {low} to {high}"),
        })
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|it| (0.04..=4000.0).contains(it));
    number.ok_or_else(|| "expected seconds, 0.04 to 4000".to_owned())
}
