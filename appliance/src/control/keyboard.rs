//! The keys of a computer keyboard as letters, by their codes of the input subsystem, as a US keyboard has them.

use hal::gesture::Key;

/// The two shift keys.
pub const SHIFTS: [u16; 2] = [42, 54];
/// The rows of a keyboard: the code of the first key, the letters of each, and those with shift.
const ROWS: [(u16, &str, &str); 5] = [
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
];
/// Keys that write nothing.
const OTHERS: [(u16, Key); 8] = [
    (1, Key::Escape),
    (14, Key::Backspace),
    (15, Key::Tab),
    (28, Key::Enter),
    (96, Key::Enter),
    (103, Key::Up),
    (108, Key::Down),
    (111, Key::Backspace),
];

/// What a key types; `None` for one that types nothing.
#[must_use]
pub fn typed(code: u16, shift: bool) -> Option<Key> {
    let letter = |(first, plain, shifted): (u16, &str, &str)| {
        let row = if shift { shifted } else { plain };
        row.chars().nth(usize::from(code.checked_sub(first)?)).map(Key::Char)
    };
    let other = OTHERS.iter().find(|(other, _)| *other == code).map(|(_, key)| *key);
    other.or_else(|| ROWS.into_iter().find_map(letter))
}

#[cfg(test)]
mod tests {
    use super::{Key, ROWS, SHIFTS, typed};

    #[test]
    fn every_letter_of_a_us_keyboard_is_typed_by_its_own_key() {
        // The kernel's names of the keys (`input-event-codes.h`).
        for (code, plain, shifted) in [
            (16, 'q', 'Q'),
            (25, 'p', 'P'),
            (30, 'a', 'A'),
            (44, 'z', 'Z'),
            (50, 'm', 'M'),
            (51, ',', '<'),
            (57, ' ', ' '),
        ] {
            assert_eq!([false, true].map(|shift| typed(code, shift)), [plain, shifted].map(|it| Some(Key::Char(it))));
        }
        assert_eq!([1, 14, 28].map(|code| typed(code, false)), [Key::Escape, Key::Backspace, Key::Enter].map(Some));
        let all: Vec<Key> = (0..256).filter_map(|code| typed(code, false)).collect();
        ('a'..='z')
            .chain('0'..='9')
            .for_each(|it| assert_eq!(all.iter().filter(|key| **key == Key::Char(it)).count(), 1));
        assert!(SHIFTS.iter().all(|code| typed(*code, false).is_none()));
        ROWS.iter().for_each(|(_, plain, shifted)| assert_eq!(plain.chars().count(), shifted.chars().count()));
    }
}
