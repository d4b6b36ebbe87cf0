//! What one turn of a knob does not show: drawn curves, a new series of seeds, and every place of a choice.
//!
//! A curve is held against two knobs: one that stands at what is drawn over the first half of the tape, and one that is
//! turned to what is drawn over the second. Where a law acts on each frame by itself, the halves must be theirs bit for bit.

use std::sync::Arc;

use engine::latent::LATENT_CHANNELS;
use engine::live::Performer;
use engine::param::{Class, Edge, ParamId, Values};

use super::stage::{FRAMES, Played, Step, TURN, perform};
use super::{Turn, hears, slot_class, turn};

/// Where the second half of the tape begins in a latent.
const HALF: usize = FRAMES / 2 * LATENT_CHANNELS;

/// What may be drawn and is heard by the slots in flight. The lock's curve belongs to a birth; it has a test of its own below.
fn drawn_ids() -> impl Iterator<Item = ParamId> {
    ParamId::all().filter(|id| id.row().curve && id.row().class == Class::Step && *id != ParamId::X0Target)
}

/// The values that a curve is drawn over, and the same with the knob turned.
fn knobs(id: ParamId) -> [Values; 2] {
    let Turn { before, to } = turn(id);
    let mut standing = Values::default();
    before.iter().for_each(|&(id, value)| assert!(standing.set(id, value), "{id:?} takes {value}"));
    let mut turned = standing;
    assert!(turned.set(id, to), "{id:?} takes {to}");
    [standing, turned]
}

/// The first half of the tape as one knob stands, the second as the other.
fn halves(id: ParamId, [first, second]: [Values; 2]) -> Arc<[f32]> {
    (0..FRAMES).map(|frame| if frame < FRAMES / 2 { first.get(id) } else { second.get(id) }).collect()
}

fn draw(performer: &mut Performer, id: ParamId, curve: Option<Arc<[f32]>>) {
    performer.obey(Edge::SetCurve(id, curve));
}

/// Plays `values`; `curve` is drawn before tick `at`.
fn play_drawn(id: ParamId, values: Values, at: usize, curve: &Arc<[f32]>) -> Played {
    perform(|tick, performer| {
        if tick == at {
            draw(performer, id, Some(Arc::clone(curve)));
        }
        values
    })
}

fn play_turned(before: Values, after: Values) -> Played {
    perform(|tick, _| if tick < TURN { before } else { after })
}

/// Whether a law acts on each frame by itself. The momentum's average is limited and projected by lengths over all frames.
fn is_local(id: ParamId) -> bool {
    id != ParamId::ApgMomentum
}

/// The steps of the first tick under the curve that can hear the parameter.
fn first_heard(id: ParamId, played: &Played) -> Vec<&Step> {
    played.ticks[TURN].iter().filter(|it| hears(id, it.step, it.steps)).collect()
}

#[test]
fn a_drawn_curve_is_in_the_next_tick_frame_by_frame_as_if_the_knob_stood_there() {
    for id in drawn_ids() {
        let [standing, turned] = knobs(id);
        let curve = halves(id, [standing, turned]);
        let (still, moved) = (play_turned(standing, standing), play_turned(standing, turned));
        let drawn = play_drawn(id, standing, TURN, &curve);
        assert!(still.ticks[..TURN] == drawn.ticks[..TURN], "{id:?} is heard before it is drawn");
        let [still, moved, drawn] = [&still, &moved, &drawn].map(|it| first_heard(id, it));
        assert!(drawn.len() >= 2, "{id:?}: only {} slots can hear it", drawn.len());
        for ((still, moved), drawn) in still.into_iter().zip(moved).zip(drawn) {
            let words = format!("{id:?}, slot {} at step {}", drawn.slot, drawn.step);
            assert!(drawn.latent != still.latent, "{words}: the curve is not heard");
            assert!(drawn.latent != moved.latent, "{words}: one value for all frames");
            if is_local(id) {
                assert!(drawn.latent[..HALF] == still.latent[..HALF], "{words}: the first half is not as drawn");
                assert!(drawn.latent[HALF..] == moved.latent[HALF..], "{words}: the second half is not as drawn");
            }
        }
    }
}

#[test]
fn a_curve_that_is_taken_back_leaves_the_value_in_the_next_tick() {
    for id in drawn_ids() {
        let both = knobs(id);
        let (curve, level) = (halves(id, both), halves(id, [both[0]; 2]));
        let play = |then: Option<Option<Arc<[f32]>>>| {
            perform(|tick, performer| {
                if tick == 0 {
                    draw(performer, id, Some(Arc::clone(&curve)));
                }
                if let Some(then) = then.clone().filter(|_| tick == TURN) {
                    draw(performer, id, then);
                }
                both[0]
            })
        };
        let (kept, back, flat) = (play(None), play(Some(None)), play(Some(Some(level))));
        assert!(back.ticks[..TURN] == kept.ticks[..TURN], "{id:?}: taken back before its tick");
        for (back, kept) in first_heard(id, &back).into_iter().zip(first_heard(id, &kept)) {
            assert!(back.latent != kept.latent, "{id:?}: slot {} still hears the curve", back.slot);
        }
        assert!(back.ticks == flat.ticks, "{id:?}: without a curve it is not the value that acts");
    }
}

