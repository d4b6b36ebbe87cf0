//! An ear: bytes of one controller in, its gestures out. Every live transport has one for each controller.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
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

    /// Takes one byte, which came at `now`; answers the gestures that it made known.
    pub(crate) fn hear(&mut self, byte: u8, now: Duration) -> impl Iterator<Item = Gesture> + use<> {
        let surface = self.surface;
        let message = self.wire.feed(byte);
        // A half that has waited long enough is told before what came after it.
        let mut told: Vec<Gesture> = message.map_or_else(Vec::new, |_| self.overdue(now));
        let heard = message.map(|message| self.listener.hear(message, now));
        told.extend(heard.into_iter().flatten().map(|motion| Gesture { at: now, surface, motion }));
        told.into_iter()
    }

    /// Halves that have waited long enough for the other half.
    fn overdue(&mut self, now: Duration) -> Vec<Gesture> {
        let surface = self.surface;
        let told = std::iter::from_fn(|| self.listener.overdue(now));
        told.map(|(at, motion)| Gesture { at, surface, motion }).collect()
    }
}

/// An ear that its transport's thread hears with, and that the surface looks at while nothing comes.
pub(crate) type SharedEar = Arc<Mutex<Ear>>;

/// All ears of a transport. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Ears(Arc<Mutex<Vec<Weak<Mutex<Ear>>>>>);

impl Ears {
    /// Adds an ear, for as long as somebody else has it too.
    pub(crate) fn add(&self, ear: Ear) -> SharedEar {
        let ear = Arc::new(Mutex::new(ear));
        lock(&self.0).push(Arc::downgrade(&ear));
        ear
    }

    /// Halves that have waited long enough for the other half by `now`, and whether others still wait.
    pub(crate) fn overdue(&self, now: Duration) -> (Vec<Gesture>, bool) {
        let (mut told, mut waiting) = (Vec::new(), false);
        lock(&self.0).retain(|ear| {
            let Some(ear) = ear.upgrade() else { return false };
            let mut ear = lock(&ear);
            told.extend(ear.overdue(now));
            waiting |= ear.listener.waits_until().is_some();
            true
        });
        (told, waiting)
    }
}

/// Takes a lock whose holder may have panicked: an ear is whole after every byte.
pub(crate) fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
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
        let told: Vec<_> = bytes.iter().flat_map(|byte| ear.hear(*byte, Duration::from_millis(7))).collect();
        let knob = Control::Cc { channel: 1, number: 1 };
        let motions: Vec<_> = told.iter().map(|it| (it.at.as_millis(), it.surface, it.motion.clone())).collect();
        assert_eq!(motions, [2, 3].map(|to| (7, SurfaceId(5), Motion::Turned(knob, Position::Seven(to)))));
    }
}
