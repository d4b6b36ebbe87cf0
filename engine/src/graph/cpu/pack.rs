//! Weights as the kernels want them: panels of 32 columns, in the checkpoint's own precision.
//!
//! A packed weight is made once and shared by every plan that is compiled with the same [`Packed`], whatever its sizes.
//! When it is made the checkpoint is told that it may forget the bytes, so a model never lies in memory twice.
//! Halves are widened a panel at a time into a thread's own scratch while it computes.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lanes::{LANES, Lanes};
use super::memory::Floats;
use super::panel::PANEL;
use crate::graph::weights::{find, load};
use crate::graph::{LowerError, Precision, Weight, WeightSource};

/// Packed weights of one checkpoint.
#[derive(Default)]
pub struct Packed {
    made: Mutex<HashMap<Key, Made>>,
}

/// How a weight becomes columns of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// `[N, K]`, several side by side.
    Linear,
    /// Two `[N, K]`: 16 columns of the first, 16 of the second, and so on.
    Pairs,
    /// `[O, I, K]`: rows run over taps, then channels.
    Conv,
    /// `[I, O, K]` with this stride: columns run over output frames of one step, then channels.
    Transposed(usize),
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Matrix(Form, Vec<(Weight, Option<Weight>)>),
    Plain(Weight, Shaping),
    /// Tokens, width and bits of theta.
    Rope(usize, usize, u32),
}

/// What is done to a small weight once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shaping {
    /// Nothing.
    Same,
    /// `exp(x)`: a snake's factor.
    Exp,
    /// `1 / (exp(x) + 1e-9)`: a snake's other factor.
    InverseExp,
}

#[derive(Clone)]
enum Made {
    Matrix(Arc<Matrix>),
    Plain(Arc<Floats>),
    Table(Arc<Table>),
    Rope([Arc<Floats>; 2]),
}

/// A matrix `[k, n]` in panels.
pub(super) struct Matrix {
    pub(super) k: usize,
    /// Columns that mean something; of [`Form::Pairs`] half of those that are stored.
    pub(super) n: usize,
    numbers: Numbers,
    /// Bias, zeros up to the end of the last panel; empty when there is none.
    start: Floats,
    pairs: bool,
}

/// Rows that are looked up.
pub(super) struct Table {
    pub(super) rows: usize,
    pub(super) width: usize,
    numbers: Numbers,
}

enum Numbers {
    Single(Floats),
    Half(Vec<u16>),
    Brain(Vec<u16>),
}

impl Packed {
    /// Nothing packed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A matrix of one or several weights.
    pub(super) fn matrix(
        &self,
        source: &dyn WeightSource,
        form: Form,
        parts: &[(Weight, Option<Weight>)],
    ) -> Result<Arc<Matrix>, LowerError> {
        let made = self.get(Key::Matrix(form, parts.to_vec()), || {
            let matrix = Matrix::pack(source, form, parts)?;
            parts.iter().for_each(|(weight, bias)| {
                release(source, weight);
                bias.iter().for_each(|it| release(source, it));
            });
            Ok(Made::Matrix(Arc::new(matrix)))
        })?;
        let Made::Matrix(matrix) = made else { unreachable!("the key says what was made") };
        Ok(matrix)
    }

    /// A small weight, widened and padded with zeros to whole panels.
    pub(super) fn plain(
        &self,
        source: &dyn WeightSource,
        weight: &Weight,
        shaping: Shaping,
    ) -> Result<Arc<Floats>, LowerError> {
        let made = self.get(Key::Plain(weight.clone(), shaping), || {
            let (_, mut numbers) = load(source, weight)?;
            for it in &mut numbers {
                let wide = f64::from(*it);
                *it = match shaping {
                    Shaping::Same => *it,
                    Shaping::Exp => super::functions::exp_f64(wide) as f32,
                    Shaping::InverseExp => (1.0 / (super::functions::exp_f64(wide) + 1e-9)) as f32,
                };
            }
            numbers.resize(numbers.len().next_multiple_of(PANEL), 0.0);
            Ok(Made::Plain(Arc::new(Floats::from_slice(&numbers))))
        })?;
        let Made::Plain(numbers) = made else { unreachable!("the key says what was made") };
        Ok(numbers)
    }

    /// A table of rows, in its own precision.
    pub(super) fn table(&self, source: &dyn WeightSource, weight: &Weight) -> Result<Arc<Table>, LowerError> {
        let key = Key::Matrix(Form::Linear, vec![(weight.clone(), Some(Weight::plain("a table, not a matrix")))]);
        let made = self.get(key, || {
            let shape = crate::graph::weights::shape_of(source, weight)?;
            let (rows, width) = (shape[0], shape[1]);
            let precision = precision(source, std::slice::from_ref(weight))?;
            let read = Part::read(source, weight)?;
            let numbers = Numbers::collect(precision, rows * width, (0..rows * width).map(|at| read.at(at)));
            drop(read);
            release(source, weight);
            Ok(Made::Table(Arc::new(Table { rows, width, numbers })))
        })?;
        let Made::Table(table) = made else { unreachable!("the key says what was made") };
        Ok(table)
    }

