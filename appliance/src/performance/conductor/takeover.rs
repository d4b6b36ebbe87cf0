//! Another set takes over while it plays: who wants it, when it may begin, and the one order in which all sides get it.
//!
//! The player comes first, at its moment and to the sample; when it plays the new tape, the decode side gets its half and then the tick
//! side, with the curves that are drawn. What was made for the old tape carries its name and is dropped by the player.

use std::any::Any;
use std::time::Duration;

use engine::latent::SAMPLE_RATE_HZ;
use engine::live::{DecodeSet, Load, Swap};
use engine::param::{Edge, Mark, ParamId};
use engine::playback::{Berth, Berthed, LoopBand, PlayedFrame, TapeId, Transition};

use super::Conductor;
use crate::control::tempo::TapeBeats;
use crate::settings::patch::{Sources, Spoken};

/// How long before its moment a tape is handed over at least, in stereo samples: a player in another process copies it first.
const AT_LEAST: usize = SAMPLE_RATE_HZ as usize * 3 / 20;
/// The same for each stereo sample of the tape: 50 ms for ten minutes.
const AT_LEAST_PART: usize = 12_000;
/// How much earlier it may be: what a hand asks of the old tape meanwhile waits.
const EARLY: usize = SAMPLE_RATE_HZ as usize / 4;

/// What somebody wants to play on.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Another set.
    Set {
        /// The number of the patch that comes with it; none where only recordings are others.
        patch: Option<usize>,
        /// What displays call it.
        name: String,
        /// The recordings.
        sources: Sources,
        /// The words; none for those that play.
        words: Option<Vec<Spoken>>,
        /// The loop's two faders, where the patch or the part brings them.
        band: Option<[f32; 2]>,
        /// Why, as far as it decides how it comes in.
        reason: Reason,
    },
    /// What plays: whatever was wanted is not any more.
    Stay,
}

/// Why another set is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// A hand asked for it.
    #[default]
    Asked,
    /// It is another part of the recording that plays: it comes in where the loop turns, and the music goes on where it is.
    Part,
    /// Undo or redo brings it: values are its already, and the loop's faders mean its tape.
    History,
}

/// When a tape may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// As soon as it can.
    Now,
    /// At this moment.
    At(PlayedFrame),
    /// Later: to be asked again.
    NotYet,
}

/// Stereo samples from a place of the tape to its next beat that is a whole multiple of `count`; 0 on one.
fn to_next(place: usize, beats: TapeBeats, count: f64) -> usize {
    let frames = count / beats.beats_at(1.0);
    let next = (place as f64 / frames - 1e-6).ceil() * frames;
    (next.round() as usize).saturating_sub(place)
}

impl Conductor {
    /// A worker is to prepare this, in the place of whatever it was to prepare before.
    pub fn want(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
    }

    /// What a worker is to prepare, once.
    pub fn wanted(&mut self) -> Option<Wanted> {
        self.wanted.take()
    }

    /// What a worker is to prepare and has not been told of.
    #[must_use]
    pub fn awaits(&self) -> Option<&Wanted> {
        self.wanted.as_ref()
    }

    /// Where a worker puts the next tape.
    #[must_use]
    pub fn berth(&self) -> Berth {
        self.engine.transport.berth()
    }

    /// When a tape of so many stereo samples may begin, as `transition` says: at once, at the next beat or bar of the tape that plays, or at
    /// its loop's end, which is also where the tape has no beats, and where a part always begins. The loop's end is a beat and a bar.
    #[must_use]
    pub fn due(&self, tape_frames: usize, reason: Reason) -> Due {
        let beats = match self.desk.store().aims().whole(ParamId::Transition) {
            _ if reason == Reason::Part => None,
            0 => return Due::Now,
            1 => Some(1.0),
            2 => Some(f64::from(self.tempo.bar())),
            _ => None,
        };
        let course = self.engine.transport.course();
        let least = AT_LEAST + tape_frames / AT_LEAST_PART;
        let place = course.place(course.now().after(least));
        let to_end = course.band().end() - place;
        let to_beat = beats.zip(self.beats).map(|(count, beats)| to_next(place, beats, count));
        let wait = least + to_beat.map_or(to_end, |it| it.min(to_end));
        if wait <= least + EARLY { Due::At(course.now().after(wait)) } else { Due::NotYet }
    }

