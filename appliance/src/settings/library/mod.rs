//! The library: a folder of recordings, patches, models and adapters, which patches speak of by name.
//!
//! A patch may name what lies in its own folder or in the library, and nothing else: it may come from anywhere, on a stick too, and is not to
//! lead a box to other files. What a name leads to is looked at, and not how it is written: a whole path, `..` or a link that ends in
//! one of the two folders is as good as a name, and one that ends elsewhere is refused in words. Who wants it as before may say so
//! ([`Library::anywhere`]). `shelf` looks at everything that is there, `add` brings something in.

mod add;
mod shelf;

use std::path::{Component, Path, PathBuf};

use crate::files::document::{is_newer, lines};
use crate::files::{is_there, shown};
use crate::settings::patch::{Patch, PatchError};
pub use add::{AddError, Added};
pub use shelf::{Item, LOOKED_AT_S, Shelf};

/// The library's name in the state folder.
const FOLDER: &str = "library";

/// Why a patch may not have the recording that it names, or cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is nobody's name.
    #[error("a name with control characters")]
    Control,
    /// It leads elsewhere.
    #[error("it leads out of the patch's folder and of the library")]
    Outside,
    /// Nothing has that name.
    #[error("no such recording is beside the patch or in the library")]
    Missing,
}

/// A library, and what patches may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library {
    root: PathBuf,
    anywhere: bool,
    /// The model of the start, which patches may name too.
    model: Option<PathBuf>,
}

/// A patch that was read, and what is wrong with it.
#[derive(Debug)]
pub struct Read {
    /// The patch, as far as it is sound; its recording is a path that leads there.
    pub patch: Patch,
    /// What is wrong with its text, in lines.
    pub told: Vec<String>,
    /// Whether something of the text was lost.
    pub is_faulty: bool,
    /// Why it has no recording though it names one.
    pub refused: Option<String>,
    /// Whether it is of a newer format: then nothing of it was read.
    pub is_newer: bool,
}

