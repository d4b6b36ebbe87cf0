//! Messages to motions: pairs of 7 bits become 14 where the device sends pairs.
//!
//! Non-registered parameters (99, 98, then 6 and 38) are unmistakable and always heard as such. Control changes 0 to 31
//! are paired with 32 to 63 only where asked for: many controllers use those numbers for knobs of their own.

use super::Message;
use crate::gesture::{Control, Motion, Position};

/// The numbers by which a non-registered parameter is chosen and moved.
const DATA_HIGH: u8 = 6;
const DATA_LOW: u8 = 38;
const NRPN_LOW: u8 = 98;
const NRPN_HIGH: u8 = 99;
const RPN_LOW: u8 = 100;
const RPN_HIGH: u8 = 101;
/// The registered or non-registered number that chooses nothing.
const NOTHING: u8 = 127;

/// A 14-bit value of which the low half may or may not come.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    high: Option<u8>,
    /// The device has shown that it sends no low halves.
    coarse: bool,
}

impl Pair {
    /// A high half: told at once only where no low half is to be expected, since a value without it would jump back.
    fn high(&mut self, value: u8) -> Option<u16> {
        self.coarse |= self.high.is_some();
        self.high = Some(value);
        self.coarse.then_some(u16::from(value) << 7)
    }

    fn low(&mut self, value: u8, last: u8) -> u16 {
        self.coarse = false;
        u16::from(self.high.take().unwrap_or(last)) << 7 | u16::from(value)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    nrpn: [Option<u8>; 2],
    data: Pair,
    data_high: u8,
}

/// The memory of one port.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Bit n: control change n is the high half of a pair with n + 32.
    paired: u32,
    channels: [Channel; 16],
    pairs: [[(Pair, u8); 32]; 16],
}

impl Default for Listener {
    fn default() -> Self {
        Self::pairing(0)
    }
}

impl Listener {
    /// Hears control changes n (bit n of `paired`, 0 to 31) and n + 32 as one 14-bit control n.
    #[must_use]
    pub fn pairing(paired: u32) -> Self {
        Self { paired, channels: [Channel::default(); 16], pairs: [[(Pair::default(), 0); 32]; 16] }
    }

    /// The motion that a message completes.
    pub fn hear(&mut self, message: Message) -> Option<Motion> {
        match message {
            Message::NoteOn { channel, note, velocity } => {
                Some(Motion::Pressed(Control::Note { channel: channel + 1, number: note }, velocity))
            }
            Message::NoteOff { channel, note } => {
                Some(Motion::Released(Control::Note { channel: channel + 1, number: note }))
            }
            Message::Program { channel, number } => {
                Some(Motion::Pressed(Control::Program { channel: channel + 1, number }, 127))
            }
            Message::Pressure { channel, value } => {
                Some(Motion::Turned(Control::Pressure { channel: channel + 1 }, Position::Seven(value)))
            }
            Message::Bend { channel, value } => {
                Some(Motion::Turned(Control::Bend { channel: channel + 1 }, Position::Fourteen(value)))
            }
            Message::Transport(transport) => Some(Motion::Transport(transport)),
            Message::Cc { channel, number, value } => self.control_change(channel & 15, number, value),
        }
    }

    fn control_change(&mut self, channel: u8, number: u8, value: u8) -> Option<Motion> {
        let state = &mut self.channels[usize::from(channel)];
        match number {
            NRPN_HIGH => state.choose(1, value),
            NRPN_LOW => state.choose(0, value),
            // A registered parameter is chosen: data that follows is not ours.
            RPN_LOW | RPN_HIGH => state.nrpn = [None; 2],
            DATA_HIGH | DATA_LOW if state.nrpn != [None; 2] => return state.data(channel, number, value),
            0..=63 if self.paired >> (number % 32) & 1 == 1 => return self.half(channel, number, value),
            _ => return Some(turned(Control::Cc { channel: channel + 1, number }, Position::Seven(value))),
        }
        None
    }

