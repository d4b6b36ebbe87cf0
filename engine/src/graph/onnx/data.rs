//! Tensors on their way into the file: rounding, the blob beside the model, and what lies inside the model.
//!
//! Weights are streamed, one tensor after another: a model of several gigabytes is written with the memory of its largest
//! folded weight. Small tensors lie inside the model, where shape inference of other tools can read them. Nothing that is
//! infinite or not a number is ever written.

use std::io::{self, Write};

use half::{bf16, f16};

use super::proto::{EXTERNAL, StringStringEntryProto, TensorProto, data_type, signed};
use super::{Element, OnnxError};
use crate::graph::weights::{find, load, shape_of};
use crate::graph::{Precision, TensorView, Weight, WeightSource};

/// Bytes up to which a tensor lies inside the model: scalars, shapes, short vectors.
const INLINE_MOST: usize = 1024;
/// Where a tensor may begin in the blob: a page, so that readers can map it.
const ALIGNMENT: u64 = 4096;
/// Numbers that are rounded at a time.
const CHUNK: usize = 1 << 16;

/// The blob beside the model.
pub(super) struct Blob<'a> {
    /// `None` when only the model is wanted: then no numbers are read that would lie in the blob.
    sink: Option<&'a mut (dyn Write + 'a)>,
    file: &'a str,
    at: u64,
}

impl<'a> Blob<'a> {
    pub(super) fn new(sink: Option<&'a mut (dyn Write + 'a)>, file: &'a str) -> Self {
        Self { sink, file, at: 0 }
    }

    /// Bytes written so far.
    pub(super) fn len(&self) -> u64 {
        self.at
    }

    /// A tensor that the lowering itself made.
    pub(super) fn tensor(
        &mut self,
        name: &str,
        element: Element,
        shape: &[usize],
        bytes: &[u8],
    ) -> Result<TensorProto, OnnxError> {
        if bytes.len() <= INLINE_MOST {
            return Ok(TensorProto { raw_data: Some(bytes.to_vec()), ..header(name, element, shape) });
        }
        self.external(name, element, shape, bytes.len(), |sink| Ok(sink.write_all(bytes)?))
    }

    /// A weight, rounded to `precision`, under `name`.
    pub(super) fn weight(
        &mut self,
        name: &str,
        weight: &Weight,
        precision: Precision,
        weights: &dyn WeightSource,
    ) -> Result<TensorProto, OnnxError> {
        let shape = shape_of(weights, weight)?;
        let size = shape.iter().product::<usize>() * precision.size();
        let element = Element::Float(precision);
        if size <= INLINE_MOST {
            let mut bytes = Vec::with_capacity(size);
            numbers(&mut bytes, weight, precision, weights)?;
            return Ok(TensorProto { raw_data: Some(bytes), ..header(name, element, &shape) });
        }
        self.external(name, element, &shape, size, |sink| numbers(sink, weight, precision, weights))
    }

    fn external(
        &mut self,
        name: &str,
        element: Element,
        shape: &[usize],
        size: usize,
        write: impl FnOnce(&mut dyn Write) -> Result<(), OnnxError>,
    ) -> Result<TensorProto, OnnxError> {
        let start = self.at.next_multiple_of(ALIGNMENT);
        if let Some(sink) = &mut self.sink {
            io::copy(&mut io::Read::take(io::repeat(0), start - self.at), sink)?;
            write(*sink)?;
        }
        self.at = start + size as u64;
        let entry = |key: &str, value: String| StringStringEntryProto { key: key.to_owned(), value };
        let external_data = vec![
            entry("location", self.file.to_owned()),
            entry("offset", start.to_string()),
            entry("length", size.to_string()),
        ];
        Ok(TensorProto { external_data, data_location: Some(EXTERNAL), ..header(name, element, shape) })
    }
}

impl Element {
    /// The format's number for it.
    pub(super) fn number(self) -> i32 {
        match self {
            Self::Float(Precision::F32) => data_type::FLOAT,
            Self::Float(Precision::F16) => data_type::FLOAT16,
            Self::Float(Precision::Bf16) => data_type::BFLOAT16,
            Self::I32 => data_type::INT32,
            Self::I64 => data_type::INT64,
            Self::Bool => data_type::BOOL,
        }
    }
}

fn header(name: &str, element: Element, shape: &[usize]) -> TensorProto {
    let dims = shape.iter().map(|&it| signed(it)).collect();
    TensorProto { name: name.to_owned(), data_type: element.number(), dims, ..TensorProto::default() }
}

/// Writes all numbers of a weight and lets its pages go.
fn numbers(
    sink: &mut dyn Write,
    weight: &Weight,
    precision: Precision,
    weights: &dyn WeightSource,
) -> Result<(), OnnxError> {
    match weight {
        Weight::Plain(name) => {
            let view = find(weights, name)?;
            for start in (0..view.count()).step_by(CHUNK) {
                chunk(sink, name, &view, start..view.count().min(start + CHUNK), precision)?;
            }
            weights.release(name);
        }
        Weight::Normed { gain, direction } => {
            let (_, folded) = load(weights, weight)?;
            for values in folded.chunks(CHUNK) {
                sink.write_all(&rounded(direction, values.iter().copied(), precision)?)?;
            }
            weights.release(gain);
            weights.release(direction);
        }
    }
    Ok(())
}

fn chunk(
    sink: &mut dyn Write,
    name: &str,
    view: &TensorView<'_>,
    range: std::ops::Range<usize>,
    precision: Precision,
) -> Result<(), OnnxError> {
    if view.precision == precision {
        let size = precision.size();
        if let Some(at) = range.clone().find(|&at| !view.at(at).is_finite()) {
            return Err(OnnxError::NotRepresentable { name: name.to_owned(), value: view.at(at), precision });
        }
        sink.write_all(&view.bytes[range.start * size..range.end * size])?;
    } else {
        sink.write_all(&rounded(name, range.map(|at| view.at(at)), precision)?)?;
    }
    Ok(())
}

/// Numbers as the file stores them. A number that is not finite, before or after, is refused.
fn rounded(name: &str, values: impl Iterator<Item = f32>, precision: Precision) -> Result<Vec<u8>, OnnxError> {
    let mut bytes = Vec::with_capacity(values.size_hint().0 * precision.size());
    for value in values {
        let finite = match precision {
            Precision::F32 => {
                bytes.extend(value.to_le_bytes());
                value.is_finite()
            }
            Precision::F16 => {
                let narrow = f16::from_f32(value);
                bytes.extend(narrow.to_le_bytes());
                narrow.is_finite()
            }
            Precision::Bf16 => {
                let narrow = bf16::from_f32(value);
                bytes.extend(narrow.to_le_bytes());
                narrow.is_finite()
            }
        };
        if !finite {
            return Err(OnnxError::NotRepresentable { name: name.to_owned(), value, precision });
        }
    }
    Ok(bytes)
}
