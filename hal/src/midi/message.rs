//! MIDI messages going out: their bytes, and whole messages cut from a stream of bytes.
//!
//! Channels are 1 to 16 here, as on the panel and in [`Control`](crate::gesture::Control); numbers and values are taken
//! modulo what the wire carries, so that no argument can make a data byte look like a status. Nothing here sends.

use crate::gesture::Transport;

/// One of 24 in a quarter note.
pub const CLOCK: u8 = 0xf8;
/// From the beginning.
pub const START: u8 = 0xfa;
/// From where it stopped.
pub const CONTINUE: u8 = 0xfb;
/// Stop.
pub const STOP: u8 = 0xfc;

/// Bytes of one exclusive that [`Whole`] keeps; a longer one is dropped whole. Controllers' own dumps are below 64 KiB.
const LONGEST_EXCLUSIVE: usize = 1 << 16;

/// A control change: channel 1 to 16, number and value 0 to 127.
#[must_use]
pub const fn cc(channel: u8, number: u8, value: u8) -> [u8; 3] {
    [status(0xb0, channel), number & 127, value & 127]
}

/// A note that goes down: channel 1 to 16, note 0 to 127, velocity 1 to 127. Velocity 0 is a release to every receiver.
#[must_use]
pub const fn note_on(channel: u8, note: u8, velocity: u8) -> [u8; 3] {
    [status(0x90, channel), note & 127, velocity & 127]
}

/// A note that comes up: channel 1 to 16, note 0 to 127.
#[must_use]
pub const fn note_off(channel: u8, note: u8) -> [u8; 3] {
    [status(0x80, channel), note & 127, 0]
}

/// A program change: channel 1 to 16, program 0 to 127.
#[must_use]
pub const fn program(channel: u8, number: u8) -> [u8; 2] {
    [status(0xc0, channel), number & 127]
}

/// Pressure of a channel: channel 1 to 16, value 0 to 127.
#[must_use]
pub const fn pressure(channel: u8, value: u8) -> [u8; 2] {
    [status(0xd0, channel), value & 127]
}

/// Pressure of one note: channel 1 to 16, note and value 0 to 127.
#[must_use]
pub const fn poly_pressure(channel: u8, note: u8, value: u8) -> [u8; 3] {
    [status(0xa0, channel), note & 127, value & 127]
}

/// Pitch bend, which also moves motor faders: channel 1 to 16, value 0 to 16383, middle 8192.
#[must_use]
pub const fn bend(channel: u8, value: u16) -> [u8; 3] {
    [status(0xe0, channel), low(value), high(value)]
}

/// A 14-bit control change as its two halves, high one first: channel 1 to 16, number 0 to 31, value 0 to 16383.
#[must_use]
pub const fn cc14(channel: u8, number: u8, value: u16) -> [u8; 6] {
    let (status, number) = (status(0xb0, channel), number & 31);
    [status, number, high(value), status, number + 32, low(value)]
}

/// An exclusive of its inner bytes, with its start and end around them; a byte above 127 loses its top bit.
#[must_use]
pub fn exclusive(inside: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(inside.len() + 2);
    bytes.push(0xf0);
    bytes.extend(inside.iter().map(|byte| byte & 127));
    bytes.push(0xf7);
    bytes
}

/// Clock and transport; positions in sixteenths, 0 to 16383.
#[must_use]
pub fn transport(transport: Transport) -> Vec<u8> {
    match transport {
        Transport::Clock => vec![CLOCK],
        Transport::Start => vec![START],
        Transport::Continue => vec![CONTINUE],
        Transport::Stop => vec![STOP],
        Transport::Position(sixteenths) => vec![0xf2, low(sixteenths), high(sixteenths)],
    }
}

const fn status(kind: u8, channel: u8) -> u8 {
    kind | (channel.wrapping_sub(1) & 15)
}

const fn low(value: u16) -> u8 {
    (value & 127) as u8
}

const fn high(value: u16) -> u8 {
    (value >> 7 & 127) as u8
}

/// Cuts a stream into whole messages, each with its status: what sequencers and USB packets are made of.
///
/// Running status is written out; a real-time byte inside a message comes out before it; what is cut off or belongs to
/// nothing is dropped. Keeps at most one exclusive of 64 KiB.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    bytes: Vec<u8>,
    /// What was in `bytes` has been given out.
    told: bool,
    real_time: [u8; 1],
}

