//! From graph to steps: every node becomes a step, a view of another value, or part of a neighbour's step.

use super::attention::{Attention, Dressing};
use super::conv::{Conv, Snake, Walk};
use super::fuse::{Chain, Dressed, Role, roles};
use super::linear::{Ending, Linear};
use super::memory::{Layout, Slot};
use super::pack::{Form, Packed, Shaping};
use super::plan::Port;
use super::rows::{Each, Embedding, Grid, Norm, Rope, Sinusoid, rope_table};
use super::step::{Rows, Step};
use super::view::View;
use crate::graph::weights::shape_of;
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
    names: Vec<Vec<Option<&'static str>>>,
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
            Op::Conv1d { .. } | Op::ConvTranspose1d { .. } | Op::Attention { .. } => {
                unreachable!("convolutions and attentions have roles")
            }
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
            Op::Concat { axis } => self.concat(&shape, &node.inputs, *axis),
            Op::PadEnd { axis, .. } => self.pad(&shape, of(0), *axis),
            Op::Slice { axis, start, len } => self.view(of(0)).slice(*axis, *start, *len),
            Op::CropLike { axis } => self.view(of(0)).slice(*axis, 0, shape[*axis]),
            Op::SplitAxis { axis, inner } => self.view(of(0)).split(*axis, *inner),
            Op::MergeAxes { axis } => {
                let x = self.view(of(0));
                x.merged(*axis).unwrap_or_else(|| {
                    let copy = self.copied(&x);
                    copy.merged(*axis).expect("axes of a dense value lie as one")
                })
            }
            Op::Expand { axis, size } => self.view(of(0)).expanded(*axis, *size),
            Op::ExpandBatchLike => self.view(of(0)).expanded(0, shape[0]),
        })
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
    fn even_rows(&mut self, x: NodeId, y: &View) -> (Rows, Rows) {
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
        let mut shape: Vec<usize> = Vec::new();
        let mut joined: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
        for (axis, &size) in y.shape.iter().enumerate().filter(|it| *it.1 != 1) {
            let fits = !shape.is_empty()
                && all.iter().zip(&joined).all(|(it, joined)| joined.last() == Some(&(it.1[axis] * size)));
            if fits {
                *shape.last_mut().expect("asked above") *= size;
                all.iter()
                    .zip(&mut joined)
                    .for_each(|(it, joined)| *joined.last_mut().expect("as long as shape") = it.1[axis]);
            } else {
                shape.push(size);
                all.iter().zip(&mut joined).for_each(|(it, joined)| joined.push(it.1[axis]));
            }
        }
        if shape.is_empty() {
            shape.push(1);
            joined.iter_mut().for_each(|it| it.push(1));
        }
        let touched: Vec<Slot> = all.iter().map(|it| it.0).collect();
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

    /// The value as rows in groups of its first axis; copied when it does not lie so.
    fn batch_rows(&mut self, node: NodeId) -> Rows {
        let view = self.view(node);
        view.batch_rows().unwrap_or_else(|| self.copied(&view).batch_rows().expect("a dense value has rows"))
    }

    /// One vector a group; copied when it does not lie so.
    fn vectors(&mut self, node: NodeId, like: &[usize]) -> (Slot, usize) {
        let view = self.view(node);
        view.vectors(like).unwrap_or_else(|| self.copied(&view).vectors(like).expect("fusing looked at its shape"))
    }

    fn linear_parts(&self, node: NodeId) -> (Weight, Option<Weight>) {
        let Op::Linear { weight, bias } = &self.graph.nodes[node.index()].op else {
            unreachable!("fusing looked at the operation");
        };
        (weight.clone(), bias.clone())
    }

    fn residual(&mut self, linear: NodeId, to: NodeId, gate: Option<NodeId>) -> Result<View, LowerError> {
        let parts = [self.linear_parts(linear)];
        let matrix = self.packed.matrix(self.weights, Form::Linear, &parts)?;
        let shape = self.shapes[linear.index()].clone();
        let x = self.batch_rows(self.graph.nodes[linear.index()].inputs[0]);
        let to = self.batch_rows(to);
        let view = self.buffer(&shape);
        let y = view.batch_rows().expect("a dense value has rows");
        let mut touched = vec![x.slot, to.slot, y.slot];
        let ending = match gate {
            None => Ending::Add(to),
            Some(gate) => {
                let (gate, stride) = self.vectors(gate, &shape);
                touched.push(gate);
                Ending::Gated(to, gate, stride)
            }
        };
        self.emit(Linear::new(matrix, x, y, ending, self.threads), &touched);
        Ok(view)
    }

    fn pair(&mut self, index: usize, gate: NodeId, up: NodeId) -> Result<View, LowerError> {
        let parts = [self.linear_parts(gate), self.linear_parts(up)];
        let matrix = self.packed.matrix(self.weights, Form::Pairs, &parts)?;
        let view = self.buffer(&self.shapes[index].clone());
        let (x, y) = self.even_rows(self.graph.nodes[gate.index()].inputs[0], &view);
        self.emit(Linear::new(matrix, x, y, Ending::SiluTimes, self.threads), &[x.slot, y.slot]);
        Ok(view)
    }

    /// Several linear layers of one input side by side; each value is a window onto their columns.
    fn group(&mut self, members: &[NodeId]) -> Result<(), LowerError> {
        let parts: Vec<_> = members.iter().map(|it| self.linear_parts(*it)).collect();
        let matrix = self.packed.matrix(self.weights, Form::Linear, &parts)?;
        let mut shape = self.shapes[members[0].index()].clone();
        let last = shape.len() - 1;
        shape[last] = matrix.n;
        let view = self.buffer(&shape);
        let (x, y) = self.even_rows(self.graph.nodes[members[0].index()].inputs[0], &view);
        self.emit(Linear::new(matrix, x, y, Ending::Store, self.threads), &[x.slot, y.slot]);
        let mut column = 0;
        for member in members {
            let columns = self.shapes[member.index()][last];
            self.views[member.index()] = Some(view.slice(last, column, columns));
            column += columns;
        }
        Ok(())
    }

    fn modulated(&mut self, norm: NodeId, scale: NodeId, shift: NodeId) -> Result<View, LowerError> {
        let node = &self.graph.nodes[norm.index()];
        let Op::RmsNorm { gain, eps } = &node.op else { unreachable!("fusing looked at the operation") };
        let (gain, shape) = (self.small(gain, Shaping::Same)?, self.shapes[norm.index()].clone());
        let modulate = [self.vectors(scale, &shape), self.vectors(shift, &shape)];
        let x = self.batch_rows(node.inputs[0]);
        let view = self.buffer(&shape);
        let y = view.batch_rows().expect("a dense value has rows");
        let touched = [x.slot, y.slot, modulate[0].0, modulate[1].0];
        self.emit(Norm { x, y, width: shape[2], gain, eps: *eps, modulate: Some(modulate) }, &touched);
        Ok(view)
    }

    fn chain(&mut self, index: usize, chain: &Chain) -> Result<View, LowerError> {
        let graph = self.graph;
        let source = |id: NodeId| graph.nodes[id.index()].inputs[0];
        let x_id = source(chain.before.unwrap_or(chain.first));
        let (channels, x) = (self.shapes[x_id.index()][2], self.batch_rows(x_id));
        let shape = self.shapes[index].clone();
        let (first, walk, view, y) = match &graph.nodes[chain.first.index()].op {
            Op::Conv1d { weight, bias, stride, padding, dilation } => {
                let matrix = self.packed.matrix(self.weights, Form::Conv, &[(weight.clone(), bias.clone())])?;
                let kernel = matrix.k / channels;
                let walk = Walk { kernel, stride: *stride, padding: *padding, dilation: *dilation };
                let view = self.buffer(&shape);
                let y = view.batch_rows().expect("a dense value has rows");
                (matrix, walk, view, y)
            }
            Op::ConvTranspose1d { weight, bias, stride, padding } => {
                let taps = shape_of(self.weights, weight)?[2].div_ceil(*stride);
                let parts = [(weight.clone(), bias.clone())];
                let matrix = self.packed.matrix(self.weights, Form::Transposed(*stride), &parts)?;
                let walk = Walk { kernel: taps, stride: 1, padding: taps - 1, dilation: 1 };
                // A row is `stride` output frames; the crop is a window onto all of them.
                let rows = x.rows + taps - 1;
                let whole = self.buffer(&[shape[0], rows * stride, shape[2]]);
                let outer_stride = whole.strides[0];
                let y = Rows { slot: whole.slot, outer: shape[0], outer_stride, rows, stride: matrix.n };
                (matrix, walk, whole.slice(1, *padding, shape[1]), y)
            }
            other => unreachable!("{other:?} is no convolution"),
        };
        let mut step = Conv::new(first, walk, x, channels, y, self.threads);
        let mut touched = vec![x.slot, y.slot];
        step.before = chain.before.map(|it| self.snake_of(it)).transpose()?;
        step.between = chain.between.map(|it| self.snake_of(it)).transpose()?;
        if let Some(second) = chain.second {
            let Op::Conv1d { weight, bias, .. } = &graph.nodes[second.index()].op else {
                unreachable!("fusing looked at the operation");
            };
            step.second = Some(self.packed.matrix(self.weights, Form::Conv, &[(weight.clone(), bias.clone())])?);
        }
        if let Some(residual) = chain.residual {
            let rows = self.batch_rows(residual);
            touched.push(rows.slot);
            step.residual = Some(rows);
        }
        self.emit(step, &touched);
        Ok(view)
    }

    fn snake_of(&mut self, node: NodeId) -> Result<Snake, LowerError> {
        let Op::Snake { alpha, beta } = &self.graph.nodes[node.index()].op else {
            unreachable!("fusing looked at the operation");
        };
        self.snake(alpha, beta)
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

    fn attention(&mut self, index: usize, q: Dressed, k: Dressed) -> Result<View, LowerError> {
        let (graph, shape) = (self.graph, self.shapes[index].clone());
        let node = &graph.nodes[index];
        let Op::Attention { window, causal } = node.op else { unreachable!("the caller looked") };
        let [q_dressing, k_dressing] = [self.dressing(q)?, self.dressing(k)?];
        let with_heads = |it: &mut Self, id: NodeId| {
            let view = it.view(id);
            if view.heads().is_some() { view } else { it.copied(&view) }
        };
        let [q, k, v] = [q.from, k.from, node.inputs[2]].map(|it| with_heads(self, it));
        let mask = node.inputs.get(3).map(|it| self.view(*it));
        let mask = mask.map(|it| if it.strides[1] == 1 || it.shape[1] == 1 { it } else { self.copied(&it) });
        let (keys, groups) = (k.shape[1], k.shape[2]);
        let name = self.names[node.inputs[1].index()][1];
        let length = name.and_then(|name| self.axes.iter().position(|it| it.0 == name));
        let y = self.buffer(&shape);
        let packed = self.buffer(&[Attention::packed_len(shape[0], keys, groups, shape[3])]).slot;
        let heads = |view: &View| view.heads().expect("copied when it had none");
        let step = Attention {
            batch: shape[0],
            queries: shape[1],
            heads: shape[2],
            keys,
            groups,
            width: shape[3],
            q: heads(&q),
            k: heads(&k),
            v: heads(&v),
            y: heads(&y),
            q_dressing,
            k_dressing,
            mask: mask.as_ref().map(|it| (it.slot, it.strides[0])),
            window,
            causal,
            length,
            packed,
        };
        let mut touched = vec![q.slot, k.slot, v.slot, y.slot, packed];
        touched.extend(mask.map(|it| it.slot));
        self.emit(step, &touched);
        Ok(y)
    }

    fn dressing(&mut self, head: Dressed) -> Result<Dressing, LowerError> {
        let mut dressing = Dressing::default();
        if let Some(norm) = head.norm {
            let Op::RmsNorm { gain, eps } = &self.graph.nodes[norm.index()].op else {
                unreachable!("fusing looked at the operation");
            };
            dressing.norm = Some((self.small(gain, Shaping::Same)?, *eps));
        }
        if let Some(rope) = head.rope {
            let Op::Rope { theta } = self.graph.nodes[rope.index()].op else {
                unreachable!("fusing looked at the operation");
            };
            let shape = &self.shapes[rope.index()];
            dressing.rope = Some(self.rope_table(shape[1], shape[3], theta));
        }
        Ok(dressing)
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

    fn pad(&mut self, shape: &[usize], x: NodeId, axis: usize) -> View {
        let x = self.view(x);
        let (have, want) = (x.shape[axis], shape[axis]);
        if have == want {
            return x;
        }
        let whole = self.buffer(shape);
        self.grid_into(Each::Copy, &whole.slice(axis, 0, have), &[x]);
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
