//! What is kept of a performance while it goes on, so that the next start finds it: the last state, that it has not ended yet, and whether the
//! box's file has started the box.
//!
//! Runs on the conductor's thread and waits for nobody: what is written is written by threads that nobody waits for. The state is written when
//! it is another, at once after a rest and then every [`PERIOD`] at most: what a hand has just done is on the disk within two seconds. Where the
//! disk refuses it is tried again at that pace, and one fault stands meanwhile. Scenes go to the disk at once as they are kept.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::param::ParamId;

use crate::compute::loader::Heard;
use crate::display::messages::{FaultKey, Level, Messages};
use crate::performance::conductor::Conductor;
use crate::performance::ending::{Leave, Running};
use crate::performance::state_writer::{StateWriter, not_kept};
use crate::performance::surface_side::SurfaceSide;
use crate::performance::tape_keeper::{TapeKeeper, TapeKept, tape_not_kept};
use crate::performance::view::View;
use crate::settings::box_file::{Screen, Trial};
use crate::settings::last_state::{LastState, Origin, Playing, Shelf, SoundSum, Starts};
use crate::settings::patch::Sources;

/// How long it plays until a start counts as one that went well, where no window comes: a set whose prompts are all refused has none, and the
/// box's file is not at fault.
const GOES_WELL: Duration = Duration::from_secs(10);
/// Between two states that are written; with the time that a disk takes, within two seconds.
pub const PERIOD: Duration = Duration::from_millis(1_500);

/// Where nothing is kept, nothing is saved either: there is no place for what a save replaces.
const NOTHING_SAVED: &str = "not saved: another performance has the state folder, or nothing can be written there";

/// What is kept of a performance where it can be.
#[derive(Debug)]
pub struct Kept {
    /// The file, as this performance's own.
    pub shelf: Shelf,
    /// The note that it has not ended yet.
    pub starts: Starts,
    /// The recording that was started with.
    pub recording: String,
    /// Its sound.
    pub sound: SoundSum,
    /// The recordings that play, where those of the start do not.
    pub sources: Option<Sources>,
    /// The folder of the start's model.
    pub model: PathBuf,
}

impl Kept {
    /// What plays at the start: recordings, where those of the start do not, and the folder of the start's model.
    pub fn begins_on(&mut self, sources: Option<&Sources>, model: &Path) {
        (self.sources, self.model) = (sources.cloned(), model.to_owned());
    }
}

/// Keeps what the next start is to know.
#[derive(Debug)]
pub struct Keeper {
    trial: Option<Trial>,
    /// Writes that the start went well.
    went_well: Option<Running<()>>,
    begun: Instant,
    state: Option<StateKeeper>,
    tape: Option<TapeKeeper>,
    leave: Leave,
}

impl Keeper {
    /// Of a performance that begins now, with what is kept of it; where there is no thread for that, it is told.
    #[must_use]
    pub fn begin(trial: Trial, kept: Option<Kept>, leave: &Leave, messages: &mut Messages) -> Self {
        let state = kept.map(|it| StateKeeper::begin(it, leave)).transpose().unwrap_or_else(|error| {
            messages.fault(FaultKey::LastState, &not_kept(&error.to_string()));
            None
        });
        Self {
            trial: Some(trial).filter(Trial::is_on),
            went_well: None,
            begun: Instant::now(),
            state,
            tape: None,
            leave: leave.clone(),
        }
    }

    /// Keeps a tape too, where one can be kept.
    pub fn keep_tape(&mut self, tape: Option<TapeKept>, messages: &mut Messages) {
        let tape = tape.map(|it| TapeKeeper::begin(it, &self.leave)).transpose();
        self.tape = tape.unwrap_or_else(|error| {
            messages.fault(FaultKey::LastTape, &tape_not_kept(&error.to_string()));
            None
        });
    }