    /// How a tape of so many stereo samples comes in under these faders of the loop; those of now where a patch brings none.
    #[must_use]
    pub fn transition(&self, tape_frames: usize, band: Option<[f32; 2]>, due: Due) -> Transition {
        let values = self.desk.store().aims();
        let [start, end] = band.unwrap_or([values.get(ParamId::LoopStart), values.get(ParamId::LoopEnd)]);
        let band = LoopBand::from_faders(start, end, tape_frames);
        let due = if let Due::At(moment) = due { Some(moment) } else { None };
        let fade_frames = (values.exact(ParamId::TransitionS) * f64::from(SAMPLE_RATE_HZ)) as usize;
        Transition { position: band.start(), band, due, fade_frames }
    }

    /// Hands a tape to the player; [`Self::plays`] says when it plays.
    ///
    /// # Errors
    /// With the tape, when the player cannot take it now.
    #[allow(clippy::result_large_err)] // a tape that comes back is not lost
    pub fn hand_over(&mut self, tape: Berthed, how: &Transition) -> Result<TapeId, Berthed> {
        self.engine.transport.hand_over(tape, how)
    }

    /// Whether the player has come to this tape.
    #[must_use]
    pub fn plays(&self, tape: TapeId) -> bool {
        self.engine.transport.plays(tape)
    }

    /// The player never came to the tape that it was handed: all goes on with the one that plays.
    pub fn go_on_with_what_plays(&mut self) {
        self.engine.transport.go_on_with_what_plays();
        self.band_is_due = true;
    }

    /// The player plays the new tape: the other sides get what belongs to it, and the curves that are drawn again.
    ///
    /// # Errors
    /// With both, when the decode side has not taken the set before: to be tried again.
    pub fn take_over(
        &mut self,
        load: Box<Load>,
        decode: Box<DecodeSet>,
        words: &[Spoken],
    ) -> Result<(), (Box<Load>, Box<DecodeSet>)> {
        let frames = load.material.frames;
        if let Err(decode) = self.engine.sets.send(decode) {
            return Err((load, decode));
        }
        self.frames = frames;
        self.swap(Swap::Set(load));
        // From their own points: what the tick side has was stretched over the tape before.
        let drawn = self.desk.store().drawn();
        let curves = ParamId::all().filter_map(|id| Some(Edge::SetCurve(id, Some(drawn.get(id)?.clone()))));
        self.held.extend(curves);
        self.pause_on_another_tape();
        self.keep_words(words.to_vec());
        self.band_is_due = true;
        // The decode side's next window is under the values of now, and the tick thread may be asleep.
        self.rung = 0;
        Ok(())
    }

    /// The loop's faders wait where they are, as long as they mean a tape that is not here yet.
    pub fn hold_loop(&mut self, is_held: bool) {
        self.holds_loop = is_held;
    }

    /// Another part of the recording plays, which undo knows by the number `load`: the loop's faders go there and curves lie where they lay, in
    /// one stroke. `from` is the latent frame of the tape before that a frame of this one was; none of what was not on it.
    pub fn stand_on_part(&mut self, faders: [f32; 2], from: impl Fn(usize) -> Option<usize>, load: u32, now: Duration) {
        let (store, frames) = (self.desk.store(), self.frames);
        let (mut values, mut drawn) = (*store.aims(), store.drawn().clone());
        for (id, fader) in [ParamId::LoopStart, ParamId::LoopEnd].into_iter().zip(faders) {
            values.set(id, fader.into());
        }
        for id in ParamId::all() {
            let Some(before) = drawn.get(id).cloned() else { continue };
            let stands = values.heard(id) as f32;
            let at = |frame: usize| from(frame).and_then(|it| before.get(it)).copied().unwrap_or(stands);
            drawn.set(id, Some((0..frames).map(at).collect()));
        }
        let mark = Mark { load, ..store.mark() };
        self.desk.stand_elsewhere(&values, &drawn, mark);
        self.settle(now);
    }

    /// Sets that play no more.
    pub fn take_spent(&mut self) -> Vec<Box<dyn Any + Send>> {
        std::mem::take(&mut self.spent)
    }
}

#[cfg(test)]
mod tests {
    use super::to_next;
    use crate::control::tempo::TapeBeats;

    #[test]
    fn the_next_beat_is_never_behind_and_on_a_beat_it_is_that_one() {
        // 120 beats a minute: one in 24,000 frames.
        let beats = TapeBeats::new(120_000, 480_000, 48_000);
        let beat = [0, 1, 23_999, 24_000, 24_001].map(|it| to_next(it, beats, 1.0));
        assert_eq!(beat, [0, 23_999, 1, 0, 23_999]);
        assert_eq!([0, 1, 95_999, 96_000].map(|it| to_next(it, beats, 4.0)), [0, 95_999, 1, 0]);
    }
}
