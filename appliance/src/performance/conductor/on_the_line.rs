//! What waits for a line of the music: a scene, a patch or new seeds that are to be heard from the next beat, bar or loop end on.
//!
//! What is let go on a line is heard later: latents have to be made, a window decoded. So it is let go as long before the line as that takes
//! ([`Conductor::ahead`]), and the decode side keeps it from being heard before ([`engine::live::Line`]). Level and loop do not go through windows; they
//! follow when the line has come. Where the machine takes longer than it did, the next line is the one, and that is said.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use engine::latent::SAMPLE_RATE_HZ;
use engine::live::{Line, Needs};
use engine::param::{Class, Edge, ParamId, Values};
use engine::playback::PlayedFrame;
use hal::gesture::{Gesture, SurfaceId};

use super::{Conductor, by_program};
use crate::control::binding::Act;
use crate::control::tempo::{Quantise, Source, Wait};
use crate::performance::threads::Pulse;

/// How late the conductor may look, with what a machine needs to hand a value over.
const LOOKS: Duration = Duration::from_millis(25);
/// How much longer ticks may take than the last one did.
const SLOWER: f64 = 1.5;
/// So many lines are waited for one that does not come: a decode side that has crashed meets none.
const PATIENCE: usize = 4;

/// What waits for its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    what: What,
    until: Until,
    /// How long before it that is let go.
    ahead: Duration,
    needs: Needs,
    /// The machine that changed the program: it knows, and is not told when the scene comes in.
    by_program: Option<SurfaceId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A scene, from 0.
    Scene(usize),
    Seeds,
    /// A patch, which somebody else has.
    Patch,
}

#[derive(Clone, Copy, Debug)]
enum Until {
    /// A beat or bar.
    Beat(Wait),
    /// The loop's end.
    Turn(PlayedFrame),
}

/// What was let go for a line that has not come.
#[derive(Clone, Copy, Debug)]
pub(super) struct LetGo {
    line: Line,
    /// Lines that the decode side had not met before.
    moved: u64,
    is_told: bool,
}

impl Conductor {
    /// Knows from now on how long ticks take and how far ahead windows land: what waits for a line is let go before it.
    pub fn look_at(&mut self, pulse: Arc<Pulse>) {
        self.pulse = Some(pulse);
    }

    /// A scene is to come with its line.
    pub(super) fn recall_on_a_line(&mut self, place: usize, gesture: &Gesture) -> Act {
        let needs = self.desk.store().scene(place).map_or(Needs::Window, |it| needs(self.desk.store().aims(), it));
        if self.waits(What::Scene(place), needs, gesture.at, by_program(gesture)) {
            return Act::WillRecall(place);
        }
        self.recall(place, needs, gesture.at)
    }

    /// New seeds are to come with their line, where anything waits for one.
    pub(super) fn reseed_on_a_line(&mut self, gesture: &Gesture) -> Act {
        if self.quantise != Quantise::Off && self.waits(What::Seeds, Needs::Birth, gesture.at, None) {
            return Act::WillReseed;
        }
        self.reseed();
        Act::Reseed
    }

    /// Whether a patch with these values waits for its line, asked for at `at`; then [`Act::PatchHasCome`] says when it is to be loaded.
    pub fn waits_with_patch(&mut self, values: &Values, at: Duration) -> bool {
        let needs = needs(self.desk.store().aims(), values);
        self.quantise != Quantise::Off && self.waits(What::Patch, needs, at, None)
    }

    /// Whether a patch waits.
    #[must_use]
    pub fn awaits_patch(&self) -> bool {
        self.waiting.is_some_and(|it| it.what == What::Patch)
    }

    /// Whether there is a line to wait for; then it waits, in the place of what waited before.
    fn waits(&mut self, what: What, needs: Needs, at: Duration, by_program: Option<SurfaceId>) -> bool {
        let ahead = self.ahead(needs, at);
        let until = match self.quantise {
            Quantise::Loop => {
                let course = self.engine.transport.course();
                Some(Until::Turn(course.turn(course.now().after(frames(ahead)))))
            }
            quantise => self.tempo.wait(at + ahead, quantise).map(Until::Beat),
        };
        let waiting = until.map(|until| Waiting { what, until, ahead, needs, by_program });
        self.waiting = waiting.or(self.waiting);
        waiting.is_some()
    }

    /// Does what waited for a line, when it is time, and adds it to `acts`; answers the machine whose program change it was.
    pub fn come_in(&mut self, now: Duration, acts: &mut Vec<Act>) -> Option<SurfaceId> {
        let (tempo, played) = (&self.tempo, self.engine.transport.playhead().played);
        let come = self.waiting.take_if(|it| match &it.until {
            Until::Beat(wait) => tempo.has_come(wait, now + it.ahead),
            Until::Turn(at) => played.until(*at) <= frames(it.ahead) as i64,
        })?;
        match come.what {
            What::Scene(place) => {
                let act = self.recall(place, come.needs, now);
                acts.push(act);
            }
            What::Seeds => {
                self.reseed();
                self.let_go(come.needs, come.ahead, now);
                acts.push(Act::Reseed);
            }
            What::Patch => {
                self.comes = Some((come.needs, come.ahead));
                acts.push(Act::PatchHasCome);
            }
        }
        come.by_program
    }

    fn recall(&mut self, place: usize, needs: Needs, now: Duration) -> Act {
        let (recalled, ahead) = (self.desk.recall(place), self.ahead(needs, now));
        self.let_go = None;
        if recalled {
            self.let_go(needs, ahead, now);
        }
        Act::Recalled(place, recalled)
    }

    /// Slots born from now on take other seeds, and are told from those before.
    fn reseed(&mut self) {
        self.desk.publish_again();
        self.held.push_back(Edge::Reseed);
    }

