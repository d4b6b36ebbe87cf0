//! `demon update`: looks at an update of the box, writes it into the other slot beside what plays, and goes back.

use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use crate::files::{open_regular, read_regular, shown};
use crate::service::bulletin::Bulletin;
use crate::service::slow::give_way;
use crate::update::{
    Here, Installed, KEY, Manifest, Package, Partitions, Places, Progress, Refusal, Step, Version, fits, go_back,
    install, read_key, words,
};

/// Where the image says which version it is.
const RELEASE: &str = "usr/lib/os-release";
/// Neither is larger.
const TEXT_MOST: u64 = 64 << 10;
/// What an update is for: a box with the usual kernel, or one with a real-time kernel, for boxes without a card.
const PRODUCTS: [&str; 2] = ["demon", "demon_rt"];
/// Bytes a second that are written at most, and read back: a fifth of what the slowest disk of ours takes, so that whoever plays has the rest.
const PACE: u64 = 16 << 20;
/// It is told at every step of so many per cent.
const TOLD_PERCENT: u64 = 5;
/// What the running box is told under.
const TOLD_AS: &str = "update";

/// `demon update`.
#[derive(Args, Clone, Debug)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["file", "check", "status", "back"])))]
#[command(after_help = "\
Exit codes: 0 it is done; 1 it is refused, with the reason; 2 the command line was not understood.\n\n\
Whatever plays goes on while an update is written: it is looked at whole first (signature, sums, room), then written into the other slot at no more \
than 16 MB a second, read back from the disk, and named to the boot loader last. A loss of power at any moment leaves a version that starts. Nothing is \
ever restarted: the next start takes the new version, and the one before comes back by itself when that does not come to play three times.")]
pub struct UpdateArgs {
    /// The update to write, demon-VERSION.update
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Only look whether an update is whole, signed with the box's key, and belongs here
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// Say which versions the box has, how they have done, and which one the next start takes
    #[arg(long)]
    pub status: bool,
    /// Have the next start take the other version
    #[arg(long)]
    pub back: bool,
    /// The key that an update has to be signed with
    #[arg(long, value_name = "FILE", default_value = KEY)]
    pub key: PathBuf,
    /// Take an older version too; with --back, one that did not come to play
    #[arg(long)]
    pub force: bool,
    /// Tell the running box how far it is, in this folder
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub tell: Option<PathBuf>,
    /// The folder that is the box
    #[arg(long, value_name = "FOLDER", default_value = "/", hide = true)]
    pub root: PathBuf,
}

/// An update was refused.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {why}")]
pub struct Refused {
    name: String,
    why: String,
}

/// Does what is asked, and tells `out`.
///
/// # Errors
/// [`Refused`] or [`Refusal`] with the reason, and when `out` cannot be written to.
pub fn update(args: &UpdateArgs, out: &mut impl Write) -> anyhow::Result<()> {
    match (&args.file, &args.check) {
        (Some(file), _) => write(args, file, out)?,
        (_, Some(file)) => check(args, file, out)?,
        _ if args.back => {
            let version = go_back(&here(args)?.version, args.force, &mut Partitions::open(Places::below(&args.root))?)?;
            writeln!(out, "the next start takes demon {version}: restart the box")?;
        }
        _ => write!(out, "{}", installed(args)?)?,
    }
    Ok(out.flush()?)
}

fn installed(args: &UpdateArgs) -> anyhow::Result<Installed> {
    let names = Places::below(&args.root).kernels().map_err(|it| Refusal::NoBox(it.to_string()))?;
    Ok(Installed::of(&here(args)?.version, &names))
}

/// Only looks.
fn check(args: &UpdateArgs, file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let no = |why: &dyn ToString| refused(file, why);
    let key = key(args)?;
    let read = BufReader::new(open_regular(file).map_err(|it| no(&it))?);
    let package = Package::open(read, &key).map_err(|it| no(&it))?;
    // What does not belong here needs no long look.
    fits(package.manifest(), &here(args)?, args.force).map_err(|it| no(&it))?;
    let manifest = package.check(&mut |_| {}).map_err(|it| no(&it))?;
    Ok(writeln!(out, "demon {} for {}: {}, whole and signed", manifest.version, manifest.machine, size(&manifest))?)
}

