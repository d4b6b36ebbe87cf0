//! What has been decoded so far, and what was lost on the way: every reader of a kind plays into a [`Take`].
//!
//! It folds channels to two planes, keeps runs of one rate, stops at the allowed length, and counts what a reader could not
//! give: a reader tells each loss, here they become one notice a kind, with the place of the first. It decides when a file
//! is more damage than sound.

use symphonia::core::audio::GenericAudioBufferRef;

use super::fold::Fold;
use super::rate::{self, RATES_HZ};
use super::{Fault, Notice, Origin, Progress};

/// Silence that stands for a loss, at most: a timestamp that was hit by a fault must not make an hour of silence.
const LONGEST_SILENCE_S: f64 = 30.0;

/// Frames beyond the allowed length that are kept for the time being: what an encoder added at the end is taken back only there, and a
/// recording that is exactly as long as allowed is not cut.
const SLACK: usize = 8192;

/// Sound of one rate.
pub(super) struct Run {
    pub rate_hz: u32,
    pub planes: [Vec<f32>; 2],
}

/// Everything decoded.
pub(super) struct Recording {
    pub runs: Vec<Run>,
    pub origin: Origin,
    pub notices: Vec<Notice>,
}

/// The decoding under way.
pub(super) struct Take<'a> {
    longest_s: f64,
    runs: Vec<Run>,
    fold: Fold,
    origin: Option<Origin>,
    codec: String,
    full: bool,
    parts: u64,
    damaged: u64,
    /// The first place, places and frames of silence in seconds.
    damage: Option<(f64, u64, f64)>,
    /// The first place, places and bytes.
    foreign: Option<(f64, u64, u64)>,
    /// Seconds promised by the headers so far, where all of them promise.
    promised_s: f64,
    others: Vec<Notice>,
    progress: &'a mut dyn FnMut(Progress),
    interleaved: Vec<f32>,
}

impl<'a> Take<'a> {
    pub fn new(longest_s: f64, progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self {
            longest_s,
            runs: Vec::new(),
            fold: Fold::even(0),
            origin: None,
            codec: String::new(),
            full: false,
            parts: 0,
            damaged: 0,
            damage: None,
            foreign: None,
            promised_s: 0.0,
            others: Vec::new(),
            progress,
            interleaved: Vec::new(),
        }
    }

    /// Whether the allowed length is reached: nothing more needs to be read.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Whether nothing was decoded yet.
    pub fn is_empty(&self) -> bool {
        self.runs.iter().all(|run| run.planes[0].is_empty())
    }

    /// Length so far in seconds.
    pub fn at_s(&self) -> f64 {
        self.runs.iter().map(Run::seconds).sum::<f64>() + 0.0 // a sum of nothing is -0
    }

    /// What the sound is coded in, for the display.
    pub fn coded_in(&mut self, codec: &str) {
        if self.codec.is_empty() {
            codec.clone_into(&mut self.codec);
        }
    }

    /// A stream of this many frames begins, its header says.
    pub fn promises(&mut self, frames: u64, rate_hz: u32) {
        self.promised_s += frames as f64 / f64::from(rate_hz.max(1));
    }

    /// A decoder's buffer, folded by where its channels stand.
    pub fn buffer(&mut self, buffer: &GenericAudioBufferRef<'_>) -> Result<(), Fault> {
        let mut interleaved = std::mem::take(&mut self.interleaved);
        buffer.copy_to_vec_interleaved(&mut interleaved);
        let spec = buffer.spec();
        let done = self.sound(&interleaved, spec.rate(), &Fold::of(spec.channels()));
        self.interleaved = interleaved;
        done
    }

    /// Interleaved sound.
    pub fn sound(&mut self, interleaved: &[f32], rate_hz: u32, fold: &Fold) -> Result<(), Fault> {
        self.parts += 1;
        if self.parts % 64 == 1 {
            let fraction = (self.promised_s > 0.0)
                .then(|| (self.at_s() / self.promised_s.min(self.longest_s)).clamp(0.0, 1.0) as f32);
            (self.progress)(Progress::Decoding(fraction));
        }
        if interleaved.is_empty() || self.full {
            return Ok(());
        }
        self.tune(rate_hz, fold)?;
        let room = self.room();
        if let Some(run) = self.runs.last_mut() {
            self.fold.append(interleaved, &mut run.planes);
            if run.planes[0].len() > room {
                run.planes.iter_mut().for_each(|plane| plane.truncate(room));
                self.full = true;
            }
        }
        Ok(())
    }

    /// Makes the last run one of this rate.
    fn tune(&mut self, rate_hz: u32, fold: &Fold) -> Result<(), Fault> {
        if !(RATES_HZ.0..=RATES_HZ.1).contains(&rate_hz) {
            return Err(Fault::Rate { found: rate_hz });
        }
        let before = self.runs.last().map(|run| (run.rate_hz, self.fold.channels()));
        let now = (rate_hz, fold.channels());
        if let Some(from) = before.filter(|it| *it != now && self.origin.is_some()) {
            self.others.push(Notice::Changes { at_s: self.at_s(), from, to: now });
        }
        if before.is_none_or(|(rate, _)| rate != rate_hz) {
            self.runs.push(Run { rate_hz, planes: [Vec::new(), Vec::new()] });
        }
        if self.origin.is_none() {
            self.origin = Some(Origin { rate_hz, channels: fold.channels(), codec: self.codec.clone(), frames: 0 });
        }
        if self.fold != *fold {
            self.fold = fold.clone();
        }
        Ok(())
    }

