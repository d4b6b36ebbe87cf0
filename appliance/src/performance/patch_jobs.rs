//! What a hand asks of a patch's file: to be saved, saved as new, taken back, done again, read again.
//!
//! Runs on the writer's thread ([`crate::performance::state_writer`]), so that a disk may take its time. What came of it goes back to the
//! conductor's thread, which brings set list and undo up to it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::files::{FileError, Trouble};
use crate::settings::library::Library;
use crate::settings::patch::Patch;
use crate::settings::saves::{Saves, Side};
use crate::settings::set_list::{Listed, name_of, saved_from};

/// Where patches without a folder of their own are saved, in the state folder.
const PATCHES: &str = "library/patches";
/// Names that are tried for a patch that is saved as new: `bridge-2` to `bridge-99`.
const NAMES: std::ops::RangeInclusive<u32> = 2..=99;

/// What is to be done with a patch's file.
#[derive(Debug)]
pub enum PatchJob {
    /// Write it over.
    Save {
        /// Its number in the set list.
        number: usize,
        /// Its file.
        file: PathBuf,
        /// What it is to have.
        patch: Box<Patch>,
    },
    /// Write it beside, under a new name.
    SaveNew {
        /// Where; in the state folder where the patch has no folder of its own.
        folder: Option<PathBuf>,
        /// The name of what it was.
        name: String,
        /// What it is to have.
        patch: Box<Patch>,
    },
    /// Take a save back, or do it again.
    Turn {
        /// The patch's number in the set list.
        number: usize,
        /// Its file.
        file: PathBuf,
        /// The number of the save.
        save: u32,
        /// What the file is to have.
        side: Side,
        /// Whether the save made the file: then it comes and goes.
        is_new: bool,
    },
    /// Read it again.
    Read {
        /// Its number in the set list.
        number: usize,
        /// Its file.
        file: PathBuf,
        /// The library that it may name.
        library: Library,
    },
}

/// What came of it.
#[derive(Debug)]
pub enum PatchDone {
    /// It is saved, under this number of the save; the patch as its file has it.
    Saved(usize, u32, Box<Patch>),
    /// It is saved as new.
    SavedNew(u32, Box<Listed>),
    /// Its file has what it had; nothing where it is gone.
    Turned(usize, Side, Option<Box<Patch>>),
    /// It was read again, with what is wrong with it.
    Read(usize, Box<Patch>, Option<String>),
    /// It could not be done.
    Failed(String),
}

impl PatchJob {
    /// Whether it makes a file that a state is about to speak of.
    #[must_use]
    pub(super) const fn comes_before_a_state(&self) -> bool {
        matches!(self, Self::Turn { side: Side::After, is_new: true, .. })
    }

    /// The same, where a patch without a folder goes into one of the state folder.
    #[must_use]
    pub(super) fn in_state_folder(mut self, state: &Path) -> Self {
        if let Self::SaveNew { folder, .. } = &mut self {
            folder.get_or_insert_with(|| state.join(PATCHES));
        }
        self
    }

    /// Does it. The newest save has the number `newest`.
    pub(super) fn done(self, saves: &Saves, newest: &mut u32) -> PatchDone {
        match self.tried(saves, newest) {
            Ok(done) => done,
            Err(words) => PatchDone::Failed(words),
        }
    }

    fn tried(self, saves: &Saves, newest: &mut u32) -> Result<PatchDone, String> {
        let not = |what: &'static str| move |error: FileError| format!("{what}: {error}");
        match self {
            Self::Save { number, file, patch } => {
                let text = in_its_folder(*patch, &file).to_text();
                *newest = saves.save(&file, text.as_bytes(), *newest).map_err(not("not saved"))?;
                Ok(PatchDone::Saved(number, *newest, read(&file)?))
            }
            Self::SaveNew { folder, name, patch } => {
                let folder = folder.unwrap_or_default();
                let file = save_new(saves, newest, &folder, &name, *patch).map_err(not("not saved"))?;
                let mut listed = Listed::new(name_of(&file), *read(&file)?, Some(file));
                listed.know_its_place();
                Ok(PatchDone::SavedNew(*newest, Box::new(listed)))
            }
            Self::Turn { number, file, save, side, .. } => {
                let stands = saves.turn_to(side, save, &file).map_err(not("the patch's file stays as it is"))?;
                let patch = stands.map(|_| read(&file)).transpose()?;
                Ok(PatchDone::Turned(number, side, patch))
            }
            Self::Read { number, file, library } => {
                let read = library.load_patch(&file).map_err(|it| it.to_string())?;
                let told: Vec<String> = read.told.into_iter().chain(read.refused).collect();
                let told = (!told.is_empty()).then(|| told.join("\n"));
                Ok(PatchDone::Read(number, Box::new(read.patch), told))
            }
        }
    }
}

