//! A whole instrument on a virtual clock: store, edges, tick side, patcher and player, with a network and a decoder in which every
//! input matters. One [`Instrument::step`] is a tick, a few looks of the decode thread, and what is played meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use engine::backend::{Backend, BackendError, CpuBackend, Denoiser, DenoiserError, DenoiserRow, WindowDecoder};
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME as FRAME, StereoFrame};
use engine::live::{
    Load, Material, Patched, Patcher, Performer, Prompt, Swap, TickReport, TickSide, latents, window_lengths,
};
use engine::param::{Edge, EdgeSender, ParamId, Store, edge_queue};
use engine::playback::{Course, DeckSize, Lead, LoopBand, Player, Tape, TapeId, Transport, Walk, deck};
use engine::ring::StepControls;
use engine::ring::plan::{Birth, TickPlan};
use engine::solver::curve::Curve;

/// Latent frames of the tape: half a second.
pub const FRAMES: usize = 12;
/// Stereo samples of the tape.
pub const TAPE: usize = FRAMES * FRAME;
const WIDTH: usize = 2;
/// Stereo samples that are played in one step: 16 ms.
const STEP: usize = 768;

/// A velocity that depends on latent, context, tokens and time, and grows without bound under nothing.
pub struct Weave;

impl Denoiser for Weave {
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        let prompt: f32 = row.tokens.iter().enumerate().map(|(at, it)| it * (1.0 + at as f32 * 0.1)).sum();
        for (at, out) in out.iter_mut().enumerate() {
            let mixed = row.x[at] * 0.9 - 0.4 * row.context[2 * at] + 0.3 * (prompt + at as f32).sin() * row.t;
            *out = mixed / (1.0 + mixed.abs() * 0.2);
        }
        Ok(())
    }
}

/// A backend that says under which velocity scale the last tick ran.
struct Told {
    inner: CpuBackend<Weave>,
    scale: Arc<AtomicU32>,
}

impl Backend for Told {
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError> {
        self.inner.fill(birth)
    }

    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        if let Some(Curve::Scalar(scale)) = &shared.velocity_scale {
            self.scale.store(scale.to_bits(), Relaxed);
        }
        self.inner.advance(plan, shared)
    }

    fn latent(&mut self, slot: usize) -> &[f32] {
        self.inner.latent(slot)
    }
}

/// The sound of a latent: of each place its own, whatever window it lies in.
pub struct Lawful {
    keeps: Vec<usize>,
    decoded: Arc<AtomicU32>,
}

impl Lawful {
    /// One that counts its windows there.
    pub fn new(decoded: Arc<AtomicU32>) -> Self {
        Self { keeps: window_lengths(FRAMES), decoded }
    }
}

impl WindowDecoder for Lawful {
    fn keeps(&self) -> &[usize] {
        &self.keeps
    }

    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        self.decoded.fetch_add(1, Relaxed);
        for (at, out) in sound.iter_mut().enumerate() {
            let place = (first * FRAME + at) % TAPE;
            let row = &latent[place / FRAME * LATENT_CHANNELS..][..LATENT_CHANNELS];
            let wave = (place as f32 * 0.031).sin() * 0.2;
            *out = [wave * row[0].tanh(), wave * row[1].tanh()];
        }
        Ok(())
    }
}

fn wave(len: usize, seed: f32) -> Arc<[f32]> {
    (0..len).map(|at| (at as f32 * 0.37 + seed).sin()).collect()
}

pub fn material() -> Arc<Material> {
    let latent = |seed| wave(FRAMES * LATENT_CHANNELS, seed);
    let prompt = |tokens: usize, seed: f32| Prompt {
        weight: 1.0,
        with_timbre: wave(tokens * WIDTH, seed),
        neutral: wave(tokens * WIDTH, seed + 0.5),
    };
    let (prompts, unconditional) = (vec![prompt(2, 3.0), prompt(5, 4.0)], wave(WIDTH, 5.0));
    let (source, hints, silence) = (latent(0.0), latent(1.0), latent(2.0));
    Arc::new(Material { frames: FRAMES, token_width: WIDTH, source, hints, silence, prompts, unconditional })
}

/// What a hand does.
#[derive(Clone, Debug)]
pub enum Gesture {
    /// Turns a knob to this place, 0 to 1.
    Turn(ParamId, f64),
    /// Draws a curve, or takes it back.
    Draw(ParamId, Option<f64>),
    Reseed,
    Undo,
    /// Goes to a place of the tape, 0 to 1.
    Seek(f64),
}

