//! A plain interpreter of graphs: slow, obvious, the oracle that the lowerings are tested against.
//!
//! Every operation is its formula written down once, values in f32, every sum and every transcendental function in
//! f64. Nothing is fused, reordered or reused. Sizes of named axes follow from the inputs that are given.

use std::collections::BTreeMap;

use super::weights::load;
use super::{Dim, Graph, LowerError, Node, Op, Sizes, Weight, WeightSource, shape};

/// Shape and numbers, row-major.
pub type Tensor = (Vec<usize>, Vec<f32>);

/// Values for the inputs of a graph, by name.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    values: BTreeMap<String, Value>,
}

/// What a node holds.
#[derive(Clone, Debug)]
enum Value {
    Numbers(Tensor),
    Ids(Vec<usize>, Vec<u32>),
}

impl Inputs {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with numbers for an [`Op::Input`].
    #[must_use]
    pub fn with(mut self, name: &str, shape: &[usize], numbers: impl Into<Vec<f32>>) -> Self {
        self.values.insert(name.to_owned(), Value::Numbers((shape.to_vec(), numbers.into())));
        self
    }

    /// The same with token ids for an [`Op::IdsInput`].
    #[must_use]
    pub fn with_ids(mut self, name: &str, shape: &[usize], ids: impl Into<Vec<u32>>) -> Self {
        self.values.insert(name.to_owned(), Value::Ids(shape.to_vec(), ids.into()));
        self
    }

    /// Shape and numbers that were given for an [`Op::Input`].
    #[must_use]
    pub fn numbers(&self, name: &str) -> Option<(&[usize], &[f32])> {
        match self.values.get(name)? {
            Value::Numbers((shape, numbers)) => Some((shape, numbers)),
            Value::Ids(..) => None,
        }
    }

    /// Sizes of the named axes, as the given shapes say.
    ///
    /// # Errors
    /// [`LowerError::Shape`] when an input is missing, has another rank or contradicts itself or another.
    pub fn sizes(&self, graph: &Graph) -> Result<Sizes, LowerError> {
        let mut sizes = Sizes::new();
        for (node, Node { op, .. }) in graph.nodes.iter().enumerate() {
            let (Op::Input { name, dims } | Op::IdsInput { name, dims }) = op else { continue };
            let fault = |what: String| LowerError::Shape { node, what: format!("input `{name}`: {what}") };
            let (shape, count, ids) = match self.values.get(name) {
                Some(Value::Numbers((shape, numbers))) => (shape, numbers.len(), false),
                Some(Value::Ids(shape, ids)) => (shape, ids.len(), true),
                None => return Err(fault("no value given".into())),
            };
            if ids != matches!(op, Op::IdsInput { .. }) {
                return Err(fault("numbers and token ids are mixed up".into()));
            }
            if shape.len() != dims.len() || shape.iter().product::<usize>() != count {
                return Err(fault(format!("{count} numbers as {shape:?} for axes {dims:?}")));
            }
            for (&size, dim) in shape.iter().zip(dims) {
                let expected = match dim {
                    Dim::Fixed(fixed) => *fixed,
                    Dim::Named(axis) => sizes.get(axis).unwrap_or(size),
                };
                if size != expected {
                    return Err(fault(format!("{shape:?} for axes {dims:?}, where {dim:?} is {expected}")));
                }
                if let Dim::Named(axis) = dim {
                    sizes = sizes.with(axis, size);
                }
            }
        }
        Ok(sizes)
    }
}

/// Computes every output of a graph.
///
/// # Errors
/// As [`shape::infer`], and when an input is missing or has another shape than the graph says.
pub fn run(graph: &Graph, inputs: &Inputs, weights: &dyn WeightSource) -> Result<BTreeMap<String, Tensor>, LowerError> {
    let sizes = inputs.sizes(graph)?;
    let shapes = shape::infer(graph, &sizes, weights)?;
    let mut values: Vec<Value> = Vec::with_capacity(graph.nodes.len());
    for (node, shape) in graph.nodes.iter().zip(&shapes) {
        let step = Step { node, shape, values: &values, weights };
        values.push(step.value(inputs)?);
    }
    let outputs = graph.outputs.iter().map(|(name, id)| match &values[id.index()] {
        Value::Numbers(tensor) => Ok((name.clone(), tensor.clone())),
        Value::Ids(..) => {
            Err(LowerError::Shape { node: id.index(), what: format!("output `{name}` would be token ids") })
        }
    });
    outputs.collect()
}

