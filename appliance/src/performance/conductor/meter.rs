//! Tempo, time signature and key: as the patch has them, or as a hand has set them, counted and told to the model. A tempo that neither says and that
//! was heard in the recording is counted, and told to nobody: it may be twice what it is.
//!
//! What is counted follows at once. Words are read again when a hand has rested for a moment: a worker needs longer than a knob does from
//! one tempo to the next.

use std::time::Duration;

use engine::latent::SAMPLE_RATE_HZ;
use engine::param::{Mark, ParamId};

use super::Conductor;
use crate::control::binding::Act;
use crate::control::tempo::{TapeBeats, Tapped};
use crate::settings::last_state::{Writings, Written};
use crate::settings::patch::{Patch, SetByHand, Spoken};

/// How long tempo and key have rested before words are read again; more than a beat, since taps come so far apart.
const REST: Duration = Duration::from_millis(1200);

/// What is counted and told beside the words themselves.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Beats a minute and beats of a bar, as the patch has them.
    patch: (Option<u16>, Option<u8>),
    /// Beats a minute that were heard in the recording.
    heard: Option<f64>,
    /// What plays is not the recording that the patch names, of which its tempo is.
    is_elsewhere: bool,
    /// The patch's words as they stand there.
    own: Vec<Spoken>,
    set: SetByHand,
    /// When words are to be read again because a hand has set something.
    due: Option<Duration>,
    /// Words that hands have written, by the numbers by which strokes speak of them.
    writings: Writings,
}

impl Meter {
    /// Under a patch's words, where strokes may speak of others.
    pub(super) fn under(own: Vec<Spoken>, writings: Writings) -> Self {
        Self { own, writings, ..Self::default() }
    }
}

impl Conductor {
    /// Another tape plays under the same patch: its beats are those of that tape.
    pub fn count_again(&mut self, now: Duration) {
        let (bpm, bar) = self.counted();
        self.tempo.set_patch(now, bpm, bar);
        self.lay_beats(bpm);
    }

    /// Whether what plays is another recording than the patch names: then the patch's tempo is not its.
    pub const fn plays_elsewhere(&mut self, is_elsewhere: bool) {
        self.meter.is_elsewhere = is_elsewhere;
    }

    /// What plays has this tempo, as it was heard in the recording, or none is known. Answers whether it counts.
    pub fn hears_tempo(&mut self, heard: Option<f64>, now: Duration) -> bool {
        let before = std::mem::replace(&mut self.meter.heard, heard);
        let (bpm, bar) = self.counted();
        if before != heard && !self.is_told() {
            self.tempo.set(now, bpm, bar);
            self.lay_beats(bpm);
        }
        self.counts_by_ear()
    }

    /// Whether the tempo that counts was heard, and nobody has said it.
    #[must_use]
    pub fn counts_by_ear(&self) -> bool {
        self.meter.heard.is_some() && !self.is_told()
    }

    /// Whether a patch or a hand says a tempo.
    fn is_told(&self) -> bool {
        self.meter.set.bpm.or(self.of_patch().0).is_some()
    }

    /// A patch's tempo, where no hand has set another.
    pub(super) fn count(&mut self, patch: &Patch, now: Duration) {
        self.meter.patch = (patch.prompt.bpm, patch.prompt.time_signature);
        self.meter.is_elsewhere = false;
        self.meter.set = SetByHand::of(self.desk.store().aims());
        self.count_again(now);
    }

    fn counted(&self) -> (Option<f64>, Option<u8>) {
        let (Meter { heard, set, .. }, (bpm, bar)) = (&self.meter, self.of_patch());
        (set.bpm.or(bpm).map(f64::from).or(*heard), set.time_signature.or(bar))
    }

    /// What the patch says of what plays.
    fn of_patch(&self) -> (Option<u16>, Option<u8>) {
        if self.meter.is_elsewhere { (None, None) } else { self.meter.patch }
    }

    fn lay_beats(&mut self, bpm: Option<f64>) {
        let frames = self.engine.transport.tape_frames() as u64;
        self.beats = bpm.map(|bpm| TapeBeats::new((bpm * 1000.0).round() as u32, frames, SAMPLE_RATE_HZ));
    }

