//! The tick side: parameters and edges in, finished latents out.
//!
//! One call of [`Performer::tick`] is one tick: the snapshot is read once, edges are obeyed, a slot is born where one is
//! free, the ring advances, and what finished is remembered for feedback and published for the decoder. Nothing allocates
//! after the first ticks, except when a [`Load`] is swapped in.

use std::sync::Arc;

use super::births::{Births, feeds_back};
use super::latents::LatentWriter;
use super::material::Material;
use super::pace::Pace;
use super::standing::Standing;
use super::steering::Steering;
use super::tick::{TickReport, tick};
use super::words::Words;
use crate::backend::{Backend, BackendError};
use crate::param::{Edge, ParamId, Values};
use crate::ring::{MAX_DEPTH, Ring, RingCounters, StepControls, TickPlan};
use crate::solver::schedule::{Sampling, ScheduleLaw};

/// What a worker has prepared: it replaces backend, material and mailbox in one go, between two ticks.
pub struct Load {
    /// What to play on.
    pub material: Arc<Material>,
    /// Compiled for the material's length and longest prompt.
    pub backend: Box<dyn Backend + Send>,
    /// Where finished latents go.
    pub latents: LatentWriter,
    /// The last slots' worth of requests, shelves and curves; made by [`Load::new`].
    births: Births,
    steering: Steering,
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Load").field("frames", &self.material.frames).finish_non_exhaustive()
    }
}

/// What a worker has prepared, to be swapped in between two ticks.
pub enum Swap {
    /// Another set: nothing of the old one lives on.
    Set(Box<Load>),
    /// Another backend for the same set: generations in flight begin again on it, with their own requests.
    Backend(Box<dyn Backend + Send>),
    /// Other words for the same set: generations in flight live on with theirs, and slots born from now on have these. What
    /// comes back may still be held: see [`Words::let_go`].
    Words(Box<Words>),
}

impl std::fmt::Debug for Swap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Set(load) => f.debug_tuple("Set").field(load).finish(),
            Self::Backend(_) => f.write_str("Backend"),
            Self::Words(words) => f.debug_tuple("Words").field(words).finish(),
        }
    }
}

impl Load {
    /// Prepares everything that the tick side needs, so that the swap itself allocates nothing.
    #[must_use]
    pub fn new(material: Arc<Material>, backend: Box<dyn Backend + Send>, latents: LatentWriter) -> Self {
        let births = Births::new(Arc::clone(&material));
        let steering = Steering::new(material.frames);
        Self { material, backend, latents, births, steering }
    }
}

/// The ring and all that feeds it.
pub struct Performer {
    ring: Ring,
    plan: TickPlan,
    stage: Load,
    reseeds: u32,
    seed_before: u32,
    pace: Pace,
    /// Slots that may be in flight: the depth, or more while slots that were born under a greater depth still drain.
    room: usize,
    /// The first ticket that was born under this depth.
    since: u64,
    depth: usize,
    standing: Standing,
    /// The depth that may be had; see [`Performer::hold_depth`].
    most: usize,
    /// The submission of the latent that left last in the last tick.
    left: Option<u64>,
}

impl Performer {
    /// Starts with an empty ring; the first births come with the first ticks.
    #[must_use]
    pub fn new(load: Load) -> Self {
        let values = Values::default();
        Self {
            ring: Ring::new(values.whole(ParamId::Depth), sampling(&values)),
            plan: TickPlan::new(),
            stage: load,
            reseeds: 0,
            seed_before: values.seed(),
            pace: Pace::new(),
            room: values.whole(ParamId::Depth),
            since: 0,
            depth: values.whole(ParamId::Depth),
            standing: Standing::default(),
            most: MAX_DEPTH,
            left: None,
        }
    }

    /// Obeys an edge. Answers what is to be freed elsewhere: the curve that was copied, or the stage that was swapped out.
    pub fn obey(&mut self, edge: Edge<Swap>) -> Edge<Swap> {
        self.standing.disturb(&self.ring);
        match edge {
            Edge::Reseed => {
                self.reseeds = self.reseeds.wrapping_add(1);
                Edge::Reseed
            }
            Edge::SetCurve(id, curve) => {
                self.stage.steering.draw(id, curve.as_ref());
                Edge::SetCurve(id, curve)
            }
            Edge::Load(mut swap) => {
                self.swap(&mut swap);
                Edge::Load(swap)
            }
        }
    }

    /// What was prepared is in force, and what was is in its place.
    fn swap(&mut self, swap: &mut Swap) {
        match swap {
            Swap::Set(load) => {
                self.plan.clear();
                // Slots of the old set die with it: their latents mean nothing to the new tape.
                self.ring.clear();
                // What a hand has drawn outlives the set, stretched over the new tape.
                for id in ParamId::all() {
                    load.steering.draw(id, self.stage.steering.drawn(id));
                }
                std::mem::swap(&mut self.stage, &mut **load);
                self.pace = Pace::new();
            }
            Swap::Backend(backend) => {
                self.plan.clear();
                self.ring.begin_again();
                std::mem::swap(&mut self.stage.backend, backend);
            }
            Swap::Words(words) => {
                if let Some(network) = words.network_mut() {
                    self.stage.backend.exchange(network);
                }
                self.stage.births.take_words(words);
            }
        }
    }