fn in_its_folder(patch: Patch, file: &Path) -> Patch {
    match file.parent() {
        Some(folder) => patch.in_folder(folder),
        None => patch,
    }
}

/// The patch of a file. What is wrong with it was told when it was read first, or is of a person who wrote it meanwhile.
fn read(file: &Path) -> Result<Box<Patch>, String> {
    Patch::load_sound(file).map(|it| Box::new(it.0)).map_err(|it| it.to_string())
}

/// Saves a patch under the first name that is free; answers its file.
fn save_new(saves: &Saves, newest: &mut u32, folder: &Path, name: &str, patch: Patch) -> Result<PathBuf, FileError> {
    // A folder that cannot be made is told by what cannot be written in it.
    let _ = std::fs::create_dir_all(folder);
    let text = patch.in_folder(folder).to_text();
    for number in NAMES {
        let file = folder.join(format!("{}-{number}.toml", stem(name)));
        match saves.save_new(&file, text.as_bytes(), *newest) {
            Ok(save) => {
                *newest = save;
                return Ok(file);
            }
            Err(error) if is_taken(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(FileError::writing(&folder.join(name))(std::io::Error::from(ErrorKind::AlreadyExists)))
}

fn is_taken(error: &FileError) -> bool {
    matches!(&error.trouble, Trouble::System(it) if it.kind() == ErrorKind::AlreadyExists)
}

/// A name without the number that an earlier save as new gave it, and without what no file should be called.
fn stem(name: &str) -> String {
    let bare = saved_from(name).unwrap_or(name);
    let is_usual = |it: char| it.is_alphanumeric() || " _-.".contains(it);
    let stem: String = bare.chars().map(|it| if is_usual(it) { it } else { '_' }).collect();
    match stem.trim_start_matches('.') {
        "" => "patch".to_owned(),
        stem => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{PatchDone, PatchJob, stem};
    use crate::settings::patch::Patch;
    use crate::settings::saves::Saves;

    #[test]
    fn a_patch_saved_as_new_has_the_first_free_name_and_its_recording_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let (saves, mut newest) = (Saves::of(&folder.path().join("state")), 4);
        let at = folder.path().join("list");
        fs::create_dir(&at).expect("a disk");
        fs::write(at.join("07_a-2.toml"), "").expect("a disk");
        let patch = Patch { source: Some(at.join("loop.wav")), ..Patch::default() };
        for (name, expected) in [("07_a", "07_a-3"), ("07_a-3", "07_a-4")] {
            let job =
                PatchJob::SaveNew { folder: Some(at.clone()), name: name.to_owned(), patch: Box::new(patch.clone()) };
            let PatchDone::SavedNew(save, listed) = job.done(&saves, &mut newest) else { panic!("it is not saved") };
            assert_eq!((save, listed.name.as_str(), &listed.patch), (newest, expected, &patch));
            let text = fs::read_to_string(at.join(format!("{expected}.toml"))).expect("it is there");
            assert!(text.contains("source = \"loop.wav\""), "{text}");
        }
        assert_eq!(newest, 6);
    }

    #[test]
    fn a_name_of_a_patch_leads_nowhere_else_as_a_file() {
        for (name, expected) in [
            ("a", "a"),
            ("a-2", "a"),
            ("a-b", "a-b"),
            ("../x", "_x"),
            ("a/b\n", "a_b_"),
            ("", "patch"),
            ("..", "patch"),
        ] {
            assert_eq!(stem(name), expected, "{name:?}");
        }
    }
}
