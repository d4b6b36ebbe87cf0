//! Goal: what was left in the middle by a panic is begun again whole, and the marks by which threads sleep and wake are true.

use engine::live::Patched;
use engine::param::ParamId;

use super::instrument::{Gesture, Instrument};
use super::{turn, until_rest};

/// How far every slot of the ring is.
fn steps(it: &Instrument) -> Vec<(u64, usize)> {
    it.side.performer().ring().slots().flatten().map(|slot| (slot.ticket, slot.step)).collect()
}

#[test]
fn generations_in_flight_begin_again_with_their_own_tickets() {
    let mut it = Instrument::new(false);
    it.play(&turn(ParamId::Depth, 1.0));
    (0..11).for_each(|_| _ = it.step());
    let before = steps(&it);
    assert!(before.len() > 2 && before.iter().any(|(_, step)| *step > 2), "{before:?}");
    it.side.begin_again();
    // The first tick behind it takes each of them one step from its start.
    it.side.tick(|_, _| ()).expect("the processor does not fail");
    for (ticket, _) in before {
        let now = steps(&it).into_iter().find(|(it, _)| *it == ticket);
        assert_eq!(now, Some((ticket, 1)), "of all");
    }
}

#[test]
fn rest_ends_with_a_tick_that_is_begun_again() {
    let mut it = Instrument::new(true);
    until_rest(&mut it);
    assert!(it.side.rests());
    it.side.begin_again();
    assert!(!it.side.rests(), "what lies in the ring is not what stood there");
}

#[test]
fn a_tape_is_renewed_when_its_windows_are_begun_again_and_only_news_wake_who_makes_them() {
    let mut it = Instrument::new(true);
    until_rest(&mut it);
    assert_eq!(it.step_decode(), Patched::Rests);
    assert!(!it.patcher.has_news());
    it.patcher.begin_again();
    assert!(matches!(it.step_decode(), Patched::Sent { .. }));
    it.play(&Gesture::Reseed);
    let mut finished = 0;
    while finished == 0 {
        it.side.tick(|_, _| finished += 1).expect("the processor does not fail");
    }
    assert!(it.patcher.has_news(), "a latent has come that nobody looked at");
    while it.patcher.has_news() {
        it.step_decode();
    }
}

#[test]
fn a_depth_that_nothing_holds_back_is_the_hands_in_the_very_next_tick() {
    let mut it = Instrument::new(false);
    it.play(&turn(ParamId::Depth, 0.3));
    for _ in 0..20 {
        let report = it.side.tick(|_, _| ()).expect("the processor does not fail");
        let (depth, wanted) = it.side.took(5_000 * report.rows as u64 + 1, &report);
        assert_eq!(depth, wanted);
    }
    it.play(&turn(ParamId::Depth, 1.0));
    it.side.tick(|_, _| ()).expect("the processor does not fail");
    let deepest = *it.store.values();
    assert_eq!(it.side.performer().depth_under(&deepest), deepest.whole(ParamId::Depth));
}

#[test]
fn rows_without_a_prompt_are_counted_with_those_under_one() {
    let mut it = Instrument::new(false);
    let plain = it.side.tick(|_, _| ()).expect("the processor does not fail").rows;
    let mut guided = Instrument::new(false);
    guided.play(&turn(ParamId::CfgMode, 1.0));
    guided.play(&turn(ParamId::GuidanceScale, 0.9));
    let both = guided.side.tick(|_, _| ()).expect("the processor does not fail").rows;
    assert_eq!((plain, both), (1, 2));
}
