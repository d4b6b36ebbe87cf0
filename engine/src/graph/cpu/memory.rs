//! The memory of a plan on the host: an arena whose buffers [`layout`] has placed, and constants beside it.
//!
//! Inputs and outputs keep their place for good. Nothing here is allocated while a plan runs.
#![allow(unsafe_code)]

use std::sync::Arc;

use crate::graph::layout::{self, BufferId};
use crate::graph::view::Place;

/// Numbers of one cache line, the alignment of every buffer.
pub(super) const LINE: usize = 16;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Numbers that begin at a cache line.
#[derive(Clone, Debug)]
pub(super) struct Floats {
    lines: Vec<Line>,
    len: usize,
}

impl Floats {
    pub(super) fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; LINE]); len.div_ceil(LINE)], len }
    }

    pub(super) fn from_slice(numbers: &[f32]) -> Self {
        let mut out = Self::zeros(numbers.len());
        out.as_mut_slice().copy_from_slice(numbers);
        out
    }

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.lines.as_ptr().cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.lines.as_mut_ptr().cast()
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        // SAFETY: the lines hold at least `len` numbers without gaps (`repr(C)`, 16 numbers of 4 bytes in 64).
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr(), self.len) }
    }
}

/// A number in a buffer: where a value begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) buffer: BufferId,
    pub(super) offset: usize,
}

impl Place for Slot {
    fn plus(self, by: usize) -> Self {
        Self { offset: self.offset + by, ..self }
    }
}

/// The buffers of a plan that is being made.
#[derive(Debug, Default)]
pub(super) struct Layout {
    arena: layout::Layout,
    /// Buffers that are never written. They take no room of the arena.
    constants: Vec<(BufferId, Arc<Floats>)>,
}

/// Buffers at their places.
#[derive(Debug)]
pub(super) struct Memory {
    arena: Floats,
    starts: Vec<*mut f32>,
    /// Keeps the constants that `starts` points into.
    _constants: Vec<Arc<Floats>>,
}

// SAFETY: the pointers are into `arena` and `_constants`, which move with the value; constants are never written.
unsafe impl Send for Memory {}

impl Layout {
    /// A buffer of `len` numbers that nobody uses yet.
    pub(super) fn buffer(&mut self, len: usize) -> BufferId {
        self.arena.buffer(len)
    }

    /// A buffer that is never written.
    pub(super) fn constant(&mut self, numbers: Arc<Floats>) -> BufferId {
        let id = self.arena.buffer(0);
        self.constants.push((id, numbers));
        id
    }

    /// Whether steps may write the buffer.
    pub(super) fn is_arena(&self, id: BufferId) -> bool {
        self.constants.iter().all(|it| it.0 != id)
    }

    /// Says that `step` reads or writes the buffer.
    pub(super) fn used(&mut self, id: BufferId, step: usize) {
        self.arena.used(id, step);
    }

    /// Every buffer at its place.
    pub(super) fn place(self) -> Memory {
        let places = self.arena.place(LINE);
        let mut arena = Floats::zeros(places.len());
        let base = arena.as_mut_ptr();
        // SAFETY: every buffer lies inside the arena, whose length is the end of the last one.
        let mut starts: Vec<*mut f32> = places.offsets().map(|offset| unsafe { base.add(offset) }).collect();
        for (id, numbers) in &self.constants {
            starts[id.index()] = numbers.as_ptr().cast_mut();
        }
        Memory { arena, starts, _constants: self.constants.into_iter().map(|it| it.1).collect() }
    }
}

impl Memory {
    /// Where a value begins. Constants may only be read through it.
    pub(super) fn at(&self, slot: Slot) -> *mut f32 {
        self.starts[slot.buffer.index()].wrapping_add(slot.offset)
    }

    /// Numbers in the arena.
    pub(super) fn len(&self) -> usize {
        self.arena.as_slice().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_share_a_place_only_when_their_times_do_not_overlap() {
        let mut layout = Layout::default();
        let [a, b, c] = [40, 16, 32].map(|len| layout.buffer(len));
        for (id, first, last) in [(a, 0, 1), (b, 1, 2), (c, 2, 3)] {
            layout.used(id, first);
            layout.used(id, last);
        }
        let memory = layout.place();
        let place = |buffer| memory.at(Slot { buffer, offset: 0 }) as usize / 4;
        assert_eq!(place(c), place(a), "a is over when c begins");
        assert_eq!(place(b), place(a) + 48, "b lives beside both, after 40 numbers in whole lines");
        assert_eq!(memory.len(), 64);
    }
}
