//! What the recorder holds, as text for somebody who looks into a fault: bounded, dated, with the versions, and no sound in it.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use super::{Entry, Kind};

/// The last minutes before the newest entry.
pub const REACHES_BACK: Duration = Duration::from_secs(10 * 60);
/// Most lines of a report: gestures come by the hundred.
pub const LINES: usize = 20_000;

/// How the last performance ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastEnd {
    /// There was none.
    Never,
    /// In order, or it still plays.
    InOrder,
    /// It began and did not end: power, a kill, or a crash; with the words of a thread that crashed.
    Cut(Option<String>),
}

/// How the last performance that began ended, or that another crashed before it began.
#[must_use]
pub fn last_end(entries: &[Entry]) -> LastEnd {
    let last = entries.iter().rposition(|it| matches!(it.kind, Kind::Start | Kind::End));
    let crash = entries[last.unwrap_or(0)..].iter().rev().find(|it| it.kind == Kind::Panic).map(|it| it.text.clone());
    match last.map(|it| entries[it].kind) {
        _ if crash.is_some() => LastEnd::Cut(crash),
        None => LastEnd::Never,
        Some(Kind::End) => LastEnd::InOrder,
        Some(_) => LastEnd::Cut(None),
    }
}

/// Whether a process plays, by its name and its state as the kernel tells them: one that was killed and that nobody has waited for still has its
/// name; its state stands behind the name in brackets.
#[must_use]
pub fn is_alive(comm: &str, stat: &str) -> bool {
    comm == "demon" && !stat.rsplit(')').next().is_some_and(|it| it.trim_start().starts_with(['Z', 'X']))
}

/// Writes the report: `versions` first, then the entries of the last minutes, each with its seconds before the newest.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(entries: &[Entry], versions: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{versions}")?;
    let Some(newest) = entries.last().map(|it| it.at) else { return writeln!(out, "\nnothing was recorded") };
    let before = |it: &Entry| newest.duration_since(it.at).unwrap_or_default();
    let begin = entries.iter().position(|it| before(it) <= REACHES_BACK).unwrap_or(0);
    let begin = begin.max(entries.len().saturating_sub(LINES));
    let seconds = newest.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_secs());
    writeln!(out, "\nnewest entry: {seconds} s after 1970-01-01 UTC; {} before these\n", begin)?;
    for entry in &entries[begin..] {
        let text = crate::files::plain(&entry.text);
        writeln!(out, "{:>10.3} {:<8} {}", -before(entry).as_secs_f64(), entry.kind.word(), text.replace('\n', " "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64, seconds: u64, kind: Kind, text: &str) -> Entry {
        Entry { number, at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), kind, text: text.to_owned() }
    }

    #[test]
    fn the_end_of_the_last_performance_is_known() {
        let [start, end] = [entry(0, 1, Kind::Start, ""), entry(1, 2, Kind::End, "")];
        let panic = entry(2, 3, Kind::Panic, "tick: index out of bounds");
        assert_eq!(last_end(&[]), LastEnd::Never);
        assert_eq!(last_end(&[start.clone(), end.clone()]), LastEnd::InOrder);
        assert_eq!(last_end(&[start.clone(), end.clone(), start.clone()]), LastEnd::Cut(None));
        let cut = LastEnd::Cut(Some("tick: index out of bounds".to_owned()));
        assert_eq!(last_end(&[start.clone(), end.clone(), start.clone(), panic.clone()]), cut);
        assert_eq!(last_end(&[start.clone(), end.clone(), panic.clone()]), cut, "it crashed while it loaded");
        assert_eq!(last_end(&[start, panic, end]), LastEnd::InOrder, "a thread crashed, and it ended in order");
    }

    #[test]
    fn a_report_reaches_back_ten_minutes_and_steers_no_terminal() {
        let entries = [
            entry(0, 1_000, Kind::Act, "too old"),
            entry(1, 1_500, Kind::Act, "denoise = .5"),
            entry(2, 2_000, Kind::Told, "two\nlines \u{1b}[2J"),
        ];
        let mut out = Vec::new();
        write(&entries, "demon 1.2.3", &mut out).expect("a vector takes everything");
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "demon 1.2.3");
        assert_eq!(lines[2], "newest entry: 2000 s after 1970-01-01 UTC; 1 before these");
        assert_eq!(lines[4], "  -500.000 act      denoise = .5");
        assert!(lines[5].starts_with("    -0.000 told     two lines ") && !lines[5].contains('\u{1b}'), "{}", lines[5]);
        assert_eq!(lines.len(), 6);
    }
}
