//! The kernels by name, with the arguments that each takes. Their text is `kernels/`, compiled ahead to `ptx/` by
//! `make kernels`; the driver translates it for the card at hand.

use std::sync::Arc;

use super::driver::{Device, Done};
use super::error::DeviceError;
use super::parameters::BirthParameters;
use super::stream::{Argument, Kernel, Module, Stream};
use crate::latent::LATENT_CHANNELS;
use crate::ring::MAX_DEPTH;

/// Threads of a block that works on single numbers.
const THREADS: u32 = 256;
/// Threads and channels of a block of `solve_step`; `kernels/blend.h` has room for no more threads.
const SOLVE_THREADS: u32 = 512;
const SOLVE_CHANNELS: usize = 8;

const PTX: [Ptx; 3] = [
    Ptx { from: (12, 0), text: include_str!("ptx/kernels.sm_120.ptx") },
    Ptx { from: (9, 0), text: include_str!("ptx/kernels.sm_90.ptx") },
    Ptx { from: (7, 5), text: include_str!("ptx/kernels.sm_75.ptx") },
];

/// PTX for cards from a compute capability on.
pub(super) struct Ptx {
    /// The least capability.
    pub(super) from: (u32, u32),
    /// The text.
    pub(super) text: &'static str,
}

/// The kernels `what` for a card, of a list whose newest come first.
///
/// # Errors
/// [`DeviceError::WrongCard`] for one that is older than all of them, with what there is.
pub(super) fn load(device: &Arc<Device>, what: &str, list: &[Ptx]) -> Done<Module> {
    let card = device.card();
    if let Some(fitting) = list.iter().find(|it| it.from <= card.compute) {
        return Module::load(device, what, fitting.text);
    }
    let oldest = list.last().map_or((0, 0), |it| it.from);
    let words = format!("there are kernels from sm_{}{} on, and this card is older", oldest.0, oldest.1);
    Err(DeviceError::WrongCard { what: what.to_owned(), card: card.to_string(), words })
}

/// The kernels on a card.
#[derive(Debug)]
pub(super) struct Kernels {
    begin_generation: Kernel,
    prepare_rows: Kernel,
    solve_step: Kernel,
    stand_in: Kernel,
    _module: Module,
}

impl Kernels {
    /// Loads them.
    pub(super) fn load(device: &Arc<Device>) -> Done<Self> {
        let module = load(device, "the solver's kernels", &PTX)?;
        Ok(Self {
            begin_generation: module.kernel(c"begin_generation")?,
            prepare_rows: module.kernel(c"prepare_rows")?,
            solve_step: module.kernel(c"solve_step")?,
            stand_in: module.kernel(c"stand_in")?,
            _module: module,
        })
    }

    /// `begin_generation(Birth birth)`.
    pub(super) fn begin(&self, stream: &Stream, birth: &BirthParameters) -> Done<()> {
        let numbers = birth.frames as usize * LATENT_CHANNELS;
        let words = bytemuck::cast_slice(std::slice::from_ref(birth));
        stream.launch(&self.begin_generation, (blocks(numbers), 1), THREADS, [Argument::Structure(words)])
    }

    /// `prepare_rows(const Tick* tick)` for `batch` places of `frames` frames.
    pub(super) fn prepare(&self, stream: &Stream, tick: u64, batch: usize, frames: usize) -> Done<()> {
        let grid = (blocks(frames * LATENT_CHANNELS), batch as u32);
        stream.launch(&self.prepare_rows, grid, THREADS, [Argument::Address(tick)])
    }

    /// `solve_step(const Tick* tick)`.
    pub(super) fn solve(&self, stream: &Stream, tick: u64) -> Done<()> {
        let grid = ((MAX_DEPTH * LATENT_CHANNELS / SOLVE_CHANNELS) as u32, 1);
        stream.launch(&self.solve_step, grid, SOLVE_THREADS, [Argument::Address(tick)])
    }

    /// `stand_in(x, context, prompt, t, velocity, frames)` for `batch` places.
    pub(super) fn stand_in(&self, stream: &Stream, addresses: [u64; 5], batch: usize, frames: usize) -> Done<()> {
        let grid = (blocks(frames * LATENT_CHANNELS), batch as u32);
        let [x, context, prompt, t, velocity] = addresses.map(Argument::Address);
        let frames = Argument::Int(frames as i32);
        stream.launch(&self.stand_in, grid, THREADS, [x, context, prompt, t, velocity, frames])
    }
}

fn blocks(numbers: usize) -> u32 {
    numbers.div_ceil(THREADS as usize) as u32
}
