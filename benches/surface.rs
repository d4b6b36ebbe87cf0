//! Goal: from a gesture to the parameter store under 1 ms in 99 of 100, and nothing lost that happens once.
//! Method: four surfaces on threads of their own speak through `Surfaces`, inbox, `coalesce`, `Binding` and `Desk`, in the
//! very rounds of `demon run`, and after each round the tick side's reader and edge queue are asked. A gesture's time is
//! from its stamp until the reader has the snapshot made of it (the first step, where a limit lets its value walk), or
//! of a later place of the same fader. 2000 words a second alone and beside busy threads, in one run; then floods.
//!
//! `DEMON_SURFACE_SECONDS=2 cargo bench --bench surface` is a short run; each part takes 60 s otherwise.

#[path = "support/paced.rs"]
mod paced;
#[path = "support/mod.rs"]
mod support;
#[path = "support/surface_costs.rs"]
mod surface_costs;
#[path = "support/surface_rounds.rs"]
mod surface_rounds;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use appliance::control::binding::{Act, Entry, Map, On, Press, Takeover, Target};
use appliance::performance::conductor::{Conductor, EngineLinks};
use appliance::performance::gesture_intake::GestureIntake;
use appliance::settings::patch::Patch;
use appliance::surface::surfaces::Surfaces;
use appliance::surface::troubles::Trouble;
use engine::latent::SAMPLES_PER_LATENT_FRAME;
use engine::live::{Swap, relay, set_queue};
use engine::param::{Edge, EdgeReceiver, ParamId, SnapshotReader, edge_queue};
use engine::playback::{DeckSize, Tape, deck};
use hal::gesture::{Clock, WallClock};
use paced::{ENCODER, FADERS, HELD, Pace, PacedSurface, Said};
use support::Bench;

const SURFACES: u8 = 4;
/// What the faders of the four surfaces move, four each.
const MOVED: [ParamId; FADERS * SURFACES as usize] = [
    ParamId::Denoise,
    ParamId::SourceBlend,
    ParamId::X0Target,
    ParamId::HintStrength,
    ParamId::VelocityScale,
    ParamId::OdeNoise,
    ParamId::PromptBlend,
    ParamId::TimbreStrength,
    ParamId::Feedback,
    ParamId::TapeFeedback,
    ParamId::GuidanceScale,
    ParamId::Shift,
    ParamId::DcwScaler,
    ParamId::BlendPeriod,
    ParamId::GainDb,
    ParamId::ChG0,
];
/// 500 words a second from each surface: 2000 together.
const HANDS: Pace = Pace { words: 1, every: Duration::from_millis(2) };
/// A full packet of a full-speed USB controller in every frame of the bus: 64 000 words a second together.
const WIRE: Pace = Pace { words: 16, every: Duration::from_millis(1) };
/// As fast as it is heard.
const UNPACED: Pace = Pace { words: 1, every: Duration::ZERO };
/// Floods end sooner: their figures are of many more words.
const FLOOD_S: f64 = 5.0;
/// Length of the tape in latent frames; nothing is heard of it.
const FRAMES: usize = 250;

/// The conductor as `demon run` has it, and the tick side's ends.
struct Stage {
    conductor: Conductor,
    reader: SnapshotReader,
    edges: EdgeReceiver<Swap>,
    intake: GestureIntake,
    acts: Vec<Act>,
    times_us: Vec<f64>,
    reseeds: u64,
    left_out: usize,
}

impl Stage {
    fn new() -> Self {
        let fader = |(place, id): (usize, &ParamId)| Entry {
            channel: Some((place / FADERS) as u8 + 1),
            takeover: Takeover::Jump,
            ..Entry::usual(On::Cc((place % FADERS) as u8 + 1), Target::Param(*id))
        };
        let held =
            Entry { press: Some(Press::Momentary), ..Entry::usual(On::Note(HELD), Target::Param(ParamId::DcwEnabled)) };
        let encoder = Entry::usual(On::Encoder(ENCODER), Target::Param(ParamId::Seed));
        let own = MOVED.iter().enumerate().map(fader).chain([held, encoder]).collect();
        let patch = Patch { map: Map::with(own), ..Patch::default() };
        let tape = Tape::new(vec![[0.0; 2]; FRAMES * SAMPLES_PER_LATENT_FRAME]).expect("a tape of whole frames");
        let (_, _, transport) = deck(tape, DeckSize::default());
        let (sender, edges) = edge_queue(64);
        let reins = EngineLinks { edges: sender, decode_values: relay().0, sets: set_queue().0, transport };
        let (conductor, reader) = Conductor::new(&patch, FRAMES, reins);
        let (intake, acts, times_us) = (GestureIntake::default(), Vec::new(), Vec::new());
        Self { conductor, reader, edges, intake, acts, times_us, reseeds: 0, left_out: 0 }
    }

    /// One round of `demon run`; answers how many gestures came.
    fn round(&mut self, surfaces: &Surfaces, clock: WallClock) -> usize {
        let heard = self.intake.wait(surfaces, &self.conductor);
        let (before, came) = (self.times_us.len(), heard.len());
        // Their stamps for now; what has passed since then once it is known.
        self.times_us.extend(heard.iter().map(|gesture| gesture.at.as_secs_f64() * 1e6));
        self.left_out += self.intake.play(&mut self.conductor, &mut self.acts);
        self.conductor.settle(clock.now());
        let seen = self.reader.latest().generation;
        let now_us = clock.now().as_secs_f64() * 1e6;
        assert_eq!(seen, self.conductor.store().snapshot().generation, "the tick side sees what was set");
        self.times_us[before..].iter_mut().for_each(|stamp| *stamp = now_us - *stamp);
        while let Some(edge) = self.edges.next_edge(u64::MAX) {
            self.reseeds += u64::from(matches!(edge, Edge::Reseed));
            self.edges.retire(edge);
        }
        came
    }
}

