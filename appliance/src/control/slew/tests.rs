//! What a hand feels, with a time that only these tests let pass.

use super::limits::{AT_ONCE, usual, walks};
use super::{Slew, Step};
use engine::param::{Class, ParamId, Values};
use proptest::prelude::*;
use std::time::Duration;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn hand() -> Slew {
    Slew::new(&Values::default())
}

fn steps(hand: &mut Slew, now: Duration) -> Vec<Step> {
    let mut steps = Vec::new();
    hand.advance(now, |step| steps.push(step));
    steps
}

/// The place told at a time, of the only parameter that moves.
fn place(hand: &mut Slew, now: Duration) -> f64 {
    let steps = steps(hand, now);
    assert_eq!(steps.len(), 1, "{steps:?}");
    steps[0].position
}

#[test]
fn a_small_move_acts_at_once_and_whole() {
    let mut hand = hand();
    hand.aim(ms(5), ParamId::Denoise, 0.53);
    let told = steps(&mut hand, ms(5));
    assert_eq!(told, [Step { id: ParamId::Denoise, position: 0.53, value: 0.53, arrived: true }]);
    assert!(hand.settled());
}

#[test]
fn a_throw_begins_at_once_goes_on_at_the_limit_and_arrives_exactly() {
    let mut hand = hand();
    hand.aim(ms(0), ParamId::Denoise, 0.9);
    assert_eq!(place(&mut hand, ms(0)), 0.5 + AT_ONCE);
    assert!((place(&mut hand, ms(100)) - (0.7 + AT_ONCE)).abs() < 1e-12, "two travels a second");
    assert!(!hand.settled());
    let told = steps(&mut hand, ms(5000));
    assert_eq!(told, [Step { id: ParamId::Denoise, position: 0.9, value: 0.9, arrived: true }]);
    assert!(hand.settled() && steps(&mut hand, ms(6000)).is_empty());
}

#[test]
fn a_hand_below_the_limit_is_never_late() {
    let mut hand = hand();
    // 127 places of a 7-bit knob in 0.6 s: a travel and two thirds a second, under the two of this parameter.
    for number in 0..=127u32 {
        let now = Duration::from_millis(1000) + Duration::from_micros(4725) * number;
        let target = f64::from(number) / 127.0;
        hand.aim(now, ParamId::VelocityScale, if number == 0 { 0.5 } else { 0.5 + target / 2.0 });
        steps(&mut hand, now);
        assert!(hand.settled(), "late at place {number}");
    }
}

#[test]
fn a_new_target_on_the_way_goes_on_from_where_the_value_is() {
    let mut hand = hand();
    hand.aim(ms(0), ParamId::Denoise, 1.0);
    let turning = place(&mut hand, ms(100));
    hand.aim(ms(100), ParamId::Denoise, 0.0);
    assert_eq!(place_or(&mut hand, ms(100), turning), turning, "it has no rest to spend");
    assert!((place(&mut hand, ms(200)) - (turning - 0.2)).abs() < 1e-12);
}

/// As [`place`], where nothing new may be told.
fn place_or(hand: &mut Slew, now: Duration, before: f64) -> f64 {
    steps(hand, now).first().map_or(before, |step| step.position)
}

#[test]
fn a_choice_never_walks_and_never_glides() {
    let mut hand = hand();
    for id in ParamId::all().filter(|id| !walks(*id)) {
        hand.set_glide(id, ms(500));
        hand.set_limit(id, Some(0.1));
        let far = if hand.target(id) < 0.5 { id.row().high } else { id.row().low };
        hand.aim_value(ms(0), id, far);
        let told = steps(&mut hand, ms(0));
        assert_eq!(told.iter().map(|step| (step.id, step.value)).collect::<Vec<_>>(), [(id, far)]);
    }
}

