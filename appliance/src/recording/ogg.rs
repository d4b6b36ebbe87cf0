//! Ogg, page by page: Vorbis, Opus and FLAC in it, as many links in a row as there are.
//!
//! Every page says its number, a checksum and how many frames have passed, so that nothing can be lost unseen: a missing page
//! is a gap of known length, a link that follows is another recording, a file without its end mark was cut off. Encoders fill
//! their last packet, and say by the last page's count where the sound ends; both ends are exact to the frame.

use std::io;

use symphonia::core::checksum::Crc32;
use symphonia::core::io::Monitor;

use super::bytes::Glance;
use super::packets::{self, Decoder};
use super::sniff::{self, Kind};
use super::take::Take;
use super::{Fault, Notice};

/// Bytes of a page's head, without its table of segments.
const HEAD: usize = 27;
/// Packets of one stream that its headers may have, and the most bytes of one: a book of pictures is no music.
const LONGEST_PACKET: usize = 1 << 26;
/// No count: no packet ends on the page.
const NO_COUNT: u64 = u64::MAX;

/// One page.
struct Page {
    continued: bool,
    first: bool,
    last: bool,
    /// Frames that have passed when the last packet that ends here is decoded.
    count: u64,
    serial: u32,
    number: u32,
    /// Lengths of the pieces of packets, and whether the last goes on.
    pieces: Vec<usize>,
    goes_on: bool,
    body: Vec<u8>,
    /// Bytes of the whole page.
    length: u64,
}

impl Page {
    /// The page at a place; `None` where there is none, or a damaged one.
    fn at(glance: &mut Glance, at: u64) -> io::Result<Option<Self>> {
        let Some(head) = glance.exactly::<HEAD>(at)?.filter(|it| it.starts_with(b"OggS") && it[4] == 0) else {
            return Ok(None);
        };
        let segments = usize::from(head[26]);
        let table = glance.look(at + HEAD as u64, segments)?.to_vec();
        let body_length: usize = table.iter().map(|it| usize::from(*it)).sum();
        let whole = glance.look(at, HEAD + segments + body_length)?;
        if table.len() < segments || whole.len() < HEAD + segments {
            return Ok(None);
        }
        // Where the file was cut off, the packets before that place are still whole.
        let cut = whole.len() < HEAD + segments + body_length;
        let mut crc = Crc32::new(0);
        crc.process_buf_bytes(&head[..22]);
        crc.process_buf_bytes(&[0; 4]);
        crc.process_buf_bytes(&whole[26..]);
        if !cut && crc.crc() != u32::from_le_bytes([head[22], head[23], head[24], head[25]]) {
            return Ok(None);
        }
        let body = whole[HEAD + segments..].to_vec();
        let (mut pieces, mut piece) = (Vec::new(), 0);
        for segment in &table {
            piece += usize::from(*segment);
            if *segment < 255 {
                pieces.push(piece);
                piece = 0;
            }
        }
        let goes_on = table.last() == Some(&255);
        if goes_on {
            pieces.push(piece);
        }
        if cut {
            let mut end = 0;
            pieces.retain(|length| {
                end += length;
                end <= body.len()
            });
        }
        let number = |from: usize| u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]]);
        let count = u64::from(number(6)) | u64::from(number(10)) << 32;
        Ok(Some(Self {
            continued: head[5] & 1 != 0,
            first: head[5] & 2 != 0,
            last: head[5] & 4 != 0 && !cut,
            count: if cut { NO_COUNT } else { count },
            serial: number(14),
            number: number(18),
            pieces,
            goes_on: goes_on && !cut,
            length: (HEAD + segments + body.len()) as u64,
            body,
        }))
    }
}

/// One stream of a link, the one that is heard.
struct Stream {
    serial: u32,
    next_number: u32,
    partial: Vec<u8>,
    /// A page was missing: what was begun is not whole.
    broken: bool,
    decoder: Decoder,
    /// Where the stream stands, in frames as its pages count; `None` before the first count.
    place: Option<u64>,
    /// Frames to be left out at the beginning, of those that its codec wants left out.
    skip: u64,
    ended: bool,
    /// Packets that were lost since the last page with a count.
    lost: bool,
    /// What was decoded since the last page with a count, and its channels.
    waiting: Vec<f32>,
}

