//! What was played, sample by sample, and which windows it was made of: for whoever checks, or records, beside the player.
//!
//! The tee holds the last second and more of the sound behind the guard, by the count of frames played; the trace the windows
//! that were taken, with the moment. Nobody is waited for: who reads too late finds that something is missing, and knows it.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::arena::{Arena, Sum};
use super::layout::{TEE_FRAMES, TEE_HEAD, TRACE, TRACE_ENTRIES, TRACE_HEAD, TRACE_WORDS};
use super::ring::Words as _;
use crate::latent::StereoFrame;

/// Writes both.
#[derive(Debug)]
pub struct Trace {
    arena: Arena,
    taken: u64,
}

/// A window that was taken to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Of which engine.
    pub epoch: u64,
    /// Its number there.
    pub number: u64,
    /// The moment, in frames played.
    pub now: u64,
}

/// What a reader finds of the tee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// So many frames, from the count that was asked for.
    Frames(usize),
    /// That is overwritten already: the oldest that is there.
    Missed(u64),
}

impl Trace {
    /// Goes on where the one before it has stopped.
    #[must_use]
    pub fn resume(arena: &Arena) -> Self {
        Self { taken: arena.load(TRACE_HEAD, Acquire), arena: arena.clone() }
    }

    pub(crate) fn take(&mut self, taken: &Taken) {
        let at = TRACE + (self.taken % TRACE_ENTRIES as u64) as usize * TRACE_WORDS;
        let words = [taken.epoch, taken.number, taken.now];
        let sum = Sum::of_words(&words);
        for (i, word) in words.into_iter().chain([sum]).enumerate() {
            self.arena.store(at + i, word, Relaxed);
        }
        self.taken = self.taken.wrapping_add(1);
        self.arena.store(TRACE_HEAD, self.taken, Release);
    }

    /// `out` was played from the moment `played` on.
    pub(crate) fn hear(&mut self, played: u64, out: &[StereoFrame]) {
        let tee = self.arena.layout().tee();
        let mut done = 0;
        while done < out.len() {
            let at = (played.wrapping_add(done as u64) % TEE_FRAMES as u64) as usize;
            let run = (out.len() - done).min(TEE_FRAMES - at);
            self.arena.write_sound(tee + at, &out[done..done + run]);
            done += run;
        }
        self.arena.store(TEE_HEAD, played.wrapping_add(out.len() as u64), Release);
    }
}

/// Reads both, from another process.
#[derive(Debug)]
pub struct TraceReader {
    arena: Arena,
    taken: u64,
}

impl TraceReader {
    /// From now on.
    #[must_use]
    pub fn from_now_on(arena: &Arena) -> Self {
        Self { taken: arena.load(TRACE_HEAD, Acquire), arena: arena.clone() }
    }

    /// The next window that was taken; `Err` with their number when some are overwritten already, or do not add up.
    ///
    /// # Errors
    /// As said.
    pub fn taken(&mut self) -> Result<Option<Taken>, u64> {
        let behind = self.arena.load(TRACE_HEAD, Acquire).wrapping_sub(self.taken);
        if behind == 0 {
            return Ok(None);
        }
        if TRACE_ENTRIES as u64 <= behind {
            self.taken = self.taken.wrapping_add(behind);
            return Err(behind);
        }
        let at = TRACE + (self.taken % TRACE_ENTRIES as u64) as usize * TRACE_WORDS;
        let [epoch, number, now, sum] = std::array::from_fn(|i| self.arena.load(at + i, Relaxed));
        self.taken = self.taken.wrapping_add(1);
        let adds_up = Sum::of_words(&[epoch, number, now]) == sum;
        adds_up.then_some(Some(Taken { epoch, number, now })).ok_or(1)
    }

    /// The count of frames up to which the tee is written.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.arena.load(TEE_HEAD, Acquire)
    }

    /// Copies out what was played from the count `from` on, as much as is there and fits.
    pub fn hear(&self, from: u64, out: &mut [StereoFrame]) -> Heard {
        let frames = usize::try_from(self.head().wrapping_sub(from)).unwrap_or(0).min(out.len());
        let tee = self.arena.layout().tee();
        for (i, frame) in out[..frames].iter_mut().enumerate() {
            let at = (from.wrapping_add(i as u64) % TEE_FRAMES as u64) as usize;
            self.arena.read_sound(tee + at, std::slice::from_mut(frame));
        }
        // A writer that came around meanwhile has written over it; a period that is being written is not in the head yet.
        let oldest = self.head().wrapping_add(4096).saturating_sub(TEE_FRAMES as u64);
        if from < oldest { Heard::Missed(oldest) } else { Heard::Frames(frames) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Sizes;
    use super::super::memory::HeapMemory;
    use super::*;
    use std::sync::Arc;

    fn arena() -> Arena {
        let sizes = Sizes { boxes: 1, window_frames: 64, tape_frames: 64 };
        Arena::create(Arc::new(HeapMemory::zeroed(sizes.words())), sizes).expect("of the right length")
    }

    #[test]
    fn what_was_played_is_read_by_its_count_and_what_is_overwritten_is_known_to_be() {
        let arena = arena();
        let (mut trace, reader) = (Trace::resume(&arena), TraceReader::from_now_on(&arena));
        let sound: Vec<StereoFrame> = (0..TEE_FRAMES + 9_000).map(|i| [i as f32, -1.0]).collect();
        let mut played = 0;
        for period in sound.chunks(1_000) {
            trace.hear(played, period);
            played += period.len() as u64;
        }
        let mut out = [[0.0; 2]; 500];
        assert_eq!(reader.hear(TEE_FRAMES as u64, &mut out), Heard::Frames(500));
        assert_eq!(out[..], sound[TEE_FRAMES..TEE_FRAMES + 500]);
        assert_eq!(reader.hear(played - 20, &mut out), Heard::Frames(20));
        assert_eq!(reader.hear(100, &mut out), Heard::Missed(9_000 + 4_096));
    }

    #[test]
    fn windows_that_were_taken_are_told_in_their_order_and_missed_ones_are_counted() {
        let arena = arena();
        let (mut trace, mut reader) = (Trace::resume(&arena), TraceReader::from_now_on(&arena));
        let taken = |number| Taken { epoch: 2, number, now: number * 100 };
        (1..4).for_each(|number| trace.take(&taken(number)));
        assert_eq!([(); 4].map(|()| reader.taken()), [Ok(Some(taken(1))), Ok(Some(taken(2))), Ok(Some(taken(3))), Ok(None)]);
        (0..2_000).for_each(|number| trace.take(&taken(number)));
        assert_eq!((reader.taken(), reader.taken()), (Err(2_000), Ok(None)));
    }
}
