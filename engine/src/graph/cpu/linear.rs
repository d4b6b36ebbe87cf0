//! The step that multiplies rows with a packed matrix.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use std::sync::Arc;

use super::lanes::{Kernel, Lanes};
use super::memory::Slot;
use super::pack::Matrix;
use super::panel::{Finish, PANEL, Panel};
use super::step::{Rows, Stage, Step};

/// Products below which sharing the work costs more than it saves.
const WORTH_SHARING: usize = 100_000;

/// What follows the product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    Store,
    /// Added to rows of the output's shape.
    Add(Rows),
    /// Multiplied by a vector (one a group, this far apart), then added to rows of the output's shape.
    Gated(Rows, Slot, usize),
    /// The matrix holds pairs: SiLU of one column times the other.
    SiluTimes,
}

/// `y = ending(x matrix)`.
pub(super) struct Linear {
    matrix: Arc<Matrix>,
    x: Rows,
    y: Rows,
    ending: Ending,
    /// Rows of a task.
    row_chunk: usize,
    /// Panels of a task.
    panel_chunk: usize,
}

impl Linear {
    pub(super) fn new(matrix: Arc<Matrix>, x: Rows, y: Rows, ending: Ending, threads: usize) -> Self {
        let (mut x, mut y, mut ending) = (x, y, ending);
        let even = match ending {
            Ending::Add(to) => to.is_even(),
            Ending::Gated(..) => false,
            Ending::Store | Ending::SiluTimes => true,
        };
        if even && x.is_even() && y.is_even() {
            (x, y) = (x.joined(), y.joined());
            if let Ending::Add(to) = &mut ending {
                *to = to.joined();
            }
        }
        let (rows, panels) = (x.rows, matrix.panels());
        let products = x.outer * rows * matrix.k * matrix.n;
        let (mut row_chunk, mut panel_chunk) = (rows.max(1), panels.max(1));
        if threads > 1 && products > WORTH_SHARING {
            if x.outer * rows >= 48 * threads {
                row_chunk = (x.outer * rows).div_ceil(6 * threads).next_multiple_of(12).clamp(24, 192);
            } else {
                panel_chunk = panels.div_ceil(3 * threads).max(1);
            }
        }
        Self { matrix, x, y, ending, row_chunk, panel_chunk }
    }
}

impl Step for Linear {
    fn run(&self, stage: &Stage<'_>) {
        let (to, gate, gate_stride) = match self.ending {
            Ending::Add(to) => (Some(to), None, 0),
            Ending::Gated(to, gate, stride) => (Some(to), Some(gate), stride),
            Ending::Store | Ending::SiluTimes => (None, None, 0),
        };
        let kernel = Product {
            step: self,
            x: stage.at(self.x.slot),
            y: stage.at(self.y.slot),
            to: to.map_or(std::ptr::null(), |it| stage.at(it.slot)),
            to_strides: to.map_or((0, 0), |it| (it.outer_stride, it.stride)),
            gate: gate.map_or(std::ptr::null(), |it| stage.at(it)),
            gate_stride,
            row_chunks: self.x.rows.div_ceil(self.row_chunk),
            panel_chunks: self.matrix.panels().div_ceil(self.panel_chunk),
        };
        let tasks = self.x.outer * kernel.row_chunks * kernel.panel_chunks;
        // SAFETY: the plan placed all rows; tasks write different rows or different columns.
        unsafe { stage.spread(&kernel, tasks) };
    }

    fn scratch(&self) -> usize {
        self.matrix.scratch()
    }
}

struct Product<'a> {
    step: &'a Linear,
    x: *const f32,
    y: *mut f32,
    to: *const f32,
    to_strides: (usize, usize),
    gate: *const f32,
    gate_stride: usize,
    row_chunks: usize,
    panel_chunks: usize,
}

// SAFETY: tasks read what nobody writes meanwhile and write apart from each other.
unsafe impl Sync for Product<'_> {}

impl Kernel for Product<'_> {
    #[inline(always)]
    unsafe fn task<V: Lanes>(&self, task: usize, scratch: *mut f32) {
        let Linear { matrix, x, y, ending, row_chunk, panel_chunk } = self.step;
        let (panels, rest) = (task % self.panel_chunks, task / self.panel_chunks);
        let (first, outer) = (rest % self.row_chunks * row_chunk, rest / self.row_chunks);
        let rows = (*row_chunk).min(x.rows - first);
        for panel in panels * panel_chunk..((panels + 1) * panel_chunk).min(matrix.panels()) {
            let column = panel * matrix.panel_columns();
            let to = self.to.wrapping_add(outer * self.to_strides.0 + first * self.to_strides.1 + column);
            let stride = self.to_strides.1;
            let finish = match ending {
                Ending::Store => Finish::Store,
                Ending::SiluTimes => Finish::SiluTimes,
                Ending::Add(_) => Finish::Add { to, stride },
                Ending::Gated(..) => {
                    Finish::Gated { to, stride, gate: self.gate.wrapping_add(outer * self.gate_stride + column) }
                }
            };
            V::panel(&Panel {
                a: self.x.wrapping_add(outer * x.outer_stride + first * x.stride),
                a_stride: x.stride,
                rows,
                taps: &[0],
                span: matrix.k,
                b: matrix.panel::<V>(panel, scratch),
                start: matrix.start(panel),
                c: self.y.wrapping_add(outer * y.outer_stride + first * y.stride + column),
                c_stride: y.stride,
                columns: matrix.columns_of(panel),
                finish,
            });
            debug_assert!(column + matrix.columns_of(panel) <= matrix.n && panel * PANEL < usize::MAX);
        }
    }
}
