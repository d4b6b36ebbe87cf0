//! Extensions of the system: drivers and libraries that a box's image does not ship, made by the owner (`image/nvidia`) and signed with the key that
//! updates are signed with.
//!
//! A file `demon-NAME-VERSION.extension` is a signed head ([`crate::update`] has the same), a file system (erofs) and the tree of hashes over it
//! (dm-verity), each beginning at a whole block. The head says for which kernel it is. A box looks at the head before each use and has the kernel check
//! every block that is read: whoever writes over the file afterwards changes nothing but that it is refused.
//!
//! Nothing here mounts or loads anything; the image's `demon-extensions.service` does, by the line that `demon extension --table` prints.

mod tree;

use std::io::{BufReader, Read, Seek as _};
use std::path::Path;

use ed25519_dalek::VerifyingKey;
use serde::Deserialize;

use crate::files::{open_regular, read_regular, shown};
use crate::update::head::{self, HeadFault, MANIFEST_MOST};
use crate::update::key::hex;
use crate::update::read_key;

pub use tree::{BLOCK, root_hash};

/// The format that is written and read.
pub const FORMAT: u32 = 1;
/// What every format begins with.
const BEGINS: &[u8] = b"demon extension ";
/// A key is a line.
const KEY_MOST: u64 = 64 << 10;
/// No file system is larger; a number beyond it is a fault and no size.
const BLOCKS_MOST: u64 = (16 << 30) / BLOCK;

/// Why an extension is not used, each a plain line.
#[derive(Debug, thiserror::Error)]
pub enum NotUsed {
    /// It does not begin as one does.
    #[error("this is no extension (expected the first line `demon extension 1`)")]
    NotOne,
    /// It is of a format that came after this box.
    #[error("the extension is of format {0}, and this box reads 1: update the box first")]
    NewerFormat(u32),
    /// Its signature is not by the key of this box, or what was signed has changed.
    #[error("the extension is not signed with this box's key")]
    WrongKey,
    /// The key itself cannot be used.
    #[error("this box has no key for extensions: {0}")]
    NoKey(String),
    /// It is signed, and its head says something that cannot be.
    #[error("the extension's head: {0}")]
    Head(String),
    /// It ends too early.
    #[error("the extension is torn: {0} bytes are missing; copy it again")]
    Torn(u64),
    /// Something stands behind its end.
    #[error("the extension goes on behind its end: copy it again")]
    TooLong,
    /// What it holds is another than its head says.
    #[error("the extension is damaged: it does not hold what was signed; copy it again")]
    Damaged,
    /// It is for another kind of machine.
    #[error("the extension is for a machine {found}, and this one is {expected}")]
    OtherMachine {
        /// What it is for.
        found: String,
        /// What this is.
        expected: &'static str,
    },
    /// It is for another kernel.
    #[error(
        "the extension is for the kernel {found}, and this one is {here}: make it anew for this version of the box"
    )]
    OtherKernel {
        /// What it is for.
        found: String,
        /// What runs.
        here: String,
    },
    /// It cannot be read.
    #[error("the extension cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

impl From<HeadFault> for NotUsed {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::NotOne => Self::NotOne,
            HeadFault::Newer(format) => Self::NewerFormat(format),
            HeadFault::Length(found) => Self::Head(format!("{found} bytes, expected 1 to {MANIFEST_MOST}")),
            HeadFault::Torn(_, missing) => Self::Torn(missing),
            HeadFault::WrongKey => Self::WrongKey,
            HeadFault::Read(error) => Self::Read(error),
        }
    }
}

/// What a signed head says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extension {
    /// What it is called, a word: `nvidia`.
    pub name: String,
    /// Its version, as its maker has it.
    pub version: String,
    /// The release of the kernel that its modules are built for.
    pub kernel: String,
    /// Where its file system begins, in bytes.
    pub root_at: u64,
    /// Blocks of its file system.
    pub blocks: u64,
    /// Where the hashes over it begin, in bytes.
    pub verity_at: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Root of the hashes.
    pub roothash: [u8; 32],
    /// Their salt.
    pub salt: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHead {
    name: String,
    version: String,
    kernel: String,
    machine: String,
    blocks: u64,
    verity_blocks: u64,
    roothash: String,
    salt: String,
}

impl Extension {
    /// Reads the head; nothing of it is believed before its signature.
    ///
    /// # Errors
    /// [`NotUsed`].
    pub fn open(from: &mut impl Read, key: &VerifyingKey) -> Result<Self, NotUsed> {
        let (text, bytes) = head::signed(from, BEGINS, FORMAT, key)?;
        Self::read(&text, bytes)
    }

