//! Keeps what the tape has become for the next start: once a minute at most, and at the end.
//!
//! Runs on the conductor's thread and waits for nobody; it says when, and [`TapeWriter`] does it. A tape of which more than a minute has changed is
//! written as seldom as that takes to play, so that a disk is never written faster than the tape is heard. Where the disk refuses, one fault
//! stands until it takes it again.

use std::time::{Duration, Instant};

use engine::boundary::TapeReader;
use engine::latent::SAMPLE_RATE_HZ;

use crate::compute::loader::Heard;
use crate::display::messages::{FaultKey, Messages};
use crate::performance::ending::Leave;
use crate::performance::tape_writer::{TapeWriter, Wrote};
use crate::settings::last_tape::TapeFile;

/// Between two tapes that are written, at least.
pub const PERIOD: Duration = Duration::from_secs(60);
/// Until it is tried again where the disk refused.
pub const AGAIN: Duration = Duration::from_secs(10);
/// Until it is tried again where the tape was being written.
const BUSY: Duration = Duration::from_secs(1);

/// What is needed to keep a tape.
#[derive(Debug)]
pub struct TapeKept {
    /// Where.
    pub file: TapeFile,
    /// The sum of the recording that the tape began as.
    pub recording: u64,
    /// The tape that plays.
    pub reader: TapeReader,
}

/// Says when the tape is written, and what became of it.
#[derive(Debug)]
pub struct TapeKeeper {
    writer: TapeWriter,
    /// When it is written next; nothing while it is being written, and before the first look.
    due: Option<Duration>,
    begun: bool,
}

impl TapeKeeper {
    /// Of a tape that plays.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn begin(TapeKept { file, recording, reader }: TapeKept, leave: &Leave) -> std::io::Result<Self> {
        Ok(Self { writer: TapeWriter::start((file, recording), reader, leave)?, due: None, begun: false })
    }

    /// Another tape plays, which began as this recording: it is kept from now on, in the place of the one before. A longer one than is
    /// kept is not, and the file of the one before is set aside.
    pub fn plays(&mut self, recording: &Heard) {
        self.writer.plays(recording.origin.clone(), recording.sum.sum());
        // What is on the disk belongs to a recording that does not play any more.
        self.due = Some(Duration::ZERO);
    }

    /// Looks whether it is time, and tells what went wrong.
    pub fn look(&mut self, now: Duration, messages: &mut Messages) {
        if !std::mem::replace(&mut self.begun, true) {
            self.due = Some(now + PERIOD);
        }
        if let Some(wrote) = self.writer.told() {
            self.due = Some(now + rest_after(&wrote));
            match wrote {
                Wrote::Kept(_) => messages.over(&FaultKey::LastTape),
                Wrote::Busy => {}
                Wrote::Failed(why) => messages.fault(FaultKey::LastTape, &tape_not_kept(&why)),
            }
        }
        if self.due.is_some_and(|it| it <= now) {
            self.due = None;
            self.writer.write();
        }
    }

    /// The sound has ended: has the tape written as it is now.
    pub fn rest(&self) {
        self.writer.write();
    }

    /// Waits until what waits is written, by the deadline at most; answers what could not be kept, in words.
    #[must_use]
    pub fn end(self, deadline: Instant) -> Option<String> {
        match self.writer.end(deadline)? {
            Wrote::Kept(_) => None,
            Wrote::Busy => Some(tape_not_kept("it was being written to the last moment")),
            Wrote::Failed(why) => Some(tape_not_kept(&why)),
        }
    }
}

fn rest_after(wrote: &Wrote) -> Duration {
    match wrote {
        Wrote::Kept(frames) => PERIOD.max(Duration::from_secs_f64(*frames as f64 / f64::from(SAMPLE_RATE_HZ))),
        Wrote::Busy => BUSY,
        Wrote::Failed(_) => AGAIN,
    }
}

/// In words.
#[must_use]
pub fn tape_not_kept(why: &str) -> String {
    format!("{why}; the sound of the tape is not kept for the next start")
}

#[cfg(test)]
#[path = "tape_keeper_tests.rs"]
mod tests;
