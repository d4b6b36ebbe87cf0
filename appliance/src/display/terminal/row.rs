//! A line of the terminal, made of pieces that are whole or not there.
//!
//! Each piece has a worth. Where the line is too narrow, the piece of the least worth goes, until the rest fits; a name or a bar
//! may be made smaller first. So a narrow line says less and never half. Widths are columns, as a terminal counts them: two for
//! most letters of Chinese, Japanese and Korean.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Columns between two pieces.
const GAP: usize = 2;
/// Where a knob stands that has not taken hold.
const NEEDLE: char = '┃';
/// A bar that is shorter says nothing.
const BAR_LEAST: usize = 4;
/// A name that is shorter is no longer known.
const NAME_LEAST: usize = 8;

/// What a piece is made of.
#[derive(Clone, Debug)]
enum Stuff {
    /// Whole or not at all.
    Text(String),
    /// May be shortened, at its end and with an ellipsis.
    Name(String),
    /// Full at 1; from [`BAR_LEAST`] columns to this many; with a needle where a knob stands.
    Bar(f64, usize, Option<f64>),
}

impl Stuff {
    fn least(&self) -> usize {
        match self {
            Self::Text(text) => text.width(),
            Self::Name(text) => text.width().min(NAME_LEAST),
            Self::Bar(_, most, _) => BAR_LEAST.min(*most),
        }
    }

    fn most(&self) -> usize {
        match self {
            Self::Text(text) | Self::Name(text) => text.width(),
            Self::Bar(_, most, _) => *most,
        }
    }
}

/// A part of a line.
#[derive(Clone, Debug)]
struct Piece {
    stuff: Stuff,
    style: Style,
    worth: u8,
    /// Columns before it.
    gap: usize,
}

/// A line, not yet of any width.
#[derive(Clone, Debug, Default)]
pub(super) struct Row(Vec<Piece>);

impl Row {
    /// Adds a text; pieces of the least `worth` go first. An empty one adds nothing.
    pub(super) fn text(self, worth: u8, style: Style, text: impl Into<String>) -> Self {
        self.add(worth, style, Stuff::Text(text.into()), GAP)
    }

    /// Adds a text that stands close to what is before it.
    pub(super) fn close(self, worth: u8, style: Style, text: impl Into<String>) -> Self {
        self.add(worth, style, Stuff::Text(text.into()), 1)
    }

    /// Adds a name, which may be shortened.
    pub(super) fn name(self, worth: u8, style: Style, text: &str) -> Self {
        self.add(worth, style, Stuff::Name(text.to_owned()), GAP)
    }

    /// Adds a bar of up to `most` columns, full where `part` is 1.
    pub(super) fn bar(self, worth: u8, style: Style, part: f64, most: usize) -> Self {
        self.add(worth, style, Stuff::Bar(part, most, None), 1)
    }

    /// Adds a bar with a needle across it, where a knob has not taken hold and stands there.
    pub(super) fn bar_of_knob(self, worth: u8, style: Style, part: f64, most: usize, stands: Option<f64>) -> Self {
        self.add(worth, style, Stuff::Bar(part, most, stands), 1)
    }

    /// Adds the pieces of another line.
    pub(super) fn and(mut self, other: Self) -> Self {
        for piece in other.0 {
            self = self.add(piece.worth, piece.style, piece.stuff, GAP.max(piece.gap));
        }
        self
    }

    fn add(mut self, worth: u8, style: Style, stuff: Stuff, gap: usize) -> Self {
        if stuff.most() > 0 {
            let gap = if self.0.is_empty() { 0 } else { gap };
            self.0.push(Piece { stuff, style, worth, gap });
        }
        self
    }

    /// Whether there is nothing to say.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The line at `width` columns.
    pub(super) fn at(mut self, width: usize) -> Line<'static> {
        let room = |pieces: &[Piece]| -> Option<usize> {
            let needed: usize = pieces.iter().map(|it| it.stuff.least() + it.gap).sum();
            width.checked_sub(needed)
        };
        let mut left = room(&self.0);
        while left.is_none() && self.0.len() > 1 {
            let lowest = self.0.iter().map(|it| it.worth).min().unwrap_or(0);
            let place = self.0.iter().rposition(|it| it.worth == lowest).unwrap_or(0);
            self.0.remove(place);
            if let Some(first) = self.0.first_mut() {
                first.gap = 0;
            }
            left = room(&self.0);
        }
        let Some(mut left) = left else {
            // The last piece alone is too wide: what is left of a name still helps.
            let last = self.0.pop();
            return Line::from_iter(last.map(|it| Span::styled(shortened(it.stuff.words(), width), it.style)));
        };
        let mut spans = Vec::new();
        for piece in &self.0 {
            let more = (piece.stuff.most() - piece.stuff.least()).min(left);
            left -= more;
            spans.push(Span::raw(" ".repeat(piece.gap)));
            spans.push(Span::styled(piece.stuff.at(piece.stuff.least() + more), piece.style));
        }
        Line::from(spans)
    }
}

impl Stuff {
    fn at(&self, columns: usize) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Name(text) => shortened(text, columns),
            Self::Bar(part, _, stands) => with_needle(bar(*part, columns), *stands),
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Text(text) | Self::Name(text) => text,
            Self::Bar(..) => "",
        }
    }
}

