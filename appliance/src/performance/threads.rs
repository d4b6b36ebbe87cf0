//! The three fast threads: sound, ticks, windows. None of them reads a file, logs, or waits for the conductor.
//!
//! The audio thread runs under SCHED_FIFO where the system allows it. The tick thread does not while the arithmetic is on
//! the CPU: a thread that computes without pause at real-time priority would starve everything that it depends on. Trouble
//! is counted in [`Pulse`]; the conductor reads it and says it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use engine::backend::BackendError;
use engine::live::{Patched, Patcher, TickSide, ValuesReader, WindowDecoder};
use engine::param::ParamId;
use engine::playback::{Course, LoopBand, Player, SharedMeters};
use engine::ring::MAX_DEPTH;
use hal::audio::{Ask, AudioOut, Heard, News, OutError, RealtimeRefused, Speaker, StereoFrame, become_realtime};
use rtrb::{Consumer, Producer};

use crate::handover::words::Told;
use crate::performance::ending::{Leave, Running, SOUND};

/// Priority of the audio thread, of 1 to 99: above everything of ours, below the kernel's own interrupt threads.
const AUDIO_PRIORITY: i32 = 70;
/// How long the decode thread rests when there is nothing to decode: short against a lead of tens of milliseconds.
const DECODE_REST: Duration = Duration::from_millis(2);
/// How long the tick thread rests after a tick that failed: the tape goes on looping meanwhile.
const TICK_REST: Duration = Duration::from_millis(100);
/// What the thread of the ticks is called.
pub const TICKS: &str = "tick";
/// What the thread of the windows is called.
pub const WINDOWS: &str = "decode";
/// A slot that is empty, in [`Pulse::slots`].
const EMPTY: u32 = u32::MAX;

/// What the fast threads tell, as counters and latest values.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Ends ticks and windows. The sound ends when somebody asks to leave, and before them.
    pub stop: AtomicBool,
    /// Ticks done.
    pub ticks: AtomicU64,
    /// Ticks that the backend could not compute.
    pub failed_ticks: AtomicU64,
    /// Latents finished.
    pub latents: AtomicU64,
    /// Slots given up because they were no longer finite.
    pub unsound: AtomicU64,
    /// Slots given up because their requests cannot be computed.
    pub refused: AtomicU64,
    /// Microseconds of the last tick.
    pub tick_us: AtomicU32,
    /// Looks of the decode thread whether there is something to decode.
    pub looks: AtomicU64,
    /// Turns of the conductor.
    pub turns: AtomicU64,
    /// Windows sent to the tape.
    pub windows: AtomicU64,
    /// Windows that could not be sent.
    pub dropped: AtomicU64,
    /// Microseconds of the last window.
    pub window_us: AtomicU32,
    /// The lead, in stereo samples.
    pub lead: AtomicUsize,
    /// Where the last window landed and ended, in stereo samples of the tape.
    pub window: [AtomicUsize; 2],
    slots: [AtomicU32; MAX_DEPTH],
}

impl Pulse {
    /// Steps done of each slot of a ring of `depth`; `None` for an empty one.
    #[must_use]
    pub fn slots(&self, depth: usize) -> Vec<Option<u32>> {
        let steps = self.slots.iter().take(depth).map(|it| it.load(Relaxed));
        steps.map(|it| (it != EMPTY).then_some(it)).collect()
    }
}

/// What the audio thread tells, when it happens.
#[derive(Debug)]
pub enum AudioNews {
    /// It has no priority over others.
    NotRealtime(RealtimeRefused),
    /// Of the output.
    Output(News),
    /// Told by a player in another process.
    Told(Told),
}

impl AudioNews {
    /// In words, as they cross to another process.
    #[must_use]
    pub fn told(self) -> Told {
        match self {
            Self::NotRealtime(refused) => Told::News(refused.to_string()),
            Self::Output(News::Away(why)) => Told::Away(why.to_string()),
            Self::Output(News::Back(_)) => Told::Back,
            Self::Output(News::Unpaced) => {
                Told::News("the sound device takes sound faster than it is played; the clock sets the pace".to_owned())
            }
            Self::Output(News::Over(why)) => Told::Over(why.to_string()),
            Self::Told(told) => told,
        }
    }
}

/// Why not all of the sound arrived.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotPlayed {
    /// The output, in this process.
    #[error(transparent)]
    Output(#[from] OutError),
    /// A player in another process, in its words.
    #[error("{0}")]
    Remote(String),
}

/// Plays until somebody asks to leave, then fades out, and closes the output when the player says that it has faded. Fails at the
/// end where the output did not take all of the sound.
///
/// # Errors
/// When the thread cannot be started.
pub fn audio(
    mut out: Box<dyn AudioOut + Send>,
    ask: Ask,
    mut player: Player,
    mut news: Producer<AudioNews>,
    leave: &Leave,
) -> io::Result<Running<Result<(), NotPlayed>>> {
    let leaving = leave.clone();
    leave.spawn(SOUND, move || {
        if let Err(refused) = become_realtime(AUDIO_PRIORITY) {
            // The queue is empty as yet.
            let _ = news.push(AudioNews::NotRealtime(refused));
        }
        let mut speaker = Speaker::start(out.as_mut(), ask);
        let mut not_taken = None;
        while !player.has_faded() {
            if leaving.is_asked() {
                player.fade_out();
            }
            match play_period(&mut speaker, &mut player) {
                Heard::Played { gaps } => player.underran(u64::from(gaps)),
                Heard::Away => player.unheard(),
                Heard::Back => {}
            }
            // What finds the queue full waits in the speaker: none of it is lost.
            while !news.is_full()
                && let Some(said) = speaker.take_news()
            {
                if let News::Over(why) = &said {
                    not_taken = Some(why.clone());
                }
                let _ = news.push(AudioNews::Output(said));
            }
        }
        drop(speaker);
        let closed = out.close();
        Ok(not_taken.map_or(closed, Err)?)
    })
}

