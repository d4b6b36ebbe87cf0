//! AIFF and AIFC, and AU: the other way round than WAV, and walked the same way.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_ADPCM_IMA_QT, CODEC_ID_PCM_ALAW, CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F64BE, CODEC_ID_PCM_MULAW,
    CODEC_ID_PCM_S8, CODEC_ID_PCM_S16BE, CODEC_ID_PCM_S16LE, CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S24LE,
    CODEC_ID_PCM_S32BE, CODEC_ID_PCM_S32LE, CODEC_ID_PCM_U8,
};

use super::Fault;
use super::bytes::Glance;
use super::chunks::{Chunks, Numbers};
use super::fold::Fold;
use super::pcm::{self, Layout};
use super::take::Take;
use super::wave::CHANNELS_MAX;

/// A size that says nothing.
const UNKNOWN: u64 = 0xffff_ffff;
/// From here on a count of frames is what a pipe writes.
const FRAMES_UNKNOWN: u32 = 0x7fff_0000;
/// Frames and bytes of a block of QuickTime's ADPCM, for each channel.
const IMA_FRAMES: usize = 64;
const IMA_BYTES: usize = 34;

fn broken(kind: &'static str, why: &str) -> Fault {
    Fault::Broken { kind, why: why.to_owned() }
}

/// Plays an AIFF file that begins at `from`; answers where it ends.
pub(super) fn play(take: &mut Take<'_>, glance: &mut Glance, from: u64) -> Result<u64, Fault> {
    let packed = glance.look(from, 12)?.ends_with(b"AIFC");
    let mut common = None;
    let mut sound = None;
    let mut chunks = Chunks::new(from + 12, Numbers::Big);
    while let Some(chunk) = chunks.next(glance, common.is_none() || sound.is_none())? {
        match &chunk.id {
            b"COMM" if common.is_none() => {
                common = Some(glance.look(chunk.body, chunk.size.min(22) as usize)?.to_vec())
            }
            b"SSND" if sound.is_none() => {
                let offset = Numbers::Big.u32(glance, chunk.body)?.map_or(0, u64::from);
                let start = chunk.body + 8 + offset;
                let open = chunk.size <= 8 || chunk.size >= UNKNOWN - 8;
                let end = if open { glance.length() } else { (chunk.body + chunk.size).min(glance.length()) };
                sound = Some((start, end.max(start)));
                if open {
                    chunks.go_on(glance, end, chunk.body)?;
                }
            }
            _ => {}
        }
    }
    let Some(common) = common else { return Err(broken("AIFF", "its format is not said")) };
    let Some((start, end)) = sound else { return Err(broken("AIFF", "there is no sound in it")) };
    let (layout, frames) = read_common(&common, packed)?;
    // The count is of frames in AIFF, and of blocks where the sound is packed in blocks. All ones mean that nobody knew.
    let promised = if frames >= FRAMES_UNKNOWN { 0 } else { u64::from(frames) * layout.frames as u64 };
    let bytes = glance.part(start, end);
    let held = layout.frames_in(bytes.length());
    let most = if promised == 0 { u64::MAX } else { promised.max(if end < glance.length() { 0 } else { held }) };
    take.promises(if promised == 0 { held } else { promised }, layout.rate_hz);
    let played = pcm::play(take, bytes, &layout, most)?;
    take.ends_early(played, promised, layout.rate_hz);
    Ok(chunks.end().max(end.min(glance.length())))
}

