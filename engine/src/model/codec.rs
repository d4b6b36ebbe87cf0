//! The codec on the CPU: whole recordings in exact tiles, and windows of a tape without allocating.
//!
//! A convolutional codec sees only so far: decoding a window with [`CodecConfig::decode_context`] frames on either side
//! gives what decoding everything gives. Tiles and windows of one length share one plan.

use std::sync::Arc;

use super::checkpoint::CheckpointError;
use super::config::CodecConfig;
use super::part::Part;
use super::windows::{Tile, before, exact_tiles, joined_tiles, read_around};
use super::{moments, vae};
use crate::graph::Sizes;
use crate::graph::cpu::{Plan, Pool};
use crate::latent::StereoFrame;

/// Latent frames that a tile keeps: about 2.5 s. Longer tiles waste less on context and cost more memory.
const TILE_FRAMES: usize = 64;

/// What the encoder says of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// `[frames, channels]`: the latent.
    pub mean: Vec<f32>,
    /// `[frames, channels]`: how sure the codec is; the published engine draws `mean + std * noise`.
    pub std: Vec<f32>,
}

/// What lies beyond the ends of a tape. What is decoded as a loop has to be encoded as one: a codec that is told of silence
/// before the first beat writes another first beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Nothing: the encode and the decode are those of the whole.
    Open,
    /// The other end: the tape is a loop.
    Joined,
}

/// Encodes and decodes whole recordings. For the load lane: it allocates.
#[derive(Clone)]
pub struct Codec {
    part: Arc<Part<CodecConfig>>,
    pool: Arc<Pool>,
}

impl Codec {
    /// A codec that computes on `pool`.
    ///
    /// # Panics
    /// When its sound is not stereo; [`super::Model::open`] refuses such a codec.
    #[must_use]
    pub fn new(part: Arc<Part<CodecConfig>>, pool: Arc<Pool>) -> Self {
        assert_eq!(part.config.audio_channels, 2, "stereo");
        Self { part, pool }
    }

    /// Audio frames of one latent frame.
    #[must_use]
    pub fn hop(&self) -> usize {
        self.part.config.hop()
    }

    /// Latent frames of a recording: a last frame that is not full is filled up with silence.
    #[must_use]
    pub fn frames(&self, samples: usize) -> usize {
        samples.div_ceil(self.hop())
    }

