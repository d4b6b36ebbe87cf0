//! Bare AAC (ADTS): frame by frame, as MPEG audio is read (`mpeg`).
//!
//! No header says how long such a file is, and the library's demultiplexer guesses it from the first frames, which is wrong
//! wherever quiet and loud parts differ; a last frame that is cut off it does not tell. Whoever walks the frames knows both.
//! The decoding of a frame is symphonia's.

use std::io;

use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::bytes::Glance;
use super::guarded;
use super::sniff::{self, Kind};
use super::take::Take;
use super::{Fault, Notice, packets};

/// Samples of one block.
const BLOCK: u64 = 1024;
/// Rates by index, as in MPEG-4 (ISO/IEC 14496-3, table 1.18).
const RATES_HZ: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    /// Profile, index of the rate and number of channels: what a decoder is made for.
    kind: (u8, u8, u8),
    /// Bytes of the head itself.
    head: usize,
    /// Bytes of the whole frame.
    bytes: usize,
    /// Blocks of samples in it.
    blocks: u64,
}

impl Head {
    fn read(it: [u8; 7]) -> Option<Self> {
        let rate = it[2] >> 2 & 15;
        let head = if it[1] & 1 == 0 { 9 } else { 7 };
        let bytes = usize::from(it[3] & 3) << 11 | usize::from(it[4]) << 3 | usize::from(it[5] >> 5);
        let is_head = it[0] == 0xff && it[1] & 0xf6 == 0xf0 && usize::from(rate) < RATES_HZ.len() && bytes > head;
        let channels = (it[2] & 1) << 2 | it[3] >> 6;
        is_head.then_some(Self { kind: (it[2] >> 6, rate, channels), head, bytes, blocks: u64::from(it[6] & 3) + 1 })
    }

    fn rate_hz(&self) -> u32 {
        RATES_HZ[usize::from(self.kind.1)]
    }

    /// What a decoder is told (AudioSpecificConfig).
    fn config(&self) -> [u8; 2] {
        let (profile, rate, channels) = self.kind;
        [(profile + 1) << 3 | rate >> 1, rate << 7 | channels << 3]
    }
}

fn head_at(glance: &mut Glance, at: u64) -> io::Result<Option<Head>> {
    Ok(glance.exactly::<7>(at)?.and_then(Head::read))
}

/// Whether a frame stands at `at` with another behind it, or as the last thing of the file.
pub(super) fn begins_at(glance: &mut Glance, at: u64) -> io::Result<bool> {
    let Some(head) = head_at(glance, at)? else { return Ok(false) };
    let end = at + head.bytes as u64;
    Ok(end == glance.length() || head_at(glance, end)?.is_some_and(|next| next.kind == head.kind))
}

/// A stream under way: its decoder, made for one kind of frames, and what was read of it.
struct Stream {
    head: Head,
    decoder: Box<dyn AudioDecoder>,
    frames: u64,
    bytes: u64,
}

impl Stream {
    fn begin(take: &mut Take<'_>, head: Head) -> Result<Self, Fault> {
        let mut params = AudioCodecParameters::new();
        params.for_codec(CODEC_ID_AAC).with_extra_data(head.config().into());
        let made = guarded::decoder(&params, &AudioDecoderOptions::default());
        let decoder = made.ok_or_else(|| Fault::Unsupported("an AAC file with sound of another codec".to_owned()))?;
        take.coded_in(decoder.codec_info().short_name);
        Ok(Self { head, decoder, frames: 0, bytes: 0 })
    }

    fn decode(&mut self, take: &mut Take<'_>, head: &Head, frame: &[u8]) -> Result<(), Fault> {
        self.frames += 1;
        self.bytes += head.bytes as u64;
        let packet = PacketRef::new(0, Timestamp::ZERO, Duration::from(BLOCK), &frame[head.head..]);
        // Where several blocks share a frame, nothing says where the second begins.
        match packets::decoded(&mut *self.decoder, &packet).filter(|_| head.blocks == 1) {
            Some(buffer) => take.buffer(&buffer),
            None => {
                take.damaged(head.blocks * BLOCK, head.rate_hz());
                Ok(())
            }
        }
    }

    /// How many frames of the usual size were where `bytes` are none.
    fn frames_in(&self, bytes: u64) -> u64 {
        let usual = (self.bytes / self.frames.max(1)).max(1);
        (bytes + usual / 2) / usual
    }
}

/// Plays the frames that begin at `from`; answers where something else begins.
pub(super) fn play(take: &mut Take<'_>, glance: &mut Glance, from: u64) -> Result<u64, Fault> {
    let (mut at, length) = (from, glance.length());
    let mut stream: Option<Stream> = None;
    while at < length && !take.is_full() {
        let goes_on = |head: &Head| stream.as_ref().is_some_and(|it| it.head.kind == head.kind);
        let head = head_at(glance, at)?.filter(goes_on);
        let head = if head.is_none() && begins_at(glance, at)? { head_at(glance, at)? } else { head };
        let Some(head) = head else {
            let something_else = sniff::behind_tags(glance, at)? > at
                || sniff::marked(glance, at)?.is_some_and(|it| !matches!(it, Kind::Other(_)));
            let next = resume(glance, at)?;
            if something_else || next == length {
                break;
            }
            match &stream {
                Some(stream) if stream.frames_in(next - at) > 0 => {
                    take.damaged(stream.frames_in(next - at) * BLOCK, stream.head.rate_hz());
                }
                _ => take.foreign(next - at),
            }
            at = next;
            continue;
        };
        let frame = glance.look(at, head.bytes)?.to_vec();
        if frame.len() < head.bytes {
            take.note(Notice::BreaksOff { at_s: take.at_s() });
            return Ok(length);
        }
        at += head.bytes as u64;
        let mut playing = match stream.take() {
            Some(it) if it.head.kind == head.kind => it,
            _ => Stream::begin(take, head)?,
        };
        playing.decode(take, &head, &frame)?;
        stream = Some(playing);
    }
    Ok(at)
}

/// The next place where frames go on; the end where there is none.
fn resume(glance: &mut Glance, at: u64) -> io::Result<u64> {
    let length = glance.length();
    let mut look = at + 1;
    while let Some(place) = glance.find(&[0xff], look, length)? {
        if begins_at(glance, place)? {
            return Ok(place);
        }
        look = place + 1;
    }
    Ok(length)
}
