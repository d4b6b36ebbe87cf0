//! Words on the screen while a hand writes them: what stands there, and what may come next.

use ratatui::text::Line;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::parts::{BOLD, DIM, PLAIN};
use super::row::Row;
use crate::display::status::{TextPage, seen};
use crate::files::plain;

/// As many lines of it as `height` says: what is written, and the choices around the cursor.
pub(super) fn lines(page: &TextPage, width: usize, height: usize) -> Vec<Line<'static>> {
    let end = end_of(&plain(&page.text), width.saturating_sub(page.title.width() + 3));
    let written = Row::default().text(7, DIM, format!("{}:", page.title)).name(8, BOLD, &end);
    let count = page.choices.len();
    let range = seen(page.cursor, count, height.saturating_sub(1));
    let choice = |at: usize| {
        let here = at == page.cursor;
        let (mark, style) = if here { (">", BOLD) } else { (" ", PLAIN) };
        Row::default().text(9, BOLD, mark).name(8, style, &plain(&page.choices[at])).at(width)
    };
    let choices = range.into_iter().flat_map(|it| it.1).map(choice);
    [written.at(width)].into_iter().chain(choices).take(height).collect()
}

/// The end of what is written, with the place of the next letter.
fn end_of(text: &str, columns: usize) -> String {
    let mut room = columns.saturating_sub(1);
    let fits = |it: &char| match room.checked_sub(it.width().unwrap_or(0)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let end: Vec<char> = text.chars().rev().take_while(fits).collect();
    end.into_iter().rev().chain(['_']).collect()
}
