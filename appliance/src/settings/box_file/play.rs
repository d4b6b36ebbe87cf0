//! What to play and how the sound device is asked, in the box's file.
//!
//! Only what is obeyed is a key. The instrument computes and plays 48 kHz in stereo, and a device that has another rate or other channels is
//! converted for by ALSA or by the output; so neither can be asked for.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::AudioPlan;
use crate::files::document::{Item, Reader};

const PLAY_KEYS: [&str; 6] = ["patch", "set_list", "model", "backend", "depth", "at_start"];
const AUDIO_KEYS: [&str; 4] = ["device", "period_frames", "periods", "loudness_lufs"];
const BACKENDS: [(&str, BackendChoice); 4] = [
    ("auto", BackendChoice::Auto),
    ("tensorrt", BackendChoice::Tensorrt),
    ("cuda", BackendChoice::Cuda),
    ("cpu", BackendChoice::Cpu),
];
const STARTS: [(&str, AtStart); 3] =
    [("last", AtStart::Last), ("source", AtStart::Source), ("silence", AtStart::Silence)];
/// Greatest depth of the ring.
const MOST_DEPTH: u32 = 8;
/// Least and greatest period in stereo samples: a third of a millisecond, and 171 ms.
pub const PERIOD_FRAMES: std::ops::RangeInclusive<u32> = 16..=8192;
/// Least and greatest number of periods that a device holds.
pub const PERIODS: std::ops::RangeInclusive<u32> = 2..=32;

/// How loud a hand may have what plays made, in LUFS, and how loud where the file says nothing: there a loud scene is 5 LU below the guard.
const LOUDNESS: [f64; 2] = [-40.0, -8.0];
/// As above.
pub const LOUDNESS_LUFS: f64 = -18.0;

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendChoice {
    /// The fastest that works here
    Auto,
    /// The graphics card, with TensorRT
    Tensorrt,
    /// The graphics card, with cuBLASLt and plain kernels: slower, for cards that TensorRT does not know
    Cuda,
    /// The processor
    Cpu,
}

/// What is played first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AtStart {
    /// What was played last, where it belongs to the same patch and recording
    #[default]
    Last,
    /// The patch as it is written, on the recording itself
    Source,
    /// The same, muted until a hand says otherwise
    Silence,
}

/// What a box plays where its command line says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayPlan {
    /// The patch.
    pub patch: Option<PathBuf>,
    /// The folder of patches to change to.
    pub set_list: Option<PathBuf>,
    /// The model's folder.
    pub model: Option<PathBuf>,
    /// What computes.
    pub backend: Option<BackendChoice>,
    /// Generations in flight, 1 to 8.
    pub depth: Option<u8>,
    /// What is played first.
    pub at_start: Option<AtStart>,
}

impl PlayPlan {
    /// Takes relative paths as from this folder.
    pub(super) fn beside(&mut self, folder: &Path) {
        for path in [&mut self.patch, &mut self.set_list, &mut self.model].into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }
}

pub(super) fn play(reader: &mut Reader<'_>, item: Item<'_, '_>) -> PlayPlan {
    let mut plan = PlayPlan::default();
    reader.table("play", item, |reader, key, item| {
        let path = format!("play.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "patch" => plan.patch = name(reader, &path, item),
            "set_list" => plan.set_list = name(reader, &path, item),
            "model" => plan.model = name(reader, &path, item),
            "backend" => plan.backend = reader.one_of(&path, item, &BACKENDS),
            "depth" => plan.depth = reader.whole(&path, item, 1, MOST_DEPTH).map(|it| it as u8),
            "at_start" => plan.at_start = reader.one_of(&path, item, &STARTS),
            _ => reader.unknown("play.", key, &PLAY_KEYS),
        }
    });
    plan
}

pub(super) fn audio(reader: &mut Reader<'_>, item: Item<'_, '_>) -> AudioPlan {
    let mut plan = AudioPlan::default();
    reader.table("audio", item, |reader, key, item| {
        let path = format!("audio.{}", key.get_ref());
        let mut whole = |range: &std::ops::RangeInclusive<u32>| reader.whole(&path, item, *range.start(), *range.end());
        match key.get_ref().as_ref() {
            "period_frames" => plan.period_frames = whole(&PERIOD_FRAMES),
            "periods" => plan.periods = whole(&PERIODS),
            "loudness_lufs" => {
                let [low, high] = LOUDNESS;
                plan.loudness_lufs = reader.number(&path, item, low, high).unwrap_or(plan.loudness_lufs);
            }
            "device" => plan.device = some(reader, &path, item, "the name of an ALSA device"),
            _ => reader.unknown("audio.", key, &AUDIO_KEYS),
        }
    });
    plan
}

fn name(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<PathBuf> {
    some(reader, path, item, "a file or folder").map(PathBuf::from)
}

/// Words that are not empty.
fn some(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>, expected: &str) -> Option<String> {
    let words = reader.words(path, item)?;
    if words.is_empty() {
        reader.fault(path, item, expected);
        return None;
    }
    Some(words)
}
