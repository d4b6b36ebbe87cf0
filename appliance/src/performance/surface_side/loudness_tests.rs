//! Goal: what plays is made as loud as the box's file says by one press, once; it is one thing to undo, and a scene keeps it.
//! Method: a real conductor, binding and player, whose tee the recorder's own ear listens to.

use std::time::{Duration, Instant};

use engine::param::ParamId;
use hal::gesture::{Control, FakeSurface, Motion, Position};

use super::support_tests::{Stage, note};
use crate::performance::ending::Leave;
use crate::performance::take_recorder::{TakeHand, TakeRecorder};
use crate::settings::box_file::BoxConfig;
use crate::takes::Ear;

const PATCH: &str = "[[map]]\nnote = 1\nto = \"match-loudness\"\n[[map]]\nnote = 2\nto = \"undo\"\n[[map]]\nnote = 3\nto = \"keep-scene-1\"\n\
                     [[map]]\nnote = 4\nto = \"scene-1\"\n[[map]]\nnote = 5\nto = \"redo\"\n[[map]]\ncc = 1\nto = \"gain_db\"\ntakeover = \"jump\"\n";

/// The tape goes on for so long that something can be said of it.
fn listen(stage: &mut Stage, hand: &TakeHand, now: &mut Duration) -> f64 {
    let begun = Instant::now();
    // Three seconds, and the 400 ms that its first block is long; little more, since the tee holds five.
    stage.player.fill(&mut vec![[0.0; 2]; 170_000]);
    *now += Duration::from_secs(4);
    stage.conductor.settle(*now);
    while hand.shown().lufs.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody listens");
        std::thread::yield_now();
    }
    hand.shown().lufs.expect("it is heard")
}

#[test]
fn what_plays_is_made_as_loud_as_the_others_in_one_stroke() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::new(folder.path(), FakeSurface::default(), BoxConfig::default(), &[PATCH]);
    let leave = Leave::new().expect("a descriptor");
    let ear = Ear::new(stage.conductor.transport().tee().expect("it has one"));
    let recorder = TakeRecorder::start(ear, folder.path(), 0, &leave).expect("threads");
    let hand = recorder.hand();
    stage.surface_side.record_takes(hand.clone());
    let mut now = Duration::from_secs(1);
    stage.play(note(1), now);
    assert_eq!(stage.value(ParamId::GainDb), 0.0, "nothing was heard yet");
    // The sound comes in over a fade.
    listen(&mut stage, &hand, &mut now);
    hand.listen_anew();
    let before = listen(&mut stage, &hand, &mut now);
    stage.surface_side.match_to(-15.0);
    stage.play(note(1), now);
    let gain = stage.conductor.store().aims().exact(ParamId::GainDb);
    assert!((gain - (-15.0 - before)).abs() < 1e-9, "{before} LUFS, {gain} dB");
    assert_eq!(hand.shown().lufs, None, "what is heard next is not what was");
    let aim = |stage: &Stage| stage.conductor.store().aims().exact(ParamId::GainDb);
    stage.play(note(2), now);
    assert_eq!(aim(&stage), 0.0, "one thing to undo");
    stage.play(note(5), now);
    stage.play(note(3), now);
    listen(&mut stage, &hand, &mut now);
    hand.listen_anew();
    let after = listen(&mut stage, &hand, &mut now);
    assert!((after + 15.0).abs() < 0.3, "{after} LUFS");
    stage.play(note(1), now);
    assert_eq!(aim(&stage), gain, "it is as loud as it is to be");
    stage.play(Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Seven(20)), now);
    assert!(aim(&stage) < gain - 1.0);
    stage.play(note(4), now);
    assert_eq!(aim(&stage), gain, "the scene has kept it");
    assert_eq!(recorder.end(Instant::now() + Duration::from_secs(30)), Vec::<String>::new());
    stage.close_only();
}
