//! Any transfers of a USB-MIDI device, and any descriptors of it: no panic, values within the protocol, and a whole packet
//! after them is heard. What is heard, packed again, is heard again.
#![no_main]

use std::time::Duration;

use hal::gesture::{Control, Motion, Position};
use hal::midi::message::Whole;
use hal::midi::{Listener, Message, Wire};
use hal::usb::descriptor::{Carriage, Endpoint, Interface, midi};
use hal::usb::packet::{CABLES, Unpacker, pack};

// The first byte: bit 0 pairs all halves, the others are the length of a transfer (0 to 127, 0 read as 128).
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let size = match usize::from(mode >> 1) {
        0 => 128,
        size => size,
    };
    let mut unpacker = Unpacker::default();
    let mut wires = [Wire::default(); CABLES];
    let mut listener = Listener::pairing(if mode & 1 == 1 { u32::MAX } else { 0 });
    let mut stream = Vec::new();
    for transfer in bytes.chunks(size) {
        unpacker.transfer(transfer, |cable, byte| {
            let message = wires[usize::from(cable)].feed(byte);
            for motion in message.into_iter().flat_map(|message| listener.hear(message, Duration::ZERO)) {
                match motion {
                    Motion::Turned(_, Position::Seven(value)) => assert!(value < 128),
                    Motion::Turned(_, Position::Fourteen(value)) => assert!(value < 16_384),
                    Motion::Pressed(_, force) => assert!((1..128).contains(&force)),
                    _ => {}
                }
            }
            if cable == 0 {
                stream.push(byte);
            }
        });
    }
    let mut heard: Vec<Message> = Vec::new();
    unpacker.transfer(&[0x09, 0x95, 60, 1], |_, byte| heard.extend(wires[0].feed(byte)));
    let motions: Vec<Motion> = listener.hear(heard[0], Duration::ZERO).collect();
    assert_eq!(motions, [Motion::Pressed(Control::Note { channel: 6, number: 60 }, 1)]);

    let (mut whole, mut packets, mut messages) = (Whole::default(), Vec::new(), Vec::new());
    for byte in stream {
        if let Some(message) = whole.feed(byte) {
            messages.extend_from_slice(message);
            pack(0, message, &mut packets);
        }
    }
    let (mut again, mut back) = (Unpacker::default(), Vec::new());
    again.transfer(&packets, |_, byte| back.push(byte));
    // The four statuses that mean nothing have no packet of their own, and a stream has no message of them.
    assert_eq!((back, again), (messages, Unpacker::default()));

    let extra = bytes.to_vec();
    let input = Endpoint { address: 0x81, carriage: Carriage::Bulk, extra: extra.clone() };
    let interface = Interface { class: 1, subclass: 3, endpoints: vec![input], extra, ..Interface::default() };
    if let Some(pipe) = midi(&[interface]).and_then(|it| it.input) {
        assert!((1..=16).contains(&pipe.cables));
    }
});
