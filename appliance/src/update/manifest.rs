//! The manifest of an update: what it is for, and its parts with their sizes and sums. It is read only after its signature.

use serde::Deserialize;

use super::key::hex;
use super::refusal::Refusal;
use super::version::Version;

/// The parts of an update, in the order in which they stand in the file.
const PARTS: [&str; 3] = ["root", "verity", "kernel"];
/// No part is larger; a number beyond it is a fault and no size.
const PART_MOST: u64 = 4 << 30;

/// A part of an update.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// `root`, `verity` or `kernel`.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// What an update says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Manifest {
    /// Which product it is for.
    pub product: String,
    /// Which processors it is for, as `x86_64`.
    pub machine: String,
    /// Which version it brings.
    pub version: Version,
    /// Root of the hashes over its root; its halves are the identities of the two partitions.
    pub roothash: [u8; 32],
    /// `root`, `verity`, `kernel`.
    pub parts: [Part; 3],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    product: String,
    machine: String,
    version: String,
    roothash: String,
    part: Vec<RawPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    name: String,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// Reads the text of a manifest.
    ///
    /// # Errors
    /// [`Refusal::Manifest`]: what was found, and what was expected.
    pub fn read(text: &[u8]) -> Result<Self, Refusal> {
        let no = |words: String| Refusal::Manifest(words);
        let text = std::str::from_utf8(text).map_err(|_| no("is no text".to_owned()))?;
        let raw: RawManifest = toml::from_str(text).map_err(|error| no(one_line(error.message())))?;
        let names: Vec<&str> = raw.part.iter().map(|it| it.name.as_str()).collect();
        if names != PARTS {
            return Err(no(format!("expected the parts {}, found {} others", PARTS.join(", "), names.len())));
        }
        let mut parts = PARTS.map(|name| Part { name, bytes: 0, sha256: [0; 32] });
        for (part, raw) in parts.iter_mut().zip(&raw.part) {
            if !(1..=PART_MOST).contains(&raw.bytes) {
                return Err(no(format!("{}: {} bytes, expected 1 to {PART_MOST}", part.name, raw.bytes)));
            }
            part.bytes = raw.bytes;
            let told = || no(format!("{}: its sha256 is no 64 digits of 0-9a-f", part.name));
            hex(&raw.sha256, &mut part.sha256).ok_or_else(told)?;
        }
        let mut roothash = [0; 32];
        hex(&raw.roothash, &mut roothash).ok_or_else(|| no("roothash is no 64 digits of 0-9a-f".to_owned()))?;
        let version = raw.version.parse().map_err(no)?;
        let plain = |word: &str| {
            !word.is_empty() && word.len() <= 32 && word.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
        };
        if !plain(&raw.product) || !plain(&raw.machine) {
            return Err(no("product and machine are plain words".to_owned()));
        }
        Ok(Self { product: raw.product, machine: raw.machine, version, roothash, parts })
    }

    /// The size of all parts together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|it| it.bytes).sum()
    }
}

/// A library's words as a line that steers no terminal.
fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").escape_default().to_string()
}
