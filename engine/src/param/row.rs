//! What one parameter is: its name, range, taper and the moment at which a change is heard.
//!
//! A row is data, so that the display, the files, the command line, the tests and the solver cannot disagree about it.
//! It never holds a value: values live in the store.

use super::ParamId;

/// The moment at which a change takes effect. It is part of the feel of the instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The next tick, in every slot in flight.
    Step,
    /// The next slot born; heard when it drains.
    Slot,
    /// The next decoded window.
    Decode,
    /// When a worker has prepared it; sound never stops.
    Load,
}

impl Class {
    /// All classes, fastest first.
    pub const ALL: [Self; 4] = [Self::Step, Self::Slot, Self::Decode, Self::Load];

    /// The word for files and displays.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Slot => "slot",
            Self::Decode => "decode",
            Self::Load => "load",
        }
    }
}

/// What the number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A pure ratio.
    Ratio,
    /// A whole count.
    Count,
    /// Cycles a second.
    Hertz,
    /// Decibels.
    Decibel,
    /// Seconds.
    Second,
    /// A fraction of the tape, 0 its start, 1 its end.
    Tape,
    /// One of a few named choices, or on and off.
    Choice,
}

impl Unit {
    /// The sign printed behind a value; empty where none is usual.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Hertz => "Hz",
            Self::Decibel => "dB",
            Self::Second => "s",
            Self::Tape => "of tape",
            Self::Ratio | Self::Count | Self::Choice => "",
        }
    }
}

/// The value of a keystone channel that says nothing itself: its group's gain is heard. A state of its own and no gain, so
/// that a hand can set every gain, 1 included.
pub const AS_GROUP: f64 = -256.0;

/// How [`AS_GROUP`] is written.
const GROUP: &str = "group";
/// How a value is written that leaves it to the patch.
const PATCH: &str = "patch";

/// How a knob's travel, 0 to 1, is spread over the range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Taper {
    /// Evenly.
    Linear,
    /// Evenly in the logarithm; the range lies above zero.
    Log,
    /// Whole numbers, the nearest to an even spread.
    Whole,
    /// Named choices, each with an equal share of the travel; the value is the place in this list.
    Choice(&'static [&'static str]),
    /// Off below the middle, on from the middle upwards; the value is 0 or 1.
    Toggle,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which parameter; the row stands at the place `id as usize`.
    pub id: ParamId,
    /// Name in files and on the command line, in snake case.
    pub name: &'static str,
    /// Words for a display, 16 characters at most.
    pub words: &'static str,
    /// What the number counts.
    pub unit: Unit,
    /// Smallest value.
    pub low: f64,
    /// Greatest value.
    pub high: f64,
    /// Value before anyone touches anything; of a keystone channel [`AS_GROUP`], which lies outside its range.
    pub default: f64,
    /// Spread over a knob's travel.
    pub taper: Taper,
    /// When a change is heard.
    pub class: Class,
    /// Whether a curve over the tape may stand in place of the value.
    pub curve: bool,
    /// The quantity of the engine that it is, in one sentence.
    pub what: &'static str,
}

/// Words shown for the two places of a switch.
const OFF_ON: [&str; 2] = ["off", "on"];

impl Row {
    /// The nearest value that the parameter can hold: inside the range, whole where only whole numbers make sense.
    ///
    /// `value` must not be NaN (the store refuses it first); infinities go to the ends of the range.
    #[must_use]
    pub fn nearest(&self, value: f64) -> f64 {
        if value == AS_GROUP && self.follows_group() {
            return AS_GROUP;
        }
        let inside = value.clamp(self.low, self.high);
        match self.taper {
            Taper::Linear | Taper::Log => inside,
            Taper::Whole | Taper::Choice(_) | Taper::Toggle => inside.round(),
        }
    }

    /// Whether it is a keystone channel, which may say nothing itself ([`AS_GROUP`]).
    #[must_use]
    pub fn follows_group(&self) -> bool {
        self.default == AS_GROUP
    }

    /// The value at a knob's position, 0 to 1; a position outside counts as the nearer end.
    #[must_use]
    pub fn at(&self, position: f64) -> f64 {
        let position = position.clamp(0.0, 1.0);
        match self.taper {
            Taper::Linear => self.nearest(self.low + position * (self.high - self.low)),
            Taper::Log => self.nearest(self.low * (self.high / self.low).powf(position)),
            // Rounding, not equal shares: near the last of 2^32 places a share's edge is finer than f64.
            Taper::Whole => self.nearest(self.low + position * (self.high - self.low)),
            Taper::Choice(_) | Taper::Toggle => {
                let places = self.high - self.low + 1.0;
                self.low + (position * places).floor().min(places - 1.0)
            }
        }
    }