    /// Frames that the last run may hold for now.
    fn room(&self) -> usize {
        let Some((last, before)) = self.runs.split_last() else { return 0 };
        let before_s: f64 = before.iter().map(|run| run.planes[0].len() as f64 / f64::from(run.rate_hz)).sum();
        ((self.longest_s - before_s).max(0.0) * f64::from(last.rate_hz)) as usize + SLACK
    }

    /// Cuts what is beyond the allowed length; answers whether there was any.
    fn cut(&mut self) -> bool {
        let most = self.room().saturating_sub(SLACK);
        let Some(run) = self.runs.last_mut().filter(|run| run.planes[0].len() > most) else { return false };
        run.planes.iter_mut().for_each(|plane| plane.truncate(most));
        true
    }

    /// A part that could not be decoded or is missing: `frames` of silence stand for it, so that the beat stays.
    pub fn damaged(&mut self, frames: u64, rate_hz: u32) {
        self.parts += 1;
        self.damaged += 1;
        let at_s = self.at_s();
        let frames = frames.min((LONGEST_SILENCE_S * f64::from(rate_hz)) as u64) as usize;
        if self.runs.is_empty() && (RATES_HZ.0..=RATES_HZ.1).contains(&rate_hz) {
            self.runs.push(Run { rate_hz, planes: [Vec::new(), Vec::new()] });
        }
        let room = self.room();
        let mut silent_s = 0.0;
        if let Some(run) = self.runs.last_mut().filter(|run| run.rate_hz == rate_hz && !self.full) {
            let wanted = run.planes[0].len() + frames;
            self.full = wanted > room;
            silent_s = (wanted.min(room) - run.planes[0].len().min(room)) as f64 / f64::from(rate_hz);
            run.planes.iter_mut().for_each(|plane| plane.resize(wanted.min(room), 0.0));
        }
        let (_, places, total_s) = self.damage.get_or_insert((at_s, 0, 0.0));
        *places += 1;
        *total_s += silent_s;
    }

    /// Takes back frames from the end of the sound: what an encoder only added to fill its last block.
    pub fn take_back(&mut self, frames: u64) {
        if let (Some(run), false) = (self.runs.last_mut(), self.full) {
            let left = run.planes[0].len().saturating_sub(usize::try_from(frames).unwrap_or(usize::MAX));
            run.planes.iter_mut().for_each(|plane| plane.truncate(left));
        }
    }

    /// Bytes that are no sound.
    pub fn foreign(&mut self, bytes: u64) {
        let at_s = self.at_s();
        let (_, places, total) = self.foreign.get_or_insert((at_s, 0, 0));
        *places += 1;
        *total += bytes;
    }

    /// Anything else that the player should know.
    pub fn note(&mut self, notice: Notice) {
        if !self.others.contains(&notice) {
            self.others.push(notice);
        }
    }

    /// A stream ends before its header says: `found` of `promised` frames. A codec's own rounding is no loss.
    pub fn ends_early(&mut self, found: u64, promised: u64, rate_hz: u32) {
        if self.full || promised <= found {
            return;
        }
        let missing_s = (promised - found) as f64 / f64::from(rate_hz.max(1));
        let found_s = self.at_s();
        self.note(Notice::EndsEarly { found_s, promised_s: found_s + missing_s });
    }

    /// The whole.
    pub fn finish(mut self) -> Result<Recording, Fault> {
        if self.damaged * 2 > self.parts {
            return Err(Fault::Damaged { damaged: self.damaged, parts: self.parts });
        }
        let mut notices = Vec::new();
        if self.cut() {
            notices.push(Notice::Cut { kept_s: self.runs.iter().map(Run::seconds).sum() });
        }
        notices.extend(self.others);
        notices.extend(self.damage.map(|(at_s, places, silent_s)| Notice::Damaged { at_s, places, silent_s }));
        notices.extend(self.foreign.map(|(at_s, places, bytes)| Notice::Foreign { at_s, bytes, places }));
        let Some(mut origin) = self.origin else { return Err(Fault::short(0.0, &notices)) };
        origin.frames = self.runs.iter().map(|run| run.planes[0].len() as u64).sum();
        Ok(Recording { runs: self.runs, origin, notices })
    }
}

impl Run {
    pub fn seconds(&self) -> f64 {
        self.planes[0].len() as f64 / f64::from(self.rate_hz)
    }

    /// At 48 kHz.
    pub fn at_48k(self) -> [Vec<f32>; 2] {
        rate::to_48k(self.planes, self.rate_hz)
    }
}
