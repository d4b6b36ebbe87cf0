//! A compiled graph: named inputs and outputs around a list of steps.
#![allow(unsafe_code)]

use std::sync::Arc;

use super::lower::Lowering;
use super::memory::{Floats, Memory, Slot};
use super::pack::Packed;
use super::pool::{FlushDenormals, Pool};
use super::step::{Stage, Step, lines};
use crate::graph::{Graph, LowerError, Sizes, WeightSource};

/// A graph compiled for given sizes.
///
/// Inputs keep their values between runs; outputs are valid until the next run.
pub struct Plan {
    pub(super) steps: Vec<Box<dyn Step>>,
    pub(super) memory: Memory,
    pub(super) pool: Arc<Pool>,
    pub(super) scratch: Floats,
    pub(super) seat: usize,
    pub(super) axes: Vec<(&'static str, usize)>,
    pub(super) lengths: Vec<usize>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
}

/// A named value.
pub(super) struct Port {
    pub(super) name: String,
    pub(super) slot: Slot,
    pub(super) shape: Vec<usize>,
    pub(super) ids: bool,
}

impl Plan {
    /// Compiles `graph` for `sizes`. Weights are taken from `packed` where an earlier plan packed them already, else
    /// packed from `weights` (which is told that their bytes may go).
    ///
    /// # Errors
    /// When sizes are missing, weights are missing or misshapen, or shapes do not fit ([`crate::graph::shape::infer`]).
    pub fn compile(
        graph: &Graph,
        sizes: &Sizes,
        weights: &dyn WeightSource,
        packed: &Packed,
        pool: &Arc<Pool>,
    ) -> Result<Self, LowerError> {
        let lowered = Lowering::new(graph, sizes, weights, packed, pool.threads())?.lower()?;
        let seat = lines(lowered.steps.iter().map(|it| it.scratch()).max().unwrap_or(0));
        Ok(Self {
            memory: lowered.layout.place(),
            steps: lowered.steps,
            scratch: Floats::zeros(seat * pool.threads()),
            seat,
            pool: Arc::clone(pool),
            lengths: lowered.axes.iter().map(|it| it.1).collect(),
            axes: lowered.axes,
            inputs: lowered.inputs,
            outputs: lowered.outputs,
        })
    }

    /// Numbers of an input, row-major; zeros at first.
    ///
    /// # Panics
    /// When the graph has no such input, or it takes token ids.
    pub fn input_mut(&mut self, name: &str) -> &mut [f32] {
        let port = port(&self.inputs, name, false);
        // SAFETY: the port's buffer holds its shape and nothing else is placed there; `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.memory.at(port.slot), port.len()) }
    }

    /// Token ids of an input, row-major; zeros at first.
    ///
    /// # Panics
    /// When the graph has no such input, or it takes numbers.
    pub fn ids_mut(&mut self, name: &str) -> &mut [u32] {
        let port = port(&self.inputs, name, true);
        // SAFETY: as above; u32 has the size and alignment of f32, and any bits are valid for both.
        unsafe { std::slice::from_raw_parts_mut(self.memory.at(port.slot).cast::<u32>(), port.len()) }
    }

    /// Numbers of an output, row-major, of the last run.
    ///
    /// # Panics
    /// When the graph has no such output.
    #[must_use]
    pub fn output(&self, name: &str) -> &[f32] {
        let port = port(&self.outputs, name, false);
        // SAFETY: the port's buffer holds its shape, and nobody writes while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.memory.at(port.slot), port.len()) }
    }

    /// Shape of an output.
    ///
    /// # Panics
    /// When the graph has no such output.
    #[must_use]
    pub fn output_shape(&self, name: &str) -> &[usize] {
        &port(&self.outputs, name, false).shape
    }

    /// Says that only the first `length` entries of a named axis are in use from now on: as attention keys, the others
    /// are neither read nor attended to, with the same bits as a plan compiled for `length`. Entries of outputs past it
    /// mean nothing. More than the plan was compiled for counts as all.
    ///
    /// # Panics
    /// When no input of the graph has an axis of that name.
    pub fn set_length(&mut self, axis: &str, length: usize) {
        let at = self.axes.iter().position(|it| it.0 == axis);
        let at = at.unwrap_or_else(|| panic!("no input has an axis `{axis}`"));
        self.lengths[at] = length.min(self.axes[at].1);
    }

    /// Computes the outputs. Allocates nothing and blocks on nothing but the pool's threads.
    pub fn run(&mut self) {
        let _flush = FlushDenormals::begin();
        let stage = Stage {
            memory: &self.memory,
            pool: &self.pool,
            scratch: self.scratch.as_mut_ptr(),
            seat: self.seat,
            lengths: &self.lengths,
        };
        self.steps.iter().for_each(|it| it.run(&stage));
    }

    /// Bytes of the plan's own memory: values and scratch, without weights.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        4 * (self.memory.len() + self.scratch.as_slice().len())
    }
}

impl Port {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

fn port<'a>(ports: &'a [Port], name: &str, ids: bool) -> &'a Port {
    let port = ports.iter().find(|it| it.name == name && it.ids == ids);
    port.unwrap_or_else(|| panic!("the plan has no {} `{name}`", if ids { "ids" } else { "numbers" }))
}
