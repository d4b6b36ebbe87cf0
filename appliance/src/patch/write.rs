//! Patch to text, and text to disk without a moment in which there is neither the old file nor the new.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use engine::param::{ParamId, Taper, Values};

use super::Patch;
use super::read::{ENCODINGS, TAKEOVERS};
use crate::binding::{Entry, On};

/// The patch as text.
pub(super) fn text(patch: &Patch) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_patch(&mut out, patch);
    out
}

fn write_patch(out: &mut String, patch: &Patch) -> std::fmt::Result {
    if let Some(source) = &patch.source {
        writeln!(out, "source = {}\n", quoted(&source.to_string_lossy()))?;
    }
    writeln!(out, "[prompt]")?;
    let prompt = &patch.prompt;
    for (key, words) in [("a", &prompt.a), ("b", &prompt.b), ("lyrics", &prompt.lyrics)] {
        writeln!(out, "{key} = {}", quoted(words))?;
    }
    if let Some(bpm) = prompt.bpm {
        writeln!(out, "bpm = {bpm}")?;
    }
    if let Some(key) = &prompt.key {
        writeln!(out, "key = {}", quoted(key))?;
    }
    if let Some(beats) = prompt.time_signature {
        writeln!(out, "time_signature = {beats}")?;
    }
    writeln!(out, "\n[values]")?;
    write_values(out, &patch.values)?;
    if !patch.curves.is_empty() {
        writeln!(out, "\n[curves]")?;
    }
    for (id, curve) in &patch.curves {
        let points: Vec<String> = curve.points().iter().map(|[time, value]| format!("[{time:?}, {value:?}]")).collect();
        writeln!(out, "{} = [{}]", id.row().name, points.join(", "))?;
    }
    for (place, scene) in patch.scenes.iter().enumerate() {
        if let Some(values) = scene {
            writeln!(out, "\n[scenes.{}]", place + 1)?;
            write_values(out, values)?;
        }
    }
    patch.map.own().iter().try_for_each(|entry| write_entry(out, entry))
}

/// Every value by name, those at their default too: a later version may have other defaults.
fn write_values(out: &mut String, values: &Values) -> std::fmt::Result {
    for id in ParamId::all() {
        let row = id.row();
        let value = values.exact(id);
        match row.taper {
            Taper::Choice(_) => writeln!(out, "{} = {}", row.name, quoted(values.label(id)))?,
            Taper::Toggle => writeln!(out, "{} = {}", row.name, values.on(id))?,
            Taper::Whole => writeln!(out, "{} = {value:.0}", row.name)?,
            Taper::Linear | Taper::Log => writeln!(out, "{} = {value:?}", row.name)?,
        }
    }
    Ok(())
}

fn write_entry(out: &mut String, entry: &Entry) -> std::fmt::Result {
    writeln!(out, "\n[[map]]")?;
    match entry.on {
        On::Cc(number) => writeln!(out, "cc = {number}")?,
        On::Note(number) => writeln!(out, "note = {number}")?,
        On::Nrpn(number) => writeln!(out, "nrpn = {number}")?,
        On::Bend => writeln!(out, "bend = true")?,
        On::Pressure => writeln!(out, "pressure = true")?,
        On::Program => writeln!(out, "program = true")?,
    }
    if let Some(channel) = entry.channel {
        writeln!(out, "channel = {channel}")?;
    }
    writeln!(out, "to = {}", quoted(&entry.target.name()))?;
    for (name, encoding) in ENCODINGS {
        if encoding == entry.encoding {
            writeln!(out, "encoding = {}", quoted(name))?;
        }
    }
    for (name, takeover) in TAKEOVERS {
        if takeover == entry.takeover {
            writeln!(out, "takeover = {}", quoted(name))?;
        }
    }
    Ok(())
}

/// A TOML string, whatever is in it.
fn quoted(words: &str) -> String {
    toml::Value::String(words.to_owned()).to_string()
}

/// Writes beside `path`, flushes file and folder, and renames between.
pub(super) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    // The process in the name: two programs saving at once must not write into one another.
    let beside = folder.join(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    let written = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        // Nothing half-written stays; if it was never made, there is nothing to remove.
        let _ = std::fs::remove_file(&beside);
    }
    written
}
