//! Slips of a hand or of an editor that make a line no TOML, and of which it is plain what was meant.
//!
//! `0,5` is a number where half the world writes one, and an editor for letters makes round quotes of straight ones. A TOML
//! reader's own words for both lead nowhere, and it goes on with half of the line: 0 for `0,5`. Here such a line is told with
//! what would be right, and left out whole. Lines inside longer texts are never looked at: only those that are no TOML.

use std::borrow::Cow;

use toml::de::DeTable;

use super::{Fault, one_line};

/// Round quotes, single and double, and those of other languages.
const ROUND: [char; 12] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»', '‹', '›'];

/// The text without the lines of slips, of the same length and with the same lines, and a fault for each.
pub(super) fn found(text: &str) -> (Cow<'_, str>, Vec<Fault>) {
    let errors = DeTable::parse_recoverable(text).1;
    let mut faults: Vec<Fault> = Vec::new();
    let mut sound = Cow::Borrowed(text);
    for error in &errors {
        let Some(at) = error.span().map(|span| span.start.min(text.len())) else { continue };
        let start = text.get(..at).and_then(|it| it.rfind('\n')).map_or(0, |it| it + 1);
        let end = text[start..].find('\n').map_or(text.len(), |it| start + it);
        let line = text[..start].matches('\n').count() + 1;
        if faults.iter().any(|fault| fault.line == line) {
            continue;
        }
        if let Some(fault) = slip(&text[start..end]) {
            faults.push(Fault { line, ..fault });
            sound.to_mut().replace_range(start..end, &" ".repeat(end - start));
        }
    }
    faults.sort_by_key(|fault| fault.line);
    (sound, faults)
}

/// What is meant by a line that is no TOML, if that is plain.
fn slip(line: &str) -> Option<Fault> {
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let plain = |it: char| it.is_ascii_alphanumeric() || "_-. \"'".contains(it);
    if key.is_empty() || !key.chars().all(|it| plain(it) || ROUND.contains(&it)) {
        return None;
    }
    let fault = |expected: &str, suggestion: String| {
        let (key, found) = (one_line(key), one_line(value));
        Fault { key, found, expected: expected.to_owned(), suggestion: Some(one_line(&suggestion)), ..Fault::default() }
    };
    let number = value.split('#').next().unwrap_or_default().trim();
    if let Some((whole, part)) = number.split_once(',') {
        let digits = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_digit());
        if digits(whole.trim_start_matches(['-', '+'])) && digits(part) {
            let meant = format!("{whole}.{part}");
            let fault = fault("a number with a point", meant);
            return Some(Fault { found: one_line(number), ..fault });
        }
    }
    if line.contains(ROUND) {
        let straight: String = value.chars().map(|it| if ROUND.contains(&it) { '"' } else { it }).collect();
        return Some(fault("straight quotes", straight));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::found;

    fn told(text: &str) -> Vec<String> {
        let (sound, faults) = found(text);
        assert_eq!((sound.len(), sound.matches('\n').count()), (text.len(), text.matches('\n').count()));
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_comma_in_a_number_and_round_quotes_are_told_with_what_was_meant() {
        let text =
            "[prompt]\na = “warm pads”\nb = \"it’s “fine”\"\n[values]\ndenoise = 0,5 # half\nshift = -1,25\nseed = 7\n";
        assert_eq!(
            told(text),
            [
                "2: a: found “warm pads”, expected straight quotes; try \"warm pads\"",
                "5: denoise: found 0,5, expected a number with a point; try 0.5",
                "6: shift: found -1,25, expected a number with a point; try -1.25",
            ]
        );
        assert!(found(text).0.ends_with("seed = 7\n"));
    }

    #[test]
    fn what_is_toml_is_left_alone_whatever_stands_in_it() {
        let text = "a = \"\"\"\nx = 0,5\ny = “z”\n\"\"\"\nb = [0,5]\n# c = 0,5\nd = \"0,5 “e”\"\n";
        assert_eq!(told(text), Vec::<String>::new());
        assert_eq!(told("a = = 3\n[[\n0,5\n= 0,5"), Vec::<String>::new());
    }
}
