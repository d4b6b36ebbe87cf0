//! How far a knob's usual travel goes, where that is not the whole range of its parameter.
//!
//! Latent channels stand gains up to 3, but music seldom does: the published instrument lets its knobs go as far as its makers
//! found safe, and turns some of them round. Those ends are the usual ones here; a model may say its own in
//! `instrument.toml` ([`crate::settings::model_settings`]), and a line of a map with a range of its own is not touched. Pure.

use engine::param::{PARAMS, ParamId};

use super::Travel;

/// The usual ends of one knob's travel: 0 and a top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ends {
    /// Highest value, in the parameter's unit.
    pub top: f64,
    /// The knob's low end gives the highest value.
    pub reversed: bool,
}

/// Tops and reversals of the channel gains that the published instrument found safe (its `config.json`).
const PUBLISHED: [(ParamId, f64, bool); 14] = [
    (ParamId::ChG0, 2.2, false),
    (ParamId::ChG1, 2.0, false),
    (ParamId::ChG2, 2.3, true),
    (ParamId::ChG3, 2.0, false),
    (ParamId::ChG4, 2.5, false),
    (ParamId::ChG5, 2.0, false),
    (ParamId::ChG6, 2.0, true),
    (ParamId::ChG7, 2.0, true),
    (ParamId::Ch13, 2.0, true),
    (ParamId::Ch14, 2.3, false),
    (ParamId::Ch19, 2.5, false),
    (ParamId::Ch23, 2.45, false),
    (ParamId::Ch29, 2.0, false),
    (ParamId::Ch56, 2.0, false),
];

/// The usual travels of all knobs.
#[derive(Clone, Debug, PartialEq)]
pub struct Travels([Option<Ends>; PARAMS]);

impl Default for Travels {
    /// As published.
    fn default() -> Self {
        let mut ends = [None; PARAMS];
        for (id, top, reversed) in PUBLISHED {
            ends[id as usize] = Some(Ends { top, reversed });
        }
        Self(ends)
    }
}

impl Travels {
    /// The parameters whose travel is not simply their range.
    pub fn names() -> impl Iterator<Item = ParamId> {
        PUBLISHED.iter().map(|it| it.0)
    }

    /// The ends of a parameter's travel; `None` where it is the whole range.
    #[must_use]
    pub const fn of(&self, id: ParamId) -> Option<Ends> {
        self.0[id as usize]
    }

    /// Sets the ends of a parameter's travel.
    pub fn set(&mut self, id: ParamId, ends: Ends) {
        self.0[id as usize] = Some(ends);
    }

    /// A binding's travel with the usual ends, where it has no range of its own. A binding that turns round a knob which
    /// is already turned round turns it back.
    #[must_use]
    pub fn resolved(&self, id: ParamId, travel: Travel) -> Travel {
        match self.of(id).filter(|_| travel.range.is_none()) {
            Some(Ends { top, reversed }) => {
                Travel { range: Some((id.row().low, top)), reversed: travel.reversed != reversed, ..travel }
            }
            None => travel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ends, PUBLISHED, Travels};
    use crate::control::binding::Travel;
    use engine::param::ParamId;

    #[test]
    fn a_knob_goes_to_the_published_top_or_comes_from_it() {
        let travels = Travels::default();
        for (id, top, reversed) in PUBLISHED {
            let travel = travels.resolved(id, Travel::default());
            let ends = [0.0, 1.0].map(|place| travel.value(id, place));
            assert_eq!(ends, if reversed { [top, 0.0] } else { [0.0, top] }, "{}", id.row().name);
            assert!(top < id.row().high, "{}: the range goes on behind the travel", id.row().name);
        }
        let reversed: Vec<ParamId> = PUBLISHED.iter().filter(|it| it.2).map(|it| it.0).collect();
        assert_eq!(reversed, [ParamId::ChG2, ParamId::ChG6, ParamId::ChG7, ParamId::Ch13]);
    }

    #[test]
    fn a_range_of_its_own_and_a_reversal_of_its_own_count() {
        let travels = Travels::default();
        let own = Travel { range: Some((0.5, 3.0)), ..Travel::default() };
        assert_eq!(travels.resolved(ParamId::ChG2, own), own);
        let twice = Travel { reversed: true, ..Travel::default() };
        assert!(!travels.resolved(ParamId::ChG2, twice).reversed);
        assert_eq!(travels.resolved(ParamId::Denoise, twice), twice);
    }

    #[test]
    fn a_model_says_its_own_top() {
        let mut travels = Travels::default();
        travels.set(ParamId::ChG2, Ends { top: 3.0, reversed: false });
        let travel = travels.resolved(ParamId::ChG2, Travel::default());
        assert_eq!([0.0, 1.0].map(|place| travel.value(ParamId::ChG2, place)), [0.0, 3.0]);
    }
}
