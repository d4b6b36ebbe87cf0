//! The playing head: reads the band of the tape round and round, and jumps without a click.
//!
//! **Seam.** In the last 10 ms of the band the head fades into the run-up to the band's start, so that the first beat of
//! the loop is heard whole and the loop keeps its exact length. Where there is no run-up (the band starts where the tape
//! does) the start is mirrored through its first sample instead, which meets it without a step or a bend. A seam that bends no more
//! than the sound beside it does is left alone: a clean loop stays clean.
//!
//! **Jump** (seek, other band, other tape). What would have been played next is copied aside and faded out over the new
//! place: 10 ms, or 100 ms to another tape; longer fades to another tape read the one before as they go ([`super::parting`]). The copy makes jumps during a jump, at a seam or to another tape all the same
//! case. And where a window is written under the head, the head stays and the sound jumps: that is the same case too.
//!
//! Fades are measured first (see `crossfade`). Bounded work a call, no allocation after `new`.

use super::crossfade::{Crossfade, correlation, correlation_of};
use super::heard::Heard;
use super::parting::Parting;
use super::tape::{LoopBand, Span, Tape};
use super::transition::Transition;
use crate::latent::StereoFrame;

/// Length of the fade at the loop seam and after a jump, in stereo samples: 10 ms, short enough that a beat keeps its
/// attack, long enough that the side bands of the fade stay under 200 Hz.
pub const JUMP_FADE_FRAMES: usize = 480;

/// Length of the fade from one tape to another, in stereo samples: 100 ms, a change of scene and not a cut.
pub const SWAP_FADE_FRAMES: usize = 4800;

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
pub(super) struct Cursor {
    position: usize,
    band: LoopBand,
    seam: Seam,
    laps: u64,
}

/// The head of the player.
#[derive(Debug)]
pub(super) struct Head {
    cursor: Cursor,
    fade: Crossfade,
    swap_fade: Crossfade,
    heard: Heard,
    /// Sound from before the last jump that is still fading out.
    leaving: Box<[StereoFrame]>,
    spare: Box<[StereoFrame]>,
    /// Length of that fade, and what is left of it.
    length: usize,
    left: usize,
    correlation: f32,
    /// A tape from before that is heard for longer than was copied aside.
    parting: Parting,
}

impl Head {
    /// A head at the start of `band`.
    pub(super) fn new(band: LoopBand) -> Self {
        Self {
            cursor: Cursor { position: band.start(), band, seam: Seam::Away, laps: 0 },
            fade: Crossfade::new(JUMP_FADE_FRAMES),
            swap_fade: Crossfade::new(SWAP_FADE_FRAMES),
            heard: Heard::new(),
            leaving: vec![[0.0; 2]; SWAP_FADE_FRAMES].into(),
            spare: vec![[0.0; 2]; SWAP_FADE_FRAMES].into(),
            length: JUMP_FADE_FRAMES,
            left: 0,
            correlation: 0.0,
            parting: Parting::new(),
        }
    }