/// Plays the links that begin at `from`; answers where something else begins.
pub(super) fn play(take: &mut Take<'_>, glance: &mut Glance, from: u64) -> Result<u64, Fault> {
    let mut at = from;
    let mut stream: Option<Stream> = None;
    let mut others: Vec<u32> = Vec::new();
    let mut unheard: Option<Fault> = None;
    let mut in_heads = false;
    while at < glance.length() && !take.is_full() {
        let Some(page) = Page::at(glance, at)? else {
            match resume(take, glance, at)? {
                Some(next) => at = next,
                None => break,
            }
            continue;
        };
        at += page.length;
        if page.first {
            if !in_heads {
                // A new link: what was before has ended, whether it says so or not.
                if let Some(before) = stream.take() {
                    before.end(take)?;
                }
                others.clear();
            }
            in_heads = true;
            match packets::identify(first_packet(&page)) {
                Ok(Some(decoder)) if stream.is_none() => {
                    unheard = None;
                    stream = Some(Stream::new(&page, decoder));
                }
                Ok(Some(_)) => {
                    take.note(Notice::LeftOut { what: "a second stream of sound".to_owned(), at_s: take.at_s() });
                }
                Ok(None) => others.push(page.serial),
                Err(fault) => unheard = unheard.or(Some(fault)),
            }
            continue;
        }
        in_heads = false;
        if let Some(fault) = unheard.take_if(|_| stream.is_none()) {
            // Nothing of this link can be heard.
            if take.is_empty() {
                return Err(fault);
            }
            take.note(Notice::LeftOut { what: fault.to_string(), at_s: take.at_s() });
        }
        if let Some(stream) = stream.as_mut().filter(|it| it.serial == page.serial) {
            stream.page(take, &page)?;
        }
    }
    match (stream, unheard) {
        (Some(stream), _) => stream.end(take)?,
        (None, Some(fault)) if take.is_empty() => return Err(fault),
        (None, None) if take.is_empty() && !others.is_empty() => return Err(Fault::NoTrack("an OGG")),
        (None, None) if take.is_empty() => {
            return Err(Fault::Broken { kind: "OGG", why: "its beginning is missing".to_owned() });
        }
        (None, Some(fault)) => take.note(Notice::LeftOut { what: fault.to_string(), at_s: take.at_s() }),
        (None, None) => {}
    }
    Ok(at)
}

fn first_packet(page: &Page) -> &[u8] {
    page.pieces.first().and_then(|length| page.body.get(..*length)).unwrap_or_default()
}

/// The next page behind what is none; tells what lies in between. `None` where something else than Ogg goes on.
fn resume(take: &mut Take<'_>, glance: &mut Glance, at: u64) -> Result<Option<u64>, Fault> {
    let tags = sniff::behind_tags(glance, at)?;
    if tags > at {
        return Ok(Some(tags));
    }
    let is_page = glance.exactly::<4>(at)? == Some(*b"OggS");
    if !is_page && sniff::follows(glance, at)?.is_some_and(|it| !matches!(it, Kind::Other(_) | Kind::Ogg)) {
        return Ok(None);
    }
    let mut next = None;
    let mut look = at + 1;
    while let Some(place) = glance.find(b"OggS", look, glance.length())? {
        if Page::at(glance, place)?.is_some() {
            next = Some(place);
            break;
        }
        look = place + 1;
    }
    if is_page {
        // A page with a wrong checksum, or one that is cut off: its stream tells when the next comes, or does not.
        return Ok(Some(next.unwrap_or(glance.length())));
    }
    if let Some(next) = next.filter(|next| !glance.is_blank(at, *next).unwrap_or(false)) {
        take.foreign(next - at);
    }
    Ok(next)
}

impl Stream {
    fn new(page: &Page, decoder: Decoder) -> Self {
        let skip = decoder.skip();
        Self {
            serial: page.serial,
            next_number: page.number.wrapping_add(1),
            partial: Vec::new(),
            broken: false,
            decoder,
            place: None,
            skip,
            ended: false,
            lost: false,
            waiting: Vec::new(),
        }
    }

