//! What a file is, by its first bytes; its name is not asked.
//!
//! Tags that others put before and behind every kind (ID3, APE, Lyrics3) are stepped over. A kind that is known and not read
//! is named, so that nobody has to guess what is wrong with a file.

use std::io;

use super::bytes::Glance;
use super::{adts, mpeg};

/// Bytes in which the first frame of an MP3 is looked for: what stands before it is a tag of nobody's kind.
const MPEG_SEARCH: u64 = 1 << 17;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RIFF, RIFX, RF64 or BW64 with WAVE in it.
    Wave,
    /// Sony's Wave64.
    Wave64,
    /// FORM with AIFF or AIFC in it.
    Aiff,
    /// `.snd`, also known as AU.
    Au,
    Flac,
    Ogg,
    /// MPEG audio, whose first frame stands at this place.
    Mpeg(u64),
    /// AAC in its bare stream.
    Adts,
    /// For a demultiplexer of the library: its name.
    Boxed(&'static str),
    /// Known, not read.
    Other(&'static str),
}

/// Marks at the very beginning.
const MARKS: [(&[u8], Kind); 41] = [
    (b"fLaC", Kind::Flac),
    (b"OggS", Kind::Ogg),
    (b".snd", Kind::Au),
    (b"riff\x2e\x91\xcf\x11", Kind::Wave64),
    (b"caff", Kind::Boxed("CAF")),
    (b"wvpk", Kind::Other("a WavPack file")),
    (b"MAC ", Kind::Other("a Monkey's Audio file")),
    (b"MPCK", Kind::Other("a Musepack file")),
    (b"MP+", Kind::Other("a Musepack file")),
    (b"TTA1", Kind::Other("a True Audio file")),
    (b"TTA2", Kind::Other("a True Audio file")),
    (b"ajkg", Kind::Other("a Shorten file")),
    (b"OFR ", Kind::Other("an OptimFROG file")),
    (b"LA0", Kind::Other("a Lossless Audio file")),
    (b"DSD ", Kind::Other("a DSD file")),
    (b"FRM8", Kind::Other("a DSD file")),
    (b"#!AMR", Kind::Other("an AMR file")),
    (b"#!SILK", Kind::Other("a SILK file")),
    (b"\x0b\x77", Kind::Other("an AC-3 file")),
    (b"\x77\x0b", Kind::Other("an AC-3 file")),
    (b"\x7f\xfe\x80\x01", Kind::Other("a DTS file")),
    (b"\xfe\x7f\x01\x80", Kind::Other("a DTS file")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind::Other("a Windows Media file")),
    (b"\x1a\x45\xdf\xa3", Kind::Other("a Matroska or WebM file")),
    (b"FLV\x01", Kind::Other("a Flash film")),
    (b".RMF", Kind::Other("a RealMedia file")),
    (b".ra\xfd", Kind::Other("a RealAudio file")),
    (b"Creative Voice File\x1a", Kind::Other("a Creative Voice file")),
    (b"SNDFILE\x08", Kind::Other("an SDS file")),
    (b"MThd", Kind::Other("a MIDI file")),
    (b"PK\x03\x04", Kind::Other("a ZIP archive")),
    (b"\x1f\x8b", Kind::Other("a gzip archive")),
    (b"7z\xbc\xaf\x27\x1c", Kind::Other("a 7z archive")),
    (b"Rar!\x1a\x07", Kind::Other("a RAR archive")),
    (b"\x89PNG\r\n", Kind::Other("a picture")),
    (b"\xff\xd8\xff", Kind::Other("a picture")),
    (b"GIF8", Kind::Other("a picture")),
    (b"%PDF", Kind::Other("a PDF document")),
    (b"#EXTM3U", Kind::Other("a playlist")),
    (b"[playlist]", Kind::Other("a playlist")),
    (b"version https://git-lfs", Kind::Other("a Git LFS pointer in place of the file")),
];

/// What stands at `at`, by its mark alone; `None` for nothing that is known. MPEG audio has no mark.
pub(super) fn marked(glance: &mut Glance, at: u64) -> io::Result<Option<Kind>> {
    let head = glance.look(at, 64)?;
    let word = |from: usize| head.get(from..from + 4).unwrap_or_default();
    let kind = match (word(0), word(8)) {
        (b"RIFF" | b"RIFX" | b"RF64" | b"BW64", b"WAVE") => Some(Kind::Wave),
        (b"RIFF", b"AVI ") => Some(Kind::Other("a film (AVI)")),
        (b"RIFF", b"RMID") => Some(Kind::Other("a MIDI file")),
        (b"RIFF" | b"RIFX" | b"RF64" | b"BW64", _) => Some(Kind::Other("a RIFF file without sound")),
        (b"FORM", b"AIFF" | b"AIFC") => Some(Kind::Aiff),
        (b"FORM", _) => Some(Kind::Other("an IFF file")),
        _ if word(4) == b"ftyp" => Some(Kind::Boxed("M4A")),
        (_, _) if matches!(word(4), b"moov" | b"mdat" | b"wide") => Some(Kind::Boxed("M4A")),
        _ => None,
    };
    let by_mark = || MARKS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, kind)| *kind);
    match kind.or_else(by_mark) {
        Some(kind) => Ok(Some(kind)),
        None => Ok(adts::begins_at(glance, at)?.then_some(Kind::Adts)),
    }
}

