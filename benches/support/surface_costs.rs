//! What the parts of the way from a gesture to the store cost by themselves, on one thread.

use std::time::{Duration, Instant};

use appliance::control::binding::{Binding, Entry, Map, On, Takeover, Target};
use appliance::control::desk::Desk;
use appliance::control::slew::{Slew, limits};
use engine::param::{ParamId, Store, TABLE, Values};
use hal::gesture::{Control, Gesture, Motion, Position, SurfaceId};

use crate::support::Bench;

const RUNS: usize = 20_000;
const SURFACE: SurfaceId = SurfaceId::FIRST_LIVE;
/// From look to look: so short that what was thrown across its travel is on its way for a thousand looks.
const LOOK: Duration = Duration::from_micros(200);
/// Looks before everything is thrown back again: the fastest walk takes a quarter of a second.
const LOOKS: usize = 1000;

/// Reports the cost of a gesture in the binding, and of everything on its way.
pub fn report(bench: &mut Bench) {
    let fader = |id| Entry { takeover: Takeover::Jump, ..Entry::usual(On::Cc(7), Target::Param(id)) };
    let one = vec![fader(ParamId::Denoise)];
    let sixteen = appliance::control::binding::MAIN.map(fader).to_vec();
    let place = |turn: u64| Motion::Turned(Control::Cc { channel: 1, number: 7 }, Position::Seven((turn % 128) as u8));
    play(bench, "a place, on the usual map", Vec::new(), |turn| {
        Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Seven((turn % 128) as u8))
    });
    play(bench, "a place that is taken over", one, place);
    play(bench, "a place that moves sixteen", sixteen, place);
    play(bench, "a detent", vec![Entry::usual(On::Encoder(1), Target::Param(ParamId::Shift))], |turn| {
        Motion::Turned(Control::Encoder(1), Position::Detents(if turn / 100 % 2 == 0 { 1 } else { -1 }))
    });
    // The pads of the usual map: undo (38) takes back what scene 1 (40) brought, and scene 1 brings it again.
    play(bench, "a scene and its undo", Vec::new(), |turn| {
        let number = if turn % 2 == 0 { 40 } else { 38 };
        Motion::Pressed(Control::Note { channel: 1, number }, 1)
    });
    advance(bench);
    walk(bench);
}

fn play(bench: &mut Bench, name: &str, own: Vec<Entry>, motion: impl Fn(u64) -> Motion) {
    let (mut binding, mut desk) = (Binding::new(Map::with(own)), Desk::new(Store::new().0));
    desk.capture(0);
    for id in ParamId::all() {
        desk.turn(id, id.row().high, Duration::ZERO).expect("a number");
    }
    let (mut acts, mut turn, mut times_us) = (Vec::new(), 0, Vec::new());
    for _ in 0..RUNS {
        let gesture = Gesture { at: Duration::from_millis(turn), surface: SURFACE, motion: motion(turn) };
        let start = Instant::now();
        binding.play(&gesture, &mut desk, &mut acts);
        times_us.push(start.elapsed().as_secs_f64() * 1e6);
        assert!(!acts.is_empty() || turn == 0, "something comes of every gesture but the first");
        acts.clear();
        turn += 1;
    }
    bench.report(&format!("Binding::play, {name}"), times_us);
}

/// Everything that can walk is on its way.
fn advance(bench: &mut Bench) {
    let mut hand = Slew::new(&Values::default());
    let (mut now, mut times_us, mut told) = (Duration::ZERO, Vec::new(), 0_usize);
    // From end to end, so that nobody arrives early.
    ParamId::all().for_each(|id| hand.aim(now, id, 0.0));
    hand.flush(|_| ());
    for turn in 0..RUNS {
        if turn % LOOKS == 0 {
            let end = if turn % (2 * LOOKS) < LOOKS { 1.0 } else { 0.0 };
            ParamId::all().for_each(|id| hand.aim(now, id, end));
        }
        now += LOOK;
        let start = Instant::now();
        hand.advance(now, |_| told += 1);
        times_us.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let walkers = ParamId::all().filter(|id| limits::usual(*id).is_some()).count();
    assert!(told >= walkers * RUNS, "{told} steps of {walkers} values: everything was on its way at every look");
    bench.report(&format!("Slew::advance, {walkers} values on their way"), times_us);
}

/// The same with the store behind it, which publishes every step.
fn walk(bench: &mut Bench) {
    let (mut desk, mut now, mut times_us) = (Desk::new(Store::new().0), Duration::ZERO, Vec::new());
    let throw = |desk: &mut Desk, up: bool, now| {
        for row in &TABLE {
            desk.turn(row.id, if up { row.high } else { row.low }, now).expect("a number");
        }
    };
    throw(&mut desk, false, now);
    now += Duration::from_secs(9);
    desk.walk(now);
    assert!(desk.stands(), "nine seconds are enough for every limit");
    for turn in 0..RUNS {
        if turn % LOOKS == 0 {
            throw(&mut desk, turn % (2 * LOOKS) < LOOKS, now);
        }
        now += LOOK;
        let start = Instant::now();
        desk.walk(now);
        times_us.push(start.elapsed().as_secs_f64() * 1e6);
    }
    bench.report("Desk::walk, everything on its way, into the store", times_us);
}
