//! Reading `config.json` files: every fault at once, each with file, key, what was found and what was expected.
//!
//! Published configurations carry many keys that only training reads, so unknown keys are allowed here. Every number is
//! held within limits that a real model never reaches, so that a rubbish file cannot make us allocate the machine away.
//! Whether a configuration agrees with the weights is found out when a graph is lowered.

mod codec;
mod dit;
mod reader;
mod text;

use std::path::PathBuf;

pub use codec::CodecConfig;
pub use dit::{DitConfig, Reach, Stack};
pub use text::TextConfig;

/// A configuration that cannot be used: the file and everything wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", file.display(), list(faults))]
pub struct ConfigError {
    /// The file that was read.
    pub file: PathBuf,
    /// At least one fault.
    pub faults: Vec<Fault>,
}

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, or empty when the file as a whole is meant.
    pub key: String,
    /// What the file says there, shortened; `nothing` for a missing key.
    pub found: String,
    /// What would be accepted.
    pub expected: String,
}

fn list(faults: &[Fault]) -> String {
    let say = |fault: &Fault| match fault.key.as_str() {
        "" => format!("found {}, expected {}", fault.found, fault.expected),
        key => format!("`{key}`: found {}, expected {}", fault.found, fault.expected),
    };
    faults.iter().map(say).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
