//! The CPU lowering: a graph compiled for given sizes into a plan that runs without allocating.
//!
//! Compiling decides everything: weights are packed into panels ([`Packed`], shared between plans), neighbours are
//! fused into steps, every buffer gets its place. Running walks the steps; each spreads over the [`Pool`]. Every number
//! has one accumulator that takes its products in one order, and the functions are our own polynomials: the result has
//! the same bits on every instruction set, on any number of threads, at any batch size and beside any neighbours.
//! This is the only room of the engine with compute threads, and with `unsafe` code: kernels work through pointers,
//! because threads write interleaved columns of one buffer.

mod attention;
mod conv;
mod functions;
mod fuse;
mod joined;
mod lanes;
mod linear;
mod lower;
mod memory;
mod pack;
mod panel;
mod plan;
mod pool;
mod rows;
mod step;
mod view;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

pub use lanes::Isa;
pub use pack::Packed;
pub use plan::Plan;
pub(crate) use pool::FlushDenormals;
pub use pool::Pool;
