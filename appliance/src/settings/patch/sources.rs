//! The recordings that a patch is played on.

use std::path::{Path, PathBuf};

use crate::recording::Part;

/// The recordings of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// What is played on.
    pub recording: PathBuf,
    /// The part of it, where it is not all of it.
    pub part: Option<Part>,
    /// What its structure is taken from, where that is another one.
    pub structure: Option<PathBuf>,
    /// What the prompts' timbre is taken from, where that is another one.
    pub timbre: Option<PathBuf>,
    /// The folder of the model that plays them; none for the start's.
    pub model: Option<PathBuf>,
}

impl Sources {
    /// Of one recording alone.
    #[must_use]
    pub fn of(recording: &Path) -> Self {
        Self { recording: recording.to_owned(), ..Self::default() }
    }
}
