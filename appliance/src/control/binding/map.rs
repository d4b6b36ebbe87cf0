//! Which control reaches what.
//!
//! Four layers, and the first that knows a control has it: what was learnt for this very controller; the patch's own lines;
//! the profile of the controller's model; and the usual map, which needs no learning: control changes 1 to 16 are the
//! sixteen main parameters, 17 to 30 the latent channels, notes from 36 the deeds, program changes the scenes, on any channel.
//! Within a layer, all lines that fit best act: one control may move many parameters.

use std::collections::HashMap;

use engine::param::{ParamId, SCENES};
use hal::gesture::{Control, SurfaceId};

use super::control::{Layer, On, Playing};
use super::encoding::Encoding;
use super::takeover::Takeover;
use super::target::{Deed, Target};
use super::travel::Travel;

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

/// The first note of the usual map: the lowest pad of most controllers.
const FIRST_NOTE: u8 = 36;
/// The wheel beside the keys, on the usual map the morph between the first two scenes.
const MORPH_CC: u8 = 31;

/// The power key of the machine, as the kernel numbers it.
const POWER_KEY: u16 = hal::input::POWER_KEY;

/// What a button does to a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Press {
    /// A choice goes to the next; a value is set by how hard the button was struck.
    #[default]
    Set,
    /// The travel's high end while held, then back to what was.
    Momentary,
    /// From one end of the travel to the other with each press.
    Toggle,
    /// The high end with one press, back to what was with the next.
    Latch,
}

/// The presses by name.
pub const PRESSES: [(&str, Press); 4] =
    [("set", Press::Set), ("momentary", Press::Momentary), ("toggle", Press::Toggle), ("latch", Press::Latch)];

/// One line of the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Which control.
    pub on: On,
    /// Its channel, 1 to 16; any where `None`.
    pub channel: Option<u8>,
    /// On which layer of the surface.
    pub layer: Layer,
    /// What it reaches.
    pub target: Target,
    /// From where it stands to a value.
    pub travel: Travel,
    /// What its 7 bits mean.
    pub encoding: Encoding,
    /// When it takes hold.
    pub takeover: Takeover,
    /// What a press does; `Some` makes a button of a control change.
    pub press: Option<Press>,
    /// How hard it is struck counts.
    pub velocity: bool,
    /// The control change sends its fine half as number + 32.
    pub pair: bool,
}

impl Entry {
    /// An entry as most are: any channel, a place, picked up.
    #[must_use]
    pub const fn usual(on: On, target: Target) -> Self {
        Self {
            on,
            channel: None,
            layer: Layer { bank: None, shift: None },
            target,
            travel: Travel { range: None, along: super::Along::Own, curve: super::Curve::Linear, reversed: false },
            encoding: Encoding::Absolute,
            takeover: Takeover::Pickup,
            press: None,
            velocity: false,
            pair: false,
        }
    }

    fn hears(&self, control: Control) -> bool {
        let (on, channel) = On::of(control);
        self.on == on && (self.channel.is_none() || channel.is_none() || self.channel == channel)
    }
}

/// The whole map.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    learnt: HashMap<SurfaceId, Vec<Entry>>,
    own: Vec<Entry>,
    profiles: HashMap<SurfaceId, Vec<Entry>>,
    usual: Vec<Entry>,
}

impl Default for Map {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Map {
    /// The usual map, with a patch's own entries before it.
    #[must_use]
    pub fn with(own: Vec<Entry>) -> Self {
        let knobs = MAIN.iter().chain(&CHANNELS).zip(1..).map(|(id, number)| (On::Cc(number), Target::Param(*id)));
        let morph = std::iter::once((On::Cc(MORPH_CC), Target::Morph(0, 1)));
        let deeds = [Deed::Reseed, Deed::Mute, Deed::Undo, Deed::Redo].into_iter();
        let scenes = (0..SCENES).map(Deed::Recall).chain((0..SCENES).map(Deed::Capture));
        let others =
            [Deed::Panic, Deed::Revert, Deed::Tap, Deed::Learn, Deed::Shift, Deed::BankBy(-1), Deed::BankBy(1)];
        let pads = deeds.chain(scenes).chain(others).zip(FIRST_NOTE..);
        let pads = pads.map(|(deed, note)| (On::Note(note), Target::Deed(deed)));
        let programs = std::iter::once((On::Program, Target::Deed(Deed::RecallByNumber)));
        let switch = std::iter::once((On::Key(POWER_KEY), Target::Deed(Deed::SwitchOff)));
        let usual = knobs.chain(morph).chain(pads).chain(programs).chain(switch);
        let usual = usual.map(|(on, target)| Entry::usual(on, target)).collect();
        Self { learnt: HashMap::new(), own, profiles: HashMap::new(), usual }
    }

    /// The patch's own entries.
    #[must_use]
    pub fn own(&self) -> &[Entry] {
        &self.own
    }

    /// Another patch's own entries; what was learnt and the profiles stay.
    pub fn set_own(&mut self, own: Vec<Entry>) {
        self.own = own;
    }

    /// The entries of a controller's model.
    pub fn set_profile(&mut self, surface: SurfaceId, entries: Vec<Entry>) {
        self.profiles.insert(surface, entries);
    }

    /// What was learnt for a controller.
    #[must_use]
    pub fn learnt(&self, surface: SurfaceId) -> &[Entry] {
        self.learnt.get(&surface).map_or(&[], Vec::as_slice)
    }

    /// What was learnt for a controller, from a file or from the hand.
    pub fn set_learnt(&mut self, surface: SurfaceId, entries: Vec<Entry>) {
        self.learnt.insert(surface, entries);
    }

    /// Entries that any controller has: the patch's, then the usual ones.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.own.iter().chain(&self.usual)
    }

