//! Writing plans so that a power cut at any moment leaves the old one or the new one, and throwing old ones away.
//!
//! The order of a write is the point: sidecar that knows both contents, plan, sidecar that knows the new one. Each is written
//! beside, synchronised, renamed, and the folder synchronised.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::key::PlanKey;
use super::sidecar::{Content, LARGEST_BYTES, Sidecar, SidecarFault};
use crate::files::{FileError, Held, Lock, Place, Trouble, read_regular, shown};

/// Endings of files that are being written, now and by earlier versions. Whoever holds the lock may remove them: nobody else
/// is writing.
const UNFINISHED: [&str; 2] = ["part", "unfinished"];
const LOCK: &str = "lock";
/// Ending of what TensorRT compiled for a plan when it was loaded: worth keeping, and made anew where it is not there.
pub const KERNELS: &str = "kernels";

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process is building: wait, or leave it to that one.
    #[error("{}: plans are being built by process {holder}", shown(folder))]
    Busy {
        /// The folder.
        folder: PathBuf,
        /// The other process.
        holder: String,
    },
    /// The system refuses: check path, rights and space.
    #[error("{}: {source}", shown(path))]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        Self::System { path: error.path, source: error.trouble.into() }
    }
}

pub(super) fn said(path: &Path, source: io::Error) -> StoreError {
    StoreError::System { path: path.to_owned(), source }
}

/// A folder of plans.
#[derive(Clone, Debug)]
pub struct PlanStore {
    folder: PathBuf,
}

/// The right to write, until it is dropped; the system takes it back when the process dies.
#[derive(Debug)]
pub struct StoreLock {
    _lock: Lock,
}

/// A plan that is there.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its file.
    pub plan: PathBuf,
    /// Its size; 0 when only the sidecar is there.
    pub bytes: u64,
    /// When it was last used.
    pub used: SystemTime,
    /// What it is for.
    pub sidecar: Result<Sidecar, SidecarFault>,
}

/// How much is kept; the plans used last stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many plans.
    Newest(usize),
    /// As many as fit into so many bytes.
    Within(u64),
}

/// Where a write is, for the tests that cut it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    BothNamed,
    PlanHalfWritten,
    PlanRenamed,
    NewNamed,
}

impl PlanStore {
    /// Opens the folder; makes it when it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|error| said(folder, error))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The files of a plan: itself and its sidecar.
    #[must_use]
    pub fn paths(&self, key: &PlanKey) -> (PathBuf, PathBuf) {
        let stem = key.stem();
        (self.folder.join(format!("{stem}.plan")), self.folder.join(format!("{stem}.toml")))
    }

    /// The right to write, and the remains of writes that were cut off taken away.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process has it.
    pub fn lock(&self) -> Result<StoreLock, StoreError> {
        let path = self.folder.join(LOCK);
        let lock = Lock::take(&path).map_err(|held| match held {
            Held::By(holder) => StoreError::Busy { folder: self.folder.clone(), holder },
            Held::System(error) => said(&path, error),
        })?;
        for path in UNFINISHED.into_iter().map(|ending| self.files(ending)).collect::<Result<Vec<_>, _>>()?.concat() {
            fs::remove_file(&path).map_err(|error| said(&path, error))?;
        }
        Ok(StoreLock { _lock: lock })
    }