    /// Runs one tick under these values. `heard` is called with the number of every latent that finished.
    ///
    /// # Errors
    /// When the device failed. The ring stands where it stood; the tick may be tried again. A request that the backend
    /// cannot compute is no such error: its slot is given up, and the report says so.
    pub fn tick(&mut self, values: &Values, mut heard: impl FnMut(u64, &[f32])) -> Result<TickReport, BackendError> {
        self.standing.hear(values, &self.ring);
        self.make_room(self.depth_under(values));
        self.ring.sampling = sampling(values);
        self.give_birth(values);
        self.left = None;
        let Self { stage: Load { backend, latents, births, steering, .. }, standing, left, .. } = self;
        let controls = steering.controls(values);
        let report = tick(&mut self.ring, backend.as_mut(), &mut self.plan, controls, &mut |finished| {
            let equal = births.remember(finished.latent);
            standing.finished(finished.ticket, equal);
            *left = Some(finished.ticket);
            let publish = if equal { LatentWriter::publish_again } else { LatentWriter::publish };
            heard(publish(latents, finished.latent), finished.latent);
        });
        // Births hold requests; empty at once, so that the shelves get them back when their slots end.
        self.plan.births.clear();
        report
    }

    /// The latent that left last in the last tick was finished under one snapshot and born under another: the decode side is told.
    pub(super) fn made(&self, left: u64, born: u64) {
        self.stage.latents.made(left, born);
    }

    /// The submission of the latent that left last in the last tick; `None` when none left.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.left
    }

    /// Begins again after a tick that was left in the middle (somebody panicked): every generation in flight starts over, with its
    /// own request, so that nothing half computed is gone on with.
    pub fn begin_again(&mut self) {
        self.plan.clear();
        self.ring.begin_again();
        self.stage.steering.begin_again();
        self.standing.disturb(&self.ring);
    }

    /// Whether a tick under these values would make nothing but the latent that stands: then it can be left out, and the
    /// ring goes on where it is when something moves.
    #[must_use]
    pub fn rests(&self, values: &Values) -> bool {
        self.room == self.depth && !self.feeds_back(values) && self.standing.stands(values, &self.ring)
    }

    /// Whether generations born under these values are made of those before them: then none is like the one before.
    #[must_use]
    pub fn feeds_back(&self, values: &Values) -> bool {
        feeds_back(values, self.stage.steering.drawn(ParamId::Feedback))
    }

    /// What the next slot would have as its seed.
    #[must_use]
    pub fn seed(&self, values: &Values) -> u32 {
        values.seed().wrapping_add(if values.seed() == self.seed_before { self.reseeds } else { 0 })
    }

    /// The ring, for displays and tests.
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The shared controls that the last tick ran under, or would run under now.
    pub fn controls(&mut self, values: &Values) -> &StepControls {
        self.stage.steering.controls(values)
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> RingCounters {
        self.ring.counters()
    }

    /// What is being played on.
    #[must_use]
    pub fn material(&self) -> &Arc<Material> {
        self.stage.births.material()
    }

    /// Keeps the ring at most so deep from the next tick on, whatever the values say; they are the top. No latent is another for it.
    pub fn hold_depth(&mut self, most: usize) {
        self.most = most.max(1);
    }

    /// The depth that is played under these values.
    #[must_use]
    pub fn depth_under(&self, values: &Values) -> usize {
        values.whole(ParamId::Depth).min(self.most)
    }

    /// A smaller depth lets slots finish. Until they have, births take any place of the greater depth: otherwise they would
    /// have to wait for the low places, and the next latents would come late and in a bunch.
    fn make_room(&mut self, depth: usize) {
        if depth != self.depth {
            (self.depth, self.since) = (depth, self.ring.next_ticket());
        }
        let drains = self.ring.slots().flatten().any(|slot| slot.ticket < self.since);
        self.room = if drains { self.room.max(depth) } else { depth };
        self.ring.set_depth(self.room);
    }

    /// Bears at most one slot a tick, evenly spread over the schedule, so that latents finish evenly and not in bursts.
    fn give_birth(&mut self, values: &Values) {
        if self.seed_before != values.seed() {
            // A turned seed knob means that seed, not one further along an old series.
            (self.seed_before, self.reseeds) = (values.seed(), 0);
        }
        let due = self.pace.tick(self.depth_under(values), self.ring.sampling.steps);
        let free = self.ring.slots().take(self.room).any(|slot| slot.is_none());
        if !(due && free) {
            return;
        }
        let rows: usize = self.ring.slots().flatten().map(|slot| slot.request.rows()).sum();
        // What would not even fit alone is not waited for: it is refused at its birth, and told.
        let Load { births, steering, .. } = &self.stage;
        let fits = rows == 0 || rows + births.rows(values, steering.curves()) <= self.stage.backend.most_rows();
        if !fits {
            return;
        }
        let seed = self.seed(values);
        let Load { births, steering, .. } = &mut self.stage;
        if let Some(request) = births.request(values, seed, steering.curves()) {
            self.ring.submit(request).expect("a birth is made of checked material and clamped values");
            self.pace.born();
        }
    }
}

fn sampling(values: &Values) -> Sampling {
    let law = if values.whole(ParamId::Schedule) == 1 { ScheduleLaw::Stepped } else { ScheduleLaw::Continuous };
    Sampling { steps: values.whole(ParamId::Steps), shift: values.get(ParamId::Shift), law }
}

#[cfg(test)]
#[path = "performer_tests.rs"]
mod tests;
