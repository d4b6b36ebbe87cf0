//! The report of a crash: one file in the state folder, with what happened and the last minutes before it, for a stick to take home.
//!
//! It is written when a thread has crashed, and again at the end of that performance; and by the next start where the last performance was cut
//! off without a word (by the watchdog of a service manager, a kill, memory that was exhausted, a loss of power), since the recorder
//! has outlived it. Text, at most [`MOST_BYTES`], of which the newest is kept; a newer report takes the place of an older one. There is no sound in
//! it: the recorder has none.

use std::path::Path;

use super::report::{LastEnd, last_end, write};
use super::{Entry, Kind};
use crate::files::{FileError, plain, write_whole};

/// The file's name in the state folder.
pub const FILE: &str = "crash-report.txt";
/// Most bytes of it.
pub const MOST_BYTES: usize = 1 << 20;
/// What is noted when something hangs begins so.
pub const STANDS: &str = "does not move: ";

/// Writes the report of a crash into a state folder.
///
/// # Errors
/// [`FileError`]; then the one before it is there.
pub fn keep(folder: &Path, why: &str, entries: &[Entry], versions: &str) -> Result<(), FileError> {
    write_whole(&folder.join(FILE), &text(why, entries, versions))
}

/// The report: what happened in a line, versions, and as much of the last minutes as there is room for.
fn text(why: &str, entries: &[Entry], versions: &str) -> Vec<u8> {
    let mut newest = entries;
    loop {
        let mut out = format!("{}\n\n", plain(why).replace('\n', " ")).into_bytes();
        // A vector takes everything.
        let _ = write(newest, versions, &mut out);
        if out.len() <= MOST_BYTES || newest.is_empty() {
            out.truncate(MOST_BYTES);
            return out;
        }
        newest = &newest[newest.len().div_ceil(8)..];
    }
}

/// What was noted before the performance of process `own` began, and how the one before it was cut off, in words; nothing where it ended in
/// order or where `plays` says of its process that it still plays.
pub fn cut_off(entries: &[Entry], own: u32, plays: impl Fn(u32) -> bool) -> Option<(&[Entry], String)> {
    let mine = format!("{own} ");
    let begun = entries.iter().rposition(|it| it.kind == Kind::Start && it.text.starts_with(&mine))?;
    let before = &entries[..begun];
    let LastEnd::Cut(crashed) = last_end(before) else { return None };
    let last = before.iter().rposition(|it| it.kind == Kind::Start).unwrap_or(0);
    let process = before.get(last).and_then(|it| it.text.split(' ').next()?.parse().ok());
    if process.is_some_and(plays) {
        return None;
    }
    let stood = || before[last..].iter().rev().find_map(|it| it.text.strip_prefix(STANDS));
    let words = match (crashed, stood()) {
        (Some(crashed), _) => format!("crashed: {crashed}"),
        (None, Some(what)) => format!("was cut off while something hung, as a watchdog does: {what}"),
        (None, None) => "was cut off without a word: power, a kill, or memory that was exhausted".to_owned(),
    };
    Some((before, format!("the performance {words}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    fn entries(of: &[(Kind, &str)]) -> Vec<Entry> {
        let at = |number: usize| SystemTime::UNIX_EPOCH + Duration::from_millis(10 * number as u64);
        let entry = |(number, (kind, text)): (usize, &(Kind, &str))| Entry {
            number: number as u64,
            at: at(number),
            kind: *kind,
            text: (*text).to_owned(),
        };
        of.iter().enumerate().map(entry).collect()
    }

    fn why(of: &[(Kind, &str)]) -> Option<String> {
        let all = [of, &[(Kind::Start, "77 demon 1.2.3"), (Kind::Panic, "of this one")]].concat();
        cut_off(&entries(&all), 77, |process| process == 5).map(|(before, words)| {
            assert_eq!(before.len(), of.len(), "only what was before it");
            words
        })
    }

    #[test]
    fn how_the_performance_before_this_one_was_cut_off_is_told_and_an_end_in_order_is_none() {
        let start = (Kind::Start, "4 demon 1.2.3");
        assert_eq!(why(&[]), None, "there was none");
        assert_eq!(why(&[start, (Kind::End, "in order")]), None);
        assert_eq!(why(&[(Kind::Start, "5 demon 1.2.3"), (Kind::Act, "denoise = .5")]), None, "it still plays");
        assert_eq!(
            why(&[start, (Kind::Told, "playing")]).as_deref(),
            Some("the performance was cut off without a word: power, a kill, or memory that was exhausted")
        );
        let hung = [start, (Kind::Told, "does not move: ticks"), (Kind::Told, "last")];
        assert_eq!(
            why(&hung).as_deref(),
            Some("the performance was cut off while something hung, as a watchdog does: ticks")
        );
        let crashed = [start, (Kind::Panic, "ticks: index out of bounds (a.rs:1)")];
        assert_eq!(why(&crashed).as_deref(), Some("the performance crashed: ticks: index out of bounds (a.rs:1)"));
        assert_eq!(cut_off(&entries(&[start]), 77, |_| false), None, "nothing has begun");
    }

    #[test]
    fn a_report_is_bounded_and_keeps_what_came_last() {
        let long = "\u{7}".repeat(90);
        let mut all = vec![(Kind::Told, long.as_str()); 19_000];
        all.push((Kind::Act, "the very last"));
        let text = text("ticks: a\nb", &entries(&all), "demon 1.2.3");
        assert!((MOST_BYTES / 2..=MOST_BYTES).contains(&text.len()), "{}", text.len());
        let text = String::from_utf8(text).expect("text");
        assert!(text.starts_with("ticks: a b\n\ndemon 1.2.3\n") && text.trim_end().ends_with("the very last"));
    }

    #[test]
    fn the_newest_report_takes_the_place_of_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        for why in ["first", "second"] {
            keep(folder.path(), why, &[], "demon 1.2.3").expect("a disk");
        }
        let kept = std::fs::read_to_string(folder.path().join(FILE)).expect("it is there");
        assert!(kept.starts_with("second\n") && std::fs::read_dir(folder.path()).expect("a folder").count() == 1);
    }
}
