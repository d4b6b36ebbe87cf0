//! From graph to steps: every node becomes a step, a view of another value, or part of a neighbour's step
//! ([`super::joined`]).

use super::conv::Snake;
use super::fuse::{Role, roles};
use super::linear::{Ending, Linear};
use super::memory::{Layout, Slot};
use super::pack::{Form, Packed, Shaping};
use super::plan::Port;
use super::rows::{Each, Embedding, Grid, Norm, Rope, Sinusoid, rope_table};
use super::step::{Rows, Step};
use super::view::View;
use crate::graph::view::joined;
use crate::graph::{Dim, Graph, LowerError, NodeId, Op, Sizes, Weight, WeightSource, shape};

/// A graph on its way to a plan.
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a Graph,
    pub(super) shapes: Vec<Vec<usize>>,
    pub(super) weights: &'a dyn WeightSource,
    pub(super) packed: &'a Packed,
    pub(super) threads: usize,
    pub(super) layout: Layout,
    pub(super) steps: Vec<Box<dyn Step>>,
    pub(super) axes: Vec<(&'static str, usize)>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    /// What each node's value became.
    pub(super) views: Vec<Option<View>>,
    /// Which named axis each axis of a node still is.
    pub(super) names: Vec<Vec<Option<&'static str>>>,
    roles: Vec<Role>,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        sizes: &Sizes,
        weights: &'a dyn WeightSource,
        packed: &'a Packed,
        threads: usize,
    ) -> Result<Self, LowerError> {
        let shapes = shape::infer(graph, sizes, weights)?;
        let mut axes: Vec<(&'static str, usize)> = Vec::new();
        for (node, shape) in graph.nodes.iter().zip(&shapes) {
            let (Op::Input { dims, .. } | Op::IdsInput { dims, .. }) = &node.op else { continue };
            for (dim, &size) in dims.iter().zip(shape) {
                match dim {
                    Dim::Named(name) if axes.iter().all(|it| it.0 != *name) => axes.push((name, size)),
                    _ => (),
                }
            }
        }
        let mut names: Vec<Vec<Option<&'static str>>> = Vec::new();
        for (index, shape) in shapes.iter().enumerate() {
            let of = names_of(graph, index, shape.len(), &names);
            names.push(of);
        }
        Ok(Self {
            graph,
            roles: roles(graph, &shapes),
            views: vec![None; shapes.len()],
            shapes,
            weights,
            packed,
            threads,
            layout: Layout::default(),
            steps: Vec::new(),
            axes,
            inputs: Vec::new(),
            outputs: Vec::new(),
            names,
        })
    }

    pub(super) fn lower(mut self) -> Result<Self, LowerError> {
        for node in 0..self.graph.nodes.len() {
            self.place(node)?;
        }
        for (name, id) in &self.graph.outputs {
            if matches!(self.graph.nodes[id.index()].op, Op::IdsInput { .. }) {
                let what = format!("output `{name}` would be token ids");
                return Err(LowerError::Shape { node: id.index(), what });
            }
            // A copy of its own, unless the value already is a buffer that only steps write.
            let view = self.view(*id);
            let view = if view.is_dense() && self.is_step_output(&view) { view } else { self.copied(&view) };
            self.layout.used(view.slot.buffer, usize::MAX);
            self.outputs.push(Port { name: name.clone(), slot: view.slot, shape: view.shape, ids: false });
        }
        Ok(self)
    }

    fn is_step_output(&self, view: &View) -> bool {
        self.layout.is_arena(view.slot.buffer) && self.inputs.iter().all(|it| it.slot.buffer != view.slot.buffer)
    }

    /// Computes a node as its role says.
    fn place(&mut self, index: usize) -> Result<(), LowerError> {
        let view = match self.roles[index].clone() {
            // Whoever absorbed it computes it, or has.
            Role::Absorbed => return Ok(()),
            Role::Own => self.node(index)?,
            Role::Residual { linear, residual, gate } => self.residual(linear, residual, gate)?,
            Role::Pair { gate, up } => self.pair(index, gate, up)?,
            Role::Modulated { norm, scale, shift } => self.modulated(norm, scale, shift)?,
            Role::Chain(chain) => self.chain(index, &chain)?,
            Role::Attention { q, k } => self.attention(index, q, k)?,
            Role::Group(members) => return self.group(&members),
        };
        self.views[index] = Some(view);
        Ok(())
    }

    fn node(&mut self, index: usize) -> Result<View, LowerError> {
        let graph = self.graph;
        let node = &graph.nodes[index];
        let shape = self.shapes[index].clone();
        let of = |place: usize| node.inputs[place];
        Ok(match &node.op {
            Op::Input { name, .. } | Op::IdsInput { name, .. } => {
                let ids = matches!(node.op, Op::IdsInput { .. });
                let view = self.buffer(&shape);
                self.layout.used(view.slot.buffer, 0);
                self.layout.used(view.slot.buffer, usize::MAX);
                self.inputs.push(Port { name: name.clone(), slot: view.slot, shape, ids });
                view
            }
            Op::Constant(weight) => View::whole(self.small(weight, Shaping::Same)?, &shape),
            Op::Linear { weight, bias } => self.linear(&shape, of(0), weight, bias.as_ref())?,
            Op::Embedding { table } => {
                let (table, ids, view) =
                    (self.packed.table(self.weights, table)?, self.view(of(0)), self.buffer(&shape));
                let step = Embedding { table, ids: ids.slot, count: ids.len(), y: view.slot };
                self.emit(step, &[ids.slot, view.slot]);
                view
            }
            Op::RmsNorm { gain, eps } => {
                let (gain, view) = (self.small(gain, Shaping::Same)?, self.buffer(&shape));
                let (x, y) = self.even_rows(of(0), &view);
                let width = *shape.last().expect("checked by shape inference");
                self.emit(Norm { x, y, width, gain, eps: *eps, modulate: None }, &[x.slot, y.slot]);
                view
            }
            Op::Rope { theta } => self.rope(&shape, of(0), *theta),
            Op::Add | Op::Mul => {
                let each = if node.op == Op::Add { Each::Add } else { Each::Mul };
                let operands = [self.view(of(0)), self.view(of(1))];
                self.grid(each, &shape, &operands)
            }
            Op::AddScalar(value) => {
                let x = self.view(of(0));
                self.grid(Each::AddScalar(*value), &shape, &[x])
            }
            Op::Silu => {
                let x = self.view(of(0));
                self.grid(Each::Silu, &shape, &[x])
            }
            Op::Snake { alpha, beta } => {
                let factors = self.snake(alpha, beta)?;
                let channels = &shape[shape.len() - 1..];
                let [alpha, inverse] = [factors.alpha, factors.inverse].map(|it| View::whole(it, channels));
                let x = self.view(of(0));
                self.grid(Each::Snake, &shape, &[x, alpha, inverse])
            }
            Op::Sinusoid { half, scale } => {
                let (t, y) = (self.view(of(0)), self.buffer(&shape));
                let frequencies = Sinusoid::frequencies(*half);
                let (t_stride, batch) = (t.strides[0], shape[0]);
                self.emit(
                    Sinusoid { t: t.slot, t_stride, y: y.slot, batch, scale: *scale, frequencies },
                    &[t.slot, y.slot],
                );
                y
            }
            _ => self.moved(index),
        })
    }

    /// Operations that only move numbers: views where the memory allows it.
    fn moved(&mut self, index: usize) -> View {
        let graph = self.graph;
        let node = &graph.nodes[index];
        let shape = self.shapes[index].clone();
        let x = self.view(node.inputs[0]);
        match &node.op {
            Op::Concat { axis } => self.concat(&shape, &node.inputs, *axis),
            Op::PadEnd { axis, .. } => self.pad(&shape, &x, *axis),
            Op::Slice { axis, start, len } => x.slice(*axis, *start, *len),
            Op::CropLike { axis } => x.slice(*axis, 0, shape[*axis]),
            Op::SplitAxis { axis, inner } => x.split(*axis, *inner),
            Op::MergeAxes { axis } => x.merged(*axis).unwrap_or_else(|| {
                let copy = self.copied(&x);
                copy.merged(*axis).expect("axes of a dense value lie as one")
            }),
            Op::Expand { axis, size } => x.expanded(*axis, *size),
            Op::ExpandBatchLike => x.expanded(0, shape[0]),
            other => unreachable!("{other:?} has a rule or a role of its own"),
        }
    }

    pub(super) fn view(&self, node: NodeId) -> View {
        self.views[node.index()].clone().expect("nodes stand in an order in which they can be computed")
    }

    /// A new buffer as a value.
    pub(super) fn buffer(&mut self, shape: &[usize]) -> View {
        let buffer = self.layout.buffer(shape.iter().product());
        View::whole(Slot { buffer, offset: 0 }, shape)
    }

    /// Appends a step that touches these buffers.
    pub(super) fn emit(&mut self, step: impl Step + 'static, touched: &[Slot]) {
        let at = self.steps.len();
        touched.iter().for_each(|it| self.layout.used(it.buffer, at));
        self.steps.push(Box::new(step));
    }

    /// A small weight as a constant, padded to whole panels.
    pub(super) fn small(&mut self, weight: &Weight, shaping: Shaping) -> Result<Slot, LowerError> {
        let numbers = self.packed.plain(self.weights, weight, shaping)?;
        Ok(Slot { buffer: self.layout.constant(numbers), offset: 0 })
    }

    pub(super) fn snake(&mut self, alpha: &Weight, beta: &Weight) -> Result<Snake, LowerError> {
        Ok(Snake { alpha: self.small(alpha, Shaping::Exp)?, inverse: self.small(beta, Shaping::InverseExp)? })
    }

    /// A dense copy.
    pub(super) fn copied(&mut self, view: &View) -> View {
        self.grid(Each::Copy, &view.shape.clone(), std::slice::from_ref(view))
    }

    /// The value itself when kernels can walk its rows, else a copy.
    fn with_rows(&mut self, node: NodeId) -> (View, Rows) {
        let view = self.view(node);
        if let Some(rows) = view.rows() {
            return (view, rows);
        }
        let copy = self.copied(&view);
        let rows = copy.rows().expect("a dense value has rows");
        (copy, rows)
    }

    /// Rows of an input and of a dense output, grouped alike.
    pub(super) fn even_rows(&mut self, x: NodeId, y: &View) -> (Rows, Rows) {
        let (_, x) = self.with_rows(x);
        (x, grouped_like(&x, y))
    }

    fn grid(&mut self, each: Each, shape: &[usize], operands: &[View]) -> View {
        let y = self.buffer(shape);
        self.grid_into(each, &y, operands);
        y
    }

    /// The same function of every number, into a given place. Axes that lie as one in all operands are joined, so that
    /// the walk along the last is long.
    pub(super) fn grid_into(&mut self, each: Each, y: &View, operands: &[View]) {
        let mut all: Vec<(Slot, Vec<usize>)> = vec![(y.slot, y.strides.clone())];
        all.extend(operands.iter().map(|it| (it.slot, it.strides_for(&y.shape))));
        let (touched, strides): (Vec<Slot>, Vec<Vec<usize>>) = all.into_iter().unzip();
        let (mut shape, mut joined) = joined(&y.shape, &strides);
        if shape.is_empty() {
            shape.push(1);
            joined.iter_mut().for_each(|it| it.push(1));
        }
        let operands = touched.iter().copied().zip(joined).collect();
        self.emit(Grid { each, shape, operands }, &touched);
    }

    fn linear(
        &mut self,
        shape: &[usize],
        x: NodeId,
        weight: &Weight,
        bias: Option<&Weight>,
    ) -> Result<View, LowerError> {
        let matrix = self.packed.matrix(self.weights, Form::Linear, &[(weight.clone(), bias.cloned())])?;
        let view = self.buffer(shape);
        let (x, y) = self.even_rows(x, &view);
        self.emit(Linear::new(matrix, x, y, Ending::Store, self.threads), &[x.slot, y.slot]);
        Ok(view)
    }

    fn rope(&mut self, shape: &[usize], x: NodeId, theta: f32) -> View {
        let x = self.view(x);
        let x = if x.heads().is_some() { x } else { self.copied(&x) };
        let y = self.buffer(shape);
        let table = self.rope_table(shape[1], shape[3], theta);
        let heads = "a dense value has heads";
        let step = Rope {
            x: x.heads().expect(heads),
            y: y.heads().expect(heads),
            batch: shape[0],
            tokens: shape[1],
            heads: shape[2],
            width: shape[3],
            table,
        };
        self.emit(step, &[x.slot, y.slot]);
        y
    }

    pub(super) fn rope_table(&mut self, tokens: usize, width: usize, theta: f32) -> (Slot, Slot) {
        let [cos, sin] = self.packed.rope(tokens, width, theta, || rope_table(tokens, width, theta));
        let mut slot = |numbers| Slot { buffer: self.layout.constant(numbers), offset: 0 };
        (slot(cos), slot(sin))
    }

    fn concat(&mut self, shape: &[usize], parts: &[NodeId], axis: usize) -> View {
        let whole = self.buffer(shape);
        let mut start = 0;
        for part in parts {
            let part = self.view(*part);
            let len = part.shape[axis];
            self.grid_into(Each::Copy, &whole.slice(axis, start, len), &[part]);
            start += len;
        }
        whole
    }

    fn pad(&mut self, shape: &[usize], x: &View, axis: usize) -> View {
        let (have, want) = (x.shape[axis], shape[axis]);
        if have == want {
            return x.clone();
        }
        let whole = self.buffer(shape);
        self.grid_into(Each::Copy, &whole.slice(axis, 0, have), std::slice::from_ref(x));
        self.grid_into(Each::Zero, &whole.slice(axis, have, want - have), &[]);
        whole
    }
}

