//! Text to patch: a walk over the document that notes every fault and goes on.

use std::path::PathBuf;

use engine::param::{Breakpoints, ParamId, SCENES, Taper, Values};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{Fault, Patch, Prompt};
use crate::binding::{Deed, Encoding, Entry, Map, On, Takeover, Target};

/// Longest words for the model, in bytes; its own tokenizer cuts far earlier.
const LONGEST_WORDS: usize = 16_384;

type Key<'t, 'i> = &'t Spanned<DeString<'i>>;
type Item<'t, 'i> = &'t Spanned<DeValue<'i>>;

/// Reads a patch, or says everything that is wrong with it.
pub(super) fn read(text: &str) -> Result<Patch, Vec<Fault>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { text, faults: Vec::new() };
    for error in errors {
        let line = reader.line(error.span().map_or(0, |span| span.start));
        let found = one_line(error.message().lines().next().unwrap_or_default());
        reader.faults.push(Fault { line, key: String::new(), found, expected: "TOML".to_owned() });
    }
    let patch = reader.patch(document.get_ref());
    if reader.faults.is_empty() {
        return Ok(patch);
    }
    reader.faults.sort_by_key(|fault| fault.line);
    Err(reader.faults)
}

struct Reader<'i> {
    text: &'i str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn patch(&mut self, document: &DeTable<'_>) -> Patch {
        let mut patch = Patch::default();
        let mut own = Vec::new();
        for (key, item) in document {
            match key.get_ref().as_ref() {
                "source" => patch.source = self.words("source", item).map(PathBuf::from),
                "prompt" => self.table("prompt", item, |reader, key, item| reader.prompt(&mut patch.prompt, key, item)),
                "values" => self.values("values", item, &mut patch.values),
                "curves" => self.table("curves", item, |reader, key, item| reader.curve(&mut patch.curves, key, item)),
                "scenes" => self.table("scenes", item, |reader, key, item| reader.scene(&mut patch.scenes, key, item)),
                "map" => self.map(&mut own, item),
                _ => self.unknown("", key, "source, prompt, values, curves, scenes or map"),
            }
        }
        patch.map = Map::with(own);
        patch
    }

    fn prompt(&mut self, prompt: &mut Prompt, key: Key<'_, '_>, item: Item<'_, '_>) {
        let path = format!("prompt.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "a" => prompt.a = self.words(&path, item).unwrap_or_default(),
            "b" => prompt.b = self.words(&path, item).unwrap_or_default(),
            "lyrics" => prompt.lyrics = self.words(&path, item).unwrap_or_default(),
            "bpm" => prompt.bpm = self.whole(&path, item, 30, 300).map(|bpm| bpm as u16),
            "key" => match self.words(&path, item) {
                Some(key) if key.len() <= 32 && !key.contains(char::is_control) => prompt.key = Some(key),
                Some(_) => self.fault(&path, item, "a key as in \"A minor\""),
                None => {}
            },
            "time_signature" => match self.whole(&path, item, 2, 6) {
                Some(5) => self.fault(&path, item, "2, 3, 4 or 6"),
                beats => prompt.time_signature = beats.map(|beats| beats as u8),
            },
            _ => self.unknown("prompt.", key, "a, b, lyrics, bpm, key or time_signature"),
        }
    }

    fn values(&mut self, path: &str, item: Item<'_, '_>, values: &mut Values) {
        self.table(path, item, |reader, key, item| {
            let Some(id) = ParamId::from_name(key.get_ref()) else {
                return reader.unknown(&format!("{path}."), key, "a parameter of `demon params`");
            };
            let path = format!("{path}.{}", key.get_ref());
            let row = id.row();
            let expected = match row.taper {
                Taper::Choice(labels) => labels.join(", "),
                Taper::Toggle => "true or false".to_owned(),
                Taper::Whole => format!("a whole number, {} to {}", row.low, row.high),
                Taper::Linear | Taper::Log => format!("{} to {}", row.low, row.high),
            };
            let value = match (item.get_ref(), row.taper) {
                (DeValue::String(label), Taper::Choice(_)) => row.labelled(label),
                (DeValue::Boolean(on), Taper::Toggle) => Some(f64::from(u8::from(*on))),
                (_, Taper::Choice(_) | Taper::Toggle) => None,
                (value, _) => number(value).filter(|value| (row.low..=row.high).contains(value)),
            };
            match value.filter(|value| row.nearest(*value) == *value) {
                Some(value) => {
                    values.set(id, value);
                }
                None => reader.fault(&path, item, &expected),
            }
        });
    }

    fn curve(&mut self, curves: &mut Vec<(ParamId, Breakpoints)>, key: Key<'_, '_>, item: Item<'_, '_>) {
        let Some(id) = ParamId::from_name(key.get_ref()) else {
            return self.unknown("curves.", key, "a parameter of `demon params` marked ~");
        };
        let path = format!("curves.{}", key.get_ref());
        let points: Option<Vec<[f64; 2]>> = item.get_ref().as_array().and_then(|points| {
            let point = |point: &Spanned<DeValue<'_>>| match point.get_ref().as_array()?.as_ref() {
                [time, value] => Some([number(time.get_ref())?, number(value.get_ref())?]),
                _ => None,
            };
            points.iter().map(point).collect()
        });
        match points.map(|points| Breakpoints::new(id, &points)) {
            Some(Ok(curve)) => curves.push((id, curve)),
            Some(Err(fault)) => self.note(&path, item, fault.to_string(), "a curve that can be played"),
            None => self.fault(&path, item, "points as in [[0.0, 0.2], [1.0, 0.8]]"),
        }
    }

    fn scene(&mut self, scenes: &mut [Option<Values>; SCENES], key: Key<'_, '_>, item: Item<'_, '_>) {
        let place = key.get_ref().parse().ok().filter(|place| (1..=SCENES).contains(place));
        let Some(place) = place else { return self.unknown("scenes.", key, "1 to 9") };
        let mut values = Values::default();
        self.values(&format!("scenes.{place}"), item, &mut values);
        scenes[place - 1] = Some(values);
    }

    fn map(&mut self, own: &mut Vec<Entry>, item: Item<'_, '_>) {
        let Some(entries) = item.get_ref().as_array() else {
            return self.fault("map", item, "entries under [[map]]");
        };
        for (place, entry) in entries.iter().enumerate() {
            let path = format!("map {}", place + 1);
            let faults = self.faults.len();
            let mut draft = Draft::default();
            self.table(&path, entry, |reader, key, item| reader.entry(&path, &mut draft, key, item));
            match draft {
                _ if self.faults.len() > faults => {}
                Draft { on: Some(on), target: Some(target), .. } => {
                    let Draft { channel, encoding, takeover, .. } = draft;
                    own.push(Entry { on, channel, target, encoding, takeover });
                }
                Draft { on: None, .. } => {
                    self.note(&path, entry, "no control".to_owned(), "cc, note, nrpn, bend, pressure or program");
                }
                Draft { .. } => self.note(&path, entry, "no `to`".to_owned(), "a parameter or a deed"),
            }
        }
    }

    fn entry(&mut self, path: &str, draft: &mut Draft, key: Key<'_, '_>, item: Item<'_, '_>) {
        let name = key.get_ref().as_ref();
        let path = format!("{path}.{name}");
        let on = match name {
            "cc" => self.whole(&path, item, 0, 127).map(|number| On::Cc(number as u8)),
            "note" => self.whole(&path, item, 0, 127).map(|number| On::Note(number as u8)),
            "nrpn" => self.whole(&path, item, 0, 16_383).map(|number| On::Nrpn(number as u16)),
            "bend" => self.yes(&path, item).then_some(On::Bend),
            "pressure" => self.yes(&path, item).then_some(On::Pressure),
            "program" => self.yes(&path, item).then_some(On::Program),
            "channel" => {
                draft.channel = self.whole(&path, item, 1, 16).map(|channel| channel as u8);
                None
            }
            "to" => {
                draft.target = self.words(&path, item).and_then(|to| match target(&to) {
                    None => {
                        self.fault(&path, item, "a parameter of `demon params`, or a deed like reseed or scene-1");
                        None
                    }
                    target => target,
                });
                None
            }
            "encoding" => {
                draft.encoding = self.one_of(&path, item, &ENCODINGS).unwrap_or_default();
                None
            }
            "takeover" => {
                draft.takeover = self.one_of(&path, item, &TAKEOVERS).unwrap_or_default();
                None
            }
            _ => {
                let path = path.strip_suffix(name).unwrap_or_default().to_owned();
                return self.unknown(
                    &path,
                    key,
                    "cc, note, nrpn, bend, pressure, program, channel, to, encoding or takeover",
                );
            }
        };
        match (draft.on, on) {
            (Some(_), Some(_)) => self.note(&path, item, "a second control".to_owned(), "one in an entry"),
            (None, on) => draft.on = on,
            (Some(_), None) => {}
        }
    }

    fn table(&mut self, path: &str, item: Item<'_, '_>, mut each: impl FnMut(&mut Self, Key<'_, '_>, Item<'_, '_>)) {
        match item.get_ref() {
            DeValue::Table(table) => table.iter().for_each(|(key, item)| each(self, key, item)),
            _ => self.fault(path, item, "a table"),
        }
    }

    fn words(&mut self, path: &str, item: Item<'_, '_>) -> Option<String> {
        match item.get_ref().as_str() {
            Some(words) if words.len() <= LONGEST_WORDS => return Some(words.to_owned()),
            Some(words) => {
                self.note(path, item, format!("{} bytes", words.len()), &format!("at most {LONGEST_WORDS}"));
            }
            None => self.fault(path, item, "words in quotes"),
        }
        None
    }

    fn whole(&mut self, path: &str, item: Item<'_, '_>, low: u32, high: u32) -> Option<u32> {
        let found = match item.get_ref() {
            DeValue::Integer(_) => number(item.get_ref()).filter(|n| (f64::from(low)..=f64::from(high)).contains(n)),
            _ => None,
        };
        if found.is_none() {
            self.fault(path, item, &format!("a whole number, {low} to {high}"));
        }
        found.map(|found| found as u32)
    }

    fn yes(&mut self, path: &str, item: Item<'_, '_>) -> bool {
        let yes = item.get_ref().as_bool() == Some(true);
        if !yes {
            self.fault(path, item, "true");
        }
        yes
    }

    fn one_of<T: Copy>(&mut self, path: &str, item: Item<'_, '_>, known: &[(&str, T)]) -> Option<T> {
        let found = item.get_ref().as_str().and_then(|word| known.iter().find(|(name, _)| *name == word));
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.fault(path, item, &names.join(", "));
        }
        found.map(|(_, meaning)| *meaning)
    }

    fn unknown(&mut self, path: &str, key: Key<'_, '_>, expected: &str) {
        let line = self.line(key.span().start);
        let key = one_line(&format!("{path}{}", key.get_ref()));
        self.faults.push(Fault { line, key, found: "an unknown key".to_owned(), expected: expected.to_owned() });
    }

    fn fault(&mut self, path: &str, item: Item<'_, '_>, expected: &str) {
        // The player's own spelling, cut so that a fault stays a line.
        let written = self.text.get(item.span()).unwrap_or_default().lines().next().unwrap_or_default();
        let found = match written.char_indices().nth(40) {
            Some((end, _)) => format!("{}...", &written[..end]),
            None => written.to_owned(),
        };
        self.note(path, item, found, expected);
    }

    fn note(&mut self, path: &str, item: Item<'_, '_>, found: String, expected: &str) {
        let line = self.line(item.span().start);
        let (key, found) = (one_line(path), one_line(&found));
        self.faults.push(Fault { line, key, found, expected: expected.to_owned() });
    }

    fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
    }
}

/// A map entry as far as it has been read.
#[derive(Clone, Copy, Default)]
struct Draft {
    on: Option<On>,
    channel: Option<u8>,
    target: Option<Target>,
    encoding: Encoding,
    takeover: Takeover,
}

/// The encodings by name.
pub(super) const ENCODINGS: [(&str, Encoding); 5] = [
    ("absolute", Encoding::Absolute),
    ("twos-complement", Encoding::TwosComplement),
    ("binary-offset", Encoding::BinaryOffset),
    ("sign-bit", Encoding::SignBit),
    ("sign-bit-2", Encoding::SignBit2),
];

/// The takeovers by name.
pub(super) const TAKEOVERS: [(&str, Takeover); 2] = [("pickup", Takeover::Pickup), ("jump", Takeover::Jump)];

fn target(name: &str) -> Option<Target> {
    ParamId::from_name(name).map(Target::Param).or_else(|| Deed::from_name(name).map(Target::Deed))
}

/// A player's own words, fit for a line: a quoted key may hold anything.
fn one_line(words: &str) -> String {
    words
        .chars()
        .map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character })
        .collect()
}

/// A number of either kind, if it is finite.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(|whole| whole as f64),
        DeValue::Float(digits) => digits.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}
