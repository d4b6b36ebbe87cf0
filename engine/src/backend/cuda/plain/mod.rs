//! The plainest way of a model onto a card: a [`Graph`](crate::graph::Graph) becomes matrix products of cuBLASLt with a
//! handful of simple kernels between them.
//!
//! It plays on cards that TensorRT for RTX refuses, needs no plan to be built, and is what faster ways are measured
//! against. Nothing is fused: every node is a step, a view of another value, or both. Values are f32; what a product reads
//! is copied into its precision first. Everything is allocated, uploaded and chosen when a plan is compiled, so running one
//! only enqueues, and can be recorded in a CUDA graph.
//!
//! Other lowerings live in `graph`; this one is here because it is made of kernels, streams and device memory, which
//! `graph` does not know. `lower` turns nodes into steps, `products` those that are matrix products; `blas` and
//! `cublaslt` are the fence around the library.

mod blas;
mod cublaslt;
mod kernels;
mod lower;
mod network;
mod plan;
mod products;
mod rig;
mod view;
mod windows;

pub use network::{DenoiserGraphs, PlainNetwork};
pub use plan::CudaPlan;
pub use rig::Rig;
pub use windows::PlainWindows;

use super::DeviceError;
use crate::graph::{LowerError, Precision};

/// Why a graph cannot run on the card.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum PlanError {
    /// There is no cuBLASLt on this machine: install it, or play another way.
    #[error(
        "cuBLASLt cannot be opened: libcublasLt.so (or .so.13, .so.12) is neither installed nor on LD_LIBRARY_PATH. It comes \
         with the CUDA toolkit (package libcublas-13-0 or libcublas-12-8), with PyTorch, or as the Python package \
         nvidia-cublas"
    )]
    NoBlas,
    /// The graph, its sizes or its weights are at fault.
    #[error(transparent)]
    Graph(#[from] LowerError),
    /// The card is.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A node does something that this lowering has no step for.
    #[error("node {node} ({op}) cannot run on the card: {why}")]
    Unsupported {
        /// Index in the graph.
        node: usize,
        /// What it computes.
        op: String,
        /// What is in the way.
        why: String,
    },
    /// The library knows no way to multiply matrices of these sizes on this card.
    #[error("cuBLASLt cannot multiply {rows} x {depth} by {depth} x {columns} in {precision:?}: {words}")]
    NoAlgorithm {
        /// Rows of the result.
        rows: usize,
        /// Columns of the result.
        columns: usize,
        /// What is summed over.
        depth: usize,
        /// Of the operands.
        precision: Precision,
        /// The library's own words.
        words: String,
    },
}
