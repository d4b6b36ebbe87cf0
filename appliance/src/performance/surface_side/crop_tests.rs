//! Goal: the loop becomes the tape and the recording does again, each as one thing to undo; the loop plays what it did and curves lie where they lay.
//! Method: the surfaces' side over a real conductor, without a worker: what it asks for, and what becomes of an answer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::param::ParamId;
use hal::gesture::{FakeSurface, Key, Motion};

use super::support_tests::{Stage, TAPE};
use crate::compute::loader::Heard;
use crate::performance::conductor::{Reason, Wanted};
use crate::performance::loading::Arrived;
use crate::performance::patch_jobs::PatchJob;
use crate::recording::Part;
use crate::settings::box_file::BoxConfig;
use crate::settings::last_state::Loads;
use crate::settings::patch::{Patch, Sources};

/// A loop of the second half of the tape but for its last quarter, and a curve that says which frame it is.
const PATCH: &str = "source = \"own.wav\"\n[values]\nloop_start = 0.25\nloop_end = 0.75\n[curves]\nsource_blend = [[0.01, 0.0], [0.99, 0.98]]\n";
const HALF: Part = Part { start: 24_000, end: 72_000 };

fn stage(folder: &Path) -> Stage {
    let mut stage = Stage::new(folder, FakeSurface::default(), BoxConfig::default(), &[PATCH]);
    stage.surface_side.plays_on(Sources::of(Path::new("own.wav")), Loads::default(), &mut stage.conductor);
    stage.conductor.settle(Duration::ZERO);
    stage
}

fn key(stage: &mut Stage, key: char, seconds: u64) -> Vec<String> {
    stage.play(Motion::Struck(Key::Char(key)), Duration::from_secs(seconds));
    std::iter::from_fn(|| stage.view.messages().next_line()).collect()
}

/// What is asked for: the part, and why.
fn asks_for(stage: &mut Stage) -> Option<(Option<Part>, Reason)> {
    match stage.conductor.wanted()? {
        Wanted::Set { sources, band: None, reason, patch: None, words: None, .. } => Some((sources.part, reason)),
        other => panic!("{other:?}"),
    }
}

/// A part plays, as the worker says it.
fn comes(stage: &mut Stage, part: Option<Part>, band: Option<[f32; 2]>) {
    let sources = Sources { part, ..Sources::of(Path::new("own.wav")) };
    let heard = Heard::new(&sources.recording, "own".to_owned(), vec![[0.0; 2]; 1920].into(), vec![0.0; 64].into());
    let arrived = Arrived { patch: None, recording: Arc::new(heard), sources, is_another: false, band };
    stage.surface_side.arrived(&arrived, &mut stage.conductor, &mut stage.view);
}

fn faders(stage: &Stage) -> [f64; 2] {
    [ParamId::LoopStart, ParamId::LoopEnd].map(|id| stage.value(id))
}

fn curve(stage: &Stage) -> Vec<f32> {
    stage.conductor.store().drawn().get(ParamId::SourceBlend).map(|it| it.to_vec()).unwrap_or_default()
}

#[test]
fn the_loop_becomes_the_tape_and_the_recording_does_again_each_as_one_thing_to_undo() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(folder.path());
    let drawn = curve(&stage);
    assert_eq!((TAPE, drawn.len()), (96_000, 50));
    let said = key(&mut stage, 'X', 1);
    assert!(said.iter().any(|it| it.contains("0.5 to 1.5 s of the recording becomes the tape")), "{said:?}");
    assert_eq!(asks_for(&mut stage), Some((Some(HALF), Reason::Part)));
    assert_eq!(faders(&stage), [0.25, 0.75], "nothing moves until it is there");
    let depth = stage.conductor.store().undo_depth();
    comes(&mut stage, Some(HALF), Some([0.0, 1.0]));
    assert_eq!((faders(&stage), stage.conductor.store().undo_depth()), ([0.0, 1.0], depth + 1));
    // The part begins in the middle of the twelfth latent frame of the whole: the nearest ones count.
    let lies = |stage: &Stage, place: std::ops::Range<usize>, was: usize| {
        curve(stage)[place.clone()] == drawn[was..was + place.len()]
    };
    assert!(lies(&stage, 0..37, 13), "{:?} of {drawn:?}", curve(&stage));
    key(&mut stage, 'u', 2);
    assert_eq!(asks_for(&mut stage), Some((None, Reason::History)));
    assert_eq!((faders(&stage), curve(&stage)), ([0.25, 0.75], drawn.clone()), "all of it, in one");
    comes(&mut stage, None, None);
    key(&mut stage, 'U', 3);
    assert_eq!(asks_for(&mut stage), Some((Some(HALF), Reason::History)));
    assert_eq!(faders(&stage), [0.0, 1.0]);
    comes(&mut stage, Some(HALF), None);
    // All of the recording: the loop is what plays, and what was not on the tape has the knob's value.
    key(&mut stage, 'W', 4);
    assert_eq!(asks_for(&mut stage), Some((None, Reason::Part)));
    comes(&mut stage, None, Some([0.25, 0.75]));
    assert_eq!(faders(&stage), [0.25, 0.75]);
    assert!(lies(&stage, 12..49, 13), "{:?} of {drawn:?}", curve(&stage));
    assert_eq!(curve(&stage)[..12], [0.0; 12]);
    stage.close_only();
}

#[test]
fn what_is_all_of_it_already_is_said_and_nothing_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(folder.path());
    let said = key(&mut stage, 'W', 1);
    assert!(said.iter().any(|it| it.contains("all of the recording plays already")), "{said:?}");
    let whole = Patch::parse("").expect("a patch");
    stage.conductor.load(&whole, 0, Duration::from_secs(2));
    stage.conductor.settle(Duration::from_secs(2));
    let said = key(&mut stage, 'X', 3);
    assert!(said.iter().any(|it| it.contains("the loop is all of the tape: move its ends first")), "{said:?}");
    assert_eq!(asks_for(&mut stage), None);
    stage.close_only();
}

#[test]
fn a_part_of_a_part_counts_from_the_recordings_beginning_and_is_saved_with_the_patch() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(folder.path());
    let part = Part { start: 1_000_000, end: 1_096_000 };
    comes(&mut stage, Some(part), None);
    key(&mut stage, 'X', 1);
    let inner = Part { start: 1_024_000, end: 1_072_000 };
    assert_eq!(asks_for(&mut stage).map(|it| it.0), Some(Some(inner)));
    comes(&mut stage, Some(inner), Some([0.0, 1.0]));
    key(&mut stage, 'S', 2);
    let [PatchJob::SaveNew { patch, .. }] = &stage.surface_side.jobs[..] else { panic!("it is not saved") };
    assert_eq!((patch.source.as_deref(), patch.part), (Some(Path::new("own.wav")), Some(inner)));
    let patch = Patch { source: Some("own.wav".into()), part: Some(inner), ..Patch::default() };
    assert_eq!(Patch::parse(&patch.to_text()).expect("a patch").part, Some(inner));
    stage.close_only();
}
