//! Keys from the bytes that a terminal sends.
//!
//! A sequence may come in pieces, with any pause between them: a slow connection cuts where it likes. An Escape that nothing
//! follows is the Escape key after [`ESCAPE_ALONE`]; should the rest of an arrow still come, it is that arrow. Pasted text is
//! no hand and gives no keys. Reads no clock and no device: who reads brings bytes and times.
//!
//! The sequences are those of ECMA-48 (control sequences: `ESC [`, parameters 0x30 to 0x3f, intermediates 0x20 to 0x2f, a final
//! byte from 0x40) and of xterm's control sequences (single shift 3 for arrows in application mode, bracketed paste).

use std::collections::VecDeque;
use std::time::Duration;

use crate::gesture::Key;

/// So long after an Escape that nothing followed it is the key: longer than the gaps of a bad connection, shorter than what
/// a hand notices when a list closes.
pub const ESCAPE_ALONE: Duration = Duration::from_millis(300);
/// So long after an Escape that was taken for the key, a `[` or `O` may still be the rest of an arrow.
const LATE: Duration = Duration::from_secs(1);
/// A late `[` that nothing follows was typed.
const LATE_ALONE: Duration = Duration::from_millis(600);
/// A sequence that stops in its middle is given up: the connection lost something.
const HALF: Duration = Duration::from_secs(2);
/// A paste that says nothing more has lost its end: the keys must not be dead for the rest of the evening.
const PASTE: Duration = Duration::from_secs(5);
/// How a pasted text ends.
const PASTE_END: &[u8] = b"\x1b[201~";
/// Parameters of a sequence that are looked at; no key has more.
const PARAMETERS: usize = 16;

const ESCAPE: u8 = 0x1b;
const CONTROL_C: u8 = 0x03;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Between keys.
    #[default]
    Ground,
    /// After an Escape.
    Escape,
    /// After an Escape that was told as the key.
    Late,
    /// In a control sequence; `late`: its Escape was told already.
    Sequence { late: bool },
    /// After `ESC O`.
    Shift { late: bool },
    /// After `ESC [ [`, as a Linux console begins its function keys: one byte more.
    Console,
    /// In a character of several bytes; `told`: it counts.
    Character { needs: usize, told: bool },
    /// In pasted text; so much of its end has come.
    Paste { matched: usize },
}

/// Turns bytes into keys.
#[derive(Debug, Default)]
pub struct KeyParser {
    state: State,
    /// When the last byte came, or the last decision was made.
    since: Duration,
    /// What came of the sequence or character under way.
    held: Vec<u8>,
}

impl KeyParser {
    /// Takes what was read at `now`, in order; keys that it makes whole are added to `keys`.
    pub fn feed(&mut self, bytes: &[u8], now: Duration, keys: &mut VecDeque<Key>) {
        self.expire(now, keys);
        for byte in bytes {
            self.take(*byte, keys);
        }
        if !bytes.is_empty() {
            self.since = now;
        }
    }

    /// Decides what waited long enough. Call it when [`KeyParser::waits_until`] has come.
    pub fn expire(&mut self, now: Duration, keys: &mut VecDeque<Key>) {
        // One decision may leave another to make: an Escape is first a key and then forgotten.
        while self.waits_until().is_some_and(|until| until <= now) {
            self.since = self.waits_until().unwrap_or(now);
            match self.state {
                State::Escape => {
                    keys.push_back(Key::Escape);
                    self.state = State::Late;
                }
                State::Sequence { late: true } | State::Shift { late: true } => self.was_typed(keys),
                _ => self.rest(),
            }
        }
    }

    /// When something must be decided though nothing comes; `None` while nothing is half said.
    #[must_use]
    pub fn waits_until(&self) -> Option<Duration> {
        let patience = match self.state {
            State::Ground => return None,
            State::Escape => ESCAPE_ALONE,
            State::Late => LATE,
            State::Sequence { late: true } | State::Shift { late: true } => LATE_ALONE,
            State::Sequence { .. } | State::Shift { .. } | State::Console | State::Character { .. } => HALF,
            State::Paste { .. } => PASTE,
        };
        Some(self.since + patience)
    }

