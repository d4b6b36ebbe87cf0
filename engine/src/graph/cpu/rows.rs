//! Steps that walk over numbers once: norms, sums, copies, rotations, sinusoids, look-ups.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use std::sync::Arc;

use super::attention::{Heads, turn};
use super::functions::{exp_f64, silu, sin_cos, snake};
use super::lanes::{Kernel, LANES, Lanes};
use super::memory::Slot;
use super::pack::Table;
use super::step::{Rows, Stage, Step};

/// Numbers of a task.
const TASK: usize = 16 * 1024;

/// RMS norm of every row, then `* scale + shift` with one pair of vectors a group.
pub(super) struct Norm {
    pub(super) x: Rows,
    pub(super) y: Rows,
    pub(super) width: usize,
    pub(super) gain: Slot,
    pub(super) eps: f32,
    /// Scale and shift, each with the distance between groups.
    pub(super) modulate: Option<[(Slot, usize); 2]>,
}

impl Step for Norm {
    fn run(&self, stage: &Stage<'_>) {
        let chunk = (TASK / 4 / self.width.max(1)).clamp(1, self.x.rows.max(1));
        let kernel = NormRows {
            step: self,
            x: stage.at(self.x.slot),
            y: stage.at(self.y.slot),
            gain: stage.at(self.gain),
            modulate: self.modulate.map(|it| it.map(|(slot, stride)| (stage.at(slot).cast_const(), stride))),
            chunk,
            chunks: self.x.rows.div_ceil(chunk),
        };
        // SAFETY: the plan placed all rows; tasks write different ones.
        unsafe { stage.spread(&kernel, self.x.outer * kernel.chunks) };
    }
}

struct NormRows<'a> {
    step: &'a Norm,
    x: *const f32,
    y: *mut f32,
    gain: *const f32,
    modulate: Option<[(*const f32, usize); 2]>,
    chunk: usize,
    chunks: usize,
}

// SAFETY: tasks read what nobody writes meanwhile and write apart from each other.
unsafe impl Sync for NormRows<'_> {}

impl Kernel for NormRows<'_> {
    #[inline(always)]
    unsafe fn task<V: Lanes>(&self, task: usize, _: *mut f32) {
        let Norm { x, y, width, eps, .. } = self.step;
        let (outer, first) = (task / self.chunks, task % self.chunks * self.chunk);
        let modulate = self.modulate.map(|it| it.map(|(at, stride)| at.wrapping_add(outer * stride)));
        let mut row = first;
        while row < (first + self.chunk).min(x.rows) {
            let from = self.x.add(outer * x.outer_stride + row * x.stride);
            let to = self.y.add(outer * y.outer_stride + row * y.stride);
            let (mut squares, mut c) = (V::splat(0.0), 0);
            while c < *width {
                let x = V::load_up_to(from.add(c), width - c);
                squares = x.fma(x, squares);
                c += LANES;
            }
            let inverse = V::splat(1.0 / (squares.sum() / *width as f32 + eps).sqrt());
            c = 0;
            while c < *width {
                let count = width - c;
                let mut value =
                    V::load_up_to(from.add(c), count).mul(inverse).mul(V::load_up_to(self.gain.add(c), count));
                if let Some([scale, shift]) = modulate {
                    value = value.fma(V::load_up_to(scale.add(c), count), V::load_up_to(shift.add(c), count));
                }
                value.store_up_to(to.add(c), count);
                c += LANES;
            }
            row += 1;
        }
    }
}

/// What [`Grid`] does with a number of each operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Each {
    Zero,
    Copy,
    AddScalar(f32),
    Silu,
    Add,
    Mul,
    /// Operands: the value, alpha, the inverse.
    Snake,
}

/// The same function of every number of some operands, each with strides of its own (0 where it broadcasts).
pub(super) struct Grid {
    pub(super) each: Each,
    /// The last axis is the one that is walked.
    pub(super) shape: Vec<usize>,
    /// The output, then the operands.
    pub(super) operands: Vec<(Slot, Vec<usize>)>,
}