    /// Rotary cosines and sines, shared by all layers.
    pub(super) fn rope(
        &self,
        tokens: usize,
        width: usize,
        theta: f32,
        make: impl FnOnce() -> [Vec<f32>; 2],
    ) -> [Arc<Floats>; 2] {
        let make = || Ok(Made::Rope(make().map(|it| Arc::new(Floats::from_slice(&it)))));
        let made = self.get(Key::Rope(tokens, width, theta.to_bits()), make);
        let Ok(Made::Rope(table)) = made else { unreachable!("angles are made from nothing that can be missing") };
        table
    }

    fn get(&self, key: Key, make: impl FnOnce() -> Result<Made, LowerError>) -> Result<Made, LowerError> {
        let mut made = self.made.lock().expect("packing does not panic");
        if let Some(there) = made.get(&key) {
            return Ok(there.clone());
        }
        let fresh = make()?;
        made.insert(key, fresh.clone());
        Ok(fresh)
    }
}

fn release(source: &dyn WeightSource, weight: &Weight) {
    match weight {
        Weight::Plain(name) => source.release(name),
        Weight::Normed { gain, direction } => {
            source.release(gain);
            source.release(direction);
        }
    }
}

/// The precision that holds all parts without loss.
fn precision(source: &dyn WeightSource, weights: &[Weight]) -> Result<Precision, LowerError> {
    let mut all = None;
    for weight in weights {
        let Weight::Plain(name) = weight else { return Ok(Precision::F32) };
        let found = find(source, name)?.precision;
        if all.is_some_and(|it| it != found) {
            return Ok(Precision::F32);
        }
        all = Some(found);
    }
    Ok(all.unwrap_or(Precision::F32))
}

/// A weight that is being read: folded numbers, or the checkpoint's bytes.
enum Part<'a> {
    Folded(Vec<f32>),
    Stored(crate::graph::TensorView<'a>),
}

impl<'a> Part<'a> {
    fn read(source: &'a dyn WeightSource, weight: &Weight) -> Result<Self, LowerError> {
        match weight {
            Weight::Plain(name) => Ok(Self::Stored(find(source, name)?)),
            Weight::Normed { .. } => Ok(Self::Folded(load(source, weight)?.1)),
        }
    }

    fn at(&self, index: usize) -> f32 {
        match self {
            Self::Folded(numbers) => numbers[index],
            Self::Stored(view) => view.at(index),
        }
    }
}

impl Matrix {
    fn pack(source: &dyn WeightSource, form: Form, parts: &[(Weight, Option<Weight>)]) -> Result<Self, LowerError> {
        let weights: Vec<Weight> = parts.iter().map(|it| it.0.clone()).collect();
        let precision = precision(source, &weights)?;
        let shapes: Vec<Vec<usize>> =
            weights.iter().map(|it| crate::graph::weights::shape_of(source, it)).collect::<Result<_, _>>()?;
        let read: Vec<Part> = weights.iter().map(|it| Part::read(source, it)).collect::<Result<_, _>>()?;
        let first = &shapes[0];
        let (k, n) = match form {
            Form::Linear => (first[1], shapes.iter().map(|it| it[0]).sum()),
            Form::Pairs => (first[1], first[0]),
            Form::Conv => (first[2] * first[1], first[0]),
            Form::Transposed(stride) => (first[2].div_ceil(stride) * first[0], stride * first[1]),
        };
        // Column `column` belongs to which part, and to which of its columns.
        let of_column: Vec<Option<(usize, usize)>> = columns(form, n, &shapes);
        let number = |row: usize, column: usize| {
            let Some((part, column)) = of_column[column] else { return 0.0 };
            let shape = &shapes[part];
            match form {
                Form::Linear | Form::Pairs => read[part].at(column * k + row),
                Form::Conv => read[part].at((column * shape[1] + row % shape[1]) * shape[2] + row / shape[1]),
                Form::Transposed(stride) => {
                    let (inputs, outputs, kernel) = (shape[0], shape[1], shape[2]);
                    // The last tap reads the newest frame, which is the kernel's beginning.
                    let step = kernel.div_ceil(stride) - 1 - row / inputs;
                    let tap = step * stride + column / outputs;
                    let at = (row % inputs * outputs + column % outputs) * kernel + tap;
                    if tap < kernel { read[part].at(at) } else { 0.0 }
                }
            }
        };
        let stored = of_column.len();
        let places = (0..stored / PANEL)
            .flat_map(|panel| (0..k).flat_map(move |row| (0..PANEL).map(move |column| (row, panel * PANEL + column))));
        let numbers = Numbers::collect(precision, k * stored, places.map(|(row, column)| number(row, column)));
        let mut start = Floats::zeros(0);
        if parts.iter().any(|it| it.1.is_some()) {
            start = Floats::zeros(stored);
            for (part, (_, bias)) in parts.iter().enumerate() {
                let Some(bias) = bias else { continue };
                let (_, bias) = load(source, bias)?;
                for (to, from) in start.as_mut_slice().iter_mut().zip(&of_column) {
                    if let Some((_, column)) = from.filter(|it| it.0 == part) {
                        *to = bias[column % bias.len()];
                    }
                }
            }
        }
        Ok(Self { k, n, numbers, start, pairs: form == Form::Pairs })
    }

