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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::boundary::Sizes;
    use crate::latent::SAMPLES_PER_LATENT_FRAME as FRAME;
    use crate::playback::{LoopBand, PlayedFrame};

    fn tape(level: f32) -> Tape {
        Tape::new(vec![[level; 2]; 2 * FRAME]).expect("a tape")
    }

    #[test]
    fn in_one_process_the_tape_itself_travels() {
        let berth = Berth::of(None);
        assert_eq!(berth.room(), Tape::FRAMES_MAX);
        let berthed = berth.bring(tape(0.5), 7).expect("there is room");
        assert_eq!((berthed.frames(), berthed.slot, berthed.recording), (2 * FRAME, None, 7));
        assert_eq!(berthed.tape.expect("the tape").frames(), tape(0.5).frames());
    }

    #[test]
    fn for_another_process_it_is_copied_to_the_slot_that_is_not_played_and_freed_here() {
        let sizes = Sizes { boxes: 1, window_frames: FRAME, tape_frames: 3 * FRAME };
        let arena = Arena::on_heap(sizes);
        let berth = Berth::of(Some(arena.clone()));
        assert_eq!(berth.room(), 3 * FRAME);
        let standing = Standing { slot: 1, tape: 3, frames: FRAME as u64, ..Standing::default() };
        standing.write(&arena);
        let berthed = berth.bring(tape(0.25), 7).expect("there is room");
        let sum = Sum::of_sound(tape(0.25).frames());
        assert_eq!((berthed.frames(), berthed.slot, berthed.sum), (2 * FRAME, Some(0), sum));
        assert!(berthed.tape.is_none(), "what was copied is freed by whoever copied it");
        assert!(berth.keeping(tape(0.25), 7).expect("there is room").tape.is_some());
        let there = Standing { slot: 0, frames: 2 * FRAME as u64, ..Standing::default() };
        assert_eq!(there.sound(&arena).expect("it lies there"), tape(0.25).frames());

        let band = LoopBand::new(100, 3_000, 2 * FRAME).expect("a band");
        let how = Transition { position: 300, band, due: None, fade_frames: 960 };
        let asked = |due| Asked::Swap {
            tape: 5,
            slot: 0,
            frames: 2 * FRAME as u64,
            position: 300,
            sum,
            recording: 7,
            band: [100, 3_000],
            due,
            fade: 960,
        };
        assert_eq!(berthed.order(TapeId(5), &how), asked(0));
        let at = |moment| Transition { due: Some(PlayedFrame::new(moment)), ..how };
        assert_eq!([0, 41].map(|it| berthed.order(TapeId(5), &at(it))), [asked(1), asked(42)]);

        let long = Tape::new(vec![[0.0; 2]; 4 * FRAME]).expect("a tape");
        let refused = berth.bring(long, 7).expect_err("it is too long");
        assert!(
            matches!(refused, TransportError::NoRoom { found, most } if (found, most) == (4 * FRAME, 3 * FRAME)),
            "{refused}"
        );
    }
}
