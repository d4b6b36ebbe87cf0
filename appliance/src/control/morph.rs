//! A morph: two scenes on one fader.
//!
//! What is continuous moves along its own knob's travel, so that the middle of the fader is where the middle of a hand's
//! move would be, also on a logarithmic knob. What has places (choices, switches, whole numbers, the seed) switches in
//! the middle, with a dead band, so that a fader resting there does not flutter. Load-class values are left alone: a
//! morph is heard at once and never waits for a worker. At its ends the fader gives the scenes themselves, to the bit.
//!
//! A keystone channel that was not set follows its group. Between a scene that set it and one that did not, the morph moves it
//! from or to its group's gain, because that is what is heard.
//!
//! This never moves the store and never reads a clock.

use engine::param::{AS_GROUP, Class, ParamId, Row, Taper, Values};

/// Half the dead band around the middle: three of a 7-bit fader's 128 places, as wide as soft takeover's.
const DEAD: f64 = 3.0 / 128.0;

/// Two scenes, and the side on which the switches stand.
#[derive(Clone, Debug)]
pub struct Morph {
    a: Values,
    b: Values,
    /// Whether the switches stand at B; `None` before the fader was first read.
    at_b: Option<bool>,
}

impl Morph {
    /// A morph between two scenes, whose fader has not moved yet.
    #[must_use]
    pub const fn new(a: Values, b: Values) -> Self {
        Self { a, b, at_b: None }
    }

    /// The values at a place of the fader: 0 is A, 1 is B, outside counts as the nearer end. Load-class values are
    /// those of `now`; a place that is not a number changes nothing at all.
    pub fn at(&mut self, place: f64, now: &Values) -> Values {
        let mut values = *now;
        if place.is_nan() {
            return values;
        }
        let place = place.clamp(0.0, 1.0);
        let at_b = match self.at_b {
            None => place >= 0.5,
            Some(true) => place > 0.5 - DEAD,
            Some(false) => place >= 0.5 + DEAD,
        };
        self.at_b = Some(at_b);
        for id in ParamId::all().filter(|id| id.row().class != Class::Load) {
            values.set(id, self.value(id, place, at_b));
        }
        values
    }

    fn value(&self, id: ParamId, place: f64, at_b: bool) -> f64 {
        let (a, b) = (self.a.exact(id), self.b.exact(id));
        // At its ends the fader gives the scenes themselves: no value goes through a taper and back.
        if place == 0.0 || place == 1.0 {
            return if place == 0.0 { a } else { b };
        }
        let nearer = if at_b { b } else { a };
        match id.row().taper {
            Taper::Whole | Taper::Choice(_) | Taper::Toggle => nearer,
            Taper::Linear | Taper::Log if a == AS_GROUP && b == AS_GROUP => AS_GROUP,
            Taper::Linear | Taper::Log => between(id.row(), self.a.heard(id), self.b.heard(id), place),
        }
    }
}

