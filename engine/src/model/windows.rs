//! Which frames of a long signal are encoded or decoded at a time. Pure index arithmetic.

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
    // Whole turns, so that the context before the start does not count below zero.
    let turns = context.div_ceil(total.max(1)) * total;
    let tile = |start: usize| {
        let first = (start + turns - context) % total;
        Tile { core: start..total.min(start + core), span: first..first + core + 2 * context }
    };
    (0..total.div_ceil(core.max(1))).map(|n| tile(n * core)).collect()
}

#[cfg(test)]
mod tests {
    //! Goal: tiles cover a signal once and carry the context that they promise.

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
}
