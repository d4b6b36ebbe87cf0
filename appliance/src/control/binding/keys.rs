//! The keys of the terminal.
//!
//! Two rows of letters select the sixteen main parameters in the order of control changes 1 to 16; all four arrows turn the one
//! that is selected, tab walks to its neighbours. Shift with a digit keeps a scene on a US keyboard; since other layouts put other
//! signs there, `w` and a digit does too. No single key leaves by accident: `q` asks, Escape only closes what is open.

use engine::param::ParamId;
use hal::gesture::Key;

use super::{BlendEnd, Deed, MAIN};

/// Detents of the coarse keys: eight strokes cross the whole travel.
const COARSE: i32 = 16;
/// Part of the tape that a seek key moves.
const SEEK: f32 = 0.05;
/// The rows of letters that select, left to right.
const SELECT: &str = "asdfghjklzxcvbnm";
/// Shift and digits 1 to 9 on a US keyboard.
const SHIFTED_DIGITS: &str = "!@#$%^&*(";

/// The keys, for the list of keys, `demon params --map` and `docs/surface.md`.
pub const KEY_HELP: &[(&str, &str)] = &[
    ("a s d f g h j k l", "select main parameters 1 to 9"),
    ("z x c v b n m", "select main parameters 10 to 16"),
    ("tab, shift-tab", "select the next parameter, the one before"),
    ("arrows, + -", "turn the selected parameter: right and up more, left and down less"),
    ("page up, page down", "turn it far"),
    ("backspace", "put it back to its default"),
    ("1 to 9", "recall a scene"),
    ("shift 1 to 9, or w and 1 to 9", "keep a scene"),
    ("u, U", "undo, redo"),
    ("r", "new seeds"),
    ("space", "mute, play again"),
    ("0", "pause, and play on from there"),
    ("p", "panic: safe values, the music goes on"),
    ("R", "revert to the patch"),
    ("o, O", "walk through the library, and back"),
    ("enter", "play what the walk through the library shows"),
    ("e, E", "write the words of prompt A, of B: type, tab takes a known word, enter plays"),
    ("t, T", "tap the tempo; snap the loop to beats"),
    ("X, W", "the loop becomes the tape; the whole recording does again"),
    ("C, K", "record a take, and end it; keep what was played in the last half hour"),
    ("M", "match the loudness of what plays to the others'"),
    ("D", "draw: what you turn is written over the loop, until D again"),
    ("L", "learn: pick or touch a parameter, turn the new knob slowly left"),
    ("{ }", "patch before, next patch"),
    ("S, A", "save the patch, save it as a new one"),
    ("B", "back to the patch as its file has it"),
    ("[ ] home", "seek back, forward, to the start"),
    ("?", "all keys, and back"),
    ("escape", "close the list of keys, leave a lesson"),
    ("q q, or ctrl-c", "leave: q twice within two seconds"),
];

