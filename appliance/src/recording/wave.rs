//! WAV in all its kinds: RIFF, RIFX (numbers the other way round), RF64, BW64 and Wave64, with the headers that are about.
//!
//! Headers are asked and not believed. Where the sound lies is found by walking the chunks; how long it is, by its bytes: a
//! recorder that was switched off, a pipe, or a file past 4 GiB leaves sizes that are zero, all ones or too small. A size is
//! said to be a loss only where it is an honest number and the file is shorter.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS, CODEC_ID_PCM_ALAW, CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F32LE,
    CODEC_ID_PCM_F64BE, CODEC_ID_PCM_F64LE, CODEC_ID_PCM_MULAW, CODEC_ID_PCM_S16BE, CODEC_ID_PCM_S16LE,
    CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S32BE, CODEC_ID_PCM_S32LE, CODEC_ID_PCM_U8,
};

use super::bytes::Glance;
use super::chunks::{Chunk, Chunks, Numbers};
use super::fold::Fold;
use super::pcm::{self, Layout};
use super::take::Take;
use super::{Fault, mpeg};

/// Most channels of one file.
pub(super) const CHANNELS_MAX: usize = 1024;
/// What programs write that do not know a size: 2 GiB, that less a header, or all ones less a header.
const UNKNOWN: [(u64, u64); 2] = [(0x7fff_0000, 0x8000_00ff), (0xfff0_0000, 0xffff_ffff)];

/// What the `fmt ` chunk says.
enum Sound {
    Blocks(Layout),
    Mpeg,
}

/// Plays a WAV file that begins at `from`; answers where it ends.
pub(super) fn play(take: &mut Take<'_>, glance: &mut Glance, from: u64) -> Result<u64, Fault> {
    let head = glance.exactly::<12>(from)?.unwrap_or_default();
    let numbers = match &head[..4] {
        b"RIFX" => Numbers::Big,
        b"riff" => Numbers::Wide,
        _ => Numbers::Little,
    };
    let mut found = Found::walk(glance, from, numbers)?;
    let Some(format) = found.format.take() else {
        return Err(broken("its format is not said"));
    };
    if found.pieces.is_empty() {
        return Err(broken("there is no sound in it"));
    }
    let body = glance.look(format.body, format.size.min(64) as usize)?.to_vec();
    let sound = read_format(&body, numbers)?;
    let Sound::Blocks(layout) = sound else {
        for (start, end) in found.pieces {
            mpeg::play(take, &mut Glance::new(glance.part(start, end)), 0)?;
        }
        return Ok(found.end);
    };
    let bytes: u64 = found.pieces.iter().map(|(start, end)| end - start).sum();
    // A block of ADPCM may be filled up; the exact number of frames is told elsewhere. For plain samples it is a guess at best.
    let exact = found.frames.filter(|it| layout.frames > 1 && *it > 0).unwrap_or(u64::MAX);
    let promised = found.promised.map(|bytes| layout.frames_in(bytes).min(exact));
    take.promises(promised.unwrap_or_else(|| layout.frames_in(bytes)), layout.rate_hz);
    let mut played = 0;
    for (start, end) in found.pieces {
        played += pcm::play(take, glance.part(start, end), &layout, exact.saturating_sub(played))?;
    }
    take.ends_early(played, promised.unwrap_or(0), layout.rate_hz);
    Ok(found.end)
}

fn broken(why: &str) -> Fault {
    Fault::Broken { kind: "WAV", why: why.to_owned() }
}

/// What the walk through the chunks found.
#[derive(Default)]
struct Found {
    format: Option<Chunk>,
    /// Where the sound lies, in order.
    pieces: Vec<(u64, u64)>,
    /// Bytes of sound that an honest header promises.
    promised: Option<u64>,
    /// Frames by the `fact` chunk.
    frames: Option<u64>,
    /// Sizes that did not fit into 32 bits.
    wide: Option<u64>,
    /// Where the file ends.
    end: u64,
}

