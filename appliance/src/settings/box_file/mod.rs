//! What is built into a box and what it plays, in `/etc/demon/demon.toml`: patch, sound device, panels, displays, keys, how MIDI comes in.
//!
//! `docs/box-file.md` has an example and every key; the tests hold it.
//!
//! Every fault is told at once with its line; what is sound is used. A box without the file has no panel and no display,
//! and everything else.

mod open;
mod panels;
mod play;
mod screens;
mod takes;
mod trial;

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::param::ParamId;
use hal::input::InputChoice;
use hal::panel::PanelPlan;
use hal::usb::UsbSelect;

pub use open::{ClockSource, OpenPlan};
pub use play::{AtStart, BackendChoice, LOUDNESS_LUFS, PERIOD_FRAMES, PERIODS, PlayPlan};
pub use screens::{DisplayDevice, DisplayPlan, Face, Screen};
pub use takes::TakesPlan;
pub use trial::Trial;

use crate::control::slew::SlewSetting;
use crate::control::tempo::Quantise;
use crate::files::document::{self, Fault, Format, Item, Reader, lines};
use crate::files::{FileError, Trouble, read_text};

/// Where a box has its file.
pub const BOX_FILE: &str = "/etc/demon/demon.toml";
/// Greatest file in bytes: a hundred times the longest that hands write.
const LARGEST_BYTES: u64 = 1 << 20;
const SECTIONS: [&str; 11] =
    ["play", "audio", "midi", "tempo", "keys", "terminal", "display", "panel", "feel", "takes", "open"];
const QUANTISES: [(&str, Quantise); 4] =
    [("off", Quantise::Off), ("beat", Quantise::Beat), ("bar", Quantise::Bar), ("loop", Quantise::Loop)];

/// How the sound device is asked, where the command line says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioPlan {
    /// The ALSA device.
    pub device: Option<String>,
    /// Stereo samples that are handed to it at a time.
    pub period_frames: Option<u32>,
    /// Periods that it holds.
    pub periods: Option<u32>,
    /// How loud `match-loudness` makes what plays, in LUFS.
    pub loudness_lufs: f64,
}

impl Default for AudioPlan {
    fn default() -> Self {
        Self { device: None, period_frames: None, periods: None, loudness_lufs: LOUDNESS_LUFS }
    }
}

/// What is built into a box, and what it plays.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxConfig {
    /// What it plays.
    pub play: PlayPlan,
    /// How the sound device is asked.
    pub audio: AudioPlan,
    /// Controllers taken straight from USB.
    pub usb: UsbSelect,
    /// Who is sent clock and program changes: parts of names.
    pub out: Vec<String>,
    /// Channel of the program changes that are sent, 1 to 16.
    pub program_channel: Option<u8>,
    /// Whether start, stop and continue from outside are followed.
    pub follow: bool,
    /// What scenes wait for.
    pub quantise: Quantise,
    /// Keyboards and foot switches.
    pub keys: Vec<InputChoice>,
    /// Whether they are taken from everyone else.
    pub grab: bool,
    /// Whether the terminal is written in its own strongest letters: none dim, none coloured.
    pub terminal_high_contrast: bool,
    /// Displays.
    pub displays: Vec<DisplayPlan>,
    /// Panels.
    pub panels: Vec<PanelPlan>,
    /// How parameters follow the hand.
    pub feel: Vec<SlewSetting>,
    /// What is recorded of the music.
    pub takes: TakesPlan,
    /// What a box of the image opens that is closed otherwise.
    pub open: OpenPlan,
}

impl Default for BoxConfig {
    fn default() -> Self {
        Self {
            play: PlayPlan::default(),
            audio: AudioPlan::default(),
            usb: UsbSelect::None,
            out: vec!["other programs".to_owned()],
            program_channel: None,
            follow: true,
            quantise: Quantise::Off,
            keys: Vec::new(),
            grab: false,
            terminal_high_contrast: false,
            displays: Vec::new(),
            panels: Vec::new(),
            feel: Vec::new(),
            takes: TakesPlan::default(),
            open: OpenPlan::default(),
        }
    }
}

