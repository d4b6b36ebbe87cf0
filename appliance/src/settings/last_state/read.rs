//! The last state from text: whole and in order, or not at all.

use std::path::PathBuf;
use std::sync::Arc;

use engine::live::PROMPTS;
use engine::param::{Change, Drawn, Kept, Mark, ParamId, SCENES, SceneChange, Stroke, Values};

use super::write::word;
use super::{LastState, Loads, Origin, Playing, SAVED, Writings, Written};
use crate::control::binding::BANKS;
use crate::files::document::{self, Fault, Format, Item, Reader, is_newer};
use crate::settings::box_file::Screen;
use crate::settings::patch::{self, Sources};

const KEYS: [&str; 22] = [
    "digest",
    "bank",
    "selected",
    "screens",
    "position",
    "muted",
    "save",
    "load",
    "loaded",
    "words",
    "written",
    "origin",
    "playing",
    "sources",
    "values",
    "scenes",
    "scene",
    "curve",
    "kept_scene",
    "drawn",
    "done",
    "undone",
];
/// What begins the line behind which everything is under the digest.
const DIGEST: &str = "digest = \"";
/// Letters of a digest.
const DIGEST_LETTERS: usize = 64;
/// Letters of a value of a curve.
const LETTERS: usize = 8;
/// Earlier digests of a patch that a text may hold: as many as are written.
const MOST_SAVED: usize = SAVED;
/// Strokes that a text may hold, of each kind: as many as undo remembers.
const MOST_STROKES: usize = 64;

