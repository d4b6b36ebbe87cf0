//! The pen that model code writes graphs with: one method an operation.
//!
//! It only records. Shapes are checked when the graph is lowered for given sizes, because many of them are not known
//! before ([`super::shape`]).

use super::{Dim, Graph, Node, NodeId, Op, Weight};

/// Records nodes in the order in which model code asks for them.
#[derive(Debug, Default)]
pub struct Builder {
    graph: Graph,
}

impl Builder {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the recording.
    #[must_use]
    pub fn finish(self) -> Graph {
        self.graph
    }

    /// Names a value as a result. One value may have several names.
    pub fn output(&mut self, name: impl Into<String>, value: NodeId) {
        self.graph.outputs.push((name.into(), value));
    }

    /// Records any operation.
    pub fn node(&mut self, op: Op, inputs: &[NodeId]) -> NodeId {
        assert!(inputs.iter().all(|it| it.index() < self.graph.nodes.len()), "inputs stand before their node");
        let id = NodeId(u32::try_from(self.graph.nodes.len()).expect("graphs have thousands of nodes, not billions"));
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec() });
        id
    }

    /// [`Op::Input`].
    pub fn input(&mut self, name: impl Into<String>, dims: &[Dim]) -> NodeId {
        self.node(Op::Input { name: name.into(), dims: dims.to_vec() }, &[])
    }

    /// [`Op::IdsInput`].
    pub fn ids_input(&mut self, name: impl Into<String>, dims: &[Dim]) -> NodeId {
        self.node(Op::IdsInput { name: name.into(), dims: dims.to_vec() }, &[])
    }

    /// [`Op::Constant`].
    pub fn constant(&mut self, name: impl Into<String>) -> NodeId {
        self.node(Op::Constant(Weight::plain(name)), &[])
    }

    /// [`Op::Linear`] with `{prefix}.weight` and, when asked for, `{prefix}.bias`.
    pub fn linear(&mut self, x: NodeId, prefix: &str, bias: bool) -> NodeId {
        let weight = Weight::plain(format!("{prefix}.weight"));
        let bias = bias.then(|| Weight::plain(format!("{prefix}.bias")));
        self.node(Op::Linear { weight, bias }, &[x])
    }

    /// [`Op::Embedding`].
    pub fn embedding(&mut self, ids: NodeId, table: impl Into<String>) -> NodeId {
        self.node(Op::Embedding { table: Weight::plain(table) }, &[ids])
    }

    /// [`Op::RmsNorm`] with the gain `{prefix}.weight`.
    pub fn rms_norm(&mut self, x: NodeId, prefix: &str, eps: f32) -> NodeId {
        self.node(Op::RmsNorm { gain: Weight::plain(format!("{prefix}.weight")), eps }, &[x])
    }

    /// [`Op::Rope`].
    pub fn rope(&mut self, x: NodeId, theta: f32) -> NodeId {
        self.node(Op::Rope { theta }, &[x])
    }

    /// [`Op::Attention`].
    pub fn attention(
        &mut self,
        [q, k, v]: [NodeId; 3],
        mask: Option<NodeId>,
        window: Option<usize>,
        causal: bool,
    ) -> NodeId {
        let mut inputs = vec![q, k, v];
        inputs.extend(mask);
        self.node(Op::Attention { window, causal }, &inputs)
    }

    /// [`Op::Add`].
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.node(Op::Add, &[a, b])
    }

    /// [`Op::Mul`].
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.node(Op::Mul, &[a, b])
    }

    /// [`Op::AddScalar`].
    pub fn add_scalar(&mut self, x: NodeId, value: f32) -> NodeId {
        self.node(Op::AddScalar(value), &[x])
    }

    /// [`Op::Silu`].
    pub fn silu(&mut self, x: NodeId) -> NodeId {
        self.node(Op::Silu, &[x])
    }

    /// [`Op::Snake`] with `{prefix}.alpha` and `{prefix}.beta`.
    pub fn snake(&mut self, x: NodeId, prefix: &str) -> NodeId {
        let (alpha, beta) = (Weight::plain(format!("{prefix}.alpha")), Weight::plain(format!("{prefix}.beta")));
        self.node(Op::Snake { alpha, beta }, &[x])
    }

    /// [`Op::Sinusoid`].
    pub fn sinusoid(&mut self, t: NodeId, half: usize, scale: f32) -> NodeId {
        self.node(Op::Sinusoid { half, scale }, &[t])
    }

    /// [`Op::Concat`].
    pub fn concat(&mut self, parts: &[NodeId], axis: usize) -> NodeId {
        self.node(Op::Concat { axis }, parts)
    }

    /// [`Op::Slice`].
    pub fn slice(&mut self, x: NodeId, axis: usize, start: usize, len: usize) -> NodeId {
        self.node(Op::Slice { axis, start, len }, &[x])
    }

    /// [`Op::SplitAxis`].
    pub fn split_axis(&mut self, x: NodeId, axis: usize, inner: usize) -> NodeId {
        self.node(Op::SplitAxis { axis, inner }, &[x])
    }

    /// [`Op::MergeAxes`].
    pub fn merge_axes(&mut self, x: NodeId, axis: usize) -> NodeId {
        self.node(Op::MergeAxes { axis }, &[x])
    }

    /// [`Op::Expand`].
    pub fn expand(&mut self, x: NodeId, axis: usize, size: usize) -> NodeId {
        self.node(Op::Expand { axis, size }, &[x])
    }

    /// [`Op::ExpandBatchLike`].
    pub fn expand_batch_like(&mut self, x: NodeId, like: NodeId) -> NodeId {
        self.node(Op::ExpandBatchLike, &[x, like])
    }

    /// [`Op::PadEnd`].
    pub fn pad_end(&mut self, x: NodeId, axis: usize, multiple: usize) -> NodeId {
        self.node(Op::PadEnd { axis, multiple }, &[x])
    }

    /// [`Op::CropLike`].
    pub fn crop_like(&mut self, x: NodeId, axis: usize, like: NodeId) -> NodeId {
        self.node(Op::CropLike { axis }, &[x, like])
    }
}
