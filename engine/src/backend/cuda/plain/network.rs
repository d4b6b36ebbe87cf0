//! The denoiser on a plain card: one plan turns a prompt into keys and values at a birth, one plan a batch size computes
//! velocities from them at every tick.
//!
//! All plans read the same weights and run in the same memory, since none runs beside another.

use std::sync::Arc;

use super::PlanError;
use super::kernels::{Each, Launch};
use super::plan::{CudaPlan, Draft};
use super::rig::Rig;
use crate::backend::BackendError;
use crate::backend::cuda::parameters::ROWS;
use crate::backend::cuda::{Buffer, Network, NetworkShape, Ports, Seated, Seating, Stream};
use crate::graph::{Dim, Graph, LowerError, Op, Sizes, WeightSource};

/// The denoiser's two graphs, as `model::dit` writes them.
#[derive(Clone, Copy, Debug)]
pub struct DenoiserGraphs<'a> {
    /// `dit::prompt_graph`.
    pub prompt: &'a Graph,
    /// `dit::graph` with a token mask, its prompt as keys and values.
    pub velocity: &'a Graph,
}

/// The denoiser on cuBLASLt and our own kernels.
pub struct PlainNetwork {
    passes: Vec<CudaPlan>,
    prompt: CudaPlan,
    batches: Vec<usize>,
    shape: NetworkShape,
    /// Copies of a prompt's keys and values to every seat.
    copies: Vec<Vec<Launch>>,
    memory: Memory,
}

/// What lies still while the plans run.
struct Memory {
    seating: Seating,
    /// Keys and values, layer by layer: name, memory, numbers of a row.
    heard: Vec<(String, Buffer, usize)>,
}

impl PlainNetwork {
    /// Compiles the denoiser for latents of `frames` frames, prompts of at most `most_tokens` tokens, and these batch
    /// sizes, ascending; runs everything once, so that nothing is left to be loaded when a tick is recorded.
    ///
    /// # Errors
    /// As [`CudaPlan::compile`]; [`LowerError`] also when the graphs are not a denoiser's.
    pub fn new(
        rig: &Arc<Rig>,
        graphs: DenoiserGraphs<'_>,
        weights: &dyn WeightSource,
        (frames, most_tokens): (usize, usize),
        batches: &[usize],
    ) -> Result<Self, PlanError> {
        let most_tokens = most_tokens.max(1);
        let shape = NetworkShape { frames, most_tokens, token_width: token_width(graphs.prompt)? };
        let rows = batches.iter().copied().max().unwrap_or(1);
        assert!(rows <= ROWS, "a batch of {rows} rows, a full ring has {ROWS}");
        let told = Sizes::new().with("batch", 1).with("tokens", most_tokens);
        let memory = Memory::new(rig, graphs, weights, shape, rows, &told)?;
        let given = memory.given();
        let sizes: Vec<Sizes> =
            batches.iter().map(|&batch| told.clone().with("frames", frames).with("batch", batch)).collect();
        let alone = [memory.seating.told()];
        let prompt = Draft::new(rig, graphs.prompt, &told, weights, &alone)?;
        let passes = sizes.iter().map(|it| Draft::new(rig, graphs.velocity, it, weights, &given));
        let passes = passes.collect::<Result<Vec<_>, _>>()?;
        let bytes = passes.iter().chain([&prompt]).map(Draft::memory_bytes).max().unwrap_or(0);
        let arena = Arc::new(Buffer::zeroed(rig.device(), bytes)?);
        let prompt = prompt.compile(&arena)?;
        let passes = passes.into_iter().map(|it| it.compile(&arena)).collect::<Result<Vec<_>, _>>()?;
        let copies = (0..rows).map(|seat| memory.copies(rig, &prompt, seat)).collect();
        let it = Self { passes, prompt, batches: batches.to_vec(), shape, copies, memory };
        it.warm(rig)?;
        Ok(it)
    }

    /// cuBLASLt and the driver load kernels when they first run, which they may not do within a recording.
    fn warm(&self, rig: &Rig) -> Result<(), PlanError> {
        let stream = Stream::new(rig.device(), true)?;
        for plan in self.passes.iter().chain([&self.prompt]) {
            plan.enqueue(&stream)?;
        }
        Ok(stream.wait()?)
    }

    /// Steps of a pass at the largest batch.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.passes.last().map_or(0, CudaPlan::steps)
    }

    /// Bytes that the plans run in, without weights and seats.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.prompt.memory_bytes()
    }
}

impl Memory {
    fn new(
        rig: &Arc<Rig>,
        graphs: DenoiserGraphs<'_>,
        weights: &dyn WeightSource,
        shape: NetworkShape,
        rows: usize,
        told: &Sizes,
    ) -> Result<Self, PlanError> {
        let shapes = crate::graph::shape::infer(graphs.prompt, told, weights)?;
        let numbers = |count: usize| Buffer::zeroed(rig.device(), 4 * count);
        let heard = graphs.prompt.outputs.iter().map(|(name, id)| {
            let row = shapes[id.index()].iter().product();
            Ok((name.clone(), numbers(rows * row)?, row))
        });
        Ok(Self { seating: Seating::new(rig.device(), shape, rows)?, heard: heard.collect::<Result<_, PlanError>>()? })
    }

    /// Where the velocity graph's inputs and output lie.
    fn given(&self) -> Vec<(String, u64)> {
        let heard = self.heard.iter().map(|(name, memory, _)| (name.clone(), memory.address()));
        self.seating.tensors().into_iter().chain(heard).collect()
    }

    fn copies(&self, rig: &Rig, prompt: &CudaPlan, seat: usize) -> Vec<Launch> {
        let copy = |(name, memory, row): &(String, Buffer, usize)| {
            rig.kernels.launch(&Each::copy(memory.float(seat * row), prompt.output(name), *row as u32))
        };
        self.heard.iter().map(copy).collect()
    }
}

impl Network for PlainNetwork {
    fn shape(&self) -> NetworkShape {
        self.shape
    }

    fn batches(&self) -> &[usize] {
        &self.batches
    }

    fn ports(&self) -> Ports {
        self.memory.seating.ports()
    }

    fn seat(&mut self, stream: &Stream, seat: usize, row: Seated<'_>) -> Result<(), BackendError> {
        self.memory.seating.send(stream, seat, &row)?;
        self.prompt.enqueue(stream)?;
        Ok(self.copies[seat].iter().try_for_each(|copy| copy.enqueue(stream))?)
    }

    fn enqueue(&mut self, stream: &Stream, batch: usize, _live: &[usize]) -> Result<(), BackendError> {
        let place = self.batches.iter().position(|it| *it == batch).expect("a batch that was prepared");
        Ok(self.passes[place].enqueue(stream)?)
    }
}

/// Width of a condition token, as the prompt's graph takes it.
fn token_width(prompt: &Graph) -> Result<usize, LowerError> {
    let width = prompt.nodes.iter().find_map(|it| match &it.op {
        Op::Input { name, dims } if name == "tokens" => match dims[..] {
            [_, _, Dim::Fixed(width)] => Some(width),
            _ => None,
        },
        _ => None,
    });
    let what = "a prompt's graph takes `tokens` of a fixed width".to_owned();
    width.ok_or(LowerError::Shape { node: 0, what })
}
