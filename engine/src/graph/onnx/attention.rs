//! Attention, as one operator or written out, and the masks that all layers share.

use super::lower::{F32, Layout, Lowering, Made};
use super::proto::AttributeProto;
use super::{Element, OnnxError};
use crate::graph::{NodeId, Precision};

/// Narrowest head for which TensorRT for RTX 1.7 has a kernel: 8 is refused, 16, 24, 32, 64, 96, 128 and 256 are not.
pub(super) const NARROWEST_HEAD: usize = 16;
/// Added to a score that is hidden. Finite, so that no softmax divides zero by zero; its exponential is zero.
const HIDDEN: f32 = -1e9;

/// What a mask is made of: the key mask that was given, queries and keys, window, order.
pub(super) type Masking = (Option<NodeId>, [usize; 2], Option<usize>, bool);

/// What hides keys, and what the result is multiplied with.
#[derive(Clone, Debug)]
pub(super) struct Hiding {
    /// Bool, `[batch or 1, 1, queries, keys]`. A query that sees no key sees all here, so that nothing is divided by zero.
    mask: Option<String>,
    /// f32, `[batch, 1, queries or 1, 1]`: 0 where a query sees nothing, else 1.
    sighted: Option<String>,
}

/// Sizes of one attention.
#[derive(Clone, Copy)]
struct Sizes {
    batch: Option<usize>,
    queries: usize,
    heads: usize,
    groups: usize,
    width: usize,
}

