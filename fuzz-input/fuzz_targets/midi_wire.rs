//! Any bytes on the MIDI wire: no panic, values within the protocol, and a whole message after them is heard.
#![no_main]

use hal::gesture::{Control, Motion, Position};
use hal::midi::{Listener, Message, Wire};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let mut wire = Wire::default();
    let mut listener = Listener::pairing(if mode & 1 == 1 { u32::MAX } else { 0 });
    for byte in bytes {
        match wire.feed(*byte).and_then(|message| listener.hear(message)) {
            Some(Motion::Turned(_, Position::Seven(value))) => assert!(value < 128),
            Some(Motion::Turned(_, Position::Fourteen(value))) => assert!(value < 16_384),
            Some(Motion::Pressed(_, force)) => assert!((1..128).contains(&force)),
            _ => {}
        }
    }
    let heard: Vec<Message> = [0x95, 60, 1].into_iter().filter_map(|byte| wire.feed(byte)).collect();
    let motion = listener.hear(heard[0]);
    assert_eq!(motion, Some(Motion::Pressed(Control::Note { channel: 6, number: 60 }, 1)));
});
