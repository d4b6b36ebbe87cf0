//! FLAC, by `flac-codec`: blocks of 4096 stereo samples of 24 bits at 48 kHz, behind a head that is written twice.
//!
//! A file that grows has a head without a length, with which it can be read as far as it goes; the length is written when it is known. Source of
//! the head: RFC 9639, section 8.2.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engine::latent::{SAMPLE_RATE_HZ, StereoFrame};
use flac_codec::decode::FlacStreamReader;
use flac_codec::encode::{FlacStreamWriter, Options};

use crate::files::{FileError, open_regular};
use crate::recording::guarded::guarded;

/// Bytes before the first block.
pub const HEAD_BYTES: usize = 42;
/// Stereo samples of a block; the last one of a file may have fewer.
pub const BLOCK: usize = 4096;
const BITS: u32 = 24;
/// Full scale of a sample.
const SCALE: f32 = 8_388_608.0;

/// Sound as whole numbers of 24 bits, left and right in turn. What lies outside of full scale is brought to its end.
pub fn words_of(sound: &[StereoFrame], out: &mut Vec<i32>) {
    // A cast brings what is too great to the end of its range, and what is no number to 0.
    let word = |it: f32| ((it * SCALE).round() as i32).clamp(-(SCALE as i32), SCALE as i32 - 1);
    out.extend(sound.iter().flatten().map(|it| word(*it)));
}

/// The head of a file of so many stereo samples; 0: nobody knows yet how many.
#[must_use]
pub fn head(frames: u64) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    // The one block of metadata, which is the last: 34 bytes of STREAMINFO.
    head[..8].copy_from_slice(b"fLaC\x80\0\0\x22");
    for at in [8, 10] {
        head[at..at + 2].copy_from_slice(&(BLOCK as u16).to_be_bytes());
    }
    // Rate (20 bits), channels less one (3), bits less one (5), stereo samples (36).
    let length = if frames < 1 << 36 { frames } else { 0 };
    let packed = u64::from(SAMPLE_RATE_HZ) << 44 | 1 << 41 | u64::from(BITS - 1) << 36 | length;
    head[18..26].copy_from_slice(&packed.to_be_bytes());
    head
}

/// How many stereo samples a head speaks of: `None` where it is not one of ours, 0 where its file was not ended.
#[must_use]
pub fn frames_of(bytes: &[u8; HEAD_BYTES]) -> Option<u64> {
    let packed = u64::from_be_bytes(bytes[18..26].try_into().ok()?);
    let frames = packed & ((1 << 36) - 1);
    (head(frames) == *bytes).then_some(frames)
}

/// Where the blocks go until they are fetched.
#[derive(Clone, Debug, Default)]
struct Blocks(Arc<Mutex<Vec<u8>>>);

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes blocks of sound.
pub struct Encoder {
    writer: FlacStreamWriter<Blocks>,
    blocks: Blocks,
    /// What is no whole block yet.
    waiting: Vec<i32>,
    frames: u64,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl Default for Encoder {
    fn default() -> Self {
        let blocks = Blocks::default();
        let writer = FlacStreamWriter::new(blocks.clone(), Options::default());
        Self { writer, blocks, waiting: Vec::with_capacity(2 * BLOCK), frames: 0 }
    }
}

impl Encoder {
    /// Takes samples, left and right in turn; answers the blocks that are whole by now.
    pub fn push(&mut self, words: &[i32]) -> Vec<u8> {
        self.frames += words.len() as u64 / 2;
        let mut rest = words;
        while !rest.is_empty() {
            let (taken, later) = rest.split_at(rest.len().min(2 * BLOCK - self.waiting.len()));
            self.waiting.extend_from_slice(taken);
            rest = later;
            if self.waiting.len() == 2 * BLOCK {
                self.block();
            }
        }
        self.fetch()
    }

    /// The last block, which has fewer samples; nothing is pushed behind it.
    pub fn finish(&mut self) -> Vec<u8> {
        if !self.waiting.is_empty() {
            self.block();
        }
        self.fetch()
    }

    /// Stereo samples so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    fn block(&mut self) {
        let done = self.writer.write(SAMPLE_RATE_HZ, 2, BITS, &self.waiting);
        done.expect("whole stereo samples of 24 bits, into memory");
        self.waiting.clear();
    }

    fn fetch(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.blocks.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads the blocks behind a head, as far as they are whole.
pub struct Decoder<R>(FlacStreamReader<R>);

impl Decoder<BufReader<File>> {
    /// Reads a file of ours, from behind its head on.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let mut file = open_regular(path).map_err(FileError::reading(path))?;
        file.seek(SeekFrom::Start(HEAD_BYTES as u64)).map_err(FileError::reading(path))?;
        Ok(Self::new(BufReader::new(file)))
    }
}

impl<R: BufRead> Decoder<R> {
    /// Reads from the first block on.
    pub fn new(blocks: R) -> Self {
        Self(FlacStreamReader::new(blocks))
    }