    /// A head at `position`, brought into `band` by whole turns.
    pub(super) fn starting_at(band: LoopBand, position: usize) -> Self {
        let mut head = Self::new(band);
        head.cursor.position = band.wrap(position);
        head
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
    fn at_seam(&self) -> bool {
        self.cursor.band.end() - self.cursor.position <= JUMP_FADE_FRAMES
    }

    /// The places that may be read while `step` stereo samples are played, and by a look ahead from any of them: straight on,
    /// and around the band's start, its run-up included.
    pub(super) fn soon(&self, step: usize) -> [Span; 2] {
        let (position, band, far) = (self.cursor.position, self.cursor.band, step + JUMP_FADE_FRAMES);
        let on = Span { begin: position, frames: far.min(band.end() - position) };
        let turns = band.end() - position < JUMP_FADE_FRAMES + far;
        let begin = band.start().saturating_sub(JUMP_FADE_FRAMES);
        // At least as far as the run-up is mirrored, where there is none.
        let around = (band.start() + far.max(JUMP_FADE_FRAMES + 1) - begin) * usize::from(turns);
        [on, Span { begin, frames: around }]
    }

    /// Whether the sound that is heard now is made of something in `span`: then it may not change without a fade.
    pub(super) fn hears(&self, span: Span, tape_frames: usize) -> bool {
        let meets = |it: &Span| span.meets(*it, tape_frames);
        let now = Span { begin: self.cursor.position, frames: 1 };
        meets(&now) || (self.at_seam() && self.soon(0).iter().any(meets))
    }

    /// Plays the next `out.len()` stereo samples of `tape`; answers a tape from before of which nothing is heard any more.
    pub(super) fn read(&mut self, tape: &mut Tape, out: &mut [StereoFrame]) -> Option<Tape> {
        self.heard.play(tape, self.cursor.band, self.cursor.position, out.len());
        self.cursor.read(tape.frames(), &self.fade, out);
        self.mix_leaving(out);
        self.parting.mix(&self.swap_fade, &self.fade, out)
    }

    /// Whether a tape from before is still heard: then it cannot go to another one.
    pub(super) fn parts(&self) -> bool {
        self.parting.goes()
    }

    /// Goes to `position` and `band` of the tape that it is on, over a fade of `fade_frames`, at most [`JUMP_FADE_FRAMES`].
    pub(super) fn jump(&mut self, tape: &mut Tape, position: usize, band: LoopBand, fade_frames: usize) {
        self.hold(tape, fade_frames);
        self.arrive(tape.frames(), position, band);
    }

    /// Goes to another tape, `to`; answers the one before where nothing more is read of it.
    pub(super) fn change(&mut self, mut from: Tape, to: &Tape, how: &Transition) -> Option<Tape> {
        if how.fade_frames <= SWAP_FADE_FRAMES {
            self.hold(&mut from, how.fade_frames);
            self.arrive(to.frames(), how.position, how.band);
            return Some(from);
        }
        self.heard.end(&mut from, self.cursor.position);
        let mut before = self.cursor;
        let mut sound = std::mem::take(&mut self.spare);
        before.read(from.frames(), &self.fade, &mut sound);
        self.mix_leaving(&mut sound);
        self.parting.piece_mut().copy_from_slice(&sound);
        self.left = 0;
        let laps = self.cursor.laps;
        let position = how.band.wrap(how.position);
        self.cursor = Cursor { position, band: how.band, seam: Seam::Away, laps };
        let mut ahead = self.cursor;
        ahead.read(to.frames(), &self.fade, &mut sound);
        self.parting.begin(from, before, how.fade_frames, &sound);
        self.spare = sound;
        None
    }

    fn arrive(&mut self, tape: &[StereoFrame], position: usize, band: LoopBand) {
        let laps = self.cursor.laps;
        self.cursor = Cursor { position: band.wrap(position), band, seam: Seam::Away, laps };
        self.meet(tape);
    }

    /// Copies aside what `tape` would sound like for the next `fade_frames`, before something changes under the head.
    pub(super) fn hold(&mut self, tape: &mut Tape, fade_frames: usize) {
        self.heard.end(tape, self.cursor.position);
        let mut spare = std::mem::take(&mut self.spare);
        let mut before = self.cursor;
        before.read(tape.frames(), &self.fade, &mut spare[..fade_frames]);
        self.mix_leaving(&mut spare[..fade_frames]);
        self.spare = std::mem::replace(&mut self.leaving, spare);
        self.length = fade_frames;
    }

    /// Fades from what was held to what `tape` sounds like now.
    pub(super) fn meet(&mut self, tape: &[StereoFrame]) {
        // What was heard at the seam may be gone: it is listened to again.
        self.cursor.seam = Seam::Away;
        let mut ahead = self.cursor;
        ahead.read(tape, &self.fade, &mut self.spare[..self.length]);
        self.correlation = correlation(&self.leaving[..self.length], &self.spare[..self.length]);
        self.left = self.length;
    }

    /// Fades what was left behind by the last jump out over `out`.
    fn mix_leaving(&mut self, out: &mut [StereoFrame]) {
        let at = self.length - self.left;
        let fade = if self.length == JUMP_FADE_FRAMES { &self.fade } else { &self.swap_fade };
        for (i, (frame, old)) in out.iter_mut().zip(&self.leaving[at..self.length]).enumerate() {
            *frame = fade.gains(at + i, self.length, self.correlation).mix(*old, *frame);
        }
        self.left -= self.left.min(out.len());
    }
}

impl Cursor {
    pub(super) fn read(&mut self, tape: &[StereoFrame], fade: &Crossfade, mut out: &mut [StereoFrame]) {
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
        let own = [before, after].into_iter().flat_map(|side| side.windows(5)).map(bend).fold([0.0; 2], louder);
        let [last, first] = [&before[SEAM_LOOK_FRAMES - 4..], &after[..4]];
        let across: [StereoFrame; 8] = std::array::from_fn(|i| if i < 4 { last[i] } else { first[i - 4] });
        let seam = across.windows(5).map(bend).fold([0.0; 2], louder);
        if (0..2).all(|channel| seam[channel] <= SEAM_BEND_MOST * own[channel]) {
            return Seam::Seamless;
        }
        let going = &tape[end - JUMP_FADE_FRAMES..end];
        let coming = (1..=JUMP_FADE_FRAMES).rev().map(|before| self.run_up(tape, before));
        Seam::Fading(correlation_of(going.iter().copied().zip(coming)))
    }
}

/// How much the wave bends around the middle one of five samples: its fourth difference. In music below 4 kHz a step
/// stands out of it by forty times, and by less than four of the second.
fn bend(five: &[StereoFrame]) -> [f32; 2] {
    [0, 1].map(|channel| {
        let [a, b, c, d, e] = std::array::from_fn(|i| five[i][channel]);
        (a - 4.0 * b + 6.0 * c - 4.0 * d + e).abs()
    })
}

fn louder(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0].max(b[0]), a[1].max(b[1])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latent::SAMPLES_PER_LATENT_FRAME as FRAME;

