//! A small set to play on, and a backend that writes down every latent.

use std::sync::{Arc, Mutex};

use engine::backend::{Backend, BackendError, CpuBackend, Denoiser, DenoiserError, DenoiserRow};
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::live::{Load, Material, Patched, Patcher, Performer, Prompt, WindowDecoder, latents};
use engine::param::{Edge, ParamId, Values};
use engine::playback::{DeckSize, Lead, LoopBand, Player, Tape, TapeId, Transition, Transport, Walk, deck};
use engine::ring::StepControls;
use engine::ring::plan::{Birth as PlannedBirth, TickPlan};

/// Slots of the ring.
pub const DEPTH: usize = 4;
/// The tick at which the knob is turned: late enough for feedback to have something to hear.
pub const TURN: usize = 21;
const TICKS: usize = 48;
/// Latent frames of the tape.
pub const FRAMES: usize = 12;
const WIDTH: usize = 5;

/// One slot's latent after one tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub slot: usize,
    pub step: usize,
    pub steps: usize,
    pub latent: Vec<f32>,
}

/// A slot was born.
#[derive(Clone, Debug, PartialEq)]
pub struct Birth {
    pub tick: usize,
    pub slot: usize,
}

/// Everything that happened.
#[derive(Clone, Debug, Default)]
pub struct Played {
    pub ticks: Vec<Vec<Step>>,
    pub births: Vec<Birth>,
}

/// A velocity that depends on everything a row holds, and on nothing else.
struct Weave;

impl Denoiser for Weave {
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        let prompt: f32 = row.tokens.iter().enumerate().map(|(at, it)| it * (1.0 + at as f32 * 0.1)).sum();
        for (at, out) in out.iter_mut().enumerate() {
            let (frame, channel) = (at / LATENT_CHANNELS, at % LATENT_CHANNELS);
            let structure = row.context[frame * 2 * LATENT_CHANNELS + channel];
            let neighbour = row.x[(at + LATENT_CHANNELS) % row.x.len()];
            *out = row.x[at] * 0.9 - 0.4 * structure + 0.2 * neighbour + 0.3 * (prompt + channel as f32).sin() * row.t;
        }
        Ok(())
    }
}

struct Recorder {
    inner: CpuBackend<Weave>,
    played: Arc<Mutex<Played>>,
}

impl Backend for Recorder {
    fn fill(&mut self, birth: &PlannedBirth) -> Result<(), BackendError> {
        let mut played = self.played.lock().expect("one thread");
        let tick = played.ticks.len();
        played.births.push(Birth { tick, slot: birth.slot });
        self.inner.fill(birth)
    }

    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        let unsound = self.inner.advance(plan, shared)?;
        assert_eq!(unsound, 0, "every latent stays finite");
        let inner = &mut self.inner;
        let steps = plan.steps.iter().map(|it| {
            let latent = inner.latent(it.slot).to_vec();
            Step { slot: it.slot, step: it.step, steps: it.steps, latent }
        });
        let tick = steps.collect();
        self.played.lock().expect("one thread").ticks.push(tick);
        Ok(unsound)
    }

    fn latent(&mut self, slot: usize) -> &[f32] {
        self.inner.latent(slot)
    }
}

fn wave(len: usize, seed: f32) -> Arc<[f32]> {
    (0..len).map(|at| (at as f32 * 0.37 + seed).sin()).collect()
}

fn material() -> Arc<Material> {
    let latent = |seed| wave(FRAMES * LATENT_CHANNELS, seed);
    let prompt = |tokens: usize, seed: f32| Prompt {
        weight: 1.0,
        with_timbre: wave(tokens * WIDTH, seed),
        neutral: wave(tokens * WIDTH, seed + 0.5),
    };
    let material = Material {
        frames: FRAMES,
        token_width: WIDTH,
        source: latent(0.0),
        hints: latent(1.0),
        silence: latent(2.0),
        prompts: vec![prompt(4, 3.0), prompt(6, 4.0), prompt(5, 6.0)],
        unconditional: wave(WIDTH, 5.0),
    };
    material.check().expect("the set is sound");
    Arc::new(material)
}

/// Plays `before`, and from tick [`TURN`] on `after`.
pub fn play(id: ParamId, before: Values, after: Values) -> Played {
    perform(|tick, performer| {
        if tick == 0 && id == ParamId::X0TargetGate {
            // The gate belongs to a drawn lock; without one there is nothing for it to open.
            performer.obey(Edge::SetCurve(ParamId::X0Target, Some(Arc::from(vec![0.6; FRAMES]))));
        }
        // Knobs that are not under test move all the time, so that history is not all of one piece.
        let mut values = if tick < TURN { before } else { after };
        if id == ParamId::FeedbackTap {
            values.set(ParamId::OdeNoise, f64::from(u32::try_from(tick % 5).expect("small")) / 10.0);
        }
        values
    })
}

/// Plays a set; before every tick `hands` gives the performer what happens once, and answers the values.
pub fn perform(mut hands: impl FnMut(usize, &mut Performer) -> Values) -> Played {
    let played = Arc::new(Mutex::new(Played::default()));
    let backend = Recorder { inner: CpuBackend::new(Weave), played: Arc::clone(&played) };
    let (writer, _reader) = latents(FRAMES * LATENT_CHANNELS);
    let mut performer = Performer::new(Load::new(material(), Box::new(backend), writer));
    for tick in 0..TICKS {
        let values = hands(tick, &mut performer);
        performer.tick(&values, |_, _| {}).expect("the set fits its backend");
    }
    drop(performer);
    Arc::try_unwrap(played).expect("the performer is gone").into_inner().expect("one thread")
}

