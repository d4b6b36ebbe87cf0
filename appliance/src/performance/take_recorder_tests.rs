//! Goal: what was played is in the take, to the sample; what lies behind becomes one when it is asked for; a disk that refuses or is too slow is
//! told, and costs nothing but what it did not take.
//! Method: a player in this process, whose tee the recorder's own threads listen to, in a real folder; the writer alone where time has to pass.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use engine::latent::StereoFrame;
use engine::playback::{DeckSize, Player, Tape, Transport, deck_with_tee};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

struct Playing {
    player: Player,
    transport: Transport,
    played: Vec<i32>,
}

impl Playing {
    fn start() -> Self {
        let sound: Vec<StereoFrame> =
            (0..96_000).map(|it| [(it as f32 * 0.013).sin() * 0.6, (it as f32 * 0.021).cos() * 0.3]).collect();
        let (player, _, transport) = deck_with_tee(Tape::new(sound).expect("a tape"), DeckSize::default());
        Self { player, transport, played: Vec::new() }
    }

    fn ear(&self) -> Ear {
        Ear::new(self.transport.tee().expect("it has one"))
    }

    /// Plays on, and waits until all of it was written.
    fn play(&mut self, frames: usize, hand: &TakeHand) {
        let before = hand.shown().behind_s;
        let mut out = vec![[0.0; 2]; frames];
        self.player.fill(&mut out);
        words_of(&out, &mut self.played);
        until(|| (hand.shown().behind_s - before - seconds(frames as u64)).abs() < 1e-6);
    }
}

fn until(mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "it does not come to it");
        std::thread::yield_now();
    }
}

fn said(hand: &TakeHand, part: &str) -> String {
    let mut found = None;
    until(|| {
        found = hand.news().into_iter().filter_map(words).find(|it| it.contains(part));
        found.is_some()
    });
    found.unwrap_or_default()
}

fn samples(path: &Path) -> Vec<i32> {
    let bytes = fs::read(path).expect("it is there");
    let source = crate::recording::read_source(std::io::Cursor::new(bytes), "take".to_owned(), 100.0, &mut |_| ());
    let mut out = Vec::new();
    words_of(&source.expect("a recording").pcm, &mut out);
    out
}

/// Sound that was recorded, up to what a recording is fitted by to be a tape.
fn is_what_was_played(path: &Path, played: &[i32]) -> bool {
    let found = samples(path);
    let whole = found.len().min(played.len()) - 2 * 1_920;
    found[..whole] == played[..whole]
}

#[test]
fn a_take_has_the_second_before_its_press_and_all_that_was_played_until_the_next() {
    let (folder, leave) = (tempfile::tempdir().expect("a folder"), Leave::new().expect("a descriptor"));
    let mut playing = Playing::start();
    let recorder = TakeRecorder::start(playing.ear(), folder.path(), 30, &leave).expect("threads");
    let hand = recorder.hand();
    playing.play(100_000, &hand);
    hand.wish(Wish::Press);
    assert!(said(&hand, "recording take-0001.flac").contains("; room for "));
    until(|| hand.shown().taking_s == Some(1.0));
    playing.play(90_000, &hand);
    assert_eq!(hand.shown().taking_s, Some(2.875));
    hand.wish(Wish::Press);
    assert_eq!(said(&hand, "recorded"), "recorded take-0001.flac, 0:02");
    playing.play(50_000, &hand);
    assert_eq!(hand.shown().taking_s, None);
    let path = folder.path().join("takes/take-0001.flac");
    let (from, to) = (2 * 52_000, 2 * 190_000);
    assert!(is_what_was_played(&path, &playing.played[from..to]));
    assert_eq!(recorder.end(Instant::now() + PATIENCE), [""; 0]);
}

#[test]
fn what_lies_behind_becomes_a_take_and_one_that_is_open_is_whole_at_the_end() {
    let (folder, leave) = (tempfile::tempdir().expect("a folder"), Leave::new().expect("a descriptor"));
    let mut playing = Playing::start();
    let recorder = TakeRecorder::start(playing.ear(), folder.path(), 30, &leave).expect("threads");
    let hand = recorder.hand();
    hand.wish(Wish::Keep);
    assert_eq!(said(&hand, "nothing"), "nothing was played yet");
    (0..6).for_each(|_| playing.play(100_000, &hand));
    hand.wish(Wish::Keep);
    assert_eq!(said(&hand, "kept"), "kept take-0001.flac, 0:12");
    assert!(is_what_was_played(&folder.path().join("takes/take-0001.flac"), &playing.played));
    hand.wish(Wish::Press);
    said(&hand, "recording take-0002.flac");
    // The end comes with sound that nobody has heard yet.
    let mut out = vec![[0.0; 2]; 60_000];
    playing.player.fill(&mut out);
    words_of(&out, &mut playing.played);
    let told = recorder.end(Instant::now() + PATIENCE);
    assert_eq!(told, ["recorded take-0002.flac, 0:02"]);
    let from = playing.played.len() - 2 * 108_000;
    assert!(is_what_was_played(&folder.path().join("takes/take-0002.flac"), &playing.played[from..]));
}

#[test]
fn without_minutes_nothing_lies_behind_and_a_press_records_all_the_same() {
    let (folder, leave) = (tempfile::tempdir().expect("a folder"), Leave::new().expect("a descriptor"));
    let mut playing = Playing::start();
    let recorder = TakeRecorder::start(playing.ear(), folder.path(), 0, &leave).expect("threads");
    let hand = recorder.hand();
    hand.wish(Wish::Keep);
    assert!(said(&hand, "nothing lies behind").contains("[takes] behind_minutes"));
    hand.wish(Wish::Press);
    said(&hand, "recording take-0001.flac");
    let mut out = vec![[0.0; 2]; 60_000];
    playing.player.fill(&mut out);
    until(|| hand.shown().taking_s == Some(1.25));
    assert_eq!(recorder.end(Instant::now() + PATIENCE), ["recorded take-0001.flac, 0:01"]);
    assert!(!folder.path().join("takes/behind").exists());
}

