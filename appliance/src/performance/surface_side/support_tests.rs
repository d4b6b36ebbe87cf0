//! A surface side of fake surfaces over a real conductor, desk, map, memory and set list; only the sound is missing.

use std::path::Path;
use std::time::Duration;

use engine::live::relay;
use engine::param::{EdgeReceiver, ParamId, SnapshotReader, edge_queue};
use engine::playback::{DeckSize, Player, Tape, deck};
use hal::gesture::{Control, FakeSurface, Identity, Motion, Reply, Roster, SurfaceId, Told, WallClock};
use hal::midi::Pairing;

use super::SurfaceSide;
use crate::display::displays::Displays;
use crate::display::terminal::{Ink, Terminal};
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
const TAPE: usize = 96_000;

pub(super) struct Stage {
    pub(super) surface_side: SurfaceSide,
    pub(super) conductor: Conductor,
    pub(super) view: View,
    pub(super) told: Told,
    pub(super) player: Player,
    _values: SnapshotReader,
    _edges: EdgeReceiver<engine::live::Swap>,
}

impl Stage {
    /// A stage whose one controller plays `surface`, with `patches` in the set list.
    pub(super) fn new(state: &Path, surface: FakeSurface, config: BoxConfig, patches: &[&str]) -> Self {
        let patches: Vec<Patch> = patches.iter().map(|text| Patch::parse(text).expect("a patch")).collect();
        let folder = tempfile::tempdir().expect("a folder");
        for (number, patch) in patches.iter().enumerate().skip(1) {
            patch.save(&folder.path().join(format!("{number}.toml"))).expect("a disk");
        }
        let first = Listed { name: "first".to_owned(), patch: patches[0].clone() };
        let (list, faults) = SetList::open(first, Some(folder.path())).expect("a folder");
        assert!(faults.is_empty(), "{faults:?}");
        // Whole turns of 480 Hz, at .1.
        let sound = |at: usize| [(at as f32 / 100.0 * std::f32::consts::TAU).sin() * 0.1; 2];
        let tape = Tape::new((0..TAPE).map(sound).collect::<Vec<_>>()).expect("a tape");
        let (player, _packer, transport) = deck(tape, DeckSize::default());
        let (edges, receiver) = edge_queue(16);
        let (decode_values, _reader) = relay();
        let engine = EngineLinks { edges, decode_values, transport };
        let (mut conductor, values) = Conductor::new(&patches[0], TAPE / 1920, engine);
        let told = surface.told();
        let roster = Roster::default();
        assert_eq!(roster.arrive(&Identity::new("fake", "fake")), FIRST);
        let mut surfaces = Surfaces::default();
        surfaces.add(Box::new(surface)).expect("a thread");
        let hardware = Hardware { surfaces, roster, pairing: Pairing::default(), other_programs: None };
        let (learnt, _) = LearntMaps::open(state);
        let surface_side = SurfaceSide::begin(
            hardware,
            learnt,
            list,
            WallClock::start(),
            (config, Profiles::built_in()),
            &mut conductor,
        )
        .expect("threads");
        let nobody = std::fs::OpenOptions::new().write(true).open("/dev/null").expect("Linux has it");
        let terminal = Terminal::onto(&nobody, false, Ink::default()).expect("a thread");
        let view = View::new(terminal, Displays::default(), WallClock::start());
        Self { surface_side, conductor, view, told, player, _values: values, _edges: receiver }
    }

    /// Lets the surface_side hear until `done`; what the fakes say comes at once, so this ends or the test is stuck.
    pub(super) fn until(&mut self, done: impl Fn(&Conductor) -> bool) {
        while !done(&self.conductor) {
            self.surface_side.hear(&mut self.conductor, &mut self.view);
        }
    }

    pub(super) fn value(&self, id: ParamId) -> f64 {
        self.conductor.store().value(id)
    }

    pub(super) fn close_only(self) {
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
