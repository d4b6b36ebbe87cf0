//! A performer and what reaches it: the order in which values and edges are read, once for every caller.
//!
//! The snapshot is read first, then every edge that belongs to it or to an earlier one: a patch's curves and its values act
//! in the same tick. Never blocks, allocates or frees.

use super::performer::{Performer, Swap};
use super::tick::TickReport;
use crate::backend::BackendError;
use crate::param::{EdgeReceiver, SnapshotReader};

/// The tick thread's side of the instrument.
pub struct TickSide {
    performer: Performer,
    snapshots: SnapshotReader,
    edges: EdgeReceiver<Swap>,
}

impl TickSide {
    /// Joins a performer with its ends of the hand-offs.
    #[must_use]
    pub fn new(performer: Performer, snapshots: SnapshotReader, edges: EdgeReceiver<Swap>) -> Self {
        Self { performer, snapshots, edges }
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
        self.performer.tick(&now.values, heard)
    }

    /// The performer.
    #[must_use]
    pub fn performer(&self) -> &Performer {
        &self.performer
    }
}
