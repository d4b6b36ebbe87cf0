//! What a stick takes home: the report of the last crash, the last minutes, and what the box has been told to be.

use std::path::{Path, PathBuf};

use super::bring::Home;
use crate::files::{FileError, read_regular, write_whole};
use crate::recorder::{self, crash, report};
use crate::settings::learnt_maps;

/// Largest file that is taken along.
const MOST_BYTES: u64 = 4 << 20;

/// That it was done, in a line.
#[must_use]
pub fn words(taken: &[&str]) -> String {
    format!("stick: {} reports were taken home", taken.len())
}

/// Writes everything there is into the stick's folder, each replaced whole, and answers their names.
///
/// # Errors
/// [`FileError`] of the first that could not be written.
pub fn take(home: &Home, folder: &Path, versions: &str) -> Result<Vec<&'static str>, FileError> {
    let mut taken = Vec::new();
    if let Some(entries) = recorder::read(&home.state) {
        let mut text = Vec::new();
        // A vector takes everything.
        let _ = report::write(&entries, versions, &mut text);
        write_whole(&folder.join("demon-report.txt"), &text)?;
        taken.push("demon-report.txt");
    }
    for (name, path) in along(home) {
        if let Ok(bytes) = read_regular(&path, MOST_BYTES) {
            write_whole(&folder.join(name), &bytes)?;
            taken.push(name);
        }
    }
    Ok(taken)
}

/// Files of the box that go along as they are.
fn along(home: &Home) -> [(&'static str, PathBuf); 3] {
    [
        ("demon-crash-report.txt", home.state.join(crash::FILE)),
        ("demon.toml", home.box_file.clone()),
        ("maps.toml", home.state.join(learnt_maps::FILE)),
    ]
}
