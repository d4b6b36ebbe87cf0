//! Everything a player can change, as one table; the values of now; and the things that happen once.
//!
//! Values are latest-wins: the control thread sets them in the [`Store`], which publishes whole [`Snapshot`]s through a
//! triple buffer, and the tick thread takes one at its start, so that no knob changes half a tick. Things that happen
//! once (reseed, a finished load, a drawn curve) are [`Edge`]s in a bounded queue and are never lost.
//! Nothing here reads a clock, blocks, or knows what moved the knob.

// First, and open to its neighbours' text: their tests are written out once a parameter by its macro.
#[macro_use]
mod table;

mod curve;
mod edge;
mod history;
mod row;
mod snapshot;
mod store;

pub use curve::{Breakpoints, CurveFault, Drawn, swell};
pub use edge::{Edge, EdgeReceiver, EdgeSender, Unsent, edge_queue};
pub use history::{Change, Mark, SceneChange, Stroke};
pub use row::{AS_GROUP, Class, Row, Taper, Unit};
pub use snapshot::{KEYSTONES, Keystone, Snapshot, SnapshotReader, Values};
pub use store::{Kept, NotANumber, SCENES, Set, Store};
pub use table::{PARAMS, ParamId, TABLE};
