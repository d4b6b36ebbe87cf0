//! Bytes to text, whatever an editor on whatever machine made of them.
//!
//! A text that a person wrote is UTF-8 nearly always, and else what it was is nearly always plain: UTF-16 says so itself, a
//! byte that is no UTF-8 is a letter of a western code page, a zero is what a broken copy left. All of it is read, and what
//! had to be guessed is told with its line, as a fault that stops nothing ([`Fault::mended`]). Nothing is refused here.

use std::path::Path;

use super::{Trouble, read_regular};
use crate::files::document::Fault;

/// Most lines that are told one by one; a text with more is another kind of file.
const MOST_TOLD: usize = 8;
/// Windows-1252 from 0x80 to 0x9f; zero where the code page has nothing. The rest of it is Latin-1, which is Unicode.
const WINDOWS_1252: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”', '•',
    '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// A text as it was meant, and what had to be guessed to read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// UTF-8, lines ended by line feeds, no character in it that ends a TOML reader's patience.
    pub text: String,
    /// What was guessed, each mended, in the order of the lines.
    pub faults: Vec<Fault>,
}

impl Text {
    /// The faults of these bytes and those of what they say, in the order of their lines. Of a text of a newer format, one
    /// fault is told and nothing else.
    #[must_use]
    pub fn with(mut self, others: Vec<Fault>) -> Vec<Fault> {
        if crate::files::document::is_newer(&others) {
            return others;
        }
        self.faults.extend(others);
        self.faults.sort_by_key(|fault| fault.line);
        self.faults
    }
}

/// Reads a text of at most `most` bytes.
///
/// # Errors
/// [`Trouble`]; what the bytes are is none.
pub fn read_text(path: &Path, most: u64) -> Result<Text, Trouble> {
    Ok(decode(&read_regular(path, most)?))
}

/// Reads bytes as text. The same for files, fuzz targets and tests.
#[must_use]
pub fn decode(bytes: &[u8]) -> Text {
    let mut reading = Reading::default();
    match bytes {
        [0xff, 0xfe, rest @ ..] => reading.wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => reading.wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => reading.bytes(rest),
        _ => reading.bytes(bytes),
    }
    reading.finish()
}

/// A kind of guess, with the lines on which it was made: the first of each, and how many further lines.
#[derive(Default)]
struct Told {
    faults: Vec<Fault>,
    last: usize,
    further: usize,
}

impl Told {
    /// One more; a line is told once.
    fn at(&mut self, line: usize, found: impl FnOnce() -> String, expected: &str) {
        if self.last == line {
            return;
        }
        self.last = line;
        if self.faults.len() == MOST_TOLD {
            self.further += 1;
        } else {
            let (found, expected) = (found(), expected.to_owned());
            self.faults.push(Fault { line, found, expected, mended: true, ..Fault::default() });
        }
    }

    fn finish(mut self) -> Vec<Fault> {
        if let Some(last) = self.faults.last_mut().filter(|_| self.further > 0) {
            last.found.push_str(&format!("; so on {} further lines", self.further));
        }
        self.faults
    }
}

struct Reading {
    out: String,
    line: usize,
    /// A carriage return was read, which is a line's end unless a line feed follows.
    returned: bool,
    encoding: Told,
    controls: Told,
    returns: Told,
}

impl Default for Reading {
    fn default() -> Self {
        let (encoding, controls, returns) = Default::default();
        Self { out: String::new(), line: 1, returned: false, encoding, controls, returns }
    }
}

