//! What undo and redo remember: strokes of the hand, each with the values before and after it.
//!
//! A fader sends a hundred values in one move; undo takes back the move. Who calls decides where a stroke ends, since
//! this room has no clock. Bounded: the oldest stroke is forgotten first.

use std::collections::VecDeque;

use super::ParamId;

/// Strokes remembered: more than a set needs, about 20 kB at worst.
const MOST_STROKES: usize = 64;

/// One parameter's part in a stroke.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub id: ParamId,
    pub before: f64,
    pub after: f64,
}

/// Strokes done and undone.
#[derive(Debug, Default)]
pub(super) struct History {
    done: VecDeque<Vec<Change>>,
    undone: Vec<Vec<Change>>,
    open: bool,
}

impl History {
    /// The next change begins a new stroke. One that came back to where it began (a button held and let go) is forgotten.
    pub fn close(&mut self) {
        if self.open && self.done.back().is_some_and(|stroke| stroke.iter().all(|it| it.before == it.after)) {
            self.done.pop_back();
        }
        self.open = false;
    }

    /// Strokes that can be taken back.
    pub fn depth(&self) -> usize {
        self.done.len()
    }

    /// Remembers a change in the open stroke, or in a new one. What had been undone cannot be redone any more.
    pub fn note(&mut self, change: Change) {
        self.undone.clear();
        if !self.open {
            if self.done.len() == MOST_STROKES {
                self.done.pop_front();
            }
            self.done.push_back(Vec::new());
            self.open = true;
        }
        let stroke = self.done.back_mut().expect("an open stroke is the last of the done");
        match stroke.iter_mut().find(|known| known.id == change.id) {
            Some(known) => known.after = change.after,
            None => stroke.push(change),
        }
    }

    /// The stroke to take back.
    pub fn undo(&mut self) -> Option<&[Change]> {
        self.close();
        let stroke = self.done.pop_back()?;
        self.undone.push(stroke);
        self.undone.last().map(Vec::as_slice)
    }

    /// The stroke to do again.
    pub fn redo(&mut self) -> Option<&[Change]> {
        self.close();
        let stroke = self.undone.pop()?;
        self.done.push_back(stroke);
        self.done.back().map(Vec::as_slice)
    }
}
