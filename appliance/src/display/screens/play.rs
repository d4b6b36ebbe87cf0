//! The screen of play: where the set is, what the hand has hold of, and whether all is well.

use engine::param::ParamId;

use super::foot::{Beside, foot};
use super::sheet::{Area, Face, Sheet, WIDTH};
use crate::display::status::{Status, written};

/// Decibels from the left end of a meter to the right: below that no stage is quiet enough to see it.
pub(super) const METER_DB: f64 = 48.0;

pub(super) fn play(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    head(status, &mut sheet);
    tape(status, &mut sheet);
    hand(status, &mut sheet);
    foot(status, Beside::Head, &mut sheet);
    sheet
}

/// Patch and scene. While a fault has the lowest line, what was said and the mute stand here.
pub(super) fn head(status: &Status, sheet: &mut Sheet) {
    let faulty = !status.faults.is_empty();
    let badge = if faulty && status.muted { "MUTE".to_owned() } else { scene_words(status) };
    let end = sheet.badge(Face::Plain, WIDTH, 0, 64, &badge);
    let words = if faulty && !status.said().is_empty() { status.said() } else { title(status) };
    sheet.text(Face::Plain, 0, 0, end - 4, words);
}

/// The patch, or what is played without one.
pub(super) fn title(status: &Status) -> &str {
    if status.patch.is_empty() { &status.source } else { &status.patch }
}

/// The scene as the player counts it, with its name where it has one; a star when a value was moved since. While two are
/// morphed, both and how far.
pub(super) fn scene_words(status: &Status) -> String {
    let changed = if status.scene_changed { "*" } else { "" };
    match (&status.morph, status.scene) {
        (Some(morph), _) => {
            let [from, to] = morph.scenes.map(|it| it + 1);
            format!("{from}>{to} {:.0}%", morph.position.clamp(0.0, 1.0) * 100.0)
        }
        (None, Some(scene)) => {
            let name = status.scenes.get(scene).and_then(|it| it.name.as_deref());
            match name {
                Some(name) => format!("{}{changed} {name}", scene + 1),
                None => format!("S{}{changed}", scene + 1),
            }
        }
        (None, None) => String::new(),
    }
}

/// The tape: the loop band a line, the last window a heavier one, the playhead a block.
fn tape(status: &Status, sheet: &mut Sheet) {
    let place = |part: f32| ((part.clamp(0.0, 1.0) * WIDTH as f32) as i32).min(WIDTH - 1);
    let mut band = [ParamId::LoopStart, ParamId::LoopEnd].map(|id| place(status.values.get(id)));
    band.sort_unstable();
    sheet.fill(Area::new(band[0], 14, band[1] - band[0] + 1, 1));
    if let Some((from, to)) = status.window {
        let (from, to) = (place(from), place(to));
        let parts = if from <= to { vec![(from, to)] } else { vec![(from, WIDTH - 1), (0, to)] };
        parts.iter().for_each(|(from, to)| sheet.fill(Area::new(*from, 13, to - from + 1, 3)));
    }
    let playhead = place(status.position).min(WIDTH - 3);
    sheet.gap(Area::new(playhead - 1, 12, 5, 5));
    sheet.fill(Area::new(playhead, 12, 3, 5));
}

/// The parameter in the hand: its words, class and value, and where a knob stands that has not taken hold.
fn hand(status: &Status, sheet: &mut Sheet) {
    let id = status.spotlight();
    let row = id.row();
    sheet.text(Face::Bold, 0, 17, WIDTH, row.words);
    let (value, words) = (row.position(status.values.exact(id)), written(id, &status.values));
    // What stands beside the value leaves it room in the second largest letters at least.
    let beside = WIDTH - Face::Bold.width(&words) - 4;
    let (upper, lower) = match status.waiting {
        Some(knob) => {
            let turn = if knob < value { "turn up" } else { "turn down" };
            (turn.to_owned(), format!("knob {}", row.written(row.at(knob))))
        }
        None => {
            let beat = status.tempo.as_ref().map(|it| format!("{:.1} bpm", it.bpm));
            (row.class.word().to_owned(), beat.unwrap_or_default())
        }
    };
    // The class is looked up, the beat is looked for: where both have no room, the class goes.
    let first = sheet.right(Face::Plain, WIDTH, 30, beside.min(60), &upper);
    let second = sheet.right(Face::Plain, WIDTH, 40, beside.min(60), &lower);
    let end = first.min(second) - 2;
    let face = if Face::Big.width(&words) <= end { Face::Big } else { Face::Bold };
    sheet.text(face, 0, 31 + (18 - face.height()) / 2, end, &words);

    let bar = Area::new(0, 50, WIDTH, 3);
    sheet.bar(bar, value);
    if let Some(knob) = status.waiting {
        sheet.needle(bar, knob);
    }
}

/// A peak's place on a meter.
pub(super) fn level(peak: f32) -> f64 {
    1.0 + 20.0 * f64::from(peak.max(1e-6)).log10() / METER_DB
}
