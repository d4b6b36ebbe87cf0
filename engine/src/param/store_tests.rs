//! The store: what is set, undone, kept and published.

use super::{Mark, NotANumber, SCENES, Set, Store};
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
fn a_store_goes_on_where_another_was_in_one_snapshot() {
    let (mut store, _reader) = Store::new();
    let mut curves = Drawn::default();
    curves.set(ParamId::SourceBlend, Some([0.5].into()));
    store.take(&Values::default(), &curves);
    for value in [0.6, 0.7, 0.8] {
        store.set(ParamId::Denoise, value).expect("a number");
        store.end_stroke();
    }
    assert!(store.undo());
    store.capture(4);
    store.aim(ParamId::Shift, 4.0).expect("a number");
    // Still in the hand, and on its way: it is where it goes.
    let kept = store.keep();
    assert_eq!((kept.done.len(), kept.undone.len()), (5, 0));
    let (mut next, mut reader) = Store::new();
    next.set(ParamId::X0Target, 0.5).expect("a number");
    let before = reader.latest().generation;
    next.restore(kept.clone());
    assert_eq!(reader.latest().generation, before, "values wait for their curves");
    assert!(next.send_curves(|_, _, _| true));
    assert_eq!((reader.latest().generation, reader.latest().values), (before + 1, kept.aims));
    assert_eq!((next.keep(), next.scene(4), next.undo_depth()), (kept, store.scene(4), 5));
    let undone: Vec<f64> = (0..4).map(|_| (next.undo(), next.value(ParamId::Denoise)).1).collect();
    assert_eq!(undone, [0.7, 0.7, 0.6, 0.5]);
    assert!(next.undo() && !next.undo() && *next.drawn() == Drawn::default());
    assert!((0..5).all(|_| next.redo()) && !next.redo());
    assert_eq!(next.aims(), store.aims());
}

#[test]
fn whatever_is_kept_changes_the_revision() {
    let (mut store, _reader) = Store::new();
    let mut last = store.revision();
    let mut changed = |store: &Store| std::mem::replace(&mut last, store.revision()) != store.revision();
    store.set(ParamId::Denoise, 0.75).expect("a number");
    assert!(changed(&store));
    store.set(ParamId::Denoise, 0.75).expect("a number");
    store.end_stroke();
    assert!(!changed(&store) && store.undo() && changed(&store) && store.redo() && changed(&store));
    assert!(store.capture(1) && changed(&store) && store.recall(1) && changed(&store));
    store.adopt(ParamId::GainDb, -6.0);
    assert!(changed(&store) && store.undo_depth() == 2, "not a thing to undo");
}

#[test]
fn keeping_a_scene_is_a_stroke_that_moves_no_value_and_lets_no_hand_go() {
    let (mut store, _reader) = Store::new();
    for value in [0.6, 0.7] {
        store.set(ParamId::Denoise, value).expect("a number");
        store.capture(2);
    }
    let kept = |store: &Store| store.scene(2).map(|it| it.exact(ParamId::Denoise));
    store.capture(2);
    assert_eq!((kept(&store), store.undo_depth()), (Some(0.7), 4), "what is kept already is no stroke");
    let jumps = store.jumps();
    assert!(store.undo());
    assert_eq!((kept(&store), store.value(ParamId::Denoise), store.jumps()), (Some(0.6), 0.7, jumps));
    assert!(store.undo() && store.undo());
    assert_eq!((kept(&store), store.value(ParamId::Denoise)), (None, 0.6));
    assert!((0..3).all(|_| store.redo()));
    assert_eq!((kept(&store), store.value(ParamId::Denoise)), (Some(0.7), 0.7));
}

#[test]
fn a_patch_is_one_stroke_with_its_values_curves_scenes_and_mark_and_so_is_a_save() {
    let (mut store, _reader) = Store::new();
    store.capture(0);
    let before = store.keep();
    let (mut values, mut curves, mut scenes) = (Values::default(), Drawn::default(), [None; SCENES]);
    values.set(ParamId::Denoise, 0.9);
    curves.set(ParamId::SourceBlend, Some([0.5].into()));
    scenes[4] = Some(values);
    let mark = Mark { patch: 3, ..Mark::default() };
    store.load(&values, &curves, &scenes, mark);
    let after = store.keep();
    assert_eq!((store.undo_depth(), after.scenes, after.mark), (2, scenes, mark));
    let all = |kept: &super::Kept| (kept.aims, kept.drawn.clone(), kept.scenes, kept.mark);
    assert!(store.undo());
    assert_eq!(all(&store.keep()), all(&before));
    assert!(store.redo());
    assert_eq!(all(&store.keep()), all(&after));
    store.note_mark(Mark { patch: 3, save: 7, ..Mark::default() });
    let jumps = store.jumps();
    assert!(store.undo());
    assert_eq!((store.mark(), store.jumps(), store.aims()), (mark, jumps, &values));
    assert!(store.redo() && store.mark().save == 7);
    // The same patch again, as it is: nothing to take back.
    store.load(&values, &curves, &scenes, store.mark());
    assert_eq!(store.undo_depth(), 3);
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
    assert!(store.undo() && store.scene(0).is_none());
    assert_eq!((store.value(ParamId::Denoise), seen(&mut reader)), (0.9, 0.6), "what is on its way goes on");
    assert!(store.undo());
    assert_eq!((store.value(ParamId::Denoise), seen(&mut reader)), (0.5, 0.5));
    assert!(!store.undo(), "walking is not a thing to undo");
    assert!(store.redo() && store.redo() && store.recall(0));
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

#[test]
fn a_value_that_is_so_already_is_adopted_once_wherever_its_aim_and_its_way_stand() {
    let (mut store, mut reader) = Store::new();
    let id = ParamId::GainDb;
    let before = store.revision();
    store.adopt(id, -6.0);
    assert_eq!((store.value(id), store.aims().exact(id), store.revision()), (-6.0, -6.0, before + 1));
    assert_eq!((reader.latest().generation, store.undo_depth()), (1, 0));
    for same in [-6.0, f64::NAN] {
        store.adopt(id, same);
        assert_eq!((store.value(id), store.revision(), reader.latest().generation), (-6.0, before + 1, 1));
    }
    // Under way: the aim is another, or only the value is.
    store.aim(id, 0.0).expect("a number");
    let before = store.revision();
    store.adopt(id, -6.0);
    assert_eq!((store.aims().exact(id), store.revision()), (-6.0, before + 1));
    store.aim(id, 0.0).expect("a number");
    let before = store.revision();
    store.adopt(id, 0.0);
    assert_eq!((store.value(id), store.aims().exact(id), store.revision()), (0.0, 0.0, before + 1));
}

#[test]
fn marks_and_scenes_are_kept_and_each_change_is_another_revision() {
    let (mut store, _) = Store::new();
    let before = store.revision();
    let mark = Mark { patch: 3, ..Mark::default() };
    store.set_mark(mark);
    assert_eq!((store.mark(), store.revision()), (mark, before + 1));
    store.set(ParamId::Shift, 4.0).expect("a number");
    assert!(store.capture(2));
    let kept = *store.values();
    assert_eq!(
        store.scenes().iter().enumerate().filter_map(|(at, it)| Some((at, (*it)?))).collect::<Vec<_>>(),
        [(2, kept)]
    );
    // Only a scene moves: that is another revision, and no jump.
    let (before, jumps) = (store.revision(), store.jumps());
    assert!(store.undo());
    assert_eq!((store.scenes()[2], store.jumps()), (None, jumps));
    assert!(before < store.revision());
}
