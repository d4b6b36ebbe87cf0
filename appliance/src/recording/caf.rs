//! CAF with plain samples: its sound may be of unknown size, as a pipe leaves it. What is packed goes to the library.

use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_PCM_ALAW, CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F64BE, CODEC_ID_PCM_F64LE,
    CODEC_ID_PCM_MULAW, CODEC_ID_PCM_S8, CODEC_ID_PCM_S16BE, CODEC_ID_PCM_S16LE, CODEC_ID_PCM_S24BE,
    CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S32BE, CODEC_ID_PCM_S32LE,
};

use super::bytes::Glance;
use super::fold::Fold;
use super::pcm::{self, Layout};
use super::take::Take;
use super::wave::CHANNELS_MAX;
use super::{Fault, boxed};

/// A size that nobody knew.
const UNKNOWN: u64 = u64::MAX;

/// Plays a CAF file that begins at `from`; answers where it ends.
pub(super) fn play(take: &mut Take<'_>, glance: &mut Glance, from: u64) -> Result<u64, Fault> {
    let (mut at, length) = (from + 8, glance.length());
    let (mut layout, mut sound) = (None, None);
    while let Some(head) = glance.exactly::<12>(at)? {
        let size = u64::from_be_bytes(head[4..].try_into().expect("eight of twelve bytes"));
        let body = at + 12;
        match &head[..4] {
            b"desc" => layout = glance.exactly::<32>(body)?.and_then(|it| read_description(&it)),
            // An edit count stands before the samples.
            b"data" if sound.is_none() => sound = Some((body + 4, size)),
            _ => {}
        }
        if size == UNKNOWN || size > length - body.min(length) {
            at = length;
            break;
        }
        at = body + size;
    }
    let (Some(layout), Some((start, size))) = (layout, sound) else {
        return boxed::play(take, glance, from, "CAF");
    };
    let known = size != UNKNOWN && size >= 4;
    let end = if known { (start + size - 4).min(length) } else { length };
    let promised = if known { layout.frames_in(size - 4) } else { 0 };
    take.promises(promised, layout.rate_hz);
    let played = pcm::play(take, glance.part(start, end), &layout, u64::MAX)?;
    take.ends_early(played, promised, layout.rate_hz);
    Ok(at.max(end))
}

/// The layout of plain samples; `None` for anything else.
fn read_description(it: &[u8; 32]) -> Option<Layout> {
    let word = |at: usize| u32::from_be_bytes(it[at..at + 4].try_into().expect("four of 32 bytes"));
    let rate_hz = f64::from_be_bytes(it[..8].try_into().expect("eight of 32 bytes"));
    let (kind, flags, bytes, channels) = (&it[8..12], word(12), word(16) as usize, word(24) as usize);
    if !(1..=CHANNELS_MAX).contains(&channels) || !(1.0..4e9).contains(&rate_hz) {
        return None;
    }
    let (float, little) = (flags & 1 != 0, flags & 2 != 0);
    let codec = match (kind, bytes / channels, float) {
        (b"lpcm", 1, false) => CODEC_ID_PCM_S8,
        (b"lpcm", 2, false) => [CODEC_ID_PCM_S16BE, CODEC_ID_PCM_S16LE][usize::from(little)],
        (b"lpcm", 3, false) => [CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S24LE][usize::from(little)],
        (b"lpcm", 4, false) => [CODEC_ID_PCM_S32BE, CODEC_ID_PCM_S32LE][usize::from(little)],
        (b"lpcm", 4, true) => [CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F32LE][usize::from(little)],
        (b"lpcm", 8, true) => [CODEC_ID_PCM_F64BE, CODEC_ID_PCM_F64LE][usize::from(little)],
        (b"alaw", 1, _) => CODEC_ID_PCM_ALAW,
        (b"ulaw", 1, _) => CODEC_ID_PCM_MULAW,
        _ => return None,
    };
    Some(Layout { codec, fold: Fold::usual(channels), rate_hz: rate_hz.round() as u32, block: bytes, frames: 1 })
}
