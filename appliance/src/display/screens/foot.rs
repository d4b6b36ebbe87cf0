//! The lowest line of a screen: what is wrong, that it is muted, which layer is held, what was said, or how loud it is.

use super::play::level;
use super::sheet::{Area, Face, Sheet, WIDTH};
use super::words::{FOOT, fault_part};
use crate::display::status::{Status, taking};

/// Where the message and the mute stand while a fault has the lowest line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// In the screen's head.
    Head,
    /// There is no head: they share the line.
    Nowhere,
}

/// The lowest line of a panel of 64 rows.
pub(super) fn foot(status: &Status, beside: Beside, sheet: &mut Sheet) {
    foot_at(status, beside, FOOT, sheet);
}

/// The lowest line, from row `y` on. A fault that is longer than the line is read a part at a time.
pub(super) fn foot_at(status: &Status, beside: Beside, y: i32, sheet: &mut Sheet) {
    let (said, alone) = (status.said(), beside == Beside::Nowhere);
    if !status.faults.is_empty() {
        let mark = super::words::marks(status);
        if alone && !said.is_empty() {
            let end = sheet.badge_low(Face::Plain, WIDTH, y, 60, mark);
            return sheet.text(Face::Plain, 0, y, end - 2, said);
        }
        let right = if alone && status.muted { "MUTE" } else { "" };
        let room = WIDTH - 4 - Face::Plain.width(right) - if right.is_empty() { 0 } else { Face::Plain.width(" ") };
        sheet.lit_line(Face::Plain, y, WIDTH, &fault_part(status, room, 1).words, right);
    } else if status.muted {
        sheet.lit_line(Face::Plain, y, WIDTH, "MUTE", said);
    } else if !status.layer.is_empty() {
        // A hand that holds shift wants to know that it does.
        sheet.lit_line(Face::Plain, y, WIDTH, &status.layer, said);
    } else if !said.is_empty() {
        sheet.text(Face::Plain, 0, y, WIDTH, said);
    } else {
        meters(status, y, sheet);
    }
}

/// Both sides' peaks, one above the other; at the right end what should be looked at, in letters.
fn meters(status: &Status, y: i32, sheet: &mut Sheet) {
    let trouble = status.xruns + status.late + status.non_finite;
    let words = match (status.limiting, trouble) {
        (true, _) => "LIMIT".to_owned(),
        (false, 1..) => format!("late {}", trouble.min(9_999)),
        (false, 0) => taking(status),
    };
    let end = sheet.badge_low(Face::Plain, WIDTH, y, 60, &words);
    for (y, peak) in [y + 1, y + 6].into_iter().zip(status.peaks) {
        sheet.bar(Area::new(0, y, end - 2, 4), level(peak));
    }
}