    fn rest(&mut self) {
        self.state = State::Ground;
        self.held.clear();
    }

    fn take(&mut self, byte: u8, keys: &mut VecDeque<Key>) {
        match self.state {
            State::Ground => self.first(byte, keys),
            State::Escape | State::Late => self.after_escape(byte, keys),
            State::Sequence { late } => self.in_sequence(byte, late, keys),
            State::Shift { late } => match shifted(byte) {
                Some(key) => self.done(key, keys),
                None if late => {
                    self.held.push(byte);
                    self.was_typed(keys);
                }
                None => self.rest(),
            },
            State::Console => self.rest(),
            State::Character { needs, told } => self.in_character(byte, needs, told, keys),
            State::Paste { matched } => {
                // An Escape stands only at the beginning of the end, so a wrong byte begins anew at most there.
                let matched = match PASTE_END.get(matched) {
                    Some(expected) if *expected == byte => matched + 1,
                    _ => usize::from(byte == ESCAPE),
                };
                self.state = State::Paste { matched };
                if matched == PASTE_END.len() {
                    self.rest();
                }
            }
        }
    }

    fn done(&mut self, key: Key, keys: &mut VecDeque<Key>) {
        keys.push_back(key);
        self.rest();
    }

    /// The first byte of a key.
    fn first(&mut self, byte: u8, keys: &mut VecDeque<Key>) {
        match byte {
            ESCAPE => self.state = State::Escape,
            CONTROL_C => keys.push_back(Key::Interrupt),
            b'\r' | b'\n' => keys.push_back(Key::Enter),
            b'\t' => keys.push_back(Key::Tab),
            0x7f | 0x08 => keys.push_back(Key::Backspace),
            b' '..=b'~' => keys.push_back(Key::Char(char::from(byte))),
            0xc2..=0xf4 => self.begin_character(byte, true),
            // Other control characters mean nothing here, and no character begins with what is left.
            _ => {}
        }
    }

    fn after_escape(&mut self, byte: u8, keys: &mut VecDeque<Key>) {
        let late = self.state == State::Late;
        match byte {
            b'[' => (self.state, self.held) = (State::Sequence { late }, vec![byte]),
            b'O' => (self.state, self.held) = (State::Shift { late }, vec![byte]),
            _ if late => {
                self.rest();
                self.first(byte, keys);
            }
            // Two keys, not one with Alt.
            0..b' ' | 0x7f => {
                keys.push_back(Key::Escape);
                self.rest();
                self.first(byte, keys);
            }
            // With Alt nothing is bound.
            0xc2..=0xf4 => self.begin_character(byte, false),
            _ => self.rest(),
        }
    }

    fn in_sequence(&mut self, byte: u8, late: bool, keys: &mut VecDeque<Key>) {
        match byte {
            0..b' ' | 0x7f.. => {
                if late {
                    self.was_typed(keys);
                }
                self.rest();
                self.first(byte, keys);
            }
            b' '..=b'?' if self.held.len() <= PARAMETERS => self.held.push(byte),
            // Longer than any key: only its end counts.
            b' '..=b'?' => {}
            b'[' if self.held.len() == 1 && !late => self.state = State::Console,
            _ => match meant(&self.held[1..], byte) {
                Meant::Key(key) => self.done(key, keys),
                Meant::Paste => {
                    self.rest();
                    self.state = State::Paste { matched: 0 };
                }
                Meant::Nothing if late => {
                    self.held.push(byte);
                    self.was_typed(keys);
                }
                Meant::Nothing => self.rest(),
            },
        }
    }

    /// What came late after an Escape was no sequence: it was typed.
    fn was_typed(&mut self, keys: &mut VecDeque<Key>) {
        keys.extend(self.held.drain(..).map(|byte| Key::Char(char::from(byte))));
        self.rest();
    }

