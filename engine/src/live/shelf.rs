//! Things that slots in flight share and that come back when the last slot lets go.
//!
//! A slot is born with its own source, structure and condition tokens, mixed from the knobs of that moment. The tick
//! thread must not allocate, so these mixes live on a shelf of fixed things: one is free again when only the shelf still
//! holds it. A shelf is longer than everything that can be in flight, so it runs dry only by a fault.

use std::sync::Arc;

/// A shelf of equal things.
#[derive(Debug)]
pub struct Shelf<T: ?Sized> {
    things: Vec<Arc<T>>,
    next: usize,
}

impl Shelf<[f32]> {
    /// `count` buffers of `len` numbers.
    #[must_use]
    pub fn of_buffers(count: usize, len: usize) -> Self {
        Self::new((0..count).map(|_| Arc::from(vec![0.0; len])))
    }
}

impl<T: ?Sized> Shelf<T> {
    /// A shelf of these things, none of which may be shared already.
    pub fn new(things: impl Iterator<Item = Arc<T>>) -> Self {
        Self { things: things.collect(), next: 0 }
    }

    /// Writes a free thing, in turn, and hands it out; `None` when all are in use. Does not allocate.
    pub fn fill(&mut self, write: impl FnOnce(&mut T)) -> Option<Arc<T>> {
        let count = self.things.len();
        let mut places = (0..count).map(|step| (self.next + step) % count);
        let free = places.find(|&at| Arc::strong_count(&self.things[at]) == 1)?;
        write(Arc::get_mut(&mut self.things[free])?);
        self.next = (free + 1) % count;
        Some(Arc::clone(&self.things[free]))
    }

    /// Changes every thing that is free.
    pub fn for_each_free(&mut self, change: impl FnMut(&mut T)) {
        self.things.iter_mut().filter_map(Arc::get_mut).for_each(change);
    }

    /// Whether every thing is free.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.things.iter().all(|it| Arc::strong_count(it) == 1)
    }
}

/// `out = (1 - share) a + share b`, all equally long.
pub(crate) fn mix(out: &mut [f32], a: &[f32], b: &[f32], share: f32) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        // Exact at both ends: a knob at rest must not leave a rounding trace of the other side.
        *out = (1.0 - share) * a + share * b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_in_use_is_never_written() {
        let mut shelf = Shelf::of_buffers(2, 1);
        let first = shelf.fill(|it| it[0] = 1.0).expect("two are free");
        let second = shelf.fill(|it| it[0] = 2.0).expect("one is free");
        assert!(shelf.fill(|it| it[0] = 3.0).is_none(), "both are in use");
        drop(first);
        let third = shelf.fill(|it| it[0] = 4.0).expect("the first came back");
        assert_eq!((second[0], third[0]), (2.0, 4.0));
    }

    #[test]
    fn things_go_round_so_that_what_was_let_go_last_is_written_last() {
        let mut shelf = Shelf::of_buffers(3, 1);
        let mut next = || Arc::as_ptr(&shelf.fill(|_| ()).expect("all are free")).cast::<f32>();
        let first_lap = [next(), next(), next()];
        assert!(first_lap[0] != first_lap[1] && first_lap[1] != first_lap[2] && first_lap[2] != first_lap[0]);
        assert_eq!([next(), next(), next()], first_lap);
    }

    #[test]
    fn a_mix_at_either_end_is_exactly_that_side() {
        let mut out = [9.0; 3];
        mix(&mut out, &[0.1, 0.2, 0.3], &[0.7, 0.8, 0.9], 0.0);
        assert_eq!(out, [0.1, 0.2, 0.3]);
        mix(&mut out, &[0.1, 0.2, 0.3], &[0.7, 0.8, 0.9], 1.0);
        assert_eq!(out, [0.7, 0.8, 0.9]);
    }
}
