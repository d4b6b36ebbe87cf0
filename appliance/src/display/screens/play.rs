//! The screen of play: where the set is, what the hand has hold of, and whether all is well.

use engine::param::ParamId;

use super::sheet::{Area, Face, Sheet, WIDTH};
use crate::display::status::{Status, clock, written};

pub(super) fn play(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    head(status, &mut sheet);
    tape(status, &mut sheet);
    hand(status, &mut sheet);
    foot(status, &mut sheet);
    sheet
}

/// Patch and scene.
fn head(status: &Status, sheet: &mut Sheet) {
    let end = sheet.badge(Face::Plain, WIDTH, 0, 64, &scene_words(status));
    sheet.text(Face::Plain, 0, 1, end - 4, title(status));
}

/// The patch, or what is played without one.
pub(super) fn title(status: &Status) -> &str {
    if status.patch.is_empty() { &status.source } else { &status.patch }
}

/// The scene as the player counts it; a star when a value was moved since. While two are morphed, both and how far.
pub(super) fn scene_words(status: &Status) -> String {
    let changed = if status.scene_changed { "*" } else { "" };
    match (&status.morph, status.scene) {
        (Some(morph), _) => {
            let [from, to] = morph.scenes.map(|it| it + 1);
            format!("{from}>{to} {:.0}%", morph.position.clamp(0.0, 1.0) * 100.0)
        }
        (None, Some(scene)) => format!("S{}{changed}", scene + 1),
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
    // Only words longer than any parameter's would meet the class.
    let class = sheet.right(Face::Small, WIDTH, 22, 30, row.class.word());
    sheet.text(Face::Bold, 0, 18, class - 3, row.words);
    let (value, words) = (row.position(status.values.exact(id)), written(id, &status.values));
    // What stands beside the value leaves it room in the second largest letters at least.
    let beside = WIDTH - Face::Bold.width(&words) - 4;
    let end = match status.waiting {
        Some(knob) => waiting(status, knob, value, beside, sheet),
        None => beat(status, beside, sheet),
    };
    let face = if Face::Big.width(&words) <= end { Face::Big } else { Face::Bold };
    sheet.text(face, 0, 31 + (18 - face.height()) / 2, end, &words);

    let bar = Area::new(0, 50, WIDTH, 5);
    sheet.bar(bar, value);
    if let Some(knob) = status.waiting {
        // A needle across the bar, dark around it so that it is seen on the lit part too.
        let x = (knob.clamp(0.0, 1.0) * f64::from(WIDTH - 3)).round() as i32;
        sheet.gap(Area::new(x - 2, 50, 7, 5));
        sheet.fill(Area::new(x, 50, 3, 5));
    }
}

/// Where to turn a knob until it takes hold; answers where the hint begins.
fn waiting(status: &Status, knob: f64, value: f64, room: i32, sheet: &mut Sheet) -> i32 {
    let row = status.spotlight().row();
    let turn = if knob < value { "turn up" } else { "turn down" };
    let stands = format!("knob {}", row.written(row.at(knob)));
    let left = sheet.right(Face::Small, WIDTH, 32, room, turn);
    let right = sheet.right(Face::Small, WIDTH, 40, room, &stands);
    left.min(right) - 2
}

/// The beat, where there is one; answers where it begins.
fn beat(status: &Status, room: i32, sheet: &mut Sheet) -> i32 {
    let Some(tempo) = &status.tempo else { return WIDTH };
    let bpm = sheet.right(Face::Small, WIDTH, 32, room.min(40), &format!("{:.1}", tempo.bpm));
    let from = sheet.right(Face::Small, WIDTH, 40, room.min(40), &tempo.from);
    bpm.min(from) - 2
}

/// One line: what is wrong, which layer is held, what was said, or the time and the lead.
fn foot(status: &Status, sheet: &mut Sheet) {
    let trouble = status.xruns + status.late + status.non_finite;
    if let Some(fault) = &status.fault {
        let further = status.further_faults;
        let further = if further == 0 { String::new() } else { format!("+{further}") };
        sheet.lit_line(Face::Small, 56, WIDTH, fault, &further);
    } else if status.muted {
        sheet.lit_line(Face::Small, 56, WIDTH, "MUTE", &status.message);
    } else if !status.layer.is_empty() {
        // A hand that holds shift wants to know that it does.
        sheet.lit_line(Face::Small, 56, WIDTH, &status.layer, &status.message);
    } else if !status.message.is_empty() {
        sheet.text(Face::Small, 0, 56, WIDTH, &status.message);
    } else {
        let seconds = clock(f64::from(status.position) * status.seconds);
        let lead = format!("lead {:.0} ms", status.lead_ms.min(99_999.0));
        let right = if trouble > 0 { format!("{lead} !{}", trouble.min(999)) } else { lead };
        let end = sheet.right(Face::Small, WIDTH, 56, 85, &right);
        sheet.text(Face::Small, 0, 56, end - 3, &seconds);
    }
}
