//! Goal: what is turned for a line of the music is heard from that line on, to the sample, and before it not one sample is another than without it.
//! Method: two stages on a virtual clock that are the same but for a hand, which turns something in one of them; phases, the time that ticks
//! take, and decodes are drawn.

use engine::live::{Line, Needs};
use engine::param::{ParamId, Values};
use engine::playback::{GUARD_LATENCY_FRAMES, PlayedFrame};

use super::world::{Setting, World, noise};

/// 120 beats a minute.
const BEAT: usize = 24_000;
/// As near to a line as nobody hears: a millisecond.
const ON_IT: usize = 48;
const TAPE: usize = 288_000;

struct Draw(u64);

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

fn values(feedback: f64) -> Values {
    let mut values = Values::default();
    values.set(ParamId::WindowS, 1.0);
    values.set(ParamId::TapeFeedback, feedback);
    values
}

/// A stage whose tape stands under its first latent.
fn stage(decode: usize) -> World {
    let mut world = World::new(Setting {
        latent_every: 4_000,
        law: |place, serial| noise(place, serial),
        decode: Box::new(move |_| decode),
        ..Setting::default()
    });
    world.play(&values(0.0), 4_100);
    world.meanwhile().rests = true;
    world.play(&values(0.0), 3 * TAPE);
    world
}

/// Plays both on for so long; `line` is heard by the first.
fn play(both: &mut [World; 2], newest: &Values, line: Option<Line>, frames: usize) {
    for (world, line) in both.iter_mut().zip([line, None]) {
        let under = if line.is_some() { newest } else { &values(0.0) };
        let until = world.now() + frames;
        while world.now() < until {
            let now = world.patcher.hear(under, line);
            world.step(&now);
        }
    }
}

/// The moment at which the first sample is heard that is another, and the line that it was to lie on.
fn differs(draw: &mut Draw, needs: Needs, tick: usize, patience: usize) -> (usize, usize, u64) {
    let mut both = [480, 480].map(stage);
    play(&mut both, &values(0.0), None, draw.below(BEAT));
    let begun = both[0].now();
    both.iter_mut().for_each(|it| {
        let mut meanwhile = it.meanwhile();
        meanwhile.listens = true;
        meanwhile.heard.clear();
    });
    // What was played when it began to listen, as the player counts.
    let played = both[0].transport.playhead().played.count() as usize;
    let at = (played + patience).div_ceil(BEAT) * BEAT;
    let line = Line { at: PlayedFrame::new(at as u64), every: BEAT, generation: 7, needs };
    // A window alone is another by what it takes of what was heard before.
    let newest = values(if needs == Needs::Window { 0.5 } else { 0.0 });
    play(&mut both, &newest, Some(line), tick);
    if needs != Needs::Window {
        both[0].meanwhile().finish(7);
    }
    play(&mut both, &newest, Some(line), 3 * BEAT + patience);
    let [one, other] = both.each_ref().map(|it| std::mem::take(&mut it.meanwhile().heard));
    let first = one.iter().zip(&other).position(|(a, b)| a != b).expect("it is heard");
    assert!(begun < both[0].now() && both[0].late() == 0, "no window is late");
    let (_, moved) = both[0].patcher.lines();
    (played + first, at + GUARD_LATENCY_FRAMES, moved)
}

#[test]
fn what_is_turned_for_a_line_is_first_heard_on_it_and_nothing_before_it_is_another() {
    let mut draw = Draw(11);
    for case in 0..60 {
        let needs = [Needs::Birth, Needs::Tick, Needs::Window][case % 3];
        // Ticks take between half and one and a half times what they take.
        let tick = 6_000 + draw.below(12_000);
        let (first, line, moved) = differs(&mut draw, needs, tick, 22_000);
        assert_eq!(moved, 0, "{case}: {needs:?}");
        assert!((line..=line + ON_IT).contains(&first), "{case}: {needs:?} {first} for the line at {line}");
    }
}

#[test]
fn what_is_not_made_in_time_is_heard_on_the_line_after_and_that_is_counted() {
    let mut draw = Draw(5);
    for case in 0..12 {
        let tick = 30_000 + draw.below(8_000);
        let (first, line, moved) = differs(&mut draw, Needs::Birth, tick, 2_500);
        assert!(0 < moved, "{case}");
        let on = line + moved as usize * BEAT;
        assert!((on..=on + ON_IT).contains(&first), "{case}: {first} for the line at {on}");
    }
}

#[test]
fn what_is_called_off_before_its_line_is_heard_as_soon_as_it_can() {
    let mut world = stage(480);
    let line =
        Line { at: world.transport.playhead().played.after(200_000), every: BEAT, generation: 7, needs: Needs::Birth };
    world.patcher.hear(&values(0.0), Some(line));
    world.meanwhile().finish(7);
    (0..20).for_each(|_| _ = world.step(&values(0.0)));
    let of_the_new = |world: &World| world.meanwhile().player.tape().frames().contains(&noise(100_000, 2));
    assert!(!of_the_new(&world));
    world.patcher.hear(&values(0.0), None);
    world.play(&values(0.0), 2 * TAPE);
    assert!(of_the_new(&world));
}
