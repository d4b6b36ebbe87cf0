//! A whole model, opened from its folder: everything checked and packed before anything plays.
//!
//! Faults of the files are found here, not in the middle of a set: configurations, headers, shapes of all weights,
//! numbers that are not finite, and parts that do not belong together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::codec::Codec;
use super::condition;
use super::config::{CodecConfig, ConfigError, DitConfig, TextConfig};
use super::denoiser::CpuDenoiser;
use super::dit::{self, Extras};
use super::folder::{MissingParts, ModelFolder, PartFiles};
use super::hearing::{ConditionEncoder, NO_PROMPT, StructureHints, TextEncoder};
use super::mistaken::{mistaken, tolerant_json};
use super::part::Part;
use super::prompt::{Prompt, Task};
use super::shapes::Shapes;
use super::silence::{self, SilenceError};
use super::tokens::{Tokens, TokensError};
use super::{context, text, tokenizer, vae};
use crate::graph::cpu::Pool;
use crate::graph::{Graph, Sizes, WeightSource};
use crate::latent::{LATENT_CHANNELS, SAMPLE_RATE_HZ, SAMPLES_PER_LATENT_FRAME};

/// Why a model cannot be opened, or a part of it not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Files are missing: fetch them.
    #[error(transparent)]
    Missing(#[from] MissingParts),
    /// A `config.json` is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A weight file cannot be read, is broken, or is not the configuration's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The silence latent is wrong.
    #[error(transparent)]
    Silence(#[from] SilenceError),
    /// The tokenizer is wrong, or cannot read a text.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// The parts are sound but do not belong together, or to this instrument.
    #[error("{}: {what}", file.display())]
    Unfit {
        /// The configuration.
        file: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
}

/// How far opening has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being prepared.
    pub stage: &'static str,
    /// Bytes of weights prepared, or tiles done.
    pub done: usize,
    /// Of so many.
    pub total: usize,
}

/// What of a model is packed for the processor when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Packing {
    /// All of it.
    #[default]
    Everything,
    /// All but the velocity network, which another device computes and which is by far the largest part. It is packed
    /// after all when somebody compiles it.
    Conditioning,
}

/// A model. Cloning shares everything.
#[derive(Clone)]
pub struct Model {
    parts: Arc<Parts>,
    pool: Arc<Pool>,
}

struct Parts {
    denoiser: Arc<Part<DitConfig>>,
    codec: Arc<Part<CodecConfig>>,
    text: Arc<Part<TextConfig>>,
    tokens: Tokens,
    silence: Vec<f32>,
}

impl Model {
    /// Opens the model in `folder` for `threads` compute threads (the caller's included). `progress` hears of every step.
    ///
    /// # Errors
    /// The first fault found, with its file, key or tensor; missing files all at once.
    pub fn open(folder: &Path, threads: usize, progress: &mut dyn FnMut(Progress)) -> Result<Self, ModelError> {
        Self::open_on(folder, &Pool::new(threads), progress)
    }

