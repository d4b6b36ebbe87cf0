//! What the audio callback calls: the tape, read in time, with fresh windows spliced in ahead of the head.
//!
//! `fill` never allocates, frees, locks, logs or reads a clock, and does a bounded amount of work a period: at most the
//! orders that fit their queue, a share of splicing ([`SPLICE_FRAMES_PER_FILL`](super::SPLICE_FRAMES_PER_FILL)), and a fixed
//! cost a sample. Whatever is late, missing or broken, the tape goes on looping.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::attached::AttachedFeed;
use super::deck::Order;
use super::fader::{Fader, OPENING_FADE_FRAMES, POWER_ON_FADE_FRAMES};
use super::feed::Feed;
use super::guard::{GUARD_LATENCY_FRAMES, Guard};
use super::head::{Head, JUMP_FADE_FRAMES};
use super::landing::{Landing, Timing};
use super::loader::Loader;
use super::meters::{Meters, Playhead, SharedMeters};
use super::moment::PlayedFrame;
use super::refusal::{Grant, Refusals};
use super::splice::{SPLICE_FADE_FRAMES, Splicer, WINDOW_FRAMES_MIN, budget};
use super::tape::{LoopBand, Tape, TapeId};
use super::transition::Transition;
use crate::boundary::{Arena, Standing};
use crate::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};

/// Longer fills are done in steps of this many stereo samples, so that orders and windows are met as often as a device
/// with such a period would meet them, and splicing always outruns the head.
const STEP_FRAMES: usize = 1024;

/// The audio thread's end.
#[derive(Debug)]
pub struct Player {
    tape: Tape,
    tape_id: TapeId,
    head: Head,
    splicer: Splicer,
    fader: Fader,
    guard: Guard,
    feed: Feed,
    meters: SharedMeters,
    /// The moment of the frame that is played next.
    now: PlayedFrame,
    /// The moment of the last jump: windows planned before it are not judged.
    jumped: PlayedFrame,
    /// Whether it fades out for good, and the stereo samples filled since it was silent.
    leaving: Option<usize>,
    /// A tape that waits for its moment.
    coming: Option<Coming>,
    /// Whether it has played silence only, since no engine has brought a tape.
    waits_for_a_tape: bool,
}

/// A tape that waits for its moment, and for the one before the last to be heard no more.
#[derive(Debug)]
struct Coming {
    tape: Tape,
    id: TapeId,
    how: Transition,
    /// Nobody wants it any more where its engine is gone.
    is_wanted: bool,
}

/// What a player that is fed from shared memory comes with.
pub struct AttachedPlayer {
    /// The audio thread's end.
    pub player: Player,
    /// For a slow thread.
    pub loader: Loader,
    /// Which engine is obeyed.
    pub grant: Grant,
    /// What was refused.
    pub refusals: Arc<Refusals>,
}

impl Player {
    pub(super) fn new(tape: Tape, feed: Feed, meters: SharedMeters) -> Self {
        let head = Head::new(LoopBand::whole(tape.len()));
        Self {
            tape,
            tape_id: TapeId::default(),
            head,
            splicer: Splicer::new(),
            fader: Fader::closed(POWER_ON_FADE_FRAMES),
            guard: Guard::new(),
            feed,
            meters,
            now: PlayedFrame::default(),
            jumped: PlayedFrame::default(),
            leaving: None,
            coming: None,
            waits_for_a_tape: false,
        }
    }

    /// A player that is fed from `arena`, with the tape that stands there, from where it was being played; with silence where
    /// nothing stands there that can be played. Nobody is attached to it yet.
    #[must_use]
    pub fn attached(arena: &Arena) -> AttachedPlayer {
        let stood = Standing::read(arena).and_then(|it| Some((it, Tape::new(it.sound(arena)?).ok()?)));
        let waits_for_a_tape = stood.is_none();
        let (standing, tape) = stood.unwrap_or_else(|| (Standing::default(), Tape::silent(SAMPLES_PER_LATENT_FRAME)));
        let (grant, refusals, meters) = (Grant::default(), Arc::<Refusals>::default(), SharedMeters::of(arena));
        let (loader, ends) = Loader::new(arena);
        let feed = AttachedFeed::new(arena, standing, grant.clone(), Arc::clone(&refusals), ends);
        let Playhead { position, played } = meters.playhead();
        let mut player = Self::new(tape, Feed::Attached(Box::new(feed)), meters);
        let [start, end] = standing.band.map(|it| usize::try_from(it).unwrap_or(usize::MAX).min(player.tape.len()));
        let band = LoopBand::new(start, end, player.tape.len()).unwrap_or(LoopBand::whole(player.tape.len()));
        player.head = Head::starting_at(band, position);
        player.waits_for_a_tape = waits_for_a_tape;
        if !waits_for_a_tape {
            // A tape that was heard before is back as a device is.
            player.fader = Fader::closed(OPENING_FADE_FRAMES);
        }
        (player.tape_id, player.now, player.jumped) = (TapeId(standing.tape), played, played);
        AttachedPlayer { player, loader, grant, refusals }
    }

