//! The nodes that are matrix products: linear layers, convolutions and attention.

use super::PlanError;
use super::blas::{Operand, Product};
use super::kernels::{Columns, Overlap, Softmax, type_of};
use super::lower::Lowering;
use super::rig::Form;
use super::view::{Memory, View};
use crate::graph::Weight;
use crate::graph::weights::shape_of;

/// Scores of a query are this many numbers apart, or a multiple: products are slow on odd distances.
const SCORES_PITCH: usize = 8;
/// Pieces of a convolution begin at multiples of so many rows, so that their addresses are round.
const PIECE_ROWS: usize = 64;

impl Lowering<'_> {
    pub(super) fn linear(&mut self, index: usize, weight: &Weight, bias: Option<&Weight>) -> Result<View, PlanError> {
        let x = self.factor(index)?;
        let w = self.weight(Form::Matrix(weight.clone()))?;
        let depth = *self.first(index).shape.last().expect("checked by shape inference");
        self.rows_times(index, x, w, depth, bias)
    }

    /// Dense rows of `depth` numbers by a matrix `[columns, depth]`, `columns` being the last axis of the node.
    fn rows_times(
        &mut self,
        index: usize,
        x: Memory,
        w: u64,
        depth: usize,
        bias: Option<&Weight>,
    ) -> Result<View, PlanError> {
        let y = self.buffer(&self.shapes[index].clone());
        let columns = *y.shape.last().expect("checked by shape inference");
        let bias = self.bias(bias)?;
        let product = self.by_matrix(y.len() / columns, [x.address, w, y.slot.address], depth, columns, bias);
        self.product(&product, &[x.buffer, y.slot.buffer])?;
        Ok(y)
    }

    fn bias(&self, bias: Option<&Weight>) -> Result<Option<u64>, PlanError> {
        bias.map(|it| self.weight(Form::Plain(it.clone()))).transpose()
    }

    fn by_matrix(&self, rows: usize, [x, w, y]: [u64; 3], depth: usize, columns: usize, bias: Option<u64>) -> Product {
        Product {
            count: 1,
            rows,
            columns,
            depth,
            precision: self.source.rig.precision(),
            x: Operand::dense(x, depth),
            w: Operand::dense(w, depth),
            transposed: true,
            y: Operand::dense(y, columns),
            bias,
        }
    }

    /// The taps of every output frame side by side, then one product.
    pub(super) fn conv(
        &mut self,
        index: usize,
        weight: &Weight,
        bias: Option<&Weight>,
        [stride, padding, dilation]: [usize; 3],
    ) -> Result<View, PlanError> {
        let taps = shape_of(self.source.weights, weight)?[2];
        let w = self.weight(Form::TapsBeforeInputs(weight.clone()))?;
        if [taps, stride, padding] == [1, 1, 0] {
            let x = self.factor(index)?;
            let depth = *self.first(index).shape.last().expect("checked by shape inference");
            return self.rows_times(index, x, w, depth, bias);
        }
        let (x, y) = (self.dense_input(index)?, self.buffer(&self.shapes[index].clone()));
        let ([batch, frames, channels], [_, frames_out, outputs]) = (axes(&x), axes(&y));
        let (precision, bias) = (self.source.rig.precision(), self.bias(bias)?);
        let (rows, depth) = (batch * frames_out, taps * channels);
        let most = self.source.rig.piece_bytes() / (depth * precision.size()).max(1);
        let most = if most < PIECE_ROWS { most } else { most / PIECE_ROWS * PIECE_ROWS }.clamp(1, rows.max(1));
        let columns = self.memory(most * depth * precision.size());
        for first in (0..rows).step_by(most) {
            let piece = most.min(rows - first);
            let told = Columns {
                y: columns.address,
                x: x.slot.address,
                frames: frames as u32,
                frames_out: frames_out as u32,
                channels: channels as u32,
                taps: taps as u32,
                stride: stride as u32,
                padding: padding as u32,
                dilation: dilation as u32,
                first: self.count(index, first)?,
                count: self.count(index, piece * depth)?,
                kind: type_of(precision),
            };
            self.launch(&told, &[x.slot.buffer, columns.buffer]);
            let there = y.slot.address + 4 * (first * outputs) as u64;
            let product = self.by_matrix(piece, [columns.address, w, there], depth, outputs, bias);
            self.product(&product, &[columns.buffer, y.slot.buffer])?;
        }
        Ok(y)
    }

    /// One product gives every input frame its kernel, which are then laid over each other.
    pub(super) fn conv_transpose(
        &mut self,
        index: usize,
        weight: &Weight,
        bias: Option<&Weight>,
        [stride, padding]: [usize; 2],
    ) -> Result<View, PlanError> {
        let taps = shape_of(self.source.weights, weight)?[2];
        let w = self.weight(Form::TapsBeforeOutputs(weight.clone()))?;
        let (x, from) = (self.factor(index)?, self.first(index));
        let y = self.buffer(&self.shapes[index].clone());
        let ([batch, frames, channels], [_, frames_out, outputs]) = (axes(&from), axes(&y));
        let kernels = self.memory(4 * batch * frames * taps * outputs);
        let rows = batch * frames;
        let product = self.by_matrix(rows, [x.address, w, kernels.address], channels, taps * outputs, None);
        self.product(&product, &[x.buffer, kernels.buffer])?;
        let told = Overlap {
            y: y.slot.address,
            x: kernels.address,
            bias: self.bias(bias)?.unwrap_or(0),
            frames: frames as u32,
            frames_out: frames_out as u32,
            channels: outputs as u32,
            taps: taps as u32,
            stride: stride as u32,
            padding: padding as u32,
            count: self.count(index, y.len())?,
            pad: 0,
        };
        self.launch(&told, &[kernels.buffer, y.slot.buffer]);
        Ok(y)
    }

    /// Scores, softmax, sum. Query heads that share a key head are rows of the same product, so nothing is repeated.
    /// What a window hides is computed and then not looked at.
    pub(super) fn attention(&mut self, index: usize, window: Option<usize>, causal: bool) -> Result<View, PlanError> {
        let inputs = &self.source.graph.nodes[index].inputs;
        let [q, k, v] = [0, 1, 2].map(|place| self.view(inputs[place]));
        let mask = inputs.get(3).map(|it| self.view(*it));
        let ([batch, queries, heads, width], [_, keys, groups, _]) = (axes(&q), axes(&k));
        let precision = self.source.rig.precision();
        let pitch = keys.next_multiple_of(SCORES_PITCH);
        let (row, size) = (heads * queries * pitch, precision.size());
        let most = (self.source.rig.piece_bytes() / (4 * row).max(1)).clamp(1, batch.max(1));
        let [q, k, v] = [&q, &k, &v].map(|it| self.packed(index, &it.swapped(1, 2)));
        let (q, k, v) = (q?, k?, v?);
        let scores = self.memory(4 * most * row);
        let seen = if size == 4 { scores } else { self.memory(size * most * row) };
        let y = self.buffer(&[batch, heads, queries, width]);
        let shared = heads / groups * queries;
        for first in (0..batch).step_by(most) {
            let rows = most.min(batch - first);
            let at = |it: Memory, size: usize, numbers: usize| it.address + (size * first * numbers) as u64;
            let product = Product {
                count: rows * groups,
                rows: shared,
                columns: keys,
                depth: width,
                precision,
                x: Operand { address: at(q, size, heads * queries * width), pitch: width, step: shared * width },
                w: Operand { address: at(k, size, groups * keys * width), pitch: width, step: keys * width },
                transposed: true,
                y: Operand { address: scores.address, pitch, step: shared * pitch },
                bias: None,
            };
            self.product(&product, &[q.buffer, k.buffer, scores.buffer])?;
            let (mask_at, mask_strides) =
                mask.as_ref().map_or((0, [0; 2]), |it| (it.slot.address, axes_of(&it.strides)));
            let told = Softmax {
                y: seen.address,
                scores: scores.address,
                mask: if mask_at == 0 { 0 } else { mask_at + 4 * (first * mask_strides[0]) as u64 },
                mask_row: mask_strides[0] as u32,
                mask_key: mask_strides[1] as u32,
                heads: heads as u32,
                queries: queries as u32,
                keys: keys as u32,
                pitch: pitch as u32,
                window: window.map_or(-1, |it| i32::try_from(it).unwrap_or(i32::MAX)),
                causal: u32::from(causal),
                kind: type_of(precision),
                scale: (width as f32).powf(-0.5),
                rows: self.count(index, rows * heads * queries)?,
                pad: 0,
            };
            self.launch(&told, &[mask.as_ref().and_then(|it| it.slot.buffer), scores.buffer, seen.buffer]);
            let product = Product {
                columns: width,
                depth: keys,
                x: Operand { address: seen.address, pitch, step: shared * pitch },
                w: Operand { address: at(v, size, groups * keys * width), pitch: width, step: keys * width },
                transposed: false,
                y: Operand {
                    address: y.slot.address + (4 * first * heads * queries * width) as u64,
                    pitch: width,
                    step: shared * width,
                },
                ..product
            };
            self.product(&product, &[seen.buffer, v.buffer, y.slot.buffer])?;
        }
        Ok(y.swapped(1, 2))
    }
}

/// Sizes of a view whose rank shape inference has checked.
fn axes<const N: usize>(view: &View) -> [usize; N] {
    axes_of(&view.shape)
}

fn axes_of<const N: usize>(numbers: &[usize]) -> [usize; N] {
    numbers.try_into().expect("checked by shape inference")
}
