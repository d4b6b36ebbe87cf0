//! An ear: bytes of one controller in, its gestures out. Every live transport has one for each controller.

use std::time::Duration;

use super::{Listener, Pairing, Wire};
use crate::gesture::{Gesture, SurfaceId};

/// What one connection needs to make gestures of bytes.
pub(crate) struct Ear {
    wire: Wire,
    listener: Listener,
    surface: SurfaceId,
}

impl Ear {
    /// An ear for `surface`, which pairs halves as `pairing` says of it.
    pub(crate) fn of(surface: SurfaceId, pairing: &Pairing) -> Self {
        Self { wire: Wire::default(), listener: Listener::heeding(pairing, surface), surface }
    }

    /// Takes one byte, which came at `now`; answers the gesture that it completed.
    pub(crate) fn hear(&mut self, byte: u8, now: Duration) -> Option<Gesture> {
        let motion = self.wire.feed(byte).and_then(|message| self.listener.hear(message))?;
        Some(Gesture { at: now, surface: self.surface, motion })
    }
}

#[cfg(test)]
mod tests {
    use super::{Ear, Pairing};
    use crate::gesture::{Control, Motion, Position, SurfaceId};
    use std::time::Duration;

    #[test]
    fn a_packet_of_several_messages_is_several_gestures() {
        let mut ear = Ear::of(SurfaceId(5), &Pairing::default());
        let bytes = [0xb0, 1, 2, 1, 3];
        let told: Vec<_> = bytes.iter().filter_map(|byte| ear.hear(*byte, Duration::from_millis(7))).collect();
        let knob = Control::Cc { channel: 1, number: 1 };
        let motions: Vec<_> = told.iter().map(|it| (it.at.as_millis(), it.surface, it.motion.clone())).collect();
        assert_eq!(motions, [2, 3].map(|to| (7, SurfaceId(5), Motion::Turned(knob, Position::Seven(to)))));
    }
}
