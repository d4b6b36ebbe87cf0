//! Where the sound of a performance goes: to a sound device, or into a file.
//!
//! A device that was named is waited for, for ever. Where none was named it is ALSA's `default`. Only a machine that has no sound
//! card at all, and no other `default` that opens, plays into a take in the current folder; a card that turns up later is played
//! on all the same (`hal::audio::StandIn`). A file is written in no other case, unless it is asked for.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hal::audio::{AlsaOut, Ask, AudioOut, StandIn, WavFormat, WavOut, has_card};

use crate::files::{Place, Take, shown};

/// The device where none is named.
pub const DEFAULT_DEVICE: &str = "default";
/// Names that are tried for a take: beyond this the folder wants tidying.
const TAKES: u32 = 9999;

/// Where the sound is to go.
pub enum Output {
    /// To this device, there or not.
    Device(String),
    /// Into a file that was asked for.
    File(Place),
    /// Into a take, until there is a card: none is there, and `default` answers with this.
    Take(String),
}

impl Output {
    /// To the named device, or to the usual one where there may be one. Makes no file.
    #[must_use]
    pub fn to_device(named: Option<&str>) -> Self {
        if let Some(name) = named {
            return Self::Device(name.to_owned());
        }
        let mut usual = AlsaOut::new(DEFAULT_DEVICE);
        match usual.open(Ask::default()) {
            // Without a card it may still be another machine's, through a sound server.
            Err(error) if !has_card() => Self::Take(error.to_string()),
            _ => Self::Device(DEFAULT_DEVICE.to_owned()),
        }
    }

    /// Whether it is a file, which nobody hears.
    #[must_use]
    pub fn is_file(&self) -> bool {
        !matches!(self, Self::Device(_))
    }

    /// The output, its name for the player, and what is to be said of it.
    ///
    /// # Errors
    /// When a file cannot be begun.
    pub fn make(self) -> anyhow::Result<(Box<dyn AudioOut + Send>, String, Option<String>)> {
        Ok(match self {
            Self::Device(name) => (Box::new(AlsaOut::new(&name)), name, None),
            Self::File(place) => {
                let name = place.name();
                (Box::new(wav(&name, Take::at(&place)?)), name, None)
            }
            Self::Take(why) => {
                let (take, path) = free_take(Path::new("."))?;
                let name = shown(&path).to_string();
                let words = format!("{why}: playing into {name} until there is a sound card");
                let card = AlsaOut::new(DEFAULT_DEVICE);
                (Box::new(StandIn::new(card, wav(&name, take), has_card)), name, Some(words))
            }
        })
    }
}

fn wav(name: &str, take: Take) -> WavOut {
    WavOut::onto(name, Box::new(take), WavFormat::F32)
}

/// A take of a name that nobody else has.
fn free_take(folder: &Path) -> anyhow::Result<(Take, PathBuf)> {
    let names = (1..=TAKES).map(|number| folder.join(format!("demon-take-{number:04}.wav")));
    Take::first_of(names).context("no take can be begun")
}

#[cfg(test)]
mod tests {
    use super::free_take;

    #[test]
    fn two_takes_that_are_begun_at_once_have_two_names() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let takes = [(); 3].map(|()| free_take(folder.path()).expect("a name is free"));
        let names = takes.each_ref().map(|(_, path)| path.file_name().expect("a name").to_owned());
        assert_eq!(names, ["demon-take-0001.wav", "demon-take-0002.wav", "demon-take-0003.wav"]);
        drop(takes);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "takes without a sound go again");
    }
}
