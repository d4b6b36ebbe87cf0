//! The run-time folder: where the player's socket is, for one user.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::files::shown;

/// The socket's name in the folder, and that of the lock that one player holds.
pub(super) const SOCKET: &str = "player.sock";
/// See [`SOCKET`].
pub(super) const LOCK: &str = "player.lock";
/// Only the user may enter.
const MODE: u32 = 0o700;
/// Bytes of a socket's whole name, with a zero: the kernel's own figure.
const NAME_BYTES: usize = 108;

/// The named folder, `$DEMON_RUNTIME`, or a folder of the user's own: `demon` in `$XDG_RUNTIME_DIR`, else in `/run` where that may be
/// written, else below `/tmp`.
#[must_use]
pub fn folder(named: Option<&Path>) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let user = rustix::process::geteuid();
    named
        .map(Path::to_owned)
        .or_else(|| variable("DEMON_RUNTIME"))
        .or_else(|| variable("XDG_RUNTIME_DIR").map(|it| it.join("demon")))
        .or_else(|| user.is_root().then(|| PathBuf::from("/run/demon")))
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/demon-{}", user.as_raw())))
}

/// Makes the folder where it is missing, for this user alone.
///
/// # Errors
/// In words, when it cannot be made, or is another user's: whoever owns it could put another player in this one's place.
pub fn make(folder: &Path) -> Result<(), String> {
    let told = |error: io::Error| format!("{}: {error}", shown(folder));
    if folder.join(SOCKET).as_os_str().len() + 1 > NAME_BYTES {
        return Err(format!("{}: the name is too long for a socket in it", shown(folder)));
    }
    std::fs::DirBuilder::new().recursive(true).mode(MODE).create(folder).map_err(told)?;
    let about = std::fs::metadata(folder).map_err(told)?;
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(format!("{}: belongs to another user", shown(folder)));
    }
    if about.permissions().mode() & 0o022 != 0 {
        return Err(format!("{}: others may write there", shown(folder)));
    }
    Ok(())
}