/// A text of at most `columns`: whole, or its beginning with an ellipsis, if possible up to the end of a word.
pub(super) fn shortened(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let end = fitting(text, room);
    let word = text[..end].rfind(' ').filter(|_| !text[end..].starts_with(' ')).unwrap_or(end);
    // A word that fills the line, as a name without blanks does, is cut.
    let end = if word * 2 < end { end } else { word };
    format!("{}…", text[..end].trim_end())
}

/// A text in lines of at most `columns`, broken between words; a word that is wider than a line is broken in itself.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if columns == 0 {
        return lines;
    }
    for mut word in text.split_whitespace() {
        if let Some(line) = lines.last_mut().filter(|it| it.width() + 1 + word.width() <= columns) {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        while columns < word.width() {
            let place = fitting(word, columns);
            // A letter of two columns on a line of one is left out.
            if place == 0 {
                return lines;
            }
            lines.push(word[..place].to_owned());
            word = &word[place..];
        }
        lines.push(word.to_owned());
    }
    lines
}

/// The bytes of a text's beginning that fit into `columns`. Measured as a whole: marks change the width of the letter before.
fn fitting(text: &str, columns: usize) -> usize {
    let ends = text.char_indices().map(|(place, it)| place + it.len_utf8());
    ends.take_while(|end| text[..*end].width() <= columns).last().unwrap_or(0)
}

/// A bar of `columns`, full at 1, in eighths of a column.
fn bar(part: f64, columns: usize) -> String {
    const EIGHTHS: [char; 8] = ['░', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (part.clamp(0.0, 1.0) * (columns * 8) as f64).round() as usize;
    (0..columns)
        .map(|column| match eighths.saturating_sub(column * 8) {
            8.. => '█',
            some => EIGHTHS[some],
        })
        .collect()
}

/// A bar with a needle across it; in letters, so that it is seen without colours too.
fn with_needle(bar: String, stands: Option<f64>) -> String {
    let Some(stands) = stands else { return bar };
    let columns = bar.chars().count();
    let at = ((stands.clamp(0.0, 1.0) * columns as f64) as usize).min(columns.saturating_sub(1));
    bar.chars().enumerate().map(|(column, it)| if column == at { NEEDLE } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Row, bar, shortened, with_needle, wrapped};
    use proptest::prelude::*;
    use ratatui::style::Style;
    use unicode_width::UnicodeWidthStr;

    const PLAIN: Style = Style::new();

    fn text(row: &Row, width: usize) -> String {
        row.clone().at(width).to_string()
    }

    #[test]
    fn the_least_worth_goes_first_and_what_stays_is_whole() {
        let row = Row::default().text(9, PLAIN, "Denoise").text(1, PLAIN, "later").text(5, PLAIN, "0.55");
        assert_eq!(text(&row, 40), "Denoise  later  0.55");
        assert_eq!(text(&row, 19), "Denoise  0.55");
        assert_eq!(text(&row, 12), "Denoise");
        assert_eq!(text(&row, 5), "Deno…");
        assert_eq!(text(&row, 0), "");
    }

    #[test]
    fn names_and_bars_give_way_before_a_piece_goes() {
        let row = Row::default().name(9, PLAIN, "a long name of a set").bar(5, PLAIN, 1.0, 8).close(7, PLAIN, "MUTE");
        assert_eq!(text(&row, 60), "a long name of a set ████████ MUTE");
        assert_eq!(text(&row, 26), "a long name of… ████ MUTE");
        assert_eq!(text(&row, 18), "a long… ████ MUTE");
        assert_eq!(text(&row, 17), "a long name… MUTE");
    }

    #[test]
    fn names_are_cut_between_letters_of_two_columns() {
        assert_eq!(shortened("夜のバス停", 10), "夜のバス停");
        assert_eq!(shortened("夜のバス停", 9), "夜のバス…");
        assert_eq!(shortened("夜のバス停", 8), "夜のバ…");
        assert_eq!(shortened("one two", 6), "one…");
        assert_eq!(shortened("one two", 1), "…");
    }

    #[test]
    fn a_message_breaks_between_words() {
        assert_eq!(wrapped("the sound device is away", 10), ["the sound", "device is", "away"]);
        assert_eq!(wrapped("unbreakable", 5), ["unbre", "akabl", "e"]);
        assert_eq!(wrapped("夜のバス停", 4), ["夜の", "バス", "停"]);
        assert_eq!(wrapped("夜", 1), Vec::<String>::new());
    }

    #[test]
    fn a_bar_is_full_at_one() {
        assert_eq!([bar(0.0, 2), bar(0.5, 2), bar(0.75, 2), bar(9.0, 2)], ["░░", "█░", "█▌", "██"]);
    }

    #[test]
    fn a_needle_stands_where_the_knob_does() {
        assert_eq!(with_needle(bar(0.5, 4), None), "██░░");
        assert_eq!([0.0, 0.6, 1.0].map(|it| with_needle(bar(0.5, 4), Some(it))), ["┃█░░", "██┃░", "██░┃"]);
        assert_eq!(with_needle(String::new(), Some(0.5)), "");
    }

    proptest! {
        #[test]
        fn nothing_is_ever_wider_than_its_line(name in ".{0,30}", more in ".{0,12}", width in 0usize..60) {
            let row = Row::default().name(3, PLAIN, &name).text(2, PLAIN, more.clone()).bar(1, PLAIN, 0.5, 9);
            prop_assert!(row.at(width).width() <= width);
            prop_assert!(shortened(&name, width).width() <= width);
            prop_assert!(wrapped(&more, width).iter().all(|it| it.width() <= width));
        }
    }
}