    /// Writes the next `out.len()` stereo samples.
    pub fn fill(&mut self, out: &mut [StereoFrame]) {
        let mut rest = out;
        while !rest.is_empty() {
            if self.feed.begin_step(self.splicer.busy(), self.now)
                && let Some(coming) = &mut self.coming
            {
                coming.is_wanted = false;
            }
            // Before orders are taken: whoever jumps in silence and then opens has jumped when it opens.
            let gain = self.feed.gain(self.leaving.is_some());
            self.obey();
            // A tape begins at its moment, to the sample.
            let until = self.coming.as_ref().map_or(0, |it| it.how.waits(self.now));
            let most = if until == 0 { STEP_FRAMES } else { STEP_FRAMES.min(until) };
            let (step, later) = rest.split_at_mut(most.min(rest.len()));
            rest = later;
            self.splice(step.len());
            let laps = self.head.laps();
            if let Some(spent) = self.head.read(&mut self.tape, step) {
                self.feed.retire(spent);
            }
            Meters::add(&self.meters.laps, self.head.laps() - laps);
            let was_silent = self.fader.is_at(0.0);
            self.fader.apply(gain, step);
            self.guard.process(step, &self.meters);
            self.feed.played(self.now, step);
            self.leaving = self.leaving.map(|silent| if was_silent { silent + step.len() } else { 0 });
            self.now = self.now.after(step.len());
            self.meters.publish(Playhead { position: self.head.position(), played: self.now });
        }
        Meters::add(&self.meters.fills, 1);
    }

    /// Fades out for good, whatever gain and mute say: playing is to end.
    pub fn fade_out(&mut self) {
        self.leaving = self.leaving.or(Some(0));
    }

    /// Whether it has faded out, and the guard has let go of what it held back: what was filled last is silence.
    #[must_use]
    pub fn has_faded(&self) -> bool {
        self.leaving.is_some_and(|silent| GUARD_LATENCY_FRAMES <= silent)
    }

    /// Leaves out the fade that begins with the first sound: for a file, which no loudspeaker waits for.
    pub fn open_at_once(&mut self) {
        self.fader.open_at_once(self.feed.gain(false));
    }

    /// Nobody hears what was filled last, since the device is away: the sound comes in over a fade when it is back.
    pub fn unheard(&mut self) {
        self.fader.close(OPENING_FADE_FRAMES);
    }

    /// The device reported `gaps` gaps in the sound; they are counted beside the player's own trouble.
    pub fn underran(&self, gaps: u64) {
        Meters::add(&self.meters.underruns, gaps);
    }

    /// The next period that is filled is heard after so many frames, itself included ([`Meters::delay`]).
    pub fn delayed_by(&self, frames: usize) {
        self.meters.delay.store(frames as u64, Relaxed);
    }

    /// Whether a tape from before is still heard under the one that plays.
    #[must_use]
    pub fn fades(&self) -> bool {
        self.head.parts()
    }

    /// The tape as it is now, for tests and for writing it to a file after playing has ended.
    #[must_use]
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Takes the orders that wait. Of several jumps only the last is made. What was ordered after a tape waits for that.
    fn obey(&mut self) {
        if self.coming.is_some() && !self.begin_what_comes() {
            return;
        }
        let before = (self.head.position(), self.head.band());
        let (mut position, mut band) = before;
        for _ in 0..self.feed.orders_waiting() {
            match self.feed.next_order(self.tape_id, self.tape.len()) {
                Some(Order::Seek(to)) => position = band.wrap(to),
                Some(Order::Band(to)) => (position, band) = (to.wrap(position), to),
                Some(Order::Swap { tape, id, how }) => {
                    self.coming = Some(Coming { tape, id, how: how.playable(), is_wanted: true });
                    if self.begin_what_comes() {
                        return self.obey();
                    }
                    break;
                }
                None => break,
            }
        }
        if (position, band) != before {
            // Of a place that nobody hears nothing has to fade out.
            let fade_frames = if self.fader.is_at(0.0) { 1 } else { JUMP_FADE_FRAMES };
            self.head.jump(&mut self.tape, position, band, fade_frames);
            self.jumped = self.now;
            self.feed.loops(band);
        }
    }

