//! The walk over the graph: which value exists in which layout and type, which weight under which name.
//!
//! Operations ask for their inputs as they want them ([`Lowering::value`]) and say in which form their result is; casts and
//! transposes are made on demand, once for all readers.

use std::collections::HashMap;
use std::io::Write;

use prost::Message;

use super::attention::{Hiding, Masking};
use super::data::Blob;
use super::pen::Pen;
use super::proto::{
    DimensionProto, GraphProto, ModelProto, OperatorSetIdProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto, signed,
};
use super::{BATCH, Batch, Element, Form, IR_VERSION, OPSET, OnnxError, Port, Stored, Written};
use crate::graph::weights::{label, shape_of};
use crate::graph::{Graph, Node, NodeId, Op, Precision, Sizes, Weight, WeightSource, shape};

/// A 32-bit value between operations.
pub(super) const F32: Element = Element::Float(Precision::F32);

/// The shape of every node; `None` is an axis that follows the batch.
type Shapes = Vec<Vec<Option<usize>>>;

/// Order of axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `[batch, time, ..]`.
    AsInGraph,
    /// Axes 1 and 2 exchanged: `[batch, channels, time]` for convolutions, `[batch, heads, time, width]` for attention.
    /// Values of other ranks have no such form.
    TimeLater,
}

/// A value as it exists in the file.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) layout: Layout,
    pub(super) element: Element,
    pub(super) name: String,
}

/// The state of the walk.
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a Graph,
    /// Of every node; `None` is an axis that depends on the batch.
    pub(super) shapes: Shapes,
    /// Nodes with an axis that is several times the batch.
    multiples: Vec<bool>,
    pub(super) form: &'a Form,
    pub(super) pen: Pen<'a>,
    weights: &'a dyn WeightSource,
    /// The forms of every node, the one it was computed in first.
    made: Vec<Vec<Made>>,
    stored: HashMap<Weight, (String, Precision)>,
    records: Vec<Stored>,
    /// What attentions with the same masks and sizes share.
    pub(super) hidings: HashMap<Masking, Hiding>,
}

/// The whole file, and what it holds. Without a sink no large weight is read.
pub(super) fn lower<'a>(
    graph: &'a Graph,
    sizes: &Sizes,
    weights: &'a dyn WeightSource,
    form: &'a Form,
    data: Option<&'a mut (dyn Write + 'a)>,
) -> Result<(ModelProto, Written), OnnxError> {
    let (shapes, multiples) = shapes(graph, sizes, weights, form.batch)?;
    let mut lowering = Lowering {
        graph,
        shapes,
        multiples,
        form,
        pen: Pen::new(Blob::new(data, &form.data_file)),
        weights,
        made: Vec::with_capacity(graph.nodes.len()),
        stored: HashMap::new(),
        records: Vec::new(),
        hidings: HashMap::new(),
    };
    for (index, node) in graph.nodes.iter().enumerate() {
        lowering.pen.at(place(index, &node.op));
        let made = lowering.operation(index, node)?;
        lowering.made.push(made);
    }
    Ok(lowering.finish())
}

/// Shapes in which axes that follow the batch are `None`: those that differ between two batches; and the nodes in which
/// such an axis is not the batch itself.
fn shapes(
    graph: &Graph,
    sizes: &Sizes,
    weights: &dyn WeightSource,
    batch: Batch,
) -> Result<(Shapes, Vec<bool>), OnnxError> {
    let of = |batch: usize| shape::infer(graph, &sizes.clone().with(BATCH, batch), weights);
    let (a, b) = match batch {
        Batch::Fixed(rows) => (of(rows)?, of(rows)?),
        Batch::Dynamic => (of(2)?, of(3)?),
    };
    let pairs = || a.iter().zip(&b);
    let known = |(&a, &b): (&usize, &usize)| (a == b).then_some(a);
    let shapes: Shapes = pairs().map(|(a, b)| a.iter().zip(b).map(known).collect()).collect();
    let is_multiple = |(&a, &b): (&usize, &usize)| a != b && (a, b) != (2, 3);
    let multiples = pairs().map(|(a, b)| a.iter().zip(b).any(is_multiple)).collect();
    let everywhere = |it: &Vec<Option<usize>>| 1 < it.iter().filter(|size| size.is_none()).count();
    match shapes.iter().position(everywhere) {
        None => Ok((shapes, multiples)),
        Some(node) => Err(OnnxError::BatchEverywhere { node }),
    }
}

/// What a node is called in the file: after its weight, or after its operation and number.
fn place(index: usize, op: &Op) -> String {
    match op {
        Op::Constant(weight) | Op::Embedding { table: weight } | Op::Linear { weight, .. } => name_of(weight),
        Op::RmsNorm { gain: weight, .. } | Op::Snake { alpha: weight, .. } => name_of(weight),
        Op::Conv1d { weight, .. } | Op::ConvTranspose1d { weight, .. } => name_of(weight),
        other => {
            let words = format!("{other:?}");
            format!("{}.{index}", words.split([' ', '(']).next().unwrap_or_default())
        }
    }
}

/// The name of a weight in the file.
fn name_of(weight: &Weight) -> String {
    match weight {
        Weight::Plain(name) => name.clone(),
        Weight::Normed { direction, .. } => direction.strip_suffix("_v").unwrap_or(direction).to_owned(),
    }
}

