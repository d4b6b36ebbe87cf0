//! What controllers have learnt as text, and back.

use std::fmt::Write as _;

use hal::gesture::Identity;

use super::Learnt;
use crate::control::binding::{entries, write_entry};
use crate::files::document::{self, Fault, Format, Item, Reader, quoted};

const KEYS: [&str; 5] = ["name", "model", "serial", "port", "map"];

/// What controllers have learnt as text; [`parse`] reads the same from it.
#[must_use]
pub fn text(controllers: &[Learnt]) -> String {
    let format = Format::LearntMaps;
    let mut out = format!("# What controllers have learnt. Written by the box; may be mended by hand.\n{format}\n");
    for (identity, entries) in controllers {
        // Writing to a string cannot fail.
        let _ = write_controller(&mut out, identity, entries);
    }
    out
}

fn write_controller(
    out: &mut String,
    identity: &Identity,
    entries: &[crate::control::binding::Entry],
) -> std::fmt::Result {
    writeln!(out, "\n[[controller]]\nname = {}\nmodel = {}", quoted(&identity.name), quoted(&identity.model))?;
    for (key, value) in [("serial", &identity.serial), ("port", &identity.port)] {
        if let Some(value) = value {
            writeln!(out, "{key} = {}", quoted(value))?;
        }
    }
    entries.iter().try_for_each(|entry| write_entry(out, "controller.map", entry))
}

/// Reads the text of the file as far as it is sound, and everything that is wrong with it.
#[must_use]
pub fn parse(text: &str) -> (Vec<Learnt>, Vec<Fault>) {
    document::read(Format::LearntMaps, text, |reader, document| {
        let mut controllers = Vec::new();
        for (key, item) in document {
            match (key.get_ref().as_ref(), item.get_ref().as_array()) {
                ("controller", Some(items)) => {
                    controllers.extend(items.iter().filter_map(|item| controller(reader, item)));
                }
                ("controller", None) => reader.fault("controller", item, "controllers under [[controller]]"),
                _ => reader.unknown("", key, &["controller"]),
            }
        }
        controllers
    })
}

fn controller(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Option<Learnt> {
    let (mut identity, mut map) = (Identity::default(), Vec::new());
    reader.table("controller", item, |reader, key, item| {
        let name = key.get_ref().as_ref();
        let path = format!("controller.{name}");
        match name {
            "name" => identity.name = reader.words(&path, item).unwrap_or_default(),
            "model" => identity.model = reader.words(&path, item).unwrap_or_default(),
            "serial" => identity.serial = reader.words(&path, item),
            "port" => identity.port = reader.words(&path, item),
            "map" => entries(reader, "map", item, &mut map),
            _ => reader.unknown("controller.", key, &KEYS),
        }
    });
    if identity.model.is_empty() {
        reader.note("controller", item, "no `model`".to_owned(), "a model as in \"usb 1397:00b3\"");
        return None;
    }
    Some((identity, map))
}
