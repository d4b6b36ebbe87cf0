//! What a stick takes home: the report of the last crash, the last minutes, what the box has been told to be; and takes.

use std::path::{Path, PathBuf};

use super::bring::Home;
use crate::files::volume::room;
use crate::files::{FileError, copy_aside, has_same_bytes, read_regular, shown, write_whole};
use crate::recorder::{self, crash, report};
use crate::settings::learnt_maps;
use crate::takes;

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

/// What became of takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakesHome {
    /// How many were copied.
    pub copied: usize,
    /// How many were there already.
    pub there: usize,
    /// What could not be copied, and why.
    pub refused: Vec<String>,
}

impl TakesHome {
    /// That it was done, in a line.
    #[must_use]
    pub fn words(&self) -> String {
        let there = if self.there == 0 { String::new() } else { format!(", {} were there already", self.there) };
        let refused = self.refused.first().map_or_else(String::new, |it| format!("; {it}"));
        format!("stick: {} takes were taken home{there}{refused}", self.copied)
    }
}

/// Copies every take that the stick's folder does not have yet, the oldest first, each whole; `copying` hears of each. One of the same name that
/// is another (of another box, perhaps) keeps its name. What finds no room is told, and the next is tried.
pub fn take_takes(home: &Home, folder: &Path, copying: &mut dyn FnMut(&str)) -> TakesHome {
    let of = takes::folder(&home.state);
    let names = std::fs::read_dir(&of).into_iter().flatten().filter_map(Result::ok).map(|it| it.path());
    let mut found: Vec<PathBuf> = names.filter(|it| it.extension().is_some_and(|it| it == "flac")).collect();
    found.sort();
    let mut done = TakesHome::default();
    for take in found {
        let name = shown(take.file_name().unwrap_or_default()).to_string();
        if named(folder, &take).take_while(|it| it.exists()).any(|it| has_same_bytes(&it, &take).unwrap_or(false)) {
            done.there += 1;
            continue;
        }
        copying(&name);
        match copy(&take, folder) {
            Ok(()) => done.copied += 1,
            Err(why) => done.refused.push(format!("{name}: {why}")),
        }
    }
    done
}

/// The names that a take may have there: its own, then with a number.
fn named(folder: &Path, take: &Path) -> impl Iterator<Item = PathBuf> {
    let (folder, stem) = (folder.to_owned(), take.file_stem().unwrap_or_default().to_owned());
    (1_u32..1_000).map(move |number| {
        let mut name = stem.clone();
        if 1 < number {
            name.push(format!("-{number}"));
        }
        name.push(".flac");
        folder.join(name)
    })
}

fn copy(take: &Path, folder: &Path) -> Result<(), String> {
    let bytes = std::fs::metadata(take).map_or(0, |it| it.len());
    let free = room(folder).map_err(|it| it.to_string())?;
    if free < bytes {
        return Err(format!("wants {} MB, and {} MB are free on the stick", bytes / 1_000_000, free / 1_000_000));
    }
    copy_aside(take, named(folder, take)).map(|_| ()).map_err(|it| it.to_string())
}

/// Files of the box that go along as they are.
fn along(home: &Home) -> [(&'static str, PathBuf); 3] {
    [
        ("demon-crash-report.txt", home.state.join(crash::FILE)),
        ("demon.toml", home.box_file.clone()),
        ("maps.toml", home.state.join(learnt_maps::FILE)),
    ]
}
