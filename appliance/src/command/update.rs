//! `demon update`: looks at an update of the box from its first byte to its last, and writes nothing.

use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::files::{open_regular, read_regular, shown};
use crate::update::{Here, Package, Version, fits, read_key};

/// Where the image keeps its key, and says which version it is.
const KEY: &str = "/usr/share/demon/update.pub";
const RELEASE: &str = "/usr/lib/os-release";
/// Neither is larger.
const TEXT_MOST: u64 = 64 << 10;
/// What an update of this box is for.
const PRODUCT: &str = "demon";

/// `demon update`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit codes: 0 the update is whole, signed with the box's key, and belongs here; 1 it is refused, with the reason; 2 the command line was \
not understood. Nothing is written and nothing is started: a box takes an update by being flashed.")]
pub struct UpdateArgs {
    /// The update to look at, demon-VERSION.update
    #[arg(long, value_name = "FILE", required = true)]
    pub check: PathBuf,
    /// The key that it has to be signed with
    #[arg(long, value_name = "FILE", default_value = KEY)]
    pub key: PathBuf,
    /// Take a version that is not newer for one that belongs here
    #[arg(long)]
    pub force: bool,
}

/// An update was refused.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {why}")]
pub struct Refused {
    name: String,
    why: String,
}

/// Looks, and tells `out`.
///
/// # Errors
/// [`Refused`] with the reason, and when `out` cannot be written to.
pub fn update(args: &UpdateArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let refused = |path: &Path, why: &dyn ToString| Refused { name: shown(path).to_string(), why: why.to_string() };
    let no = |why: &dyn ToString| refused(&args.check, why);
    let text = read_regular(&args.key, TEXT_MOST).map_err(|it| refused(&args.key, &it))?;
    let key = read_key(&String::from_utf8_lossy(&text), "it").map_err(|it| refused(&args.key, &it))?;
    let file = BufReader::new(open_regular(&args.check).map_err(|it| no(&it))?);
    let package = Package::open(file, &key).map_err(|it| no(&it))?;
    // What does not belong here needs no long look.
    fits(package.manifest(), &here()?, args.force).map_err(|it| no(&it))?;
    let manifest = package.check(&mut |_| {}).map_err(|it| no(&it))?;
    let megabytes = manifest.bytes() as f64 / 1e6;
    writeln!(out, "demon {} for {}: {megabytes:.1} MB, whole and signed", manifest.version, manifest.machine)?;
    Ok(out.flush()?)
}

/// This box: its image's version where it runs from one, else the program's.
fn here() -> anyhow::Result<Here> {
    let release = read_regular(Path::new(RELEASE), TEXT_MOST).unwrap_or_default();
    let version = image_version(&String::from_utf8_lossy(&release));
    let version: Version = match version {
        Some(version) => version,
        None => env!("CARGO_PKG_VERSION").parse().map_err(anyhow::Error::msg)?,
    };
    Ok(Here { product: PRODUCT.to_owned(), machine: std::env::consts::ARCH.to_owned(), version, kernel_room: None })
}

/// The version that an os-release file names, when it is one of our images.
fn image_version(text: &str) -> Option<Version> {
    let value = |key: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines.filter(|it| it.0 == key).map(|it| it.1.trim_matches('"')).next_back()
    };
    value("IMAGE_ID").filter(|it| *it == PRODUCT)?;
    value("IMAGE_VERSION")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_box_is_its_images() {
        let of = |text: &str| image_version(text).map(|it| it.to_string());
        assert_eq!(of("ID=debian\nVERSION_ID=\"13\"\nIMAGE_ID=demon\nIMAGE_VERSION=1.2.3\n").as_deref(), Some("1.2.3"));
        assert_eq!(of("IMAGE_ID=other\nIMAGE_VERSION=1.2.3\n"), None);
        assert_eq!(of("ID=debian\n"), None);
    }

    #[test]
    fn an_update_of_the_builder_belongs_on_an_older_box_and_another_key_refuses_it() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/update");
        let check = PathBuf::from(format!("{folder}/small.update"));
        let key = PathBuf::from(format!("{folder}/update.pub"));
        let args = UpdateArgs { check: check.clone(), key, force: true };
        let mut out = Vec::new();
        update(&args, &mut out).expect("whole and signed");
        assert_eq!(String::from_utf8_lossy(&out), "demon 1.2.3 for x86_64: 0.0 MB, whole and signed\n");
        // Any file that is no key, and any file that is no update.
        let told =
            update(&UpdateArgs { key: check.clone(), ..args.clone() }, &mut out).expect_err("no key").to_string();
        assert!(told.ends_with("small.update: it is no key (expected 64 digits of 0-9a-f)"), "{told}");
        let told =
            update(&UpdateArgs { check: args.key.clone(), ..args }, &mut out).expect_err("no update").to_string();
        assert!(told.ends_with("update.pub: this is no update (expected the first line `demon update 1`)"), "{told}");
    }
}
