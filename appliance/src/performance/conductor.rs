//! The slow hand over the fast threads: gestures become values and edges, and the transport follows the values.
//!
//! Owns the store and the binding. It may wait, allocate and log; the threads behind it may not, so everything that
//! reaches them goes through a triple buffer, a bounded queue or an atomic.

mod drawing;
mod meter;
mod on_the_line;
mod pause;
mod takeover;

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use engine::live::{Needs, SetSender, Swap, ValuesWriter, Words};
use engine::param::{Drawn, Edge, EdgeSender, Mark, ParamId, SnapshotReader, Store, Unsent, Values};
use engine::playback::{LoopBand, Transport};
use hal::gesture::{Control, Gesture, Motion, SurfaceId};

use crate::control::binding::{Act, Binding};
use crate::control::desk::Desk;
use crate::control::pen::Pen;
use crate::control::tempo::{Cue, Quantise, TapeBeats, Tempo};
use crate::display::messages::{FaultKey, Level, Messages};
use crate::performance::beginning::{Last, adopt};
use crate::performance::threads::{Bell, Pulse};
use crate::settings::box_file::BoxConfig;
use crate::settings::last_state::Writings;
use crate::settings::model_settings::ModelSettings;
use crate::settings::patch::{Patch, Spoken};
use meter::Meter;
use on_the_line::{LetGo, Waiting};
pub use takeover::{Due, Reason, Wanted};

/// What the conductor needs from the fast side.
pub struct EngineLinks {
    /// Edges to the tick side.
    pub edges: EdgeSender<Swap>,
    /// Values to the decode side.
    pub decode_values: ValuesWriter,
    /// Sets to the decode side.
    pub sets: SetSender,
    /// Seek, band, gain and mute of the tape.
    pub transport: Transport,
}

/// What went wrong on the way to the fast side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The tick side is gone, for good.
    EngineStopped,
    /// The audio thread has not yet taken the orders before.
    NotCaughtUp,
}

/// Owns what the player's hands decide.
pub struct Conductor {
    desk: Desk,
    binding: Binding,
    engine: EngineLinks,
    /// Length of the tape in latent frames: curves are drawn over it.
    frames: usize,
    /// Edges that found the queue full: sent again before any other, so that none is lost or overtaken.
    held: VecDeque<Edge<Swap>>,
    /// What the fast side was told last.
    told: Values,
    fault: Option<Fault>,
    tempo: Tempo,
    /// The tape's beats, where the patch has a tempo.
    beats: Option<TapeBeats>,
    meter: Meter,
    /// Words that the model knows.
    vocabulary: Arc<[String]>,
    quantise: Quantise,
    /// Whether start, stop and continue from outside are followed.
    follows: bool,
    /// Where a pause was made, 0 to 1 of the tape.
    paused: Option<f64>,
    /// What draws, while it is held, and the values when it was taken up.
    pen: Option<(Pen, Values)>,
    /// The parameter that was moved last.
    touched: Option<ParamId>,
    /// How long things take on the fast side, once that is known.
    pulse: Option<Arc<Pulse>>,
    /// A scene that waits for its line of the music.
    waiting: Option<Waiting>,
    /// What was let go for a line that has not come.
    let_go: Option<LetGo>,
    /// What a patch that has come takes until it is heard, and how far ahead its line is.
    comes: Option<(Needs, Duration)>,
    /// The line that the decode side was told of, by its snapshot.
    line_told: Option<u64>,
    /// The line was not met, and that is to be told.
    is_a_line_later: bool,
    /// The words that play, or are to.
    words: Vec<Spoken>,
    /// Whether those are still to be read.
    unread: bool,
    /// Another set that a worker is to prepare.
    wanted: Option<Wanted>,
    /// Words that have left, and are still held by slots that were born with them.
    leaving: Vec<Words>,
    /// Sets that play no more, to be freed by whoever has time.
    spent: Vec<Box<dyn Any + Send>>,
    /// Whether the band is to be sent, whatever it was: another tape plays.
    band_is_due: bool,
    /// Whether the loop's faders mean a tape that is not here yet.
    holds_loop: bool,
    /// Wake the fast threads, which sleep while nothing moves.
    bells: Vec<Bell>,
    /// The snapshot for which they were rung last; 0 when an edge has left since.
    rung: u64,
}

