//! The beginning of a WAV file, and of the RF64 file that it becomes past 4 GiB.
//!
//! A WAV file counts its bytes in 32 bits. RF64 (EBU Tech 3306) counts them in a chunk `ds64`, for which a chunk `JUNK` of the
//! same size keeps the room: the header of a recording has one length however long the recording becomes, so that it can be
//! written over at any time. Opens nothing.

use super::WavFormat;

/// Bytes of the chunk `ds64` without a table, its name and size not counted.
const DS64_BYTES: u32 = 28;
/// What stands in the place of a size that 32 bits do not hold, or that nobody knows yet.
const NO_SIZE: u32 = u32::MAX;
const CHANNELS: u16 = 2;
/// Format tags: integers, and floats.
const INTEGERS: u16 = 1;
const FLOATS: u16 = 3;

/// Room for the longest header.
pub(super) const LONGEST_BYTES: usize = 128;

/// The header of a stereo recording of so many frames; of one that comes through a pipe without an end, `None`, whose sizes
/// say that they are not known. The samples follow it at once.
#[must_use]
pub fn wav_header(format: WavFormat, rate_hz: u32, frames: Option<u64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(LONGEST_BYTES);
    append_header(format, rate_hz, frames, &mut out);
    out
}

/// Adds a [`wav_header`]; allocates nothing where [`LONGEST_BYTES`] are free.
pub(super) fn append_header(format: WavFormat, rate_hz: u32, frames: Option<u64>, out: &mut Vec<u8>) {
    // Floats say how many frames there are, and that nothing follows in the format's own chunk.
    let (form_bytes, fact_bytes): (u32, u64) = match format {
        WavFormat::F32 => (18, 12),
        WavFormat::I24 => (16, 0),
    };
    let before_data = 4 + 8 + u64::from(DS64_BYTES) + 8 + u64::from(form_bytes) + fact_bytes + 8;
    let data = frames.map(|it| it * format.frame_bytes());
    let riff = data.map(|it| it + before_data);
    let small = |it: Option<u64>| it.and_then(|it| u32::try_from(it).ok()).filter(|it| *it != NO_SIZE);
    let long = riff.is_some() && small(riff).is_none();
    let short_or_none = |it: Option<u64>| if long { NO_SIZE } else { small(it).unwrap_or(NO_SIZE) };

    out.extend(if long { b"RF64" } else { b"RIFF" });
    out.extend(short_or_none(riff).to_le_bytes());
    out.extend(b"WAVE");
    out.extend(if long { b"ds64" } else { b"JUNK" });
    out.extend(DS64_BYTES.to_le_bytes());
    for size in [riff, data, frames] {
        out.extend(if long { size.unwrap_or_default() } else { 0 }.to_le_bytes());
    }
    // No table of further chunks.
    out.extend(0u32.to_le_bytes());
    append_form(format, rate_hz, form_bytes, out);
    if fact_bytes > 0 {
        out.extend(b"fact");
        out.extend(4u32.to_le_bytes());
        out.extend(short_or_none(frames).to_le_bytes());
    }
    out.extend(b"data");
    out.extend(short_or_none(data).to_le_bytes());
}

/// The chunk `fmt `.
fn append_form(format: WavFormat, rate_hz: u32, bytes: u32, out: &mut Vec<u8>) {
    let frame_bytes = format.frame_bytes() as u16;
    let tag = match format {
        WavFormat::F32 => FLOATS,
        WavFormat::I24 => INTEGERS,
    };
    out.extend(b"fmt ");
    out.extend(bytes.to_le_bytes());
    out.extend(tag.to_le_bytes());
    out.extend(CHANNELS.to_le_bytes());
    out.extend(rate_hz.to_le_bytes());
    out.extend((rate_hz * u32::from(frame_bytes)).to_le_bytes());
    out.extend(frame_bytes.to_le_bytes());
    out.extend((8 * frame_bytes / CHANNELS).to_le_bytes());
    if format == WavFormat::F32 {
        out.extend(0u16.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{NO_SIZE, wav_header};
    use crate::audio::WavFormat::{self, F32, I24};

    /// Place and size of each chunk, as any reader finds them.
    fn chunks(header: &[u8]) -> Vec<(String, u32)> {
        let (mut at, mut found) = (12, Vec::new());
        while at < header.len() {
            let size = u32::from_le_bytes(header[at + 4..at + 8].try_into().unwrap());
            found.push((String::from_utf8(header[at..at + 4].to_vec()).unwrap(), size));
            at += 8 + if &header[at..at + 4] == b"data" { 0 } else { size as usize };
        }
        assert_eq!(at, header.len());
        found
    }

    fn sizes(header: &[u8]) -> [u64; 3] {
        [20, 28, 36].map(|at| u64::from_le_bytes(header[at..at + 8].try_into().unwrap()))
    }

    fn riff(header: &[u8]) -> (&[u8], u32) {
        (&header[..4], u32::from_le_bytes(header[4..8].try_into().unwrap()))
    }

    #[test]
    fn a_short_file_is_a_wav_file_and_keeps_room_for_a_long_one() {
        for (format, names) in [(F32, &["JUNK", "fmt ", "fact", "data"][..]), (I24, &["JUNK", "fmt ", "data"])] {
            let header = wav_header(format, 48_000, Some(1000));
            let found = chunks(&header);
            assert_eq!(found.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), names);
            let data = 1000 * format.frame_bytes() as u32;
            assert_eq!(found.last().unwrap().1, data);
            assert_eq!(riff(&header), (&b"RIFF"[..], header.len() as u32 - 8 + data));
            assert!(header.len() <= super::LONGEST_BYTES);
            assert_eq!((sizes(&header), header.len()), ([0; 3], wav_header(format, 48_000, Some(1 << 40)).len()));
        }
    }

    #[test]
    fn past_four_gigabytes_it_says_its_length_in_64_bits() {
        let longest = |format: WavFormat| {
            let before = wav_header(format, 48_000, Some(0)).len() as u64 - 8;
            (u64::from(u32::MAX) - 1 - before) / format.frame_bytes()
        };
        for format in [F32, I24] {
            let last = longest(format);
            assert_eq!(riff(&wav_header(format, 48_000, Some(last))).0, b"RIFF");
            for frames in [last + 1, 16_000 * 48_000, 1 << 40] {
                let header = wav_header(format, 48_000, Some(frames));
                assert_eq!(riff(&header), (&b"RF64"[..], NO_SIZE));
                let data = frames * format.frame_bytes();
                assert_eq!(sizes(&header), [data + header.len() as u64 - 8, data, frames]);
                let found = chunks(&header);
                assert_eq!(found[0], ("ds64".to_owned(), 28));
                assert_eq!(found.last(), Some(&("data".to_owned(), NO_SIZE)));
            }
        }
    }

    #[test]
    fn a_stream_says_that_its_length_is_not_known() {
        let header = wav_header(F32, 48_000, None);
        assert_eq!((riff(&header), chunks(&header)[3].1), ((&b"RIFF"[..], NO_SIZE), NO_SIZE));
    }
}
