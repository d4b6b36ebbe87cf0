//! Shapes of every node of a graph, once the named sizes are given.
//!
//! This is the one place that checks a graph: weights against the operations that use them and inputs against each
//! other. Lowerings run it first and may then rely on everything it checked. It reads shapes only, never numbers.

use super::weights::{label, misshapen, shape_of};
use super::{Dim, Graph, LowerError, Node, Op, Sizes, Weight, WeightSource};

/// The shape of every node, in the order of [`Graph::nodes`].
///
/// # Errors
/// [`LowerError::UnknownDim`] when a named axis has no size, [`LowerError::MissingWeight`] and
/// [`LowerError::WeightShape`] when the checkpoint does not fit the graph, [`LowerError::Shape`] when operations do not
/// fit together.
pub fn infer(graph: &Graph, sizes: &Sizes, weights: &dyn WeightSource) -> Result<Vec<Vec<usize>>, LowerError> {
    let mut shapes: Vec<Vec<usize>> = Vec::with_capacity(graph.nodes.len());
    for (index, node) in graph.nodes.iter().enumerate() {
        let at = Place { index, node, shapes: &shapes, graph, weights };
        shapes.push(at.shape(sizes)?);
    }
    Ok(shapes)
}

/// The shape that two broadcast operands have together, `None` when they do not fit.
#[must_use]
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let axis = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |it| shape[it]);
    (0..rank)
        .map(|it| match (axis(a, it), axis(b, it)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// Frames that a convolution gives, `None` when the input is shorter than the kernel.
#[must_use]
pub fn conv_frames(frames: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Option<usize> {
    let reach = dilation * kernel.checked_sub(1)? + 1;
    Some((frames + 2 * padding).checked_sub(reach)? / stride + 1)
}

/// One node with what stands before it.
struct Place<'a> {
    index: usize,
    node: &'a Node,
    shapes: &'a [Vec<usize>],
    graph: &'a Graph,
    weights: &'a dyn WeightSource,
}

impl Place<'_> {
    fn shape(&self, sizes: &Sizes) -> Result<Vec<usize>, LowerError> {
        self.check_inputs()?;
        match &self.node.op {
            Op::Input { dims, .. } | Op::IdsInput { dims, .. } => dims
                .iter()
                .map(|dim| match dim {
                    Dim::Fixed(size) => Ok(*size),
                    Dim::Named(name) => sizes.get(name).ok_or(LowerError::UnknownDim(name)),
                })
                .collect(),
            Op::Constant(weight) => shape_of(self.weights, weight),
            Op::Linear { weight, bias } => self.linear(weight, bias.as_ref()),
            Op::Conv1d { weight, bias, stride, padding, dilation } => {
                self.conv(weight, bias.as_ref(), *stride, *padding, *dilation)
            }
            Op::ConvTranspose1d { weight, bias, stride, padding } => {
                self.conv_transpose(weight, bias.as_ref(), *stride, *padding)
            }
            Op::Embedding { table } => {
                let [_, width] = self.weight_axes(table, "[V, H]")?;
                Ok([self.input(0), &[width]].concat())
            }
            Op::RmsNorm { gain, .. } => {
                self.vector(gain, self.last()?)?;
                Ok(self.input(0).to_vec())
            }
            Op::Snake { alpha, beta } => {
                let channels = self.last()?;
                for weight in [alpha, beta] {
                    let found = shape_of(self.weights, weight)?;
                    if found != [1, channels, 1] {
                        return Err(misshapen(weight, found, format!("[1, {channels}, 1]")));
                    }
                }
                Ok(self.input(0).to_vec())
            }
            Op::Rope { .. } => match self.input(0) {
                [.., width] if self.input(0).len() == 4 && width % 2 == 0 => Ok(self.input(0).to_vec()),
                other => Err(self.fault(format!("rotary embedding wants [B, S, heads, even], found {other:?}"))),
            },
            Op::Attention { .. } => self.attention(),
            Op::Add | Op::Mul => {
                let (a, b) = (self.input(0), self.input(1));
                broadcast(a, b).ok_or_else(|| self.fault(format!("{a:?} and {b:?} do not broadcast")))
            }
            Op::AddScalar(_) | Op::Silu => Ok(self.input(0).to_vec()),
            Op::Sinusoid { half, .. } => match self.input(0) {
                [batch] => Ok(vec![*batch, 2 * half]),
                other => Err(self.fault(format!("sinusoid wants [B], found {other:?}"))),
            },
            _ => self.rearranged(),
        }
    }

    /// Operations that move numbers and compute nothing.
    fn rearranged(&self) -> Result<Vec<usize>, LowerError> {
        let mut shape = self.input(0).to_vec();
        match self.node.op {
            Op::Concat { axis } => {
                self.axis(axis)?;
                for part in 1..self.node.inputs.len() {
                    let other = self.input(part);
                    let fits = other.len() == shape.len()
                        && other.iter().zip(&shape).enumerate().all(|(it, (a, b))| it == axis || a == b);
                    if !fits {
                        return Err(self.fault(format!("{other:?} cannot be joined to {shape:?} along axis {axis}")));
                    }
                    shape[axis] += other[axis];
                }
            }
            Op::Slice { axis, start, len } => {
                if start + len > self.axis(axis)? {
                    let end = start + len;
                    return Err(self.fault(format!("slice {start}..{end} is past axis {axis} of {shape:?}")));
                }
                shape[axis] = len;
            }
            Op::SplitAxis { axis, inner } => {
                let size = self.axis(axis)?;
                if inner == 0 || size % inner != 0 {
                    return Err(self.fault(format!("axis {axis} of {shape:?} is not a multiple of {inner}")));
                }
                shape[axis] = size / inner;
                shape.insert(axis + 1, inner);
            }
            Op::MergeAxes { axis } => {
                self.axis(axis)?;
                self.axis(axis + 1)?;
                let inner = shape.remove(axis + 1);
                shape[axis] *= inner;
            }
            Op::Expand { axis, size } => {
                if self.axis(axis)? != 1 {
                    return Err(self.fault(format!("axis {axis} of {shape:?} is not 1 and cannot be expanded")));
                }
                shape[axis] = size;
            }
            Op::ExpandBatchLike => {
                if self.axis(0)? != 1 || self.input(1).is_empty() {
                    let like = self.input(1);
                    return Err(self.fault(format!("batch of {shape:?} is not 1, cannot become that of {like:?}")));
                }
                shape[0] = self.input(1)[0];
            }
            Op::PadEnd { axis, multiple } => {
                if multiple == 0 {
                    return Err(self.fault("padding to a multiple of 0"));
                }
                shape[axis] = self.axis(axis)?.next_multiple_of(multiple);
            }
            Op::CropLike { axis } => {
                let like = self.input(1);
                let size = *like.get(axis).ok_or_else(|| self.fault(format!("{like:?} has no axis {axis}")))?;
                if self.axis(axis)? < size {
                    return Err(self.fault(format!("axis {axis} of {shape:?} is shorter than that of {like:?}")));
                }
                shape[axis] = size;
            }
            ref other => unreachable!("{other:?} is handled by its own rule"),
        }
        Ok(shape)
    }

    fn linear(&self, weight: &Weight, bias: Option<&Weight>) -> Result<Vec<usize>, LowerError> {
        let [outputs, inputs] = self.weight_axes(weight, "[N, K]")?;
        if self.last()? != inputs {
            let (name, found) = (label(weight), self.input(0));
            return Err(self.fault(format!("`{name}` takes {inputs} channels, found {found:?}")));
        }
        self.bias(bias, outputs)?;
        let mut shape = self.input(0).to_vec();
        *shape.last_mut().expect("it has a last axis, asked above") = outputs;
        Ok(shape)
    }

    fn conv(
        &self,
        weight: &Weight,
        bias: Option<&Weight>,
        stride: usize,
        padding: usize,
        dilation: usize,
    ) -> Result<Vec<usize>, LowerError> {
        let [outputs, inputs, kernel] = self.weight_axes(weight, "[O, I, K]")?;
        let [batch, frames] = self.frames_of(weight, inputs)?;
        self.bias(bias, outputs)?;
        if stride == 0 || dilation == 0 {
            return Err(self.fault("stride and dilation are at least 1"));
        }
        let out = conv_frames(frames, kernel, stride, padding, dilation);
        let out = out.ok_or_else(|| self.fault(format!("{frames} frames are shorter than `{}`", label(weight))))?;
        Ok(vec![batch, out, outputs])
    }

    fn conv_transpose(
        &self,
        weight: &Weight,
        bias: Option<&Weight>,
        stride: usize,
        padding: usize,
    ) -> Result<Vec<usize>, LowerError> {
        let [inputs, outputs, kernel] = self.weight_axes(weight, "[I, O, K]")?;
        let [batch, frames] = self.frames_of(weight, inputs)?;
        self.bias(bias, outputs)?;
        let full = frames.checked_sub(1).map(|it| it * stride + kernel);
        let out = full.and_then(|it| it.checked_sub(2 * padding)).filter(|_| stride > 0);
        let out = out.ok_or_else(|| self.fault(format!("{frames} frames give nothing through `{}`", label(weight))))?;
        Ok(vec![batch, out, outputs])
    }

    fn attention(&self) -> Result<Vec<usize>, LowerError> {
        let (q, k, v) = (self.input(0), self.input(1), self.input(2));
        let fault = || self.fault(format!("attention wants q [B, S, h, d], k and v [B, L, g, d]: {q:?}, {k:?}, {v:?}"));
        let (&[batch, _, heads, width], &[key_batch, keys, groups, key_width]) = (q, k) else { return Err(fault()) };
        if k != v || batch != key_batch || width != key_width || groups == 0 || heads % groups != 0 {
            return Err(fault());
        }
        if self.node.inputs.len() == 4 && self.input(3) != [batch, keys] {
            let mask = self.input(3);
            return Err(self.fault(format!("key mask is {mask:?}, expected [{batch}, {keys}]")));
        }
        Ok(q.to_vec())
    }

    fn check_inputs(&self) -> Result<(), LowerError> {
        let (least, most) = match self.node.op {
            Op::Input { .. } | Op::IdsInput { .. } | Op::Constant(_) => (0, 0),
            Op::Attention { .. } => (3, 4),
            Op::Add | Op::Mul | Op::ExpandBatchLike | Op::CropLike { .. } => (2, 2),
            Op::Concat { .. } => (1, usize::MAX),
            _ => (1, 1),
        };
        let count = self.node.inputs.len();
        if count < least || most < count {
            return Err(self.fault(format!("{count} inputs, expected {least}")));
        }
        for (place, input) in self.node.inputs.iter().enumerate() {
            let given = self.graph.nodes.get(input.index()).filter(|_| input.index() < self.index);
            let given = given.ok_or_else(|| self.fault(format!("input {place} does not stand before it")))?;
            let ids = matches!(given.op, Op::IdsInput { .. });
            if ids != matches!(self.node.op, Op::Embedding { .. }) {
                return Err(self.fault("token ids go into an embedding and nothing else does"));
            }
        }
        Ok(())
    }

    fn input(&self, place: usize) -> &[usize] {
        &self.shapes[self.node.inputs[place].index()]
    }

    fn axis(&self, axis: usize) -> Result<usize, LowerError> {
        let shape = self.input(0);
        shape.get(axis).copied().ok_or_else(|| self.fault(format!("{shape:?} has no axis {axis}")))
    }

    fn last(&self) -> Result<usize, LowerError> {
        self.input(0).last().copied().ok_or_else(|| self.fault("a scalar has no channels"))
    }

    /// Batch and frames of an input `[B, T, channels]`.
    fn frames_of(&self, weight: &Weight, channels: usize) -> Result<[usize; 2], LowerError> {
        match self.input(0) {
            &[batch, frames, found] if found == channels => Ok([batch, frames]),
            other => Err(self.fault(format!("`{}` takes [B, T, {channels}], found {other:?}", label(weight)))),
        }
    }

    fn weight_axes<const N: usize>(&self, weight: &Weight, expected: &str) -> Result<[usize; N], LowerError> {
        let found = shape_of(self.weights, weight)?;
        <[usize; N]>::try_from(found).map_err(|found| misshapen(weight, found, expected))
    }

    fn bias(&self, bias: Option<&Weight>, outputs: usize) -> Result<(), LowerError> {
        bias.map_or(Ok(()), |it| self.vector(it, outputs))
    }

    fn vector(&self, weight: &Weight, len: usize) -> Result<(), LowerError> {
        let found = shape_of(self.weights, weight)?;
        if found == [len] { Ok(()) } else { Err(misshapen(weight, found, format!("[{len}]"))) }
    }

    fn fault(&self, what: impl Into<String>) -> LowerError {
        LowerError::Shape { node: self.index, what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::InMemory;
    use super::super::{Builder, NodeId};
    use super::*;

    fn fault(weights: &InMemory, build: impl Fn(&mut Builder, NodeId) -> NodeId) -> LowerError {
        let mut b = Builder::new();
        let x = b.input("x", &[Dim::Fixed(1), Dim::Named("frames"), Dim::Fixed(4)]);
        build(&mut b, x);
        infer(&b.finish(), &Sizes::new().with("frames", 5), weights).expect_err("the graph is not sound")
    }

    #[test]
    fn a_weight_that_is_absent_or_misshapen_is_named_with_what_was_expected() {
        let absent = fault(&InMemory::new(), |b, x| b.linear(x, "l", false));
        assert_eq!(absent, LowerError::MissingWeight("l.weight".into()));
        let weights = InMemory::new().with("l.weight", &[2, 4], &[0.0; 8]).with("l.bias", &[3], &[0.0; 3]);
        let misshapen = fault(&weights, |b, x| b.linear(x, "l", true));
        assert_eq!(misshapen.to_string(), "tensor `l.bias` has shape [3], expected [2]");
    }

    #[test]
    fn a_linear_layer_of_another_width_is_refused_with_its_node_and_weight() {
        let weights = InMemory::new().with("l.weight", &[2, 3], &[0.0; 6]);
        let found = fault(&weights, |b, x| b.linear(x, "l", false));
        assert_eq!(found.to_string(), "node 1: `l.weight` takes 3 channels, found [1, 5, 4]");
    }

    #[test]
    fn a_named_axis_without_a_size_is_said_by_name() {
        let mut b = Builder::new();
        b.input("x", &[Dim::Named("frames")]);
        assert_eq!(infer(&b.finish(), &Sizes::new(), &InMemory::new()), Err(LowerError::UnknownDim("frames")));
    }

    #[test]
    fn axes_and_ranges_outside_a_tensor_are_refused() {
        let none = InMemory::new();
        assert!(fault(&none, |b, x| b.slice(x, 1, 3, 3)).to_string().contains("slice 3..6 is past axis 1"));
        assert!(fault(&none, |b, x| b.split_axis(x, 2, 3)).to_string().contains("not a multiple of 3"));
        assert!(fault(&none, |b, x| b.merge_axes(x, 2)).to_string().contains("no axis 3"));
        assert!(fault(&none, |b, x| b.expand(x, 1, 2)).to_string().contains("is not 1"));
        assert!(fault(&none, |b, x| b.attention([x, x, x], None, None, false)).to_string().contains("[B, S, h, d]"));
    }
}
