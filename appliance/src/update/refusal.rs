//! Why an update is not taken, each a plain line: what was found and what was expected.

use super::head::{HeadFault, MANIFEST_MOST};
use super::version::Version;

/// Why an update is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It does not begin as an update does.
    #[error("this is no update (expected the first line `demon update 1`)")]
    NotAnUpdate,
    /// It is of a format that came after this box.
    #[error("the update is of format {0}, and this box reads 1: update to a version between first")]
    NewerFormat(u32),
    /// Its signature is not by the key of this box, or what was signed has changed.
    #[error("the update is not signed with this box's key")]
    WrongKey,
    /// The key itself cannot be used.
    #[error("{0} is no key (expected 64 digits of 0-9a-f)")]
    NoKey(String),
    /// It is signed, and its manifest says something that cannot be.
    #[error("the update's manifest: {0}")]
    Manifest(String),
    /// It ends too early.
    #[error("the update is torn: it ends in {part}, {missing} bytes too early; copy it again")]
    Torn {
        /// Where it ends.
        part: String,
        /// What is missing of that part.
        missing: u64,
    },
    /// Something stands behind its last part.
    #[error("the update goes on behind its last part: copy it again")]
    TooLong,
    /// A part is another than the manifest says.
    #[error("the update is damaged: {0} is not what was signed; copy it again")]
    Damaged(String),
    /// Another product.
    #[error("the update is for {found}, and this box is {expected}")]
    OtherProduct {
        /// What the update is for.
        found: String,
        /// What this box is.
        expected: String,
    },
    /// Another kind of machine.
    #[error("the update is for a machine {found}, and this one is {expected}")]
    OtherMachine {
        /// What the update is for.
        found: String,
        /// What this box is.
        expected: String,
    },
    /// A step back that nobody asked for.
    #[error("the update is version {found}, and {here} is here already (--force takes it all the same)")]
    NotNewer {
        /// Of the update.
        found: Version,
        /// What runs.
        here: Version,
    },
    /// It is what runs.
    #[error("the update is version {0}, which runs already")]
    Runs(Version),
    /// What runs has still to show that it is fit; until then the other slot is the way back.
    #[error("version {0} is on trial after an update: try again when it has played for a moment")]
    OnTrial(Version),
    /// The box is not laid out as ours are.
    #[error("this box takes no update: {0}")]
    NoBox(String),
    /// There is nothing in the other slot that could be started.
    #[error("there is no other version on this box")]
    NoOther,
    /// The other version was tried and did not come to play.
    #[error("version {0} did not come to play three times (--force tries it again)")]
    Failed(Version),
    /// What was written is not what the disk gives back.
    #[error("the disk does not give back what was written to {0}: it is worn out or broken")]
    NotKept(String),
    /// The box's own disk does not take it.
    #[error("the update cannot be written: {0}")]
    Write(std::io::Error),
    /// It does not go into the place for it.
    #[error("the update's {part} has {bytes} bytes, and there is room for {room}")]
    NoRoom {
        /// Which part.
        part: String,
        /// Its size.
        bytes: u64,
        /// The room that there is.
        room: u64,
    },
    /// The stick or the disk does not read.
    #[error("the update cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

impl From<HeadFault> for Refusal {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::NotOne => Self::NotAnUpdate,
            HeadFault::Newer(format) => Self::NewerFormat(format),
            HeadFault::Length(found) => Self::Manifest(format!("{found} bytes, expected 1 to {MANIFEST_MOST}")),
            HeadFault::Torn(part, missing) => Self::Torn { part: part.to_owned(), missing },
            HeadFault::WrongKey => Self::WrongKey,
            HeadFault::Read(error) => Self::Read(error),
        }
    }
}
