//! What is on the shelf: `demon build --list` and `--clean`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::size;
use crate::compute::plans::{Keep, PlanStore};
use crate::files::shown;

/// Plans of the box.
const BOX: &str = "/var/lib/demon";
const FOLDER_VARIABLE: &str = "DEMON_PLANS";

/// `$DEMON_PLANS`, else the box's own folder, else `target/plans` of the source tree that the binary was built in.
#[must_use]
pub fn usual_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return folder.into();
    }
    if Path::new(BOX).is_dir() {
        return Path::new(BOX).join("plans");
    }
    let binary = std::env::current_exe().unwrap_or_default();
    let target = binary.ancestors().find(|it| it.file_name().is_some_and(|name| name == "target"));
    target.map_or_else(|| Path::new(BOX).join("plans"), |it| it.join("plans"))
}

/// Prints the plans, the one used last first.
///
/// # Errors
/// When the folder or the output fails.
pub fn list(folder: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let entries = PlanStore::open(folder)?.list()?;
    let whole: u64 = entries.iter().map(|it| it.bytes).sum();
    for entry in &entries {
        let days = SystemTime::now().duration_since(entry.used).map_or(0, |it| it.as_secs() / 86_400);
        writeln!(out, "{}: {}, last used {days} days ago", shown(&entry.plan), size(entry.bytes))?;
        match &entry.sidecar {
            Ok(sidecar) => {
                for (field, value) in sidecar.key.fields() {
                    writeln!(out, "    {field:<11} {}", value.escape_default())?;
                }
            }
            Err(fault) => writeln!(out, "    cannot be used: {fault}")?,
        }
    }
    writeln!(out, "{} plans, {}, in {}", entries.len(), size(whole), shown(&folder))?;
    Ok(())
}

/// Throws away all but the plans used last, and says which.
///
/// # Errors
/// When another process builds, or the folder or the output fails.
pub fn clean(folder: &Path, keep: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let store = PlanStore::open(folder)?;
    let gone = store.clean(&store.lock()?, Keep::Newest(keep))?;
    let print = |out: &mut dyn Write| -> io::Result<()> {
        for path in &gone {
            writeln!(out, "removed {}", shown(&path))?;
        }
        writeln!(out, "{} removed, at most {keep} kept, in {}", gone.len(), shown(&folder))
    };
    Ok(print(out)?)
}