    fn page(&mut self, take: &mut Take<'_>, page: &Page) -> Result<(), Fault> {
        if page.number != self.next_number {
            self.partial.clear();
            self.broken = true;
            self.lost = true;
        }
        self.next_number = page.number.wrapping_add(1);
        self.ended |= page.last;
        let mut at = 0;
        let count = page.pieces.len();
        for (index, length) in page.pieces.iter().enumerate() {
            let piece = &page.body[at..at + length];
            at += length;
            let continues = index == 0 && page.continued;
            if continues && self.broken {
                // The end of a packet whose beginning is missing.
                self.broken = page.goes_on && count == 1;
                continue;
            }
            if !continues && !self.partial.is_empty() {
                self.partial.clear();
                self.lost = true;
            }
            self.broken = false;
            if self.partial.len() + length > LONGEST_PACKET {
                return Err(Fault::Broken { kind: "OGG", why: "one of its packets is longer than 64 MB".to_owned() });
            }
            self.partial.extend_from_slice(piece);
            if index + 1 < count || !page.goes_on {
                let packet = std::mem::take(&mut self.partial);
                self.packet(take, &packet)?;
            }
        }
        if page.count != NO_COUNT && self.decoder.is_ready() {
            self.counted(take, page.count, page.last)?;
        }
        Ok(())
    }

    fn packet(&mut self, take: &mut Take<'_>, packet: &[u8]) -> Result<(), Fault> {
        if !self.decoder.is_ready() {
            self.decoder.header(packet)?;
            if self.decoder.is_ready() {
                take.coded_in(self.decoder.name());
            }
            return Ok(());
        }
        if packet.is_empty() {
            return Ok(());
        }
        self.lost |= !self.decoder.decode(packet, &mut self.waiting);
        Ok(())
    }

    /// So many frames have passed by now, says the page: the sound since the last page is put in its place.
    fn counted(&mut self, take: &mut Take<'_>, count: u64, last: bool) -> Result<(), Fault> {
        let (rate, fold) = (self.decoder.rate_hz(), self.decoder.fold());
        let channels = fold.channels().max(1);
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut frames = (waiting.len() / channels) as u64;
        if frames == 0 && !self.lost {
            self.place = self.place.or(Some(count));
            return Ok(());
        }
        match self.place {
            // What was decoded before the count began is the codec's, unless the whole stream stands on its last page.
            None if frames > count && !last => {
                let early = frames - count;
                waiting.drain(..early as usize * channels);
                frames = count;
            }
            None if frames > count => {
                waiting.truncate(count as usize * channels);
                frames = count;
            }
            None => {}
            Some(place) => {
                let passed = count.saturating_sub(place);
                // A last page that counts backwards is a fault of its writer, and no reason to lose sound.
                if frames > passed && last && count >= place {
                    waiting.truncate(passed as usize * channels);
                    frames = passed;
                } else if frames < passed && self.lost {
                    self.silence(take, passed - frames, rate);
                } else if self.lost && frames >= passed {
                    take.damaged(0, rate);
                }
            }
        }
        if self.lost && self.place.is_none() {
            take.damaged(0, rate);
        }
        self.lost = false;
        self.place = Some(count);
        let out = self.skip.min(frames);
        self.skip -= out;
        take.sound(&waiting[out as usize * channels..], rate, &fold)?;
        waiting.clear();
        self.waiting = waiting;
        Ok(())
    }

    fn silence(&mut self, take: &mut Take<'_>, frames: u64, rate_hz: u32) {
        let out = self.skip.min(frames);
        self.skip -= out;
        take.damaged(frames - out, rate_hz);
    }

    /// The end of the link.
    fn end(mut self, take: &mut Take<'_>) -> Result<(), Fault> {
        if !self.decoder.is_ready() {
            let why = "it ends inside its headers".to_owned();
            return if take.is_empty() {
                Err(Fault::Broken { kind: "OGG", why })
            } else {
                take.note(Notice::LeftOut { what: format!("a recording that is broken: {why}"), at_s: take.at_s() });
                Ok(())
            };
        }
        let fold = self.decoder.fold();
        let frames = self.waiting.len() / fold.channels().max(1);
        let out = (self.skip as usize).min(frames) * fold.channels();
        let rest = self.waiting.split_off(out);
        take.sound(&rest, self.decoder.rate_hz(), &fold)?;
        if !self.ended && !take.is_full() {
            take.note(Notice::BreaksOff { at_s: take.at_s() });
        }
        Ok(())
    }
}
