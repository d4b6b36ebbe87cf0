//! What a command line says of what is played and what computes it: shared by `run`, `render` and `build`.
//!
//! Values only; what they lead to is in the rooms beside this one.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::compute::set::model_folder;
use crate::recording::SHORTEST_S;
pub use crate::settings::box_file::BackendChoice;
use crate::settings::learnt_maps;
use crate::settings::library::Library;

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
    /// Folder of recordings, patches, models and adapters that patches name [default: $DEMON_LIBRARY, or `library` in the state folder]
    #[arg(long, value_name = "FOLDER")]
    pub library: Option<PathBuf>,
    /// Patches may name recordings wherever they lie, by whole paths, `..` and links; else only beside themselves and in the library
    #[arg(long)]
    pub any_path: bool,
    /// Model folder in the published layout [default: $DEMON_MODEL, /var/lib/demon/models/current, models/house, or
    /// /usr/share/demon/models/house]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Seed of the noise, 0 to 4294967295; overrides the patch
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u32>,
    /// Generations in flight, 1 to 8; overrides the patch
    #[arg(long, value_name = "SLOTS", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub depth: Option<u8>,
    /// Standard MIDI File played as the controller
    #[arg(long, value_name = "FILE")]
    pub midi: Option<PathBuf>,
    /// Longest part of the recording that is used, in seconds, 1 to 86400
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
    /// Compute threads, 1 to 256 [default: all cores]
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    pub threads: Option<usize>,
}

impl SetArgs {
    /// The library that patches name.
    #[must_use]
    pub fn library(&self) -> Library {
        let library = Library::find(self.library.as_deref(), &learnt_maps::folder(None)).anywhere(self.any_path);
        // Without a model nothing is played, and that is said by whoever opens it.
        library.beside_model(model_folder(self.model.as_deref()).ok())
    }
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

fn threads(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|it| (1..=MOST_THREADS).contains(it));
    count.map(|it: u64| it as usize).ok_or_else(|| format!("expected 1 to {MOST_THREADS}"))
}

/// A reader of numbers from `low` to `high`, for an argument.
pub fn number(low: f64, high: f64) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text: &str| {
        let number = text.parse::<f64>().ok().filter(|it| (low..=high).contains(it));
        number.ok_or_else(|| match (low < 1e-9, high < 1e9) {
            (true, false) => "expected a number above 0".to_owned(),
            (true, true) => format!("expected a number above 0 and at most {high}"),
            (false, _) => format!("expected a number from {low} to {high}"),
        })
    }
}
