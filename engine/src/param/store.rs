//! The values of now, owned by the control thread: set, undo, scenes, publication.
//!
//! Whatever comes from outside is brought into its row's range and counted, and NaN is refused, so that behind this door
//! no knob can make the solver fail. Every change is published as a whole snapshot before the call returns; a scene is
//! one snapshot, never half of one. Never blocks the reader, never reads a clock.
//!
//! A value has an **aim**, where the hand wants it, and a value of now, which is published and may still be on its way
//! ([`Store::aim`], [`Store::walk`]): a hand that is faster than the sound can follow is undone, shown and picked up by its
//! aims. [`Store::set`], undo and scenes move both at once.
//!
//! Drawn curves travel as edges, values as snapshots. Where a patch or an undo changes both, the snapshot waits until
//! [`Store::send_curves`] has sent the curves that belong to it.

use std::sync::Arc;

use triple_buffer::Input;

use super::history::{Change, History, Mark, SceneChange, Stroke};
use super::{Class, Drawn, PARAMS, ParamId, Snapshot, SnapshotReader, Values};

/// Places for scenes.
pub const SCENES: usize = 9;

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Set {
    /// The value now held.
    pub value: f64,
    /// Whether the value asked for lay outside the range.
    pub clamped: bool,
    /// Whether the value held is another than before.
    pub moved: bool,
}

/// All that a store remembers, by which another one goes on where it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Where the hands want the values.
    pub aims: Values,
    /// The curves that are drawn.
    pub drawn: Drawn,
    /// The scenes.
    pub scenes: [Option<Values>; SCENES],
    /// Strokes that undo takes back, the oldest first.
    pub done: Vec<Stroke>,
    /// Strokes that redo does again, the next one last.
    pub undone: Vec<Stroke>,
    /// Which patch is played on which recordings, and when one was saved last.
    pub mark: Mark,
}

/// The one thing a parameter refuses. Say which device sent it; the old value stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: not a number", .0.row().name)]
pub struct NotANumber(pub ParamId);

/// The values of now.
#[derive(Debug)]
pub struct Store {
    now: Snapshot,
    aims: Values,
    drawn: Drawn,
    /// The curves that the tick thread has, or will have with the next snapshot.
    sent: Drawn,
    output: Input<Snapshot>,
    history: History,
    scenes: [Option<Values>; SCENES],
    mark: Mark,
    clamped: u64,
    jumps: u64,
    revision: u64,
}

impl Store {
    /// A store at the table's defaults, and the tick thread's end of it.
    #[must_use]
    pub fn new() -> (Self, SnapshotReader) {
        let now = Snapshot { generation: 0, values: Values::default() };
        let (output, reader) = triple_buffer::triple_buffer(&now);
        let (history, scenes) = (History::default(), [None; SCENES]);
        let (drawn, sent) = (Drawn::default(), Drawn::default());
        let (aims, mark) = (now.values, Mark::default());
        let store = Self { now, aims, drawn, sent, output, history, scenes, mark, clamped: 0, jumps: 0, revision: 0 };
        (store, SnapshotReader(reader))
    }

    /// The values of now.
    #[must_use]
    pub const fn values(&self) -> &Values {
        &self.now.values
    }

    /// Where the hands want the values: equal to [`Store::values`] when nothing is on its way.
    #[must_use]
    pub const fn aims(&self) -> &Values {
        &self.aims
    }

    /// The last snapshot published.
    #[must_use]
    pub const fn snapshot(&self) -> Snapshot {
        self.now
    }

    /// A value's aim in its row's unit.
    #[must_use]
    pub const fn value(&self, id: ParamId) -> f64 {
        self.aims.exact(id)
    }

    /// A value's aim as a knob position, 0 to 1.
    #[must_use]
    pub fn position(&self, id: ParamId) -> f64 {
        id.row().position(self.value(id))
    }

    /// Values from outside that had to be brought into their range, since the start.
    #[must_use]
    pub const fn clamped(&self) -> u64 {
        self.clamped
    }

    /// How often values have moved without a hand on them (undo, redo, a scene, a patch). When it changes, knobs no
    /// longer stand where their values are, and soft takeover must begin anew.
    #[must_use]
    pub const fn jumps(&self) -> u64 {
        self.jumps
    }

    /// Sets a value in its row's unit, and publishes it.
    ///
    /// # Errors
    /// [`NotANumber`]; the old value stays.
    pub fn set(&mut self, id: ParamId, value: f64) -> Result<Set, NotANumber> {
        let set = self.aim(id, value)?;
        self.walk(id, set.value);
        Ok(set)
    }

    /// Sets where the hand wants a value, in its row's unit. Nothing is published: [`Store::walk`] takes the value there.
    ///
    /// # Errors
    /// [`NotANumber`]; the old aim stays.
    pub fn aim(&mut self, id: ParamId, value: f64) -> Result<Set, NotANumber> {
        if value.is_nan() {
            return Err(NotANumber(id));
        }
        let row = id.row();
        let (before, after) = (self.value(id), row.nearest(value));
        let clamped = after != value && (value < row.low || value > row.high);
        self.clamped += u64::from(clamped);
        let moved = after != before;
        if moved {
            self.revision += 1;
            self.history.note(Change { id, before, after });
            self.aims.set(id, after);
        }
        Ok(Set { value: after, clamped, moved })
    }