    /// The knob position, 0 to 1, of a value: the inverse of [`Row::at`]. Of [`AS_GROUP`] that of a gain of 1: what is heard
    /// is [`Values::heard`](super::Values::heard).
    #[must_use]
    pub fn position(&self, value: f64) -> f64 {
        let value = self.nearest(value);
        let value = if value == AS_GROUP { 1.0 } else { value };
        match self.taper {
            Taper::Log => (value / self.low).ln() / (self.high / self.low).ln(),
            _ => (value - self.low) / (self.high - self.low),
        }
    }

    /// The named places of a choice or a switch; none for a number.
    #[must_use]
    pub fn labels(&self) -> Option<&'static [&'static str]> {
        match self.taper {
            Taper::Choice(labels) => Some(labels),
            Taper::Toggle => Some(&OFF_ON),
            Taper::Linear | Taper::Log | Taper::Whole => None,
        }
    }

    /// Whether a value of this parameter leaves it to the patch: the first choice of some, the lowest place of the tempo.
    #[must_use]
    pub fn leaves_it(&self, value: f64) -> bool {
        matches!(self.id, ParamId::Tempo | ParamId::TimeSignature | ParamId::Key) && value == self.low
    }

    /// The value of a label, whatever its case; "group" is one of a keystone channel, "patch" of the tempo.
    #[must_use]
    pub fn labelled(&self, label: &str) -> Option<f64> {
        if self.follows_group() && label.eq_ignore_ascii_case(GROUP) {
            return Some(AS_GROUP);
        }
        if self.leaves_it(self.low) && label.eq_ignore_ascii_case(PATCH) {
            return Some(self.low);
        }
        let place = self.labels()?.iter().position(|known| known.eq_ignore_ascii_case(label))?;
        Some(place as f64)
    }

    /// The value as the display and the files write it, without its unit.
    #[must_use]
    pub fn written(&self, value: f64) -> String {
        let value = self.nearest(value);
        if value == AS_GROUP {
            return GROUP.to_owned();
        }
        if let Some(labels) = self.labels() {
            return labels[value as usize].to_owned();
        }
        if self.leaves_it(value) {
            return PATCH.to_owned();
        }
        match self.taper {
            Taper::Whole => format!("{value:.0}"),
            _ if self.high >= 10.0 || self.unit == Unit::Decibel => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AS_GROUP, Class, Row, Taper, Unit};
    use crate::param::ParamId;

    #[test]
    fn classes_and_units_are_called_what_players_and_files_call_them() {
        assert_eq!(Class::ALL.map(Class::word), ["step", "slot", "decode", "load"]);
        assert_eq!(
            [Unit::Hertz, Unit::Decibel, Unit::Second, Unit::Tape].map(Unit::sign),
            ["Hz", "dB", "s", "of tape"]
        );
        assert_eq!([Unit::Ratio, Unit::Count, Unit::Choice].map(Unit::sign), [""; 3]);
    }

    #[test]
    fn a_number_is_written_with_the_digits_that_its_range_can_use() {
        assert_eq!(ParamId::Depth.row().written(4.4), "4");
        assert_eq!(ParamId::Denoise.row().written(0.25), "0.25");
        assert_eq!(ParamId::GuidanceScale.row().written(2.5), "2.5");
        assert_eq!(ParamId::GainDb.row().written(-3.5), "-3.5");
        let ten = Row { high: 10.0, ..*ParamId::Denoise.row() };
        assert_eq!(ten.written(0.25), "0.2");
        let quiet = Row { high: 6.0, ..*ParamId::GainDb.row() };
        assert_eq!(quiet.written(-3.25), "-3.2");
    }

    #[test]
    fn only_a_keystone_channel_can_say_that_its_group_is_heard() {
        assert_eq!(ParamId::Ch13.row().labelled("Group"), Some(AS_GROUP));
        assert_eq!(ParamId::Ch13.row().labelled("grouped"), None);
        assert_eq!(ParamId::ChG1.row().labelled("group"), None);
        assert_eq!(ParamId::Method.row().labelled("group"), None);
        assert_eq!(ParamId::Ch13.row().written(AS_GROUP), "group");
    }

    #[test]
    fn a_choice_that_does_not_begin_at_zero_has_as_many_places_as_values() {
        let row = Row { low: 2.0, high: 4.0, taper: Taper::Toggle, ..*ParamId::Denoise.row() };
        assert_eq!([0.0, 0.3, 0.4, 0.6, 0.7, 1.0].map(|at| row.at(at)), [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    }
}
