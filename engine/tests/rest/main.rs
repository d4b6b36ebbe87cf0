//! Goal: ticks and windows that are left out at rest are missed by nobody, and the first gesture is in the very next tick.
//! Method: two whole instruments are played by the same hands, one of which leaves out what it can; between two gestures the rest
//! lasts whole turns of the ring, so that both stand at the same step when the next one comes.

mod again;
mod attached;
#[path = "../../../tests/attached_deck/mod.rs"]
mod attached_deck;
mod governed;
mod instrument;

use engine::live::Patched;
use engine::param::{Class, ParamId};
use instrument::{FRAMES, Gesture, Instrument, Step};
use proptest::prelude::*;

/// Steps within which every instrument here comes to rest: nine generations of 16 steps, one at a time, and a lap.
const SETTLED: usize = 9 * 16 + 16 + 40;

fn turn(id: ParamId, place: f64) -> Gesture {
    Gesture::Turn(id, place)
}

/// Plays until both sides rest; answers in how many steps.
fn until_rest(it: &mut Instrument) -> usize {
    for step in 0..2 * SETTLED {
        let done = it.step();
        if done.tick.is_none() && done.patched == Patched::Rests {
            return step;
        }
    }
    panic!("it never rests");
}

fn feeds_back(it: &Instrument) -> bool {
    it.side.performer().feeds_back(it.store.values())
}

fn gestures() -> impl Strategy<Value = Vec<(Gesture, usize)>> {
    let any = || prop::sample::select(ParamId::all().collect::<Vec<_>>());
    let drawn = prop::sample::select(ParamId::all().filter(|id| id.row().curve).collect::<Vec<_>>());
    let place = || prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0];
    // What goes on by itself is left again often enough that there is rest at all.
    let quiet = prop::sample::select(vec![ParamId::Feedback, ParamId::TapeFeedback]);
    let gesture = prop_oneof![
        6 => (any(), place()).prop_map(|(id, at)| turn(id, at)),
        2 => quiet.prop_map(|id| turn(id, 0.0)),
        1 => (drawn, prop::option::of(0.0..=1.0)).prop_map(|(id, at)| Gesture::Draw(id, at)),
        1 => Just(Gesture::Reseed),
        1 => Just(Gesture::Undo),
        1 => (0.0..1.0).prop_map(Gesture::Seek),
    ];
    prop::collection::vec((gesture, prop_oneof![0..12_usize, Just(SETTLED)]), 4..16)
}

/// One step of both; whether the one that rests did.
fn both(plain: &mut Instrument, rests: &mut Instrument, stands: &mut Vec<Vec<u32>>) -> Result<bool, TestCaseError> {
    let (all, some): (Step, Step) = (plain.step(), rests.step());
    match &some.tick {
        Some(report) => {
            prop_assert_eq!(Some(report), all.tick.as_ref());
            prop_assert_eq!(&all.finished, &some.finished, "the same latents in the same tick, to the bit");
            stands.extend(some.finished.last().cloned());
        }
        None => {
            let last = stands.last();
            prop_assert!(all.finished.iter().all(|it| Some(it) == last), "what is left out is what stands, to the bit");
            prop_assert!(!feeds_back(rests));
        }
    }
    Ok(some.tick.is_none())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn rest_leaves_out_nothing_but_what_stands_to_the_bit(hands in gestures()) {
        let (mut plain, mut rests) = (Instrument::new(false), Instrument::new(true));
        let mut stands = Vec::new();
        for (gesture, steps) in &hands {
            plain.play(gesture);
            rests.play(gesture);
            let (mut left_out, mut given_up) = (0, false);
            for _ in 0..*steps {
                left_out += usize::from(both(&mut plain, &mut rests, &mut stands)?);
                given_up |= 0 < rests.side.performer().counters().slots_unsound;
            }
            let ring = rests.store.values().whole(ParamId::Steps);
            while left_out % ring != 0 {
                left_out += usize::from(both(&mut plain, &mut rests, &mut stands)?);
            }
            let goes_on = feeds_back(&rests) || given_up;
            prop_assert!(*steps < SETTLED || goes_on || 0 < left_out, "it rests when the hands do");
            if 0 < left_out && rests.store.values().get(ParamId::TapeFeedback) == 0.0 {
                tapes_are_equal(&mut plain, &mut rests, &mut stands, ring)?;
            }
        }
    }
}