/// The greatest difference of two latents in each half of the tape.
fn apart(a: &[f32], b: &[f32]) -> [f32; 2] {
    let most = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
    [most(&a[..HALF], &b[..HALF]), most(&a[HALF..], &b[HALF..])]
}

#[test]
fn a_drawn_source_lock_is_heard_by_the_slots_born_under_it_where_it_is_drawn() {
    let values = Values::default();
    let curve = (0..FRAMES).map(|frame| if frame < FRAMES / 2 { 0.0 } else { 0.8 }).collect();
    let (still, drawn) = (play_turned(values, values), play_drawn(ParamId::X0Target, values, TURN, &curve));
    let mut heard = 0;
    for (tick, (still, drawn)) in still.ticks.iter().zip(&drawn.ticks).enumerate() {
        for (still, drawn) in still.iter().zip(drawn) {
            let [first, second] = apart(&still.latent, &drawn.latent);
            let born = tick - drawn.step;
            if born < TURN {
                assert!(still.latent == drawn.latent, "the slot born at tick {born} hears a curve drawn at {TURN}");
            } else if drawn.step == 1 {
                // At the first step the gate lets nothing through; here no neighbour has carried anything across yet.
                // A pull of nothing still takes the velocity from the clean estimate and back: rounding, not sound.
                assert!(first < 1e-5 && 1e-3 < second, "the slot born at tick {born} differs by {first} and {second}");
                heard += 1;
            }
        }
    }
    assert!(heard >= 2, "only {heard} slots were born under the curve");
}

/// The first slot born at the turn or behind it, after its first step.
fn first_born(played: &Played) -> &[f32] {
    let birth = played.births.iter().find(|it| TURN <= it.tick).expect("slots are born behind the turn");
    let step = played.ticks[birth.tick].iter().find(|it| it.slot == birth.slot).expect("it steps as it is born");
    assert_eq!(step.step, 0);
    &step.latent
}

#[test]
fn what_is_drawn_of_a_birth_is_heard_by_the_slots_born_under_it_frame_by_frame_as_if_the_knob_stood_there() {
    let mut seen = 0;
    for id in ParamId::all().filter(|id| id.row().curve && id.row().class == Class::Slot) {
        let [standing, turned] = knobs(id);
        let curve = halves(id, [standing, turned]);
        let (still, moved) = (play_turned(standing, standing), play_turned(standing, turned));
        let drawn = play_drawn(id, standing, TURN, &curve);
        slot_class(&still, &drawn);
        let [still, moved, drawn] = [&still, &moved, &drawn].map(first_born);
        assert!(drawn != still && drawn != moved, "{id:?}: one value for all frames");
        // The network hears a frame's neighbour behind it, and the wavelet has frames in pairs: the last pair of a half hears the other half.
        let part = |latent: &[f32], half: usize| latent[half * HALF..(half + 1) * HALF - 2 * LATENT_CHANNELS].to_vec();
        assert!(part(drawn, 0) == part(still, 0), "{id:?}: the first half is not as drawn");
        assert!(part(drawn, 1) == part(moved, 1), "{id:?}: the second half is not as drawn");
        seen += 1;
    }
    assert_eq!(seen, 5, "feedback, structure, the blend and both its ends");
}

#[test]
fn a_reseed_gives_every_slot_born_after_it_another_seed_and_none_before() {
    let values = Values::default();
    let reseeded = |ticks: &[usize]| {
        perform(|tick, performer| {
            if ticks.contains(&tick) {
                performer.obey(Edge::Reseed);
            }
            values
        })
    };
    let (still, once, again) = (reseeded(&[]), reseeded(&[TURN]), reseeded(&[0, TURN]));
    slot_class(&still, &once);
    slot_class(&reseeded(&[0]), &again);
    // Four more ticks than a slot lives: all that is in flight was born after the turn.
    let late = TURN + 12;
    assert!(once.ticks[late] != again.ticks[late], "the second seed of the series is the first again");
    // A seed knob that is turned means that seed, and not one further along the series.
    let mut other = values;
    assert!(other.set(ParamId::Seed, 7.0));
    let turned = perform(|tick, performer| {
        if tick == 0 {
            performer.obey(Edge::Reseed);
        }
        if tick < TURN { values } else { other }
    });
    assert!(turned.ticks[late] == play_turned(values, other).ticks[late], "the turned knob is another seed");
}

#[test]
fn every_place_of_a_choice_is_heard_as_another() {
    // What the choice of a transition makes is heard where a tape comes in, and in no tick (the conductor's tests); metre and key are
    // words, which a worker reads (the patch's tests).
    let elsewhere = [ParamId::Transition, ParamId::TimeSignature, ParamId::Key];
    for id in ParamId::all().filter(|it| !elsewhere.contains(it)) {
        let places = id.row().labels().map_or(0, <[_]>::len);
        let mut played: Vec<Played> = Vec::new();
        for place in 0..places {
            let [mut values, _] = knobs(id);
            assert!(values.set(id, place as f64), "{id:?} has a place {place}");
            let one = play_turned(values, values);
            if let Some(same) = played.iter().position(|it| it.ticks == one.ticks) {
                panic!("{id:?}: the places {same} and {place} sound the same");
            }
            played.push(one);
        }
    }
}
