//! What a plan is made of: steps that run one after the other, each spread over the pool by itself.

use super::lanes::{Isa, Kernel, on};
use super::memory::{LINE, Memory, Slot};
use super::pool::Pool;

/// One step of a plan. Everything it needs was decided when it was made.
pub(super) trait Step: Send {
    /// Computes. Allocates nothing.
    fn run(&self, stage: &Stage<'_>);

    /// Scratch numbers that each thread needs.
    fn scratch(&self) -> usize {
        0
    }
}

/// Where steps run.
pub(super) struct Stage<'a> {
    pub(super) memory: &'a Memory,
    pub(super) pool: &'a Pool,
    /// Scratch of all seats, one after the other.
    pub(super) scratch: *mut f32,
    /// Numbers of one seat's scratch.
    pub(super) seat: usize,
    /// How much of each named axis is in use.
    pub(super) lengths: &'a [usize],
}

/// Scratch that threads find by their seat.
#[derive(Clone, Copy)]
struct Seats {
    scratch: *mut f32,
    seat: usize,
}

// SAFETY: every seat is one thread's at a time (`Pool::run`), and seats do not overlap.
#[allow(unsafe_code)]
unsafe impl Sync for Seats {}

impl Seats {
    fn of(&self, seat: usize) -> *mut f32 {
        self.scratch.wrapping_add(seat * self.seat)
    }
}

impl Stage<'_> {
    /// Spreads a kernel over the pool.
    ///
    /// # Safety
    /// The kernel's pointers are into this stage's memory, tasks write nothing that another task reads or writes, and
    /// the step's scratch was counted.
    #[allow(unsafe_code)]
    pub(super) unsafe fn spread<K: Kernel>(&self, kernel: &K, tasks: usize) {
        let (isa, seats): (Isa, Seats) = (self.pool.isa(), Seats { scratch: self.scratch, seat: self.seat });
        // SAFETY: the pool's instruction set is here, and the rest is the caller's promise.
        self.pool.run(tasks, &|task, seat| unsafe { on(isa, kernel, task, seats.of(seat)) });
    }

    pub(super) fn at(&self, slot: Slot) -> *mut f32 {
        self.memory.at(slot)
    }
}

/// Rows of numbers in memory: `outer` groups of `rows` rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rows {
    pub(super) slot: Slot,
    pub(super) outer: usize,
    pub(super) outer_stride: usize,
    pub(super) rows: usize,
    pub(super) stride: usize,
}

impl Rows {
    /// Whether the groups follow each other as if they were one.
    pub(super) fn is_even(&self) -> bool {
        self.outer == 1 || self.outer_stride == self.rows * self.stride
    }

    /// All rows as one group; only for even ones.
    pub(super) fn joined(self) -> Self {
        Self { outer: 1, outer_stride: 0, rows: self.outer * self.rows, ..self }
    }
}

/// A length in whole cache lines, so that scratch areas after each other stay aligned.
pub(super) fn lines(len: usize) -> usize {
    len.next_multiple_of(LINE)
}