impl Conductor {
    /// Takes the engine under a patch; comes with the tick side's end of the values.
    #[must_use]
    pub fn new(patch: &Patch, frames: usize, engine: EngineLinks) -> (Self, SnapshotReader) {
        Self::begin(patch, frames, engine, None, false)
    }

    /// As [`Self::new`], where the last performance was: the first snapshot is what was left. A player that `plays` already goes on as it
    /// is heard.
    #[must_use]
    pub fn begin(
        patch: &Patch,
        frames: usize,
        engine: EngineLinks,
        last: Option<Last>,
        plays: bool,
    ) -> (Self, SnapshotReader) {
        let (store, reader) = Store::new();
        let mut desk = Desk::new(store);
        // Loading a patch is where a set begins: there is nothing before it to go back to.
        desk.load(&patch.values, &patch.scenes, &drawn(patch, frames), 0);
        let mut binding = Binding::new(patch.map.clone());
        binding.set_prompts(patch.words().len());
        let (mut counted, mut writings) = (patch.clone(), Writings::default());
        if let Some(Last { state, patch: gone_to }) = last {
            if let Some(patch) = gone_to {
                desk.load(&patch.values, &patch.scenes, &drawn(&patch, frames), state.kept.mark.patch);
                binding.map_mut().set_own(patch.map.own().to_vec());
                counted = patch;
            }
            desk.restore(state.kept, state.scene);
            writings = state.writings;
            binding.go_on(state.bank, state.selected);
        }
        if plays {
            adopt(&mut desk, &engine.transport);
        }
        let told = Values::default();
        let mut conductor = Self {
            desk,
            binding,
            engine,
            frames,
            held: VecDeque::new(),
            told,
            fault: None,
            tempo: Tempo::default(),
            beats: None,
            meter: Meter::under(patch.own_words(), writings),
            vocabulary: ModelSettings::default().vocabulary,
            quantise: Quantise::Off,
            follows: true,
            paused: None,
            pen: None,
            touched: None,
            pulse: None,
            waiting: None,
            let_go: None,
            comes: None,
            line_told: None,
            is_a_line_later: false,
            words: patch.words(),
            unread: false,
            wanted: None,
            leaving: Vec::new(),
            spent: Vec::new(),
            band_is_due: false,
            holds_loop: false,
            bells: Vec::new(),
            rung: 0,
        };
        conductor.count(&counted, Duration::ZERO);
        conductor.want_words(&counted);
        // Also where it is the usual one: a player that has just begun knows none, and one that was there may have another.
        conductor.engine.transport.set_gain_db(conductor.desk.store().values().get(ParamId::GainDb));
        conductor.settle(Duration::ZERO);
        (conductor, reader)
    }

    /// Rings these from now on whenever something was sent that the fast threads are to hear.
    pub fn ring_with(&mut self, bells: impl IntoIterator<Item = Bell>) {
        (self.bells, self.rung) = (bells.into_iter().collect(), 0);
    }

    /// Takes what a box's file says of hands and tempo.
    pub fn set_up(&mut self, config: &BoxConfig) {
        (self.quantise, self.follows) = (config.quantise, config.follow);
        self.binding.set_patient(config.quantise != Quantise::Off);
        for feel in &config.feel {
            self.desk.set_feel(feel);
        }
    }

    /// Takes what a model says of its knobs and its words.
    pub fn play_by(&mut self, settings: ModelSettings) {
        self.binding.set_travels(settings.travels);
        self.vocabulary = settings.vocabulary;
    }

    /// Words that the model knows.
    #[must_use]
    pub fn vocabulary(&self) -> Arc<[String]> {
        Arc::clone(&self.vocabulary)
    }