#[test]
fn a_glide_is_even_and_takes_its_time() {
    let mut hand = hand();
    hand.set_glide(ParamId::Feedback, ms(1000));
    hand.aim(ms(100), ParamId::Feedback, 1.0);
    assert!((place(&mut hand, ms(350)) - 0.25).abs() < 1e-12);
    assert!((place(&mut hand, ms(600)) - 0.5).abs() < 1e-12);
    assert!((place(&mut hand, ms(1090)) - 0.99).abs() < 1e-12);
    assert_eq!(place(&mut hand, ms(1101)), 1.0);
}

#[test]
fn a_glide_shorter_than_the_limit_allows_is_held_by_the_limit() {
    let mut hand = hand();
    hand.set_glide(ParamId::Denoise, ms(10));
    hand.aim(ms(0), ParamId::Denoise, 1.0);
    assert!((place(&mut hand, ms(100)) - 0.7).abs() < 1e-12);
}

#[test]
fn a_target_said_again_and_again_does_not_put_its_arrival_off() {
    let mut hand = hand();
    hand.set_glide(ParamId::Feedback, ms(500));
    for now in (0..=501).step_by(3) {
        hand.aim(ms(now), ParamId::Feedback, 1.0);
    }
    assert_eq!(place(&mut hand, ms(501)), 1.0);
}

#[test]
fn a_scene_glides_as_told_arrives_to_the_bit_and_leaves_load_alone() {
    let mut hand = hand();
    let mut scene = Values::default();
    for id in ParamId::all() {
        let row = id.row();
        // Wherever there is one, a value that its own place does not give back.
        let between = |part: u32| row.nearest(row.low + (row.high - row.low) * f64::from(part) / 1000.0);
        let inexact = (300..900).map(between).find(|value| row.at(row.position(*value)) != *value);
        scene.set(id, inexact.unwrap_or(between(370)));
    }
    assert_ne!(
        ParamId::GainDb.row().at(ParamId::GainDb.row().position(scene.exact(ParamId::GainDb))),
        scene.exact(ParamId::GainDb)
    );
    hand.glide_to(ms(0), &scene, ms(2000));
    let mut heard = Values::default();
    let mut listen = |hand: &mut Slew, now| {
        hand.advance(ms(now), |step| assert!(heard.set(step.id, step.value)));
        heard
    };
    let halfway = listen(&mut hand, 1000);
    let row = ParamId::Shift.row();
    let middle = (row.position(row.default) + row.position(scene.exact(ParamId::Shift))) / 2.0;
    assert!((row.position(halfway.exact(ParamId::Shift)) - middle).abs() < 1e-9);
    assert_eq!(halfway.seed(), scene.seed(), "what has no places in between is there at once");
    let there = listen(&mut hand, 2001);
    assert!(hand.settled());
    for id in ParamId::all() {
        let expected = if id.row().class == Class::Load { id.row().default } else { scene.exact(id) };
        assert_eq!(there.exact(id).to_bits(), expected.to_bits(), "{id:?}");
    }
}

#[test]
fn an_undo_is_followed_without_a_word_and_stops_what_was_under_way() {
    let mut hand = hand();
    hand.aim(ms(0), ParamId::Denoise, 1.0);
    let mut values = Values::default();
    values.set(ParamId::Denoise, 0.2);
    hand.follow(&values);
    assert!(hand.settled() && steps(&mut hand, ms(1000)).is_empty());
    assert_eq!((hand.target(ParamId::Denoise), hand.target_value(ParamId::Denoise)), (0.2, 0.2));
    hand.aim(ms(1000), ParamId::Denoise, 0.21);
    assert_eq!(place(&mut hand, ms(1000)), 0.21);
}

#[test]
fn a_flush_sets_everything_at_once() {
    let mut hand = hand();
    hand.aim(ms(0), ParamId::Denoise, 1.0);
    hand.aim(ms(0), ParamId::ChG0, 0.0);
    let mut told = Vec::new();
    hand.flush(|step| told.push((step.id, step.value, step.arrived)));
    told.sort_by_key(|it| it.0);
    assert_eq!(told, [(ParamId::ChG0, 0.0, true), (ParamId::Denoise, 1.0, true)]);
    assert!(hand.settled() && steps(&mut hand, ms(1)).is_empty());
}