impl Found {
    fn walk(glance: &mut Glance, from: u64, numbers: Numbers) -> Result<Self, Fault> {
        let mut found = Self::default();
        let whole = found.whole(glance, from, numbers)?;
        let mut chunks = Chunks::new(from + numbers.head(), numbers);
        while let Some(chunk) = chunks.next(glance, found.format.is_none() || found.pieces.is_empty())? {
            match &chunk.id {
                b"fmt " if found.format.is_none() => found.format = Some(chunk),
                b"fact" => found.frames = numbers.u32(glance, chunk.body)?.map(u64::from),
                b"ds64" => {
                    found.wide = glance.exactly::<8>(chunk.body + 8)?.map(u64::from_le_bytes).filter(|it| *it > 0);
                }
                // A list of pieces of sound, with silences between them that nobody writes.
                b"LIST" if glance.look(chunk.body, 4)? == b"wavl" => chunks.enter(chunk.body + 4),
                b"data" => {
                    let end = found.data(glance, &chunk, whole)?;
                    chunks.go_on(glance, end, chunk.body)?;
                }
                _ => {}
            }
        }
        found.end = chunks.end();
        Ok(found)
    }

    /// Where the file ends by its own header.
    fn whole(&self, glance: &mut Glance, from: u64, numbers: Numbers) -> Result<u64, Fault> {
        Ok(match numbers {
            Numbers::Wide => glance.exactly::<8>(from + 16)?.map_or(0, |it| from + u64::from_le_bytes(it)),
            _ => numbers.u32(glance, from + 4)?.map_or(0, |size| from + 8 + u64::from(size)),
        })
    }

    /// A chunk of sound; answers where it ends.
    fn data(&mut self, glance: &mut Glance, chunk: &Chunk, whole: u64) -> Result<u64, Fault> {
        let rest = glance.length() - chunk.body;
        let narrow = chunk.size;
        let size = match self.wide {
            Some(wide) if narrow >= 0xffff_ffff || self.pieces.is_empty() && narrow == 0 => wide,
            _ => narrow,
        };
        let unknown = UNKNOWN.iter().any(|(from, to)| (*from..=*to).contains(&size) && size > rest);
        let take_all = if size > rest {
            if !unknown {
                self.promised = Some(self.promised.unwrap_or(0) + size);
            }
            true
        } else {
            // More than 32 bits count: the size is what is left of it.
            let wrapped = self.wide.is_none() && rest > u64::from(u32::MAX) && size <= u64::from(u32::MAX);
            wrapped || !self.ends_here(glance, chunk.body + size, size, whole)?
        };
        let end = if take_all { glance.length() } else { chunk.body + size };
        if end > chunk.body {
            self.pieces.push((chunk.body, end));
        }
        Ok(end)
    }

    /// Whether the sound may end at `end`: at the end of the file, at another chunk or tag, or where the header's own size
    /// agrees. A size of zero is believed only where something follows that is known.
    fn ends_here(&mut self, glance: &mut Glance, end: u64, size: u64, whole: u64) -> Result<bool, Fault> {
        let length = glance.length();
        let padded = end + (size & 1);
        if padded >= length || Chunks::is_next(glance, end, size)? {
            return Ok(true);
        }
        if size > 0 && (whole == end || whole == padded) {
            // What lies behind a file that agrees with itself is no part of it: whoever goes on from here tells.
            return Ok(true);
        }
        Ok(size > 0 && glance.is_blank(end, length)?)
    }
}

