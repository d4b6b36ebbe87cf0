//! Plans on disk: what TensorRT built, kept until what it was built from or for changes.
//!
//! A plan is `NAME-HASH.plan`, beside it `NAME-HASH.toml` which says in plain words what it is for. The hash is of the whole
//! [`PlanKey`], so a plan is found by what is wanted and never by guessing, and an update that is rolled back finds its old
//! plans. Nothing is believed: a plan whose bytes are not those that the sidecar names is built again, and said to be.
//!
//! A file appears whole or not at all, whenever the power goes; one process builds at a time, another one waits or is told.
//! Reads and writes files; knows nothing of TensorRT.

mod find;
mod key;
mod sidecar;
mod store;

#[cfg(test)]
mod tests;

pub use find::{Lookup, Why};
pub use key::{Change, PlanKey};
pub use sidecar::{Content, Sidecar, SidecarFault};
pub use store::{Entry, KERNELS, Keep, PlanStore, StoreError, StoreLock};
