//! Which frames of a long signal are encoded or decoded at a time, and how they are read where the signal is a loop. Pure index
//! arithmetic and copies.

use std::ops::Range;

/// One tile of a long signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// What is kept.
    pub core: Range<usize>,
    /// What is computed. On a loop it counts on past the end, where the start follows.
    pub span: Range<usize>,
}

/// The exact tiling for one compiled length: every tile computes `core + 2 context` units, shifted inward at the ends so
/// that nothing is ever computed beyond them; short signals are one tile.
#[must_use]
pub fn exact_tiles(total: usize, core: usize, context: usize) -> Vec<Tile> {
    let span = core + 2 * context;
    if total <= span {
        return vec![Tile { core: 0..total, span: 0..total }];
    }
    let tile = |start: usize| {
        let end = total.min(start + core);
        let first = start.saturating_sub(context).min(total - span);
        Tile { core: start..end, span: first..first + span }
    };
    (0..total.div_ceil(core)).map(|n| tile(n * core)).collect()
}

/// The exact tiling of a loop: every tile computes `core + 2 context` units, of which the first and last `context` are
/// context, taken around the seam where there is one (several times, where the loop is short).
#[must_use]
pub fn joined_tiles(total: usize, core: usize, context: usize) -> Vec<Tile> {
    let core = core.min(total);
    let tile = |start: usize| {
        let first = before(start, context, total);
        Tile { core: start..total.min(start + core), span: first..first + core + 2 * context }
    };
    (0..total.div_ceil(core.max(1))).map(|n| tile(n * core)).collect()
}

/// The place `by` units before `place` on a loop of `total`, however often that goes round it.
///
/// # Panics
/// When the loop is empty.
#[must_use]
pub fn before(place: usize, by: usize, total: usize) -> usize {
    // Whole turns back, so that it does not count below zero.
    (place + by.div_ceil(total) * total - by) % total
}

/// Fills `out` with what a loop of `total` numbers holds from number `from` on, which may lie past its end, as often round the
/// seam as it takes. What `there` does not fill of the loop is zero.
///
/// # Panics
/// When the loop is empty and `out` is not.
pub fn read_around<T: Copy + Default>(there: &[T], total: usize, from: usize, mut out: &mut [T]) {
    let mut at = from;
    while !out.is_empty() {
        let place = at % total;
        let (now, later) = out.split_at_mut((total - place).min(out.len()));
        let there = &there[place.min(there.len())..(place + now.len()).min(there.len())];
        now[..there.len()].copy_from_slice(there);
        now[there.len()..].fill(T::default());
        (at, out) = (at + now.len(), later);
    }
}

#[cfg(test)]
mod tests {
    //! Goal: tiles cover a signal once and carry the context that they promise; a loop is read as one.

    use super::*;

    #[test]
    fn exact_tiles_cover_every_unit_once_with_full_context_and_one_length() {
        for total in 1..200 {
            let tiles = exact_tiles(total, 20, 9);
            let mut at = 0;
            for Tile { core, span } in &tiles {
                assert_eq!(core.start, at, "no gap and no overlap at {at} of {total}");
                at = core.end;
                let left = core.start - span.start;
                assert!(span.start == 0 || 9 <= left, "{core:?} in {span:?} of {total}");
                assert!(span.end == total || 9 <= span.end - core.end, "{core:?} in {span:?} of {total}");
                assert!(tiles.len() == 1 || span.len() == 38, "{span:?} of {total}");
            }
            assert_eq!(at, total);
        }
    }

    #[test]
    fn joined_tiles_cover_every_unit_once_with_full_context_on_both_sides() {
        for total in 1..200 {
            let mut at = 0;
            for Tile { core, span } in joined_tiles(total, 20, 9) {
                assert_eq!(core.start, at, "no gap and no overlap at {at} of {total}");
                at = core.end;
                assert_eq!((span.start + 9) % total, core.start, "{core:?} in {span:?} of {total}");
                assert_eq!(span.len(), 20.min(total) + 18, "{span:?} of {total}");
            }
            assert_eq!(at, total);
        }
        assert_eq!(joined_tiles(0, 20, 9), []);
    }

    #[test]
    fn a_loop_goes_round_on_both_sides_as_often_as_it_takes() {
        assert_eq!([0, 2, 5, 12].map(|by| before(1, by, 5)), [1, 4, 1, 4]);
        assert_eq!([before(11, 0, 5), before(11, 2, 5)], [1, 4], "a place past the seam is a place of the loop");
        let mut heard = [9; 9];
        read_around(&[1, 2, 3], 4, 6, &mut heard);
        assert_eq!(heard, [3, 0, 1, 2, 3, 0, 1, 2, 3], "the fourth place is not filled");
    }
}