/// Computes on as many threads until it is dropped.
struct Busy {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Busy {
    fn threads(count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let work = |stop: Arc<AtomicBool>| {
            let mut numbers = vec![1.000_1_f32; 4096];
            while !stop.load(Relaxed) {
                numbers.iter_mut().for_each(|it| *it = (*it * 1.01).fract() + 0.5);
                black_box(&mut numbers);
            }
        };
        let threads = (0..count).map(|_| Arc::clone(&stop)).map(|stop| std::thread::spawn(move || work(stop)));
        Self { threads: threads.collect(), stop }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().expect("a busy thread only computes"));
    }
}

/// Plays one part, reports its times, and fails where something was lost.
fn part(bench: &mut Bench, name: &str, pace: Pace, seconds: f64, busy: usize) {
    let name = format!("{name}, {busy} busy threads");
    bench.value(&format!("{name}: load average before"), load_average(), "");
    let (clock, mut stage, mut surfaces) = (WallClock::start(), Stage::new(), Surfaces::default());
    let busy = Busy::threads(busy);
    let said: Vec<Arc<Said>> = (0..SURFACES)
        .map(|place| {
            let (surface, said) = PacedSurface::new(place, pace, Duration::from_secs_f64(seconds), clock);
            surfaces.add(Box::new(surface)).expect("a thread");
            said
        })
        .collect();
    let mut open = SURFACES;
    while stage.round(&surfaces, clock) > 0 || open > 0 {
        // A surface that has said its last word closes.
        open -= surfaces.take_troubles().iter().filter(|it| matches!(it, Trouble::Stands(..))).count() as u8;
    }
    drop(busy);
    while !stage.conductor.desk().stands() || stage.reseeds < count(&stage.acts, &Act::Reseed) {
        stage.round(&surfaces, clock);
    }
    assert_eq!(surfaces.close(Duration::from_secs(5)), Vec::<String>::new());
    nothing_is_lost(&stage, &said);
    let words = stage.times_us.len();
    bench.report(&format!("gesture to store, {name}"), std::mem::take(&mut stage.times_us));
    let late: Vec<f64> =
        said.iter().flat_map(|it| std::mem::take(&mut *it.late_us.lock().expect("none panicked"))).collect();
    if !late.is_empty() {
        bench.report(&format!("{name}: the machine's own lateness"), late);
    }
    bench.value(&format!("{name}: words"), words as f64 / seconds, "a second");
    bench.value(&format!("{name}: places left out"), stage.left_out as f64 / words as f64 * 100.0, "%");
    bench.value(&format!("{name}: happened once, and lost"), 0.0, &format!("of {}", once(&said)));
}

/// Every press, release and detent came out as often as it went in, and every fader's value is where the fader was left.
fn nothing_is_lost(stage: &Stage, said: &[Arc<Said>]) {
    let all = |of: fn(&Said) -> u64| said.iter().map(|it| of(it)).sum::<u64>();
    assert_eq!(stage.times_us.len() as u64, all(|it| it.words.load(Relaxed)), "words");
    let reseeds = all(|it| it.reseeds.load(Relaxed));
    assert_eq!(
        (count(&stage.acts, &Act::Reseed), stage.reseeds),
        (reseeds, reseeds),
        "new seeds, also at the tick side"
    );
    let held = all(|it| it.held.load(Relaxed));
    assert_eq!(count(&stage.acts, &Act::Moved(ParamId::DcwEnabled)), held, "presses and releases");
    let detents = all(|it| it.detents.load(Relaxed)) as f64;
    let store = stage.conductor.store();
    assert_eq!(store.value(ParamId::Seed), ParamId::Seed.row().default + detents, "detents");
    for (surface, said) in said.iter().enumerate() {
        for (fader, to) in said.left.lock().expect("none panicked").iter().enumerate() {
            let id = MOVED[surface * FADERS + fader];
            assert_eq!(store.value(id), id.row().at(f64::from(*to) / 127.0), "{id:?} is where its fader was left");
        }
    }
}

/// Gestures that happen once: presses that make new seeds, presses and releases that hold, detents.
fn once(said: &[Arc<Said>]) -> u64 {
    said.iter().map(|it| it.reseeds.load(Relaxed) + it.held.load(Relaxed) + it.detents.load(Relaxed)).sum()
}

fn count(acts: &[Act], wanted: &Act) -> u64 {
    acts.iter().filter(|act| *act == wanted).count() as u64
}

/// Of the last minute: how many threads wanted a processor; 0 where nobody says.
fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

fn main() {
    let asked = std::env::var("DEMON_SURFACE_SECONDS").ok();
    let seconds = asked.map_or(60.0, |it| it.parse().expect("DEMON_SURFACE_SECONDS is a number"));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut bench = Bench::new(&format!("from the gesture to the store, {cores} cores"));
    surface_costs::report(&mut bench);
    surface_rounds::report(&mut bench);
    for busy in [0, 1, cores] {
        part(&mut bench, "2000 words a second", HANDS, seconds, busy);
    }
    for busy in [0, 1] {
        part(&mut bench, "flood of the wire", WIRE, seconds.min(FLOOD_S), busy);
        part(&mut bench, "flood without a pace", UNPACED, seconds.min(FLOOD_S), busy);
    }
}