/// Writes it, telling `out` and the running box.
fn write(args: &UpdateArgs, file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let put = |bulletin: Bulletin| {
        if let Some(folder) = &args.tell {
            // Who shows it may be gone; the update goes on.
            let _ = bulletin.put(folder, TOLD_AS);
        }
    };
    let done = write_at_a_pace(args, file, &mut |it| {
        put(Bulletin::news(&it));
        let _ = writeln!(out, "{it}").and_then(|()| out.flush());
    });
    match done {
        Ok(manifest) => {
            let words = words::written(&manifest.version);
            put(Bulletin::news(&words));
            Ok(writeln!(out, "{words}")?)
        }
        Err(error) => {
            put(Bulletin::warning(&words::not_taken(&error.to_string())));
            Err(error.into())
        }
    }
}

fn write_at_a_pace(args: &UpdateArgs, file: &Path, told: &mut dyn FnMut(String)) -> Result<Manifest, Refused> {
    give_way();
    let no = |why: &dyn ToString| refused(file, why);
    let (key, here) = (key(args)?, here(args).map_err(|it| no(&it))?);
    let read = open_regular(file).map_err(|it| no(&it))?;
    let mut medium = Partitions::open(Places::below(&args.root)).map_err(|it| no(&it))?;
    let (mut pace, mut last) = (Pace::default(), None);
    let mut tell = |progress: Progress| {
        let percent = progress.percent() / TOLD_PERCENT * TOLD_PERCENT;
        if last.replace(percent) != Some(percent) {
            told(words::going_on(&progress, percent));
        }
        std::thread::sleep(pace.wait(progress, Instant::now()));
    };
    install(BufReader::new(read), &key, &here, args.force, &mut medium, &mut tell).map_err(|it| no(&it))
}

/// How long to wait so that no step is faster than [`PACE`]: each piece is held against the time since the step began.
#[derive(Debug, Default)]
struct Pace(Option<(Step, u64, Instant)>);

impl Pace {
    fn wait(&mut self, progress: Progress, now: Instant) -> Duration {
        let (step, from, since) = *self.0.get_or_insert((progress.step, progress.done, now));
        if step != progress.step || progress.done < from {
            self.0 = Some((progress.step, progress.done, now));
            return Duration::ZERO;
        }
        let due = Duration::from_secs_f64((progress.done - from) as f64 / PACE as f64);
        due.saturating_sub(now.saturating_duration_since(since))
    }
}

fn size(manifest: &Manifest) -> String {
    format!("{:.1} MB", manifest.bytes() as f64 / 1e6)
}

fn refused(path: &Path, why: &dyn ToString) -> Refused {
    Refused { name: shown(path).to_string(), why: why.to_string() }
}

fn key(args: &UpdateArgs) -> Result<ed25519_dalek::VerifyingKey, Refused> {
    let text = read_regular(&args.key, TEXT_MOST).map_err(|it| refused(&args.key, &it))?;
    read_key(&String::from_utf8_lossy(&text), "it").map_err(|it| refused(&args.key, &it))
}

/// This box: its image's version where it runs from one, else the program's.
fn here(args: &UpdateArgs) -> anyhow::Result<Here> {
    let release = read_regular(&args.root.join(RELEASE), TEXT_MOST).unwrap_or_default();
    let (product, version) = match image(&String::from_utf8_lossy(&release)) {
        Some(image) => image,
        None => (PRODUCTS[0], env!("CARGO_PKG_VERSION").parse().map_err(anyhow::Error::msg)?),
    };
    Ok(Here { product: product.to_owned(), machine: std::env::consts::ARCH.to_owned(), version, kernel_room: None })
}

/// Which product the box is whose root this is; of a machine that runs none of our images, the usual one.
#[must_use]
pub fn product_of(root: &Path) -> &'static str {
    let release = read_regular(&root.join(RELEASE), TEXT_MOST).unwrap_or_default();
    image(&String::from_utf8_lossy(&release)).map_or(PRODUCTS[0], |it| it.0)
}

/// Which of our images an os-release file names, and its version.
fn image(text: &str) -> Option<(&'static str, Version)> {
    let value = |key: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines.filter(|it| it.0 == key).map(|it| it.1.trim_matches('"')).next_back()
    };
    let id = value("IMAGE_ID")?;
    let product = PRODUCTS.into_iter().find(|it| *it == id)?;
    Some((product, value("IMAGE_VERSION")?.parse().ok()?))
}

#[cfg(test)]
#[path = "update_command_tests.rs"]
mod tests;
