//! A recording from a file, made ready to be the tape: 48 kHz stereo, a whole number of latent frames, a clean seam.
//!
//! WAV, AIFF, FLAC, OGG Vorbis, Opus, MP3, M4A, CAF and AU at any usual rate and channel count (`docs/files.md`). A recording
//! that cannot be used is refused with one sentence that names the file and the fault; what was done to one that can be used,
//! and what of it is not heard, is told in [`Notice`]s. Runs on a worker: it reads files, allocates and takes seconds. It never
//! hands out a sample that is not finite, and never holds more than the allowed length in memory, however long the file says
//! it is.

mod adts;
mod aiff;
mod boxed;
mod bytes;
mod caf;
mod chunks;
mod decode;
mod flac;
mod fold;
mod gaps;
pub(crate) mod guarded;
mod mpeg;
mod notice;
mod ogg;
mod packets;
mod part;
mod pcm;
mod rate;
mod seam;
mod sniff;
mod take;
pub mod tempo;
mod wave;

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use engine::latent::{SAMPLE_RATE_HZ, SAMPLES_PER_LATENT_FRAME, StereoFrame};

use crate::files::{open_recording, shown};

pub use notice::{Fault, KINDS, Notice};
pub use part::Part;

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
    /// The part of the recording that this is; none where it is all of it.
    pub part: Option<Part>,
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
    /// Frames that were decoded, each at the rate that it had.
    pub frames: u64,
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
    load_part(path, None, longest_s, progress)
}

/// The same of a part of it, which lies in its first `longest_s` seconds. All of it is loaded where that part is not there, and a notice says so.
///
/// # Errors
/// As [`load_source`].
pub fn load_part(
    path: &Path,
    part: Option<Part>,
    longest_s: f64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Source, SourceError> {
    let fail = |fault| SourceError { path: path.to_owned(), fault };
    let unreadable = |error| fail(Fault::Unreadable(error));
    // Its end is whoever writes the pipe; a signal still ends the program while it is read.
    let file = open_recording(path, &mut |_| true).map_err(|trouble| unreadable(trouble.into()))?;
    if file.length().map_err(unreadable)? == 0 {
        return Err(fail(Fault::Empty));
    }
    let name = shown(path.file_stem().unwrap_or_default()).to_string();
    read_part(file, name, part, longest_s, progress).map_err(fail)
}

/// The same from any readable bytes.
///
/// # Errors
/// [`Fault`].
pub fn read_source<R>(
    bytes: R,
    name: String,
    longest_s: f64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Source, Fault>
where
    R: Read + Seek + Send + 'static,
{
    read_part(bytes, name, None, longest_s, progress)
}

fn read_part<R>(
    bytes: R,
    name: String,
    part: Option<Part>,
    longest_s: f64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Source, Fault>
where
    R: Read + Seek + Send + 'static,
{
    let mut recording = decode::decode(bytes, longest_s, progress)?;
    let mut notices = std::mem::take(&mut recording.notices);
    check_samples(&recording)?;
    progress(Progress::Resampling);
    let mut pcm: Vec<StereoFrame> = Vec::new();
    for run in recording.runs {
        let [left, right] = run.at_48k();
        pcm.extend(left.into_iter().zip(right).map(|(l, r)| [l, r]));
    }
    progress(Progress::Fitting);
    let found_s = pcm.len() as f64 / f64::from(SAMPLE_RATE_HZ);
    if found_s < SHORTEST_S {
        return Err(Fault::short(found_s, &notices));
    }
    turn_down(&mut pcm, &mut notices);
    let there = part.filter(|it| it.cut(&mut pcm));
    match part {
        // What is left out was left out by whoever chose the part.
        Some(_) if there.is_some() => notices.retain(|it| !matches!(it, Notice::Cut { .. })),
        Some(part) => notices.push(Notice::NoSuchPart { part, found_s }),
        None => {}
    }
    seam::fit(&mut pcm, &mut notices);
    Ok(Source { pcm, name, origin: recording.origin, notices, part: there })
}

/// The first sample that is not a number or is beyond all measure.
fn check_samples(recording: &take::Recording) -> Result<(), Fault> {
    let mut before_s = 0.0;
    for run in &recording.runs {
        for plane in &run.planes {
            // No range contains NaN.
            if let Some(place) = plane.iter().position(|sample| !(-ABSURD..=ABSURD).contains(sample)) {
                let at_s = before_s + place as f64 / f64::from(run.rate_hz);
                return Err(Fault::Sample { value: plane[place], at_s });
            }
        }
        before_s += run.seconds();
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
