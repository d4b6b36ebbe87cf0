//! The playing head: reads the band of the tape round and round, and jumps without a click.
//!
//! **Seam.** In the last 10 ms of the band the head fades into the run-up to the band's start, so that the first beat of
//! the loop is heard whole and the loop keeps its exact length. Where there is no run-up (the band starts where the tape
//! does) the start is mirrored through its first sample instead, which meets it without a step or a bend. A seam that bends no more
//! than the sound beside it does is left alone: a clean loop stays clean.
//!
//! **Jump** (seek, other band, other tape). What would have been played for the next 10 ms is copied aside and faded out
//! over the new place. The copy makes jumps during a jump, at a seam or to another tape all the same case.
//!
//! Both fades are measured first (see `crossfade`). Bounded work a call, no allocation after `new`.

use super::crossfade::{Crossfade, correlation, correlation_of};
use super::tape::LoopBand;
use crate::latent::StereoFrame;

/// Length of the fade at the loop seam and after a jump, in stereo samples: 10 ms, short enough that a beat keeps its
/// attack, long enough that the side bands of the fade stay under 200 Hz.
pub const JUMP_FADE_FRAMES: usize = 480;

/// How far to each side of the seam the sound is measured, in stereo samples.
const SEAM_LOOK_FRAMES: usize = 64;

/// A seam may bend the wave this much more than the sound beside it: what was measured is its own maximum over only a
/// few milliseconds.
const SEAM_BEND_MOST: f32 = 1.5;

/// What happens at the end of the band.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seam {
    /// The head is not near it.
    Away,
    /// The sound goes on by itself.
    Seamless,
    /// Fades into the run-up, which correlates by this much.
    Fading(f32),
}

/// A place on a tape and the band it goes round in.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    position: usize,
    band: LoopBand,
    seam: Seam,
    laps: u64,
}

/// A part of the tape that is heard while the head turns from the band's end to its start, in stereo samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) begin: usize,
    pub(super) frames: usize,
}

/// The head of the player.
#[derive(Debug)]
pub(super) struct Head {
    cursor: Cursor,
    fade: Crossfade,
    /// Sound before the last jump that is still fading out.
    leaving: Box<[StereoFrame]>,
    spare: Box<[StereoFrame]>,
    left: usize,
    correlation: f32,
}

impl Head {
    /// A head at the start of `band`.
    pub(super) fn new(band: LoopBand) -> Self {
        Self {
            cursor: Cursor { position: band.start(), band, seam: Seam::Away, laps: 0 },
            fade: Crossfade::new(JUMP_FADE_FRAMES),
            leaving: vec![[0.0; 2]; JUMP_FADE_FRAMES].into(),
            spare: vec![[0.0; 2]; JUMP_FADE_FRAMES].into(),
            left: 0,
            correlation: 0.0,
        }
    }

    pub(super) fn position(&self) -> usize {
        self.cursor.position
    }

    pub(super) fn band(&self) -> LoopBand {
        self.cursor.band
    }

    /// Turns of the loop since the start.
    pub(super) fn laps(&self) -> u64 {
        self.cursor.laps
    }

    /// Whether the head is fading at the seam: then two places of the tape are being heard.
    pub(super) fn at_seam(&self) -> bool {
        self.cursor.band.end() - self.cursor.position <= JUMP_FADE_FRAMES
    }

    /// The part of the tape around the band's start that the head reads before it has left the seam, when the seam is
    /// less than `step` stereo samples away: run-up, start, and what a step plays beyond it.
    pub(super) fn turn(&self, step: usize) -> Option<Turn> {
        let (position, band) = (self.cursor.position, self.cursor.band);
        (band.end() - position < JUMP_FADE_FRAMES + step).then(|| {
            let begin = band.start().saturating_sub(JUMP_FADE_FRAMES);
            Turn { begin, frames: band.start() - begin + step }
        })
    }

    /// Plays the next `out.len()` stereo samples of `tape`.
    pub(super) fn read(&mut self, tape: &[StereoFrame], out: &mut [StereoFrame]) {
        self.cursor.read(tape, &self.fade, out);
        self.mix_leaving(out);
    }

