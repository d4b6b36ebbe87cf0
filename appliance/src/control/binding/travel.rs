//! From where a knob stands to a value, and back: range, taper, curve and direction of one binding.
//!
//! The way back is as exact as the way there: pickup, scaling and lights ask where the knob would have to stand. Pure.

use engine::param::{ParamId, Taper};

/// How much of the travel does how much: the shape between the ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// Evenly.
    #[default]
    Linear,
    /// Fine at the bottom: the power 2.5.
    Slow,
    /// Fine at the top.
    Fast,
    /// Fine at both ends.
    S,
}

/// Bend of the slow and fast curves: a tenth of the travel is 0.3 % of the range, half of it is 18 %.
const BEND: f64 = 2.5;

impl Curve {
    fn there(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Slow => place.powf(BEND),
            Self::Fast => 1.0 - (1.0 - place).powf(BEND),
            Self::S => place * place * (3.0 - 2.0 * place),
        }
    }

    fn back(self, part: f64) -> f64 {
        match self {
            Self::Linear => part,
            Self::Slow => part.powf(1.0 / BEND),
            Self::Fast => 1.0 - (1.0 - part).powf(1.0 / BEND),
            // The root of 3 x^2 - 2 x^3 = part between 0 and 1.
            Self::S => 0.5 - ((1.0 - 2.0 * part).clamp(-1.0, 1.0).asin() / 3.0).sin(),
        }
    }
}

/// What a step of the travel is, in the parameter's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Along {
    /// The parameter's own taper.
    #[default]
    Own,
    /// Equal differences.
    Linear,
    /// Equal ratios; only for ranges above 0.
    Log,
}

/// The travel of one binding.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Travel {
    /// Lowest and highest value, in the parameter's unit; the parameter's own range where `None`.
    pub range: Option<(f64, f64)>,
    /// What a step of it is.
    pub along: Along,
    /// The shape between the ends.
    pub curve: Curve,
    /// The knob's low end gives the highest value.
    pub reversed: bool,
}

impl Travel {
    /// Lowest and highest value.
    #[must_use]
    pub fn ends(&self, id: ParamId) -> (f64, f64) {
        self.range.unwrap_or((id.row().low, id.row().high))
    }

    /// The value for a knob at `place`, 0 to 1.
    #[must_use]
    pub fn value(&self, id: ParamId, place: f64) -> f64 {
        let place = if self.reversed { 1.0 - place } else { place };
        let (row, (low, high)) = (id.row(), self.ends(id));
        let part = self.curve.there(place.clamp(0.0, 1.0));
        match self.along {
            // The ends exactly, whatever rounding does on the way.
            _ if part <= 0.0 => low,
            _ if part >= 1.0 => high,
            Along::Linear => low + (high - low) * part,
            Along::Log if low > 0.0 => low * (high / low).powf(part),
            Along::Own | Along::Log => {
                let (from, to) = (row.position(low), row.position(high));
                row.at(from + (to - from) * part)
            }
        }
    }

    /// Where a knob stands that gives `value`, 0 to 1; at an end for values beyond it.
    #[must_use]
    pub fn place(&self, id: ParamId, value: f64) -> f64 {
        let (row, (low, high)) = (id.row(), self.ends(id));
        let part = match self.along {
            _ if high <= low => 0.0,
            Along::Linear => (value - low) / (high - low),
            Along::Log if low > 0.0 => (value.max(low) / low).ln() / (high / low).ln(),
            Along::Own | Along::Log => {
                let (from, to) = (row.position(low), row.position(high));
                (row.position(value) - from) / (to - from)
            }
        };
        let place = self.curve.back(part.clamp(0.0, 1.0)).clamp(0.0, 1.0);
        if self.reversed { 1.0 - place } else { place }
    }

    /// Whether the value goes in steps: a knob then has hold of it when it points at the step.
    #[must_use]
    pub fn stepped(id: ParamId) -> bool {
        !matches!(id.row().taper, Taper::Linear | Taper::Log)
    }
}

#[cfg(test)]
mod tests {
    use super::{Along, Curve, Travel};
    use engine::param::ParamId;
    use proptest::prelude::*;

