//! Displays in the box's file.

use std::path::PathBuf;

use hal::display::{Chip, OledSetup};
use hal::panel::{Line, LinePlace};

use crate::files::document::{Item, Reader};
use crate::files::shown;

const KINDS: [(&str, Option<Chip>); 3] =
    [("ssd1306", Some(Chip::Ssd1306)), ("sh1106", Some(Chip::Sh1106)), ("framebuffer", None)];
const SCREENS: [(&str, Screen); 6] = [
    ("play", Screen::Play),
    ("page", Screen::Page),
    ("set-list", Screen::SetList),
    ("scenes", Screen::Scenes),
    ("levels", Screen::Levels),
    ("machine", Screen::Machine),
];
const FACES: [(&str, Face); 2] = [("usual", Face::Usual), ("large", Face::Large)];
const KEYS: [&str; 10] =
    ["kind", "device", "address", "data_line", "rows", "upside_down", "contrast", "screen", "face", "high_contrast"];
/// As bright as a display goes.
const BRIGHTEST: u8 = 255;
/// Where most modules answer.
const USUAL_ADDRESS: u8 = 0x3c;
/// What the chips allow at most.
const SPI_HZ: u32 = 10_000_000;

/// What is on the panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// Patch and scene, the parameter in the hand, the tape.
    #[default]
    Play,
    /// The knobs around the one in the hand.
    Page,
    /// The patch that plays, and the next one.
    SetList,
    /// What is kept, and which of it is played.
    Scenes,
    /// Meters, limiter, lead, underruns.
    Levels,
    /// Times, the card, controllers.
    Machine,
    /// What to touch while a control is being learnt.
    Learn,
    /// A list of parameters to choose from.
    Pick,
    /// What is wrong.
    Fault,
    /// How far the box is with starting.
    Boot,
}

impl Screen {
    /// Every screen.
    pub const ALL: [Self; 10] = [
        Self::Play,
        Self::Page,
        Self::SetList,
        Self::Scenes,
        Self::Levels,
        Self::Machine,
        Self::Learn,
        Self::Pick,
        Self::Fault,
        Self::Boot,
    ];
    /// Those that a player turns through, in order.
    pub const TURNED: [Self; 6] = [Self::Play, Self::Page, Self::SetList, Self::Scenes, Self::Levels, Self::Machine];

    /// The one after it; the first after one that nobody turns to.
    #[must_use]
    pub fn next(self) -> Self {
        let place = Self::TURNED.iter().position(|it| *it == self);
        place.map_or(Self::Play, |it| Self::TURNED[(it + 1) % Self::TURNED.len()])
    }
}

/// Where a display hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisplayDevice {
    /// An OLED on I2C.
    I2c {
        /// The bus.
        bus: PathBuf,
        /// Its address.
        address: u8,
        /// How it is built in.
        setup: OledSetup,
    },
    /// An OLED on SPI.
    Spi {
        /// The device.
        device: PathBuf,
        /// Clock of the bus.
        speed_hz: u32,
        /// The chip of its D/C line, and the line.
        data_line: (PathBuf, u32),
        /// How it is built in.
        setup: OledSetup,
    },
    /// A Linux framebuffer.
    Framebuffer {
        /// Its file.
        path: PathBuf,
        /// How bright lit dots are, 0 to 255.
        bright: u8,
    },
}

impl DisplayDevice {
    /// Where it hangs, as a player knows it.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::I2c { bus, address, .. } => format!("{} at {address:#04x}", shown(bus)),
            Self::Spi { device, .. } => shown(device).to_string(),
            Self::Framebuffer { path, .. } => shown(path).to_string(),
        }
    }
}

/// A display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayPlan {
    /// Where it hangs.
    pub device: DisplayDevice,
    /// What stands on it when nothing else is asked of it.
    pub screen: Screen,
    /// How large.
    pub face: Face,
    /// Whether every letter is bold.
    pub high_contrast: bool,
}

/// How large a display is written on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Face {
    /// Everything that a screen has.
    #[default]
    Usual,
    /// Less of it, twice the size.
    Large,
}

impl DisplayPlan {
    /// Whether it has 32 rows.
    #[must_use]
    pub const fn low(&self) -> bool {
        match &self.device {
            DisplayDevice::I2c { setup, .. } | DisplayDevice::Spi { setup, .. } => setup.half,
            DisplayDevice::Framebuffer { .. } => false,
        }
    }
}

pub(super) fn displays(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Vec<DisplayPlan> {
    reader.list("display", item, display)
}

fn display(reader: &mut Reader<'_>, path: &str, item: Item<'_, '_>) -> Option<DisplayPlan> {
    let mut setup = OledSetup::new(Chip::Ssd1306);
    let (mut kind, mut device, mut address, mut screen) = (None, None, USUAL_ADDRESS, Screen::Play);
    let (mut face, mut high_contrast, mut contrast) = (Face::default(), false, None);
    let mut data_line: Option<Line> = None;
    let before = reader.faults();
    reader.table(path, item, |reader, key, item| {
        let path = format!("{path}.{}", key.get_ref());
        match key.get_ref().as_ref() {
            "kind" => kind = reader.one_of(&path, item, &KINDS),
            "device" => device = reader.words(&path, item).map(PathBuf::from),
            "address" => address = reader.whole(&path, item, 0x08, 0x77).map_or(USUAL_ADDRESS, |it| it as u8),
            "data_line" => data_line = reader.parsed(&path, item),
            "rows" => match reader.whole(&path, item, 32, 64) {
                Some(rows @ (32 | 64)) => setup.half = rows == 32,
                Some(_) => reader.fault(&path, item, "32 or 64"),
                None => {}
            },
            "upside_down" => setup.upside_down = reader.boolean(&path, item).unwrap_or_default(),
            "contrast" => contrast = reader.whole(&path, item, 0, BRIGHTEST.into()).map(|it| it as u8),
            "high_contrast" => high_contrast = reader.boolean(&path, item).unwrap_or_default(),
            "screen" => screen = reader.one_of(&path, item, &SCREENS).unwrap_or_default(),
            "face" => face = reader.one_of(&path, item, &FACES).unwrap_or_default(),
            _ => reader.unknown("display.", key, &KEYS),
        }
    });
    if reader.faults() > before {
        return None;
    }
    let (Some(kind), Some(device)) = (kind, device) else {
        reader.note(path, item, "an incomplete display".to_owned(), "`kind` and `device`");
        return None;
    };
    setup.contrast = contrast.unwrap_or(if high_contrast { BRIGHTEST } else { setup.contrast });
    let device = match (kind, data_line) {
        (None, _) => DisplayDevice::Framebuffer { path: device, bright: contrast.unwrap_or(BRIGHTEST) },
        (Some(chip), None) => DisplayDevice::I2c { bus: device, address, setup: OledSetup { chip, ..setup } },
        (Some(chip), Some(Line { chip: gpio, place: LinePlace::Offset(line) })) => {
            // A chip's name is its file below /dev.
            let gpio = if gpio.contains('/') { PathBuf::from(gpio) } else { PathBuf::from("/dev").join(gpio) };
            let setup = OledSetup { chip, ..setup };
            DisplayDevice::Spi { device, speed_hz: SPI_HZ, data_line: (gpio, line), setup }
        }
        (Some(_), Some(line)) => {
            reader.note(path, item, format!("data_line {line}"), "a line by its number, as in gpiochip0:25");
            return None;
        }
    };
    Some(DisplayPlan { device, screen, face, high_contrast })
}