    /// Another recording plays.
    pub fn plays(&mut self, recording: &Heard, sources: &Sources) {
        if let Some(state) = &mut self.state {
            let model = sources.model.clone().filter(|it| *it != state.model);
            state.sources = Some(Sources { model, ..sources.clone() });
        }
        if let Some(tape) = &mut self.tape {
            tape.plays(recording);
        }
    }

    /// Looks how it goes; `windows` were sent to the tape so far.
    pub fn look(&mut self, conductor: &mut Conductor, surface_side: &mut SurfaceSide, view: &mut View, windows: u64) {
        if 0 < windows || GOES_WELL < self.begun.elapsed() {
            self.went_well();
        }
        match &mut self.state {
            Some(state) => state.look(conductor, surface_side, view),
            None if surface_side.take_jobs().is_empty() => {}
            None => view.messages().tell(Level::Warning, NOTHING_SAVED),
        }
        if let Some(tape) = &mut self.tape {
            tape.look(surface_side.now(), view.messages());
        }
    }

    fn went_well(&mut self) {
        let Some(trial) = self.trial.take() else { return };
        // A disk may take its time. Where there is no thread left, the file is on trial once more.
        self.went_well = self.leave.spawn("box file", move || trial.went_well()).ok();
    }

    /// The hands rest for good: hands over what is played now, wherever the tape is.
    pub fn rest(&mut self, conductor: &mut Conductor, surface_side: &mut SurfaceSide, view: &mut View) {
        if let Some(state) = &mut self.state {
            state.hand_over(conductor, surface_side, view);
            state.pass_on(conductor, surface_side, view);
        }
    }

    /// As if [`PERIOD`] had passed since a state was handed over.
    #[cfg(test)]
    pub fn time_passes(&mut self) {
        self.state.as_mut().expect("it is kept").handed_over = None;
    }

    /// The end that writes.
    #[cfg(test)]
    pub fn writer(&self) -> &StateWriter {
        &self.state.as_ref().expect("it is kept").writer
    }

    /// The performance has ended, in order or because something `crashed`; answers what could not be kept or saved, in words. An end before the first
    /// window says nothing about the box's file.
    #[must_use]
    pub fn end(self, crashed: bool) -> Vec<String> {
        let Self { trial, went_well, state, tape, leave, .. } = self;
        // Not before the sound has ended: a take is finished on the same disk, which does one thing at a time.
        if let Some(tape) = &tape {
            tape.rest();
        }
        if let Some(trial) = trial {
            trial.broken_off();
        }
        // A disk that hangs is not waited for past the time that everybody has.
        if let Some(writes) = went_well {
            let _ = writes.join_by(leave.deadline());
        }
        let mut told = state.map_or_else(Vec::new, |state| {
            if crashed {
                state.starts.count();
            }
            state.writer.end(leave.deadline())
        });
        told.extend(tape.and_then(|it| it.end(leave.deadline())));
        told
    }
}

/// By what it is seen that the state is another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    revision: u64,
    scene: Option<usize>,
    number: usize,
    /// The set list's revision.
    list: u64,
    bank: u8,
    selected: ParamId,
    screens: Vec<Screen>,
    muted: bool,
    sources: Option<Sources>,
}

/// Keeps the last state.
#[derive(Debug)]
struct StateKeeper {
    /// For as long as it is kept.
    shelf: Shelf,
    starts: Starts,
    recording: String,
    sound: SoundSum,
    /// The recordings that play, where those of the start do not.
    sources: Option<Sources>,
    model: PathBuf,
    writer: StateWriter,
    /// The state that was handed over last, and when.
    handed_over: Option<(Mark, Duration)>,
    /// The patches that were started with and that are played, as they were found last: their digests take a while.
    belongs: Option<(Origin, Playing)>,
    fails: bool,
}

