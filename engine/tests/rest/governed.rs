//! A machine that gets slower and well again, in fake time: ticks take so long a row, windows are decoded beside them or, on one card,
//! behind the tick that runs; hands move all the while.

use std::sync::{Arc, Mutex, MutexGuard};

use engine::backend::{BackendError, CpuBackend, WindowDecoder};
use engine::latent::{LATENT_CHANNELS, StereoFrame};
use engine::live::{Load, Patched, Patcher, Performer, Swap, TickSide, latents, window_lengths};
use engine::param::{EdgeSender, ParamId, Store, edge_queue};
use engine::playback::{DeckSize, Lead, Player, Tape, TapeId, Transport, Walk, deck};

use super::instrument::{FRAMES, TAPE, Weave, material};

/// Stereo samples that a row takes on a machine that is well: 3 ms.
const ROW: f64 = 144.0;
/// What a window takes: 5 ms.
const WINDOW: f64 = 240.0;
const SECOND: usize = 48_000;
const DEPTH: usize = 8;

/// What happens while the decode thread is busy.
struct Meanwhile {
    player: Player,
    side: TickSide,
    governs: bool,
    slow: fn(usize) -> f64,
    now: usize,
    next_fill: usize,
    tick_ends: usize,
    /// When each tick began, what it took, and how deep the ring may be behind it.
    ticks: Vec<(usize, usize, usize)>,
    last: Vec<u32>,
    out: Vec<StereoFrame>,
}

impl Meanwhile {
    fn pass(&mut self, frames: usize) {
        let until = self.now + frames;
        while self.next_fill.min(self.tick_ends) <= until {
            self.now = self.next_fill.min(self.tick_ends);
            if self.now == self.next_fill {
                self.next_fill += 256;
                self.player.fill(&mut self.out);
            } else {
                self.tick();
            }
        }
        self.now = until;
    }

    fn tick(&mut self) {
        let last = &mut self.last;
        let report = self.side.tick(|_, latent| *last = latent.iter().map(|it| it.to_bits()).collect());
        let report = report.expect("the processor does not fail");
        let took = ((ROW * report.rows as f64 + 24.0) * (self.slow)(self.now)) as usize;
        let mut depth = DEPTH;
        if self.governs {
            (depth, _) = self.side.took(took as u64 * 1_000_000 / SECOND as u64, &report);
        }
        self.ticks.push((self.now, took, depth));
        self.tick_ends = self.now + took;
    }
}

/// Silence, after the time that it takes; on one card behind the tick that runs.
struct Slow(Arc<Mutex<Meanwhile>>, Vec<usize>, bool);

impl WindowDecoder for Slow {
    fn keeps(&self) -> &[usize] {
        &self.1
    }

    fn decode(&mut self, _latent: &[f32], _first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        sound.fill([0.0; 2]);
        let mut meanwhile = self.0.lock().expect("one thread");
        let waits = if self.2 { meanwhile.tick_ends - meanwhile.now } else { 0 };
        let took = WINDOW * if self.2 { (meanwhile.slow)(meanwhile.now) } else { 1.0 };
        meanwhile.pass(waits + took as usize);
        Ok(())
    }
}

struct World {
    store: Store,
    _edges: EdgeSender<Swap>,
    patcher: Patcher,
    transport: Transport,
    meanwhile: Arc<Mutex<Meanwhile>>,
}

impl World {
    fn new(governs: bool, one_card: bool, slow: fn(usize) -> f64) -> Self {
        let (writer, reader) = latents(FRAMES * LATENT_CHANNELS);
        let performer = Performer::new(Load::new(material(), Box::new(CpuBackend::new(Weave)), writer));
        let ((mut store, snapshots), (edges, receiver)) = (Store::new(), edge_queue(64));
        store.set(ParamId::Depth, DEPTH as f64).expect("a number");
        let (mut player, packer, transport) =
            deck(Tape::new(vec![[0.1; 2]; TAPE]).expect("a tape"), DeckSize::default());
        player.open_at_once();
        let meanwhile = Arc::new(Mutex::new(Meanwhile {
            player,
            side: TickSide::new(performer, snapshots, receiver),
            governs,
            slow,
            now: 0,
            next_fill: 0,
            tick_ends: 0,
            ticks: Vec::new(),
            last: Vec::new(),
            out: vec![[0.0; 2]; 256],
        }));
        let decoder = Box::new(Slow(Arc::clone(&meanwhile), window_lengths(FRAMES), one_card));
        let (walk, lead) = (Walk::new(TapeId::default(), FRAMES, 1), Lead::new(256, TAPE / 2));
        Self { store, _edges: edges, patcher: Patcher::new(decoder, reader, packer, walk, lead), transport, meanwhile }
    }

