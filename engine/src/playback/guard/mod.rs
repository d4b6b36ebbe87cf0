//! The last thing before the device: what leaves here is finite, free of DC and under -1 dBTP.
//!
//! Order: a sample that is no number is faded over (`finite`), DC is taken out (`dc`), then the true-peak limiter
//! (`limiter`) with its look-ahead, then a clamp that never has to act. Below the ceiling the limiter passes the same
//! bits, [`GUARD_LATENCY_FRAMES`] later.
//!
//! The same work for every sample, loud or quiet; nothing allocates after `new`.

mod dc;
mod finite;
mod limiter;
mod peak;

use self::dc::DcBlocker;
use self::finite::Finite;
use self::limiter::Limiter;
pub use self::peak::true_peak;
use super::meters::Meters;
use crate::latent::StereoFrame;

/// The ceiling, linear: -1 dBTP, the delivery level of the streaming services and a margin for the converters.
pub const CEILING: f32 = 0.891_250_94;
/// How much later sound leaves the guard, in stereo samples: 2.3 ms, for the limiter's look-ahead.
pub const GUARD_LATENCY_FRAMES: usize = limiter::LATENCY_FRAMES;

/// The guard of one stereo output.
#[derive(Debug)]
pub struct Guard {
    finite: Finite,
    dc: DcBlocker,
    limiter: Limiter,
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

impl Guard {
    /// A guard at rest.
    #[must_use]
    pub fn new() -> Self {
        Self { finite: Finite::default(), dc: DcBlocker::default(), limiter: Limiter::new(CEILING) }
    }

    /// Guards `frames` in place and counts what it had to do.
    pub fn process(&mut self, frames: &mut [StereoFrame], meters: &Meters) {
        for block in frames.chunks_mut(limiter::BLOCK_FRAMES) {
            Meters::add(&meters.non_finite_frames, self.finite.process(block));
            self.dc.process(block);
            let limited = self.limiter.process(block);
            Meters::add(&meters.limited_frames, limited.frames);
            Meters::add(&meters.clamped_frames, limited.clamped);
            meters.note_limiter_gain(limited.deepest);
            meters.note_peaks(limited.peaks);
        }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
