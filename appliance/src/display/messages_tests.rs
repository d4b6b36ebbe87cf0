//! Goal: faults stand until they are over, the newest message is read in time, and no flood grows anything.

use super::{FaultKey, LINES, LONGEST, Level, Messages, STANDING, STAYS, TURN, WAITING};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(10);

fn silent() -> Messages {
    Messages::new(false, [])
}

/// Looks at the line every 10 ms of a span; answers what was seen, each once in a row, and when it came up.
fn seen(messages: &mut Messages, from: Instant, span: Duration) -> Vec<(Duration, String)> {
    let mut seen: Vec<(Duration, String)> = Vec::new();
    let mut passed = Duration::ZERO;
    while passed < span {
        let line = messages.line(from + passed).to_owned();
        if seen.last().is_none_or(|(_, last)| *last != line) {
            seen.push((passed, line));
        }
        passed += LOOK;
    }
    seen
}

fn words_of(seen: &[(Duration, String)]) -> Vec<&str> {
    seen.iter().map(|(_, words)| words.as_str()).collect()
}

#[test]
fn news_and_hands_never_clear_a_standing_fault_and_its_end_is_told() {
    let mut messages = silent();
    let start = Instant::now();
    let disk = FaultKey::Disk;
    messages.fault(disk.clone(), "the disk is full");
    for number in 0..100 {
        messages.tell(Level::Warning, &format!("news {number}"));
        messages.hand("muted");
        messages.line(start + STAYS * number);
        assert_eq!(messages.worst(), Some("the disk is full"));
    }
    let after = start + STAYS * 200;
    seen(&mut messages, after, STAYS * 4);
    assert!(messages.stands(&disk), "also long after it was read");
    messages.over(&disk);
    assert_eq!((messages.worst(), messages.standing().count()), (None, 0));
    let told = seen(&mut messages, after + STAYS * 4, STAYS);
    assert_eq!(words_of(&told), ["what could not be written is on the disk"]);
    messages.over(&disk);
    assert_eq!(messages.line(after + STAYS * 9), "", "it was over already");
}

#[test]
fn the_worst_fault_is_shown_and_the_others_are_counted() {
    let mut messages = silent();
    messages.fault(FaultKey::File("/etc/demon/demon.toml".into()), "a key is misspelt");
    messages.fault(FaultKey::Surface("nano".to_owned()), "nano takes nothing");
    messages.fault(FaultKey::Surface("uc4".to_owned()), "uc4 takes nothing");
    assert_eq!((messages.worst(), messages.standing().count()), (Some("nano takes nothing"), 3));
    messages.fault(FaultKey::SoundDevice, "the sound device is away");
    assert_eq!((messages.worst(), messages.standing().count()), (Some("the sound device is away"), 4));
    messages.over(&FaultKey::SoundDevice);
    messages.over(&FaultKey::Surface("nano".to_owned()));
    assert_eq!(
        (messages.worst(), messages.standing().count()),
        (Some("uc4 takes nothing"), 2),
        "each device has its own"
    );
}

#[test]
fn the_same_fault_is_told_once_and_other_words_of_it_again() {
    let mut messages = Messages::new(true, []);
    for _ in 0..3 {
        messages.fault(FaultKey::Card, "the GPU is lost");
    }
    messages.fault(FaultKey::Card, "still away: no card");
    messages.over_with(&FaultKey::Card, "playing on the card again");
    let lines: Vec<String> = std::iter::from_fn(|| messages.next_line()).collect();
    assert_eq!(lines, ["fault: the GPU is lost", "fault: still away: no card", "playing on the card again"]);
}

#[test]
fn what_was_printed_already_stands_as_a_fault_and_is_not_printed_again() {
    let mut messages = Messages::new(true, []);
    let file = FaultKey::File("/etc/demon/demon.toml".into());
    messages.fault_printed(
        file.clone(),
        "demon.toml:2: found an unknown key\ndemon.toml:5: found 'no'\ndemon.toml:6: found a word",
    );
    assert_eq!(messages.next_line(), None);
    assert_eq!(messages.worst(), Some("demon.toml:2: found an unknown key (+2)"));
    assert_eq!(messages.line(Instant::now()), "demon.toml:2: found an unknown key (+2)");
    messages.over(&file);
    assert_eq!(messages.next_line().as_deref(), Some("/etc/demon/demon.toml is in order again"));
}

#[test]
fn help_comes_last_and_gives_way_at_once() {
    let help = (0..18).map(|number| format!("help {number}"));
    let mut messages = Messages::new(false, help);
    let start = Instant::now();
    assert_eq!(messages.line(start), "help 0");
    messages.tell(Level::Info, "needs a start with --patch");
    assert_eq!(messages.line(start + LOOK), "needs a start with --patch", "79 s in the version before");
    assert_eq!(messages.line(start + LOOK + STAYS), "help 1");
    messages.hand("muted");
    assert_eq!(messages.line(start + LOOK * 2 + STAYS), "muted");
}

