//! The tape as it stands, kept outside of the process that plays it, so that a player that died is started again with it.
//!
//! The player's own tape is its own memory, which nobody else can touch. What it writes there it writes to a slot of the arena
//! too, slice by slice. A slice is noted whole before, and the note is struck out after: who finds a note writes the slice once
//! more, so that of a slice there is all or nothing. (To note what was there instead, and take it back, would be a third copy on the
//! audio thread.) A window of which only some slices were written ends
//! in a step against the old sound; the place is noted too, and the step is drawn out over [`HEAL_FRAMES`].
//!
//! Which slot, tape and band it is stands in two records that are written in turn. Nothing here is believed by a player that
//! runs; one that starts checks all of it, and begins with silence where it finds nothing that makes sense.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::arena::Arena;
use super::layout::{
    EDGE, NOTE_FRAMES, NOTE_FRAMES_MOST, NOTE_PLACE, NOTE_VALID, RECORD_WORDS, STANDING, STANDING_CHOICE,
};
use super::record::{adds_up, seal};
use super::ring::Words as _;
use crate::latent::StereoFrame;

/// Over how many frames a step at the edge of an unfinished window is drawn out: 10 ms, as over a jump.
const HEAL_FRAMES: usize = 480;
/// In the note's length: a whole window is written with the slice, and leaves no edge.
const ENDS: u64 = 1 << 63;
const STANDING_NAME: u64 = 0x5354_4e44;
/// What is copied at a time.
const CHUNK: usize = 1024;

/// Which tape plays, and what of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The slot that it lies in.
    pub slot: u32,
    /// Its name.
    pub tape: u32,
    /// Its length, in stereo samples.
    pub frames: u64,
    /// The band that loops.
    pub band: [u64; 2],
    /// The sum of its sound as it came.
    pub sum: u64,
    /// The sum of the recording that it began as, by which an engine knows it again: another one where the tape came back from a disk.
    /// A player before this one leaves 0 here, and means `sum`.
    pub recording: u64,
}

impl Standing {
    /// What the arena says plays; nothing when it says nothing that adds up. The numbers are as they were found.
    #[must_use]
    pub fn read(arena: &Arena) -> Option<Self> {
        let place = STANDING[(arena.load(STANDING_CHOICE, Acquire) & 1) as usize];
        let record: [u64; RECORD_WORDS] = std::array::from_fn(|i| arena.load(place + i, Relaxed));
        let [there, slot, tape, frames, start, end, sum, recording, ..] = record;
        let recording = if recording == 0 { sum } else { recording };
        let standing = Self { slot: slot as u32, tape: tape as u32, frames, band: [start, end], sum, recording };
        (adds_up(STANDING_NAME, &record) && there == 1).then_some(standing)
    }

    /// Says so. Who reads meanwhile finds the one before or this one.
    pub(crate) fn write(&self, arena: &Arena) {
        let choice = arena.load(STANDING_CHOICE, Relaxed).wrapping_add(1);
        let Self { slot, tape, frames, band: [start, end], sum, recording } = *self;
        let record = seal(STANDING_NAME, &[1, slot.into(), tape.into(), frames, start, end, sum, recording]);
        for (i, word) in record.iter().enumerate() {
            arena.store(STANDING[(choice & 1) as usize] + i, *word, Relaxed);
        }
        arena.store(STANDING_CHOICE, choice, Release);
    }

    /// The sound of it, mended; nothing when the numbers are not those of a tape in this arena.
    pub(crate) fn sound(&self, arena: &Arena) -> Option<Vec<StereoFrame>> {
        let (begin, room) = arena.slot(self.slot as usize)?;
        let frames = usize::try_from(self.frames).ok().filter(|it| (1..=room).contains(it))?;
        Keeper::of(arena, self).write_to_end();
        let mut sound = vec![[0.0; 2]; frames];
        arena.read_sound(begin, &mut sound);
        if let Some(edge) = usize::try_from(arena.load(EDGE, Acquire)).ok().and_then(|it| it.checked_sub(1)) {
            heal(&mut sound, edge % frames);
            // Mended in both, so that it is mended once.
            arena.write_sound(begin, &sound);
            arena.store(EDGE, 0, Release);
        }
        Some(sound)
    }
}

