//! `demon params`: the table of everything a player can change, printed from the table itself.

use std::io::{self, Write};

use engine::param::{Class, ParamId, Row, TABLE, Unit};

use crate::binding::{Encoding, KEY_HELP, Map, On};

/// Prints the table as text, class by class.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_table(out: &mut impl Write) -> io::Result<()> {
    for class in Class::ALL {
        writeln!(out, "{}: {}", class.word(), takes_effect(class))?;
        for row in TABLE.iter().filter(|row| row.class == class) {
            let default = row.written(row.default);
            let curve = if row.curve { "~" } else { " " };
            writeln!(out, "  {:<16}{curve} {:<30} {default:<10} {}", row.name, range(row), row.what)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "name, range, default; ~ may be drawn as a curve over the tape")
}

/// Prints the table as JSON, one object a line in an array.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_json(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "[")?;
    for (place, row) in TABLE.iter().enumerate() {
        let object = serde_json::json!({
            "id": place,
            "name": row.name,
            "words": row.words,
            "unit": row.unit.sign(),
            "low": row.low,
            "high": row.high,
            "default": row.default,
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

/// When a class is heard, in words.
const fn takes_effect(class: Class) -> &'static str {
    match class {
        Class::Step => "heard from the next tick on, in every slot in flight",
        Class::Slot => "taken by the next slot born, heard when it drains",
        Class::Decode => "heard with the next decoded window",
        Class::Load => "prepared by a worker, then swapped in; sound never stops",
    }
}

/// The range in words: labels, or lowest to highest with the unit.
fn range(row: &Row) -> String {
    if let Some(labels) = row.labels() {
        return labels.join(" | ");
    }
    let sign = if row.unit.sign().is_empty() { String::new() } else { format!(" {}", row.unit.sign()) };
    if row.id == ParamId::GainDb {
        return format!("off, {} to {}{sign}", row.low, row.high);
    }
    debug_assert!(row.unit != Unit::Choice, "a choice has labels");
    format!("{} to {}{sign}", row.low, row.high)
}

#[cfg(test)]
mod tests {
    use super::{write_json, write_map, write_table};
    use crate::binding::{MAIN, Map};
    use engine::param::TABLE;

    #[test]
    fn the_table_has_a_line_for_every_parameter() {
        let mut out = Vec::new();
        write_table(&mut out).expect("memory");
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
        write_json(&mut out).expect("memory");
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(rows.len(), TABLE.len());
        for (row, said) in TABLE.iter().zip(rows) {
            assert_eq!((said["name"].as_str(), said["class"].as_str()), (Some(row.name), Some(row.class.word())));
            let numbers = [&said["low"], &said["high"], &said["default"]].map(serde_json::Value::as_f64);
            assert_eq!(numbers, [Some(row.low), Some(row.high), Some(row.default)], "{}", row.name);
        }
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
