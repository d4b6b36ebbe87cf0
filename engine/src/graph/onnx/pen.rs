//! The pen that nodes of the file are written with. It names values, and keeps one copy of equal constants.

use std::collections::HashMap;

use super::data::Blob;
use super::proto::{AttributeProto, NodeProto, TensorProto, signed};
use super::{Element, OnnxError};
use crate::graph::Precision;

/// A constant by its type, shape and bytes.
type Constant = (Element, Vec<usize>, Vec<u8>);

/// Collects nodes and constants.
pub(super) struct Pen<'a> {
    pub(super) blob: Blob<'a>,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) initializers: Vec<TensorProto>,
    constants: HashMap<Constant, String>,
    /// What is being lowered; part of every name, so that a builder's log can be read.
    place: String,
}

impl<'a> Pen<'a> {
    pub(super) fn new(blob: Blob<'a>) -> Self {
        let (nodes, initializers, constants) = (Vec::new(), Vec::new(), HashMap::new());
        Self { blob, nodes, initializers, constants, place: String::new() }
    }

    /// Names what follows.
    pub(super) fn at(&mut self, place: String) {
        self.place = place;
    }

    /// A node with one result, whose name it gives.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let output = format!("{}/{op}.{}", self.place, self.nodes.len());
        self.named(op, inputs, attribute, &output);
        output
    }

    /// A node whose result has a given name.
    pub(super) fn named(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>, output: &str) {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&it| it.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: op.to_owned(),
            attribute,
        });
    }

    /// `to` is the type of the result.
    pub(super) fn cast(&mut self, x: &str, to: Element) -> String {
        self.node("Cast", &[x], vec![AttributeProto::int("to", i64::from(to.number()))])
    }

    pub(super) fn transpose(&mut self, x: &str, order: &[usize]) -> String {
        self.node("Transpose", &[x], vec![AttributeProto::ints("perm", order)])
    }

    /// To a shape of which at most one size, `None`, is not known yet.
    pub(super) fn reshape(&mut self, x: &str, shape: &[Option<usize>]) -> Result<String, OnnxError> {
        let shape: Vec<i64> = shape.iter().map(|it| it.map_or(-1, signed)).collect();
        let shape = self.integers(&shape)?;
        Ok(self.node("Reshape", &[x, &shape], Vec::new()))
    }

    /// Entries `range` along an axis.
    pub(super) fn slice(&mut self, x: &str, axis: usize, range: std::ops::Range<usize>) -> Result<String, OnnxError> {
        let starts = self.integers(&[signed(range.start)])?;
        let ends = self.integers(&[signed(range.end)])?;
        let axes = self.integers(&[signed(axis)])?;
        Ok(self.node("Slice", &[x, &starts, &ends, &axes], Vec::new()))
    }

    pub(super) fn integers(&mut self, values: &[i64]) -> Result<String, OnnxError> {
        let bytes: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.constant(Element::I64, &[values.len()], bytes)
    }

    /// A number without axes.
    pub(super) fn number(&mut self, value: f32) -> Result<String, OnnxError> {
        self.numbers(&[], &[value])
    }

    pub(super) fn numbers(&mut self, shape: &[usize], values: &[f32]) -> Result<String, OnnxError> {
        let bytes = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.constant(Element::Float(Precision::F32), shape, bytes)
    }

    pub(super) fn flags(&mut self, shape: &[usize], values: &[bool]) -> Result<String, OnnxError> {
        self.constant(Element::Bool, shape, values.iter().map(|&it| u8::from(it)).collect())
    }

    fn constant(&mut self, element: Element, shape: &[usize], bytes: Vec<u8>) -> Result<String, OnnxError> {
        let key = (element, shape.to_vec(), bytes);
        if let Some(name) = self.constants.get(&key) {
            return Ok(name.clone());
        }
        let name = format!("constant.{}", self.constants.len());
        self.initializers.push(self.blob.tensor(&name, element, shape, &key.2)?);
        self.constants.insert(key, name.clone());
        Ok(name)
    }
}
