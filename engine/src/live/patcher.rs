//! The decode side: the newest finished latent becomes a window just ahead of the playhead.
//!
//! A fresh latent is decoded at playhead + lead. Between latents the walk goes on from where the last window ended, so
//! that the whole tape is renewed even when latents are slow. When nothing has finished yet there is nothing to do: the
//! tape plays its source. Time comes in as numbers; the patcher reads no clock.

use super::latents::LatentReader;
use crate::backend::BackendError;
use crate::latent::{LATENT_FRAMES_PER_SECOND, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use crate::param::{ParamId, Values};
use crate::playback::{Lead, LoopBand, Packer, Playhead, Start, Unsent, Walk};

/// What decodes windows of a tape that loops.
pub trait WindowDecoder {
    /// Window lengths in latent frames, without context, that were prepared; never empty.
    fn keeps(&self) -> &[usize];

    /// Decodes the window of `latent` (`[tape frames, 64]`) that begins at latent frame `first` and fills `sound`,
    /// `1920 * keep` stereo samples for one of [`Self::keeps`]. Equals the decode of the whole loop to rounding.
    ///
    /// # Errors
    /// When the device could not do it; the tape then keeps what it has.
    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError>;
}

/// What one call of [`Patcher::patch`] did.
#[derive(Debug, PartialEq)]
pub enum Patched {
    /// Nothing has finished yet, or what is planned reaches far enough.
    Nothing,
    /// A window of that many stereo samples is on its way.
    Sent {
        /// Number of the latent it was decoded from.
        serial: u64,
        /// Stereo sample of the tape that it starts at.
        land: usize,
        /// Stereo samples kept.
        frames: usize,
    },
    /// The window was dropped; the tape keeps what it has. See [`Unsent`].
    Dropped,
    /// The window could not be decoded; the tape keeps what it has.
    Failed(BackendError),
}

/// Decodes windows and sends them to the tape.
pub struct Patcher {
    decoder: Box<dyn WindowDecoder + Send>,
    latents: LatentReader,
    packer: Packer,
    walk: Walk,
    lead: Lead,
    decoded_serial: u64,
    sound: Vec<StereoFrame>,
}

impl Patcher {
    /// Joins a decoder, a mailbox and the tape's packer.
    #[must_use]
    pub fn new(
        decoder: Box<dyn WindowDecoder + Send>,
        latents: LatentReader,
        packer: Packer,
        walk: Walk,
        lead: Lead,
    ) -> Self {
        let longest = decoder.keeps().iter().max().copied().unwrap_or(0);
        Self {
            sound: vec![[0.0; 2]; longest * SAMPLES_PER_LATENT_FRAME],
            decoder,
            latents,
            packer,
            walk,
            lead,
            decoded_serial: 0,
        }
    }

    /// The lead, to tell it what ticks and decodes took.
    pub fn lead(&mut self) -> &mut Lead {
        &mut self.lead
    }

    /// Lets another decoder take over, for the same tape and window lengths; the one before comes back, to be freed
    /// elsewhere.
    ///
    /// # Panics
    /// When it was prepared for other window lengths.
    pub fn take_over(&mut self, decoder: Box<dyn WindowDecoder + Send>) -> Box<dyn WindowDecoder + Send> {
        assert_eq!(decoder.keeps(), self.decoder.keeps(), "window lengths of the set");
        std::mem::replace(&mut self.decoder, decoder)
    }

    /// Decodes and sends the next window if one is called for.
    pub fn patch(&mut self, values: &Values, head: Playhead, band: LoopBand) -> Patched {
        let newest = self.latents.newest();
        let serial = newest.serial;
        if serial == 0 {
            return Patched::Nothing;
        }
        let lead = self.lead.frames();
        let fresh = serial != self.decoded_serial;
        // One window ahead is enough: more would be decoded from hands that have moved on since.
        if !fresh && self.walk.planned_ahead(head, band) > 2 * lead as i64 {
            return Patched::Nothing;
        }
        let keep = self.keep_frames(values);
        self.walk.set_keep(keep);
        let plan = self.walk.plan(head, band, lead, if fresh { Start::Fresh } else { Start::Onward });
        self.decoded_serial = serial;
        // The window lands to the sample; its decode begins with the latent frame that the landing lies in.
        let (first, inside) = (plan.land / SAMPLES_PER_LATENT_FRAME, plan.land % SAMPLES_PER_LATENT_FRAME);
        let Self { packer, lead, sound, decoder, latents, .. } = self;
        let room = &mut sound[..keep * SAMPLES_PER_LATENT_FRAME];
        if let Err(error) = decoder.decode(&latents.held().latent, first, room) {
            // The walk goes on behind a window that never came: the next one lands where the playhead is then.
            return Patched::Failed(error);
        }
        let feedback = values.get(ParamId::TapeFeedback);
        let landed = |landing| lead.landed(landing);
        let write = |kept: &mut [StereoFrame]| kept.copy_from_slice(&sound[inside..inside + plan.frames]);
        match packer.send(&plan, feedback, landed, write) {
            Ok(()) => Patched::Sent { serial, land: plan.land, frames: plan.frames },
            Err(Unsent::NoBox | Unsent::NonFinite { .. } | Unsent::TooLong { .. }) => Patched::Dropped,
        }
    }

    /// The prepared window length nearest to what the player asks for, in latent frames.
    fn keep_frames(&self, values: &Values) -> usize {
        let wanted = values.exact(ParamId::WindowS) * LATENT_FRAMES_PER_SECOND as f64;
        let far = |keep: usize| (keep as f64 - wanted).abs();
        let keeps = self.decoder.keeps().iter().copied();
        keeps.min_by(|&a, &b| far(a).total_cmp(&far(b))).expect("a decoder has prepared at least one length")
    }
}
