//! A compiled graph: steps with their addresses, in the order in which they are enqueued.

use std::sync::Arc;

use bytemuck::Pod;

use super::PlanError;
use super::blas::WORKSPACE_BYTES;
use super::lower::{Lowering, Port, Source, Step};
use super::rig::Rig;
use crate::backend::cuda::{Buffer, DeviceError, Pinned, Stream};
use crate::graph::layout::Places;
use crate::graph::{Graph, Sizes, WeightSource};

/// What every buffer's address is a multiple of, in bytes: what the fastest copies and products ask for.
const ALIGNMENT: usize = 256;

/// A graph compiled for given sizes. Inputs keep their values between runs; outputs are valid until the next run.
#[derive(Debug)]
pub struct CudaPlan {
    steps: Vec<Step>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    workspace: u64,
    arena: Arc<Buffer>,
    rig: Arc<Rig>,
}

/// A graph whose memory is counted and not yet there: plans that never run at the same time may share it.
pub(super) struct Draft<'a> {
    source: Source<'a>,
    places: Places,
    rig: &'a Arc<Rig>,
}

impl CudaPlan {
    /// Compiles `graph` for `sizes`: allocates its memory, uploads weights that the rig does not have yet, and chooses
    /// the algorithms of its products. A rig knows weights by their names, so it serves one checkpoint.
    ///
    /// # Errors
    /// [`PlanError::Graph`] when sizes or weights do not fit; what the card or cuBLASLt refuses.
    pub fn compile(
        rig: &Arc<Rig>,
        graph: &Graph,
        sizes: &Sizes,
        weights: &dyn WeightSource,
    ) -> Result<Self, PlanError> {
        let draft = Draft::new(rig, graph, sizes, weights, &[])?;
        let arena = Arc::new(Buffer::zeroed(rig.device(), draft.memory_bytes())?);
        draft.compile(&arena)
    }

    /// Where an input lies on the card, row-major; zeros at first.
    ///
    /// # Panics
    /// When the graph has no such input.
    #[must_use]
    pub fn input(&self, name: &str) -> u64 {
        port(&self.inputs, name).address
    }

    /// Where an output of the last run lies on the card, row-major f32.
    ///
    /// # Panics
    /// When the graph has no such output.
    #[must_use]
    pub fn output(&self, name: &str) -> u64 {
        port(&self.outputs, name).address
    }

    /// Shape of an output.
    ///
    /// # Panics
    /// When the graph has no such output.
    #[must_use]
    pub fn output_shape(&self, name: &str) -> &[usize] {
        &port(&self.outputs, name).shape
    }

    /// Enqueues one run; never allocates and never waits, so it can be recorded in a graph.
    ///
    /// # Errors
    /// The first step that could not be enqueued.
    pub fn enqueue(&self, stream: &Stream) -> Result<(), DeviceError> {
        self.steps.iter().try_for_each(|step| match step {
            Step::Kernel(launch) => launch.enqueue(stream),
            Step::Product(matmul) => self.rig.blas.enqueue(matmul, self.workspace, stream),
        })
    }

    /// Fills an input (numbers, or token ids as u32) and waits: for checks and for what is done once, not for a tick.
    ///
    /// # Errors
    /// When the card is gone or the host has no room.
    ///
    /// # Panics
    /// When the graph has no such input, or it has another size.
    pub fn write<T: Pod>(&self, stream: &Stream, name: &str, numbers: &[T]) -> Result<(), DeviceError> {
        let port = port(&self.inputs, name);
        assert_eq!(size_of_val(numbers), 4 * port.shape.iter().product::<usize>(), "`{name}` is {:?}", port.shape);
        let mut host = Pinned::zeroed(self.rig.device(), numbers.len())?;
        host.copy_from_slice(numbers);
        stream.upload(port.address, &host, 0, numbers.len())?;
        stream.wait()
    }

    /// Fetches an output and waits: for checks and for what is done once, not for a tick.
    ///
    /// # Errors
    /// What went wrong on the card meanwhile.
    ///
    /// # Panics
    /// When the graph has no such output.
    pub fn read(&self, stream: &Stream, name: &str) -> Result<Vec<f32>, DeviceError> {
        let port = port(&self.outputs, name);
        let numbers = port.shape.iter().product();
        let mut host = Pinned::zeroed(self.rig.device(), numbers)?;
        stream.download(&mut host, 0, numbers, port.address)?;
        stream.wait()?;
        Ok(host.to_vec())
    }

    /// Steps of a run.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Bytes of the plan's own memory, without weights.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.arena.bytes()
    }
}

impl<'a> Draft<'a> {
    /// Counts a graph's memory. Inputs and outputs that are `given` lie in memory that the plan's owner holds.
    pub(super) fn new(
        rig: &'a Arc<Rig>,
        graph: &'a Graph,
        sizes: &'a Sizes,
        weights: &'a dyn WeightSource,
        given: &'a [(String, u64)],
    ) -> Result<Self, PlanError> {
        let source = Source { rig, graph, sizes, weights, given };
        let places = Lowering::walk(&source, None)?.layout.place(ALIGNMENT);
        Ok(Self { source, places, rig })
    }

    /// Bytes that it runs in.
    pub(super) fn memory_bytes(&self) -> usize {
        self.places.len().next_multiple_of(ALIGNMENT) + WORKSPACE_BYTES
    }

    /// The plan, in an arena of at least [`Self::memory_bytes`].
    pub(super) fn compile(self, arena: &Arc<Buffer>) -> Result<CudaPlan, PlanError> {
        assert!(self.memory_bytes() <= arena.bytes(), "the arena is large enough");
        let workspace = arena.address() + self.places.len().next_multiple_of(ALIGNMENT) as u64;
        let walked = Lowering::walk(&self.source, Some((arena.address(), &self.places)))?;
        Ok(CudaPlan {
            steps: walked.steps,
            inputs: walked.inputs,
            outputs: walked.outputs,
            workspace,
            arena: Arc::clone(arena),
            rig: Arc::clone(self.rig),
        })
    }
}

fn port<'a>(ports: &'a [Port], name: &str) -> &'a Port {
    ports.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("the plan has no value `{name}`"))
}
