//! A graph as an ONNX file, for TensorRT (strongly typed) and any other runtime that reads opset 23.
//!
//! The file says the same as the graph, operation by operation, with the weights under their published names and in
//! their stored layout, so that they can be refitted. Two sinks take it: the model (nodes, shapes, small constants) and a
//! blob of everything large. Nothing here opens a file.
//!
//! # Types
//! Inputs and outputs are f32, except those that [`Form::between`] names. With 16-bit weights, only what costs time is
//! 16 bits wide: operands and results of linear layers, convolutions and attention, and the residual stream when
//! [`Form::residual`] says so: what is computed and what is stored are two types. Between them every pointwise operation computes in f32 from one load and with one rounding
//! at the next store; TensorRT fuses them into one kernel, so that this costs nothing. In f32 throughout are:
//! * norms, whose mean square overflows f16 and loses a bf16's few digits, and their gains;
//! * the time: its sinusoid (angles up to 1000 radians) always, its layers when [`Form::islands`] names them;
//! * the snake activation, whose `exp` and `sin²` are steep;
//! * transposed convolutions instead of bf16, which TensorRT refuses there;
//! * layers that [`Form::islands`] names, for instance the last one, so that an output is not rounded to 16 bits.
//!
//! # Attention
//! In 16 bits it is the operator `Attention`, which TensorRT builds as one kernel that reads grouped keys as they are, or
//! refuses; products and a softmax written out fuse too, but with copies of every key head. TensorRT has no such kernel
//! for f32 or heads narrower than 16, there it is written out. Masks are flags, not summands: of flags TensorRT makes a
//! table of the blocks that a kernel may skip, which for a window is most of them. The softmax is left in the operator,
//! which sums in f32. A query that sees no key gives zeros, as everywhere in [`super`]: it is shown all keys, so that
//! nothing is divided by zero, and its result is multiplied by zero.
//!
//! # Layout
//! The graph keeps time before channels and heads, ONNX convolutions and attention the other way round. Every value
//! remembers the layouts it exists in, and operations that do not care follow their inputs: a chain of convolutions is
//! transposed at its ends only.

mod attention;
mod data;
mod lower;
mod operations;
mod pen;
mod proto;

use std::io::Write;

use prost::Message;

use super::{Graph, LowerError, Precision, Sizes, WeightSource};

/// Operator set of the file: the first with `Attention`.
const OPSET: i64 = 23;
/// File format version that belongs to it.
const IR_VERSION: i64 = 11;
/// The name of the axis that may be dynamic.
pub const BATCH: &str = "batch";

/// How many rows a file takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Batch {
    /// So many.
    Fixed(usize),
    /// As many as are given at run time: the axis is called `batch`.
    Dynamic,
}

/// What a file is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Of linear layers, convolutions and attention.
    pub precision: Precision,
    /// Of sums that add a 16-bit value to another of the same shape: the residual stream. It grows from layer to layer, and
    /// f16 ends at 65504.
    pub residual: Precision,
    /// Rows.
    pub batch: Batch,
    /// Name under which the model looks for the blob, beside itself.
    pub data_file: String,
    /// Prefixes of weights whose operation computes in f32.
    pub islands: Vec<String>,
    /// Inputs and outputs that are of [`Self::precision`] instead of f32: what passes between files on one device.
    pub between: Vec<String>,
}

impl Form {
    /// One precision throughout, one row, no exceptions.
    #[must_use]
    pub fn new(precision: Precision, data_file: impl Into<String>) -> Self {
        let (batch, data_file) = (Batch::Fixed(1), data_file.into());
        Self { precision, residual: precision, batch, data_file, islands: Vec::new(), between: Vec::new() }
    }
}

/// What the numbers of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// Floating point.
    Float(Precision),
    /// Token ids.
    I32,
    /// Shapes.
    I64,
    /// Masks.
    Bool,
}

/// An input or output of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its numbers.
    pub element: Element,
    /// One entry an axis; `None` follows the batch.
    pub dims: Vec<Option<usize>>,
}

/// A weight of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name in the file: the published name, `{prefix}.weight` for a folded pair.
    pub name: String,
    /// The tensors of the checkpoint that it was made of.
    pub sources: Vec<String>,
    /// How it is stored in the file.
    pub precision: Precision,
    /// One entry an axis, as in the checkpoint.
    pub shape: Vec<usize>,
}

impl Stored {
    /// Its size in the file.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.precision.size()
    }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// In the order of the graph.
    pub inputs: Vec<Port>,
    /// In the order of the graph.
    pub outputs: Vec<Port>,
    /// In the order of their first use.
    pub weights: Vec<Stored>,
    /// Length of the blob.
    pub data_bytes: u64,
    /// BLAKE3 of the model without the blob: nodes, shapes, places in the blob, and weights of a few numbers. The same for
    /// the same graph, sizes and form; the numbers in the blob are not in it.
    pub fingerprint: [u8; 32],
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The graph and its weights or sizes do not fit.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// A weight does not fit into the wanted precision, or was never finite: choose a wider one, or fetch it again.
    #[error("tensor `{name}` holds {value}, which is not a finite number as {precision:?}")]
    NotRepresentable {
        /// The tensor.
        name: String,
        /// The number.
        value: f32,
        /// The wanted precision.
        precision: Precision,
    },
    /// An operation would need to know the batch.
    #[error("node {node}: the shape depends on the batch in more than one axis")]
    BatchEverywhere {
        /// Index in [`Graph::nodes`].
        node: usize,
    },
    /// A sink does not take it.
    #[error("cannot write: {0}")]
    Sink(#[from] std::io::Error),
}

/// Writes a graph: the model into one sink, its large tensors into the other. `sizes` gives every named axis but
/// [`BATCH`], which is the form's.
///
/// # Errors
/// As [`super::shape::infer`]; [`OnnxError::NotRepresentable`], [`OnnxError::BatchEverywhere`], [`OnnxError::Sink`].
/// After an error both sinks hold rubbish.
pub fn write(
    graph: &Graph,
    sizes: &Sizes,
    weights: &dyn WeightSource,
    form: &Form,
    model: &mut dyn Write,
    data: &mut dyn Write,
) -> Result<Written, OnnxError> {
    let (file, written) = lower::lower(graph, sizes, weights, form, Some(data))?;
    data.flush()?;
    model.write_all(&file.encode_to_vec())?;
    model.flush()?;
    Ok(written)
}

/// What [`write`] would write, without reading the large weights: in milliseconds, whatever the size of the model.
///
/// # Errors
/// As [`write`].
pub fn outline(graph: &Graph, sizes: &Sizes, weights: &dyn WeightSource, form: &Form) -> Result<Written, OnnxError> {
    Ok(lower::lower(graph, sizes, weights, form, None)?.1)
}

#[cfg(test)]
mod tests;
