//! Any bytes on the MIDI wire: no panic, values within the protocol, and a whole message after them is heard.
#![no_main]

use std::time::Duration;

use hal::gesture::{Control, Motion, Position};
use hal::midi::{Listener, Message, Wire};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let mut wire = Wire::default();
    let mut listener = Listener::pairing(if mode & 1 == 1 { u32::MAX } else { 0 });
    let check = |motion: &Motion| match motion {
        Motion::Turned(_, Position::Seven(value)) => assert!(*value < 128),
        Motion::Turned(_, Position::Fourteen(value)) => assert!(*value < 16_384),
        Motion::Pressed(_, force) => assert!((1..128).contains(force)),
        _ => {}
    };
    let mut now = Duration::ZERO;
    for byte in bytes {
        now += Duration::from_millis(u64::from(*byte));
        while let Some((at, motion)) = listener.overdue(now) {
            assert!(at <= now);
            check(&motion);
        }
        let message = wire.feed(*byte);
        message.into_iter().flat_map(|message| listener.hear(message, now)).for_each(|it| check(&it));
    }
    let heard: Vec<Message> = [0x95, 60, 1].into_iter().filter_map(|byte| wire.feed(byte)).collect();
    let motions: Vec<Motion> = listener.hear(heard[0], now).collect();
    assert_eq!(motions, [Motion::Pressed(Control::Note { channel: 6, number: 60 }, 1)]);
});