impl Reading {
    fn bytes(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len());
        for chunk in bytes.utf8_chunks() {
            chunk.valid().chars().for_each(|it| self.take(it));
            for &byte in chunk.invalid() {
                self.foreign(byte);
            }
        }
    }

    /// A byte that is no UTF-8.
    fn foreign(&mut self, byte: u8) {
        self.end_return();
        let meant = match byte {
            0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
            _ => char::from(byte),
        };
        if meant == '\0' {
            self.encoding.at(self.line, || format!("byte 0x{byte:02X}, which is no letter, was left out"), "UTF-8");
        } else {
            self.encoding.at(self.line, || format!("byte 0x{byte:02X} was taken for {meant}"), "UTF-8");
            self.out.push(meant);
        }
    }

    fn wide(&mut self, bytes: &[u8], unit: fn([u8; 2]) -> u16) {
        self.encoding.at(1, || "UTF-16 was read as such".to_owned(), "UTF-8");
        let (pairs, odd) = bytes.as_chunks::<2>();
        for read in char::decode_utf16(pairs.iter().map(|it| unit(*it))) {
            match read {
                Ok(character) => self.take(character),
                Err(half) => {
                    let unit = half.unpaired_surrogate();
                    self.encoding.at(self.line, || format!("half a character, 0x{unit:04X}, was left out"), "UTF-8");
                }
            }
        }
        if !odd.is_empty() {
            self.encoding.at(self.line, || "half a character at the end was left out".to_owned(), "UTF-8");
        }
    }

    fn take(&mut self, character: char) {
        if character == '\r' {
            self.end_return();
            self.returned = true;
            return;
        }
        if character == '\n' {
            // With the carriage return before it, if there is one.
            self.returned = false;
            self.new_line();
            return;
        }
        self.end_return();
        match character {
            '\t' | ' '..='~' => self.out.push(character),
            '\0' => self.controls.at(self.line, || "a zero byte was left out".to_owned(), "text"),
            '\u{1}'..='\u{1f}' | '\u{7f}' => {
                let number = u32::from(character);
                self.controls.at(self.line, || format!("control character 0x{number:02X} was left out"), "text");
            }
            _ => self.out.push(character),
        }
    }

    /// A carriage return with no line feed behind it ends a line, as it did on old machines.
    fn end_return(&mut self) {
        if std::mem::take(&mut self.returned) {
            self.returns.at(self.line, || "a line ended by a carriage return alone".to_owned(), "a line feed");
            self.new_line();
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.line += 1;
    }

    fn finish(mut self) -> Text {
        self.end_return();
        let mut faults = self.encoding.finish();
        faults.extend(self.controls.finish());
        faults.extend(self.returns.finish());
        faults.sort_by_key(|fault| fault.line);
        Text { text: self.out, faults }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_TOLD, decode};
    use proptest::prelude::*;

    fn told(bytes: &[u8]) -> (String, Vec<String>) {
        let read = decode(bytes);
        assert!(read.faults.iter().all(|it| it.mended));
        (read.text, read.faults.iter().map(ToString::to_string).collect())
    }

    fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn what_is_utf8_is_read_as_it_is() {
        let text = "a = \"é“𝄞\"\r\n\tb\n\nc";
        assert_eq!(told(text.as_bytes()), (text.replace('\r', ""), vec![]));
        assert_eq!(told(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), (text.replace('\r', ""), vec![]));
        assert_eq!(told(b""), (String::new(), vec![]));
    }

    #[test]
    fn a_letter_of_a_code_page_is_that_letter_and_told_with_its_line() {
        let (text, faults) = told(b"[prompt]\na = \"caf\xe9 \x93x\x94\"\nb = \"\x81\xfc\"\n");
        assert_eq!(text, "[prompt]\na = \"café “x”\"\nb = \"ü\"\n");
        assert_eq!(
            faults,
            [
                "2: byte 0xE9 was taken for é (expected UTF-8)",
                "3: byte 0x81, which is no letter, was left out (expected UTF-8)",
            ]
        );
        // Half of a character of three bytes.
        assert_eq!(told(b"a\xe2\x82b").0, "aâ‚b");
    }

    #[test]
    fn utf16_is_read_by_its_mark() {
        let text = "a = \"é𝄞\"\r\nb";
        for bytes in
            [wide(&format!("\u{feff}{text}"), u16::to_le_bytes), wide(&format!("\u{feff}{text}"), u16::to_be_bytes)]
        {
            let expected = vec!["1: UTF-16 was read as such (expected UTF-8)".to_owned()];
            assert_eq!(told(&bytes), (text.replace('\r', ""), expected));
        }
        let mut broken = wide("\u{feff}a\nb", u16::to_le_bytes);
        broken.extend([0x00, 0xd8, 0x63, 0x00, 0x64]);
        let (text, faults) = told(&broken);
        assert_eq!((text.as_str(), faults.len()), ("a\nbc", 2), "{faults:?}");
        assert!(faults[1].starts_with("2: half a character, 0xD800, was left out"), "{faults:?}");
    }

    #[test]
    fn zeros_are_left_out_and_lone_carriage_returns_end_lines() {
        let (text, faults) = told(b"a\0\0 = 1\nb\x1b = 2\n");
        assert_eq!(text, "a = 1\nb = 2\n");
        let zero = "1: a zero byte was left out (expected text)";
        assert_eq!(faults, [zero, "2: control character 0x1B was left out (expected text)"]);
        let (text, faults) = told(b"a = 1\rb = 2\r\rc = 3\r\nd = 4\r");
        assert_eq!(text, "a = 1\nb = 2\n\nc = 3\nd = 4\n");
        assert_eq!(faults[0], "1: a line ended by a carriage return alone (expected a line feed)");
        assert_eq!(faults.len(), 4, "{faults:?}");
    }

    #[test]
    fn a_file_of_another_kind_is_told_in_a_few_lines() {
        let (_, faults) = told(&b"\xff\0\r\n".repeat(5000));
        assert_eq!(faults.len(), 2 * MOST_TOLD, "{faults:?}");
        assert!(faults.iter().filter(|it| it.contains("so on 4992 further lines")).count() == 2, "{faults:?}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_text_and_every_fault_has_a_line_of_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let read = decode(&bytes);
            let lines = read.text.matches('\n').count() + 1;
            prop_assert!(read.faults.iter().all(|it| (1..=lines).contains(&it.line) && !it.to_string().contains('\n')));
            prop_assert!(!read.text.contains(|it: char| it.is_ascii_control() && it != '\n' && it != '\t'));
            let again = decode(read.text.as_bytes());
            let marked = read.text.starts_with('\u{feff}');
            prop_assert!(again.faults.is_empty() || marked);
        }
    }
}
