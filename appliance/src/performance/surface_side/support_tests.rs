//! A surface side of fake surfaces over a real conductor, desk, map, memory and set list; only the sound is missing.

use std::path::Path;
use std::time::Duration;

use engine::live::{relay, set_queue};
use engine::param::{EdgeReceiver, ParamId, SnapshotReader, edge_queue};
use engine::playback::{DeckSize, Player, Tape, deck_with_tee};
use hal::gesture::{Control, FakeSurface, Gesture, Identity, Motion, Reply, Roster, SurfaceId, Told, WallClock};
use hal::midi::Pairing;

use super::SurfaceSide;
use crate::control::binding::Act;
use crate::display::displays::Displays;
use crate::display::terminal::{Ink, Terminal};
use crate::performance::beginning::Last;
use crate::performance::conductor::{Conductor, EngineLinks};
use crate::performance::view::View;
use crate::settings::box_file::BoxConfig;
use crate::settings::learnt_maps::LearntMaps;
use crate::settings::patch::Patch;
use crate::settings::profile::Profiles;
use crate::settings::set_list::{Listed, SetList};
use crate::surface::hardware::Hardware;
use crate::surface::surfaces::Surfaces;

/// The one controller.
pub(super) const FIRST: SurfaceId = SurfaceId::FIRST_LIVE;
pub(super) const TAPE: usize = 96_000;

pub(crate) struct Stage {
    pub(crate) surface_side: SurfaceSide,
    pub(crate) conductor: Conductor,
    pub(crate) view: View,
    pub(super) told: Told,
    pub(super) player: Player,
    _values: SnapshotReader,
    edges: EdgeReceiver<engine::live::Swap>,
}

impl Stage {
    /// A stage whose one controller plays `surface`, with `patches` in the set list, whose folder is in that of the state.
    pub(super) fn new(state: &Path, surface: FakeSurface, config: BoxConfig, patches: &[&str]) -> Self {
        let patches: Vec<Patch> = patches.iter().map(|text| Patch::parse(text).expect("a patch")).collect();
        let folder = state.join("set-list");
        std::fs::create_dir_all(&folder).expect("a disk");
        for (number, patch) in patches.iter().enumerate().skip(1) {
            patch.save(&folder.join(format!("{number}.toml"))).expect("a disk");
        }
        let first = Listed::new("first".to_owned(), patches[0].clone(), None);
        let (list, faults) = SetList::open(first, Some(&folder)).expect("a folder");
        assert!(faults.is_empty(), "{faults:?}");
        Self::going_on(state, surface, config, list, None)
    }

    /// A stage with a set list, where the last performance was.
    pub(crate) fn going_on(
        state: &Path,
        surface: FakeSurface,
        config: BoxConfig,
        list: SetList,
        last: Option<Last>,
    ) -> Self {
        // Whole turns of 480 Hz, at .1.
        let sound = |at: usize| [(at as f32 / 100.0 * std::f32::consts::TAU).sin() * 0.1; 2];
        let tape = Tape::new((0..TAPE).map(sound).collect::<Vec<_>>()).expect("a tape");
        let (player, _packer, transport) = deck_with_tee(tape, DeckSize::default());
        let (edges, receiver) = edge_queue(64);
        let (decode_values, _reader) = relay();
        let engine = EngineLinks { edges, decode_values, sets: set_queue().0, transport };
        let first = list.started().expect("a patch").played();
        let (mut conductor, values) = Conductor::begin(&first, TAPE / 1920, engine, last, false);
        let told = surface.told();
        let roster = Roster::default();
        assert_eq!(roster.arrive(&Identity::new("fake", "fake")), FIRST);
        let mut surfaces = Surfaces::default();
        surfaces.add(Box::new(surface)).expect("a thread");
        let hardware = Hardware { surfaces, roster, pairing: Pairing::default(), other_programs: None };
        let (learnt, _) = LearntMaps::open(state);
        let clock = WallClock::start();
        let config = (config, Profiles::built_in());
        let surface_side = SurfaceSide::begin(hardware, learnt, list, clock, config, &mut conductor).expect("threads");
        let nobody = std::fs::OpenOptions::new().write(true).open("/dev/null").expect("Linux has it");
        let terminal = Terminal::onto(&nobody, false, Ink::default()).expect("a thread");
        let view = View::new(terminal, Displays::default(), WallClock::start());
        Self { surface_side, conductor, view, told, player, _values: values, edges: receiver }
    }

    /// Plays a gesture of a score, all the way to what comes of it.
    pub(crate) fn play(&mut self, motion: Motion, at: Duration) -> Vec<Act> {
        let gesture = Gesture { at, surface: SurfaceId::SCORE, motion };
        let mut acts = Vec::new();
        self.conductor.play(&gesture, &mut acts);
        let told = acts.clone();
        self.surface_side.answer_all(&mut acts, None, &mut self.conductor, &mut self.view);
        // Nobody ticks here.
        while let Some(edge) = self.edges.next_edge(u64::MAX) {
            self.edges.retire(edge);
        }
        told
    }

    /// A round, as the conductor's loop makes it.
    pub(super) fn hear(&mut self) -> bool {
        self.surface_side.wait(&self.conductor);
        self.surface_side.hear(&mut self.conductor, &mut self.view)
    }

    /// Lets the surface_side hear until `done`; what the fakes say comes at once, so this ends or the test is stuck.
    pub(super) fn until(&mut self, done: impl Fn(&Conductor) -> bool) {
        while !done(&self.conductor) {
            self.hear();
        }
    }

    pub(super) fn value(&self, id: ParamId) -> f64 {
        self.conductor.store().value(id)
    }

    pub(crate) fn close_only(self) {
        assert_eq!(self.surface_side.close(Duration::from_secs(20)), Vec::<String>::new());
    }

    pub(super) fn close(self) -> Vec<u8> {
        let told = self.told.clone();
        self.close_only();
        let told = told.take().into_iter().flat_map(|(_, reply)| match reply {
            Reply::Midi(bytes) => bytes,
            Reply::Led(..) => Vec::new(),
        });
        told.collect()
    }
}

pub(super) fn program(number: u8) -> Motion {
    Motion::Pressed(Control::Program { channel: 1, number }, 127)
}

pub(super) fn note(number: u8) -> Motion {
    Motion::Pressed(Control::Note { channel: 1, number }, 100)
}
