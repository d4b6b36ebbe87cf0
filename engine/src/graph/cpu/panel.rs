//! The product of some rows with one panel of a packed matrix: where nearly all arithmetic happens.
//!
//! A panel is 32 columns, `[k][32]`. Every output has one accumulator that takes its products in the order of `k`, one
//! fused multiply-add each: how rows are grouped into tiles, tiles into tasks and tasks onto threads can then not be
//! seen in the bits. What follows the product (a bias before it, a residual, a gate, SiLU, snake) is done while the
//! sums are still in registers.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]
// Loops over registers are counted, so that they unroll and the arrays stay in registers.
#![allow(clippy::needless_range_loop)]

use std::mem::MaybeUninit;

use super::functions::{silu, snake};
use super::lanes::{LANES, Lanes};

/// Columns of a panel.
pub(super) const PANEL: usize = 32;

/// What becomes of the sums. Pointers are to the panel's first column; strides are between rows, in numbers.
#[derive(Clone, Copy)]
pub(super) enum Finish {
    /// Stored.
    Store,
    /// Added to something of the same shape.
    Add { to: *const f32, stride: usize },
    /// Multiplied by one vector for all rows, then added.
    Gated { to: *const f32, stride: usize, gate: *const f32 },
    /// The panel holds 16 columns and 16 that gate them: `silu(first) * second`, 16 columns are stored.
    SiluTimes,
    /// Snake per column.
    Snake { alpha: *const f32, inverse: *const f32 },
    /// Multiplied by one number a row.
    Scale { by: *const f32 },
}

/// One panel's work.
pub(super) struct Panel<'a> {
    /// First row of the left matrix.
    pub(super) a: *const f32,
    /// Between rows of `a`.
    pub(super) a_stride: usize,
    pub(super) rows: usize,
    /// A row is `span` numbers at each of these offsets; the panel's `k` runs over all of them in order.
    pub(super) taps: &'a [usize],
    pub(super) span: usize,
    /// `[taps * span][32]`.
    pub(super) b: *const f32,
    /// What sums start from: 32 numbers, or null for zeros.
    pub(super) start: *const f32,
    /// First output.
    pub(super) c: *mut f32,
    /// Between rows of `c`.
    pub(super) c_stride: usize,
    /// Columns that are stored, 1 to 32 (16 for [`Finish::SiluTimes`]).
    pub(super) columns: usize,
    pub(super) finish: Finish,
}

/// Multiplies.
///
/// # Safety
/// As [`Lanes`]; all pointers hold what the fields say; `c` overlaps nothing that is read, except the residual number
/// of the same place.
#[inline(always)]
pub(super) unsafe fn multiply<V: Lanes>(work: &Panel) {
    let pair = matches!(work.finish, Finish::SiluTimes);
    if pair || (V::WIDE && work.columns > LANES) {
        tiles::<V, 2>(work, 0);
    } else {
        tiles::<V, 1>(work, 0);
        if work.columns > LANES {
            tiles::<V, 1>(work, LANES);
        }
    }
}

#[inline(always)]
unsafe fn tiles<V: Lanes, const C: usize>(work: &Panel, column: usize) {
    let most = if C == 2 { V::ROWS_OF_TWO } else { V::ROWS_OF_ONE };
    let mut row = 0;
    while row < work.rows {
        row += match (work.rows - row).min(most) {
            12.. => tile::<V, 12, C>(work, row, column),
            8..=11 => tile::<V, 8, C>(work, row, column),
            6 | 7 => tile::<V, 6, C>(work, row, column),
            4 | 5 => tile::<V, 4, C>(work, row, column),
            3 => tile::<V, 3, C>(work, row, column),
            2 => tile::<V, 2, C>(work, row, column),
            _ => tile::<V, 1, C>(work, row, column),
        };
    }
}

/// `R` rows by `16 C` columns; returns `R`.
#[inline(always)]
unsafe fn tile<V: Lanes, const R: usize, const C: usize>(work: &Panel, row: usize, column: usize) -> usize {
    let mut sums = [[V::splat(0.0); C]; R];
    if !work.start.is_null() {
        for r in 0..R {
            for j in 0..C {
                sums[r][j] = V::load(work.start.add(column + LANES * j));
            }
        }
    }
    let mut b = work.b.add(column);
    for &tap in work.taps {
        let a = work.a.add(row * work.a_stride + tap);
        for k in 0..work.span {
            let mut right = [V::splat(0.0); C];
            for j in 0..C {
                right[j] = V::load(b.add(LANES * j));
            }
            b = b.add(PANEL);
            for r in 0..R {
                let left = V::splat(*a.add(r * work.a_stride + k));
                for j in 0..C {
                    sums[r][j] = left.fma(right[j], sums[r][j]);
                }
            }
        }
    }
    if matches!(work.finish, Finish::Store) && work.columns >= column + LANES * C {
        for r in 0..R {
            for j in 0..C {
                sums[r][j].store(work.c.add((row + r) * work.c_stride + column + LANES * j));
            }
        }
        return R;
    }
    // Through memory, and only here: an array that is walked at run time would not stay in registers above.
    let mut done = MaybeUninit::<[[V; C]; R]>::uninit();
    let done = done.as_mut_ptr().cast::<V>();
    for r in 0..R {
        for j in 0..C {
            done.add(r * C + j).write(sums[r][j]);
        }
    }
    let mut r = 0;
    while r < R {
        finish::<V, C>(work, row + r, column, done.add(r * C));
        r += 1;
    }
    R
}

#[inline(always)]
unsafe fn finish<V: Lanes, const C: usize>(work: &Panel, row: usize, column: usize, sums: *const V) {
    let c = work.c.add(row * work.c_stride);
    if let Finish::SiluTimes = work.finish {
        silu(*sums).mul(*sums.add(C - 1)).store_up_to(c, work.columns);
        return;
    }
    for j in 0..C {
        let at = column + LANES * j;
        let (count, sum) = (work.columns - at, *sums.add(j));
        let value = match work.finish {
            Finish::Store | Finish::SiluTimes => sum,
            Finish::Add { to, stride } => V::load_up_to(to.add(row * stride + at), count).add(sum),
            Finish::Gated { to, stride, gate } => {
                let before = V::load_up_to(to.add(row * stride + at), count);
                V::load_up_to(gate.add(at), count).fma(sum, before)
            }
            Finish::Snake { alpha, inverse } => {
                snake(sum, V::load_up_to(alpha.add(at), count), V::load_up_to(inverse.add(at), count))
            }
            Finish::Scale { by } => sum.mul(V::splat(*by.add(row))),
        };
        value.store_up_to(c.add(at), count);
    }
}
