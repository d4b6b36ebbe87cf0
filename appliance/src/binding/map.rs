//! Which control reaches what.
//!
//! The default map needs no learning: control changes 1 to 16 are the sixteen main parameters, 17 to 30 the latent
//! channels, notes from 36 the deeds, program changes the scenes, on any channel. A patch's own entries come first.

use engine::param::{ParamId, SCENES};
use hal::gesture::Control;

use super::{Encoding, Takeover};

/// The sixteen parameters on control changes 1 to 16, and on the two lower rows of the keyboard.
pub const MAIN: [ParamId; 16] = [
    ParamId::Denoise,
    ParamId::SourceBlend,
    ParamId::X0Target,
    ParamId::HintStrength,
    ParamId::VelocityScale,
    ParamId::OdeNoise,
    ParamId::PromptBlend,
    ParamId::TimbreStrength,
    ParamId::Feedback,
    ParamId::TapeFeedback,
    ParamId::GuidanceScale,
    ParamId::Shift,
    ParamId::DcwScaler,
    ParamId::BlendPeriod,
    ParamId::GainDb,
    ParamId::Seed,
];

/// Latent channel gains, on control changes 17 to 30.
const CHANNELS: [ParamId; 14] = [
    ParamId::ChG0,
    ParamId::ChG1,
    ParamId::ChG2,
    ParamId::ChG3,
    ParamId::ChG4,
    ParamId::ChG5,
    ParamId::ChG6,
    ParamId::ChG7,
    ParamId::Ch13,
    ParamId::Ch14,
    ParamId::Ch19,
    ParamId::Ch23,
    ParamId::Ch29,
    ParamId::Ch56,
];

/// The first note of the default map: the lowest pad of most controllers.
const FIRST_NOTE: u8 = 36;

/// A control, on one channel or on any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A control change.
    Cc(u8),
    /// A note.
    Note(u8),
    /// The pitch wheel.
    Bend,
    /// Channel pressure.
    Pressure,
    /// A non-registered parameter.
    Nrpn(u16),
    /// Any program change.
    Program,
}

/// Something that is done, not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Other seeds.
    Reseed,
    /// Mute, or play again.
    Panic,
    /// Take the last stroke back.
    Undo,
    /// Do it again.
    Redo,
    /// Recall a scene, from 0.
    Recall(usize),
    /// Keep a scene, from 0.
    Capture(usize),
    /// Recall the scene whose number the control carries.
    RecallByNumber,
    /// Play from the start of the tape.
    Start,
}

impl Deed {
    /// The deed of a name in a patch: `reseed`, `panic`, `undo`, `redo`, `start`, `scene-N`, `keep-scene-N`, `scene`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let place = |text: &str| text.parse().ok().filter(|place| (1..=SCENES).contains(place)).map(|place| place - 1);
        match name {
            "reseed" => Some(Self::Reseed),
            "panic" => Some(Self::Panic),
            "undo" => Some(Self::Undo),
            "redo" => Some(Self::Redo),
            "start" => Some(Self::Start),
            "scene" => Some(Self::RecallByNumber),
            _ => match name.strip_prefix("keep-scene-") {
                Some(number) => place(number).map(Self::Capture),
                None => name.strip_prefix("scene-").and_then(place).map(Self::Recall),
            },
        }
    }

    /// Its name in a patch.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Reseed => "reseed".to_owned(),
            Self::Panic => "panic".to_owned(),
            Self::Undo => "undo".to_owned(),
            Self::Redo => "redo".to_owned(),
            Self::Start => "start".to_owned(),
            Self::RecallByNumber => "scene".to_owned(),
            Self::Recall(place) => format!("scene-{}", place + 1),
            Self::Capture(place) => format!("keep-scene-{}", place + 1),
        }
    }
}

/// What a control reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A value.
    Param(ParamId),
    /// Something to do.
    Deed(Deed),
}

impl Target {
    /// Its name in a patch.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Param(id) => id.row().name.to_owned(),
            Self::Deed(deed) => deed.name(),
        }
    }
}

/// One line of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which control.
    pub on: On,
    /// Its channel, 1 to 16; any where `None`.
    pub channel: Option<u8>,
    /// What it reaches.
    pub target: Target,
    /// What its 7 bits mean.
    pub encoding: Encoding,
    /// When it takes hold.
    pub takeover: Takeover,
}

impl Entry {
    /// An entry as most are: any channel, a place, picked up.
    #[must_use]
    pub const fn usual(on: On, target: Target) -> Self {
        Self { on, channel: None, target, encoding: Encoding::Absolute, takeover: Takeover::Pickup }
    }

    fn hears(&self, control: Control) -> bool {
        let (on, channel) = match control {
            Control::Cc { channel, number } => (On::Cc(number), channel),
            Control::Note { channel, number } => (On::Note(number), channel),
            Control::Bend { channel } => (On::Bend, channel),
            Control::Pressure { channel } => (On::Pressure, channel),
            Control::Nrpn { channel, number } => (On::Nrpn(number), channel),
            Control::Program { channel, .. } => (On::Program, channel),
            Control::PolyPressure { .. }
            | Control::Button(_)
            | Control::Encoder(_)
            | Control::Pot(_)
            | Control::Key(_) => return false,
        };
        self.on == on && self.channel.is_none_or(|wanted| wanted == channel)
    }
}

/// The whole map; the first entry that hears a control has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    own: Vec<Entry>,
    usual: Vec<Entry>,
}

impl Default for Map {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Map {
    /// The default map, with a patch's own entries before it.
    #[must_use]
    pub fn with(own: Vec<Entry>) -> Self {
        let knobs = MAIN.iter().chain(&CHANNELS).zip(1..).map(|(id, number)| (On::Cc(number), Target::Param(*id)));
        let deeds = [Deed::Reseed, Deed::Panic, Deed::Undo, Deed::Redo].into_iter();
        let scenes = (0..SCENES).map(Deed::Recall).chain((0..SCENES).map(Deed::Capture));
        let pads = deeds.chain(scenes).zip(FIRST_NOTE..).map(|(deed, note)| (On::Note(note), Target::Deed(deed)));
        let programs = std::iter::once((On::Program, Target::Deed(Deed::RecallByNumber)));
        let usual = knobs.chain(pads).chain(programs).map(|(on, target)| Entry::usual(on, target)).collect();
        Self { own, usual }
    }

    /// The patch's own entries.
    #[must_use]
    pub fn own(&self) -> &[Entry] {
        &self.own
    }

    /// All entries, those that win first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.own.iter().chain(&self.usual)
    }

    /// The entry that has a control.
    #[must_use]
    pub fn find(&self, control: Control) -> Option<&Entry> {
        self.entries().find(|entry| entry.hears(control))
    }
}

#[cfg(test)]
mod tests {
    use super::{Deed, Map, Target};

    #[test]
    fn no_two_lines_of_the_default_map_are_on_one_control() {
        let map = Map::default();
        let entries: Vec<_> = map.entries().collect();
        for (place, entry) in entries.iter().enumerate() {
            assert!(entries[..place].iter().all(|other| other.on != entry.on), "{:?}", entry.on);
        }
    }

    #[test]
    fn every_deed_comes_back_from_its_name() {
        for entry in Map::default().entries() {
            if let Target::Deed(deed) = entry.target {
                assert_eq!(Deed::from_name(&deed.name()), Some(deed));
            }
        }
        assert_eq!([Deed::from_name("scene-0"), Deed::from_name("scene-10"), Deed::from_name("jump")], [None; 3]);
    }
}
