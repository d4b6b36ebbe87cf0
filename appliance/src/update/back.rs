//! What is on the box, what starts next, and the way back to the other version.

use std::fmt;

use super::install::{kernels, step_back};
use super::kernels::{KernelFile, Standing, next, other};
use super::medium::Medium;
use super::refusal::Refusal;
use super::version::Version;

/// The versions of a box.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Installed {
    /// Which one runs.
    pub runs: Version,
    /// How that has done; unknown where its kernel file is gone.
    pub standing: Option<Standing>,
    /// The other one, where there is one.
    pub other: Option<KernelFile>,
    /// Which one the next start takes.
    pub next: Option<Version>,
}

impl Installed {
    /// Of the kernel files that a box has.
    #[must_use]
    pub fn of(runs: &Version, names: &[String]) -> Self {
        let all: Vec<KernelFile> = names.iter().filter_map(|it| KernelFile::read(it)).collect();
        let standing = all.iter().find(|it| it.version == *runs).map(|it| it.standing);
        Self {
            runs: runs.clone(),
            standing,
            other: other(&all, runs).cloned(),
            next: next(&all).map(|it| it.version.clone()),
        }
    }
}

impl fmt::Display for Installed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.standing {
            Some(standing) => writeln!(out, "runs:  demon {}, {standing}", self.runs)?,
            None => writeln!(out, "runs:  demon {}, which the boot partition does not have", self.runs)?,
        }
        match &self.other {
            Some(other) => writeln!(out, "other: demon {}, {}", other.version, other.standing)?,
            None => writeln!(out, "other: none")?,
        }
        match &self.next {
            Some(next) => writeln!(out, "the next start takes demon {next}"),
            None => writeln!(out, "the next start finds nothing"),
        }
    }
}

/// Has the next start take the other version. One that failed is only tried again when that is `forced`.
///
/// # Errors
/// [`Refusal`]; then the next start takes what it would have taken.
pub fn go_back(runs: &Version, forced: bool, medium: &mut dyn Medium) -> Result<Version, Refusal> {
    let all = kernels(medium)?;
    let other = other(&all, runs).cloned().ok_or(Refusal::NoOther)?;
    if other.standing == Standing::Failed && !forced {
        return Err(Refusal::Failed(other.version));
    }
    if matches!(other.standing, Standing::Failed | Standing::Left) {
        medium.rename_kernel(&other.name, &KernelFile::to_try(&other.version)).map_err(Refusal::Write)?;
        medium.sync_names().map_err(Refusal::Write)?;
    }
    let running = all.into_iter().find(|it| it.version == *runs && it.standing != Standing::Left);
    if let Some(running) = running.filter(|it| other.version < it.version) {
        step_back(&running, medium)?;
    }
    Ok(other.version)
}