/// The writer alone.
fn writer(folder: &Path, minutes: u32) -> (Writer, Arc<Handed<Slot>>) {
    let shared = Arc::<Handed<Slot>>::default();
    let mut writer = Writer::new(Arc::clone(&shared), folder, minutes, &Leave::new().expect("a descriptor"));
    writer.open();
    (writer, shared)
}

fn sound(frames: usize) -> Piece {
    Piece::Sound(vec![[0.25; 2]; frames])
}

#[test]
fn a_disk_that_refuses_is_a_fault_until_it_takes_again_and_a_take_ends_where_it_stood() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut writer, shared) = writer(folder.path(), 30);
    let hand = TakeHand(shared);
    writer.piece(&sound(9_000));
    writer.press();
    assert!(matches!(hand.news()[..], [TakeNews::Said(_)]));
    let (behind, away) = (behind_folder(folder.path()), folder.path().join("away"));
    writer.behind.as_mut().expect("it is open").close().expect("a disk");
    fs::rename(&behind, &away).expect("a disk");
    writer.piece(&sound(9_000));
    let news = hand.news();
    let [TakeNews::Fault(fault), TakeNews::Warning(ended)] = &news[..] else { panic!("{news:?}") };
    assert!(fault.ends_with("; nothing is recorded") && fault.contains("behind"), "{fault}");
    assert!(ended.ends_with("take-0001.flac ends after 0 s"), "{ended}");
    assert_eq!(
        crate::recording::load_source(&folder.path().join("takes/take-0001.flac"), 9.0, &mut |_| ())
            .map_err(|it| it.fault.to_string())
            .unwrap_err(),
        "only 0.38 s long (expected at least 1 s)"
    );
    // Until its time has come nothing is tried.
    writer.piece(&sound(9_000));
    assert_eq!(hand.news(), []);
    writer.again = Some(Instant::now());
    writer.piece(&sound(9_000));
    assert_eq!(hand.news(), [], "it still refuses, and that is told once");
    fs::rename(&away, &behind).expect("a disk");
    writer.again = Some(Instant::now());
    writer.piece(&sound(9_000));
    assert_eq!(hand.news(), [TakeNews::Over]);
    writer.piece(&sound(9_000));
    assert_eq!(hand.news(), []);
}

#[test]
fn a_disk_that_is_too_slow_loses_what_found_no_room_and_a_take_stays_in_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut writer, shared) = writer(folder.path(), 30);
    let hand = TakeHand(Arc::clone(&shared));
    writer.press();
    for _ in 0..60 {
        shared.slot().hear(sound(SAMPLE_RATE_HZ as usize));
    }
    let waits = |slot: &Slot| (slot.waiting, slot.lost);
    assert_eq!(waits(&shared.slot()), (WAITS_MOST, 0), "a minute waits");
    shared.slot().hear(sound(30_000));
    shared.slot().hear(sound(6_000));
    while let Some(Some(item)) = {
        let mut slot = shared.slot();
        slot.next()
    } {
        let Item::Piece(piece) = item else { panic!("a piece") };
        writer.piece(&piece);
    }
    assert_eq!(shared.slot().waiting, 0);
    shared.slot().hear(sound(48_000));
    let row: Vec<u64> =
        shared.slot().row.iter().map(|it| if let Item::Piece(piece) = it { piece.frames() } else { 0 }).collect();
    assert_eq!(row, [36_000, 48_000]);
    while let Some(Some(Item::Piece(piece))) = {
        let mut slot = shared.slot();
        slot.next()
    } {
        writer.piece(&piece);
    }
    writer.end_take();
    let told: Vec<_> = hand.news().into_iter().filter_map(words).collect();
    assert!(told[0].starts_with("recording take-0001.flac"));
    assert_eq!(
        told[1..],
        ["0.8 s were not recorded: the disk is too slow", "recorded take-0001.flac, 1:01, 0.8 s of it missing"]
    );
    let behind = writer.behind.as_mut().expect("it is open");
    behind.close().expect("a disk");
    let runs: Vec<_> = behind.hold().iter().map(|it| it.begins).collect();
    assert_eq!(runs.iter().filter(|it| **it).count(), 2, "what is missing ends a run");
}

#[test]
fn what_an_end_came_before_is_kept_by_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut writer, shared) = writer(folder.path(), 30);
    writer.piece(&sound(100_000));
    writer.leave.ask();
    writer.keep();
    until(|| matches!(shared.slot().row.front(), Some(Item::Kept(Err(Interrupted::Stopped)))));
    let playing = Playing::start();
    let leave = Leave::new().expect("a descriptor");
    let recorder = TakeRecorder::start(playing.ear(), folder.path(), 30, &leave).expect("threads");
    assert_eq!(said(&recorder.hand(), "kept"), "kept take-0001.flac, 0:02");
    assert_eq!(recorder.end(Instant::now() + PATIENCE), [""; 0]);
}

#[test]
fn lengths_are_told_as_clocks_show_them_and_room_in_hours() {
    assert_eq!([0, 47_999, 48_000 * 65, 48_000 * 3_600].map(minutes), ["0:00", "0:00", "1:05", "60:00"]);
    assert_eq!(
        [MOST_BYTES_AN_HOUR - 1, MOST_BYTES_AN_HOUR, 9 * MOST_BYTES_AN_HOUR / 2].map(hours),
        ["59 min", "1 h", "4 h"]
    );
}
