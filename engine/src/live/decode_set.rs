//! What a worker has prepared for the decode side: it replaces decoder, mailbox and walk in one go, between two windows.

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::latents::LatentReader;
use super::original::Original;
use super::patcher::Patcher;
use crate::backend::WindowDecoder;
use crate::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};
use crate::playback::TapeId;

/// The decode side of a set. After it was taken over, the one before is in its place, to be freed elsewhere.
pub struct DecodeSet {
    pub(super) decoder: Box<dyn WindowDecoder + Send>,
    pub(super) latents: LatentReader,
    /// Length of the tape in latent frames, and its name.
    pub(super) frames: usize,
    pub(super) tape: TapeId,
    /// Room for the longest window.
    pub(super) sound: Vec<StereoFrame>,
    /// The longest lead, in stereo samples.
    pub(super) most_lead: usize,
    pub(super) original: Option<Original>,
}

impl std::fmt::Debug for DecodeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecodeSet").field("frames", &self.frames).field("tape", &self.tape).finish_non_exhaustive()
    }
}

impl DecodeSet {
    /// Prepares everything that the decode side needs, so that taking it over allocates nothing. `frames`: length of the tape in latent
    /// frames; `most_lead`: the longest lead in stereo samples.
    #[must_use]
    pub fn new(decoder: Box<dyn WindowDecoder + Send>, latents: LatentReader, frames: usize, most_lead: usize) -> Self {
        let sound = room_for_windows(decoder.as_ref());
        Self { decoder, latents, frames, tape: TapeId::default(), sound, most_lead, original: None }
    }

    /// As [`Patcher::on`].
    #[must_use]
    pub fn on(self, original: Option<Original>) -> Self {
        Self { original, ..self }
    }

    /// Names the tape that its windows are for.
    pub fn for_tape(&mut self, tape: TapeId) {
        self.tape = tape;
    }

    /// Length of the tape in stereo samples.
    #[must_use]
    pub fn tape_frames(&self) -> usize {
        self.frames * SAMPLES_PER_LATENT_FRAME
    }
}

/// Sets on their way: one is taken over at a time, and the one before may not be home.
const SETS: usize = 2;

/// The conductor's end of the way to the decode side.
#[derive(Debug)]
pub struct SetSender {
    out: Producer<Box<DecodeSet>>,
    home: Consumer<Box<DecodeSet>>,
}

/// The decode side's end: never blocks, allocates or frees.
#[derive(Debug)]
pub struct SetReceiver {
    out: Consumer<Box<DecodeSet>>,
    home: Producer<Box<DecodeSet>>,
}

/// Both ends.
#[must_use]
pub fn set_queue() -> (SetSender, SetReceiver) {
    let ((out, taken), (back, home)) = (RingBuffer::new(SETS), RingBuffer::new(2 * SETS));
    (SetSender { out, home }, SetReceiver { out: taken, home: back })
}

impl SetSender {
    /// Sends a set; one that finds no room comes back.
    ///
    /// # Errors
    /// With the set: the decode side has not taken the ones before.
    pub fn send(&mut self, set: Box<DecodeSet>) -> Result<(), Box<DecodeSet>> {
        self.out.push(set).map_err(|PushError::Full(set)| set)
    }

    /// What the decode side is done with, to be freed.
    pub fn come_home(&mut self) -> Option<Box<DecodeSet>> {
        self.home.pop().ok()
    }
}

impl SetReceiver {
    /// Has the patcher take over what came; whether something did.
    pub fn hand_to(&mut self, patcher: &mut Patcher) -> bool {
        if self.home.is_full() {
            return false;
        }
        let Ok(mut set) = self.out.pop() else { return false };
        patcher.load(&mut set);
        // There is room, as was seen above.
        let _ = self.home.push(set);
        true
    }

    /// Whether something waits to be taken over.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !self.out.is_empty()
    }
}

/// Room for the longest window of a decoder.
pub(super) fn room_for_windows(decoder: &dyn WindowDecoder) -> Vec<StereoFrame> {
    let longest = decoder.keeps().iter().max().copied().unwrap_or(0);
    vec![[0.0; 2]; longest * SAMPLES_PER_LATENT_FRAME]
}

#[cfg(test)]
#[path = "decode_set_tests.rs"]
mod tests;