impl Step for Grid {
    fn run(&self, stage: &Stage<'_>) {
        let lines: usize = self.shape[..self.shape.len() - 1].iter().product();
        let inner = self.shape[self.shape.len() - 1].max(1);
        let chunk = (TASK / inner).max(1);
        let mut at = [std::ptr::null_mut(); 4];
        at.iter_mut().zip(&self.operands).for_each(|(at, operand)| *at = stage.at(operand.0));
        // SAFETY: the plan placed all operands; lines of the output do not overlap.
        unsafe { stage.spread(&GridLines { step: self, at, lines, chunk }, lines.div_ceil(chunk)) };
    }
}

struct GridLines<'a> {
    step: &'a Grid,
    at: [*mut f32; 4],
    lines: usize,
    chunk: usize,
}

// SAFETY: tasks read what nobody writes meanwhile and write apart from each other.
unsafe impl Sync for GridLines<'_> {}

impl Kernel for GridLines<'_> {
    #[inline(always)]
    unsafe fn task<V: Lanes>(&self, task: usize, _: *mut f32) {
        let Grid { each, shape, operands } = self.step;
        let axes = shape.len() - 1;
        let mut line = task * self.chunk;
        while line < ((task + 1) * self.chunk).min(self.lines) {
            let mut at = self.at;
            let (mut rest, mut axis) = (line, axes);
            while axis > 0 {
                axis -= 1;
                let place = rest % shape[axis];
                rest /= shape[axis];
                for (at, operand) in at.iter_mut().zip(operands) {
                    *at = at.wrapping_add(place * operand.1[axis]);
                }
            }
            let mut steps = [0; 4];
            steps.iter_mut().zip(operands).for_each(|(step, operand)| *step = operand.1[axes]);
            walk::<V>(*each, shape[axes], at, steps);
            line += 1;
        }
    }
}

#[inline(always)]
unsafe fn walk<V: Lanes>(each: Each, len: usize, at: [*mut f32; 4], steps: [usize; 4]) {
    let mut c = 0;
    while c < len {
        let count = (len - c).min(LANES);
        let (x, y) = (at[1], at[2]);
        let value = match each {
            Each::Zero => V::splat(0.0),
            Each::Copy => fetch::<V>(x, steps[1], c, count),
            Each::AddScalar(value) => fetch::<V>(x, steps[1], c, count).add(V::splat(value)),
            Each::Silu => silu(fetch::<V>(x, steps[1], c, count)),
            Each::Add => fetch::<V>(x, steps[1], c, count).add(fetch::<V>(y, steps[2], c, count)),
            Each::Mul => fetch::<V>(x, steps[1], c, count).mul(fetch::<V>(y, steps[2], c, count)),
            Each::Snake => {
                let factors = (fetch::<V>(y, steps[2], c, count), fetch::<V>(at[3], steps[3], c, count));
                snake(fetch::<V>(x, steps[1], c, count), factors.0, factors.1)
            }
        };
        if steps[0] == 1 {
            value.store_up_to(at[0].add(c), count);
        } else {
            let numbers = value.array();
            let mut it = 0;
            while it < count {
                *at[0].add((c + it) * steps[0]) = numbers[it];
                it += 1;
            }
        }
        c += LANES;
    }
}

#[inline(always)]
unsafe fn fetch<V: Lanes>(from: *const f32, step: usize, c: usize, count: usize) -> V {
    match step {
        1 => V::load_up_to(from.add(c), count),
        0 => V::splat(*from),
        _ => {
            let mut numbers = [0.0; LANES];
            let mut it = 0;
            while it < count {
                numbers[it] = *from.add((c + it) * step);
                it += 1;
            }
            V::load(numbers.as_ptr())
        }
    }
}

/// Rotary embedding on its own.
pub(super) struct Rope {
    pub(super) x: Heads,
    pub(super) y: Heads,
    pub(super) batch: usize,
    pub(super) tokens: usize,
    pub(super) heads: usize,
    pub(super) width: usize,
    pub(super) table: (Slot, Slot),
}

