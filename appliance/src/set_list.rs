//! The patches of an evening, in order: a program change or a foot switch goes from one to another.
//!
//! A patch of the list brings its values, scenes, curves and map at once. Its recording and its words belong to a start
//! (`--patch`); where they are others than those that play, that is said. A patch that cannot be played keeps its place and
//! its number, and is passed over: what plays, plays on.

use std::path::{Path, PathBuf};

use crate::document::{is_newer, lines};
use crate::patch::Patch;

/// One patch of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its name: the file's, without its end.
    pub name: String,
    /// The patch, as far as it is sound.
    pub patch: Patch,
}

/// The list, and where in it the player is.
#[derive(Clone, Debug, Default)]
pub struct SetList {
    /// A patch, or the name of what cannot be played.
    patches: Vec<Result<Listed, String>>,
    at: usize,
}

impl SetList {
    /// The patch that was started with, and after it those of a folder, by their names; with what is wrong with them.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn open(first: Listed, folder: Option<&Path>) -> std::io::Result<(Self, Vec<String>)> {
        let (mut patches, mut faults) = (vec![Ok(first)], Vec::new());
        let mut files: Vec<PathBuf> = match folder {
            Some(folder) => {
                let entries = std::fs::read_dir(folder)?.map(|it| it.map(|it| it.path()));
                entries.collect::<Result<_, _>>()?
            }
            None => Vec::new(),
        };
        files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
        files.sort();
        for path in files {
            let name = name_of(&path);
            patches.push(match Patch::load_sound(&path) {
                Ok((patch, told)) => {
                    faults.extend((!told.is_empty()).then(|| lines(&path, &told)));
                    if is_newer(&told) { Err(name) } else { Ok(Listed { name, patch }) }
                }
                Err(error) => {
                    faults.push(error.to_string());
                    Err(name)
                }
            });
        }
        Ok((Self { patches, at: 0 }, faults))
    }

    /// The patch that is played.
    #[must_use]
    pub fn playing(&self) -> Option<&Listed> {
        self.patches.get(self.at)?.as_ref().ok()
    }

    /// The patch that was started with.
    #[must_use]
    pub fn started(&self) -> Option<&Listed> {
        self.patches.first()?.as_ref().ok()
    }

    /// Its place, from 0.
    #[must_use]
    pub const fn place(&self) -> usize {
        self.at
    }

    /// Goes to a place, from 0; `None` where no patch can be played, and then nothing has changed.
    pub fn go(&mut self, place: usize) -> Option<&Listed> {
        let found = self.patches.get(place)?.as_ref().ok()?;
        self.at = place;
        Some(found)
    }

    /// Goes on by some patches, passes over what cannot be played, and stops at the ends: after the last song there is no
    /// first.
    pub fn go_by(&mut self, by: i8) -> Option<&Listed> {
        let (mut place, step) = (self.at, isize::from(by.signum()));
        for _ in 0..by.unsigned_abs() {
            place = place.checked_add_signed(step)?;
            while self.patches.get(place)?.is_err() {
                place = place.checked_add_signed(step)?;
            }
        }
        self.go(place)
    }

    /// The name of what is at a place and cannot be played.
    #[must_use]
    pub fn unplayable(&self, place: usize) -> Option<&str> {
        self.patches.get(place)?.as_ref().err().map(String::as_str)
    }
}

/// The name of a patch's file.
#[must_use]
pub fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(|| "patch".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Listed, SetList};
    use crate::patch::Patch;

    #[test]
    fn patches_come_by_name_and_a_faulty_one_keeps_its_sound_part() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("2-b.toml", "[values]\ndenoise = 0.25\nnoise = 1\n"),
            ("1-a.toml", "[values]\ndenoise = 0.75\n"),
            ("notes.txt", "no patch"),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a disk");
        }
        let first = Listed { name: "start".to_owned(), patch: Patch::default() };
        let (mut list, faults) = SetList::open(first, Some(folder.path())).expect("a folder");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("2-b.toml:3: values.noise"), "{faults:?}");
        let mut names = vec![list.playing().map(|it| it.name.clone())];
        names.extend([1, 1, 1].map(|by| list.go_by(by).map(|it| it.name.clone())));
        assert_eq!(
            names,
            ["start", "1-a", "2-b"].map(|it| Some(it.to_owned())).into_iter().chain([None]).collect::<Vec<_>>()
        );
        assert_eq!(list.playing().map(|it| it.patch.values.exact(engine::param::ParamId::Denoise)), Some(0.25));
        assert!(list.go(9).is_none() && list.place() == 2);
        assert_eq!(list.started().map(|it| it.name.as_str()), Some("start"));
    }
}
