//! What the box remembers of its controllers across a restart: what each has learnt.
//!
//! ```toml
//! format = 1                 # of this file; 1 where it is left out
//!
//! [[controller]]
//! name = "X-TOUCH MINI"
//! model = "usb 1397:00b3"   # vendor and product; never a client number
//! port = "1-2.4"            # or serial = "..."
//!
//! [[controller.map]]        # as in a patch
//! cc = 1
//! channel = 11
//! to = "denoise"
//! ```
//!
//! Saved at once, beside the old file and renamed over it. A file with faults is read as far as it is sound, and a copy of it
//! is made under another name before it is written over: nothing that a hand wrote is lost, also when the disk is full. Several
//! programs may share the file (`demon learn` beside `demon run`): each writes what it changed into what stands there, under a
//! lock on the folder, and looks now and then whether another has written ([`LearntMaps::look_again`]). A file of a
//! newer format is left alone: what is learnt then is kept in a file of its own, `maps.format-1.toml`, from one start to the
//! next, until the box is updated.

mod file;
mod join;
#[cfg(test)]
mod tests;
mod text;

use std::path::{Path, PathBuf};

use hal::gesture::{Identity, Roster};

use crate::control::binding::{Entry, Map};
use crate::files::document::Format;
use crate::files::{FileError, shown};
use file::MapFile;
use join::{joined, of};
pub use text::{parse, text};

/// The file's name in the state folder.
pub const FILE: &str = "maps.toml";
/// Where the state of an appliance is.
const BOX_FOLDER: &str = "/var/lib/demon";

/// What one controller has learnt, and who it is.
pub type Learnt = (Identity, Vec<Entry>);

/// What controllers have learnt.
#[derive(Debug)]
pub struct LearntMaps {
    file: MapFile,
    controllers: Vec<Learnt>,
    /// What came from another program and was not asked for yet.
    news: Vec<Learnt>,
}

/// The folder of state: the named one, `$DEMON_STATE`, the box's own where there is one, or the user's.
#[must_use]
pub fn folder(named: Option<&Path>) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    if let Some(folder) = named.map(Path::to_owned).or_else(|| variable("DEMON_STATE")) {
        return folder;
    }
    let of_box = PathBuf::from(BOX_FOLDER);
    if of_box.is_dir() {
        return of_box;
    }
    let home = || variable("HOME").unwrap_or_else(|| PathBuf::from(".")).join(".local/state");
    variable("XDG_STATE_HOME").unwrap_or_else(home).join("demon")
}

impl LearntMaps {
    /// Reads what is remembered in a folder; with it, what is wrong with the file, a line a fault.
    #[must_use]
    pub fn open(folder: &Path) -> (Self, Vec<String>) {
        let mut told = Vec::new();
        let (mut learnt, newer) = Self::of_file(folder.join(FILE), &mut told);
        if newer {
            // Of a second file that is newer, too, the old way holds: it is put aside before anything is written.
            learnt = Self::of_file(folder.join(beside(Format::LearntMaps.newest())), &mut told).0;
        } else {
            let left = (1..=Format::LearntMaps.newest()).map(|format| folder.join(beside(format)));
            told.extend(left.filter(|path| path.exists()).map(|path| {
                let path = shown(&path);
                format!("{path}: learnt while {FILE} was of a newer format, and not used; move its controllers there")
            }));
        }
        (learnt, told)
    }

    /// What a file remembers, and whether it is of a newer format; what is wrong with it is added to `told`.
    fn of_file(path: PathBuf, told: &mut Vec<String>) -> (Self, bool) {
        let mut file = MapFile::at(path);
        let newer = file.read();
        told.extend(file.fault.clone());
        let controllers = file.filed.clone();
        (Self { file, controllers, news: Vec::new() }, newer)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// What is wrong with the file as it was last read, a line a fault; none where it is in order.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.file.fault.as_deref()
    }

    /// Why nothing that is learnt could be kept, in words for the start; `None` where it can be.
    #[must_use]
    pub fn why_not_kept(&self) -> Option<String> {
        self.file.why_not_kept()
    }

    /// Looks whether another program has written the file, and takes in what it says; what is wrong with it is then
    /// [`Self::fault`], and answered where it was read. What changed is then in [`Self::take_news`].
    pub fn look_again(&mut self) -> Vec<String> {
        if !self.file.has_changed() {
            return Vec::new();
        }
        let before = self.file.filed.clone();
        // A format that was raised meanwhile is another program's: what this one knows stays in force, and is not filed.
        if self.file.read() {
            self.file.filed = before;
        } else {
            self.join(&before);
        }
        self.file.fault.iter().cloned().collect()
    }

    /// What others have changed since the last call: every controller that has now learnt something else.
    pub fn take_news(&mut self) -> Vec<Learnt> {
        std::mem::take(&mut self.news)
    }

    /// Joins what this program changed since the file held `before` with what it holds now.
    fn join(&mut self, before: &[Learnt]) {
        let ours = std::mem::take(&mut self.controllers);
        for (who, entries) in joined(before, &ours, &self.file.filed) {
            if entries != of(&ours, &who) {
                self.news.retain(|(it, _)| *it != who);
                self.news.push((who.clone(), entries.clone()));
            }
            if !entries.is_empty() {
                self.controllers.push((who, entries));
            }
        }
    }

    /// Introduces every remembered controller to the roster, and gives the map what it has learnt.
    pub fn recall(&self, roster: &Roster, map: &mut Map) {
        for (identity, entries) in &self.controllers {
            map.set_learnt(roster.remember(identity.clone()), entries.clone());
        }
    }

    /// What is remembered.
    #[must_use]
    pub fn controllers(&self) -> &[Learnt] {
        &self.controllers
    }

    /// Remembers what a controller has learnt, and saves it.
    ///
    /// # Errors
    /// In words for a player; it is known until the box is switched off, and saved with the next thing learnt, or by
    /// [`Self::keep_again`].
    pub fn keep(&mut self, identity: Identity, entries: Vec<Entry>) -> Result<(), String> {
        let known = self.controllers.iter_mut().find(|(known, _)| *known == identity);
        match known {
            Some((_, old)) => *old = entries,
            None => self.controllers.push((identity, entries)),
        }
        self.controllers.retain(|(_, entries)| !entries.is_empty());
        self.keep_again()
    }

    /// Saves what could not be saved before.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub fn keep_again(&mut self) -> Result<(), String> {
        self.save().map_err(|error| format!("{error}; what was learnt is lost when the box is switched off"))
    }

    fn save(&mut self) -> Result<(), FileError> {
        let _lock = self.file.lock()?;
        // Its faults were told at the start, or are with the next look.
        let _ = self.look_again();
        self.file.write(&self.controllers)
    }
}

/// The name of what is learnt in a format while the file itself is of a newer one, which is not touched.
fn beside(format: u32) -> String {
    format!("maps.format-{format}.toml")
}