    /// Takes a value on its way to its aim, in its row's unit, and publishes it. Not a thing to undo: that is the aim. What
    /// is not a number moves nothing.
    pub fn walk(&mut self, id: ParamId, value: f64) {
        let value = id.row().nearest(value);
        if !value.is_nan() && value != self.now.values.exact(id) {
            self.now.values.set(id, value);
            self.publish();
        }
    }

    /// Sets a value by its knob's position, 0 to 1, and publishes it.
    ///
    /// # Errors
    /// [`NotANumber`]; the old value stays.
    pub fn set_position(&mut self, id: ParamId, position: f64) -> Result<Set, NotANumber> {
        if position.is_nan() {
            return Err(NotANumber(id));
        }
        let outside = !(0.0..=1.0).contains(&position);
        self.clamped += u64::from(outside);
        let set = self.set(id, id.row().at(position))?;
        Ok(Set { clamped: outside, ..set })
    }

    /// Ends the stroke: the next change is a new thing to undo. Call it when the hand goes to another control or rests.
    pub fn end_stroke(&mut self) {
        self.history.close();
    }

    /// Takes the last stroke back; answers whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(stroke) = self.history.undo() else { return false };
        stroke.changes.iter().for_each(|change| _ = self.aims.set(change.id, change.before));
        if let Some(curves) = &stroke.curves {
            self.drawn = curves[0].clone();
        }
        stroke.scenes.iter().for_each(|it| self.scenes[it.place] = it.before);
        self.mark = stroke.marks.map_or(self.mark, |it| it[0]);
        let is_heard = stroke.is_heard();
        self.changed(is_heard);
        true
    }

    /// Does the last undone stroke again; answers whether there was one.
    pub fn redo(&mut self) -> bool {
        let Some(stroke) = self.history.redo() else { return false };
        stroke.changes.iter().for_each(|change| _ = self.aims.set(change.id, change.after));
        if let Some(curves) = &stroke.curves {
            self.drawn = curves[1].clone();
        }
        stroke.scenes.iter().for_each(|it| self.scenes[it.place] = it.after);
        self.mark = stroke.marks.map_or(self.mark, |it| it[1]);
        let is_heard = stroke.is_heard();
        self.changed(is_heard);
        true
    }

    /// A stroke was taken back or done again. Where only scenes or marks moved, no value jumps and every hand keeps hold.
    fn changed(&mut self, is_heard: bool) {
        match is_heard {
            true => self.jumped(),
            false => self.revision += 1,
        }
    }

    /// Strokes that [`Store::undo`] can take back, 64 at most.
    #[must_use]
    pub fn undo_depth(&self) -> usize {
        self.history.depth()
    }

    /// Keeps the aims of now as scene `place`, below [`SCENES`], as one stroke: undo brings back what was kept there. Answers whether there
    /// is such a place.
    pub fn capture(&mut self, place: usize) -> bool {
        let Some(before) = self.scenes.get(place).copied() else { return false };
        let after = Some(self.aims);
        self.history.close();
        if before != after {
            self.history.note_scene(SceneChange { place, before, after });
            self.history.close();
        }
        self.put_scene(place, after)
    }

    /// All scenes.
    #[must_use]
    pub const fn scenes(&self) -> &[Option<Values>; SCENES] {
        &self.scenes
    }

    /// Which patch is played on which recordings, and when one was saved last.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        self.mark
    }

    /// Says where this belongs from now on; not a thing to undo.
    pub fn set_mark(&mut self, mark: Mark) {
        (self.mark, self.revision) = (mark, self.revision + 1);
    }

    /// A patch was saved, or other recordings play: a stroke that moves no value.
    pub fn note_mark(&mut self, after: Mark) {
        self.history.close();
        self.history.note_mark(self.mark, after);
        self.history.close();
        self.set_mark(after);
    }

    /// The scene kept at `place`.
    #[must_use]
    pub fn scene(&self, place: usize) -> Option<&Values> {
        self.scenes.get(place)?.as_ref()
    }

    /// Puts a scene where a set begins, or clears the place; not a thing to undo. Answers whether there is such a place.
    pub fn put_scene(&mut self, place: usize, scene: Option<Values>) -> bool {
        let Some(slot) = self.scenes.get_mut(place) else { return false };
        *slot = scene;
        self.revision += 1;
        true
    }

    /// Takes all values of a scene but those of the load class, in one snapshot and as one stroke; answers whether there
    /// is such a scene. Load-class values stay: a scene is heard at once, and never waits for a worker.
    pub fn recall(&mut self, place: usize) -> bool {
        let Some(scene) = self.scene(place).copied() else { return false };
        self.take_over(&scene, None, |class| class != Class::Load);
        self.history.close();
        self.jumped();
        true
    }

    /// Begins at these values and curves, in one snapshot: nothing was before them that undo could go back to.
    pub fn begin(&mut self, values: &Values, curves: &Drawn) {
        (self.aims, self.drawn, self.history) = (*values, curves.clone(), History::default());
        self.jumped();
    }

    /// All that is remembered. Whatever is on its way is where it goes.
    #[must_use]
    pub fn keep(&self) -> Kept {
        let (done, undone) = self.history.strokes();
        let Self { aims, scenes, mark, .. } = *self;
        Kept { aims, drawn: self.drawn.clone(), scenes, done, undone, mark }
    }

    /// Goes on where another store was, in one snapshot: values, curves, scenes, undo and redo are its own. A stroke that was not ended is
    /// ended.
    pub fn restore(&mut self, kept: Kept) {
        let Kept { aims, drawn, scenes, done, undone, mark } = kept;
        (self.aims, self.drawn, self.scenes, self.mark) = (aims, drawn, scenes, mark);
        self.history = History::of(done, undone);
        self.jumped();
    }

    /// A number that is another as soon as anything that is kept is.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes a value that is so already, in its row's unit, without a way there: not a thing to undo. What is not a number changes
    /// nothing.
    pub fn adopt(&mut self, id: ParamId, value: f64) {
        let value = id.row().nearest(value);
        if !value.is_nan() && (value != self.aims.exact(id) || value != self.now.values.exact(id)) {
            self.aims.set(id, value);
            self.now.values.set(id, value);
            self.revision += 1;
            self.publish();
        }
    }

    /// Takes all values and curves of a patch, in one snapshot and as one stroke.
    pub fn take(&mut self, values: &Values, curves: &Drawn) {
        self.take_over(values, Some(curves), |_| true);
        self.history.close();
        self.jumped();
    }

    /// As [`Store::take`], with the patch's scenes and its mark: undo brings all of the patch before back.
    pub fn load(&mut self, values: &Values, curves: &Drawn, scenes: &[Option<Values>; SCENES], mark: Mark) {
        self.take_over(values, Some(curves), |_| true);
        for (place, (before, after)) in self.scenes.iter().zip(scenes).enumerate() {
            if before != after {
                self.history.note_scene(SceneChange { place, before: *before, after: *after });
            }
        }
        if self.mark != mark {
            self.history.note_mark(self.mark, mark);
        }
        (self.scenes, self.mark) = (*scenes, mark);
        self.history.close();
        self.jumped();
    }

    /// The curves that are drawn.
    #[must_use]
    pub const fn drawn(&self) -> &Drawn {
        &self.drawn
    }

    /// Sends what has been drawn or taken back since the last call, and then publishes the snapshot that waited for it.
    /// `send` sends one curve, to be obeyed with the snapshot of that number, and answers whether there was room; where there
    /// was none, the rest is sent by a later call and the snapshot waits. Answers whether nothing waits.
    ///
    /// The queue must hold as many edges as there are parameters: they are obeyed together.
    pub fn send_curves(&mut self, mut send: impl FnMut(ParamId, Option<Arc<[f32]>>, u64) -> bool) -> bool {
        if self.drawn == self.sent {
            return true;
        }
        let next = self.now.generation + 1;
        for id in ParamId::all().filter(|id| id.row().curve) {
            if self.drawn.agrees(&self.sent, id) {
                continue;
            }
            let curve = self.drawn.get(id).cloned();
            if !send(id, curve.clone(), next) {
                return false;
            }
            self.sent.set(id, curve);
        }
        self.publish();
        true
    }

    /// Leaves the stroke open, for who has more to say of it.
    fn take_over(&mut self, values: &Values, curves: Option<&Drawn>, wanted: impl Fn(Class) -> bool) {
        self.history.close();
        if let Some(curves) = curves.filter(|it| **it != self.drawn) {
            self.history.note_curves(&self.drawn, curves);
            self.drawn = curves.clone();
        }
        for id in ParamId::all().filter(|id| wanted(id.row().class)) {
            let (before, after) = (self.value(id), values.exact(id));
            if before != after {
                self.history.note(Change { id, before, after });
                self.aims.set(id, after);
            }
        }
    }

    /// Draws a parameter's curve, one value a latent frame, or takes it back: part of the stroke that is open. It is sent by [`Self::send_curves`].
    pub fn draw(&mut self, id: ParamId, curve: Option<Arc<[f32]>>) {
        let mut drawn = self.drawn.clone();
        drawn.set(id, curve);
        if drawn != self.drawn {
            self.history.note_curves(&self.drawn, &drawn);
            self.drawn = drawn;
            self.revision += 1;
        }
    }

    /// Publishes the values of now once more, under another number: what is made from then on is told from what was made before.
    pub fn publish_again(&mut self) {
        self.publish();
    }

    fn jumped(&mut self) {
        self.jumps += 1;
        self.revision += 1;
        self.now.values = self.aims;
        self.publish();
    }

    fn publish(&mut self) {
        // Values never overtake the curves that belong to them.
        if self.drawn != self.sent {
            return;
        }
        self.now.generation += 1;
        self.output.write(self.now);
    }
}

// The snapshot is copied three times a change: it stays small enough that nobody has to think of it.
const _: () = assert!(size_of::<Snapshot>() <= 1024 && PARAMS <= 120);

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
