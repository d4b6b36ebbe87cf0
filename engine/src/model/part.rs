//! One part of a model ready to be compiled: configuration, mapped weights, and what was packed of them.
//!
//! Plans of different sizes share the packed weights, so that a longer loop or another window costs no second copy.

use std::path::Path;
use std::sync::Arc;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::shapes::Shapes;
use crate::graph::cpu::{Packed, Plan, Pool};
use crate::graph::{Builder, Graph, LowerError, Sizes};

/// A part of a model.
pub struct Part<Config> {
    /// What its `config.json` says.
    pub config: Config,
    /// Its weights.
    pub weights: Checkpoint,
    packed: Packed,
}

impl<Config> Part<Config> {
    /// A part of which nothing is packed yet.
    #[must_use]
    pub fn new(config: Config, weights: Checkpoint) -> Self {
        Self { config, weights, packed: Packed::new() }
    }

    /// Maps the weights of a configuration.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open(config: Config, weights: &Path) -> Result<Self, CheckpointError> {
        Ok(Self::new(config, Checkpoint::open(weights)?))
    }

    /// Compiles a graph of this part.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] when the weights are not those of the configuration.
    pub fn plan(&self, graph: &Graph, sizes: &Sizes, pool: &Arc<Pool>) -> Result<Plan, CheckpointError> {
        Plan::compile(graph, sizes, &self.weights, &self.packed, pool).map_err(|error| self.explain(&error))
    }

    /// Says a lowering's complaint with the file that caused it.
    pub(super) fn explain(&self, error: &LowerError) -> CheckpointError {
        self.weights.explain(error)
    }
}

impl<Config: Shapes> Part<Config> {
    /// Checks every weight of a graph against the configuration and packs it, by compiling the graph once.
    ///
    /// # Errors
    /// [`CheckpointError::Unfit`] when a weight is missing, misshapen, or not finite.
    pub fn pack(&self, graph: &Graph, sizes: &Sizes, pool: &Arc<Pool>) -> Result<(), CheckpointError> {
        self.weights.check(graph, |name| self.config.shape(name))?;
        self.plan(graph, sizes, pool).map(|_| ())
    }

    /// Checks a tensor that plain code reads from the mapping, without packing it.
    ///
    /// # Errors
    /// As [`Self::pack`].
    pub fn check_read(&self, name: &str) -> Result<(), CheckpointError> {
        let mut b = Builder::new();
        b.constant(name);
        self.weights.check(&b.finish(), |name| self.config.shape(name))
    }
}
