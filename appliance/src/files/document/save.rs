//! Text to disk without a moment in which there is neither the old file nor the new.

use std::io;
use std::path::Path;

use crate::files;

/// A TOML string, whatever is in it.
pub(crate) fn quoted(words: &str) -> String {
    toml::Value::String(words.to_owned()).to_string()
}

/// Writes beside `path`, synchronises file and folder, and renames between. The error does not name the file.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    files::write_whole(path, bytes).map_err(|error| error.trouble.into())
}
