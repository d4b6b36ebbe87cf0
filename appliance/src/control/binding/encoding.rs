//! How an encoder says which way it went, and how one tells which of the four ways a knob speaks.

use hal::gesture::Position;

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

/// The encodings by name.
pub const ENCODINGS: [(&str, Encoding); 5] = [
    ("absolute", Encoding::Absolute),
    ("twos-complement", Encoding::TwosComplement),
    ("binary-offset", Encoding::BinaryOffset),
    ("sign-bit", Encoding::SignBit),
    ("sign-bit-2", Encoding::SignBit2),
];

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

/// Messages that a knob must send before its kind is believed: three show whether values repeat or travel.
const ENOUGH: usize = 3;
/// An encoder turned slowly sends at most this many detents in a message.
const SLOW: i32 = 4;

/// What a knob that is "turned slowly left" turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A knob or fader that says where it stands, or an encoder that says which way it went.
    Knob(Encoding),
    /// A button that sends its two ends.
    Button,
}

/// The kind of a control by the 7-bit values that it has sent while it was turned slowly left, or a button while it was
/// pressed; `None` while it cannot be told yet.
///
/// An encoder repeats itself, a place travels. Left tells two encodings apart from their mirror images: 1 is up in the sign
/// bit's way and down in its reverse.
#[must_use]
pub fn detect(heard: &[u8]) -> Option<Kind> {
    let ends = |value: &u8| matches!(value, 0 | 127);
    let (&first, &last) = (heard.first()?, heard.last()?);
    // Pressed and let go: both ends, and nothing between them.
    if heard.iter().all(ends) && first != last {
        return Some(Kind::Button);
    }
    if heard.len() < ENOUGH {
        return None;
    }
    let near = |centre: i32| heard.iter().all(|value| (i32::from(*value) - centre).abs() <= SLOW);
    let mut known = [false; 128];
    let distinct = heard.iter().filter(|value| !std::mem::replace(&mut known[usize::from(**value)], true)).count();
    // Most of an encoder's messages are equal; a place never stays where it is.
    let repeats = distinct * 2 <= heard.len() + 1 && heard.windows(2).any(|pair| pair[0] == pair[1]);
    if !repeats {
        return Some(Kind::Knob(Encoding::Absolute));
    }
    let encoding = match i32::from(first) {
        123..=127 => Encoding::TwosComplement,
        60..=63 => Encoding::BinaryOffset,
        65..=69 if near(65) => Encoding::SignBit,
        1..=5 if near(1) => Encoding::SignBit2,
        _ => Encoding::Absolute,
    };
    Some(Kind::Knob(encoding))
}

#[cfg(test)]
mod tests {
    use super::{ENCODINGS, Encoding, Kind, detect};
    use hal::gesture::Position;
    use proptest::prelude::*;

    #[test]
    fn every_encoding_knows_up_from_down_for_every_value() {
        let detents = |encoding: Encoding, value| encoding.detents(Position::Seven(value));
        for (encoding, up, down) in [
            (Encoding::TwosComplement, [1, 2, 64], [127, 126, 65]),
            (Encoding::BinaryOffset, [65, 66, 127], [63, 62, 1]),
            (Encoding::SignBit, [1, 2, 64], [65, 66, 127]),
            (Encoding::SignBit2, [65, 66, 127], [1, 2, 64]),
        ] {
            let found = (up.map(|value| detents(encoding, value)), down.map(|value| detents(encoding, value)));
            assert!(
                found.0[..2] == [Some(1), Some(2)] && found.1[..2] == [Some(-1), Some(-2)],
                "{encoding:?} {found:?}"
            );
            assert!(found.0[2] >= Some(63) && found.1[2] <= Some(-63), "{encoding:?} {found:?}");
        }
        assert_eq!(detents(Encoding::TwosComplement, 0), Some(0));
        assert_eq!(detents(Encoding::BinaryOffset, 64), Some(0));
        assert_eq!(detents(Encoding::Absolute, 5), None);
        assert_eq!(Encoding::Absolute.detents(Position::Detents(-3)), Some(-3), "a panel's encoder needs no encoding");
    }

    #[test]
    fn a_knob_turned_slowly_left_shows_its_encoding() {
        for (heard, kind) in [
            (vec![127, 127, 127], Kind::Knob(Encoding::TwosComplement)),
            (vec![127, 126, 127, 127], Kind::Knob(Encoding::TwosComplement)),
            (vec![63, 63, 63], Kind::Knob(Encoding::BinaryOffset)),
            (vec![63, 63, 62, 63], Kind::Knob(Encoding::BinaryOffset)),
            (vec![65, 65, 65], Kind::Knob(Encoding::SignBit)),
            (vec![1, 1, 2, 1], Kind::Knob(Encoding::SignBit2)),
            (vec![90, 89, 88], Kind::Knob(Encoding::Absolute)),
            (vec![127, 126, 125, 124], Kind::Knob(Encoding::Absolute)),
            (vec![66, 65, 64, 63], Kind::Knob(Encoding::Absolute)),
            (vec![2, 1, 0], Kind::Knob(Encoding::Absolute)),
            (vec![127, 127, 126], Kind::Knob(Encoding::TwosComplement)),
            (vec![1, 1, 1, 30], Kind::Knob(Encoding::Absolute)),
            (vec![65, 65, 65, 90], Kind::Knob(Encoding::Absolute)),
            // A place that rests now and then travels all the same.
            (vec![127, 127, 126, 125, 124, 124], Kind::Knob(Encoding::Absolute)),
            (vec![127, 0], Kind::Button),
            (vec![0, 127], Kind::Button),
        ] {
            assert_eq!(detect(&heard), Some(kind), "{heard:?}");
        }
        assert_eq!([detect(&[]), detect(&[127]), detect(&[64, 63])], [None; 3]);
    }

    proptest! {
        #[test]
        fn an_encoder_in_any_encoding_is_known_by_turning_it_left(which in 1_usize..5, fast in prop::collection::vec(0_u8..8, 4..12)) {
            let (_, encoding) = ENCODINGS[which];
            // One detent mostly, two now and then: turned slowly.
            let (one, two) = match encoding {
                Encoding::TwosComplement => (127, 126),
                Encoding::BinaryOffset => (63, 62),
                Encoding::SignBit => (65, 66),
                _ => (1, 2),
            };
            let mut heard = vec![one, one];
            heard.extend(fast.iter().map(|it| if *it == 0 { two } else { one }));
            prop_assert_eq!(detect(&heard), Some(Kind::Knob(encoding)));
        }

        #[test]
        fn a_place_that_travels_is_never_taken_for_an_encoder(from in 10_u8..=127, strides in prop::collection::vec(1_u8..4, 3..9)) {
            let places: Vec<u8> = strides.iter().scan(from, |at, by| { *at = at.saturating_sub(*by); Some(*at) }).collect();
            prop_assume!(places.windows(2).all(|pair| pair[0] > pair[1]));
            prop_assert_eq!(detect(&places), Some(Kind::Knob(Encoding::Absolute)));
        }
    }
}
