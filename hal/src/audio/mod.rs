//! Audio outputs: sound leaves the box, or goes into a file, through one trait; what comes in through another.
//!
//! Errors are sorted by what the caller does next. A gap in the sound is no error: the device has been put right and
//! the frames were written; it is counted. A device that is away, or answers that it cannot, is tried again later, while time
//! goes on ([`Speaker`] does both): none of them ends playing. Each is one plain line for a person.

mod ahead;
mod alsa;
mod capture;
mod clock;
mod encoding;
mod fake;
mod fake_cable;
mod push;
mod quiet;
mod realtime;
mod speaker;
mod stand_in;
mod wav;
mod wav_header;

pub use self::alsa::AlsaOut;
pub use capture::AlsaIn;
pub use clock::{Clock, RealClock};
pub use encoding::Encoding;
pub use fake::{FakeClock, FakeOut, Opening};
pub use fake_cable::{Cable, CableIn, CableOut};
pub use realtime::{RealtimeRefused, become_realtime, lock_memory};
pub use speaker::{Heard, News, Speaker};
pub use stand_in::{StandIn, has_card};
pub use wav::{WavFile, WavFormat, WavOut};
pub use wav_header::wav_header;

use std::path::PathBuf;

/// One moment of sound: left, right. Full scale is ±1.
pub type StereoFrame = [f32; 2];

/// What a caller wants of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Frames a second.
    pub rate_hz: u32,
    /// Frames handed over at a time.
    pub period_frames: usize,
    /// Periods that the device holds: the reserve against a late caller, and part of the delay to the ear.
    pub periods: usize,
}

impl Default for Ask {
    /// 48 kHz, three periods of 256 frames: 16 ms.
    fn default() -> Self {
        Self { rate_hz: 48_000, period_frames: 256, periods: 3 }
    }
}

/// What an output agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Frames to hand over at a time; may differ from what was asked.
    pub period_frames: usize,
    /// Frames that the device holds in all; 0 when it has no such thing.
    pub buffer_frames: usize,
    /// Channels of the device; left and right go to the first two, their mean to one alone.
    pub channels: usize,
    /// How samples travel.
    pub encoding: Encoding,
    /// Whether `write` waits for real time.
    pub paced: bool,
}

/// How a write went. The frames are on their way in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Gaps in the sound since the last write (the device ran dry, or slept), already recovered from.
    pub gaps: u32,
}

/// Why there is no sound, by what the caller does next.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OutError {
    /// Not there now: unplugged, in use, or not there yet. Tried again, later and later.
    #[error("sound device {device}: {cause}")]
    Gone {
        /// Name of the device.
        device: String,
        /// What the system said, in words.
        cause: String,
    },
    /// There, but not able to do this now. Said, and tried again: what stands there may be another device by then.
    #[error("sound device {device} cannot do {asked}; it offers {offered}")]
    Unsupported {
        /// Name of the device.
        device: String,
        /// What was asked for.
        asked: String,
        /// What could be asked for.
        offered: String,
    },
    /// The file takes no more. What was written so far is kept and readable. Stop writing and say so.
    #[error("{}: {cause}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system said, in words.
        cause: String,
    },
    /// The file cannot be made at all.
    #[error("{}: {cause}", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
        /// What the system said, in words.
        cause: String,
    },
}

/// A place where sound goes.
pub trait AudioOut {
    /// The name that a person knows it by.
    fn name(&self) -> String;

    /// Opens, or opens again after [`OutError::Gone`].
    ///
    /// # Errors
    /// See [`OutError`].
    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError>;

    /// Hands over `frames` and waits until the device has taken them. Does not allocate on a device that is well.
    ///
    /// # Errors
    /// See [`OutError`]; gaps are not errors.
    fn write(&mut self, frames: &[StereoFrame]) -> Result<Written, OutError>;

    /// Frames between the last one written and the one being heard, as far as the device knows.
    fn delay_frames(&mut self) -> usize {
        0
    }

    /// Plays or writes out what is left and closes. Closing what is not open does nothing.
    ///
    /// # Errors
    /// When the rest could not be written.
    fn close(&mut self) -> Result<(), OutError> {
        Ok(())
    }
}

/// A place where sound comes from.
pub trait AudioIn {
    /// The name that a person knows it by.
    fn name(&self) -> String;

    /// Opens, and records from now on.
    ///
    /// # Errors
    /// See [`OutError`].
    fn open(&mut self, ask: Ask) -> Result<Agreed, OutError>;

    /// Takes what was recorded, as far as there is room, and waits for nothing; answers how many frames.
    ///
    /// # Errors
    /// See [`OutError`]; also when sound was lost because nobody read it.
    fn read(&mut self, frames: &mut [StereoFrame]) -> Result<usize, OutError>;

    /// Frames that were recorded and not read, as far as the device knows.
    fn delay_frames(&mut self) -> usize;
}
