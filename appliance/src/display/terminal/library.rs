//! The library on the screen, while a hand walks through it: a line a thing, the one under the cursor marked.

use ratatui::text::Line;

use super::parts::{BAD, BOLD, DIM, PLAIN};
use super::row::Row;
use crate::display::status::{LibraryPage, LibraryRow};
use crate::files::plain;

/// As many lines of it as `height` says; the cursor's is among them, in the middle but for the ends of the list.
pub(super) fn lines(page: &LibraryPage, width: usize, height: usize) -> Vec<Line<'static>> {
    let count = page.rows.len();
    let cursor = page.cursor.min(count.saturating_sub(1));
    let first = cursor.saturating_sub(height / 2).min(count.saturating_sub(height));
    let line = |(row, at): (&LibraryRow, usize)| {
        let here = at == cursor;
        let (mark, name) = if here { (">", BOLD) } else { (" ", PLAIN) };
        let about = if row.broken { BAD } else { DIM };
        let broken = if row.broken { "!" } else { "" };
        let line = Row::default().text(9, BOLD, mark).close(7, BAD, broken).name(8, name, &plain(&row.name));
        let line = line.name(4, about, &plain(&row.about));
        if here { line.text(6, DIM, format!("{} of {count}", cursor + 1)).at(width) } else { line.at(width) }
    };
    page.rows.iter().zip(0..).skip(first).take(height).map(line).collect()
}
