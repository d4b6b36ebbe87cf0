//! What two processes cost: a window's way to the tape, and the audio thread, fed from shared memory and from this process's queues,
//! in one run and in turn.
//!
//! Budget: from the end of a decode to the tape within 10 % of the queue's time at the median, with the periods of a real device
//! between (256 frames, 5.3 ms; a window is written in shares, as many for both), and an audio thread whose p99 is under 1 % of its
//! period. The memory is what a player shares, mapped once. Times are wall times, of a thread that runs as the
//! audio thread does where the system lets it. What one load takes from a place that was not read for a lap is measured beside them, since
//! no player can be faster than that: in a virtual machine it may be a tenth of a millisecond.

#[path = "../tests/attached_deck/mod.rs"]
mod attached_deck;
#[path = "support/mod.rs"]
mod support;

use std::time::Instant;

use appliance::handover::memory::SharedArena;
use attached_deck::attached_deck;
use engine::boundary::{Arena, Sizes};
use engine::playback::{AttachedPlayer, DeckSize, Epoch, Loader, Packer, Player, Start, Tape, Transport, Walk, deck};
use hal::audio::become_realtime;
use support::Bench;

/// The audio thread's.
const PRIORITY: i32 = 70;
const FRAME: usize = 1920;
/// A minute of tape.
const LATENT: usize = 1500;
const PERIOD: usize = 256;
const WINDOWS: usize = 600;
/// Periods that a window of 1 s is given: it needs four.
const PERIODS: usize = 8;

struct Side {
    name: &'static str,
    player: Player,
    packer: Packer,
    transport: Transport,
    _loader: Option<Loader>,
    fills: Vec<f64>,
    sends: Vec<f64>,
    ways: Vec<f64>,
}

fn tape() -> Tape {
    let wave = |i: usize| (i as f32 * 110.0 / 48_000.0 * std::f32::consts::TAU).sin() * 0.4;
    Tape::new((0..LATENT * FRAME).map(|i| [wave(i); 2]).collect::<Vec<_>>()).expect("a tape")
}

fn here() -> Side {
    let (player, packer, transport) = deck(tape(), DeckSize::default());
    Side::new("queue", player, packer, transport, None)
}

fn shared(sizes: Sizes) -> Arena {
    SharedArena::create(sizes).expect("memory that can be shared").arena
}

fn attached() -> Side {
    let size = DeckSize { boxes: 4, window_frames: 144_000 };
    let (AttachedPlayer { player, loader, .. }, packer, transport) =
        attached_deck(shared, tape(), size, &Epoch::default());
    Side::new("memory", player, packer, transport, Some(loader))
}

impl Side {
    fn new(name: &'static str, player: Player, packer: Packer, transport: Transport, loader: Option<Loader>) -> Self {
        let [fills, sends, ways] = [(); 3].map(|()| Vec::new());
        Self { name, player, packer, transport, _loader: loader, fills, sends, ways }
    }

    /// Sends a window and plays until it is on the tape, and on.
    fn window(&mut self, walk: &mut Walk, sound: &[[f32; 2]]) {
        let plan = walk.plan(&self.transport.course(), 4_000, Start::Fresh);
        let spliced = |it: &Transport| it.meters().windows_spliced.load(std::sync::atomic::Ordering::Relaxed);
        let (before, mut out) = (spliced(&self.transport), [[0.0; 2]; PERIOD]);
        let begun = Instant::now();
        self.packer.collect(|_| ());
        self.packer.send(&plan, 0.0, |room| room.copy_from_slice(&sound[..plan.frames])).expect("a box is home");
        let sent = begun.elapsed().as_secs_f64() * 1e6;
        self.sends.push(sent);
        let (mut way, mut there) = (sent, false);
        for _ in 0..PERIODS {
            let begun = Instant::now();
            self.player.fill(&mut out);
            let took = begun.elapsed().as_secs_f64() * 1e6;
            self.fills.push(took);
            if !there {
                there = before < spliced(&self.transport);
                // The next period is asked for when this one has been played.
                way += if there { took } else { PERIOD as f64 / 48_000.0 * 1e6 };
            }
        }
        assert!(there, "a window of a second needs no more periods");
        self.ways.push(way);
    }
}

/// What one load takes, in microseconds, from places of a tape that was written and then not read for a while.
fn loads() -> Vec<f64> {
    let (tape, mut place, mut took) = (tape(), 0, Vec::new());
    for _ in 0..WINDOWS * PERIODS {
        // A window further on, and the caches filled with other things.
        place = (place + 25 * FRAME + 7) % tape.len();
        let pause = Instant::now();
        while pause.elapsed().as_micros() < 200 {
            std::hint::spin_loop();
        }
        let begun = Instant::now();
        std::hint::black_box(tape.frames()[std::hint::black_box(place)]);
        took.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    took
}

fn at(times: &mut [f64], per_mille: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() - 1) * per_mille / 1000]
}

fn main() {
    let mut bench = Bench::new("boundary: windows of 1 s, periods of 256");
    let sound: Vec<[f32; 2]> = (0..25 * FRAME).map(|i| [(i as f32 * 0.01).sin() * 0.3; 2]).collect();
    let mut sides = [here(), attached()];
    let mut walks = sides.each_ref().map(|it| Walk::new(it.transport.tape(), LATENT, 25));
    let is_realtime = become_realtime(PRIORITY).is_ok();
    bench.value(
        "runs as the audio thread does (0: others' work is measured too)",
        f64::from(u8::from(is_realtime)),
        "",
    );
    let mut loads = loads();
    for (figure, per_mille) in [("p50", 500), ("p95", 950), ("p99", 990)] {
        bench.value(&format!("one load after a lap {figure}"), at(&mut loads, per_mille), "us");
    }
    for _ in 0..WINDOWS {
        for (side, walk) in sides.iter_mut().zip(&mut walks) {
            side.window(walk, &sound);
        }
    }
    let mut ways = [0.0; 2];
    for (side, way) in sides.iter_mut().zip(&mut ways) {
        let name = side.name;
        *way = at(&mut side.ways, 500);
        bench.value(&format!("{name}: window to tape p50"), *way / 1e3, "ms");
        bench.value(&format!("{name}: send p50"), at(&mut side.sends, 500), "us");
        for (figure, per_mille) in
            [("p50", 500), ("p75", 750), ("p90", 900), ("p95", 950), ("p99", 990), ("p99.9", 999), ("max", 1000)]
        {
            bench.value(&format!("{name}: fill {figure}"), at(&mut side.fills, per_mille), "us");
        }
        let share = at(&mut side.fills, 990) / (PERIOD as f64 / 48_000.0 * 1e6) * 100.0;
        bench.value(&format!("{name}: fill p99 share"), share, "% of period");
    }
    bench.value("window to tape, memory over queue", ways[1] / ways[0] * 100.0, "%");
}
