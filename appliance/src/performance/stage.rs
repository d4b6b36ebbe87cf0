//! A performance from the first sound to the last: starts the threads, turns gestures into values until somebody leaves, and ends.
//!
//! The sound starts first and ends first, so that whatever happens around it is not heard: at the wish to leave it fades by itself
//! ([`threads::audio`]), then the engine's threads end, and surfaces, displays and the card's watch are let go side by side, all by
//! one deadline ([`Leave`]). A thread of the engine that crashes begins again, or is a fault that stands; the tape plays on. A
//! conductor that crashes ends the engine in order, and leaves a player in another process to the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use engine::playback::Lead;
use hal::audio::{AudioOut, News};
use rtrb::{Consumer, RingBuffer};

use crate::compute::loader::{Heard, longest_lead};
use crate::compute::set::Set;
use crate::display::messages::{FaultKey, Level, Messages};
use crate::display::status::Status;
use crate::handover::words as handover;
use crate::performance::beginning::Beginning;
use crate::performance::conductor::Conductor;
use crate::performance::device_side::DeviceSide;
use crate::performance::ending::{CONDUCTOR, End, Leave, NotEnded, Running, SOUND};
use crate::performance::hold_ups::HoldUps;
use crate::performance::instrument::{EngineParts, Instrument};
use crate::performance::keeper::Keeper;
use crate::performance::loading::{Arrived, Loading};
use crate::performance::on_purpose::{self, Who};
use crate::performance::remote::Remote;
use crate::performance::surface_side::SurfaceSide;
use crate::performance::tempo_finder::TempoFinder;
use crate::performance::threads::{self, AudioNews, NotPlayed, Pulse, TICKS, WINDOWS};
use crate::performance::view::View;
use crate::service::attendant::Looked;
use crate::service::vitals::Vitals;

/// How often the status is drawn.
const FRAME: Duration = Duration::from_millis(33);
/// News of the audio thread that may wait; what finds no room waits there.
const NEWS: usize = 16;
/// What remains of the time to end when the sound is no longer waited for.
const TIME_FOR_OTHERS: Duration = Duration::from_millis(500);
/// How long surfaces and wires are given to say their last word and end.
const CLOSING: Duration = Duration::from_millis(800);

/// Who plays.
pub enum Sound {
    /// A thread of this process, to this output.
    Here(Box<dyn AudioOut + Send>),
    /// Another process.
    Remote(Box<Remote>),
}

/// Something panicked while it played.
#[derive(Debug, thiserror::Error)]
#[error("crashed while playing: {}; please report it", names.join(", "))]
pub struct Crashed {
    /// What.
    pub names: Vec<&'static str>,
}

/// The running threads and the conductor.
pub struct Stage {
    name: String,
    seconds: f64,
    conductor: Conductor,
    pulse: Arc<Pulse>,
    device: DeviceSide,
    /// What is prepared while it plays, where there is a model to do so.
    loading: Option<Loading>,
    tempo: TempoFinder,
    audio: Running<Result<(), NotPlayed>>,
    engine: Vec<Running<()>>,
    /// Who crashed for good, and was told.
    crashed: Vec<&'static str>,
    /// Crashes of tick thread and decode thread that were told.
    told: [u64; 2],
    news: Consumer<AudioNews>,
    /// Who is to crash once windows come, for who checks what becomes of it.
    on_purpose: Vec<Who>,
    leave: Leave,
}

/// What the conductor is to tell the player.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// For a moment.
    Words(String),
    /// Until it is over.
    Fault(FaultKey, String),
    /// A fault is over, with these words.
    Over(FaultKey, String),
}

impl Told {
    fn to(self, messages: &mut Messages) {
        match self {
            Self::Words(words) => messages.tell(Level::Warning, &words),
            Self::Fault(key, words) => messages.fault(key, &words),
            Self::Over(key, words) => messages.over_with(&key, &words),
        }
    }
}

