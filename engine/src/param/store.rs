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

use super::history::{Change, History};
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
    clamped: u64,
    jumps: u64,
}

impl Store {
    /// A store at the table's defaults, and the tick thread's end of it.
    #[must_use]
    pub fn new() -> (Self, SnapshotReader) {
        let now = Snapshot { generation: 0, values: Values::default() };
        let (output, reader) = triple_buffer::triple_buffer(&now);
        let (history, scenes) = (History::default(), [None; SCENES]);
        let (drawn, sent) = (Drawn::default(), Drawn::default());
        let store = Self { now, aims: now.values, drawn, sent, output, history, scenes, clamped: 0, jumps: 0 };
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
        self.jumped();
        true
    }

    /// Does the last undone stroke again; answers whether there was one.
    pub fn redo(&mut self) -> bool {
        let Some(stroke) = self.history.redo() else { return false };
        stroke.changes.iter().for_each(|change| _ = self.aims.set(change.id, change.after));
        if let Some(curves) = &stroke.curves {
            self.drawn = curves[1].clone();
        }
        self.jumped();
        true
    }

    /// Strokes that [`Store::undo`] can take back, 64 at most.
    #[must_use]
    pub fn undo_depth(&self) -> usize {
        self.history.depth()
    }

    /// Keeps the aims of now as scene `place`, below [`SCENES`]; answers whether there is such a place.
    pub fn capture(&mut self, place: usize) -> bool {
        let values = self.aims;
        self.put_scene(place, Some(values))
    }

    /// The scene kept at `place`.
    #[must_use]
    pub fn scene(&self, place: usize) -> Option<&Values> {
        self.scenes.get(place)?.as_ref()
    }

    /// Puts a scene from a patch, or clears the place; answers whether there is such a place.
    pub fn put_scene(&mut self, place: usize, scene: Option<Values>) -> bool {
        let Some(slot) = self.scenes.get_mut(place) else { return false };
        *slot = scene;
        true
    }

    /// Takes all values of a scene but those of the load class, in one snapshot and as one stroke; answers whether there
    /// is such a scene. Load-class values stay: a scene is heard at once, and never waits for a worker.
    pub fn recall(&mut self, place: usize) -> bool {
        let Some(scene) = self.scene(place).copied() else { return false };
        self.take_over(&scene, None, |class| class != Class::Load);
        true
    }

    /// Begins at these values and curves, in one snapshot: nothing was before them that undo could go back to.
    pub fn begin(&mut self, values: &Values, curves: &Drawn) {
        (self.aims, self.drawn, self.history) = (*values, curves.clone(), History::default());
        self.jumped();
    }

    /// Takes all values and curves of a patch, in one snapshot and as one stroke.
    pub fn take(&mut self, values: &Values, curves: &Drawn) {
        self.take_over(values, Some(curves), |_| true);
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
        self.history.close();
        self.jumped();
    }