/// Once the decode side rests too: the tape stands to the bit, and is what the other's windows write again and again. Those are
/// faded into themselves, which rounds.
fn tapes_are_equal(
    plain: &mut Instrument,
    rests: &mut Instrument,
    stands: &mut Vec<Vec<u32>>,
    ring: usize,
) -> Result<(), TestCaseError> {
    for _ in 0..64_usize.next_multiple_of(ring) {
        prop_assert!(both(plain, rests, stands)?);
    }
    prop_assert_eq!(rests.step_decode(), Patched::Rests);
    let (band, before) = (rests.band(), rests.tape());
    for _ in 0..32_usize.next_multiple_of(ring) {
        prop_assert!(both(plain, rests, stands)?);
    }
    let (stood, moved) = (rests.tape(), plain.tape());
    prop_assert_eq!(&before, &stood, "a tape that rests is written to by nobody");
    for place in band.start()..band.end() {
        let apart = [0, 1].map(|side| (stood[place][side] - moved[place][side]).abs());
        prop_assert!(
            apart[0] + apart[1] < 1e-5,
            "place {} of {:?}: {:?} {:?}",
            place,
            band,
            stood[place],
            moved[place]
        );
    }
    Ok(())
}

#[test]
fn the_first_gesture_is_in_the_next_tick_a_thousand_times_of_a_thousand() {
    let mut it = Instrument::new(true);
    for (id, place) in [(ParamId::Steps, 0.0), (ParamId::Depth, 0.0)] {
        it.play(&turn(id, place));
    }
    let mut heard = 0;
    for hand in 0..1_000 {
        until_rest(&mut it);
        let place = f64::from(hand * 7 % 1_000 + 1) / 1_001.0;
        it.play(&turn(ParamId::VelocityScale, place));
        let wanted = it.store.values().get(ParamId::VelocityScale);
        let told = it.step().tick.map(|report| report.advanced);
        let scale = f32::from_bits(it.scale.load(std::sync::atomic::Ordering::Relaxed));
        heard += usize::from(told == Some(1) && scale == wanted);
    }
    assert_eq!(heard, 1_000);
}

#[test]
fn every_gesture_that_ticks_hear_wakes_them_and_no_other_does() {
    let mut it = Instrument::new(true);
    let wakes = |it: &mut Instrument, gesture: &Gesture, what: &str, wanted: bool| {
        until_rest(it);
        it.play(gesture);
        assert_eq!(it.step().tick.is_some(), wanted, "{what}");
    };
    for id in ParamId::all().filter(|id| *id != ParamId::Feedback) {
        let moved = if it.store.position(id) < 0.5 { 1.0 } else { 0.0 };
        wakes(&mut it, &turn(id, moved), id.row().name, id.row().class != Class::Decode);
        it.play(&Gesture::Undo);
    }
    wakes(&mut it, &Gesture::Reseed, "another seed", true);
    wakes(&mut it, &Gesture::Draw(ParamId::SourceBlend, Some(0.3)), "a curve", true);
    wakes(&mut it, &Gesture::Draw(ParamId::SourceBlend, None), "a curve that is taken back", true);
    wakes(&mut it, &Gesture::Seek(0.5), "a seek", false);
}

#[test]
fn what_goes_on_by_itself_never_rests() {
    let mut it = Instrument::new(true);
    it.play(&turn(ParamId::Feedback, 0.3));
    (0..3 * SETTLED).for_each(|_| assert!(it.step().tick.is_some(), "a latent hears those before it"));
    it.play(&turn(ParamId::Feedback, 0.0));
    until_rest(&mut it);
    it.play(&Gesture::Draw(ParamId::Feedback, Some(0.3)));
    (0..3 * SETTLED).for_each(|_| assert!(it.step().tick.is_some(), "it is drawn over a knob that stands at nothing"));
    it.play(&turn(ParamId::Feedback, 0.3));
    it.play(&Gesture::Draw(ParamId::Feedback, Some(0.0)));
    until_rest(&mut it);
    it.play(&Gesture::Draw(ParamId::Feedback, None));
    it.play(&turn(ParamId::Feedback, 0.0));
    until_rest(&mut it);
    it.play(&turn(ParamId::TapeFeedback, 0.3));
    (0..3 * SETTLED).for_each(|_| assert_ne!(it.step().patched, Patched::Rests, "the tape hears itself"));
    it.play(&turn(ParamId::TapeFeedback, 0.0));
    until_rest(&mut it);
    // A value on its way to a far aim.
    for walk in 0..3 * SETTLED {
        it.play(&turn(ParamId::SourceBlend, walk as f64 / (3 * SETTLED) as f64 * 0.9 + 0.05));
        assert!(it.step().tick.is_some(), "a value walks");
    }
    until_rest(&mut it);
}