/// Plays one period, and tells when it is heard: MIDI clock is to meet the sound ([`Meters::delay`](engine::playback::Meters::delay)).
pub(crate) fn play_period(speaker: &mut Speaker<'_>, player: &mut Player) -> Heard {
    let held = speaker.delay_frames();
    speaker.play_period(&mut |frames: &mut [StereoFrame]| {
        player.delayed_by(held + frames.len());
        player.fill(frames);
    })
}

/// Ticks until [`Pulse::stop`].
///
/// # Errors
/// When the thread cannot be started.
pub fn ticks(
    mut side: TickSide,
    mut troubles: Producer<BackendError>,
    pulse: Arc<Pulse>,
    leave: &Leave,
) -> io::Result<Running<()>> {
    leave.spawn(TICKS, move || {
        while !pulse.stop.load(Relaxed) {
            let begun = Instant::now();
            match side.tick(|_, _| ()) {
                Ok(report) => {
                    pulse.latents.fetch_add(report.finished as u64, Relaxed);
                    pulse.unsound.fetch_add(report.unsound as u64, Relaxed);
                    pulse.refused.fetch_add(report.refused as u64, Relaxed);
                    if let Some(refusal) = report.refusal {
                        let _ = troubles.push(refusal);
                    }
                    if report.advanced == 0 {
                        // Nothing is in flight, for instance because every request is refused.
                        std::thread::sleep(TICK_REST);
                    }
                }
                Err(error) => {
                    pulse.failed_ticks.fetch_add(1, Relaxed);
                    // When the conductor has not read the ones before, it knows enough.
                    let _ = troubles.push(error);
                    std::thread::sleep(TICK_REST);
                }
            }
            for (place, slot) in side.performer().ring().slots().enumerate() {
                pulse.slots[place].store(slot.map_or(EMPTY, |it| it.step as u32), Relaxed);
            }
            pulse.tick_us.store(begun.elapsed().as_micros() as u32, Relaxed);
            pulse.ticks.fetch_add(1, Relaxed);
        }
    })
}

/// The decode side's queues: decoders that take over, the way home of those before, and what went wrong.
pub struct DecodeQueues {
    /// Decoders that take over.
    pub incoming: Consumer<Box<dyn WindowDecoder + Send>>,
    /// Decoders to be freed.
    pub home: Producer<Box<dyn WindowDecoder + Send>>,
    /// What went wrong.
    pub troubles: Producer<BackendError>,
}

/// Decodes windows until [`Pulse::stop`].
///
/// # Errors
/// When the thread cannot be started.
pub fn windows(
    mut patcher: Patcher,
    mut values: ValuesReader,
    meters: SharedMeters,
    tape_frames: usize,
    mut queues: DecodeQueues,
    pulse: Arc<Pulse>,
    leave: &Leave,
) -> io::Result<Running<()>> {
    leave.spawn(WINDOWS, move || {
        while !pulse.stop.load(Relaxed) {
            while let Ok(decoder) = queues.incoming.pop() {
                // As many places on the way home as on the way here.
                let _ = queues.home.push(patcher.take_over(decoder));
            }
            pulse.looks.fetch_add(1, Relaxed);
            let begun = Instant::now();
            let values = values.latest();
            let [start, end] = [ParamId::LoopStart, ParamId::LoopEnd].map(|it| values.get(it));
            let band = LoopBand::from_faders(start, end, tape_frames);
            let course = Course::new(meters.playhead(), band);
            match patcher.patch(&values, &course) {
                Patched::Nothing => std::thread::sleep(DECODE_REST),
                Patched::Sent { land, frames, .. } => {
                    pulse.window_us.store(begun.elapsed().as_micros() as u32, Relaxed);
                    pulse.lead.store(patcher.lead_frames(&values, &course), Relaxed);
                    pulse.window[0].store(land, Relaxed);
                    pulse.window[1].store((land + frames) % tape_frames, Relaxed);
                    pulse.windows.fetch_add(1, Relaxed);
                }
                Patched::Dropped => {
                    pulse.dropped.fetch_add(1, Relaxed);
                    std::thread::sleep(DECODE_REST);
                }
                Patched::Failed(error) => {
                    pulse.dropped.fetch_add(1, Relaxed);
                    let _ = queues.troubles.push(error);
                    std::thread::sleep(TICK_REST);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{EMPTY, Pulse, Relaxed};

    #[test]
    fn an_empty_slot_has_done_no_steps_and_a_ring_has_as_many_as_it_is_deep() {
        let pulse = Pulse::default();
        [3, EMPTY, 5, 7].into_iter().zip(&pulse.slots).for_each(|(steps, slot)| slot.store(steps, Relaxed));
        assert_eq!(pulse.slots(3), [Some(3), None, Some(5)]);
    }
}
