//! Steps of nodes that are computed together with their neighbours, as [`super::fuse`] decided.

use super::attention::{Attention, Dressing};
use super::conv::{Conv, Snake, Walk};
use super::fuse::{Chain, Dressed};
use super::linear::{Ending, Linear};
use super::lower::Lowering;
use super::memory::Slot;
use super::pack::{Form, Shaping};
use super::rows::Norm;
use super::step::Rows;
use super::view::View;
use crate::graph::weights::shape_of;
use crate::graph::{LowerError, NodeId, Op, Weight};

impl Lowering<'_> {
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

    pub(super) fn residual(&mut self, linear: NodeId, to: NodeId, gate: Option<NodeId>) -> Result<View, LowerError> {
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

    pub(super) fn pair(&mut self, index: usize, gate: NodeId, up: NodeId) -> Result<View, LowerError> {
        let parts = [self.linear_parts(gate), self.linear_parts(up)];
        let matrix = self.packed.matrix(self.weights, Form::Pairs, &parts)?;
        let view = self.buffer(&self.shapes[index].clone());
        let (x, y) = self.even_rows(self.graph.nodes[gate.index()].inputs[0], &view);
        self.emit(Linear::new(matrix, x, y, Ending::SiluTimes, self.threads), &[x.slot, y.slot]);
        Ok(view)
    }

    /// Several linear layers of one input side by side; each value is a window onto their columns.
    pub(super) fn group(&mut self, members: &[NodeId]) -> Result<(), LowerError> {
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

    pub(super) fn modulated(&mut self, norm: NodeId, scale: NodeId, shift: NodeId) -> Result<View, LowerError> {
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

    pub(super) fn chain(&mut self, index: usize, chain: &Chain) -> Result<View, LowerError> {
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

    pub(super) fn attention(&mut self, index: usize, q: Dressed, k: Dressed) -> Result<View, LowerError> {
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
}
