//! Goal: fast threads that rest are woken by whoever rings and hear the first gesture in their first tick; those that panic go on, or
//! stay down when they panic again and again.
//! Method: the threads that play, over a backend and a decoder that note what they are asked and panic on cue.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::backend::{Backend, BackendError};
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::live::{
    LatentReader, Load, Material, Patcher, Performer, Prompt, TickSide, ValuesWriter, WindowDecoder, latents, relay,
    set_queue, window_lengths,
};
use engine::param::{EdgeSender, ParamId, Store, edge_queue};
use engine::playback::{DeckSize, Lead, Player, Tape, TapeId, Transport, Walk, deck};
use engine::ring::StepControls;
use engine::ring::plan::{Birth, TickPlan};
use engine::solver::curve::Curve;
use rtrb::RingBuffer;

use super::{DecodeQueues, Pulse, ticks, windows};
use crate::performance::ending::{End, Leave, Running};

const FRAMES: usize = 12;
const TAPE: usize = FRAMES * SAMPLES_PER_LATENT_FRAME;
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

/// Computes nothing, notes the velocity scale of every tick, and panics in the ticks that it is told.
struct Noting {
    scales: Arc<Mutex<Vec<f32>>>,
    panics_at: Vec<usize>,
    latent: Vec<f32>,
}

impl Backend for Noting {
    fn fill(&mut self, _birth: &Birth) -> Result<(), BackendError> {
        Ok(())
    }

    fn advance(&mut self, _plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        let Some(Curve::Scalar(scale)) = shared.velocity_scale else { panic!("no curve is drawn") };
        let asked = {
            let mut scales = self.scales.lock().expect("nobody panics while it is held");
            scales.push(scale);
            scales.len()
        };
        assert!(!self.panics_at.contains(&asked), "as the test asked, in tick {asked}");
        Ok(0)
    }

    fn latent(&mut self, _slot: usize) -> &[f32] {
        &self.latent
    }
}

/// Silence, and panics in the windows that it is told.
struct Silent {
    keeps: Vec<usize>,
    asked: Arc<AtomicUsize>,
    panics_at: Vec<usize>,
}

impl WindowDecoder for Silent {
    fn keeps(&self) -> &[usize] {
        &self.keeps
    }

    fn decode(&mut self, _latent: &[f32], _first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        let asked = self.asked.fetch_add(1, Relaxed) + 1;
        assert!(!self.panics_at.contains(&asked), "as the test asked, in window {asked}");
        sound.fill([0.0; 2]);
        Ok(())
    }
}

fn material() -> Arc<Material> {
    let zeros = |len: usize| -> Arc<[f32]> { vec![0.0; len].into() };
    let latent = || zeros(FRAMES * LATENT_CHANNELS);
    let prompt = || Prompt { weight: 1.0, with_timbre: zeros(2), neutral: zeros(2) };
    let (source, hints, silence) = (latent(), latent(), latent());
    let (prompts, unconditional) = (vec![prompt(), prompt()], zeros(2));
    Arc::new(Material { frames: FRAMES, token_width: 2, source, hints, silence, prompts, unconditional })
}

/// Both threads, and the ends that a conductor and an audio thread have.
struct Engine {
    store: Store,
    _edges: EdgeSender<engine::live::Swap>,
    values: ValuesWriter,
    player: Player,
    transport: Transport,
    pulse: Arc<Pulse>,
    scales: Arc<Mutex<Vec<f32>>>,
    threads: [Running<()>; 2],
}

fn engine(tick_panics: &[usize], window_panics: &[usize]) -> Engine {
    let (leave, pulse) = (Leave::new().expect("a descriptor"), Arc::new(Pulse::default()));
    let (writer, reader) = latents(FRAMES * LATENT_CHANNELS);
    let scales = Arc::<Mutex<Vec<f32>>>::default();
    let latent = vec![0.0; FRAMES * LATENT_CHANNELS];
    let backend = Noting { scales: Arc::clone(&scales), panics_at: tick_panics.to_vec(), latent };
    let performer = Performer::new(Load::new(material(), Box::new(backend), writer));
    let ((mut store, snapshots), (edges, receiver)) = (Store::new(), edge_queue(64));
    store.set(ParamId::Steps, 1.0).expect("a number");
    let side = TickSide::new(performer, snapshots, receiver);
    let ticking = ticks(side, RingBuffer::new(8).0, Arc::clone(&pulse), &leave).expect("a thread");
    let (player, transport, values, decoding) = decode_side(reader, window_panics, TAPE / 2, &pulse, &leave);
    Engine { store, _edges: edges, values, player, transport, pulse, scales, threads: [ticking, decoding] }
}

fn decode_side(
    reader: LatentReader,
    panics: &[usize],
    most_lead: usize,
    pulse: &Arc<Pulse>,
    leave: &Leave,
) -> (Player, Transport, ValuesWriter, Running<()>) {
    let tone: Vec<_> = (0..TAPE).map(|at| [(at as f32 * 0.05).sin() * 0.2; 2]).collect();
    let (player, packer, transport) = deck(Tape::new(tone).expect("a tape"), DeckSize::default());
    let decoder = Silent { keeps: window_lengths(FRAMES), asked: Arc::default(), panics_at: panics.to_vec() };
    let (walk, lead) = (Walk::new(TapeId::default(), FRAMES, 1), Lead::new(256, most_lead));
    let patcher = Patcher::new(Box::new(decoder), reader, packer, walk, lead);
    let (writer, values) = relay();
    let queues =
        DecodeQueues { incoming: RingBuffer::new(4).1, home: RingBuffer::new(4).0, troubles: RingBuffer::new(8).0 };
    let meters = transport.meters().clone();
    let thread = windows(patcher, values, set_queue().1, meters, queues, Arc::clone(pulse), leave).expect("a thread");
    (player, transport, writer, thread)
}

