//! Updates: what a file `demon-VERSION.update` is, whether it is whole and ours, whether it belongs on this box, and how it is written there.
//!
//! A file is a line with the format's number, the length of its manifest, an Ed25519 signature over line and manifest, the manifest,
//! and the parts that it lists, one behind the other (`package`, its beginning `head`). The signature is asked before a word of the manifest is read, and every part before any
//! byte of it may be written anywhere (`package`, `manifest`). Whether it fits is a question of its own (`fit`). `install` writes it into the other slot (`medium`), `back` is the way
//! back, `kernels` what the boot loader makes of names. Nothing here starts or restarts anything, and no byte of a file can make it panic or take memory beyond `MANIFEST_MOST`
//! (`fuzz-input/fuzz_targets/update_file.rs`).

mod back;
mod fit;
pub(crate) mod head;
mod install;
mod kernels;
pub(crate) mod key;
mod manifest;
mod medium;
mod package;
mod refusal;
mod version;
pub mod words;

pub use back::{Installed, go_back};
pub use fit::{Here, ROOT_SLOT, VERITY_SLOT, fits};
pub use head::MANIFEST_MOST;
pub use install::{Progress, SECTOR, Step, install};
pub use kernels::{KernelFile, Standing, TRIES};
pub use key::{KEY, read_key};
pub use manifest::{Manifest, Part};
pub use medium::{Half, Medium, Partitions, Places, Slot};
pub use package::{FORMAT, Package};
pub use refusal::Refusal;
pub use version::Version;

#[cfg(test)]
mod install_tests;
#[cfg(test)]
mod power_tests;
#[cfg(test)]
mod update_tests;
