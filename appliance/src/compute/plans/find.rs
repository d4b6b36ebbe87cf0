//! Looking for a plan, and saying in words why there is none that can be used.

use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use super::key::{Change, PlanKey};
use super::sidecar::{Content, SidecarFault};
use super::store::{PlanStore, StoreError, read_sidecar, said};
use crate::files::{Trouble, open_regular, read_regular, shown};

/// What a search gives.
#[derive(Debug)]
pub enum Lookup {
    /// The plan's bytes, which are those that were written.
    Found(Vec<u8>),
    /// It has to be built.
    Missing(Why),
}

/// Why a plan has to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// There never was one.
    Never,
    /// The nearest one is for something else.
    Changed {
        /// Its file.
        file: PathBuf,
        /// In what.
        changes: Vec<Change>,
    },
    /// The file has another length than was written.
    Truncated {
        /// Its file.
        file: PathBuf,
        /// Its bytes.
        found: u64,
        /// As many as were written.
        expected: u64,
    },
    /// The file has other bytes than were written.
    Damaged {
        /// Its file.
        file: PathBuf,
    },
    /// The sidecar is for something else: the file was renamed or copied here.
    Foreign {
        /// The sidecar.
        file: PathBuf,
        /// In what.
        changes: Vec<Change>,
    },
    /// A plan without a sidecar, or the other way round: a write was cut off, or a file removed.
    Alone {
        /// The file that is missing.
        missing: PathBuf,
    },
    /// The sidecar cannot be understood.
    Unreadable {
        /// The sidecar.
        file: PathBuf,
        /// Why not.
        fault: SidecarFault,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |changes: &[Change]| changes.iter().map(Change::to_string).collect::<Vec<_>>().join("; ");
        match self {
            Self::Never => out.write_str("it was never built"),
            Self::Changed { file, changes } => {
                write!(out, "{} is for something else: {}", shown(file), all(changes))
            }
            Self::Truncated { file, found, expected } => {
                write!(out, "{} has {found} bytes, {expected} were written", shown(file))
            }
            Self::Damaged { file } => write!(out, "{} has other bytes than were written", shown(file)),
            Self::Foreign { file, changes } => {
                write!(out, "{} is not what its name says: {}", shown(file), all(changes))
            }
            Self::Alone { missing } => write!(out, "{} is missing", shown(missing)),
            Self::Unreadable { file, fault } => write!(out, "{}: {fault}", shown(file)),
        }
    }
}

impl PlanStore {
    /// Looks for a plan, reads it, and compares it with what was written. A plan that is found counts as used now.
    ///
    /// # Errors
    /// When the system does not let us read; a plan that cannot be used is no error.
    pub fn find(&self, key: &PlanKey) -> Result<Lookup, StoreError> {
        let (plan, sidecar) = self.paths(key);
        let Some(written) = read_sidecar(&sidecar)? else {
            let why = if plan.exists() { Why::Alone { missing: sidecar } } else { self.nearest(key)? };
            return Ok(Lookup::Missing(why));
        };
        let written = match written {
            Ok(written) => written,
            Err(fault) => return Ok(Lookup::Missing(Why::Unreadable { file: sidecar, fault })),
        };
        let changes = key.changes_from(&written.key);
        if !changes.is_empty() {
            return Ok(Lookup::Missing(Why::Foreign { file: sidecar, changes }));
        }
        let bytes = match read_regular(&plan, u64::MAX - 1) {
            Ok(bytes) => bytes,
            Err(Trouble::Missing) => return Ok(Lookup::Missing(Why::Alone { missing: plan })),
            Err(trouble) => return Err(said(&plan, trouble.into())),
        };
        let found = bytes.len() as u64;
        if let Some(expected) = written.contents.last().filter(|_| written.contents.iter().all(|it| it.bytes != found))
        {
            return Ok(Lookup::Missing(Why::Truncated { file: plan, found, expected: expected.bytes }));
        }
        if !written.contents.contains(&Content::of(&bytes)) {
            return Ok(Lookup::Missing(Why::Damaged { file: plan }));
        }
        // Only for the order in which old plans go; a read-only folder may refuse.
        let _ = open_regular(&plan).map(|it| it.set_modified(SystemTime::now()));
        Ok(Lookup::Found(bytes))
    }

    /// The plan of the same name that differs least: the one that an update has made useless.
    fn nearest(&self, key: &PlanKey) -> Result<Why, StoreError> {
        let mut best: Option<(PathBuf, Vec<Change>)> = None;
        for entry in self.list()? {
            let Ok(sidecar) = &entry.sidecar else { continue };
            let changes = key.changes_from(&sidecar.key);
            let nearer = best.as_ref().is_none_or(|(_, least)| changes.len() < least.len());
            if sidecar.key.name == key.name && nearer {
                best = Some((entry.plan, changes));
            }
        }
        Ok(best.map_or(Why::Never, |(file, changes)| Why::Changed { file, changes }))
    }
}
