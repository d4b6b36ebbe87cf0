//! Files that came in the place of a model's: said as what they are, instead of as a broken file of the kind that was meant.
//!
//! Downloads leave small texts behind: the pointer that Git LFS keeps in a repository, the web page of a login or of an error,
//! an error in words. Reads bytes that somebody else has read; opens nothing.

use std::borrow::Cow;

/// Begins every pointer file of Git LFS (its specification, version 1).
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";
/// Most bytes of a text that a message repeats.
const QUOTED: usize = 40;
/// Bytes that are looked at for the beginning of a web page.
const LOOKED_AT: usize = 512;

/// What a file is that cannot be what was meant, in words; `None` where it may be that, or broken.
#[must_use]
pub fn mistaken(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some("an empty file".to_owned());
    }
    if bytes.starts_with(LFS) {
        let size = bytes.split(|it| *it == b'\n').find_map(|line| line.strip_prefix(b"size "));
        let size = size.map_or_else(String::new, |it| format!(" to {} bytes", String::from_utf8_lossy(it).trim()));
        return Some(format!("a Git LFS pointer{size}, not the file itself: fetch it with `git lfs pull`"));
    }
    let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]).to_lowercase();
    let beginning = beginning.trim_start_matches('\u{feff}').trim_start();
    if beginning.starts_with("<!doctype html") || beginning.starts_with("<html") || beginning.starts_with("<?xml") {
        return Some("a web page, not the file itself: the download has failed".to_owned());
    }
    None
}

/// As [`mistaken`], of a file that holds numbers: a text in its place is said too.
#[must_use]
pub fn mistaken_binary(bytes: &[u8]) -> Option<String> {
    if let Some(words) = mistaken(bytes) {
        return Some(words);
    }
    let beginning = &bytes[..bytes.len().min(QUOTED)];
    let is_text =
        8 <= beginning.len() && beginning.iter().all(|it| (b' '..=b'~').contains(it) || b"\r\n\t".contains(it));
    let quoted = || String::from_utf8_lossy(beginning).split(['\r', '\n']).next().unwrap_or_default().to_owned();
    is_text.then(|| format!("a text, not numbers; it begins with `{}`", quoted()))
}

/// A JSON text as a strict reader takes it: without a mark of byte order, UTF-16 decoded by its mark, and the words `NaN`,
/// `Infinity` and `-Infinity`, which other writers use and JSON has not, as words in quotes: whoever reads such a key says
/// what stands there, and nobody else minds.
#[must_use]
pub fn tolerant_json(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|it| unit([it[0], it[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    };
    let (mut out, mut rest) = (String::with_capacity(text.len()), &*text);
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|it| rest.starts_with(it));
        let taken = match word {
            Some(word) => {
                out.extend(["\"", word, "\""]);
                rest = &rest[word.len()..];
                continue;
            }
            None if rest.starts_with('"') => end_of_string(rest),
            None => 1,
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// Bytes of the string at the beginning, its quotes included; all of a text in which it does not end.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{mistaken, mistaken_binary, tolerant_json};

    #[test]
    fn what_downloads_leave_behind_is_said_as_what_it_is() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4793131672\n";
        assert!(mistaken(pointer).expect("a pointer").starts_with("a Git LFS pointer to 4793131672 bytes"));
        for page in ["<!DOCTYPE html><html>", "\u{feff}  <HTML lang=\"en\">", "<?xml version='1.0'?><Error>"] {
            assert!(mistaken(page.as_bytes()).expect("a page").starts_with("a web page"), "{page}");
        }
        assert_eq!(mistaken(b""), Some("an empty file".to_owned()));
        let words = mistaken_binary(b"Entry not found\n").expect("words");
        assert_eq!(words, "a text, not numbers; it begins with `Entry not found`");
        assert_eq!(mistaken_binary(b"\x40\0\0\0\0\0\0\0{\"a\":"), None);
        assert_eq!(mistaken(b"{\"a\": 1}"), None);
    }

    #[test]
    fn json_of_other_writers_is_read_as_they_meant_it() {
        let text = r#"{"a": NaN, "b": [-Infinity, Infinity, -1], "NaN": "say \"NaN\" -Infinity"}"#;
        let expected = r#"{"a": "NaN", "b": ["-Infinity", "Infinity", -1], "NaN": "say \"NaN\" -Infinity"}"#;
        assert_eq!(tolerant_json(text.as_bytes()), expected);
        assert_eq!(tolerant_json(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), expected);
        let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(tolerant_json(&wide), expected);
        assert_eq!(tolerant_json(b"{\"a\": \"no end NaN"), "{\"a\": \"no end NaN");
    }
}