/// The value part of the way from `a` to `b` along the knob's travel.
fn between(row: &Row, a: f64, b: f64, part: f64) -> f64 {
    let (from, to) = (row.position(a), row.position(b));
    // Held between the ends: rounding must not lead the first step backwards, nor part what both scenes agree on.
    row.at(from + (to - from) * part).clamp(a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::{DEAD, Morph};
    use engine::param::{AS_GROUP, Class, ParamId, TABLE, Taper, Values};
    use proptest::prelude::*;

    fn scene(set: &[(ParamId, f64)]) -> Values {
        let mut values = Values::default();
        for (id, value) in set {
            assert!(values.set(*id, *value));
        }
        values
    }

    fn any_scene() -> impl Strategy<Value = Values> {
        // Often at the default, as a keystone is.
        let place = prop_oneof![1 => Just(None), 3 => (0.0..=1.0f64).prop_map(Some)];
        prop::collection::vec(place, TABLE.len()).prop_map(|places| {
            let mut values = Values::default();
            for (row, place) in TABLE.iter().zip(places) {
                values.set(row.id, place.map_or(row.default, |place| row.at(place)));
            }
            values
        })
    }

    fn continuous() -> impl Iterator<Item = ParamId> {
        ParamId::all().filter(|id| matches!(id.row().taper, Taper::Linear | Taper::Log) && !id.row().follows_group())
    }

    #[test]
    fn the_middle_of_the_fader_is_the_middle_of_the_knobs_travel() {
        let (a, b) = (scene(&[(ParamId::GuidanceScale, 1.0)]), scene(&[(ParamId::GuidanceScale, 15.0)]));
        let middle = Morph::new(a, b).at(0.5, &a).exact(ParamId::GuidanceScale);
        assert!((middle - 15f64.sqrt()).abs() < 1e-12, "{middle}");
    }

    #[test]
    fn a_fader_that_trembles_in_the_middle_does_not_flutter() {
        let (a, b) = (scene(&[(ParamId::Seed, 1.0)]), scene(&[(ParamId::Seed, 2.0)]));
        let mut morph = Morph::new(a, b);
        let mut seed = |place: f64| morph.at(place, &a).seed();
        assert_eq!([0.0, 0.5, 0.51, 0.5 + DEAD].map(&mut seed), [1, 1, 1, 2]);
        assert_eq!([0.51, 0.5, 0.49, 0.5 - DEAD].map(&mut seed), [2, 2, 2, 1]);
    }

    #[test]
    fn a_fader_first_read_beyond_the_middle_stands_at_b() {
        let (a, b) = (scene(&[]), scene(&[(ParamId::Method, 1.0)]));
        assert_eq!(Morph::new(a, b).at(0.5, &a).label(ParamId::Method), "sde");
        assert_eq!(Morph::new(a, b).at(0.499, &a).label(ParamId::Method), "ode");
    }

    #[test]
    fn a_keystone_comes_out_of_its_groups_gain_without_a_jump() {
        let a = scene(&[(ParamId::ChG1, 2.0)]);
        let b = scene(&[(ParamId::ChG1, 2.0), (ParamId::Ch13, 0.5)]);
        let mut morph = Morph::new(a, b);
        let mut heard = |place: f64| morph.at(place, &a).channel_gains()[13];
        assert_eq!(heard(0.0), 2.0);
        assert!((heard(1e-6) - 2.0).abs() < 1e-4);
        assert!((heard(2.0 / 3.0) - 1.0).abs() < 1e-6, "through 1, which is a gain like any other");
        assert_eq!(heard(1.0), 0.5);
    }

    #[test]
    fn a_keystone_that_neither_scene_set_says_nothing_on_the_way() {
        let (a, b) = (scene(&[(ParamId::ChG1, 2.0)]), scene(&[(ParamId::ChG1, 1.0)]));
        assert_eq!(Morph::new(a, b).at(0.5, &a).exact(ParamId::Ch13), AS_GROUP);
    }

    #[test]
    fn a_place_that_is_no_number_changes_nothing() {
        let (a, b, now) = (scene(&[]), scene(&[(ParamId::Denoise, 1.0)]), scene(&[(ParamId::Denoise, 0.25)]));
        assert_eq!(Morph::new(a, b).at(f64::NAN, &now), now);
    }

    proptest! {
        #[test]
        fn the_ends_are_the_scenes_and_load_values_stay(
            a in any_scene(), b in any_scene(), now in any_scene(), before in prop::collection::vec(-0.5..1.5f64, 0..4)
        ) {
            let mut morph = Morph::new(a, b);
            for (place, end) in [(0.0, &a), (1.0, &b), (-0.1, &a), (1.1, &b)] {
                for place in &before {
                    morph.at(*place, &now);
                }
                let values = morph.at(place, &now);
                for id in ParamId::all() {
                    let expected = if id.row().class == Class::Load { &now } else { end };
                    prop_assert_eq!(values.exact(id).to_bits(), expected.exact(id).to_bits(), "{:?} at {}", id, place);
                }
            }
        }

        #[test]
        fn whatever_is_continuous_moves_one_way_and_stays_between(
            a in any_scene(), b in any_scene(), mut places in prop::collection::vec(0.0..=1.0f64, 2..20)
        ) {
            places.sort_by(f64::total_cmp);
            let mut morph = Morph::new(a, b);
            let walk: Vec<Values> = places.iter().map(|place| morph.at(*place, &a)).collect();
            for id in continuous() {
                let rises = b.exact(id) >= a.exact(id);
                let ends = [a.exact(id).min(b.exact(id)), a.exact(id).max(b.exact(id))];
                for pair in walk.windows(2) {
                    let (before, after) = (pair[0].exact(id), pair[1].exact(id));
                    // A power of a library function may be off in its last place.
                    let slack = 1e-14 * after.abs();
                    prop_assert!(if rises { after >= before - slack } else { after <= before + slack }, "{:?}", id);
                    prop_assert!(ends[0] <= after && after <= ends[1], "{:?}", id);
                }
            }
        }

        #[test]
        fn no_small_move_of_the_fader_is_a_jump_of_what_is_heard(
            a in any_scene(), b in any_scene(), place in 0.0..=1.0f64
        ) {
            const MOVE: f64 = 1e-4;
            let mut morph = Morph::new(a, b);
            let (before, after) = (morph.at(place, &a), morph.at(place + MOVE, &a));
            for (channel, (left, right)) in before.channel_gains().iter().zip(after.channel_gains()).enumerate() {
                // A gain's whole travel is 3.
                prop_assert!((left - right).abs() <= 3.0 * MOVE as f32 + 1e-5, "channel {}", channel);
            }
            for id in continuous() {
                let moved = (id.row().position(before.exact(id)) - id.row().position(after.exact(id))).abs();
                prop_assert!(moved <= MOVE + 1e-12, "{:?}", id);
            }
        }
    }
}
