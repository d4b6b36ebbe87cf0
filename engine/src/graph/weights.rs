//! Reading checkpoint tensors: widening to f32 and folding weight norm.
//!
//! Both the interpreter and the packing of the CPU lowering read weights through this file, so that they cannot
//! disagree about what a stored number means. It reads what it is asked for and keeps nothing.

use std::collections::BTreeMap;

use half::{bf16, f16};

use super::{LowerError, Precision, TensorView, Weight, WeightSource};

impl Precision {
    /// Bytes of one number.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

impl TensorView<'_> {
    /// How many numbers the shape holds.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number `index` in storage order, widened (exactly: every f16 and bf16 is an f32).
    ///
    /// # Panics
    /// When `index` is past the end.
    #[must_use]
    pub fn at(&self, index: usize) -> f32 {
        match self.precision {
            Precision::F32 => {
                let at = &self.bytes[4 * index..4 * index + 4];
                f32::from_le_bytes([at[0], at[1], at[2], at[3]])
            }
            Precision::F16 => f16::from_le_bytes([self.bytes[2 * index], self.bytes[2 * index + 1]]).to_f32(),
            Precision::Bf16 => bf16::from_le_bytes([self.bytes[2 * index], self.bytes[2 * index + 1]]).to_f32(),
        }
    }

    /// All numbers in storage order, widened.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        (0..self.count()).map(|index| self.at(index)).collect()
    }
}

/// A checkpoint held in memory: for tests, benches and tensors that are computed.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    tensors: BTreeMap<String, (Vec<usize>, Precision, Vec<u8>)>,
}

impl InMemory {
    /// No tensors yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more tensor, stored as f32.
    #[must_use]
    pub fn with(self, name: &str, shape: &[usize], numbers: &[f32]) -> Self {
        self.stored_as(Precision::F32, name, shape, numbers)
    }

    /// The same with one more tensor, rounded to `precision`.
    #[must_use]
    pub fn stored_as(mut self, precision: Precision, name: &str, shape: &[usize], numbers: &[f32]) -> Self {
        let bytes = numbers.iter().flat_map(|&it| match precision {
            Precision::F32 => it.to_le_bytes().to_vec(),
            Precision::F16 => f16::from_f32(it).to_le_bytes().to_vec(),
            Precision::Bf16 => bf16::from_f32(it).to_le_bytes().to_vec(),
        });
        self.tensors.insert(name.to_owned(), (shape.to_vec(), precision, bytes.collect()));
        self
    }
}

impl WeightSource for InMemory {
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let (shape, precision, bytes) = self.tensors.get(name)?;
        Some(TensorView { bytes, precision: *precision, shape })
    }
}

/// Finds a tensor by name.
pub(crate) fn find<'a>(source: &'a dyn WeightSource, name: &str) -> Result<TensorView<'a>, LowerError> {
    let view = source.tensor(name).ok_or_else(|| LowerError::MissingWeight(name.to_owned()))?;
    if view.bytes.len() == view.count() * view.precision.size() {
        return Ok(view);
    }
    let expected =
        format!("{} numbers as its {} bytes hold", view.bytes.len() / view.precision.size(), view.bytes.len());
    Err(LowerError::WeightShape { name: name.to_owned(), found: view.shape.to_vec(), expected })
}

/// The shape that an operation sees, after folding.
pub(crate) fn shape_of(source: &dyn WeightSource, weight: &Weight) -> Result<Vec<usize>, LowerError> {
    match weight {
        Weight::Plain(name) => Ok(find(source, name)?.shape.to_vec()),
        Weight::Normed { gain, direction } => {
            let (gain_view, direction_view) = (find(source, gain)?, find(source, direction)?);
            let first = direction_view.shape.first().copied().unwrap_or(0);
            let fits = gain_view.count() == first && gain_view.shape.first() == Some(&first);
            if !fits {
                let expected = format!("[{first}, 1, 1] as `{direction}` has {first} rows");
                let (name, found) = (gain.clone(), gain_view.shape.to_vec());
                return Err(LowerError::WeightShape { name, found, expected });
            }
            Ok(direction_view.shape.to_vec())
        }
    }
}

/// Numbers and shape of a weight, widened and folded.
pub(crate) fn load(source: &dyn WeightSource, weight: &Weight) -> Result<(Vec<usize>, Vec<f32>), LowerError> {
    let shape = shape_of(source, weight)?;
    match weight {
        Weight::Plain(name) => Ok((shape, find(source, name)?.to_f32())),
        Weight::Normed { gain, direction } => {
            let gain = find(source, gain)?.to_f32();
            let mut folded = find(source, direction)?.to_f32();
            let length = shape[1..].iter().product::<usize>().max(1);
            for (row, (numbers, gain)) in folded.chunks_exact_mut(length).zip(gain).enumerate() {
                let norm = numbers.iter().map(|&it| f64::from(it) * f64::from(it)).sum::<f64>().sqrt();
                // What the published class makes of such a row is no number, whatever its length.
                if norm <= 0.0 {
                    return Err(LowerError::NoDirection { name: direction.clone(), row });
                }
                numbers.iter_mut().for_each(|it| *it = (f64::from(gain) * f64::from(*it) / norm) as f32);
            }
            Ok((shape, folded))
        }
    }
}

/// The name that stands for a weight in messages.
pub(crate) fn label(weight: &Weight) -> &str {
    match weight {
        Weight::Plain(name) | Weight::Normed { direction: name, .. } => name,
    }
}

/// A weight of the wrong shape, said with its name.
pub(crate) fn misshapen(weight: &Weight, found: Vec<usize>, expected: impl Into<String>) -> LowerError {
    LowerError::WeightShape { name: label(weight).to_owned(), found, expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_of_zeros_is_refused_by_name_and_row_and_a_length_of_zero_mutes_a_row() {
        let pair = |row: [f32; 2]| {
            let weights = InMemory::new().with("c.weight_g", &[2, 1, 1], &[10.0, 0.0]);
            weights.with("c.weight_v", &[2, 2, 1], &[3.0, 4.0, row[0], row[1]])
        };
        let (_, folded) = load(&pair([1.0, 1.0]), &Weight::normed("c")).expect("the pair fits");
        assert_eq!(folded, [6.0, 8.0, 0.0, 0.0]);
        let refused = load(&pair([0.0, 0.0]), &Weight::normed("c")).expect_err("no direction").to_string();
        assert!(refused.starts_with("tensor `c.weight_v`: row 1 is all zeros"), "{refused}");
    }
}
