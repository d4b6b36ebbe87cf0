//! What a model of controller is made of: its knobs, faders, pads and buttons, how they speak, what they reach before anyone
//! has learnt anything, and how their lights are spoken to.
//!
//! Profiles are data: TOML files under `appliance/profiles`, built in, and more from a folder of the box. A file with faults is
//! used as far as it is sound, and every fault is told with its line; one that cannot be read at all is left out, and the
//! generic profile stands in. `docs/surface.md` has the table of keys. Nothing here touches a device or reads a clock.

mod light;
mod profiles;
mod read;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hal::gesture::Control;

use crate::control::binding::{Encoding, Entry, On};
use crate::files::document::Fault;

pub use light::{Byte, Level, Light, Scale, Way};
pub use profiles::{Profiles, wrong_with};

/// What kind of thing a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Turns, and says where it stands.
    Knob,
    /// Turns for ever, and says which way it went.
    Encoder,
    /// Slides, and says where it stands.
    Fader,
    /// Slides, and can be told where to stand.
    MotorFader,
    /// Is pressed.
    Button,
    /// Is struck.
    Pad,
}

/// The kinds by name.
const KINDS: [(&str, Kind); 6] = [
    ("knob", Kind::Knob),
    ("encoder", Kind::Encoder),
    ("fader", Kind::Fader),
    ("motor-fader", Kind::MotorFader),
    ("button", Kind::Button),
    ("pad", Kind::Pad),
];

impl Kind {
    /// Whether it is pressed, not moved.
    #[must_use]
    pub const fn is_pressed(self) -> bool {
        matches!(self, Self::Button | Self::Pad)
    }
}

/// One knob, fader, pad or button of a controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// As it is printed on the panel.
    pub name: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it sends.
    pub on: On,
    /// Its channel, 1 to 16; any where `None`.
    pub channel: Option<u8>,
    /// What its 7 bits mean.
    pub encoding: Encoding,
    /// On which layer of the controller's own it is, from 1; always there where `None`.
    pub page: Option<u8>,
    /// What it reaches before anyone has learnt anything.
    pub entries: Vec<Entry>,
    /// Its light.
    pub light: Option<Light>,
}

impl Part {
    /// Whether this part sends that.
    #[must_use]
    pub fn sends(&self, control: Control) -> bool {
        let (on, channel) = On::of(control);
        self.on == on && (self.channel.is_none() || channel.is_none() || self.channel == channel)
    }

    /// What it sends, as a surface would say it.
    #[must_use]
    pub fn control(&self) -> Control {
        let channel = self.channel.unwrap_or(1);
        match self.on {
            On::Cc(number) => Control::Cc { channel, number },
            On::Note(number) => Control::Note { channel, number },
            On::Bend => Control::Bend { channel },
            On::Pressure => Control::Pressure { channel },
            On::PolyPressure(number) => Control::PolyPressure { channel, number },
            On::Nrpn(number) => Control::Nrpn { channel, number },
            On::Program => Control::Program { channel, number: 0 },
            On::Button(number) => Control::Button(number),
            On::Encoder(number) => Control::Encoder(number),
            On::Pot(number) => Control::Pot(number),
            On::Key(code) => Control::Key(code),
        }
    }
}

/// By what a controller is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// USB vendor and product, as in `1397:00b3`.
    pub usb: Vec<String>,
    /// The words that its model begins with, as in `gpio` for every wired panel.
    pub model: Vec<String>,
    /// Parts of its name, in small letters.
    pub name: Vec<String>,
}

/// A model of controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// What it is called in files: the name of its own, without `.toml`.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// By what it is known.
    pub known_by: Match,
    /// Said to it when it comes: whole MIDI messages, in order.
    pub setup: Vec<Vec<u8>>,
    /// Said to it when the box leaves it.
    pub farewell: Vec<Vec<u8>>,
    /// Being told a place moves the control itself, not a light beside it.
    pub sets_knobs: bool,
    /// Most messages a second that it takes.
    pub rate: u32,
    /// It forgets what it was told, so that all is told again after this long.
    pub again: Option<Duration>,
    /// What it is made of.
    pub parts: Vec<Part>,
}

impl Profile {
    /// Reads a profile's text as far as it is sound, and every fault of it in the order of their lines. `key` is the name of
    /// its file, without `.toml`.
    #[must_use]
    pub fn parse_sound(key: &str, text: &str) -> (Self, Vec<Fault>) {
        read::read(key, text)
    }

    /// What its parts reach, for [`crate::control::binding::Map::set_profile`].
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.parts.iter().flat_map(|part| part.entries.iter().copied()).collect()
    }
}