    fn tape_of(sound: &[StereoFrame]) -> Tape {
        Tape::new(sound).unwrap()
    }

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
        let mut loaded = tape_of(&tape);
        out.chunks_mut(100).for_each(|period| assert!(head.read(&mut loaded, period).is_none()));
        assert!(out == [tape.clone(), tape].concat());
        assert_eq!(head.laps(), 2);
    }

    #[test]
    fn a_seam_that_steps_is_crossed_without_a_click() {
        let tape = sine(4 * FRAME, 101.7);
        let raw: Vec<_> = tape.iter().chain(&tape).copied().collect();
        let mut out = vec![[0.0; 2]; 2 * tape.len()];
        Head::new(LoopBand::whole(tape.len())).read(&mut tape_of(&tape), &mut out);
        assert!(roughest(&raw) > 0.05, "the seam does step: {}", roughest(&raw));
        assert!(roughest(&out) < 2.5 * roughest(&tape), "{} after {}", roughest(&out), roughest(&tape));
    }

    #[test]
    fn what_is_read_soon_is_the_way_on_and_near_the_seam_the_way_around_too() {
        let tape = sine(8 * FRAME, 101.7);
        let band = LoopBand::new(1_500, 1_500 + 2 * FRAME, tape.len()).unwrap();
        let (mut head, mut loaded) = (Head::new(band), tape_of(&tape));
        let span = |begin, frames| Span { begin, frames };
        let near = 2 * FRAME - JUMP_FADE_FRAMES;
        assert_eq!(head.soon(256), [span(1_500, 256 + 480), span(1_020, 0)]);
        // A fade before the end of what is read, the seam begins.
        head.jump(&mut loaded, band.end() - 480 - 256 - 480, band, JUMP_FADE_FRAMES);
        assert_eq!(head.soon(256), [span(band.end() - 1_216, 736), span(1_020, 0)]);
        head.jump(&mut loaded, band.end() - 480 - 256 - 479, band, JUMP_FADE_FRAMES);
        assert_eq!(head.soon(256), [span(band.end() - 1_215, 736), span(1_020, 480 + 736)]);
        head.jump(&mut loaded, 1_500 + near, band, JUMP_FADE_FRAMES);
        assert_eq!(head.soon(0), [span(1_500 + near, 480), span(1_020, 480 + 481)]);
        let whole = LoopBand::whole(tape.len());
        head.jump(&mut loaded, tape.len() - 100, whole, JUMP_FADE_FRAMES);
        assert_eq!(head.soon(256), [span(tape.len() - 100, 100), span(0, 736)]);
    }

    #[test]
    fn away_from_the_seam_only_the_sample_under_the_head_is_heard_and_at_the_seam_both_places_are() {
        let tape = sine(8 * FRAME, 101.7);
        let band = LoopBand::new(1_500, 1_500 + 2 * FRAME, tape.len()).unwrap();
        let (mut head, mut loaded) = (Head::new(band), tape_of(&tape));
        let hears = |head: &Head, begin, frames| head.hears(Span { begin, frames }, tape.len());
        assert!(hears(&head, 1_400, 101) && !hears(&head, 1_400, 100));
        assert!(!hears(&head, 1_501, 900), "what comes is not heard yet");
        head.jump(&mut loaded, band.end() - 481, band, JUMP_FADE_FRAMES);
        assert!(!hears(&head, 1_200, 10) && !hears(&head, band.end() - 400, 10));
        head.jump(&mut loaded, band.end() - 480, band, JUMP_FADE_FRAMES);
        assert!(hears(&head, 1_200, 10) && hears(&head, band.end() - 400, 10) && !hears(&head, 4 * FRAME, FRAME));
    }

    #[test]
    fn another_tape_comes_in_without_steps_over_all_of_its_fade() {
        let [old, new] = [0.5, 0.25].map(|level| vec![[level; 2]; 4 * FRAME]);
        let band = LoopBand::whole(old.len());
        let (mut head, before, mut after) = (Head::new(band), tape_of(&old), tape_of(&new));
        let spent = head.change(before, &after, &Transition::at_once(700, new.len()));
        assert!(spent.is_some(), "nothing more is read of it");
        let mut out = vec![[0.0; 2]; SWAP_FADE_FRAMES + 1];
        head.read(&mut after, &mut out);
        let steepest = out.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.25 * 2.0 / SWAP_FADE_FRAMES as f32, "{steepest}");
        assert_eq!(out[SWAP_FADE_FRAMES], [0.25; 2]);
    }

    #[test]
    fn a_seam_is_judged_by_the_fade_before_it_and_the_run_up_and_by_nothing_else() {
        let mut tape = vec![[0.0; 2]; 4 * FRAME];
        let band = LoopBand::new(2 * FRAME, 4 * FRAME, tape.len()).unwrap();
        let wave = sine(JUMP_FADE_FRAMES, 101.7);
        tape[band.end() - JUMP_FADE_FRAMES..].copy_from_slice(&wave);
        tape[band.start() - JUMP_FADE_FRAMES..band.start()].copy_from_slice(&wave);
        let cursor = Cursor { position: band.start(), band, seam: Seam::Away, laps: 0 };
        let Seam::Fading(twins) = cursor.listen(&tape) else { panic!("it ends in a step") };
        assert!((twins - 1.0).abs() < 1e-5, "{twins}");
        tape[band.start() - JUMP_FADE_FRAMES..band.start()].iter_mut().for_each(|it| *it = it.map(|sample| -sample));
        let Seam::Fading(opposites) = cursor.listen(&tape) else { panic!("it ends in a step") };
        assert!((opposites + 1.0).abs() < 1e-5, "{opposites}");
    }

    #[test]
    fn where_no_tape_is_before_the_band_its_start_is_mirrored_through_the_first_sample_on_each_side() {
        let tape: Vec<StereoFrame> = (0..2 * FRAME).map(|i| [i as f32 + 1.0, -0.5 * i as f32]).collect();
        let cursor = |start: usize| {
            let band = LoopBand::new(start, start + FRAME, tape.len()).unwrap();
            Cursor { position: start, band, seam: Seam::Away, laps: 0 }
        };
        assert_eq!(cursor(100).run_up(&tape, 100), [1.0, 0.0], "there is tape before");
        assert_eq!(cursor(100).run_up(&tape, 103), [-2.0, 1.5], "and here none");
        assert_eq!(cursor(0).run_up(&tape, 2), [-1.0, 1.0]);
    }

    #[test]
    fn the_first_beat_of_a_loop_is_heard_whole() {
        let mut tape = sine(4 * FRAME, 101.7);
        tape[1000..1100].fill([0.9; 2]);
        let band = LoopBand::new(1000, 1000 + FRAME, tape.len()).unwrap();
        let mut out = vec![[0.0; 2]; 2 * FRAME];
        Head::new(band).read(&mut tape_of(&tape), &mut out);
        assert!(out[FRAME..FRAME + 480] == tape[1000..1480]);
    }

    #[test]
    fn a_jump_is_heard_without_a_click_and_arrives_in_ten_milliseconds() {
        let tape = sine(8 * FRAME, 101.7);
        let band = LoopBand::whole(tape.len());
        let mut head = Head::new(band);
        let mut out = vec![[0.0; 2]; 2000];
        let mut loaded = tape_of(&tape);
        head.read(&mut loaded, &mut out[..500]);
        head.jump(&mut loaded, 9_031, band, JUMP_FADE_FRAMES);
        head.read(&mut loaded, &mut out[500..]);
        assert!(roughest(&out) < 2.5 * roughest(&tape), "{}", roughest(&out));
        assert!(out[980..] == tape[9_511..9_511 + 1020]);
    }

    #[test]
    fn jumps_on_top_of_each_other_are_heard_without_a_click() {
        let tape = sine(8 * FRAME, 101.7);
        let band = LoopBand::whole(tape.len());
        let mut head = Head::new(band);
        let mut out = vec![[0.0; 2]; 3000];
        let mut loaded = tape_of(&tape);
        for (i, period) in out.chunks_mut(100).enumerate() {
            if i % 2 == 1 && i < 20 {
                head.jump(&mut loaded, i * 733, band, JUMP_FADE_FRAMES);
            }
            head.read(&mut loaded, period);
        }
        assert!(roughest(&out) < 3.5 * roughest(&tape), "{} after {}", roughest(&out), roughest(&tape));
    }

    #[test]
    fn what_changes_under_the_head_is_heard_over_a_fade() {
        let (old, new) = (sine(4 * FRAME, 101.7), sine(4 * FRAME, 77.3));
        let band = LoopBand::new(1_500, 1_500 + FRAME, old.len()).unwrap();
        // Anywhere in the lap, the seam included, where two places are heard.
        for at in (0..FRAME).step_by(60) {
            let (mut head, mut out) = (Head::new(band), vec![[0.0; 2]; at + 2 * FRAME]);
            let (mut before, mut after) = (tape_of(&old), tape_of(&new));
            head.read(&mut before, &mut out[..at]);
            head.hold(&mut before, JUMP_FADE_FRAMES);
            head.meet(&new);
            head.read(&mut after, &mut out[at..]);
            assert!(roughest(&out) < 3.5 * roughest(&new), "{} after {} at {at}", roughest(&out), roughest(&new));
        }
    }
}
