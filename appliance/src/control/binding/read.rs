//! Lines of a map, from and to files: patches, learnt maps and profiles share them.

use std::fmt::Write as _;

use engine::param::ParamId;
use toml::Spanned;
use toml::de::DeValue;

use super::control::BANKS;
use super::encoding::{ENCODINGS, Encoding};
use super::map::{Entry, PRESSES, Press};
use super::takeover::{TAKEOVERS, Takeover};
use super::travel::{Along, Curve};
use super::{On, Target};
use crate::files::document::{Item, Key, Reader, number, quoted};

/// The keys of an entry.
const KEYS: [&str; 24] = [
    "cc",
    "note",
    "nrpn",
    "bend",
    "pressure",
    "poly_pressure",
    "program",
    "button",
    "encoder",
    "pot",
    "key",
    "channel",
    "to",
    "bank",
    "shift",
    "range",
    "reversed",
    "curve",
    "taper",
    "encoding",
    "takeover",
    "press",
    "velocity",
    "fourteen_bit",
];
const CURVES: [(&str, Curve); 4] =
    [("linear", Curve::Linear), ("slow", Curve::Slow), ("fast", Curve::Fast), ("s", Curve::S)];
const TAPERS: [(&str, Along); 3] = [("own", Along::Own), ("linear", Along::Linear), ("log", Along::Log)];

/// A map entry as far as it has been read.
struct Draft<'k> {
    /// The keys that may stand in it, for who misspells one.
    keys: &'k [&'k str],
    on: Option<On>,
    targets: Vec<Target>,
    range: Option<(f64, f64)>,
    entry: Entry,
}

/// Reads the entries of an array of tables, and adds those that are sound.
pub(crate) fn entries(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>, into: &mut Vec<Entry>) {
    let Some(items) = item.get_ref().as_array() else {
        return reader.fault(path, item, &format!("entries under [[{path}]]"));
    };
    for (place, item) in items.iter().enumerate() {
        let path = format!("{path} {}", place + 1);
        for entry in entry(reader, &path, item) {
            into.push(settled(reader, &path, item, entry, into));
        }
    }
}

