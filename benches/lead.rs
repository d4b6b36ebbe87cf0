//! What lies between hand and ear: the lead over ten minutes of a played set, and the way of a step, slot and decode
//! change at depth 1, 4 and 8, under the law of now and under the one before it, in one run.
//!
//! `cargo bench --bench lead`. On a virtual clock: the real player, packer, walk and patcher, and decodes and ticks that take
//! what `cargo bench --bench instrument` measured for the built-in model (SPECIFICATION.md). The same on every machine. The
//! law before: the 99th percentile of the tick and of the decode, and one period.

#[path = "../engine/tests/playback/world.rs"]
mod playback_world;
#[path = "support/mod.rs"]
mod support;

use engine::latent::SAMPLES_PER_LATENT_FRAME as FRAME;
use engine::live::{Patched, WindowDecoder};
use engine::param::Values;
use engine::playback::{LoopBand, Start, TapeId, Walk};
use playback_world::{Parts, Setting, World, parts};
use support::Bench;

const MS: f64 = 48.0;
const PERIOD: usize = 256;
/// A tape of 12 s.
const LATENT: usize = 300;
const STEPS: usize = 8;
/// Depth, and p50 and p99 of a tick in milliseconds.
const TICKS: [(usize, f64, f64); 3] = [(1, 12.3, 14.1), (4, 48.4, 60.7), (8, 81.9, 101.0)];

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }
}

/// Milliseconds that the decode of `keep` latent frames takes: 8.5, 18.5 and 43.5 for .2, 1 and 3 s.
fn decode_ms(keep: usize) -> f64 {
    6.0 + 0.5 * keep as f64
}

/// The same with what one window in a hundred takes longer, in stereo samples.
fn decode() -> Box<dyn FnMut(usize) -> usize + Send> {
    let mut dice = Dice(5);
    Box::new(move |keep| {
        let rare = if dice.next() < 0.01 { 1.4 } else { 1.0 + 0.06 * dice.next() };
        (decode_ms(keep) * rare * MS) as usize
    })
}

fn setting(tick_ms: f64, depth: usize) -> Setting {
    let latent_every = (tick_ms * MS) as usize * STEPS / depth;
    Setting { latent_frames: LATENT, period: PERIOD, latent_every, decode: decode(), ..Setting::default() }
}

fn ms(frames: usize) -> f64 {
    frames as f64 / MS
}

/// The law before this one, on the same walk, packer and decoder.
struct Before {
    parts: Parts,
    walk: Walk,
    lead: usize,
    decoded: u64,
    sound: Vec<[f32; 2]>,
}

impl Before {
    fn new(setting: Setting, tick_p99_ms: f64) -> Self {
        let lead = ((tick_p99_ms + decode_ms(25) * 1.4) * MS) as usize + PERIOD;
        let walk = Walk::new(TapeId::default(), LATENT, 25);
        Self { parts: parts(setting), walk, lead, decoded: 0, sound: vec![[0.0; 2]; 25 * FRAME] }
    }

    fn step(&mut self) -> Option<(u64, usize)> {
        let parts = &mut self.parts;
        let serial = parts.reader.newest().serial;
        let (fresh, course) = (serial != self.decoded, parts.transport.course());
        let reaches = self.walk.planned_ahead(&course) > 2 * self.lead as i64;
        if !parts.packer.collect(|_| ()) || serial == 0 || (!fresh && reaches) {
            parts.meanwhile.lock().expect("one thread").pass(96);
            return None;
        }
        let plan = self.walk.plan(&course, self.lead, if fresh { Start::Fresh } else { Start::Onward });
        self.decoded = serial;
        let latent = &parts.reader.held().latent;
        parts.decoder.decode(latent, plan.first_latent(), &mut self.sound).expect("it can");
        let sound = &self.sound[plan.inside()..plan.inside() + plan.frames];
        parts.packer.send(&plan, 0.0, |kept| kept.copy_from_slice(sound)).expect("a box is home");
        Some((serial, plan.land))
    }
}

/// When a latent's sound is first heard: its number, when its window was planned, when it is heard; in stereo samples.
type Heard = (u64, usize, usize);

/// Plays for a while by `step`, which answers with what it sent.
fn listen(mut now: impl FnMut() -> (usize, usize), mut step: impl FnMut() -> Option<(u64, usize)>) -> Vec<Heard> {
    let mut heard: Vec<Heard> = Vec::new();
    loop {
        let (time, place) = now();
        if time > 120 * 48_000 {
            return heard;
        }
        if let Some((serial, land)) = step() {
            // The course was read at the last period that had begun.
            heard.push((serial, time, time + (land + LATENT * FRAME - place) % (LATENT * FRAME)));
        }
    }
}

