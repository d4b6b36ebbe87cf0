//! Prepares a set: the model compiled for one tape and its prompts.
//!
//! Runs on a worker: it allocates and takes seconds. What comes out is swapped in whole and then runs without
//! allocating.

use std::sync::Arc;

use super::latents::{LatentReader, latents};
use super::material::{Material, MaterialError};
use super::performer::Load;
use super::reading::{self, Said, Unread};
use crate::backend::{Backend, BackendError, CpuBackend, WindowDecoder};
use crate::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use crate::model::codec::{Ends, WindowDecoder as CodecWindow};
use crate::model::{Codec, Model, ModelError};
use crate::solver::noise::Philox;

/// Window lengths that are prepared, in latent frames: 0.2, 0.5, 1 and 3 s, from following the hand to costing least.
const KEEPS: [usize; 4] = [5, 13, 25, 75];

/// Why a set could not be prepared. What was playing plays on.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The model refused, in its own words.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The parts do not fit together: a fault of the program.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// The words could not be read.
    #[error(transparent)]
    Words(#[from] Unread),
}

/// What is being prepared, for a progress line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageProgress {
    /// In a few words.
    pub stage: &'static str,
    /// Parts done.
    pub done: usize,
    /// Of so many.
    pub total: usize,
}

/// The two sides of a prepared set.
pub struct Stage {
    /// For the tick side.
    pub load: Load,
    /// For the decode side.
    pub decoder: Box<dyn WindowDecoder + Send>,
    /// For the decode side.
    pub latents: LatentReader,
}

/// Encodes a tape and its prompts, 1 to 8, into material. `tape` is whole latent frames of 48 kHz stereo.
///
/// # Errors
/// When the model cannot be compiled or read the words.
pub fn material(
    model: &Model,
    tape: &[StereoFrame],
    prompts: &[Said],
    progress: &mut dyn FnMut(StageProgress),
) -> Result<Material, StageError> {
    // As a loop, because that is what the windows decode it as.
    let source = listen(model, tape, progress, &|| false)?;
    material_of(model, source, prompts, progress)
}

/// Encodes a tape as the loop that it is: its latent, `[frames, 64]`. `stops` is asked after every piece.
///
/// # Errors
/// When the encoder does not compile; [`Unread::Stopped`].
pub fn listen(
    model: &Model,
    tape: &[StereoFrame],
    progress: &mut dyn FnMut(StageProgress),
    stops: &dyn Fn() -> bool,
) -> Result<Vec<f32>, StageError> {
    let encoded = model.codec().encode_while(tape, Ends::Joined, &mut |done, total| {
        progress(StageProgress { stage: "listening to the source", done, total });
        !stops()
    });
    Ok(encoded.map_err(ModelError::from)?.ok_or(Unread::Stopped)?.mean)
}

/// As [`material`], of a tape that was encoded already: `source` is its latent, `[frames, 64]`.
///
/// # Errors
/// As [`material`].
pub fn material_of(
    model: &Model,
    source: Vec<f32>,
    prompts: &[Said],
    progress: &mut dyn FnMut(StageProgress),
) -> Result<Material, StageError> {
    material_with(model, Latents { source: &source, structure: &source, timbre: &source }, prompts, progress, &|| false)
}

/// Latents that a set is made of, each `[frames, 64]`, of one recording or of three.
#[derive(Clone, Copy, Debug)]
pub struct Latents<'a> {
    /// What is played on.
    pub source: &'a [f32],
    /// What structure is taken from; cut where it is longer than the source, repeated where it is shorter.
    pub structure: &'a [f32],
    /// What the prompts' timbre is taken from.
    pub timbre: &'a [f32],
}

