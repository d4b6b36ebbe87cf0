//! What a worker prepares for the running set, from the wish to the hand-over, and what is told of it.
//!
//! Runs on the conductor's thread and waits for nothing: every turn it takes up what is wanted, says how far the worker is, and
//! hands over what is ready. What fails leaves everything that plays where it is.
//!
//! Another recording goes in three steps: a worker prepares it; at its moment the player gets the tape; when the player plays that,
//! decode side and tick side get theirs, and whoever asked hears of it ([`Arrived`]).

use std::sync::Arc;
use std::time::Duration;

use engine::latent::SAMPLE_RATE_HZ;
use engine::live::Swap;
use engine::playback::{Berthed, TapeId};

use crate::compute::loader::{Answer, Heard, Loader, Parts, Reading, Ready, ReadySet, Wish};
use crate::display::messages::{Level, Messages};
use crate::performance::conductor::{Conductor, Due, Reason, Wanted};
use crate::recording::Part;
use crate::settings::patch::{Sources, Spoken};

/// How long a player may take to come to a tape: as long as one that died needs to be there again, and more.
const TO_COME: Duration = Duration::from_secs(5);

/// Another set plays.
pub struct Arrived {
    /// The number of the patch that came with it; none where only recordings are others.
    pub patch: Option<usize>,
    /// What it plays on.
    pub recording: Arc<Heard>,
    /// Its recordings.
    pub sources: Sources,
    /// Whether it plays on another recording, and not on another part of the same.
    pub is_another: bool,
    /// Of another part of the recording that played: where the loop's faders are to stand.
    pub band: Option<[f32; 2]>,
}

/// A set that is ready.
struct Coming {
    name: String,
    patch: Option<usize>,
    band: Option<[f32; 2]>,
    reason: Reason,
    /// Until the player has it.
    tape: Option<Berthed>,
    frames: usize,
    /// Until the other sides have them.
    parts: Parts,
    /// What the player calls it, and since when it is on its way or was to be.
    handed: Option<TapeId>,
    since: Option<Duration>,
}

/// What was asked for last, where that is another set.
#[derive(Clone, Debug, Default)]
struct Asked {
    name: Option<String>,
    patch: Option<usize>,
    band: Option<[f32; 2]>,
    reason: Reason,
}

/// The worker, and what it was told of.
pub struct Loading {
    loader: Loader,
    /// What plays.
    plays: Wish,
    /// What is to play.
    target: Wish,
    asked: Asked,
    coming: Option<Coming>,
    /// What may be asked for next, and what of that was asked for ahead.
    next: Option<Wish>,
    ahead: Option<Wish>,
}

impl Loading {
    /// For a set that begins with these words.
    #[must_use]
    pub fn new(loader: Loader, words: Vec<Spoken>) -> Self {
        let plays = Wish { sources: loader.sources().clone(), words };
        Self { loader, target: plays.clone(), plays, asked: Asked::default(), coming: None, next: None, ahead: None }
    }

    /// Does what is due at `now`. `patch` is the name of the one that is played. Answers what has come, in the turn in which it did.
    pub fn look_after(
        &mut self,
        patch: &str,
        now: Duration,
        conductor: &mut Conductor,
        messages: &mut Messages,
    ) -> Option<Arrived> {
        let spent = conductor.take_spent();
        if !spent.is_empty() {
            self.loader.free(Box::new(spent));
        }
        // A tape on its way is not called back, and its berth is not free.
        if self.coming.as_ref().is_none_or(|it| it.handed.is_none()) {
            self.take_up(patch, conductor, messages);
        }
        // What became of it is said after how it came there.
        let answer = self.loader.poll();
        for Reading { name, what, done, total } in self.loader.readings() {
            messages.hand(&format!("{name}: {what}, {done} of {total} done"));
        }
        if let Some(answer) = answer {
            self.take(answer, conductor, messages);
        }
        let arrived = self.bring(now, conductor, messages);
        // Undo has the faders of the tape that it brings, which are another place on this one.
        let is_by_history = self.asked.reason == Reason::History && self.target.sources != self.plays.sources;
        conductor.hold_loop(is_by_history);
        self.prepare_next();
        arrived
    }

