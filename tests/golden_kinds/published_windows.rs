//! Which frames the published engine decodes or encodes at a time. Pure index arithmetic.
//!
//! The instrument's own windows are exact by construction; these laws are here because the golden vectors were made with them.

use engine::latent::LATENT_FRAMES_PER_SECOND;
use engine::model::windows::Tile;

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

#[cfg(test)]
mod tests {
    #[test]
    fn an_overlap_that_leaves_nothing_is_refused() {
        assert_eq!(super::tiles(100, 40, 20), None);
    }
}