/// Reads a state.
///
/// # Errors
/// Everything that is wrong with it. Nothing of it is to be believed then.
pub fn parse(text: &str) -> Result<LastState, Vec<Fault>> {
    let mut raw = Raw::default();
    let ((), mut faults) = document::read(Format::LastState, text, |reader, document| {
        // Curves and scenes of strokes first: others speak of them.
        let is_pool = |it: &(&str, Item<'_, '_>)| it.0 == "curve" || it.0 == "kept_scene";
        let (pools, others): (Vec<_>, Vec<_>) =
            document.iter().map(|(key, item)| (key.get_ref().as_ref(), item)).partition(is_pool);
        for (key, item) in pools {
            match key {
                "curve" => raw.pools.curves = reader.list(key, item, curve),
                _ => raw.pools.scenes = reader.list(key, item, |reader, path, item| Some(values(reader, path, item))),
            }
        }
        for (key, item) in others {
            raw.take(reader, key, item);
        }
        for (key, _) in document.iter().filter(|it| !KEYS.contains(&it.0.get_ref().as_ref())) {
            reader.unknown("", key, &KEYS);
        }
    });
    if is_newer(&faults) {
        return Err(faults);
    }
    if let Some(fault) = damage(text) {
        // What else is wrong comes of that. What is wrong with the number of the format is no damage.
        faults.retain(|it| it.key == "format");
        faults.push(fault);
        return Err(faults);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    raw.whole().ok_or_else(|| {
        let (found, expected) = ("a part that is missing".to_owned(), "every part of a state".to_owned());
        vec![Fault { line: 1, found, expected, ..Fault::default() }]
    })
}

/// What is wrong with the text as a whole.
fn damage(text: &str) -> Option<Fault> {
    let mut line = 1;
    let mut rest = text;
    while let Some((first, below)) = rest.split_once('\n') {
        if let Some(told) = first.strip_prefix(DIGEST).and_then(|it| it.strip_suffix('"')) {
            let is_so = told.len() == DIGEST_LETTERS && *blake3::hash(below.as_bytes()).to_hex() == *told;
            let (found, expected) =
                ("a text that is not as it was written", "one that is whole and that nobody has changed");
            return (!is_so).then(|| fault(line, found, expected));
        }
        (rest, line) = (below, line + 1);
    }
    Some(fault(1, "no digest", "a last state as the box writes it"))
}

fn fault(line: usize, found: &str, expected: &str) -> Fault {
    Fault { line, key: "digest".to_owned(), found: found.to_owned(), expected: expected.to_owned(), ..Fault::default() }
}

/// What strokes speak of by its place, from 1.
#[derive(Default)]
struct Pools {
    curves: Vec<Arc<[f32]>>,
    scenes: Vec<Values>,
}

/// The parts, as far as they were there.
#[derive(Default)]
struct Raw {
    origin: Option<Origin>,
    playing: Option<Playing>,
    values: Option<Values>,
    scenes: [Option<Values>; SCENES],
    scene: Option<(usize, Values)>,
    pools: Pools,
    save: u32,
    drawn: Option<Drawn>,
    done: Vec<Stroke>,
    undone: Vec<Stroke>,
    bank: Option<u8>,
    selected: Option<ParamId>,
    screens: Option<Vec<Screen>>,
    position: Option<u64>,
    muted: Option<bool>,
    sources: Option<Sources>,
    load: u32,
    loads: Loads,
    words: u32,
    writings: Writings,
}

impl Raw {
    fn take(&mut self, reader: &mut Reader<'_>, key: &str, item: Item<'_, '_>) {
        match key {
            "bank" => self.bank = reader.whole(key, item, 0, u32::from(BANKS) - 1).map(|it| it as u8),
            "selected" => self.selected = parameter(reader, key, item),
            "screens" => self.screens = Some(reader.list(key, item, screen)),
            "position" => self.position = reader.whole(key, item, 0, u32::MAX).map(u64::from),
            "muted" => self.muted = reader.boolean(key, item),
            // A state of the first format knows no saves.
            "save" => self.save = reader.whole(key, item, 0, u32::MAX).unwrap_or_default(),
            // Undo brings back no recording in a state of the formats before.
            "load" => self.load = reader.whole(key, item, 0, u32::MAX).unwrap_or_default(),
            "loaded" => reader.list(key, item, loaded).into_iter().for_each(|(number, it)| self.loads.put(number, it)),
            // In a state of the formats before, words are the patch's.
            "words" => self.words = reader.whole(key, item, 0, u32::MAX).unwrap_or_default(),
            "written" => {
                reader.list(key, item, written).into_iter().for_each(|(number, it)| self.writings.put(number, it));
            }
            "origin" => self.origin = Some(origin(reader, item)),
            "playing" => self.playing = Some(playing(reader, item)),
            // A state of the formats before knows none.
            "sources" => self.sources = sources(reader, key, item).1,
            "values" => self.values = Some(values(reader, key, item)),
            "scenes" => reader.table(key, item, |reader, key, item| {
                let place = key.get_ref().parse().ok().filter(|it| (1..=SCENES).contains(it));
                match place {
                    Some(place) => self.scenes[place - 1] = Some(values(reader, "scenes", item)),
                    None => reader.unknown_of("scenes.", key, "1 to 9", []),
                }
            }),
            "scene" => self.scene = scene(reader, item),
            "drawn" => reader.table(key, item, |reader, key, item| match key.get_ref().as_ref() {
                "now" => self.drawn = Some(drawn(&self.pools.curves, reader, "drawn.now", item)),
                _ => reader.unknown("drawn.", key, &["now"]),
            }),
            "done" => self.done = self.strokes(reader, key, item),
            "undone" => self.undone = self.strokes(reader, key, item),
            // The digest is held against the text, and what is no key is told by who has its place.
            _ => {}
        }
    }

    fn strokes(&self, reader: &mut Reader<'_>, key: &str, item: Item<'_, '_>) -> Vec<Stroke> {
        let strokes = reader.list(key, item, |reader, path, item| Some(stroke(&self.pools, reader, path, item)));
        if MOST_STROKES < strokes.len() {
            reader.note(key, item, format!("{} strokes", strokes.len()), "at most 64");
        }
        strokes
    }

    fn whole(self) -> Option<LastState> {
        let Self { origin, playing, values, scenes, scene, drawn, done, undone, bank, selected, screens, .. } = self;
        let playing = playing?;
        let mark =
            Mark { patch: u32::try_from(playing.number).ok()?, save: self.save, load: self.load, words: self.words };
        Some(LastState {
            origin: origin?,
            playing,
            kept: Kept { aims: values?, drawn: drawn?, scenes, done, undone, mark },
            scene,
            bank: bank?,
            selected: selected?,
            screens: screens?,
            position: self.position?,
            muted: self.muted?,
            sources: self.sources,
            loads: self.loads,
            writings: self.writings,
        })
    }
}

fn parameter(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<ParamId> {
    let name = reader.words(path, item)?;
    let id = ParamId::from_name(&name);
    if id.is_none() {
        reader.fault(path, item, "a parameter of `demon params`");
    }
    id
}

fn screen(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<Screen> {
    reader.one_of(path, item, &Screen::TURNED.map(|it| (word(it), it)))
}

fn origin(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Origin {
    let mut origin = Origin::default();
    reader.table("origin", item, |reader, key, item| {
        let path = format!("origin.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "patch" => origin.patch = reader.words(&path, item).unwrap_or_default(),
            "source" => origin.source = reader.words(&path, item).unwrap_or_default(),
            "digest" => origin.digest = reader.words(&path, item).unwrap_or_default(),
            "saved" => origin.saved = saved(reader, &path, item),
            _ => reader.unknown("origin.", key, &["patch", "source", "digest", "saved"]),
        }
    });
    origin
}

fn playing(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Playing {
    let mut playing = Playing::default();
    reader.table("playing", item, |reader, key, item| {
        let path = format!("playing.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "number" => playing.number = reader.whole(&path, item, 0, u32::MAX).unwrap_or_default() as usize,
            "name" => playing.name = reader.words(&path, item).unwrap_or_default(),
            "digest" => playing.digest = reader.words(&path, item).unwrap_or_default(),
            "saved" => playing.saved = saved(reader, &path, item),
            "list" => playing.list = reader.list(&path, item, |reader, path, item| reader.words(path, item)),
            _ => reader.unknown("playing.", key, &["number", "name", "digest", "saved", "list"]),
        }
    });
    playing
}

/// The recordings; none where there is none to play on.
fn sources(reader: &mut Reader<'_>, table: &str, item: Item<'_, '_>) -> (u32, Option<Sources>) {
    let (mut number, mut sources) = (0, Sources::default());
    reader.table(table, item, |reader, key, item| {
        let path = format!("{table}.{}", key.get_ref());
        if key.get_ref() == "number" && table != "sources" {
            number = reader.whole(&path, item, 1, u32::MAX).unwrap_or_default();
            return;
        }
        if key.get_ref() == "part" {
            sources.part = reader.part(&path, item);
            return;
        }
        let mut named = || reader.words(&path, item).map(PathBuf::from);
        match key.get_ref().as_ref() {
            "recording" => sources.recording = named().unwrap_or_default(),
            "structure" => sources.structure = named(),
            "timbre" => sources.timbre = named(),
            "model" => sources.model = named(),
            _ => reader.unknown(&format!("{table}."), key, &["recording", "part", "structure", "timbre", "model"]),
        }
    });
    (number, Some(sources).filter(|it| !it.recording.as_os_str().is_empty()))
}

/// Recordings of which strokes speak.
fn loaded(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<(u32, Sources)> {
    let (number, sources) = sources(reader, path, item);
    Some((number, sources?))
}

/// Words of which strokes speak.
fn written(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<(u32, Written)> {
    let (mut number, mut it) = (0, Written::default());
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "number" => number = reader.whole(&path, item, 1, u32::MAX).unwrap_or_default(),
            "by_hand" => it.by_hand = reader.boolean(&path, item).unwrap_or_default(),
            "prompt" => it.words = reader.list(&path, item, patch::spoken),
            _ => reader.unknown("written.", key, &["number", "by_hand", "prompt"]),
        }
    });
    if !(1..=PROMPTS).contains(&it.words.len()) {
        reader.note(path, item, format!("{} prompts", it.words.len()), &format!("1 to {PROMPTS}"));
    }
    Some((number, it))
}

/// Earlier digests of a patch.
fn saved(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Vec<String> {
    let saved = reader.list(path, item, |reader, path, item| reader.words(path, item));
    if MOST_SAVED < saved.len() {
        reader.note(path, item, format!("{} digests", saved.len()), &format!("at most {MOST_SAVED}"));
    }
    saved
}

fn scene(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Option<(usize, Values)> {
    let (mut place, mut held) = (None, None);
    reader.table("scene", item, |reader, key, item| match key.get_ref().as_ref() {
        "place" => place = reader.whole("scene.place", item, 1, SCENES as u32).map(|it| it as usize - 1),
        "values" => held = Some(values(reader, "scene.values", item)),
        _ => reader.unknown("scene.", key, &["place", "values"]),
    });
    Some((place?, held?))
}

/// Every value that stands there; a parameter that is not named is at its default, as in the state of a box that did not know it.
fn values(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Values {
    let mut values = Values::default();
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match ParamId::from_name(key.get_ref()) {
            Some(id) => _ = value(reader, &path, item, id).map(|it| values.set(id, it)),
            None => reader.unknown_of("", key, "a parameter of `demon params`", []),
        }
    });
    values
}

/// A value that its parameter can have, to the bit.
fn value(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>, id: ParamId) -> Option<f64> {
    let found = document::number(item.get_ref()).filter(|it| id.row().nearest(*it).to_bits() == it.to_bits());
    if found.is_none() {
        reader.fault(path, item, "a value that the parameter can have");
    }
    found
}

fn curve(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<Arc<[f32]>> {
    let mut curve = None;
    reader.table(path, item, |reader, key, item| match key.get_ref().as_ref() {
        "bits" => {
            curve = item.get_ref().as_str().and_then(bits);
            if curve.is_none() {
                reader.note(
                    path,
                    item,
                    "other letters".to_owned(),
                    "eight hexadecimal letters for each value, all of them finite",
                );
            }
        }
        _ => reader.unknown("curve.", key, &["bits"]),
    });
    curve
}

fn bits(letters: &str) -> Option<Arc<[f32]>> {
    let whole = letters.len().is_multiple_of(LETTERS) && letters.bytes().all(|it| it.is_ascii_hexdigit());
    let value = |it: &[u8]| {
        let bits = u32::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok()?;
        Some(f32::from_bits(bits)).filter(|it| it.is_finite())
    };
    letters
        .as_bytes()
        .chunks(LETTERS)
        .map(value)
        .collect::<Option<_>>()
        .filter(|it: &Arc<[f32]>| whole && !it.is_empty())
}

fn drawn(curves: &[Arc<[f32]>], reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Drawn {
    let mut drawn = Drawn::default();
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        let Some(id) = ParamId::from_name(key.get_ref()).filter(|it| it.row().curve) else {
            return reader.unknown_of("", key, "a parameter that can be drawn", []);
        };
        let place = reader.whole(&path, item, 1, curves.len() as u32);
        drawn.set(id, place.map(|it| Arc::clone(&curves[it as usize - 1])));
    });
    drawn
}

fn stroke(pools: &Pools, reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Stroke {
    let (mut stroke, mut before, mut after) = (Stroke::default(), None, None);
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "changes" => stroke.changes = reader.list(&path, item, change),
            "before" => before = Some(drawn(&pools.curves, reader, &path, item)),
            "after" => after = Some(drawn(&pools.curves, reader, &path, item)),
            "scenes" => {
                stroke.scenes = reader.list(&path, item, |reader, path, item| scene_change(pools, reader, path, item))
            }
            "marks" => stroke.marks = marks(reader, &path, item),
            _ => reader.unknown("stroke.", key, &["changes", "before", "after", "scenes", "marks"]),
        }
    });
    stroke.curves = before.zip(after).map(|(before, after)| Box::new([before, after]));
    stroke
}

/// Whole numbers, exactly so many of them.
fn wholes<const N: usize>(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<[u32; N]> {
    reader.list(path, item, |reader, path, item| reader.whole(path, item, 0, u32::MAX)).try_into().ok()
}

fn scene_change(pools: &Pools, reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<SceneChange> {
    let kept = |at: u32| match at as usize {
        0 => Some(None),
        at => pools.scenes.get(at - 1).map(|it| Some(*it)),
    };
    let read = wholes(reader, path, item).and_then(|[place, before, after]| {
        let place = (place as usize).checked_sub(1).filter(|it| *it < SCENES)?;
        Some(SceneChange { place, before: kept(before)?, after: kept(after)? })
    });
    if read.is_none() {
        reader.fault(path, item, "a place from 1 to 9, and the kept scenes before and after");
    }
    read
}

fn marks(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<[Mark; 2]> {
    let mark = |reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>| {
        let numbers = reader.list(path, item, |reader, path, item| reader.whole(path, item, 0, u32::MAX));
        match numbers[..] {
            // Of the formats before.
            [patch, save] => Some(Mark { patch, save, ..Mark::default() }),
            [patch, save, load] => Some(Mark { patch, save, load, ..Mark::default() }),
            [patch, save, load, words] => Some(Mark { patch, save, load, words }),
            _ => None,
        }
    };
    let read = reader.list(path, item, mark).try_into().ok();
    if read.is_none() {
        reader.fault(path, item, "two marks, each a patch, a save, a load and words");
    }
    read
}

fn change(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<Change> {
    let Some(three) = item.get_ref().as_array().filter(|it| it.len() == 3) else {
        reader.fault(path, item, "a parameter, its value before and after");
        return None;
    };
    let (name, before, after) = (&three[0], &three[1], &three[2]);
    let id = parameter(reader, path, name)?;
    let (before, after) = (value(reader, path, before, id)?, value(reader, path, after, id)?);
    Some(Change { id, before, after })
}
