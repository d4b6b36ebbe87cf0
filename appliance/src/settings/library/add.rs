//! Bringing something into a library: looked at first, copied then, and never over anything.

use std::io;
use std::path::{Path, PathBuf};

use super::shelf::{LOOKED_AT_S, look};
use super::{Library, Shelf, is_name};
use crate::files::document::is_text_of_ours;
use crate::files::{FileError, Kind, Trouble, copy_aside, has_same_bytes, is_there, move_aside, shown};

/// Folders in a model's folder that are looked into: its parts, and theirs.
const DEEP: usize = 3;

/// What became of something that was to be added.
#[derive(Clone, Debug, PartialEq)]
pub enum Added {
    /// It is in the library, under this name, with what is odd about it.
    New(Shelf, String, Vec<String>),
    /// The same is there already, to the byte.
    There(Shelf, String),
}

/// Why something was not added. The library is as it was.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It has no name that a patch could name.
    #[error(
        "{}: a name that no patch can name (expected text without control characters, that begins with no point)",
        shown(_0)
    )]
    Name(PathBuf),
    /// It is not what it seems to be.
    #[error("{}: it cannot be used: {_1}", shown(_0))]
    Broken(PathBuf, String),
    /// Another one has its name.
    #[error("{}: another of this name is in the library, and nothing is written over (rename one)", shown(_0))]
    Taken(PathBuf),
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Library {
    /// Looks at a file, or at the folder of a model, and copies it in.
    ///
    /// # Errors
    /// [`AddError`]; the library is then as it was.
    pub fn add(&self, path: &Path) -> Result<Added, AddError> {
        let shelf = shelf_of(path)?;
        let name = path.file_name().map(Path::new).filter(|it| is_name(it) && !shown(it).to_string().starts_with('.'));
        let name = name.ok_or_else(|| AddError::Name(path.to_owned()))?;
        // A patch is looked at where it is going to be: what it names has to be in the library by then, or is told.
        let looked = look(self, shelf, path).map_err(|it| AddError::Broken(path.to_owned(), it))?;
        let (folder, told) = (self.folder(shelf), shown(name).to_string());
        std::fs::create_dir_all(&folder).map_err(FileError::writing(&folder))?;
        let to = folder.join(name);
        if is_there(&to) {
            return match shelf != Shelf::Models && has_same_bytes(path, &to)? {
                true => Ok(Added::There(shelf, told)),
                false => Err(AddError::Taken(to)),
            };
        }
        match shelf {
            Shelf::Models => copy_folder(path, &to)?,
            _ => _ = copy_aside(path, [to])?,
        }
        let mut faults = looked.faults;
        if looked.seconds.is_some_and(|it| LOOKED_AT_S <= it) {
            faults.push(format!("only its first {LOOKED_AT_S:.0} s were looked at"));
        }
        Ok(Added::New(shelf, told, faults))
    }
}

/// What something is, by its name and by what it is on the disk.
fn shelf_of(path: &Path) -> Result<Shelf, AddError> {
    let about = std::fs::metadata(path).map_err(|error| {
        FileError::reading(path)(if error.kind() == io::ErrorKind::NotFound { Trouble::Missing } else { error.into() })
    })?;
    let ends_in = |end: &str| path.extension().is_some_and(|it| it.eq_ignore_ascii_case(end));
    match Kind::of(&about) {
        Kind::Folder => Ok(Shelf::Models),
        Kind::File if is_text_of_ours(path) => Ok(Shelf::Patches),
        Kind::File if ends_in("safetensors") => Ok(Shelf::Adapters),
        Kind::File => Ok(Shelf::Recordings),
        found => {
            Err(FileError::reading(path)(Trouble::Kind { found, expected: "a file, or the folder of a model" }).into())
        }
    }
}

/// Copies a folder of files and folders beside its place, and moves it there when it is whole. Links are followed: what they name is
/// copied.
fn copy_folder(from: &Path, to: &Path) -> Result<(), FileError> {
    let part = to.with_file_name(format!(".{}.part", shown(to.file_name().unwrap_or_default())));
    let _ = std::fs::remove_dir_all(&part);
    let done = copy_all(from, &part, DEEP).and_then(|()| move_aside(&part, to));
    if done.is_err() {
        let _ = std::fs::remove_dir_all(&part);
    }
    done
}

fn copy_all(from: &Path, to: &Path, deep: usize) -> Result<(), FileError> {
    std::fs::create_dir_all(to).map_err(FileError::writing(to))?;
    for entry in std::fs::read_dir(from).map_err(FileError::reading(from))? {
        let path = entry.map_err(FileError::reading(from))?.path();
        let beside = to.join(path.file_name().unwrap_or_default());
        match std::fs::metadata(&path).map(|it| Kind::of(&it)).map_err(FileError::reading(&path))? {
            Kind::Folder if deep == 0 => {}
            Kind::Folder => copy_all(&path, &beside, deep - 1)?,
            Kind::File => _ = copy_aside(&path, [beside])?,
            found => return Err(FileError::reading(&path)(Trouble::Kind { found, expected: "a file" })),
        }
    }
    Ok(())
}
