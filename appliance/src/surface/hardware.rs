//! All surfaces of a box, opened as its file says: MIDI by the kernel or straight from USB, panels, keys.
//!
//! What is missing is said in words and played without; what comes later is found by the surfaces themselves.

use hal::gesture::{Roster, SurfaceId, WallClock};
use hal::input::{InputChoice, InputKeys, LinuxInput};
use hal::keys::KeySurface;
use hal::midi::{Pairing, Score, ScoreSurface};
use hal::panel::{LinuxBoard, Panel};
use hal::sequencer::LiveMidi;
use hal::usb::{UsbMidi, UsbSelect};

use crate::settings::box_file::BoxConfig;
use crate::surface::surfaces::Surfaces;

/// What is opened, besides what the box's file says.
pub struct Wanted {
    /// A Standard MIDI File, and whether it is a recording of hands.
    pub score: Option<(Score, bool)>,
    /// Which of its control changes are sent as pairs: bit n for n and n + 32.
    pub score_pairs: u32,
    /// MIDI ports.
    pub midi: bool,
    /// The keys of the terminal.
    pub terminal: bool,
    /// The machine's power switch.
    pub power_key: bool,
}

/// The surfaces of a box.
pub struct Hardware {
    /// All of them, listening.
    pub surfaces: Surfaces,
    /// Who is plugged in.
    pub roster: Roster,
    /// Which control changes come as pairs.
    pub pairing: Pairing,
    /// The surface of other programs, where there is MIDI.
    pub other_programs: Option<SurfaceId>,
}

impl Hardware {
    /// Opens everything; `roster` may know controllers from earlier days. What did not open is added to `said`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open(
        config: &BoxConfig,
        wanted: Wanted,
        clock: WallClock,
        roster: Roster,
        said: &mut Vec<String>,
    ) -> std::io::Result<Self> {
        let (mut surfaces, pairing) = (Surfaces::default(), Pairing::default());
        if let Some((score, by_hand)) = wanted.score {
            // Before its first message: it begins to play at once.
            for surface in [SurfaceId::SCORE, SurfaceId::RECORDED_HANDS] {
                pairing.set(surface, wanted.score_pairs);
            }
            let score = ScoreSurface::new(score, clock, &pairing);
            surfaces.add_named("the MIDI file", Box::new(if by_hand { score.by_hand() } else { score }))?;
        }
        let mut other_programs = None;
        if wanted.midi {
            let midi = LiveMidi::open(clock, &roster, &pairing, config.usb.clone());
            other_programs = midi.as_ref().ok().map(LiveMidi::other_programs);
            surfaces.add_opened("MIDI", midi, said);
        }
        if config.usb != UsbSelect::None {
            surfaces.add_opened("USB MIDI", UsbMidi::open(clock, &roster, &pairing, config.usb.clone()), said);
        }
        for plan in &config.panels {
            let name = format!("panel {}", plan.name);
            surfaces.add_opened(&name, Panel::new(plan.clone(), LinuxBoard::new(clock), clock, &roster), said);
        }
        if !config.keys.is_empty() {
            let (keys, grab) = (config.keys.clone(), config.grab);
            let keys = InputKeys::new(keys, grab, LinuxInput::new(clock), clock, &roster);
            surfaces.add_named("foot switches and keyboards", Box::new(keys))?;
        }
        if wanted.power_key {
            let switch = InputKeys::new(vec![InputChoice::PowerSwitch], false, LinuxInput::new(clock), clock, &roster);
            surfaces.add_named("the power switch", Box::new(switch))?;
        }
        if wanted.terminal {
            surfaces.add_opened("the keys of the terminal", KeySurface::open(clock), said);
        }
        Ok(Self { surfaces, roster, pairing, other_programs })
    }
}