/// The key that selects the main parameter at `place` of [`MAIN`].
#[must_use]
pub fn key_of(place: usize) -> char {
    SELECT.chars().nth(place).unwrap_or(' ')
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum KeyMeaning {
    /// Out of the program, at once.
    Quit,
    /// Out of the program, if it is meant: asked for twice.
    AskQuit,
    /// Out of what is open: a lesson, a list.
    Close,
    /// Open or close the list of keys.
    KeyList,
    Deed(Deed),
    WillCapture,
    Select(ParamId),
    Walk(isize),
    Nudge(i32),
    Default,
    SeekBy(f32),
}

/// What a key means; `None` for a key that means nothing.
pub(super) fn meaning(key: Key) -> Option<KeyMeaning> {
    Some(match key {
        Key::Interrupt => KeyMeaning::Quit,
        Key::Char('q') => KeyMeaning::AskQuit,
        Key::Char('?') => KeyMeaning::KeyList,
        Key::Escape => KeyMeaning::Close,
        Key::BackTab => KeyMeaning::Walk(-1),
        Key::Tab => KeyMeaning::Walk(1),
        Key::Up | Key::Right | Key::Char('+' | '=') => KeyMeaning::Nudge(1),
        Key::Down | Key::Left | Key::Char('-' | '_') => KeyMeaning::Nudge(-1),
        Key::PageUp => KeyMeaning::Nudge(COARSE),
        Key::PageDown => KeyMeaning::Nudge(-COARSE),
        Key::Home => KeyMeaning::Deed(Deed::Start),
        Key::Backspace => KeyMeaning::Default,
        Key::Char(' ') => KeyMeaning::Deed(Deed::Mute),
        Key::Char('0') => KeyMeaning::Deed(Deed::Pause),
        Key::Char('p') => KeyMeaning::Deed(Deed::Panic),
        Key::Char('R') => KeyMeaning::Deed(Deed::Revert),
        Key::Char('t') => KeyMeaning::Deed(Deed::Tap),
        Key::Char('T') => KeyMeaning::Deed(Deed::SnapLoop),
        Key::Char('L') => KeyMeaning::Deed(Deed::Learn),
        Key::Char('{') => KeyMeaning::Deed(Deed::PatchBy(-1)),
        Key::Char('}') => KeyMeaning::Deed(Deed::PatchBy(1)),
        Key::Char('S') => KeyMeaning::Deed(Deed::Save),
        Key::Char('A') => KeyMeaning::Deed(Deed::SaveNew),
        Key::Char('B') => KeyMeaning::Deed(Deed::Reload),
        Key::Char('o') => KeyMeaning::Deed(Deed::LibraryBy(1)),
        Key::Char('O') => KeyMeaning::Deed(Deed::LibraryBy(-1)),
        Key::Char('D') => KeyMeaning::Deed(Deed::Draw),
        Key::Char('C') => KeyMeaning::Deed(Deed::Record),
        Key::Char('K') => KeyMeaning::Deed(Deed::KeepLast),
        Key::Char('M') => KeyMeaning::Deed(Deed::MatchLoudness),
        Key::Char('X') => KeyMeaning::Deed(Deed::Crop),
        Key::Char('W') => KeyMeaning::Deed(Deed::WholeRecording),
        Key::Char('e') => KeyMeaning::Deed(Deed::Write(BlendEnd::A)),
        Key::Char('E') => KeyMeaning::Deed(Deed::Write(BlendEnd::B)),
        Key::Char('r') => KeyMeaning::Deed(Deed::Reseed),
        Key::Char('u') => KeyMeaning::Deed(Deed::Undo),
        Key::Char('U') => KeyMeaning::Deed(Deed::Redo),
        Key::Char('w') => KeyMeaning::WillCapture,
        Key::Char('[') => KeyMeaning::SeekBy(-SEEK),
        Key::Char(']') => KeyMeaning::SeekBy(SEEK),
        Key::Char(digit @ '1'..='9') => KeyMeaning::Deed(Deed::Recall(digit as usize - '1' as usize)),
        Key::Char(sign) => match SHIFTED_DIGITS.find(sign) {
            Some(place) => KeyMeaning::Deed(Deed::Capture(place)),
            None => KeyMeaning::Select(MAIN[SELECT.find(sign)?]),
        },
        Key::Enter => KeyMeaning::Deed(Deed::LibraryLoad),
        Key::End => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Deed, Key, KeyMeaning, MAIN, SELECT, meaning};

    #[test]
    fn two_rows_select_the_main_parameters_in_order() {
        for (letter, id) in SELECT.chars().zip(MAIN) {
            assert_eq!(meaning(Key::Char(letter)), Some(KeyMeaning::Select(id)));
        }
        assert_eq!(SELECT.len(), MAIN.len());
    }

    #[test]
    fn two_keys_lead_to_the_patch_before_and_the_next_one() {
        let by = ['{', '}'].map(|key| meaning(Key::Char(key)));
        assert_eq!(by, [-1, 1].map(|by| Some(KeyMeaning::Deed(Deed::PatchBy(by)))));
        let by = ['O', 'o'].map(|key| meaning(Key::Char(key)));
        assert_eq!(by, [-1, 1].map(|by| Some(KeyMeaning::Deed(Deed::LibraryBy(by)))));
    }

    #[test]
    fn the_table_of_the_documents_is_the_list_of_keys() {
        let document = include_str!("../../../../docs/surface.md");
        let rows: Vec<String> = super::KEY_HELP.iter().map(|(keys, what)| format!("| {keys} | {what} |")).collect();
        let table = format!("| keys | do |\n| --- | --- |\n{}\n\n", rows.join("\n"));
        assert!(document.contains(&table), "docs/surface.md wants this table:\n{table}");
    }

    #[test]
    fn digits_recall_and_shifted_digits_keep() {
        assert_eq!(meaning(Key::Char('1')), Some(KeyMeaning::Deed(Deed::Recall(0))));
        assert_eq!(meaning(Key::Char('9')), Some(KeyMeaning::Deed(Deed::Recall(8))));
        assert_eq!(meaning(Key::Char('!')), Some(KeyMeaning::Deed(Deed::Capture(0))));
        assert_eq!(meaning(Key::Char('(')), Some(KeyMeaning::Deed(Deed::Capture(8))));
    }
}
