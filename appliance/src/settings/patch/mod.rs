//! A patch: all that a performance needs, in one TOML file that a person can read and mend.
//!
//! `docs/patch.md` has an example and every key, `docs/surface.md` those of a map line; the tests hold them.
//!
//! A player who mends a patch by hand sees every fault at once, each with its line (`crate::files::document`). Saving writes beside the old file, flushes, and renames, so that a power cut leaves one or the
//! other whole.

mod read;
mod sources;
mod words;
mod write;

use std::path::{Path, PathBuf};

use engine::live::PROMPTS;
use engine::param::{Breakpoints, ParamId, SCENES, Store, Values};

use crate::control::binding::Map;
use crate::files::document::{Fault, lines, save};
use crate::files::{Trouble, read_text, shown};
use crate::recording::Part;
pub(crate) use read::spoken;
pub use sources::Sources;
pub use words::{NamedPrompt, SetByHand, Spoken};
pub(crate) use write::write_prompt;

/// Letters that a name has at most.
const NAME_LETTERS: usize = 32;
/// Greatest patch file in bytes: a hundred times the longest that hands write.
const LARGEST_BYTES: u64 = 1 << 20;

/// Words for the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompt {
    /// What the music should be.
    pub a: String,
    /// Where the prompt blend leads; the same as `a` where it is empty.
    pub b: String,
    /// Lyrics, with section marks; empty for instrumental music.
    pub lyrics: String,
    /// Quarter notes a minute, 30 to 300.
    pub bpm: Option<u16>,
    /// Key and scale, as in "A minor".
    pub key: Option<String>,
    /// Beats in a bar: 2, 3, 4 or 6.
    pub time_signature: Option<u8>,
}

/// All that a performance needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// The recording.
    pub source: Option<PathBuf>,
    /// The part of it that is played; none for all of it.
    pub part: Option<Part>,
    /// The recording that structure is taken from, where that is another one.
    pub structure: Option<PathBuf>,
    /// The recording that timbre is taken from, where that is another one.
    pub timbre: Option<PathBuf>,
    /// The model that plays it: as its file has it a name, as it was found its folder; none for the one that plays.
    pub model: Option<PathBuf>,
    /// Words for the model, and what all prompts share.
    pub prompt: Prompt,
    /// Up to eight prompts, from 1 in the file, from 0 here; 1 and 2 stand in the place of `prompt.a` and `prompt.b`.
    pub prompts: [Option<NamedPrompt>; PROMPTS],
    /// Every value.
    pub values: Values,
    /// Drawn curves.
    pub curves: Vec<(ParamId, Breakpoints)>,
    /// Scenes, from 1 on the panel, from 0 here.
    pub scenes: [Option<Values>; SCENES],
    /// Their names, where they have one.
    pub scene_names: [Option<String>; SCENES],
    /// The map.
    pub map: Map,
}

impl Patch {
    /// Reads a patch; a relative source is taken as beside it.
    ///
    /// # Errors
    /// [`PatchError`]: with every fault of the file, where one of them lost something.
    pub fn load(path: &Path) -> Result<Self, PatchError> {
        match Self::load_sound(path)? {
            (patch, faults) if faults.iter().all(|it| it.mended) => Ok(patch),
            (_, faults) => Err(PatchError::Faulty { path: path.to_owned(), faults }),
        }
    }

    /// Reads a patch as far as it is sound: on a stage, most of a patch is better than none.
    ///
    /// # Errors
    /// [`PatchError`]: when the file is none that could hold a patch.
    pub fn load_sound(path: &Path) -> Result<(Self, Vec<Fault>), PatchError> {
        let text = read_text(path, LARGEST_BYTES).map_err(|trouble| match trouble {
            Trouble::Large { .. } => PatchError::TooLarge(path.to_owned()),
            trouble => PatchError::Unreadable(path.to_owned(), trouble.into()),
        })?;
        let (mut patch, faults) = Self::parse_sound(&text.text);
        let faults = text.with(faults);
        if let Some(folder) = path.parent() {
            patch.recordings_mut().into_iter().flatten().for_each(|it| *it = folder.join(&*it));
        }
        Ok((patch, faults))
    }