fn read_common(body: &[u8], packed: bool) -> Result<(Layout, u32), Fault> {
    let Some(head) = body.get(..18) else { return Err(broken("AIFF", "its format is cut off")) };
    let channels = usize::from(u16::from_be_bytes([head[0], head[1]]));
    let frames = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
    let bits = u16::from_be_bytes([head[6], head[7]]);
    if !(1..=CHANNELS_MAX).contains(&channels) {
        return Err(broken("AIFF", &format!("{channels} channels (expected 1 to {CHANNELS_MAX})")));
    }
    let rate_hz = extended(&head[8..18]);
    let packing = if packed { body.get(18..22).unwrap_or(b"NONE") } else { b"NONE" };
    let wide = |codec: AudioCodecId, bytes: usize| (codec, bytes, 1);
    let (codec, bytes, block_frames) = match (packing, bits) {
        (b"NONE" | b"none" | b"twos", 1..=8) => wide(CODEC_ID_PCM_S8, 1),
        (b"NONE" | b"none" | b"twos", 9..=16) => wide(CODEC_ID_PCM_S16BE, 2),
        (b"NONE" | b"none" | b"in24" | b"twos", 17..=24) => wide(CODEC_ID_PCM_S24BE, 3),
        (b"NONE" | b"none" | b"in32" | b"twos", 25..=32) => wide(CODEC_ID_PCM_S32BE, 4),
        (b"sowt", 1..=8) => wide(CODEC_ID_PCM_S8, 1),
        (b"sowt", 9..=16) => wide(CODEC_ID_PCM_S16LE, 2),
        (b"sowt" | b"42ni", 17..=24) => wide(CODEC_ID_PCM_S24LE, 3),
        (b"sowt" | b"23ni", 25..=32) => wide(CODEC_ID_PCM_S32LE, 4),
        (b"raw ", 1..=8) => wide(CODEC_ID_PCM_U8, 1),
        (b"fl32" | b"FL32", _) => wide(CODEC_ID_PCM_F32BE, 4),
        (b"fl64" | b"FL64", _) => wide(CODEC_ID_PCM_F64BE, 8),
        (b"alaw" | b"ALAW", _) => wide(CODEC_ID_PCM_ALAW, 1),
        (b"ulaw" | b"ULAW", _) => wide(CODEC_ID_PCM_MULAW, 1),
        (b"ima4", _) => (CODEC_ID_ADPCM_IMA_QT, IMA_BYTES, IMA_FRAMES),
        _ => {
            let name: String =
                packing.iter().map(|it| if it.is_ascii_graphic() { char::from(*it) } else { '?' }).collect();
            return Err(Fault::Unsupported(format!("an AIFF file with sound packed as {name}, {bits} bits")));
        }
    };
    let layout = Layout { codec, fold: Fold::usual(channels), rate_hz, block: bytes * channels, frames: block_frames };
    Ok((layout, frames))
}

/// An 80-bit number as Apple's processors had it, rounded to a whole one; 0 for what is no rate.
fn extended(bytes: &[u8]) -> u32 {
    let exponent = i32::from(u16::from_be_bytes([bytes[0], bytes[1]]) & 0x7fff) - 16_383 - 63;
    let mantissa = bytes[2..10].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let value = mantissa as f64 * 2f64.powi(exponent);
    if bytes[0] & 0x80 == 0 && value < 4e9 { value.round() as u32 } else { 0 }
}

/// Plays an AU file that begins at `from`; answers where it ends, which is where the bytes do.
pub(super) fn play_au(take: &mut Take<'_>, glance: &mut Glance, from: u64) -> Result<u64, Fault> {
    let Some(head) = glance.exactly::<24>(from)? else { return Err(broken("AU", "it is cut off in its head")) };
    let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four of 24 bytes"));
    let (offset, size, coding, rate_hz) = (number(4), u64::from(number(8)), number(12), number(16));
    let channels = number(20) as usize;
    if !(1..=CHANNELS_MAX).contains(&channels) {
        return Err(broken("AU", &format!("{channels} channels (expected 1 to {CHANNELS_MAX})")));
    }
    let (codec, bytes) = match coding {
        1 => (CODEC_ID_PCM_MULAW, 1),
        2 => (CODEC_ID_PCM_S8, 1),
        3 => (CODEC_ID_PCM_S16BE, 2),
        4 => (CODEC_ID_PCM_S24BE, 3),
        5 => (CODEC_ID_PCM_S32BE, 4),
        6 => (CODEC_ID_PCM_F32BE, 4),
        7 => (CODEC_ID_PCM_F64BE, 8),
        27 => (CODEC_ID_PCM_ALAW, 1),
        other => return Err(Fault::Unsupported(format!("an AU file with sound of coding {other}"))),
    };
    let layout = Layout { codec, fold: Fold::usual(channels), rate_hz, block: bytes * channels, frames: 1 };
    let start = from + u64::from(offset.max(24));
    let rest = glance.length().saturating_sub(start);
    let known = size != UNKNOWN && size != 0;
    let end = if known { start + size.min(rest) } else { glance.length() };
    let promised = if known { layout.frames_in(size) } else { 0 };
    take.promises(layout.frames_in(if known { size } else { rest }), rate_hz);
    let played = pcm::play(take, glance.part(start, end), &layout, u64::MAX)?;
    take.ends_early(played, promised, rate_hz);
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::extended;

    #[test]
    fn rates_of_eighty_bits_are_the_whole_numbers_that_they_are() {
        assert_eq!(extended(&[0x40, 0x0e, 0xbb, 0x80, 0, 0, 0, 0, 0, 0]), 48_000);
        assert_eq!(extended(&[0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]), 44_100);
        assert_eq!(extended(&[0x40, 0x0d, 0xac, 0x44, 0, 0, 0, 0, 0, 0]), 22_050);
        assert_eq!(extended(&[0xff; 10]), 0);
    }
}
