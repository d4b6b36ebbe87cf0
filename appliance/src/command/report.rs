//! `demon report`: what the flight recorder holds of the last minutes, as text that a stick can take home.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::version;
use crate::files::{shown, write_whole};
use crate::recorder::{self, report};
use crate::settings::learnt_maps;

/// `demon report`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The report has versions, and what hands did and what was told in the last ten minutes before the newest entry, at most 20000 lines. \
There is no sound in it. It is there after a crash, a kill and a loss of power too.")]
pub struct ReportArgs {
    /// Where to write it, replaced whole [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Folder of what the box remembers [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
}

/// Writes the report to a file, or to `out`.
///
/// # Errors
/// When nothing was recorded there, and when it cannot be written.
pub fn report(args: &ReportArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let folder = learnt_maps::folder(args.state.as_deref());
    let entries = recorder::read(&folder).with_context(|| {
        format!("{}: expected the file `{}` of a performance, found none", shown(&folder), recorder::FILE)
    })?;
    match &args.out {
        None => report::write(&entries, version::long(), out)?,
        Some(path) => {
            let mut text = Vec::new();
            report::write(&entries, version::long(), &mut text)?;
            write_whole(path, &text)?;
        }
    }
    Ok(out.flush()?)
}
