//! A light of a controller: what is said to it so that it shows a place or a state.
//!
//! A profile describes lights once and its parts name them; here the description meets a lamp's number and becomes bytes.
//! Pure: what was said before, and how fast a wire may be spoken to, is not known here.

use hal::gesture::Reply;

/// How a light is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A control change with the lamp's number.
    Cc,
    /// A note with the lamp's number.
    Note,
    /// The pitch wheel, 14 bits, for motor faders.
    Bend,
    /// A system exclusive message by a template.
    Sysex,
    /// A light of the wired panel.
    Led,
}

/// The ways by name.
pub(super) const WAYS: [(&str, Way); 5] =
    [("cc", Way::Cc), ("note", Way::Note), ("bend", Way::Bend), ("sysex", Way::Sysex), ("led", Way::Led)];

impl Way {
    /// Greatest value that it can carry.
    #[must_use]
    pub const fn most(self) -> u16 {
        match self {
            Self::Cc | Self::Note | Self::Sysex => 127,
            Self::Bend => 16_383,
            Self::Led => 1,
        }
    }
}

/// A value on a wire, and the channel that it goes to where that is not the light's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// 1 to 16.
    pub channel: Option<u8>,
    /// 0 to [`Way::most`].
    pub value: u16,
}

/// How a place, 0 to 1, becomes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly from the first value to the last.
    Between(u16, u16),
    /// The nearest of these, which are spread evenly.
    Steps(Vec<u16>),
}

impl Scale {
    /// The value for a place; a place outside counts as the nearer end, and one that is no number as 0.
    #[must_use]
    pub fn at(&self, place: f64) -> u16 {
        let place = if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) };
        match self {
            Self::Between(first, last) => {
                (f64::from(*first) + (f64::from(*last) - f64::from(*first)) * place).round() as u16
            }
            Self::Steps(steps) => {
                let last = steps.len().saturating_sub(1);
                steps.get((place * last as f64).round() as usize).copied().unwrap_or_default()
            }
        }
    }
}

/// One byte of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Byte {
    /// As it stands.
    Fixed(u8),
    /// The lamp's number.
    Lamp,
    /// The value.
    Value,
}

/// A light of a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Light {
    /// How it is spoken to.
    pub way: Way,
    /// Its number on the wire or the panel.
    pub lamp: u8,
    /// Its channel, 1 to 16.
    pub channel: u8,
    /// How it shows a place; a light without shows states.
    pub place: Option<Scale>,
    /// How it shows a place that a knob has not come by yet.
    pub waiting: Option<Scale>,
    /// Bound, and off.
    pub off: Option<Level>,
    /// Off, but something is there: a scene that is kept.
    pub dim: Option<Level>,
    /// On.
    pub on: Option<Level>,
    /// Blinking by itself.
    pub blink: Option<Level>,
    /// Bound to nothing, or left.
    pub dark: Option<Level>,
    /// Bytes of a system exclusive message.
    pub template: Vec<Byte>,
}

impl Light {
    /// What to say so that the light shows a level.
    #[must_use]
    pub fn reply(&self, level: Level) -> Reply {
        let channel = level.channel.unwrap_or(self.channel).clamp(1, 16) - 1;
        let value = level.value.min(self.way.most());
        let (low, high) = ((value & 0x7f) as u8, (value >> 7) as u8);
        match self.way {
            Way::Cc => Reply::Midi(vec![0xb0 | channel, self.lamp, low]),
            Way::Note => Reply::Midi(vec![0x90 | channel, self.lamp, low]),
            Way::Bend => Reply::Midi(vec![0xe0 | channel, low, high]),
            Way::Led => Reply::Led(self.lamp, value != 0),
            Way::Sysex => {
                let byte = |byte: &Byte| match byte {
                    Byte::Fixed(byte) => *byte,
                    Byte::Lamp => self.lamp,
                    Byte::Value => low,
                };
                Reply::Midi(self.template.iter().map(byte).collect())
            }
        }
    }

    /// Whether both are one lamp of a controller: what is said to one is said to the other.
    #[must_use]
    pub fn is_same_lamp(&self, other: &Self) -> bool {
        let bend = self.way == Way::Bend;
        self.way == other.way
            && if bend { self.channel == other.channel } else { self.lamp == other.lamp }
            && (self.way != Way::Cc || self.channel == other.channel)
            && self.template == other.template
    }
}
