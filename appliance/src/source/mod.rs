//! A recording from a file, made ready to be the tape: 48 kHz stereo, a whole number of latent frames, a clean seam.
//!
//! WAV, FLAC, OGG Vorbis and MP3 at any usual rate and channel count. A recording that cannot be used is refused with one
//! sentence that names the file and the fault; what was done to one that can be used is told in [`Notice`]s. Runs on a
//! worker: it reads files, allocates and takes seconds. It never hands out a sample that is not finite, and never holds
//! more than the allowed length in memory, however long the file says it is.

mod decode;
mod fold;
mod rate;
mod seam;

use std::fmt;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use engine::latent::{SAMPLE_RATE_HZ, SAMPLES_PER_LATENT_FRAME, StereoFrame};

use crate::files::{open_recording, shown};

/// Shortest recording: below a second there is no loop to play on.
pub const SHORTEST_S: f64 = 1.0;
/// Longest recording by default; the model was trained on music up to about this long.
pub const LONGEST_S: f64 = 240.0;
/// Samples above this magnitude (+60 dB over full scale) are broken numbers, not loud music.
const ABSURD: f32 = 1000.0;

/// A recording ready to be the tape.
#[derive(Clone, Debug)]
pub struct Source {
    /// 48 kHz stereo within ±1; the length is a multiple of 1920 and at least a second.
    pub pcm: Vec<StereoFrame>,
    /// The file's name without folder and ending, for the display.
    pub name: String,
    /// What the file held.
    pub origin: Origin,
    /// What had to be done to it, in the order in which it was done.
    pub notices: Vec<Notice>,
}

impl Source {
    /// Latent frames that the recording fills.
    #[must_use]
    pub fn latent_frames(&self) -> usize {
        self.pcm.len() / SAMPLES_PER_LATENT_FRAME
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.pcm.len() as f64 / f64::from(SAMPLE_RATE_HZ)
    }
}

/// What the file held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its sample rate in Hz.
    pub rate_hz: u32,
    /// Its channels.
    pub channels: usize,
    /// Its codec's short name.
    pub codec: String,
}

/// Something that was done to a recording, or that its player should know.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The rest was left out.
    Cut {
        /// Seconds kept.
        kept_s: f64,
    },
    /// The file ends before it says it does.
    EndsEarly {
        /// Seconds found.
        found_s: f64,
        /// Seconds promised.
        promised_s: f64,
    },
    /// Damaged packets were left out.
    Damaged {
        /// How many.
        packets: u64,
    },
    /// The peak stood above full scale and was turned down.
    TurnedDown {
        /// The peak it had, in dB over full scale.
        peak_db: f64,
    },
    /// Nothing but silence.
    Silent,
    /// The length was brought to a whole number of latent frames.
    Fitted {
        /// Samples added (silence) or, negative, left out.
        samples: i64,
    },
    /// The end was bent to meet the start, since a jump there would click once a loop.
    SeamBent,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { kept_s } => write!(f, "only the first {kept_s:.1} s are used"),
            Self::EndsEarly { found_s, promised_s } => {
                write!(f, "the file ends early: {found_s:.1} s of {promised_s:.1} s")
            }
            Self::Damaged { packets: 1 } => write!(f, "a damaged packet was left out"),
            Self::Damaged { packets } => write!(f, "{packets} damaged packets were left out"),
            Self::TurnedDown { peak_db } => write!(f, "turned down: its peak was at +{peak_db:.1} dB"),
            Self::Silent => write!(f, "the recording is silent"),
            Self::Fitted { samples } if *samples < 0 => write!(f, "shortened by {:.1} ms to fit", -ms(*samples)),
            Self::Fitted { samples } => write!(f, "lengthened by {:.1} ms to fit", ms(*samples)),
            Self::SeamBent => write!(f, "the loop's seam was smoothed"),
        }
    }
}

fn ms(samples: i64) -> f64 {
    samples as f64 * 1000.0 / f64::from(SAMPLE_RATE_HZ)
}

