//! Chunks, as RIFF, Wave64 and IFF files are made of them: a name, a size, a body.
//!
//! Sizes lie. A body of odd length may lack its padding; a size may point into the middle of something or past the end. The
//! walk then looks for the next chunk that it knows instead of giving up: a damaged list of titles must not cost the sound.

use std::io;

use super::bytes::Glance;
use super::sniff;

/// Names that chunks of sound files have. Only these are believed where something is amiss.
const KNOWN: [&[u8; 4]; 35] = [
    b"fmt ", b"data", b"fact", b"LIST", b"list", b"JUNK", b"junk", b"FLLR", b"PAD ", b"bext", b"cue ", b"smpl",
    b"inst", b"plst", b"id3 ", b"ID3 ", b"iXML", b"axml", b"chna", b"ds64", b"PEAK", b"acid", b"cart", b"_PMX",
    b"LGWV", b"adtl", b"COMM", b"SSND", b"MARK", b"INST", b"FVER", b"CHAN", b"ANNO", b"APPL", b"NAME",
];
/// Chunks of one file: a file of more is a file of rubbish.
const MOST: usize = 10_000;
/// Wave64 names a chunk by 16 bytes, of which the first four are the usual name; sizes count the head and fill up to 8.
const WIDE_HEAD: u64 = 24;

/// How the numbers of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    Little,
    Big,
    /// Wave64: little, and of 64 bits.
    Wide,
}

impl Numbers {
    /// Bytes of the file's own head.
    pub fn head(self) -> u64 {
        if self == Self::Wide { 40 } else { 12 }
    }

    pub fn u16(self, it: [u8; 2]) -> u16 {
        if self == Self::Big { u16::from_be_bytes(it) } else { u16::from_le_bytes(it) }
    }

    pub fn u32_of(self, it: [u8; 4]) -> u32 {
        if self == Self::Big { u32::from_be_bytes(it) } else { u32::from_le_bytes(it) }
    }

    /// The number at a place.
    pub fn u32(self, glance: &mut Glance, at: u64) -> io::Result<Option<u32>> {
        Ok(glance.exactly::<4>(at)?.map(|it| self.u32_of(it)))
    }
}

/// One chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub id: [u8; 4],
    /// Where its body begins.
    pub body: u64,
    /// How long the body is, it says.
    pub size: u64,
}

/// The walk.
pub(super) struct Chunks {
    numbers: Numbers,
    /// Where the next chunk is expected.
    at: u64,
    /// Where the last one began, to look for the next from there.
    last: u64,
    seen: usize,
}

impl Chunks {
    pub fn new(at: u64, numbers: Numbers) -> Self {
        Self { numbers, at, last: at, seen: 0 }
    }

    /// Where the file ends: the first place that is no chunk.
    pub fn end(&self) -> u64 {
        self.at
    }

    /// Goes on inside a chunk.
    pub fn enter(&mut self, at: u64) {
        self.at = at;
    }

    /// Goes on behind a body that ends at `end`, wherever its size pointed.
    pub fn go_on(&mut self, glance: &mut Glance, end: u64, body: u64) -> io::Result<()> {
        self.at = self.behind(glance, end, end - body)?;
        self.last = self.at;
        Ok(())
    }

    /// The next chunk; `None` where there is none. While there is something that the file cannot do without (`wanted`), it
    /// is looked for inside what a wrong size has swallowed.
    pub fn next(&mut self, glance: &mut Glance, wanted: bool) -> io::Result<Option<Chunk>> {
        self.seen += 1;
        if self.seen > MOST {
            return Ok(None);
        }
        // A tag or another file behind this one is none of its chunks, though its mark may look like a name.
        let other = is_other(glance, self.at)?;
        let mut chunk = self.at(glance, self.at)?.filter(|it| is_name(&it.id) && !other);
        if wanted && chunk.is_none() && self.last < self.at && !other {
            chunk = self.look_for(glance, self.last)?;
        }
        let Some(chunk) = chunk else {
            self.at = self.at.min(glance.length());
            return Ok(None);
        };
        self.last = chunk.body;
        self.at = self.behind(glance, chunk.body.saturating_add(chunk.size), chunk.size)?;
        Ok(Some(chunk))
    }

    fn at(&self, glance: &mut Glance, at: u64) -> io::Result<Option<Chunk>> {
        if self.numbers == Numbers::Wide {
            let Some(head) = glance.exactly::<24>(at)? else { return Ok(None) };
            let size = u64::from_le_bytes(head[16..].try_into().expect("eight of 24 bytes"));
            let id = [head[0], head[1], head[2], head[3]];
            return Ok(Some(Chunk { id, body: at + WIDE_HEAD, size: size.saturating_sub(WIDE_HEAD) }));
        }
        let Some(head) = glance.exactly::<8>(at)? else { return Ok(None) };
        let size = self.numbers.u32_of([head[4], head[5], head[6], head[7]]);
        Ok(Some(Chunk { id: [head[0], head[1], head[2], head[3]], body: at + 8, size: u64::from(size) }))
    }

    /// The next chunk of sound or format from `from` on.
    fn look_for(&self, glance: &mut Glance, from: u64) -> io::Result<Option<Chunk>> {
        let mut nearest = None;
        for name in [b"fmt ", b"data", b"COMM", b"SSND"] {
            let until = nearest.unwrap_or(u64::MAX);
            nearest = glance.find(name, from, until)?.or(nearest);
        }
        nearest.map_or(Ok(None), |at| self.at(glance, at))
    }

    /// Where the chunk behind a body begins: even places (of 8 bytes in Wave64), unless the padding was forgotten.
    fn behind(&self, glance: &mut Glance, end: u64, size: u64) -> io::Result<u64> {
        if self.numbers == Numbers::Wide {
            return Ok(end.saturating_add((8 - (size + WIDE_HEAD) % 8) % 8));
        }
        if size.is_multiple_of(2) || (is_known(glance, end)? && !is_known(glance, end + 1)?) {
            return Ok(end);
        }
        Ok(end.saturating_add(1))
    }

    /// Whether a chunk, a tag, another file or nothing follows a body of `size` bytes that ends at `end`.
    pub fn is_next(glance: &mut Glance, end: u64, size: u64) -> io::Result<bool> {
        for at in [end + size % 2, end] {
            if is_known(glance, at)? || is_other(glance, at)? {
                return Ok(true);
            }
            // Any name with a size that leads exactly to the end.
            if let Some(head) = glance.exactly::<8>(at)? {
                let length = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
                let to = at + 8 + length;
                let name = [head[0], head[1], head[2], head[3]];
                if is_name(&name) && (to == glance.length() || to + length % 2 == glance.length()) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Whether a tag or another file begins here.
fn is_other(glance: &mut Glance, at: u64) -> io::Result<bool> {
    Ok(sniff::tag(glance, at)?.is_some()
        || sniff::marked(glance, at)?.is_some_and(|it| !matches!(it, sniff::Kind::Other(_))))
}

fn is_known(glance: &mut Glance, at: u64) -> io::Result<bool> {
    Ok(glance.exactly::<4>(at)?.is_some_and(|id| KNOWN.contains(&&id)))
}

/// Whether this may be a name: four letters, digits, signs or spaces.
fn is_name(id: &[u8; 4]) -> bool {
    id.iter().all(|byte| matches!(byte, b' '..=b'~')) && *id != [b' '; 4]
}
