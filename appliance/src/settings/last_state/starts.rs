//! Starts that have not ended in order, by which a crash loop is known: a state that brings the instrument down must not come back for ever.
//!
//! A file in the state folder has the time of each such start, in milliseconds of the system's clock; an end in order takes the file away. Where it cannot
//! be written, no loop is known.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::files::{append, read_text};

/// So many starts that did not end in order, within [`WITHIN`], are a crash loop.
pub const CRASHES: usize = 3;
/// Of this time.
pub const WITHIN: Duration = Duration::from_secs(60);
/// The file's name in the state folder.
const FILE: &str = "starts";
/// Greatest file in bytes: a few times.
const LARGEST_BYTES: u64 = 4096;

/// The starts of a state folder, of which the last is this one.
#[derive(Debug)]
pub struct Starts(PathBuf);

impl Starts {
    /// Notes a start at `now`; answers as well whether the starts before it were a crash loop. Then they are forgotten, and the next ones count
    /// anew.
    #[must_use]
    pub fn begin(folder: &Path, now: SystemTime) -> (Self, bool) {
        let (path, now) = (folder.join(FILE), millis(now));
        let told = read_text(&path, LARGEST_BYTES).map(|it| it.text).unwrap_or_default();
        // A time to come is of a clock that was set back.
        let recent = |it: &u64| now.checked_sub(*it).is_some_and(|it| it <= WITHIN.as_millis() as u64);
        let times: Vec<u64> = told.lines().filter_map(|it| it.trim().parse().ok()).filter(recent).collect();
        let is_loop = CRASHES <= times.len();
        let left = if is_loop { &[] } else { times.as_slice() };
        if left.len() != told.lines().count() || told.is_empty() {
            let _ = std::fs::remove_file(&path);
            let _ = note(&path, left);
        }
        // Not waited for until it is on the disk: a start is not to last longer for it, and a loss of power is no crash of ours.
        let _ = note(&path, &[now]);
        (Self(path), is_loop)
    }
}

impl Starts {
    /// This one did not end in order: it counts.
    pub fn count(self) {
        std::mem::forget(self);
    }
}

/// An end in order: none of its starts counts. A thread that panics is none.
impl Drop for Starts {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

fn note(path: &Path, times: &[u64]) -> std::io::Result<()> {
    let text: String = times.iter().map(|it| format!("{it}\n")).collect();
    append(path).map_err(|it| std::io::Error::from(it.trouble))?.write_all(text.as_bytes())
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::Starts;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    /// A start that is killed; answers whether those before it were a loop.
    fn crashes(folder: &Path, seconds: u64) -> bool {
        let (starts, is_loop) = Starts::begin(folder, at(seconds));
        std::mem::forget(starts);
        is_loop
    }

    #[test]
    fn three_crashes_within_a_minute_are_a_loop_and_the_next_ones_count_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let starts = [0, 10, 20, 30, 40, 50, 60].map(|it| crashes(folder.path(), it));
        assert_eq!(starts, [false, false, false, true, false, false, true]);
    }

    #[test]
    fn an_end_in_order_between_crashes_that_lie_apart_and_a_clock_that_was_set_back_are_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let crash = |it| crashes(folder.path(), it);
        assert!(!crash(0) && !crash(10));
        drop(Starts::begin(folder.path(), at(20)));
        assert!(!crash(30) && !crash(40));
        assert!([80, 101, 130, 170].into_iter().all(|it| !crash(it)), "never three within a minute");
        assert!([10, 20, 30].into_iter().all(|it| !crash(it)), "of a clock that was set back none counts");
        std::fs::write(folder.path().join("starts"), [0xff; 999]).expect("a disk");
        assert!(!crash(200), "and rubbish counts for nothing");
        let panicked = std::thread::scope(|scope| {
            let starts = || {
                let _starts = Starts::begin(folder.path(), at(201));
                panic!("as the test asked");
            };
            scope.spawn(starts).join().is_err()
        });
        let told = std::fs::read_to_string(folder.path().join("starts")).expect("it is there");
        assert!(panicked && told.lines().count() == 2, "a panic is no end in order: {told}");
    }
}
