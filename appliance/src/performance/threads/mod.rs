//! The three fast threads: sound, [`ticks()`], [`windows()`]. None of them reads a file, logs, or waits for the conductor.
//!
//! The audio thread runs under SCHED_FIFO where the system allows it. The tick thread does not while the arithmetic is on
//! the CPU: a thread that computes without pause at real-time priority would starve everything that it depends on. Trouble
//! is counted in [`Pulse`]; the conductor reads it and says it. Ticks and windows that would change nothing are left out, and
//! their threads sleep until somebody rings; one that panics goes on with its side built again.

mod bell;
mod crashes;
mod pulse;
mod ticks;
mod trace;
mod windows;

use std::io;

use engine::playback::Player;
use hal::audio::{Ask, AudioOut, Heard, News, OutError, RealtimeRefused, Speaker, StereoFrame, become_realtime};
use rtrb::Producer;

use crate::handover::words::Told;
use crate::performance::ending::{Leave, Running, SOUND};
pub use bell::Bell;
pub use pulse::Pulse;
pub use ticks::{TICKS, ticks};
pub use trace::{Read, Sent, Ticked, Trace};
#[cfg(test)]
pub(in crate::performance) use windows::patch_newest;
pub use windows::{DecodeQueues, WINDOWS, windows};

/// Priority of the audio thread, of 1 to 99: above everything of ours, below the kernel's own interrupt threads.
const AUDIO_PRIORITY: i32 = 70;
/// What the audio thread tells, when it happens.
#[derive(Debug)]
pub enum AudioNews {
    /// It has no priority over others.
    NotRealtime(RealtimeRefused),
    /// Of the output.
    Output(News),
    /// Told by a player in another process.
    Told(Told),
    /// The clock of the player in this other process stands; what becomes of it.
    Stands(i32, &'static str),
    /// It goes on again, in this process.
    PlaysAgain(i32),
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
            Self::Stands(process, becomes) => {
                Told::News(format!("the player (process {process}) stands still; {becomes}"))
            }
            Self::PlaysAgain(process) => Told::News(format!("the player plays again (process {process})")),
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

#[cfg(test)]
mod tests;
