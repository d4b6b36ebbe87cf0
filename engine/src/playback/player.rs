//! What the audio callback calls: the tape, read in time, with fresh windows spliced in ahead of the head.
//!
//! `fill` never allocates, frees, locks, logs or reads a clock, and does a bounded amount of work a period: at most the
//! orders that fit their queue, [`SPLICE_FRAMES_PER_FILL`] frames of splicing for each 1024 frames played, and a fixed cost
//! a sample. Whatever is late, missing or broken, the tape goes on looping.

use std::sync::Arc;

use rtrb::{Consumer, Producer};

use super::deck::{Desk, Order};
use super::fader::Fader;
use super::guard::Guard;
use super::head::Head;
use super::meters::{Meters, Playhead};
use super::parcel::{Landing, Parcel, Post};
use super::splice::{Ears, SPLICE_FADE_FRAMES, SPLICE_FRAMES_PER_FILL, Splicer};
use super::tape::{LoopBand, Tape, TapeId};
use crate::latent::StereoFrame;

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
    post: Post,
    orders: Consumer<Order>,
    retired: Producer<Tape>,
    desk: Arc<Desk>,
    meters: Arc<Meters>,
    played: u64,
    /// The played count at the last jump: windows planned before it are not judged.
    jumped: u64,
}

impl Player {
    pub(super) fn new(
        tape: Tape,
        post: Post,
        orders: Consumer<Order>,
        retired: Producer<Tape>,
        desk: Arc<Desk>,
        meters: Arc<Meters>,
    ) -> Self {
        let head = Head::new(LoopBand::whole(tape.len()));
        let fader = Fader::new(desk.gain());
        Self {
            tape,
            tape_id: TapeId::default(),
            head,
            splicer: Splicer::new(),
            fader,
            guard: Guard::new(),
            post,
            orders,
            retired,
            desk,
            meters,
            played: 0,
            jumped: 0,
        }
    }

    /// Writes the next `out.len()` stereo samples.
    pub fn fill(&mut self, out: &mut [StereoFrame]) {
        for step in out.chunks_mut(STEP_FRAMES) {
            self.obey();
            // At the seam two places are heard; a splice waits those 10 ms rather than change one under the ear. A head
            // that has just jumped there has heard neither.
            if !self.head.at_seam() || self.jumped == self.played {
                self.splice();
            }
            let laps = self.head.laps();
            self.head.read(self.tape.frames(), step);
            Meters::add(&self.meters.laps, self.head.laps() - laps);
            self.fader.apply(self.desk.gain(), step);
            self.guard.process(step, &self.meters);
            self.played += step.len() as u64;
            self.meters.publish(Playhead { position: self.head.position(), played: self.played });
        }
        Meters::add(&self.meters.fills, 1);
    }

    /// The device reported `gaps` gaps in the sound; they are counted beside the player's own trouble.
    pub fn underran(&self, gaps: u64) {
        Meters::add(&self.meters.underruns, gaps);
    }

    /// The tape as it is now, for tests and for writing it to a file after playing has ended.
    #[must_use]
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Takes the orders that wait. Of several jumps only the last is made.
    fn obey(&mut self) {
        let before = (self.head.position(), self.head.band());
        let (mut position, mut band) = before;
        for _ in 0..self.orders.slots() {
            // A swapped tape needs a way home; without one it waits, and the orders behind it too.
            if matches!(self.orders.peek(), Ok(Order::Swap { .. })) && self.retired.is_full() {
                break;
            }
            match self.orders.pop() {
                Ok(Order::Seek(to)) => position = band.wrap(to),
                Ok(Order::Band(to)) => (position, band) = (to.wrap(position), to),
                Ok(Order::Swap { tape, id, band: to, position: at }) => {
                    self.swap(tape, id, to, at);
                    return self.obey();
                }
                Err(_) => break,
            }
        }
        if (position, band) != before {
            self.head.jump(self.tape.frames(), self.tape.frames(), position, band);
            self.jumped = self.played;
        }
    }

    fn swap(&mut self, tape: Tape, id: TapeId, band: LoopBand, position: usize) {
        self.head.jump(self.tape.frames(), tape.frames(), position, band);
        (self.tape_id, self.jumped) = (id, self.played);
        if let Some(parcel) = self.splicer.give_up() {
            self.send_home(parcel);
        }
        let old = std::mem::replace(&mut self.tape, tape);
        self.retired.push(old).expect("a place was free before the order was taken");
    }

    fn splice(&mut self) {
        let mut budget = SPLICE_FRAMES_PER_FILL;
        // A new window is begun only with room for its first fade: no fade is ever left half written.
        while self.splicer.busy() || (budget >= 2 * SPLICE_FADE_FRAMES && self.take_next()) {
            let (head, turn) = (self.head.position(), self.head.turn(STEP_FRAMES));
            let ears = Ears { head, unheard: self.jumped == self.played, turn };
            match self.splicer.write(self.tape.frames_mut(), ears, &mut budget) {
                Some(parcel) => {
                    Meters::add(&self.meters.windows_spliced, 1);
                    self.send_home(parcel);
                }
                None => break,
            }
        }
    }

    /// Opens the next window that can still be used; false when none waits.
    fn take_next(&mut self) -> bool {
        while let Ok(mut parcel) = self.post.full.pop() {
            let plan = parcel.plan.expect("a parcel leaves the packer with its plan");
            let on_tape = plan.land < self.tape.len() && plan.frames <= self.tape.len();
            if plan.tape != self.tape_id || !on_tape {
                Meters::add(&self.meters.windows_stale, 1);
                self.send_home(parcel);
                continue;
            }
            let judged = Playhead::frames_between(self.jumped, plan.planned) >= 0;
            let left = Playhead::frames_between(self.played, plan.due);
            parcel.landing = match usize::try_from(left) {
                _ if !judged => Landing::Void,
                Ok(left) => Landing::InTime { left },
                Err(_) => Landing::Late { by: left.unsigned_abs() as usize },
            };
            let mut late = 0;
            if let Landing::Late { by } = parcel.landing {
                late = plan.run_up + by;
                Meters::add(&self.meters.windows_late, 1);
                Meters::add(&self.meters.late_frames, by.min(plan.frames) as u64);
            }
            if late < plan.frames {
                self.splicer.take(parcel, late);
                return true;
            }
            self.send_home(parcel);
        }
        false
    }

    fn send_home(&mut self, parcel: Parcel) {
        self.post.empty.push(parcel).expect("there are as many places as boxes");
    }
}

#[cfg(test)]
#[path = "player_tests.rs"]
mod tests;
