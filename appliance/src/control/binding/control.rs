//! Which control a line of a map is about, and on which layer of the surface.

use std::fmt;

use hal::gesture::Control;

/// A control, on one channel or on any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum On {
    /// A control change.
    Cc(u8),
    /// A note.
    Note(u8),
    /// The pitch wheel.
    Bend,
    /// Channel pressure.
    Pressure,
    /// Pressure of one note.
    PolyPressure(u8),
    /// A non-registered parameter.
    Nrpn(u16),
    /// Any program change.
    Program,
    /// A button of a wired panel.
    Button(u8),
    /// An encoder of a wired panel.
    Encoder(u8),
    /// A potentiometer of a wired panel.
    Pot(u8),
    /// A key of a computer keyboard or foot switch.
    Key(u16),
}

impl On {
    /// The place of a control, and its channel where it has one.
    #[must_use]
    pub const fn of(control: Control) -> (Self, Option<u8>) {
        match control {
            Control::Cc { channel, number } => (Self::Cc(number), Some(channel)),
            Control::Note { channel, number } => (Self::Note(number), Some(channel)),
            Control::Bend { channel } => (Self::Bend, Some(channel)),
            Control::Pressure { channel } => (Self::Pressure, Some(channel)),
            Control::PolyPressure { channel, number } => (Self::PolyPressure(number), Some(channel)),
            Control::Nrpn { channel, number } => (Self::Nrpn(number), Some(channel)),
            Control::Program { channel, .. } => (Self::Program, Some(channel)),
            Control::Button(number) => (Self::Button(number), None),
            Control::Encoder(number) => (Self::Encoder(number), None),
            Control::Pot(number) => (Self::Pot(number), None),
            Control::Key(code) => (Self::Key(code), None),
        }
    }

    /// Its key in a file and the number that stands there; `None` where `true` does.
    #[must_use]
    pub const fn written(self) -> (&'static str, Option<u16>) {
        match self {
            Self::Cc(number) => ("cc", Some(number as u16)),
            Self::Note(number) => ("note", Some(number as u16)),
            Self::Bend => ("bend", None),
            Self::Pressure => ("pressure", None),
            Self::PolyPressure(number) => ("poly_pressure", Some(number as u16)),
            Self::Nrpn(number) => ("nrpn", Some(number)),
            Self::Program => ("program", None),
            Self::Button(number) => ("button", Some(number as u16)),
            Self::Encoder(number) => ("encoder", Some(number as u16)),
            Self::Pot(number) => ("pot", Some(number as u16)),
            Self::Key(code) => ("key", Some(code)),
        }
    }
}

/// As it stands in a file: `cc 7`, `bend`.
impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.written() {
            (key, Some(number)) => write!(f, "{key} {number}"),
            (key, None) => f.write_str(key),
        }
    }
}

/// Which layer of a surface is played: banks turn over all knobs, shift is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Playing {
    /// The bank, from 0.
    pub bank: u8,
    /// Whether shift is held.
    pub shift: bool,
}

/// Banks of a surface.
pub const BANKS: u8 = 8;

/// The layer that a line of a map is on: any where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// The bank, from 0.
    pub bank: Option<u8>,
    /// Only with shift held, or only without.
    pub shift: Option<bool>,
}

impl Layer {
    /// How exactly this layer is the one being played; `None` where it is not.
    #[must_use]
    pub fn fits(self, playing: Playing) -> Option<u8> {
        let bank = self.bank.is_none_or(|bank| bank == playing.bank);
        let shift = self.shift.is_none_or(|shift| shift == playing.shift);
        (bank && shift).then(|| u8::from(self.bank.is_some()) + 2 * u8::from(self.shift.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Layer, Playing};

    #[test]
    fn the_layer_that_says_most_of_what_is_played_fits_best() {
        let playing = Playing { bank: 2, shift: true };
        let fit = |bank, shift| Layer { bank, shift }.fits(playing);
        assert_eq!([fit(None, None), fit(Some(2), None), fit(None, Some(true))], [Some(0), Some(1), Some(2)]);
        assert_eq!([fit(Some(2), Some(true)), fit(Some(1), None), fit(None, Some(false))], [Some(3), None, None]);
    }
}
