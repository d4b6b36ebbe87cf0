//! `demon params`: the table of everything a player can change, printed from the table itself.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use engine::param::{Class, ParamId, Row, TABLE, Unit};

use crate::compute::set::model_folder;
use crate::control::binding::{Encoding, KEY_HELP, Map, On, Travel, Travels};

use crate::settings::model_settings::ModelSettings;

/// `demon params`.
#[derive(Args, Clone, Debug)]
pub struct ParamsArgs {
    /// The model whose knobs are shown [default: the one that `demon run` plays]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Also print which control change, note and key reaches what
    #[arg(long)]
    pub map: bool,
}

/// `demon params`, told to `out`. What is wrong with the model's settings goes to `say`, a line each.
///
/// # Errors
/// When `out` cannot be written to.
pub fn params(args: &ParamsArgs, out: &mut impl Write, say: &mut dyn FnMut(&str)) -> io::Result<()> {
    // Without a model the knobs are as published: the table is there before any model is.
    let (settings, faults) =
        model_folder(args.model.as_deref()).map_or_else(|_| Default::default(), |it| ModelSettings::open(&it));
    faults.iter().for_each(|it| say(it));
    let travels = &settings.travels;
    if args.json {
        write_json(out, travels)?;
    } else {
        write_table(out, travels)?;
    }
    if args.map {
        write_map(out, &Map::default())?;
    }
    out.flush()
}

/// Prints the table as text, class by class.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_table(out: &mut impl Write, travels: &Travels) -> io::Result<()> {
    for class in Class::ALL {
        writeln!(out, "{}: {}", class.word(), takes_effect(class))?;
        for row in TABLE.iter().filter(|row| row.class == class) {
            let default = row.written(row.default);
            let curve = if row.curve { "~" } else { " " };
            let travel = travel(travels, row);
            writeln!(out, "  {:<16}{curve} {:<30} {default:<10} {}{travel}", row.name, range(row), row.what)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "name, range, default; ~ may be drawn as a curve over the tape")?;
    writeln!(out, "a knob goes through the whole range where no travel is given")
}

/// Prints the table as JSON, one object a line in an array.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_json(out: &mut impl Write, travels: &Travels) -> io::Result<()> {
    writeln!(out, "[")?;
    for (place, row) in TABLE.iter().enumerate() {
        let object = serde_json::json!({
            "id": place,
            "name": row.name,
            "words": row.words,
            "unit": row.unit.sign(),
            "low": row.low,
            "high": row.high,
            "default": if row.follows_group() { row.written(row.default).into() } else { serde_json::json!(row.default) },
            "travel": ends(travels, row),
            "labels": row.labels(),
            "class": row.class.word(),
            "curve": row.curve,
            "what": row.what,
        });
        writeln!(out, "  {object}{}", if place + 1 < TABLE.len() { "," } else { "" })?;
    }
    writeln!(out, "]")
}

/// Prints which control and which key reaches what.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_map(out: &mut impl Write, map: &Map) -> io::Result<()> {
    writeln!(out, "MIDI (knobs take hold when they come by their value):")?;
    for entry in map.entries() {
        let (key, number) = entry.on.written();
        let on = match (entry.on, number) {
            (On::Cc(_), Some(number)) => format!("CC {number}"),
            (On::Nrpn(_), Some(number)) => format!("NRPN {number}"),
            (_, Some(number)) => format!("{} {number}", key.replace('_', " ")),
            (On::Program, None) => "program change".to_owned(),
            (On::Bend, None) => "pitch bend".to_owned(),
            (_, None) => key.to_owned(),
        };
        let channel = entry.channel.map_or_else(|| "any channel".to_owned(), |channel| format!("channel {channel}"));
        let relative = if entry.encoding == Encoding::Absolute { "" } else { ", relative" };
        writeln!(out, "  {on:<15} {channel}{relative:<10} {}", entry.target.name())?;
    }
    writeln!(out, "\nkeys:")?;
    for (keys, meaning) in KEY_HELP {
        writeln!(out, "  {keys:<30} {meaning}")?;
    }
    Ok(())
}

/// Labels that are all said.
const LABELS: usize = 8;

