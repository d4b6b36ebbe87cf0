//! A set played for the pictures: hands on a controller and keys, through the surfaces, the conductor and the view of the program.
//!
//! What a display gets is what the program made of it. Three things are not played but set as who measures them would tell them,
//! since they are another at every run and on every machine: the fast threads' times, the card's health, and a device that goes.
//! Time is told and not read, so that the same rehearsal leaves the same pictures.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use appliance::compute::arguments::SetArgs;
use appliance::compute::health::{GpuHealth, Watch};
use appliance::compute::progress::Progress;
use appliance::compute::set::Set;
use appliance::display::displays::Displays;
use appliance::display::status::Status;
use appliance::display::terminal::{Ink, Terminal};
use appliance::performance::conductor::{Conductor, EngineLinks};
use appliance::performance::stage::tell_output;
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
use clap::Parser as _;
use engine::latent::{SAMPLE_RATE_HZ, SAMPLES_PER_LATENT_FRAME};
use engine::live::{Swap, ValuesReader, relay, set_queue};
use engine::param::{EdgeReceiver, SnapshotReader, edge_queue};
use engine::playback::{DeckSize, Packer, Player, Tape, deck};
use hal::audio::{News, OutError};
use hal::gesture::{
    Control, Gesture, Identity, Key, Motion, Position, Roster, Surface, SurfaceError, SurfaceId, WallClock,
};
use hal::midi::Pairing;

/// Length of the recording in seconds.
const SECONDS: usize = 48;
/// The longest a message stands, with those that wait behind it.
const UNTIL_QUIET: Duration = Duration::from_secs(5);
/// Patches of the set list, by the names of their files.
const SET: [(&str, &str); 4] = [
    ("1_Opening.toml", "[values]\ndenoise = 0.3\n"),
    (
        "2_Night bus.toml",
        "[prompt]\nbpm = 123\n[values]\ndenoise = 0.5\nsource_blend = 0.2\n[scenes.1]\nname = \"in\"\ndenoise = 0.3\n\
         [scenes.2]\ndenoise = 0.4\n[scenes.3]\nname = \"drop\"\ndenoise = 0.6\nsource_blend = 0.2\n\
         [scenes.5]\nname = \"out\"\ndenoise = 0.2\n",
    ),
    ("7_Bridge.toml", "[values]\ndenoise = 0.8\n"),
    ("9_Last train.toml", ""),
];
/// What stands in each patch: controls that the usual map has not.
const MAP: &str = "[[map]]\ncc = 70\nto = \"morph-3-5\"\n[[map]]\ncc = 71\nto = \"dcw_wavelet\"\n[[map]]\ncc = 72\n\
                   to = \"gain_db\"\n[[map]]\nnote = 1\nto = \"shift-layer\"\n";

/// What a hand is told to do, or asked whether it has done it.
enum Word {
    Does(Motion, SurfaceId),
    Done(Sender<()>),
}

/// Hands that do what they are told.
struct Hands(Receiver<Word>);

impl Surface for Hands {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        match self.0.recv_timeout(patience) {
            Ok(Word::Does(motion, surface)) => Ok(Some(Gesture { at: Duration::ZERO, surface, motion })),
            // All that was done before lies in the inbox.
            Ok(Word::Done(tell)) => {
                let _ = tell.send(());
                Ok(None)
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(SurfaceError::Closed("the hands")),
        }
    }
}

/// The program from the conductor to the displays, with a tape and without an engine.
pub struct Rehearsal {
    surface_side: SurfaceSide,
    conductor: Conductor,
    view: View,
    player: Player,
    pulse: Pulse,
    hands: Sender<Word>,
    now: Duration,
    /// The other ends, which somebody has to hold.
    _engine: (Packer, SnapshotReader, EdgeReceiver<Swap>, ValuesReader),
    _folder: tempfile::TempDir,
}

fn view() -> View {
    let nowhere = OpenOptions::new().write(true).open("/dev/null").expect("Linux has it");
    let terminal = Terminal::onto(&nowhere, true, Ink::default()).expect("a thread");
    View::new(terminal, Displays::default(), WallClock::start())
}

