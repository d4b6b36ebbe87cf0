//! The page of the knobs in the hand: of each its name, its value, and a needle where it stands while it has not taken hold.
//!
//! Two columns of four, in the order in which a controller has its knobs: left to right, then down.

use super::foot::{Beside, foot, foot_at};
use super::sheet::{Area, Face, Sheet, WIDTH};
use super::short::{LETTERS, short};
use crate::display::status::{PageKnob, Status, written};

/// Knobs side by side.
const COLUMNS: usize = 2;
/// Dots down of one knob: a line of text and a bar. Four of them leave a line for what is wrong, said, or how loud it is.
const ROW: i32 = 13;
/// The same on a panel of 32 rows, which has air for it while nothing is wrong.
const LOW_ROW: i32 = 16;
/// Where the lowest line of a panel of 32 rows begins.
pub(super) const LOW_FOOT: i32 = 22;
/// Dots across of one knob.
const COLUMN: i32 = (WIDTH - GAP) / COLUMNS as i32;
/// Between the columns.
const GAP: i32 = 4;

/// The page on a panel of 64 rows.
pub(super) fn page(status: &Status) -> Sheet {
    let mut sheet = Sheet::default();
    match &status.page {
        Some(page) => knobs(status, &page.knobs, page.touched, (8, ROW), &mut sheet),
        None => super::words::paragraph(&mut sheet, NO_PAGE, super::words::FOOT),
    }
    foot(status, Beside::Nowhere, &mut sheet);
    sheet
}

/// The four knobs around the one in the hand, on a panel of 32 rows; two while something is wrong or was said.
pub(super) fn low(status: &Status, sheet: &mut Sheet) {
    let is_quiet = super::low::is_quiet(status);
    match &status.page {
        None if is_quiet => super::low::lines(sheet, NO_PAGE),
        None => {}
        Some(page) => {
            let most = if is_quiet { 4 } else { 2 };
            let first = page.touched / most * most;
            let part = page.knobs.get(first..).unwrap_or_default();
            knobs(status, part, page.touched - first, (most, LOW_ROW), sheet);
        }
    }
    if !is_quiet {
        foot_at(status, Beside::Nowhere, LOW_FOOT, sheet);
    }
}

const NO_PAGE: &str = "touch a knob, and its page stands here";

fn knobs(status: &Status, knobs: &[PageKnob], touched: usize, (most, height): (usize, i32), sheet: &mut Sheet) {
    for (place, knob) in knobs.iter().take(most).enumerate() {
        let (column, row) = ((place % COLUMNS) as i32, (place / COLUMNS) as i32);
        one(status, knob, place == touched, (column * (COLUMN + GAP), row * height), height, sheet);
    }
}

fn one(status: &Status, knob: &PageKnob, touched: bool, (x, y): (i32, i32), height: i32, sheet: &mut Sheet) {
    let name = knob.id.map_or("-", short);
    let width = Face::Plain.width(name);
    if touched {
        sheet.lit_word(Face::Plain, x, y, name);
    } else {
        sheet.text(Face::Plain, x + 1, y, width, name);
    }
    let Some(id) = knob.id else { return };
    // The sign of a unit has no room; the name says what it is.
    let words = written(id, &status.values);
    let number = words.split(' ').next().unwrap_or_default();
    let room = COLUMN - LETTERS as i32 * Face::Plain.width(" ") - 2;
    sheet.right(Face::Plain, x + COLUMN, y, room, number);
    // The bar takes what the letters leave.
    let bar = Area::new(x, y + 10, COLUMN, (height - 10).min(4));
    sheet.bar(bar, knob.place);
    if let Some(stands) = knob.waiting {
        sheet.needle(bar, stands);
    }
}