impl StateKeeper {
    fn begin(Kept { shelf, starts, recording, sound, sources, model }: Kept, leave: &Leave) -> std::io::Result<Self> {
        let writer = StateWriter::start(shelf.path().to_owned(), leave)?;
        let (handed_over, belongs, fails) = (None, None, false);
        Ok(Self { shelf, starts, recording, sound, sources, model, writer, handed_over, belongs, fails })
    }

    fn look(&mut self, conductor: &mut Conductor, surface_side: &mut SurfaceSide, view: &mut View) {
        if let Some(told) = self.writer.told() {
            self.fails = told.is_some();
            tell(told, view.messages());
        }
        match self.writer.scarce() {
            Some(Some(words)) => view.messages().fault(FaultKey::Room, &words),
            Some(None) => view.messages().over(&FaultKey::Room),
            None => {}
        }
        for done in self.writer.done() {
            surface_side.take_done(done, conductor, view);
        }
        self.pass_on(conductor, surface_side, view);
        let now = surface_side.now();
        let mark = self.mark(conductor, surface_side, view);
        let is_due = self
            .handed_over
            .as_ref()
            .is_none_or(|(of, at)| (self.fails || *of != mark) && PERIOD <= now.saturating_sub(*at));
        if is_due {
            self.hand_over(conductor, surface_side, view);
        }
    }

    /// Hands over the scenes that were kept, and what hands asked of patches' files; before those the state, so that it is known to belong to
    /// what they are about to be.
    fn pass_on(&mut self, conductor: &Conductor, surface_side: &mut SurfaceSide, view: &mut View) {
        let folder = self.shelf.path().parent().map(std::path::Path::to_owned).unwrap_or_default();
        let kept = surface_side.kept_files(&folder);
        if !kept.is_empty() {
            self.writer.keep(kept);
        }
        let jobs = surface_side.take_jobs();
        if !jobs.is_empty() {
            self.hand_over(conductor, surface_side, view);
        }
        jobs.into_iter().for_each(|it| self.writer.ask(it.in_state_folder(&folder)));
    }

    fn hand_over(&mut self, conductor: &Conductor, surface_side: &SurfaceSide, view: &mut View) {
        let (mark, list) = (self.mark(conductor, surface_side, view), surface_side.list());
        let is_known =
            self.handed_over.as_ref().is_some_and(|(it, _)| (it.number, it.list) == (mark.number, mark.list));
        if self.belongs.is_none() || !is_known {
            let origin = list.started().map(|it| Origin::of(it, &self.recording, self.sound));
            self.belongs = Some((origin.unwrap_or_default(), Playing::of(list).unwrap_or_default()));
        }
        let (origin, playing) = self.belongs.clone().unwrap_or_default();
        let kept = conductor.store().keep();
        self.writer.write(LastState {
            origin,
            playing,
            loads: surface_side.loads().spoken_of(&kept, |it| it.load),
            writings: conductor.writings().spoken_of(&kept, |it| it.words),
            kept,
            scene: conductor.desk().scene_values().copied(),
            bank: mark.bank,
            selected: mark.selected,
            screens: mark.screens.clone(),
            position: conductor.transport().playhead().position as u64,
            muted: mark.muted,
            sources: mark.sources.clone(),
        });
        self.handed_over = Some((mark, surface_side.now()));
    }

    fn mark(&self, conductor: &Conductor, surface_side: &SurfaceSide, view: &mut View) -> Mark {
        let (desk, binding) = (conductor.desk(), conductor.binding());
        Mark {
            revision: desk.store().revision(),
            scene: desk.scene_values().map(|it| it.0),
            number: surface_side.list().place(),
            list: surface_side.list().revision(),
            bank: binding.playing().bank,
            selected: binding.selected(),
            screens: view.displays().screens(),
            muted: conductor.transport().muted(),
            sources: self.sources.clone(),
        }
    }
}

fn tell(told: Option<String>, messages: &mut Messages) {
    match told {
        Some(why) => messages.fault(FaultKey::LastState, &not_kept(&why)),
        None => messages.over(&FaultKey::LastState),
    }
}
