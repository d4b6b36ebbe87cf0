//! The file of the last state: read, and set aside where it is not to be used. Never destroyed, but for the oldest of what was set aside.

use std::path::{Path, PathBuf};

use super::{LastState, parse};
use crate::files::document::lines;
use crate::files::{FileError, Held, Lock, Trouble, is_there, move_aside, read_text, shown};
use crate::settings::patch::Sources;

/// The file's name in the state folder.
pub const FILE: &str = "last-state.toml";
/// Who has the file: one performance at a time.
const LOCK: &str = "last-state.lock";
/// Greatest file in bytes: what is written has at most a third of it.
const LARGEST_BYTES: u64 = 32 << 20;
/// States that are kept aside; then the oldest goes.
const ASIDE: usize = 9;

/// The file of the last state in a folder, as this performance's own.
#[derive(Debug)]
pub struct Shelf {
    path: PathBuf,
    /// Missing where the system refused it, as on a disk for reading.
    _lock: Option<Lock>,
}

/// What was found.
#[derive(Debug)]
pub enum Found {
    /// There is none.
    Nothing,
    /// It is whole.
    State(Box<LastState>),
    /// It is not to be believed, in words.
    Refused(String),
}

impl Shelf {
    /// Takes the file of a state folder, which is made.
    ///
    /// # Errors
    /// In words, when another performance has it: nothing of it is read, and nothing kept.
    pub fn open(folder: &Path) -> Result<Self, String> {
        // A folder that cannot be made is told by what cannot be written in it.
        let _ = std::fs::create_dir_all(folder);
        let lock = match Lock::take(&folder.join(LOCK)) {
            Ok(lock) => Some(lock),
            Err(Held::By(process)) => {
                return Err(format!(
                    "another performance (process {process}) keeps its last state in {}; this one keeps none",
                    shown(folder)
                ));
            }
            Err(Held::System(_)) => None,
        };
        Ok(Self { path: folder.join(FILE), _lock: lock })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it.
    #[must_use]
    pub fn read(&self) -> Found {
        match read_text(&self.path, LARGEST_BYTES) {
            Ok(text) => match parse(&text.text) {
                Ok(state) => Found::State(Box::new(state)),
                Err(faults) => Found::Refused(lines(&self.path, &faults)),
            },
            Err(Trouble::Missing) => Found::Nothing,
            Err(trouble) => Found::Refused(FileError::reading(&self.path)(trouble).to_string()),
        }
    }

    /// The recordings that were played last, of a state folder that another performance may have: what is believed of it is believed
    /// later, with all of it.
    #[must_use]
    pub fn peek(folder: &Path) -> Option<Sources> {
        let text = read_text(&folder.join(FILE), LARGEST_BYTES).ok()?;
        parse(&text.text).ok()?.sources
    }

    /// Whether there is one, whatever it is.
    #[must_use]
    pub fn has_one(&self) -> bool {
        is_there(&self.path)
    }

    /// Gives the file another name, so that it is neither read nor written over; answers in words what became of it.
    #[must_use]
    pub fn set_aside(&self) -> String {
        let names: Vec<PathBuf> = (1..=ASIDE).map(|it| self.path.with_extension(format!("toml.aside-{it}"))).collect();
        let age = |it: &PathBuf| std::fs::metadata(it).and_then(|it| it.modified()).ok();
        let free = names.iter().find(|it| !is_there(it)).or_else(|| names.iter().min_by_key(|it| age(it)));
        let to = free.expect("there are names");
        match move_aside(&self.path, to) {
            Ok(()) => format!("it is kept as {}", shown(to)),
            Err(error) => format!("it stays where it is ({error})"),
        }
    }
}
