//! What a stick brings to a box and takes home: an update that is offered, things for the library, maps, profiles, the box's file; reports.
//!
//! ```text
//! demon-0.2.0.update          an update of the box: offered, written only when a hand asks for it
//! demon/recordings|patches|models|adapters/   for the library
//! demon/maps/maps.toml        what controllers have learnt
//! demon/profiles/*.toml       profiles of controllers
//! demon/extensions/*.extension  extensions of the system: drivers that the image does not ship
//! demon/demon.toml            the box's file
//! demon-reports/              asks for reports, which are put there
//! demon-takes/                asks for takes, which are copied there
//! ```
//!
//! Nothing else on it is looked at. A stick may come from anywhere: nothing of it is executed, no link on it is followed, what has a name that steers
//! a line is refused, and each thing is looked at before it is copied ([`bring`]). Nothing is written over but the box's file, of which the
//! one before is kept. [`home`] writes reports and takes. Who mounts it, and how, is the image's (`demon-stick@.service`).

pub mod bring;
pub mod home;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::files::{Kind, shown};
use crate::update::Version;

/// What an update's name ends with; it begins with the product.
const UPDATE: &str = ".update";
/// The folder of what a stick brings.
const BRINGS: &str = "demon";
/// The folder by which it asks for reports.
const ASKS: &str = "demon-reports";
/// The same for takes.
const ASKS_TAKES: &str = "demon-takes";
/// Most names of a folder that are looked at: a stick that never ends holds nobody up.
const MOST_NAMES: usize = 1000;

/// A mounted stick.
#[derive(Clone, Debug)]
pub struct Stick {
    root: PathBuf,
}

impl Stick {
    /// The stick that is mounted there.
    #[must_use]
    pub const fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The newest update of a product on it, by its name alone; what is in it is looked at when it is asked for.
    #[must_use]
    pub fn update(&self, product: &str) -> Option<(Version, PathBuf)> {
        let updates = self.names(Path::new("")).into_iter().filter_map(|name| {
            let text = name.to_str()?;
            let version: Version = text.strip_prefix(product)?.strip_prefix('-')?.strip_suffix(UPDATE)?.parse().ok()?;
            let path = self.root.join(&name);
            (kind(&path) == Some(Kind::File)).then_some((version, path))
        });
        updates.max_by(|one, other| one.0.cmp(&other.0))
    }

    /// The folder for reports, where it asks for them.
    #[must_use]
    pub fn wants_reports(&self) -> Option<PathBuf> {
        self.folder(ASKS)
    }

    /// The folder for takes, where it asks for them.
    #[must_use]
    pub fn wants_takes(&self) -> Option<PathBuf> {
        self.folder(ASKS_TAKES)
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        let folder = self.root.join(name);
        (kind(&folder) == Some(Kind::Folder)).then_some(folder)
    }

    /// Whatever lies in a folder of `demon/`, in the order of names; nothing hidden.
    fn brings(&self, folder: &str) -> Vec<PathBuf> {
        let within = Path::new(BRINGS).join(folder);
        // A folder that is a link leads elsewhere.
        let is_ours = [Path::new(BRINGS), &within].iter().all(|it| kind(&self.root.join(it)) == Some(Kind::Folder));
        let names = if is_ours { self.names(&within) } else { Vec::new() };
        let path = |name: OsString| self.root.join(&within).join(name);
        names.into_iter().filter(|it| !it.as_encoded_bytes().starts_with(b".")).map(path).collect()
    }

    /// The box's file that it brings.
    fn box_file(&self) -> Option<PathBuf> {
        let path = self.root.join(BRINGS).join("demon.toml");
        let is_ours = kind(&self.root.join(BRINGS)) == Some(Kind::Folder);
        (is_ours && kind(&path) == Some(Kind::File)).then_some(path)
    }

    fn names(&self, folder: &Path) -> Vec<OsString> {
        let entries = std::fs::read_dir(self.root.join(folder)).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<OsString> = entries.map(|it| it.file_name()).take(MOST_NAMES).collect();
        names.sort();
        names
    }
}

/// What something is, links not followed: `None` for a link and for what is not there.
fn kind(path: &Path) -> Option<Kind> {
    let about = std::fs::symlink_metadata(path).ok()?;
    (!about.file_type().is_symlink()).then(|| Kind::of(&about))
}

/// A thing's name as it stands in `demon/`.
fn called(path: &Path) -> String {
    let mut parts = path.components().rev().take(2).map(|it| shown(it.as_os_str()).to_string());
    let (name, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{folder}/{name}")
}

#[cfg(test)]
mod stick_tests;
