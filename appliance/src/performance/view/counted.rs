//! How it goes, once in a while, for the flight recorder.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ::engine::playback::Meters;

use super::View;
use crate::performance::threads::Pulse;
use crate::recorder::Kind;

/// How often it is noted.
const COUNTED: Duration = Duration::from_secs(10);

impl View {
    /// Notes every ten seconds how it goes.
    pub(super) fn note_counters(&mut self, pulse: &Pulse, meters: &Meters, now: Duration) {
        if now.saturating_sub(self.noted) < COUNTED {
            return;
        }
        self.noted = now;
        let status = &self.status;
        self.messages.note(
            Kind::Counters,
            &format!(
                "ticks {}{} failed {} windows {} late {} underruns {}, at most {:.0} ms a tick, {:.0} ms a window",
                pulse.ticks.load(Relaxed),
                if status.rests { " at rest" } else { "" },
                pulse.failed_ticks.load(Relaxed),
                pulse.windows.load(Relaxed),
                meters.windows_late.load(Relaxed),
                meters.underruns.load(Relaxed),
                status.tick.max_ms,
                status.decode.max_ms,
            ),
        );
    }
}
