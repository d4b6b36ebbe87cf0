//! A file's bytes, for several readers at once: windows over one file, and a look at any place of one.
//!
//! Every reader of a recording walks its container by place, so that what lies before, between and behind the sound is seen
//! and can be told. Reads only what is asked for, in blocks of 64 KiB; it never holds a file in memory.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

/// Bytes read at once.
const BLOCK: usize = 1 << 16;

/// What can be read anywhere.
pub(super) trait Readable: Read + Seek + Send {}

impl<R: Read + Seek + Send> Readable for R {}

/// A window over a file, with a place in it. Clones share the file and have places of their own.
#[derive(Clone)]
pub(super) struct Bytes {
    file: Arc<Mutex<dyn Readable>>,
    from: u64,
    length: u64,
    at: u64,
}

impl Bytes {
    /// All bytes of a file.
    pub fn new<R: Readable + 'static>(mut file: R) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Self { file: Arc::new(Mutex::new(file)), from: 0, length, at: 0 })
    }

    /// How many there are.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The bytes from `from` up to `to`, as far as they are there.
    pub fn part(&self, from: u64, to: u64) -> Self {
        let from = from.min(self.length);
        let to = to.clamp(from, self.length);
        Self { file: Arc::clone(&self.file), from: self.from + from, length: to - from, at: 0 }
    }

    /// Fills `out` from `at` on; fewer only where the bytes end.
    fn fill(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX).min(out.len());
        // Whoever panicked while reading left a file that is whole.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.from + at))?;
        let mut done = 0;
        while done < wanted {
            match file.read(&mut out[done..wanted]) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

impl Read for Bytes {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill(self.at, out)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Bytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl MediaSource for Bytes {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// A look at any place of the bytes.
pub(super) struct Glance {
    bytes: Bytes,
    held: Vec<u8>,
    from: u64,
}

impl Glance {
    pub fn new(bytes: Bytes) -> Self {
        Self { bytes, held: Vec::new(), from: 0 }
    }

    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        self.bytes.length()
    }

    /// The bytes from `from` up to `to`, as a file of their own.
    pub fn part(&self, from: u64, to: u64) -> Bytes {
        self.bytes.part(from, to)
    }

    /// `count` bytes from `at` on; fewer where the bytes end.
    pub fn look(&mut self, at: u64, count: usize) -> io::Result<&[u8]> {
        let held = at.checked_sub(self.from).and_then(|offset| usize::try_from(offset).ok());
        let whole = |offset: &usize| offset + count <= self.held.len();
        let ends = self.from + self.held.len() as u64 >= self.length();
        if let Some(offset) = held.filter(|it| whole(it) || (ends && *it <= self.held.len())) {
            return Ok(&self.held[offset..self.held.len().min(offset + count)]);
        }
        self.held.resize(count.max(BLOCK), 0);
        let filled = self.bytes.fill(at, &mut self.held);
        self.from = at;
        self.held.truncate(*filled.as_ref().unwrap_or(&0));
        filled?;
        Ok(&self.held[..self.held.len().min(count)])
    }

    /// Exactly `N` bytes, `None` where they are not all there.
    pub fn exactly<const N: usize>(&mut self, at: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.look(at, N)?.try_into().ok())
    }

    /// The next place of `mark` in `from..to`.
    pub fn find(&mut self, mark: &[u8], from: u64, to: u64) -> io::Result<Option<u64>> {
        let mut at = from;
        while at < to {
            let block = self.look(at, BLOCK)?;
            if let Some(place) = block.windows(mark.len()).position(|it| it == mark) {
                let found = at + place as u64;
                return Ok((found < to).then_some(found));
            }
            if block.len() < BLOCK {
                break;
            }
            at += (BLOCK - mark.len() + 1) as u64;
        }
        Ok(None)
    }

    /// Whether `from..to` holds nothing but zeros.
    pub fn is_blank(&mut self, from: u64, to: u64) -> io::Result<bool> {
        let mut at = from;
        while at < to {
            let count = usize::try_from(to - at).unwrap_or(BLOCK).min(BLOCK);
            let block = self.look(at, count)?;
            if block.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            if block.is_empty() {
                break;
            }
            at += block.len() as u64;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Bytes, Glance};
    use std::io::Cursor;

    fn glance(bytes: Vec<u8>) -> Glance {
        Glance::new(Bytes::new(Cursor::new(bytes)).expect("memory"))
    }

    #[test]
    fn a_look_gives_what_is_there_and_no_more() {
        let mut glance = glance((0..=255).collect());
        assert_eq!(glance.look(3, 2).expect("memory"), [3, 4]);
        assert_eq!(glance.look(254, 9).expect("memory"), [254, 255]);
        assert!(glance.look(256, 9).expect("memory").is_empty());
        assert!(glance.look(9000, 9).expect("memory").is_empty());
        assert_eq!(glance.look(0, 1).expect("memory"), [0]);
        assert_eq!(glance.exactly::<4>(253).expect("memory"), None);
    }

    #[test]
    fn a_mark_across_two_blocks_is_found_and_one_behind_the_end_is_not() {
        let mut bytes = vec![0; 3 * BLOCK];
        bytes[BLOCK - 2..BLOCK + 2].copy_from_slice(b"OggS");
        let mut glance = glance(bytes);
        assert_eq!(glance.find(b"OggS", 0, u64::MAX).expect("memory"), Some(BLOCK as u64 - 2));
        assert_eq!(glance.find(b"OggS", 0, BLOCK as u64 - 2).expect("memory"), None);
        assert_eq!(glance.find(b"OggS", BLOCK as u64, u64::MAX).expect("memory"), None);
        assert!(!glance.is_blank(0, BLOCK as u64).expect("memory"));
        assert!(glance.is_blank(BLOCK as u64 + 2, 3 * BLOCK as u64).expect("memory"));
    }

    #[test]
    fn a_part_of_a_part_is_the_right_part() {
        let whole = Bytes::new(Cursor::new((0..=99).collect::<Vec<u8>>())).expect("memory");
        let mut part = Glance::new(whole.part(10, 1000).part(5, 8));
        assert_eq!((part.length(), part.look(0, 9).expect("memory")), (3, &[15, 16, 17][..]));
    }
}
