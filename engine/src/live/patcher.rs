//! The decode side: the newest finished latent becomes a window just ahead of the playhead.
//!
//! A fresh latent is decoded at playhead + lead. Between latents the walk goes on from where the last window ended, so
//! that the whole tape is renewed even when latents are slow. When nothing has finished yet there is nothing to do: the
//! tape plays its source. Time comes in as numbers; the patcher reads no clock.

use super::decode_set::{DecodeSet, room_for_windows};
use super::latents::{LatentReader, Newest};
use super::line::{Line, Lines, Turn};
use super::original::Original;
use crate::backend::{BackendError, WindowDecoder};
use crate::latent::{LATENT_FRAMES_PER_SECOND, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use crate::param::{ParamId, Values};
use crate::playback::{Course, Lead, Packer, PlayedFrame, Start, Walk};

/// What one call of [`Patcher::patch`] did.
#[derive(Debug, PartialEq)]
pub enum Patched {
    /// Nothing has finished yet, what is planned reaches far enough, or every box is on its way: nothing was decoded.
    Nothing,
    /// The windows of the newest latent lie all over the band, and nothing is mixed into them again: there is nothing to
    /// decode until a hand moves.
    Rests,
    /// A window of that many stereo samples is on its way.
    Sent {
        /// Number of the latent it was decoded from.
        serial: u64,
        /// Stereo sample of the tape that it starts at.
        land: usize,
        /// Stereo samples kept.
        frames: usize,
        /// When its first one is to be played.
        due: PlayedFrame,
    },
    /// The window was dropped; the tape keeps what it has. See [`Unsent`](crate::playback::Unsent).
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
    /// What the windows of the walk's run are of: latent, and player.
    made_of: (u64, u64),
    /// Until when nothing was decoded because the tape stands.
    rested: Option<PlayedFrame>,
    /// The recording that is played on: heard itself where a latent is its own.
    original: Option<Original>,
    lines: Lines,
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
        Self {
            sound: room_for_windows(decoder.as_ref()),
            decoder,
            latents,
            packer,
            walk,
            lead,
            decoded_serial: 0,
            made_of: (0, 0),
            rested: None,
            original: None,
            lines: Lines::default(),
        }
    }

    /// The recording that the tape is of: where a latent is its own, it is heard itself.
    #[must_use]
    pub fn on(self, original: Option<Original>) -> Self {
        Self { original, ..self }
    }

    /// Lets another decoder take over, for the same tape and window lengths; the one before comes back, to be freed
    /// elsewhere.
    ///
    /// # Panics
    /// When it was prepared for other window lengths.
    pub fn take_over(&mut self, decoder: Box<dyn WindowDecoder + Send>) -> Box<dyn WindowDecoder + Send> {
        assert_eq!(decoder.keeps(), self.decoder.keeps(), "window lengths of the set");
        self.walk.begin_run();
        std::mem::replace(&mut self.decoder, decoder)
    }

    /// Another set takes over, for another tape; the one before is in its place. Nothing is allocated or freed. Windows come when the
    /// first of its generations has finished.
    pub fn load(&mut self, set: &mut DecodeSet) {
        std::mem::swap(&mut self.decoder, &mut set.decoder);
        std::mem::swap(&mut self.latents, &mut set.latents);
        std::mem::swap(&mut self.sound, &mut set.sound);
        std::mem::swap(&mut self.original, &mut set.original);
        self.walk = Walk::new(set.tape, set.frames, 1);
        self.lead.set_most(set.most_lead);
        (self.decoded_serial, self.made_of, self.rested) = (0, (0, 0), None);
        self.lines.forget();
    }

    /// Length of the tape that windows are made for, in stereo samples.
    #[must_use]
    pub fn tape_frames(&self) -> usize {
        self.walk.tape_frames()
    }

    /// Whether a latent has come that was not looked at.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.latents.has_news()
    }

    /// Begins again after a window that was left in the middle (somebody panicked): the tape is renewed from the newest latent.
    pub fn begin_again(&mut self) {
        self.decoded_serial = 0;
        self.walk.begin_run();
    }

    /// The lead that windows are planned with now, in stereo samples.
    pub fn lead_frames(&mut self, values: &Values, course: &Course) -> usize {
        let keep = self.keep_frames(values);
        self.lead.frames(course.now(), self.walk.tape_frames(), keep)
    }

    /// Whether other work goes on beside the windows; see [`Lead::set_crowded`].
    pub fn set_crowded(&mut self, crowded: bool) {
        self.lead.set_crowded(crowded);
    }

    /// 5th percentile of the lead that remained when windows landed, in stereo samples; see
    /// [`Lead::remaining_p5`].
    pub fn remaining_p5(&mut self) -> Option<i64> {
        self.lead.remaining_p5()
    }

    /// These values are the newest, and to be heard from a line on, where there is one; answers those that the next window is planned under.
    /// Without a line nothing waits.
    pub fn hear(&mut self, values: &Values, line: Option<Line>) -> Values {
        self.lines.hear(values, line)
    }

    /// The snapshot of the last line that was met, and how many lines could not be.
    #[must_use]
    pub fn lines(&self) -> (u64, u64) {
        self.lines.told()
    }

    /// Decodes and sends the next window if one is called for and there is a box for it.
    pub fn patch(&mut self, values: &Values, course: &Course) -> Patched {
        let lead = &mut self.lead;
        let a_box_is_home = self.packer.collect(|landing| lead.landed(landing));
        let turn = if self.lines.are_free() {
            Turn::Free
        } else {
            let lead = self.lead_frames(values, course);
            self.lines.turn(course.now(), lead, self.latents.made())
        };
        let newest = *self.lines.newest();
        let values = if let Turn::At(_) = turn { &newest } else { values };
        let latent = if turn == Turn::Before { self.latents.held() } else { self.latents.newest() };
        let &Newest { serial, content, .. } = latent;
        // A band that is not on this tape is meant for another, which is not here yet.
        if serial == 0 || !a_box_is_home || course.band().end() > self.walk.tape_frames() {
            return Patched::Nothing;
        }
        if self.stands(content, values, course) {
            if let Turn::At(_) = turn {
                // What is turned is heard already: nothing of it is another.
                self.lines.met();
            }
            return if turn == Turn::Before { Patched::Nothing } else { Patched::Rests };
        }
        let lead = self.lead_frames(values, course);
        let fresh = serial != self.decoded_serial && turn == Turn::Free;
        // One window ahead is enough: more would be decoded from hands that have moved on since.
        let is_on_a_line = matches!(turn, Turn::At(_));
        if !fresh && !is_on_a_line && self.walk.planned_ahead(course) > 2 * lead as i64 {
            return Patched::Nothing;
        }
        let keep = self.keep_frames(values);
        self.walk.set_keep(keep);
        let start = match turn {
            Turn::At(moment) => Start::At(moment),
            _ if fresh => Start::Fresh,
            _ => Start::Onward,
        };
        let plan = self.walk.plan(course, lead, start);
        self.decoded_serial = serial;
        // The window lands to the sample; its decode begins with the latent frame that the landing lies in.
        let (first, inside) = (plan.first_latent(), plan.inside());
        if let Err(error) = self.sound_of(first, keep) {
            // The walk goes on behind a window that never came: the next one lands where the playhead is then.
            self.walk.begin_run();
            return Patched::Failed(error);
        }
        let Self { packer, sound, .. } = self;
        let feedback = values.get(ParamId::TapeFeedback);
        let write = |kept: &mut [StereoFrame]| kept.copy_from_slice(&sound[inside..inside + plan.frames]);
        match packer.send(&plan, feedback, write) {
            Ok(()) => {
                if is_on_a_line {
                    self.lines.met();
                }
                Patched::Sent { serial, land: plan.land, frames: plan.frames, due: plan.due }
            }
            Err(_) => {
                self.walk.begin_run();
                Patched::Dropped
            }
        }
    }

    /// The sound of `keep` frames of the newest latent from `first` on, into [`Self::sound`].
    fn sound_of(&mut self, first: usize, keep: usize) -> Result<(), BackendError> {
        let Self { sound, decoder, latents, original, .. } = self;
        let (room, latent) = (&mut sound[..keep * SAMPLES_PER_LATENT_FRAME], &latents.held().latent);
        match original {
            Some(original) if original.is_all_of(latent, first, keep) => original.write(first, room),
            Some(original) => {
                decoder.decode(latent, first, room)?;
                original.mix(latent, first, room);
            }
            None => decoder.decode(latent, first, room)?,
        }
        Ok(())
    }

    /// Whether the tape stands: windows of this very latent lie all over the band, from one end of it to the other and sent to
    /// the player that plays now, and none takes a share of what was heard. What windows wait for is no older for the time in
    /// which there were none.
    fn stands(&mut self, content: u64, values: &Values, course: &Course) -> bool {
        let mixes = values.get(ParamId::TapeFeedback) != 0.0;
        let made_of = if mixes { (0, 0) } else { (content, self.packer.epoch()) };
        if mixes || made_of != self.made_of {
            self.made_of = made_of;
            self.walk.begin_run();
        }
        if let Some(rested) = self.rested.take() {
            self.lead.pass_over(usize::try_from(rested.until(course.now())).unwrap_or(0));
        }
        let stands = self.walk.has_gone_round(course.band());
        self.rested = stands.then(|| course.now());
        stands
    }

    /// The prepared window length nearest to what the player asks for, in latent frames.
    fn keep_frames(&self, values: &Values) -> usize {
        let wanted = values.exact(ParamId::WindowS) * LATENT_FRAMES_PER_SECOND as f64;
        let far = |keep: usize| (keep as f64 - wanted).abs();
        let keeps = self.decoder.keeps().iter().copied();
        keeps.min_by(|&a, &b| far(a).total_cmp(&far(b))).expect("a decoder has prepared at least one length")
    }
}
