//! Hands that nobody has: they move one parameter of each class a little, in turn, at moments that have nothing to do with ticks,
//! periods or windows.
//!
//! Moves are small, so that no limit of speed delays them, and go to and fro, so that every one of them is a change.

use std::time::Duration;

use engine::param::{Class, ParamId};
use hal::gesture::{Clock, Control, Gesture, Motion, Position, Surface, SurfaceError, SurfaceId};

use crate::control::binding::MAIN;

/// What they move: one of each class that a hand is heard by.
pub(super) const MOVED: [(Class, ParamId); 3] =
    [(Class::Step, ParamId::SourceBlend), (Class::Slot, ParamId::Denoise), (Class::Decode, ParamId::TapeFeedback)];
/// From hand to hand, in milliseconds: at least, and how much more at most. Longer than a tick, and no multiple of anything.
const GAP_MS: [u64; 2] = [130, 470];
/// Where on the knob they are, one and the other.
const PLACES: [u8; 2] = [20, 23];

/// Hands on a clock.
pub(super) struct Hands<C> {
    clock: C,
    random: u64,
    left: usize,
    moved: usize,
    next: Duration,
}

impl<C: Clock> Hands<C> {
    /// So many moves of each class, from now on.
    pub(super) fn new(clock: C, each: usize) -> Self {
        let next = clock.now() + Duration::from_millis(GAP_MS[0]);
        Self { clock, random: 9, left: each * MOVED.len(), moved: 0, next }
    }

    fn gap(&mut self) -> Duration {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros(GAP_MS[0] * 1_000 + (self.random >> 33) % (GAP_MS[1] * 1_000))
    }
}

impl<C: Clock + Send> Surface for Hands<C> {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let now = self.clock.now();
        let due = self.left > 0 && self.next <= now + patience;
        self.clock.wait(if due { self.next.saturating_sub(now) } else { patience });
        if !due {
            return Ok(None);
        }
        let (_, id) = MOVED[self.moved % MOVED.len()];
        let place = PLACES[self.moved / MOVED.len() % PLACES.len()];
        (self.left, self.moved) = (self.left - 1, self.moved + 1);
        let at = self.clock.now();
        self.next = at + self.gap();
        let motion = Motion::Turned(control(id), Position::Seven(place));
        Ok(Some(Gesture { at, surface: SurfaceId::SCORE, motion }))
    }
}

/// The control that moves it on the usual map.
fn control(id: ParamId) -> Control {
    let place = MAIN.iter().position(|it| *it == id).expect("a main parameter");
    Control::Cc { channel: 1, number: place as u8 + 1 }
}

/// What a gesture of such hands moves.
pub(super) fn class_of(gesture: &Gesture) -> Option<Class> {
    let Motion::Turned(moved, _) = gesture.motion else { return None };
    MOVED.iter().find(|it| control(it.1) == moved).map(|it| it.0)
}

#[cfg(test)]
mod tests {
    use super::{GAP_MS, Hands, MOVED, class_of};
    use hal::gesture::{Surface as _, VirtualClock};
    use std::time::Duration;

    #[test]
    fn each_class_is_moved_as_often_as_asked_in_turn_and_never_twice_to_one_place() {
        let mut hands = Hands::new(VirtualClock::default(), 40);
        let (mut all, mut idle) = (Vec::new(), 0);
        while idle < 100 {
            match hands.next_gesture(Duration::from_millis(100)).expect("they do not err") {
                Some(gesture) => {
                    idle = 0;
                    all.push(gesture);
                }
                None => idle += 1,
            }
        }
        assert_eq!(all.len(), 3 * 40);
        for (place, gesture) in all.iter().enumerate() {
            assert_eq!(class_of(gesture), Some(MOVED[place % 3].0));
        }
        for pair in all.windows(4) {
            assert_ne!(pair[0].motion, pair[3].motion, "a move that changes nothing cannot be followed");
            let gap = pair[1].at - pair[0].at;
            assert!(Duration::from_millis(GAP_MS[0]) <= gap && gap < Duration::from_millis(GAP_MS[0] + GAP_MS[1]));
        }
        assert!(MOVED.iter().all(|(class, id)| id.row().class == *class));
    }
}