impl Stage {
    /// Starts to play a set, where `beginning` says: the sound, then what computes it.
    ///
    /// # Errors
    /// When the recording cannot be a tape, or the system has no thread left.
    pub fn start(mut set: Set, sound: Sound, beginning: Beginning, leave: &Leave) -> anyhow::Result<Self> {
        let (seconds, name, tape_frames) = (set.seconds(), set.name.clone(), set.tape.len());
        let ask = beginning.ask;
        let recording = Arc::clone(&set.tape);
        let (device, tick_troubles, queues) = DeviceSide::new(set.recovery.take());
        let lead = Lead::new(ask.period_frames, longest_lead(tape_frames));
        let (tell, news) = RingBuffer::new(NEWS);
        // Sound first: the tape is the source itself, so there is something to hear before the first tick.
        let (audio, parts) = match sound {
            Sound::Here(out) => {
                let Instrument { player, engine } = Instrument::begin(set, lead, beginning)?;
                (threads::audio(out, ask, player, tell, leave)?, engine)
            }
            Sound::Remote(remote) => {
                let (packer, transport, plays) = remote.ends(&set.tape, &beginning)?;
                let parts = EngineParts::new(set, lead, packer, transport, beginning.last, plays);
                (remote.watch(tell, leave)?, parts)
            }
        };
        let EngineParts { ticks, patcher, values, sets, mut conductor, loading } = parts;
        let meters = conductor.transport().meters().clone();
        let pulse = Arc::new(Pulse::default());
        conductor.look_at(Arc::clone(&pulse));
        conductor.ring_with([pulse.tick_bell.clone(), pulse.window_bell.clone()]);
        let engine = vec![
            threads::ticks(ticks, tick_troubles, Arc::clone(&pulse), leave)?,
            threads::windows(patcher, values, sets, meters, queues, Arc::clone(&pulse), leave)?,
        ];
        let mut tempo = TempoFinder::default();
        tempo.listen(&recording);
        let (crashed, told, leave) = (Vec::new(), [0; 2], leave.clone());
        let loading = Some(loading);
        Ok(Self {
            name,
            seconds,
            conductor,
            pulse,
            device,
            loading,
            tempo,
            audio,
            engine,
            crashed,
            told,
            news,
            on_purpose: Vec::new(),
            leave,
        })
    }

    /// The recording's name, and its length in seconds.
    #[must_use]
    pub fn playing(&self) -> (&str, f64) {
        (&self.name, self.seconds)
    }

    /// The conductor.
    pub fn conductor(&mut self) -> &mut Conductor {
        &mut self.conductor
    }

    /// Has these crash once windows come, for who checks what becomes of it.
    pub fn crash_on_purpose(&mut self, who: &[Who]) {
        self.on_purpose = who.to_vec();
    }

    /// What the service manager is told of, where one started us: that the first window has come, and that hands, ticks and windows
    /// go on.
    #[must_use]
    pub fn looked(&self) -> Looked {
        let count = |of: fn(&Pulse) -> &AtomicU64| {
            let pulse = Arc::clone(&self.pulse);
            move || of(&pulse).load(Relaxed)
        };
        let vitals = Vitals::default()
            .with(CONDUCTOR, count(|it| &it.conductor_turns))
            .with(TICKS, count(|it| &it.tick_turns))
            .with(WINDOWS, count(|it| &it.window_turns));
        let (pulse, leave) = (Arc::clone(&self.pulse), self.leave.clone());
        let ready = Box::new(move || pulse.windows.load(Relaxed) > 0);
        Looked { ready, ends: Box::new(move || leave.is_asked()), vitals, note: Box::new(|_| ()) }
    }

    /// The conductor's loop: until somebody leaves, `seconds` are over, or the sound has ended by itself. Should it panic, that is a
    /// wish to end too, but for a player in another process.
    pub fn play(&mut self, surface_side: &mut SurfaceSide, view: &mut View, keeper: &mut Keeper, seconds: Option<f64>) {
        let leave = self.leave.clone();
        if !leave.lead(|| self.conduct(surface_side, view, keeper, seconds)) {
            self.crashed.push(CONDUCTOR);
        }
    }

