//! What was played, sample by sample, and which windows it was made of: for whoever checks, or records, beside the player.
//!
//! The tee holds the last second and more of the sound behind the guard, by the count of frames played; the trace the windows
//! that were taken and the orders that were obeyed, with the moment. Nobody is waited for: who reads too late finds that something is missing, and knows it.

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

/// What a player obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A window, by its engine and its number there, was taken to be written.
    Window {
        /// Of which engine.
        epoch: u64,
        /// Its number there.
        number: u64,
    },
    /// Went to a place.
    Seek(u64),
    /// Another part loops, from the first of these to before the second.
    Band(u64, u64),
    /// Another tape plays: its sum, where it began, and how long the one before is heard under it.
    Swap {
        /// See [`super::Standing`].
        sum: u64,
        /// Stereo sample, below 2^32.
        position: u64,
        /// In stereo samples, below 2^32.
        fade: u64,
    },
    /// The level is another: the linear gain, as the bits of an `f32`.
    Gain(u32),
}

/// The same, with its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// In frames played.
    pub now: u64,
    /// What.
    pub event: Event,
}

impl Taken {
    fn words(&self) -> [u64; 4] {
        let (kind, a, b) = match self.event {
            Event::Window { epoch, number } => (1, epoch, number),
            Event::Seek(position) => (2, position, 0),
            Event::Band(start, end) => (3, start, end),
            Event::Swap { sum, position, fade } => (4, sum, position & u64::from(u32::MAX) | fade << 32),
            Event::Gain(bits) => (5, bits.into(), 0),
        };
        [kind, self.now, a, b]
    }

    fn read([kind, now, a, b]: [u64; 4]) -> Option<Self> {
        let event = match kind {
            1 => Event::Window { epoch: a, number: b },
            2 => Event::Seek(a),
            3 => Event::Band(a, b),
            4 => Event::Swap { sum: a, position: b & u64::from(u32::MAX), fade: b >> 32 },
            5 => Event::Gain(a as u32),
            _ => return None,
        };
        Some(Self { now, event })
    }
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
    /// Goes on where the one before it has stopped, from the count `played` on.
    #[must_use]
    pub fn resume(arena: &Arena, played: u64) -> Self {
        // The one before may have died between a period and its count: that period is played again.
        arena.store(TEE_HEAD, played, Release);
        Self { taken: arena.load(TRACE_HEAD, Acquire), arena: arena.clone() }
    }

    pub(crate) fn take(&mut self, taken: &Taken) {
        let at = TRACE + (self.taken % TRACE_ENTRIES as u64) as usize * TRACE_WORDS;
        let words = taken.words();
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

    /// The next thing that was obeyed; `Err` with their number when some are overwritten already, or do not add up.
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
        let words = std::array::from_fn(|i| self.arena.load(at + i, Relaxed));
        let adds_up = Sum::of_words(&words) == self.arena.load(at + words.len(), Relaxed);
        self.taken = self.taken.wrapping_add(1);
        adds_up.then(|| Taken::read(words)).flatten().map(Some).ok_or(1)
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
    use super::*;

    fn arena() -> Arena {
        let sizes = Sizes { boxes: 1, window_frames: 64, tape_frames: 64 };
        Arena::on_heap(sizes)
    }

    #[test]
    fn what_was_played_is_read_by_its_count_and_what_is_overwritten_is_known_to_be() {
        let arena = arena();
        let (mut trace, reader) = (Trace::resume(&arena, 0), TraceReader::from_now_on(&arena));
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
    fn what_was_obeyed_is_told_in_its_order_and_what_was_missed_is_counted() {
        let arena = arena();
        let (mut trace, mut reader) = (Trace::resume(&arena, 0), TraceReader::from_now_on(&arena));
        let swap = Event::Swap { sum: u64::MAX, position: 9, fade: 4_800 };
        let events = [Event::Window { epoch: 2, number: 3 }, Event::Seek(7), Event::Band(1, 2), swap, Event::Gain(5)];
        let all = events.map(|event| Taken { now: 100, event });
        all.iter().for_each(|it| trace.take(it));
        assert_eq!([(); 5].map(|()| reader.taken()), all.map(|it| Ok(Some(it))));
        assert_eq!(reader.taken(), Ok(None));
        (0..2_000).for_each(|_| trace.take(&all[0]));
        assert_eq!((reader.taken(), reader.taken()), (Err(2_000), Ok(None)));
    }
}