/// Draws the step before `edge` out over the frames behind it.
pub(super) fn heal(sound: &mut [StereoFrame], edge: usize) {
    let frames = sound.len();
    let (before, after) = (sound[(edge + frames - 1) % frames], sound[edge]);
    let step = [before[0] - after[0], before[1] - after[1]];
    for i in 0..HEAL_FRAMES.min(frames) {
        let left = 1.0 - i as f32 / HEAL_FRAMES as f32;
        let frame = &mut sound[(edge + i) % frames];
        *frame = [frame[0] + step[0] * left, frame[1] + step[1] * left];
    }
}

/// Keeps the standing tape as the player's own.
#[derive(Debug)]
pub struct Keeper {
    arena: Arena,
    begin: usize,
    frames: usize,
}

impl Keeper {
    /// Of this tape, whose numbers were checked; of one that is not in the arena it keeps nothing.
    #[must_use]
    pub fn of(arena: &Arena, standing: &Standing) -> Self {
        let (begin, room) = arena.slot(standing.slot as usize).unwrap_or((0, 0));
        let frames = usize::try_from(standing.frames).unwrap_or(0).min(room);
        Self { arena: arena.clone(), begin, frames }
    }

    /// Keeps the `frames` places of `tape` from `place` on, around its end. `ends` says whether a whole window is written with
    /// them; else the edge stays to be mended.
    pub(crate) fn keep(&self, tape: &[StereoFrame], place: usize, frames: usize, ends: bool) {
        if tape.len() != self.frames || self.frames == 0 {
            return;
        }
        let frames = frames.min(NOTE_FRAMES_MOST).min(self.frames);
        let place = place % self.frames;
        let note = self.arena.layout().note();
        self.walk(place, frames, |keeper, from, done, run| {
            keeper.arena.write_sound(note + done, &tape[from..from + run]);
        });
        self.arena.store(NOTE_PLACE, place as u64, Relaxed);
        self.arena.store(NOTE_FRAMES, frames as u64 | if ends { ENDS } else { 0 }, Relaxed);
        self.arena.store(NOTE_VALID, self.begin as u64, Release);
        // Nothing of the slice may be seen before its note.
        std::sync::atomic::fence(Release);
        self.walk(place, frames, |keeper, from, _, run| {
            keeper.arena.write_sound(keeper.begin + from, &tape[from..from + run]);
        });
        self.end(place, frames, ends);
    }

    /// A slice is written: where a whole window is, nothing is to be mended.
    fn end(&self, place: usize, frames: usize, ends: bool) {
        let edge = if ends { 0 } else { (place + frames) % self.frames + 1 };
        self.arena.store(EDGE, edge as u64, Release);
        self.arena.store(NOTE_VALID, 0, Release);
    }

    /// Writes a slice to its end that was noted and perhaps not written whole.
    fn write_to_end(&self) {
        let (place, noted) = (self.arena.load(NOTE_PLACE, Acquire), self.arena.load(NOTE_FRAMES, Acquire));
        let valid = self.arena.load(NOTE_VALID, Acquire);
        let place = usize::try_from(place).ok().filter(|it| *it < self.frames);
        let frames = usize::try_from(noted & !ENDS).ok().filter(|it| *it <= NOTE_FRAMES_MOST.min(self.frames));
        let (Some(place), Some(frames)) = (place.filter(|_| valid == self.begin as u64 && self.begin != 0), frames)
        else {
            return self.arena.store(NOTE_VALID, 0, Release);
        };
        let (note, mut room) = (self.arena.layout().note(), [[0.0; 2]; CHUNK]);
        self.walk(place, frames, |keeper, from, done, run| {
            keeper.arena.read_sound(note + done, &mut room[..run]);
            keeper.arena.write_sound(keeper.begin + from, &room[..run]);
        });
        self.end(place, frames, noted & ENDS != 0);
    }

