//! The screens of lists: the set list with what comes next, and the scenes.

use super::sheet::{Area, Face, Sheet, WIDTH};
use crate::display::status::{Listed, Status};

/// The patch that plays, large; before it and after it what a foot switch leads to.
pub(super) fn set_list(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(list) = &status.set_list else {
        sheet.title("Set list", "");
        super::words::paragraph(&mut sheet, "there is no set list: start with --set-list FOLDER");
        return sheet;
    };
    sheet.title("Set list", &format!("{} of {}", list.playing.number, list.last));
    neighbour(&mut sheet, 14, "<", list.previous.as_ref());
    let face = if Face::Big.width(&list.playing.name) <= WIDTH { Face::Big } else { Face::Bold };
    sheet.text(face, 0, 27 + (18 - face.height()) / 2, WIDTH, &list.playing.name);
    neighbour(&mut sheet, 50, "next", list.next.as_ref());
    sheet
}

/// The patch that plays and the next one.
pub(super) fn set_list_low(status: &Status, sheet: &mut Sheet) {
    let Some(list) = &status.set_list else { return super::low::lines(sheet, "no set list") };
    let number = list.playing.number.to_string();
    let end = sheet.badge(Face::Plain, WIDTH, 0, 40, &number);
    sheet.text(Face::Bold, 0, 0, end - 4, &list.playing.name);
    neighbour(sheet, 20, "next", list.next.as_ref());
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
    sheet.title("Scenes", &super::play::scene_words(status));
    for place in 0..9 {
        let (x, y) = (place as i32 % 3 * 43, 13 + place as i32 / 3 * 17);
        cell(&mut sheet, status, place, playing == Some(place), Area::new(x, y, 41, 15));
    }
    sheet
}

/// The scene that is played, and the names of the kept ones around it.
pub(super) fn scenes_low(status: &Status, sheet: &mut Sheet) {
    let playing = status.scene.filter(|_| status.morph.is_none());
    let first = playing.unwrap_or(0) / 6 * 3;
    for place in first..first + 6 {
        let at = (place - first) as i32;
        cell(sheet, status, place, playing == Some(place), Area::new(at % 3 * 43, at / 3 * 16, 41, 15));
    }
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