/// When a class is heard, in words.
const fn takes_effect(class: Class) -> &'static str {
    match class {
        Class::Step => "heard from the next tick on, in every slot in flight",
        Class::Slot => "taken by the next slot born, heard when it drains",
        Class::Decode => "heard with the next decoded window",
        Class::Load => "prepared by a worker, then swapped in; sound never stops",
    }
}

/// Values at the low and at the high end of a knob.
fn ends(travels: &Travels, row: &Row) -> [f64; 2] {
    let travel = travels.resolved(row.id, Travel::default());
    [0.0, 1.0].map(|place| travel.value(row.id, place))
}

/// Where a knob's travel is not the range: from where to where.
fn travel(travels: &Travels, row: &Row) -> String {
    let [from, to] = ends(travels, row);
    if [from, to] == [row.low, row.high] { String::new() } else { format!(" Travel: {from} to {to}.") }
}

/// The range in words: labels, or lowest to highest with the unit.
fn range(row: &Row) -> String {
    if let Some(labels) = row.labels() {
        let (first, last) = (labels[0], labels[labels.len() - 1]);
        return if labels.len() > LABELS {
            format!("{first} | {} | … | {last}", labels[1])
        } else {
            labels.join(" | ")
        };
    }
    let sign = if row.unit.sign().is_empty() { String::new() } else { format!(" {}", row.unit.sign()) };
    if row.id == ParamId::GainDb {
        return format!("off, {} to {}{sign}", row.low, row.high);
    }
    if row.leaves_it(row.low) {
        return format!("{}, {} to {}{sign}", row.written(row.low), row.low + 1.0, row.high);
    }
    debug_assert!(row.unit != Unit::Choice, "a choice has labels");
    format!("{} to {}{sign}", row.low, row.high)
}

#[cfg(test)]
mod tests {
    use super::{write_json, write_map, write_table};
    use crate::control::binding::{Ends, MAIN, Map, Travels};
    use engine::param::{ParamId, TABLE};

    #[test]
    fn the_table_has_a_line_for_every_parameter() {
        let mut out = Vec::new();
        write_table(&mut out, &Travels::default()).expect("memory");
        let text = String::from_utf8(out).expect("text");
        for row in &TABLE {
            let lines = text.lines().filter(|line| {
                line.split_whitespace().next().is_some_and(|name| name.trim_end_matches('~') == row.name)
            });
            let found: Vec<_> = lines.collect();
            assert_eq!(found.len(), 1, "{}: {found:?}", row.name);
            assert!(found[0].contains(row.what));
        }
    }

    #[test]
    fn the_json_says_what_the_table_says() {
        let mut out = Vec::new();
        write_json(&mut out, &Travels::default()).expect("memory");
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(rows.len(), TABLE.len());
        for (row, said) in TABLE.iter().zip(rows) {
            assert_eq!((said["name"].as_str(), said["class"].as_str()), (Some(row.name), Some(row.class.word())));
            let numbers = [&said["low"], &said["high"], &said["default"]].map(serde_json::Value::as_f64);
            let default = (!row.follows_group()).then_some(row.default);
            assert_eq!(numbers, [Some(row.low), Some(row.high), default], "{}", row.name);
            assert_eq!(said["default"] == "group", row.follows_group());
        }
    }

    #[test]
    fn the_travel_of_a_knob_is_shown_where_it_is_not_its_range() {
        let mut travels = Travels::default();
        travels.set(ParamId::ChG1, Ends { top: 3.0, reversed: false });
        let mut out = Vec::new();
        write_table(&mut out, &travels).expect("memory");
        let text = String::from_utf8(out).expect("text");
        let line = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).expect("a line");
        assert!(line("ch_g2 ").ends_with("Travel: 2.3 to 0."), "{}", line("ch_g2 "));
        assert!(line("ch14 ").contains("group") && line("ch14 ").ends_with("Travel: 0 to 2.3."), "{}", line("ch14 "));
        assert!(!line("ch_g1 ").contains("Travel") && !line("denoise ").contains("Travel"));
    }

    #[test]
    fn the_map_names_every_main_parameter() {
        let mut out = Vec::new();
        write_map(&mut out, &Map::default()).expect("memory");
        let text = String::from_utf8(out).expect("text");
        for id in MAIN {
            assert!(text.contains(id.row().name), "{} is missing", id.row().name);
        }
    }
}