impl BoxConfig {
    /// The named file, or the box's own where there is one; with it, what is wrong, in lines for the player.
    ///
    /// # Errors
    /// When a file that was named cannot be read.
    pub fn open(named: Option<&Path>) -> Result<(Self, Vec<String>), FileError> {
        let path = named.map_or_else(|| PathBuf::from(BOX_FILE), Path::to_owned);
        match read_text(&path, LARGEST_BYTES) {
            Ok(text) => {
                let (mut config, faults) = Self::parse(&text.text);
                config.play.beside(path.parent().unwrap_or(Path::new("")));
                let faults = text.with(faults);
                let told = if faults.is_empty() { Vec::new() } else { vec![lines(&path, &faults)] };
                Ok((config, told))
            }
            Err(Trouble::Missing) if named.is_none() => Ok((Self::default(), Vec::new())),
            Err(trouble) => {
                let error = FileError::reading(&path)(trouble);
                match named {
                    None => Ok((Self::default(), vec![format!("{error}; playing without it")])),
                    Some(_) => Err(error),
                }
            }
        }
    }

    /// Reads the text as far as it is sound, and everything that is wrong with it.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<Fault>) {
        document::read(Format::BoxFile, text, |reader, document| {
            let mut config = Self::default();
            for (key, item) in document {
                match key.get_ref().as_ref() {
                    "play" => config.play = play::play(reader, item),
                    "audio" => config.audio = play::audio(reader, item),
                    "midi" => config.midi(reader, item),
                    "tempo" => config.tempo(reader, item),
                    "keys" => config.keys(reader, item),
                    "terminal" => config.terminal(reader, item),
                    "display" => config.displays = screens::displays(reader, item),
                    "panel" => config.panels = panels::panels(reader, item),
                    "feel" => config.feel = feel(reader, item),
                    "takes" => config.takes = takes::takes(reader, item),
                    "open" => config.open = open::open(reader, item),
                    _ => reader.unknown("", key, &SECTIONS),
                }
            }
            config
        })
    }

    fn midi(&mut self, reader: &mut Reader<'_>, item: Item<'_, '_>) {
        reader.table("midi", item, |reader, key, item| {
            let path = format!("midi.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "usb" => self.usb = reader.parsed(&path, item).unwrap_or_default(),
                "out" => self.out = reader.list(&path, item, Reader::words),
                "program_channel" => {
                    self.program_channel = reader.whole(&path, item, 1, 16).map(|channel| channel as u8);
                }
                "follow" => self.follow = reader.boolean(&path, item).unwrap_or(true),
                _ => reader.unknown("midi.", key, &["usb", "out", "program_channel", "follow"]),
            }
        });
    }

    fn tempo(&mut self, reader: &mut Reader<'_>, item: Item<'_, '_>) {
        reader.table("tempo", item, |reader, key, item| match key.get_ref().as_ref() {
            "quantise" => self.quantise = reader.one_of("tempo.quantise", item, &QUANTISES).unwrap_or_default(),
            _ => reader.unknown("tempo.", key, &["quantise"]),
        });
    }

    fn terminal(&mut self, reader: &mut Reader<'_>, item: Item<'_, '_>) {
        reader.table("terminal", item, |reader, key, item| {
            let path = format!("terminal.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "high_contrast" => self.terminal_high_contrast = reader.boolean(&path, item).unwrap_or_default(),
                _ => reader.unknown("terminal.", key, &["high_contrast"]),
            }
        });
    }

    fn keys(&mut self, reader: &mut Reader<'_>, item: Item<'_, '_>) {
        reader.table("keys", item, |reader, key, item| {
            let path = format!("keys.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "devices" => self.keys = reader.list(&path, item, Reader::parsed),
                "grab" => self.grab = reader.boolean(&path, item).unwrap_or_default(),
                _ => reader.unknown("keys.", key, &["devices", "grab"]),
            }
        });
    }
}

fn feel(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Vec<SlewSetting> {
    let mut feel = Vec::new();
    reader.table("feel", item, |reader, key, item| {
        let Some(id) = ParamId::from_name(key.get_ref()) else {
            let names = ParamId::all().map(|id| id.row().name);
            return reader.unknown_of("feel.", key, "a parameter of `demon params`", names);
        };
        let mut of = SlewSetting { id, limit: None, glide: Duration::ZERO };
        let path = format!("feel.{}", key.get_ref());
        reader.table(&path.clone(), item, |reader, key, item| {
            let path = format!("{path}.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "travels_per_s" => {
                    let limit = reader.number(&path, item, 0.0, 1000.0);
                    of.limit = limit.map(|limit| (limit > 0.0).then_some(limit));
                }
                "glide_ms" => {
                    let glide = reader.number(&path, item, 0.0, 60_000.0).unwrap_or_default();
                    of.glide = Duration::from_secs_f64(glide / 1e3);
                }
                _ => reader.unknown("feel.", key, &["travels_per_s", "glide_ms"]),
            }
        });
        feel.push(of);
    });
    feel
}

#[cfg(test)]
mod tests;
