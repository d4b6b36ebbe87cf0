//! Mute and pause: the sound goes and comes back where the tape is by then, or where it was left.
//!
//! The player's tape always turns, as its device does. A pause is a mute that remembers its place, and goes back there as the sound comes
//! in: nobody hears the jump, since it is made in silence.

use engine::param::ParamId;

use super::Conductor;
use crate::control::binding::Act;

impl Conductor {
    /// Where the tape is, as a hand knows it: 0 to 1, of a pause where it was left.
    #[must_use]
    pub fn place(&self) -> f64 {
        let transport = &self.engine.transport;
        self.paused.unwrap_or_else(|| transport.playhead().position as f64 / transport.tape_frames() as f64)
    }

    /// The sound comes back; after a pause where it was left.
    pub(super) fn play_on(&mut self) {
        if let Some(place) = self.paused.take() {
            self.seek(place);
        }
        self.engine.transport.set_muted(false);
    }

    /// The sound goes, or comes back.
    pub(super) fn mute(&mut self) {
        if self.engine.transport.muted() { self.play_on() } else { self.engine.transport.set_muted(true) }
    }

    /// The tape stops where it is, or plays on from there. What is muted already is paused where it is by now.
    pub(super) fn pause(&mut self) -> Act {
        if self.paused.is_some() {
            self.play_on();
            return Act::Paused(false);
        }
        self.paused = Some(self.place());
        self.engine.transport.set_muted(true);
        Act::Paused(true)
    }

    /// Goes to a place of the tape, 0 to 1; in a pause that is where it plays on.
    pub(super) fn go_to(&mut self, place: f64) {
        match &mut self.paused {
            Some(paused) => *paused = place,
            None => self.seek(place),
        }
    }

    /// Another tape came in: a pause plays on from the loop's start.
    pub(super) fn pause_on_another_tape(&mut self) {
        let aims = self.desk.store().aims();
        let start = aims.exact(ParamId::LoopStart).min(aims.exact(ParamId::LoopEnd));
        self.paused = self.paused.map(|_| start);
    }
}
