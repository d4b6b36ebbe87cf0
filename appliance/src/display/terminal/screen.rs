//! The bytes that bring a picture onto a terminal: what differs from what stands, in one synchronised update.
//!
//! Writes nothing itself. It counts on nothing that a terminal would have to answer: asking one that is not read would hold up
//! whoever waits, and the answer would come among the keys. Lines do not wrap while the screen stands, so that a picture that was
//! drawn for a larger window spoils nothing before the next one.

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Color;

use super::picture::Picture;

/// The other screen, no cursor, no wrapping.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
/// CAN ends a sequence of which a part was taken; then everything as it was.
const LEAVE: &[u8] = b"\x18\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";
const CLEAR: &[u8] = b"\x1b[0m\x1b[2J";
/// What a terminal is taken for that does not say its size, as those on a serial line.
const USUAL: Size = Size { width: 80, height: 24 };
/// The largest picture: more is a mistake of the terminal's.
const MOST: Size = Size { width: 400, height: 200 };

/// What stands on a terminal.
#[derive(Debug, Default)]
pub(super) struct Screen {
    stands: Buffer,
    entered: bool,
    /// Something else may have written there: all of it is drawn again.
    spoilt: bool,
}

impl Screen {
    /// The bytes that make what stands into `picture`; empty where it stands already.
    pub(super) fn show(&mut self, picture: &Picture, size: Size) -> Vec<u8> {
        let size = match size {
            Size { width: 0, .. } | Size { height: 0, .. } => USUAL,
            some => Size { width: some.width.min(MOST.width), height: some.height.min(MOST.height) },
        };
        let area = Rect::from((Position::ORIGIN, size));
        let mut bytes = Vec::new();
        if !self.entered {
            bytes.extend_from_slice(ENTER);
        } else if self.stands.area != area {
            bytes.extend_from_slice(CLEAR);
        }
        if self.stands.area != area {
            self.stands = Buffer::empty(area);
        }
        let mut next = Buffer::empty(area);
        picture.draw(&mut next);
        let changed: Vec<(u16, u16, &Cell)> = if self.spoilt { all(&next) } else { self.stands.diff(&next) };
        if !changed.is_empty() {
            bytes.extend_from_slice(BEGIN_UPDATE);
            // A vector takes everything.
            let _ = CrosstermBackend::new(&mut bytes).draw(changed.into_iter());
            bytes.extend_from_slice(END_UPDATE);
        }
        (self.stands, self.entered, self.spoilt) = (next, true, false);
        bytes
    }

    /// All is drawn again with the next picture.
    pub(super) const fn spoil(&mut self) {
        self.spoilt = true;
    }

    /// The bytes that leave the terminal as it was found; none where it was never entered.
    pub(super) fn leave(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.entered) { LEAVE } else { b"" }
    }
}

/// Every cell that a terminal shows: the second half of a wide letter is none.
fn all(buffer: &Buffer) -> Vec<(u16, u16, &Cell)> {
    // No picture of ours has a coloured ground, so every cell differs from these.
    let mut other = Cell::new(" ");
    other.set_bg(Color::Red);
    Buffer::filled(buffer.area, other).diff(buffer)
}

#[cfg(test)]
mod tests {
    use super::{ENTER, LEAVE, Screen, Size, all};
    use crate::display::status::Status;
    use crate::display::terminal::Ink;
    use crate::display::terminal::picture::Picture;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    const SIZE: Size = Size { width: 40, height: 10 };

    fn show(screen: &mut Screen, message: &str, size: Size) -> String {
        let status = Status { message: message.to_owned(), ..Status::default() };
        let bytes = screen.show(&Picture { status: &status, log: &[], ink: Ink::default() }, size);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn what_stands_is_not_written_again_until_it_was_spoilt_or_resized() {
        let mut screen = Screen::default();
        let first = show(&mut screen, "scene 2", SIZE);
        assert!(first.as_bytes().starts_with(ENTER) && first.contains("Denoise") && first.contains("scene"));
        assert_eq!(show(&mut screen, "scene 2", SIZE), "");
        let second = show(&mut screen, "scene 3", SIZE);
        assert!(second.contains('3') && !second.contains("Denoise"), "{second:?}");
        screen.spoil();
        let third = show(&mut screen, "scene 3", SIZE);
        assert!(third.contains("Denoise") && !third.contains("[2J"), "nothing flickers: {third:?}");
        let fourth = show(&mut screen, "scene 3", Size { width: 60, height: 20 });
        assert!(fourth.contains("Denoise") && fourth.contains("[2J"), "{fourth:?}");
        assert!(show(&mut screen, "scene 3", Size::ZERO).contains("Denoise"), "no size is the usual one");
    }

    #[test]
    fn a_terminal_that_was_not_entered_is_not_left() {
        let mut screen = Screen::default();
        assert_eq!(screen.leave(), b"");
        show(&mut screen, "", SIZE);
        assert_eq!((screen.leave(), screen.leave()), (LEAVE, &b""[..]));
    }

    #[test]
    fn the_second_half_of_a_wide_letter_is_not_written() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "夜a曲", Style::new());
        let written: String = all(&buffer).iter().map(|(_, _, cell)| cell.symbol()).collect();
        assert_eq!(written, "夜a曲 ");
    }
}
