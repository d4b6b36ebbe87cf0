//! Names and sentences as a terminal may show them.
//!
//! A file may be called anything: a name with an escape sequence in it would move the cursor, ring the bell or rewrite the
//! line that tells of it. Control characters and marks that turn the direction of writing are shown as their numbers, bytes
//! that are no text as bytes. Nothing here opens a file.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A path, fit for a line.
pub struct Shown<'a>(&'a Path);

/// A path, fit for a line: `take\u{1b}[2J.wav` instead of an empty screen.
#[must_use]
pub fn shown<P: AsRef<Path> + ?Sized>(path: &P) -> Shown<'_> {
    Shown(path.as_ref())
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_os_str().as_bytes().utf8_chunks() {
            for character in chunk.valid().chars() {
                if steers(character) {
                    write!(f, "{}", character.escape_unicode())?;
                } else {
                    f.write_char(character)?;
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

/// A message of one or more lines with everything else that steers a terminal shown as its number.
#[must_use]
pub fn plain(words: &str) -> Cow<'_, str> {
    let odd = |character: char| character != '\n' && character != '\t' && steers(character);
    if !words.contains(odd) {
        return Cow::Borrowed(words);
    }
    let mut out = String::with_capacity(words.len() + 16);
    for character in words.chars() {
        if odd(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Control characters, and the marks that reorder or break a line.
fn steers(character: char) -> bool {
    let reorders = matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || reorders
}

#[cfg(test)]
mod tests {
    use super::{plain, shown};
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn no_name_steers_a_terminal_and_none_is_hidden() {
        let name = OsStr::from_bytes(b"a\x1b[2J\x07b\xe9\n.wav");
        assert_eq!(shown(name).to_string(), "a\\u{1b}[2J\\u{7}b\\xe9\\u{a}.wav");
        assert_eq!(shown("évening\u{202e}.wav").to_string(), "évening\\u{202e}.wav");
        assert_eq!(shown("/plain name.wav").to_string(), "/plain name.wav");
        assert_eq!(plain("a: b\n\tc"), "a: b\n\tc");
        assert_eq!(plain("a\x1b[2J\r\nb"), "a\\u{1b}[2J\\u{d}\nb");
    }
}