    /// What may be asked for next: recordings and words of the next patch. It is prepared, once, while nothing else is; where that fails, or
    /// memory is short, it is prepared when it is asked for, and what is wrong is said then.
    pub fn expect(&mut self, sources: Sources, words: Vec<Spoken>) {
        self.next = Some(Wish { sources, words });
    }

    fn prepare_next(&mut self) {
        let is_due = self.next.is_some() && self.next != self.ahead && !self.is_awaited();
        let Some(next) = self.next.clone().filter(|_| is_due) else { return };
        // Where the system has no thread for it, nobody needs to know.
        if next == self.plays || self.loader.prepare_ahead(next.clone()).is_ok() {
            self.ahead = Some(next);
        }
    }

    /// Takes up what is wanted since the last turn.
    fn take_up(&mut self, patch: &str, conductor: &mut Conductor, messages: &mut Messages) {
        let (words, wanted) = (conductor.wanted_words(), conductor.wanted());
        if words.is_none() && wanted.is_none() {
            return;
        }
        if let Some(words) = words {
            self.target.words = words;
        }
        match wanted {
            Some(Wanted::Set { patch, name, sources, words, band, reason }) => {
                self.target.sources = sources;
                self.target.words = words.unwrap_or_else(|| conductor.words().to_vec());
                self.asked = Asked { name: Some(name), patch, band, reason };
            }
            Some(Wanted::Stay) => {
                self.target = Wish { sources: self.plays.sources.clone(), words: conductor.words().to_vec() };
                self.asked = Asked::default();
            }
            None => {}
        }
        self.forget_coming();
        // What was prepared ahead builds on what plays, or makes room.
        self.ahead = None;
        self.ask(patch, conductor, messages);
    }

    /// Has the worker prepare what is to play, where that is not what plays.
    fn ask(&mut self, patch: &str, conductor: &mut Conductor, messages: &mut Messages) {
        if self.target == self.plays {
            // Back before it was prepared.
            return self.loader.cancel();
        }
        let name = self.asked.name.clone().unwrap_or_else(|| patch.to_owned());
        if let Err(error) = self.loader.prepare(&name, self.target.clone()) {
            self.fail(&name, &error.to_string(), conductor, messages);
        }
    }

    fn take(&mut self, answer: Answer, conductor: &mut Conductor, messages: &mut Messages) {
        match answer.ready {
            Ok(Ready::Words { words, spoken }) => {
                self.plays.words = spoken;
                // It builds on the words that play.
                self.ahead = None;
                conductor.swap(Swap::Words(words));
                messages.hand(&format!("{}: its words play from the next generation on", answer.name));
            }
            Ok(Ready::Set(set)) => self.is_ready(answer.name, *set, messages),
            Err(why) => self.fail(&answer.name, &why, conductor, messages),
        }
    }

    fn is_ready(&mut self, name: String, set: ReadySet, messages: &mut Messages) {
        for notice in &set.recording.notices {
            messages.tell(Level::Warning, &format!("{name}: {notice}"));
        }
        if let Some(why) = &set.refused {
            let words =
                format!("{name}: its model cannot be played: {why}; everything else of it plays on the model before");
            messages.tell(Level::Warning, &words);
            self.target.sources.model.clone_from(&set.wish.sources.model);
        }
        // A part that is not there is all of it.
        self.target.sources.part = set.wish.sources.part;
        messages.hand(&format!("{name} is ready"));
        let Asked { patch, band, reason, .. } = self.asked;
        let (tape, parts) = set.apart();
        let frames = tape.frames();
        let (tape, handed, since) = (Some(tape), None, None);
        self.coming = Some(Coming { name, patch, band, reason, tape, frames, parts, handed, since });
    }

