//! Files that people write: read to the end, with every fault at once.
//!
//! A deriving reader stops at the first fault. This one walks the TOML document itself, notes each fault with its line, what
//! was found, what was expected and what may have been meant, and goes on: whoever mends a file by hand sees all of it, and
//! the box can start with what is sound. Unknown keys are faults: a misspelt one must not be silence. A file of a newer
//! format is not read at all, and says so in one fault (`format`).

#[cfg(test)]
pub(crate) mod documented;
mod fault;
mod format;
mod save;
mod slip;

use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

pub use fault::{Fault, lines};
pub use format::{Format, is_newer};
pub(crate) use save::{quoted, save};

/// Longest words for the model, in bytes; its own tokenizer cuts far earlier.
const LONGEST_WORDS: usize = 16_384;
/// How alike two names must be for one to be suggested for the other (Jaro-Winkler, 0 to 1): a slip of a letter or two.
const ALIKE: f64 = 0.82;

pub(crate) type Key<'t, 'i> = &'t Spanned<DeString<'i>>;
pub(crate) type Item<'t, 'i> = &'t Spanned<DeValue<'i>>;

/// Whether a name in a folder is one of a file that is meant to be read: `*.toml`, however it is written. What begins with a
/// point is a backup, a file that is being written, or what another system leaves beside each file (`._set.toml`).
#[must_use]
pub fn is_text_of_ours(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"))
}

/// Reads a text by `walk`, which sees the whole document; answers what was read, sound as far as it goes, and every fault
/// in the order of their lines. A document of a newer format is walked as if nothing stood in it, and that is its one fault.
pub(crate) fn read<T>(
    format: Format,
    text: &str,
    walk: impl FnOnce(&mut Reader<'_>, &DeTable<'_>) -> T,
) -> (T, Vec<Fault>) {
    let (text, slips) = slip::found(text);
    let text = text.as_ref();
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut document = document.into_inner();
    let mut reader = Reader { text, faults: Vec::new() };
    if document.remove(format::KEY).is_some_and(|item| !reader.reads(format, &item)) {
        let refused = std::mem::take(&mut reader.faults);
        return (walk(&mut reader, &DeTable::new()), refused);
    }
    reader.faults.extend(slips);
    for error in errors {
        let line = reader.line(error.span().map_or(0, |span| span.start));
        let found = one_line(error.message().lines().next().unwrap_or_default());
        reader.faults.push(Fault { line, found, expected: "TOML".to_owned(), ..Fault::default() });
    }
    let read = walk(&mut reader, &document);
    reader.faults.sort_by_key(|fault| fault.line);
    (read, reader.faults)
}

/// What is wrong with the `format` of a document that something else reads.
pub(crate) fn fault_of_format(format: Format, text: &str) -> Option<Fault> {
    read(format, text, |_, _| ()).1.into_iter().find(|fault| fault.key == format::KEY)
}