    /// Encodes a recording; `progress` hears of latent frames done and of all. With [`Ends::Joined`] the same as the middle
    /// of the recording repeated without end.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] when the weights are not those of the configuration.
    pub fn encode(
        &self,
        audio: &[StereoFrame],
        ends: Ends,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Encoded, CheckpointError> {
        let mut on = |done, total| {
            progress(done, total);
            true
        };
        Ok(self.encode_while(audio, ends, &mut on)?.expect("nobody stops it"))
    }

    /// As [`Self::encode`], as long as `goes_on` answers `true`, which hears of latent frames done and of all; `None` where it was stopped.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_while(
        &self,
        audio: &[StereoFrame],
        ends: Ends,
        goes_on: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Encoded>, CheckpointError> {
        let config = &self.part.config;
        let (frames, hop, channels) = (self.frames(audio.len()), self.hop(), config.moments / 2);
        let mut encoded = Encoded { mean: Vec::new(), std: Vec::new() };
        if frames == 0 {
            return Ok(Some(encoded));
        }
        let mut plan: Option<Plan> = None;
        let context = config.encode_context();
        let tiles = match ends {
            Ends::Open => exact_tiles(frames, TILE_FRAMES, context),
            Ends::Joined => joined_tiles(frames, TILE_FRAMES, context),
        };
        for Tile { core, span } in tiles {
            let plan = match &mut plan {
                Some(plan) => plan,
                none => none.insert(self.encoder(span.len())?),
            };
            read_around(audio, frames * hop, span.start * hop, bytemuck::cast_slice_mut(plan.input_mut("audio")));
            plan.run();
            let first = match ends {
                Ends::Open => core.start - span.start,
                Ends::Joined => context,
            };
            let kept = &plan.output("moments")[first * 2 * channels..(first + core.len()) * 2 * channels];
            let (mean, std) = moments::split(kept, channels);
            encoded.mean.extend(mean);
            encoded.std.extend(std);
            if !goes_on(core.end, frames) {
                return Ok(None);
            }
        }
        Ok(Some(encoded))
    }

    /// Decodes a whole latent `[frames, channels]`; `progress` hears of latent frames done and of all.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn decode(
        &self,
        latent: &[f32],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<StereoFrame>, CheckpointError> {
        let frames = latent.len() / self.part.config.latent_channels;
        let mut audio = vec![[0.0; 2]; frames * self.hop()];
        if frames == 0 {
            return Ok(audio);
        }
        let keep = TILE_FRAMES.min(frames);
        let mut decoder = self.window(frames, keep, Ends::Open)?;
        let mut first = 0;
        while first < frames {
            let last = frames.min(first + keep);
            decoder.decode(latent, first, &mut audio[first * self.hop()..last * self.hop()]);
            first = last;
            progress(first, frames);
        }
        Ok(audio)
    }

    /// A decoder of windows of at most `keep` frames of a tape of `frames` frames.
    ///
    /// # Errors
    /// As [`Self::encode`].
    ///
    /// # Panics
    /// When the tape or the window is empty.
    pub fn window(&self, frames: usize, keep: usize, ends: Ends) -> Result<WindowDecoder, CheckpointError> {
        assert!(0 < frames && 0 < keep, "a window of {keep} of {frames} frames");
        let (config, keep) = (&self.part.config, keep.min(frames));
        let context = config.decode_context();
        let span = match ends {
            Ends::Open => frames.min(keep + 2 * context),
            Ends::Joined => keep + 2 * context,
        };
        let sizes = Sizes::new().with("batch", 1).with("frames", span);
        let plan = self.part.plan(&vae::decoder(config, false), &sizes, &self.pool)?;
        let (hop, channels) = (self.hop(), config.latent_channels);
        Ok(WindowDecoder { plan, frames, keep, span, context, ends, hop, channels })
    }

    fn encoder(&self, frames: usize) -> Result<Plan, CheckpointError> {
        let sizes = Sizes::new().with("batch", 1).with("samples", frames * self.hop());
        self.part.plan(&vae::encoder(&self.part.config, false), &sizes, &self.pool)
    }
}

/// Decodes windows of a tape. Never allocates after it was made.
pub struct WindowDecoder {
    plan: Plan,
    frames: usize,
    keep: usize,
    span: usize,
    context: usize,
    ends: Ends,
    hop: usize,
    channels: usize,
}

impl WindowDecoder {
    /// Most latent frames that a window keeps.
    #[must_use]
    pub fn keep(&self) -> usize {
        self.keep
    }

    /// Latent frames of the tape.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Latent frames that are decoded for a window, context included.
    #[must_use]
    pub fn span(&self) -> usize {
        self.span
    }

    /// Decodes the window that begins at latent frame `first` and fills `out`. The same samples as a decode of the whole
    /// latent; with [`Ends::Joined`] of the loop without end, where `first` counts on past the seam.
    ///
    /// # Panics
    /// When `latent` is not as long as the tape, `out` is not a whole number of at most [`Self::keep`] frames, or the
    /// window leaves a tape with open ends.
    pub fn decode(&mut self, latent: &[f32], first: usize, out: &mut [StereoFrame]) {
        let kept = out.len() / self.hop;
        assert_eq!(latent.len(), self.frames * self.channels, "a latent as long as the tape");
        assert!(
            out.len() == kept * self.hop && kept <= self.keep,
            "{} samples into windows of {}",
            out.len(),
            self.keep
        );
        // Where the decoded span begins, and how much of it lies before the window.
        let (start, skipped) = match self.ends {
            Ends::Joined => (before(first, self.context, self.frames), self.context),
            Ends::Open => {
                assert!(first + kept <= self.frames, "frames {first} + {kept} of {}", self.frames);
                let start = first.saturating_sub(self.context).min(self.frames - self.span);
                (start, first - start)
            }
        };
        read_around(latent, latent.len(), start * self.channels, self.plan.input_mut("latents"));
        self.plan.run();
        let audio: &[StereoFrame] = bytemuck::cast_slice(self.plan.output("audio"));
        out.copy_from_slice(&audio[skipped * self.hop..][..out.len()]);
    }
}
