//! What undo and redo remember: strokes of the hand, each with the values, curves and scenes before and after it.
//!
//! A fader sends a hundred values in one move; undo takes back the move. Who calls decides where a stroke ends, since
//! this room has no clock. Bounded: the oldest stroke is forgotten first.

use std::collections::VecDeque;

use super::{Drawn, ParamId, SCENES, Values};

/// Strokes remembered: more than a set needs, about 20 kB at worst (1 MB where every one is a patch full of scenes), and the curves
/// that they drew.
const MOST_STROKES: usize = 64;

/// One parameter's part in a stroke.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Which.
    pub id: ParamId,
    /// Its value before, in its row's unit.
    pub before: f64,
    /// And after.
    pub after: f64,
}

/// One scene's part in a stroke.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SceneChange {
    /// Which place, below [`SCENES`].
    pub place: usize,
    /// What was kept there before.
    pub before: Option<Values>,
    /// And after.
    pub after: Option<Values>,
}

/// Where a stroke belongs, in numbers that mean something only to whoever loads and saves patches: undo and redo bring them back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The patch that is played.
    pub patch: u32,
    /// The last time that one was saved; 0 for never.
    pub save: u32,
    /// The recordings that are played on; 0 where nobody has said.
    pub load: u32,
    /// The words that a hand has written; 0 for the patch's own.
    pub words: u32,
}

/// One move of the hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stroke {
    /// What it moved, each parameter once.
    pub changes: Vec<Change>,
    /// All curves before and after, where any of them changed.
    pub curves: Option<Box<[Drawn; 2]>>,
    /// The scenes that it kept, each place once.
    pub scenes: Vec<SceneChange>,
    /// The mark before and after, where another patch or recording was loaded, other words were written, or a patch was saved.
    pub marks: Option<[Mark; 2]>,
}

impl Stroke {
    /// Whether everything came back to where it began.
    fn is_nothing(&self) -> bool {
        let still = self.changes.iter().all(|it| it.before == it.after);
        let curves_still = self.curves.as_ref().is_none_or(|it| it[0] == it[1]);
        let around_still = self.scenes.iter().all(|it| it.before == it.after) && self.marks.is_none();
        still && curves_still && around_still
    }

    /// Whether it moves values or curves, and not only what is kept.
    pub(super) fn is_heard(&self) -> bool {
        !self.changes.is_empty() || self.curves.is_some()
    }
}

/// Strokes done and undone.
#[derive(Debug, Default)]
pub(super) struct History {
    done: VecDeque<Stroke>,
    undone: Vec<Stroke>,
    open: bool,
}

impl History {
    /// Of these strokes, the oldest of the done first, the one that is done again first of the undone last. Of too many the oldest are
    /// forgotten.
    pub fn of(done: Vec<Stroke>, undone: Vec<Stroke>) -> Self {
        let mut done = VecDeque::from(done);
        done.drain(..done.len().saturating_sub(MOST_STROKES));
        Self { done, undone, open: false }
    }

    /// The strokes done and undone, as [`History::of`] takes them; one that came back to where it began is none.
    pub fn strokes(&self) -> (Vec<Stroke>, Vec<Stroke>) {
        (self.done.iter().filter(|it| !it.is_nothing()).cloned().collect(), self.undone.clone())
    }

    /// The next change begins a new stroke. One that came back to where it began (a button held and let go) is forgotten.
    pub fn close(&mut self) {
        if self.open && self.done.back().is_some_and(Stroke::is_nothing) {
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
        let changes = &mut self.stroke().changes;
        match changes.iter_mut().find(|known| known.id == change.id) {
            Some(known) => known.after = change.after,
            None => changes.push(change),
        }
    }

    /// Remembers that other curves are drawn, as [`Self::note`].
    pub fn note_curves(&mut self, before: &Drawn, after: &Drawn) {
        match &mut self.stroke().curves {
            Some(known) => known[1] = after.clone(),
            curves => *curves = Some(Box::new([before.clone(), after.clone()])),
        }
    }

    /// Remembers that a scene is kept, as [`Self::note`].
    pub fn note_scene(&mut self, change: SceneChange) {
        debug_assert!(change.place < SCENES);
        let scenes = &mut self.stroke().scenes;
        match scenes.iter_mut().find(|known| known.place == change.place) {
            Some(known) => known.after = change.after,
            None => scenes.push(change),
        }
    }

    /// Remembers another mark, as [`Self::note`].
    pub fn note_mark(&mut self, before: Mark, after: Mark) {
        match &mut self.stroke().marks {
            Some(known) => known[1] = after,
            marks => *marks = Some([before, after]),
        }
    }

    fn stroke(&mut self) -> &mut Stroke {
        self.undone.clear();
        if !self.open {
            if self.done.len() == MOST_STROKES {
                self.done.pop_front();
            }
            self.done.push_back(Stroke::default());
            self.open = true;
        }
        self.done.back_mut().expect("an open stroke is the last of the done")
    }

    /// The stroke to take back.
    pub fn undo(&mut self) -> Option<&Stroke> {
        self.close();
        let stroke = self.done.pop_back()?;
        self.undone.push(stroke);
        self.undone.last()
    }

    /// The stroke to do again.
    pub fn redo(&mut self) -> Option<&Stroke> {
        self.close();
        let stroke = self.undone.pop()?;
        self.done.push_back(stroke);
        self.done.back()
    }
}
