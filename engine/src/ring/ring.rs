//! The ring buffer of generations: queue, slots, depth.
//!
//! Order of a tick: requests and slots of another length than the newest request are dropped; empty slots are filled in
//! index order from the queue; all slots advance one step; those that took their last step are free again. Nothing
//! here touches a latent.

use std::collections::VecDeque;
use std::sync::Arc;

use super::plan::{Birth, PlanRow, SlotStep, TickPlan};
use super::request::{Condition, Request, RequestError};
use crate::solver::schedule::{Grain, Sampling};
use crate::solver::step::StepSpan;

/// Most slots of a ring.
pub const MAX_DEPTH: usize = 8;

/// Noise levels that a schedule holds before it has to grow: more than any model was trained for.
const LEVELS_ROOM: usize = 65;

/// What becomes of slots beyond a smaller depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Shrink {
    /// They finish what they make; nothing new is born in them.
    #[default]
    Drain,
    /// They are dropped (the published behaviour).
    Discard,
}

/// When finished latents leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Emission {
    /// In the tick that finished them, all of them.
    #[default]
    WhenFinished,
    /// At the start of a later tick, the lowest slot first, one a tick (the published behaviour; for comparing with it).
    OneATick,
}

/// What has happened to a request on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// Names the request: counts submissions from 0.
    pub ticket: u64,
    /// Ticket of the oldest queued request, when it had to make room.
    pub dropped: Option<u64>,
}

/// What the ring has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingCounters {
    /// Ticks planned.
    pub ticks: u64,
    /// Slots filled.
    pub born: u64,
    /// Latents that left finished.
    pub finished: u64,
    /// Requests that left the queue because it was full or because the length changed.
    pub requests_dropped: u64,
    /// Slots given up because the length or the depth changed.
    pub slots_discarded: u64,
    /// Slots given up because they were no longer finite.
    pub slots_unsound: u64,
    /// Slots given up because a backend cannot compute their requests.
    pub slots_refused: u64,
}

/// A slot as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlotView<'a> {
    /// The submission it makes.
    pub ticket: u64,
    /// What it makes.
    pub request: &'a Arc<Request>,
    /// Steps taken.
    pub step: usize,
    /// Noise levels, one more than steps.
    pub levels: &'a [f32],
}

#[derive(Debug)]
struct Queued {
    ticket: u64,
    request: Arc<Request>,
}

#[derive(Debug)]
struct Life {
    ticket: u64,
    request: Arc<Request>,
    step: usize,
    /// Whether a backend holds its latent. Not after a device was lost: then it is born again with its own request.
    is_filled: bool,
}

/// A place of the ring; its schedule's room outlives the generations in it.
#[derive(Debug)]
struct Seat {
    life: Option<Life>,
    levels: Vec<f32>,
}

/// Generations in flight and waiting.
#[derive(Debug)]
pub struct Ring {
    depth: usize,
    /// What becomes of slots when the depth shrinks.
    pub shrink: Shrink,
    /// When finished latents leave.
    pub emission: Emission,
    /// Steps, shift and law of slots born from now on.
    pub sampling: Sampling,
    seats: [Seat; MAX_DEPTH],
    queue: VecDeque<Queued>,
    next_ticket: u64,
    counters: RingCounters,
}

impl Ring {
    /// An empty ring of `depth` slots (clamped to 1 to [`MAX_DEPTH`]).
    #[must_use]
    pub fn new(depth: usize, sampling: Sampling) -> Self {
        Self {
            depth: depth.clamp(1, MAX_DEPTH),
            shrink: Shrink::default(),
            emission: Emission::default(),
            sampling,
            seats: std::array::from_fn(|_| Seat { life: None, levels: Vec::with_capacity(LEVELS_ROOM) }),
            queue: VecDeque::with_capacity(MAX_DEPTH + 1),
            next_ticket: 0,
            counters: RingCounters::default(),
        }
    }