/// One node with the values before it.
struct Step<'a> {
    node: &'a Node,
    shape: &'a [usize],
    values: &'a [Value],
    weights: &'a dyn WeightSource,
}

impl Step<'_> {
    fn value(&self, inputs: &Inputs) -> Result<Value, LowerError> {
        if let Op::Input { name, .. } | Op::IdsInput { name, .. } = &self.node.op {
            return Ok(inputs.values[name].clone());
        }
        let numbers = match &self.node.op {
            Op::Constant(weight) => self.load(weight)?,
            Op::Linear { weight, bias } => self.linear(weight, bias.as_ref())?,
            Op::Conv1d { weight, bias, stride, padding, dilation } => {
                self.conv(weight, bias.as_ref(), *stride, *padding, *dilation)?
            }
            Op::ConvTranspose1d { weight, bias, stride, padding } => {
                self.conv_transpose(weight, bias.as_ref(), *stride, *padding)?
            }
            Op::Embedding { table } => self.embedding(&self.load(table)?),
            Op::RmsNorm { gain, eps } => self.rms_norm(&self.load(gain)?, *eps),
            Op::Rope { theta } => self.rope(*theta),
            Op::Attention { window, causal } => self.attention(*window, *causal),
            Op::Add => self.broadcast(|a, b| a + b),
            Op::Mul => self.broadcast(|a, b| a * b),
            Op::AddScalar(value) => self.map(|x| x + value),
            Op::Silu => self.map(|x| (f64::from(x) / (1.0 + (-f64::from(x)).exp())) as f32),
            Op::Snake { alpha, beta } => self.snake(&self.load(alpha)?, &self.load(beta)?),
            Op::Sinusoid { half, scale } => self.sinusoid(*half, *scale),
            Op::SplitAxis { .. } | Op::MergeAxes { .. } => self.numbers(0).to_vec(),
            Op::Concat { axis } => self.concat(*axis),
            Op::Slice { axis, start, .. } => self.gather(|at| at[*axis] += start),
            Op::CropLike { .. } => self.gather(|_| ()),
            Op::Expand { axis, .. } => self.gather(|at| at[*axis] = 0),
            Op::ExpandBatchLike => self.gather(|at| at[0] = 0),
            Op::PadEnd { .. } => self.gather(|_| ()),
            Op::Input { .. } | Op::IdsInput { .. } => unreachable!("answered above"),
        };
        Ok(Value::Numbers((self.shape.to_vec(), numbers)))
    }

    fn input(&self, place: usize) -> (&[usize], &[f32]) {
        match &self.values[self.node.inputs[place].index()] {
            Value::Numbers((shape, numbers)) => (shape, numbers),
            Value::Ids(..) => unreachable!("shape inference lets ids into embeddings only"),
        }
    }

    fn numbers(&self, place: usize) -> &[f32] {
        self.input(place).1
    }

    fn load(&self, weight: &Weight) -> Result<Vec<f32>, LowerError> {
        Ok(load(self.weights, weight)?.1)
    }

    fn bias(&self, bias: Option<&Weight>, len: usize) -> Result<Vec<f64>, LowerError> {
        let numbers = bias.map_or(Ok(vec![0.0; len]), |it| self.load(it))?;
        Ok(numbers.into_iter().map(f64::from).collect())
    }

    fn map(&self, function: impl Fn(f32) -> f32) -> Vec<f32> {
        self.numbers(0).iter().map(|&x| function(x)).collect()
    }

    fn linear(&self, weight: &Weight, bias: Option<&Weight>) -> Result<Vec<f32>, LowerError> {
        let outputs = *self.shape.last().expect("checked by shape inference");
        let (weight, bias) = (self.load(weight)?, self.bias(bias, outputs)?);
        let inputs = weight.len() / outputs.max(1);
        let mut out = Vec::with_capacity(self.shape.iter().product());
        for x in self.numbers(0).chunks_exact(inputs.max(1)) {
            let row = weight.chunks_exact(inputs.max(1)).zip(&bias).map(|(w, bias)| (bias + dot(x, w)) as f32);
            out.extend(row);
        }
        Ok(out)
    }

    fn conv(
        &self,
        weight: &Weight,
        bias: Option<&Weight>,
        stride: usize,
        padding: usize,
        dilation: usize,
    ) -> Result<Vec<f32>, LowerError> {
        let (weight_shape, weight) = load(self.weights, weight)?;
        let (channels, kernel) = (weight_shape[1], weight_shape[2]);
        let (shape, x) = self.input(0);
        let (batch, frames, outputs) = (shape[0], shape[1], self.shape[2]);
        let bias = self.bias(bias, outputs)?;
        let mut out = Vec::with_capacity(self.shape.iter().product());
        for (row, t, o) in each([batch, self.shape[1], outputs]) {
            let mut sum = bias[o];
            for tap in 0..kernel {
                let Some(from) = (t * stride + tap * dilation).checked_sub(padding).filter(|it| *it < frames) else {
                    continue;
                };
                for i in 0..channels {
                    let w = weight[(o * channels + i) * kernel + tap];
                    sum += f64::from(w) * f64::from(x[(row * frames + from) * channels + i]);
                }
            }
            out.push(sum as f32);
        }
        Ok(out)
    }

    fn conv_transpose(
        &self,
        weight: &Weight,
        bias: Option<&Weight>,
        stride: usize,
        padding: usize,
    ) -> Result<Vec<f32>, LowerError> {
        let (weight_shape, weight) = load(self.weights, weight)?;
        let (channels, kernel) = (weight_shape[0], weight_shape[2]);
        let (shape, x) = self.input(0);
        let (batch, frames, outputs) = (shape[0], shape[1], self.shape[2]);
        let bias = self.bias(bias, outputs)?;
        let mut out = Vec::with_capacity(self.shape.iter().product());
        for (row, t, o) in each([batch, self.shape[1], outputs]) {
            let mut sum = bias[o];
            for tap in 0..kernel {
                // Input frame `from` lands on output frame `from * stride + tap - padding`.
                let Some(from) = (t + padding).checked_sub(tap).filter(|it| it % stride == 0 && it / stride < frames)
                else {
                    continue;
                };
                for i in 0..channels {
                    let w = weight[(i * outputs + o) * kernel + tap];
                    sum += f64::from(w) * f64::from(x[(row * frames + from / stride) * channels + i]);
                }
            }
            out.push(sum as f32);
        }
        Ok(out)
    }

    /// An id past the table gives zeros: ids come from a tokenizer, not from the model.
    fn embedding(&self, table: &[f32]) -> Vec<f32> {
        let Value::Ids(_, ids) = &self.values[self.node.inputs[0].index()] else {
            unreachable!("shape inference lets only ids into embeddings");
        };
        let width = *self.shape.last().expect("checked by shape inference");
        let row =
            |&id: &u32| table.chunks_exact(width.max(1)).nth(id as usize).map_or(vec![0.0; width], <[f32]>::to_vec);
        ids.iter().flat_map(row).collect()
    }

    fn rms_norm(&self, gain: &[f32], eps: f32) -> Vec<f32> {
        let rows = self.numbers(0).chunks_exact(gain.len().max(1));
        let norm = |row: &[f32]| {
            let scale = 1.0 / (dot(row, row) / gain.len() as f64 + f64::from(eps)).sqrt();
            row.iter().zip(gain).map(|(x, g)| (f64::from(*x) * scale * f64::from(*g)) as f32).collect::<Vec<_>>()
        };
        rows.flat_map(norm).collect()
    }

    fn rope(&self, theta: f32) -> Vec<f32> {
        let (shape, x) = self.input(0);
        let (frames, heads, width) = (shape[1], shape[2], shape[3]);
        let half = width / 2;
        let mut out = x.to_vec();
        for (at, head) in out.chunks_exact_mut(width.max(1)).enumerate() {
            let position = (at / heads % frames) as f64;
            for i in 0..half {
                let angle = position * f64::from(theta).powf(-2.0 * i as f64 / width as f64);
                let (sin, cos) = angle.sin_cos();
                let (a, b) = (f64::from(head[i]), f64::from(head[half + i]));
                head[i] = (a * cos - b * sin) as f32;
                head[half + i] = (b * cos + a * sin) as f32;
            }
        }
        out
    }

    fn attention(&self, window: Option<usize>, causal: bool) -> Vec<f32> {
        let ((shape, q), (key_shape, k), v) = (self.input(0), self.input(1), self.numbers(2));
        let mask = self.node.inputs.get(3).map(|_| self.numbers(3));
        let (queries, heads, width) = (shape[1], shape[2], shape[3]);
        let (keys, groups) = (key_shape[1], key_shape[2]);
        let mut out = Vec::with_capacity(q.len());
        for (row, i, head) in each([shape[0], queries, heads]) {
            let query = &q[((row * queries + i) * heads + head) * width..][..width];
            let of_key = |j: usize| ((row * keys + j) * groups + head / (heads / groups)) * width;
            let seen: Vec<usize> = (0..keys)
                .filter(|&j| mask.is_none_or(|it| it[row * keys + j] != 0.0))
                .filter(|&j| window.is_none_or(|it| i.abs_diff(j) <= it) && (!causal || j <= i))
                .collect();
            let scale = (width as f64).powf(-0.5);
            let scores: Vec<f64> = seen.iter().map(|&j| scale * dot(query, &k[of_key(j)..][..width])).collect();
            let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = scores.iter().map(|it| (it - highest).exp()).collect();
            let total: f64 = weights.iter().sum();
            out.extend((0..width).map(|c| {
                let sum: f64 = seen.iter().zip(&weights).map(|(&j, w)| w * f64::from(v[of_key(j) + c])).sum();
                if seen.is_empty() { 0.0 } else { (sum / total) as f32 }
            }));
        }
        out
    }

    fn snake(&self, alpha: &[f32], beta: &[f32]) -> Vec<f32> {
        let channels = alpha.len().max(1);
        let value = |(at, &x): (usize, &f32)| {
            let (alpha, beta) = (f64::from(alpha[at % channels]).exp(), f64::from(beta[at % channels]).exp());
            (f64::from(x) + (alpha * f64::from(x)).sin().powi(2) / (beta + 1e-9)) as f32
        };
        self.numbers(0).iter().enumerate().map(value).collect()
    }

    fn sinusoid(&self, half: usize, scale: f32) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.shape.iter().product());
        for &t in self.numbers(0) {
            let angle = |i: usize| {
                let frequency = (-(10_000_f64.ln()) * i as f64 / half as f64).exp();
                f64::from(scale) * f64::from(t) * frequency
            };
            out.extend((0..half).map(|i| angle(i).cos() as f32));
            out.extend((0..half).map(|i| angle(i).sin() as f32));
        }
        out
    }

    fn broadcast(&self, function: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        let ((a_shape, a), (b_shape, b)) = (self.input(0), self.input(1));
        let value = |at: Vec<usize>| {
            let pick = |shape: &[usize], numbers: &[f32]| {
                let at = &at[at.len() - shape.len()..];
                numbers[shape.iter().zip(at).fold(0, |sum, (&size, &it)| sum * size + if size == 1 { 0 } else { it })]
            };
            function(pick(a_shape, a), pick(b_shape, b))
        };
        indices(self.shape).map(value).collect()
    }

    fn concat(&self, axis: usize) -> Vec<f32> {
        let value = |mut at: Vec<usize>| {
            let mut part = 0;
            while at[axis] >= self.input(part).0[axis] {
                at[axis] -= self.input(part).0[axis];
                part += 1;
            }
            let (shape, numbers) = self.input(part);
            numbers[flat(shape, &at)]
        };
        indices(self.shape).map(value).collect()
    }

    /// Every output from the input at its own place, moved; places past the input are zero.
    fn gather(&self, move_to: impl Fn(&mut [usize])) -> Vec<f32> {
        let (shape, numbers) = self.input(0);
        let value = |mut at: Vec<usize>| {
            move_to(&mut at);
            let inside = at.iter().zip(shape).all(|(it, size)| it < size);
            if inside { numbers[flat(shape, &at)] } else { 0.0 }
        };
        indices(self.shape).map(value).collect()
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

fn flat(shape: &[usize], at: &[usize]) -> usize {
    shape.iter().zip(at).fold(0, |sum, (size, it)| sum * size + it)
}

fn each([rows, frames, channels]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..rows * frames * channels).map(move |it| (it / channels / frames, it / channels % frames, it % channels))
}

