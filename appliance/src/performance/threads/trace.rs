//! What the fast threads did when, for whoever measures how long a gesture takes: the last ticks and windows, each with its time.
//!
//! A ring of atomic words with one writer, which waits for nobody; a reader that is too slow misses the oldest. Nothing here is read
//! while nobody measures.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use engine::live::TickHeard;

/// Ticks and windows that are kept: some seconds of them.
const KEPT: u64 = 256;
/// Words of an entry.
const WORDS: usize = 4;

/// A tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticked {
    /// When it began, in microseconds of the trace.
    pub begun_us: u64,
    /// The number of the snapshot that it read.
    pub generation: u64,
    /// Of the latent that left last in it, where one did: its number, and that of the snapshot under which it was born.
    pub left: Option<(u64, u64)>,
}

/// A window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When its turn began, before values were read.
    pub begun_us: u64,
    /// When it was on its way to the tape.
    pub sent_us: u64,
    /// The number of the latent that it is of.
    pub serial: u64,
    /// The frame played at which it is to be heard first.
    pub due: u64,
}

/// What was done when.
#[derive(Debug)]
pub struct Trace {
    epoch: Instant,
    ticks: Ring,
    windows: Ring,
}

/// How far somebody has read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Read {
    ticks: u64,
    windows: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { epoch: Instant::now(), ticks: Ring::default(), windows: Ring::default() }
    }
}

impl Trace {
    /// A moment in microseconds of the trace.
    #[must_use]
    pub fn time(&self, moment: Instant) -> u64 {
        moment.saturating_duration_since(self.epoch).as_micros() as u64
    }

    /// Notes a tick that began at `begun`, and the number of the latent that left last in it.
    pub(super) fn ticked(&self, begun: Instant, heard: TickHeard, serial: Option<u64>) {
        let (serial, born) = serial.zip(heard.born).unwrap_or_default();
        self.ticks.push([self.time(begun), heard.generation, serial, born]);
    }

    /// Notes a window whose turn began at `begun` and that is on its way now.
    pub(super) fn sent(&self, begun: Instant, serial: u64, due: u64) {
        self.windows.push([self.time(begun), self.time(Instant::now()), serial, due]);
    }

    /// What came since the last call; the oldest are missed by who asks too rarely.
    pub fn take(&self, read: &mut Read, ticks: &mut Vec<Ticked>, windows: &mut Vec<Sent>) {
        self.ticks.take(&mut read.ticks, |[begun_us, generation, serial, born]| {
            ticks.push(Ticked { begun_us, generation, left: (serial > 0).then_some((serial, born)) });
        });
        self.windows.take(&mut read.windows, |[begun_us, sent_us, serial, due]| {
            windows.push(Sent { begun_us, sent_us, serial, due });
        });
    }
}

#[derive(Debug)]
struct Ring {
    count: AtomicU64,
    entries: Box<[[AtomicU64; WORDS]]>,
}

impl Default for Ring {
    fn default() -> Self {
        Self { count: AtomicU64::new(0), entries: (0..KEPT).map(|_| Default::default()).collect() }
    }
}

impl Ring {
    fn push(&self, words: [u64; WORDS]) {
        let count = self.count.load(Ordering::Relaxed);
        for (to, word) in self.entries[(count % KEPT) as usize].iter().zip(words) {
            to.store(word, Ordering::Relaxed);
        }
        self.count.store(count + 1, Ordering::Release);
    }

    fn take(&self, read: &mut u64, mut each: impl FnMut([u64; WORDS])) {
        let count = self.count.load(Ordering::Acquire);
        // The place of the oldest is the one that is written next.
        *read = (*read).max(count.saturating_sub(KEPT - 1));
        while *read < count {
            let words = std::array::from_fn(|at| self.entries[(*read % KEPT) as usize][at].load(Ordering::Acquire));
            // One that was written over meanwhile says nothing.
            if self.count.load(Ordering::Acquire) - *read < KEPT {
                each(words);
            }
            *read += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Read, Ring, Trace};
    use engine::live::TickHeard;
    use std::time::{Duration, Instant};

    #[test]
    fn what_was_noted_is_read_once_and_in_order_and_the_oldest_are_missed() {
        let ring = Ring::default();
        let (mut read, mut seen) = (0, Vec::new());
        let mut take = |ring: &Ring, seen: &mut Vec<u64>| ring.take(&mut read, |words| seen.push(words[0]));
        (0..3).for_each(|it| ring.push([it; 4]));
        take(&ring, &mut seen);
        take(&ring, &mut seen);
        assert_eq!(seen, [0, 1, 2]);
        (3..3 + 2 * KEPT).for_each(|it| ring.push([it; 4]));
        seen.clear();
        take(&ring, &mut seen);
        assert_eq!(seen, (4 + KEPT..3 + 2 * KEPT).collect::<Vec<_>>());
    }

    #[test]
    fn a_tick_in_which_no_latent_left_has_none() {
        let trace = Trace::default();
        let begun = Instant::now() + Duration::from_millis(3);
        trace.ticked(begun, TickHeard { generation: 7, born: None }, None);
        trace.ticked(begun, TickHeard { generation: 9, born: Some(4) }, Some(1));
        trace.sent(begun, 1, 4_800);
        let (mut ticks, mut windows) = (Vec::new(), Vec::new());
        trace.take(&mut Read::default(), &mut ticks, &mut windows);
        assert_eq!(ticks.iter().map(|it| (it.generation, it.left)).collect::<Vec<_>>(), [(7, None), (9, Some((1, 4)))]);
        assert!(ticks[0].begun_us >= 3_000);
        assert_eq!((windows[0].serial, windows[0].due), (1, 4_800));
    }
}
