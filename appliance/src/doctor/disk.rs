//! The disk: room for what the box remembers, takes and plans.

use std::path::Path;

use super::{Finding, Machine};
use crate::files::volume::LEAST_ROOM;
use crate::files::{shown, why_not_writable};

/// A minute of a take is 23 MB, a set of plans some hundred.
const SCARCE_BYTES: u64 = 2 << 30;

/// Where the state lies.
pub(super) fn disk(machine: &dyn Machine, state: &Path) -> Finding {
    const ROW: &str = "disk";
    let place = shown(&state);
    let space = match machine.space(state) {
        Ok(space) => space,
        Err(error) => return Finding::fault(ROW, format!("{place}: {error}"), "look whether the disk is mounted"),
    };
    if space.read_only {
        let mend = "mount the data partition for writing: nothing that is learnt or kept survives the power";
        return Finding::fault(ROW, format!("{place} is mounted for reading alone"), mend);
    }
    let free = format!("{place}: {} MB are free", space.free_bytes / 1_000_000);
    if space.free_bytes < LEAST_ROOM {
        return Finding::fault(ROW, free, "remove takes (`demon-take-*.wav`) or plans (`demon build --clean`)");
    }
    if let Some(trouble) = why_not_writable(state) {
        return Finding::fault(ROW, format!("{place}: {trouble}"), "give the player's user the folder (`chown demon`)");
    }
    if space.free_bytes < SCARCE_BYTES {
        return Finding::warning(ROW, free, "remove takes (`demon-take-*.wav`) or plans (`demon build --clean`)");
    }
    Finding::well(ROW, free)
}
