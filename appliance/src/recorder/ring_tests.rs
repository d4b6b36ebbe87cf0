//! Goal: what was noted is told, in order, whoever wrote it and whenever the writer died; what nobody wrote is not.

use super::*;
use proptest::prelude::{any, prop_assert, proptest};

/// A ring of 64 records: it comes round as the large one does.
const RECORDS: usize = 64;
const WORDS: usize = HEADER_WORDS + RECORDS * RECORD_WORDS;

fn words() -> Vec<AtomicU64> {
    std::iter::repeat_with(|| AtomicU64::new(0)).take(WORDS).collect()
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn texts(ring: &Ring<'_>) -> Vec<String> {
    ring.entries().into_iter().map(|it| it.text).collect()
}

fn bytes(words: &[AtomicU64]) -> Vec<u8> {
    words.iter().flat_map(|it| it.load(Relaxed).to_le_bytes()).collect()
}

#[test]
fn notes_are_told_in_their_order_with_time_and_kind_from_memory_and_from_the_file() {
    let words = words();
    let ring = Ring::over(&words);
    ring.begin();
    ring.push(Kind::Start, at(1_800_000_000), "demon 0.1");
    ring.push(Kind::Gesture, at(1_800_000_001), "cc 7 = .5");
    let told = ring.entries();
    assert_eq!(told.iter().map(|it| (it.number, it.kind)).collect::<Vec<_>>(), [(0, Kind::Start), (1, Kind::Gesture)]);
    assert_eq!((told[1].at, told[1].text.as_str()), (at(1_800_000_001), "cc 7 = .5"));
    assert_eq!(entries_of(&bytes(&words)), Some(told));
    assert_eq!((entries_of(b"rubbish"), entries_of(&[])), (None, None));
}

#[test]
fn the_newest_of_more_than_fit_are_kept_and_a_restart_goes_on_after_them() {
    let words = words();
    let ring = Ring::over(&words);
    ring.begin();
    (0..RECORDS + 100).for_each(|it| ring.push(Kind::Act, at(1), &it.to_string()));
    let again = Ring::over(&words);
    again.begin();
    again.push(Kind::Start, at(2), "again");
    let told = texts(&again);
    assert_eq!((told.len(), told[0].as_str()), (RECORDS, "101"));
    assert_eq!(told[RECORDS - 2..], [(RECORDS + 99).to_string(), "again".to_owned()]);
}

#[test]
fn a_writer_that_dies_after_any_store_leaves_the_others_and_never_half_a_note() {
    let words = words();
    let ring = Ring::over(&words);
    ring.begin();
    (0..RECORDS).for_each(|it| ring.push(Kind::Act, at(1), &format!("old {it}")));
    let before = bytes(&words);
    ring.push(Kind::Act, at(2), "the note that is being written when it dies");
    let after = bytes(&words);
    let word = |of: &[u8], at: usize| u64::from_le_bytes(of[at * 8..][..8].try_into().expect("a word"));
    let begin = place(RECORDS as u64, RECORDS);
    for stores in 0..=RECORD_WORDS {
        let half: Vec<AtomicU64> = (0..WORDS).map(|it| AtomicU64::new(word(&before, it))).collect();
        half[begin + RECORD_WORDS - 1].store(0, Relaxed);
        (0..stores).for_each(|it| half[begin + it].store(word(&after, begin + it), Relaxed));
        let again = Ring::over(&half);
        again.begin();
        let told = texts(&again);
        let whole = stores == RECORD_WORDS;
        assert_eq!(told.len(), RECORDS - usize::from(!whole), "{stores} stores");
        assert!(
            told.iter().all(|it| it.starts_with("old ") || (whole && it.starts_with("the note"))),
            "{stores} stores"
        );
        again.push(Kind::Start, at(3), "again");
        assert_eq!(texts(&again).last().map(String::as_str), Some("again"), "{stores} stores");
    }
}

#[test]
fn words_that_hold_no_record_take_none_and_harm_nobody() {
    for count in [0, 1, HEADER_WORDS, HEADER_WORDS + RECORD_WORDS - 1] {
        let words: Vec<_> = std::iter::repeat_with(|| AtomicU64::new(0)).take(count).collect();
        let ring = Ring::over(&words);
        ring.begin();
        ring.push(Kind::Act, at(1), "nowhere");
        assert_eq!(texts(&ring), [""; 0], "{count} words");
    }
}

#[test]
fn the_ring_of_a_box_holds_some_minutes_in_eight_megabytes() {
    assert_eq!((super::RECORDS, records_in(super::WORDS)), (65_536, 65_536));
}

#[test]
fn a_long_line_loses_its_end_between_two_characters() {
    let words = words();
    let ring = Ring::over(&words);
    ring.begin();
    ring.push(Kind::Told, at(1), &"ä".repeat(100));
    ring.push(Kind::Told, at(1), &format!("x{}", "ä".repeat(100)));
    assert_eq!(texts(&ring), ["ä".repeat(48), format!("x{}", "ä".repeat(47))]);
}

#[test]
fn threads_that_write_at_once_lose_none_of_their_notes() {
    let words: Vec<_> = std::iter::repeat_with(|| AtomicU64::new(0)).take(super::WORDS).collect();
    let ring = Ring::over(&words);
    ring.begin();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let ring = &ring;
            scope.spawn(move || (0..1_000).for_each(|it| ring.push(Kind::Act, at(1), &format!("{thread} {it}"))));
        }
    });
    let mut told = texts(&ring);
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 4_000);
}

proptest! {
    #[test]
    fn whatever_lies_in_the_file_it_is_read_and_written_on(rubbish in proptest::collection::vec(any::<u64>(), 0..WORDS), head in any::<bool>()) {
        let words = words();
        words.iter().zip(&rubbish).for_each(|(word, it)| word.store(*it, Relaxed));
        if head {
            words[MAGIC_AT].store(MAGIC, Relaxed);
            words[VERSION_AT].store(VERSION, Relaxed);
        }
        let ring = Ring::over(&words);
        ring.begin();
        ring.push(Kind::Start, at(1), "on");
        let told = texts(&ring);
        prop_assert!(told == ["on"], "{told:?}");
        prop_assert!(entries_of(&bytes(&words)).is_some_and(|it| it.len() == 1));
    }
}
