//! The codec's encoder: whole tapes to latents, tile by tile, when a set is loaded.
//!
//! A plan takes `audio` `[1, span * 1920, 2]` and gives `moments` `[1, span, 128]`, means first. Tiles are the codec's own
//! exact ones, around the seam of the loop, so the result is that of the tape without end. Not for the fast threads: it waits for every tile.

use std::sync::Arc;

use ::tensorrt::Runtime;

use super::plan::{Loaded, Plan};
use super::session::{Session, shared_memory};
use crate::backend::cuda::{Buffer, Device, DeviceError, Pinned, Stream};
use crate::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use crate::model::windows::{Tile, joined_tiles, read_around};

/// Means and scales.
const MOMENTS: usize = 2 * LATENT_CHANNELS;

/// Latent frames that a tile keeps. Longer tiles waste less on context and cost more memory.
pub const ENCODER_TILE: usize = 64;

/// The encoder on a card.
pub struct TrtEncoder {
    // The stream waits for its work before the memory that it uses goes.
    stream: Stream,
    session: Session,
    loaded: Loaded,
    audio: Buffer,
    moments: Buffer,
    host_audio: Pinned<StereoFrame>,
    host_moments: Pinned<f32>,
    _memory: Buffer,
    context: usize,
    device: Arc<Device>,
}

impl TrtEncoder {
    /// Loads a plan for tiles of [`ENCODER_TILE`] frames with `context` frames on either side.
    ///
    /// # Errors
    /// [`DeviceError::WrongCard`] for a plan of another card or version, or that is not such an encoder's.
    pub fn new(device: &Arc<Device>, runtime: &Runtime, plan: &Plan, context: usize) -> Result<Self, DeviceError> {
        let loaded = Loaded::new(device, runtime, "the encoder's plan", plan)?;
        let span = ENCODER_TILE + 2 * context;
        let samples = span * SAMPLES_PER_LATENT_FRAME;
        let axis = |name: &str| {
            let tensor = loaded.engine.tensors().iter().find(|it| it.name == name);
            tensor.and_then(|it| Some([*it.dims.get(1)?, *it.dims.get(2)?]))
        };
        let fits = axis("audio") == Some([samples as i64, 2]) && axis("moments") == Some([span as i64, MOMENTS as i64]);
        if !fits {
            let words = format!("it is not an encoder's for {span} frames");
            let card = device.card().to_string();
            return Err(DeviceError::WrongCard { what: "the encoder's plan".to_owned(), card, words });
        }
        let stream = Stream::new(device, false)?;
        let audio = Buffer::zeroed(device, size_of::<StereoFrame>() * samples)?;
        let moments = Buffer::zeroed(device, 4 * span * MOMENTS)?;
        let addresses = [("audio".to_owned(), audio.address()), ("moments".to_owned(), moments.address())];
        let mut session = Session::new(&loaded.engine, loaded.cache.as_ref(), &stream, &[], &addresses)?;
        let memory = shared_memory(device, &mut [&mut session])?;
        Ok(Self {
            stream,
            session,
            loaded,
            audio,
            moments,
            host_audio: Pinned::zeroed(device, samples)?,
            host_moments: Pinned::zeroed(device, span * MOMENTS)?,
            _memory: memory,
            context,
            device: Arc::clone(device),
        })
    }

    /// The latent `[frames, 64]` of a tape of whole latent frames, encoded as the loop that it is. `progress` hears of latent
    /// frames done and of all.
    ///
    /// # Errors
    /// When the card fails.
    pub fn encode(
        &mut self,
        tape: &[StereoFrame],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<f32>, DeviceError> {
        self.device.enter()?;
        let frames = tape.len() / SAMPLES_PER_LATENT_FRAME;
        let mut latent = Vec::with_capacity(frames * LATENT_CHANNELS);
        for Tile { core, span } in joined_tiles(frames, ENCODER_TILE, self.context) {
            // A tape that is shorter than a tile goes round in the rest of it.
            read_around(tape, tape.len(), span.start * SAMPLES_PER_LATENT_FRAME, &mut self.host_audio);
            let (samples, moments) = (self.host_audio.len(), self.host_moments.len());
            self.stream.upload(self.audio.address(), &self.host_audio, 0, samples)?;
            self.session.enqueue(&self.stream)?;
            self.stream.download(&mut self.host_moments, 0, moments, self.moments.address())?;
            self.stream.wait()?;
            let kept = self.host_moments.chunks_exact(MOMENTS).skip(self.context).take(core.len());
            latent.extend(kept.flat_map(|it| &it[..LATENT_CHANNELS]));
            progress(core.end, frames);
        }
        Ok(latent)
    }

    /// Kernels that were compiled for this card.
    #[must_use]
    pub fn kernels(&self) -> Option<Vec<u8>> {
        self.loaded.kernels()
    }
}
