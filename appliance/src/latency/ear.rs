//! When a frame of the tape's time is heard, by what the audio thread tells: how far it is, and how much of that the device holds.
//!
//! The clock of what is heard runs evenly, whoever reads it late. So a frame's time is not that of one reading but of many around it,
//! whose median a reader that slept does not move.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::playback::{GUARD_LATENCY_FRAMES, SharedMeters};

use crate::performance::threads::Pulse;

/// Between two looks: short against a period.
const LOOK: Duration = Duration::from_micros(500);
/// Readings on each side whose median counts.
const AROUND: usize = 48;
/// Microseconds of a frame.
const FRAME_US: f64 = 1e6 / 48_000.0;

/// What was told at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// When, in microseconds of the trace.
    pub at_us: u64,
    /// Frames played.
    pub played: u64,
    /// How many of them are not heard yet.
    pub delay: u64,
}

impl Told {
    /// When frame 0 would have been heard.
    fn origin_us(&self) -> f64 {
        self.at_us as f64 - (self.played as f64 - self.delay as f64) * FRAME_US
    }
}

/// All that was told.
#[derive(Debug)]
pub(super) struct Ear(Vec<Told>);

impl Ear {
    pub(super) fn of(told: Vec<Told>) -> Self {
        Self(told)
    }

    /// When a frame leaves the device, in microseconds of the trace; nothing of one that was not played by then.
    pub(super) fn heard_us(&self, frame: u64) -> Option<u64> {
        let at = self.0.partition_point(|it| it.played <= frame);
        (at < self.0.len()).then_some(())?;
        let near = &self.0[at.saturating_sub(AROUND)..(at + AROUND).min(self.0.len())];
        let mut origins: Vec<f64> = near.iter().map(Told::origin_us).collect();
        origins.sort_by(f64::total_cmp);
        // The guard looks ahead: what it is handed leaves it so much later.
        let frames = (frame + GUARD_LATENCY_FRAMES as u64) as f64;
        Some((origins[origins.len() / 2] + frames * FRAME_US).max(0.0) as u64)
    }

    /// The delays that were told, in microseconds.
    pub(super) fn delays_us(&self) -> Vec<u64> {
        self.0.iter().map(|it| (it.delay as f64 * FRAME_US) as u64).collect()
    }
}

/// Reads the meters on a thread of its own until it is stopped.
pub(super) struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Told>>,
}

impl Reader {
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn start(meters: SharedMeters, pulse: Arc<Pulse>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("ear".to_owned()).spawn(move || {
            let mut all: Vec<Told> = Vec::new();
            while !stopped.load(Relaxed) {
                let (played, delay) = (meters.playhead().played.count(), meters.delay.load(Relaxed));
                // The delay is told first: of a moment in between it may be the next one's.
                let is_one = played == meters.playhead().played.count() && delay == meters.delay.load(Relaxed);
                if is_one && all.last().is_none_or(|it| it.played != played) {
                    all.push(Told { at_us: pulse.trace.time(Instant::now()), played, delay });
                }
                std::thread::sleep(LOOK);
            }
            all
        })?;
        Ok(Self { stop, thread })
    }

    pub(super) fn end(self) -> Ear {
        self.stop.store(true, Relaxed);
        Ear::of(self.thread.join().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::{Ear, GUARD_LATENCY_FRAMES, Told};

    #[test]
    fn a_frame_is_heard_when_the_device_has_let_it_go_however_late_some_readings_were() {
        // Periods of 480 frames, 1440 of which the device holds; it began at 1 s. Every fourth reading is 4 ms late.
        let told = |it: u64| Told {
            at_us: 1_000_000 + it * 10_000 + if it.is_multiple_of(4) { 4_000 } else { 0 },
            played: it * 480,
            delay: 1_440,
        };
        let ear = Ear::of((1..400).map(told).collect());
        let guard = GUARD_LATENCY_FRAMES as f64 / 48.0;
        for frame in [0, 479, 480, 96_000] {
            let wanted = 1_000.0 + 30.0 + frame as f64 / 48.0 + guard;
            let heard = ear.heard_us(frame).expect("it was played") as f64 / 1e3;
            assert!((heard - wanted).abs() < 0.1, "{heard} ms, {wanted} ms were to be");
        }
        assert_eq!(ear.heard_us(399 * 480), None, "it was not played yet");
        assert!(ear.delays_us().iter().all(|it| *it == 30_000));
    }
}