/// A walk over a document.
pub(crate) struct Reader<'i> {
    text: &'i str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    /// Faults noted so far.
    pub(crate) fn faults(&self) -> usize {
        self.faults.len()
    }

    /// Walks a table; what is none is a fault.
    pub(crate) fn table(
        &mut self,
        path: &str,
        item: Item<'_, '_>,
        mut each: impl FnMut(&mut Self, Key<'_, '_>, Item<'_, '_>),
    ) {
        match item.get_ref() {
            DeValue::Table(table) => table.iter().for_each(|(key, item)| each(self, key, item)),
            _ => self.fault(path, item, "a table"),
        }
    }

    /// Words in quotes.
    pub(crate) fn words(&mut self, path: &str, item: Item<'_, '_>) -> Option<String> {
        match item.get_ref().as_str() {
            Some(words) if words.len() <= LONGEST_WORDS => return Some(words.to_owned()),
            Some(words) => {
                self.note(path, item, format!("{} bytes", words.len()), &format!("at most {LONGEST_WORDS}"));
            }
            None => self.fault(path, item, "words in quotes"),
        }
        None
    }

    /// A whole number from `low` to `high`.
    pub(crate) fn whole(&mut self, path: &str, item: Item<'_, '_>, low: u32, high: u32) -> Option<u32> {
        let found = match item.get_ref() {
            DeValue::Integer(_) => number(item.get_ref()).filter(|n| (f64::from(low)..=f64::from(high)).contains(n)),
            _ => None,
        };
        if found.is_none() {
            self.fault(path, item, &format!("a whole number, {low} to {high}"));
        }
        found.map(|found| found as u32)
    }

    /// A number from `low` to `high`.
    pub(crate) fn number(&mut self, path: &str, item: Item<'_, '_>, low: f64, high: f64) -> Option<f64> {
        let found = number(item.get_ref()).filter(|found| (low..=high).contains(found));
        if found.is_none() {
            self.fault(path, item, &format!("{low} to {high}"));
        }
        found
    }

    /// Words that a type reads itself; its own complaint says what was expected.
    pub(crate) fn parsed<T>(&mut self, path: &str, item: Item<'_, '_>) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        match self.words(path, item)?.parse() {
            Ok(read) => Some(read),
            Err(error) => {
                self.fault(path, item, &one_line(&error.to_string()));
                None
            }
        }
    }

    /// An array, each item by `each`; those that are sound.
    pub(crate) fn list<T>(
        &mut self,
        path: &str,
        item: Item<'_, '_>,
        mut each: impl FnMut(&mut Self, &str, Item<'_, '_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(items) = item.get_ref().as_array() else {
            self.fault(path, item, "an array: [...] or [[...]]");
            return Vec::new();
        };
        let mut read = Vec::new();
        for (place, item) in items.iter().enumerate() {
            read.extend(each(self, &format!("{path} {}", place + 1), item));
        }
        read
    }

    /// `true`, which is all that may stand there.
    pub(crate) fn yes(&mut self, path: &str, item: Item<'_, '_>) -> bool {
        let yes = item.get_ref().as_bool() == Some(true);
        if !yes {
            self.fault(path, item, "true");
        }
        yes
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, path: &str, item: Item<'_, '_>) -> Option<bool> {
        let found = item.get_ref().as_bool();
        if found.is_none() {
            self.fault(path, item, "true or false");
        }
        found
    }

    /// One of `known`, by name.
    pub(crate) fn one_of<T: Copy>(&mut self, path: &str, item: Item<'_, '_>, known: &[(&str, T)]) -> Option<T> {
        let found = item.get_ref().as_str().and_then(|word| known.iter().find(|(name, _)| *name == word));
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.fault_of(path, item, &names.join(", "), names.iter().copied());
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// A key that is none of `known`. A document itself, whose path is empty, knows its format too.
    pub(crate) fn unknown(&mut self, path: &str, key: Key<'_, '_>, known: &[&str]) {
        let whole: &[&str] = if path.is_empty() { &[format::KEY] } else { &[] };
        let known = &[whole, known].concat()[..];
        let expected = match known {
            [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            _ => known.concat(),
        };
        self.unknown_of(path, key, &expected, known.iter().copied());
    }

    /// A key that is no `expected`, of which `known` are the names.
    pub(crate) fn unknown_of<'a>(
        &mut self,
        path: &str,
        key: Key<'_, '_>,
        expected: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let line = self.line(key.span().start);
        let suggestion = alike(key.get_ref(), known).map(str::to_owned);
        let key = one_line(&format!("{path}{}", key.get_ref()));
        self.faults.push(Fault {
            line,
            key,
            found: "an unknown key".to_owned(),
            expected: expected.to_owned(),
            suggestion,
            ..Fault::default()
        });
    }

    /// Words that are none of `known`.
    pub(crate) fn fault_of<'a>(
        &mut self,
        path: &str,
        item: Item<'_, '_>,
        expected: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        self.fault(path, item, expected);
        let suggestion = item.get_ref().as_str().and_then(|found| alike(found, known)).map(str::to_owned);
        if let Some(fault) = self.faults.last_mut() {
            fault.suggestion = suggestion;
        }
    }

    /// Something that does not go together, with what to do about it.
    pub(crate) fn advise(&mut self, path: &str, item: Item<'_, '_>, found: String, expected: &str, suggestion: &str) {
        self.note(path, item, found, expected);
        if let Some(fault) = self.faults.last_mut() {
            fault.suggestion = Some(suggestion.to_owned());
        }
    }

    /// Something else than what was expected stands there.
    pub(crate) fn fault(&mut self, path: &str, item: Item<'_, '_>, expected: &str) {
        // The player's own spelling, cut so that a fault stays a line.
        let written = self.text.get(item.span()).unwrap_or_default().lines().next().unwrap_or_default();
        let found = match written.char_indices().nth(40) {
            Some((end, _)) => format!("{}...", &written[..end]),
            None => written.to_owned(),
        };
        self.note(path, item, found, expected);
    }

    /// A fault in words.
    pub(crate) fn note(&mut self, path: &str, item: Item<'_, '_>, found: String, expected: &str) {
        let line = self.line(item.span().start);
        let (key, found) = (one_line(path), one_line(&found));
        self.faults.push(Fault { line, key, found, expected: expected.to_owned(), ..Fault::default() });
    }

    /// Something odd of which nothing is lost, in words.
    pub(crate) fn mended(&mut self, path: &str, item: Item<'_, '_>, found: String, expected: &str) {
        self.note(path, item, found, expected);
        if let Some(fault) = self.faults.last_mut() {
            fault.mended = true;
        }
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
    }
}

/// The known name that is most like a misspelt one, if any is.
pub(crate) fn alike<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &'a str| (strsim::jaro_winkler(found, name), name);
    let best = known.into_iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, name)| name)
}

/// A player's own words, fit for a line: a quoted key may hold anything.
fn one_line(words: &str) -> String {
    words
        .chars()
        .map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character })
        .collect()
}

/// A number of either kind, if it is finite.
pub(crate) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(|whole| whole as f64),
        DeValue::Float(digits) => digits.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}
