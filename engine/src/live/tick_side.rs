//! A performer and what reaches it: the order in which values and edges are read, once for every caller.
//!
//! The snapshot is read first, then every edge that belongs to it or to an earlier one: a patch's curves and its values act
//! in the same tick. Never blocks, allocates or frees.

use super::governor::{Governor, Ticked, work_of};
use super::performer::{Performer, Swap};
use super::tick::TickReport;
use crate::backend::BackendError;
use crate::param::{EdgeReceiver, ParamId, SnapshotReader};
use crate::ring::MAX_DEPTH;

/// Generations of which it is known under which values they were born: more than are ever in flight.
const BIRTHS: usize = 8 * MAX_DEPTH;

/// What of the hands was in the last tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickHeard {
    /// The number of the snapshot that it read.
    pub generation: u64,
    /// The number of the snapshot under which the latent that left last in it was born; `None` when none left.
    pub born: Option<u64>,
}

/// The tick thread's side of the instrument.
pub struct TickSide {
    performer: Performer,
    governor: Governor,
    snapshots: SnapshotReader,
    edges: EdgeReceiver<Swap>,
    /// The snapshot of each birth, by ticket.
    births: [u64; BIRTHS],
    heard: TickHeard,
}

impl TickSide {
    /// Joins a performer with its ends of the hand-offs.
    #[must_use]
    pub fn new(performer: Performer, snapshots: SnapshotReader, edges: EdgeReceiver<Swap>) -> Self {
        let (governor, births, heard) = (Governor::default(), [0; BIRTHS], TickHeard::default());
        Self { performer, governor, snapshots, edges, births, heard }
    }

    /// Runs one tick under the newest values, after the edges that belong to them.
    ///
    /// # Errors
    /// As [`Performer::tick`].
    pub fn tick(&mut self, heard: impl FnMut(u64, &[f32])) -> Result<TickReport, BackendError> {
        let now = self.snapshots.latest();
        while let Some(edge) = self.edges.next_edge(now.generation) {
            let spent = self.performer.obey(edge);
            // One retirement an edge always finds room.
            self.edges.retire(spent);
        }
        let first = self.performer.ring().next_ticket();
        let report = self.performer.tick(&now.values, heard);
        for ticket in first..self.performer.ring().next_ticket() {
            self.births[place(ticket)] = now.generation;
        }
        let left = self.performer.left();
        if let Some(ticket) = left {
            self.performer.made(now.generation, self.births[place(ticket)]);
        }
        self.heard = TickHeard { generation: now.generation, born: left.map(|it| self.births[place(it)]) };
        report
    }

    /// What of the hands was in the last tick.
    #[must_use]
    pub fn heard(&self) -> TickHeard {
        self.heard
    }

    /// Hears how many microseconds the last tick took, and what [`Self::tick`] answered; from then on the ring is as deep as the
    /// machine's pace allows, at most as the values say. Answers both depths.
    pub fn took(&mut self, took_us: u64, report: &TickReport) -> (usize, usize) {
        let values = &self.snapshots.latest().values;
        let wanted = values.whole(ParamId::Depth);
        let depth = self.governor.hear(Ticked { took_us, rows: report.rows, work: work_of(values), wanted });
        self.performer.hold_depth(if depth < wanted { depth } else { MAX_DEPTH });
        (depth, wanted)
    }

    /// Whether the next tick can be left out: no edge is due, and under the newest values it would make nothing but the latent
    /// that stands. Ask again before every tick that is left out: the first one behind a gesture hears it.
    pub fn rests(&mut self) -> bool {
        let now = self.snapshots.latest();
        !self.edges.is_due(now.generation) && self.performer.rests(&now.values)
    }

    /// Begins again after a tick that was left in the middle: see [`Performer::begin_again`].
    pub fn begin_again(&mut self) {
        self.performer.begin_again();
    }

    /// The performer.
    #[must_use]
    pub fn performer(&self) -> &Performer {
        &self.performer
    }
}

fn place(ticket: u64) -> usize {
    (ticket % BIRTHS as u64) as usize
}
