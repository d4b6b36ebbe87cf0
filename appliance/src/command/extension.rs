//! `demon extension`: looks at an extension of the system, and tells whoever mounts it what has to be known.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::extension::look;
use crate::files::{read_regular, shown};
use crate::update::KEY;

/// Where the kernel says which release it is.
const RUNS: &str = "/proc/sys/kernel/osrelease";
const RUNS_MOST: u64 = 4096;

/// `demon extension`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
An extension is a signed file with drivers and libraries that the image does not ship; `image/nvidia` makes one. A stick brings it in the folder \
`demon/extensions`, and it counts from the next start.\n\n\
Exit codes: 0 it is whole, signed with the box's key and for this kernel; 1 it is refused, with the reason; 2 the command line was not understood.")]
pub struct ExtensionArgs {
    /// The file, demon-NAME-VERSION.extension
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Look at its head alone, and print what whoever mounts it has to know; its blocks are checked as they are read
    #[arg(long)]
    pub table: bool,
    /// The kernel that it has to be for [default: the one that runs]
    #[arg(long, value_name = "RELEASE")]
    pub kernel: Option<String>,
    /// The key that it has to be signed with
    #[arg(long, value_name = "FILE", default_value = KEY)]
    pub key: PathBuf,
}

/// It was refused.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {why}")]
pub struct Refused {
    name: String,
    why: String,
}

/// Looks at it and tells `out`.
///
/// # Errors
/// [`Refused`] with the reason, and when `out` cannot be written to.
pub fn extension(args: &ExtensionArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let no = |why: &dyn ToString| Refused { name: shown(&args.file).to_string(), why: why.to_string() };
    let running = || read_regular(Path::new(RUNS), RUNS_MOST).map(|it| String::from_utf8_lossy(&it).trim().to_owned());
    let kernel = match &args.kernel {
        Some(kernel) => kernel.clone(),
        None => running().map_err(|it| no(&it))?,
    };
    let found = look(&args.file, &args.key, args.table).map_err(|it| no(&it))?;
    found.fits(&kernel).map_err(|it| no(&it))?;
    if args.table {
        return Ok(writeln!(out, "{}", found.table())?);
    }
    let (name, version, megabytes) = (&found.name, &found.version, found.bytes / 1_000_000);
    Ok(writeln!(out, "{name} {version} for the kernel {}: {megabytes} MB, whole and signed", found.kernel)?)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{ExtensionArgs, extension};

    fn asked(file: &str, table: bool, kernel: &str) -> anyhow::Result<String> {
        let fixture =
            |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/extension").join(name);
        let (file, key, kernel) = (fixture(file), fixture("update.pub"), Some(kernel.to_owned()));
        let mut out = Vec::new();
        extension(&ExtensionArgs { file, table, kernel, key }, &mut out)?;
        Ok(String::from_utf8(out).expect("words"))
    }

    #[test]
    fn what_fits_is_said_and_what_does_not_is_refused_by_its_name_and_reason() {
        let kernel = "6.12.0+deb13-amd64";
        let said = asked("small.extension", false, kernel).expect("it is whole");
        assert_eq!(said, "small 1.2-3 for the kernel 6.12.0+deb13-amd64: 0 MB, whole and signed\n");
        assert!(asked("small.extension", true, kernel).expect("it is signed").starts_with("small 1.2-3 4096 3 16384 "));
        let told = asked("small.extension", true, "6.1.0").expect_err("another kernel").to_string();
        assert!(told.contains("small.extension: the extension is for the kernel 6.12.0+deb13-amd64"), "{told}");
        assert!(asked("update.pub", false, kernel).expect_err("a key").to_string().contains("this is no extension"));
        assert!(asked("nowhere", false, kernel).is_err());
    }
}
