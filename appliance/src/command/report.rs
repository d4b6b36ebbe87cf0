//! `demon report`: what the flight recorder holds of the last minutes, or the report of the last crash, as text that a stick can take home.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::version;
use crate::files::{FileError, Trouble, read_regular, shown, write_whole};
use crate::recorder::{self, crash, report};
use crate::settings::learnt_maps;

/// `demon report`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The report has versions, and what hands did and what was told in the last ten minutes before the newest entry, at most 20000 lines. \
There is no sound in it. It is there after a crash, a kill and a loss of power too.\n\n\
--crash writes the report of the last crash instead, as it was kept when it happened (at most 1 MiB): what crashed, or that a watchdog, \
a kill or a loss of power cut the performance off, and the ten minutes before. To take it home: demon report --crash --out /media/STICK")]
pub struct ReportArgs {
    /// Where to write it, replaced whole; in a folder, such as that of a stick, as demon-report.txt or demon-crash-report.txt
    /// [default: standard output]
    #[arg(long, value_name = "FILE|FOLDER")]
    pub out: Option<PathBuf>,
    /// The report of the last crash, instead of the last minutes
    #[arg(long)]
    pub crash: bool,
    /// Folder of what the box remembers [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
}

/// Writes the report to a file, or to `out`.
///
/// # Errors
/// When nothing was recorded there, or nothing has crashed, and when it cannot be written.
pub fn report(args: &ReportArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let folder = learnt_maps::folder(args.state.as_deref());
    let text = if args.crash { last_crash(&folder)? } else { last_minutes(&folder)? };
    match &args.out {
        None => out.write_all(&text)?,
        Some(path) if path.is_dir() => {
            let name = if args.crash { "demon-crash-report.txt" } else { "demon-report.txt" };
            write_whole(&path.join(name), &text)?;
        }
        Some(path) => write_whole(path, &text)?,
    }
    Ok(out.flush()?)
}

/// The report that was kept when something crashed.
fn last_crash(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let path = folder.join(crash::FILE);
    match read_regular(&path, crash::MOST_BYTES as u64) {
        Err(Trouble::Missing) => bail!("{}: nothing has crashed since this folder is there", shown(folder)),
        read => Ok(read.map_err(FileError::reading(&path))?),
    }
}

/// What the recorder holds of the last minutes.
fn last_minutes(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let entries = recorder::read(folder).with_context(|| {
        format!("{}: expected the file `{}` of a performance, found none", shown(folder), recorder::FILE)
    })?;
    let mut text = Vec::new();
    report::write(&entries, version::long(), &mut text)?;
    Ok(text)
}
