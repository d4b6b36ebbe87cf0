//! Words written on the box: typed on a keyboard, spelled with one encoder, or picked from those that the model knows.
//!
//! An encoder walks round one ring of choices: the words that fit what stands there, the letters, and what ends it. Pure.

use std::sync::Arc;

use hal::gesture::Key;

/// Letters of a prompt at most: more than the model's tokenizer keeps of most words.
const MOST_LETTERS: usize = 400;
/// What can be spelled.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz ,-'0123456789";

/// Something that an encoder comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The last letter goes.
    Delete,
    /// Everything stays as it was.
    Leave,
    /// What stands there is played.
    Play,
    /// A word that the model knows.
    Word(String),
    /// A letter.
    Letter(char),
}

impl Choice {
    /// For displays.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Delete => "delete a letter".to_owned(),
            Self::Leave => "leave as it was".to_owned(),
            Self::Play => "play these words".to_owned(),
            Self::Word(word) => word.clone(),
            Self::Letter(' ') => "space".to_owned(),
            Self::Letter(letter) => letter.to_string(),
        }
    }
}

/// What came of a key or a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It goes on.
    GoesOn,
    /// What stands there is to be played.
    Played,
    /// Everything stays as it was.
    Left,
}

/// Words that are being written.
#[derive(Clone, Debug)]
pub struct TextEntry {
    text: String,
    vocabulary: Arc<[String]>,
    choices: Vec<Choice>,
    cursor: usize,
}

impl TextEntry {
    /// Goes on from `text`, with these words to pick from.
    #[must_use]
    pub fn new(text: &str, vocabulary: Arc<[String]>) -> Self {
        let text: String = text.chars().filter(|it| !it.is_control()).take(MOST_LETTERS).collect();
        let mut entry = Self { text, vocabulary, choices: Vec::new(), cursor: 0 };
        entry.choose_anew(|it| *it == Choice::Play);
        entry
    }

    /// What stands there.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What an encoder walks through; never empty.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The choice that an encoder has come to.
    #[must_use]
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// An encoder goes on by so many choices, round and round.
    pub fn step(&mut self, by: i32) {
        let count = self.choices.len() as i64;
        self.cursor = (self.cursor as i64 + i64::from(by)).rem_euclid(count) as usize;
    }

    /// The choice that an encoder has come to is taken.
    pub fn take(&mut self) -> Entered {
        match self.choices[self.cursor].clone() {
            Choice::Play => return Entered::Played,
            Choice::Leave => return Entered::Left,
            Choice::Delete => {
                self.text.pop();
                // A finger that deletes deletes on.
                self.choose_anew(|it| *it == Choice::Delete);
            }
            Choice::Letter(letter) => self.write(letter),
            Choice::Word(word) => self.complete(&word),
        }
        Entered::GoesOn
    }

    /// A key of a keyboard.
    pub fn key(&mut self, key: Key) -> Entered {
        match key {
            Key::Char(letter) => self.write(letter),
            Key::Backspace => {
                self.text.pop();
                self.choose_anew(|it| matches!(it, Choice::Word(_)));
            }
            Key::Tab => {
                if let Choice::Word(word) = self.choices[self.cursor].clone() {
                    self.complete(&word);
                }
            }
            Key::Down => self.step(1),
            Key::Up => self.step(-1),
            Key::Enter => return Entered::Played,
            Key::Escape => return Entered::Left,
            _ => {}
        }
        Entered::GoesOn
    }

    /// A letter behind what stands there. The nearest word that it may become is next, else the letters.
    fn write(&mut self, letter: char) {
        if self.text.chars().count() < MOST_LETTERS && !letter.is_control() {
            self.text.push(letter);
        }
        let begins_a_word = self.completions().next().is_some();
        self.choose_anew(|it| match it {
            Choice::Word(_) => begins_a_word,
            Choice::Letter(_) => !begins_a_word,
            _ => false,
        });
    }

    /// A word in the place of its beginning, or behind what stands there.
    fn complete(&mut self, word: &str) {
        let begun = self.begun();
        let is_its_beginning = !begun.is_empty() && begins(word, begun.trim_end());
        let before = if is_its_beginning {
            &self.text[..self.text.len() - begun.len()]
        } else {
            self.text.trim_end().trim_end_matches(',')
        };
        let before = before.trim_end();
        let between = match before.chars().next_back() {
            None => "",
            Some(',') => " ",
            Some(_) => ", ",
        };
        let longer = format!("{before}{between}{word}");
        if longer.chars().count() <= MOST_LETTERS {
            self.text = longer;
        }
        self.choose_anew(|it| *it == Choice::Play);
    }

    /// What stands behind the last comma.
    fn begun(&self) -> &str {
        self.text.rsplit(',').next().unwrap_or_default().trim_start()
    }

    /// Words that what stands behind the last comma may become.
    fn completions(&self) -> impl Iterator<Item = &String> {
        let begun = self.begun().trim_end();
        self.vocabulary.iter().filter(move |it| !begun.is_empty() && begins(it, begun))
    }