impl Library {
    /// The library of a folder.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root, anywhere: false, model: None }
    }

    /// The named library, `$DEMON_LIBRARY`, or the one in the state folder.
    #[must_use]
    pub fn find(named: Option<&Path>, state: &Path) -> Self {
        let variable = || std::env::var_os("DEMON_LIBRARY").filter(|it| !it.is_empty()).map(PathBuf::from);
        Self::at(named.map(Path::to_owned).or_else(variable).unwrap_or_else(|| state.join(FOLDER)))
    }

    /// The same, where patches name recordings wherever they lie, as they did before there was a library.
    #[must_use]
    pub fn anywhere(self, anywhere: bool) -> Self {
        Self { anywhere, ..self }
    }

    /// The same, where patches may name the model of the start too, wherever it lies.
    #[must_use]
    pub fn beside_model(self, model: Option<PathBuf>) -> Self {
        Self { model, ..self }
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a shelf.
    #[must_use]
    pub fn folder(&self, shelf: Shelf) -> PathBuf {
        self.root.join(shelf.folder())
    }

    /// Reads a patch, with the recording that it names.
    ///
    /// # Errors
    /// [`PatchError`]: when the file is none that could hold a patch.
    pub fn load_patch(&self, path: &Path) -> Result<Read, PatchError> {
        let (mut patch, faults) = Patch::load_sound(path)?;
        let mut told: Vec<String> = (!faults.is_empty()).then(|| lines(path, &faults)).into_iter().collect();
        let (is_faulty, mut refused) = (faults.iter().any(|it| !it.mended), None);
        let folder = path.parent().unwrap_or(Path::new("."));
        for (key, named) in ["source", "structure", "timbre"].into_iter().zip(patch.recordings_mut()) {
            let Some(recording) = named.take() else { continue };
            match self.recording(&recording, folder) {
                Ok(found) => *named = Some(found),
                Err(why) => refused = refused.or(Some(words((path, key), &recording, why))),
            }
        }
        if let Some(named) = patch.model.take() {
            match self.model(&named) {
                Ok(found) => patch.model = Some(found),
                Err(words) => told.push(format!("{}: model: {words}", shown(path))),
            }
        }
        Ok(Read { patch, told, is_faulty, refused, is_newer: is_newer(&faults) })
    }

    /// What is wrong with a patch's file, in words.
    #[must_use]
    pub fn wrong_with_patch(&self, path: &Path) -> Option<String> {
        let wrong = |read: Read| read.told.into_iter().chain(read.refused).collect();
        let told: Vec<String> = self.load_patch(path).map_or_else(|error| vec![error.to_string()], wrong);
        (!told.is_empty()).then(|| told.join("\n"))
    }

    /// Where the recording is that a patch names, which was read from `folder`: beside the patch, or in the library under that name.
    /// `source` is the name as the patch has it, beside the folder.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn recording(&self, source: &Path, folder: &Path) -> Result<PathBuf, Refused> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let name = source.strip_prefix(folder).unwrap_or(source);
        if self.anywhere {
            let in_library = self.folder(Shelf::Recordings).join(name);
            return Ok(if is_there(source) || !is_there(&in_library) { source.to_owned() } else { in_library });
        }
        if !is_name(name) {
            return Err(Refused::Control);
        }
        if is_there(source) {
            return self.inside(source, folder);
        }
        // What is not there is judged by how it is written.
        if name.components().any(|it| !matches!(it, Component::Normal(_) | Component::CurDir)) {
            return Err(Refused::Outside);
        }
        let in_library = self.folder(Shelf::Recordings).join(name);
        if is_there(&in_library) { self.inside(&in_library, folder) } else { Err(Refused::Missing) }
    }

    /// Where the model is that a patch names: in the library under that name, or the one of the start, where that is called so.
    ///
    /// # Errors
    /// In words: what was found, what was expected, and what becomes of it.
    fn model(&self, named: &Path) -> Result<PathBuf, String> {
        let in_library = self.folder(Shelf::Models).join(named);
        let is_plain = matches!(named.components().collect::<Vec<_>>()[..], [Component::Normal(_)]) && is_name(named);
        let is_inside = || {
            std::fs::canonicalize(&self.root).is_ok_and(|root| {
                std::fs::canonicalize(&in_library).is_ok_and(|it| it.is_dir() && it.starts_with(root))
            })
        };
        if is_plain && is_inside() {
            return Ok(in_library);
        }
        let own = self.model.as_ref().filter(|it| it.as_path() == named || Self::name_of_model(it) == named);
        own.cloned().ok_or_else(|| {
            let (found, own) = (shown(named), self.model.as_deref().map(Self::name_of_model).unwrap_or_default());
            let own = shown(&own);
            format!("found {found}, expected the name of a model in the library, or {own} as started with: it is played on the model that plays")
        })
    }

    /// A model as a patch names it: by the name of its folder.
    #[must_use]
    pub fn name_of_model(folder: &Path) -> PathBuf {
        folder.file_name().map_or_else(|| folder.to_owned(), PathBuf::from)
    }

    /// A path that is there, where it ends in one of the two folders.
    fn inside(&self, path: &Path, folder: &Path) -> Result<PathBuf, Refused> {
        // A link into nothing, or in a circle, leads nowhere.
        let end = std::fs::canonicalize(path).map_err(|_| Refused::Missing)?;
        let is_in = |it: &Path| std::fs::canonicalize(it).is_ok_and(|it| end.starts_with(it));
        if is_in(folder) || is_in(&self.root) { Ok(path.to_owned()) } else { Err(Refused::Outside) }
    }

    /// A recording as a patch names it: by its name alone, where it lies in the library.
    #[must_use]
    pub fn named(&self, source: PathBuf) -> PathBuf {
        source.strip_prefix(self.folder(Shelf::Recordings)).map(Path::to_owned).unwrap_or(source)
    }
}

fn words((path, key): (&Path, &str), source: &Path, refused: Refused) -> String {
    let beside = path.parent().and_then(|it| source.strip_prefix(it).ok()).unwrap_or(source);
    let advice = match refused {
        Refused::Control => "another name for it",
        Refused::Outside => "`demon library add` with the file, and its name alone in the patch (or --any-path)",
        Refused::Missing => "`demon library add` with the file, or --source",
    };
    format!("{}: {key}: found {}: {refused}; try {advice}", shown(path), shown(beside))
}

/// Whether a path is fit to be a name: text without anything that steers a line.
fn is_name(path: &Path) -> bool {
    path.to_str().is_some_and(|it| it == shown(path).to_string())
}

#[cfg(test)]
mod tests;
