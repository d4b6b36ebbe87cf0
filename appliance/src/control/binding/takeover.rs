//! How a knob takes hold of a value that it did not set.
//!
//! Everything here is in places of the knob's travel, 0 to 1. Pure, and without a clock.

/// How near a knob must come to its value to take hold: 3 of 128 places, as stage software has it.
const NEAR: f64 = 3.0 / 128.0;
/// Nearer than this, a knob that was scaling has caught up with its value: half a place of 7 bits.
const CAUGHT_UP: f64 = 0.5 / 127.0;

/// When a knob begins to move its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takeover {
    /// When it comes by the value.
    #[default]
    Pickup,
    /// With the second thing it says. (Never with the first after a connect: that is the device, not a hand.)
    Jump,
    /// At once, in proportion: the value has as far to go to the end as the knob, so that both arrive together.
    Scale,
}

/// The takeovers by name.
pub const TAKEOVERS: [(&str, Takeover); 3] =
    [("pickup", Takeover::Pickup), ("jump", Takeover::Jump), ("scale", Takeover::Scale)];

/// Where things stand when a knob is turned.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Where the knob stood before; unknown after a connect.
    pub last: Option<f64>,
    /// Where it stands now.
    pub place: f64,
    /// Where it would have to stand for the value that is.
    pub value_at: f64,
    /// The value is a step, and the knob points at it.
    pub points_at_it: bool,
    /// How often values have moved without a hand (undo, scenes, patches).
    pub jumps: u64,
}

/// What is known of one knob's hold on one value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hold {
    /// Where the value would have it stand, while it has hold: the place that it last gave.
    held: Option<f64>,
    /// Where a scaled value is between its steps.
    between: Option<f64>,
    jumps: u64,
}

impl Hold {
    /// Where the value goes, as a place; `None` while the knob has no hold of it.
    pub fn turn(&mut self, turn: Turn, takeover: Takeover) -> Option<f64> {
        let moved_by_others = self.held.or(self.between).is_some_and(|held| (held - turn.value_at).abs() > NEAR);
        if self.jumps != turn.jumps || (moved_by_others && !turn.points_at_it) {
            *self = Self { jumps: turn.jumps, ..Self::default() };
        }
        let last = turn.last?;
        if self.held.is_some() || takeover == Takeover::Jump {
            return Some(turn.place);
        }
        if takeover == Takeover::Scale {
            return Some(self.scaled(last, turn));
        }
        let near = (turn.place - turn.value_at).abs() <= NEAR;
        let crossed = (last - turn.value_at) * (turn.place - turn.value_at) <= 0.0;
        (near || crossed || turn.points_at_it).then_some(turn.place)
    }

    /// Whether the knob moves a value that stands at `value_at`: nothing moved it since that the knob did not.
    pub fn is_on(&self, value_at: f64, jumps: u64) -> bool {
        let by_others = |held: f64| (held - value_at).abs() > NEAR;
        self.jumps == jumps && self.held.or(self.between).is_some_and(|held| !by_others(held))
    }

    /// Both have the rest of the way before them; each goes the same part of its own.
    fn scaled(&mut self, last: f64, turn: Turn) -> f64 {
        let at = self.between.unwrap_or(turn.value_at);
        let by = turn.place - last;
        let to = if by > 0.0 && last < 1.0 {
            at + (1.0 - at) * by / (1.0 - last)
        } else if by < 0.0 && last > 0.0 {
            at + at * by / last
        } else {
            at
        };
        self.between = Some(to);
        if (to - turn.place).abs() <= CAUGHT_UP { turn.place } else { to }
    }

