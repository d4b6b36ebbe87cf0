//! FLAC, frame by frame.
//!
//! A frame says its number and ends with a checksum over all of it, so that its end is found without decoding and whatever
//! stands behind the last one (a tag, another recording) is not taken for a part of it. Numbers that are missing are gaps of
//! known length. The decoding of a frame, and the checksum of the whole sound, are symphonia's.

use std::io;

use symphonia::core::checksum::{Crc8Ccitt, Crc16Ansi};
use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::io::Monitor;
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::bytes::Glance;
use super::guarded;
use super::take::Take;
use super::{Fault, Notice, packets, sniff};

/// Bytes looked at first for the end of a frame; it is doubled as long as the end is not found.
const FIRST_LOOK: usize = 1 << 14;
/// Longest head of a frame.
const HEAD_MAX: usize = 16;

fn broken(why: &str) -> Fault {
    Fault::Broken { kind: "FLAC", why: why.to_owned() }
}

/// What the file says of its sound.
struct Info {
    bytes: [u8; 34],
    block_min: u64,
    block_max: u64,
    rate_hz: u32,
    channels: usize,
    bits: usize,
    total: u64,
    checked: bool,
}

impl Info {
    fn of(bytes: [u8; 34]) -> Self {
        let short = |at: usize| u64::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        Self {
            bytes,
            block_min: short(0),
            block_max: short(2),
            rate_hz: u32::from(bytes[10]) << 12 | u32::from(bytes[11]) << 4 | u32::from(bytes[12]) >> 4,
            channels: usize::from(bytes[12] >> 1 & 7) + 1,
            bits: (usize::from(bytes[12] & 1) << 4 | usize::from(bytes[13] >> 4)) + 1,
            total: u64::from(bytes[13] & 15) << 32
                | u64::from(u32::from_be_bytes([bytes[14], bytes[15], bytes[16], bytes[17]])),
            checked: bytes[18..].iter().any(|byte| *byte != 0),
        }
    }

    /// Most bytes of a frame: samples as they are, and a little for heads.
    fn longest_frame(&self) -> usize {
        (self.block_max as usize * self.channels * (self.bits + 1)).div_ceil(8) + 64 + 8 * self.channels
    }
}

/// The head of a frame.
#[derive(Clone, Copy, Debug)]
struct Head {
    frames: u64,
    /// Its number, or its first sample's.
    number: u64,
    by_sample: bool,
    length: usize,
}

impl Head {
    /// The head that stands at the beginning of these bytes, if its checksum holds.
    fn read(bytes: &[u8]) -> Option<Self> {
        let [0xff, sync, codes, kind, ..] = *bytes else { return None };
        if sync & 0xfe != 0xf8 || kind & 1 != 0 || kind >> 4 > 10 {
            return None;
        }
        let (number, used) = coded_number(bytes.get(4..)?)?;
        let mut at = 4 + used;
        let mut take = |count: usize| {
            let it = bytes.get(at..at + count)?;
            at += count;
            Some(it.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)))
        };
        let frames = match codes >> 4 {
            0 => return None,
            1 => 192,
            it @ 2..=5 => 576 << (it - 2),
            6 => take(1)? + 1,
            7 => take(2)? + 1,
            it => 256 << (it - 8),
        };
        match codes & 15 {
            12 => take(1),
            13 | 14 => take(2),
            15 => return None,
            _ => Some(0),
        }?;
        let mut crc = Crc8Ccitt::new(0);
        crc.process_buf_bytes(&bytes[..at]);
        let length = at + 1;
        (bytes.get(at) == Some(&crc.crc())).then_some(Self { frames, number, by_sample: sync & 1 != 0, length })
    }
}

impl Head {
    /// Whether the frame after this one begins with these bytes.
    fn is_followed_by(&self, bytes: &[u8]) -> bool {
        let next = self.number + if self.by_sample { self.frames } else { 1 };
        bytes[0] == 0xff && Self::read(bytes).is_some_and(|it| it.by_sample == self.by_sample && it.number == next)
    }
}

/// A number of up to 36 bits, written as letters are in UTF-8, and its bytes.
fn coded_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let count = first.leading_ones() as usize;
    match count {
        0 => Some((u64::from(first), 1)),
        1 | 8 => None,
        _ => {
            let head = u64::from(first) & (0x7f >> count);
            let rest = bytes.get(1..count)?;
            let number =
                rest.iter().try_fold(head, |sum, byte| (byte >> 6 == 2).then_some(sum << 6 | u64::from(byte & 63)))?;
            Some((number, count))
        }
    }
}