impl Engine {
    /// Plays until both sides rest, a period for each turn of the decode thread: no clock paces the player here, and one that is faster
    /// than windows are decoded would outrun them for ever on a busy machine.
    fn rest(&mut self) {
        let mut out = [[0.0; 2]; 256];
        let pulse = Arc::clone(&self.pulse);
        let mut turns = u64::MAX;
        until("both rest", || {
            let now = pulse.window_turns.load(Relaxed);
            if turns != now {
                turns = now;
                self.player.fill(&mut out);
            }
            pulse.ticks_rest.load(Relaxed) && pulse.windows_rest.load(Relaxed)
        });
    }

    fn end(self) -> [End<()>; 2] {
        self.pulse.end();
        self.threads.map(|it| it.join_by(Instant::now() + PATIENCE))
    }
}

#[test]
fn a_thread_at_rest_hears_the_first_gesture_in_its_first_tick() {
    let mut engine = engine(&[], &[]);
    engine.rest();
    let [begin, end] = [0, 1].map(|at| engine.pulse.window[at].load(Relaxed));
    // Around the end of a tape of twelve latent frames: it ends before it begins.
    assert_eq!((end + TAPE - begin) % TAPE, 21_600, "the window that is shown: {begin} to {end}");
    for hand in 1..=20_u16 {
        engine.rest();
        let before = engine.scales.lock().expect("nobody panics").len();
        let ticks = engine.pulse.ticks.load(Relaxed);
        let wanted = 0.5 + f32::from(hand) / 64.0;
        engine.store.set(ParamId::VelocityScale, f64::from(wanted)).expect("a number");
        engine.values.write(engine.store.values());
        assert_eq!(engine.pulse.ticks.load(Relaxed), ticks, "none was taken at rest");
        engine.pulse.tick_bell.ring();
        engine.pulse.window_bell.ring();
        until("a tick", || before < engine.scales.lock().expect("nobody panics").len());
        assert_eq!(engine.scales.lock().expect("nobody panics")[before], wanted);
    }
    assert_eq!(engine.transport.tape_frames(), TAPE);
    assert_eq!(engine.end(), [End::Done(()), End::Done(())]);
}

#[test]
fn beside_what_is_prepared_windows_have_twice_the_lead() {
    let lead_of = |crowded: bool| {
        let (leave, pulse) = (Leave::new().expect("a descriptor"), Arc::new(Pulse::default()));
        pulse.crowded.store(crowded, Relaxed);
        let (mut writer, reader) = latents(FRAMES * LATENT_CHANNELS);
        writer.publish(&[0.0; FRAMES * LATENT_CHANNELS]);
        let (_player, _transport, _values, thread) = decode_side(reader, &[], 4 * TAPE, &pulse, &leave);
        until("a window", || 0 < pulse.windows.load(Relaxed));
        pulse.end();
        assert_eq!(thread.join_by(Instant::now() + PATIENCE), End::Done(()));
        pulse.lead.load(Relaxed)
    };
    // Half a second, since nothing is measured yet.
    assert_eq!([false, true].map(lead_of), [24_000, 48_000]);
}

#[test]
fn a_tick_thread_that_panics_twice_goes_on_and_one_that_does_it_again_stays_down() {
    let mut engine = engine(&[5, 9, 200], &[]);
    until("two crashes", || engine.pulse.tick_crashes.load(Relaxed) == 2);
    engine.rest();
    let latents = engine.pulse.latents.load(Relaxed);
    assert!(8 <= latents, "generations went on: {latents}");
    let mut turn = 0;
    until("the third crash", || {
        turn += 1;
        engine.store.set(ParamId::Shift, 1.0 + f64::from(turn % 3)).expect("a number");
        engine.pulse.tick_bell.ring();
        engine.threads[0].look().is_some()
    });
    assert_eq!(engine.threads[0].look(), Some(&End::Crashed));
    assert!(!engine.pulse.ticks_rest.load(Relaxed), "who is down does not rest");
    assert!(engine.threads[1].look().is_none(), "the other plays on");
    assert_eq!(engine.end(), [End::Crashed, End::Done(())]);
}

#[test]
fn a_decode_thread_that_panics_goes_on_from_the_newest_latent_and_one_that_does_it_again_and_again_stays_down() {
    let mut engine = engine(&[], &[1, 2]);
    engine.rest();
    assert_eq!(engine.pulse.window_crashes.load(Relaxed), 2);
    let mut out = [[0.0; 2]; 4_800];
    (0..4).for_each(|_| engine.player.fill(&mut out));
    let left = engine.player.tape().frames().iter().filter(|it| 1e-6 < it[0].abs()).count();
    assert_eq!(left, 0, "the tape is renewed all over, in the place of the windows that were lost too");
    assert_eq!(engine.end(), [End::Done(()), End::Done(())]);

    let mut engine = self::engine(&[], &[1, 2, 3]);
    until("the third crash", || engine.threads[1].look().is_some());
    assert_eq!(engine.pulse.windows.load(Relaxed), 0);
    let mut out = [[0.0; 2]; 4_800];
    engine.player.open_at_once();
    (0..4).for_each(|_| engine.player.fill(&mut out));
    assert!(out.iter().any(|it| 0.1 < it[0].abs()), "the tape plays on");
    assert_eq!(engine.end(), [End::Done(()), End::Crashed]);
}
