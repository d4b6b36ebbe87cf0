//! The thread of the ticks: one after the other, as long as they make something, and as deep as the machine's pace allows;
//! woken by the first gesture when they do not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use engine::backend::BackendError;
use engine::live::TickSide;
use rtrb::Producer;

use super::crashes::supervise;
use super::pulse::Pulse;
use crate::performance::ending::{Leave, Running};
use crate::performance::on_purpose::{Who, crash_if_asked};

/// How long the tick thread rests after a tick that failed: the tape goes on looping meanwhile.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// How long it sleeps at most while nothing moves. Whoever sends something rings.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
/// What the thread of the ticks is called.
pub const TICKS: &str = "tick";

/// Ticks until [`Pulse::end`].
///
/// # Errors
/// When the thread cannot be started.
pub fn ticks(
    side: TickSide,
    troubles: Producer<BackendError>,
    pulse: Arc<Pulse>,
    leave: &Leave,
) -> io::Result<Running<()>> {
    leave.spawn(TICKS, move || {
        pulse.tick_bell.listen();
        supervise(
            Ticks { side, troubles, pulse: &pulse },
            (&pulse.tick_crashes, &pulse.ticks_rest),
            |it| {
                while !pulse.stop.load(Relaxed) {
                    it.turn();
                }
            },
            |it| it.side.begin_again(),
        );
    })
}

struct Ticks<'p> {
    side: TickSide,
    troubles: Producer<BackendError>,
    pulse: &'p Pulse,
}

impl Ticks<'_> {
    /// A tick, or a sleep where none is wanted.
    fn turn(&mut self) {
        crash_if_asked(Who::Tick);
        let Self { side, pulse, .. } = self;
        pulse.tick_turns.fetch_add(1, Relaxed);
        let rests = side.rests();
        pulse.ticks_rest.store(rests, Relaxed);
        if rests {
            pulse.tick_bell.sleep(LONGEST_SLEEP, || pulse.stop.load(Relaxed) || !side.rests());
        } else {
            self.tick();
        }
    }

    fn tick(&mut self) {
        let Self { side, troubles, pulse } = self;
        let begun = Instant::now();
        let mut newest = None;
        let rest = match side.tick(|serial, _| newest = Some(serial)) {
            Ok(report) => {
                pulse.trace.ticked(begun, side.heard(), newest);
                let (depth, wanted) = side.took(begun.elapsed().as_micros() as u64, &report);
                pulse.held_back.store((wanted - depth) as u32, Relaxed);
                pulse.latents.fetch_add(report.finished as u64, Relaxed);
                pulse.unsound.fetch_add(report.unsound as u64, Relaxed);
                pulse.refused.fetch_add(report.refused as u64, Relaxed);
                if let Some(refusal) = report.refusal {
                    let _ = troubles.push(refusal);
                }
                if 0 < report.finished {
                    pulse.window_bell.ring();
                }
                // Nothing is in flight, for instance because every request is refused.
                report.advanced == 0
            }
            Err(error) => {
                pulse.failed_ticks.fetch_add(1, Relaxed);
                // When the conductor has not read the ones before, it knows enough.
                let _ = troubles.push(error);
                true
            }
        };
        pulse.show(side);
        pulse.tick_us.store(begun.elapsed().as_micros() as u32, Relaxed);
        pulse.ticks.fetch_add(1, Relaxed);
        if rest {
            std::thread::sleep(AFTER_FAILURE);
        }
    }
}
