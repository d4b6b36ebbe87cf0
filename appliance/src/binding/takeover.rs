//! How a knob takes hold of a value, and how an encoder says which way it went.

use engine::param::{ParamId, Store};
use hal::gesture::Position;

/// How near a knob must come to its value to take hold: 3 of 128 places, as stage software has it.
const NEAR: f64 = 3.0 / 128.0;

/// When a knob begins to move its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takeover {
    /// When it comes by the value.
    #[default]
    Pickup,
    /// With the second thing it says. (Never with the first after a connect: that is the device, not a hand.)
    Jump,
}

/// What 7 bits of a control change mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// A place, 0 to 127.
    #[default]
    Absolute,
    /// Up 1 to 64, down 127 to 65.
    TwosComplement,
    /// Up 65 to 127, down 63 to 1.
    BinaryOffset,
    /// Up 1 to 64, down 65 to 127.
    SignBit,
    /// Up 65 to 127, down 1 to 64.
    SignBit2,
}

impl Encoding {
    /// Detents that the position stands for, up positive; `None` for a place.
    #[must_use]
    pub fn detents(self, position: Position) -> Option<i32> {
        let value = match position {
            Position::Detents(detents) => return Some(detents),
            Position::Seven(value) => i32::from(value),
            Position::Fourteen(_) => return None,
        };
        match self {
            Self::Absolute => None,
            Self::TwosComplement => Some(if value <= 64 { value } else { value - 128 }),
            Self::BinaryOffset => Some(if value == 0 { 0 } else { value - 64 }),
            Self::SignBit => Some(if value <= 64 { value } else { 64 - value }),
            Self::SignBit2 => Some(if value <= 64 { -value } else { value - 64 }),
        }
    }
}

/// What is known of one knob.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Knob {
    /// Where it last stood.
    last: Option<f64>,
    /// The value's position that it last set, while it has hold.
    held: Option<f64>,
    /// The store's count of jumps when it was last turned.
    jumps: u64,
}

impl Knob {
    /// Whether a knob that now stands at `place` may set the value.
    pub fn takes_hold(&mut self, place: f64, id: ParamId, store: &Store, takeover: Takeover) -> bool {
        let value = store.position(id);
        let moved_by_others = self.held.is_some_and(|held| (held - value).abs() > NEAR);
        if self.jumps != store.jumps() || moved_by_others {
            self.held = None;
            self.jumps = store.jumps();
        }
        let Some(last) = self.last.replace(place) else { return false };
        if self.held.is_some() || takeover == Takeover::Jump {
            return true;
        }
        let row = id.row();
        let near = (place - value).abs() <= NEAR;
        let crossed = (last - value) * (place - value) <= 0.0;
        // A choice has no near: the knob is there when it points at it.
        let points_at_it = row.labels().is_some() && row.at(place) == store.value(id);
        near || crossed || points_at_it
    }

    /// It has set the value, which now stands at `position`.
    pub fn holds_at(&mut self, position: f64) {
        self.held = Some(position);
    }

    /// Whether it went from the lower half of its travel to the upper: a button going down.
    pub fn went_down(&mut self, place: f64) -> bool {
        let before = self.last.replace(place);
        place >= 0.5 && before.is_none_or(|before| before < 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding;
    use hal::gesture::Position;

    #[test]
    fn every_encoding_knows_up_from_down() {
        let detents = |encoding: Encoding, value| encoding.detents(Position::Seven(value));
        for (encoding, up, three_up, down, three_down) in [
            (Encoding::TwosComplement, 1, 3, 127, 125),
            (Encoding::BinaryOffset, 65, 67, 63, 61),
            (Encoding::SignBit, 1, 3, 65, 67),
            (Encoding::SignBit2, 65, 67, 1, 3),
        ] {
            let found = [up, three_up, down, three_down].map(|value| detents(encoding, value));
            assert_eq!(found, [Some(1), Some(3), Some(-1), Some(-3)], "{encoding:?}");
        }
        assert_eq!(detents(Encoding::Absolute, 5), None);
    }
}