/// Plays a FLAC file that begins at `from`; answers where it ends.
pub(super) fn play(take: &mut Take<'_>, glance: &mut Glance, from: u64) -> Result<u64, Fault> {
    let (info, at) = read_info(glance, from + 4)?;
    let mut params = AudioCodecParameters::new();
    params.for_codec(CODEC_ID_FLAC).with_sample_rate(info.rate_hz).with_extra_data(Box::new(info.bytes));
    let options = AudioDecoderOptions::default().verify(info.checked);
    let decoder = guarded::decoder(&params, &options).ok_or_else(|| broken("its format contradicts itself"))?;
    take.coded_in("flac");
    take.promises(info.total, info.rate_hz);
    let nominal = if info.block_min == info.block_max { info.block_max } else { 0 };
    Stream { info, decoder, next: None, nominal, begun: 0, whole: true }.play(take, glance, at)
}

/// Reads the blocks before the sound; answers where that begins.
fn read_info(glance: &mut Glance, mut at: u64) -> Result<(Info, u64), Fault> {
    let mut info = None;
    loop {
        let Some(head) = glance.exactly::<4>(at)? else { return Err(broken("it ends inside its headers")) };
        let length = u64::from(u32::from_be_bytes([0, head[1], head[2], head[3]]));
        if head[0] & 0x7f == 0 && info.is_none() {
            info = glance.exactly::<34>(at + 4)?.map(Info::of);
        }
        at += 4 + length;
        if head[0] & 0x80 != 0 {
            break;
        }
    }
    let info = info.filter(|it| it.rate_hz > 0).ok_or_else(|| broken("its format is not said"))?;
    Ok((info, at))
}

struct Stream {
    info: Info,
    decoder: Box<dyn AudioDecoder>,
    /// The sample that is to come.
    next: Option<u64>,
    /// Samples of a frame, where all have as many.
    nominal: u64,
    /// The first sample that was there.
    begun: u64,
    /// Nothing was damaged so far.
    whole: bool,
}

impl Stream {
    fn play(mut self, take: &mut Take<'_>, glance: &mut Glance, mut at: u64) -> Result<u64, Fault> {
        while at < glance.length() && !take.is_full() {
            let head = Head::read(glance.look(at, HEAD_MAX)?);
            let end = match head {
                Some(head) => self.end_of_frame(glance, at, &head)?,
                None => None,
            };
            if let (Some(head), Some(end)) = (head, end) {
                self.frame(take, glance.look(at, (end - at) as usize)?, &head)?;
                at = end;
                continue;
            }
            // No frame, or a damaged one. A tag or another recording is left to whoever goes on from here.
            if head.is_none() && (sniff::tag(glance, at)?.is_some() || sniff::marked(glance, at)?.is_some()) {
                break;
            }
            let Some(next) = self.next_frame(glance, at + 1)? else { break };
            self.whole = false;
            let due = self.next;
            let (place, _) = next;
            if due.is_some_and(|due| self.place_of(&next.1) <= due) {
                // Nothing is missing: what stood between was no sound.
                take.foreign(place - at);
            }
            at = place;
        }
        self.end(take, glance, at)
    }

    /// The first sample of a frame.
    fn place_of(&self, head: &Head) -> u64 {
        if head.by_sample { head.number } else { head.number * self.nominal.max(head.frames.min(self.info.block_max)) }
    }

