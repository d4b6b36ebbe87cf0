//! The tape as it stands, copied by somebody else while it is played and written: for a copy that outlives the power.
//!
//! The player is not waited for and does not know. A block is read twice, and counts when both are the same and no slice was being written in
//! between: then that is what stood there at that moment. Blocks are of different moments, and a window may be half on the tape; where that
//! leaves an edge (behind the last slice, or between two blocks of which one has changed meanwhile) the step is drawn out as it is for a
//! player that died. Of a tape at rest the copy is the same to the bit.

use std::sync::atomic::Ordering::{Acquire, SeqCst};
use std::sync::atomic::fence;

use super::arena::Arena;
use super::layout::{EDGE, NOTE_VALID};
use super::ring::Words as _;
use super::standing::{Standing, heal};
use crate::latent::StereoFrame;

/// Frames that are read at a time: 85 ms, some microseconds.
const BLOCK: usize = 4096;
/// Frames by which it is seen that a neighbour has changed: what a step would be heard against.
const NEIGHBOUR: usize = 64;
/// How often a block is tried. A slice takes about as long as ten tries; whoever stays that long in one has died in it.
const TRIES: usize = 10_000;

/// A copy of the tape.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Which tape it is of.
    pub standing: Standing,
    /// Its sound.
    pub sound: Vec<StereoFrame>,
    /// How many edges were drawn out: 0 where nothing was written meanwhile.
    pub mended: usize,
}

/// Why there is no copy now.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoSnapshot {
    /// No tape stands there, or its numbers are not those of one.
    #[error("no tape plays")]
    NoTape,
    /// The player died while it wrote, and has not been started again, or it was given another tape meanwhile.
    #[error("the tape is being written")]
    Busy,
}

/// Reads the tape of an arena, from any process and thread that may wait for memory.
#[derive(Clone, Debug)]
pub struct TapeReader {
    arena: Arena,
}

impl TapeReader {
    /// Of this memory.
    #[must_use]
    pub fn of(arena: &Arena) -> Self {
        Self { arena: arena.clone() }
    }

    /// Copies the tape.
    ///
    /// # Errors
    /// See [`NoSnapshot`].
    pub fn snapshot(&self) -> Result<Snapshot, NoSnapshot> {
        self.snapshot_with(&mut || ())
    }

    /// As [`Self::snapshot`]; `between` is called between the two readings of every try, for what a test does there.
    fn snapshot_with(&self, between: &mut dyn FnMut()) -> Result<Snapshot, NoSnapshot> {
        let standing = Standing::read(&self.arena).ok_or(NoSnapshot::NoTape)?;
        let (begin, room) = self.arena.slot(standing.slot as usize).ok_or(NoSnapshot::NoTape)?;
        let frames = usize::try_from(standing.frames).ok().filter(|it| (1..=room).contains(it));
        let frames = frames.ok_or(NoSnapshot::NoTape)?;
        let (mut sound, mut edges) = (vec![[0.0; 2]; frames], Vec::new());
        for from in (0..frames).step_by(BLOCK) {
            let end = frames.min(from + BLOCK);
            let edge = self.block(begin + from, &mut sound[from..end], between)?;
            edges.extend(edge.filter(|it| (from..end).contains(it)));
            let before = from.saturating_sub(NEIGHBOUR);
            if !self.stands(begin + before, &sound[before..from]) {
                edges.push(from);
            }
        }
        if !self.stands(begin, &sound[..NEIGHBOUR.min(frames)]) {
            edges.push(0);
        }
        // A tape in the place of this one, whose slot is written as it likes.
        let same = |it: Standing| {
            (it.slot, it.tape, it.frames, it.sum) == (standing.slot, standing.tape, standing.frames, standing.sum)
        };
        if !Standing::read(&self.arena).is_some_and(same) {
            return Err(NoSnapshot::Busy);
        }
        edges.sort_unstable();
        edges.dedup();
        edges.iter().for_each(|edge| heal(&mut sound, *edge));
        Ok(Snapshot { standing, sound, mended: edges.len() })
    }

    /// Reads a block as it stood at one moment, and where a window ended then that is not whole.
    fn block(
        &self,
        at: usize,
        out: &mut [StereoFrame],
        between: &mut dyn FnMut(),
    ) -> Result<Option<usize>, NoSnapshot> {
        for _ in 0..TRIES {
            self.arena.read_sound(at, out);
            // Of what was read before, the note was seen; of what is read behind, it was not yet.
            fence(SeqCst);
            let edge = self.arena.load(EDGE, Acquire);
            let writes = self.arena.load(NOTE_VALID, Acquire) != 0;
            between();
            fence(SeqCst);
            if !writes && edge == self.arena.load(EDGE, Acquire) && self.stands(at, out) {
                return Ok(usize::try_from(edge).ok().and_then(|it| it.checked_sub(1)));
            }
            std::hint::spin_loop();
        }
        Err(NoSnapshot::Busy)
    }

