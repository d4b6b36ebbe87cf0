//! What the box makes of files: one line a file, with tabs between its parts. `tools/files-check/run` holds it against what
//! other programs say.
//!
//! A recording is `file, frames, rate, channels, words`; a MIDI file `file, messages, seconds, words`. A file that is refused
//! has `-` in place of numbers. Words are everything that a player would be told, joined by `; `. A first argument that is a number
//! is the longest part of a recording that is read, in seconds.

use std::path::Path;

use appliance::recording::{Notice, load_source};
use hal::midi::Score;

/// Longer than any file that is checked, in seconds.
const LONGEST_S: f64 = 4000.0;

fn main() {
    let mut out = String::new();
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    let longest_s = names.first().and_then(|it| it.parse().ok());
    if longest_s.is_some() {
        names.remove(0);
    }
    for name in names {
        out += &if name.ends_with(".mid") { score(&name) } else { recording(&name, longest_s.unwrap_or(LONGEST_S)) };
        out.push('\n');
    }
    std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes()).expect("standard output is open");
}

fn recording(name: &str, longest_s: f64) -> String {
    match load_source(Path::new(name), longest_s, &mut |_| {}) {
        Ok(source) => {
            // What is done to every loop that does not fit is no word about the file.
            let usual = |it: &&Notice| !matches!(it, Notice::Fitted { .. } | Notice::SeamBent);
            let words: Vec<String> = source.notices.iter().filter(usual).map(ToString::to_string).collect();
            let it = &source.origin;
            format!("{name}\t{}\t{}\t{}\t{}", it.frames, it.rate_hz, it.channels, words.join("; "))
        }
        Err(error) => format!("{name}\t-\t-\t-\t{}", error.fault),
    }
}

fn score(name: &str) -> String {
    let bytes = std::fs::read(name).expect("a file that can be read");
    match Score::read(&bytes) {
        Ok(score) => {
            let words: Vec<String> = score.notices().iter().map(ToString::to_string).collect();
            format!("{name}\t{}\t{:.3}\t{}", score.messages().len(), score.length().as_secs_f64(), words.join("; "))
        }
        Err(fault) => format!("{name}\t-\t-\t{fault}"),
    }
}
