//! Every operation of the graph but attention, in ONNX nodes.
//!
//! Linear layers and convolutions compute in the form's precision; what lies between them computes in f32.

use super::OnnxError;
use super::lower::{F32, Layout, Lowering, Made};
use super::proto::AttributeProto;
use super::{Batch, Element};
use crate::graph::{Node, NodeId, Op, Precision, Weight};

type Forms = Result<Vec<Made>, OnnxError>;

/// A result in the graph's layout.
pub(super) fn as_in_graph(element: Element, name: String) -> Vec<Made> {
    vec![Made { layout: Layout::AsInGraph, element, name }]
}

/// Stride, padding, dilation.
type Steps = [usize; 3];

impl Lowering<'_> {
    /// The forms in which a node's value exists after it was written.
    pub(super) fn operation(&mut self, index: usize, node: &Node) -> Forms {
        let input = |place: usize| node.inputs[place];
        match &node.op {
            Op::Input { name, .. } => Ok(as_in_graph(self.port_element(name), name.clone())),
            Op::IdsInput { name, .. } => Ok(as_in_graph(Element::I32, name.clone())),
            Op::Constant(weight) => Ok(as_in_graph(F32, self.weight(weight, Precision::F32)?)),
            Op::Linear { weight, bias } => self.linear(input(0), weight, bias.as_ref()),
            Op::Conv1d { weight, bias, stride, padding, dilation } => {
                self.convolution("Conv", input(0), (weight, bias.as_ref()), [*stride, *padding, *dilation])
            }
            Op::ConvTranspose1d { weight, bias, stride, padding } => {
                self.convolution("ConvTranspose", input(0), (weight, bias.as_ref()), [*stride, *padding, 1])
            }
            Op::Embedding { table } => {
                let (rows, precision) = (self.native(input(0)).name.clone(), self.form.precision);
                let table = self.weight(table, precision)?;
                Ok(as_in_graph(Element::Float(precision), self.pen.node("Gather", &[&table, &rows], Vec::new())))
            }
            Op::RmsNorm { gain, eps } => self.rms_norm(input(0), gain, *eps),
            Op::Rope { theta } => self.rope(input(0), *theta),
            Op::Attention { window, causal } => self.attention(&node.inputs, *window, *causal),
            Op::Add => self.sum(index, input(0), input(1)),
            Op::Mul => self.pointwise("Mul", &[input(0), input(1)]),
            Op::AddScalar(value) => {
                let layout = self.common_layout(&[input(0)]);
                let (x, value) = (self.value(input(0), F32, layout), self.pen.number(*value)?);
                Ok(vec![Made { layout, element: F32, name: self.pen.node("Add", &[&x, &value], Vec::new()) }])
            }
            Op::Silu => {
                let layout = self.common_layout(&[input(0)]);
                let x = self.value(input(0), F32, layout);
                let gate = self.pen.node("Sigmoid", &[&x], Vec::new());
                Ok(vec![Made { layout, element: F32, name: self.pen.node("Mul", &[&x, &gate], Vec::new()) }])
            }
            Op::Snake { alpha, beta } => self.snake(input(0), alpha, beta),
            Op::Sinusoid { half, scale } => self.sinusoid(input(0), *half, *scale),
            _ => self.rearranged(index, node),
        }
    }

    /// Operations that move numbers and compute nothing: they keep their input's type.
    fn rearranged(&mut self, index: usize, node: &Node) -> Forms {
        let x = node.inputs[0];
        let element = self.native(x).element;
        let (from, to) = (self.shape(x).to_vec(), self.shapes[index].clone());
        if from == to && !matches!(node.op, Op::Concat { .. }) {
            return Ok(self.all_forms(x));
        }
        let value = |it: &mut Self| it.value(x, element, Layout::AsInGraph);
        let name = match node.op {
            Op::Concat { axis } => return self.concat(&node.inputs, axis),
            Op::Slice { axis, start, len } => {
                let x = value(self);
                self.pen.slice(&x, axis, start..start + len)?
            }
            Op::CropLike { axis } => {
                let x = value(self);
                self.pen.slice(&x, axis, 0..to[axis].ok_or(OnnxError::BatchEverywhere { node: index })?)?
            }
            Op::SplitAxis { .. } | Op::MergeAxes { .. } => {
                let x = value(self);
                self.pen.reshape(&x, &to)?
            }
            Op::Expand { axis, size } => {
                let mut shape = vec![1; to.len()];
                shape[axis] = super::proto::signed(size);
                let (x, shape) = (value(self), self.pen.integers(&shape)?);
                self.pen.node("Expand", &[&x, &shape], Vec::new())
            }
            Op::ExpandBatchLike => {
                let x = value(self);
                let shape = self.batch_of(node.inputs[1], to.len())?;
                self.pen.node("Expand", &[&x, &shape], Vec::new())
            }
            Op::PadEnd { axis, .. } => {
                let (Some(before), Some(after)) = (from[axis], to[axis]) else {
                    return Err(OnnxError::BatchEverywhere { node: index });
                };
                let mut pads = vec![0; 2 * to.len()];
                pads[to.len() + axis] = super::proto::signed(after - before);
                let (x, pads) = (value(self), self.pen.integers(&pads)?);
                self.pen.node("Pad", &[&x, &pads], Vec::new())
            }
            ref other => unreachable!("{other:?} is handled by its own rule"),
        };
        Ok(as_in_graph(element, name))
    }

    /// A shape `[batch of like, 1, 1, ..]` of `rank` axes, as a value.
    fn batch_of(&mut self, like: NodeId, rank: usize) -> Result<String, OnnxError> {
        if let (Batch::Fixed(_), Some(&Some(rows))) = (self.form.batch, self.shape(like).first()) {
            let mut shape = vec![1; rank];
            shape[0] = super::proto::signed(rows);
            return self.pen.integers(&shape);
        }
        let like = self.native(like).name.clone();
        let attributes = vec![AttributeProto::int("start", 0), AttributeProto::int("end", 1)];
        let batch = self.pen.node("Shape", &[&like], attributes);
        let ones = self.pen.integers(&vec![1; rank - 1])?;
        Ok(self.pen.node("Concat", &[&batch, &ones], vec![AttributeProto::int("axis", 0)]))
    }

    fn concat(&mut self, parts: &[NodeId], axis: usize) -> Forms {
        let first = self.native(parts[0]).element;
        let element = if parts.iter().all(|&it| self.native(it).element == first) { first } else { F32 };
        let names: Vec<String> = parts.iter().map(|&it| self.value(it, element, Layout::AsInGraph)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let axis = AttributeProto::int("axis", super::proto::signed(axis));
        Ok(as_in_graph(element, self.pen.node("Concat", &names, vec![axis])))
    }

    /// Time later when all inputs are there already in that layout.
    fn common_layout(&self, inputs: &[NodeId]) -> Layout {
        let all = inputs.iter().all(|&it| self.is_there_as(it, Layout::TimeLater));
        if all { Layout::TimeLater } else { Layout::AsInGraph }
    }

    fn pointwise(&mut self, op: &str, inputs: &[NodeId]) -> Forms {
        let layout = self.common_layout(inputs);
        let names: Vec<String> = inputs.iter().map(|&it| self.value(it, F32, layout)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(vec![Made { layout, element: F32, name: self.pen.node(op, &names, Vec::new()) }])
    }

    /// A sum of two values of one shape, of which one is narrow, is the residual stream and stored as the form says.
    fn sum(&mut self, index: usize, a: NodeId, b: NodeId) -> Forms {
        let mut forms = self.pointwise("Add", &[a, b])?;
        let whole = |it: NodeId| self.shape(it) == self.shapes[index];
        let residual = whole(a) && whole(b) && (self.native(a).element != F32 || self.native(b).element != F32);
        let stored = Element::Float(self.form.residual);
        if residual && stored != F32 {
            let name = self.pen.cast(&forms[0].name, stored);
            forms[0] = Made { element: stored, name, layout: forms[0].layout };
        }
        Ok(forms)
    }

    fn linear(&mut self, x: NodeId, weight: &Weight, bias: Option<&Weight>) -> Forms {
        let precision = self.precision_at(weight);
        let element = Element::Float(precision);
        let x = self.value(x, element, Layout::AsInGraph);
        let weight = self.weight(weight, precision)?;
        // On a constant: folded by whoever reads the file.
        let turned = self.pen.transpose(&weight, &[1, 0]);
        let mut name = self.pen.node("MatMul", &[&x, &turned], Vec::new());
        if let Some(bias) = bias {
            let bias = self.weight(bias, precision)?;
            name = self.pen.node("Add", &[&name, &bias], Vec::new());
        }
        Ok(as_in_graph(element, name))
    }

    fn convolution(
        &mut self,
        op: &str,
        x: NodeId,
        (weight, bias): (&Weight, Option<&Weight>),
        [stride, padding, dilation]: Steps,
    ) -> Forms {
        let precision = match self.precision_at(weight) {
            // TensorRT for RTX 1.7 knows no transposed convolution of bf16.
            Precision::Bf16 if op == "ConvTranspose" => Precision::F32,
            other => other,
        };
        let element = Element::Float(precision);
        let x = self.value(x, element, Layout::TimeLater);
        let taps = self.weight_shape(weight)?[2];
        let mut inputs = vec![x, self.weight(weight, precision)?];
        if let Some(bias) = bias {
            inputs.push(self.weight(bias, precision)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let attributes = vec![
            AttributeProto::ints("kernel_shape", &[taps]),
            AttributeProto::ints("strides", &[stride]),
            AttributeProto::ints("pads", &[padding, padding]),
            AttributeProto::ints("dilations", &[dilation]),
        ];
        Ok(vec![Made { layout: Layout::TimeLater, element, name: self.pen.node(op, &inputs, attributes) }])
    }

    fn rms_norm(&mut self, x: NodeId, gain: &Weight, eps: f32) -> Forms {
        let last = self.shape(x).len() - 1;
        let x = self.value(x, F32, Layout::AsInGraph);
        let squares = self.pen.node("Mul", &[&x, &x], Vec::new());
        let axes = self.pen.integers(&[super::proto::signed(last)])?;
        let mean = self.pen.node("ReduceMean", &[&squares, &axes], vec![AttributeProto::int("keepdims", 1)]);
        let eps = self.pen.number(eps)?;
        let raised = self.pen.node("Add", &[&mean, &eps], Vec::new());
        let root = self.pen.node("Sqrt", &[&raised], Vec::new());
        let normed = self.pen.node("Div", &[&x, &root], Vec::new());
        let gain = self.weight(gain, Precision::F32)?;
        Ok(as_in_graph(F32, self.pen.node("Mul", &[&normed, &gain], Vec::new())))
    }

    /// `x cos + swapped sin`, the minus of the first half being in the table.
    fn rope(&mut self, x: NodeId, theta: f32) -> Forms {
        let &[_, Some(positions), _, Some(width)] = self.shape(x) else { unreachable!("checked by shape inference") };
        let half = width / 2;
        let angle = |at: usize, i: usize| at as f64 * f64::from(theta).powf(-2.0 * (i % half) as f64 / width as f64);
        let table = |value: &dyn Fn(f64, usize) -> f64| -> Vec<f32> {
            let row = |at: usize| (0..width).map(move |i| value(angle(at, i), i) as f32);
            (0..positions).flat_map(row).collect()
        };
        let cos = self.pen.numbers(&[positions, 1, width], &table(&|angle, _| angle.cos()))?;
        let sign = |i: usize| if i < half { -1.0 } else { 1.0 };
        let sin = self.pen.numbers(&[positions, 1, width], &table(&|angle, i| sign(i) * angle.sin()))?;
        let x = self.value(x, F32, Layout::AsInGraph);
        let (first, second) = (self.pen.slice(&x, 3, 0..half)?, self.pen.slice(&x, 3, half..width)?);
        let swapped = self.pen.node("Concat", &[&second, &first], vec![AttributeProto::int("axis", 3)]);
        let along = self.pen.node("Mul", &[&x, &cos], Vec::new());
        let across = self.pen.node("Mul", &[&swapped, &sin], Vec::new());
        Ok(as_in_graph(F32, self.pen.node("Add", &[&along, &across], Vec::new())))
    }

    fn snake(&mut self, x: NodeId, alpha: &Weight, beta: &Weight) -> Forms {
        let layout = self.common_layout(&[x]);
        let x = self.value(x, F32, layout);
        let parameter = |it: &mut Self, weight: &Weight| -> Result<String, OnnxError> {
            let stored = it.weight(weight, Precision::F32)?;
            let exp = it.pen.node("Exp", &[&stored], Vec::new());
            let along = layout == Layout::TimeLater;
            Ok(if along { exp } else { it.pen.transpose(&exp, &[0, 2, 1]) })
        };
        let (alpha, beta) = (parameter(self, alpha)?, parameter(self, beta)?);
        let least = self.pen.number(1e-9)?;
        let beta = self.pen.node("Add", &[&beta, &least], Vec::new());
        let phase = self.pen.node("Mul", &[&x, &alpha], Vec::new());
        let sine = self.pen.node("Sin", &[&phase], Vec::new());
        let square = self.pen.node("Mul", &[&sine, &sine], Vec::new());
        let wave = self.pen.node("Div", &[&square, &beta], Vec::new());
        Ok(vec![Made { layout, element: F32, name: self.pen.node("Add", &[&x, &wave], Vec::new()) }])
    }

    /// Whole turns are taken off before the cosine: angles go up to 1000 radians, where a GPU's is rough.
    fn sinusoid(&mut self, t: NodeId, half: usize, scale: f32) -> Forms {
        let turns = |i: usize| {
            let frequency = (-(10_000_f64.ln()) * i as f64 / half as f64).exp();
            (f64::from(scale) * frequency / std::f64::consts::TAU) as f32
        };
        let t = self.value(t, F32, Layout::AsInGraph);
        let axes = self.pen.integers(&[1])?;
        let t = self.pen.node("Unsqueeze", &[&t, &axes], Vec::new());
        let turns = self.pen.numbers(&[1, half], &(0..half).map(turns).collect::<Vec<f32>>())?;
        let angle = self.pen.node("Mul", &[&t, &turns], Vec::new());
        let whole = self.pen.node("Round", &[&angle], Vec::new());
        let rest = self.pen.node("Sub", &[&angle, &whole], Vec::new());
        let turn = self.pen.number(std::f32::consts::TAU)?;
        let angle = self.pen.node("Mul", &[&rest, &turn], Vec::new());
        let (cos, sin) = (self.pen.node("Cos", &[&angle], Vec::new()), self.pen.node("Sin", &[&angle], Vec::new()));
        let joined = self.pen.node("Concat", &[&cos, &sin], vec![AttributeProto::int("axis", 1)]);
        Ok(as_in_graph(F32, joined))
    }
}