    /// Goes over places in runs that lie in one piece: the place each begins at, how many were done before, and its length.
    fn walk(&self, place: usize, frames: usize, mut each: impl FnMut(&Self, usize, usize, usize)) {
        let mut done = 0;
        while done < frames {
            let from = (place + done) % self.frames;
            let run = (frames - done).min(CHUNK).min(self.frames - from);
            each(self, from, done, run);
            done += run;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Sizes;
    use super::*;

    const FRAMES: usize = 3_000;

    fn arena() -> Arena {
        let sizes = Sizes { boxes: 1, window_frames: 64, tape_frames: FRAMES + 100 };
        Arena::on_heap(sizes)
    }

    fn standing() -> Standing {
        Standing { slot: 1, tape: 5, frames: FRAMES as u64, band: [0, FRAMES as u64], sum: 77, recording: 78 }
    }

    /// A standing tape of .25, and an own one of which a slice around the end is .5.
    fn begun(arena: &Arena) -> Vec<StereoFrame> {
        standing().write(arena);
        let (begin, _) = arena.slot(1).expect("a slot");
        arena.write_sound(begin, &[[0.25; 2]; FRAMES]);
        let mut own = vec![[0.25; 2]; FRAMES];
        own[2_000..].fill([0.5; 2]);
        own[..200].fill([0.5; 2]);
        own
    }

    #[test]
    fn a_writer_that_dies_after_any_store_leaves_all_of_a_slice_or_nothing_of_it() {
        for ends in [true, false] {
            let mut whole = begun(&arena());
            if !ends {
                // A slice of a window that goes on ends in a step, which is drawn out.
                heal(&mut whole, 200);
            }
            let mut seen = [0, 0];
            for stores in 0.. {
                let arena = arena();
                let own = begun(&arena);
                let dying = arena.dying_after(stores);
                Keeper::of(&dying, &standing()).keep(&own, 2_000, 1_200, ends);
                let sound = Standing::read(&arena).expect("it stands").sound(&arena).expect("a tape");
                let is_whole = sound == whole;
                assert!(is_whole || sound == [[0.25; 2]; FRAMES], "after {stores} stores");
                seen[usize::from(is_whole)] += 1;
                if !dying.is_dead() {
                    break;
                }
            }
            // Before the note is whole, and while the slice is written.
            assert!(1_200 < seen[0] && 1_200 < seen[1], "{seen:?}");
        }
    }

    #[test]
    fn the_edge_of_a_window_that_is_not_whole_is_mended_once() {
        let arena = arena();
        let mut own = begun(&arena);
        own[..200].fill([0.25; 2]);
        Keeper::of(&arena, &standing()).keep(&own[..], 2_000, 1_000, false);
        let mended = standing().sound(&arena).expect("a tape");
        let steepest = (0..FRAMES).map(|at| (mended[at][0] - mended[(at + 1) % FRAMES][0]).abs());
        // Where the window begins there is a step in this test; the edge at its end is drawn out.
        let steps: Vec<usize> = steepest.enumerate().filter(|it| 0.001 < it.1).map(|it| it.0).collect();
        assert_eq!(steps, [1_999]);
        assert_eq!(standing().sound(&arena).expect("a tape"), mended);
    }

    #[test]
    fn what_stands_is_the_old_or_the_new_whenever_the_writer_dies() {
        let (old, new) = (standing(), Standing { tape: 6, slot: 0, ..standing() });
        for stores in 0..=17 {
            let arena = arena();
            old.write(&arena);
            new.write(&arena.dying_after(stores));
            assert_eq!(Standing::read(&arena), Some(if stores < 17 { old } else { new }), "after {stores} stores");
        }
    }

    #[test]
    fn numbers_that_are_not_those_of_a_tape_stand_for_nothing() {
        let arena = arena();
        assert_eq!(Standing::read(&arena), None, "new memory");
        for (slot, frames) in [(2, 1), (0, 0), (0, FRAMES as u64 + 101), (u32::MAX, 1), (0, u64::MAX)] {
            assert!(Standing { slot, frames, ..standing() }.sound(&arena).is_none());
        }
        // A note that points outside is struck out and nothing else.
        arena.store(NOTE_PLACE, u64::MAX, Relaxed);
        arena.store(NOTE_FRAMES, u64::MAX, Relaxed);
        arena.store(NOTE_VALID, arena.slot(1).expect("a slot").0 as u64, Relaxed);
        assert_eq!(standing().sound(&arena).map(|it| it.len()), Some(FRAMES));
        assert_eq!(arena.load(NOTE_VALID, Relaxed), 0);
    }
}
