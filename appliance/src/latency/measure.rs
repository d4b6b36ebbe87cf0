//! An instrument that plays, muted, under hands that nobody has, until every move was heard.
//!
//! The threads are those of a performance, in one process with the sound, and a gesture goes the way of every gesture: through the
//! inbox, the conductor, the store. What is measured is therefore what a player gets on this machine with this device, but for the
//! wire of a controller.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use engine::latent::SAMPLE_RATE_HZ;
use engine::param::{Class, ParamId};
use engine::playback::Lead;
use hal::audio::{Ask, AudioOut};
use hal::gesture::{Clock as _, WallClock};
use rtrb::{Consumer, RingBuffer};

use crate::compute::set::Set;
use crate::handover::words::Told;
use crate::latency::ear::{Ear, Reader};
use crate::latency::figures::Figures;
use crate::latency::hands::{Hands, class_of};
use crate::latency::ways::{Gone, Move, way, window_of};
use crate::performance::beginning::Beginning;
use crate::performance::conductor::Conductor;
use crate::performance::ending::{End, Leave, Running};
use crate::performance::gesture_intake::GestureIntake;
use crate::performance::instrument::{EngineParts, Instrument};
use crate::performance::threads::{self, AudioNews, DecodeQueues, NotPlayed, Pulse, Read, Sent, Ticked};
use crate::surface::surfaces::Surfaces;

/// How long the first window is waited for: a model is slow on a busy machine.
const TO_BEGIN: Duration = Duration::from_secs(120);
/// How long the last moves are waited for.
const TO_END: Duration = Duration::from_secs(30);
/// Between two looks while nothing is to be done.
const LOOK: Duration = Duration::from_millis(5);
/// Queues of the fast threads.
const ROOM: usize = 16;
/// Seconds that a window may land ahead at most, as in a performance.
const LEAD_MOST_S: usize = 8;
/// How long hands are given to end.
const CLOSING: Duration = Duration::from_millis(800);

/// What was measured.
pub struct Measured {
    /// Every move that was followed to the ear.
    pub ways: Vec<(Class, [Option<u64>; 4])>,
    /// Moves that were made, of each class.
    pub asked: Vec<Class>,
    /// The delay that the device told.
    pub device: Option<Figures>,
    /// Windows that came too late, and gaps of the device.
    pub late: u64,
    /// See `late`.
    pub underruns: u64,
    /// Generations in flight, and steps of each.
    pub depth: [usize; 2],
    /// What the sound device had to say.
    pub said: Vec<String>,
    /// Why nothing of it was heard there: it is away, or takes nothing.
    pub away: Option<String>,
}

/// Somebody ended it before it was done.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: nothing was measured")]
pub struct Interrupted;

/// Plays `set` to `out` and moves each class so many times.
///
/// # Errors
/// When the sound cannot begin, no window comes, or something crashed; [`Interrupted`] when `leave` is asked.
pub fn measure(
    set: Set,
    out: Box<dyn AudioOut + Send>,
    ask: Ask,
    hands: usize,
    leave: &Leave,
) -> anyhow::Result<Measured> {
    let mut playing = Playing::start(set, out, ask, leave)?;
    let measured = playing.follow(hands, leave);
    let ended = playing.end(leave);
    let measured = measured?;
    ended?;
    Ok(measured)
}

/// What plays.
struct Playing {
    conductor: Conductor,
    pulse: Arc<Pulse>,
    audio: Running<Result<(), NotPlayed>>,
    engine: Vec<Running<()>>,
    news: Consumer<AudioNews>,
}

/// What the fast threads noted.
#[derive(Default)]
struct Noted {
    read: Read,
    ticks: Vec<Ticked>,
    windows: Vec<Sent>,
    moves: Vec<Move>,
}

impl Playing {
    fn start(set: Set, out: Box<dyn AudioOut + Send>, ask: Ask, leave: &Leave) -> anyhow::Result<Self> {
        let tape_frames = set.tape.len();
        let most = (LEAD_MOST_S * SAMPLE_RATE_HZ as usize).min(tape_frames / 2);
        let lead = Lead::new(ask.period_frames, most);
        let Instrument { player, engine } =
            Instrument::begin(set, lead, Beginning { ask, muted: true, last: None, tape: None })?;
        let EngineParts { ticks, patcher, values, sets, mut conductor, .. } = engine;
        // The hands know the usual map alone.
        conductor.binding_mut().map_mut().set_own(Vec::new());
        let (tell, news) = RingBuffer::new(ROOM);
        let audio = threads::audio(out, ask, player, tell, leave)?;
        let meters = conductor.transport().meters().clone();
        let pulse = Arc::new(Pulse::default());
        conductor.ring_with([pulse.tick_bell.clone(), pulse.window_bell.clone()]);
        // Nobody takes a lost device's place here, and what fails is counted.
        let queues =
            DecodeQueues { incoming: RingBuffer::new(1).1, home: RingBuffer::new(1).0, troubles: RingBuffer::new(1).0 };
        let engine = vec![
            threads::ticks(ticks, RingBuffer::new(1).0, Arc::clone(&pulse), leave)?,
            threads::windows(patcher, values, sets, meters, queues, Arc::clone(&pulse), leave)?,
        ];
        Ok(Self { conductor, pulse, audio, engine, news })
    }

