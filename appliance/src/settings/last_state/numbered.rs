//! What strokes speak of by number: the recordings that were played on, and words that are not the patch's. Undo brings both back.

use std::collections::BTreeMap;

use engine::param::{Kept, Mark};

use crate::settings::patch::{Sources, Spoken};

/// Recordings by number.
pub type Loads = Numbered<Sources>;
/// Words by number.
pub type Writings = Numbered<Written>;

/// Words that are not those of the patch that is played.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// All prompts of a set, by their places; at least one.
    pub words: Vec<Spoken>,
    /// A hand wrote them, so that they are saved with the patch. Others are of the patch before, since this one has none.
    pub by_hand: bool,
}

/// Things by number, from 1; each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered<T>(BTreeMap<u32, T>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Clone + PartialEq> Numbered<T> {
    /// The number of this, which it keeps.
    pub fn number_of(&mut self, of: &T) -> u32 {
        if let Some((number, _)) = self.0.iter().find(|(_, it)| *it == of) {
            return *number;
        }
        let number = self.0.keys().next_back().map_or(1, |it| it.saturating_add(1));
        self.0.insert(number, of.clone());
        number
    }

    /// What has a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&T> {
        self.0.get(&number)
    }

    /// Gives this a number; 0 is nobody's.
    pub(super) fn put(&mut self, number: u32, it: T) {
        if number != 0 {
            self.0.insert(number, it);
        }
    }

    /// All of them, by number.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &T)> {
        self.0.iter().map(|(number, it)| (*number, it))
    }

    /// Those whose number, which `number` reads off a mark, is spoken of by what is kept: the others are forgotten with their strokes.
    #[must_use]
    pub fn spoken_of(&self, kept: &Kept, number: impl Fn(&Mark) -> u32) -> Self {
        let strokes = kept.done.iter().chain(&kept.undone).filter_map(|it| it.marks.as_ref()).flatten();
        let spoken: Vec<u32> = strokes.chain([&kept.mark]).map(number).collect();
        Self(self.0.iter().filter(|(number, _)| spoken.contains(number)).map(|(n, it)| (*n, it.clone())).collect())
    }
}