    /// Reads what was signed; `head_bytes`: how many bytes the head has.
    ///
    /// # Errors
    /// [`NotUsed::Head`] and [`NotUsed::OtherMachine`]: what was found, and what was expected.
    pub fn read(text: &[u8], head_bytes: u64) -> Result<Self, NotUsed> {
        let no = NotUsed::Head;
        let text = std::str::from_utf8(text).map_err(|_| no("is no text".to_owned()))?;
        let raw: RawHead = toml::from_str(text).map_err(|error| no(error.message().escape_default().to_string()))?;
        for (key, word) in
            [("name", &raw.name), ("version", &raw.version), ("kernel", &raw.kernel), ("machine", &raw.machine)]
        {
            let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"._+~-".contains(&it);
            // A name becomes part of a path: it hides nothing and leads nowhere.
            if word.is_empty() || 64 < word.len() || word.starts_with('.') || !word.bytes().all(is_plain) {
                return Err(no(format!("{key} is no plain word (letters, digits and ._+~-)")));
            }
        }
        if raw.machine != std::env::consts::ARCH {
            return Err(NotUsed::OtherMachine { found: raw.machine, expected: std::env::consts::ARCH });
        }
        for (key, blocks) in [("blocks", raw.blocks), ("verity_blocks", raw.verity_blocks)] {
            if !(1..=BLOCKS_MOST).contains(&blocks) {
                return Err(no(format!("{key}: {blocks}, expected 1 to {BLOCKS_MOST}")));
            }
        }
        let digits = |key: &str, text: &str| {
            let mut out = [0; 32];
            hex(text, &mut out).map(|()| out).ok_or_else(|| no(format!("{key} is no 64 digits of 0-9a-f")))
        };
        let root_at = head_bytes.next_multiple_of(BLOCK);
        let verity_at = root_at + raw.blocks * BLOCK;
        Ok(Self {
            root_at,
            verity_at,
            bytes: verity_at + raw.verity_blocks * BLOCK,
            blocks: raw.blocks,
            roothash: digits("roothash", &raw.roothash)?,
            salt: digits("salt", &raw.salt)?,
            name: raw.name,
            version: raw.version,
            kernel: raw.kernel,
        })
    }

    /// Whether it is for the kernel that runs.
    ///
    /// # Errors
    /// [`NotUsed::OtherKernel`].
    pub fn fits(&self, kernel: &str) -> Result<(), NotUsed> {
        if self.kernel == kernel {
            return Ok(());
        }
        Err(NotUsed::OtherKernel { found: self.kernel.clone(), here: kernel.to_owned() })
    }

    /// Looks at everything behind the head: `rest` goes on where [`Self::open`] has stopped after so many bytes.
    ///
    /// # Errors
    /// [`NotUsed::Torn`], [`NotUsed::TooLong`], [`NotUsed::Damaged`].
    pub fn check(&self, rest: &mut impl Read, head_bytes: u64) -> Result<(), NotUsed> {
        pass_over(rest, self.root_at - head_bytes, self.bytes - head_bytes)?;
        let found = root_hash(rest, self.blocks, &self.salt).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => NotUsed::Torn(self.bytes - self.root_at),
            _ => NotUsed::Read(error),
        })?;
        pass_over(rest, self.bytes - self.verity_at, self.bytes - self.verity_at)?;
        if head::some(rest, &mut [0])? != 0 {
            return Err(NotUsed::TooLong);
        }
        if found == self.roothash { Ok(()) } else { Err(NotUsed::Damaged) }
    }

    /// Its name on a box: one for each kernel.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}_{}.extension", self.name, self.kernel)
    }

    /// What whoever mounts it has to know, as words of a line: name, version, place of the file system, its blocks, place of the hashes, their root, their salt.
    #[must_use]
    pub fn table(&self) -> String {
        let digits = |of: &[u8; 32]| of.iter().map(|it| format!("{it:02x}")).collect::<String>();
        let Self { name, version, root_at, blocks, verity_at, roothash, salt, .. } = self;
        format!("{name} {version} {root_at} {blocks} {verity_at} {} {}", digits(roothash), digits(salt))
    }
}

/// Looks at a file's head or, without `only_head`, at all of it.
///
/// # Errors
/// [`NotUsed`].
pub fn look(file: &Path, key: &Path, only_head: bool) -> Result<Extension, NotUsed> {
    let name = shown(&key).to_string();
    let text = read_regular(key, KEY_MOST).map_err(|why| NotUsed::NoKey(format!("{name}: {why}")))?;
    let key = read_key(&String::from_utf8_lossy(&text), &name).map_err(|why| NotUsed::NoKey(why.to_string()))?;
    let mut from = BufReader::new(open_regular(file).map_err(|why| std::io::Error::other(why.to_string()))?);
    let found = Extension::open(&mut from, &key)?;
    if !only_head {
        let head = from.stream_position()?;
        found.check(&mut from, head)?;
    }
    Ok(found)
}

/// Reads over so many bytes; where it ends before, `missing` are said to be missing.
fn pass_over(from: &mut impl Read, bytes: u64, missing: u64) -> Result<(), NotUsed> {
    let passed = std::io::copy(&mut from.take(bytes), &mut std::io::sink())?;
    if passed == bytes { Ok(()) } else { Err(NotUsed::Torn(missing - passed)) }
}

#[cfg(test)]
mod tests;
