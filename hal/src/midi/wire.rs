//! The MIDI 1.0 wire: bytes to messages, one byte at a time.
//!
//! Running status is kept, real-time bytes may stand inside any message, system exclusive is skipped whatever its length,
//! and a byte that belongs to nothing is passed over: a controller plugged in mid-message must not confuse what follows.
//! No byte sequence makes it fail, allocate or grow.

use crate::gesture::Transport;

/// One message. Channels are 0 to 15 here, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A note went down; velocity 1 to 127 (a velocity of 0 arrives as [`Message::NoteOff`]).
    NoteOn {
        /// 0 to 15.
        channel: u8,
        /// 0 to 127.
        note: u8,
        /// 1 to 127.
        velocity: u8,
    },
    /// A note came up.
    NoteOff {
        /// 0 to 15.
        channel: u8,
        /// 0 to 127.
        note: u8,
    },
    /// A control change.
    Cc {
        /// 0 to 15.
        channel: u8,
        /// 0 to 127.
        number: u8,
        /// 0 to 127.
        value: u8,
    },
    /// A program change.
    Program {
        /// 0 to 15.
        channel: u8,
        /// 0 to 127.
        number: u8,
    },
    /// Pressure of a channel.
    Pressure {
        /// 0 to 15.
        channel: u8,
        /// 0 to 127.
        value: u8,
    },
    /// Pressure of a single pad or key.
    PolyPressure {
        /// 0 to 15.
        channel: u8,
        /// 0 to 127.
        note: u8,
        /// 0 to 127.
        value: u8,
    },
    /// Pitch bend, 0 to 16383, middle 8192.
    Bend {
        /// 0 to 15.
        channel: u8,
        /// 0 to 16383.
        value: u16,
    },
    /// Clock and transport.
    Transport(Transport),
}

/// The parser's memory: four bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wire {
    /// Status under which data bytes are read; 0 for none.
    status: u8,
    /// The first data byte of two, once it is there.
    first: Option<u8>,
}

impl Wire {
    /// Takes one byte; answers the message that it completed.
    pub fn feed(&mut self, byte: u8) -> Option<Message> {
        match byte {
            // Real-time bytes leave everything as it is.
            0xf8..=0xff => real_time(byte),
            0x80..=0xf7 => {
                // A tune request and the end of an exclusive have no data; neither leaves a running status.
                self.status = if matches!(byte, 0xf4..=0xf7) { 0 } else { byte };
                self.first = None;
                None
            }
            0x00..=0x7f => self.data(byte),
        }
    }

    fn data(&mut self, byte: u8) -> Option<Message> {
        let (kind, channel) = (self.status & 0xf0, self.status & 0x0f);
        if kind == 0xc0 {
            return Some(Message::Program { channel, number: byte });
        }
        if kind == 0xd0 {
            return Some(Message::Pressure { channel, value: byte });
        }
        let two = matches!(kind, 0x80 | 0x90 | 0xa0 | 0xb0 | 0xe0) || self.status == 0xf2;
        if !two {
            // No status yet, inside an exclusive, or a quarter frame or song select, which nobody binds.
            return None;
        }
        let Some(first) = self.first.take() else {
            self.first = Some(byte);
            return None;
        };
        let fourteen = u16::from(byte) << 7 | u16::from(first);
        match kind {
            0x80 => Some(Message::NoteOff { channel, note: first }),
            0x90 if byte == 0 => Some(Message::NoteOff { channel, note: first }),
            0x90 => Some(Message::NoteOn { channel, note: first, velocity: byte }),
            0xa0 => Some(Message::PolyPressure { channel, note: first, value: byte }),
            0xb0 => Some(Message::Cc { channel, number: first, value: byte }),
            0xe0 => Some(Message::Bend { channel, value: fourteen }),
            0xf0 => {
                self.status = 0; // system messages have no running status
                Some(Message::Transport(Transport::Position(fourteen)))
            }
            _ => None,
        }
    }
}