/// What stands at `at`, behind a recording that was played. MPEG audio has no mark: it counts only where its frames begin at
/// this very place, since some would be found in any rubbish.
pub(super) fn follows(glance: &mut Glance, at: u64) -> io::Result<Option<Kind>> {
    match marked(glance, at)? {
        Some(kind) => Ok(Some(kind)),
        None => Ok(mpeg::begins_at(glance, at)?.then_some(Kind::Mpeg(at))),
    }
}

/// Where the next recording stands that begins with a mark; the end where there is none.
pub(super) fn next_marked(glance: &mut Glance, from: u64) -> io::Result<u64> {
    let mut next = glance.length();
    for mark in [&b"fLaC"[..], b"OggS", b"RIFF", b"RF64", b"FORM", b"ID3\x03", b"ID3\x04"] {
        next = glance.find(mark, from + 1, next)?.unwrap_or(next);
    }
    Ok(next)
}

/// What stands at `at`: also MPEG audio, and text.
pub(super) fn sniff(glance: &mut Glance, at: u64) -> io::Result<Option<Kind>> {
    if let Some(kind) = marked(glance, at)? {
        return Ok(Some(kind));
    }
    if let Some(place) = mpeg::first_frame(glance, at, at + MPEG_SEARCH)? {
        return Ok(Some(Kind::Mpeg(place)));
    }
    if mpeg::is_free(glance, at)? {
        return Ok(Some(Kind::Other("an MP3 file of free bit rate")));
    }
    let head = glance.look(at, 256)?;
    let lower = String::from_utf8_lossy(head).trim_start().to_lowercase();
    Ok(match () {
        () if lower.starts_with("<!doctype html") || lower.starts_with("<html") => {
            Some(Kind::Other("a web page in place of the file"))
        }
        () if at == 0 && !head.is_empty() && is_text(head) => Some(Kind::Other("a text file")),
        () => None,
    })
}

fn is_text(head: &[u8]) -> bool {
    let whole = std::str::from_utf8(head).is_ok_and(|text| !text.chars().any(is_odd));
    // A letter of several bytes may be cut at the end of what was looked at.
    whole || std::str::from_utf8(&head[..head.len().saturating_sub(4)]).is_ok_and(|text| !text.chars().any(is_odd))
}

fn is_odd(letter: char) -> bool {
    letter.is_control() && !letter.is_whitespace()
}

/// Where the next thing begins that is no tag: steps over any number of tags and the zeros behind them.
pub(super) fn behind_tags(glance: &mut Glance, mut at: u64) -> io::Result<u64> {
    while let Some(length) = tag(glance, at)? {
        at = (at + length).min(glance.length());
        at = behind_zeros(glance, at)?;
    }
    Ok(at)
}