    fn begin_character(&mut self, byte: u8, told: bool) {
        let needs = match byte {
            0xc2..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        (self.state, self.held) = (State::Character { needs, told }, vec![byte]);
    }

    fn in_character(&mut self, byte: u8, needs: usize, told: bool, keys: &mut VecDeque<Key>) {
        if !(0x80..0xc0).contains(&byte) {
            self.rest();
            return self.first(byte, keys);
        }
        self.held.push(byte);
        if self.held.len() == needs {
            let character = std::str::from_utf8(&self.held).ok().and_then(|it| it.chars().next());
            keys.extend(character.filter(|it| told && !it.is_control()).map(Key::Char));
            self.rest();
        }
    }
}

/// What a whole sequence says.
enum Meant {
    Key(Key),
    Paste,
    Nothing,
}

/// A control sequence by its parameters and its last byte. Modifiers (`1;5A`) change nothing.
fn meant(parameters: &[u8], last: u8) -> Meant {
    let first = parameters.split(|it| *it == b';').next().unwrap_or_default();
    let key = match (last, first) {
        (b'~', b"1" | b"7") => Key::Home,
        (b'~', b"4" | b"8") => Key::End,
        (b'~', b"5") => Key::PageUp,
        (b'~', b"6") => Key::PageDown,
        (b'~', b"200") => return Meant::Paste,
        (b'Z', _) => Key::BackTab,
        (b'A'..=b'D' | b'H' | b'F', _) => match shifted(last) {
            Some(key) => key,
            None => return Meant::Nothing,
        },
        _ => return Meant::Nothing,
    };
    Meant::Key(key)
}

/// A key by the last byte of its sequence, as a terminal in application mode sends it after `ESC O`.
const fn shifted(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'M' => Key::Enter,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{ESCAPE_ALONE, HALF, Key, KeyParser, LATE, LATE_ALONE, PASTE};
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::time::Duration;

    const MS: Duration = Duration::from_millis(1);

    /// Bytes and the pauses before them.
    fn heard(pieces: &[(Duration, &[u8])]) -> Vec<Key> {
        let (mut parser, mut keys, mut now) = (KeyParser::default(), VecDeque::new(), Duration::ZERO);
        for (pause, bytes) in pieces {
            now += *pause;
            parser.feed(bytes, now, &mut keys);
        }
        parser.expire(now + Duration::from_secs(60), &mut keys);
        assert_eq!(parser.waits_until(), None, "after a minute nothing is half said");
        keys.into()
    }

    fn at_once(bytes: &[u8]) -> Vec<Key> {
        heard(&[(Duration::ZERO, bytes)])
    }

    #[test]
    fn every_key_is_itself() {
        let known: &[(&[u8], Key)] = &[
            (b"a", Key::Char('a')),
            (b"R", Key::Char('R')),
            (b" ", Key::Char(' ')),
            ("ü".as_bytes(), Key::Char('ü')),
            ("曲".as_bytes(), Key::Char('曲')),
            ("𝄞".as_bytes(), Key::Char('𝄞')),
            (b"\x03", Key::Interrupt),
            (b"\r", Key::Enter),
            (b"\t", Key::Tab),
            (b"\x1b[Z", Key::BackTab),
            (b"\x7f", Key::Backspace),
            (b"\x08", Key::Backspace),
            (b"\x1b", Key::Escape),
            (b"\x1b[A", Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[1;5C", Key::Right),
            (b"\x1b[D", Key::Left),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1b[4~", Key::End),
            (b"\x1bOF", Key::End),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6;2~", Key::PageDown),
        ];
        for (bytes, key) in known {
            assert_eq!(at_once(bytes), [*key], "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_nobody_plays_gives_no_key() {
        let silent: &[&[u8]] = &[
            b"\x1bq",           // Alt and q
            "\x1bü".as_bytes(), // Alt and a letter of two bytes
            b"\x1b[[A",         // F1 of a Linux console
            b"\x1bOP",          // F1 of xterm
            b"\x1b[3~",         // Delete
            b"\x1b[I\x1b[O",    // the window comes into focus and goes
            b"\x1b[?1;2c",      // an answer of the terminal
            b"\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1R",
            b"\x1b[38;2;1;1;1$y", // with an intermediate
            b"\xff\xc0\x80",      // no UTF-8
            b"\x01\x1a\x1c\x04",  // Ctrl and a, z, \, d
        ];
        for bytes in silent {
            assert_eq!(at_once(bytes), [], "{}", bytes.escape_ascii());
        }
        assert_eq!(at_once(b"\xe6q"), [Key::Char('q')], "half a character does not swallow the next");
    }

    #[test]
    fn an_arrow_in_pieces_is_an_arrow_whatever_the_pauses() {
        for gap in [1, 100, 250, 299] {
            let gap = gap * MS;
            assert_eq!(heard(&[(gap, b"\x1b"), (gap, b"["), (gap, b"A")]), [Key::Up], "{gap:?}");
            assert_eq!(heard(&[(gap, b"\x1bO"), (gap, b"D")]), [Key::Left], "{gap:?}");
            assert_eq!(heard(&[(gap, b"\x1b["), (gap, b"5"), (gap, b"~")]), [Key::PageUp], "{gap:?}");
        }
        // Later than that the Escape was told; what follows is still the arrow and no `[`.
        for gap in [300, 500] {
            let gap = gap * MS;
            assert_eq!(heard(&[(gap, b"\x1b"), (gap, b"["), (gap, b"A")]), [Key::Escape, Key::Up], "{gap:?}");
        }
        assert_eq!(heard(&[(MS, b"\x1b["), (HALF, b"A")]), [Key::Char('A')], "a sequence that stopped is given up");
    }

    #[test]
    fn escape_is_told_in_time_and_what_is_typed_after_it_is_typed() {
        let (mut parser, mut keys) = (KeyParser::default(), VecDeque::new());
        parser.feed(b"\x1b", MS, &mut keys);
        assert_eq!(parser.waits_until(), Some(MS + ESCAPE_ALONE));
        parser.expire(ESCAPE_ALONE, &mut keys);
        assert!(keys.is_empty());
        parser.expire(MS + ESCAPE_ALONE, &mut keys);
        assert_eq!(keys, [Key::Escape]);
        for typed in [&b"["[..], b"[[", b"[q", b"Oq", b"O"] {
            let expected: Vec<Key> = typed.iter().map(|it| Key::Char(char::from(*it))).collect();
            let all = heard(&[(MS, b"\x1b"), (ESCAPE_ALONE, typed), (LATE_ALONE, b"")]);
            assert_eq!((all[0], &all[1..]), (Key::Escape, &expected[..]), "{}", typed.escape_ascii());
        }
        assert_eq!(
            heard(&[(MS, b"\x1b"), (ESCAPE_ALONE + LATE, b"[")])[1..],
            [Key::Char('[')],
            "long after it is of course typed"
        );
        assert_eq!(at_once(b"\x1b\x1b[A"), [Key::Escape, Key::Up]);
        assert_eq!(at_once(b"\x1b\x03"), [Key::Escape, Key::Interrupt]);
    }

    #[test]
    fn a_pasted_text_gives_no_key_wherever_it_is_cut() {
        let text = b"\x1b[200~q q q \x03\x1b[A\x1b[201 \x1b\x1b[201~u";
        assert_eq!(at_once(text), [Key::Char('u')]);
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            assert_eq!(heard(&[(MS, first), (200 * MS, second)]), [Key::Char('u')], "cut at {cut}");
        }
        assert_eq!(heard(&[(MS, b"\x1b[200~q"), (PASTE, b"u")]), [Key::Char('u')], "its end was lost");
    }

    #[test]
    fn a_character_in_pieces_is_one_character() {
        for text in ["ü", "曲", "𝄞"] {
            for cut in 1..text.len() {
                let (first, second) = text.as_bytes().split_at(cut);
                let character = text.chars().next().expect("one");
                assert_eq!(heard(&[(MS, first), (500 * MS, second)]), [Key::Char(character)]);
            }
        }
    }

    proptest! {
        /// Wherever a connection cuts, the keys are the same; any bytes end in rest.
        #[test]
        fn cuts_change_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..40), cut in 0usize..40) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(heard(&[(MS, first), (MS, second)]), at_once(&bytes));
        }
    }
}
