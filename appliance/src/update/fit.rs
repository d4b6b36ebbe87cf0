//! Whether an update belongs on this box: product, machine, version, room.

use super::manifest::Manifest;
use super::refusal::Refusal;
use super::version::Version;

/// Bytes of a slot for a root, as `image/builder/disk.py` lays the disk out.
pub const ROOT_SLOT: u64 = 512 << 20;
/// Bytes of a slot for its hashes.
pub const VERITY_SLOT: u64 = 8 << 20;

/// The box that an update would come to.
#[derive(Clone, Debug)]
pub struct Here {
    /// Which product this is.
    pub product: String,
    /// Which processors it has.
    pub machine: String,
    /// Which version runs.
    pub version: Version,
    /// Free bytes of the boot partition, where that is known.
    pub kernel_room: Option<u64>,
}

/// Whether the update fits. `forced` takes an older version, and nothing else; what runs is never written over itself.
///
/// # Errors
/// [`Refusal`]: the first thing that does not fit.
pub fn fits(manifest: &Manifest, here: &Here, forced: bool) -> Result<(), Refusal> {
    if manifest.product != here.product {
        return Err(Refusal::OtherProduct { found: manifest.product.clone(), expected: here.product.clone() });
    }
    if manifest.machine != here.machine {
        return Err(Refusal::OtherMachine { found: manifest.machine.clone(), expected: here.machine.clone() });
    }
    if manifest.version == here.version {
        return Err(Refusal::Runs(here.version.clone()));
    }
    if manifest.version < here.version && !forced {
        return Err(Refusal::NotNewer { found: manifest.version.clone(), here: here.version.clone() });
    }
    let rooms = [Some(ROOT_SLOT), Some(VERITY_SLOT), here.kernel_room];
    for (part, room) in manifest.parts.iter().zip(rooms) {
        let Some(room) = room.filter(|room| *room < part.bytes) else { continue };
        return Err(Refusal::NoRoom { part: part.name.to_owned(), bytes: part.bytes, room });
    }
    Ok(())
}
