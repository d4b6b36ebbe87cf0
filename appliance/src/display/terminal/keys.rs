//! The keys on the screen: those that matter always, all of them when asked for or where there is room.

use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::parts::{BOLD, DIM, PLAIN};
use super::row::wrapped;
use crate::control::binding::KEY_HELP;

/// The keys that stand on every screen, in their order, with their worth: the least goes first where there is no room.
const MATTER: [(&str, &str, u8); 11] = [
    ("letters", "select", 6),
    ("arrows", "turn", 9),
    ("1-9", "scenes", 5),
    ("w 1-9", "keep", 2),
    ("u", "undo", 8),
    ("space", "mute", 7),
    ("p", "panic", 4),
    ("r", "new seeds", 3),
    ("L", "learn", 1),
    ("?", "all keys", 10),
    ("q q", "leaves", 11),
];
/// The keys while words are written: letters are letters.
const WRITING: [(&str, &str, u8); 5] = [
    ("enter", "plays", 4),
    ("tab", "takes", 2),
    ("up, down", "choose", 1),
    ("backspace", "deletes", 3),
    ("escape", "leaves", 5),
];
/// Columns of the keys before what they do, where both stand on one line.
const KEYS: usize = 30;
/// Narrower than this, what keys do stands below them.
const SIDE_BY_SIDE: usize = 60;

/// The keys that matter, in at most `height` lines of `width` columns, each with its word; `writes`: while words are written.
pub(super) fn that_matter(writes: bool, width: usize, height: usize) -> Vec<Line<'static>> {
    let keys = keys(writes);
    for least in 0..=keys.len() as u8 {
        let lines = flowed(keys, least, width);
        if lines.len() <= height && lines.iter().all(|it| it.width() <= width) {
            return lines;
        }
    }
    Vec::new()
}

/// Lines that the keys that matter take where all are there.
pub(super) fn all_that_matter(writes: bool, width: usize) -> usize {
    flowed(keys(writes), 0, width).len()
}

fn keys(writes: bool) -> &'static [(&'static str, &'static str, u8)] {
    if writes { &WRITING } else { &MATTER }
}

fn flowed(keys: &[(&'static str, &'static str, u8)], least: u8, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (keys, what, _) in keys.iter().filter(|(.., worth)| least < *worth) {
        let needs = keys.width() + 1 + what.width();
        let pair = [Span::styled(*keys, BOLD), Span::styled(format!(" {what}"), DIM)];
        match lines.last_mut().filter(|it| it.width() + 2 + needs <= width) {
            Some(line) => line.spans.extend([Span::raw("  ")].into_iter().chain(pair)),
            None => lines.push(Line::from_iter(pair)),
        }
    }
    lines
}

/// All keys, in pages of at most `height` lines; an entry stands on one page. None where there is no room at all.
pub(super) fn pages(width: usize, height: usize) -> Vec<Vec<Line<'static>>> {
    let mut pages: Vec<Vec<Line<'static>>> = Vec::new();
    for (keys, what) in KEY_HELP {
        let entry = entry(keys, what, width);
        if height < entry.len() {
            return Vec::new();
        }
        match pages.last_mut().filter(|it| it.len() + entry.len() <= height) {
            Some(page) => page.extend(entry),
            None => pages.push(entry),
        }
    }
    pages
}

fn entry(keys: &'static str, what: &str, width: usize) -> Vec<Line<'static>> {
    if width < SIDE_BY_SIDE {
        let mut lines: Vec<Line<'static>> = wrapped(keys, width).into_iter().map(|it| Line::styled(it, BOLD)).collect();
        lines.extend(
            wrapped(what, width.saturating_sub(2)).into_iter().map(|it| Line::styled(format!("  {it}"), PLAIN)),
        );
        return lines;
    }
    let what = wrapped(what, width - KEYS - 1);
    let keys = std::iter::once(keys).chain(std::iter::repeat(""));
    let line =
        |(keys, what)| Line::from(vec![Span::styled(format!("{keys:<KEYS$} "), BOLD), Span::styled(what, PLAIN)]);
    keys.zip(what).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{KEY_HELP, KEYS, MATTER, all_that_matter, pages, that_matter};

    #[test]
    fn a_narrow_line_keeps_the_way_to_all_keys_and_the_way_out() {
        let line = |width| that_matter(false, width, 1).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(line(40), ["arrows turn  ? all keys  q q leaves"]);
        assert_eq!(line(23), ["? all keys  q q leaves"]);
        assert_eq!(line(10), ["q q leaves"]);
        assert_eq!(line(9), Vec::<String>::new());
        let all = line(200).join("");
        assert!(MATTER.iter().all(|(keys, what, _)| all.contains(&format!("{keys} {what}"))), "{all}");
        assert_eq!(all_that_matter(false, 200), 1);
        assert_eq!(that_matter(false, 60, 9).len(), all_that_matter(false, 60));
    }

    #[test]
    fn the_pages_hold_every_key_once_whatever_their_size() {
        for (width, height) in [(40, 6), (60, 8), (80, 24), (120, 40), (200, 60)] {
            let pages = pages(width, height);
            assert!(!pages.is_empty() && pages.iter().all(|it| it.len() <= height), "{width}x{height}");
            let lines: Vec<String> = pages.iter().flatten().map(ToString::to_string).collect();
            assert!(pages.iter().flatten().all(|it| it.width() <= width), "{width}x{height}");
            for (keys, _) in KEY_HELP {
                let begins = |it: &&String| it.starts_with(keys) && it[keys.len()..].trim().len() != 1;
                assert!(lines.iter().filter(begins).count() >= 1, "{keys} at {width}x{height}");
            }
        }
        assert_eq!(pages(80, 40).len(), 1);
        assert!(pages(40, 1).is_empty());
        assert!(KEY_HELP.iter().all(|(keys, _)| keys.len() <= KEYS));
    }
}