    /// Follows the values: counts what a hand has set, and has words read again a moment later.
    pub(super) fn follow_meter(&mut self, now: Duration) {
        let set = SetByHand::of(self.desk.store().aims());
        if set != self.meter.set {
            self.meter.set = set;
            let (bpm, bar) = self.counted();
            self.tempo.set(now, bpm, bar);
            self.lay_beats(bpm);
            self.meter.due = Some(now + REST);
        }
        if self.meter.due.take_if(|due| *due <= now).is_some() {
            self.read_again();
        }
    }

    /// A beat was tapped. The tempo that taps make is set as a hand sets it; a series of them is one stroke.
    pub(super) fn tap(&mut self, at: Duration) {
        match self.tempo.tap(at) {
            Tapped::First => self.desk.end_stroke(),
            Tapped::Bounced => {}
            Tapped::Tempo(bpm) => {
                let row = ParamId::Tempo.row();
                // The place below the lowest tempo is the patch's.
                let bpm = bpm.round().clamp(row.low + 1.0, row.high);
                self.desk.turn(ParamId::Tempo, bpm, at).expect("a tempo is a number");
            }
        }
    }

    /// Both ends of the loop go to the nearest beats of the tape, at least one apart, as one stroke.
    pub(super) fn snap_loop(&mut self, now: Duration) -> Act {
        let Some(beats) = self.beats else { return Act::Snapped(None) };
        let all = beats.beats_at(self.engine.transport.tape_frames() as f64);
        let aims = self.desk.store().aims();
        let [a, b] = [ParamId::LoopStart, ParamId::LoopEnd].map(|id| aims.exact(id) * all);
        // The tape's end is a place to end at, where it is no beat too.
        let nearest = |beat: f64| if (all - beat).abs() < (beat.round() - beat).abs() { all } else { beat.round() };
        let (mut start, mut end) = (nearest(a.min(b)), nearest(a.max(b)));
        if end - start < 1.0 {
            start = start.min((all - 1.0).floor()).max(0.0);
            end = (start + 1.0).min(all);
        }
        self.desk.end_stroke();
        for (id, beat) in [(ParamId::LoopStart, start), (ParamId::LoopEnd, end)] {
            self.desk.turn(id, beat / all, now).expect("a beat is a number");
        }
        self.desk.end_stroke();
        Act::Snapped(Some(end - start))
    }

    /// The number of the words that a patch without words is played under: those that are there. 0 for one that has its own.
    pub(super) fn inherited(&mut self, patch: &Patch) -> u32 {
        let words = self.meter.own.clone();
        if words.is_empty() || !patch.own_words().is_empty() {
            return 0;
        }
        self.meter.writings.number_of(&Written { words, by_hand: false })
    }

    /// What is played is to have the words that are written for it, else the patch's.
    pub fn want_words(&mut self, patch: &Patch) {
        let written = self.written().map(|it| it.words.clone());
        self.meter.own = written.unwrap_or_else(|| patch.own_words());
        self.meter.due = None;
        self.read_again();
    }

    /// A hand has written the words of the prompt at `place`, from 0: one stroke that moves no value.
    pub fn write_words(&mut self, place: usize, tags: &str, patch: &Patch) {
        let mut words = self.meter.own.clone();
        if words.is_empty() {
            words.push(patch.unspoken());
        }
        let place = place.min(words.len() - 1);
        words[place] = words[place].clone().rewritten(tags);
        let mark = self.desk.store().mark();
        let words = self.meter.writings.number_of(&Written { words, by_hand: true });
        self.desk.note_mark(Mark { words, ..mark });
        self.want_words(patch);
    }

    /// The words that are played or wanted, before a hand's tempo, time signature and key: what a patch says of them.
    #[must_use]
    pub fn own_words(&self) -> &[Spoken] {
        &self.meter.own
    }

    /// Words that are not the patch's, where those are played.
    #[must_use]
    pub fn written(&self) -> Option<&Written> {
        self.meter.writings.get(self.desk.store().mark().words)
    }

    /// What the numbers of words mean of which strokes speak.
    #[must_use]
    pub const fn writings(&self) -> &Writings {
        &self.meter.writings
    }

    fn read_again(&mut self) {
        let words = self.meter.set.on(self.meter.own.clone());
        if words != self.words {
            self.binding.set_prompts(words.len());
            (self.words, self.unread) = (words, true);
        }
    }
}