/// Why a recording cannot be used. All of them are the file's: say so, and keep what was playing.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", shown(path))]
pub struct SourceError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// Neither WAV, FLAC, OGG nor MP3, or one broken at its start.
    #[error("not a recording that can be read (expected WAV, FLAC, OGG Vorbis or MP3): {0}")]
    Unknown(String),
    /// The container holds no sound, or a codec that is not built in.
    #[error("holds no sound that can be decoded (expected PCM, FLAC, Vorbis or MP3)")]
    NoTrack,
    /// The rate is not one of a recording.
    #[error("sample rate {found} Hz (expected {} to {} Hz)", rate::RATES_HZ.0, rate::RATES_HZ.1)]
    Rate {
        /// The rate found.
        found: u32,
    },
    /// Rate or channels change half-way.
    #[error("rate or channels change at {at_s:.1} s (expected one format throughout)")]
    Changes {
        /// Where.
        at_s: f64,
    },
    /// More packets are damaged than whole, or none is whole.
    #[error("too damaged: {damaged} of {packets} packets cannot be decoded ({why})")]
    Damaged {
        /// Packets that cannot be decoded.
        damaged: u64,
        /// Packets seen.
        packets: u64,
        /// The first fault.
        why: String,
    },
    /// Not a number, infinite, or beyond all measure.
    #[error("sample {value} at {at_s:.3} s (expected finite numbers around ±1)")]
    Sample {
        /// The sample.
        value: f32,
        /// Where.
        at_s: f64,
    },
    /// Too short to loop.
    #[error("only {found_s:.2} s long (expected at least {SHORTEST_S} s)")]
    Short {
        /// Its length.
        found_s: f64,
    },
}

/// How far loading has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// Decoding; the fraction done where the file says how long it is.
    Decoding(Option<f32>),
    /// Changing the rate.
    Resampling,
    /// Fitting length and seam.
    Fitting,
}

/// Loads a recording of at most `longest_s` seconds ([`LONGEST_S`] is usual), telling `progress` how far it has come.
///
/// # Errors
/// [`SourceError`], naming the file and the fault.
pub fn load_source(path: &Path, longest_s: f64, progress: &mut dyn FnMut(Progress)) -> Result<Source, SourceError> {
    let fail = |fault| SourceError { path: path.to_owned(), fault };
    let unreadable = |error| fail(Fault::Unreadable(error));
    // Its end is whoever writes the pipe; a signal still ends the program while it is read.
    let file = open_recording(path, &mut |_| true).map_err(|trouble| unreadable(trouble.into()))?;
    if file.length().map_err(unreadable)? == 0 {
        return Err(fail(Fault::Empty));
    }
    let name = shown(path.file_stem().unwrap_or_default()).to_string();
    let ending = path.extension().and_then(|ending| ending.to_str());
    read_source(file, ending, name, longest_s, progress).map_err(fail)
}

/// The same from any readable bytes; `ending` is a hint, as in a file's name.
///
/// # Errors
/// [`Fault`].
pub fn read_source<R>(
    bytes: R,
    ending: Option<&str>,
    name: String,
    longest_s: f64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Source, Fault>
where
    R: Read + Seek + Send + Sync + 'static,
{
    let mut recording = decode::decode(bytes, ending, longest_s, progress)?;
    let mut notices = std::mem::take(&mut recording.notices);
    check_samples(&recording)?;
    progress(Progress::Resampling);
    let [left, right] = rate::to_48k(recording.planes, recording.origin.rate_hz);
    let mut pcm: Vec<StereoFrame> = left.into_iter().zip(right).map(|(l, r)| [l, r]).collect();
    progress(Progress::Fitting);
    let found_s = pcm.len() as f64 / f64::from(SAMPLE_RATE_HZ);
    if found_s < SHORTEST_S {
        return Err(Fault::Short { found_s });
    }
    turn_down(&mut pcm, &mut notices);
    seam::fit(&mut pcm, &mut notices);
    Ok(Source { pcm, name, origin: recording.origin, notices })
}

/// The first sample that is not a number or is beyond all measure.
fn check_samples(recording: &decode::Recording) -> Result<(), Fault> {
    for plane in &recording.planes {
        // No range contains NaN.
        if let Some(place) = plane.iter().position(|sample| !(-ABSURD..=ABSURD).contains(sample)) {
            let at_s = place as f64 / f64::from(recording.origin.rate_hz);
            return Err(Fault::Sample { value: plane[place], at_s });
        }
    }
    Ok(())
}

/// Brings a peak above full scale down to it, both channels alike: the codec was trained on samples within ±1.
fn turn_down(pcm: &mut [StereoFrame], notices: &mut Vec<Notice>) {
    // Resampling lets peaks between samples appear; a hair above 1 is not worth a notice or a change of every bit.
    const HAIR: f32 = 1.0 + 1e-3;
    let peak = pcm.iter().flatten().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    if peak == 0.0 {
        notices.push(Notice::Silent);
    } else if peak > HAIR {
        notices.push(Notice::TurnedDown { peak_db: 20.0 * f64::from(peak).log10() });
        let gain = 1.0 / peak;
        pcm.iter_mut().flatten().for_each(|sample| *sample *= gain);
    } else if peak > 1.0 {
        pcm.iter_mut().flatten().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
    }
}

#[cfg(test)]
mod tests;