    /// Moves, follows, and waits until all was heard.
    fn follow(&mut self, hands: usize, leave: &Leave) -> anyhow::Result<Measured> {
        let begun = Instant::now();
        while self.pulse.windows.load(Relaxed) == 0 {
            self.goes_on(leave)?;
            if TO_BEGIN < begun.elapsed() {
                bail!("no window came within {} s: this machine is too slow for the model", TO_BEGIN.as_secs());
            }
            std::thread::sleep(LOOK);
        }
        let ear = Reader::start(self.conductor.transport().meters().clone(), Arc::clone(&self.pulse))?;
        let noted = self.play(hands, leave);
        let ear = ear.end();
        Ok(self.told(&noted?, &ear))
    }

    fn play(&mut self, hands: usize, leave: &Leave) -> anyhow::Result<Noted> {
        let (clock, mut noted) = (WallClock::start(), Noted::default());
        let mut surfaces = Surfaces::default();
        surfaces.add_named("virtual hands", Box::new(Hands::new(clock, hands)))?;
        let wanted = hands * super::hands::MOVED.len();
        let (mut intake, mut last) = (GestureIntake::default(), None);
        let done = loop {
            if let Err(error) = self.goes_on(leave) {
                break Err(error);
            }
            self.hear(&mut intake, &surfaces, clock, &mut noted);
            if noted.moves.len() == wanted {
                let last: Instant = *last.get_or_insert_with(Instant::now);
                if self.all_heard(&noted) || TO_END < last.elapsed() {
                    break Ok(());
                }
            }
        };
        let _ = surfaces.close(CLOSING);
        done.map(|()| noted)
    }

    /// A round of gestures, as in a performance.
    fn hear(&mut self, intake: &mut GestureIntake, surfaces: &Surfaces, clock: WallClock, noted: &mut Noted) {
        let Self { conductor, pulse, .. } = self;
        intake.wait(surfaces, conductor);
        intake.thin_out(conductor);
        let mut acts = Vec::new();
        for gesture in intake.drain() {
            let before = conductor.store().snapshot().generation;
            conductor.play(&gesture, &mut acts);
            let now = Instant::now();
            let (told_us, age) = (pulse.trace.time(now), clock.now().saturating_sub(gesture.at));
            let generation = before + 1;
            if let Some(class) = class_of(&gesture).filter(|_| before < conductor.store().snapshot().generation) {
                let at_us = told_us.saturating_sub(age.as_micros() as u64);
                noted.moves.push(Move { class, at_us, told_us, generation });
            }
        }
        conductor.settle(clock.now());
        pulse.trace.take(&mut noted.read, &mut noted.ticks, &mut noted.windows);
    }

    /// Whether every move is in a window that has been played.
    fn all_heard(&self, noted: &Noted) -> bool {
        let played = self.conductor.transport().playhead().played.count();
        let is_heard = |it: &Move| window_of(it, &noted.ticks, &noted.windows).is_some_and(|(_, it)| it.due < played);
        noted.moves.iter().rev().all(is_heard)
    }

    /// Whether everything still plays.
    fn goes_on(&mut self, leave: &Leave) -> anyhow::Result<()> {
        if leave.is_asked() {
            bail!(Interrupted);
        }
        if self.audio.look().is_some() {
            bail!("the sound has ended by itself");
        }
        if let Some(thread) = self.engine.iter_mut().find_map(|it| it.look().is_some().then(|| it.name())) {
            bail!("the {thread} thread crashed; please report it");
        }
        Ok(())
    }

    fn told(&mut self, noted: &Noted, ear: &Ear) -> Measured {
        let gone = |it: &Move| {
            let Gone { hand_to_tick, to_window, window_to_ear, hand_to_ear } =
                way(it, &noted.ticks, &noted.windows, ear)?;
            Some((it.class, [hand_to_tick, Some(to_window), Some(window_to_ear), Some(hand_to_ear)]))
        };
        let meters = self.conductor.transport().meters();
        let values = self.conductor.store().values();
        let (mut said, mut away) = (Vec::new(), None);
        while let Ok(news) = self.news.pop() {
            match news.told() {
                Told::News(words) => said.push(words),
                Told::Away(words) | Told::Over(words) => away = Some(words),
                Told::Back => away = None,
                Told::Welcome { .. } | Told::Refused(_) | Told::Ended(_) => {}
            }
        }
        Measured {
            ways: noted.moves.iter().filter_map(gone).collect(),
            asked: noted.moves.iter().map(|it| it.class).collect(),
            device: Figures::of(ear.delays_us()),
            late: meters.windows_late.load(Relaxed),
            underruns: meters.underruns.load(Relaxed),
            depth: [ParamId::Depth, ParamId::Steps].map(|it| values.whole(it)),
            said,
            away,
        }
    }

    fn end(self, leave: &Leave) -> anyhow::Result<()> {
        leave.ask();
        let deadline = leave.deadline();
        self.pulse.end();
        let sound = self.audio.join_by(deadline);
        for thread in self.engine {
            let _ = thread.join_by(deadline);
        }
        match sound {
            End::Done(played) => played.context("not all of the sound arrived"),
            End::Crashed => bail!("the sound crashed; please report it"),
            End::Not => bail!("the sound did not end in time"),
        }
    }
}