    /// Plays the patch of a number: its values, scenes, curves and map at once, in one stroke that undo takes back. Its words are read
    /// by a worker ([`Self::wanted_words`]); its recording is not of this call.
    pub fn load(&mut self, patch: &Patch, number: u32, now: Duration) {
        self.load_as(patch, Mark { patch: number, ..self.desk.store().mark() }, now);
    }

    /// As [`Self::load`], where other recordings came with it.
    pub fn load_as(&mut self, patch: &Patch, mark: Mark, now: Duration) {
        let words = self.inherited(patch);
        self.desk.load_as(&patch.values, &patch.scenes, &drawn(patch, self.frames), Mark { words, ..mark });
        self.surround(patch, now);
        self.call_off();
        self.patch_on_its_line(now);
        self.settle(now);
    }

    /// Stands in another patch without a value that moves, as after an undo that brought its values: map, tempo, and what `revert` comes
    /// back to.
    pub fn stand_in(&mut self, patch: &Patch, now: Duration) {
        self.desk.stand_by(&patch.values, &drawn(patch, self.frames));
        self.surround(patch, now);
        self.call_off();
    }

    fn surround(&mut self, patch: &Patch, now: Duration) {
        self.binding.map_mut().set_own(patch.map.own().to_vec());
        self.count(patch, now);
        self.want_words(patch);
    }

    /// What was played is saved under this mark, as one stroke that moves no value.
    pub fn note_save(&mut self, patch: &Patch, mark: Mark) {
        self.desk.note_mark(mark);
        self.desk.stand_by(&patch.values, &drawn(patch, self.frames));
    }

    /// These recordings play, by the number that undo knows them by; not a thing to undo.
    pub fn plays_load(&mut self, load: u32) {
        let mark = self.desk.store().mark();
        if mark.load != load {
            self.desk.set_mark(Mark { load, ..mark });
        }
    }

    /// Other recordings play because a hand asked for them, as one stroke that moves no value.
    pub fn note_load(&mut self, load: u32) {
        self.desk.note_mark(Mark { load, ..self.desk.store().mark() });
    }

    /// Plays one gesture, and adds what came of it to `acts` for the display; [`Act::Quit`] is for the caller.
    pub fn play(&mut self, gesture: &Gesture, acts: &mut Vec<Act>) {
        let before = acts.len();
        self.binding.play(gesture, &mut self.desk, acts);
        for act in &mut acts[before..] {
            // A later word counts: what waited for its beat does not come after it.
            if matches!(act, Act::Recalled(..) | Act::Undone(_) | Act::Panicked | Act::Reverted) {
                self.call_off();
            }
            match *act {
                Act::WillRecall(place) => *act = self.recall_on_a_line(place, gesture),
                Act::Moved(id) => self.write(id),
                Act::Draw(begins) => *act = self.draw(begins),
                Act::Form(form) => *act = self.draw_form(form),
                Act::ScaleCurve(by) => *act = self.scale_curve(by),
                Act::Tapped => self.tap(gesture.at),
                Act::SnapLoop => *act = self.snap_loop(gesture.at),
                Act::Went(surface) => self.tempo.gone(surface),
                Act::Reseed => *act = self.reseed_on_a_line(gesture),
                Act::Mute => self.mute(),
                Act::Pause => *act = self.pause(),
                Act::Panicked => self.play_on(),
                Act::Seek(place) => self.go_to(f64::from(place)),
                Act::SeekBy(part) => self.go_to((self.place() + f64::from(part)).rem_euclid(1.0)),
                _ => {}
            }
        }
        if let Motion::Transport(message) = gesture.motion
            && let Some(cue) = self.tempo.hear(gesture.at, gesture.surface, message).filter(|_| self.follows)
        {
            self.follow(cue, acts);
        }
        self.settle(gesture.at);
    }

