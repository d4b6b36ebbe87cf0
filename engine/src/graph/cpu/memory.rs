//! Where the values of a plan live: one arena, every buffer at a place that is fixed when the plan is compiled.
//!
//! A buffer is needed from the step that writes it to the last step that reads it; buffers whose times do not overlap
//! share their place. Inputs and outputs keep theirs for good. Nothing here is done while a plan runs.
#![allow(unsafe_code)]

use std::sync::Arc;

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

/// A buffer of a plan, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BufferId(pub(super) usize);

/// A number in a buffer: where a value begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) buffer: BufferId,
    pub(super) offset: usize,
}

impl Slot {
    /// `by` numbers further.
    pub(super) fn plus(self, by: usize) -> Self {
        Self { offset: self.offset + by, ..self }
    }
}

#[derive(Debug)]
enum Buffer {
    /// In the arena from step `first` to step `last`, both included.
    Arena {
        len: usize,
        first: usize,
        last: usize,
    },
    Constant(Arc<Floats>),
}

/// The buffers of a plan that is being made.
#[derive(Debug, Default)]
pub(super) struct Layout {
    buffers: Vec<Buffer>,
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
        self.buffers.push(Buffer::Arena { len, first: usize::MAX, last: 0 });
        BufferId(self.buffers.len() - 1)
    }

    /// A buffer that is never written.
    pub(super) fn constant(&mut self, numbers: Arc<Floats>) -> BufferId {
        self.buffers.push(Buffer::Constant(numbers));
        BufferId(self.buffers.len() - 1)
    }

    /// Whether steps may write the buffer.
    pub(super) fn is_arena(&self, id: BufferId) -> bool {
        matches!(self.buffers[id.0], Buffer::Arena { .. })
    }

    /// Says that `step` reads or writes the buffer.
    pub(super) fn used(&mut self, id: BufferId, step: usize) {
        if let Buffer::Arena { first, last, .. } = &mut self.buffers[id.0] {
            *first = step.min(*first);
            *last = step.max(*last);
        }
    }

    /// Places every buffer: the largest first, each at the lowest place free during its time.
    pub(super) fn place(self) -> Memory {
        let mut order: Vec<usize> = (0..self.buffers.len()).collect();
        let size = |id: usize| match &self.buffers[id] {
            Buffer::Arena { len, .. } => *len,
            Buffer::Constant(_) => 0,
        };
        order.sort_by_key(|&id| std::cmp::Reverse(size(id)));
        let mut placed: Vec<(usize, usize, usize, usize)> = Vec::new();
        let mut offsets = vec![0; self.buffers.len()];
        for id in order {
            let Buffer::Arena { len, first, last } = self.buffers[id] else { continue };
            let len = len.next_multiple_of(LINE);
            let mut busy: Vec<(usize, usize)> = placed
                .iter()
                .filter(|(_, _, from, to)| *from <= last && first <= *to)
                .map(|&(start, end, ..)| (start, end))
                .collect();
            busy.sort_unstable();
            let mut at = 0;
            for (start, end) in busy {
                if at + len <= start {
                    break;
                }
                at = at.max(end);
            }
            offsets[id] = at;
            placed.push((at, at + len, first, last));
        }
        let total = placed.iter().map(|it| it.1).max().unwrap_or(0);
        let mut arena = Floats::zeros(total);
        let base = arena.as_mut_ptr();
        let starts = self.buffers.iter().zip(&offsets).map(|(buffer, &offset)| match buffer {
            // SAFETY: every buffer lies inside the arena, whose length is the end of the last one.
            Buffer::Arena { .. } => unsafe { base.add(offset) },
            Buffer::Constant(numbers) => numbers.as_ptr().cast_mut(),
        });
        let starts = starts.collect();
        let constants = self.buffers.into_iter().filter_map(|it| match it {
            Buffer::Constant(numbers) => Some(numbers),
            Buffer::Arena { .. } => None,
        });
        Memory { arena, starts, _constants: constants.collect() }
    }
}

impl Memory {
    /// Where a value begins. Constants may only be read through it.
    pub(super) fn at(&self, slot: Slot) -> *mut f32 {
        self.starts[slot.buffer.0].wrapping_add(slot.offset)
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
