//! One thing wrong with a file, in one line.

use std::fmt;
use std::path::Path;

use crate::files::shown;

/// One fault of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Its line, from 1.
    pub line: usize,
    /// The key, as in `values.denoise`.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
    /// What may have been meant, or what would mend it.
    pub suggestion: Option<String>,
    /// The file is of a newer format than this program reads, so nothing of it was.
    pub newer: bool,
    /// What was meant is plain and was taken: nothing of the file is lost.
    pub mended: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, key, found, expected, suggestion, newer: _, mended: _ } = self;
        if key.is_empty() {
            write!(f, "{line}: {found} (expected {expected})")?;
        } else {
            write!(f, "{line}: {key}: found {found}, expected {expected}")?;
        }
        match suggestion {
            Some(suggestion) => write!(f, "; try {suggestion}"),
            None => Ok(()),
        }
    }
}

/// A file's faults, a line each, with the file's name before them.
#[must_use]
pub fn lines(path: &Path, faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(|fault| format!("{}:{fault}", shown(path))).collect();
    lines.join("\n")
}