    /// Brings what is ready to its sides when its moment has come.
    fn bring(&mut self, now: Duration, conductor: &mut Conductor, messages: &mut Messages) -> Option<Arrived> {
        let coming = self.coming.as_mut()?;
        if let Some(tape) = coming.tape.take() {
            match conductor.due(coming.frames, coming.reason) {
                Due::NotYet => coming.tape = Some(tape),
                due => {
                    if coming.reason == Reason::Part {
                        let band = conductor.transport().band();
                        let (before, after) = (self.plays.sources.part, coming.parts.wish.sources.part);
                        coming.band = Some(Part::faders([band.start(), band.end()], before, after, coming.frames));
                    }
                    let how = conductor.transition(coming.frames, coming.band, due);
                    match conductor.hand_over(tape, &how) {
                        Ok(id) => (coming.handed, coming.since) = (Some(id), Some(now)),
                        Err(tape) => (coming.tape, coming.since) = (Some(tape), coming.since.or(Some(now))),
                    }
                }
            }
        }
        if coming.handed.is_some_and(|it| conductor.plays(it)) {
            return self.arrive(conductor, messages);
        }
        if coming.since.is_some_and(|since| TO_COME < now.saturating_sub(since)) {
            let name = coming.name.clone();
            if coming.handed.is_some() {
                conductor.go_on_with_what_plays();
            }
            self.forget_coming();
            self.fail(&name, "the player did not take its tape", conductor, messages);
        }
        None
    }

    /// The player plays the new tape.
    fn arrive(&mut self, conductor: &mut Conductor, messages: &mut Messages) -> Option<Arrived> {
        let mut coming = self.coming.take()?;
        let Parts { load, mut decode, recording, wish, settings, base } = coming.parts;
        decode.for_tape(coming.handed?);
        if let Err((load, decode)) = conductor.take_over(load, decode, &wish.words) {
            coming.parts = Parts { load, decode, recording, wish, settings, base };
            self.coming = Some(coming);
            return None;
        }
        self.loader.took(base);
        if let Some(settings) = settings {
            conductor.play_by(settings);
        }
        messages.hand(&format!("{} plays, {:.1} s", coming.name, coming.frames as f64 / f64::from(SAMPLE_RATE_HZ)));
        let sources = wish.sources.clone();
        let is_another = sources.recording != self.plays.sources.recording;
        self.plays = wish;
        self.asked = Asked::default();
        let band = coming.band.filter(|_| coming.reason == Reason::Part);
        Some(Arrived { patch: coming.patch, recording, sources, is_another, band })
    }

    /// What is ready is not wanted any more.
    fn forget_coming(&mut self) {
        if let Some(coming) = self.coming.take() {
            self.loader.free(Box::new((coming.tape, coming.parts.load, coming.parts.decode)));
        }
    }

    fn fail(&mut self, name: &str, why: &str, conductor: &mut Conductor, messages: &mut Messages) {
        if self.target.sources == self.plays.sources {
            conductor.keep_words(self.plays.words.clone());
            self.target = self.plays.clone();
            let words = format!("{name}: its words cannot be read: {why}; those before play on");
            return messages.tell(Level::Warning, &words);
        }
        messages.tell(Level::Warning, &format!("{name}: it cannot be played: {why}; what plays goes on"));
        // Words that were wanted besides are still wanted.
        self.target = Wish { sources: self.plays.sources.clone(), words: conductor.words().to_vec() };
        self.asked = Asked::default();
        self.ask(name, conductor, messages);
    }

    /// Whether what may be asked for next is prepared.
    #[cfg(test)]
    pub fn is_ahead(&self) -> bool {
        self.loader.has_ahead()
    }

    /// Another worker, beside what plays.
    #[cfg(test)]
    pub fn work_with(&mut self, kit: crate::compute::loader::Kit) {
        self.loader.work_with(kit);
    }

    /// Whether something is being prepared.
    #[must_use]
    pub fn works(&self) -> bool {
        self.loader.works()
    }

    /// Whether the worker works at all: also at what nobody has asked for yet.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.loader.is_busy()
    }

    /// Whether something is being prepared, or waits for its moment.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.loader.works() || self.coming.is_some() || self.target != self.plays
    }

    /// The number of the patch that is to come with another recording.
    #[must_use]
    pub fn coming_patch(&self, conductor: &Conductor) -> Option<usize> {
        match conductor.awaits() {
            Some(Wanted::Set { patch, .. }) => *patch,
            Some(Wanted::Stay) => None,
            None => self.asked.patch,
        }
    }

    /// The recordings that play.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.plays.sources
    }
}

#[cfg(test)]
#[path = "loading_recording_tests.rs"]
mod recording_tests;
#[cfg(test)]
#[path = "loading_tests.rs"]
pub(super) mod tests;