/// How the sound is coded.
fn read_format(body: &[u8], numbers: Numbers) -> Result<Sound, Fault> {
    let short = |at: usize| body.get(at..at + 2).map(|it| numbers.u16([it[0], it[1]]));
    let long = |at: usize| body.get(at..at + 4).map(|it| numbers.u32_of([it[0], it[1], it[2], it[3]]));
    let (Some(mut tag), Some(channels), Some(rate_hz), Some(mut block)) =
        (short(0), short(2).map(usize::from), long(4), short(12).map(usize::from))
    else {
        return Err(broken("its format is cut off"));
    };
    let mut bits = short(14).map_or(0, usize::from);
    if !(1..=CHANNELS_MAX).contains(&channels) {
        return Err(broken(&format!("{channels} channels (expected 1 to {CHANNELS_MAX})")));
    }
    let mut fold = Fold::usual(channels);
    if tag == 0xfffe {
        tag = short(24).unwrap_or(1);
        if let Some(mask) = long(20) {
            fold = Fold::placed(channels, mask);
        }
    }
    if bits == 0 && block > 0 {
        bits = block / channels * 8;
    }
    // A sample of 20 or 24 bits may stand in three bytes or in four; the block knows, unless it is nonsense.
    let bytes = match block / channels {
        wide if block % channels == 0 && (1..=8).contains(&wide) && wide * 8 >= bits => wide,
        _ => bits.div_ceil(8),
    };
    let plain = |codec: AudioCodecId, fold: Fold| {
        Ok(Sound::Blocks(Layout { codec, fold, rate_hz, block: bytes * channels, frames: 1 }))
    };
    let big = numbers == Numbers::Big;
    let either = |little, other| if big { other } else { little };
    match (tag, bytes) {
        (1, 1) => plain(CODEC_ID_PCM_U8, fold),
        (1, 2) => plain(either(CODEC_ID_PCM_S16LE, CODEC_ID_PCM_S16BE), fold),
        (1, 3) => plain(either(CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S24BE), fold),
        (1, 4) => plain(either(CODEC_ID_PCM_S32LE, CODEC_ID_PCM_S32BE), fold),
        (3, 4) => plain(either(CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F32BE), fold),
        (3, 8) => plain(either(CODEC_ID_PCM_F64LE, CODEC_ID_PCM_F64BE), fold),
        (6, 1) => plain(CODEC_ID_PCM_ALAW, fold),
        (7, 1) => plain(CODEC_ID_PCM_MULAW, fold),
        (2 | 0x11, _) if (1..=2).contains(&channels) => {
            block = block.max(1);
            let (codec, head, first) =
                if tag == 2 { (CODEC_ID_ADPCM_MS, 7, 2) } else { (CODEC_ID_ADPCM_IMA_WAV, 4, 1) };
            let Some(coded) = block.checked_sub(head * channels).filter(|it| *it > 0 && bits == 4) else {
                return Err(broken("its blocks are too short"));
            };
            let frames = coded * 2 / channels + first;
            Ok(Sound::Blocks(Layout { codec, fold, rate_hz, block, frames }))
        }
        (0x50 | 0x55, _) => Ok(Sound::Mpeg),
        _ => Err(Fault::Unsupported(format!("a WAV file with {}", coding(tag, bits)))),
    }
}

/// The usual names of codings, by the numbers that they have in WAV files.
fn coding(tag: u16, bits: usize) -> String {
    match tag {
        1 => format!("samples of {bits} bits"),
        2 | 0x11 => "ADPCM for more than two channels".to_owned(),
        3 => format!("floating-point samples of {bits} bits"),
        0x31 => "GSM 6.10 sound".to_owned(),
        0x40 | 0x45 | 0x64 => "G.726 sound".to_owned(),
        0x92 | 0x2000 => "AC-3 sound".to_owned(),
        0xff | 0x1600 | 0x1602 | 0xa106 => "AAC sound".to_owned(),
        0x160..=0x163 => "Windows Media sound".to_owned(),
        0x674f..=0x6771 => "Vorbis sound".to_owned(),
        0x704f => "Opus sound".to_owned(),
        0xf1ac => "FLAC sound".to_owned(),
        other => format!("sound of coding {other}"),
    }
}