/// The recording: two tones, the left one louder.
fn tape() -> Tape {
    let samples = SECONDS * SAMPLE_RATE_HZ as usize / SAMPLES_PER_LATENT_FRAME * SAMPLES_PER_LATENT_FRAME;
    let tone = |at: usize, hz: f32| (at as f32 * hz * std::f32::consts::TAU / SAMPLE_RATE_HZ as f32).sin();
    Tape::new((0..samples).map(|at| [0.62 * tone(at, 110.0), 0.45 * tone(at, 220.0)]).collect::<Vec<_>>())
        .expect("a tape")
}

/// The patches of the set, in a folder, and the one that it is started with.
fn set_list(folder: &std::path::Path) -> (SetList, Patch) {
    let write = |name: &str, text: &str| {
        let patch = Patch::parse(&format!("format = 2\n{text}{MAP}")).expect("a sound patch");
        patch.save(&folder.join(name)).expect("a disk");
        patch
    };
    SET.iter().for_each(|(name, text)| drop(write(name, text)));
    let first = Patch::parse(&format!("format = 2\n{MAP}")).expect("a sound patch");
    let (list, faults) = SetList::of_folder(Some(folder)).expect("a folder");
    assert!(faults.is_empty(), "{faults:?}");
    (list.starting_with(Listed::new("river".to_owned(), first.clone(), None)), first)
}

impl Rehearsal {
    /// The set begins; a controller that nobody knows is plugged in. `gpu` is what the card says of itself.
    pub fn begin(gpu: Option<GpuHealth>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (list, first) = set_list(folder.path());
        let tape = tape();
        let frames = tape.len() / SAMPLES_PER_LATENT_FRAME;
        let (player, packer, transport) = deck(tape, DeckSize::default());
        let ((edges, receiver), (decode_values, reader)) = (edge_queue(64), relay());
        let (mut conductor, snapshots) =
            Conductor::new(&first, frames, EngineLinks { edges, decode_values, sets: set_queue().0, transport });
        let (hands, told) = channel();
        let mut surfaces = Surfaces::default();
        surfaces.add(Box::new(Hands(told))).expect("a thread");
        let hardware =
            Hardware { surfaces, roster: Roster::default(), pairing: Pairing::default(), other_programs: None };
        let learnt = LearntMaps::open(&folder.path().join("state")).0;
        let config = (BoxConfig::default(), Profiles::built_in());
        let clock = WallClock::start();
        let surface_side = SurfaceSide::begin(hardware, learnt, list, clock, config, &mut conductor).expect("threads");
        let mut view = view();
        view.begin(("river.wav", SECONDS as f64), "tensorrt", "hw:2", Watch::of(gpu));
        let (pulse, now) = (Pulse::default(), Duration::from_secs(1));
        let _engine = (packer, snapshots, receiver, reader);
        let mut rehearsal = Self { surface_side, conductor, view, player, pulse, hands, now, _engine, _folder: folder };
        rehearsal.does(&[Motion::Connected(Identity::new("bench", "bench"))]);
        rehearsal
    }

    /// Hands on the controller.
    pub fn does(&mut self, motions: &[Motion]) {
        self.by(SurfaceId::FIRST_LIVE, motions);
    }

    /// Turns a control change of the controller to these places, one after the other.
    pub fn turns(&mut self, number: u8, places: &[u8]) {
        for place in places {
            self.does(&[Motion::Turned(Control::Cc { channel: 1, number }, Position::Seven(*place))]);
        }
    }

    /// Presses a pad and keeps it down.
    pub fn holds(&mut self, number: u8) {
        self.does(&[Motion::Pressed(Control::Note { channel: 1, number }, 100)]);
    }

    /// Strikes keys of the terminal.
    pub fn types(&mut self, keys: &[Key]) {
        let struck: Vec<Motion> = keys.iter().map(|key| Motion::Struck(*key)).collect();
        self.by(SurfaceId::KEYS, &struck);
    }

