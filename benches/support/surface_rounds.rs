//! Goal: the conductor is never held up for 5 ms, while 20,000 gestures come.
//! Method: the rounds of `demon run` with all that they have beside the engine: `SurfaceSide::hear` (gestures played, answered,
//! lit, faults told) and, 30 times a second, `View::draw`. Four surfaces say 500 words a second each; one of their wires takes
//! nothing. A round's time includes its wait for the first gesture, half a millisecond at this pace.

use std::time::{Duration, Instant};

use appliance::compute::health::Watch;
use appliance::display::displays::Displays;
use appliance::display::terminal::Terminal;
use appliance::performance::conductor::{Conductor, EngineLinks};
use appliance::performance::surface_side::SurfaceSide;
use appliance::performance::threads::Pulse;
use appliance::performance::view::View;
use appliance::settings::box_file::BoxConfig;
use appliance::settings::learnt_maps::LearntMaps;
use appliance::settings::patch::Patch;
use appliance::settings::profile::Profiles;
use appliance::settings::set_list::{Listed, SetList};
use appliance::surface::hardware::Hardware;
use appliance::surface::surfaces::Surfaces;
use engine::latent::SAMPLES_PER_LATENT_FRAME;
use engine::live::{relay, set_queue};
use engine::param::edge_queue;
use engine::playback::{DeckSize, Tape, deck};
use hal::gesture::{FakeSurface, Identity, Motion, Roster, SurfaceId, WallClock};
use hal::midi::Pairing;

use crate::paced::PacedSurface;
use crate::support::Bench;
use crate::{HANDS, SURFACES};

const GESTURES: u32 = 20_000;
const FRAMES: usize = 250;
const FRAME: Duration = Duration::from_millis(33);

pub fn report(bench: &mut Bench) {
    let state = tempfile::tempdir().expect("a folder");
    let (clock, roster, mut surfaces) = (WallClock::start(), Roster::default(), Surfaces::default());
    let lasts = Duration::from_secs_f64(f64::from(GESTURES) / (f64::from(SURFACES) * 500.0));
    for place in 0..SURFACES {
        surfaces.add(Box::new(PacedSurface::new(place, HANDS, lasts, clock).0)).expect("a thread");
    }
    // Its lights go nowhere.
    let nano = Identity::new("nanoKONTROL2", "usb 0944:0117");
    let stuck = FakeSurface::default().say(Motion::Connected(nano));
    stuck.told().refuse(SurfaceId::FIRST_LIVE, true);
    surfaces.add(Box::new(stuck)).expect("a thread");
    let tape = Tape::new(vec![[0.0; 2]; FRAMES * SAMPLES_PER_LATENT_FRAME]).expect("a tape of whole frames");
    let (_player, _packer, transport) = deck(tape, DeckSize::default());
    let engine = EngineLinks { edges: edge_queue(64).0, decode_values: relay().0, sets: set_queue().0, transport };
    let (mut conductor, _reader) = Conductor::new(&Patch::default(), FRAMES, engine);
    let hardware = Hardware { surfaces, roster, pairing: Pairing::default(), other_programs: None };
    let first = Listed::new("first".to_owned(), Patch::default(), None);
    let list = SetList::open(first, None).expect("no folder is read").0;
    let settings = (BoxConfig::default(), Profiles::built_in());
    let learnt = LearntMaps::open(state.path()).0;
    let mut side = SurfaceSide::begin(hardware, learnt, list, clock, settings, &mut conductor).expect("threads");
    let terminal = Terminal::open(true, false).expect("a thread");
    let (mut view, pulse) = (View::new(terminal, Displays::default(), clock), Pulse::default());
    view.begin(("bench", 10.0), "nothing", "nowhere", Watch::of(None));
    let (begun, mut drawn, mut rounds_us) = (Instant::now(), Instant::now(), Vec::new());
    while begun.elapsed() < lasts {
        let round = Instant::now();
        side.wait(&conductor);
        side.hear(&mut conductor, &mut view);
        if FRAME <= drawn.elapsed() {
            drawn = Instant::now();
            view.draw(&conductor, &pulse, |status| side.show(&conductor, status), side.now());
        }
        rounds_us.push(round.elapsed().as_secs_f64() * 1e6);
    }
    assert_eq!(side.close(Duration::from_secs(5)), Vec::<String>::new());
    let late = rounds_us.iter().filter(|it| **it > 5000.0).count();
    bench.report("a round of the conductor, 2000 words a second", rounds_us);
    bench.value("rounds of the conductor over 5 ms", late as f64, "");
}
