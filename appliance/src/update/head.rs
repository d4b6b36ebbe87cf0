//! The head of what a box believes: a line with the format's number, the length of a manifest, an Ed25519 signature over line and manifest, and the
//! manifest. Of an update (`package`) and of an extension of the system ([`crate::extension`]).

use std::io::{ErrorKind, Read};

use ed25519_dalek::{SIGNATURE_LENGTH, Signature, VerifyingKey};

/// Bytes that a manifest has at most.
pub const MANIFEST_MOST: u32 = 64 << 10;
/// Digits that a format's number has at most.
const DIGITS_MOST: usize = 6;

/// What is wrong with one.
#[derive(Debug)]
pub(crate) enum HeadFault {
    /// It does not begin so.
    NotOne,
    /// It is of this format, which came after this box.
    Newer(u32),
    /// Its manifest has so many bytes.
    Length(u32),
    /// It ends too early, in this part, and so many bytes are missing.
    Torn(&'static str, u64),
    /// Its signature is not by the key, or what was signed has changed.
    WrongKey,
    /// It cannot be read.
    Read(std::io::Error),
}

impl From<std::io::Error> for HeadFault {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

/// Reads one that begins with `begins` and the number `format`; nothing of it is believed before its signature. Answers the manifest, and how many bytes
/// the head has with it.
pub(crate) fn signed(
    from: &mut impl Read,
    begins: &[u8],
    format: u32,
    key: &VerifyingKey,
) -> Result<(Vec<u8>, u64), HeadFault> {
    let mut signed = first_line(from, begins, format)?;
    let mut length = [0; 4];
    take(from, &mut length, "its head")?;
    let length = u32::from_le_bytes(length);
    if length == 0 || MANIFEST_MOST < length {
        return Err(HeadFault::Length(length));
    }
    let mut signature = [0; SIGNATURE_LENGTH];
    take(from, &mut signature, "its head")?;
    let begin = signed.len();
    signed.resize(begin + length as usize, 0);
    take(from, &mut signed[begin..], "its manifest")?;
    key.verify_strict(&signed, &Signature::from_bytes(&signature)).map_err(|_| HeadFault::WrongKey)?;
    let bytes = (signed.len() + 4 + SIGNATURE_LENGTH) as u64;
    Ok((signed.split_off(begin), bytes))
}

/// The first line with its end, when it is one of ours.
fn first_line(from: &mut impl Read, begins: &[u8], format: u32) -> Result<Vec<u8>, HeadFault> {
    let mut line = vec![0; begins.len()];
    take(from, &mut line, "its head").map_err(|fault| match fault {
        HeadFault::Torn(..) => HeadFault::NotOne,
        other => other,
    })?;
    if line != begins {
        return Err(HeadFault::NotOne);
    }
    let mut number: u32 = 0;
    for digits in 0..=DIGITS_MOST {
        let mut byte = [0];
        take(from, &mut byte, "its head")?;
        line.push(byte[0]);
        match byte[0] {
            digit @ b'0'..=b'9' if digits < DIGITS_MOST => number = number * 10 + u32::from(digit - b'0'),
            b'\n' if number == format && line.len() == begins.len() + 2 => return Ok(line),
            b'\n' if format < number => return Err(HeadFault::Newer(number)),
            _ => return Err(HeadFault::NotOne),
        }
    }
    Err(HeadFault::NotOne)
}

/// Fills `out`, or says that the file is torn in `part`.
fn take(from: &mut impl Read, out: &mut [u8], part: &'static str) -> Result<(), HeadFault> {
    let mut at = 0;
    while at < out.len() {
        match some(from, &mut out[at..])? {
            0 => return Err(HeadFault::Torn(part, (out.len() - at) as u64)),
            count => at += count,
        }
    }
    Ok(())
}

/// Some bytes; none at the end.
pub(crate) fn some(from: &mut impl Read, out: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match from.read(out) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