/// Every place of a shape in row-major order.
fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    (0..shape.iter().product::<usize>()).map(move |mut rest| {
        let mut at = vec![0; shape.len()];
        for (it, size) in at.iter_mut().zip(shape).rev() {
            *it = rest % size;
            rest /= size;
        }
        at
    })
}

#[cfg(test)]
mod tests {
    use super::super::weights::InMemory;
    use super::super::{Builder, NodeId, Precision};
    use super::*;

    /// The only output of a graph over one input `x`.
    fn one(
        weights: &InMemory,
        (shape, x): (&[usize], &[f32]),
        build: impl Fn(&mut Builder, NodeId) -> NodeId,
    ) -> Tensor {
        let mut b = Builder::new();
        let dims: Vec<Dim> = shape.iter().map(|&size| Dim::Fixed(size)).collect();
        let input = b.input("x", &dims);
        let y = build(&mut b, input);
        b.output("y", y);
        let mut outputs = run(&b.finish(), &Inputs::new().with("x", shape, x), weights).expect("the graph is sound");
        outputs.remove("y").expect("it has one output")
    }

    fn conv(stride: usize, padding: usize, dilation: usize) -> Op {
        Op::Conv1d { weight: Weight::plain("w"), bias: None, stride, padding, dilation }
    }

