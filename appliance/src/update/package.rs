//! The file of an update: its head, its signature, and its parts one behind the other.

use std::io::Read;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::head::{self, some};
use super::manifest::{Manifest, Part};
use super::refusal::Refusal;

/// The format that is written and read.
pub const FORMAT: u32 = 1;
/// What every format begins with; the number and the end of the line follow.
const BEGINS: &[u8] = b"demon update ";
/// Read and summed in pieces of this size, so that a large part needs no memory.
const PIECE: usize = 256 << 10;

/// An update whose manifest was signed with the key of the box. Its parts are still to be looked at ([`Package::part`]).
#[derive(Debug)]
pub struct Package<R> {
    from: R,
    manifest: Manifest,
    next: usize,
}

impl<R: Read> Package<R> {
    /// Reads the head; nothing of it is believed before its signature.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn open(mut from: R, key: &VerifyingKey) -> Result<Self, Refusal> {
        let (manifest, _) = head::signed(&mut from, BEGINS, FORMAT, key)?;
        let manifest = Manifest::read(&manifest)?;
        Ok(Self { from, manifest, next: 0 })
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Hands the next part to `to` in pieces, and says at its end whether it was what was signed: until then nothing of it may be started.
    /// Answers the part, or nothing behind the last.
    ///
    /// # Errors
    /// [`Refusal::Torn`], [`Refusal::Damaged`], [`Refusal::TooLong`], or what `to` or the disk says.
    pub fn part(&mut self, to: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<Option<Part>, Refusal> {
        let Some(part) = self.manifest.parts.get(self.next).cloned() else { return self.end().map(|()| None) };
        let (mut left, mut sum, mut piece) = (part.bytes, Sha256::new(), vec![0; PIECE]);
        while 0 < left {
            let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let count = some(&mut self.from, &mut piece[..wanted])?;
            if count == 0 {
                return Err(Refusal::Torn { part: part.name.to_owned(), missing: left });
            }
            sum.update(&piece[..count]);
            to(&piece[..count])?;
            left -= count as u64;
        }
        if sum.finalize().as_slice() != part.sha256 {
            return Err(Refusal::Damaged(part.name.to_owned()));
        }
        self.next += 1;
        Ok(Some(part))
    }

    /// Looks at all parts and keeps none; `told` hears how many bytes were looked at.
    ///
    /// # Errors
    /// As [`Package::part`].
    pub fn check(mut self, told: &mut dyn FnMut(u64)) -> Result<Manifest, Refusal> {
        let mut seen = 0;
        let mut look = |piece: &[u8]| {
            seen += piece.len() as u64;
            told(seen);
            Ok(())
        };
        while self.part(&mut look)?.is_some() {}
        Ok(self.manifest)
    }

    fn end(&mut self) -> Result<(), Refusal> {
        if some(&mut self.from, &mut [0])? == 0 { Ok(()) } else { Err(Refusal::TooLong) }
    }
}
