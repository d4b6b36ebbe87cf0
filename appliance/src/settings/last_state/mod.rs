//! What was played last: everything under the hands and around them, so that the next start finds the same scene.
//!
//! One text in the state folder, `last-state.toml`, written by the box for the box ([`text`], [`parse`]). It carries a digest of itself, so
//! that one that was cut off, changed or mixed up is not believed in any part: a scene that is half another is worse than none. What is no
//! number that a parameter can have is refused as well. [`shelf`] holds the files, [`starts`] tells a crash loop from a start.

mod read;
mod shelf;
mod starts;
#[cfg(test)]
mod tests;
mod write;

use engine::latent::StereoFrame;
use engine::param::{Kept, ParamId, Values};

use crate::settings::box_file::Screen;
use crate::settings::patch::Patch;
use crate::settings::set_list::{Listed, SetList};
pub use read::parse;
pub use shelf::{FILE, Found, Shelf};
pub use starts::{CRASHES, Starts};
pub use write::{sealed, text};

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
}

impl Origin {
    /// Of a patch called so, and a recording that sounds so. Where the recording lies makes no difference.
    #[must_use]
    pub fn of(patch: &Listed, source: &str, tape: &[StereoFrame]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(digest_of(&patch.patch).as_bytes());
        let sum = engine::playback::sum_of(tape);
        hasher.update(&sum.to_le_bytes()).update(&(tape.len() as u64).to_le_bytes());
        let digest = hasher.finalize().to_hex().to_string();
        Self { patch: patch.name.clone(), source: source.to_owned(), digest }
    }
}

/// A patch by its text, wherever its recording lies.
#[must_use]
pub fn digest_of(patch: &Patch) -> String {
    let bare = Patch { source: None, ..patch.clone() };
    blake3::hash(bare.to_text().as_bytes()).to_hex().to_string()
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
}

impl Playing {
    /// The one that is played of a list.
    #[must_use]
    pub fn of(list: &SetList) -> Option<Self> {
        let listed = list.playing()?;
        Some(Self { number: list.place(), name: listed.name.clone(), digest: digest_of(&listed.patch) })
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
}