    #[test]
    fn a_linear_layer_multiplies_by_rows_of_its_weight() {
        let weights = InMemory::new().with("l.weight", &[2, 3], &[1.0, 2.0, 3.0, 0.0, -1.0, 1.0]).with(
            "l.bias",
            &[2],
            &[10.0, 0.0],
        );
        let y = one(&weights, (&[2, 3], &[1.0, 1.0, 1.0, 0.0, 1.0, 2.0]), |b, x| b.linear(x, "l", true));
        assert_eq!(y, (vec![2, 2], vec![16.0, 0.0, 18.0, 1.0]));
    }

    #[test]
    fn half_precision_weights_are_widened_exactly() {
        for precision in [Precision::F16, Precision::Bf16] {
            let weights = InMemory::new().stored_as(precision, "l.weight", &[1, 1], &[0.3]);
            let rounded = weights.tensor("l.weight").expect("stored above").at(0);
            let y = one(&weights, (&[1], &[1.0]), |b, x| b.linear(x, "l", false));
            assert!(y.1[0] == rounded && rounded != 0.3 && (rounded - 0.3).abs() < 1e-2, "{precision:?}: {y:?}");
        }
    }

    #[test]
    fn a_convolution_reads_zeros_past_the_ends_and_steps_by_dilation_and_stride() {
        let weights = InMemory::new().with("w", &[1, 1, 3], &[1.0, 10.0, 100.0]);
        let x = (&[1, 5, 1][..], &[1.0, 2.0, 3.0, 4.0, 5.0][..]);
        let y = one(&weights, x, |b, x| b.node(conv(1, 1, 1), &[x]));
        assert_eq!(y, (vec![1, 5, 1], vec![210.0, 321.0, 432.0, 543.0, 54.0]));
        let y = one(&weights, x, |b, x| b.node(conv(2, 2, 2), &[x]));
        assert_eq!(y, (vec![1, 3, 1], vec![310.0, 531.0, 53.0]));
    }