/// The entries of one table: one for each target, none where something is wrong.
pub(crate) fn entry(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Vec<Entry> {
    let before = reader.faults();
    let mut named = false;
    let found = entry_with(reader, path, item, &[], |_, key, _| {
        named |= key.get_ref() == "to";
        false
    });
    if !named {
        reader.note(path, item, "no `to`".to_owned(), "a parameter or a deed");
    }
    found.filter(|_| reader.faults() == before).map_or_else(Vec::new, |(_, entries)| entries)
}

/// A table of an entry's keys and `others` besides, which `take` is offered first and answers for. Comes with the control
/// as an entry without a meaning, and with an entry for each target; with none where something is wrong.
pub(crate) fn entry_with(
    reader: &mut Reader<'_>,
    path: &str,
    item: Item<'_, '_>,
    others: &[&str],
    mut take: impl FnMut(&mut Reader<'_>, Key<'_, '_>, Item<'_, '_>) -> bool,
) -> Option<(Entry, Vec<Entry>)> {
    let before = reader.faults();
    let entry = Entry::usual(On::Bend, Target::Morph(0, 1));
    let keys: Vec<&str> = others.iter().chain(&KEYS).copied().collect();
    let mut draft = Draft { keys: &keys, on: None, targets: Vec::new(), range: None, entry };
    reader.table(path, item, |reader, key, item| {
        if !take(reader, key, item) {
            draft.key(reader, path, key, item);
        }
    });
    if draft.on.is_none() && reader.faults() == before {
        reader.note(path, item, "no control".to_owned(), "cc, note, nrpn, bend, button, key or the like");
    }
    draft.check(reader, path, item);
    let on = draft.on.filter(|_| reader.faults() == before)?;
    let mut entry = Entry { on, ..draft.entry };
    entry.travel.range = draft.range;
    Some((entry, draft.targets.iter().map(|target| Entry { target: *target, ..entry }).collect()))
}

impl Draft<'_> {
    fn key(&mut self, reader: &mut Reader<'_>, path: &str, key: Key<'_, '_>, item: Item<'_, '_>) {
        let name = key.get_ref().as_ref();
        let path = format!("{path}.{name}");
        let entry = &mut self.entry;
        match name {
            "channel" => entry.channel = reader.whole(&path, item, 1, 16).map(|channel| channel as u8),
            "to" => self.targets = targets(reader, &path, item),
            "bank" => entry.layer.bank = reader.whole(&path, item, 1, BANKS.into()).map(|bank| bank as u8 - 1),
            "shift" => entry.layer.shift = reader.boolean(&path, item),
            "range" => self.range = range(reader, &path, item),
            "reversed" => entry.travel.reversed = reader.boolean(&path, item).unwrap_or_default(),
            "curve" => entry.travel.curve = reader.one_of(&path, item, &CURVES).unwrap_or_default(),
            "taper" => entry.travel.along = reader.one_of(&path, item, &TAPERS).unwrap_or_default(),
            "encoding" => entry.encoding = reader.one_of(&path, item, &ENCODINGS).unwrap_or_default(),
            "takeover" => entry.takeover = reader.one_of(&path, item, &TAKEOVERS).unwrap_or_default(),
            "press" => entry.press = reader.one_of(&path, item, &PRESSES),
            "velocity" => entry.velocity = reader.boolean(&path, item).unwrap_or_default(),
            "fourteen_bit" => entry.pair = reader.boolean(&path, item).unwrap_or_default(),
            _ => self.control(reader, &path, name, key, item),
        }
    }

    fn control(&mut self, reader: &mut Reader<'_>, path: &str, name: &str, key: Key<'_, '_>, item: Item<'_, '_>) {
        let mut small = |make: fn(u8) -> On| reader.whole(path, item, 0, 127).map(|number| make(number as u8));
        let on = match name {
            "cc" => small(On::Cc),
            "note" => small(On::Note),
            "poly_pressure" => small(On::PolyPressure),
            "button" => small(On::Button),
            "encoder" => small(On::Encoder),
            "pot" => small(On::Pot),
            "nrpn" => reader.whole(path, item, 0, 16_383).map(|number| On::Nrpn(number as u16)),
            "key" => reader.whole(path, item, 1, 767).map(|code| On::Key(code as u16)),
            "bend" => reader.yes(path, item).then_some(On::Bend),
            "pressure" => reader.yes(path, item).then_some(On::Pressure),
            "program" => reader.yes(path, item).then_some(On::Program),
            _ => return reader.unknown(path.strip_suffix(name).unwrap_or_default(), key, self.keys),
        };
        match (self.on, on) {
            (Some(_), Some(_)) => reader.note(path, item, "a second control".to_owned(), "one in an entry"),
            (None, on) => self.on = on,
            (Some(_), None) => {}
        }
    }

    /// What must go together.
    fn check(&self, reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) {
        let Self { entry, range, .. } = self;
        for target in &self.targets {
            match (target, range) {
                (Target::Param(id), Some(range)) => check_range(reader, path, item, *id, *range),
                (Target::Deed(_) | Target::Morph(..) | Target::Selected, Some(_)) => {
                    let found = format!("a range on {}", target.name());
                    reader.advise(path, item, found, "a range on a parameter only", "leaving `range` out");
                }
                (_, None) => {}
            }
        }
        if entry.pair && !matches!(self.on, Some(On::Cc(0..=31)) | None) {
            let found = "fourteen_bit on another control".to_owned();
            reader.advise(path, item, found, "cc 0 to 31, whose fine half is cc + 32", "leaving `fourteen_bit` out");
        }
        if entry.encoding != Encoding::Absolute && !matches!(self.on, Some(On::Cc(_)) | None) {
            let found = "an encoding on another control".to_owned();
            reader.advise(path, item, found, "an encoding on a cc", "leaving `encoding` out");
        }
    }
}

fn check_range(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>, id: ParamId, (low, high): (f64, f64)) {
    let row = id.row();
    if low < row.low || high > row.high {
        let found = format!("{low} to {high} for {}", row.name);
        reader.note(&format!("{path}.range"), item, found, &format!("{} to {}", row.low, row.high));
    }
}

/// Two controls that jump to one parameter fight for it: the second waits instead, and that is said.
fn settled(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>, entry: Entry, others: &[Entry]) -> Entry {
    let fights = |other: &&Entry| {
        let both_jump = other.takeover == Takeover::Jump && entry.takeover == Takeover::Jump;
        let placed = other.encoding == Encoding::Absolute && entry.encoding == Encoding::Absolute;
        other.target == entry.target && both_jump && placed && other.layer == entry.layer
    };
    if matches!(entry.target, Target::Deed(_)) || !others.iter().any(|other| fights(&other)) {
        return entry;
    }
    let found = format!("a second control that jumps to {}", entry.target.name());
    reader.advise(path, item, found, "at most one, or they fight", "takeover = \"pickup\", which it has now");
    Entry { takeover: Takeover::Pickup, ..entry }
}

fn range(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<(f64, f64)> {
    let expected = "two numbers, the lower first, as in [0.2, 0.8]";
    let ends: Option<Vec<f64>> = item.get_ref().as_array().and_then(|ends| {
        let end = |end: &Spanned<DeValue<'_>>| number(end.get_ref());
        ends.iter().map(end).collect()
    });
    match ends.as_deref() {
        Some([low, high]) if low < high => Some((*low, *high)),
        Some([low, high]) if low > high => {
            let mended = format!("range = [{high}, {low}] with reversed = true");
            reader.advise(path, item, format!("[{low}, {high}], upside down"), expected, &mended);
            None
        }
        _ => {
            reader.fault(path, item, expected);
            None
        }
    }
}

/// One name, or several in brackets.
fn targets(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Vec<Target> {
    match item.get_ref().as_array() {
        Some(items) => items.iter().filter_map(|item| target(reader, path, item)).collect(),
        None => target(reader, path, item).into_iter().collect(),
    }
}

fn target(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<Target> {
    let found = Target::from_name(&reader.words(path, item)?);
    if found.is_none() {
        let names = Target::names();
        let expected = "a parameter of `demon params`, or a deed like reseed or scene-1";
        reader.fault_of(path, item, expected, names.iter().map(String::as_str));
    }
    found
}

/// Writes an entry under `heading`, as in `map`; what is as usual is left out.
pub(crate) fn write_entry(out: &mut String, heading: &str, entry: &Entry) -> std::fmt::Result {
    writeln!(out, "\n[[{heading}]]")?;
    write_keys(out, entry)
}

fn write_keys(out: &mut String, entry: &Entry) -> std::fmt::Result {
    match entry.on.written() {
        (key, Some(number)) => writeln!(out, "{key} = {number}")?,
        (key, None) => writeln!(out, "{key} = true")?,
    }
    if let Some(channel) = entry.channel {
        writeln!(out, "channel = {channel}")?;
    }
    writeln!(out, "to = {}", quoted(&entry.target.name()))?;
    if let Some(bank) = entry.layer.bank {
        writeln!(out, "bank = {}", bank + 1)?;
    }
    if let Some(shift) = entry.layer.shift {
        writeln!(out, "shift = {shift}")?;
    }
    if let Some((low, high)) = entry.travel.range {
        writeln!(out, "range = [{low:?}, {high:?}]")?;
    }
    named(out, "curve", &CURVES, entry.travel.curve)?;
    named(out, "taper", &TAPERS, entry.travel.along)?;
    named(out, "encoding", &ENCODINGS, entry.encoding)?;
    named(out, "takeover", &TAKEOVERS, entry.takeover)?;
    if let Some((name, _)) = PRESSES.iter().find(|(_, press)| Some(*press) == entry.press) {
        writeln!(out, "press = {}", quoted(name))?;
    }
    for (key, on) in [("reversed", entry.travel.reversed), ("velocity", entry.velocity), ("fourteen_bit", entry.pair)] {
        if on {
            writeln!(out, "{key} = true")?;
        }
    }
    Ok(())
}

fn named<T: PartialEq + Default>(out: &mut String, key: &str, known: &[(&str, T)], value: T) -> std::fmt::Result {
    match known.iter().find(|(_, it)| *it == value) {
        Some((name, _)) if value != T::default() => writeln!(out, "{key} = {}", quoted(name)),
        _ => Ok(()),
    }
}

/// A button's default on a value that is a switch.
#[must_use]
pub(crate) fn usual_press(id: ParamId) -> Press {
    if id.row().labels().is_some_and(|labels| labels.len() == 2) { Press::Toggle } else { Press::Set }
}

#[cfg(test)]
mod tests {
    use super::{entries, write_entry};
    use crate::control::binding::{Along, Curve, Encoding, Entry, Layer, On, Press, Takeover, Target, Travel};
    use crate::files::document::{Fault, Format, read};
    use engine::param::ParamId;
    use proptest::prelude::*;

    fn parsed(text: &str) -> (Vec<Entry>, Vec<String>) {
        let (found, faults): (Vec<Entry>, Vec<Fault>) = read(Format::Patch, text, |reader, document| {
            let mut found = Vec::new();
            for (_, item) in document {
                entries(reader, "map", item, &mut found);
            }
            found
        });
        (found, faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_usual_of_a_control_is_not_written() {
        let mut out = String::new();
        write_entry(&mut out, "map", &Entry::usual(On::Cc(74), Target::Param(ParamId::Denoise))).expect("a string");
        assert_eq!(out.trim(), "[[map]]\ncc = 74\nto = \"denoise\"");
    }

    #[test]
    fn one_control_may_reach_many() {
        let (found, faults) = parsed("[[map]]\nbutton = 3\nto = [\"denoise\", \"scene-2\", \"morph-1-2\"]\n");
        assert_eq!(faults, Vec::<String>::new());
        let names: Vec<_> = found.iter().map(|entry| entry.target.name()).collect();
        assert_eq!(names, ["denoise", "scene-2", "morph-1-2"]);
        assert!(found.iter().all(|entry| entry.on == On::Button(3)));
    }

    #[test]
    fn every_fault_is_told_with_its_line_and_what_would_mend_it_and_the_rest_is_kept() {
        let text = "[[map]]\ncc = 1\nto = \"denois\"\n[[map]]\ncc = 2\nto = \"denoise\"\nrange = [0.8, 0.2]\n\
                    [[map]]\ncc = 3\nto = \"shift\"\nrange = [0.0, 99.0]\n[[map]]\ncc = 4\nto = \"shift\"\ntakover = \"jump\"\n\
                    [[map]]\ncc = 5\nto = \"seed\"\ntakeover = \"jump\"\n[[map]]\ncc = 6\nto = \"seed\"\ntakeover = \"jump\"\n\
                    [[map]]\nnote = 7\nto = \"panic\"\nfourteen_bit = true\n[[map]]\ncc = 8\nto = \"undo\"\nrange = [0, 1]\n\
                    [[map]]\ncc = 9\nto = \"gain_db\"\n";
        let (found, faults) = parsed(text);
        let told = [
            "3: map 1.to: found \"denois\", expected a parameter of `demon params`, or a deed like reseed or scene-1; try denoise",
            "7: map 2.range: found [0.8, 0.2], upside down, expected two numbers, the lower first, as in [0.2, 0.8]; \
             try range = [0.2, 0.8] with reversed = true",
            "8: map 3.range: found 0 to 99 for shift, expected 1 to 6",
            "15: map 4.takover: found an unknown key, expected ",
            "20: map 6: found a second control that jumps to seed, expected at most one, or they fight; \
             try takeover = \"pickup\", which it has now",
            "24: map 7: found fourteen_bit on another control, expected cc 0 to 31, whose fine half is cc + 32; \
             try leaving `fourteen_bit` out",
            "28: map 8: found a range on undo, expected a range on a parameter only; try leaving `range` out",
        ];
        assert_eq!(faults.len(), told.len(), "{faults:#?}");
        for (found, told) in faults.iter().zip(told) {
            assert!(found.starts_with(told), "{found}\n{told}");
        }
        assert!(faults[3].ends_with("; try takeover"), "{}", faults[3]);
        let kept: Vec<_> = found.iter().map(|entry| (entry.on, entry.takeover)).collect();
        assert_eq!(kept, [(On::Cc(5), Takeover::Jump), (On::Cc(6), Takeover::Pickup), (On::Cc(9), Takeover::Pickup)]);
    }

    #[test]
    fn a_range_may_go_to_both_ends_of_the_parameter_and_not_beyond_and_has_two_ends() {
        let faults = |range: &str| parsed(&format!("[[map]]\ncc = 1\nto = \"shift\"\nrange = {range}\n")).1;
        assert_eq!(faults("[1.0, 6.0]"), Vec::<String>::new());
        for outside in ["[0.5, 6.0]", "[1.0, 6.5]", "[0.5, 6.5]"] {
            assert!(
                faults(outside).len() == 1 && faults(outside)[0].contains("expected 1 to 6"),
                "{:?}",
                faults(outside)
            );
        }
        let (one, turned) = (faults("[2.0, 2.0]"), faults("[3.0, 2.0]"));
        assert!(one.len() == 1 && !one[0].contains("upside down") && one[0].contains("the lower first"), "{one:?}");
        assert!(turned.len() == 1 && turned[0].contains("upside down"), "{turned:?}");
    }

    #[test]
    fn only_two_places_that_both_jump_fight_for_a_parameter() {
        let faults = |second: &str| {
            let first = "[[map]]\ncc = 1\nto = \"seed\"\ntakeover = \"jump\"\n";
            parsed(&format!("{first}[[map]]\ncc = 2\n{second}\n")).1.len()
        };
        assert_eq!(faults("to = \"seed\"\ntakeover = \"jump\""), 1);
        for peaceful in [
            "to = \"seed\"\ntakeover = \"pickup\"",
            "to = \"seed\"\ntakeover = \"jump\"\nencoding = \"twos-complement\"",
            "to = \"seed\"\ntakeover = \"jump\"\nbank = 2",
            "to = \"shift\"\ntakeover = \"jump\"",
        ] {
            assert_eq!(faults(peaceful), 0, "{peaceful}");
        }
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let on = prop_oneof![
            (0_u8..32).prop_map(On::Cc),
            (0_u8..128).prop_map(On::Note),
            Just(On::Bend),
            Just(On::Pressure),
            (0_u8..128).prop_map(On::PolyPressure),
            (0_u16..16_384).prop_map(On::Nrpn),
            Just(On::Program),
            (0_u8..128).prop_map(On::Button),
            (0_u8..128).prop_map(On::Encoder),
            (0_u8..128).prop_map(On::Pot),
            (1_u16..768).prop_map(On::Key)
        ];
        let layer = (prop::option::of(0_u8..8), prop::option::of(any::<bool>()));
        let range = prop::option::of((1.0..3.0, 3.5..6.0));
        let shape = (range, 0_usize..4, 0_usize..3, any::<bool>());
        let how = (0_usize..5, 0_usize..3, prop::option::of(0_usize..4), any::<bool>(), any::<bool>());
        (on, prop::option::of(1_u8..=16), layer, shape, how).prop_map(|(on, channel, (bank, shift), shape, how)| {
            let is_cc = matches!(on, On::Cc(_));
            Entry {
                on,
                channel,
                layer: Layer { bank, shift },
                target: Target::Param(ParamId::Shift),
                travel: Travel {
                    range: shape.0,
                    curve: [Curve::Linear, Curve::Slow, Curve::Fast, Curve::S][shape.1],
                    along: [Along::Own, Along::Linear, Along::Log][shape.2],
                    reversed: shape.3,
                },
                encoding: if is_cc { super::ENCODINGS[how.0].1 } else { Encoding::Absolute },
                takeover: super::TAKEOVERS[how.1].1,
                press: how.2.map(|it| [Press::Set, Press::Momentary, Press::Toggle, Press::Latch][it]),
                velocity: how.3,
                pair: is_cc && how.4,
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again_as_it_was(entry in any_entry()) {
            let mut text = String::new();
            write_entry(&mut text, "map", &entry).expect("memory");
            prop_assert_eq!(parsed(&text), (vec![entry], Vec::new()));
        }
    }
}
