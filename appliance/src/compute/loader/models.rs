//! How large a model is on its disk.

use std::path::Path;

/// Folders below a model's own that are looked into.
const DEPTH: usize = 3;

/// Bytes of all files of a model's folder; what cannot be read has none.
pub(super) fn bytes_of(folder: &Path) -> u64 {
    below(folder, DEPTH)
}

fn below(folder: &Path, depth: usize) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |it: std::fs::DirEntry| match std::fs::metadata(it.path()) {
        Ok(about) if about.is_dir() && 0 < depth => below(&it.path(), depth - 1),
        Ok(about) if about.is_file() => about.len(),
        _ => 0,
    };
    entries.map(bytes).sum()
}
