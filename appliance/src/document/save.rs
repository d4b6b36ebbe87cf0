//! Text to disk without a moment in which there is neither the old file nor the new.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// A TOML string, whatever is in it.
pub(crate) fn quoted(words: &str) -> String {
    toml::Value::String(words.to_owned()).to_string()
}

/// Writes beside `path`, flushes file and folder, and renames between.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    // The process in the name: two programs saving at once must not write into one another.
    let beside = folder.join(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    let written = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        // Nothing half-written stays; if it was never made, there is nothing to remove.
        let _ = std::fs::remove_file(&beside);
    }
    written
}