    /// As [`Self::open`], on a pool that exists already.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(folder: &Path, pool: &Arc<Pool>, progress: &mut dyn FnMut(Progress)) -> Result<Self, ModelError> {
        Self::open_for(folder, pool, Packing::Everything, progress)
    }

    /// As [`Self::open_on`], packing only what the processor is to compute.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_for(
        folder: &Path,
        pool: &Arc<Pool>,
        packing: Packing,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, ModelError> {
        let files = ModelFolder::find(folder)?;
        let denoiser = part(&files.denoiser, DitConfig::parse)?;
        let codec = part(&files.codec, CodecConfig::parse)?;
        let mut text = part(&files.text, TextConfig::parse)?;
        text.weights = text.weights.without_prefix("model.");
        belong_together(&files, &denoiser.config, &codec.config, &text.config)?;
        let silence = silence::open(&files.silence, denoiser.config.latent_channels)?;
        let tokens = Tokens::open(&files.tokenizer, text.config.vocabulary)?;
        let total = denoiser.weights.bytes() + codec.weights.bytes() + text.weights.bytes();
        let mut loading = Loading { pool, progress, done: 0, total };
        loading.pack("codec", &codec, &codec_graphs(&codec.config))?;
        let mut graphs = denoiser_graphs(&denoiser.config);
        if packing == Packing::Conditioning {
            graphs.remove(0);
        }
        loading.pack("denoiser", &denoiser, &graphs)?;
        loading.pack("text encoder", &text, &text_graphs(&text.config))?;
        text.check_read(text::TABLE)?;
        if denoiser.weights.tensor(NO_PROMPT).is_some() {
            denoiser.check_read(NO_PROMPT)?;
        }
        let (denoiser, codec, text) = (Arc::new(denoiser), Arc::new(codec), Arc::new(text));
        let parts = Arc::new(Parts { denoiser, codec, text, tokens, silence });
        Ok(Self { parts, pool: Arc::clone(pool) })
    }

    /// The same model on other compute threads, for instance those of the decode thread.
    #[must_use]
    pub fn on(&self, pool: Arc<Pool>) -> Self {
        Self { parts: Arc::clone(&self.parts), pool }
    }

    /// The compute threads.
    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Configuration of denoiser and condition encoder.
    #[must_use]
    pub fn config(&self) -> &DitConfig {
        &self.parts.denoiser.config
    }

    /// The velocity network for latents of `frames` frames and prompts of at most `most_tokens` tokens.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] when it cannot be compiled.
    pub fn denoiser(&self, frames: usize, most_tokens: usize) -> Result<CpuDenoiser, ModelError> {
        Ok(CpuDenoiser::compile(&self.parts.denoiser, frames, most_tokens, &self.pool)?)
    }

    /// The codec.
    #[must_use]
    pub fn codec(&self) -> Codec {
        Codec::new(Arc::clone(&self.parts.codec), Arc::clone(&self.pool))
    }

    /// The text encoder.
    #[must_use]
    pub fn text_encoder(&self) -> TextEncoder {
        TextEncoder::new(Arc::clone(&self.parts.text), Arc::clone(&self.pool))
    }

    /// The condition encoder.
    #[must_use]
    pub fn condition_encoder(&self) -> ConditionEncoder {
        ConditionEncoder::new(Arc::clone(&self.parts.denoiser), Arc::clone(&self.pool))
    }

    /// The extractor of structure hints.
    #[must_use]
    pub fn structure_hints(&self) -> StructureHints {
        StructureHints::new(Arc::clone(&self.parts.denoiser), Arc::clone(&self.pool))
    }

    /// The tokenizer.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.parts.tokens
    }

    /// `frames` frames of silence, `[frames, 64]`: the default source.
    #[must_use]
    pub fn silence(&self, frames: usize) -> Vec<f32> {
        context::silent(&self.parts.silence, frames, LATENT_CHANNELS)
    }

    /// Condition tokens `[tokens, width]` of a prompt. `timbre` is a latent `[frames, 64]`, of which as many frames are
    /// heard as the model was trained with; without one it is silence.
    ///
    /// # Errors
    /// [`ModelError::Tokens`] when the text cannot be read, [`ModelError::Checkpoint`] when nothing can be compiled.
    pub fn condition(&self, prompt: &Prompt, task: Task, timbre: Option<&[f32]>) -> Result<Vec<f32>, ModelError> {
        self.conditions(prompt, task, [timbre]).map(|[tokens]| tokens)
    }

    /// As [`Self::condition`], with several timbres; the words are read once.
    ///
    /// # Errors
    /// As [`Self::condition`].
    pub fn conditions<const N: usize>(
        &self,
        prompt: &Prompt,
        task: Task,
        timbres: [Option<&[f32]>; N],
    ) -> Result<[Vec<f32>; N], ModelError> {
        let text = self.tokens().text(&prompt.text(task))?;
        let lyrics = self.tokens().lyrics(&prompt.lyric_text())?;
        let encoder = self.text_encoder();
        let (text, lyrics) = (encoder.encode(&text)?, encoder.embed(&lyrics)?);
        let frames = self.config().timbre_frames;
        let mut tokens = [const { Vec::new() }; N];
        for (tokens, timbre) in tokens.iter_mut().zip(timbres) {
            let timbre = match timbre.filter(|it| !it.is_empty()) {
                Some(timbre) => timbre[..timbre.len().min(frames * LATENT_CHANNELS)].to_vec(),
                None => self.silence(frames),
            };
            *tokens = self.condition_encoder().encode(&text, &lyrics, &timbre)?;
        }
        Ok(tokens)
    }

    /// Structure hints `[frames, 64]` of a latent of the same shape.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] when nothing can be compiled.
    pub fn hints(&self, latent: &[f32]) -> Result<Vec<f32>, ModelError> {
        Ok(self.structure_hints().extract(latent, &self.parts.silence)?)
    }

    /// The context `[frames, 128]` of a whole piece to be generated: structure (hints, a source, or silence), and a chunk
    /// mask of ones.
    #[must_use]
    pub fn context(&self, structure: Option<&[f32]>, frames: usize) -> Vec<f32> {
        let structure = structure.map_or_else(|| self.silence(frames), <[f32]>::to_vec);
        context::join(&structure, &vec![1.0; frames * LATENT_CHANNELS], LATENT_CHANNELS)
    }
}

