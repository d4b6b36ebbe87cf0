//! Goal: what hands do is on the disk soon after, and a disk that refuses it is one fault that stands until it is over.
//! Method: the keeper over a stage of fake surfaces, in a real folder that is taken away and given back.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use engine::param::ParamId;
use hal::gesture::FakeSurface;

use super::support_tests::Stage;
use crate::display::messages::FaultKey;
use crate::performance::ending::Leave;
use crate::performance::keeper::{Keeper, Kept, PERIOD};
use crate::settings::box_file::{BoxConfig, Trial};
use crate::settings::last_state::{Found, LastState, Origin, Shelf, Starts};

/// After this a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

fn keeper(folder: &Path, stage: &mut Stage, leave: &Leave) -> Keeper {
    let shelf = Shelf::open(folder).expect("nobody has it");
    let (starts, _) = Starts::begin(folder, SystemTime::now());
    let kept = Kept { shelf, starts, origin: Origin { digest: "of this".to_owned(), ..Origin::default() } };
    Keeper::begin(Trial::of_nothing(folder), Some(kept), leave, stage.view.messages())
}

/// Lets both hear until it is so.
fn until(stage: &mut Stage, keeper: &mut Keeper, mut is: impl FnMut(&mut Stage) -> bool) {
    let begun = Instant::now();
    while !is(stage) {
        assert!(begun.elapsed() < PATIENCE, "never");
        stage.surface_side.hear(&mut stage.conductor, &mut stage.view);
        keeper.look(&stage.conductor, &stage.surface_side, &mut stage.view, 1);
    }
}

/// What stands in the folder.
fn kept(folder: &Path) -> Option<LastState> {
    let text = std::fs::read_to_string(folder.join("last-state.toml")).ok()?;
    crate::settings::last_state::parse(&text).ok()
}

#[test]
fn what_hands_do_is_on_the_disk_within_two_seconds_and_an_end_in_order_leaves_no_mark_of_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let surface = (0..60).fold(FakeSurface::default(), |it, to| it.turn(1, to + 20));
    let mut stage = Stage::new(folder.path(), surface, BoxConfig::default(), &["[values]\ngain_db = -20"]);
    let leave = Leave::new().expect("a descriptor");
    let mut keeper = keeper(folder.path(), &mut stage, &leave);
    let denoise = 79.0 / 127.0;
    until(&mut stage, &mut keeper, |_| {
        kept(folder.path()).is_some_and(|it| it.kept.aims.exact(ParamId::Denoise) == denoise)
    });
    let state = kept(folder.path()).expect("it is there");
    assert_eq!((state.kept.done.len(), state.muted, state.origin.digest.as_str()), (1, false, "of this"));
    assert!(PERIOD < Duration::from_secs(2));
    assert!(Shelf::open(folder.path()).is_err() && folder.path().join("starts").exists());
    // What is done last is kept by the end, however soon it comes.
    stage.conductor.transport().set_muted(true);
    keeper.rest(&stage.conductor, &stage.surface_side, &mut stage.view);
    assert_eq!(keeper.end(false), None);
    assert!(kept(folder.path()).is_some_and(|it| it.muted) && !folder.path().join("starts").exists());
    assert!(matches!(Shelf::open(folder.path()).expect("it is free").read(), Found::State(_)));
    // An end because something crashed counts as a crash, however orderly it was.
    let another = self::keeper(folder.path(), &mut stage, &leave);
    assert_eq!(another.end(true), None);
    assert!(folder.path().join("starts").exists());
    stage.close_only();
}

#[test]
fn a_disk_that_refuses_is_one_fault_that_stands_and_its_end_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let mut stage = Stage::new(folder.path(), FakeSurface::default().turn(1, 3), BoxConfig::default(), &[""]);
    let leave = Leave::new().expect("a descriptor");
    let mut keeper = keeper(&state, &mut stage, &leave);
    until(&mut stage, &mut keeper, |_| kept(&state).is_some());
    // The folder is gone: the same to a writer as a disk that is full or for reading only, and root is refused too.
    let gone = folder.path().join("gone");
    std::fs::rename(&state, &gone).expect("a disk");
    stage.conductor.binding_mut().go_on(5, ParamId::Shift);
    until(&mut stage, &mut keeper, |stage| stage.view.messages().stands(&FaultKey::LastState));
    let words = stage.view.messages().worst().expect("it stands").to_owned();
    assert!(
        words.contains("last-state.toml: cannot be written") && words.ends_with("is not kept for the next start"),
        "{words}"
    );
    std::fs::rename(&gone, &state).expect("a disk");
    until(&mut stage, &mut keeper, |stage| !stage.view.messages().stands(&FaultKey::LastState));
    assert_eq!(kept(&state).map(|it| it.bank), Some(5), "nothing is lost of what was done meanwhile");
    std::fs::rename(&state, &gone).expect("a disk");
    stage.conductor.transport().set_muted(true);
    keeper.rest(&stage.conductor, &stage.surface_side, &mut stage.view);
    let words = keeper.end(false).expect("the end tells it too");
    assert!(words.contains("cannot be written"), "{words}");
    stage.close_only();
}