    /// Reads a patch's text.
    ///
    /// # Errors
    /// Every fault of the text, in the order of their lines, where one of them lost something.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        match Self::parse_sound(text) {
            (patch, faults) if faults.iter().all(|it| it.mended) => Ok(patch),
            (_, faults) => Err(faults),
        }
    }

    /// Reads a patch's text as far as it is sound: what is faulty is left out and told, in the order of the lines.
    #[must_use]
    pub fn parse_sound(text: &str) -> (Self, Vec<Fault>) {
        read::read(text)
    }

    /// The patch as text; [`Patch::parse`] reads the same patch from it.
    #[must_use]
    pub fn to_text(&self) -> String {
        write::text(self)
    }

    /// The scenes alone as the text of a patch.
    #[must_use]
    pub fn scenes_to_text(&self) -> String {
        write::scenes_text(self)
    }

    /// A digest of the patch, wherever its recording lies.
    #[must_use]
    pub fn digest(&self) -> String {
        let name = |it: &Option<PathBuf>| it.as_ref().and_then(|it| it.file_name()).map(PathBuf::from);
        let (structure, timbre, model) = (name(&self.structure), name(&self.timbre), name(&self.model));
        let bare = Self { source: None, structure, timbre, model, ..self.clone() };
        blake3::hash(bare.to_text().as_bytes()).to_hex().to_string()
    }

    /// The patch as a file in a folder has it: a recording that lies there goes by its name.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        for it in self.recordings_mut().into_iter().flatten() {
            if let Ok(beside) = it.strip_prefix(folder).map(Path::to_owned) {
                *it = beside;
            }
        }
        self
    }

    /// The recordings that it names: the one that is played on, structure's, timbre's.
    pub fn recordings_mut(&mut self) -> [&mut Option<PathBuf>; 3] {
        [&mut self.source, &mut self.structure, &mut self.timbre]
    }

    /// The same patch with the recordings and the model of another one.
    #[must_use]
    pub fn on_recordings_of(self, other: &Self) -> Self {
        let Self { source, part, structure, timbre, model, .. } = other.clone();
        Self { source, part, structure, timbre, model, ..self }
    }

    /// Saves the patch: after this returns, the file is whole on the disk; whatever happens before, the old one is.
    ///
    /// # Errors
    /// [`PatchError::Unwritable`]; the old file is as it was.
    pub fn save(&self, path: &Path) -> Result<(), PatchError> {
        save(path, self.to_text().as_bytes()).map_err(|error| PatchError::Unwritable(path.to_owned(), error))
    }

    /// Takes the store's values and scenes into the patch, for saving.
    pub fn take_from(&mut self, store: &Store) {
        self.values = *store.aims();
        for (place, scene) in self.scenes.iter_mut().enumerate() {
            *scene = store.scene(place).copied();
        }
    }
}

/// Why there is no patch, or why it was not saved. What was playing plays on.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// Mend the path or the disk.
    #[error("{}: cannot be read: {_1}", shown(_0))]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// This is no patch.
    #[error("{}: too large for a patch (expected at most {LARGEST_BYTES} bytes)", shown(_0))]
    TooLarge(PathBuf),
    /// Mend the file: everything that is wrong with it is here.
    #[error("{}", lines(path, faults))]
    Faulty {
        /// The file.
        path: PathBuf,
        /// Its faults.
        faults: Vec<Fault>,
    },
    /// Free or mend the disk, and save again.
    #[error("{}: cannot be saved: {_1}", shown(_0))]
    Unwritable(PathBuf, #[source] std::io::Error),
}

#[cfg(test)]
mod tests;
