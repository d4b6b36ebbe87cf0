//! The operations a model is written in, as a small typed graph.
//!
//! Model code builds a [`Graph`] once per configuration; lowerings compile it for given sizes: [`cpu`] into a plan that
//! runs on all cores without allocating, [`onnx`] into a file for TensorRT, [`crate::backend::cuda::plain`] into kernels
//! of a card. A model is therefore never written twice. Tensors are row-major f32, time before channels (`[batch, time, channels]`). Sizes that a configuration does
//! not fix are named ([`Dim::Named`]) and given when the graph is compiled. Building a graph touches no weight data:
//! weights are named as in the published checkpoint ([`Weight`]).

pub mod build;
pub mod cpu;
pub(crate) mod layout;
pub mod onnx;
pub mod reference;
pub mod shape;
pub(crate) mod view;
pub mod weights;

pub use build::Builder;

/// A value in a graph: the output of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Position in [`Graph::nodes`]; inputs of a node always stand before it.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One axis of a graph input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// Fixed by the configuration.
    Fixed(usize),
    /// Given when the graph is compiled, for instance `"frames"`.
    Named(&'static str),
}

/// A tensor of the checkpoint, by its published name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// Used as it is stored.
    Plain(String),
    /// Weight normalisation folded in: `g * v / ||v||`, the norm over every axis but the first.
    Normed {
        /// Name of the gain, shape `[first, 1, 1]`.
        gain: String,
        /// Name of the direction.
        direction: String,
    },
}

impl Weight {
    /// A tensor that is used as it is stored.
    pub fn plain(name: impl Into<String>) -> Self {
        Self::Plain(name.into())
    }

    /// The pair `{prefix}.weight_g`, `{prefix}.weight_v`.
    #[must_use]
    pub fn normed(prefix: &str) -> Self {
        Self::Normed { gain: format!("{prefix}.weight_g"), direction: format!("{prefix}.weight_v") }
    }
}

/// What a node computes. Shapes are of the inputs in order; `B` stands for any leading axes.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Values given at run time.
    Input {
        /// The name a plan's caller uses.
        name: String,
        /// One entry an axis.
        dims: Vec<Dim>,
    },
    /// Token ids given at run time, u32.
    IdsInput {
        /// The name a plan's caller uses.
        name: String,
        /// One entry an axis.
        dims: Vec<Dim>,
    },
    /// A checkpoint tensor as a value, in its stored shape.
    Constant(Weight),
    /// `[.., K] -> [.., N]`: `x Wᵀ + bias`; weight `[N, K]`, bias `[N]`.
    Linear {
        /// `[N, K]`.
        weight: Weight,
        /// `[N]`.
        bias: Option<Weight>,
    },
    /// `[B, T, I] -> [B, T', O]`, `T' = (T + 2 padding - dilation (K - 1) - 1) / stride + 1`, zero padding.
    Conv1d {
        /// `[O, I, K]`.
        weight: Weight,
        /// `[O]`.
        bias: Option<Weight>,
        /// Step between outputs, in input frames.
        stride: usize,
        /// Zero frames on either side.
        padding: usize,
        /// Step between taps, in input frames.
        dilation: usize,
    },
    /// `[B, T, I] -> [B, T', O]`, `T' = (T - 1) stride - 2 padding + K`.
    ConvTranspose1d {
        /// `[I, O, K]`.
        weight: Weight,
        /// `[O]`.
        bias: Option<Weight>,
        /// Output frames per input frame.
        stride: usize,
        /// Output frames cropped on either side.
        padding: usize,
    },
    /// Ids `[B, L] -> [B, L, H]`: rows of the table `[V, H]`.
    Embedding {
        /// `[V, H]`.
        table: Weight,
    },
    /// `x / sqrt(mean(x²) + eps) * gain` over the last axis; gain `[last]`.
    RmsNorm {
        /// `[last]`.
        gain: Weight,
        /// Added to the mean square.
        eps: f32,
    },
    /// Rotate-half rotary embedding of `[B, S, heads, d]`; position is the index on axis 1, angle `s * theta^(-2i/d)`.
    Rope {
        /// Base of the frequencies.
        theta: f32,
    },
    /// Scaled dot-product attention: q `[B, S, h, d]`, k and v `[B, L, g, d]`, `h` a multiple of `g` (query head `n`
    /// reads key head `n / (h / g)`), optional key mask `[B, L]` (0 hides the key) `-> [B, S, h, d]`. The scale is
    /// `d^-0.5`. A query that sees no key gives zeros.
    Attention {
        /// Admit only keys with `|i - j| <= window`.
        window: Option<usize>,
        /// Admit only keys with `j <= i`.
        causal: bool,
    },
    /// Elementwise sum; either side broadcasts where its axis is 1, and over missing leading axes.
    Add,
    /// Elementwise product; broadcasts like [`Op::Add`].
    Mul,
    /// `x + value`.
    AddScalar(f32),
    /// `x / (1 + exp(-x))`.
    Silu,
    /// `x + sin(exp(alpha) x)² / (exp(beta) + 1e-9)` per channel (last axis); stored as `[1, C, 1]`.
    Snake {
        /// `[1, C, 1]`, logarithmic.
        alpha: Weight,
        /// `[1, C, 1]`, logarithmic.
        beta: Weight,
    },
    /// `[B] -> [B, 2 half]`: `[cos(scale t f_i), sin(scale t f_i)]`, `f_i = exp(-ln(10000) i / half)`.
    Sinusoid {
        /// Number of frequencies.
        half: usize,
        /// Factor on the input, 1000 for time steps.
        scale: f32,
    },
    /// Inputs joined along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// `len` entries from `start` along an axis.
    Slice {
        /// The axis.
        axis: usize,
        /// First entry.
        start: usize,
        /// Number of entries.
        len: usize,
    },
    /// Axis of size `N` becomes two: `N / inner`, `inner`.
    SplitAxis {
        /// The axis.
        axis: usize,
        /// Size of the new, faster axis.
        inner: usize,
    },
    /// Axes `axis` and `axis + 1` become one.
    MergeAxes {
        /// The first of the two.
        axis: usize,
    },
    /// An axis of size 1 repeated to `size`.
    Expand {
        /// The axis.
        axis: usize,
        /// Its new size.
        size: usize,
    },
    /// Axis 0 of size 1 repeated to the size of the second input's axis 0.
    ExpandBatchLike,
    /// Zeros appended along an axis up to the next multiple.
    PadEnd {
        /// The axis.
        axis: usize,
        /// The multiple.
        multiple: usize,
    },
    /// The first input cropped along an axis to the second input's size.
    CropLike {
        /// The axis.
        axis: usize,
    },
}