    fn by(&mut self, surface: SurfaceId, motions: &[Motion]) {
        for motion in motions {
            self.hands.send(Word::Does(motion.clone(), surface)).expect("the surface listens");
        }
        let (tell, done) = channel();
        self.hands.send(Word::Done(tell)).expect("the surface listens");
        done.recv().expect("the surface answers");
        // Until every value has come to where the hand set it: how long that takes, no picture shows.
        loop {
            self.surface_side.wait(&self.conductor);
            self.surface_side.hear(&mut self.conductor, &mut self.view);
            if self.conductor.desk().stands() {
                break;
            }
        }
    }

    /// The tape plays on for so many seconds, in periods as of a device.
    pub fn plays(&mut self, seconds: f64) {
        let mut period = [[0.0; 2]; 256];
        for _ in 0..(seconds * f64::from(SAMPLE_RATE_HZ)) as usize / period.len() {
            self.player.fill(&mut period);
        }
    }

    /// The device was late so often.
    pub fn underruns(&mut self, gaps: u64) {
        self.player.underran(gaps);
    }

    /// What the fast threads would tell of the last second: times in microseconds, and what they made.
    pub fn computes(&mut self) {
        // Two seconds of pictures are looked back on: in one of them it took longest.
        for picture in 0..64 {
            let (tick_us, window_us) = if picture == 50 { (34_100, 26_900) } else { (29_800, 18_200) };
            self.pulse.tick_us.store(tick_us, Relaxed);
            self.pulse.window_us.store(window_us, Relaxed);
            self.draw(Duration::from_millis(1));
        }
        let samples = (SECONDS * SAMPLE_RATE_HZ as usize) as f64;
        let [from, to] = [0.41, 0.5].map(|part| (part * samples) as usize);
        self.pulse.window[0].store(from, Relaxed);
        self.pulse.window[1].store(to, Relaxed);
        self.pulse.lead.store(SAMPLE_RATE_HZ as usize * 230 / 1000, Relaxed);
        self.pulse.windows.fetch_add(12, Relaxed);
        self.pulse.ticks.fetch_add(31, Relaxed);
        self.pulse.latents.fetch_add(4, Relaxed);
        self.draw(Duration::from_secs(1));
    }

    /// The sound device is pulled out.
    pub fn loses_the_device(&mut self) {
        let gone = OutError::Gone { device: "hw:2".to_owned(), cause: "No such device".to_owned() };
        tell_output(News::Away(gone), self.view.messages());
    }

    /// Lets time pass until nothing is left to be said.
    pub fn goes_quiet(&mut self) {
        while !self.draw(UNTIL_QUIET).message.is_empty() {}
    }

    /// What the displays get, a moment later.
    pub fn seen(&mut self) -> Status {
        self.draw(Duration::from_millis(33))
    }

    /// The same when what was told first has had its turn.
    pub fn seen_later(&mut self) -> Status {
        self.draw(Duration::from_millis(900))
    }

    fn draw(&mut self, later: Duration) -> Status {
        self.now += later;
        let Self { surface_side, conductor, view, pulse, now, .. } = self;
        view.draw(conductor, pulse, |status| surface_side.show(conductor, status), *now);
        view.status().clone()
    }
}

/// What `demon run` is asked of a set.
#[derive(clap::Parser)]
struct Asked {
    #[command(flatten)]
    set: SetArgs,
}

/// The start of the built-in model, seen when a part of it is read.
pub fn start() -> Status {
    /// Looks at the view while it is told.
    struct Witness {
        view: View,
        seen: Option<Status>,
    }
    impl Progress for Witness {
        fn tell(&mut self, stage: &str, done: usize, total: usize) {
            self.view.tell(stage, done, total);
            if self.seen.is_none() && stage.contains("denoiser") && done * 2 >= total {
                self.seen = Some(self.view.status().clone());
            }
        }

        fn say(&mut self, sentence: &str) {
            self.view.say_found(sentence);
        }
    }
    let model = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house"));
    let line = ["demon", "--backend", "cpu", "--threads", "1", "--longest", "4", "--model"];
    let line = line.iter().map(Into::into).chain([model.into_os_string()]);
    let asked = Asked::try_parse_from(line).expect("a command line");
    let mut witness = Witness { view: view(), seen: None };
    Set::open_sound(&asked.set, &mut witness).expect("the built-in model");
    witness.seen.expect("the denoiser is read")
}