/// The way of 2,000 changes of each class from hand to ear, as p50 and p99 in stereo samples.
fn hand_to_ear(heard: &[Heard], tick: usize, latent_every: usize) -> [(usize, usize); 3] {
    let mut dice = Dice(9);
    let mut ways = [const { Vec::new() }; 3];
    for _ in 0..2_000 {
        let hand = 20 * 48_000 + (dice.next() * 80.0 * 48_000.0) as usize;
        // The first latent whose last tick, or whose birth, begins after the hand.
        let latent = |before: usize| (hand + before).div_ceil(latent_every) as u64;
        let first = |of: &dyn Fn(&&Heard) -> bool| heard.iter().filter(of).map(|it| it.2).min();
        let moments = [
            first(&|it| it.0 >= latent(tick) && it.1 >= hand),
            first(&|it| it.0 >= latent(STEPS * tick) && it.1 >= hand),
            first(&|it| it.1 >= hand),
        ];
        for (way, moment) in ways.iter_mut().zip(moments) {
            way.push(moment.expect("it is heard before the end") - hand);
        }
    }
    ways.map(|mut way| {
        way.sort_unstable();
        (way[way.len() / 2], way[way.len() * 99 / 100])
    })
}

fn hands(bench: &mut Bench) {
    for (depth, tick_ms, tick_p99_ms) in TICKS {
        let (tick, values) = ((tick_ms * MS) as usize, Values::default());
        let mut before = Before::new(setting(tick_ms, depth), tick_p99_ms);
        let (meanwhile, meters) =
            (std::sync::Arc::clone(&before.parts.meanwhile), before.parts.transport.meters().clone());
        let now = || (meanwhile.lock().expect("one thread").now(), meters.playhead().position);
        let of_before = listen(now, || before.step());
        let mut world = World::new(setting(tick_ms, depth));
        let (meanwhile, meters) = (world.others(), world.transport.meters().clone());
        let now = || (meanwhile.lock().expect("one thread").now(), meters.playhead().position);
        let of_now = listen(now, || match world.step(&values) {
            Patched::Sent { serial, land, .. } => Some((serial, land)),
            _ => None,
        });
        let latent_every = tick * STEPS / depth;
        for (law, heard) in [("before", of_before), ("now", of_now)] {
            for (class, (p50, p99)) in ["step", "slot", "decode"].iter().zip(hand_to_ear(&heard, tick, latent_every)) {
                for (figure, way) in [("p50", p50), ("p99", p99)] {
                    let name = format!("hand to ear, depth {depth}, {class} change, law {law}, {figure}");
                    bench.value(&name, ms(way), "ms");
                    bench.value(&format!("{name}, in ticks"), ms(way) / tick_ms, "ticks");
                }
            }
        }
        bench.value(&format!("late windows in 120 s, depth {depth}, law now"), world.late() as f64, "windows");
    }
}

/// Ten minutes: bands of .04 to 3 s, for .3 to 6 s each, and between them the whole tape for a lap and more.
fn played_set(bench: &mut Bench) {
    let values = Values::default();
    let mut world = World::new(setting(48.4, 4));
    world.play(&values, 14 * 48_000);
    let (mut dice, mut leads, mut laps, mut steady) = (Dice(3), Vec::new(), Vec::new(), Vec::new());
    let tape = LATENT * FRAME;
    (0..200).for_each(|_| {
        world.play(&values, 480);
        steady.push(world.lead(&values));
    });
    while world.now() < 600 * 48_000 {
        for _ in 0..1 + (dice.next() * 4.0) as usize {
            let frames = ((0.04 * 75.0_f64.powf(dice.next())) * 48_000.0) as usize;
            let start = (dice.next() * (tape - frames) as f64) as usize;
            let band = LoopBand::new(start, start + frames, tape).expect("it lies on the tape");
            world.transport.set_band(band).expect("there is room for an order");
            let until = world.now() + ((0.3 + 5.7 * dice.next()) * 48_000.0) as usize;
            while world.now() < until {
                world.play(&values, 480);
                leads.push(world.lead(&values));
            }
        }
        world.transport.set_band(LoopBand::whole(tape)).expect("there is room for an order");
        let until = world.now() + tape;
        while world.now() < until {
            world.play(&values, 480);
            leads.push(world.lead(&values));
        }
        laps.push(world.lead(&values));
    }
    let percentile = |of: &mut Vec<usize>, share: f64| {
        of.sort_unstable();
        of[((of.len() - 1) as f64 * share).ceil() as usize]
    };
    for (name, of) in
        [("steady", &mut steady), ("over the set", &mut leads), ("one lap after a band opened", &mut laps)]
    {
        for (figure, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            bench.value(&format!("lead {name}, {figure}"), ms(percentile(of, share)), "ms");
        }
    }
    bench.value("windows of the set", *world.decoded.lock().expect("one thread") as f64, "windows");
    bench.value("late windows of the set", world.late() as f64, "windows");
}

fn main() {
    let mut bench = Bench::new("lead: ten minutes with bands of .04 to 3 s, depth 4, tape of 12 s, windows of 1 s");
    played_set(&mut bench);
    let mut bench = Bench::new("hand to ear: 2,000 hands a class, tape of 12 s, windows of 1 s, 8 steps");
    hands(&mut bench);
}
