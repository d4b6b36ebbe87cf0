//! The bytes of a Standard MIDI File, with the tolerance that is usual: what other programs play is read here.
//!
//! A status runs on across meta events and exclusives, real-time bytes (F8 to FE) are stepped over wherever they stand, a value
//! above 127 is clipped, data before any status is left out, lengths and counts are compared and not believed. Each of these
//! that changes what is heard is told with its track and byte; a track that cannot be read further leaves the others alone.
//! No bytes make it panic, and no length that they claim makes it allocate.

use super::Message;
use super::score::{ScoreFault, ScoreNotice};

/// Bytes before the header that a file may have: a RIFF shell (RMID), a Macintosh's head.
const SHELL_MAX: usize = 1 << 16;

/// What a track says at its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Message(Message),
    /// Microseconds of a quarter note from here on.
    Tempo(u32),
    /// What nobody binds; it may still be the last thing in a track, and so the score's end.
    Nothing,
}

/// How times are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Division {
    /// Ticks of a quarter note.
    Quarter(u16),
    /// Frames a second (29 for 30 drop frame) and parts of a frame.
    Smpte(u8, u8),
}

/// A file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct File {
    pub format: u16,
    pub division: Division,
    /// Of each track its events, each with its time in ticks.
    pub tracks: Vec<Vec<(u64, Event)>>,
    pub notices: Vec<ScoreNotice>,
}

/// Reads a file.
pub(super) fn read(bytes: &[u8]) -> Result<File, ScoreFault> {
    let unreadable = |why: &str| ScoreFault::Unreadable(why.to_owned());
    let shell = &bytes[..bytes.len().min(SHELL_MAX)];
    let start = shell.windows(4).position(|it| it == b"MThd").ok_or_else(|| unreadable("it has no header"))?;
    let head = bytes.get(start + 4..start + 14).ok_or_else(|| unreadable("it ends inside its header"))?;
    let short = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]).max(6) as usize;
    let (format, said) = (short(4), usize::from(short(6)));
    let division = match (short(8), head[8] as i8) {
        (ticks @ 0..=0x7fff, _) => Division::Quarter(ticks),
        (_, -24) => Division::Smpte(24, head[9]),
        (_, -25) => Division::Smpte(25, head[9]),
        (_, -29) => Division::Smpte(29, head[9]),
        (_, -30) => Division::Smpte(30, head[9]),
        _ => return Err(unreadable("its time code has no frame rate that is known (24, 25, 29 or 30)")),
    };
    let mut file = File { format, division, tracks: Vec::new(), notices: Vec::new() };
    let mut at = start.saturating_add(8 + length).min(bytes.len());
    while let Some(body) = next_track(bytes, &mut at) {
        let number = file.tracks.len() + 1;
        let mut track = Track::new(bytes, body, number);
        track.read();
        at = track.at.max(at);
        file.tracks.push(track.events);
        file.notices.extend(track.notices);
    }
    if file.tracks.is_empty() {
        return Err(unreadable("there is no track in it"));
    }
    if file.tracks.len() < said {
        file.notices.push(ScoreNotice::TracksMissing { found: file.tracks.len(), said });
    }
    Ok(file)
}

/// The event that ends a track, without the time before it.
const END_MARK: [u8; 3] = [0xff, 0x2f, 0];

/// Where a track's events lie.
#[derive(Clone, Copy)]
struct Body {
    from: usize,
    /// Where they end, as far as lengths and the next chunk agree on it.
    to: usize,
    /// Where the next chunk begins, or the file ends: what lies between is not the track's.
    rest: usize,
    /// The file ends before the length that was said.
    cut: bool,
}