    /// Puts a plan in its place; an old one of the same key is usable until the new one is.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, lock: &StoreLock, key: &PlanKey, plan: &[u8]) -> Result<PathBuf, StoreError> {
        self.write_in_steps(lock, key, plan, &mut |_| Ok(()))
    }

    pub(super) fn write_in_steps(
        &self,
        _lock: &StoreLock,
        key: &PlanKey,
        plan: &[u8],
        reached: &mut dyn FnMut(Step) -> Result<(), StoreError>,
    ) -> Result<PathBuf, StoreError> {
        let (plan_path, sidecar_path) = self.paths(key);
        let new = Content::of(plan);
        let mut contents = vec![new.clone()];
        if let Some(Ok(there)) = read_sidecar(&sidecar_path)?.filter(|_| plan_path.exists()) {
            // The one that the plan has; of a write that was cut off, that is either of two.
            let same =
                |it: &Content| read_regular(&plan_path, u64::MAX - 1).is_ok_and(|bytes| Content::of(&bytes) == *it);
            contents.extend(there.contents.into_iter().filter(|it| *it != new).find(same));
            contents.reverse();
        }
        let text = |contents: Vec<Content>| Sidecar { key: key.clone(), contents }.to_text();
        self.replace(&sidecar_path, text(contents).as_bytes(), &mut || Ok(()))?;
        reached(Step::BothNamed)?;
        self.replace(&plan_path, plan, &mut || reached(Step::PlanHalfWritten))?;
        reached(Step::PlanRenamed)?;
        self.replace(&sidecar_path, text(vec![new]).as_bytes(), &mut || Ok(()))?;
        reached(Step::NewNamed)?;
        Ok(plan_path)
    }

    /// As everything that the box writes; what a killed process leaves is taken away with the next lock.
    fn replace(
        &self,
        path: &Path,
        bytes: &[u8],
        half: &mut dyn FnMut() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut part = Place::look(path).and_then(|it| it.begin())?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        part.write_all(first).map_err(|error| said(path, error))?;
        half()?;
        part.write_all(second).map_err(|error| said(path, error))?;
        Ok(part.finish()?)
    }

    /// All plans, the one used last first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let mut found = Vec::new();
        for sidecar_path in self.files("toml")? {
            let Some(sidecar) = read_sidecar(&sidecar_path)? else { continue };
            let plan = sidecar_path.with_extension("plan");
            let there = fs::metadata(&plan).or_else(|_| fs::metadata(&sidecar_path));
            let used = there.and_then(|it| it.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            let bytes = fs::metadata(&plan).map_or(0, |it| it.len());
            found.push(Entry { plan, bytes, used, sidecar });
        }
        found.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.plan.cmp(&b.plan)));
        Ok(found)
    }

    /// Throws away what is more than is to be kept, and plans that no sidecar speaks for.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn clean(&self, _lock: &StoreLock, keep: Keep) -> Result<Vec<PathBuf>, StoreError> {
        let (mut kept, mut kept_bytes) = (0, 0_u64);
        let mut gone = Vec::new();
        for entry in self.list()? {
            let stays = entry.sidecar.is_ok()
                && entry.bytes != 0
                && match keep {
                    Keep::Newest(count) => kept < count,
                    Keep::Within(bytes) => kept_bytes.saturating_add(entry.bytes) <= bytes,
                };
            if stays {
                kept += 1;
                kept_bytes += entry.bytes;
            } else {
                gone.push(entry.plan);
            }
        }
        gone.extend(self.files("plan")?.into_iter().filter(|it| !it.with_extension("toml").exists()));
        for plan in &gone {
            // The plan first: a sidecar alone is known for what it is.
            for path in [plan.clone(), plan.with_extension("toml"), plan.with_extension(KERNELS)] {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(said(&path, error)),
                    _ => {}
                }
            }
        }
        Ok(gone)
    }

    fn files(&self, ending: &str) -> Result<Vec<PathBuf>, StoreError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|error| said(&self.folder, error))? {
            let path = entry.map_err(|error| said(&self.folder, error))?.path();
            if path.extension().is_some_and(|it| it == ending) && path.is_file() {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Nothing when there is none.
pub(super) fn read_sidecar(path: &Path) -> Result<Option<Result<Sidecar, SidecarFault>>, StoreError> {
    let bytes = match read_regular(path, LARGEST_BYTES) {
        Ok(bytes) => bytes,
        Err(Trouble::Missing) => return Ok(None),
        Err(large @ Trouble::Large { .. }) => {
            return Ok(Some(Err(SidecarFault::Text { line: 1, found: large.to_string() })));
        }
        Err(trouble) => return Err(said(path, trouble.into())),
    };
    let text = String::from_utf8(bytes);
    let not_text = |_| SidecarFault::Text { line: 1, found: "no text".to_owned() };
    Ok(Some(text.map_err(not_text).and_then(|text| Sidecar::parse(&text))))
}
