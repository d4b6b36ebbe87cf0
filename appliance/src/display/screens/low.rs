//! The same screens for panels of 32 rows: less of each, nothing smaller.

use super::foot::{Beside, foot_at};
use super::numbers::entry;
use super::page::LOW_FOOT;
use super::play::{level, scene_words, title};
use super::sheet::{Area, Face, Sheet, WIDTH};
use super::words::choice;
use super::{Screen, lists, page};
use crate::display::status::{Status, written};

pub(super) fn on_sheet(status: &Status, screen: Screen) -> Sheet {
    let mut sheet = Sheet::default();
    let gpu = |status: &Status| {
        status.gpu.as_ref().map_or("none".to_owned(), |gpu| match gpu.brake {
            Some(brake) => brake.words().to_owned(),
            None => format!("{} %  {} C", gpu.load_percent, gpu.celsius.min(999)),
        })
    };
    let trouble = status.xruns + status.late + status.non_finite;
    match screen {
        Screen::Play => play(status, &mut sheet),
        Screen::Levels => {
            for (y, peak) in [0, 6].into_iter().zip(status.peaks) {
                sheet.bar(Area::new(0, y, WIDTH, 5), level(peak));
            }
            let troubles = trouble.min(999_999).to_string();
            if is_quiet(status) {
                entry(&mut sheet, 12, "lead", &format!("{:.0} ms", status.lead_ms.min(99_999.0)), false);
                entry(&mut sheet, 22, "trouble", &troubles, trouble > 0);
            } else {
                entry(&mut sheet, 12, "trouble", &troubles, trouble > 0);
                foot_at(status, Beside::Nowhere, LOW_FOOT, &mut sheet);
            }
        }
        Screen::Machine => {
            entry(&mut sheet, 0, "tick", &format!("{:.1} ms", status.tick.max_ms.min(9999.0)), false);
            entry(&mut sheet, 11, "decode", &format!("{:.1} ms", status.decode.max_ms.min(9999.0)), false);
            let braked = status.gpu.as_ref().is_some_and(|it| it.brake.is_some());
            if is_quiet(status) {
                entry(&mut sheet, 22, "GPU", &gpu(status), braked);
            } else {
                foot_at(status, Beside::Nowhere, LOW_FOOT, &mut sheet);
            }
        }
        Screen::Learn => lines(&mut sheet, status.learn.as_deref().unwrap_or("nothing is being learnt")),
        Screen::Fault => fault(status, &mut sheet),
        Screen::Page => page::low(status, &mut sheet),
        Screen::SetList => lists::set_list_low(status, &mut sheet),
        Screen::Scenes => lists::scenes_low(status, &mut sheet),
        Screen::Pick => pick(status, &mut sheet),
        Screen::Boot => {
            let ready = ("ready", Some(1.0));
            let (words, part) = status.boot.as_ref().map_or(ready, |it| (it.words.as_str(), it.part));
            for (line, y) in Face::Plain.wrap(words, WIDTH, 2).iter().zip([0, 10]) {
                sheet.centred(Face::Plain, y, line);
            }
            if let Some(part) = part {
                sheet.bar(Area::new(8, 23, WIDTH - 16, 7), f64::from(part));
            }
        }
    }
    sheet
}

/// Whether nothing is wrong, muted or said: the lowest line is free.
pub(super) fn is_quiet(status: &Status) -> bool {
    status.faults.is_empty() && !status.muted && status.said().is_empty()
}

/// The faults, a part at a time; below them what was said, or that it is muted.
fn fault(status: &Status, sheet: &mut Sheet) {
    let foot = match status.muted {
        true => "MUTE",
        false => status.said(),
    };
    let part = super::words::fault_part(status, WIDTH, if foot.is_empty() { 3 } else { 2 });
    lines(sheet, &part.words);
    if !foot.is_empty() {
        sheet.lit_line(Face::Plain, LOW_FOOT, WIDTH, foot, if status.muted { status.said() } else { "" });
    }
}

/// The parameter in the hand, and the scene; the patch while nothing was touched yet. While something is wrong, muted or said,
/// that has the lowest line.
fn play(status: &Status, sheet: &mut Sheet) {
    let row = status.spotlight().row();
    if !is_quiet(status) {
        let words = written(status.spotlight(), &status.values);
        sheet.text(Face::Plain, 0, 0, WIDTH, row.words);
        let scene = sheet.badge_low(Face::Plain, WIDTH, 11, 60, &scene_words(status));
        sheet.text(Face::Plain, 0, 11, scene - 2, &words);
        return foot_at(status, Beside::Nowhere, LOW_FOOT, sheet);
    }
    sheet.text(Face::Plain, 0, 0, WIDTH, row.words);
    let hint = match status.waiting {
        Some(knob) => format!("knob {}", row.written(row.at(knob))),
        _ if status.moved.is_none() => title(status).to_owned(),
        _ => row.class.word().to_owned(),
    };
    let words = written(status.spotlight(), &status.values);
    let beside = (WIDTH - Face::Bold.width(&words) - 4).min(66);
    let scene = sheet.badge(Face::Plain, WIDTH, 9, beside, &scene_words(status));
    let begin = sheet.right(Face::Plain, WIDTH, 20, beside, &hint);
    let end = scene.min(begin) - 2;
    let face = if Face::Big.width(&words) <= end { Face::Big } else { Face::Bold };
    sheet.text(face, 0, 11 + (18 - face.height()) / 2, end, &words);
    let lit = (row.position(status.values.exact(row.id)) * f64::from(WIDTH)) as i32;
    sheet.fill(Area::new(0, 30, lit, 2));
}

pub(super) fn lines(sheet: &mut Sheet, words: &str) {
    for (line, text) in Face::Plain.wrap(words, WIDTH, 3).iter().enumerate() {
        sheet.text(Face::Plain, 0, line as i32 * Face::Plain.height(), WIDTH, text);
    }
}

/// Three lines of the list, the cursor's in the middle; above two of them what is written, where somebody writes.
fn pick(status: &Status, sheet: &mut Sheet) {
    let Some(choice) = choice(status, 3) else {
        return lines(sheet, "there is nothing to choose from");
    };
    let above = i32::from(choice.above.is_some());
    if let Some(words) = &choice.above {
        sheet.text(Face::Plain, 0, 0, WIDTH, words);
    }
    for (line, (words, value)) in choice.seen.iter().enumerate() {
        entry(sheet, (line as i32 + above) * 11, words, value, choice.first + line == choice.cursor);
    }
}