impl Whole {
    /// Takes one byte; answers the message that it completed.
    pub fn feed(&mut self, byte: u8) -> Option<&[u8]> {
        if byte >= 0xf8 {
            self.real_time = [byte];
            return Some(&self.real_time);
        }
        if std::mem::take(&mut self.told) {
            self.keep_running_status();
        }
        match byte {
            0xf7 if self.bytes.first() == Some(&0xf0) => self.bytes.push(byte),
            // The end of nothing, and statuses that mean nothing.
            0xf4 | 0xf5 | 0xf7 => self.bytes.clear(),
            0x80..=0xff => {
                self.bytes.clear();
                self.bytes.push(byte);
            }
            _ if self.bytes.is_empty() => {}
            _ if self.bytes.len() >= LONGEST_EXCLUSIVE => self.bytes.clear(),
            _ => self.bytes.push(byte),
        }
        self.told = self.bytes.first().is_some_and(|status| match length(*status) {
            Some(length) => self.bytes.len() == length,
            None => byte == 0xf7,
        });
        self.told.then_some(&self.bytes)
    }

    fn keep_running_status(&mut self) {
        let runs_on = self.bytes.first().is_some_and(|status| *status < 0xf0);
        self.bytes.truncate(usize::from(runs_on));
    }
}

/// Bytes of a message by its status; an exclusive has its own end.
pub(crate) const fn length(status: u8) -> Option<usize> {
    match status {
        0xf0 => None,
        0xc0..=0xdf | 0xf1 | 0xf3 => Some(2),
        0xf6 | 0xf8..=0xff => Some(1),
        _ => Some(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::midi::{Message, Wire};
    use proptest::prelude::*;

    fn heard(bytes: &[u8]) -> Vec<Message> {
        let mut wire = Wire::default();
        bytes.iter().filter_map(|byte| wire.feed(*byte)).collect()
    }

    fn whole(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut whole = Whole::default();
        bytes.iter().filter_map(|byte| whole.feed(*byte).map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        assert_eq!(heard(&cc(16, 7, 100)), vec![Message::Cc { channel: 15, number: 7, value: 100 }]);
        assert_eq!(heard(&note_on(1, 60, 1)), vec![Message::NoteOn { channel: 0, note: 60, velocity: 1 }]);
        assert_eq!(heard(&note_off(2, 60)), vec![Message::NoteOff { channel: 1, note: 60 }]);
        assert_eq!(heard(&program(3, 9)), vec![Message::Program { channel: 2, number: 9 }]);
        assert_eq!(heard(&pressure(4, 9)), vec![Message::Pressure { channel: 3, value: 9 }]);
        assert_eq!(heard(&poly_pressure(5, 8, 9)), vec![Message::PolyPressure { channel: 4, note: 8, value: 9 }]);
        assert_eq!(heard(&bend(6, 16_383)), vec![Message::Bend { channel: 5, value: 16_383 }]);
        for it in [Transport::Clock, Transport::Start, Transport::Continue, Transport::Stop, Transport::Position(300)] {
            assert_eq!(heard(&transport(it)), vec![Message::Transport(it)]);
        }
        let halves = [(1, 64), (33, 3)].map(|(number, value)| Message::Cc { channel: 0, number, value });
        assert_eq!(heard(&cc14(1, 1, 64 << 7 | 3)), halves);
    }

    #[test]
    fn no_argument_makes_data_look_like_a_status() {
        let written = [&cc(99, 200, 255)[..], &bend(0, u16::MAX), &exclusive(&[0xf7, 0x90])].concat();
        let statuses: Vec<u8> = written.into_iter().filter(|byte| *byte > 127).collect();
        assert_eq!(statuses, [0xb2, 0xef, 0xf0, 0xf7]);
    }

    #[test]
    fn a_stream_is_cut_into_whole_messages() {
        let cut = whole(&[5, 0xb0, 1, 2, 0xf8, 3, 0xfa, 4, 0xf0, 7, 0xf8, 8, 0xf7, 9, 0xf6, 0xc1, 5, 6, 0xf4, 7]);
        let expected: [&[u8]; 9] = [
            &[0xb0, 1, 2],
            &[0xf8],
            &[0xfa],
            &[0xb0, 3, 4],
            &[0xf8],
            &[0xf0, 7, 8, 0xf7],
            &[0xf6],
            &[0xc1, 5],
            &[0xc1, 6],
        ];
        assert_eq!(cut, expected);
    }

    #[test]
    fn an_exclusive_without_end_is_dropped_and_what_follows_is_whole() {
        let mut bytes = vec![0xf0];
        bytes.resize(3 * LONGEST_EXCLUSIVE, 1);
        bytes.extend([0xf7, 0xb0, 1, 2]);
        assert_eq!(whole(&bytes), [[0xb0, 1, 2]]);
    }

    proptest! {
        #[test]
        fn a_cut_stream_says_what_the_stream_said(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(heard(&whole(&bytes).concat()), heard(&bytes));
        }
    }
}