    /// Queues a request. When the queue already holds `depth` requests the oldest is dropped: fresh knobs reach the ring
    /// instead of waiting behind stale ones.
    ///
    /// # Errors
    /// When the request contradicts itself; the ring is then unchanged.
    pub fn submit(&mut self, request: Arc<Request>) -> Result<Submitted, RequestError> {
        request.check()?;
        let dropped = if self.depth <= self.queue.len() { self.queue.pop_front() } else { None };
        self.counters.requests_dropped += u64::from(dropped.is_some());
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.queue.push_back(Queued { ticket, request });
        Ok(Submitted { ticket, dropped: dropped.map(|it| it.ticket) })
    }

    /// Number of slots that births may fill.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Changes the depth (clamped to 1 to [`MAX_DEPTH`]); the queue keeps its length.
    pub fn set_depth(&mut self, depth: usize) {
        self.depth = depth.clamp(1, MAX_DEPTH);
        if self.shrink == Shrink::Discard {
            let beyond = self.seats[self.depth..].iter_mut().filter_map(|it| it.life.take());
            self.counters.slots_discarded += beyond.count() as u64;
        }
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> RingCounters {
        self.counters
    }

    /// The slots, all [`MAX_DEPTH`] places of them.
    pub fn slots(&self) -> impl Iterator<Item = Option<SlotView<'_>>> {
        self.seats.iter().map(Seat::view)
    }

