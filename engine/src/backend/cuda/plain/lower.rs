//! From graph to steps: every node becomes a step or a view of another value. Nothing is fused.
//!
//! Addresses are part of steps, so a graph is walked twice: once to learn when each buffer is needed, once more with the places
//! known.

use super::PlanError;
use super::blas::{Matmul, Product};
use super::kernels::{AXES, Each, Embed, Function, Launch, Norm, Rope, Sinusoid, Told, type_of};
use super::rig::{Form, Rig};
use super::view::{Memory, View};
use crate::graph::layout::{BufferId, Layout, Places};
use crate::graph::view::joined;
use crate::graph::{Graph, LowerError, NodeId, Op, Precision, Sizes, Weight, WeightSource, shape};

/// Something that is enqueued.
#[derive(Debug)]
pub(super) enum Step {
    Kernel(Launch),
    Product(Matmul),
}

/// A named value.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) address: u64,
    pub(super) shape: Vec<usize>,
}

/// What a plan is made of.
pub(super) struct Source<'a> {
    pub(super) rig: &'a Rig,
    pub(super) graph: &'a Graph,
    pub(super) sizes: &'a Sizes,
    pub(super) weights: &'a dyn WeightSource,
    /// Inputs and outputs whose memory the plan's owner holds.
    pub(super) given: &'a [(String, u64)],
}

/// A graph on its way to a plan.
pub(super) struct Lowering<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) shapes: Vec<Vec<usize>>,
    pub(super) layout: Layout,
    pub(super) steps: Vec<Step>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    /// The arena and the places in it; none while they are being found out.
    placed: Option<(u64, &'a Places)>,
    steps_so_far: usize,
    views: Vec<Option<View>>,
    /// Nodes that some product has read already.
    factors: Vec<Option<Memory>>,
    input_buffers: Vec<BufferId>,
}

