//! The thread of the windows: the newest latent becomes sound ahead of the playhead, until the tape stands.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use engine::backend::BackendError;
use engine::live::{Patched, Patcher, SetReceiver, ValuesReader, WindowDecoder};
use engine::param::ParamId;
use engine::playback::{Course, LoopBand, Playhead, SharedMeters};
use rtrb::{Consumer, Producer};

use super::crashes::supervise;
use super::pulse::Pulse;
use crate::performance::ending::{Leave, Running};
use crate::performance::on_purpose::{Who, crash_if_asked};

/// How long the decode thread rests when there is nothing to decode: short against a lead of tens of milliseconds.
const NOTHING_TO_DO: Duration = Duration::from_millis(2);
/// How long it rests after a window that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// How long it sleeps at most while the tape stands. Whoever sends values or a latent rings; a player that was started again, whose
/// boxes are empty, is seen at the end of a sleep.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
/// What the thread of the windows is called.
pub const WINDOWS: &str = "decode";

/// The decode side's queues: decoders that take over, the way home of those before, and what went wrong.
pub struct DecodeQueues {
    /// Decoders that take over.
    pub incoming: Consumer<Box<dyn WindowDecoder + Send>>,
    /// Decoders to be freed.
    pub home: Producer<Box<dyn WindowDecoder + Send>>,
    /// What went wrong.
    pub troubles: Producer<BackendError>,
}

/// Decodes windows until [`Pulse::end`].
///
/// # Errors
/// When the thread cannot be started.
pub fn windows(
    patcher: Patcher,
    values: ValuesReader,
    sets: SetReceiver,
    meters: SharedMeters,
    queues: DecodeQueues,
    pulse: Arc<Pulse>,
    leave: &Leave,
) -> io::Result<Running<()>> {
    leave.spawn(WINDOWS, move || {
        pulse.window_bell.listen();
        supervise(
            Windows { patcher, values, sets, meters, queues, pulse: &pulse },
            (&pulse.window_crashes, &pulse.windows_rest),
            |it| {
                while !pulse.stop.load(Relaxed) {
                    it.turn();
                }
            },
            |it| it.patcher.begin_again(),
        );
    })
}

/// Sends the next window under the newest values, or under those before while a line of the music is waited for.
pub(in crate::performance) fn patch_newest(
    patcher: &mut Patcher,
    values: &mut ValuesReader,
    playhead: Playhead,
    pulse: &Pulse,
) -> Patched {
    let tape_frames = patcher.tape_frames();
    let begun = Instant::now();
    let (newest, line) = values.latest_with_line();
    let values = patcher.hear(&newest, line);
    let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|it| values.get(it));
    let band = LoopBand::from_faders(start, end, tape_frames);
    let course = Course::new(playhead, band);
    let patched = patcher.patch(&values, &course);
    let (met, moved) = patcher.lines();
    pulse.line_met.store(met, Relaxed);
    pulse.lines_moved.store(moved, Relaxed);
    pulse.windows_rest.store(patched == Patched::Rests, Relaxed);
    if let Patched::Sent { serial, land, frames, due } = patched {
        pulse.trace.sent(begun, serial, due.count());
        pulse.window_us.store(begun.elapsed().as_micros() as u32, Relaxed);
        pulse.lead.store(patcher.lead_frames(&values, &course), Relaxed);
        pulse.window[0].store(land, Relaxed);
        pulse.window[1].store((land + frames) % tape_frames, Relaxed);
        pulse.windows.fetch_add(1, Relaxed);
    }
    patched
}

struct Windows<'p> {
    patcher: Patcher,
    values: ValuesReader,
    sets: SetReceiver,
    meters: SharedMeters,
    queues: DecodeQueues,
    pulse: &'p Pulse,
}

impl Windows<'_> {
    /// A window, or a rest where none is wanted.
    fn turn(&mut self) {
        crash_if_asked(Who::Decode);
        let Self { patcher, sets, queues, pulse, .. } = self;
        pulse.window_turns.fetch_add(1, Relaxed);
        while let Ok(decoder) = queues.incoming.pop() {
            // As many places on the way home as on the way here.
            let _ = queues.home.push(patcher.take_over(decoder));
        }
        sets.hand_to(patcher);
        patcher.set_crowded(pulse.crowded.load(Relaxed));
        match patch_newest(patcher, &mut self.values, self.meters.playhead(), pulse) {
            Patched::Rests => self.sleep(),
            Patched::Nothing => std::thread::sleep(NOTHING_TO_DO),
            Patched::Sent { .. } => {}
            Patched::Dropped => {
                pulse.dropped.fetch_add(1, Relaxed);
                std::thread::sleep(NOTHING_TO_DO);
            }
            Patched::Failed(error) => {
                pulse.dropped.fetch_add(1, Relaxed);
                let _ = queues.troubles.push(error);
                std::thread::sleep(AFTER_FAILURE);
            }
        }
    }

    fn sleep(&mut self) {
        let Self { patcher, values, sets, queues, pulse, .. } = self;
        let is_called = || {
            let has_news = values.has_news() || patcher.has_news() || sets.has_news();
            pulse.stop.load(Relaxed) || has_news || !queues.incoming.is_empty()
        };
        pulse.window_bell.sleep(LONGEST_SLEEP, is_called);
    }
}
