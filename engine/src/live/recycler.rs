//! Buffers that slots in flight share and that come back when the last slot lets go.
//!
//! A slot is born with its own source, structure and condition tokens, mixed from the knobs of that moment. The tick
//! thread must not allocate, so these mixes live on a shelf of fixed buffers: one is free again when only the shelf
//! still holds it. The shelf is longer than everything that can be in flight, so it runs dry only by a fault.

use std::sync::Arc;

/// A shelf of equal buffers.
#[derive(Debug)]
pub struct Recycler {
    shelf: Vec<Arc<[f32]>>,
    next: usize,
}

impl Recycler {
    /// `count` buffers of `len` numbers.
    #[must_use]
    pub fn new(count: usize, len: usize) -> Self {
        Self { shelf: (0..count).map(|_| Arc::from(vec![0.0; len])).collect(), next: 0 }
    }

    /// Numbers in one buffer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shelf.first().map_or(0, |it| it.len())
    }

    /// Whether the shelf has no buffers, or empty ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes a free buffer and hands it out; `None` when all are in use. Does not allocate.
    pub fn fill(&mut self, write: impl FnOnce(&mut [f32])) -> Option<Arc<[f32]>> {
        let count = self.shelf.len();
        let free = (0..count).map(|step| (self.next + step) % count).find(|&at| Arc::strong_count(&self.shelf[at]) == 1)?;
        write(Arc::get_mut(&mut self.shelf[free])?);
        self.next = (free + 1) % count;
        Some(Arc::clone(&self.shelf[free]))
    }
}

/// `out = a + share (b - a)`; where one is shorter, zeros stand in for it.
pub(crate) fn mix(out: &mut [f32], a: &[f32], b: &[f32], share: f32) {
    let at = |side: &[f32], index: usize| side.get(index).copied().unwrap_or(0.0);
    for (index, value) in out.iter_mut().enumerate() {
        // Exact at both ends: a knob at rest must not leave a rounding trace of the other side.
        *value = (1.0 - share) * at(a, index) + share * at(b, index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_in_use_is_never_written() {
        let mut shelf = Recycler::new(2, 1);
        let first = shelf.fill(|it| it[0] = 1.0).expect("two are free");
        let second = shelf.fill(|it| it[0] = 2.0).expect("one is free");
        assert!(shelf.fill(|it| it[0] = 3.0).is_none(), "both are in use");
        drop(first);
        let third = shelf.fill(|it| it[0] = 4.0).expect("the first came back");
        assert_eq!((second[0], third[0]), (2.0, 4.0));
    }

    #[test]
    fn a_mix_at_either_end_is_exactly_that_side() {
        let mut out = [9.0; 3];
        mix(&mut out, &[0.1, 0.2, 0.3], &[0.7], 0.0);
        assert_eq!(out, [0.1, 0.2, 0.3]);
        mix(&mut out, &[0.1, 0.2, 0.3], &[0.7], 1.0);
        assert_eq!(out, [0.7, 0.0, 0.0]);
    }
}
