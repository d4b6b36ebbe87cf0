//! A ring of records for one writer and one reader, over words that anybody may scribble on.
//!
//! The writer stores the record's words and then, releasing them, the head; the reader acquires the head, copies the record and
//! then releases the place by storing the tail. Each side goes by its own count and never by what it finds in the memory of it: a
//! foreign head tells only how much there may be. One that cannot be is a breach: the reader goes on from there, and says so.
//!
//! The rings know no more of the memory than [`Words`], so that `ring_tests` can put a model of all orders of the processor's
//! stores in its place.

use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use super::layout::{RECORD_WORDS, RingPlace};

/// A record as it travels.
pub(crate) type Record = [u64; RECORD_WORDS];

/// Memory as the rings see it. A word that is not there reads as 0 and takes nothing.
pub(crate) trait Words {
    fn load(&self, at: usize, order: Ordering) -> u64;
    fn store(&self, at: usize, value: u64, order: Ordering);
}

/// What a reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Popped {
    /// Nothing waits.
    Nothing,
    /// This, as it was copied.
    Record(Record),
    /// The head cannot be: whatever was there is left out.
    Wild,
}

/// The end that writes.
#[derive(Debug)]
pub(crate) struct RingWriter {
    place: RingPlace,
    head: u64,
}

/// The end that reads.
#[derive(Debug)]
pub(crate) struct RingReader {
    place: RingPlace,
    tail: u64,
}

impl RingPlace {
    fn record(&self, count: u64) -> usize {
        self.records + (count & (self.capacity - 1)) as usize * RECORD_WORDS
    }
}

impl RingWriter {
    /// Goes on where whoever wrote last has stopped.
    pub(crate) fn resume(place: RingPlace, words: &impl Words) -> Self {
        Self { place, head: words.load(place.head, Acquire) }
    }

    /// Whether a record finds room.
    pub(crate) fn has_room(&self, words: &impl Words) -> bool {
        let taken = self.head.wrapping_sub(words.load(self.place.tail, Acquire));
        taken < self.place.capacity
    }

    /// Publishes a record; false when there is no room.
    pub(crate) fn push(&mut self, words: &impl Words, record: &Record) -> bool {
        if !self.has_room(words) {
            return false;
        }
        let at = self.place.record(self.head);
        for (i, word) in record.iter().enumerate() {
            words.store(at + i, *word, Relaxed);
        }
        self.head = self.head.wrapping_add(1);
        words.store(self.place.head, self.head, Release);
        true
    }
}

impl RingReader {
    /// Begins with what is written from now on.
    pub(crate) fn from_now_on(place: RingPlace, words: &impl Words) -> Self {
        let mut reader = Self { place, tail: 0 };
        reader.skip(words);
        reader
    }

    /// Leaves out everything that waits.
    pub(crate) fn skip(&mut self, words: &impl Words) {
        self.tail = words.load(self.place.head, Acquire);
        words.store(self.place.tail, self.tail, Release);
    }

    /// Whether something waits, or cannot be.
    pub(crate) fn waits(&self, words: &impl Words) -> bool {
        words.load(self.place.head, Acquire) != self.tail
    }

    /// Copies the oldest record out.
    pub(crate) fn pop(&mut self, words: &impl Words) -> Popped {
        let waiting = words.load(self.place.head, Acquire).wrapping_sub(self.tail);
        if waiting == 0 {
            return Popped::Nothing;
        }
        if self.place.capacity < waiting {
            self.skip(words);
            return Popped::Wild;
        }
        let at = self.place.record(self.tail);
        let record = std::array::from_fn(|i| words.load(at + i, Relaxed));
        self.tail = self.tail.wrapping_add(1);
        words.store(self.place.tail, self.tail, Release);
        Popped::Record(record)
    }
}
