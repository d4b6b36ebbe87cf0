//! Which row sits where in the network's batch.
//!
//! A row takes the lowest free seat at its birth and keeps it until its slot begins something else, so a ring that
//! shrinks gathers at the front and needs a smaller batch as its slots are born anew.

use super::parameters::ROWS;

/// Who sits where.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats {
    taken: [Option<usize>; ROWS],
}

impl Seats {
    /// Frees the seats of a slot.
    pub(super) fn leave(&mut self, slot: usize) {
        self.taken.iter_mut().filter(|it| **it == Some(slot)).for_each(|it| *it = None);
    }

    /// The lowest free seats for `count` rows of a slot, in ascending order; `None`, and nothing taken, when there are
    /// not as many.
    pub(super) fn take(&mut self, slot: usize, count: usize) -> Option<[usize; ROWS]> {
        let mut seats = [0; ROWS];
        let mut found = 0;
        for (seat, _) in self.taken.iter().enumerate().filter(|(_, it)| it.is_none()).take(count) {
            seats[found] = seat;
            found += 1;
        }
        if found < count {
            return None;
        }
        seats[..count].iter().for_each(|&seat| self.taken[seat] = Some(slot));
        Some(seats)
    }

    /// Seats that are free.
    pub(super) fn free(&self) -> usize {
        self.taken.iter().filter(|it| it.is_none()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_that_shrinks_gathers_at_the_front() {
        let mut seats = Seats::default();
        for slot in 0..8 {
            assert_eq!(seats.take(slot, 2).map(|it| it[..2].to_vec()), Some(vec![2 * slot, 2 * slot + 1]));
        }
        assert_eq!(seats.take(0, 1), None, "sixteen rows fill the batch");
        (0..8).for_each(|slot| seats.leave(slot));
        assert_eq!(seats.take(7, 1).map(|it| it[0]), Some(0));
        assert_eq!(seats.free(), ROWS - 1);
    }
}
