//! Which devices of the input subsystem are played: keyboards and foot switches, and not the mouse, the power button, the
//! lid or a headset's volume keys. Pure.

use std::str::FromStr;

use crate::gesture::Identity;

/// The code of a machine's power key (`KEY_POWER`).
pub const POWER_KEY: u16 = 116;

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputDevice {
    /// What it calls itself.
    pub name: String,
    /// Its maker's number.
    pub vendor: u16,
    /// Its model's number.
    pub product: u16,
    /// Its own serial number, if it has one.
    pub serial: Option<String>,
    /// Where it is plugged, as the kernel writes it: `usb-0000:00:14.0-2/input0`.
    pub port: Option<String>,
    /// The codes of its keys and buttons.
    pub keys: Vec<u16>,
    /// It moves a pointer or has sticks.
    pub points: bool,
}

/// What a device is to a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A computer keyboard: all letters.
    Keyboard,
    /// A few keys or buttons: a foot switch, a pedal that turns pages, a number pad, keys soldered to pins.
    FootSwitch,
}

/// Which devices are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputChoice {
    /// All keyboards and foot switches.
    All,
    /// Those with this in their names, in any case of letters; whatever they are, if they have keys.
    Named(String),
    /// The machine's power switch: what has a power key and is nothing that is played.
    PowerSwitch,
    /// This model; whatever it is, if it has keys.
    Model {
        /// Its maker's number.
        vendor: u16,
        /// Its model's number.
        product: u16,
    },
}

/// `all`, `046d:c31c`, or a part of a name.
impl FromStr for InputChoice {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let number = |digits: &str| (digits.len() == 4).then(|| u16::from_str_radix(digits, 16).ok()).flatten();
        let model = words.split_once(':').and_then(|(vendor, product)| Some((number(vendor)?, number(product)?)));
        match (words.trim(), model) {
            ("", _) => {
                Err("no input device is named: 'all', a part of a name or vendor:product was expected".to_owned())
            }
            ("all", _) => Ok(Self::All),
            (_, Some((vendor, product))) => Ok(Self::Model { vendor, product }),
            (name, None) => Ok(Self::Named(name.to_owned())),
        }
    }
}

impl InputChoice {
    /// Whether a device is wanted.
    #[must_use]
    pub fn wants(&self, device: &InputDevice) -> bool {
        match self {
            Self::All => kind_of(device).is_some(),
            Self::PowerSwitch => device.keys.contains(&POWER_KEY) && kind_of(device).is_none(),
            Self::Named(part) => !device.keys.is_empty() && device.name.to_lowercase().contains(&part.to_lowercase()),
            Self::Model { vendor, product } => {
                !device.keys.is_empty() && (device.vendor, device.product) == (*vendor, *product)
            }
        }
    }
}

impl InputDevice {
    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        // A keyboard is often two devices with one serial number, told apart by the last part of the port.
        let part = self.port.as_deref().and_then(|port| port.rsplit_once('/')).map_or("", |(_, part)| part);
        let serial = self.serial.as_ref().map(|serial| format!("{serial}/{part}").trim_end_matches('/').to_owned());
        let model = format!("input {:04x}:{:04x}", self.vendor, self.product);
        Identity { serial, port: self.port.clone(), ..Identity::new(&self.name, model) }
    }
}

/// What a device is, or `None` if it is nothing that a player plays unasked.
#[must_use]
pub fn kind_of(device: &InputDevice) -> Option<InputKind> {
    let has = |code: u16| device.keys.contains(&code);
    // Q to P, A to L, Z to M, return and space.
    if [16..=25, 30..=38, 44..=50, 28..=28, 57..=57].into_iter().flatten().all(has) {
        return Some(InputKind::Keyboard);
    }
    let plays = |code: &u16| match code {
        // Typing, function and cursor keys, F13 to F24, and buttons that are only numbered. 113 to 116 and most codes above
        // are a headset's, a lid's, a screen's or the power switch.
        1..=111 | 183..=194 | 0x100..=0x109 | 0x2c0..=0x2e7 => true,
        // A stick's buttons, which some pedals claim to be: they come without a stick.
        0x120..=0x13f => true,
        _ => false,
    };
    (!device.points && device.keys.iter().any(plays)).then_some(InputKind::FootSwitch)
}

#[cfg(test)]
mod tests {
    use super::{InputChoice, InputDevice, InputKind, kind_of};

    fn device(name: &str, keys: impl IntoIterator<Item = u16>, points: bool) -> InputDevice {
        InputDevice { name: name.to_owned(), keys: keys.into_iter().collect(), points, ..InputDevice::default() }
    }

    #[test]
    fn what_a_player_plays_counts_and_what_a_computer_has_does_not() {
        let kinds = [
            (device("a keyboard", 1..=111, false), Some(InputKind::Keyboard)),
            (device("a keyboard with a stick for the mouse", 1..=0x112, true), Some(InputKind::Keyboard)),
            (device("a page turner", [104, 109], false), Some(InputKind::FootSwitch)),
            (device("a number pad", 69..=83, false), Some(InputKind::FootSwitch)),
            (device("keys on pins", [0x100, 0x101], false), Some(InputKind::FootSwitch)),
            (device("a pedal that claims to be a joystick", [0x120, 0x121], false), Some(InputKind::FootSwitch)),
            (device("a mouse", 0x110..=0x114, true), None),
            (device("a touchpad", [0x110, 0x145, 0x14a], true), None),
            (device("a gamepad", 0x130..=0x13e, true), None),
            (device("the power button", [116], false), None),
            (device("the sleep button", [142, 143], false), None),
            (device("the lid", [], false), None),
            (device("the screen's keys", [224, 225, 227, 241, 242, 243, 244, 245], false), None),
            (device("a headset", [113, 114, 115, 163, 164, 165], false), None),
        ];
        for (device, kind) in kinds {
            assert_eq!(kind_of(&device), kind, "{}", device.name);
        }
    }

    #[test]
    fn the_power_switch_is_what_has_its_key_and_is_not_played() {
        let wants = |keys: Vec<u16>| InputChoice::PowerSwitch.wants(&device("any", keys, false));
        assert!(wants(vec![116]) && wants(vec![116, 142, 143]));
        assert!(!wants((1..=116).collect()) && !wants(vec![113, 114, 115]) && !wants(vec![142]));
        assert!(!InputChoice::All.wants(&device("the power button", [116], false)));
    }

    #[test]
    fn one_asked_for_is_taken_whatever_it_is() {
        let headset = InputDevice { vendor: 0x46d, product: 0xa38, ..device("USB Headset", [114, 115], false) };
        let wanted = |words: &str| words.parse::<InputChoice>().unwrap().wants(&headset);
        assert!(!wanted("all") && wanted("headset") && wanted("046d:0a38") && !wanted("046d:0a39") && !wanted("pedal"));
        assert!(!InputChoice::Named("lid".to_owned()).wants(&device("the lid", [], false)), "it has no keys");
        assert!("".parse::<InputChoice>().is_err());
    }

    #[test]
    fn the_two_halves_of_one_keyboard_are_two() {
        let half = |part: &str| InputDevice {
            serial: Some("42".to_owned()),
            port: Some(format!("usb-0000:00:14.0-2/{part}")),
            vendor: 0x46d,
            product: 0xc31c,
            ..device("a keyboard", [], false)
        };
        let [first, second] = ["input0", "input1"].map(|part| half(part).identity());
        assert_eq!(first.to_string(), "input 046d:c31c serial 42/input0");
        assert_ne!(first.serial, second.serial);
    }
}