/// The next track from `at` on, which is moved behind it.
fn next_track(bytes: &[u8], at: &mut usize) -> Option<Body> {
    loop {
        let name = bytes.get(*at..*at + 4)?;
        let size = bytes.get(*at + 4..*at + 8).map(|it| u32::from_be_bytes([it[0], it[1], it[2], it[3]]) as usize);
        let Some(size) = size.filter(|_| name.iter().all(u8::is_ascii_graphic)) else {
            // No chunk: the length before was wrong, or something was put in between.
            *at = find(bytes, *at + 1)?;
            continue;
        };
        let from = *at + 8;
        let end = from.saturating_add(size);
        if name != b"MTrk" {
            // A chunk of another kind, which the standard wants stepped over.
            *at = if end <= bytes.len() { end } else { find(bytes, from)? };
            continue;
        }
        let agrees =
            end == bytes.len() || bytes.get(end..end + 4).is_some_and(|it| it.iter().all(u8::is_ascii_graphic));
        let rest = if agrees { end } else { find(bytes, from).unwrap_or(bytes.len()) };
        // Beyond its length a track goes on only where an end mark still comes: what somebody added behind it plays nothing.
        let goes_on = rest <= end || bytes[end - 2..rest].windows(END_MARK.len()).any(|it| it == END_MARK);
        let to = if goes_on { rest } else { end };
        *at = rest;
        return Some(Body { from, to, rest, cut: end > bytes.len() && to == bytes.len() });
    }
}

/// The next track's mark.
fn find(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(4).position(|it| it == b"MTrk").map(|place| from + place)
}

/// A track being read.
struct Track<'a> {
    bytes: &'a [u8],
    at: usize,
    body: Body,
    number: usize,
    ticks: u64,
    status: u8,
    events: Vec<(u64, Event)>,
    notices: Vec<ScoreNotice>,
    /// The first byte and how many, of values above 127 and of bytes without a status.
    clipped: Option<(usize, usize)>,
    skipped: Option<(usize, usize)>,
    /// The same of tempos that are none.
    untimed: Option<(usize, usize)>,
}

/// Why a track is read no further.
enum Stop {
    /// Its end mark.
    End,
    /// Its bytes.
    Over,
    /// A byte that makes no sense.
    Broken(usize),
}

impl<'a> Track<'a> {
    fn new(bytes: &'a [u8], body: Body, number: usize) -> Self {
        let (events, notices) = (Vec::new(), Vec::new());
        let (clipped, skipped, untimed) = (None, None, None);
        Self { bytes, at: body.from, body, number, ticks: 0, status: 0, events, notices, clipped, skipped, untimed }
    }

    fn read(&mut self) {
        let track = self.number;
        let stop = loop {
            // Here a track without an end mark may end, and nothing of it is missing.
            if self.at >= self.body.to {
                break if self.body.cut { Stop::Over } else { Stop::End };
            }
            if let Err(stop) = self.event() {
                break stop;
            }
        };
        if let Some((byte, count)) = self.skipped {
            self.notices.push(ScoreNotice::NoStatus { track, byte, count });
        }
        if let Some((byte, count)) = self.clipped {
            self.notices.push(ScoreNotice::Clipped { track, byte, count });
        }
        if let Some((byte, count)) = self.untimed {
            self.notices.push(ScoreNotice::NoTempo { track, byte, count });
        }
        match stop {
            Stop::End => {
                let left = self.body.rest.saturating_sub(self.at);
                if self.bytes[self.at.min(self.body.rest)..self.body.rest].iter().any(|byte| *byte != 0) {
                    self.notices.push(ScoreNotice::BehindEnd { track, byte: self.at, count: left });
                }
            }
            Stop::Over => self.notices.push(ScoreNotice::CutOff { track, byte: self.body.to }),
            Stop::Broken(byte) => self.notices.push(ScoreNotice::Broken { track, byte }),
        }
        self.at = self.body.rest;
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes[..self.body.to].get(self.at).ok_or(Stop::Over)?;
        self.at += 1;
        Ok(byte)
    }

    /// A number of up to 28 bits, seven a byte.
    fn number(&mut self) -> Result<u32, Stop> {
        let from = self.at;
        let mut number = 0;
        for _ in 0..4 {
            let byte = self.byte()?;
            number = number << 7 | u32::from(byte & 0x7f);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Stop::Broken(from))
    }

