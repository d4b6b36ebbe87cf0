//! The status as a picture of any size, in a buffer of ratatui's. Pure: the same status is the same picture.
//!
//! What a screen has no room for is not there, in the order of worth; what is there is whole. The value in the hand, a fault,
//! what was just said, and the way out are the last to go.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use super::layout::{Part, Want, lines};
use super::parts::{self, BAD, BOLD, CELL, CELL_BAR, DIM, KNOB, NOTE, PLAIN};
use super::row::{Row, wrapped};
use super::{Ink, keys, library, text};
use crate::control::binding::MAIN;
use crate::display::status::Status;
use crate::files::plain;

/// Lines of a message or a fault at most.
const WORDS: usize = 3;
/// Columns between two parameters.
const GUTTER: usize = 2;
/// Lines of the library at most; and half of the screen's.
const LIBRARY: usize = 9;
/// Narrower bars say nothing of a tape.
const TAPE: usize = 10;

/// What is drawn.
#[derive(Clone, Copy)]
pub(super) struct Picture<'a> {
    /// The status of now.
    pub(super) status: &'a Status,
    /// What was said before, the latest last.
    pub(super) log: &'a [String],
    /// What letters look like.
    pub(super) ink: Ink,
}

impl Picture<'_> {
    /// Draws it over the whole of `buffer`.
    pub(super) fn draw(&self, buffer: &mut Buffer) {
        let area = buffer.area;
        // A column is left free at each side where there is room for it.
        let margin = u16::from(area.width >= 20);
        let width = usize::from(area.width - 2 * margin);
        let height = usize::from(area.height);
        let mut y = area.y;
        let (list, page) = self.key_list(width, height);
        for (part, height) in lines(&self.wants(width, height, list.len(), page.is_some()), height) {
            let drawn = match part {
                Part::KeyList => list.clone(),
                Part::Keys if page.is_some() => vec![page.clone().unwrap_or_default().at(width)],
                part => self.part(part, width, height),
            };
            for (line, y) in drawn.iter().take(height).zip(y..) {
                buffer.set_line(area.x + margin, y, line, area.width - 2 * margin);
            }
            // Also where nothing is said now: what stands below does not jump when something is.
            y += height as u16;
        }
        let Ink { colours, strong } = self.ink;
        for cell in &mut buffer.content {
            if !colours || strong {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
            }
            if strong {
                cell.modifier = (cell.modifier - Modifier::DIM) | Modifier::BOLD;
            }
        }
    }

    /// The list of keys as it stands here, and, where it was asked for, the line below it.
    fn key_list(&self, width: usize, height: usize) -> (Vec<Line<'static>>, Option<Row>) {
        // Title, message and the line below stay.
        let mut pages = keys::pages(width, height.saturating_sub(3));
        let (count, asked) = (pages.len(), self.status.key_list);
        // The page after the last is none: the list is closed, and begins again.
        let page = asked % (count + 1);
        if page > 0 {
            let of = if count > 1 { format!("page {page} of {count}") } else { String::new() };
            let next = if page < count { "? next page" } else { "? closes" };
            let row = Row::default().text(5, DIM, of).text(8, BOLD, next).text(6, BOLD, "escape closes");
            return (pages.swap_remove(page - 1), Some(row.text(9, BOLD, "q q leaves")));
        }
        // It stands there by itself where everything else has room already.
        let all: Vec<Line<'static>> = keys::pages(width, usize::MAX).into_iter().flatten().collect();
        let rest = self.grid(width) + 20;
        let has_room = self.list_lines(height) == 0 && rest + all.len() <= height;
        (if has_room { all } else { Vec::new() }, None)
    }

    /// Lines of what a hand is in: words that it writes, or the library.
    fn list_lines(&self, height: usize) -> usize {
        let written = self.status.text.as_ref().map(|it| it.choices.len() + 1);
        let all = written.or_else(|| Some(self.status.library.as_ref()?.items.len()));
        all.unwrap_or(0).min(LIBRARY).min(height / 2)
    }

    /// Lines of all main parameters.
    fn grid(&self, width: usize) -> usize {
        if width < CELL { 0 } else { MAIN.len().div_ceil(across(width)) }
    }

    fn wants(&self, width: usize, height: usize, list: usize, list_is_open: bool) -> Vec<Want> {
        let status = self.status;
        let want = |part, least, most, worth| Want { part, least, most, worth };
        let given = |row: Row| usize::from(!row.is_empty());
        // The same whichever part of them is read: what stands around does not jump.
        let fault = self.fault_lines(width).iter().map(Vec::len).sum::<usize>().min(WORDS);
        let message = self.words(self.message(), width).len();
        // Whole, unless the screen is so low that nothing else would stand there.
        let third = (height / 3).max(1);
        let (fault_least, message_least) = (fault.min(third), message.min(third));
        if status.boot.is_some() {
            return vec![
                want(Part::Title, 1, 1, 5),
                want(Part::Boot, 1, 1, 9),
                want(Part::Log, self.log.len().min(1), self.log.len().min(height / 2), 1),
                want(Part::Fault, fault_least, fault, 7),
                want(Part::Message, message_least.max(1), message.max(1), 6),
                want(Part::Keys, 1, 1, 8),
            ];
        }
        if list_is_open {
            return vec![
                want(Part::Title, 1, 1, 5),
                want(Part::KeyList, list, list, 9),
                want(Part::Fault, fault_least, fault, 6),
                want(Part::Message, message_least, message, 7),
                want(Part::Keys, 1, 1, 8),
            ];
        }
        let (grid, page) = (self.grid(width), self.page_lines(width));
        let list_of = self.list_lines(height);
        let broken = [status.xruns, status.late, status.non_finite] != [0; 3] || status.limiting;
        vec![
            want(Part::Title, 1, 1, 12),
            want(Part::Tape, usize::from(width >= TAPE), 1, 10),
            want(Part::Spotlight, 1, 1, 15),
            want(Part::Place, given(parts::place(status)), 1, 8),
            want(Part::SetList, given(parts::set_list(status)), 1, 8),
            want(Part::Scenes, given(parts::scenes(status)), 1, 5),
            want(Part::Page, page, page, 6),
            want(Part::Parameters, grid.min(2), grid, 7),
            want(Part::Ring, 1, 1, 3),
            want(Part::Machine, given(parts::machine(status)), 1, 2),
            want(Part::Trouble, 1, 1, if broken { 11 } else { 4 }),
            want(Part::Meters, 1, 1, 9),
            want(Part::List, list_of, list_of, 13),
            want(Part::KeyList, list, list, 1),
            want(Part::Log, self.log.len().min(1), self.log.len().min(height / 4), 0),
            want(Part::Fault, fault_least, fault, 16),
            want(Part::Message, message_least.max(1), message.max(1), 14),
            want(Part::Keys, 1, keys::all_that_matter(status.text.is_some(), width), 13),
        ]
    }

    fn part(&self, part: Part, width: usize, height: usize) -> Vec<Line<'static>> {
        let status = self.status;
        let one = |row: Row| vec![row.at(width)];
        match part {
            Part::Title => one(parts::title(status)),
            Part::Tape => vec![Line::styled(parts::tape(status, width), PLAIN)],
            Part::Spotlight => one(parts::spotlight(status)),
            Part::Boot => status.boot.as_ref().map_or_else(Vec::new, |it| one(parts::boot(it))),
            Part::Place => one(parts::place(status)),
            Part::SetList => one(parts::set_list(status)),
            Part::Scenes => one(parts::scenes(status)),
            Part::Page => self.page(width),
            Part::Parameters => self.parameters(width, height),
            Part::Ring => one(parts::ring(status)),
            Part::Machine => one(parts::machine(status)),
            Part::Trouble => one(parts::trouble(status)),
            Part::Meters => one(parts::meters(status)),
            Part::Log => {
                let shown = self.log.iter().rev().take(height).rev();
                shown.map(|it| Row::default().name(1, DIM, it).at(width)).collect()
            }
            Part::Fault => cut(self.faults(width, height), height, BAD),
            Part::Message => {
                let style = if status.learn.is_some() { NOTE } else { BOLD };
                cut(self.words(self.message(), width), height, style)
            }
            Part::Keys if status.boot.is_some() => one(Row::default().text(9, BOLD, "ctrl-c ends it")),
            Part::Keys => keys::that_matter(status.text.is_some(), width, height),
            Part::List => match (&status.text, &status.library) {
                (Some(page), _) => text::lines(page, width, height),
                (None, Some(page)) => library::lines(page, width, height),
                (None, None) => Vec::new(),
            },
            Part::KeyList => Vec::new(),
        }
    }

    /// Lines of the page in the hand.
    fn page_lines(&self, width: usize) -> usize {
        match &self.status.page {
            Some(page) if KNOB <= width => page.knobs.len().div_ceil(knobs_across(width)),
            _ => 0,
        }
    }

    /// The knobs of the page in the hand, as their controller has them: left to right, then down.
    fn page(&self, width: usize) -> Vec<Line<'static>> {
        let Some(page) = &self.status.page else { return Vec::new() };
        let across = knobs_across(width);
        let row = |first: usize| {
            let mut line = Line::default();
            for place in first..page.knobs.len().min(first + across) {
                let before = line.width();
                let column = (place - first) * (KNOB + GUTTER);
                line.push_span(" ".repeat(column.saturating_sub(before)));
                line.spans.extend(parts::knob(self.status, page, place).at(KNOB).spans);
            }
            line
        };
        (0..page.knobs.len()).step_by(across).map(row).collect()
    }

    /// What stands of the faults at the moment, in as many lines: all of them, or a part of one of them at a time.
    fn faults(&self, width: usize, height: usize) -> Vec<String> {
        let all = self.fault_lines(width);
        if all.iter().map(Vec::len).sum::<usize>() <= height {
            return all.concat();
        }
        let parts: Vec<&[String]> = all.iter().flat_map(|it| it.chunks(height.max(1))).collect();
        parts.get(self.status.fault_page % parts.len().max(1)).map_or_else(Vec::new, |it| it.to_vec())
    }

    /// Each fault in lines.
    fn fault_lines(&self, width: usize) -> Vec<Vec<String>> {
        self.status.faults.iter().map(|it| wrapped(&plain(it), width)).collect()
    }

    /// What is asked before what was said; a fault is not said again.
    fn message(&self) -> &str {
        self.status.learn.as_deref().unwrap_or_else(|| self.status.said())
    }

    fn words(&self, words: &str, width: usize) -> Vec<String> {
        let mut lines = wrapped(&plain(words), width);
        if WORDS < lines.len() {
            let rest = lines.split_off(WORDS - 1).join(" ");
            lines.push(super::row::shortened(&rest, width));
        }
        lines
    }

    /// The main parameters, as many across as there is room for; of too few lines those around the selected one.
    fn parameters(&self, width: usize, height: usize) -> Vec<Line<'static>> {
        let across = across(width);
        let columns = ((width + GUTTER) / across).saturating_sub(GUTTER);
        let rows = MAIN.len().div_ceil(across);
        let selected = MAIN.iter().position(|id| *id == self.status.selected).unwrap_or(0) % rows;
        let first = selected.saturating_sub(height / 2).min(rows.saturating_sub(height));
        let row = |row: usize| {
            let mut line = Line::default();
            for place in (row..MAIN.len()).step_by(rows) {
                let before = line.width();
                let column = place / rows * (columns + GUTTER);
                line.push_span(" ".repeat(column.saturating_sub(before)));
                line.spans.extend(parts::parameter(self.status, place, columns).at(columns).spans);
            }
            line
        };
        (first..rows.min(first + height)).map(row).collect()
    }
}

/// Parameters that stand side by side: with bars, up to four.
fn across(width: usize) -> usize {
    ((width + GUTTER) / (CELL + 1 + CELL_BAR + GUTTER)).clamp(1, 4)
}

/// Knobs of a page that stand side by side: eight, or half of them.
fn knobs_across(width: usize) -> usize {
    match (width + GUTTER) / (KNOB + GUTTER) {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// Lines of words, at most `height`.
fn cut(lines: Vec<String>, height: usize, style: Style) -> Vec<Line<'static>> {
    lines.into_iter().take(height).map(|it| Line::styled(it, style)).collect()
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
