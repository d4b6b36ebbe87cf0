//! The file beside a plan, in TOML: for what the plan is, and which bytes it must have.
//!
//! While a plan is being replaced the sidecar names two contents, the old and the new, so that whichever of them a power cut
//! leaves behind is known.

use serde::{Deserialize, Serialize};

use super::key::PlanKey;
use crate::files::document::{Fault, Format, fault_of_format};

const HEAD: &str = "# Written by `demon build`: what the plan beside this file was built from and for.\n";
/// A sidecar is about one kilobyte; what is much larger is none.
pub(super) const LARGEST_BYTES: u64 = 64 * 1024;

/// Bytes that a plan may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// How many.
    pub bytes: u64,
    /// Their BLAKE3, in hex.
    pub blake3: String,
}

impl Content {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() }
    }
}

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// What the plan is for.
    pub key: PlanKey,
    /// One entry; two while a plan is replaced.
    pub contents: Vec<Content>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSidecar {
    #[serde(default = "first")]
    format: u32,
    key: PlanKey,
    content: Vec<Content>,
}

/// The format of a sidecar that says none.
const fn first() -> u32 {
    1
}

/// Why a sidecar says nothing; in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SidecarFault {
    /// Not what this version writes.
    #[error("line {line}: {found}")]
    Text {
        /// The line.
        line: usize,
        /// What is wrong with it.
        found: String,
    },
    /// Of a newer demon, or what it says is no number.
    #[error("line {0}")]
    Format(Fault),
    /// It names no content, more than two, or one that is no hash.
    #[error("content: found {found}, expected one or two, each with a BLAKE3 of 64 hex digits")]
    Content {
        /// What it names.
        found: String,
    },
}

impl Sidecar {
    /// Reads what [`Sidecar::to_text`] wrote.
    ///
    /// # Errors
    /// See [`SidecarFault`].
    pub fn parse(text: &str) -> Result<Self, SidecarFault> {
        if let Some(fault) = fault_of_format(Format::PlanSidecar, text) {
            return Err(SidecarFault::Format(fault));
        }
        let raw: RawSidecar = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
            SidecarFault::Text { line, found: one_line(error.message()) }
        })?;
        let hex = |it: &Content| it.blake3.len() == 64 && it.blake3.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !(1..=2).contains(&raw.content.len()) || !raw.content.iter().all(hex) {
            let found: Vec<String> = raw.content.iter().map(|it| one_line(&it.blake3)).collect();
            return Err(SidecarFault::Content { found: format!("{} ({})", found.len(), found.join(", ")) });
        }
        Ok(Self { key: raw.key, contents: raw.content })
    }

    /// As it stands in the file.
    ///
    /// # Panics
    /// Never: everything in it can be written as TOML.
    #[must_use]
    pub fn to_text(&self) -> String {
        let raw =
            RawSidecar { format: Format::PlanSidecar.newest(), key: self.key.clone(), content: self.contents.clone() };
        let text = toml::to_string(&raw).expect("strings and numbers are TOML");
        format!("{HEAD}{text}")
    }
}

/// A foreign text as part of a sentence: short, without what would break a line or a terminal.
fn one_line(text: &str) -> String {
    text.chars().take(120).map(|it| if it.is_control() { ' ' } else { it }).collect()
}
