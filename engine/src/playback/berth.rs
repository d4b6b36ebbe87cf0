//! Where the next tape is put by whoever prepares it, before the conductor hands it over.
//!
//! For a player in another process that means copying all of it to the slot that is not played, and adding it up: milliseconds a minute
//! of sound, which a worker has and a hand has not. For one in this process the tape itself travels.

use super::deck::TransportError;
use super::tape::{Tape, TapeId};
use super::transition::Transition;
use crate::boundary::{Arena, Order as Asked, Standing, Sum};

/// A place for a tape; one worker has it at a time.
#[derive(Clone, Debug)]
pub struct Berth(Option<Arena>);

/// A tape that lies there.
#[derive(Debug)]
pub struct Berthed {
    /// The tape itself, where it has not been copied.
    pub(super) tape: Option<Tape>,
    pub(super) frames: usize,
    /// The slot that it was copied to, and its sum.
    pub(super) slot: Option<u32>,
    pub(super) sum: u64,
    /// The sum of the recording that it began as; 0 where it is the recording itself.
    pub(super) recording: u64,
}

impl Berth {
    pub(super) const fn of(arena: Option<Arena>) -> Self {
        Self(arena)
    }

    /// Brings a tape that is a recording as it is, or what the recording of this sum has become (0: itself). Slow for a long tape.
    ///
    /// # Errors
    /// [`TransportError::NoRoom`].
    pub fn bring(&self, tape: Tape, recording: u64) -> Result<Berthed, TransportError> {
        let berthed = self.keeping(tape, recording)?;
        // What was copied is freed here and not by whoever hands it over.
        Ok(if berthed.slot.is_some() { Berthed { tape: None, ..berthed } } else { berthed })
    }

    /// The same, and the tape comes along in any case.
    pub(super) fn keeping(&self, tape: Tape, recording: u64) -> Result<Berthed, TransportError> {
        let frames = tape.len();
        let Some(arena) = &self.0 else {
            return Ok(Berthed { tape: Some(tape), frames, slot: None, sum: 0, recording });
        };
        let slot = Standing::read(arena).map_or(0, |it| 1 - (it.slot & 1));
        let room = arena.slot(slot as usize).filter(|(_, room)| frames <= *room);
        let no_room = TransportError::NoRoom { found: frames, most: arena.sizes().tape_frames };
        let (begin, _) = room.ok_or(no_room)?;
        arena.write_sound(begin, tape.frames());
        let sum = Sum::of_sound(tape.frames());
        Ok(Berthed { tape: Some(tape), frames, slot: Some(slot), sum, recording })
    }

    /// The longest tape that finds room, in stereo samples.
    #[must_use]
    pub fn room(&self) -> usize {
        self.0.as_ref().map_or(Tape::FRAMES_MAX, |it| it.sizes().tape_frames)
    }
}

impl Berthed {
    /// Its length in stereo samples.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// What the player in another process is asked.
    pub(super) fn order(&self, id: TapeId, how: &Transition) -> Asked {
        let (slot, sum, recording) = (self.slot.unwrap_or(0), self.sum, self.recording);
        let band = [how.band.start() as u64, how.band.end() as u64];
        let due = how.due.map_or(0, |it| it.count() + 1);
        let (frames, position, fade) = (self.frames as u64, how.position as u64, how.fade_frames as u64);
        Asked::Swap { tape: id.0, slot, frames, position, sum, recording, band, due, fade }
    }
}
