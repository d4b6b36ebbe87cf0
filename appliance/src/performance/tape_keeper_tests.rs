//! Goal: what the tape has become is on the disk a minute later, and at the end; a disk that refuses harms nothing and is told.
//! Method: a player over memory of this process, its engine's ends, and the keeper under a fake time, in a real folder.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use engine::boundary::{Arena, Sizes};
use engine::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::playback::{AttachedPlayer, Epoch, Packer, Player, Tape, Transport, WindowPlan, attach, sum_of};

use super::{AGAIN, PERIOD, TapeKeeper, TapeKept, rest_after};
use crate::display::messages::{FaultKey, Messages};
use crate::performance::ending::Leave;
use crate::performance::tape_writer::Wrote;
use crate::settings::last_tape::{FILE, Found, TapeFile, TapeOrigin};

const FRAMES: usize = 25 * SAMPLES_PER_LATENT_FRAME;
const PATIENCE: Duration = Duration::from_secs(60);

/// A player with a tape, and an engine at it.
struct Playing {
    own: AttachedPlayer,
    packer: Packer,
    transport: Transport,
}

fn recording() -> Vec<StereoFrame> {
    (0..FRAMES).map(|at| [(at as f32 / 99.0).sin() * 0.25; 2]).collect()
}

impl Playing {
    fn start() -> Self {
        let sizes = Sizes { boxes: 2, window_frames: 9_600, tape_frames: FRAMES };
        let arena = Arena::on_heap(sizes);
        let own = Player::attached(&arena);
        own.grant.give(1);
        let epochs = Epoch::default();
        epochs.set(1);
        let (packer, transport) = attach(&arena, &epochs);
        let mut playing = Self { own, packer, transport };
        // From here on it hears this engine.
        playing.plays(1);
        playing.transport.swap(Tape::new(recording()).expect("a tape"), 0).expect("there is room");
        playing.plays(40);
        assert!(playing.tape() == recording());
        playing
    }

    fn plays(&mut self, periods: usize) {
        for _ in 0..periods {
            self.own.player.fill(&mut [[0.0; 2]; 512]);
            self.own.loader.poll();
        }
    }

    /// A window of another sound lands.
    fn changes(&mut self, land: usize) {
        let now = self.transport.playhead().played;
        let (frames, due) = (9_600, now.after(400));
        let plan = WindowPlan { tape: self.transport.tape(), land, frames, keep: 5, run_up: 0, due, planned: now };
        self.packer.collect(|_| ());
        self.packer.send(&plan, 0.0, |room| room.fill([0.125, -0.125])).expect("a box is home");
        self.plays(40);
    }

    fn tape(&self) -> &[StereoFrame] {
        self.own.player.tape().frames()
    }

    fn keeper(&self, folder: &Path, leave: &Leave) -> TapeKeeper {
        let reader = self.transport.tape_reader().expect("it can be copied");
        TapeKeeper::begin(TapeKept { file: file(folder), recording: sum_of(&recording()), reader }, leave)
            .expect("a thread")
    }
}

fn file(folder: &Path) -> TapeFile {
    TapeFile::of(folder, TapeOrigin::of(&recording()))
}

/// The tape as the next start finds it, and when it was written.
fn kept(folder: &Path) -> Option<(Vec<StereoFrame>, SystemTime)> {
    let written = std::fs::metadata(folder.join(FILE)).and_then(|it| it.modified()).ok()?;
    match file(folder).found(&recording()) {
        Found::Sound(tape) => Some((tape, written)),
        other => panic!("{other:?}"),
    }
}

/// Looks at this moment until what was begun is done and told.
fn look(keeper: &mut TapeKeeper, at: Duration, messages: &mut Messages) {
    keeper.look(at, messages);
    let begun = Instant::now();
    while keeper.due.is_none() {
        assert!(begun.elapsed() < PATIENCE, "never");
        std::thread::yield_now();
        keeper.look(at, messages);
    }
}

#[test]
fn the_tape_is_on_the_disk_once_a_minute_where_it_has_changed_and_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let (leave, mut messages, mut playing) =
        (Leave::new().expect("a descriptor"), Messages::new(false, []), Playing::start());
    let mut keeper = playing.keeper(folder.path(), &leave);
    let begun = Duration::from_secs(5);
    look(&mut keeper, begun, &mut messages);
    playing.changes(10_000);
    look(&mut keeper, begun + PERIOD - Duration::from_millis(1), &mut messages);
    assert!(!folder.path().join(FILE).exists(), "not before a minute");
    look(&mut keeper, begun + PERIOD, &mut messages);
    let (tape, first) = kept(folder.path()).expect("it is there");
    assert!(tape == playing.tape() && tape != recording());
    // It stands: nothing is written. It changes: not before the next minute.
    look(&mut keeper, begun + 2 * PERIOD, &mut messages);
    assert_eq!(kept(folder.path()).map(|it| it.1), Some(first));
    playing.changes(30_000);
    look(&mut keeper, begun + 3 * PERIOD - Duration::from_millis(1), &mut messages);
    assert_eq!(kept(folder.path()).map(|it| it.1), Some(first));
    look(&mut keeper, begun + 3 * PERIOD, &mut messages);
    assert!(kept(folder.path()).is_some_and(|it| it.0 == playing.tape()));
    // What came last is kept by the end, however soon it comes.
    playing.changes(2_000);
    keeper.rest();
    assert_eq!(keeper.end(Instant::now() + PATIENCE), None);
    assert!(kept(folder.path()).is_some_and(|it| it.0 == playing.tape()));
    assert!(!messages.stands(&FaultKey::LastTape));
}

#[test]
fn a_disk_that_refuses_the_tape_is_one_fault_that_stands_and_the_tape_before_it_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    std::fs::create_dir(&state).expect("a disk");
    let (leave, mut messages, mut playing) =
        (Leave::new().expect("a descriptor"), Messages::new(false, []), Playing::start());
    let mut keeper = playing.keeper(&state, &leave);
    look(&mut keeper, Duration::ZERO, &mut messages);
    playing.changes(10_000);
    look(&mut keeper, PERIOD, &mut messages);
    let before = kept(&state).expect("it is there").0;
    // The folder is gone: the same to a writer as a disk that is full or for reading only, and root is refused too.
    let gone = folder.path().join("gone");
    std::fs::rename(&state, &gone).expect("a disk");
    playing.changes(30_000);
    look(&mut keeper, 2 * PERIOD, &mut messages);
    let words = messages.worst().expect("it stands").to_owned();
    let ending = "the sound of the tape is not kept for the next start";
    assert!(words.contains("last-tape: cannot be written") && words.ends_with(ending), "{words}");
    assert!(kept(&gone).expect("it is there").0 == before, "the tape before it stays");
    std::fs::rename(&gone, &state).expect("a disk");
    look(&mut keeper, 2 * PERIOD + AGAIN, &mut messages);
    assert!(!messages.stands(&FaultKey::LastTape) && kept(&state).is_some_and(|it| it.0 == playing.tape()));
    std::fs::rename(&state, &gone).expect("a disk");
    playing.changes(2_000);
    keeper.rest();
    let words = keeper.end(Instant::now() + PATIENCE).expect("the end tells it too");
    assert!(words.contains("cannot be written"), "{words}");
}

#[test]
fn a_disk_is_never_written_faster_than_the_tape_is_heard() {
    assert_eq!(rest_after(&Wrote::Kept(0)), PERIOD);
    assert_eq!(rest_after(&Wrote::Kept(48_000 * 60)), PERIOD);
    assert_eq!(rest_after(&Wrote::Kept(48_000 * 300)), 5 * PERIOD);
}