    /// A sequencer starts, stops, goes on: the sound comes and goes, and the tape turns on underneath.
    fn follow(&mut self, cue: Cue, acts: &mut Vec<Act>) {
        match cue {
            Cue::Start => {
                self.go_to(0.0);
                self.play_on();
            }
            Cue::Continue => self.play_on(),
            Cue::Stop => self.engine.transport.set_muted(true),
            // Four sixteenths a beat; a song that is longer than the tape goes round.
            Cue::Locate(sixteenth) => {
                if let Some(beats) = self.beats {
                    let tape = self.engine.transport.tape_frames() as f64;
                    self.go_to((f64::from(sixteenth) / 4.0 / beats.beats_at(tape)).fract());
                }
            }
        }
        acts.push(Act::Followed(cue));
    }

    /// Brings the fast side up to date at `now`: values on their way, edges that waited, values of the tape. Call it often
    /// even when nothing moves.
    pub fn settle(&mut self, now: Duration) {
        self.bring_up_to_date(now);
        let sent = self.desk.store().snapshot().generation;
        if sent != self.rung {
            self.rung = sent;
            self.bells.iter().for_each(Bell::ring);
        }
    }

    fn bring_up_to_date(&mut self, now: Duration) {
        self.desk.walk(now);
        self.go_on_drawing();
        self.follow_meter(now);
        if let Some(beats) = self.beats {
            self.tempo.set_tape(now, beats.beats_at(self.engine.transport.playhead().position as f64));
        }
        self.send_edges();
        self.take_home();
        self.engine.transport.collect();
        let line = self.line_of_now();
        let values = *self.desk.store().values();
        // New seeds move no value, and a line that was called off is not waited for.
        let is_another_line = std::mem::replace(&mut self.line_told, line.map(|it| it.generation)) != self.line_told;
        if values == self.told && !self.band_is_due && !is_another_line {
            return;
        }
        self.engine.decode_values.write_for(&values, line);
        let mut told = values;
        // Level and loop go past the windows: they wait here for the line.
        if line.is_none() {
            self.engine.transport.set_gain_db(values.get(ParamId::GainDb));
        } else {
            keep(&[ParamId::GainDb], &self.told, &mut told);
        }
        let band = |of: &Values| [of.get(ParamId::LoopStart), of.get(ParamId::LoopEnd)];
        if band(&values) != band(&self.told) || self.band_is_due {
            let [start, end] = band(&values);
            let tape_frames = self.engine.transport.tape_frames();
            let to = LoopBand::from_faders(start, end, tape_frames);
            let waits = line.is_some() || self.holds_loop;
            let is_ordered = !waits && self.engine.transport.set_band(to).is_ok();
            if !waits {
                self.band_is_due = !is_ordered;
            }
            if !is_ordered {
                // The audio thread has not caught up, or the line has not come: the band is tried again at the next call.
                keep(&[ParamId::LoopStart, ParamId::LoopEnd], &self.told, &mut told);
            }
        }
        self.told = told;
    }

    /// Edges that waited, then curves that were drawn or taken back; the values that belong to those leave behind them.
    fn send_edges(&mut self) {
        let (edges, fault, rung) = (&mut self.engine.edges, &mut self.fault, &mut self.rung);
        let mut send = |edge, generation| match edges.send(edge, generation) {
            Ok(()) => {
                *rung = 0;
                None
            }
            Err(Unsent::Full(edge)) => Some(edge),
            Err(Unsent::Stopped(_)) => {
                *fault = Some(Fault::EngineStopped);
                None
            }
        };
        let now = self.desk.store().snapshot().generation;
        while let Some(edge) = self.held.pop_front() {
            if let Some(edge) = send(edge, now) {
                self.held.push_front(edge);
                return;
            }
        }
        self.desk.send_curves(|id, curve, generation| send(Edge::SetCurve(id, curve), generation).is_none());
    }

    fn seek(&mut self, place: f64) {
        let frames = self.engine.transport.tape_frames();
        let to = ((place.clamp(0.0, 1.0) * frames as f64) as usize).min(frames - 1);
        if self.engine.transport.seek(to).is_err() {
            self.fault = Some(Fault::NotCaughtUp);
        }
    }