/// As [`material_of`], with structure and timbre of other recordings; `stops` is asked between its parts.
///
/// # Errors
/// As [`material`]; [`Unread::Stopped`].
pub fn material_with(
    model: &Model,
    latents: Latents<'_>,
    prompts: &[Said],
    progress: &mut dyn FnMut(StageProgress),
    stops: &dyn Fn() -> bool,
) -> Result<Material, StageError> {
    let Latents { source, structure, timbre } = latents;
    let frames = source.len() / LATENT_CHANNELS;
    progress(StageProgress { stage: "finding its structure", done: 0, total: 1 });
    let hints: Vec<f32> = model.hints(structure)?.into_iter().cycle().take(source.len()).collect();
    let prompts = reading::read(model, prompts, timbre, &mut |it| progress(it), stops)?;
    let unconditional = model.condition_encoder().no_prompt().map_err(ModelError::from)?;
    let material = Material {
        frames,
        token_width: unconditional.len(),
        source: source.into(),
        hints: hints.into(),
        silence: model.silence(frames).into(),
        prompts,
        unconditional: unconditional.into(),
    };
    material.check()?;
    Ok(material)
}

/// Joins material with what computes: the two sides of a set.
#[must_use]
pub fn stage(
    material: Arc<Material>,
    backend: Box<dyn Backend + Send>,
    decoder: Box<dyn WindowDecoder + Send>,
) -> Stage {
    let (writer, reader) = latents(material.frames * LATENT_CHANNELS);
    Stage { load: Load::new(material, backend, writer), decoder, latents: reader }
}

/// Both sides on the processor: the denoiser on the model's own threads, the decoder on those of `decode_side`.
///
/// # Errors
/// When something does not compile.
pub fn cpu_stage(model: &Model, decode_side: &Model, material: Arc<Material>) -> Result<Stage, StageError> {
    let room = material.longest_prompt() / material.token_width;
    let backend = cpu_backend(model, &material, room)?;
    let decoder = CodecWindows::prepare(&decode_side.codec(), material.frames)?;
    Ok(stage(material, backend, Box::new(decoder)))
}

/// Compiles the denoiser for this material and prompts of at most `room` tokens, on the model's own threads. Every row projects as
/// many tokens as were compiled, so room costs.
///
/// # Errors
/// When it does not compile.
pub fn cpu_backend(model: &Model, material: &Material, room: usize) -> Result<Box<dyn Backend + Send>, StageError> {
    let denoiser = model.denoiser(material.frames, room)?;
    let mut backend = CpuBackend::with(denoiser, Philox, Arc::clone(model.pool()));
    backend.prepare(material.frames);
    Ok(Box::new(backend))
}

/// Window lengths, in latent frames, that are prepared for a tape of `frames` frames.
#[must_use]
pub fn window_lengths(frames: usize) -> Vec<usize> {
    let mut keeps: Vec<usize> = KEEPS.iter().map(|&keep| keep.min(frames)).collect();
    keeps.dedup();
    keeps
}

/// The codec compiled for windows of several lengths of one tape.
pub struct CodecWindows {
    keeps: Vec<usize>,
    windows: Vec<CodecWindow>,
}

impl CodecWindows {
    /// Compiles the lengths that fit a tape of `frames` latent frames.
    ///
    /// # Errors
    /// When the decoder does not compile.
    pub fn prepare(codec: &Codec, frames: usize) -> Result<Self, ModelError> {
        let keeps = window_lengths(frames);
        let windows = keeps.iter().map(|&keep| codec.window(frames, keep, Ends::Joined));
        let windows = windows.collect::<Result<_, _>>().map_err(ModelError::from)?;
        Ok(Self { keeps, windows })
    }
}

impl WindowDecoder for CodecWindows {
    fn keeps(&self) -> &[usize] {
        &self.keeps
    }

    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        let keep = sound.len() / SAMPLES_PER_LATENT_FRAME;
        let place = self.keeps.iter().position(|&it| it == keep).expect("the patcher asks for a prepared length");
        self.windows[place].decode(latent, first, sound);
        Ok(())
    }
}
