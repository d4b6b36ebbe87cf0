//! What a model says of the instrument that plays it: `instrument.toml` in its folder.
//!
//! ```toml
//! format = 2                            # of this file; 1 where it is left out
//! vocabulary = ["house", "night drive"] # words that it knows, for who picks words on the box
//!
//! [travel]                              # how far the knobs of the channel gains go, from 0
//! ch_g0 = 3.0                           # the top, up to 3
//! ch_g2 = { top = 3.0, reversed = false }
//! ```
//!
//! What is not named is as published. Without the file everything is. Every fault is told with its line, and the rest is used.

use std::path::Path;
use std::sync::Arc;

use engine::param::ParamId;
use toml::de::DeValue;

use crate::control::binding::{Ends, Travels};
use crate::files::document::{self, Fault, Format, Item, Key, Reader, lines};
use crate::files::{FileError, Trouble, read_text};

/// The file's name in a model's folder.
pub const FILE: &str = "instrument.toml";
/// Greatest file in bytes: a hundred times the longest that hands write.
const LARGEST_BYTES: u64 = 1 << 20;
/// Lowest top: a knob that reaches less would hardly move.
const LOWEST_TOP: f64 = 0.1;

/// Words of a vocabulary at most, and letters of one.
const MOST_WORDS: usize = 200;
const MOST_LETTERS: usize = 40;
/// Words for a model that says none: styles, moods and instruments that any model of music was told.
const USUAL: [&str; 48] = [
    "house",
    "techno",
    "ambient",
    "hip hop",
    "drum and bass",
    "dub",
    "rock",
    "metal",
    "punk",
    "funk",
    "soul",
    "jazz",
    "blues",
    "folk",
    "country",
    "reggae",
    "pop",
    "classical",
    "cinematic",
    "electronic",
    "lo-fi",
    "warm",
    "dark",
    "bright",
    "calm",
    "dreamy",
    "energetic",
    "driving",
    "heavy",
    "sad",
    "happy",
    "slow",
    "fast",
    "instrumental",
    "male vocals",
    "female vocals",
    "choir",
    "drums",
    "bass",
    "piano",
    "electric guitar",
    "acoustic guitar",
    "strings",
    "brass",
    "synth pad",
    "organ",
    "flute",
    "saxophone",
];

/// What a model says.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettings {
    /// How far knobs go.
    pub travels: Travels,
    /// Words that it knows, in the order in which they are offered.
    pub vocabulary: Arc<[String]>,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self { travels: Travels::default(), vocabulary: USUAL.iter().map(|it| (*it).to_owned()).collect() }
    }
}

impl ModelSettings {
    /// What a model's folder says; with it, what is wrong, in lines for the player.
    #[must_use]
    pub fn open(model: &Path) -> (Self, Option<String>) {
        let (instrument, told, _) = Self::open_strict(model);
        (instrument, told)
    }

    /// As [`Self::open`], and whether something of the file was lost.
    #[must_use]
    pub fn open_strict(model: &Path) -> (Self, Option<String>, bool) {
        let path = model.join(FILE);
        match read_text(&path, LARGEST_BYTES) {
            Ok(text) => {
                let (instrument, faults) = Self::parse(&text.text);
                let faults = text.with(faults);
                let lost = faults.iter().any(|it| !it.mended);
                (instrument, (!faults.is_empty()).then(|| lines(&path, &faults)), lost)
            }
            Err(Trouble::Missing) => (Self::default(), None, false),
            Err(trouble) => {
                let error = FileError::reading(&path)(trouble);
                (Self::default(), Some(format!("{error}; playing as published")), true)
            }
        }
    }

    /// Reads the text as far as it is sound, and everything that is wrong with it.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<Fault>) {
        document::read(Format::Instrument, text, |reader, document| {
            let mut instrument = Self::default();
            for (key, item) in document {
                match key.get_ref().as_ref() {
                    "travel" => reader.table("travel", item, |reader, key, item| {
                        travel(reader, key, item, &mut instrument.travels);
                    }),
                    "vocabulary" => instrument.vocabulary = vocabulary(reader, item),
                    _ => reader.unknown("", key, &["travel", "vocabulary"]),
                }
            }
            instrument
        })
    }
}

