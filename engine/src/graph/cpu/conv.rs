//! Convolutions over time, with what stands before and after them in one pass over a piece of time.
//!
//! A task copies its piece of the input with the frames around it into a thread's scratch (through snake when one
//! precedes), where a convolution is a matrix product whose rows overlap. A second convolution of one frame may follow
//! (through snake again), and a residual: a whole residual unit then reads and writes memory once. A transposed
//! convolution is the same with `stride` output frames a row ([`super::pack::Form::Transposed`]).
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use std::sync::Arc;

use super::functions::snake;
use super::lanes::{Kernel, LANES, Lanes};
use super::memory::Slot;
use super::pack::Matrix;
use super::panel::{Finish, Panel};
use super::step::{Rows, Stage, Step, lines};

/// Scratch that a task aims at: well inside a second-level cache, with the panels beside it.
const SCRATCH: usize = 32 * 1024;

/// Factors of a snake, padded to whole panels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Snake {
    pub(super) alpha: Slot,
    pub(super) inverse: Slot,
}

/// How a convolution walks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Walk {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) dilation: usize,
}

/// `y = residual + second(snake(first(snake(x))))`, all but `first` optional.
pub(super) struct Conv {
    pub(super) x: Rows,
    /// Channels of `x`.
    pub(super) channels: usize,
    pub(super) before: Option<Snake>,
    pub(super) first: Arc<Matrix>,
    pub(super) walk: Walk,
    pub(super) between: Option<Snake>,
    pub(super) second: Option<Arc<Matrix>>,
    pub(super) residual: Option<Rows>,
    pub(super) y: Rows,
    taps: Vec<usize>,
    span: usize,
    /// Output rows of a task.
    piece: usize,
}

impl Conv {
    /// The plain convolution; what precedes and follows is set afterwards.
    pub(super) fn new(first: Arc<Matrix>, walk: Walk, x: Rows, channels: usize, y: Rows, threads: usize) -> Self {
        // Taps that follow each other are one run of numbers.
        let (taps, span) = match walk.dilation {
            1 => (vec![0], walk.kernel * channels),
            dilation => ((0..walk.kernel).map(|tap| tap * dilation * channels).collect(), channels),
        };
        let per_row = (walk.stride * channels + first.n).max(1);
        let fitting = (SCRATCH / per_row).max(24);
        let fair = (y.outer * y.rows).div_ceil(4 * threads).max(24);
        let piece = fitting.min(fair).next_multiple_of(12);
        let (before, between, second, residual) = (None, None, None, None);
        Self { x, channels, before, first, walk, between, second, residual, y, taps, span, piece }
    }

    /// Input frames that a piece reads.
    fn reach(&self) -> usize {
        (self.piece - 1) * self.walk.stride + (self.walk.kernel - 1) * self.walk.dilation + 1
    }
}

impl Step for Conv {
    fn run(&self, stage: &Stage<'_>) {
        let snake =
            |it: Option<Snake>| it.map(|it| (stage.at(it.alpha).cast_const(), stage.at(it.inverse).cast_const()));
        let kernel = Pieces {
            step: self,
            x: stage.at(self.x.slot),
            y: stage.at(self.y.slot),
            before: snake(self.before),
            between: snake(self.between),
            residual: self.residual.map(|it| stage.at(it.slot).cast_const()),
            pieces: self.y.rows.div_ceil(self.piece),
        };
        // SAFETY: the plan placed all rows; pieces write different rows, and `y` is never `x` or shared with it.
        unsafe { stage.spread(&kernel, self.y.outer * kernel.pieces) };
    }

    fn scratch(&self) -> usize {
        let widest = self.second.as_ref().map_or(0, |it| it.scratch()).max(self.first.scratch());
        let middle = if self.second.is_some() { self.piece * self.first.n } else { 0 };
        lines(self.reach() * self.channels) + lines(middle) + widest
    }
}

