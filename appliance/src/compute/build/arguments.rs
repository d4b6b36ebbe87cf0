//! What `demon build` is asked for.

use std::path::PathBuf;

use clap::Args;
use engine::latent::LATENT_FRAMES_PER_SECOND;
use tensorrt::Target;

use super::Wish;
use crate::compute::arguments::PlanPrecision;

/// `demon build`.
#[derive(Args, Clone, Debug)]
pub struct BuildArgs {
    /// Model folder in the published layout [default: $DEMON_MODEL, /var/lib/demon/models/current, models/house, or
    /// /usr/share/demon/models/house]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Length of the tape in seconds, 0.04 to 4000
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub seconds: f64,
    /// Length of the tape in latent frames, 25 a second, 1 to 100000, instead of seconds
    #[arg(long, value_name = "COUNT", conflicts_with = "seconds", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames: Option<u32>,
    /// Condition tokens that prompts have room for, 1 to 4096; a caption and its lyrics have a few hundred
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
    #[arg(long, value_name = "CARD", default_value = "current", value_parser = super::parse_target)]
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

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|it| (0.04..=4000.0).contains(it));
    number.ok_or_else(|| "expected seconds, 0.04 to 4000".to_owned())
}