    /// What the tick side is done with is freed here: words only when no slot has them any more.
    fn take_home(&mut self) {
        for edge in self.engine.edges.come_home() {
            match edge {
                Edge::Load(Swap::Words(words)) => self.leaving.push(*words),
                // A whole set takes a while.
                Edge::Load(Swap::Set(load)) => self.spent.push(load),
                _ => {}
            }
        }
        while let Some(set) = self.engine.sets.come_home() {
            self.spent.push(set);
        }
        self.leaving.retain_mut(|it| !it.let_go());
    }

    /// Words that have left and are still held.
    #[must_use]
    pub fn leaving(&self) -> usize {
        self.leaving.len()
    }

    /// Words that a worker is to read, once.
    pub fn wanted_words(&mut self) -> Option<Vec<Spoken>> {
        std::mem::take(&mut self.unread).then(|| self.words.clone())
    }

    /// The words that play, or are on their way.
    #[must_use]
    pub fn words(&self) -> &[Spoken] {
        &self.words
    }

    /// The words that were wanted cannot be had: these play on.
    pub fn keep_words(&mut self, words: Vec<Spoken>) {
        self.binding.set_prompts(words.len());
        self.words = words;
    }

    /// Hands the tick side what a worker prepared.
    pub fn swap(&mut self, swap: Swap) {
        self.held.push_back(Edge::Load(swap));
    }

    /// The values of now.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.desk.store()
    }

    /// The values under the hands.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The tempo that counts.
    #[must_use]
    pub const fn tempo(&self) -> &Tempo {
        &self.tempo
    }

    /// The gain goes up by so many decibel, or down, as far as it goes, as one stroke; what it was and what it is.
    pub fn raise_gain(&mut self, by_db: f64, now: Duration) -> (f64, f64) {
        let (before, row) = (self.desk.store().aims().exact(ParamId::GainDb), ParamId::GainDb.row());
        self.desk.end_stroke();
        let wanted = (before + by_db).clamp(row.low, row.high);
        self.desk.turn(ParamId::GainDb, wanted, now).expect("a gain is a number");
        self.desk.end_stroke();
        (before, wanted)
    }

    /// The tape's beats, where the patch has a tempo.
    #[must_use]
    pub const fn beats(&self) -> Option<TapeBeats> {
        self.beats
    }

    /// The binding.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        &self.binding
    }

    /// The binding, to give a controller its map.
    pub fn binding_mut(&mut self) -> &mut Binding {
        &mut self.binding
    }

    /// The tape's transport.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.engine.transport
    }

    /// Tells what went wrong since the last call.
    pub fn tell_faults(&mut self, messages: &mut Messages) {
        if std::mem::take(&mut self.is_a_line_later) {
            messages.tell(Level::Info, "it comes with the line after: generations took longer than before");
        }
        match self.fault.take() {
            Some(Fault::EngineStopped) => messages.fault(FaultKey::EngineTick, "the engine has stopped"),
            Some(Fault::NotCaughtUp) => messages.tell(Level::Warning, "the audio thread has not caught up; seek again"),
            None => {}
        }
    }
}

/// The machine that changed the program, where a gesture is that.
#[must_use]
pub fn by_program(gesture: &Gesture) -> Option<SurfaceId> {
    matches!(gesture.motion, Motion::Pressed(Control::Program { .. }, _)).then_some(gesture.surface)
}

#[cfg(test)]
#[path = "conductor_gesture_tests.rs"]
mod gesture_tests;

/// These parameters are as they were.
fn keep(ids: &[ParamId], were: &Values, told: &mut Values) {
    ids.iter().for_each(|id| _ = told.set(*id, were.exact(*id)));
}

/// A patch's curves, one value a latent frame.
fn drawn(patch: &Patch, frames: usize) -> Drawn {
    let mut drawn = Drawn::default();
    for (id, curve) in &patch.curves {
        drawn.set(*id, Some(curve.resample(frames)));
    }
    drawn
}

#[cfg(test)]
#[path = "conductor_tests.rs"]
mod tests;
