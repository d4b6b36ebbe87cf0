//! Lines of tinted text that stand still in a terminal.
//!
//! Only lines that changed are written, in one piece and inside a synchronised update, so that nothing flickers and a slow
//! connection carries little. The panel stands where the cursor was and leaves the screen as a program should: cursor
//! shown, prompt below. Lines are cut to the panel's width, since a wrapped line would shift all that follow.

use std::io::{self, Write};

/// How a piece of text looks; what that means is the drawer's affair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tint {
    /// As the terminal has it.
    #[default]
    Plain,
    /// Less important.
    Dim,
    /// More important.
    Bold,
    /// Dark on light.
    Inverse,
    /// Green.
    Green,
    /// Yellow.
    Yellow,
    /// Blue.
    Blue,
    /// Magenta.
    Magenta,
    /// Red.
    Red,
}

impl Tint {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "\x1b[0m",
            Self::Dim => "\x1b[0;2m",
            Self::Bold => "\x1b[0;1m",
            Self::Inverse => "\x1b[0;7m",
            Self::Green => "\x1b[0;32m",
            Self::Yellow => "\x1b[0;33m",
            Self::Blue => "\x1b[0;94m",
            Self::Magenta => "\x1b[0;35m",
            Self::Red => "\x1b[0;31m",
        }
    }
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its text; control characters are shown as blanks.
    pub text: String,
    /// Its look.
    pub tint: Tint,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Span>);

impl Line {
    /// Adds a piece.
    #[must_use]
    pub fn with(mut self, tint: Tint, text: impl Into<String>) -> Self {
        self.0.push(Span { text: text.into(), tint });
        self
    }

    /// The text without its looks.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|span| span.text.as_str()).collect()
    }
}

/// The panel.
#[derive(Debug)]
pub struct TextPanel<W: Write> {
    out: W,
    width: usize,
    shown: Vec<Line>,
    open: bool,
}

impl<W: Write> TextPanel<W> {
    /// A panel of `width` columns that will stand at the cursor.
    pub const fn new(out: W, width: usize) -> Self {
        Self { out, width, shown: Vec::new(), open: false }
    }

    /// Shows the lines: writes those that differ from what stands there.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn show(&mut self, lines: &[Line]) -> io::Result<()> {
        let unchanged = self.open && lines == self.shown;
        if unchanged {
            return Ok(());
        }
        let mut piece = String::from("\x1b[?2026h");
        if !self.open {
            piece.push_str("\x1b[?25l");
        }
        // The cursor rests below the last line that stands.
        let standing = self.shown.len();
        let mut at = standing;
        for (place, line) in lines.iter().enumerate() {
            if self.shown.get(place) == Some(line) {
                continue;
            }
            go(&mut piece, at, place);
            self.write_line(&mut piece, line);
            piece.push_str("\r\n");
            at = place + 1;
        }
        for place in lines.len()..standing {
            go(&mut piece, at, place);
            piece.push_str("\x1b[2K\r\n");
            at = place + 1;
        }
        go(&mut piece, at, lines.len());
        piece.push_str("\x1b[?2026l");
        self.out.write_all(piece.as_bytes())?;
        self.out.flush()?;
        self.shown = lines.to_vec();
        self.open = true;
        Ok(())
    }

    fn write_line(&self, piece: &mut String, line: &Line) {
        piece.push('\r');
        let mut room = self.width;
        for span in &line.0 {
            piece.push_str(span.tint.code());
            for character in span.text.chars().take(room) {
                piece.push(if character.is_control() { ' ' } else { character });
            }
            room = room.saturating_sub(span.text.chars().count());
        }
        piece.push_str("\x1b[0m\x1b[K");
    }
}

impl<W: Write> Drop for TextPanel<W> {
    fn drop(&mut self) {
        if self.open {
            // A terminal that is gone needs no tidying.
            let _ = self.out.write_all(b"\x1b[0m\x1b[?25h").and_then(|()| self.out.flush());
        }
    }
}