    /// A patch has come that waited: what it brings is to be heard from its line on.
    pub(super) fn patch_on_its_line(&mut self, now: Duration) {
        if let Some((needs, ahead)) = self.comes.take() {
            self.let_go(needs, ahead, now);
        }
    }

    /// What leaves now is to be heard from the line that lies `ahead`.
    fn let_go(&mut self, needs: Needs, ahead: Duration, now: Duration) {
        if let (Some(pulse), Some((at, every))) = (&self.pulse, self.line(now, ahead)) {
            let line = Line { at, every, generation: 0, needs };
            self.let_go = Some(LetGo { line, moved: pulse.lines_moved.load(Relaxed), is_told: false });
        }
    }

    /// How long before a line that is let go which is to be heard on it.
    fn ahead(&self, needs: Needs, now: Duration) -> Duration {
        let Some(pulse) = &self.pulse else { return Duration::ZERO };
        let values = self.desk.store().values();
        let (steps, depth) = (values.whole(ParamId::Steps), values.whole(ParamId::Depth).max(1));
        let to_the_next = steps.div_ceil(depth) + 1;
        let ticks = match needs {
            Needs::Window => 0,
            Needs::Tick => to_the_next,
            Needs::Birth => steps + to_the_next,
        };
        let tick = Duration::from_micros(pulse.tick_us.load(Relaxed).into()).mul_f64(SLOWER);
        // A window is planned for a line up to two leads before it.
        let lead = duration(2 * pulse.lead.load(Relaxed)) + self.heard_later(now);
        LOOKS + tick * ticks as u32 + lead
    }

    /// How much later than it is played is heard what others count by; the tape's own beats lie on the tape.
    fn heard_later(&self, now: Duration) -> Duration {
        match self.tempo.source(now) {
            Some(Source::Clock | Source::Tap) => {
                duration(self.engine.transport.meters().delay.load(Relaxed).try_into().unwrap_or(0))
            }
            _ => Duration::ZERO,
        }
    }

    /// The line next to the moment that lies `ahead`, and the stereo samples from one to the next.
    fn line(&self, now: Duration, ahead: Duration) -> Option<(PlayedFrame, usize)> {
        let course = self.engine.transport.course();
        let target = course.now().after(frames(ahead));
        let (place, turn) = (course.place(target), course.turn(target));
        if self.quantise == Quantise::Loop {
            let since = place - course.band().start();
            let begun = moved(target, -(since as i64));
            let is_behind = since < frames(ahead);
            return Some((if is_behind { begun } else { turn }, course.band().len()));
        }
        let count = match self.quantise {
            Quantise::Beat => 1.0,
            _ => f64::from(self.tempo.bar()),
        };
        if let (Some(Source::Patch), Some(beats)) = (self.tempo.source(now), self.beats) {
            let every = count / beats.beats_at(1.0);
            let off = place as f64 - (place as f64 / every).round() * every;
            return Some((moved(target, -(off.round() as i64)), every.round() as usize));
        }
        let grid = self.tempo.grid(now)?;
        let beat = grid.beat_at(now + ahead);
        let (off, rate) = (beat - (beat / count).round() * count, f64::from(SAMPLE_RATE_HZ) * 60.0 / grid.bpm);
        let later = frames(self.heard_later(now)) as i64;
        Some((moved(target, -((off * rate).round() as i64) - later), (count * rate).round() as usize))
    }

    /// The line for which values that leave now were let go, while it has not come.
    pub(super) fn line_of_now(&mut self) -> Option<Line> {
        let (let_go, pulse) = (self.let_go.as_mut()?, self.pulse.as_ref()?);
        if let_go.line.generation == 0 {
            let_go.line.generation = self.desk.store().snapshot().generation;
        }
        let moved = pulse.lines_moved.load(Relaxed).saturating_sub(let_go.moved) as usize;
        if 0 < moved && !std::mem::replace(&mut let_go.is_told, true) {
            self.is_a_line_later = true;
        }
        let line = let_go.line;
        let left = self.engine.transport.playhead().played.until(line.at.after(moved * line.every));
        let is_met = line.generation <= pulse.line_met.load(Relaxed) && left <= 0;
        let is_hopeless = left < -((PATIENCE * line.every).max(SAMPLE_RATE_HZ as usize) as i64);
        self.let_go = self.let_go.filter(|_| !is_met && !is_hopeless);
        self.let_go.map(|it| it.line)
    }

    /// A later word counts: what waits for a line, or was let go for one, does not any more.
    pub(super) fn call_off(&mut self) {
        (self.waiting, self.let_go) = (None, None);
    }
}

/// What it takes until another set of values is heard.
fn needs(from: &Values, to: &Values) -> Needs {
    let others = ParamId::all().filter(|id| from.exact(*id) != to.exact(*id)).map(|id| id.row().class);
    others.fold(Needs::Window, |needs, class| match (needs, class) {
        (_, Class::Slot) | (Needs::Birth, _) => Needs::Birth,
        (_, Class::Step) => Needs::Tick,
        (needs, Class::Decode | Class::Load) => needs,
    })
}

fn moved(moment: PlayedFrame, by: i64) -> PlayedFrame {
    PlayedFrame::new(moment.count().wrapping_add_signed(by))
}

fn frames(time: Duration) -> usize {
    (time.as_secs_f64() * f64::from(SAMPLE_RATE_HZ)).round() as usize
}

fn duration(frames: usize) -> Duration {
    Duration::from_secs_f64(frames as f64 / f64::from(SAMPLE_RATE_HZ))
}

#[cfg(test)]
#[path = "on_the_line_tests.rs"]
mod tests;