    /// Whether `sound` is what stands at word `at` now, to the bit.
    fn stands(&self, at: usize, sound: &[StereoFrame]) -> bool {
        let bits = |it: &StereoFrame| it.map(f32::to_bits);
        let mut now = [[0.0; 2]; 256];
        sound.chunks(now.len()).enumerate().all(|(i, part)| {
            let now = &mut now[..part.len()];
            self.arena.read_sound(at + i * 256, now);
            now.iter().zip(part).all(|(now, before)| bits(now) == bits(before))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Sizes;
    use super::super::standing::Keeper;
    use super::*;

    const FRAMES: usize = 5 * BLOCK + 100;
    /// A step of a sound that is drawn out, or faded as windows are.
    const NO_STEP: f32 = 0.002;

    fn arena() -> Arena {
        let sizes = Sizes { boxes: 1, window_frames: 64, tape_frames: FRAMES };
        let arena = Arena::on_heap(sizes);
        let frames = FRAMES as u64;
        Standing { slot: 1, tape: 5, frames, band: [0, frames], sum: 77, recording: 78 }.write(&arena);
        arena.write_sound(arena.slot(1).expect("a slot").0, &tape(0, 0));
        arena
    }

    /// .25, but for a window of .75 that fades in from `land` on and out again.
    fn tape(land: usize, frames: usize) -> Vec<StereoFrame> {
        let mut sound = vec![[0.25; 2]; FRAMES];
        for at in 0..frames {
            let part = (at.min(frames - 1 - at) as f32 / 480.0).min(1.0);
            sound[(land + at) % FRAMES] = [0.25 + 0.5 * part; 2];
        }
        sound
    }

    fn keeper(arena: &Arena) -> Keeper {
        Keeper::of(arena, &Standing::read(arena).expect("it stands"))
    }

    fn steepest(sound: &[StereoFrame]) -> f32 {
        (0..FRAMES).map(|at| (sound[at][0] - sound[(at + 1) % FRAMES][0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_tape_at_rest_is_copied_to_the_bit_and_memory_without_one_is_none() {
        let arena = arena();
        let mut sound = tape(700, 9_000);
        sound[3] = [-0.0, f32::MIN_POSITIVE / 4.0];
        keeper(&arena).keep(&sound, 0, FRAMES, true);
        let copy = TapeReader::of(&arena).snapshot().expect("a tape");
        assert!(copy.sound.iter().flatten().map(|it| it.to_bits()).eq(sound.iter().flatten().map(|it| it.to_bits())));
        assert_eq!((copy.mended, copy.standing.recording), (0, 78));
        let sizes = arena.sizes();
        let empty = Arena::on_heap(sizes);
        assert_eq!(TapeReader::of(&empty).snapshot(), Err(NoSnapshot::NoTape));
        for (slot, frames) in [(2, 1), (0, 0), (0, FRAMES as u64 + 1)] {
            Standing { slot, frames, ..copy.standing }.write(&arena);
            assert_eq!(TapeReader::of(&arena).snapshot(), Err(NoSnapshot::NoTape));
        }
    }

    #[test]
    fn a_window_that_lands_while_the_tape_is_copied_leaves_no_step() {
        // Whole, or only its first slice; wherever it lands and at whatever block the copy is.
        let mut mended = 0;
        for (land, frames) in [(0, 9_000), (BLOCK - 200, 3_000), (2 * BLOCK, 6_000), (FRAMES - 1_000, 5_000)] {
            for at in 0..14 {
                for written in [frames, 2_500] {
                    let arena = arena();
                    let own = tape(land, frames);
                    let mut calls = 0;
                    let copy = TapeReader::of(&arena).snapshot_with(&mut || {
                        if calls == at {
                            keeper(&arena).keep(&own, land, written, written == frames);
                        }
                        calls += 1;
                    });
                    let copy = copy.expect("a tape");
                    assert!(steepest(&copy.sound) < NO_STEP, "{land}, {frames}, {written} at {at}");
                    mended += copy.mended;
                }
            }
        }
        assert!(20 < mended, "{mended}: it was written in the middle");
    }

    #[test]
    fn a_slice_that_is_being_written_is_no_part_of_a_copy_and_a_writer_that_died_in_one_makes_none() {
        let arena = arena();
        let own = tape(BLOCK + 500, 3_000);
        for stores in [3_100, 4_500, 6_000] {
            let dying = arena.dying_after(stores);
            keeper(&dying).keep(&own, BLOCK + 500, 3_000, true);
            assert!(dying.is_dead());
            assert_eq!(TapeReader::of(&arena).snapshot(), Err(NoSnapshot::Busy), "after {stores} stores");
        }
        // The player that is started again takes it back.
        let sound = Standing::read(&arena).and_then(|it| it.sound(&arena)).expect("a tape");
        let copy = TapeReader::of(&arena).snapshot().expect("a tape");
        assert!(copy.sound == sound && copy.mended == 0);
    }

    #[test]
    fn a_tape_that_comes_in_the_place_of_another_meanwhile_is_not_taken_for_it() {
        let arena = arena();
        let mut calls = 0;
        let copy = TapeReader::of(&arena).snapshot_with(&mut || {
            calls += 1;
            if calls == 3 {
                let standing = Standing::read(&arena).expect("it stands");
                Standing { slot: 0, tape: 6, ..standing }.write(&arena);
            }
        });
        assert_eq!(copy, Err(NoSnapshot::Busy));
    }
}
