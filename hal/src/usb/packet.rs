//! Event packets of USB-MIDI 1.0: four bytes, of which the first says which cable and how many of the other three count.
//!
//! A transfer begins with a whole packet, always. So what is cut short, or does not agree with its own first byte, is
//! dropped and counted, and the next packet or transfer is read as if nothing had happened. No byte sequence makes it fail,
//! and it keeps nothing between transfers.

use crate::midi::message::length;

/// Bytes of one packet.
pub const PACKET: usize = 4;
/// Cables of one device.
pub const CABLES: usize = 16;

/// Reads transfers, and counts what had to be dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacker {
    /// Packets that contradicted themselves.
    pub garbled: u64,
    /// Transfers that ended inside a packet.
    pub cut: u64,
}

impl Unpacker {
    /// Reads one transfer; `hear` gets the MIDI bytes in order, each with its cable (0 to 15).
    pub fn transfer(&mut self, bytes: &[u8], mut hear: impl FnMut(u8, u8)) {
        let packets = bytes.chunks_exact(PACKET);
        self.cut += u64::from(!packets.remainder().is_empty());
        for packet in packets {
            match sound(packet) {
                Some(midi) => midi.iter().for_each(|byte| hear(packet[0] >> 4, *byte)),
                None => self.garbled += 1,
            }
        }
    }
}

/// The MIDI bytes of a packet that agrees with its code index; none of a packet that does not.
fn sound(packet: &[u8]) -> Option<&[u8]> {
    let code = packet[0] & 15;
    let midi = &packet[1..];
    let data = |bytes: &[u8]| bytes.iter().all(|byte| *byte < 0x80);
    match code {
        // Set aside for the future, and what devices fill up transfers with.
        0 | 1 => Some(&[]),
        2 => (matches!(midi[0], 0xf1 | 0xf3) && data(&midi[1..2])).then_some(&midi[..2]),
        3 => (midi[0] == 0xf2 && data(&midi[1..])).then_some(midi),
        // An exclusive begins or goes on.
        4 => ((midi[0] == 0xf0 || midi[0] < 0x80) && data(&midi[1..])).then_some(midi),
        // It ends with the first, second or third byte. The first may also be a message of one byte.
        5 => matches!(midi[0], 0xf4..=0xf7).then_some(&midi[..1]),
        6 => ((midi[0] == 0xf0 || midi[0] < 0x80) && midi[1] == 0xf7).then_some(&midi[..2]),
        7 => ((midi[0] == 0xf0 || midi[0] < 0x80) && midi[1] < 0x80 && midi[2] == 0xf7).then_some(midi),
        8..=14 => {
            let size = length(code << 4)?;
            (midi[0] >> 4 == code && data(&midi[1..size])).then_some(&midi[..size])
        }
        // A single byte of any kind: some devices send everything like this.
        _ => Some(&midi[..1]),
    }
}

