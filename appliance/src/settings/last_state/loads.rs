//! The recordings of which strokes speak, by number: undo brings back what was played on.

use std::collections::BTreeMap;

use engine::param::{Kept, Mark};

use crate::settings::patch::Sources;

/// Recordings by number, from 1; each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loads(BTreeMap<u32, Sources>);

impl Loads {
    /// The number of these, which they keep.
    pub fn number_of(&mut self, sources: &Sources) -> u32 {
        if let Some((number, _)) = self.0.iter().find(|(_, it)| *it == sources) {
            return *number;
        }
        let number = self.0.keys().next_back().map_or(1, |it| it.saturating_add(1));
        self.0.insert(number, sources.clone());
        number
    }

    /// Those of a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Sources> {
        self.0.get(&number)
    }

    /// Gives these a number; 0 is nobody's.
    pub(super) fn put(&mut self, number: u32, sources: Sources) {
        if number != 0 {
            self.0.insert(number, sources);
        }
    }

    /// All of them, by number.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &Sources)> {
        self.0.iter().map(|(number, it)| (*number, it))
    }

    /// Those of which what is kept speaks: the others are forgotten with their strokes.
    #[must_use]
    pub fn of(&self, kept: &Kept) -> Self {
        let strokes = kept.done.iter().chain(&kept.undone).filter_map(|it| it.marks).flatten();
        let spoken: Vec<u32> = strokes.chain([kept.mark]).map(|Mark { load, .. }| load).collect();
        Self(self.0.iter().filter(|(number, _)| spoken.contains(number)).map(|(n, it)| (*n, it.clone())).collect())
    }
}
