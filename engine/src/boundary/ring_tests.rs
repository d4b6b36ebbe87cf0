//! Goal: a record comes out whole or not at all, in every order in which a processor may make the stores seen, and whatever word
//! its writer dies after.
//! Method: a model of all orders (`loom`) in the memory's place, and a writer whose stores end.

use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU64;
use proptest::prelude::{prop_assert, proptest};

use super::arena::Arena;
use super::layout::{ORDERS, RECORD_WORDS, REPORTS, RingPlace, Sizes, WINDOWS};
use super::record::{Order, Report, Told, Window};
use super::ring::{Popped, Record, RingReader, RingWriter, Words};

/// A ring of two records in words of a model. Of a record only the first and the last word are words of the model, so that
/// there are not more orders than can be tried.
#[derive(Debug)]
struct Modelled(Vec<AtomicU64>);

const SMALL: RingPlace = RingPlace { head: 0, tail: 1, records: 16, capacity: 2 };

impl Modelled {
    fn new() -> Self {
        Self((0..6).map(|_| AtomicU64::new(0)).collect())
    }

    fn word(&self, at: usize) -> Option<&AtomicU64> {
        match at {
            0 | 1 => Some(&self.0[at]),
            _ => match (at - SMALL.records) % RECORD_WORDS {
                0 => Some(&self.0[2 + 2 * ((at - SMALL.records) / RECORD_WORDS)]),
                15 => Some(&self.0[3 + 2 * ((at - SMALL.records) / RECORD_WORDS)]),
                _ => None,
            },
        }
    }
}

impl Words for Modelled {
    fn load(&self, at: usize, order: Ordering) -> u64 {
        self.word(at).map_or(0, |it| it.load(order))
    }

    fn store(&self, at: usize, value: u64, order: Ordering) {
        if let Some(word) = self.word(at) {
            word.store(value, order);
        }
    }
}

fn marked(mark: u64) -> Record {
    let mut record = [0; RECORD_WORDS];
    (record[0], record[RECORD_WORDS - 1]) = (mark, mark);
    record
}

#[test]
fn in_no_order_of_stores_is_a_record_torn_lost_or_seen_twice() {
    loom::model(|| {
        let words = loom::sync::Arc::new(Modelled::new());
        let theirs = words.clone();
        let mut writer = RingWriter::resume(SMALL, &*words);
        let mut reader = RingReader::from_now_on(SMALL, &*words);
        // Three records in a ring of two: the third is written over the first, once that was taken.
        let writing = loom::thread::spawn(move || {
            let mut sent = 1;
            for _ in 0..4 {
                if sent <= 3 && writer.push(&*theirs, &marked(sent)) {
                    sent += 1;
                }
            }
            sent - 1
        });
        let mut next = 1;
        for _ in 0..3 {
            if let Popped::Record(record) = reader.pop(&*words) {
                assert_eq!((record[0], record[RECORD_WORDS - 1]), (next, next), "torn, lost or twice");
                next += 1;
            }
        }
        let sent = writing.join().expect("the writer ends");
        while let Popped::Record(record) = reader.pop(&*words) {
            assert_eq!((record[0], record[RECORD_WORDS - 1]), (next, next));
            next += 1;
        }
        assert_eq!(next - 1, sent, "all that was sent came");
    });
}

const SIZES: Sizes = Sizes { boxes: 1, window_frames: 8, tape_frames: 8 };

fn arena() -> Arena {
    Arena::on_heap(SIZES)
}

/// Publishes `records` one after the other with a writer that dies after every number of stores; after each death the reader has
/// whole records, and those of a new writer follow.
fn die_everywhere(place: RingPlace, records: &[Record]) {
    let mut seen = vec![0; records.len() + 1];
    for stores in 0..=(records.len() * (RECORD_WORDS + 1)) as u64 {
        let arena = arena();
        let mut reader = RingReader::from_now_on(place, &arena);
        let dying = arena.dying_after(stores);
        let mut writer = RingWriter::resume(place, &dying);
        records.iter().for_each(|it| assert!(writer.push(&dying, it)));
        let whole = stores as usize / (RECORD_WORDS + 1);
        for record in &records[..whole] {
            assert_eq!(reader.pop(&arena), Popped::Record(*record), "after {stores} stores");
        }
        assert_eq!(reader.pop(&arena), Popped::Nothing, "after {stores} stores");
        seen[whole] += 1;
        // The next engine goes on there, and is heard.
        assert!(RingWriter::resume(place, &arena).push(&arena, &marked(7)));
        assert_eq!(reader.pop(&arena), Popped::Record(marked(7)));
    }
    assert!(seen.iter().all(|it| 0 < *it), "{seen:?}");
}

#[test]
fn a_writer_that_dies_after_any_store_of_any_record_leaves_it_whole_or_not_at_all() {
    let window = Window { number: 1, frames: 9, ..Window::default() };
    die_everywhere(WINDOWS, &[window.pack(3), Window { number: 2, ..window }.pack(3)]);
    let orders = [
        Order::Seek { tape: 1, position: 2 },
        Order::Band { tape: 1, start: 0, end: 5 },
        Order::Swap { tape: 2, slot: 1, frames: 8, position: 0, sum: 9, recording: 9, band: [0, 8], due: 0, fade: 480 },
    ];
    die_everywhere(ORDERS, &orders.map(|it| it.pack(3)));
    let told = Told { met: 1, delay: 2, keep: 3, left: Some(-4) };
    let reports = [None, Some(told), Some(Told { left: None, ..told })];
    die_everywhere(REPORTS, &reports.map(|landing| Report::Home { sound_box: 0, landing }.pack(3)));
}

#[test]
fn a_head_that_cannot_be_is_told_and_the_reader_goes_on_from_there() {
    let arena = arena();
    let mut reader = RingReader::from_now_on(ORDERS, &arena);
    for wild in [65, u64::MAX, 1 << 40, 0] {
        arena.store(ORDERS.head, wild, Ordering::Relaxed);
        assert_eq!((reader.pop(&arena), reader.pop(&arena)), (Popped::Wild, Popped::Nothing), "{wild}");
        assert!(RingWriter::resume(ORDERS, &arena).push(&arena, &marked(wild)));
        assert_eq!(reader.pop(&arena), Popped::Record(marked(wild)));
    }
}

proptest! {
    /// Whatever lies in the memory, a reader takes at most what fits, and a writer finds room or none.
    #[test]
    fn any_words_are_survived(seed in proptest::collection::vec(proptest::num::u64::ANY, 64)) {
        let arena = arena();
        for (i, word) in arena.memory().words().iter().enumerate() {
            word.store(seed[i % 64].rotate_left(i as u32), Ordering::Relaxed);
        }
        for place in [WINDOWS, ORDERS, REPORTS] {
            let mut reader = RingReader::from_now_on(place, &arena);
            arena.store(place.head, seed[3], Ordering::Relaxed);
            let taken = (0..200).filter(|_| matches!(reader.pop(&arena), Popped::Record(_))).count();
            prop_assert!(taken as u64 <= place.capacity);
            let mut writer = RingWriter::resume(place, &arena);
            let _ = writer.push(&arena, &marked(1));
        }
    }
}
