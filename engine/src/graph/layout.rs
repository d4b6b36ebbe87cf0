//! Where the values of a plan live: one arena, every buffer at a place that is fixed when the plan is compiled.
//!
//! A buffer is needed from the step that writes it to the last step that reads it; buffers whose times do not overlap share
//! their place. Lengths are in whatever the lowering counts its memory in. Nothing here is done while a plan runs.

/// A buffer of a plan, by number, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BufferId(usize);

impl BufferId {
    /// Its number.
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

#[derive(Clone, Copy, Debug)]
struct Needed {
    len: usize,
    /// Steps, both included.
    first: usize,
    last: usize,
}

/// Buffers as they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    buffers: Vec<Needed>,
}

impl Layout {
    /// A buffer that nobody uses yet.
    pub(crate) fn buffer(&mut self, len: usize) -> BufferId {
        self.buffers.push(Needed { len, first: usize::MAX, last: 0 });
        BufferId(self.buffers.len() - 1)
    }

    /// Says that `step` reads or writes the buffer.
    pub(crate) fn used(&mut self, id: BufferId, step: usize) {
        let it = &mut self.buffers[id.0];
        (it.first, it.last) = (it.first.min(step), it.last.max(step));
    }

    /// Places every buffer at a multiple of `alignment`: the largest first, each at the lowest place that is free during its
    /// time.
    pub(crate) fn place(&self, alignment: usize) -> Places {
        let mut order: Vec<usize> = (0..self.buffers.len()).collect();
        order.sort_by_key(|&id| std::cmp::Reverse(self.buffers[id].len));
        let mut offsets = vec![0; self.buffers.len()];
        let mut placed: Vec<(usize, usize, Needed)> = Vec::new();
        for id in order {
            let it = self.buffers[id];
            let len = it.len.next_multiple_of(alignment);
            let busy = placed.iter().filter(|(_, _, other)| other.first <= it.last && it.first <= other.last);
            let mut busy: Vec<(usize, usize)> = busy.map(|&(start, end, _)| (start, end)).collect();
            busy.sort_unstable();
            let mut at = 0;
            for (start, end) in busy {
                if at + len <= start {
                    break;
                }
                at = at.max(end);
            }
            offsets[id] = at;
            placed.push((at, at + len, it));
        }
        Places { offsets, len: placed.iter().map(|it| it.1).max().unwrap_or(0) }
    }
}

/// Buffers at their places in an arena.
#[derive(Debug)]
pub(crate) struct Places {
    offsets: Vec<usize>,
    len: usize,
}

impl Places {
    /// Length of the arena.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Of every buffer, by its number, from the arena's begin.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = usize> {
        self.offsets.iter().copied()
    }

    /// From the arena's begin.
    pub(crate) fn offset(&self, id: BufferId) -> usize {
        self.offsets[id.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_share_a_place_only_when_their_times_do_not_overlap() {
        let mut layout = Layout::default();
        let [a, b, c] = [1000, 256, 700].map(|len| layout.buffer(len));
        for (id, first, last) in [(a, 0, 1), (b, 1, 2), (c, 2, 3)] {
            layout.used(id, first);
            layout.used(id, last);
        }
        let places = layout.place(256);
        assert_eq!(places.offset(c), places.offset(a), "a is over when c begins");
        assert_eq!(places.offset(b), places.offset(a) + 1024, "b lives beside both");
        assert_eq!(places.len(), 1280);
    }
}