    fn conduct(&mut self, surface_side: &mut SurfaceSide, view: &mut View, keeper: &mut Keeper, seconds: Option<f64>) {
        let begun = Instant::now();
        let (mut drawn, mut hold_ups) = (begun, HoldUps::of_this_thread());
        while !self.leave.is_asked() && seconds.is_none_or(|it| begun.elapsed().as_secs_f64() < it) {
            self.pulse.conductor_turns.fetch_add(1, Relaxed);
            if 0 < self.pulse.windows.load(Relaxed) {
                self.on_purpose.drain(..).for_each(on_purpose::ask);
            }
            [Who::Conductor, Who::Memory].into_iter().for_each(on_purpose::crash_if_asked);
            if self.audio.look().is_some() {
                break;
            }
            surface_side.wait(&self.conductor);
            hold_ups.begin();
            if surface_side.hear(&mut self.conductor, view) {
                break;
            }
            hold_ups.done("hands");
            self.look_around(surface_side, view, keeper);
            hold_ups.done("threads");
            keeper.look(&mut self.conductor, surface_side, view, self.pulse.windows.load(Relaxed));
            hold_ups.done("keeping");
            if FRAME <= drawn.elapsed() {
                drawn = Instant::now();
                let around = |status: &mut Status| surface_side.show(&self.conductor, status);
                view.draw(&self.conductor, &self.pulse, around, surface_side.now());
            }
            hold_ups.end("displays");
        }
        tracing::info!("the conductor was {}", hold_ups.seen());
        keeper.rest(&mut self.conductor, surface_side, view);
    }

    /// What device, loader and the engine's threads have to say.
    fn look_around(&mut self, surface_side: &mut SurfaceSide, view: &mut View, keeper: &mut Keeper) {
        self.device.look_after(&mut self.conductor, view);
        let patch = surface_side.list().playing().map_or("the patch", |it| it.name.as_str());
        if let Some(loading) = &mut self.loading
            && let Some(arrived) = loading.look_after(patch, surface_side.now(), &mut self.conductor, view.messages())
        {
            self.arrived(&arrived, surface_side, view, keeper);
        }
        if let Some(loading) = &mut self.loading
            && let Some((sources, words)) = surface_side.next_to_prepare(&self.conductor)
        {
            loading.expect(sources, words);
        }
        if let Some(bpm) = self.tempo.come()
            && self.conductor.hears_tempo(Some(bpm), surface_side.now())
        {
            view.messages().hand(&format!(
                "{} has {bpm:.1} beats a minute, as it is heard; tap, or set tempo, where it has not",
                self.name
            ));
        }
        surface_side.awaits(self.loading.as_ref().and_then(|it| it.coming_patch(&self.conductor)));
        for (thread, told) in self.crashes() {
            told.to(view.messages());
            self.device.build_again(thread, &mut self.conductor, view);
        }
        for told in self.look_after() {
            told.to(view.messages());
        }
    }

    /// Another set plays: everybody who says which one, or keeps it, hears of it.
    fn arrived(&mut self, arrived: &Arrived, surface_side: &mut SurfaceSide, view: &mut View, keeper: &mut Keeper) {
        let Heard { name, .. } = &*arrived.recording;
        (self.name, self.seconds) = (name.clone(), arrived.recording.seconds());
        view.plays(name, self.seconds);
        let sound = &arrived.recording.sound;
        let heard = if arrived.is_another { self.tempo.listen(sound) } else { self.tempo.go_on(sound) };
        self.conductor.hears_tempo(heard, surface_side.now());
        surface_side.arrived(arrived, &mut self.conductor, view);
        keeper.plays(&arrived.recording, &arrived.sources);
    }

    /// Which of the engine's threads have crashed since the last look and go on.
    fn crashes(&mut self) -> Vec<(&'static str, Told)> {
        let of = [
            (TICKS, FaultKey::EngineTick, &self.pulse.tick_crashes),
            (WINDOWS, FaultKey::EngineDecode, &self.pulse.window_crashes),
        ];
        let mut crashed = Vec::new();
        for ((thread, key, crashes), told) in of.into_iter().zip(&mut self.told) {
            let crashes = crashes.load(Relaxed);
            if *told < crashes {
                *told = crashes;
                let words =
                    format!("the {thread} thread crashed and begins again ({crashes} so far); please report it");
                crashed.push((thread, Told::Fault(key, words)));
            }
        }
        crashed
    }