    /// Goes to `position` and `band` of tape `to` (both may be the tape it is on, `from`).
    pub(super) fn jump(&mut self, from: &[StereoFrame], to: &[StereoFrame], position: usize, band: LoopBand) {
        let mut spare = std::mem::take(&mut self.spare);
        let mut before = self.cursor;
        before.read(from, &self.fade, &mut spare);
        self.mix_leaving(&mut spare);
        self.spare = std::mem::replace(&mut self.leaving, spare);
        let laps = self.cursor.laps;
        self.cursor = Cursor { position: band.wrap(position), band, seam: Seam::Away, laps };
        let mut ahead = self.cursor;
        ahead.read(to, &self.fade, &mut self.spare);
        self.correlation = correlation(&self.leaving, &self.spare);
        self.left = JUMP_FADE_FRAMES;
    }

    /// Fades what was left behind by the last jump out over `out`.
    fn mix_leaving(&mut self, out: &mut [StereoFrame]) {
        let at = JUMP_FADE_FRAMES - self.left;
        for (i, (frame, old)) in out.iter_mut().zip(&self.leaving[at..]).enumerate() {
            *frame = self.fade.gains(at + i, JUMP_FADE_FRAMES, self.correlation).mix(*old, *frame);
        }
        self.left -= self.left.min(out.len());
    }
}

impl Cursor {
    fn read(&mut self, tape: &[StereoFrame], fade: &Crossfade, mut out: &mut [StereoFrame]) {
        while !out.is_empty() {
            let seam_start = self.band.end() - JUMP_FADE_FRAMES;
            let (stop, in_seam) =
                if self.position < seam_start { (seam_start, false) } else { (self.band.end(), true) };
            let (now, later) = out.split_at_mut((stop - self.position).min(out.len()));
            now.copy_from_slice(&tape[self.position..][..now.len()]);
            if in_seam {
                self.cross_seam(tape, fade, now);
            }
            self.position += now.len();
            if self.position == self.band.end() {
                self.position = self.band.start();
                self.seam = Seam::Away;
                self.laps += 1;
            }
            out = later;
        }
    }

    /// Mixes the run-up to the band's start into the band's last frames.
    fn cross_seam(&mut self, tape: &[StereoFrame], fade: &Crossfade, now: &mut [StereoFrame]) {
        if self.seam == Seam::Away {
            self.seam = self.listen(tape);
        }
        let Seam::Fading(correlation) = self.seam else { return };
        let done = JUMP_FADE_FRAMES - (self.band.end() - self.position);
        for (i, frame) in now.iter_mut().enumerate() {
            let coming = self.run_up(tape, JUMP_FADE_FRAMES - done - i);
            *frame = fade.gains(done + i, JUMP_FADE_FRAMES, correlation).mix(*frame, coming);
        }
    }

    /// The sample `before` frames ahead of the band's start; mirrored through the tape's first sample where there is
    /// no tape.
    fn run_up(&self, tape: &[StereoFrame], before: usize) -> StereoFrame {
        if before <= self.band.start() {
            return tape[self.band.start() - before];
        }
        let (first, mirrored) = (tape[0], tape[before - self.band.start()]);
        [2.0 * first[0] - mirrored[0], 2.0 * first[1] - mirrored[1]]
    }

    /// Decides how to cross the seam: does it bend the wave more than the sound beside it does itself?
    fn listen(&self, tape: &[StereoFrame]) -> Seam {
        let (start, end) = (self.band.start(), self.band.end());
        let (before, after) = (&tape[end - SEAM_LOOK_FRAMES..end], &tape[start..start + SEAM_LOOK_FRAMES]);
        let own = [before, after].into_iter().flat_map(|side| side.windows(3)).map(bend).fold([0.0; 2], louder);
        let [last, first] = [&before[SEAM_LOOK_FRAMES - 2..], &after[..2]];
        let seam = louder(bend(&[last[0], last[1], first[0]]), bend(&[last[1], first[0], first[1]]));
        if (0..2).all(|channel| seam[channel] <= SEAM_BEND_MOST * own[channel]) {
            return Seam::Seamless;
        }
        let going = &tape[end - JUMP_FADE_FRAMES..end];
        let coming = (1..=JUMP_FADE_FRAMES).rev().map(|before| self.run_up(tape, before));
        Seam::Fading(correlation_of(going.iter().copied().zip(coming)))
    }
}