/// Maps the denoiser and condition encoder of the model in `folder`, and packs nothing: for [`super::export`].
///
/// # Errors
/// As [`Model::open`], but numbers are not looked at.
pub fn denoiser_part(folder: &Path) -> Result<Part<DitConfig>, ModelError> {
    part(&ModelFolder::find(folder)?.denoiser, DitConfig::parse)
}

/// Maps the codec of the model in `folder`, and packs nothing: for [`super::export`].
///
/// # Errors
/// As [`denoiser_part`].
pub fn codec_part(folder: &Path) -> Result<Part<CodecConfig>, ModelError> {
    part(&ModelFolder::find(folder)?.codec, CodecConfig::parse)
}

fn part<C>(files: &PartFiles, parse: impl Fn(&Path, &str) -> Result<C, ConfigError>) -> Result<Part<C>, ModelError> {
    let bytes = std::fs::read(&files.config);
    let bytes = bytes.map_err(|source| CheckpointError::Unreadable { file: files.config.clone(), source })?;
    if let Some(what) = mistaken(&bytes) {
        return Err(ModelError::Unfit { file: files.config.clone(), what });
    }
    Ok(Part::new(parse(&files.config, &tolerant_json(&bytes))?, Checkpoint::open(&files.weights)?))
}

/// Checks what no single configuration can know.
fn belong_together(
    files: &ModelFolder,
    denoiser: &DitConfig,
    codec: &CodecConfig,
    text: &TextConfig,
) -> Result<(), ModelError> {
    let checks = [
        (&files.denoiser, "audio_acoustic_hidden_dim", denoiser.latent_channels, LATENT_CHANNELS),
        (&files.denoiser, "timbre_hidden_dim", denoiser.timbre_channels, LATENT_CHANNELS),
        (&files.denoiser, "text_hidden_dim", denoiser.text_width, text.stack.hidden),
        (&files.codec, "decoder_input_channels", codec.latent_channels, LATENT_CHANNELS),
        (&files.codec, "encoder_hidden_size", codec.moments, 2 * LATENT_CHANNELS),
        (&files.codec, "audio_channels", codec.audio_channels, 2),
        (&files.codec, "sampling_rate", codec.sample_rate_hz, SAMPLE_RATE_HZ as usize),
        (&files.codec, "downsampling_ratios", codec.hop(), SAMPLES_PER_LATENT_FRAME),
    ];
    let wrong = checks.into_iter().find(|(_, _, found, expected)| found != expected);
    wrong.map_or(Ok(()), |(files, key, found, expected)| {
        let what =
            format!("`{key}`: found {found}, expected {expected} for this instrument and the model's other parts");
        Err(ModelError::Unfit { file: files.config.clone(), what })
    })
}

struct Loading<'a> {
    pool: &'a Arc<Pool>,
    progress: &'a mut dyn FnMut(Progress),
    done: usize,
    total: usize,
}

impl Loading<'_> {
    /// Checks and packs the weights of a part, graph by graph.
    fn pack<C: Shapes>(
        &mut self,
        stage: &'static str,
        part: &Part<C>,
        graphs: &[(Graph, Sizes)],
    ) -> Result<(), CheckpointError> {
        let before = self.done;
        for (n, (graph, sizes)) in graphs.iter().enumerate() {
            (self.progress)(Progress { stage, done: self.done, total: self.total });
            part.pack(graph, sizes, self.pool)?;
            self.done = before + part.weights.bytes() * (n + 1) / graphs.len();
        }
        (self.progress)(Progress { stage, done: self.done, total: self.total });
        Ok(())
    }
}

fn codec_graphs(config: &CodecConfig) -> Vec<(Graph, Sizes)> {
    let one = || Sizes::new().with("batch", 1);
    vec![
        (vae::decoder(config, false), one().with("frames", 1)),
        (vae::encoder(config, false), one().with("samples", config.hop())),
    ]
}

/// The velocity network first.
fn denoiser_graphs(config: &DitConfig) -> Vec<(Graph, Sizes)> {
    let one = || Sizes::new().with("batch", 1).with("frames", 1).with("tokens", 1).with("groups", 1);
    vec![
        (dit::graph(config, Extras::default()), one()),
        (condition::text_projector(config), one()),
        (condition::lyric_encoder(config, false), one()),
        (condition::timbre_encoder(config), one()),
        (tokenizer::pooler(config), one()),
        (tokenizer::project_out(config), one()),
        (tokenizer::detokenizer(config), one()),
    ]
}

fn text_graphs(config: &TextConfig) -> Vec<(Graph, Sizes)> {
    vec![(text::graph(config), Sizes::new().with("batch", 1).with("tokens", 1))]
}
