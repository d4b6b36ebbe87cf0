//! A kept tape from its bytes: as it was written, or a word why it is not believed. Whatever the bytes are, no more is taken than the
//! recording's own length.

use engine::latent::{SAMPLE_RATE_HZ, StereoFrame};

use super::{BLOCK_FRAMES, DIGEST_BYTES, Digest, ENTRY_BYTES, FORMAT, FRAME_BYTES, HEADER_BYTES, MAGIC, TapeOrigin};

/// Why the bytes are not believed.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum TapeFault {
    /// Something else.
    #[error("found no tape, expected one that the box has kept")]
    Foreign,
    /// Of a format to come.
    #[error("found format {0} (written by a newer demon), expected at most {FORMAT}; try updating the box")]
    Newer(u32),
    /// Its header asks for another length, or for what cannot be.
    #[error("found {found} bytes, its head asks for {expected}")]
    Length {
        /// Bytes found.
        found: u64,
        /// Bytes that it asks for; 0 where they cannot be.
        expected: u64,
    },
    /// Header or table.
    #[error("found a head that is not as it was written")]
    Head,
    /// It began as another recording.
    #[error("the tape is of another recording")]
    OtherRecording,
    /// A block of sound.
    #[error("found sound at {0:.1} s that is not as it was written")]
    Block(f64),
}

/// The tape: the recording with what is here in its place.
///
/// # Errors
/// See [`TapeFault`].
pub fn read(origin: &TapeOrigin, recording: &[StereoFrame], bytes: &[u8]) -> Result<Vec<StereoFrame>, TapeFault> {
    let (head, sound) = head_of(bytes)?;
    if blake3::hash(&bytes[..head]) != digest(bytes, head) {
        return Err(TapeFault::Head);
    }
    if word(bytes, 16) != origin.frames as u64
        || bytes[32..HEADER_BYTES] != origin.recording
        || recording.len() != origin.frames
    {
        return Err(TapeFault::OtherRecording);
    }
    let (mut tape, mut rest, mut next) = (recording.to_vec(), sound, 0);
    for at in (HEADER_BYTES..head).step_by(ENTRY_BYTES) {
        let number =
            usize::try_from(word(bytes, at)).ok().filter(|it| next <= *it && *it < tape.len().div_ceil(BLOCK_FRAMES));
        let from = number.ok_or(TapeFault::Head)? * BLOCK_FRAMES;
        let end = tape.len().min(from + BLOCK_FRAMES);
        let (block, others) = rest.split_at_checked((end - from) * FRAME_BYTES).ok_or(TapeFault::Head)?;
        fill(&mut tape[from..end], block, digest(bytes, at + 8))
            .ok_or(TapeFault::Block(from as f64 / f64::from(SAMPLE_RATE_HZ)))?;
        (rest, next) = (others, from / BLOCK_FRAMES + 1);
    }
    if rest.is_empty() { Ok(tape) } else { Err(TapeFault::Head) }
}

/// Copies a block's sound, where it is what was written and all of it numbers.
fn fill(to: &mut [StereoFrame], block: &[u8], wanted: Digest) -> Option<()> {
    let samples = to.as_flattened_mut();
    for (sample, bytes) in samples.iter_mut().zip(block.as_chunks::<4>().0) {
        *sample = f32::from_le_bytes(*bytes);
    }
    (*blake3::hash(block).as_bytes() == wanted && samples.iter().all(|it| it.is_finite())).then_some(())
}

/// Bytes of header and table, and the sound behind them and their digest, by a length that is exactly what the header asks for.
fn head_of(bytes: &[u8]) -> Result<(usize, &[u8]), TapeFault> {
    if bytes.len() < HEADER_BYTES || bytes[..8] != MAGIC {
        return Err(TapeFault::Foreign);
    }
    let [format, block_frames] = [8, 12].map(|at| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i])));
    if FORMAT < format {
        return Err(TapeFault::Newer(format));
    }
    let (frames, blocks) = (word(bytes, 16), word(bytes, 24));
    let found = bytes.len() as u64;
    let expected = expected(frames, blocks).filter(|_| format != 0 && block_frames as usize == BLOCK_FRAMES);
    let head = HEADER_BYTES + usize::try_from(blocks).unwrap_or(0).min(bytes.len()) * ENTRY_BYTES;
    match expected {
        // Only the last block of a tape may be shorter, and it need not be here.
        Some([least, most]) if (least..=most).contains(&found) => Ok((head, &bytes[head + DIGEST_BYTES..])),
        expected => Err(TapeFault::Length { found, expected: expected.map_or(0, |it| it[1]) }),
    }
}

/// How many bytes a file of so many frames and blocks has: with the tape's last block, where that is shorter, and without.
fn expected(frames: u64, blocks: u64) -> Option<[u64; 2]> {
    let (block, frame) = (BLOCK_FRAMES as u64, FRAME_BYTES as u64);
    if frames.div_ceil(block) < blocks {
        return None;
    }
    let most =
        blocks.checked_mul(ENTRY_BYTES as u64 + block * frame)?.checked_add((HEADER_BYTES + DIGEST_BYTES) as u64)?;
    let missing = (frames.checked_next_multiple_of(block)? - frames) * frame;
    Some([if blocks == 0 { most } else { most - missing }, most])
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).map_or(0, |it| u64::from_le_bytes(it.try_into().expect("eight of them")))
}

fn digest(bytes: &[u8], at: usize) -> Digest {
    bytes.get(at..at + DIGEST_BYTES).map_or([0; DIGEST_BYTES], |it| it.try_into().expect("as many as asked for"))
}

/// Bytes under digests that are theirs, where they are long enough for them: what is read of them is their affair.
#[must_use]
pub fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut sealed = bytes.to_vec();
    let Ok((head, sound)) = head_of(bytes) else { return sealed };
    let blocks = sound.chunks(BLOCK_FRAMES * FRAME_BYTES);
    for (at, block) in (HEADER_BYTES..head).step_by(ENTRY_BYTES).zip(blocks) {
        sealed[at + 8..at + ENTRY_BYTES].copy_from_slice(blake3::hash(block).as_bytes());
    }
    let digest = blake3::hash(&sealed[..head]);
    sealed[head..head + DIGEST_BYTES].copy_from_slice(digest.as_bytes());
    sealed
}