/// Rows of a dense value, in the groups of others.
pub(super) fn grouped_like(x: &Rows, y: &View) -> Rows {
    let width = *y.shape.last().expect("rows have a last axis");
    Rows { slot: y.slot, outer: x.outer, outer_stride: x.rows * width, rows: x.rows, stride: width }
}

/// Which named axis each axis of a node still is, as far as attention needs to know.
fn names_of(
    graph: &Graph,
    index: usize,
    rank: usize,
    before: &[Vec<Option<&'static str>>],
) -> Vec<Option<&'static str>> {
    let node = &graph.nodes[index];
    let first = || node.inputs.first().map_or(Vec::new(), |it| before[it.index()].clone());
    let mut names = match &node.op {
        Op::Input { dims, .. } | Op::IdsInput { dims, .. } => {
            let name = |dim: &Dim| if let Dim::Named(name) = dim { Some(*name) } else { None };
            dims.iter().map(name).collect()
        }
        Op::Linear { .. } => {
            let mut names = first();
            names.pop();
            names
        }
        Op::Add | Op::Mul => {
            let (a, b) = (first(), before[node.inputs[1].index()].clone());
            let at = |names: &[Option<&'static str>], axis: usize| {
                (axis + names.len()).checked_sub(rank).and_then(|it| names[it])
            };
            (0..rank).map(|it| at(&a, it).or(at(&b, it))).collect()
        }
        Op::SplitAxis { axis, .. } => {
            let mut names = first();
            names.splice(*axis..=*axis, [None, None]);
            names
        }
        Op::MergeAxes { axis } => {
            let mut names = first();
            names.splice(*axis..axis + 2, [None]);
            names
        }
        Op::Slice { axis, .. } | Op::Expand { axis, .. } | Op::Concat { axis } | Op::PadEnd { axis, .. } => {
            let mut names = first();
            names[*axis] = None;
            names
        }
        Op::Embedding { .. } | Op::RmsNorm { .. } | Op::Rope { .. } | Op::Attention { .. } => first(),
        Op::AddScalar(_) | Op::Silu | Op::Snake { .. } | Op::ExpandBatchLike => first(),
        _ => Vec::new(),
    };
    names.resize(rank, None);
    names
}
