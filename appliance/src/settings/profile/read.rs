//! Text to profile.
//!
//! The walk comes in the order of need, not of the file: first what holds for the whole controller, then its lights, then the
//! parts that name them.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::light::{Byte, Level, Light, Scale, WAYS, Way};
use super::{KINDS, Kind, Match, Part, Profile};
use crate::control::binding::{Entry, On, Target, entry_with, usual_press};
use crate::files::document::{self, Fault, Format, Item, Key, Reader, number};

/// The keys of a profile.
const KEYS: [&str; 10] =
    ["name", "match", "setup", "farewell", "sets_knobs", "rate", "again_s", "channel", "light", "control"];
/// The keys by which a controller is known.
const MATCH_KEYS: [&str; 3] = ["usb", "model", "name"];
/// The keys of a part, beside those of a map entry.
const PART_KEYS: [&str; 5] = ["name", "kind", "page", "light", "lamp"];
/// The keys of a light.
const LIGHT_KEYS: [&str; 15] = [
    "send",
    "channel",
    "place",
    "steps",
    "waiting",
    "off",
    "dim",
    "on",
    "blink",
    "dark",
    "off_channel",
    "dim_channel",
    "on_channel",
    "blink_channel",
    "bytes",
];

/// Messages a second where a profile says nothing: a DIN wire takes ten times that, a small controller's processor may not.
const USUAL_RATE: u32 = 100;
/// Longest message to a controller in bytes.
const LONGEST_MESSAGE: usize = 4096;

/// Reads a profile as far as it is sound, and everything that is wrong with it.
pub(super) fn read(key: &str, text: &str) -> (Profile, Vec<Fault>) {
    document::read(Format::Profile, text, |reader, document| profile(reader, key, document))
}

fn profile(reader: &mut Reader<'_>, file: &str, document: &DeTable<'_>) -> Profile {
    let mut profile = Profile {
        key: file.to_owned(),
        name: file.to_owned(),
        known_by: Match::default(),
        setup: Vec::new(),
        farewell: Vec::new(),
        sets_knobs: false,
        rate: USUAL_RATE,
        again: None,
        parts: Vec::new(),
    };
    let (mut channel, mut lights, mut parts) = (None, Vec::new(), None);
    for (key, item) in document {
        match key.get_ref().as_ref() {
            "name" => profile.name = reader.words("name", item).unwrap_or_default(),
            "match" => known_by(reader, item, &mut profile.known_by),
            "setup" => profile.setup = messages(reader, "setup", item),
            "farewell" => profile.farewell = messages(reader, "farewell", item),
            "sets_knobs" => profile.sets_knobs = reader.boolean("sets_knobs", item).unwrap_or_default(),
            "rate" => profile.rate = reader.whole("rate", item, 5, 1000).unwrap_or(USUAL_RATE),
            "again_s" => {
                let seconds = reader.whole("again_s", item, 1, 60);
                profile.again = seconds.map(|seconds| Duration::from_secs(seconds.into()));
            }
            "channel" => channel = reader.whole("channel", item, 1, 16).map(|channel| channel as u8),
            "light" => reader.table("light", item, |reader, key, item| {
                lights.push((key.get_ref().to_string(), light(reader, key.get_ref(), item)));
            }),
            "control" => parts = Some(item),
            _ => reader.unknown("", key, &KEYS),
        }
    }
    if let Some(item) = parts {
        match item.get_ref().as_array() {
            Some(items) => {
                for (place, item) in items.iter().enumerate() {
                    let path = format!("control {}", place + 1);
                    profile.parts.extend(part(reader, &path, item, channel, &lights));
                }
            }
            None => reader.fault("control", item, "controls under [[control]]"),
        }
    }
    profile
}

fn known_by(reader: &mut Reader<'_>, item: Item<'_, '_>, into: &mut Match) {
    reader.table("match", item, |reader, key, item| {
        let path = format!("match.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "usb" => into.usb = list(reader, &path, item, "vendor and product as in \"1397:00b3\"", usb),
            "model" => into.model = list(reader, &path, item, "the first words of a model, as in \"gpio\"", filled),
            "name" => {
                let small = |words: &str| filled(words).map(|words| words.to_lowercase());
                into.name = list(reader, &path, item, "a part of a name", small);
            }
            _ => reader.unknown("match.", key, &MATCH_KEYS),
        }
    });
}

fn filled(words: &str) -> Option<String> {
    Some(words.trim().to_owned()).filter(|words| !words.is_empty())
}

fn usb(words: &str) -> Option<String> {
    let (vendor, product) = words.split_once(':')?;
    let hex = |part: &str| part.len() == 4 && part.chars().all(|digit| digit.is_ascii_hexdigit());
    (hex(vendor) && hex(product)).then(|| words.to_ascii_lowercase())
}