    #[test]
    fn a_transposed_convolution_lays_overlapping_kernels_and_crops_both_ends() {
        let weights = InMemory::new().with("w", &[1, 1, 3], &[1.0, 10.0, 100.0]);
        let op = |padding| Op::ConvTranspose1d { weight: Weight::plain("w"), bias: None, stride: 2, padding };
        let y = one(&weights, (&[1, 2, 1], &[1.0, 2.0]), |b, x| b.node(op(0), &[x]));
        assert_eq!(y, (vec![1, 5, 1], vec![1.0, 10.0, 102.0, 20.0, 200.0]));
        let y = one(&weights, (&[1, 2, 1], &[1.0, 2.0]), |b, x| b.node(op(1), &[x]));
        assert_eq!(y, (vec![1, 3, 1], vec![10.0, 102.0, 20.0]));
    }

    #[test]
    fn weight_norm_scales_every_first_axis_row_to_its_gain() {
        let weights = InMemory::new().with("w.weight_v", &[2, 1, 2], &[3.0, 4.0, 0.0, 2.0]).with(
            "w.weight_g",
            &[2, 1, 1],
            &[5.0, 1.0],
        );
        let op = Op::Conv1d { weight: Weight::normed("w"), bias: None, stride: 1, padding: 0, dilation: 1 };
        let y = one(&weights, (&[1, 2, 1], &[1.0, 10.0]), |b, x| b.node(op.clone(), &[x]));
        assert_eq!(y, (vec![1, 1, 2], vec![43.0, 10.0]));
    }