    fn meanwhile(&self) -> MutexGuard<'_, Meanwhile> {
        self.meanwhile.lock().expect("one thread")
    }

    /// Until this second, under hands that move or rest; answers how many windows were late.
    fn play(&mut self, until: usize, hands: bool) -> u64 {
        let meters = self.transport.meters().clone();
        let late = || meters.windows_late.load(std::sync::atomic::Ordering::Relaxed);
        let before = late();
        while self.meanwhile().now < until * SECOND {
            if hands {
                let place = self.meanwhile().now as f64 / (60 * SECOND) as f64;
                self.store.set_position(ParamId::VelocityScale, place).expect("a number");
            }
            let patched = self.patcher.patch(self.store.values(), &self.transport.course());
            if matches!(patched, Patched::Nothing | Patched::Rests) {
                self.meanwhile().pass(96);
            }
        }
        late() - before
    }

    /// The longest tick that began in these seconds, in ticks of a machine that is well.
    fn longest(&self, seconds: std::ops::Range<usize>) -> f64 {
        let within = |at: usize| (seconds.start * SECOND..seconds.end * SECOND).contains(&at);
        let ticks = &self.meanwhile().ticks;
        let longest = ticks.iter().filter(|it| within(it.0)).map(|it| it.1).max().expect("it ticked");
        longest as f64 / (ROW * DEPTH as f64 + 24.0)
    }
}

/// Three times slower from the tenth second on, for twenty.
fn at_once(now: usize) -> f64 {
    if (10 * SECOND..30 * SECOND).contains(&now) { 3.0 } else { 1.0 }
}

/// The same, as heat does it: over five seconds.
fn slowly(now: usize) -> f64 {
    let seconds = now as f64 / SECOND as f64;
    if (10.0..30.0).contains(&seconds) { (1.0 + (seconds - 10.0) * 0.4).min(3.0) } else { 1.0 }
}

#[test]
fn a_backend_three_times_slower_for_twenty_seconds_makes_no_window_late_and_the_depth_is_back_within_five() {
    for (one_card, slow) in [(false, at_once as fn(usize) -> f64), (true, slowly)] {
        let mut world = World::new(true, one_card, slow);
        world.play(10, true);
        assert_eq!(world.play(30, true), 0, "while it is slow; one card: {one_card}");
        assert!(world.longest(11..30) < 1.75, "one card: {one_card}: {}", world.longest(11..30));
        assert_eq!(world.play(35, true), 0, "behind it");
        let depth = world.meanwhile().ticks.last().expect("it ticked").2;
        assert_eq!(depth, DEPTH, "as deep as it was within five seconds");
        // Without a governor a hand is three times as late all the while.
        let mut plain = World::new(false, one_card, slow);
        plain.play(30, true);
        assert!(2.9 < plain.longest(11..30), "{}", plain.longest(11..30));
    }
}

#[test]
fn what_stands_is_the_same_to_the_bit_whether_the_depth_was_held_back_or_not() {
    let stands = |governs: bool| {
        let mut world = World::new(governs, false, at_once);
        world.play(15, true);
        world.store.set_position(ParamId::VelocityScale, 0.3).expect("a number");
        world.play(20, false);
        let at = world.meanwhile();
        let (_, _, depth) = *at.ticks.last().expect("it ticked");
        assert_eq!(depth < DEPTH, governs, "it is held back while it is compared");
        at.last.clone()
    };
    assert!(stands(true) == stands(false));
}