#[test]
fn a_message_is_read_within_one_messages_time_whatever_was_told_before_it() {
    // Before it: nothing, news, a flood, a hand that never rests.
    for flood in [0, 1, 2, 3, 50] {
        for hand_rests in [true, false] {
            let mut messages = Messages::new(false, (0..18).map(|number| format!("help {number}")));
            let start = Instant::now();
            for number in 0..flood {
                messages.tell(Level::Fault, &format!("fault {number}"));
                messages.line(start);
                messages.hand("a hand");
            }
            messages.tell(Level::Info, "the one that counts");
            let mut read = None;
            for look in 0..1000 {
                let now = start + LOOK * look;
                if !hand_rests {
                    messages.hand(&format!("turn {look}"));
                }
                if messages.line(now) == "the one that counts" {
                    read = read.or(Some(LOOK * look));
                }
            }
            let read = read.expect("it is read");
            assert!(read <= STAYS, "after {read:?} behind {flood} others, the hand rests: {hand_rests}");
        }
    }
}

#[test]
fn of_a_flood_the_least_are_left_out_and_their_number_is_told() {
    let mut messages = silent();
    let start = Instant::now();
    messages.tell(Level::Info, "shown");
    messages.line(start);
    messages.tell(Level::Fault, "the fault");
    for number in 0..10 {
        messages.tell(Level::Info, &format!("info {number}"));
    }
    let told = seen(&mut messages, start, STAYS * 4);
    let expected = ["shown", "the fault", "info 9", "9 messages came too fast to be shown", ""];
    assert_eq!(words_of(&told), expected);
    assert_eq!(told[1].0, TURN, "a message that others wait for has a turn");
    assert_eq!(told[3].0, TURN * 2 + STAYS, "the last stays");
}

#[test]
fn what_a_hand_did_last_is_what_is_shown_of_it() {
    let mut messages = silent();
    let start = Instant::now();
    messages.hand("scene 1");
    assert_eq!(messages.line(start), "scene 1");
    messages.hand("scene 2");
    messages.hand("scene 3");
    assert_eq!(messages.line(start + LOOK), "scene 3");
    messages.tell(Level::Warning, "late");
    messages.hand("scene 4");
    assert_eq!(messages.line(start + LOOK * 2), "scene 4");
    let told = seen(&mut messages, start + LOOK * 3, STAYS * 3);
    assert_eq!(words_of(&told), ["scene 4", "late", ""]);
}

#[test]
fn ten_thousand_messages_grow_nothing() {
    let mut messages = Messages::new(true, []);
    let long = "w".repeat(9 * LONGEST);
    for number in 0..10_000 {
        messages.tell(Level::Warning, &format!("{number} {long}\nsecond line"));
        messages.fault(FaultKey::Surface(number.to_string()), &long);
        messages.hand(&format!("{number}"));
    }
    assert_eq!((messages.waiting.len(), messages.standing.len()), (WAITING, STANDING));
    let bytes =
        messages.waiting.iter().map(|(_, words)| words.len()).chain(messages.standing.values().map(String::len));
    assert!(bytes.max() <= Some(LONGEST));
    let lines: Vec<String> = std::iter::from_fn(|| messages.next_line()).collect();
    assert_eq!(lines.len(), LINES + 1);
    // 10,000 times a warning of two lines, whose end the cut leaves, a fault and a hand.
    let expected = format!("{} messages were left out: they came faster than they are printed", 40_000 - LINES);
    assert_eq!(lines.last(), Some(&expected));
    messages.tell(Level::Info, "after it");
    assert_eq!(messages.next_line().as_deref(), Some("after it"));
}

#[test]
fn every_level_and_the_end_of_a_fault_are_events_of_the_log() {
    let log = Log::default();
    let written = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_writer(move || written.clone()).with_ansi(false).without_time().finish();
    // With one subscriber alone, an event that another test meets first is asked of that test's thread, which has none, and is off
    // for all from then on. With two, all are asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
    tracing::subscriber::with_default(subscriber, || {
        tracing::callsite::rebuild_interest_cache();
        let mut messages = silent();
        messages.tell(Level::Info, "an info");
        messages.tell_printed(Level::Warning, "a warning");
        messages.fault(FaultKey::Display("/dev/fb0".to_owned()), "it is dark");
        messages.over(&FaultKey::Display("/dev/fb0".to_owned()));
    });
    let text = String::from_utf8(log.0.lock().expect("nobody panicked").clone()).expect("a text");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains(" INFO") && lines[0].contains("an info"), "{text}");
    assert!(lines[1].contains(" WARN") && lines[1].contains("a warning"), "{text}");
    assert!(
        lines[2].contains("ERROR") && lines[2].contains("it is dark of=the display on /dev/fb0 standing=true"),
        "{text}"
    );
    assert!(
        lines[3].contains(" INFO") && lines[3].contains("is back") && lines[3].contains("standing=false"),
        "{text}"
    );
    assert_eq!(lines.len(), 4, "{text}");
}

#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