impl Step for Rope {
    fn run(&self, stage: &Stage<'_>) {
        let kernel = RopeTokens {
            step: self,
            x: stage.at(self.x.slot),
            y: stage.at(self.y.slot),
            cos: stage.at(self.table.0),
            sin: stage.at(self.table.1),
        };
        // SAFETY: the plan placed both; a task turns the heads of its own token.
        unsafe { stage.spread(&kernel, self.batch * self.tokens) };
    }
}

struct RopeTokens<'a> {
    step: &'a Rope,
    x: *const f32,
    y: *mut f32,
    cos: *const f32,
    sin: *const f32,
}

// SAFETY: tasks read what nobody writes meanwhile and write apart from each other.
unsafe impl Sync for RopeTokens<'_> {}

impl Kernel for RopeTokens<'_> {
    #[inline(always)]
    unsafe fn task<V: Lanes>(&self, task: usize, _: *mut f32) {
        let Rope { x, y, tokens, heads, width, .. } = self.step;
        let (batch, token) = (task / tokens, task % tokens);
        let mut head = 0;
        while head < *heads {
            let at = |it: &Heads| batch * it.batch_stride + token * it.token_stride + head * it.head_stride;
            turn::<V>(self.x.add(at(x)), self.y.add(at(y)), self.cos, self.sin, token, width / 2);
            head += 1;
        }
    }
}

/// Cosines and sines of positions, `[tokens, half]` each.
pub(super) fn rope_table(tokens: usize, width: usize, theta: f32) -> [Vec<f32>; 2] {
    let half = width / 2;
    let step = f64::from(theta).ln() * -2.0 / width as f64;
    let angles = (0..tokens).flat_map(|s| (0..half).map(move |i| sin_cos(s as f64 * exp_f64(step * i as f64))));
    let (sin, cos): (Vec<f32>, Vec<f32>) = angles.map(|(sin, cos)| (sin as f32, cos as f32)).unzip();
    [cos, sin]
}

/// Cosines and sines of a time; arguments in f64, because they reach a thousand.
pub(super) struct Sinusoid {
    pub(super) t: Slot,
    pub(super) t_stride: usize,
    pub(super) y: Slot,
    pub(super) batch: usize,
    pub(super) scale: f32,
    pub(super) frequencies: Vec<f64>,
}

impl Sinusoid {
    /// `exp(-ln(10000) i / half)`.
    pub(super) fn frequencies(half: usize) -> Vec<f64> {
        /// ln(10000).
        const LN_10000: f64 = 9.210_340_371_976_184;
        (0..half).map(|i| exp_f64(-LN_10000 * i as f64 / half as f64)).collect()
    }
}

impl Step for Sinusoid {
    fn run(&self, stage: &Stage<'_>) {
        let half = self.frequencies.len();
        for row in 0..self.batch {
            // SAFETY: the plan placed `batch` times and `batch` rows of twice as many numbers as frequencies.
            unsafe {
                let t = *stage.at(self.t).add(row * self.t_stride);
                let y = stage.at(self.y).add(row * 2 * half);
                for (i, frequency) in self.frequencies.iter().enumerate() {
                    let (sin, cos) = sin_cos(f64::from(self.scale) * f64::from(t) * frequency);
                    *y.add(i) = cos as f32;
                    *y.add(half + i) = sin as f32;
                }
            }
        }
    }
}

/// Rows of a table by their numbers.
pub(super) struct Embedding {
    pub(super) table: Arc<Table>,
    /// Ids, as bits.
    pub(super) ids: Slot,
    pub(super) count: usize,
    pub(super) y: Slot,
}

impl Step for Embedding {
    fn run(&self, stage: &Stage<'_>) {
        let width = self.table.width;
        for at in 0..self.count {
            // SAFETY: the plan placed `count` ids and `count` rows; nobody else touches them now.
            let (id, row) = unsafe {
                let id = stage.at(self.ids).add(at).cast::<u32>().read();
                (id, std::slice::from_raw_parts_mut(stage.at(self.y).add(at * width), width))
            };
            self.table.copy_row(id as usize, row);
        }
    }
}
