//! The screens for eyes that want them large: the value in the hand in letters of 20 by 36 dots, and what is asked or wrong in the
//! largest that hold it.

use super::Screen;
use super::foot::{Beside, foot};
use super::play::{scene_words, title};
use super::sheet::{Area, Face, Sheet, WIDTH};
use crate::display::status::{Status, written};

pub(super) fn on_sheet(status: &Status, screen: Screen) -> Sheet {
    match screen {
        Screen::Play => play(status),
        other => super::on_sheet(status, other),
    }
}

/// The parameter in the hand; above it what is wrong, muted, or the scene.
fn play(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let id = status.spotlight();
    let faulty = !status.faults.is_empty();
    let name = match status.said() {
        said if faulty && !said.is_empty() => said,
        _ if status.moved.is_none() => title(status),
        _ => id.row().words,
    };
    let scene = if status.muted { "MUTE".to_owned() } else { scene_words(status) };
    let end = sheet.badge(Face::Plain, WIDTH, 0, 52, &scene);
    sheet.text(Face::Bold, 0, 0, end - 3, name);
    let value = written(id, &status.values);
    let number = value.split(' ').next().unwrap_or_default();
    let face = if Face::Huge.width(number) <= WIDTH { Face::Huge } else { Face::Big };
    sheet.text(face, 0, 16 + (36 - face.height()) / 2, WIDTH, number);
    if faulty || (status.muted && !status.said().is_empty()) {
        foot(status, Beside::Head, &mut sheet);
        return sheet;
    }
    let bar = Area::new(0, 55, WIDTH, 9);
    sheet.bar(bar, id.row().position(status.values.exact(id)));
    if let Some(knob) = status.waiting {
        sheet.needle(bar, knob);
    }
    sheet
}
