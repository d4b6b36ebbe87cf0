//! The file of an update: its head, its signature, and its parts one behind the other.

use std::io::{ErrorKind, Read};

use ed25519_dalek::{SIGNATURE_LENGTH, Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::manifest::{Manifest, Part};
use super::refusal::Refusal;

/// The format that is written and read.
pub const FORMAT: u32 = 1;
/// Bytes that a manifest has at most.
pub const MANIFEST_MOST: u32 = 64 << 10;
/// What every format begins with; the number and the end of the line follow.
const BEGINS: &[u8] = b"demon update ";
/// Digits that a format's number has at most.
const DIGITS_MOST: usize = 6;
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
        let line = first_line(&mut from)?;
        let mut length = [0; 4];
        take(&mut from, &mut length, "its head")?;
        let length = u32::from_le_bytes(length);
        if length == 0 || MANIFEST_MOST < length {
            return Err(Refusal::Manifest(format!("{length} bytes, expected 1 to {MANIFEST_MOST}")));
        }
        let mut signature = [0; SIGNATURE_LENGTH];
        take(&mut from, &mut signature, "its head")?;
        let mut signed = line;
        let begin = signed.len();
        signed.resize(begin + length as usize, 0);
        take(&mut from, &mut signed[begin..], "its manifest")?;
        key.verify_strict(&signed, &Signature::from_bytes(&signature)).map_err(|_| Refusal::WrongKey)?;
        let manifest = Manifest::read(&signed[begin..])?;
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

/// The first line with its end, when it is one of ours.
fn first_line(from: &mut impl Read) -> Result<Vec<u8>, Refusal> {
    let mut line = vec![0; BEGINS.len()];
    take(from, &mut line, "its head").map_err(|refusal| match refusal {
        Refusal::Torn { .. } => Refusal::NotAnUpdate,
        other => other,
    })?;
    if line != BEGINS {
        return Err(Refusal::NotAnUpdate);
    }
    let mut number: u32 = 0;
    for digits in 0..=DIGITS_MOST {
        let mut byte = [0];
        take(from, &mut byte, "its head")?;
        line.push(byte[0]);
        match byte[0] {
            digit @ b'0'..=b'9' if digits < DIGITS_MOST => number = number * 10 + u32::from(digit - b'0'),
            b'\n' if number == FORMAT && line.len() == BEGINS.len() + 2 => return Ok(line),
            b'\n' if FORMAT < number => return Err(Refusal::NewerFormat(number)),
            _ => return Err(Refusal::NotAnUpdate),
        }
    }
    Err(Refusal::NotAnUpdate)
}

/// Fills `out`, or says that the file is torn in `part`.
fn take(from: &mut impl Read, out: &mut [u8], part: &str) -> Result<(), Refusal> {
    let mut at = 0;
    while at < out.len() {
        match some(from, &mut out[at..])? {
            0 => return Err(Refusal::Torn { part: part.to_owned(), missing: (out.len() - at) as u64 }),
            count => at += count,
        }
    }
    Ok(())
}

/// Some bytes; none at the end.
fn some(from: &mut impl Read, out: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match from.read(out) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