impl<'a> Lowering<'a> {
    /// Walks the graph. Without `placed` the steps are only counted.
    pub(super) fn walk(source: &'a Source<'a>, placed: Option<(u64, &'a Places)>) -> Result<Self, PlanError> {
        let shapes = shape::infer(source.graph, source.sizes, source.weights)?;
        let mut it = Self {
            source,
            layout: Layout::default(),
            steps: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            placed,
            steps_so_far: 0,
            views: vec![None; shapes.len()],
            factors: vec![None; shapes.len()],
            input_buffers: Vec::new(),
            shapes,
        };
        for node in 0..source.graph.nodes.len() {
            let view = it.node(node)?;
            it.views[node] = Some(view);
        }
        for (name, id) in &source.graph.outputs {
            it.named(name, *id)?;
        }
        Ok(it)
    }

    /// An output: in the given memory, else in a buffer that only its own steps write.
    fn named(&mut self, name: &str, id: NodeId) -> Result<(), PlanError> {
        if matches!(self.source.graph.nodes[id.index()].op, Op::IdsInput { .. }) {
            let what = format!("output `{name}` would be token ids");
            return Err(LowerError::Shape { node: id.index(), what }.into());
        }
        let value = self.view(id);
        let own = value.slot.buffer.filter(|it| value.is_dense() && !self.input_buffers.contains(it));
        let view = match (self.given(name), own) {
            (Some(address), _) => {
                let there = View::whole(Memory::fixed(address), &value.shape);
                self.each(id.index(), Function::Copy, &there, &[&value], Precision::F32)?;
                there
            }
            (None, Some(_)) => value,
            (None, None) => self.copied(id.index(), &value)?,
        };
        if let Some(buffer) = view.slot.buffer {
            self.layout.used(buffer, usize::MAX);
        }
        self.outputs.push(Port { name: name.to_owned(), address: view.slot.address, shape: view.shape });
        Ok(())
    }

    fn given(&self, name: &str) -> Option<u64> {
        self.source.given.iter().find(|it| it.0 == name).map(|it| it.1)
    }

    fn node(&mut self, index: usize) -> Result<View, PlanError> {
        let graph = self.source.graph;
        let node = &graph.nodes[index];
        let shape = self.shapes[index].clone();
        let x = |it: &Self, place: usize| it.view(node.inputs[place]);
        match &node.op {
            Op::Input { name, .. } | Op::IdsInput { name, .. } => Ok(self.input(name, &shape)),
            Op::Constant(weight) => Ok(View::whole(Memory::fixed(self.weight(Form::Plain(weight.clone()))?), &shape)),
            Op::Linear { weight, bias } => self.linear(index, weight, bias.as_ref()),
            Op::Conv1d { weight, bias, stride, padding, dilation } => {
                self.conv(index, weight, bias.as_ref(), [*stride, *padding, *dilation])
            }
            Op::ConvTranspose1d { weight, bias, stride, padding } => {
                self.conv_transpose(index, weight, bias.as_ref(), [*stride, *padding])
            }
            Op::Attention { window, causal } => self.attention(index, *window, *causal),
            Op::Embedding { table } => self.embedding(index, table),
            Op::RmsNorm { gain, eps } => self.norm(index, gain, *eps),
            Op::Rope { theta } => self.rope(index, *theta),
            Op::Add => self.grid(index, Function::Add, &[&x(self, 0), &x(self, 1)]),
            Op::Mul => self.grid(index, Function::Mul, &[&x(self, 0), &x(self, 1)]),
            Op::AddScalar(value) => self.grid(index, Function::AddValue(*value), &[&x(self, 0)]),
            Op::Silu => self.grid(index, Function::Silu, &[&x(self, 0)]),
            Op::Snake { alpha, beta } => {
                let channels = &shape[shape.len() - 1..];
                let alpha = self.weight(Form::Exp(alpha.clone()))?;
                let inverse = self.weight(Form::InverseExp(beta.clone()))?;
                let [alpha, inverse] = [alpha, inverse].map(|it| View::whole(Memory::fixed(it), channels));
                self.grid(index, Function::Snake, &[&x(self, 0), &alpha, &inverse])
            }
            Op::Sinusoid { half, scale } => self.sinusoid(index, *half, *scale),
            Op::Concat { axis } => self.concat(index, *axis),
            Op::PadEnd { axis, .. } => self.pad(index, *axis),
            Op::Slice { axis, start, len } => Ok(x(self, 0).slice(*axis, *start, *len)),
            Op::CropLike { axis } => Ok(x(self, 0).slice(*axis, 0, shape[*axis])),
            Op::SplitAxis { axis, inner } => Ok(x(self, 0).split(*axis, *inner)),
            Op::MergeAxes { axis } => {
                let x = x(self, 0);
                let dense = if x.merged(*axis).is_some() { x } else { self.copied(index, &x)? };
                Ok(dense.merged(*axis).expect("axes of a dense value lie as one"))
            }
            Op::Expand { axis, size } => Ok(x(self, 0).expanded(*axis, *size)),
            Op::ExpandBatchLike => Ok(x(self, 0).expanded(0, shape[0])),
        }
    }

    /// Inputs keep their memory for good.
    fn input(&mut self, name: &str, shape: &[usize]) -> View {
        let view = match self.given(name) {
            Some(address) => View::whole(Memory::fixed(address), shape),
            None => {
                let view = self.buffer(shape);
                let buffer = view.slot.buffer.expect("just made");
                self.layout.used(buffer, 0);
                self.layout.used(buffer, usize::MAX);
                self.input_buffers.push(buffer);
                view
            }
        };
        self.inputs.push(Port { name: name.to_owned(), address: view.slot.address, shape: shape.to_vec() });
        view
    }

    fn embedding(&mut self, index: usize, table: &Weight) -> Result<View, PlanError> {
        let (ids, y) = (self.first(index), self.buffer(&self.shapes[index].clone()));
        let width = *y.shape.last().expect("checked by shape inference");
        let entries = crate::graph::weights::shape_of(self.source.weights, table)?[0];
        let table = self.weight(Form::Plain(table.clone()))?;
        let told = Embed {
            y: y.slot.address,
            table,
            ids: ids.slot.address,
            width: width as u32,
            entries: entries as u32,
            count: self.count(index, y.len())?,
            pad: 0,
        };
        self.launch(&told, &[ids.slot.buffer, y.slot.buffer]);
        Ok(y)
    }

    fn norm(&mut self, index: usize, gain: &Weight, eps: f32) -> Result<View, PlanError> {
        let (x, y) = (self.dense_input(index)?, self.buffer(&self.shapes[index].clone()));
        let gain = self.weight(Form::Plain(gain.clone()))?;
        let width = *y.shape.last().expect("checked by shape inference");
        let rows = self.count(index, y.len() / width.max(1))?;
        let told = Norm { y: y.slot.address, x: x.slot.address, gain, width: width as u32, eps, rows, pad: 0 };
        self.launch(&told, &[x.slot.buffer, y.slot.buffer]);
        Ok(y)
    }

    fn rope(&mut self, index: usize, theta: f32) -> Result<View, PlanError> {
        let (x, y) = (self.dense_input(index)?, self.buffer(&self.shapes[index].clone()));
        let [_, frames, heads, width] = y.shape[..] else { unreachable!("checked by shape inference") };
        let (half, bits) = (width / 2, theta.to_bits());
        let told = Rope {
            y: y.slot.address,
            x: x.slot.address,
            cosine: self.weight(Form::Cosines(frames, half, bits))?,
            sine: self.weight(Form::Sines(frames, half, bits))?,
            frames: frames as u32,
            heads: heads as u32,
            half: half as u32,
            count: self.count(index, y.len() / 2)?,
        };
        self.launch(&told, &[x.slot.buffer, y.slot.buffer]);
        Ok(y)
    }

    fn sinusoid(&mut self, index: usize, half: usize, scale: f32) -> Result<View, PlanError> {
        let (t, y) = (self.first(index), self.buffer(&self.shapes[index].clone()));
        let told = Sinusoid {
            y: y.slot.address,
            t: t.slot.address,
            frequencies: self.weight(Form::Frequencies(half))?,
            half: half as u32,
            count: self.count(index, y.len() / 2)?,
            t_stride: t.strides[0] as u32,
            scale,
        };
        self.launch(&told, &[t.slot.buffer, y.slot.buffer]);
        Ok(y)
    }

    fn concat(&mut self, index: usize, axis: usize) -> Result<View, PlanError> {
        let whole = self.buffer(&self.shapes[index].clone());
        let mut start = 0;
        for part in &self.source.graph.nodes[index].inputs {
            let part = self.view(*part);
            let len = part.shape[axis];
            self.each(index, Function::Copy, &whole.slice(axis, start, len), &[&part], Precision::F32)?;
            start += len;
        }
        Ok(whole)
    }

    fn pad(&mut self, index: usize, axis: usize) -> Result<View, PlanError> {
        let (x, want) = (self.first(index), self.shapes[index][axis]);
        let have = x.shape[axis];
        if have == want {
            return Ok(x);
        }
        let whole = self.buffer(&self.shapes[index].clone());
        self.each(index, Function::Copy, &whole.slice(axis, 0, have), &[&x], Precision::F32)?;
        self.each(index, Function::Zero, &whole.slice(axis, have, want - have), &[], Precision::F32)?;
        Ok(whole)
    }

    pub(super) fn view(&self, node: NodeId) -> View {
        self.views[node.index()].clone().expect("nodes stand in an order in which they can be computed")
    }

    /// A node's first input.
    pub(super) fn first(&self, index: usize) -> View {
        self.view(self.source.graph.nodes[index].inputs[0])
    }

    /// The same without gaps.
    pub(super) fn dense_input(&mut self, index: usize) -> Result<View, PlanError> {
        let x = self.first(index);
        if x.is_dense() { Ok(x) } else { self.copied(index, &x) }
    }

    /// A node's first input as products read it; nodes that feed several products are copied once.
    pub(super) fn factor(&mut self, index: usize) -> Result<Memory, PlanError> {
        let node = self.source.graph.nodes[index].inputs[0];
        if let Some(known) = self.factors[node.index()] {
            return Ok(known);
        }
        let factor = self.packed(index, &self.view(node))?;
        self.factors[node.index()] = Some(factor);
        Ok(factor)
    }

    /// A value as products read it.
    pub(super) fn packed(&mut self, index: usize, x: &View) -> Result<Memory, PlanError> {
        let precision = self.source.rig.precision();
        if precision == Precision::F32 && x.is_dense() {
            return Ok(x.slot);
        }
        let factor = self.memory(x.len() * precision.size());
        self.each(index, Function::Copy, &View::whole(factor, &x.shape), &[x], precision)?;
        Ok(factor)
    }

    pub(super) fn weight(&self, form: Form) -> Result<u64, PlanError> {
        self.source.rig.weight(self.source.weights, form)
    }

    /// Room in the arena.
    pub(super) fn memory(&mut self, bytes: usize) -> Memory {
        // An address of its own even for nothing.
        let id = self.layout.buffer(bytes.max(1));
        let address = self.placed.map_or(0, |(arena, places)| arena + places.offset(id) as u64);
        Memory { buffer: Some(id), address }
    }

    /// A new value.
    pub(super) fn buffer(&mut self, shape: &[usize]) -> View {
        View::whole(self.memory(4 * shape.iter().product::<usize>()), shape)
    }

    fn copied(&mut self, index: usize, x: &View) -> Result<View, PlanError> {
        let y = self.buffer(&x.shape);
        self.each(index, Function::Copy, &y, &[x], Precision::F32)?;
        Ok(y)
    }

    fn grid(&mut self, index: usize, function: Function, operands: &[&View]) -> Result<View, PlanError> {
        let y = self.buffer(&self.shapes[index].clone());
        self.each(index, function, &y, operands, Precision::F32)?;
        Ok(y)
    }

    /// The same function of every number, into a given place. Axes that lie as one in all operands are joined.
    fn each(
        &mut self,
        index: usize,
        function: Function,
        y: &View,
        operands: &[&View],
        kind: Precision,
    ) -> Result<(), PlanError> {
        let mut strides: Vec<Vec<usize>> = vec![y.strides.clone()];
        strides.extend(operands.iter().map(|it| it.strides_for(&y.shape)));
        let (shape, strides) = joined(&y.shape, &strides);
        let furthest = strides.iter().map(|it| it.iter().zip(&shape).map(|(a, b)| a * (b - 1)).sum::<usize>()).max();
        if AXES < shape.len() || u32::try_from(furthest.unwrap_or(0)).is_err() {
            return Err(self.unsupported(index, format!("{shape:?} in steps of {strides:?}")));
        }
        let axes = |numbers: &[usize], fill: u32| {
            let mut out = [fill; AXES];
            numbers.iter().zip(&mut out).for_each(|(number, out)| *out = *number as u32);
            out
        };
        let of = |place: usize| strides.get(place).map_or([0; AXES], |it| axes(it, 0));
        let address = |place: usize| operands.get(place).map_or(0, |it| it.slot.address);
        let (what, value) = function.told();
        let told = Each {
            y: y.slot.address,
            a: address(0),
            b: address(1),
            c: address(2),
            shape: axes(&shape, 1),
            y_stride: of(0),
            a_stride: of(1),
            b_stride: of(2),
            c_stride: of(3),
            count: self.count(index, y.len())?,
            what,
            kind: type_of(kind),
            value,
        };
        let touched: Vec<Option<BufferId>> = operands.iter().map(|it| it.slot.buffer).chain([y.slot.buffer]).collect();
        self.launch(&told, &touched);
        Ok(())
    }

    /// Appends a kernel that touches these buffers.
    pub(super) fn launch<T: Told>(&mut self, told: &T, touched: &[Option<BufferId>]) {
        if told.count() == 0 {
            return;
        }
        self.touch(touched);
        if self.placed.is_some() {
            self.steps.push(Step::Kernel(self.source.rig.kernels.launch(told)));
        }
    }

    /// Appends a product that touches these buffers.
    pub(super) fn product(&mut self, product: &Product, touched: &[Option<BufferId>]) -> Result<(), PlanError> {
        self.touch(touched);
        if self.placed.is_some() {
            self.steps.push(Step::Product(self.source.rig.blas.matmul(product)?));
        }
        Ok(())
    }

    fn touch(&mut self, touched: &[Option<BufferId>]) {
        touched.iter().flatten().for_each(|&it| self.layout.used(it, self.steps_so_far));
        self.steps_so_far += 1;
    }

    /// A number of numbers as kernels count.
    pub(super) fn count(&self, index: usize, count: usize) -> Result<u32, PlanError> {
        u32::try_from(count)
            .map_err(|_| self.unsupported(index, format!("{count} numbers are more than a kernel counts")))
    }

    fn unsupported(&self, node: usize, why: String) -> PlanError {
        let op = format!("{:?}", self.source.graph.nodes[node].op);
        let op = op.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
        PlanError::Unsupported { node, op, why }
    }
}
