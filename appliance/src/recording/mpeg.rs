//! MPEG audio (MP1, MP2, MP3): frame by frame, as many streams in a row as there are.
//!
//! The container is nothing but frames, so whoever walks them knows everything: how many there are, where a stream ends and
//! another begins, and which bytes are no frames. What an encoder added at both ends is taken off where its header says how
//! much (Xing and LAME's extension), so that loops stay exact; counts in that header are compared and not believed. The
//! decoding of a frame is symphonia's.

use std::io;

use symphonia::core::codecs::audio::well_known::{CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::bytes::Glance;
use super::guarded;
use super::sniff::{self, Kind};
use super::take::Take;
use super::{Fault, Notice, packets};

/// Frames that every decoder is late by, which LAME's delay does not count.
const DECODER_DELAY: u64 = 529;
/// Kilobits a second by index: layers 1, 2 and 3 of MPEG 1; layer 1 of MPEG 2; the other layers of MPEG 2.
const BIT_RATES: [[u32; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const RATES_HZ: [u32; 3] = [44_100, 48_000, 32_000];

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    layer: u8,
    rate_hz: u32,
    mono: bool,
    /// MPEG 1, and not 2 or 2.5.
    first: bool,
    checked: bool,
    /// Bytes of the frame; 0 where the bit rate is "free", which only the distance to the next frame tells.
    bytes: usize,
}

impl Head {
    fn read(bytes: [u8; 4]) -> Option<Self> {
        let word = u32::from_be_bytes(bytes);
        let (version, layer) = (word >> 19 & 3, word >> 17 & 3);
        let (rate, speed) = ((word >> 12 & 15) as usize, (word >> 10 & 3) as usize);
        if word >> 21 != 0x7ff || version == 1 || layer == 0 || rate == 15 || speed == 3 {
            return None;
        }
        // The lowest rates were added for layer 3 alone.
        if version == 0 && layer != 1 {
            return None;
        }
        let (layer, first) = (4 - layer as u8, version == 3);
        let divided = if first {
            1
        } else if version == 2 {
            2
        } else {
            4
        };
        let rate_hz = RATES_HZ[speed] / divided;
        let row = if first { usize::from(layer) - 1 } else { if layer == 1 { 3 } else { 4 } };
        let bits = BIT_RATES[row][rate] * 1000;
        let padding = word >> 9 & 1;
        let bytes = match layer {
            1 => (12 * bits / rate_hz + padding) * 4,
            3 if !first => 72 * bits / rate_hz + padding,
            _ => 144 * bits / rate_hz + padding,
        };
        let bytes = if bits == 0 { 0 } else { bytes as usize };
        Some(Self { layer, rate_hz, mono: word >> 6 & 3 == 3, first, checked: word >> 16 & 1 == 0, bytes })
    }

    fn frames(&self) -> u64 {
        match self.layer {
            1 => 384,
            3 if !self.first => 576,
            _ => 1152,
        }
    }

    /// Whether two frames may be of one stream.
    fn goes_with(&self, other: &Self) -> bool {
        (self.layer, self.rate_hz, self.first) == (other.layer, other.rate_hz, other.first)
    }

    /// Where a layer 3 frame's own data begins: behind head, checksum and side information.
    fn side_end(&self) -> usize {
        let side = match (self.first, self.mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        4 + if self.checked { 2 } else { 0 } + side
    }

    /// Whether a frame needs nothing of the frames before it: the first of a stream is always so.
    fn stands_alone(&self, frame: &[u8]) -> bool {
        let at = 4 + if self.checked { 2 } else { 0 };
        match frame.get(at..at + 2) {
            Some(side) if self.first => side[0] == 0 && side[1] & 0x80 == 0,
            Some(side) => side[0] == 0,
            None => false,
        }
    }
}

fn head_at(glance: &mut Glance, at: u64) -> io::Result<Option<Head>> {
    Ok(glance.exactly::<4>(at)?.and_then(Head::read))
}

/// Whether a frame stands at `at`: another of its stream, a tag or the end must follow. A single frame that nothing follows is
/// believed only where a stream goes on.
fn frame_at(glance: &mut Glance, at: u64, before: Option<&Head>) -> io::Result<Option<Head>> {
    let Some(head) = head_at(glance, at)?.filter(|it| it.bytes > 4) else { return Ok(None) };
    let end = at + head.bytes as u64;
    let goes_on = before.is_some_and(|it| it.goes_with(&head));
    if end >= glance.length() {
        // The last frame, whole or cut off.
        return Ok((goes_on || end == glance.length()).then_some(head));
    }
    if head_at(glance, end)?.is_some_and(|next| next.goes_with(&head) && next.bytes > 4) {
        return Ok(Some(head));
    }
    let followed = sniff::tag(glance, end)?.is_some() || head_at(glance, end)?.is_some();
    Ok((goes_on || followed && before.is_some()).then_some(head))
}

/// The first place in `from..to` where three frames follow one another, or two up to the end.
pub(super) fn first_frame(glance: &mut Glance, from: u64, to: u64) -> io::Result<Option<u64>> {
    let mut at = from;
    while let Some(place) = glance.find(&[0xff], at, to)? {
        if begins_at(glance, place)? {
            return Ok(Some(place));
        }
        at = place + 1;
    }
    Ok(None)
}

/// Whether frames of a bit rate of the encoder's own stand at `at`: nothing says how long they are.
pub(super) fn is_free(glance: &mut Glance, at: u64) -> io::Result<bool> {
    let Some(head) = glance.exactly::<4>(at)?.filter(|it| Head::read(*it).is_some_and(|it| it.bytes == 0)) else {
        return Ok(false);
    };
    // No frame is longer than 4 KiB; the next begins alike.
    Ok(glance.find(&head[..3], at + 24, at + 4096)?.is_some())
}

/// Whether three frames follow one another here, or two up to the end.
pub(super) fn begins_at(glance: &mut Glance, place: u64) -> io::Result<bool> {
    let Some(first) = head_at(glance, place)?.filter(|it| it.bytes > 4) else { return Ok(false) };
    let mut at = place;
    for count in 0..3 {
        let Some(head) = head_at(glance, at)?.filter(|it| it.goes_with(&first) && it.bytes > 4) else {
            // A single one may be found in any rubbish.
            return Ok(count > 1 && (at == glance.length() || sniff::tag(glance, at)?.is_some()));
        };
        at += head.bytes as u64;
    }
    Ok(at <= glance.length())
}

/// What the header frame of an encoder says; all zero where there is none.
#[derive(Clone, Copy, Debug, Default)]
struct Info {
    /// Frames of the stream, this one not counted; 0 for unknown.
    count: u64,
    /// Bytes of the stream, this frame counted; 0 for unknown.
    bytes: u64,
    /// Samples that the encoder put before and behind.
    delay: u64,
    padding: u64,
    /// Whether the two are said.
    exact: bool,
}

impl Info {
    /// `None` for a frame of sound.
    fn read(head: &Head, frame: &[u8]) -> Option<Self> {
        if head.layer != 3 {
            return None;
        }
        if frame.get(36..40) == Some(b"VBRI") {
            let count = frame.get(50..54).map_or(0, |it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]));
            return Some(Self { count: u64::from(count), ..Self::default() });
        }
        // Some count a checksum into its place and some do not.
        let at = [head.side_end(), head.side_end() - if head.checked { 2 } else { 0 }]
            .into_iter()
            .find(|at| matches!(frame.get(*at..at + 4), Some(b"Xing" | b"Info")))?;
        let mut rest = &frame[at + 4..];
        let mut number = |present: bool| {
            let it = rest.get(..4).filter(|_| present)?;
            rest = &rest[4..];
            Some(u32::from_be_bytes([it[0], it[1], it[2], it[3]]))
        };
        let flags = number(true)?;
        let count = number(flags & 1 != 0).unwrap_or(0);
        let bytes = number(flags & 2 != 0).unwrap_or(0);
        if flags & 4 != 0 {
            rest = rest.get(100..).unwrap_or_default();
        }
        if flags & 8 != 0 {
            rest = rest.get(4..).unwrap_or_default();
        }
        let mut info = Self { count: u64::from(count), bytes: u64::from(bytes), ..Self::default() };
        // Delay and padding stand 21 bytes into the extension, which begins with the encoder's name.
        if let Some(trim) = rest.get(21..24).filter(|_| rest[0].is_ascii_graphic()) {
            info.delay = u64::from(trim[0]) << 4 | u64::from(trim[1]) >> 4;
            info.padding = u64::from(trim[1] & 15) << 8 | u64::from(trim[2]);
            info.exact = true;
        }
        Some(info)
    }
}

/// A stream under way.
struct Stream {
    head: Head,
    info: Info,
    decoder: Option<(Box<dyn AudioDecoder>, u32, bool)>,
    /// Frames so far, the header's left out.
    frames: u64,
    /// Bytes so far, with the header's.
    bytes: u64,
    /// Samples still to be left out at the beginning.
    skip: u64,
    interleaved: Vec<f32>,
}

impl Stream {
    fn begin(take: &mut Take<'_>, head: Head, info: Info) -> Self {
        let skip = if info.exact { info.delay + DECODER_DELAY } else { 0 };
        let samples = (info.count * head.frames()).saturating_sub(info.delay + info.padding);
        take.promises(samples, head.rate_hz);
        Self { head, info, decoder: None, frames: 0, bytes: 0, skip, interleaved: Vec::new() }
    }

    fn decode(&mut self, take: &mut Take<'_>, head: &Head, frame: &[u8]) -> Result<(), Fault> {
        self.frames += 1;
        // Mono and stereo may alternate; a decoder is made for one of them.
        let same = |it: &(Box<dyn AudioDecoder>, u32, bool)| (it.1, it.2) == (head.rate_hz, head.mono);
        if self.decoder.as_ref().is_none_or(|it| !same(it)) {
            let mut params = AudioCodecParameters::new();
            params.for_codec([CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3][usize::from(head.layer) - 1]);
            let options = AudioDecoderOptions::default();
            let Some(made) = guarded::decoder(&params, &options) else {
                return Err(Fault::Unsupported(format!("an MPEG file of layer {}", head.layer)));
            };
            take.coded_in(made.codec_info().short_name);
            self.decoder = Some((made, head.rate_hz, head.mono));
        }
        let Some((decoder, ..)) = &mut self.decoder else { return Ok(()) };
        let packet = PacketRef::new(0, Timestamp::ZERO, Duration::from(head.frames()), frame);
        match packets::decoded(&mut **decoder, &packet) {
            Some(buffer) if self.skip == 0 => take.buffer(&buffer),
            Some(buffer) => {
                buffer.copy_to_vec_interleaved(&mut self.interleaved);
                let fold = super::fold::Fold::of(buffer.spec().channels());
                let out = (self.skip as usize).min(buffer.frames());
                self.skip -= out as u64;
                take.sound(&self.interleaved[out * fold.channels()..], head.rate_hz, &fold)
            }
            None => {
                let silent = head.frames().saturating_sub(self.skip);
                self.skip = self.skip.saturating_sub(head.frames());
                take.damaged(silent, head.rate_hz);
                Ok(())
            }
        }
    }

    /// Takes off what was only added at the end, and compares the count.
    fn end(&self, take: &mut Take<'_>) {
        // Some encoders count their own header among the frames: where all bytes are there, no frame is missing.
        let short = self.info.count > self.frames && !(self.info.bytes > 0 && self.bytes >= self.info.bytes);
        if short {
            // The header's frames are those of the whole stream: nothing of the padding was seen.
            let per = self.head.frames();
            take.ends_early(self.frames * per, self.info.count * per, self.head.rate_hz);
        } else if self.info.exact {
            take.take_back(self.info.padding.saturating_sub(DECODER_DELAY));
        }
    }
}

/// Plays the frames that begin at `from`; answers where something else begins.
pub(super) fn play(take: &mut Take<'_>, glance: &mut Glance, from: u64) -> Result<u64, Fault> {
    let mut at = from;
    let mut stream: Option<Stream> = None;
    while at < glance.length() && !take.is_full() {
        let after_tags = sniff::behind_tags(glance, at)?;
        if after_tags > at {
            at = after_tags;
            continue;
        }
        let before = stream.as_ref().map(|it| it.head);
        let Some(head) = frame_at(glance, at, before.as_ref())? else {
            if sniff::marked(glance, at)?.is_some_and(|it| !matches!(it, Kind::Other(_))) {
                break;
            }
            let next = resume(glance, at)?;
            tell_gap(take, glance, (at, next), stream.as_mut())?;
            at = next;
            continue;
        };
        let frame = glance.look(at, head.bytes)?.to_vec();
        if frame.len() < head.bytes {
            // Cut off inside its last frame: where no header counts frames, nothing else would tell.
            if stream.as_ref().is_none_or(|it| it.info.count <= it.frames) {
                take.note(Notice::BreaksOff { at_s: take.at_s() });
            }
            at = glance.length();
            break;
        }
        at += head.bytes as u64;
        let info = Info::read(&head, &frame);
        let joined = stream.as_ref().is_some_and(|it| it.is_over(&head, &frame));
        if info.is_some() || joined || stream.is_none() {
            if let Some(ended) = stream.take() {
                ended.end(take);
            }
            stream = Some(Stream::begin(take, head, info.unwrap_or_default()));
        }
        if let Some(stream) = &mut stream {
            stream.bytes += head.bytes as u64;
            if info.is_none() {
                stream.head = head;
                stream.decode(take, &head, &frame)?;
            }
        }
    }
    if let Some(stream) = stream {
        stream.end(take);
    }
    Ok(at)
}

impl Stream {
    /// Whether the frame belongs to another stream than this: all that were counted have come, and it needs none of them.
    fn is_over(&self, head: &Head, frame: &[u8]) -> bool {
        let all = self.info.count > 0 && self.frames >= self.info.count && head.stands_alone(frame);
        all || !self.head.goes_with(head)
    }
}

/// The next place where frames, a tag or another file go on.
fn resume(glance: &mut Glance, at: u64) -> io::Result<u64> {
    let length = glance.length();
    let mut next = length;
    let mut look = at + 1;
    while let Some(place) = glance.find(&[0xff], look, length)? {
        if begins_at(glance, place)? {
            next = place;
            break;
        }
        look = place + 1;
    }
    for mark in [&b"OggS"[..], b"fLaC", b"RIFF", b"ID3\x03", b"ID3\x04", b"TAG", b"APETAGEX"] {
        next = glance.find(mark, at, next)?.unwrap_or(next);
    }
    Ok(next.max(at + 1))
}

/// Tells of bytes that are no frames. Where whole frames would fit into the gap of a stream that goes on, they were frames.
fn tell_gap(
    take: &mut Take<'_>,
    glance: &mut Glance,
    (at, next): (u64, u64),
    stream: Option<&mut Stream>,
) -> io::Result<()> {
    if glance.is_blank(at, next)? {
        return Ok(());
    }
    let gap = next - at;
    let goes_on = head_at(glance, next)?;
    if let (Some(stream), Some(head)) = (stream, goes_on) {
        let bytes = head.bytes.max(1) as u64;
        // Frames of a constant bit rate differ by a byte.
        let count = (gap + bytes / 2) / bytes;
        if stream.head.goes_with(&head) && count > 0 && gap.abs_diff(count * bytes) <= count {
            stream.frames += count;
            stream.bytes += gap;
            take.damaged(count * head.frames(), head.rate_hz);
            return Ok(());
        }
    }
    take.foreign(gap);
    Ok(())
}
