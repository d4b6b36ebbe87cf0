//! What is remarked on reading files.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// Words for the player, and the file that they are about. Reads as its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The file that is not in order; `None` where it is no one file's fault.
    pub file: Option<PathBuf>,
    /// The words, with the file's name in them.
    pub words: String,
}

impl Remark {
    /// A file is not in order.
    #[must_use]
    pub fn of(file: &Path, words: String) -> Self {
        Self { file: Some(file.to_owned()), words }
    }
}

impl From<String> for Remark {
    fn from(words: String) -> Self {
        Self { file: None, words }
    }
}

impl Deref for Remark {
    type Target = str;

    fn deref(&self) -> &str {
        &self.words
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
