//! Text to patch.

use std::path::PathBuf;

use engine::live::PROMPTS;
use engine::param::{Breakpoints, ParamId, SCENES, Taper, Values};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{NAME_LETTERS, NamedPrompt, Patch, Prompt, Spoken};
use crate::control::binding::{Map, entries};
use crate::files::document::{self, Fault, Format, Item, Key, Reader, number};
use crate::recording::Part;

/// The keys of a patch.
const KEYS: [&str; 11] =
    ["source", "part", "structure", "timbre", "model", "prompt", "prompts", "values", "curves", "scenes", "map"];

/// Takes a key that is no parameter's; whether it did.
type Other<'a> = &'a mut dyn FnMut(&mut Reader<'_>, Key<'_, '_>, Item<'_, '_>) -> bool;

/// Reads a patch as far as it is sound, and everything that is wrong with it.
pub(super) fn read(text: &str) -> (Patch, Vec<Fault>) {
    document::read(Format::Patch, text, |reader, document| reader.patch(document))
}

impl Reader<'_> {
    fn patch(&mut self, document: &DeTable<'_>) -> Patch {
        let mut patch = Patch::default();
        let mut own = Vec::new();
        for (key, item) in document {
            match key.get_ref().as_ref() {
                "source" => patch.source = self.words("source", item).map(PathBuf::from),
                "part" => patch.part = self.part("part", item),
                "structure" => patch.structure = self.words("structure", item).map(PathBuf::from),
                "timbre" => patch.timbre = self.words("timbre", item).map(PathBuf::from),
                "model" => patch.model = self.words("model", item).map(PathBuf::from),
                "prompt" => self.table("prompt", item, |reader, key, item| reader.prompt(&mut patch.prompt, key, item)),
                "prompts" => self.table("prompts", item, |reader, key, item| reader.named(&mut patch, key, item)),
                "values" => self.values("values", item, &mut patch.values, &mut |_, _, _| false),
                "curves" => self.table("curves", item, |reader, key, item| reader.curve(&mut patch.curves, key, item)),
                "scenes" => self.table("scenes", item, |reader, key, item| reader.scene(&mut patch, key, item)),
                "map" => entries(self, "map", item, &mut own),
                _ => self.unknown("", key, &KEYS),
            }
        }
        patch.map = Map::with(own);
        patch
    }

    /// The part of a recording: two times in seconds.
    pub(crate) fn part(&mut self, path: &str, item: Item<'_, '_>) -> Option<Part> {
        let times = match item.get_ref() {
            DeValue::Array(times) if times.len() == 2 => {
                number(times[0].get_ref()).zip(number(times[1].get_ref())).and_then(|(a, b)| Part::of_seconds([a, b]))
            }
            _ => None,
        };
        if times.is_none() {
            self.fault(path, item, "the two times of a part in seconds, one apart at least, as in [4.0, 12.5]");
        }
        times
    }

    fn prompt(&mut self, prompt: &mut Prompt, key: Key<'_, '_>, item: Item<'_, '_>) {
        let path = format!("prompt.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "a" => prompt.a = self.words(&path, item).unwrap_or_default(),
            "b" => prompt.b = self.words(&path, item).unwrap_or_default(),
            "lyrics" => prompt.lyrics = self.words(&path, item).unwrap_or_default(),
            "bpm" => prompt.bpm = self.bpm(&path, item),
            "key" => prompt.key = self.musical_key(&path, item),
            "time_signature" => prompt.time_signature = self.beats(&path, item),
            _ => self.unknown("prompt.", key, &["a", "b", "lyrics", "bpm", "key", "time_signature"]),
        }
    }

    fn bpm(&mut self, path: &str, item: Item<'_, '_>) -> Option<u16> {
        self.whole(path, item, 30, 300).map(|bpm| bpm as u16)
    }

    fn musical_key(&mut self, path: &str, item: Item<'_, '_>) -> Option<String> {
        let key = self.words(path, item)?;
        if key.len() <= 32 && !key.contains(char::is_control) {
            return Some(key);
        }
        self.fault(path, item, "a key as in \"A minor\"");
        None
    }

    fn beats(&mut self, path: &str, item: Item<'_, '_>) -> Option<u8> {
        match self.whole(path, item, 2, 6) {
            Some(5) => {
                self.fault(path, item, "2, 3, 4 or 6");
                None
            }
            beats => beats.map(|beats| beats as u8),
        }
    }

    /// One of up to eight prompts. One without tags says nothing, and is a fault.
    fn named(&mut self, patch: &mut Patch, key: Key<'_, '_>, item: Item<'_, '_>) {
        let place = key.get_ref().parse().ok().filter(|place| (1..=PROMPTS).contains(place));
        let Some(place) = place else { return self.unknown_of("prompts.", key, "1 to 8", []) };
        let path = format!("prompts.{place}");
        let prompt = self.prompt_of(&path, item);
        if prompt.tags.trim().is_empty() {
            return self.fault(&path, item, "tags: what the music should be");
        }
        patch.prompts[place - 1] = Some(prompt);
    }

    /// What is said of one prompt.
    fn prompt_of(&mut self, table: &str, item: Item<'_, '_>) -> NamedPrompt {
        let mut prompt = NamedPrompt::default();
        self.table(table, item, |reader, key, item| {
            let path = format!("{table}.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "name" => prompt.name = reader.short_name(&path, item),
                "tags" => prompt.tags = reader.words(&path, item).unwrap_or_default(),
                "lyrics" => prompt.lyrics = reader.words(&path, item),
                "bpm" => prompt.bpm = reader.bpm(&path, item),
                "key" => prompt.key = reader.musical_key(&path, item),
                "time_signature" => prompt.time_signature = reader.beats(&path, item),
                "weight" => match number(item.get_ref()).filter(|it| (0.1..=10.0).contains(it)) {
                    Some(weight) => prompt.weight = Some(weight as f32),
                    None => reader.fault(&path, item, "0.1 to 10"),
                },
                _ => {
                    let keys = ["name", "tags", "lyrics", "bpm", "key", "time_signature", "weight"];
                    reader.unknown(&format!("{table}."), key, &keys);
                }
            }
        });
        prompt
    }

    /// A name for displays.
    fn short_name(&mut self, path: &str, item: Item<'_, '_>) -> Option<String> {
        let words = self.words(path, item);
        let fits = |it: &String| (1..=NAME_LETTERS).contains(&it.chars().count()) && !it.contains(char::is_control);
        if words.as_ref().is_some_and(|it| !fits(it)) {
            self.fault(path, item, &format!("a name of 1 to {NAME_LETTERS} letters"));
        }
        words.filter(fits)
    }

    /// Values by name; a key that is none is offered to `other` before it is a fault.
    fn values(&mut self, path: &str, item: Item<'_, '_>, values: &mut Values, other: Other<'_>) {
        self.table(path, item, |reader, key, item| {
            if other(reader, key, item) {
                return;
            }
            let Some(id) = ParamId::from_name(key.get_ref()) else {
                let names = ParamId::all().map(|id| id.row().name);
                return reader.unknown_of(&format!("{path}."), key, "a parameter of `demon params`", names);
            };
            let path = format!("{path}.{}", key.get_ref());
            let row = id.row();
            let expected = match row.taper {
                Taper::Choice(labels) => labels.join(", "),
                Taper::Toggle => "true or false".to_owned(),
                Taper::Whole if row.leaves_it(row.low) => {
                    format!("a whole number, {} to {}, or \"patch\"", row.low + 1.0, row.high)
                }
                Taper::Whole => format!("a whole number, {} to {}", row.low, row.high),
                Taper::Linear | Taper::Log if row.follows_group() => {
                    format!("{} to {}, or \"group\"", row.low, row.high)
                }
                Taper::Linear | Taper::Log => format!("{} to {}", row.low, row.high),
            };
            let value = match (item.get_ref(), row.taper) {
                (DeValue::String(label), Taper::Choice(_)) => row.labelled(label),
                (DeValue::String(label), Taper::Linear) if row.follows_group() => row.labelled(label),
                (DeValue::String(label), Taper::Whole) => row.labelled(label),
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
        self.band(path, item, values);
    }

    /// A loop that ends before it begins is played from the lower to the higher, as two faders are; a file says more likely
    /// something else than was meant.
    fn band(&mut self, path: &str, item: Item<'_, '_>, values: &Values) {
        let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|id| values.exact(id));
        let Some(table) = item.get_ref().as_table().filter(|_| end < start) else { return };
        let named = ["loop_end", "loop_start"].into_iter().find_map(|name| Some((name, table.get(name)?)));
        if let Some((name, item)) = named {
            let expected = format!("a loop that ends after it begins; from {end} to {start} is played");
            self.mended(&format!("{path}.{name}"), item, format!("loop_start {start}, loop_end {end}"), &expected);
        }
    }

    fn curve(&mut self, curves: &mut Vec<(ParamId, Breakpoints)>, key: Key<'_, '_>, item: Item<'_, '_>) {
        let Some(id) = ParamId::from_name(key.get_ref()) else {
            let names = ParamId::all().filter(|id| id.row().curve).map(|id| id.row().name);
            return self.unknown_of("curves.", key, "a parameter of `demon params` marked ~", names);
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

    fn scene(&mut self, patch: &mut Patch, key: Key<'_, '_>, item: Item<'_, '_>) {
        let place = key.get_ref().parse().ok().filter(|place| (1..=SCENES).contains(place));
        let Some(place) = place else { return self.unknown_of("scenes.", key, "1 to 9", []) };
        let (mut values, mut name) = (Values::default(), None);
        let path = format!("scenes.{place}");
        self.values(&path.clone(), item, &mut values, &mut |reader, key, item| {
            let is_name = key.get_ref() == "name";
            if is_name {
                name = reader.short_name(&format!("{path}.name"), item);
            }
            is_name
        });
        patch.scenes[place - 1] = Some(values);
        patch.scene_names[place - 1] = name;
    }
}

/// One prompt of which everything is said, as the box writes it for itself.
pub(crate) fn spoken(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<Spoken> {
    let NamedPrompt { name, tags, lyrics, bpm, key, time_signature, weight } = reader.prompt_of(path, item);
    let Some(name) = name else {
        reader.fault(path, item, "a prompt with a name");
        return None;
    };
    let (lyrics, weight) = (lyrics.unwrap_or_default(), weight.unwrap_or(1.0));
    Some(Spoken { name, tags, lyrics, bpm, key, time_signature, weight })
}