    #[test]
    fn a_range_from_nothing_has_no_logarithm_and_is_the_knobs_own() {
        let travel = Travel { range: Some((0.0, 1.0)), along: Along::Log, curve: Curve::Linear, reversed: false };
        assert_eq!([0.0, 0.25, 1.0].map(|value| travel.place(ParamId::Denoise, value)), [0.0, 0.25, 1.0]);
        assert_eq!([0.0, 0.25, 1.0].map(|place| travel.value(ParamId::Denoise, place)), [0.0, 0.25, 1.0]);
    }

    #[test]
    fn the_ends_are_met_to_the_bit_and_a_range_of_one_value_has_one_place() {
        for along in [Along::Own, Along::Linear, Along::Log] {
            for step in 1..200 {
                let (low, high) = (1.0 + f64::from(step) / 71.0, 8.0 + f64::from(step) / 37.0);
                let travel = Travel { range: Some((low, high)), along, ..Travel::default() };
                let ends = [0.0, 1.0].map(|place| travel.value(ParamId::GuidanceScale, place));
                assert_eq!(ends, [low, high], "{along:?}");
            }
            let one = Travel { range: Some((2.0, 2.0)), along, ..Travel::default() };
            assert_eq!((one.place(ParamId::Shift, 2.0), one.value(ParamId::Shift, 0.7)), (0.0, 2.0), "{along:?}");
        }
    }

    fn any_travel() -> impl Strategy<Value = Travel> {
        let along = prop_oneof![Just(Along::Own), Just(Along::Linear), Just(Along::Log)];
        let curve = prop_oneof![Just(Curve::Linear), Just(Curve::Slow), Just(Curve::Fast), Just(Curve::S)];
        let range = prop_oneof![Just(None), (1.0..3.0, 3.5..6.0).prop_map(Some)];
        (range, along, curve, any::<bool>()).prop_map(|(range, along, curve, reversed)| Travel {
            range,
            along,
            curve,
            reversed,
        })
    }

    proptest! {
        #[test]
        fn the_way_back_is_the_way_there(travel in any_travel(), place in 0.0..=1.0) {
            let value = travel.value(ParamId::Shift, place);
            let (low, high) = travel.ends(ParamId::Shift);
            prop_assert!((low..=high).contains(&value), "{value}");
            let back = travel.place(ParamId::Shift, value);
            prop_assert!((travel.value(ParamId::Shift, back) - value).abs() < 1e-6 * (high - low), "{place} {back}");
        }

        #[test]
        fn a_knob_that_goes_up_takes_the_value_up(travel in any_travel(), a in 0.0..=1.0, b in 0.0..=1.0) {
            let (low, high) = (f64::min(a, b), f64::max(a, b));
            let [low, high] = [low, high].map(|place| travel.value(ParamId::Shift, place));
            let rises = if travel.reversed { low - high } else { high - low };
            prop_assert!(rises >= -1e-12, "{low} to {high}");
        }
    }

    #[test]
    fn the_ends_of_the_travel_are_the_ends_of_the_range() {
        let travel = Travel { range: Some((1.5, 4.5)), ..Travel::default() };
        assert_eq!([0.0, 1.0].map(|place| travel.value(ParamId::Shift, place)), [1.5, 4.5]);
        let reversed = Travel { reversed: true, ..travel };
        assert_eq!([0.0, 1.0].map(|place| reversed.value(ParamId::Shift, place)), [4.5, 1.5]);
    }

    #[test]
    fn the_middle_is_where_the_curve_says() {
        let at = |curve| Travel { curve, ..Travel::default() }.value(ParamId::Denoise, 0.5);
        assert_eq!([at(Curve::Linear), at(Curve::S)], [0.5, 0.5]);
        assert!((at(Curve::Slow) - 0.177).abs() < 0.001 && (at(Curve::Fast) - 0.823).abs() < 0.001);
        let along = |along| Travel { range: Some((1.0, 4.0)), along, ..Travel::default() }.value(ParamId::Shift, 0.5);
        assert_eq!([along(Along::Linear), along(Along::Log)], [2.5, 2.0]);
    }
}