/// Packs one whole message (with its status; see [`Whole`](crate::midi::message::Whole)) for a cable (0 to 15), and puts the
/// packets after what is in `packets`. What is no whole message is left out.
pub fn pack(cable: u8, message: &[u8], packets: &mut Vec<u8>) {
    let Some(&status) = message.first() else { return };
    let mut put = |code: u8, bytes: &[u8]| {
        let mut packet = [cable << 4 | code, 0, 0, 0];
        packet[1..=bytes.len()].copy_from_slice(bytes);
        packets.extend(packet);
    };
    match (status, length(status)) {
        (0xf0, _) if message.ends_with(&[0xf7]) => {
            for part in message.chunks(3) {
                let code = if part.ends_with(&[0xf7]) { [5, 6, 7][part.len() - 1] } else { 4 };
                put(code, part);
            }
        }
        (0x80..=0xef, Some(length)) if length == message.len() => put(status >> 4, message),
        (0xf1..=0xf3, Some(length)) if length == message.len() => put(if length == 2 { 2 } else { 3 }, message),
        (0xf6, _) if message.len() == 1 => put(5, message),
        (0xf8..=0xff, _) if message.len() == 1 => put(15, message),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::midi::message::{Whole, exclusive};
    use crate::midi::{Message, Wire};
    use proptest::prelude::*;

    fn heard(transfer: &[u8]) -> (Vec<(u8, u8)>, Unpacker) {
        let (mut unpacker, mut bytes) = (Unpacker::default(), Vec::new());
        unpacker.transfer(transfer, |cable, byte| bytes.push((cable, byte)));
        (bytes, unpacker)
    }

    fn on(cable: u8, bytes: &[u8]) -> Vec<(u8, u8)> {
        bytes.iter().map(|byte| (cable, *byte)).collect()
    }

    #[test]
    fn every_code_index_has_its_length() {
        let table: [(&[u8], &[u8]); 13] = [
            (&[0x02, 0xf3, 5, 0], &[0xf3, 5]),
            (&[0x03, 0xf2, 5, 6], &[0xf2, 5, 6]),
            (&[0x04, 0xf0, 1, 2, 0x04, 3, 4, 5, 0x05, 0xf7, 0, 0], &[0xf0, 1, 2, 3, 4, 5, 0xf7]),
            (&[0x06, 0xf0, 0xf7, 0], &[0xf0, 0xf7]),
            (&[0x07, 1, 2, 0xf7], &[1, 2, 0xf7]),
            (&[0x05, 0xf6, 0, 0], &[0xf6]),
            (&[0x08, 0x81, 60, 0], &[0x81, 60, 0]),
            (&[0x09, 0x90, 60, 1], &[0x90, 60, 1]),
            (&[0x0a, 0xa0, 60, 1, 0x0b, 0xb0, 1, 2], &[0xa0, 60, 1, 0xb0, 1, 2]),
            (&[0x0c, 0xc2, 5, 0xff], &[0xc2, 5]),
            (&[0x0d, 0xd2, 5, 0x99], &[0xd2, 5]),
            (&[0x0e, 0xe0, 0, 64], &[0xe0, 0, 64]),
            (&[0x0f, 0xf8, 0, 0, 0, 0, 0, 0], &[0xf8]),
        ];
        for (packets, midi) in table {
            assert_eq!(heard(packets), (on(0, midi), Unpacker::default()), "{packets:x?}");
        }
    }

    #[test]
    fn cables_are_kept_apart() {
        let (bytes, _) = heard(&[0x0b, 0xb0, 1, 2, 0xfb, 0xb0, 3, 4]);
        assert_eq!(bytes, [on(0, &[0xb0, 1, 2]), on(15, &[0xb0, 3, 4])].concat());
    }

    #[test]
    fn a_packet_that_contradicts_itself_is_dropped_and_the_next_is_heard() {
        for wrong in [
            [0x0b, 0x90, 1, 2],
            [0x0b, 0xb0, 1, 0x80],
            [0x0c, 0xc0, 0x80, 0],
            [0x04, 0x90, 1, 2],
            [0x04, 0xf0, 0xb0, 2],
            [0x05, 5, 0, 0],
            [0x06, 1, 2, 0],
            [0x07, 1, 2, 3],
            [0x07, 1, 0xf7, 0xf7],
            [0x02, 0xf2, 0, 0],
            [0x03, 0xf1, 0, 0],
            [0x0e, 0, 0, 0],
        ] {
            let (bytes, unpacker) = heard(&[&wrong[..], &[0x0b, 0xb0, 7, 100]].concat());
            assert_eq!(bytes, on(0, &[0xb0, 7, 100]), "{wrong:x?}");
            assert_eq!(unpacker, Unpacker { garbled: 1, cut: 0 }, "{wrong:x?}");
        }
    }

    #[test]
    fn a_transfer_that_ends_inside_a_packet_does_not_shift_the_next() {
        let (mut unpacker, mut bytes) = (Unpacker::default(), Vec::new());
        unpacker.transfer(&[0x0b, 0xb0, 1, 2, 0x0b, 0xb0], |_, byte| bytes.push(byte));
        unpacker.transfer(&[0x0b, 0xb0, 7, 100], |_, byte| bytes.push(byte));
        assert_eq!((bytes, unpacker.cut), (vec![0xb0, 1, 2, 0xb0, 7, 100], 1));
    }

    #[test]
    fn what_is_no_whole_message_is_not_sent() {
        let mut packets = Vec::new();
        for broken in [&[][..], &[5], &[0xb0, 1], &[0xb0, 1, 2, 3], &[0xf0, 1], &[0xf7], &[0xf4], &[0xf8, 0xf8]] {
            pack(0, broken, &mut packets);
        }
        assert_eq!(packets, Vec::<u8>::new());
    }

    fn message() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            (0x80u8..0xf0, 0u8..128, 0u8..128).prop_map(|(status, first, second)| {
                [status, first, second][..length(status).expect("a channel message")].to_vec()
            }),
            prop::collection::vec(0u8..128, 0..20).prop_map(|inside| exclusive(&inside)),
            (0u8..128, 0u8..128).prop_map(|(low, high)| vec![0xf2, low, high]),
            (0u8..128).prop_map(|song| vec![0xf3, song]),
            prop::sample::select(vec![vec![0xf6], vec![0xf8], vec![0xfa], vec![0xfc], vec![0xfe]]),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_is_what_is_unpacked(
            messages in prop::collection::vec(message(), 0..20), cable in 0u8..16,
        ) {
            let mut packets = Vec::new();
            messages.iter().for_each(|message| pack(cable, message, &mut packets));
            let (bytes, unpacker) = heard(&packets);
            prop_assert_eq!(unpacker, Unpacker::default());
            prop_assert!(bytes.iter().all(|(from, _)| *from == cable));
            let mut whole = Whole::default();
            let read: Vec<Vec<u8>> =
                bytes.iter().filter_map(|(_, byte)| whole.feed(*byte).map(<[u8]>::to_vec)).collect();
            prop_assert_eq!(read, messages);
        }

        #[test]
        fn after_any_transfers_a_whole_packet_is_heard(
            transfers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..10),
        ) {
            let (mut unpacker, mut wire) = (Unpacker::default(), Wire::default());
            for transfer in transfers {
                unpacker.transfer(&transfer, |_, byte| { wire.feed(byte); });
            }
            let mut heard = Vec::new();
            unpacker.transfer(&[0x0b, 0xb0, 7, 100], |_, byte| heard.extend(wire.feed(byte)));
            prop_assert_eq!(heard, vec![Message::Cc { channel: 0, number: 7, value: 100 }]);
        }
    }
}