    fn event(&mut self) -> Result<(), Stop> {
        self.ticks += u64::from(self.number()?);
        let place = self.at;
        match self.byte()? {
            0xff => self.meta(place),
            0xf0 | 0xf7 => self.exclusive(),
            // Real-time bytes, and the common ones with what belongs to them: no file should have any.
            0xf8..=0xfe | 0xf4..=0xf6 => Ok(()),
            0xf1 | 0xf3 => self.data().map(|_| ()),
            0xf2 => self.data().and_then(|_| self.data()).map(|_| ()),
            status @ 0x80..=0xef => {
                self.status = status;
                self.message()
            }
            _ if self.status == 0 => {
                self.at = place;
                self.without_status();
                Ok(())
            }
            _ => {
                self.at = place;
                self.message()
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.events.push((self.ticks, event));
    }

    fn meta(&mut self, place: usize) -> Result<(), Stop> {
        let kind = self.byte()?;
        let length = self.number()? as usize;
        let Some(body) = self.bytes[..self.body.to].get(self.at..self.at.saturating_add(length)) else {
            return Err(if self.body.cut { Stop::Over } else { Stop::Broken(place) });
        };
        self.at += length;
        match (kind, body) {
            (0x2f, _) => {
                self.tell(Event::Nothing);
                return Err(Stop::End);
            }
            (0x51, [0, 0, 0, ..] | [] | [_] | [_, _]) => {
                self.untimed.get_or_insert((place, 0)).1 += 1;
                self.tell(Event::Nothing);
            }
            (0x51, [a, b, c, ..]) => self.tell(Event::Tempo(u32::from_be_bytes([0, *a, *b, *c]))),
            _ => self.tell(Event::Nothing),
        }
        Ok(())
    }

    /// An exclusive: as long as it says, or, where that leads out of the track, up to its end mark.
    fn exclusive(&mut self) -> Result<(), Stop> {
        let from = self.at;
        let length = self.number()? as usize;
        let rest = &self.bytes[..self.body.to];
        if self.at.saturating_add(length) <= rest.len() {
            self.at += length;
        } else if let Some(end) = rest[from..].iter().position(|byte| *byte == 0xf7) {
            self.at = from + end + 1;
        } else {
            return Err(if self.body.cut { Stop::Over } else { Stop::Broken(from) });
        }
        self.tell(Event::Nothing);
        Ok(())
    }

    /// A byte of data: real-time bytes before it are stepped over, a value above 127 is clipped.
    fn data(&mut self) -> Result<u8, Stop> {
        loop {
            let byte = self.byte()?;
            match byte {
                0xf8..=0xfe => {}
                0x80..=0xff => {
                    self.clipped.get_or_insert((self.at - 1, 0)).1 += 1;
                    return Ok(127);
                }
                _ => return Ok(byte),
            }
        }
    }

    fn message(&mut self) -> Result<(), Stop> {
        let (kind, channel) = (self.status & 0xf0, self.status & 0x0f);
        let first = self.data()?;
        if kind == 0xc0 {
            self.tell(Event::Message(Message::Program { channel, number: first }));
            return Ok(());
        }
        if kind == 0xd0 {
            self.tell(Event::Message(Message::Pressure { channel, value: first }));
            return Ok(());
        }
        let second = self.data()?;
        self.tell(Event::Message(match kind {
            0x80 => Message::NoteOff { channel, note: first },
            0x90 if second == 0 => Message::NoteOff { channel, note: first },
            0x90 => Message::NoteOn { channel, note: first, velocity: second },
            0xa0 => Message::PolyPressure { channel, note: first, value: second },
            0xb0 => Message::Cc { channel, number: first, value: second },
            _ => Message::Bend { channel, value: u16::from(second) << 7 | u16::from(first) },
        }));
        Ok(())
    }

    /// Data before any status: as many bytes are left out as let the next event begin with one; two, if nothing else helps.
    fn without_status(&mut self) {
        let rest = &self.bytes[self.at..self.body.to];
        let begins = |count: usize| {
            let data = rest.get(..count).is_some_and(|it| it.iter().all(|byte| *byte < 0x80));
            let delta = rest.get(count..).unwrap_or_default().iter().take(4).position(|byte| *byte < 0x80);
            data && delta.is_some_and(|it| rest.get(count + it + 1).is_some_and(|byte| *byte >= 0x80))
        };
        let count = [2, 1, 3].into_iter().find(|it| begins(*it)).unwrap_or(2).min(rest.len());
        self.skipped.get_or_insert((self.at, 0)).1 += count;
        self.at += count;
    }
}