    /// Words to pick from: those completions, and all others where there is none or what stands there is a whole word.
    fn words(&self) -> Vec<&String> {
        let said: Vec<&str> = self.text.split(',').map(str::trim).collect();
        let is_said = |it: &str| said.iter().any(|said| said.eq_ignore_ascii_case(it));
        let mut words: Vec<&String> = self.completions().collect();
        let begun = self.begun().trim_end();
        if words.is_empty() || self.vocabulary.iter().any(|it| it.eq_ignore_ascii_case(begun)) {
            let others = self.vocabulary.iter().filter(|it| begun.is_empty() || !begins(it, begun));
            words.extend(others);
        }
        words.retain(|it| !is_said(it));
        words
    }

    /// Lays the choices out again, with the cursor on the first that is `wanted`.
    fn choose_anew(&mut self, wanted: impl Fn(&Choice) -> bool) {
        let ends = [Choice::Leave, Choice::Delete, Choice::Play];
        let words: Vec<Choice> = self.words().into_iter().cloned().map(Choice::Word).collect();
        self.choices = ends.into_iter().chain(words).chain(LETTERS.chars().map(Choice::Letter)).collect();
        self.cursor = self.choices.iter().position(wanted).unwrap_or(2);
    }
}

/// Whether a word goes on from its beginning.
fn begins(word: &str, begun: &str) -> bool {
    word.get(..begun.len()).is_some_and(|it| it.eq_ignore_ascii_case(begun)) && begun.len() < word.len()
}

#[cfg(test)]
mod tests {
    use super::{Choice, Entered, MOST_LETTERS, TextEntry};
    use hal::gesture::Key;
    use proptest::prelude::*;

    fn entry(text: &str) -> TextEntry {
        TextEntry::new(text, ["house", "hip hop", "drums", "drum kit", "choir"].map(str::to_owned).into())
    }

    fn here(entry: &TextEntry) -> &Choice {
        &entry.choices()[entry.cursor()]
    }

    /// Walks to a choice as a hand does, and takes it.
    fn take(entry: &mut TextEntry, choice: &Choice) -> Entered {
        for _ in 0..entry.choices().len() {
            if here(entry) == choice {
                return entry.take();
            }
            entry.step(1);
        }
        panic!("{choice:?} is none of {:?}", entry.choices());
    }

    #[test]
    fn a_keyboard_types_completes_and_ends() {
        let mut it = entry("");
        "dru".chars().for_each(|letter| assert_eq!(it.key(Key::Char(letter)), Entered::GoesOn));
        assert_eq!(here(&it), &Choice::Word("drums".to_owned()), "the first that goes on so");
        it.key(Key::Down);
        it.key(Key::Tab);
        assert_eq!(it.text(), "drum kit");
        ", C".chars().for_each(|letter| _ = it.key(Key::Char(letter)));
        it.key(Key::Tab);
        assert_eq!(it.text(), "drum kit, choir");
        it.key(Key::Backspace);
        assert_eq!(it.key(Key::Enter), Entered::Played);
        assert_eq!(it.text(), "drum kit, choi");
        assert_eq!(it.key(Key::Escape), Entered::Left);
        assert_eq!(it.key(Key::Home), Entered::GoesOn, "keys that write nothing do nothing");
        let mut own = entry("drone");
        own.step(1);
        assert_eq!(here(&own), &Choice::Word("house".to_owned()), "behind words of one's own all others are offered");
        own.key(Key::Tab);
        assert_eq!(own.text(), "drone, house");
    }

    #[test]
    fn one_encoder_spells_picks_plays_and_leaves() {
        let mut it = entry("house");
        assert_eq!(here(&it), &Choice::Play, "a press at once changes nothing");
        it.step(1);
        assert_eq!(here(&it), &Choice::Word("hip hop".to_owned()), "what stands there is not offered again");
        assert_eq!(it.take(), Entered::GoesOn);
        assert_eq!((it.text(), here(&it)), ("house, hip hop", &Choice::Play), "the next press plays it");
        for letter in [',', ' ', 'd'] {
            take(&mut it, &Choice::Letter(letter));
        }
        assert_eq!(here(&it), &Choice::Word("drums".to_owned()), "one press is enough after the first letter");
        it.take();
        assert_eq!(it.take(), Entered::Played);
        assert_eq!(it.text(), "house, hip hop, drums");
        take(&mut it, &Choice::Delete);
        it.take();
        assert_eq!(it.text(), "house, hip hop, dru", "a press more deletes on");
        assert_eq!(take(&mut it, &Choice::Leave), Entered::Left);
        it.step(-1);
        it.step(1);
        assert_eq!(here(&it), &Choice::Leave, "round and round");
    }

    #[test]
    fn every_choice_is_called_otherwise() {
        let it = entry("");
        let mut names: Vec<String> = it.choices().iter().map(Choice::words).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!((names.len(), count), (3 + 5 + 40, 48));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_taken_and_turned_the_text_is_sound(
            moves in prop::collection::vec((0..4u8, any::<char>(), -200..200i32), 0..600),
            vocabulary in prop::collection::vec("[ -~äß]{0,8}", 0..5),
        ) {
            let mut it = TextEntry::new("", vocabulary.into());
            for (what, letter, by) in moves {
                match what {
                    0 => _ = it.key(Key::Char(letter)),
                    1 => it.step(by),
                    2 => _ = it.take(),
                    _ => _ = it.key([Key::Tab, Key::Backspace, Key::Up, Key::Down][by.rem_euclid(4) as usize]),
                }
                prop_assert!(it.cursor() < it.choices().len());
                prop_assert!(it.text().chars().count() <= MOST_LETTERS && !it.text().contains(char::is_control));
            }
        }
    }
}
