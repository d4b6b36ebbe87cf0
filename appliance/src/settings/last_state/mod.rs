//! What was played last: everything under the hands and around them, so that the next start finds the same scene.
//!
//! One text in the state folder, `last-state.toml`, written by the box for the box ([`text`], [`parse`]). It carries a digest of itself, so
//! that one that was cut off, changed or mixed up is not believed in any part: a scene that is half another is worse than none. What is no
//! number that a parameter can have is refused as well. [`shelf`] holds the files, [`starts`] tells a crash loop from a start.

mod numbered;
mod read;
mod shelf;
mod starts;
#[cfg(test)]
mod tests;
mod write;

use engine::latent::StereoFrame;
use engine::param::{Kept, ParamId, Values};

use crate::settings::box_file::Screen;
use crate::settings::patch::Sources;
use crate::settings::set_list::{Listed, SetList};
pub use numbered::{Loads, Writings, Written};
pub use read::parse;
pub use shelf::{FILE, Found, Shelf};
pub use starts::{CRASHES, Starts};
pub use write::{sealed, text};

/// Earlier digests of a patch that are remembered.
pub const SAVED: usize = 16;

/// What a performance was started with, by which its state is known to belong to another start: the patch as it was read, with what the
/// command line changed in it, and the recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The patch's name, for people.
    pub patch: String,
    /// The recording's name, for people.
    pub source: String,
    /// A digest of patch and sound.
    pub digest: String,
    /// What the digest was or will be: a state is on the disk before the patch that it speaks of is saved.
    pub saved: Vec<String>,
}

/// The sound of a recording, wherever it lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoundSum {
    sum: u64,
    frames: u64,
}

impl SoundSum {
    /// Of a recording as it is played.
    #[must_use]
    pub fn of(tape: &[StereoFrame]) -> Self {
        Self { sum: engine::playback::sum_of(tape), frames: tape.len() as u64 }
    }

    /// The sum by which a player knows it ([`engine::boundary::Standing::recording`]).
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// The digest of a start with a patch of this digest.
    #[must_use]
    pub fn with(self, patch: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(patch.as_bytes());
        hasher.update(&self.sum.to_le_bytes()).update(&self.frames.to_le_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

impl Origin {
    /// Of the patch that was started with, and a recording that sounds so. Where the recording lies makes no difference.
    #[must_use]
    pub fn of(patch: &Listed, source: &str, sound: SoundSum) -> Self {
        let saved = patch.saved.iter().map(|it| sound.with(it)).collect();
        Self { patch: patch.name.clone(), source: source.to_owned(), digest: sound.with(&patch.digest()), saved }
    }

    /// Whether a state of `other` belongs to this one.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        self.digest == other.digest || other.saved.contains(&self.digest)
    }
}

/// The patch that is played, of those of the set list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Playing {
    /// Its number; 0 is the one that was started with.
    pub number: usize,
    /// Its name, for people.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// What the digest was or will be.
    pub saved: Vec<String>,
    /// The numbers and names of the set list, as `7 bridge`: what strokes say of a number they say of that name.
    pub list: Vec<String>,
}

impl Playing {
    /// The one that is played of a list.
    #[must_use]
    pub fn of(list: &SetList) -> Option<Self> {
        let listed = list.playing()?;
        let (name, saved) = (listed.name.clone(), listed.saved.clone());
        Some(Self { number: list.place(), name, digest: listed.digest(), saved, list: list.names() })
    }
}

/// What was played last.
#[derive(Clone, Debug)]
pub struct LastState {
    /// What it was started with.
    pub origin: Origin,
    /// The patch that is played.
    pub playing: Playing,
    /// Values, curves, scenes, undo.
    pub kept: Kept,
    /// The scene last recalled or kept, from 0, and its values as they were then.
    pub scene: Option<(usize, Values)>,
    /// The bank of the map, from 0.
    pub bank: u8,
    /// The parameter that the keys move.
    pub selected: ParamId,
    /// What stands on each display.
    pub screens: Vec<Screen>,
    /// Where the tape was being read, in stereo samples.
    pub position: u64,
    /// Whether the output was muted.
    pub muted: bool,
    /// The recordings that play, where those of the start do not.
    pub sources: Option<Sources>,
    /// What the numbers of recordings mean of which strokes speak.
    pub loads: Loads,
    /// What the numbers of words mean of which strokes speak.
    pub writings: Writings,
}
