//! A ring of records in words that outlive the process. Any thread may push: each takes a number of its own and with it a place.
//!
//! A record has 16 words: number plus one, microseconds since 1970, kind and length, 12 words of text, and a sum over all others that is
//! written last. A writer that dies in the middle, two that meet in one place after a whole round, and any rubbish in the file
//! leave a record that does not add up, and it is not told.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::Release};
use std::time::{Duration, SystemTime};

/// `DEMONREC`, as its bytes lie in the file.
const MAGIC: u64 = u64::from_le_bytes(*b"DEMONREC");
/// Of this layout; another is begun anew.
const VERSION: u64 = 1;
const HEADER_WORDS: usize = 8;
const MAGIC_AT: usize = 0;
const VERSION_AT: usize = 1;
const NEXT_AT: usize = 2;
const RECORD_WORDS: usize = 16;
const TEXT_WORDS: usize = RECORD_WORDS - 4;
/// Bytes of text in a record.
pub const RECORD_TEXT_BYTES: usize = TEXT_WORDS * 8;
/// Records, 8 MiB of them: 200 gestures a second for some minutes.
const RECORDS: usize = 65_536;
/// Words of the whole file.
pub(super) const WORDS: usize = HEADER_WORDS + RECORDS * RECORD_WORDS;

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A performance began.
    Start,
    /// It ended in order.
    End,
    /// A hand moved.
    Gesture,
    /// What it did.
    Act,
    /// How it goes, once in a while.
    Counters,
    /// The player was told.
    Told,
    /// A thread crashed.
    Panic,
}

impl Kind {
    const ALL: [Self; 7] = [Self::Start, Self::End, Self::Gesture, Self::Act, Self::Counters, Self::Told, Self::Panic];

    fn of(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
            Self::Gesture => "gesture",
            Self::Act => "act",
            Self::Counters => "counters",
            Self::Told => "told",
            Self::Panic => "panic",
        }
    }
}

/// A record that adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 0.
    pub number: u64,
    /// When it was noted.
    pub at: SystemTime,
    /// What it is of.
    pub kind: Kind,
    /// Its words.
    pub text: String,
}

/// The ring in these words.
pub(super) struct Ring<'a> {
    words: &'a [AtomicU64],
}

impl<'a> Ring<'a> {
    /// Over as many records as these words hold; [`WORDS`] hold [`RECORDS`].
    pub(super) const fn over(words: &'a [AtomicU64]) -> Self {
        Self { words }
    }

    const fn records(&self) -> usize {
        records_in(self.words.len())
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).map_or(0, |it| it.load(Relaxed))
    }

    fn set(&self, at: usize, value: u64) {
        if let Some(word) = self.words.get(at) {
            word.store(value, Release);
        }
    }

    /// Goes on after what is there; what is no ring of this layout is begun anew.
    pub(super) fn begin(&self) {
        if (self.word(MAGIC_AT), self.word(VERSION_AT)) != (MAGIC, VERSION) {
            self.words.iter().for_each(|it| it.store(0, Relaxed));
            self.set(VERSION_AT, VERSION);
            self.set(MAGIC_AT, MAGIC);
        }
        // A head that was torn or made up would give numbers that exist already.
        let next = self.entries().last().map_or(0, |it| it.number.wrapping_add(1));
        self.set(NEXT_AT, next);
    }

    /// Notes a line.
    pub(super) fn push(&self, kind: Kind, at: SystemTime, text: &str) {
        let (records, Some(next)) = (self.records(), self.words.get(NEXT_AT)) else { return };
        if records == 0 {
            return;
        }
        let number = next.fetch_add(1, Relaxed);
        let text = cut(text).as_bytes();
        let micros = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_micros() as u64);
        let mut record = [0; RECORD_WORDS];
        record[0] = number.wrapping_add(1);
        record[1] = micros;
        record[2] = kind as u64 | (text.len() as u64) << 32;
        for (word, bytes) in record[3..].iter_mut().zip(text.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(whole);
        }
        record[RECORD_WORDS - 1] = sum(&record);
        let begin = place(number, records);
        // The old sum goes first: a writer that dies leaves no mixture that adds up.
        self.set(begin + RECORD_WORDS - 1, 0);
        record.iter().enumerate().for_each(|(at, word)| self.set(begin + at, *word));
    }

    /// All records that add up, in their order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let records = self.records();
        let whole = (0..records).filter_map(|it| {
            let begin = HEADER_WORDS + it * RECORD_WORDS;
            entry(&std::array::from_fn(|at| self.word(begin + at)))
        });
        in_order(whole, records)
    }
}

/// The records in a file's bytes; `None` when it is no ring of this layout.
pub(super) fn entries_of(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (words, _) = bytes.as_chunks::<8>();
    let word = |at: usize| words.get(at).map_or(0, |it| u64::from_le_bytes(*it));
    if (word(MAGIC_AT), word(VERSION_AT)) != (MAGIC, VERSION) {
        return None;
    }
    let records = words.get(HEADER_WORDS..)?.chunks_exact(RECORD_WORDS);
    let whole = records.filter_map(|it| entry(&std::array::from_fn(|at| u64::from_le_bytes(it[at]))));
    Some(in_order(whole, records_in(words.len())))
}

/// As much of a line as a record holds, up to the end of a character.
fn cut(text: &str) -> &str {
    let ends = text.char_indices().map(|(at, it)| at + it.len_utf8()).take_while(|it| *it <= RECORD_TEXT_BYTES);
    &text[..ends.last().unwrap_or(0)]
}

fn in_order(entries: impl Iterator<Item = Entry>, records: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = entries.collect();
    entries.sort_by_key(|it| it.number);
    // What does not lie within one round before the newest is from another life of the file.
    let oldest = entries.last().map_or(0, |it| (it.number + 1).saturating_sub(records as u64));
    entries.retain(|it| oldest <= it.number);
    entries
}

const fn records_in(words: usize) -> usize {
    words.saturating_sub(HEADER_WORDS) / RECORD_WORDS
}

const fn place(number: u64, records: usize) -> usize {
    HEADER_WORDS + (number % records as u64) as usize * RECORD_WORDS
}

/// Over everything but itself; never 0, which is what nobody wrote.
fn sum(record: &[u64; RECORD_WORDS]) -> u64 {
    let mixed = |sum: u64, word: &u64| (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    record[..RECORD_WORDS - 1].iter().fold(MAGIC, mixed) | 1
}

fn entry(record: &[u64; RECORD_WORDS]) -> Option<Entry> {
    let [number, micros, about, text @ .., found] = record;
    if *found != sum(record) || *number == 0 {
        return None;
    }
    let bytes: Vec<u8> = text.iter().flat_map(|it| it.to_le_bytes()).take((about >> 32) as usize).collect();
    Some(Entry {
        number: number - 1,
        at: SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(*micros))?,
        kind: Kind::of(about & 0xffff_ffff)?,
        text: String::from_utf8(bytes).ok()?,
    })
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
