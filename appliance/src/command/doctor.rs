//! `demon doctor`: what is wrong with the box, and what would mend it, as a table or as JSON.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::compute::build::usual_folder;
use crate::compute::set::model_folder;
use crate::doctor::{Finding, Patient, ThisMachine, Verdict, examine};
use crate::settings::box_file::BoxConfig;
use crate::settings::learnt_maps;

/// `demon doctor`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit codes: 0 nothing is at fault (warnings may be); 1 something is; 2 the command line was not understood. Nothing is changed. \
The sound device is opened for a moment: while `demon run` plays on it, it is busy.")]
pub struct DoctorArgs {
    /// The sound device that would play
    #[arg(long, value_name = "PCM", default_value = "default")]
    pub device: String,
    /// The model [default: the one that `demon run` plays]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// What is built into the box [default: /etc/demon/demon.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of what the box remembers [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Something is at fault; what is stands in the table.
#[derive(Debug, thiserror::Error)]
#[error("{0} of {1} rows are at fault")]
pub struct AtFault(usize, usize);

/// Looks, and tells `out`.
///
/// # Errors
/// [`AtFault`]; when a box file that was named cannot be read, and when `out` cannot be written to.
pub fn doctor(args: &DoctorArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let patient = Patient {
        config: BoxConfig::open(args.config.as_deref())?,
        device: args.device.clone(),
        model: model_folder(args.model.as_deref()).map_err(|error| error.to_string()),
        plans: usual_folder(),
        state: learnt_maps::folder(args.state.as_deref()),
    };
    let rows = examine(&patient, &ThisMachine::default());
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
    } else {
        table(&rows, out)?;
    }
    out.flush()?;
    match rows.iter().filter(|it| it.verdict == Verdict::Fault).count() {
        0 => Ok(()),
        faults => Err(AtFault(faults, rows.len()).into()),
    }
}

fn table(rows: &[Finding], out: &mut impl Write) -> std::io::Result<()> {
    for Finding { row, verdict, found, mend } in rows {
        writeln!(out, "{verdict:<8} {row:<12} {found}")?;
        if let Some(mend) = mend {
            writeln!(out, "{:21} mend: {mend}", "")?;
        }
    }
    Ok(())
}
