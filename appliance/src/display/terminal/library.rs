//! The library on the screen, while a hand walks through it: a line a thing, the one under the cursor marked.

use ratatui::text::Line;

use super::parts::{BAD, BOLD, DIM, PLAIN};
use super::row::Row;
use crate::display::status::{LibraryPage, seen};
use crate::files::plain;
use crate::settings::library::Item;

/// As many lines of it as `height` says; the cursor's is among them.
pub(super) fn lines(page: &LibraryPage, width: usize, height: usize) -> Vec<Line<'static>> {
    let count = page.items.len();
    let Some((cursor, range)) = seen(page.cursor, count, height) else { return Vec::new() };
    let line = |(item, at): (&Item, usize)| {
        let here = at == cursor;
        let (mark, name) = if here { (">", BOLD) } else { (" ", PLAIN) };
        let (broken, style, about) = match item.fault() {
            Some(fault) => ("!", BAD, fault.to_owned()),
            None => ("", DIM, item.known().join(", ")),
        };
        let line = Row::default().text(9, BOLD, mark).close(7, BAD, broken).name(8, name, &plain(&item.name));
        let line = line.name(4, style, &plain(&about));
        if here { line.text(6, DIM, format!("{} of {count}", cursor + 1)).at(width) } else { line.at(width) }
    };
    page.items[range.clone()].iter().zip(range).map(line).collect()
}
