//! Patch to text.

use std::fmt::Write as _;

use engine::param::{AS_GROUP, ParamId, Taper, Values};

use super::{NamedPrompt, Patch};
use crate::control::binding::write_entry;
use crate::files::document::{Format, quoted};

/// What a file of kept scenes begins with.
const KEPT: &str = "# Scenes that were kept on the box and are not in the patch's own file: each comes before the patch's of the same number.\n\
                    # Written as scenes are kept. Edit them, or take them away, while the box does not play.";

/// The patch as text.
pub(super) fn text(patch: &Patch) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_patch(&mut out, patch);
    out
}

fn write_patch(out: &mut String, patch: &Patch) -> std::fmt::Result {
    writeln!(out, "{}", Format::Patch)?;
    if let Some(part) = patch.part {
        writeln!(out, "part = {:?}", part.seconds())?;
    }
    let named = [
        ("source", &patch.source),
        ("structure", &patch.structure),
        ("timbre", &patch.timbre),
        ("model", &patch.model),
    ];
    for (key, path) in named.into_iter().filter_map(|(key, path)| Some((key, path.as_ref()?))) {
        writeln!(out, "{key} = {}", quoted(&path.to_string_lossy()))?;
    }
    writeln!(out, "\n[prompt]")?;
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
    for (place, prompt) in patch.prompts.iter().enumerate() {
        if let Some(prompt) = prompt {
            writeln!(out, "\n[prompts.{}]", place + 1)?;
            write_prompt(out, prompt)?;
        }
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
    write_scenes(out, patch)?;
    patch.map.own().iter().try_for_each(|entry| write_entry(out, "map", entry))
}

/// Scenes that were kept on the box, as a patch of nothing else.
pub(super) fn scenes_text(patch: &Patch) -> String {
    let mut out = format!("{KEPT}\n{}\n", Format::Patch);
    // Writing to a string cannot fail.
    let _ = write_scenes(&mut out, patch);
    out
}

fn write_scenes(out: &mut String, patch: &Patch) -> std::fmt::Result {
    for (place, scene) in patch.scenes.iter().enumerate() {
        if let Some(values) = scene {
            writeln!(out, "\n[scenes.{}]", place + 1)?;
            if let Some(name) = &patch.scene_names[place] {
                writeln!(out, "name = {}", quoted(name))?;
            }
            write_values(out, values)?;
        }
    }
    Ok(())
}

/// What is said of one prompt, a key a line.
pub(crate) fn write_prompt(out: &mut String, prompt: &NamedPrompt) -> std::fmt::Result {
    let words = [("name", &prompt.name), ("lyrics", &prompt.lyrics), ("key", &prompt.key)];
    writeln!(out, "tags = {}", quoted(&prompt.tags))?;
    for (key, words) in words {
        if let Some(words) = words {
            writeln!(out, "{key} = {}", quoted(words))?;
        }
    }
    if let Some(bpm) = prompt.bpm {
        writeln!(out, "bpm = {bpm}")?;
    }
    if let Some(beats) = prompt.time_signature {
        writeln!(out, "time_signature = {beats}")?;
    }
    if let Some(weight) = prompt.weight {
        writeln!(out, "weight = {weight:?}")?;
    }
    Ok(())
}

/// Every value by name, those at their default too: a later version may have other defaults.
fn write_values(out: &mut String, values: &Values) -> std::fmt::Result {
    for id in ParamId::all() {
        let row = id.row();
        let value = values.exact(id);
        match row.taper {
            Taper::Choice(_) => writeln!(out, "{} = {}", row.name, quoted(values.label(id)))?,
            Taper::Toggle => writeln!(out, "{} = {}", row.name, values.on(id))?,
            Taper::Whole if row.leaves_it(value) => writeln!(out, "{} = {}", row.name, quoted(&row.written(value)))?,
            Taper::Whole => writeln!(out, "{} = {value:.0}", row.name)?,
            // A keystone channel that follows its group says so; every other value is its number.
            _ if value == AS_GROUP => writeln!(out, "{} = {}", row.name, quoted(&row.written(value)))?,
            Taper::Linear | Taper::Log => writeln!(out, "{} = {value:?}", row.name)?,
        }
    }
    Ok(())
}