    fn half(&mut self, channel: u8, number: u8, value: u8) -> Option<Motion> {
        let (pair, last) = &mut self.pairs[usize::from(channel)][usize::from(number % 32)];
        let fourteen = if number < 32 {
            *last = value;
            pair.high(value)
        } else {
            Some(pair.low(value, *last))
        };
        let control = Control::Cc { channel: channel + 1, number: number % 32 };
        fourteen.map(|value| turned(control, Position::Fourteen(value)))
    }
}

impl Channel {
    fn choose(&mut self, half: usize, value: u8) {
        self.nrpn[half] = Some(value);
        self.data = Pair { high: None, ..self.data };
        if self.nrpn == [Some(NOTHING); 2] {
            self.nrpn = [None; 2];
        }
    }

    fn data(&mut self, channel: u8, number: u8, value: u8) -> Option<Motion> {
        let [Some(low), Some(high)] = self.nrpn else { return None };
        let fourteen = if number == DATA_HIGH {
            self.data_high = value;
            self.data.high(value)
        } else {
            Some(self.data.low(value, self.data_high))
        };
        let control = Control::Nrpn { channel: channel + 1, number: u16::from(high) << 7 | u16::from(low) };
        fourteen.map(|value| turned(control, Position::Fourteen(value)))
    }
}

const fn turned(control: Control, position: Position) -> Motion {
    Motion::Turned(control, position)
}

#[cfg(test)]
mod tests {
    use super::{Listener, Message};
    use crate::gesture::{Control, Motion, Position};

    fn heard(listener: &mut Listener, changes: &[(u8, u8)]) -> Vec<(Control, Position)> {
        let motions =
            changes.iter().filter_map(|&(number, value)| listener.hear(Message::Cc { channel: 0, number, value }));
        motions
            .map(|motion| match motion {
                Motion::Turned(control, position) => (control, position),
                other => panic!("expected a turn, found {other:?}"),
            })
            .collect()
    }

    const FADER: Control = Control::Cc { channel: 1, number: 1 };
    const BUTTON: Control = Control::Cc { channel: 1, number: 33 };

    #[test]
    fn numbers_above_31_are_knobs_of_their_own_unless_paired() {
        assert_eq!(
            heard(&mut Listener::default(), &[(1, 5), (33, 6)]),
            vec![(FADER, Position::Seven(5)), (BUTTON, Position::Seven(6))]
        );
    }

    #[test]
    fn a_paired_knob_is_told_once_with_all_its_bits() {
        let mut listener = Listener::pairing(1 << 1);
        assert_eq!(heard(&mut listener, &[(1, 64), (33, 1)]), vec![(FADER, Position::Fourteen(64 << 7 | 1))]);
        assert_eq!(heard(&mut listener, &[(33, 2)]), vec![(FADER, Position::Fourteen(64 << 7 | 2))]);
    }

    #[test]
    fn a_paired_knob_that_sends_no_low_half_is_still_heard() {
        let mut listener = Listener::pairing(1 << 1);
        assert_eq!(
            heard(&mut listener, &[(1, 64), (1, 65), (1, 66)]),
            vec![(FADER, Position::Fourteen(65 << 7)), (FADER, Position::Fourteen(66 << 7))]
        );
    }

    #[test]
    fn a_non_registered_parameter_is_one_control() {
        let control = Control::Nrpn { channel: 1, number: 3 << 7 | 4 };
        let told = heard(&mut Listener::default(), &[(99, 3), (98, 4), (6, 10), (38, 11), (6, 12), (38, 0)]);
        assert_eq!(told, vec![(control, Position::Fourteen(10 << 7 | 11)), (control, Position::Fourteen(12 << 7))]);
    }

    #[test]
    fn data_entry_after_nothing_was_chosen_is_a_knob() {
        let knob = (Control::Cc { channel: 1, number: 6 }, Position::Seven(10));
        assert_eq!(heard(&mut Listener::default(), &[(6, 10)]), vec![knob]);
        let told = heard(&mut Listener::default(), &[(99, 3), (98, 4), (99, 127), (98, 127), (6, 10)]);
        assert_eq!(told, vec![knob]);
    }
}