    /// The entries that a control of a surface has on the layer being played.
    pub fn find(&self, surface: SurfaceId, control: Control, playing: Playing) -> impl Iterator<Item = Entry> + '_ {
        let fit = move |entry: &Entry| if entry.hears(control) { entry.layer.fits(playing) } else { None };
        let layers = self.layers(surface);
        let best = layers.into_iter().find_map(|layer| layer.iter().filter_map(fit).max().map(|best| (layer, best)));
        let (layer, best) = best.unwrap_or((&[], 0));
        layer.iter().filter(move |entry| fit(entry) == Some(best)).copied()
    }

    /// Every entry that may reach a target from a surface, on whatever layer.
    pub fn reaching(&self, surface: SurfaceId) -> impl Iterator<Item = &Entry> {
        self.layers(surface).into_iter().flatten()
    }

    /// Whether all that a control reaches takes it for a place: then only its latest place matters.
    #[must_use]
    pub fn is_place(&self, surface: SurfaceId, control: Control) -> bool {
        let mut entries = self.reaching(surface).filter(|entry| entry.hears(control)).peekable();
        let place = |entry: &Entry| entry.encoding == Encoding::Absolute && entry.press.is_none();
        entries.peek().is_some() && entries.all(|entry| place(entry) && !matches!(entry.target, Target::Deed(_)))
    }

    /// The control changes of a surface that are sent as pairs: bit n for n and n + 32.
    #[must_use]
    pub fn pairs(&self, surface: SurfaceId) -> u32 {
        let bit = |entry: &Entry| match entry.on {
            On::Cc(number @ 0..=31) if entry.pair => 1 << number,
            _ => 0,
        };
        self.reaching(surface).map(bit).fold(0, |all, bit| all | bit)
    }

    fn layers(&self, surface: SurfaceId) -> [&[Entry]; 4] {
        let of = |known: &'_ HashMap<SurfaceId, Vec<Entry>>| known.contains_key(&surface);
        [self.learnt(surface), &self.own, if of(&self.profiles) { &self.profiles[&surface] } else { &[] }, &self.usual]
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, Entry, Layer, Map, On, Playing, Target};
    use engine::param::ParamId;
    use hal::gesture::{Control, SurfaceId};

    const KNOB: Control = Control::Cc { channel: 2, number: 1 };
    const ONE: SurfaceId = SurfaceId(7);

    fn to(id: ParamId) -> Entry {
        Entry::usual(On::Cc(1), Target::Param(id))
    }

    fn found(map: &Map, surface: SurfaceId, bank: u8, shift: bool) -> Vec<ParamId> {
        let entries = map.find(surface, KNOB, Playing { bank, shift });
        entries
            .map(|entry| match entry.target {
                Target::Param(id) => id,
                other => panic!("a parameter was bound, found {other:?}"),
            })
            .collect()
    }

    #[test]
    fn no_two_lines_of_the_usual_map_are_on_one_control() {
        let map = Map::default();
        let entries: Vec<_> = map.entries().collect();
        for (place, entry) in entries.iter().enumerate() {
            assert!(entries[..place].iter().all(|other| other.on != entry.on), "{:?}", entry.on);
        }
    }

    #[test]
    fn what_was_learnt_comes_before_the_patch_before_the_profile_before_the_usual() {
        let mut map = Map::default();
        assert_eq!(found(&map, ONE, 0, false), [ParamId::Denoise]);
        map.set_profile(ONE, vec![to(ParamId::Shift)]);
        assert_eq!(found(&map, ONE, 0, false), [ParamId::Shift]);
        map.set_own(vec![to(ParamId::Seed)]);
        assert_eq!(found(&map, ONE, 0, false), [ParamId::Seed]);
        map.set_learnt(ONE, vec![to(ParamId::GainDb)]);
        assert_eq!(found(&map, ONE, 0, false), [ParamId::GainDb]);
        assert_eq!(found(&map, SurfaceId(8), 0, false), [ParamId::Seed], "another controller has learnt nothing");
    }

    #[test]
    fn one_control_moves_many_and_a_layer_of_its_own_wins_while_it_is_played() {
        let on = |bank, shift, id| Entry { layer: Layer { bank, shift }, ..to(id) };
        let map = Map::with(vec![
            to(ParamId::Denoise),
            to(ParamId::Shift),
            on(Some(1), None, ParamId::Seed),
            on(None, Some(true), ParamId::GainDb),
        ]);
        assert_eq!(found(&map, ONE, 0, false), [ParamId::Denoise, ParamId::Shift]);
        assert_eq!(found(&map, ONE, 1, false), [ParamId::Seed]);
        assert_eq!(found(&map, ONE, 1, true), [ParamId::GainDb], "a shift that is held says more than a bank");
    }

    #[test]
    fn only_a_control_that_all_take_for_a_place_may_be_thinned_out() {
        let encoder = Entry { encoding: Encoding::TwosComplement, ..to(ParamId::Denoise) };
        assert!(Map::default().is_place(ONE, KNOB));
        assert!(!Map::with(vec![encoder, to(ParamId::Shift)]).is_place(ONE, KNOB));
        assert!(!Map::default().is_place(ONE, Control::Cc { channel: 1, number: 99 }), "nobody knows what it is");
    }

    #[test]
    fn pairs_are_those_that_some_line_says_are() {
        let pair = Entry { pair: true, ..Entry::usual(On::Cc(5), Target::Param(ParamId::Shift)) };
        let mut map = Map::default();
        assert_eq!(map.pairs(ONE), 0);
        map.set_profile(ONE, vec![pair]);
        assert_eq!((map.pairs(ONE), map.pairs(SurfaceId(9))), (1 << 5, 0));
    }
}