    /// Begins the tape that waits, if it may, or sends it home if nobody wants it; whether none waits any more.
    fn begin_what_comes(&mut self) -> bool {
        let may = !self.head.parts() && self.feed.has_room_home();
        match self.coming.take_if(|it| may && (it.how.waits(self.now) == 0 || !it.is_wanted)) {
            Some(Coming { tape, id, how, is_wanted: true }) => self.swap(tape, id, &how),
            Some(Coming { tape, .. }) => self.feed.retire(tape),
            None => return false,
        }
        true
    }

    fn swap(&mut self, tape: Tape, id: TapeId, how: &Transition) {
        // The old tape is still heard for the length of the fade: no window may end on it without its own, which may have
        // to be written under the head.
        if self.splicer.busy() {
            self.head.hold(&mut self.tape, JUMP_FADE_FRAMES);
            let parcel = self.splicer.cut(&mut self.tape).expect("a window is being written");
            self.head.meet(self.tape.frames());
            self.feed.send_home(parcel);
        }
        let old = std::mem::replace(&mut self.tape, tape);
        let spent = self.head.change(old, &self.tape, how);
        if std::mem::take(&mut self.waits_for_a_tape) {
            // Power-on was the silence before the first engine came: the sound begins now.
            self.fader.close(POWER_ON_FADE_FRAMES);
        }
        (self.tape_id, self.jumped) = (id, self.now);
        self.feed.swapped(id, how);
        if let Some(old) = spent {
            self.feed.retire(old);
        }
    }

    /// Writes what waits, before `step` stereo samples are played.
    fn splice(&mut self, step: usize) {
        let (soon, tape_frames) = (self.head.soon(STEP_FRAMES), self.tape.len());
        let mut budget = budget(step);
        // A new window is begun only with room for its first fade.
        while self.splicer.busy() || (budget >= 2 * SPLICE_FADE_FRAMES && self.take_next()) {
            let feed = &mut self.feed;
            if let Some(refused) = self.splicer.fetch(budget, |parcel, frames| feed.fetch(parcel, frames)) {
                feed.send_home(refused);
                continue;
            }
            let Some(span) = self.splicer.slice(&soon, budget, tape_frames) else { break };
            let under_the_head = self.head.hears(span, tape_frames);
            // A head that has just jumped has played nothing of what is here: it has nothing to hold, least of all the
            // edge where the writing stood.
            if under_the_head && self.jumped != self.now {
                self.head.hold(&mut self.tape, JUMP_FADE_FRAMES);
            }
            let whole = self.splicer.write(&mut self.tape, span.frames);
            if under_the_head {
                self.head.meet(self.tape.frames());
            }
            budget -= span.frames;
            self.feed.wrote(self.tape.frames(), span.begin, span.frames, whole.is_some());
            let Some(parcel) = whole else { break };
            Meters::add(&self.meters.windows_spliced, 1);
            self.feed.send_home(parcel);
        }
    }

    /// Opens the next window that can be used; false when none waits.
    fn take_next(&mut self) -> bool {
        while let Some(mut parcel) = self.feed.next_window() {
            let plan = parcel.plan.expect("a parcel comes with its plan");
            let on_tape = plan.land < self.tape.len() && plan.frames <= self.tape.len();
            if plan.tape != self.tape_id || !on_tape {
                Meters::add(&self.meters.windows_stale, 1);
                self.feed.send_home(parcel);
                continue;
            }
            let landing = Landing::of(&plan, self.now, self.jumped);
            parcel.landing = Some(landing);
            if let Timing::Late { by } = landing.timing() {
                Meters::add(&self.meters.windows_late, 1);
                Meters::add(&self.meters.late_frames, by.min(plan.heard()) as u64);
            }
            if plan.frames >= WINDOW_FRAMES_MIN {
                self.feed.took(&parcel);
                self.splicer.take(parcel);
                return true;
            }
            self.feed.send_home(parcel);
        }
        false
    }
}

#[cfg(test)]
#[path = "attached_tests.rs"]
mod attached_tests;
#[cfg(test)]
#[path = "player_tests.rs"]
mod tests;