/// A decoder whose sound says which latent it came from.
struct Steady;

const KEEPS: [usize; 3] = [5, 10, 25];

impl WindowDecoder for Steady {
    fn keeps(&self) -> &[usize] {
        &KEEPS
    }

    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError> {
        assert!(first < latent.len() / LATENT_CHANNELS, "the window begins on the tape");
        // Half the rate: constant in size, and nothing for a DC blocker to take away.
        sound.iter_mut().enumerate().for_each(|(at, it)| *it = if at % 2 == 0 { [0.5; 2] } else { [-0.5; 2] });
        Ok(())
    }
}

/// A decode-class value is heard in the next window, or at the output within its glide.
pub fn decode_class(id: ParamId, before: Values, after: Values) {
    let frames = 100;
    let alternating = |at: usize| if at.is_multiple_of(2) { [0.1; 2] } else { [-0.1; 2] };
    let tape = Tape::new((0..frames * SAMPLES_PER_LATENT_FRAME).map(alternating).collect::<Vec<_>>())
        .expect("whole latent frames");
    let (mut player, packer, mut transport) = deck(tape, DeckSize::default());
    player.open_at_once();
    let (mut writer, reader) = latents(frames * LATENT_CHANNELS);
    let walk = Walk::new(TapeId::default(), frames, 25);
    let mut patcher = Patcher::new(Box::new(Steady), reader, packer, walk, Lead::new(256, 48_000));
    writer.publish(&vec![0.0; frames * LATENT_CHANNELS]);
    let mut window = |values: &Values, transport: &Transport| {
        let sent = patcher.patch(values, &transport.course());
        let Patched::Sent { frames, .. } = sent else { panic!("a window was called for, {sent:?}") };
        frames
    };
    let whole = LoopBand::whole(transport.tape_frames());
    let band = |values: &Values| {
        let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|it| values.get(it));
        LoopBand::from_faders(start, end, whole.end())
    };
    match id {
        ParamId::WindowS => {
            let long = window(&before, &transport);
            writer.publish(&vec![0.0; frames * LATENT_CHANNELS]);
            let short = window(&after, &transport);
            assert!(20 * SAMPLES_PER_LATENT_FRAME < long && short <= 10 * SAMPLES_PER_LATENT_FRAME, "{long}, {short}");
        }
        ParamId::TapeFeedback => {
            window(&after, &transport);
            let mut sound = vec![[0.0; 2]; 48_000];
            player.fill(&mut sound);
            let (early, late) = (sound[1_000][0].abs(), sound[36_000][0].abs());
            assert!((early - 0.1).abs() < 0.01, "before the window lands the tape is old, found {early}");
            // Half of the old 0.1 and half of the new 0.5, whose signs agree or not with the window's start.
            let shares = [0.3, 0.2].map(|it| (late - it).abs() < 0.01);
            assert!(shares.contains(&true), "old and new share the tape, found {late}");
        }
        ParamId::GainDb => {
            let mut sound = vec![[0.0; 2]; 4_800];
            assert!(transport.set_gain_db(before.get(id)));
            player.fill(&mut sound);
            let loud = sound[4_799][0].abs();
            assert!(transport.set_gain_db(after.get(id)));
            player.fill(&mut sound);
            let quiet = sound[4_799][0].abs();
            assert!(quiet < 0.7 * loud, "{loud} before, {quiet} after");
        }
        ParamId::LoopStart | ParamId::LoopEnd => {
            assert_eq!(band(&before), whole);
            transport.set_band(band(&after)).expect("the band lies on the tape");
            let mut sound = vec![[0.0; 2]; 4_800];
            for _ in 0..100 {
                player.fill(&mut sound);
                assert!(band(&after).contains(transport.playhead().position), "{:?}", transport.playhead());
            }
        }
        // Which moment a tape gets is the conductor's affair, who has the beats; no window is another for it.
        // And what is counted, and read by the model in words, is said in `appliance`.
        ParamId::Transition | ParamId::Tempo | ParamId::TimeSignature | ParamId::Key => {
            assert_eq!(window(&before, &transport), {
                writer.publish(&vec![0.0; frames * LATENT_CHANNELS]);
                window(&after, &transport)
            })
        }
        ParamId::TransitionS => fade_is_heard((after.get(id) * 48_000.0) as usize, &mut player, &mut transport),
        other => panic!("{other:?} is a decode-class value without a law in this test"),
    }
}

/// Both tapes are heard for so many stereo samples when silence comes in, and then no more.
fn fade_is_heard(long: usize, player: &mut Player, transport: &mut Transport) {
    let frames = transport.tape_frames();
    let other = Tape::new(vec![[0.0; 2]; frames]).expect("whole latent frames");
    let berthed = transport.berth().bring(other, 0).expect("there is room");
    let how = Transition { fade_frames: long, ..Transition::at_once(0, frames) };
    transport.hand_over(berthed, &how).expect("the player has time");
    let mut sound = vec![[0.0; 2]; long + 4_800];
    player.fill(&mut sound);
    let at = |place: usize| sound[place][0].abs();
    assert!(0.01 < at(long * 3 / 4) && at(long + 2_400) < 0.001, "{} {}", at(long * 3 / 4), at(long + 2_400));
}
