//! What a control learns from one move, and what undo takes back after a lesson.

use super::*;

/// Holds learn, plays, and lets go.
fn taught(stage: &mut Stage, motions: Vec<Motion>) -> Vec<Act> {
    let learn = Control::Note { channel: 1, number: 61 };
    let mut acts = stage.say_all(Motion::Pressed(learn, 1));
    for motion in motions {
        acts.extend(stage.say_all(motion));
    }
    stage.now += Duration::from_secs(1);
    acts.extend(stage.say_all(Motion::Released(learn)));
    acts
}

fn knob(number: u8, to: u8) -> Motion {
    Motion::Turned(Control::Cc { channel: 3, number }, Position::Seven(to))
}

#[test]
fn a_knob_is_learnt_by_touching_the_old_one_and_turning_the_new_one_left() {
    let mut stage = Stage::new(vec![]);
    let acts = taught(&mut stage, vec![knob(3, 40), knob(90, 63), knob(90, 63), knob(90, 63)]);
    assert_eq!(acts[0], Act::Learning(None));
    assert_eq!(acts[1], Act::Learning(Some(Target::Param(ParamId::X0Target))), "what was touched, not moved");
    assert!(matches!(&acts[2], Act::Learnt(SURFACE, words) if words.contains("endless encoder")), "{acts:?}");
    assert_eq!(stage.desk.store().value(ParamId::X0Target), ParamId::X0Target.row().default);
    stage.turn(90, 66);
    let moved = stage.desk.store().position(ParamId::X0Target);
    assert!((moved - ParamId::X0Target.row().position(ParamId::X0Target.row().default) - 2.0 / 128.0).abs() < 1e-9);
}

#[test]
fn what_is_picked_on_the_display_is_learnt_by_any_knob_and_one_undo_forgets_it() {
    let mut stage = Stage::new(vec![]);
    let learn = Key::Char('L');
    assert_eq!(stage.strike(learn), Some(Act::Learning(None)));
    assert_eq!(stage.strike(Key::Char('g')), Some(Act::Learning(Some(Target::Param(ParamId::VelocityScale)))));
    assert_eq!((stage.turn(1, 80), stage.turn(1, 79)), (None, None), "already bound, and learnt all the same");
    assert!(matches!(stage.turn(1, 78), Some(Act::Learnt(..))));
    assert!(matches!(stage.turn(1, 77), Some(Act::Waiting(ParamId::VelocityScale, _))));
    assert_eq!(stage.strike(Key::Char('u')), Some(Act::Unlearnt(SURFACE)));
    assert!(matches!(stage.turn(1, 76), Some(Act::Waiting(ParamId::Denoise, _))));
}

#[test]
fn whatever_a_hand_has_done_since_a_lesson_is_undone_before_it() {
    let strokes = [
        "panic",
        "revert",
        "scene-1",
        "keep-scene-1",
        "next-patch",
        "save-patch",
        "save-as-new-patch",
        "reload-patch",
        "snap-loop",
        "tap",
        "draw-ramp",
        "erase-curve",
        "deepen-curve",
        "match-loudness",
        "load-from-library",
        "crop",
        "whole-recording",
        "next-prompt-a",
    ];
    for name in strokes {
        let target = Target::from_name(name).expect("a deed");
        let mut stage = Stage::new(vec![Entry::usual(On::Note(90), target)]);
        stage.strike(Key::Char('L'));
        stage.strike(Key::Char('g'));
        let learnt = [80, 79, 78].map(|to| stage.turn(1, to));
        assert!(matches!(learnt[2], Some(Act::Learnt(..))), "{name}: {learnt:?}");
        stage.say_all(Motion::Pressed(Control::Note { channel: 1, number: 90 }, 100));
        let undone = stage.strike(Key::Char('u'));
        assert!(matches!(undone, Some(Act::Undone(_))), "{name}: {undone:?}");
    }
}

#[test]
fn a_button_and_a_pair_of_fourteen_bits_are_learnt_as_what_they_are() {
    let mut stage = Stage::new(vec![]);
    stage.strike(Key::Char('s'));
    taught(&mut stage, vec![Motion::Pressed(Control::Note { channel: 9, number: 99 }, 80)]);
    let learnt = stage.binding.map().learnt(SURFACE);
    assert_eq!((learnt[0].on, learnt[0].channel, learnt[0].press), (On::Note(99), Some(9), Some(Press::Set)));
    stage.strike(Key::Char('s'));
    let mut fresh = Stage::new(vec![]);
    fresh.strike(Key::Char('L'));
    fresh.strike(Key::Char('s'));
    fresh.say_all(knob(5, 64));
    assert!(matches!(fresh.say(knob(37, 12)), Some(Act::Learnt(_, words)) if words.contains("14 bits")));
    let learnt = fresh.binding.map().learnt(SURFACE);
    assert_eq!((learnt[0].on, learnt[0].pair), (On::Cc(5), true));
    assert_eq!(fresh.binding.map().pairs(SURFACE), 1 << 5);
}

#[test]
fn a_lesson_without_a_lesson_changes_nothing() {
    let mut stage = Stage::new(vec![]);
    let before = (*stage.desk.store().aims(), stage.binding.map().clone());
    assert_eq!(taught(&mut stage, vec![]).last(), Some(&Act::NotLearnt));
    stage.strike(Key::Char('L'));
    assert_eq!(stage.strike(Key::Escape), Some(Act::NotLearnt), "escape leads out of the lesson first");
    assert_eq!((*stage.desk.store().aims(), stage.binding.map().clone()), before);
    assert_eq!(stage.strike(Key::Escape), Some(Act::Closed), "and never out of the program");
}