fn vocabulary(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Arc<[String]> {
    let mut words = reader.list("vocabulary", item, |reader, path, item| {
        let word = reader.words(path, item)?;
        let is_word = |it: &str| it.trim() == it && !it.contains(',') && !it.contains(char::is_control);
        if (1..=MOST_LETTERS).contains(&word.chars().count()) && is_word(&word) {
            return Some(word);
        }
        reader.fault(path, item, &format!("a word of 1 to {MOST_LETTERS} letters without a comma"));
        None
    });
    if MOST_WORDS < words.len() {
        reader.note("vocabulary", item, format!("{} words", words.len()), &format!("at most {MOST_WORDS}"));
        words.truncate(MOST_WORDS);
    }
    words.into()
}

fn travel(reader: &mut Reader<'_>, key: Key<'_, '_>, item: Item<'_, '_>, travels: &mut Travels) {
    let id = ParamId::from_name(key.get_ref()).filter(|id| travels.of(*id).is_some());
    let Some((id, mut ends)) = id.and_then(|id| Some((id, travels.of(id)?))) else {
        let names = Travels::names().map(|id| id.row().name);
        return reader.unknown_of("travel.", key, "a channel gain of `demon params`", names);
    };
    let path = format!("travel.{}", key.get_ref());
    let high = id.row().high;
    if !matches!(item.get_ref(), DeValue::Table(_)) {
        // A bare top: the direction stays as published.
        if let Some(top) = reader.number(&path, item, LOWEST_TOP, high) {
            travels.set(id, Ends { top, ..ends });
        }
        return;
    }
    reader.table(&path.clone(), item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "top" => ends.top = reader.number(&path, item, LOWEST_TOP, high).unwrap_or(ends.top),
            "reversed" => ends.reversed = reader.boolean(&path, item).unwrap_or(ends.reversed),
            _ => reader.unknown(&format!("travel.{}.", id.row().name), key, &["top", "reversed"]),
        }
    });
    travels.set(id, ends);
}

#[cfg(test)]
mod tests {
    use super::{FILE, ModelSettings};
    use crate::control::binding::{Ends, Travels};
    use engine::param::ParamId;

    #[test]
    fn what_a_model_names_is_its_own_and_the_rest_as_published() {
        let text =
            "[travel]\nch_g0 = 3\nch_g2 = 3.0\nch13 = { top = 1.5, reversed = false }\nch-g7 = { reversed = false }\n";
        let (found, faults) = ModelSettings::parse(text);
        assert_eq!(faults.len(), 0, "{faults:?}");
        let mut travels = Travels::default();
        travels.set(ParamId::ChG0, Ends { top: 3.0, reversed: false });
        travels.set(ParamId::ChG2, Ends { top: 3.0, reversed: true });
        travels.set(ParamId::Ch13, Ends { top: 1.5, reversed: false });
        travels.set(ParamId::ChG7, Ends { top: 2.0, reversed: false });
        assert_eq!(found.travels, travels);
    }

    #[test]
    fn every_fault_is_told_with_its_line_and_the_rest_is_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[travel]\nch_g0 = 2.75\nch_g9 = 2\nch_g1 = 3.5\ndenoise = 1\nch14 = { top = \"high\", revered = true }\n[knobs]\n";
        std::fs::write(folder.path().join(FILE), text).expect("a disk");
        let (found, told) = ModelSettings::open(folder.path());
        let told = told.expect("there are faults");
        let expected = [
            ":3: travel.ch_g9",
            ":4: travel.ch_g1: found 3.5, expected 0.1 to 3",
            ":5: travel.denoise",
            ":6: travel.ch14.top",
            ":6: travel.ch14.revered",
            ":7: knobs",
        ];
        assert_eq!(told.lines().count(), expected.len(), "{told}");
        expected.iter().for_each(|words| assert!(told.contains(words), "{words} is not in\n{told}"));
        assert_eq!(found.travels.of(ParamId::ChG0).map(|it| it.top), Some(2.75));
        assert_eq!(found.travels.of(ParamId::ChG1).map(|it| it.top), Some(2.0));
    }

    #[test]
    fn a_models_words_are_its_own_in_their_order_and_what_is_no_word_is_told() {
        let text = "vocabulary = [\"night drive\", \"a, b\", \"\", 3, \" x\", \"house\"]\n";
        let (found, faults) = ModelSettings::parse(text);
        assert_eq!((*found.vocabulary).join("|"), "night drive|house");
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(ModelSettings::default().vocabulary.contains(&"choir".to_owned()), "usual words where it says none");
        let many = format!("vocabulary = [{}]\n", (0..201).map(|it| format!("\"w{it}\",")).collect::<String>());
        let (found, faults) = ModelSettings::parse(&many);
        assert_eq!((found.vocabulary.len(), faults.len()), (200, 1), "{faults:?}");
    }

    #[test]
    fn a_folder_without_the_file_is_as_published() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(ModelSettings::open(folder.path()), (ModelSettings::default(), None));
    }

    #[test]
    fn what_the_built_in_model_says_is_sound() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/house");
        assert_eq!(ModelSettings::open(&folder).1, None);
    }
}