    /// How many panels there are.
    pub(super) fn panels(&self) -> usize {
        self.n.div_ceil(self.panel_columns())
    }

    /// Columns that one panel gives.
    pub(super) fn panel_columns(&self) -> usize {
        if self.pairs { PANEL / 2 } else { PANEL }
    }

    /// Columns that panel `panel` gives.
    pub(super) fn columns_of(&self, panel: usize) -> usize {
        (self.n - panel * self.panel_columns()).min(self.panel_columns())
    }

    /// Scratch numbers that [`Matrix::panel`] needs.
    pub(super) fn scratch(&self) -> usize {
        if matches!(self.numbers, Numbers::Single(_)) { 0 } else { self.k * PANEL }
    }

    /// A panel in f32, widened into `scratch` when it is stored in less.
    ///
    /// # Safety
    /// As [`Lanes`]; `panel` is below [`Matrix::panels`]; `scratch` holds [`Matrix::scratch`] numbers.
    #[inline(always)]
    pub(super) unsafe fn panel<V: Lanes>(&self, panel: usize, scratch: *mut f32) -> *const f32 {
        let (from, len) = (panel * self.k * PANEL, self.k * PANEL);
        // SAFETY: a panel is `len` numbers in either precision, a multiple of the lanes.
        unsafe {
            match &self.numbers {
                Numbers::Single(numbers) => return numbers.as_ptr().add(from),
                Numbers::Half(bits) => {
                    let bits = bits.as_ptr().add(from);
                    let mut at = 0;
                    while at < len {
                        V::load_half(bits.add(at)).store(scratch.add(at));
                        at += LANES;
                    }
                }
                Numbers::Brain(bits) => {
                    let bits = bits.as_ptr().add(from);
                    let mut at = 0;
                    while at < len {
                        V::load_brain(bits.add(at)).store(scratch.add(at));
                        at += LANES;
                    }
                }
            }
        }
        scratch
    }

    /// The bias of a panel, null when there is none.
    pub(super) fn start(&self, panel: usize) -> *const f32 {
        match self.start.as_slice().get(panel * PANEL) {
            Some(first) => first,
            None => std::ptr::null(),
        }
    }
}

/// For every stored column its part and the part's column; `None` is filling.
fn columns(form: Form, n: usize, shapes: &[Vec<usize>]) -> Vec<Option<(usize, usize)>> {
    if form == Form::Pairs {
        let half = PANEL / 2;
        let of = |at: usize| (at / half % 2, at / PANEL * half + at % half);
        return (0..n.div_ceil(half) * PANEL).map(|at| Some(of(at)).filter(|it| it.1 < n)).collect();
    }
    let mut all: Vec<Option<(usize, usize)>> = match form {
        Form::Linear => {
            let of_part = |(part, shape): (usize, &Vec<usize>)| (0..shape[0]).map(move |it| Some((part, it)));
            shapes.iter().enumerate().flat_map(of_part).collect()
        }
        _ => (0..n).map(|it| Some((0, it))).collect(),
    };
    all.resize(n.next_multiple_of(PANEL), None);
    all
}

impl Table {
    /// Row `row`, widened; zeros past the end.
    pub(super) fn copy_row(&self, row: usize, to: &mut [f32]) {
        if row >= self.rows {
            return to.fill(0.0);
        }
        let range = row * self.width..(row + 1) * self.width;
        match &self.numbers {
            Numbers::Single(numbers) => to.copy_from_slice(&numbers.as_slice()[range]),
            Numbers::Half(bits) => {
                to.iter_mut().zip(&bits[range]).for_each(|(to, it)| *to = half::f16::from_bits(*it).to_f32())
            }
            Numbers::Brain(bits) => {
                to.iter_mut().zip(&bits[range]).for_each(|(to, it)| *to = half::bf16::from_bits(*it).to_f32());
            }
        }
    }
}

impl Numbers {
    /// `len` numbers, rounded to `precision` (which loses nothing where they were stored so).
    fn collect(precision: Precision, len: usize, from: impl Iterator<Item = f32>) -> Self {
        match precision {
            Precision::F32 => {
                let mut numbers = Floats::zeros(len);
                numbers.as_mut_slice().iter_mut().zip(from).for_each(|(to, it)| *to = it);
                Self::Single(numbers)
            }
            Precision::F16 => Self::Half(from.map(|it| half::f16::from_f32(it).to_bits()).collect()),
            Precision::Bf16 => Self::Brain(from.map(|it| half::bf16::from_f32(it).to_bits()).collect()),
        }
    }
}