/// One operation and where its inputs come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// Values it reads, all of them earlier nodes.
    pub inputs: Vec<NodeId>,
}

/// A finished graph. Made by [`Builder`], never changed.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Graph {
    /// In an order in which they can be computed.
    pub nodes: Vec<Node>,
    /// Named results.
    pub outputs: Vec<(String, NodeId)>,
}

/// How a weight's numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// bfloat16.
    Bf16,
}

/// A stored tensor, borrowed from wherever it is mapped.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
    /// Storage of the numbers, little endian, possibly unaligned.
    pub bytes: &'a [u8],
    /// What the bytes mean.
    pub precision: Precision,
    /// One entry an axis.
    pub shape: &'a [usize],
}

/// Where a lowering finds tensors by their published names.
pub trait WeightSource {
    /// The tensor, or `None` when the checkpoint has none of that name.
    fn tensor(&self, name: &str) -> Option<TensorView<'_>>;

    /// Says that the bytes of `name` have been packed and their pages may be given back to the system. A hint.
    fn release(&self, _name: &str) {}
}

/// Why a graph could not be lowered.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum LowerError {
    /// The checkpoint does not hold a weight that the graph names.
    #[error("the checkpoint has no tensor `{0}`")]
    MissingWeight(String),
    /// A weight has another shape than the operation wants.
    #[error("tensor `{name}` has shape {found:?}, expected {expected}")]
    WeightShape {
        /// The tensor.
        name: String,
        /// Its stored shape.
        found: Vec<usize>,
        /// What the operation takes, in words.
        expected: String,
    },
    /// A row of a weight in two parts has no direction: weight norm, which divides by the row's length, makes it no number.
    #[error(
        "tensor `{name}`: row {row} is all zeros, and has no direction (expected any other; a length of 0 in its `weight_g` mutes a row)"
    )]
    NoDirection {
        /// The tensor of directions.
        name: String,
        /// The first such row, from 0.
        row: usize,
    },
    /// No size was given for a named axis.
    #[error("no size given for axis `{0}`")]
    UnknownDim(&'static str),
    /// Shapes do not fit together: a fault of the model code, said with the node.
    #[error("node {node}: {what}")]
    Shape {
        /// Index in [`Graph::nodes`].
        node: usize,
        /// What does not fit.
        what: String,
    },
}

/// Sizes for the named axes of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes(Vec<(&'static str, usize)>);

impl Sizes {
    /// No sizes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, name: &'static str, size: usize) -> Self {
        self.0.push((name, size));
        self
    }

    /// The size given for `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<usize> {
        self.0.iter().rev().find(|(it, _)| *it == name).map(|(_, size)| *size)
    }
}