struct Pieces<'a> {
    step: &'a Conv,
    x: *const f32,
    y: *mut f32,
    before: Option<(*const f32, *const f32)>,
    between: Option<(*const f32, *const f32)>,
    residual: Option<*const f32>,
    pieces: usize,
}

// SAFETY: tasks read what nobody writes meanwhile and write apart from each other.
unsafe impl Sync for Pieces<'_> {}

impl Kernel for Pieces<'_> {
    #[inline(always)]
    unsafe fn task<V: Lanes>(&self, task: usize, scratch: *mut f32) {
        let Conv { x, channels, walk, first, second, y, .. } = self.step;
        let (outer, start) = (task / self.pieces, task % self.pieces * self.step.piece);
        let rows = self.step.piece.min(y.rows - start);
        let middle = scratch.add(lines(self.step.reach() * channels));
        let widened = middle.add(if second.is_some() { lines(self.step.piece * first.n) } else { 0 });
        let frames = (rows - 1) * walk.stride + (walk.kernel - 1) * walk.dilation + 1;
        let from = (start * walk.stride) as isize - walk.padding as isize;
        self.fetch::<V>(self.x.wrapping_add(outer * x.outer_stride), from, frames, scratch);

        let out = self.y.wrapping_add(outer * y.outer_stride + start * y.stride);
        let residual = self.residual.zip(self.step.residual);
        let residual =
            residual.map(|(at, it)| (at.wrapping_add(outer * it.outer_stride + start * it.stride), it.stride));
        let last = |column: usize| match residual {
            Some((to, stride)) => Finish::Add { to: to.wrapping_add(column), stride },
            None => Finish::Store,
        };
        let (to, to_stride) = if second.is_some() { (middle, first.n) } else { (out, y.stride) };
        for panel in 0..first.panels() {
            let column = panel * first.panel_columns();
            let finish = match (self.between, second) {
                (Some((alpha, inverse)), _) => {
                    Finish::Snake { alpha: alpha.wrapping_add(column), inverse: inverse.wrapping_add(column) }
                }
                (None, Some(_)) => Finish::Store,
                (None, None) => last(column),
            };
            V::panel(&Panel {
                a: scratch,
                a_stride: walk.stride * channels,
                rows,
                taps: &self.step.taps,
                span: self.step.span,
                b: first.panel::<V>(panel, widened),
                start: first.start(panel),
                c: to.wrapping_add(column),
                c_stride: to_stride,
                columns: first.columns_of(panel),
                finish,
            });
        }
        let Some(second) = second else { return };
        for panel in 0..second.panels() {
            let column = panel * second.panel_columns();
            V::panel(&Panel {
                a: middle,
                a_stride: first.n,
                rows,
                taps: &[0],
                span: second.k,
                b: second.panel::<V>(panel, widened),
                start: second.start(panel),
                c: out.wrapping_add(column),
                c_stride: y.stride,
                columns: second.columns_of(panel),
                finish: last(column),
            });
        }
    }
}

impl Pieces<'_> {
    /// Frames `from..from + frames` of the input, through the snake, zeros where there is no input.
    #[inline(always)]
    unsafe fn fetch<V: Lanes>(&self, x: *const f32, from: isize, frames: usize, to: *mut f32) {
        let (channels, have) = (self.step.channels, self.step.x.rows as isize);
        let mut frame = 0;
        while frame < frames {
            let (at, to) = (from + frame as isize, to.add(frame * channels));
            frame += 1;
            if at < 0 || have <= at {
                std::ptr::write_bytes(to, 0, channels);
                continue;
            }
            let row = x.add(at as usize * self.step.x.stride);
            let Some((alpha, inverse)) = self.before else {
                std::ptr::copy_nonoverlapping(row, to, channels);
                continue;
            };
            let mut c = 0;
            while c < channels {
                let count = channels - c;
                let value = V::load_up_to(row.add(c), count);
                snake(value, V::load(alpha.add(c)), V::load(inverse.add(c))).store_up_to(to.add(c), count);
                c += LANES;
            }
        }
    }
}