const fn real_time(byte: u8) -> Option<Message> {
    match byte {
        0xf8 => Some(Message::Transport(Transport::Clock)),
        0xfa => Some(Message::Transport(Transport::Start)),
        0xfb => Some(Message::Transport(Transport::Continue)),
        0xfc => Some(Message::Transport(Transport::Stop)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Wire};
    use crate::gesture::Transport;
    use proptest::prelude::*;

    fn heard(bytes: &[u8]) -> Vec<Message> {
        let mut wire = Wire::default();
        bytes.iter().filter_map(|byte| wire.feed(*byte)).collect()
    }

    const KNOB: Message = Message::Cc { channel: 0, number: 7, value: 100 };

    #[test]
    fn a_status_runs_on_until_the_next() {
        let heard = heard(&[0xb0, 7, 100, 7, 101, 0xc3, 5, 6, 0xe1, 0, 64]);
        assert_eq!(heard[..2], [KNOB, Message::Cc { channel: 0, number: 7, value: 101 }]);
        assert_eq!(
            heard[2..4],
            [Message::Program { channel: 3, number: 5 }, Message::Program { channel: 3, number: 6 }]
        );
        assert_eq!(heard[4..], [Message::Bend { channel: 1, value: 8192 }]);
    }

    #[test]
    fn a_clock_inside_a_message_leaves_it_whole() {
        assert_eq!(
            heard(&[0xb0, 0xf8, 7, 0xf8, 100]),
            vec![Message::Transport(Transport::Clock), Message::Transport(Transport::Clock), KNOB]
        );
    }

    #[test]
    fn an_exclusive_is_skipped_with_whatever_is_in_it() {
        assert_eq!(heard(&[0xf0, 0x7e, 7, 100, 1, 2, 3, 0xf7, 7, 100, 0xb0, 7, 100]), vec![KNOB]);
        assert_eq!(heard(&[0xf0, 1, 2, 0xb0, 7, 100]), vec![KNOB], "cut off by the next status");
        assert_eq!(heard(&[0xf0, 1, 0xfa, 2, 0xf7]), vec![Message::Transport(Transport::Start)]);
    }

    #[test]
    fn data_without_a_status_is_passed_over() {
        assert_eq!(heard(&[7, 100, 0xb0, 7, 100]), vec![KNOB]);
        assert_eq!(heard(&[0xf1, 3, 7, 100, 0xf3, 1, 9, 0xb0, 7, 100]), vec![KNOB]);
    }

    #[test]
    fn a_half_message_is_dropped_by_the_next_status() {
        assert_eq!(heard(&[0xb0, 9, 0xb0, 7, 100]), vec![KNOB]);
    }

    #[test]
    fn a_note_of_velocity_zero_is_a_release() {
        assert_eq!(
            heard(&[0x92, 60, 1, 60, 0, 0x82, 61, 64]),
            vec![
                Message::NoteOn { channel: 2, note: 60, velocity: 1 },
                Message::NoteOff { channel: 2, note: 60 },
                Message::NoteOff { channel: 2, note: 61 }
            ]
        );
    }

    #[test]
    fn pressure_of_one_pad_says_which() {
        assert_eq!(
            heard(&[0xa2, 60, 1, 61, 0]),
            [(60, 1), (61, 0)].map(|(note, value)| Message::PolyPressure { channel: 2, note, value })
        );
    }

    #[test]
    fn a_song_position_leaves_no_running_status() {
        assert_eq!(heard(&[0xf2, 1, 1, 2, 2]), vec![Message::Transport(Transport::Position(129))]);
    }

    proptest! {
        #[test]
        fn after_any_bytes_a_whole_message_is_heard(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut wire = Wire::default();
            for byte in bytes {
                wire.feed(byte);
            }
            let heard: Vec<_> = [0xb0, 7, 100].into_iter().filter_map(|byte| wire.feed(byte)).collect();
            prop_assert_eq!(heard, vec![KNOB]);
        }
    }
}