impl Lowering<'_> {
    pub(super) fn shape(&self, id: NodeId) -> &[Option<usize>] {
        &self.shapes[id.index()]
    }

    /// The form in which a value was computed.
    pub(super) fn native(&self, id: NodeId) -> &Made {
        &self.made[id.index()][0]
    }

    pub(super) fn all_forms(&self, id: NodeId) -> Vec<Made> {
        self.made[id.index()].clone()
    }

    /// Whether a value exists in that layout.
    pub(super) fn is_there_as(&self, id: NodeId, layout: Layout) -> bool {
        self.made[id.index()].iter().any(|it| it.layout == layout)
    }

    /// The precision of an operation with this weight.
    pub(super) fn precision_at(&self, weight: &Weight) -> Precision {
        let island = self.form.islands.iter().any(|it| label(weight).starts_with(it.as_str()));
        if island { Precision::F32 } else { self.form.precision }
    }

    /// The name of a value in the wanted form.
    pub(super) fn value(&mut self, id: NodeId, element: Element, layout: Layout) -> String {
        let forms = &self.made[id.index()];
        let is = |it: &&Made, element, layout| it.element == element && it.layout == layout;
        if let Some(found) = forms.iter().find(|it| is(it, element, layout)) {
            return found.name.clone();
        }
        // A cast before a transpose: it narrows more often than it widens, and then halves what is moved.
        let turned = forms.iter().find(|it| it.element == element).cloned();
        let order = &[0, 2, 1, 3][..self.shape(id).len().clamp(3, 4)];
        let name = if let Some(other) = turned {
            self.pen.transpose(&other.name, order)
        } else if let Some(other) = forms.iter().find(|it| it.layout == layout) {
            let name = other.name.clone();
            self.pen.cast(&name, element)
        } else {
            let native = forms[0].clone();
            let name = self.pen.cast(&native.name, element);
            self.made[id.index()].push(Made { element, name: name.clone(), ..native });
            self.pen.transpose(&name, order)
        };
        self.made[id.index()].push(Made { layout, element, name: name.clone() });
        name
    }

    /// The name of a weight in the wanted precision. It is stored once, as its first reader wants it.
    pub(super) fn weight(&mut self, weight: &Weight, precision: Precision) -> Result<String, OnnxError> {
        if let Some((name, stored)) = self.stored.get(weight).cloned() {
            return Ok(if stored == precision { name } else { self.pen.cast(&name, Element::Float(precision)) });
        }
        let name = name_of(weight);
        let tensor = self.pen.blob.weight(&name, weight, precision, self.weights)?;
        self.pen.initializers.push(tensor);
        self.stored.insert(weight.clone(), (name.clone(), precision));
        let sources = match weight {
            Weight::Plain(name) => vec![name.clone()],
            Weight::Normed { gain, direction } => vec![gain.clone(), direction.clone()],
        };
        let shape = self.weight_shape(weight)?;
        self.records.push(Stored { name: name.clone(), sources, precision, shape });
        Ok(name)
    }

    pub(super) fn weight_shape(&self, weight: &Weight) -> Result<Vec<usize>, OnnxError> {
        Ok(shape_of(self.weights, weight)?)
    }

    /// The type of an input or output: f32, unless it passes between files.
    pub(super) fn port_element(&self, name: &str) -> Element {
        let between = self.form.between.iter().any(|it| it == name);
        if between { Element::Float(self.form.precision) } else { F32 }
    }

    fn finish(mut self) -> (ModelProto, Written) {
        let inputs: Vec<Port> = self.graph.nodes.iter().enumerate().filter_map(|it| self.input(it)).collect();
        self.pen.at("outputs".to_owned());
        let graph = self.graph;
        let (mut outputs, mut described_outputs) = (Vec::new(), Vec::new());
        for (name, id) in &graph.outputs {
            let element = self.port_element(name);
            let value = self.value(*id, element, Layout::AsInGraph);
            self.pen.named("Identity", &[&value], Vec::new(), name);
            let port = Port { name: name.clone(), element, dims: self.shape(*id).to_vec() };
            let axis = (!self.multiples[id.index()]).then_some(BATCH);
            described_outputs.push(described(&port, axis));
            outputs.push(port);
        }
        let data_bytes = self.pen.blob.len();
        let graph = GraphProto {
            name: "demon".to_owned(),
            input: inputs.iter().map(|it| described(it, Some(BATCH))).collect(),
            output: described_outputs,
            node: self.pen.nodes,
            initializer: self.pen.initializers,
        };
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: OPSET }];
        let producer_name = "demon".to_owned();
        let file = ModelProto { ir_version: IR_VERSION, producer_name, graph: Some(graph), opset_import };
        let fingerprint = *blake3::hash(&file.encode_to_vec()).as_bytes();
        (file, Written { inputs, outputs, weights: self.records, data_bytes, fingerprint })
    }

    fn input(&self, (index, node): (usize, &Node)) -> Option<Port> {
        let (Op::Input { name, .. } | Op::IdsInput { name, .. }) = &node.op else { return None };
        let element = self.made[index][0].element;
        Some(Port { name: name.clone(), element, dims: self.shapes[index].clone() })
    }
}

/// `axis` names what is dynamic, when it has a name.
fn described(port: &Port, axis: Option<&str>) -> ValueInfoProto {
    let dim = |size: &Option<usize>| match size {
        Some(size) => DimensionProto { dim_value: Some(signed(*size)), dim_param: None },
        None => DimensionProto { dim_value: None, dim_param: axis.map(str::to_owned) },
    };
    let shape = Some(TensorShapeProto { dim: port.dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: port.element.number(), shape });
    ValueInfoProto { name: port.name.clone(), kind: Some(TypeProto { tensor_type }) }
}