    /// What the threads have to say since the last look; they are told whether something is prepared beside them.
    fn look_after(&mut self) -> Vec<Told> {
        self.pulse.crowded.store(self.loading.as_ref().is_some_and(Loading::is_busy), Relaxed);
        let mut told: Vec<Told> = std::iter::from_fn(|| self.news.pop().ok()).filter_map(words).collect();
        for thread in &mut self.engine {
            let name = thread.name();
            // They end only when they are told to, and that is after this.
            if thread.look().is_some() && !self.crashed.contains(&name) {
                self.crashed.push(name);
                let (key, lost) = match name {
                    TICKS => (FaultKey::EngineTick, "nothing new is generated"),
                    _ => (FaultKey::EngineDecode, "nothing new is heard"),
                };
                let words =
                    format!("the {name} thread crashed: the tape plays on, {lost}; restart, and please report it");
                told.push(Told::Fault(key, words));
            }
        }
        told
    }

    /// Fades out and ends everything by the deadline; says how it went.
    ///
    /// # Errors
    /// When the output failed or a thread crashed; [`NotEnded`] when something hangs.
    pub fn finish(mut self, surface_side: SurfaceSide, mut view: View) -> anyhow::Result<()> {
        self.leave.ask();
        let deadline = self.leave.deadline();
        // A fade takes a tenth of a second. An output that hangs leaves the others their time.
        let sound = self.audio.join_by(deadline - TIME_FOR_OTHERS);
        self.pulse.end();
        let mut others = std::mem::take(&mut self.engine);
        let (displays, watch) = view.close();
        let surfaces = self.leave.spawn("surfaces", move || surface_side.close(CLOSING))?;
        others.push(self.leave.spawn("displays", move || displays.close())?);
        if let Some(mut watch) = watch {
            others.push(self.leave.spawn("card health", move || watch.close())?);
        }
        let (mut hang, mut crashed) = (Vec::new(), self.crashed);
        match surfaces.join_by(deadline) {
            End::Done(names) => view.not_closed(&names),
            End::Crashed => crashed.push("surfaces"),
            End::Not => hang.push("surfaces"),
        }
        for other in others {
            let name = other.name();
            match other.join_by(deadline) {
                End::Done(()) => {}
                End::Crashed => crashed.push(name),
                End::Not => hang.push(name),
            }
        }
        view.farewell(&self.pulse, self.conductor.transport().meters());
        if let End::Not = sound {
            hang.insert(0, SOUND);
        }
        if !hang.is_empty() {
            return Err(NotEnded { names: hang }.into());
        }
        match sound {
            End::Done(played) => played.context("not all of the sound arrived")?,
            End::Crashed => crashed.push(SOUND),
            End::Not => {}
        }
        crashed.sort_unstable();
        crashed.dedup();
        match crashed.is_empty() {
            true => Ok(()),
            false => Err(Crashed { names: crashed }.into()),
        }
    }
}

/// Tells the player what became of the output.
pub fn tell_output(news: News, messages: &mut Messages) {
    if let Some(told) = words(AudioNews::Output(news)) {
        told.to(messages);
    }
}

/// What the audio thread tells, as a player reads it.
fn words(news: AudioNews) -> Option<Told> {
    let device = FaultKey::SoundDevice;
    let of_player = match news {
        AudioNews::Stands(..) => Some(true),
        AudioNews::PlaysAgain(_) => Some(false),
        _ => None,
    };
    match news.told() {
        handover::Told::News(words) if of_player == Some(true) => Some(Told::Fault(FaultKey::Player, words)),
        handover::Told::News(words) if of_player == Some(false) => Some(Told::Over(FaultKey::Player, words)),
        handover::Told::News(words) => Some(Told::Words(words)),
        handover::Told::Away(why) => Some(Told::Fault(device, format!("{why}; playing on, waiting for it"))),
        handover::Told::Back => Some(Told::Over(device, "the sound device is here".to_owned())),
        handover::Told::Over(why) => Some(Told::Fault(device, format!("{why}; playing on, into nothing"))),
        // These are answers, and no news.
        handover::Told::Welcome { .. } | handover::Told::Refused(_) | handover::Told::Ended(_) => None,
    }
}

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