/// How much the wave bends at the middle one of three samples: its second difference.
fn bend(three: &[StereoFrame]) -> [f32; 2] {
    [0, 1].map(|channel| (three[0][channel] - 2.0 * three[1][channel] + three[2][channel]).abs())
}

fn louder(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0].max(b[0]), a[1].max(b[1])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latent::SAMPLES_PER_LATENT_FRAME as FRAME;

    fn sine(frames: usize, period: f32) -> Vec<StereoFrame> {
        (0..frames).map(|i| [(i as f32 / period * std::f32::consts::TAU).sin() * 0.5; 2]).collect()
    }

    /// The largest second difference: what a click is made of.
    fn roughest(sound: &[StereoFrame]) -> f32 {
        sound.windows(3).map(|w| (w[0][0] - 2.0 * w[1][0] + w[2][0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_clean_loop_is_read_round_and_round_without_a_change() {
        let tape = sine(4 * FRAME, 96.0);
        let mut head = Head::new(LoopBand::whole(tape.len()));
        let mut out = vec![[0.0; 2]; 2 * tape.len()];
        out.chunks_mut(100).for_each(|period| head.read(&tape, period));
        assert!(out == [tape.clone(), tape].concat());
        assert_eq!(head.laps(), 2);
    }

    #[test]
    fn a_seam_that_steps_is_crossed_without_a_click() {
        let tape = sine(4 * FRAME, 101.7);
        let raw: Vec<_> = tape.iter().chain(&tape).copied().collect();
        let mut out = vec![[0.0; 2]; 2 * tape.len()];
        Head::new(LoopBand::whole(tape.len())).read(&tape, &mut out);
        assert!(roughest(&raw) > 0.05, "the seam does step: {}", roughest(&raw));
        assert!(roughest(&out) < 2.5 * roughest(&tape), "{} after {}", roughest(&out), roughest(&tape));
    }

    #[test]
    fn the_first_beat_of_a_loop_is_heard_whole() {
        let mut tape = sine(4 * FRAME, 101.7);
        tape[1000..1100].fill([0.9; 2]);
        let band = LoopBand::new(1000, 1000 + FRAME, tape.len()).unwrap();
        let mut out = vec![[0.0; 2]; 2 * FRAME];
        Head::new(band).read(&tape, &mut out);
        assert!(out[FRAME..FRAME + 480] == tape[1000..1480]);
    }

    #[test]
    fn a_jump_is_heard_without_a_click_and_arrives_in_ten_milliseconds() {
        let tape = sine(8 * FRAME, 101.7);
        let band = LoopBand::whole(tape.len());
        let mut head = Head::new(band);
        let mut out = vec![[0.0; 2]; 2000];
        head.read(&tape, &mut out[..500]);
        head.jump(&tape, &tape, 9_031, band);
        head.read(&tape, &mut out[500..]);
        assert!(roughest(&out) < 2.5 * roughest(&tape), "{}", roughest(&out));
        assert!(out[980..] == tape[9_511..9_511 + 1020]);
    }

    #[test]
    fn jumps_on_top_of_each_other_are_heard_without_a_click() {
        let tape = sine(8 * FRAME, 101.7);
        let band = LoopBand::whole(tape.len());
        let mut head = Head::new(band);
        let mut out = vec![[0.0; 2]; 3000];
        for (i, period) in out.chunks_mut(100).enumerate() {
            if i % 2 == 1 && i < 20 {
                head.jump(&tape, &tape, i * 733, band);
            }
            head.read(&tape, period);
        }
        assert!(roughest(&out) < 3.5 * roughest(&tape), "{} after {}", roughest(&out), roughest(&tape));
    }
}
