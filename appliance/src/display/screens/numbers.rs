//! The screens of numbers: levels, and the machine.

use super::foot::{Beside, foot};
use super::lists::titled;
use super::play::level;
use super::sheet::{Area, Face, Sheet, WIDTH};
use crate::display::status::{Status, Took, decibel};

pub(super) fn levels(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let state = match (status.muted, status.limiting) {
        (true, _) => "MUTE",
        (false, true) => "LIMITING",
        (false, false) => "",
    };
    sheet.title(if status.said().is_empty() { "Levels" } else { status.said() }, state);
    for (line, (side, peak)) in ["L", "R"].into_iter().zip(status.peaks).enumerate() {
        let y = 13 + 10 * line as i32;
        sheet.text(Face::Plain, 0, y, 6, side);
        sheet.bar(Area::new(9, y + 1, 82, 8), level(peak));
        sheet.right(Face::Plain, WIDTH, y, 34, &decibel(peak));
    }
    // A fault takes the lowest line, and the lead gives way.
    let first = if status.faults.is_empty() { 44 } else { 34 };
    if status.faults.is_empty() {
        entry(&mut sheet, 34, "lead", &format!("{:.0} ms", status.lead_ms.min(99_999.0)), false);
    } else {
        foot(status, Beside::Head, &mut sheet);
    }
    entry(&mut sheet, first, "underruns", &count(status.xruns), status.xruns > 0);
    if status.non_finite > 0 {
        entry(&mut sheet, first + 10, "bad samples", &count(status.non_finite), true);
    } else {
        entry(&mut sheet, first + 10, "late windows", &count(status.late), status.late > 0);
    }
    sheet
}

pub(super) fn machine(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let controllers = match status.controllers {
        0 => "no controller".to_owned(),
        1 => "1 controller".to_owned(),
        more => format!("{} controllers", more.min(99)),
    };
    titled(status, "Box", if status.muted { "MUTE" } else { &controllers }, &mut sheet);
    entry(&mut sheet, 13, "tick", &took(status.tick), false);
    entry(&mut sheet, 23, "decode", &took(status.decode), false);
    let pace = if status.rests { "rests".to_owned() } else { format!("{:.1}", status.ticks_per_s.min(99_999.0)) };
    entry(&mut sheet, 33, "ticks/s", &pace, false);
    let faulty = !status.faults.is_empty();
    let brake = status.gpu.as_ref().and_then(|it| it.brake);
    match (&status.gpu, brake) {
        // What slows it down is worth more than how it is, where there is room for one.
        (_, Some(brake)) if faulty => entry(&mut sheet, 43, "GPU", brake.words(), true),
        (Some(gpu), _) => {
            entry(&mut sheet, 43, "GPU", &format!("{} %  {} C", gpu.load_percent, gpu.celsius.min(999)), false);
        }
        (None, _) => entry(&mut sheet, 43, "GPU", "none", false),
    }
    match brake {
        _ if faulty => foot(status, Beside::Head, &mut sheet),
        Some(brake) => entry(&mut sheet, 54, "GPU", brake.words(), true),
        None => match status.hand_to_ear {
            Some(it) => {
                let [step, slot] = [it.step_ms, it.slot_ms].map(|it| it.clamp(0.0, 9_999.0));
                entry(&mut sheet, 54, "to ear", &format!("{step:.0} / {slot:.0} ms"), false);
            }
            None => sheet.text(Face::Plain, 0, 54, WIDTH, &status.where_),
        },
    }
    sheet
}

/// A name and a value in one line, dark on light when the player should see it.
pub(super) fn entry(sheet: &mut Sheet, y: i32, name: &str, value: &str, alarm: bool) {
    if alarm {
        sheet.lit_line(Face::Plain, y, WIDTH, name, value);
        return;
    }
    let end = sheet.right(Face::Plain, WIDTH, y, 92, value);
    sheet.text(Face::Plain, 0, y, end - 4, name);
}

fn count(count: u64) -> String {
    count.min(999_999).to_string()
}

/// The usual time and the worst.
fn took(took: Took) -> String {
    let short = |ms: f32| if ms < 100.0 { format!("{ms:.1}") } else { format!("{:.0}", ms.min(9999.0)) };
    format!("{} / {} ms", short(took.p50_ms), short(took.max_ms))
}