    /// One slot.
    #[must_use]
    pub fn slot(&self, slot: usize) -> Option<SlotView<'_>> {
        self.seats.get(slot)?.view()
    }

    /// Slots in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.seats.iter().filter(|it| it.life.is_some()).count()
    }

    /// Tickets that wait, oldest first.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = u64> {
        self.queue.iter().map(|it| it.ticket)
    }

    /// The ticket that the next submission gets.
    #[must_use]
    pub fn next_ticket(&self) -> u64 {
        self.next_ticket
    }

    /// Gives up everything: queue and slots (panic, source swap).
    pub fn clear(&mut self) {
        self.counters.requests_dropped += self.queue.len() as u64;
        self.queue.clear();
        let lives = self.seats.iter_mut().filter_map(|it| it.life.take());
        self.counters.slots_discarded += lives.count() as u64;
    }

    /// Every generation in flight begins again, with its own request and schedule: what held their latents is gone (a lost
    /// device) and another takes over. The queue stays.
    pub fn begin_again(&mut self) {
        (0..MAX_DEPTH).for_each(|slot| self.refill(slot));
    }

    /// One generation begins again at the next tick, for instance because the device failed while it was filled.
    pub fn refill(&mut self, slot: usize) {
        if let Some(life) = &mut self.seats[slot].life {
            (life.step, life.is_filled) = (0, false);
        }
    }

    /// Begins a tick: drops other lengths, fills slots, and writes what is to be computed. With [`Emission::OneATick`] a
    /// slot that was done before is handed to `leave` and freed first.
    pub fn begin(&mut self, plan: &mut TickPlan, mut leave: impl FnMut(usize, SlotView<'_>)) {
        plan.clear();
        self.counters.ticks += 1;
        self.drop_other_lengths();
        if self.emission == Emission::OneATick
            && let Some(slot) = self.seats.iter().position(Seat::is_done)
        {
            self.release(slot, &mut leave);
        }
        for (slot, seat) in self.seats.iter_mut().enumerate() {
            plan.births.extend(seat.reborn(slot));
        }
        for slot in 0..self.depth {
            if self.seats[slot].life.is_some() {
                continue;
            }
            let Some(queued) = self.queue.pop_front() else { break };
            self.bear(slot, queued, plan);
        }
        for (slot, seat) in self.seats.iter().enumerate() {
            seat.plan(slot, plan);
        }
    }

    /// Ends a tick whose plan was computed: every slot of the plan has taken its step, except `unsound` ones (a bit a
    /// slot), which are given up. Slots that are now done and leave at once are handed to `leave` and freed.
    pub fn end(&mut self, plan: &TickPlan, unsound: u8, mut leave: impl FnMut(usize, SlotView<'_>)) {
        for step in &plan.steps {
            let seat = &mut self.seats[step.slot];
            if unsound & (1 << step.slot) != 0 {
                seat.life = None;
                self.counters.slots_unsound += 1;
                continue;
            }
            if let Some(life) = &mut seat.life {
                life.step += 1;
            }
            if self.emission == Emission::WhenFinished && seat.is_done() {
                self.release(step.slot, &mut leave);
            }
        }
    }

    /// Gives up a slot whose request the backend cannot compute.
    pub fn refuse(&mut self, slot: usize) {
        self.counters.slots_refused += u64::from(self.seats[slot].life.take().is_some());
    }

    /// The newest request decides the length.
    fn drop_other_lengths(&mut self) {
        let Some(frames) = self.queue.back().map(|it| it.request.frames) else { return };
        let before = self.queue.len();
        self.queue.retain(|it| it.request.frames == frames);
        self.counters.requests_dropped += (before - self.queue.len()) as u64;
        for seat in &mut self.seats {
            if seat.life.as_ref().is_some_and(|it| it.request.frames != frames) {
                seat.life = None;
                self.counters.slots_discarded += 1;
            }
        }
    }

    fn bear(&mut self, slot: usize, queued: Queued, plan: &mut TickPlan) {
        let seat = &mut self.seats[slot];
        self.sampling.levels_into(queued.request.denoise, Grain::F32, &mut seat.levels);
        plan.births.push(Birth { slot, request: Arc::clone(&queued.request), start: seat.levels[0] });
        seat.life = Some(Life { ticket: queued.ticket, request: queued.request, step: 0, is_filled: true });
        self.counters.born += 1;
    }

    fn release(&mut self, slot: usize, leave: &mut impl FnMut(usize, SlotView<'_>)) {
        if let Some(view) = self.seats[slot].view() {
            leave(slot, view);
        }
        self.seats[slot].life = None;
        self.counters.finished += 1;
    }
}

impl Seat {
    fn view(&self) -> Option<SlotView<'_>> {
        let life = self.life.as_ref()?;
        Some(SlotView { ticket: life.ticket, request: &life.request, step: life.step, levels: &self.levels })
    }

    /// The birth of a generation that has to begin again.
    fn reborn(&mut self, slot: usize) -> Option<Birth> {
        let life = self.life.as_mut().filter(|it| !it.is_filled)?;
        life.is_filled = true;
        Some(Birth { slot, request: Arc::clone(&life.request), start: self.levels[0] })
    }

    fn steps(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    fn is_done(&self) -> bool {
        self.life.as_ref().is_some_and(|it| self.steps() <= it.step)
    }

    fn plan(&self, slot: usize, plan: &mut TickPlan) {
        let Some(life) = self.life.as_ref().filter(|it| it.step < self.steps()) else { return };
        let (step, steps) = (life.step, self.steps());
        let span = StepSpan { now: self.levels[step], next: self.levels[step + 1] };
        let first = plan.positive.len();
        rows(slot, &life.request.conditions, step, steps, &mut plan.positive);
        let first_negative = plan.negative.len();
        if life.request.needs_negative(step) {
            rows(slot, &life.request.negatives, step, steps, &mut plan.negative);
        }
        let (positive, negative) = (first..plan.positive.len(), first_negative..plan.negative.len());
        plan.steps.push(SlotStep { slot, step, steps, span, positive, negative });
    }
}

/// Rows of the conditions that act at a step, or of the first when none does.
fn rows(slot: usize, conditions: &[Condition], step: usize, steps: usize, out: &mut Vec<PlanRow>) {
    let before = out.len();
    let acting = conditions.iter().enumerate().filter(|(_, it)| it.acts_at(step, steps));
    out.extend(acting.map(|(condition, _)| PlanRow { slot, condition }));
    if out.len() == before {
        out.push(PlanRow { slot, condition: 0 });
    }
}
