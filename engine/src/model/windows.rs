//! Which frames the published engine decodes or encodes at a time. Pure index arithmetic.
//!
//! Our own windows are exact by construction and live in `playback` and [`super::codec`]; these laws are here because the
//! golden vectors were made with them, and because their tiles are what long recordings are compared with.

use std::ops::Range;

use crate::latent::LATENT_FRAMES_PER_SECOND;

/// Shortest and longest window that the published engine keeps, in seconds.
const PUBLISHED_WINDOW_S: (f64, f64) = (0.04, 0.36);
/// Latent frames that it decodes at a time, whatever it keeps.
const PUBLISHED_SPAN: usize = 25;

/// A windowed decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First frame that is kept.
    pub keep_start: usize,
    /// Frames that are kept.
    pub keep_frames: usize,
    /// First frame that is decoded; before 0 or past the end it is taken from the other end of the loop.
    pub decode_start: isize,
    /// Frames that are decoded.
    pub decode_frames: usize,
}

/// The published window over a latent of `frames` frames. It decodes one second and keeps the middle.
#[must_use]
pub fn published(frames: usize, start_s: f64, window_s: f64, cyclic: bool) -> Window {
    let per_second = LATENT_FRAMES_PER_SECOND as f64;
    let window_s = window_s.clamp(PUBLISHED_WINDOW_S.0, PUBLISHED_WINDOW_S.1);
    let wanted = ((window_s * per_second) as usize).clamp(1, PUBLISHED_SPAN);
    if frames <= wanted {
        return Window { keep_start: 0, keep_frames: frames, decode_start: 0, decode_frames: frames };
    }
    let keep_end = frames.min((start_s * per_second) as usize + wanted);
    let keep_start = keep_end - wanted;
    let ideal = keep_start as isize - ((PUBLISHED_SPAN - wanted) / 2) as isize;
    let (decode_start, decode_frames) = if cyclic {
        (ideal, PUBLISHED_SPAN)
    } else {
        let last = frames as isize - PUBLISHED_SPAN as isize;
        (ideal.min(last).max(0), PUBLISHED_SPAN.min(frames))
    };
    Window { keep_start, keep_frames: wanted, decode_start, decode_frames }
}

/// One tile of a long signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// What is kept.
    pub core: Range<usize>,
    /// What is computed. On a loop it counts on past the end, where the start follows.
    pub span: Range<usize>,
}

/// The published tiling: steps of `chunk - 2 overlap`, `overlap` more on either side where there is any. `None` when
/// the overlap leaves nothing to keep.
#[must_use]
pub fn tiles(total: usize, chunk: usize, overlap: usize) -> Option<Vec<Tile>> {
    if total <= chunk {
        return Some(vec![Tile { core: 0..total, span: 0..total }]);
    }
    let step = chunk.checked_sub(2 * overlap).filter(|it| 0 < *it)?;
    let tile = |start: usize| {
        let end = total.min(start + step);
        Tile { core: start..end, span: start.saturating_sub(overlap)..total.min(end + overlap) }
    };
    Some((0..total.div_ceil(step)).map(|n| tile(n * step)).collect())
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

    #[test]
    fn an_overlap_that_leaves_nothing_is_refused() {
        assert_eq!(tiles(100, 40, 20), None);
    }
}
