//! The decode side: the newest finished latent becomes a window just ahead of the playhead.
//!
//! A fresh latent is decoded at playhead + lead. Between latents the walk goes on from where the last window ended, so
//! that the whole tape is renewed even when latents are slow. When nothing has finished yet there is nothing to do: the
//! tape plays its source. Time comes in as numbers; the patcher reads no clock.

use super::latents::LatentReader;
use crate::latent::{LATENT_CHANNELS, LATENT_FRAMES_PER_SECOND, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use crate::param::{ParamId, Values};
use crate::playback::{Lead, LoopBand, Packer, Playhead, Start, Unsent, Walk, WindowPlan};

/// What decodes a run of latent frames.
pub trait WindowDecoder {
    /// Lengths in latent frames, context included, that were prepared; ascending, never empty.
    fn lengths(&self) -> &[usize];

    /// Decodes `rows` (`[frames, 64]`, `frames` one of [`Self::lengths`]) to `frames * 1920` stereo samples.
    fn decode(&mut self, rows: &[f32], sound: &mut [StereoFrame]);
}

/// What one call of [`Patcher::patch`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patched {
    /// Nothing has finished yet, or what is planned reaches far enough.
    Nothing,
    /// A window of that many stereo samples is on its way.
    Sent {
        /// Number of the latent it was decoded from.
        serial: u64,
        /// Stereo samples kept.
        frames: usize,
    },
    /// The window was dropped; the tape keeps what it has. See [`Unsent`].
    Dropped,
}

/// Decodes windows and sends them to the tape.
pub struct Patcher {
    decoder: Box<dyn WindowDecoder + Send>,
    latents: LatentReader,
    packer: Packer,
    walk: Walk,
    lead: Lead,
    decoded_serial: u64,
    rows: Vec<f32>,
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
        let longest = decoder.lengths().last().copied().unwrap_or(0);
        Self {
            rows: vec![0.0; longest * LATENT_CHANNELS],
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
        self.decode(&plan);
        let Self { packer, lead, sound, .. } = self;
        let feedback = values.get(ParamId::TapeFeedback);
        let landed = |landing| lead.landed(landing);
        let write = |kept: &mut [StereoFrame]| kept.copy_from_slice(&sound[plan.skip..plan.skip + plan.frames]);
        match packer.send(&plan, feedback, landed, write) {
            Ok(()) => Patched::Sent { serial, frames: plan.frames },
            Err(Unsent::NoBox | Unsent::NonFinite { .. } | Unsent::TooLong { .. }) => Patched::Dropped,
        }
    }

    fn decode(&mut self, plan: &WindowPlan) {
        let rows = &mut self.rows[..plan.decode_frames * LATENT_CHANNELS];
        plan.gather(&self.latents.held().latent, rows);
        let sound = &mut self.sound[..plan.decode_frames * SAMPLES_PER_LATENT_FRAME];
        self.decoder.decode(rows, sound);
    }

    /// The prepared window length nearest to what the player asks for, in latent frames without context.
    fn keep_frames(&self, values: &Values) -> usize {
        let wanted = values.exact(ParamId::WindowS) * LATENT_FRAMES_PER_SECOND as f64;
        let context = 2 * crate::playback::CONTEXT_FRAMES;
        let keeps = self.decoder.lengths().iter().map(|it| it.saturating_sub(context).max(1));
        keeps.min_by(|a, b| (*a as f64 - wanted).abs().total_cmp(&(*b as f64 - wanted).abs())).unwrap_or(1)
    }
}