/// What a step came to.
pub struct Step {
    /// Of the tick; `None` where it was left out.
    pub tick: Option<TickReport>,
    /// The latents that finished in it, as bits.
    pub finished: Vec<Vec<u32>>,
    /// What the decode side did last.
    pub patched: Patched,
}

pub struct Instrument {
    pub store: Store,
    pub side: TickSide,
    pub patcher: Patcher,
    pub player: Player,
    pub transport: Transport,
    /// The velocity scale that the last tick ran under, as bits.
    pub scale: Arc<AtomicU32>,
    decoded: Arc<AtomicU32>,
    edges: EdgeSender<Swap>,
    rests: bool,
    out: Vec<StereoFrame>,
}

impl Instrument {
    /// One that leaves out what it can, or nothing.
    pub fn new(rests: bool) -> Self {
        let (writer, reader) = latents(FRAMES * LATENT_CHANNELS);
        let scale = Arc::<AtomicU32>::default();
        let backend = Told { inner: CpuBackend::new(Weave), scale: Arc::clone(&scale) };
        let performer = Performer::new(Load::new(material(), Box::new(backend), writer));
        let (store, snapshots) = Store::new();
        let (edges, receiver) = edge_queue(64);
        let tape = Tape::new(vec![[0.1; 2]; TAPE]).expect("whole latent frames");
        let (mut player, packer, transport) = deck(tape, DeckSize::default());
        player.open_at_once();
        let walk = Walk::new(TapeId::default(), FRAMES, 1);
        let decoded = Arc::<AtomicU32>::default();
        let decoder = Box::new(Lawful::new(Arc::clone(&decoded)));
        let patcher = Patcher::new(decoder, reader, packer, walk, Lead::new(256, TAPE / 2));
        let (side, out) = (TickSide::new(performer, snapshots, receiver), vec![[0.0; 2]; 256]);
        Self { store, side, patcher, player, transport, scale, decoded, edges, rests, out }
    }

    pub fn play(&mut self, gesture: &Gesture) {
        let next = self.store.snapshot().generation;
        match gesture {
            Gesture::Turn(id, place) => {
                self.store.set_position(*id, *place).expect("a number");
                self.store.end_stroke();
            }
            Gesture::Draw(id, curve) => {
                let curve = curve.map(|place| vec![id.row().at(place) as f32; FRAMES].into());
                self.edges.send(Edge::SetCurve(*id, curve), next).expect("there is room");
            }
            Gesture::Reseed => self.edges.send(Edge::Reseed, next).expect("there is room"),
            Gesture::Undo => _ = self.store.undo(),
            Gesture::Seek(place) => {
                self.transport.seek((place * TAPE as f64) as usize % TAPE).expect("the player keeps up");
            }
        }
        if self.band() != self.transport.band() {
            self.transport.set_band(self.band()).expect("the player keeps up");
        }
    }

    /// What is looped, by the values.
    pub fn band(&self) -> LoopBand {
        let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|it| self.store.values().get(it));
        LoopBand::from_faders(start, end, TAPE)
    }

    pub fn step(&mut self) -> Step {
        let mut finished = Vec::new();
        let leaves_out = self.rests && self.side.rests();
        let tick = (!leaves_out).then(|| {
            let note = |_: u64, latent: &[f32]| finished.push(latent.iter().map(|it| it.to_bits()).collect());
            self.side.tick(note).expect("the processor does not fail")
        });
        self.edges.clear_home();
        let mut patched = Patched::Nothing;
        for _ in 0..STEP / 256 {
            patched = self.step_decode();
            self.player.fill(&mut self.out);
        }
        Step { tick, finished, patched }
    }

    /// A look of the decode thread.
    pub fn step_decode(&mut self) -> Patched {
        let values = *self.store.values();
        let course = Course::new(self.transport.playhead(), self.band());
        self.patcher.patch(&values, &course)
    }

    /// Windows decoded so far, by whichever decoder.
    pub fn decoded(&self) -> u32 {
        self.decoded.load(Relaxed)
    }

    /// Another decoder of the same set.
    pub fn decoder(&self) -> Box<dyn WindowDecoder + Send> {
        Box::new(Lawful::new(Arc::clone(&self.decoded)))
    }

    /// The tape as it lies there.
    pub fn tape(&self) -> Vec<StereoFrame> {
        self.player.tape().frames().to_vec()
    }
}