/// Moves the cursor from one line to another.
fn go(piece: &mut String, from: usize, to: usize) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = match to as isize - from as isize {
        0 => Ok(()),
        up @ ..0 => write!(piece, "\x1b[{}A", -up),
        down => write!(piece, "\x1b[{down}B"),
    };
}

#[cfg(test)]
mod tests {
    use super::{Line, TextPanel, Tint};

    /// What a terminal of a few lines shows after these bytes, and the row of its cursor.
    fn screen(bytes: &[u8]) -> (Vec<String>, usize) {
        let (mut lines, mut row, mut column) = (vec![Vec::<char>::new(); 8], 0usize, 0usize);
        let text = std::str::from_utf8(bytes).expect("text");
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '\r' => column = 0,
                '\n' => row += 1,
                '\x1b' => {
                    assert_eq!(characters.next(), Some('['));
                    let mut sequence = String::new();
                    let end = loop {
                        match characters.next().expect("a whole sequence") {
                            end if end.is_ascii_alphabetic() => break end,
                            part => sequence.push(part),
                        }
                    };
                    let number: usize = sequence.parse().unwrap_or(1);
                    match end {
                        'A' => row -= number,
                        'B' => row += number,
                        'K' => lines[row].truncate(if sequence == "2" { 0 } else { column }),
                        _ => {}
                    }
                }
                printed => {
                    if lines[row].len() <= column {
                        lines[row].resize(column + 1, ' ');
                    }
                    lines[row][column] = printed;
                    column += 1;
                }
            }
        }
        let mut lines: Vec<String> = lines.into_iter().map(|line| line.into_iter().collect()).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        (lines, row)
    }

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|text| Line::default().with(Tint::Green, *text)).collect()
    }

    #[test]
    fn the_terminal_shows_what_was_shown_last_whatever_came_before() {
        let mut out = Vec::new();
        let mut panel = TextPanel::new(&mut out, 10);
        let mut shown = Vec::new();
        for texts in [&["one", "two", "three"][..], &["one", "2", "three"], &["1"], &["", "b", "c", "d"], &[]] {
            panel.show(&lines(texts)).expect("memory");
            shown.push(texts.to_vec());
        }
        drop(panel);
        assert_eq!(screen(&out), (vec![], 0));
        for last in 1..shown.len() {
            let mut out = Vec::new();
            let mut panel = TextPanel::new(&mut out, 10);
            for texts in &shown[..last] {
                panel.show(&lines(texts)).expect("memory");
            }
            drop(panel);
            let expected: Vec<String> = shown[last - 1].iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(screen(&out), (expected, shown[last - 1].len()));
        }
    }

    #[test]
    fn what_stands_is_not_written_again() {
        let mut out = Vec::new();
        let mut panel = TextPanel::new(&mut out, 10);
        panel.show(&lines(&["one", "two"])).expect("memory");
        panel.show(&lines(&["one", "two"])).expect("memory");
        panel.show(&lines(&["one", "2wo"])).expect("memory");
        drop(panel);
        let text = String::from_utf8(out).expect("text");
        assert_eq!((text.matches("one").count(), text.matches("wo").count()), (1, 2));
    }

    #[test]
    fn a_long_line_is_cut_and_control_characters_are_blanks() {
        let mut out = Vec::new();
        let mut panel = TextPanel::new(&mut out, 6);
        panel.show(&[Line::default().with(Tint::Bold, "a\nb\x1b").with(Tint::Dim, "cdefg")]).expect("memory");
        drop(panel);
        assert_eq!(screen(&out).0, vec!["a b cd".to_owned()]);
    }

    #[test]
    fn the_cursor_is_hidden_while_the_panel_stands_and_shown_after() {
        let mut out = Vec::new();
        let mut panel = TextPanel::new(&mut out, 6);
        panel.show(&lines(&["x"])).expect("memory");
        drop(panel);
        let text = String::from_utf8(out).expect("text");
        assert!(text.find("\x1b[?25l") < text.find('x') && text.ends_with("\x1b[?25h"));
    }
}