    fn jumped(&mut self) {
        self.jumps += 1;
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
mod tests {
    use super::{NotANumber, Set, Store};
    use crate::param::{Class, Drawn, ParamId, Values};
    use proptest::prelude::*;

    macro_rules! one_test_a_parameter {
        ($($id:ident),*) => {
            mod a_value_from_outside_is_clamped_counted_and_never_nan {
                $(#[test]
                #[allow(non_snake_case)]
                fn $id() {
                    super::outside_values_are_kept_out(crate::param::ParamId::$id);
                })*
            }
        };
    }
    for_each_parameter!(one_test_a_parameter);

    fn outside_values_are_kept_out(id: ParamId) {
        let (mut store, mut reader) = Store::new();
        let row = id.row();
        for (value, nearest) in
            [(row.high + 1.0, row.high), (row.low - 1.0, row.low), (f64::INFINITY, row.high), (-1e300, row.low)]
        {
            let set = store.set(id, value).expect("a number");
            assert_eq!((set.value, set.clamped), (nearest, true));
            assert_eq!(reader.latest().values.exact(id), nearest);
        }
        assert_eq!(store.clamped(), 4);
        assert_eq!(store.set(id, f64::NAN), Err(NotANumber(id)));
        assert_eq!(store.set_position(id, f64::NAN), Err(NotANumber(id)));
        assert_eq!(store.value(id), row.low);
        let inside = store.set(id, row.default).expect("a number");
        assert_eq!(inside, Set { value: row.default, clamped: false, moved: row.default != row.low });
        assert_eq!(store.set_position(id, 1.5).map(|set| (set.value, set.clamped)), Ok((row.high, true)));
        assert_eq!(store.clamped(), 5);
    }

    #[test]
    fn a_reader_sees_the_last_of_many_values_and_counts_them() {
        let (mut store, mut reader) = Store::new();
        assert_eq!(reader.latest().generation, 0);
        for value in [0.1, 0.2, 0.3] {
            store.set(ParamId::Denoise, value).expect("a number");
        }
        store.set(ParamId::Denoise, 0.3).expect("a number");
        let seen = reader.latest();
        assert_eq!((seen.generation, seen.values.exact(ParamId::Denoise)), (3, 0.3));
    }

    #[test]
    fn undo_takes_back_a_whole_stroke_and_redo_does_it_again() {
        let (mut store, mut reader) = Store::new();
        store.set(ParamId::Shift, 4.0).expect("a number");
        store.end_stroke();
        for value in [0.6, 0.7, 0.8] {
            store.set(ParamId::Denoise, value).expect("a number");
        }
        assert!(store.undo());
        assert_eq!((store.value(ParamId::Denoise), store.value(ParamId::Shift)), (0.5, 4.0));
        assert_eq!(reader.latest().values, *store.values());
        assert!(store.redo());
        assert_eq!(store.value(ParamId::Denoise), 0.8);
        assert!(store.undo() && store.undo());
        assert!(!store.undo());
        assert_eq!(*store.values(), Values::default());
    }

    #[test]
    fn a_new_move_ends_what_could_be_redone() {
        let (mut store, _reader) = Store::new();
        store.set(ParamId::Denoise, 0.9).expect("a number");
        assert!(store.undo());
        store.set(ParamId::Denoise, 0.1).expect("a number");
        assert!(!store.redo());
    }

    #[test]
    fn the_oldest_of_very_many_strokes_is_forgotten() {
        let (mut store, _reader) = Store::new();
        for seed in 0..100 {
            store.set(ParamId::Seed, f64::from(seed)).expect("a number");
            store.end_stroke();
        }
        assert_eq!(std::iter::repeat_with(|| store.undo()).take_while(|&undone| undone).count(), 64);
        assert_eq!(store.value(ParamId::Seed), 35.0);
    }

    #[test]
    fn a_scene_returns_in_one_snapshot_without_its_load_values() {
        let (mut store, mut reader) = Store::new();
        store.set(ParamId::Denoise, 0.9).expect("a number");
        store.set(ParamId::SourceBlend, 0.3).expect("a number");
        store.set(ParamId::Depth, 8.0).expect("a number");
        assert!(store.capture(0));
        store.take(&Values::default(), &Drawn::default());
        let before = reader.latest().generation;
        assert!(store.recall(0));
        let seen = reader.latest();
        assert_eq!(seen.generation, before + 1);
        assert_eq!(seen.values.exact(ParamId::Denoise), 0.9);
        assert_eq!(seen.values.exact(ParamId::SourceBlend), 0.3);
        assert_eq!(seen.values.exact(ParamId::Depth), ParamId::Depth.row().default);
        assert_eq!(ParamId::Depth.row().class, Class::Load);
        assert!(store.undo());
        assert_eq!(*store.values(), Values::default());
    }

    #[test]
    fn an_empty_or_missing_scene_changes_nothing() {
        let (mut store, _reader) = Store::new();
        assert!(!store.recall(3) && !store.recall(99) && !store.capture(99));
        assert_eq!((store.snapshot().generation, store.jumps()), (0, 0));
    }

    #[test]
    fn a_jump_is_counted_and_a_hand_is_not() {
        let (mut store, _reader) = Store::new();
        store.set(ParamId::Denoise, 0.9).expect("a number");
        assert_eq!(store.jumps(), 0);
        store.undo();
        assert_eq!(store.jumps(), 1);
    }

    #[test]
    fn a_value_on_its_way_is_published_and_its_aim_is_what_is_undone_and_kept() {
        let (mut store, mut reader) = Store::new();
        let seen = |reader: &mut super::SnapshotReader| reader.latest().values.exact(ParamId::Denoise);
        assert!(store.aim(ParamId::Denoise, 0.9).expect("a number").moved);
        assert_eq!((store.value(ParamId::Denoise), seen(&mut reader)), (0.9, 0.5));
        store.walk(ParamId::Denoise, 0.6);
        store.walk(ParamId::Denoise, f64::NAN);
        assert_eq!((store.value(ParamId::Denoise), seen(&mut reader)), (0.9, 0.6));
        store.capture(0);
        assert!(store.undo());
        assert_eq!((store.value(ParamId::Denoise), seen(&mut reader)), (0.5, 0.5));
        assert!(!store.undo(), "walking is not a thing to undo");
        assert!(store.redo() && store.recall(0));
        assert_eq!(seen(&mut reader), 0.9);
    }

    #[test]
    fn a_stroke_that_came_back_to_where_it_began_is_not_a_thing_to_undo() {
        let (mut store, _reader) = Store::new();
        store.set(ParamId::Shift, 4.0).expect("a number");
        store.end_stroke();
        store.set(ParamId::Denoise, 0.9).expect("a number");
        store.set(ParamId::Denoise, 0.5).expect("a number");
        store.end_stroke();
        assert!(store.undo());
        assert_eq!(store.value(ParamId::Shift), ParamId::Shift.row().default);
    }

    #[test]
    fn curves_alone_are_a_thing_to_undo() {
        let (mut store, _reader) = Store::new();
        let mut curves = Drawn::default();
        curves.set(ParamId::SourceBlend, Some([0.5].into()));
        store.take(&Values::default(), &curves);
        assert_eq!(store.undo_depth(), 1);
        assert!(store.undo());
        assert_eq!((store.drawn(), store.undo_depth()), (&Drawn::default(), 0));
    }

    #[test]
    fn what_the_box_begins_with_is_aimed_at_published_and_not_a_thing_to_undo() {
        let (mut store, mut reader) = Store::new();
        store.set(ParamId::Shift, 4.0).expect("a number");
        let mut values = Values::default();
        values.set(ParamId::Denoise, 0.75);
        store.begin(&values, &Drawn::default());
        assert_eq!((store.aims(), reader.latest().values, store.undo_depth()), (&values, values, 0));
        assert_eq!((store.jumps(), store.position(ParamId::Denoise)), (1, 0.75));
    }

    #[test]
    fn strokes_that_can_be_taken_back_are_counted() {
        let (mut store, _reader) = Store::new();
        for (depth, value) in [0.6, 0.7, 0.8].into_iter().enumerate() {
            assert_eq!(store.undo_depth(), depth);
            store.set(ParamId::Denoise, value).expect("a number");
            store.end_stroke();
        }
        assert_eq!((store.undo_depth(), *store.aims()), (3, *store.values()));
        assert_eq!(store.aims().exact(ParamId::Denoise), 0.8);
    }

    #[test]
    fn values_wait_for_the_curves_that_belong_to_them_and_undo_brings_both_back() {
        let (mut store, mut reader) = Store::new();
        let (mut values, mut curves) = (Values::default(), Drawn::default());
        values.set(ParamId::Denoise, 0.9);
        for id in [ParamId::SourceBlend, ParamId::X0Target] {
            curves.set(id, Some([0.5].into()));
        }
        store.take(&values, &curves);
        assert_eq!(reader.latest().generation, 0, "the curves are still here");
        let mut sent = Vec::new();
        assert!(!store.send_curves(|id, curve, generation| {
            let fits = sent.is_empty();
            if fits {
                sent.push((id, curve.is_some(), generation));
            }
            fits
        }));
        store.set(ParamId::Shift, 4.0).expect("a number");
        assert_eq!(reader.latest().generation, 0, "and no other value overtakes them");
        assert!(store.send_curves(|id, curve, generation| {
            sent.push((id, curve.is_some(), generation));
            true
        }));
        assert_eq!(sent, [(ParamId::SourceBlend, true, 1), (ParamId::X0Target, true, 1)]);
        let seen = reader.latest();
        assert_eq!((seen.generation, seen.values.exact(ParamId::Denoise)), (1, 0.9));
        assert_eq!(seen.values.exact(ParamId::Shift), 4.0);
        assert!(store.undo() && store.undo());
        assert_eq!((store.drawn(), store.values()), (&Drawn::default(), &Values::default()));
        let mut back = Vec::new();
        assert!(store.send_curves(|id, curve, _| {
            back.push((id, curve.is_none()));
            true
        }));
        assert_eq!(back, [(ParamId::SourceBlend, true), (ParamId::X0Target, true)]);
        assert!(store.redo());
        assert_eq!(*store.drawn(), curves);
        assert_eq!(reader.latest().values.exact(ParamId::Denoise), 0.5, "until they are sent again");
    }

    proptest! {
        #[test]
        fn no_sequence_of_moves_puts_a_value_outside_its_range(
            moves in prop::collection::vec((0..super::PARAMS, any::<f64>(), 0..6u8), 0..60)
        ) {
            let (mut store, mut reader) = Store::new();
            for (place, value, what) in moves {
                let id = crate::param::TABLE[place].id;
                match what {
                    0 => { store.undo(); }
                    1 => { store.redo(); }
                    2 => { store.capture(place % 9); }
                    3 => { store.recall(place % 9); }
                    4 => { let _ = store.set_position(id, value); }
                    _ => { let _ = store.set(id, value); }
                }
                let seen = reader.latest();
                prop_assert_eq!(seen, store.snapshot());
                for id in ParamId::all() {
                    let row = id.row();
                    prop_assert_eq!(row.nearest(seen.values.exact(id)), seen.values.exact(id));
                }
            }
        }
    }
}