impl Lowering<'_> {
    pub(super) fn attention(
        &mut self,
        inputs: &[NodeId],
        window: Option<usize>,
        causal: bool,
    ) -> Result<Vec<Made>, OnnxError> {
        let (&[batch, Some(queries), Some(heads), Some(width)], &[_, Some(keys), Some(groups), _]) =
            (self.shape(inputs[0]), self.shape(inputs[1]))
        else {
            unreachable!("checked by shape inference; only the batch is dynamic")
        };
        let sizes = Sizes { batch, queries, heads, groups, width };
        let precision = self.form.precision;
        let fused = precision != Precision::F32 && NARROWEST_HEAD <= width;
        // The scale goes onto the queries in f32: TensorRT would round its root to 16 bits and multiply both sides.
        let q = self.value(inputs[0], F32, Layout::AsInGraph);
        let scale = self.pen.number((width as f64).powf(-0.5) as f32)?;
        let q = self.pen.node("Mul", &[&q, &scale], Vec::new());
        let q = if precision == Precision::F32 { q } else { self.pen.cast(&q, Element::Float(precision)) };
        let q = self.pen.transpose(&q, &[0, 2, 1, 3]);
        let k = self.value(inputs[1], Element::Float(precision), Layout::TimeLater);
        let v = self.value(inputs[2], Element::Float(precision), Layout::TimeLater);
        let hiding = self.hiding((inputs.get(3).copied(), [queries, keys], window, causal))?;
        let out =
            if fused { self.operator(&q, &k, &v, &hiding) } else { self.written_out(sizes, &q, &k, &v, &hiding)? };
        let (layout, element) = (Layout::TimeLater, Element::Float(precision));
        let Some(sighted) = hiding.sighted else { return Ok(vec![Made { layout, element, name: out }]) };
        let out = if element == F32 { out } else { self.pen.cast(&out, F32) };
        let name = self.pen.node("Mul", &[&out, &sighted], Vec::new());
        Ok(vec![Made { layout, element: F32, name }])
    }

    /// Masks, written once for all attentions that have them in common: TensorRT makes tables of them.
    fn hiding(&mut self, masking: Masking) -> Result<Hiding, OnnxError> {
        if let Some(known) = self.hidings.get(&masking) {
            return Ok(known.clone());
        }
        let (given, [queries, keys], window, causal) = masking;
        let sees = |i: usize, j: usize| window.is_none_or(|it| i.abs_diff(j) <= it) && (!causal || j <= i);
        let flags: Vec<bool> = (0..queries).flat_map(|i| (0..keys).map(move |j| sees(i, j))).collect();
        let all = flags.iter().all(|it| *it);
        let fixed = if all { None } else { Some(self.pen.flags(&[1, 1, queries, keys], &flags)?) };
        let given = given.map(|mask| self.key_flags(mask)).transpose()?;
        let made = match (given, fixed) {
            (None, mask) => Hiding { mask, sighted: None },
            (Some(given), None) => {
                let (seen, sighted) = self.never_blind(&given)?;
                // The operator's kernels want a row of flags for every query.
                let shape = self.pen.integers(&[1, 1, super::proto::signed(queries), 1])?;
                let mask = self.pen.node("Expand", &[&seen, &shape], Vec::new());
                Hiding { mask: Some(mask), sighted: Some(sighted) }
            }
            (Some(given), Some(fixed)) => {
                let both = self.pen.node("And", &[&given, &fixed], Vec::new());
                let (seen, sighted) = self.never_blind(&both)?;
                Hiding { mask: Some(seen), sighted: Some(sighted) }
            }
        };
        self.hidings.insert(masking, made.clone());
        Ok(made)
    }

    /// `[batch, keys] -> [batch, 1, 1, keys]`, bool.
    fn key_flags(&mut self, mask: NodeId) -> Result<String, OnnxError> {
        let mask = self.value(mask, F32, Layout::AsInGraph);
        let axes = self.pen.integers(&[1, 2])?;
        let apart = self.pen.node("Unsqueeze", &[&mask, &axes], Vec::new());
        Ok(self.pen.cast(&apart, Element::Bool))
    }

    /// A mask in which queries that see nothing see everything, and 0 for those queries, 1 for the others.
    fn never_blind(&mut self, mask: &str) -> Result<(String, String), OnnxError> {
        let numbers = self.pen.cast(mask, F32);
        let axes = self.pen.integers(&[3])?;
        let sighted = self.pen.node("ReduceMax", &[&numbers, &axes], vec![AttributeProto::int("keepdims", 1)]);
        let any = self.pen.cast(&sighted, Element::Bool);
        let blind = self.pen.node("Not", &[&any], Vec::new());
        Ok((self.pen.node("Or", &[mask, &blind], Vec::new()), sighted))
    }

    /// Heads before time in and out.
    fn operator(&mut self, q: &str, k: &str, v: &str, hiding: &Hiding) -> String {
        let inputs: Vec<&str> = [q, k, v].into_iter().chain(hiding.mask.as_deref()).collect();
        self.pen.node("Attention", &inputs, vec![AttributeProto::float("scale", 1.0)])
    }

    /// Two products and a softmax; queries of one key head are an axis of their own, so that keys are not repeated.
    fn written_out(&mut self, sizes: Sizes, q: &str, k: &str, v: &str, hiding: &Hiding) -> Result<String, OnnxError> {
        let Sizes { batch, queries, heads, groups, width } = sizes;
        let element = Element::Float(self.form.precision);
        let q = self.pen.reshape(q, &[batch, Some(groups), Some(heads / groups), Some(queries), Some(width)])?;
        let apart = self.pen.integers(&[2])?;
        let k = self.pen.transpose(k, &[0, 1, 3, 2]);
        let k = self.pen.node("Unsqueeze", &[&k, &apart], Vec::new());
        let v = self.pen.node("Unsqueeze", &[v, &apart], Vec::new());
        let mut scores = self.pen.node("MatMul", &[&q, &k], Vec::new());
        if element != F32 {
            scores = self.pen.cast(&scores, F32);
        }
        if let Some(mask) = &hiding.mask {
            let (nothing, hidden) = (self.pen.number(0.0)?, self.pen.number(HIDDEN)?);
            let added = self.pen.node("Where", &[mask, &nothing, &hidden], Vec::new());
            let axes = self.pen.integers(&[1])?;
            let added = self.pen.node("Unsqueeze", &[&added, &axes], Vec::new());
            scores = self.pen.node("Add", &[&scores, &added], Vec::new());
        }
        let mut shares = self.pen.node("Softmax", &[&scores], vec![AttributeProto::int("axis", -1)]);
        if element != F32 {
            shares = self.pen.cast(&shares, element);
        }
        let out = self.pen.node("MatMul", &[&shares, &v], Vec::new());
        self.pen.reshape(&out, &[batch, Some(heads), Some(queries), Some(width)])
    }
}
