//! The screens of lists: the set list with what comes next, and the scenes.

use super::foot::{Beside, foot, foot_at};
use super::page::LOW_FOOT;
use super::sheet::{Area, Face, Sheet, WIDTH};
use super::words::FOOT;
use crate::display::status::{Listed, Status};

/// The patch that plays, large; before it and after it what a foot switch leads to.
pub(super) fn set_list(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(list) = &status.set_list else {
        titled(status, "Set list", "", &mut sheet);
        super::words::paragraph(&mut sheet, "there is no set list: start with --set-list FOLDER", FOOT);
        foot(status, Beside::Head, &mut sheet);
        return sheet;
    };
    titled(status, "Set list", &format!("{} of {}", list.playing.number, list.last), &mut sheet);
    neighbour(&mut sheet, 12, "<", list.previous.as_ref());
    let face = if Face::Big.width(&list.playing.name) <= WIDTH { Face::Big } else { Face::Bold };
    sheet.text(face, 0, 23 + (18 - face.height()) / 2, WIDTH, &list.playing.name);
    neighbour(&mut sheet, 43, "next", list.next.as_ref());
    foot(status, Beside::Head, &mut sheet);
    sheet
}

/// The patch that plays and the next one.
pub(super) fn set_list_low(status: &Status, sheet: &mut Sheet) {
    let is_quiet = super::low::is_quiet(status);
    if let Some(list) = &status.set_list {
        let end = sheet.badge_low(Face::Plain, WIDTH, 0, 40, &list.playing.number.to_string());
        let (face, next) = if is_quiet { (Face::Bold, 20) } else { (Face::Plain, 11) };
        sheet.text(face, 0, 0, end - 4, &list.playing.name);
        neighbour(sheet, next, "next", list.next.as_ref());
    } else {
        sheet.text(Face::Plain, 0, 0, WIDTH, "no set list");
    }
    if !is_quiet {
        foot_at(status, Beside::Nowhere, LOW_FOOT, sheet);
    }
}

fn neighbour(sheet: &mut Sheet, y: i32, word: &str, listed: Option<&Listed>) {
    let name = listed.map_or_else(|| "-".to_owned(), |it| format!("{} {}", it.number, it.name));
    let begin = Face::Plain.width(word) + Face::Plain.width(" ");
    sheet.text(Face::Plain, 0, y, begin, word);
    sheet.text(Face::Plain, begin, y, WIDTH - begin, &name);
}

/// Nine places: what is kept, under which name, and which one is played.
pub(super) fn scenes(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let playing = status.scene.filter(|_| status.morph.is_none());
    titled(status, "Scenes", &super::play::scene_words(status), &mut sheet);
    for place in 0..9 {
        let (x, y) = (place as i32 % 3 * 43, 12 + place as i32 / 3 * 14);
        cell(&mut sheet, status, place, playing == Some(place), Area::new(x, y, 41, 13));
    }
    foot(status, Beside::Head, &mut sheet);
    sheet
}

/// The scene that is played, and the names of the kept ones around it.
pub(super) fn scenes_low(status: &Status, sheet: &mut Sheet) {
    let playing = status.scene.filter(|_| status.morph.is_none());
    let is_quiet = super::low::is_quiet(status);
    let (most, first) = if is_quiet { (6, playing.unwrap_or(0) / 6 * 3) } else { (3, playing.unwrap_or(0) / 3 * 3) };
    for place in first..first + most {
        let at = (place - first) as i32;
        cell(sheet, status, place, playing == Some(place), Area::new(at % 3 * 43, at / 3 * 16, 41, 15));
    }
    if !is_quiet {
        foot_at(status, Beside::Nowhere, LOW_FOOT, sheet);
    }
}

/// A title; while a fault has the lowest line, what was said and the mute stand in it.
pub(super) fn titled(status: &Status, left: &str, right: &str, sheet: &mut Sheet) {
    let faulty = !status.faults.is_empty();
    let left = if faulty && !status.said().is_empty() { status.said() } else { left };
    let right = if faulty && status.muted { "MUTE" } else { right };
    sheet.title(left, right);
}

fn cell(sheet: &mut Sheet, status: &Status, place: usize, playing: bool, area: Area) {
    let kept = status.scenes.get(place).filter(|it| it.kept);
    let Some(kept) = kept else {
        // An empty place is a dot: there is nothing to recall.
        return sheet.fill(Area::new(area.x + area.width / 2, area.y + area.height / 2, 2, 2));
    };
    let number = (place + 1).to_string();
    let words = kept.name.as_ref().map_or(number.clone(), |name| format!("{number} {name}"));
    let words = Face::Plain.fit(&words, area.width - 4);
    if playing {
        sheet.lit_box(Face::Plain, area, &words);
    } else {
        sheet.boxed(Face::Plain, area, &words);
    }
}