#[test]
fn what_is_no_number_moves_nothing_and_what_is_outside_goes_to_the_end() {
    let mut hand = hand();
    hand.aim(ms(0), ParamId::LoopEnd, f64::NAN);
    hand.aim_value(ms(0), ParamId::LoopEnd, f64::NAN);
    assert!(hand.settled());
    hand.aim(ms(0), ParamId::LoopStart, 7.0);
    assert_eq!(place(&mut hand, ms(0)), 1.0);
}

#[test]
fn a_clock_that_steps_back_neither_moves_nor_stops_a_value() {
    let mut hand = hand();
    hand.aim(ms(1000), ParamId::Denoise, 1.0);
    let before = place(&mut hand, ms(1100));
    hand.aim(ms(900), ParamId::Denoise, 0.9);
    let after = place_or(&mut hand, ms(1100), before);
    assert!((before - after).abs() <= 0.21 && hand.target(ParamId::Denoise) == 0.9);
    steps(&mut hand, ms(3000));
    assert!(hand.settled());
}

/// A hand on one parameter: how long after the move before, in ms, and where to.
fn moves() -> impl Strategy<Value = Vec<(u64, f64)>> {
    prop::collection::vec((0..400u64, 0.0..=1.0f64), 1..30)
}

fn limited() -> impl Strategy<Value = ParamId> {
    prop::sample::select(ParamId::all().filter(|id| usual(*id).is_some()).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn looking_often_changes_nothing(
        id in limited(), moves in moves(), glide in prop_oneof![Just(0u64), 1..800u64],
        looks in prop::collection::vec(0..10_000u64, 0..200)
    ) {
        let mut looked_at = hand();
        let mut alone = hand();
        looked_at.set_glide(id, ms(glide));
        alone.set_glide(id, ms(glide));
        let mut looks = looks;
        looks.sort_unstable();
        let mut looks = looks.into_iter().peekable();
        let mut now = 0;
        let mut ignore = |_| {};
        let target = id.row().position(id.row().at(moves[moves.len() - 1].1));
        for (pause, to) in moves {
            now += pause;
            while let Some(look) = looks.next_if(|look| *look <= now) {
                looked_at.advance(ms(look), &mut ignore);
            }
            looked_at.aim(ms(now), id, to);
            alone.aim(ms(now), id, to);
        }
        looked_at.advance(ms(now), &mut ignore);
        alone.advance(ms(now), &mut ignore);
        let (one, other) = (looked_at.told[id as usize], alone.told[id as usize]);
        prop_assert_eq!(one.to_bits(), other.to_bits());
        let end = ms(now + 20_000);
        looked_at.advance(end, &mut ignore);
        alone.advance(end, &mut ignore);
        prop_assert_eq!(looked_at.told[id as usize].to_bits(), alone.told[id as usize].to_bits());
        prop_assert_eq!(alone.told[id as usize].to_bits(), target.to_bits());
        prop_assert!(looked_at.settled());
    }

    #[test]
    fn no_hand_moves_a_value_further_than_its_limit_allows(id in limited(), moves in moves()) {
        let slew = usual(id).expect("a limited parameter");
        let mut hand = hand();
        let start = id.row().position(id.row().default);
        let (mut now, mut before) = (0, start);
        // Places told, with their times and the way gone so far.
        let mut way = vec![(0.0, 0.0)];
        for (pause, to) in moves {
            for moment in [now + pause / 2, now + pause] {
                let at = place_or(&mut hand, ms(moment), before);
                way.push((moment as f64 / 1000.0, way[way.len() - 1].1 + (at - before).abs()));
                before = at;
            }
            now += pause;
            hand.aim(ms(now), id, to);
            let at = place_or(&mut hand, ms(now), before);
            way.push((now as f64 / 1000.0, way[way.len() - 1].1 + (at - before).abs()));
            before = at;
        }
        for (from, start) in way.iter().enumerate() {
            for end in &way[from..] {
                prop_assert!(end.1 - start.1 <= AT_ONCE + slew * (end.0 - start.0) + 1e-9);
            }
        }
    }
}