#[test]
fn ticks_rest_only_when_a_whole_ring_and_all_that_feedback_remembers_were_born_under_these_values() {
    let mut it = Instrument::new(true);
    it.play(&turn(ParamId::Steps, 1.0));
    // From many steps to one: the new generations are done while those of the old kind are still on their way.
    for gesture in [turn(ParamId::Seed, 0.5), turn(ParamId::Steps, 0.0), turn(ParamId::Steps, 0.5)] {
        until_rest(&mut it);
        it.play(&gesture);
        let (mut ticks, mut finished) = (0, Vec::new());
        let next = it.side.performer().ring().next_ticket();
        loop {
            let step = it.step();
            let Some(_) = step.tick else { break };
            ticks += 1;
            finished.extend(step.finished);
        }
        let standing = finished.iter().rev().take_while(|latent| Some(*latent) == finished.last()).count();
        assert!(8 <= standing, "as many as feedback reaches back to, {gesture:?}: {standing} in {ticks} ticks");
        let old = it.side.performer().ring().slots().flatten().filter(|slot| slot.ticket < next).count();
        assert_eq!(old, 0, "{gesture:?}: none of the old kind is in flight");
    }
    // Nor while one that is long in coming is on its way, between many that are not.
    let mut slow = Instrument::new(true);
    [turn(ParamId::Steps, 1.0), turn(ParamId::Depth, 0.0)].iter().for_each(|it| slow.play(it));
    (0..3).for_each(|_| _ = slow.step());
    [turn(ParamId::Steps, 0.0), turn(ParamId::Depth, 1.0)].iter().for_each(|it| slow.play(it));
    let old = slow.side.performer().ring().next_ticket();
    (0..12).for_each(|_| assert!(slow.step().tick.is_some()));
    assert!(slow.side.performer().ring().slots().flatten().any(|slot| slot.ticket < old), "it is still on its way");
    // A seed that comes back to its old place makes the same latent, but slots of the other one are in flight.
    it.play(&Gesture::Undo);
    assert!(it.step().tick.is_some());
}

#[test]
fn a_tape_that_stands_is_decoded_again_for_a_latent_a_band_feedback_or_a_decoder_and_not_for_a_seek() {
    let mut it = Instrument::new(true);
    let windows = |it: &mut Instrument| {
        let before = it.decoded();
        until_rest(it);
        it.decoded() - before
    };
    until_rest(&mut it);
    assert_eq!(windows(&mut it), 0, "rest is rest");
    it.play(&Gesture::Seek(0.6));
    assert_eq!(windows(&mut it), 0, "the tape is new all over");
    it.play(&turn(ParamId::LoopEnd, 0.6));
    assert!(0 < windows(&mut it), "another band");
    it.play(&turn(ParamId::TapeFeedback, 0.5));
    (0..8).for_each(|_| _ = it.step());
    it.play(&turn(ParamId::TapeFeedback, 0.0));
    assert!(0 < windows(&mut it), "what was mixed is renewed");
    it.play(&turn(ParamId::Seed, 0.3));
    assert!(0 < windows(&mut it), "another latent");
    let fresh = it.decoder();
    drop(it.patcher.take_over(fresh));
    assert!(0 < windows(&mut it), "another decoder");
    assert_eq!(FRAMES, it.tape().len() / engine::latent::SAMPLES_PER_LATENT_FRAME);
}

#[test]
fn a_latent_is_known_by_the_values_under_which_it_was_born_at_every_depth_and_step_count() {
    for (depth, steps) in [(1, 4), (3, 6), (8, 8)] {
        let mut it = Instrument::new(false);
        for (id, value) in [(ParamId::Depth, depth), (ParamId::Steps, steps)] {
            it.store.set(id, f64::from(value)).expect("a number");
        }
        let (mut read, mut known) = (Vec::new(), 0);
        for tick in 0..80_usize {
            // Another value in every tick.
            it.store.set(ParamId::VelocityScale, 0.5 + tick as f64 / 100.0).expect("a number");
            let finished = it.step().finished.len();
            let heard = it.side.heard();
            read.push(heard.generation);
            assert_eq!(heard.generation, it.store.snapshot().generation, "the newest values are read");
            assert_eq!(heard.born.is_some(), finished > 0);
            if let Some(born) = heard.born {
                // It takes a step in the tick of its birth, and leaves in that of its last.
                assert_eq!(born, read[tick + 1 - steps as usize], "depth {depth}, {steps} steps, tick {tick}");
                known += 1;
            }
        }
        assert!(known > 4, "{known} latents left");
    }
}
