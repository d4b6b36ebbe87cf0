//! What is said of a recording: what was done to it, what was left out and where, and why one cannot be used.
//!
//! Plain words only. What a library says of a fault is never shown: it speaks of its own inside, and a player wants to know
//! which seconds are missing.

use std::fmt;

use engine::latent::SAMPLE_RATE_HZ;

use super::{Part, SHORTEST_S, rate};

/// The kinds that are read, for whoever brought another.
pub const KINDS: &str = "WAV, AIFF, FLAC, OGG Vorbis, Opus, MP3, M4A, CAF and AU are read";

/// Something that was done to a recording, or that its player should know.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The rest was left out.
    Cut {
        /// Seconds kept.
        kept_s: f64,
    },
    /// The part that was to be played is not in it; all of it is.
    NoSuchPart {
        /// The part.
        part: Part,
        /// Seconds that there are.
        found_s: f64,
    },
    /// The file ends before it says it does.
    EndsEarly {
        /// Seconds found.
        found_s: f64,
        /// Seconds promised.
        promised_s: f64,
    },
    /// The file breaks off without its end mark, and does not say how long it was.
    BreaksOff {
        /// Where, in seconds.
        at_s: f64,
    },
    /// Parts that are damaged or missing; silence stands in their place, so that the beat stays.
    Damaged {
        /// The first of them, in seconds.
        at_s: f64,
        /// How many places.
        places: u64,
        /// Seconds of silence in all.
        silent_s: f64,
    },
    /// Bytes between or behind the sound that are no sound.
    Foreign {
        /// Where, in seconds.
        at_s: f64,
        /// How many bytes.
        bytes: u64,
        /// At how many places.
        places: u64,
    },
    /// Sound that is in the file and not heard.
    LeftOut {
        /// What it is.
        what: String,
        /// Where it begins, in seconds.
        at_s: f64,
    },
    /// The file holds several recordings in a row, of different formats; all are heard.
    Changes {
        /// Where, in seconds.
        at_s: f64,
        /// Rate in Hz and channels before.
        from: (u32, usize),
        /// Rate in Hz and channels from there on.
        to: (u32, usize),
    },
    /// The recording's checksum is not that of the sound.
    Checksum,
    /// The medium gave no more bytes.
    Unreadable {
        /// Where, in seconds.
        at_s: f64,
        /// What the system says.
        why: String,
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
            Self::NoSuchPart { part, found_s } => {
                write!(f, "its part from {part} is not in the {found_s:.1} s that are read: all of them play")
            }
            Self::EndsEarly { found_s, promised_s } => {
                // As many digits as it takes to see the difference.
                let digits = if promised_s - found_s < 0.1 { 3 } else { 1 };
                write!(f, "the file ends early: {found_s:.digits$} s of {promised_s:.digits$} s")
            }
            Self::BreaksOff { at_s } => write!(f, "the file breaks off at {at_s:.1} s"),
            Self::Damaged { at_s, places: 1, silent_s } => {
                write!(f, "damaged at {at_s:.1} s: {silent_s:.2} s of silence stand there")
            }
            Self::Damaged { at_s, places, silent_s } => write!(
                f,
                "damaged at {places} places, the first at {at_s:.1} s: {silent_s:.2} s of silence stand there"
            ),
            Self::Foreign { at_s, bytes, places: 1 } => {
                write!(f, "{bytes} bytes that are no sound were left out at {at_s:.1} s")
            }
            Self::Foreign { at_s, bytes, places } => {
                write!(f, "{bytes} bytes that are no sound were left out at {places} places, the first at {at_s:.1} s")
            }
            Self::LeftOut { what, at_s } => write!(f, "left out, from {at_s:.1} s on: {what}"),
            Self::Changes { at_s, from, to } => write!(
                f,
                "the format changes at {at_s:.1} s, from {} Hz and {} to {} Hz and {}: all of it is heard",
                from.0,
                channels(from.1),
                to.0,
                channels(to.1)
            ),
            Self::Checksum => write!(f, "the sound is not what its checksum says: the file was damaged or changed"),
            Self::Unreadable { at_s, why } => write!(f, "the file cannot be read beyond {at_s:.1} s: {why}"),
            Self::TurnedDown { peak_db } => write!(f, "turned down: its peak was at +{peak_db:.1} dB"),
            Self::Silent => write!(f, "the recording is silent"),
            Self::Fitted { samples } if *samples < 0 => write!(f, "shortened by {:.1} ms to fit", -ms(*samples)),
            Self::Fitted { samples } => write!(f, "lengthened by {:.1} ms to fit", ms(*samples)),
            Self::SeamBent => write!(f, "the loop's seam was smoothed"),
        }
    }
}

fn channels(count: usize) -> String {
    if count == 1 { "1 channel".to_owned() } else { format!("{count} channels") }
}

fn ms(samples: i64) -> f64 {
    samples as f64 * 1000.0 / f64::from(SAMPLE_RATE_HZ)
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
    /// Nothing that is known.
    #[error("not a recording ({KINDS})")]
    Unknown,
    /// A kind that is known and not read.
    #[error("{0}, which is not read here ({KINDS})")]
    Unsupported(String),
    /// A kind that is read, but not this one: it has lost its beginning, or contradicts itself.
    #[error("a broken {kind} file: {why}")]
    Broken {
        /// What it is.
        kind: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The container holds no sound.
    #[error("{0} file that holds no sound")]
    NoTrack(&'static str),
    /// The rate is not one of a recording.
    #[error("sample rate {found} Hz (expected {} to {} Hz)", rate::RATES_HZ.0, rate::RATES_HZ.1)]
    Rate {
        /// The rate found.
        found: u32,
    },
    /// More parts are damaged than whole, or none is whole.
    #[error("too damaged to be played: {damaged} of {parts} parts cannot be decoded")]
    Damaged {
        /// Parts that cannot be decoded.
        damaged: u64,
        /// Parts seen.
        parts: u64,
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
    #[error("only {found_s:.2} s long (expected at least {SHORTEST_S} s){told}")]
    Short {
        /// Its length.
        found_s: f64,
        /// What was lost of it, if anything, behind a semicolon.
        told: String,
    },
}

impl Fault {
    /// Too short, and why.
    pub(super) fn short(found_s: f64, notices: &[Notice]) -> Self {
        Self::Short { found_s, told: notices.iter().map(|it| format!("; {it}")).collect() }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Unreadable(error)
    }
}
