//! What the tape had become, as a file in the state folder: the blocks in which it differs from the recording that it began as.
//!
//! ```text
//!   0  "DEMONTAP"    8  format (1)    12  frames of a block    16  frames of the tape    24  blocks here
//!  32  the digest of the digests of the recording's blocks
//!  64  for each block its number on the tape (8 bytes) and the digest of its sound (32)
//!      the digest of all before (32)
//!      the sound of each block: left and right as 32-bit floats
//! ```
//!
//! All numbers are little-endian, digests are BLAKE3, blocks are in the order of the tape. The one digest covers those of the blocks, so a
//! file is as it was written or not believed in any part ([`read`]). It is no longer than the tape and 40 bytes a block, and is written beside its
//! place and renamed there, so that a loss of power at any byte leaves the one before or this one. [`file`] holds the file itself.

mod file;
mod read;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use engine::latent::{SAMPLE_RATE_HZ, StereoFrame};

pub use file::{FILE, Found, TapeFile};
pub use read::{TapeFault, read, sealed};

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 1;
/// Frames of a block: 85 ms of sound in 32 KiB. The last of a tape may be shorter.
pub const BLOCK_FRAMES: usize = 4096;
/// The longest tape that is kept, in stereo samples: ten minutes, 230 MB.
pub const MOST_FRAMES: usize = 600 * SAMPLE_RATE_HZ as usize;

const MAGIC: [u8; 8] = *b"DEMONTAP";
const HEADER_BYTES: usize = 64;
const DIGEST_BYTES: usize = 32;
/// Of a block in the table: its number and its digest.
const ENTRY_BYTES: usize = 8 + DIGEST_BYTES;
const FRAME_BYTES: usize = size_of::<StereoFrame>();

type Digest = [u8; DIGEST_BYTES];

/// The recording that a tape began as, block by block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeOrigin {
    recording: Digest,
    frames: usize,
    blocks: Vec<Digest>,
}

impl TapeOrigin {
    /// With this recording.
    #[must_use]
    pub fn of(recording: &[StereoFrame]) -> Self {
        let mut bytes = Vec::new();
        let blocks: Vec<Digest> = recording.chunks(BLOCK_FRAMES).map(|block| digest_of(block, &mut bytes)).collect();
        Self { recording: *blake3::hash(blocks.as_flattened()).as_bytes(), frames: recording.len(), blocks }
    }

    /// Whether a tape may be one of this origin, by its length.
    #[must_use]
    pub fn is_of(&self, tape: &[StereoFrame]) -> bool {
        tape.len() == self.frames
    }

    /// Whether a tape of this length is kept at all.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.frames <= MOST_FRAMES
    }
}

/// The blocks in which a tape differs from its recording: their numbers and digests. Two that are equal are of the same tape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<(usize, Digest)>);

impl Changes {
    /// Of a tape that is as long as its recording.
    #[must_use]
    pub fn of(origin: &TapeOrigin, tape: &[StereoFrame]) -> Self {
        let mut bytes = Vec::new();
        let digests = tape.chunks(BLOCK_FRAMES).map(|block| digest_of(block, &mut bytes)).enumerate();
        Self(digests.filter(|(number, digest)| origin.blocks.get(*number) != Some(digest)).collect())
    }

    /// Stereo samples that they come to.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.0.len() * BLOCK_FRAMES
    }
}

/// Writes a file of a tape and its changes; `rest` is called now and then, for who wants to see what was written so far on the disk.
///
/// # Errors
/// When `out` takes no more, or `rest` says so.
pub fn write<W: Write>(
    origin: &TapeOrigin,
    tape: &[StereoFrame],
    changes: &Changes,
    out: &mut W,
    mut rest: impl FnMut(&mut W) -> io::Result<()>,
) -> io::Result<()> {
    /// 1 MiB: so much a slow card takes in a tenth of a second, and others want to write too.
    const BLOCKS_AT_ONCE: usize = 32;
    let head = head(origin, &changes.0);
    out.write_all(&head)?;
    out.write_all(blake3::hash(&head).as_bytes())?;
    let mut bytes = Vec::new();
    for (at, (number, _)) in changes.0.iter().enumerate() {
        let from = number * BLOCK_FRAMES;
        bytes_of(&tape[from..tape.len().min(from + BLOCK_FRAMES)], &mut bytes);
        out.write_all(&bytes)?;
        if (at + 1) % BLOCKS_AT_ONCE == 0 {
            rest(out)?;
        }
    }
    Ok(())
}

/// Header and table.
fn head(origin: &TapeOrigin, blocks: &[(usize, Digest)]) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend(FORMAT.to_le_bytes());
    head.extend((BLOCK_FRAMES as u32).to_le_bytes());
    head.extend((origin.frames as u64).to_le_bytes());
    head.extend((blocks.len() as u64).to_le_bytes());
    head.extend(origin.recording);
    for (number, digest) in blocks {
        head.extend((*number as u64).to_le_bytes());
        head.extend(digest);
    }
    head
}

/// The digest of a block's bytes, which are left in `bytes`.
fn digest_of(block: &[StereoFrame], bytes: &mut Vec<u8>) -> Digest {
    bytes_of(block, bytes);
    *blake3::hash(bytes).as_bytes()
}

fn bytes_of(block: &[StereoFrame], bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend(block.iter().flatten().flat_map(|it| it.to_le_bytes()));
}
