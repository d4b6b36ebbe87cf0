//! One round of gestures: what has come from the surfaces, thinned out and played.
//!
//! It stands apart from `run` so that a bench can time the very rounds that a performance is made of. Allocates while its
//! list of gestures grows, and never reads a clock.

use std::time::Duration;

use hal::gesture::Gesture;

use crate::control::binding::Act;
use crate::performance::conductor::Conductor;
use crate::surface::inbox::coalesce;
use crate::surface::surfaces::Surfaces;

/// How long the conductor waits for a gesture, which wakes it at once, before it looks at everything else.
const PATIENCE: Duration = Duration::from_millis(5);
/// The step of a value on its way, well below a tick.
const STEP: Duration = Duration::from_millis(1);

/// The gestures of one round.
#[derive(Debug, Default)]
pub struct GestureIntake {
    batch: Vec<Gesture>,
}

impl GestureIntake {
    /// Takes what has come, after waiting a moment for it; answers it as it came.
    pub fn wait(&mut self, surfaces: &Surfaces, conductor: &Conductor) -> &[Gesture] {
        // A value on its way wants its next step; a hand at rest wants nothing.
        let patience = if conductor.desk().stands() { PATIENCE } else { STEP };
        surfaces.take(patience, &mut self.batch);
        &self.batch
    }

    /// Plays what was taken, and adds what came of it to `acts`; answers how many places were left out, because their
    /// fader has left them again.
    pub fn play(&mut self, conductor: &mut Conductor, acts: &mut Vec<Act>) -> usize {
        let left_out = self.thin_out(conductor);
        for gesture in self.batch.drain(..) {
            conductor.play(&gesture, acts);
        }
        left_out
    }

    /// What is left to play, for one who plays it piece by piece.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Gesture> {
        self.batch.drain(..)
    }

    /// Leaves out what a fader has left again; answers how many places that was.
    pub fn thin_out(&mut self, conductor: &Conductor) -> usize {
        let binding = conductor.binding();
        // A lesson wants to hear every word, and a knob's first word moves nothing: it must not be the only one left.
        if binding.learning().is_on() {
            return 0;
        }
        coalesce(&mut self.batch, |surface, control| {
            binding.has_heard(surface, control) && binding.map().is_place(surface, control)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::GestureIntake;
    use crate::control::binding::Act;
    use crate::performance::conductor::{Conductor, EngineLinks};
    use crate::settings::patch::Patch;
    use crate::surface::surfaces::Surfaces;
    use engine::live::{relay, set_queue};
    use engine::param::{ParamId, edge_queue};
    use engine::playback::{DeckSize, Tape, deck};
    use hal::gesture::FakeSurface;
    use std::time::Duration;

    const FRAMES: usize = 25;

    /// Plays what a surface says in one round, and in another what it says then.
    fn played(first: FakeSurface, words: usize, acts: &mut Vec<Act>) -> (f64, usize) {
        let tape = Tape::new(vec![[0.0; 2]; FRAMES * 1920]).expect("a second");
        let (_player, _packer, transport) = deck(tape, DeckSize { boxes: 2, window_frames: 1920 });
        let (edges, _ticks) = edge_queue(8);
        let engine = EngineLinks { edges, decode_values: relay().0, sets: set_queue().0, transport };
        let (mut conductor, _reader) = Conductor::new(&Patch::default(), FRAMES, engine);
        let (mut surfaces, mut intake) = (Surfaces::default(), GestureIntake::default());
        surfaces.add(Box::new(first)).expect("a thread");
        while intake.wait(&surfaces, &conductor).len() < words {}
        let left_out = intake.play(&mut conductor, acts);
        assert_eq!(surfaces.close(Duration::from_secs(20)), Vec::<String>::new());
        (conductor.store().value(ParamId::Denoise), left_out)
    }

    #[test]
    fn a_throw_right_after_a_connect_is_heard_from_its_second_word_on() {
        let mut acts = Vec::new();
        let (denoise, left_out) = played(FakeSurface::default().replug().turn(1, 10).turn(1, 100), 3, &mut acts);
        assert_eq!((denoise, left_out), (100.0 / 127.0, 0), "{acts:?}");
    }

    #[test]
    fn a_press_behind_a_flood_is_played_after_the_place_that_was_meant_before_it() {
        let mut acts = Vec::new();
        let flood = (0..90).fold(FakeSurface::default(), |surface, to| surface.turn(1, to));
        let (denoise, _) = played(flood.strike(hal::gesture::Key::Char('!')).turn(1, 3), 92, &mut acts);
        assert!(acts.contains(&Act::Captured(0)), "{acts:?}");
        assert_eq!(denoise, 3.0 / 127.0);
    }
}