    /// The samples of the next block, left and right in turn; nothing behind the last whole one.
    pub fn block(&mut self) -> Option<&[i32]> {
        let reader = &mut self.0;
        // Of numbers that no encoder writes the library makes sums that overflow and pieces of no length.
        let block = guarded(move || reader.read().ok())??;
        let is_ours = block.channels == 2 && block.sample_rate == SAMPLE_RATE_HZ && block.bits_per_sample == BITS;
        is_ours.then_some(block.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(frames: usize) -> Vec<i32> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state as i32) >> 8
        };
        (0..2 * frames).map(|_| next()).collect()
    }

    fn read(bytes: &[u8]) -> Vec<i32> {
        let mut decoder = Decoder::new(bytes);
        let mut out = Vec::new();
        while let Some(block) = decoder.block() {
            out.extend_from_slice(block);
        }
        out
    }

    #[test]
    fn what_is_encoded_piece_by_piece_comes_back_to_the_bit_by_ours_and_by_another_decoder() {
        let words = noise(3 * BLOCK + 17);
        let (mut encoder, mut bytes) = (Encoder::default(), Vec::new());
        for piece in words.chunks(2 * 1_000) {
            bytes.extend(encoder.push(piece));
        }
        assert_eq!((encoder.frames(), read(&bytes).len()), (3 * BLOCK as u64 + 17, 6 * BLOCK));
        bytes.extend(encoder.finish());
        assert_eq!(read(&bytes), words);
        let file = [&head(encoder.frames())[..], &bytes].concat();
        let read = crate::recording::read_source(io::Cursor::new(file), "take".to_owned(), 10.0, &mut |_| ());
        assert!(read.is_err_and(|it| it.to_string().contains("only 0.26 s long")), "it knows its length");
    }

    #[test]
    fn another_decoder_has_the_same_sound() {
        let words = noise(48_000);
        let mut encoder = Encoder::default();
        let blocks = [encoder.push(&words), encoder.finish()].concat();
        for frames in [48_000, 0] {
            let file = [&head(frames)[..], &blocks].concat();
            let source = crate::recording::read_source(io::Cursor::new(file), "take".to_owned(), 10.0, &mut |_| ());
            let source = source.expect("a recording");
            let mut again = Vec::new();
            words_of(&source.pcm, &mut again);
            assert_eq!((source.origin.codec.as_str(), again == words), ("flac", true), "of {frames}");
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_read_up_to_its_last_whole_block() {
        let words = noise(2 * BLOCK);
        let bytes = Encoder::default().push(&words);
        for cut in [bytes.len() - 1, bytes.len() - 4_000, bytes.len() / 2 + 3] {
            let found = read(&bytes[..cut]);
            assert_eq!((found.len(), &found[..]), (2 * BLOCK, &words[..2 * BLOCK]), "{cut}");
        }
        assert!(read(&bytes[..100]).is_empty() && read(b"").is_empty() && read(&[0xff; 5_000]).is_empty());
    }

    #[test]
    fn numbers_that_no_encoder_writes_are_where_a_file_ends() {
        // A frame that the library panics over, as fuzzing found it.
        let overflow = [
            0xff, 0xf8, 0xca, 0x8c, 0x00, 0xca, 0x4e, 0xff, 0xed, 0xb3, 0xff, 0xed, 0x2c, 0xff, 0xec, 0xc3, 0xff, 0xec,
            0x2e, 0x1a, 0x54, 0x53, 0x35, 0x23, 0x7a, 0xe5, 0x4d, 0x52, 0x01, 0x00, 0x00, 0x00, 0x76, 0x1c,
        ];
        assert!(read(&overflow).is_empty());
    }

    #[test]
    fn a_head_says_how_long_its_file_is_and_another_is_none() {
        for frames in [0, 1, 479_232, (1 << 36) - 1] {
            assert_eq!(frames_of(&head(frames)), Some(frames));
        }
        let mut other = head(5);
        other[20] ^= 1;
        assert_eq!(frames_of(&other), None);
    }

    #[test]
    fn a_sample_is_a_whole_number_of_24_bits_and_the_ends_are_the_ends() {
        let mut words = Vec::new();
        words_of(&[[0.0, 0.5], [-0.5, 1.0], [-1.0, 2.0], [f32::NAN, 1.0 / SCALE]], &mut words);
        assert_eq!(words, [0, 4_194_304, -4_194_304, 8_388_607, -8_388_608, 8_388_607, 0, 1]);
    }
}