    /// The value was set and would now have the knob stand at `value_at`; `given` is what [`Hold::turn`] answered.
    pub fn holds(&mut self, given: f64, place: f64, value_at: f64) {
        if given == place {
            self.held = Some(value_at);
            self.between = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CAUGHT_UP, Hold, Takeover, Turn};
    use proptest::prelude::*;

    #[test]
    fn a_scaled_value_that_is_as_near_as_a_place_of_the_knob_is_the_knobs_own() {
        let turn = |last, place, value_at| Turn { last: Some(last), place, value_at, points_at_it: false, jumps: 0 };
        let scaled = |turn| Hold::default().turn(turn, Takeover::Scale);
        assert_eq!(scaled(turn(0.5, 0.51, 0.502)), Some(0.51));
        assert_ne!(scaled(turn(0.5, 0.51, 0.52)), Some(0.51));
    }

    #[test]
    fn a_knob_is_on_its_value_until_somebody_else_moves_that() {
        let mut hold = Hold::default();
        assert!(!hold.is_on(0.5, 0), "it never was");
        hold.holds(0.5, 0.5, 0.5);
        assert!(hold.is_on(0.5, 0) && hold.is_on(0.51, 0));
        assert!(!hold.is_on(0.9, 0) && !hold.is_on(0.1, 0) && !hold.is_on(0.5, 1));
    }

    /// Plays a knob through `places` over a value at `value`; where the value stands after each.
    fn played(takeover: Takeover, value: f64, places: &[f64]) -> Vec<f64> {
        let (mut hold, mut last, mut value) = (Hold::default(), None, value);
        let mut heard = Vec::new();
        for &place in places {
            let turn = Turn { last, place, value_at: value, points_at_it: false, jumps: 0 };
            if let Some(given) = hold.turn(turn, takeover) {
                value = given;
                hold.holds(given, place, value);
            }
            last = Some(place);
            heard.push(value);
        }
        heard
    }

    #[test]
    fn every_row_of_the_takeover_table_holds() {
        use Takeover::{Jump, Pickup, Scale};
        for (words, takeover, value, places, heard) in [
            ("the first word after a connect moves nothing", Jump, 0.5, vec![0.9], vec![0.5]),
            ("nor does it at the value itself", Pickup, 0.5, vec![0.5], vec![0.5]),
            ("a jumping knob moves with its second word", Jump, 0.5, vec![0.9, 0.8], vec![0.5, 0.8]),
            ("a knob waits below its value", Pickup, 0.5, vec![0.1, 0.3], vec![0.5, 0.5]),
            ("it takes hold within 3 of 128", Pickup, 0.5, vec![0.1, 0.48, 0.6], vec![0.5, 0.48, 0.6]),
            ("it takes hold when it crosses from below", Pickup, 0.5, vec![0.1, 0.9], vec![0.5, 0.9]),
            ("it takes hold when it crosses from above", Pickup, 0.5, vec![0.9, 0.1], vec![0.5, 0.1]),
            ("half the way up is half the way up", Scale, 0.5, vec![0.0, 0.5, 1.0], vec![0.5, 0.75, 1.0]),
            ("half the way down is half the way down", Scale, 0.5, vec![1.0, 0.5, 0.0], vec![0.5, 0.25, 0.0]),
            ("an end reached together holds from then on", Scale, 0.5, vec![0.5, 1.0, 0.4], vec![0.5, 1.0, 0.4]),
            ("a scaled value at the end stays there", Scale, 1.0, vec![0.2, 0.6], vec![1.0, 1.0]),
        ] {
            let found = played(takeover, value, &places);
            assert!(found.iter().zip(&heard).all(|(a, b)| (a - b).abs() < 1e-9), "{words}: {found:?}");
        }
    }

    #[test]
    fn a_jump_of_values_lets_go_and_so_does_another_hand() {
        let mut hold = Hold::default();
        let turn =
            |place, value_at, jumps| Turn { last: Some(place - 0.01), place, value_at, points_at_it: false, jumps };
        assert_eq!(hold.turn(turn(0.5, 0.5, 0), Takeover::Pickup), Some(0.5));
        hold.holds(0.5, 0.5, 0.5);
        assert_eq!(hold.turn(turn(0.8, 0.5, 0), Takeover::Pickup), Some(0.8), "it has hold");
        hold.holds(0.8, 0.8, 0.8);
        assert_eq!(hold.turn(turn(0.9, 0.8, 1), Takeover::Pickup), None, "a scene was recalled");
        assert_eq!(hold.turn(turn(0.81, 0.8, 1), Takeover::Pickup), Some(0.81));
        hold.holds(0.81, 0.81, 0.81);
        assert_eq!(hold.turn(turn(0.9, 0.2, 1), Takeover::Pickup), None, "another hand moved it");
    }

    proptest! {
        #[test]
        fn a_scaled_value_never_jumps_further_than_the_knob_can_explain(
            value in 0.0..=1.0, places in prop::collection::vec(0.0..=1.0, 2..40)
        ) {
            let heard = played(Takeover::Scale, value, &places);
            let mut before = value;
            for (pair, now) in places.windows(2).zip(&heard[1..]) {
                // Towards the same end as the knob, never past it, and an end is reached together. Where both have met, the
                // value takes the knob's place, which may lie this little the other way.
                let (by, to) = (pair[1] - pair[0], now - before);
                let met = *now == pair[1] && to.abs() <= CAUGHT_UP;
                prop_assert!((by * to >= -1e-9 || met) && (0.0..=1.0).contains(now));
                if pair[1] == 0.0 || pair[1] == 1.0 { prop_assert!((now - pair[1]).abs() < 0.01); }
                before = *now;
            }
        }

        #[test]
        fn a_pickup_never_moves_a_value_further_than_the_knob_moved(
            value in 0.0..=1.0, places in prop::collection::vec(0.0..=1.0, 2..40)
        ) {
            let heard = played(Takeover::Pickup, value, &places);
            let mut before = value;
            for (pair, now) in places.windows(2).zip(&heard[1..]) {
                let near = 3.0 / 128.0;
                prop_assert!((now - before).abs() <= (pair[1] - pair[0]).abs() + near + 1e-9);
                before = *now;
            }
        }
    }
}