/// Padding: zeros up to the next other byte. A tag is often followed by some.
fn behind_zeros(glance: &mut Glance, from: u64) -> io::Result<u64> {
    let mut at = from;
    loop {
        let block = glance.look(at, 4096)?;
        match block.iter().position(|byte| *byte != 0) {
            Some(place) => return Ok(at + place as u64),
            None if block.is_empty() => return Ok(at),
            None => at += block.len() as u64,
        }
    }
}

/// The length of the tag that stands at `at`.
pub(super) fn tag(glance: &mut Glance, at: u64) -> io::Result<Option<u64>> {
    let Some(head) = glance.exactly::<10>(at)? else { return Ok(None) };
    let syncsafe =
        |it: &[u8]| it.iter().try_fold(0u64, |sum, byte| (*byte < 128).then_some(sum << 7 | u64::from(*byte)));
    if head.starts_with(b"ID3") && head[3] != 0xff && head[4] != 0xff {
        let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
        return Ok(syncsafe(&head[6..10]).map(|length| 10 + length + footer));
    }
    // ID3v1 stands at the end, or where recordings were joined with it in between; its extension has 227 bytes.
    if head.starts_with(b"TAG+") && glance.length() - at >= 227 {
        return Ok(Some(227));
    }
    if head.starts_with(b"TAG") && glance.length() - at >= 128 {
        return Ok(Some(128));
    }
    if head.starts_with(b"APETAGEX") {
        let Some(rest) = glance.exactly::<32>(at)? else { return Ok(None) };
        let size = u64::from(u32::from_le_bytes([rest[12], rest[13], rest[14], rest[15]]));
        // The size counts the footer and not the header.
        let is_header = rest[23] & 0x20 != 0;
        return Ok(Some(if is_header { 32 + size } else { 32 }));
    }
    if head.starts_with(b"LYRICSBEG") {
        // Lyrics3: at most 1 MB, up to its own end mark.
        for mark in [&b"LYRICS200"[..], b"LYRICSEND"] {
            if let Some(end) = glance.find(mark, at, at + (1 << 20))? {
                return Ok(Some(end + mark.len() as u64 - at));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::{Kind, behind_tags, sniff};
    use crate::recording::bytes::{Bytes, Glance};
    use std::io::Cursor;

    fn glance(bytes: &[u8]) -> Glance {
        Glance::new(Bytes::new(Cursor::new(bytes.to_vec())).expect("memory"))
    }

    #[test]
    fn tags_are_stepped_over_whatever_their_order() {
        let id3v2 = b"ID3\x04\0\0\0\0\x01\x02".iter().copied().chain([7; 130]).chain([0; 50]);
        let mut ape = b"APETAGEX\xd0\x07\0\0".to_vec();
        ape.extend(40u32.to_le_bytes());
        ape.extend([0, 0, 0, 0, 0, 0, 0, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0]);
        ape.extend([9; 40]);
        let lyrics = b"LYRICSBEGINany words000011LYRICS200".to_vec();
        let id3v1 = b"TAG".iter().copied().chain([0x20; 125]);
        let all: Vec<u8> = id3v2.chain(ape).chain(lyrics).chain(id3v1).chain(*b"fLaC").collect();
        let mut glance = glance(&all);
        let at = behind_tags(&mut glance, 0).expect("memory");
        assert_eq!(at, all.len() as u64 - 4);
        assert_eq!(sniff(&mut glance, at).expect("memory"), Some(Kind::Flac));
    }

    #[test]
    fn what_is_known_and_not_read_is_named() {
        let rows: [(&[u8], &str); 5] = [
            (b"\x0b\x77\x12\x34 and so on", "an AC-3 file"),
            (b"wvpk\0\0\0\0 and so on", "a WavPack file"),
            (b"  <!DOCTYPE html><html>", "a web page in place of the file"),
            (b"It was a dark and stormy night", "a text file"),
            (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer in place of the file"),
        ];
        for (bytes, name) in rows {
            assert_eq!(sniff(&mut glance(bytes), 0).expect("memory"), Some(Kind::Other(name)));
        }
        assert_eq!(sniff(&mut glance(&[3, 1, 4, 1, 5, 9, 2, 6]), 0).expect("memory"), None);
    }
}
