//! Kernel files of the boot partition by their names, as the boot loader counts and sorts them.
//!
//! `demon_1.2.3.efi` is fit; `demon_1.2.3+2-1.efi` has been tried once and has two tries left; of `+0-3` none is left; `+0` was left by hand. The
//! boot loader (systemd-boot) takes the newest of those that have tries left or are fit, and only when there is none the newest of the others.

use std::cmp::Ordering;
use std::fmt;

use super::version::Version;

/// Tries of a version that is new.
pub const TRIES: u32 = 3;
const BEGINS: &str = "demon_";
const ENDS: &str = ".efi";

/// How a version has done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It came to play.
    Fit,
    /// It has so many tries left.
    OnTrial(u32),
    /// It did not come to play in any of its tries.
    Failed,
    /// A hand went back from it.
    Left,
}

/// A kernel file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KernelFile {
    /// Its name in the folder.
    pub name: String,
    /// Which version it starts.
    pub version: Version,
    /// How that has done.
    pub standing: Standing,
}

impl KernelFile {
    /// What a name says; nothing where it is none of ours.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        let middle = name.strip_prefix(BEGINS)?.strip_suffix(ENDS)?;
        let (version, counted) = match middle.split_once('+') {
            Some((version, counted)) => (version, Some(counted)),
            None => (middle, None),
        };
        let standing = match counted.map(|it| it.split_once('-').unwrap_or((it, ""))) {
            None => Standing::Fit,
            Some((left, done)) => match (left.parse().ok()?, done) {
                (0, "" | "0") => Standing::Left,
                (0, _) => Standing::Failed,
                (left, _) => Standing::OnTrial(left),
            },
        };
        Some(Self { name: name.to_owned(), version: version.parse().ok()?, standing })
    }

    /// The name of a version that is fit.
    #[must_use]
    pub fn fit(version: &Version) -> String {
        format!("{BEGINS}{version}{ENDS}")
    }

    /// The name of a version that is to be tried.
    #[must_use]
    pub fn to_try(version: &Version) -> String {
        format!("{BEGINS}{version}+{TRIES}{ENDS}")
    }

    /// The name of a version that a hand goes back from.
    #[must_use]
    pub fn left(version: &Version) -> String {
        format!("{BEGINS}{version}+0{ENDS}")
    }

    /// Whether the boot loader takes it before others.
    const fn is_taken(&self) -> bool {
        matches!(self.standing, Standing::Fit | Standing::OnTrial(_))
    }

    /// Which of two the boot loader takes; the greater.
    #[must_use]
    pub fn before(&self, other: &Self) -> Ordering {
        self.is_taken().cmp(&other.is_taken()).then_with(|| self.version.cmp(&other.version))
    }
}

/// The other version than what runs; of several the one that the boot loader would take.
#[must_use]
pub fn other<'a>(kernels: &'a [KernelFile], runs: &Version) -> Option<&'a KernelFile> {
    kernels.iter().filter(|it| it.version != *runs).max_by(|one, other| one.before(other))
}

/// The one that the boot loader starts next.
#[must_use]
pub fn next(kernels: &[KernelFile]) -> Option<&KernelFile> {
    kernels.iter().max_by(|one, other| one.before(other))
}

impl fmt::Display for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fit => out.write_str("fit"),
            Self::OnTrial(1) => out.write_str("on trial, one try left"),
            Self::OnTrial(left) => write!(out, "on trial, {left} tries left"),
            Self::Failed => out.write_str("did not come to play"),
            Self::Left => out.write_str("left by hand"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KernelFile, Standing, next};

    fn read(names: &[&str]) -> Vec<KernelFile> {
        names.iter().map(|it| KernelFile::read(it).expect("ours")).collect()
    }

    #[test]
    fn a_name_says_version_and_standing_and_comes_out_as_it_went_in() {
        let of = |name: &str| KernelFile::read(name).map(|it| (it.version.to_string(), it.standing));
        assert_eq!(of("demon_1.2.3.efi"), Some(("1.2.3".to_owned(), Standing::Fit)));
        assert_eq!(of("demon_1.2.3-rc1+2-1.efi"), Some(("1.2.3-rc1".to_owned(), Standing::OnTrial(2))));
        assert_eq!(of("demon_1.2.3+0-3.efi"), Some(("1.2.3".to_owned(), Standing::Failed)));
        for (name, standing) in [
            (KernelFile::fit as fn(&super::Version) -> String, Standing::Fit),
            (KernelFile::to_try, Standing::OnTrial(3)),
            (KernelFile::left, Standing::Left),
        ] {
            let version = "2.0.1-rc2".parse().expect("a version");
            assert_eq!(of(&name(&version)), Some(("2.0.1-rc2".to_owned(), standing)));
        }
        for odd in ["demon_1.2.3.part", "linux.efi", "demon_1.2.efi", "demon_1.2.3+x.efi", "DEMON_~1.EFI"] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_newest_that_is_not_known_to_be_bad_starts_next_and_of_bad_ones_the_newest() {
        let started = |names: &[&str]| next(&read(names)).expect("one").name.clone();
        assert_eq!(started(&["demon_1.0.0.efi", "demon_1.1.0+3.efi"]), "demon_1.1.0+3.efi");
        assert_eq!(started(&["demon_1.0.0.efi", "demon_1.1.0+0-3.efi"]), "demon_1.0.0.efi");
        assert_eq!(started(&["demon_1.0.0+0.efi", "demon_1.1.0+0-3.efi"]), "demon_1.1.0+0-3.efi");
        assert_eq!(started(&["demon_1.1.0-rc1.efi", "demon_1.1.0+3.efi"]), "demon_1.1.0+3.efi");
    }
}