    #[test]
    fn attention_hides_masked_and_distant_keys_and_gives_zeros_without_any() {
        let mut b = Builder::new();
        let shape = [Dim::Fixed(1), Dim::Fixed(3), Dim::Fixed(1), Dim::Fixed(1)];
        let (q, v) = (b.input("q", &shape), b.input("v", &shape));
        let mask = b.input("mask", &shape[..2]);
        let plain = b.attention([q, q, v], Some(mask), None, false);
        let near = b.attention([q, q, v], Some(mask), Some(0), false);
        let causal = b.attention([q, q, v], None, None, true);
        b.output("plain", plain);
        b.output("near", near);
        b.output("causal", causal);
        let inputs = Inputs::new().with("q", &[1, 3, 1, 1], [0.0; 3]).with("v", &[1, 3, 1, 1], [1.0, 2.0, 6.0]).with(
            "mask",
            &[1, 3],
            [1.0, 0.0, 1.0],
        );
        let outputs = run(&b.finish(), &inputs, &InMemory::new()).expect("the graph is sound");
        assert_eq!(outputs["plain"].1, [3.5; 3]);
        assert_eq!(outputs["near"].1, [1.0, 0.0, 6.0]);
        assert_eq!(outputs["causal"].1, [1.0, 1.5, 3.0]);
    }

    #[test]
    fn rotary_embedding_turns_the_two_halves_of_a_head_by_its_position() {
        let x = [1.0, 2.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0];
        let y = one(&InMemory::new(), (&[1, 2, 1, 4], &x), |b, x| b.rope(x, 100.0)).1;
        let (first, second) = (1.0_f64, 0.1_f64);
        let expected = [first.cos(), 2.0 * second.cos(), first.sin(), 2.0 * second.sin()].map(|it| it as f32);
        assert_eq!(y, [&[1.0, 2.0, 0.0, 0.0][..], &expected].concat());
    }

    #[test]
    fn numbers_are_moved_to_where_the_operation_says() {
        let none = InMemory::new();
        let x: (&[usize], &[f32]) = (&[1, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(one(&none, x, |b, x| b.slice(x, 2, 1, 2)), (vec![1, 2, 2], vec![2.0, 3.0, 5.0, 6.0]));
        let joined = one(&none, x, |b, x| {
            let last = b.slice(x, 2, 2, 1);
            b.concat(&[last, x], 2)
        });
        assert_eq!(joined, (vec![1, 2, 4], vec![3.0, 1.0, 2.0, 3.0, 6.0, 4.0, 5.0, 6.0]));
        let padded = one(&none, x, |b, x| b.pad_end(x, 1, 4));
        assert_eq!((&padded.0[..], padded.1[6..].iter().sum::<f32>()), (&[1, 4, 3][..], 0.0));
        let cropped = one(&none, x, |b, x| {
            let padded = b.pad_end(x, 1, 4);
            b.crop_like(padded, 1, x)
        });
        assert_eq!(cropped, (x.0.to_vec(), x.1.to_vec()));
        let expanded = one(&none, x, |b, x| {
            let row = b.slice(x, 1, 0, 1);
            b.expand(row, 1, 2)
        });
        assert_eq!(expanded, (vec![1, 2, 3], vec![1.0, 2.0, 3.0, 1.0, 2.0, 3.0]));
    }

    #[test]
    fn a_sum_broadcasts_axes_of_size_one_and_missing_leading_axes() {
        let weights = InMemory::new().with("row", &[3], &[1.0, 2.0, 3.0]);
        let y = one(&weights, (&[2, 1], &[10.0, 20.0]), |b, x| {
            let row = b.constant("row");
            b.add(x, row)
        });
        assert_eq!(y, (vec![2, 3], vec![11.0, 12.0, 13.0, 21.0, 22.0, 23.0]));
    }

    #[test]
    fn a_missing_input_and_contradicting_sizes_are_named() {
        let mut b = Builder::new();
        let x = b.input("x", &[Dim::Named("frames"), Dim::Named("frames")]);
        b.output("y", x);
        let graph = b.finish();
        let fault = |inputs: Inputs| run(&graph, &inputs, &InMemory::new()).expect_err("it does not fit").to_string();
        assert_eq!(fault(Inputs::new()), "node 0: input `x`: no value given");
        let crooked = fault(Inputs::new().with("x", &[1, 2], [0.0; 2]));
        assert!(crooked.contains("`x`") && crooked.contains("frames") && crooked.contains("is 1"), "{crooked}");
    }
}