/// A list of words, each of which `sound` takes.
fn list<T>(
    reader: &mut Reader<'_>,
    path: &str,
    item: Item<'_, '_>,
    expected: &str,
    sound: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let Some(items) = item.get_ref().as_array() else {
        reader.fault(path, item, &format!("a list, in brackets, of {expected}"));
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items.iter() {
        match item.get_ref().as_str().and_then(&sound) {
            Some(one) => found.push(one),
            None => reader.fault(path, item, expected),
        }
    }
    found
}

fn messages(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Vec<Vec<u8>> {
    list(reader, path, item, "a whole MIDI message in hex, as in \"b0 7f 00\"", |words| {
        let bytes = words.split_whitespace().map(byte).collect::<Option<Vec<u8>>>()?;
        is_message(&bytes).then_some(bytes)
    })
}

fn byte(digits: &str) -> Option<u8> {
    u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
}

/// Whether the bytes are one whole message: anything else would leave a device waiting for the rest.
fn is_message(bytes: &[u8]) -> bool {
    let data = |bytes: &[u8]| bytes.iter().all(|byte| *byte < 0x80);
    match bytes {
        [0xf0, inner @ .., 0xf7] => bytes.len() <= LONGEST_MESSAGE && data(inner),
        [0xc0..=0xdf, inner @ ..] => inner.len() == 1 && data(inner),
        [0x80..=0xef, inner @ ..] => inner.len() == 2 && data(inner),
        _ => false,
    }
}

/// A light's description as far as it has been read; a part makes a light of it.
#[derive(Clone, Default)]
struct Description {
    way: Option<Way>,
    channel: Option<u8>,
    place: Option<Scale>,
    waiting: Option<Scale>,
    /// Off, dim, on, blink, dark.
    levels: [Option<u16>; 5],
    channels: [Option<u8>; 5],
    template: Vec<Byte>,
}

/// The states of a light by name, in the order of [`Description::levels`].
const STATES: [&str; 5] = ["off", "dim", "on", "blink", "dark"];

fn light(reader: &mut Reader<'_>, name: &str, item: Item<'_, '_>) -> Option<Description> {
    let before = reader.faults();
    let path = format!("light.{name}");
    let mut found = Description::default();
    // How it is spoken to first: it says how large a value may be.
    if let DeValue::Table(table) = item.get_ref()
        && let Some((_, item)) = table.iter().find(|(key, _)| key.get_ref() == "send")
    {
        found.way = reader.one_of(&format!("{path}.send"), item, &WAYS);
    }
    let most = found.way.map_or(127, Way::most);
    reader.table(&path, item, |reader, key, item| described(reader, &path, key, item, most, &mut found));
    if found.way.is_none() && reader.faults() == before {
        reader.note(&path, item, "no `send`".to_owned(), "cc, note, bend, sysex or led");
    }
    let has_template = !found.template.is_empty();
    match found.way {
        Some(Way::Sysex) if !has_template && reader.faults() == before => {
            reader.note(&path, item, "no `bytes`".to_owned(), "the message, as in \"f0 00 {lamp} {value} f7\"");
        }
        Some(way) if way != Way::Sysex && has_template => {
            reader.advise(
                &path,
                item,
                "`bytes` without sysex".to_owned(),
                "bytes with send = \"sysex\"",
                "send = \"sysex\"",
            );
        }
        _ => {}
    }
    if found.place.is_none() && found.levels.iter().all(Option::is_none) && reader.faults() == before {
        reader.note(&path, item, "a light that shows nothing".to_owned(), "place, steps, or off and on");
    }
    (reader.faults() == before).then_some(found)
}

fn described(
    reader: &mut Reader<'_>,
    path: &str,
    key: Key<'_, '_>,
    item: Item<'_, '_>,
    most: u16,
    found: &mut Description,
) {
    let name = key.get_ref().as_ref();
    let path_of = format!("{path}.{name}");
    let state = |name: &str| STATES.iter().position(|known| *known == name);
    match name {
        "send" => {}
        "channel" => found.channel = reader.whole(&path_of, item, 1, 16).map(|channel| channel as u8),
        "place" => found.place = between(reader, &path_of, item, most),
        "waiting" => found.waiting = between(reader, &path_of, item, most),
        "steps" => found.place = steps(reader, &path_of, item, most),
        "bytes" => found.template = template(reader, &path_of, item),
        _ => match (state(name), name.strip_suffix("_channel").and_then(state)) {
            (Some(state), _) => {
                found.levels[state] = reader.whole(&path_of, item, 0, most.into()).map(|value| value as u16);
            }
            (None, Some(state)) if STATES[state] != "dark" => {
                found.channels[state] = reader.whole(&path_of, item, 1, 16).map(|channel| channel as u8);
            }
            _ => reader.unknown(&format!("{path}."), key, &LIGHT_KEYS),
        },
    }
}

/// Numbers in brackets, each a value on the wire.
fn values(item: Item<'_, '_>, most: u16) -> Option<Vec<u16>> {
    let value = |item: &Spanned<DeValue<'_>>| {
        let value = number(item.get_ref())?;
        (value.fract() == 0.0 && (0.0..=f64::from(most)).contains(&value)).then_some(value as u16)
    };
    item.get_ref().as_array()?.iter().map(value).collect()
}

fn between(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>, most: u16) -> Option<Scale> {
    let expected = format!("the values at the low and at the high end, the lower first, 0 to {most}");
    match values(item, most).as_deref() {
        Some([first, last]) if first < last => return Some(Scale::Between(*first, *last)),
        Some([first, last]) if first > last => {
            let found = format!("[{first}, {last}], upside down");
            reader.advise(path, item, found, &expected, &format!("[{last}, {first}]"));
        }
        _ => reader.fault(path, item, &expected),
    }
    None
}

fn steps(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>, most: u16) -> Option<Scale> {
    match values(item, most) {
        Some(steps) if steps.len() > 1 => Some(Scale::Steps(steps)),
        _ => {
            reader.fault(path, item, &format!("two values or more from low to high, each 0 to {most}"));
            None
        }
    }
}

fn template(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Vec<Byte> {
    let parts = item.get_ref().as_str().and_then(|words| {
        let part = |part: &str| match part {
            "{lamp}" => Some(Byte::Lamp),
            "{value}" => Some(Byte::Value),
            digits => byte(digits).map(Byte::Fixed),
        };
        words.split_whitespace().map(part).collect::<Option<Vec<Byte>>>()
    });
    let filled = |byte: &Byte| if let Byte::Fixed(byte) = byte { *byte } else { 0 };
    match parts.filter(|parts| is_message(&parts.iter().map(filled).collect::<Vec<u8>>()) && parts.len() < 64) {
        Some(parts) if parts.first() == Some(&Byte::Fixed(0xf0)) && parts.contains(&Byte::Value) => parts,
        _ => {
            reader.fault(path, item, "f0 to f7 in hex with {value}, as in \"f0 00 {lamp} {value} f7\"");
            Vec::new()
        }
    }
}

fn part(
    reader: &mut Reader<'_>,
    path: &str,
    item: Item<'_, '_>,
    channel: Option<u8>,
    lights: &[(String, Option<Description>)],
) -> Option<Part> {
    // Its light first: a control whose light is not known is still a control, and dark.
    let light = match item.get_ref() {
        DeValue::Table(table) => table.iter().find(|(key, _)| key.get_ref() == "light"),
        _ => None,
    };
    let light = light.and_then(|(_, item)| light_of(reader, &format!("{path}.light"), item, lights));
    let before = reader.faults();
    let (mut name, mut kind, mut page, mut lamp) = (None, None, None, None);
    let found = entry_with(reader, path, item, &PART_KEYS, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "name" => name = reader.words(&path, item),
            "kind" => kind = reader.one_of(&path, item, &KINDS),
            "page" => page = reader.whole(&path, item, 1, 16).map(|page| page as u8),
            "lamp" => lamp = reader.whole(&path, item, 0, 127).map(|lamp| lamp as u8),
            "light" => {}
            _ => return false,
        }
        true
    });
    if kind.is_none() && reader.faults() == before {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        reader.note(path, item, "no `kind`".to_owned(), &names.join(", "));
    }
    let (entry, mut entries) = found?;
    let kind = kind?;
    let is_wired = matches!(entry.on, On::Button(_) | On::Encoder(_) | On::Pot(_) | On::Key(_));
    let channel = entry.channel.or(channel.filter(|_| !is_wired));
    for entry in &mut entries {
        entry.channel = channel;
        pressed(kind, entry);
    }
    let light = light.map(|light| lit(light, &entry, channel, lamp));
    let name = name.unwrap_or_else(|| path.to_owned());
    Some(Part { name, kind, on: entry.on, channel, encoding: entry.encoding, page, entries, light })
}

