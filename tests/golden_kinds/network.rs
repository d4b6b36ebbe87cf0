//! A model of the manifest as a denoiser.

use engine::backend::{Denoiser, DenoiserError, DenoiserRow};
use engine::graph::Graph;
use engine::graph::reference::Inputs;
use engine::latent::LATENT_CHANNELS;
use engine::model::config::DitConfig;
use engine::model::dit::{self, Extras};

use crate::model::{Machine, Part};

/// The velocity network of a case, run by one of the lowerings.
pub struct Network<'a> {
    machine: Machine,
    part: &'a Part<DitConfig>,
    graph: Graph,
}

impl<'a> Network<'a> {
    pub fn new(machine: Machine, part: &'a Part<DitConfig>) -> Self {
        Self { machine, part, graph: dit::graph(&part.config, Extras::default()) }
    }
}

impl Denoiser for Network<'_> {
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        let frames = row.x.len() / LATENT_CHANNELS;
        let width = self.part.config.encoders.hidden;
        let inputs = Inputs::new()
            .with("x", &[1, frames, LATENT_CHANNELS], row.x.to_vec())
            .with("context", &[1, frames, 2 * LATENT_CHANNELS], row.context.to_vec())
            .with("tokens", &[1, row.tokens.len() / width, width], row.tokens.to_vec())
            .with("t", &[1], [row.t])
            .with("t_minus_r", &[1], [row.t - row.r]);
        out.copy_from_slice(self.machine.run(&self.graph, &inputs, &self.part.weights).get("velocity"));
        Ok(())
    }
}
