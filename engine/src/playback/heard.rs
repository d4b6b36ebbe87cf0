//! Notes on the tape what the head plays at each place, for tape feedback.
//!
//! A run of places that the head plays has a beginning (a jump to there, the band's start) and an end (a jump away, the
//! band's end, new sound under the head). Beyond both lies what was heard there some other time, and feedback would make a
//! click of the step between; so each run rises from that and falls back to it over a fade. Linear, not for power: both
//! sides are mostly the same music, and it is a share of what is heard.
//!
//! Bounded work a call, no allocation after `new`.

use std::f32::consts::FRAC_PI_2;

use super::head::JUMP_FADE_FRAMES;
use super::tape::{LoopBand, Tape};

/// Where in its run the head is.
#[derive(Debug)]
pub(super) struct Heard {
    /// How far a run has risen after so many frames.
    rise: Box<[f32]>,
    risen: usize,
}

impl Heard {
    /// In the middle of a run: what was never played counts as heard.
    pub(super) fn new() -> Self {
        let part = |i: usize| ((i as f32 + 0.5) / JUMP_FADE_FRAMES as f32 * FRAC_PI_2).sin().powi(2);
        Self { rise: (0..JUMP_FADE_FRAMES).map(part).collect(), risen: JUMP_FADE_FRAMES }
    }

    /// The head plays the next `frames` from `position` on, round and round in `band`.
    pub(super) fn play(&mut self, tape: &mut Tape, band: LoopBand, mut position: usize, mut frames: usize) {
        while frames > 0 {
            let run = frames.min(band.end() - position);
            let rising = run.min(JUMP_FADE_FRAMES - self.risen);
            for at in position..position + rising {
                tape.hear_partly(at, self.rise[self.risen]);
                self.risen += 1;
            }
            tape.hear(position + rising, run - rising);
            (position, frames) = (position + run, frames - run);
            if position == band.end() {
                self.turn(tape, band);
                position = band.start();
            }
        }
    }

    /// The head goes elsewhere, or something else is written from `place` on: the run falls.
    pub(super) fn end(&mut self, tape: &mut Tape, place: usize) {
        for i in 0..JUMP_FADE_FRAMES {
            let risen = self.rise.get(self.risen + i).copied().unwrap_or(1.0);
            tape.hear_partly((place + i) % tape.len(), risen * self.rise[JUMP_FADE_FRAMES - 1 - i]);
        }
        self.risen = 0;
    }

    /// The head turns at the band's end: one run falls there, and the next rises over the run-up, which the seam plays.
    fn turn(&mut self, tape: &mut Tape, band: LoopBand) {
        if band.len() == tape.len() {
            return;
        }
        self.end(tape, band.end());
        let begin = band.start() + tape.len() - JUMP_FADE_FRAMES;
        for (i, part) in self.rise.iter().enumerate() {
            tape.hear_partly((begin + i) % tape.len(), *part);
        }
        self.risen = JUMP_FADE_FRAMES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latent::{SAMPLES_PER_LATENT_FRAME as FRAME, StereoFrame};

    const TAPE: usize = 6 * FRAME;

    /// A tape on which .9 stands where 0 was heard.
    fn tape() -> Tape {
        let mut tape = Tape::new(vec![[0.0; 2]; TAPE]).unwrap();
        tape.parts_mut().0.fill([0.9; 2]);
        tape
    }

    /// The steepest step between neighbours, and what is heard at some places.
    fn steepest(tape: &mut Tape) -> f32 {
        let heard: &[StereoFrame] = tape.parts_mut().1;
        (0..TAPE).map(|at| (heard[at][0] - heard[(at + 1) % TAPE][0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn what_the_head_played_is_noted_there_and_nowhere_else() {
        let (mut tape, mut heard) = (tape(), Heard::new());
        let band = LoopBand::new(3_000, 3_000 + FRAME, TAPE).unwrap();
        heard.end(&mut tape, 0);
        heard.play(&mut tape, band, 3_000, FRAME + 700);
        let at = |tape: &mut Tape, place: usize| tape.parts_mut().1[place][0];
        assert_eq!([3_000, 3_700, 3_000 + FRAME - 1].map(|place| at(&mut tape, place)), [0.9; 3], "the band");
        assert_eq!([3_000 - 481, 3_000 + FRAME + 480].map(|place| at(&mut tape, place)), [0.0; 2], "beyond both fades");
    }

    #[test]
    fn no_run_begins_or_ends_with_a_step() {
        let mut heard = Heard::new();
        // Turns of bands at the tape's ends too, and jumps on top of each other.
        for band in [(3_000, 3_000 + FRAME), (0, FRAME), (100, 100 + FRAME), (TAPE - FRAME, TAPE), (0, TAPE)] {
            let band = LoopBand::new(band.0, band.1, TAPE).unwrap();
            let mut tape = tape();
            heard.end(&mut tape, 5_000);
            let mut position = band.start() + 700;
            for frames in [100, 50, 2 * FRAME, 1, 300] {
                heard.play(&mut tape, band, position, frames);
                position = band.wrap(position + frames);
                heard.end(&mut tape, position);
                position = band.wrap(position + 777);
            }
            let steepest = steepest(&mut tape);
            assert!(steepest < 0.9 * 2.0 / JUMP_FADE_FRAMES as f32 * FRAC_PI_2, "{band:?}: {steepest}");
        }
    }
}