    /// Where the frame ends: at the first place where its checksum holds and something follows that may follow; or, where
    /// rubbish follows, at the first where it can be decoded.
    fn end_of_frame(&mut self, glance: &mut Glance, at: u64, head: &Head) -> io::Result<Option<u64>> {
        let longest = self.info.longest_frame();
        let (mut crc, mut done, mut candidates) = (Crc16Ansi::new(0), 0, Vec::new());
        let mut look = FIRST_LOOK;
        loop {
            let bytes = glance.look(at, look)?;
            let held = bytes.len();
            let (mut places, mut passed) = (Vec::new(), false);
            for (place, byte) in bytes.iter().enumerate().skip(done) {
                // Where the next frame begins, this one has ended, whole or not.
                passed = place >= head.length && head.is_followed_by(&bytes[place..]);
                if passed {
                    break;
                }
                crc.process_byte(*byte);
                if crc.crc() == 0 && place + 1 >= head.length + 2 {
                    places.push(place + 1);
                }
            }
            for place in places {
                let end = at + place as u64;
                let follows = end == glance.length() || Head::read(glance.look(end, HEAD_MAX)?).is_some();
                if follows || sniff::tag(glance, end)?.is_some() || sniff::marked(glance, end)?.is_some() {
                    return Ok(Some(end));
                }
                candidates.push(place);
            }
            done = held;
            if passed || held < look || look > longest {
                break;
            }
            look *= 2;
        }
        for place in candidates {
            let frame = glance.look(at, place)?.to_vec();
            let mut trial = self.trial();
            if trial.as_mut().is_some_and(|it| packets::decoded(&mut **it, &packet(&frame)).is_some()) {
                return Ok(Some(at + place as u64));
            }
        }
        Ok(None)
    }

    /// A decoder to try with, which does not count for the checksum of the whole.
    fn trial(&self) -> Option<Box<dyn AudioDecoder>> {
        let mut params = AudioCodecParameters::new();
        params.for_codec(CODEC_ID_FLAC).with_sample_rate(self.info.rate_hz).with_extra_data(Box::new(self.info.bytes));
        guarded::decoder(&params, &AudioDecoderOptions::default())
    }

    /// The next place where a whole frame stands that is not behind the one that is due.
    fn next_frame(&mut self, glance: &mut Glance, from: u64) -> io::Result<Option<(u64, Head)>> {
        let mut at = from;
        // Another recording has frames too, and they are none of this one's.
        let end = glance.find(b"fLaC", from, glance.length())?.unwrap_or(glance.length());
        while let Some(place) = glance.find(&[0xff], at, end)? {
            if let Some(head) = Head::read(glance.look(place, HEAD_MAX)?) {
                let ahead = self.next.is_none_or(|due| self.place_of(&head) >= due);
                if ahead && self.end_of_frame(glance, place, &head)?.is_some() {
                    return Ok(Some((place, head)));
                }
            }
            at = place + 1;
        }
        Ok(None)
    }

    fn frame(&mut self, take: &mut Take<'_>, frame: &[u8], head: &Head) -> Result<(), Fault> {
        if self.nominal == 0 {
            self.nominal = head.frames;
        }
        let place = self.place_of(head);
        match self.next {
            // The first frame was damaged.
            None if !self.whole => take.damaged(place, self.info.rate_hz),
            None => self.begun = place,
            Some(due) if place > due => {
                self.whole = false;
                take.damaged(place - due, self.info.rate_hz);
            }
            Some(_) => {}
        }
        self.next = Some(place + head.frames);
        match packets::decoded(&mut *self.decoder, &packet(frame)) {
            Some(buffer) => take.buffer(&buffer),
            None => {
                self.whole = false;
                take.damaged(head.frames, self.info.rate_hz);
                Ok(())
            }
        }
    }

    fn end(mut self, take: &mut Take<'_>, glance: &Glance, at: u64) -> Result<u64, Fault> {
        if take.is_full() {
            return Ok(at);
        }
        let found = self.next.unwrap_or(0);
        let missing = self.info.total > found;
        if self.next.is_none() && self.info.total > 0 {
            take.damaged(0, self.info.rate_hz);
        }
        take.ends_early(found, self.info.total, self.info.rate_hz);
        if self.info.checked
            && self.whole
            && !missing
            && self.begun == 0
            && self.decoder.finalize().verify_ok == Some(false)
        {
            take.note(Notice::Checksum);
        }
        // Bytes of a frame that was cut off have been told with what is missing.
        Ok(if missing && self.next.is_some() { glance.length() } else { at })
    }
}

fn packet(frame: &[u8]) -> PacketRef<'_> {
    PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, frame)
}

#[cfg(test)]
mod tests {
    use super::coded_number;

    #[test]
    fn numbers_are_written_as_letters_are() {
        assert_eq!(coded_number(&[0x7f]), Some((127, 1)));
        assert_eq!(coded_number(&[0xc2, 0x80]), Some((128, 2)));
        assert_eq!(coded_number(&[0xfe, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf]), Some(((1 << 36) - 1, 7)));
        assert_eq!(coded_number(&[0x80]), None);
        assert_eq!(coded_number(&[0xc2]), None);
    }
}