/// A button that sends control changes must be told from a knob.
fn pressed(kind: Kind, entry: &mut Entry) {
    if let (true, Target::Param(id), None) = (kind.is_pressed(), entry.target, entry.press) {
        entry.press = Some(usual_press(id));
    }
}

/// The description of a name. One that is known but faulty has been told of, and is no light.
fn light_of(
    reader: &mut Reader<'_>,
    path: &str,
    item: Item<'_, '_>,
    lights: &[(String, Option<Description>)],
) -> Option<Description> {
    let name = reader.words(path, item)?;
    match lights.iter().find(|(known, _)| *known == name) {
        Some((_, light)) => light.clone(),
        None => {
            reader.fault_of(path, item, "a light under [light.NAME]", lights.iter().map(|(name, _)| name.as_str()));
            None
        }
    }
}

/// A described light, at the part that has it.
fn lit(found: Description, entry: &Entry, channel: Option<u8>, lamp: Option<u8>) -> Light {
    let own = entry.on.written().1.and_then(|number| u8::try_from(number).ok()).filter(|number| *number < 128);
    let [off, dim, on, blink, dark] =
        std::array::from_fn(|state| found.levels[state].map(|value| Level { channel: found.channels[state], value }));
    Light {
        way: found.way.unwrap_or(Way::Led),
        lamp: lamp.or(own).unwrap_or_default(),
        channel: found.channel.or(channel).unwrap_or(1),
        place: found.place,
        waiting: found.waiting,
        off,
        dim,
        on,
        blink,
        dark: dark.or(off),
        template: found.template,
    }
}
