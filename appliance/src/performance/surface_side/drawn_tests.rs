//! Goal: what a hand does while it holds the pen lies on the tape where it was heard, within a step of the knob and a latent frame; it is one
//! thing to undo, and is saved.
//! Method: a real conductor, binding and player; the device holds what is played for a while, as devices do.

use std::time::Duration;

use engine::latent::SAMPLES_PER_LATENT_FRAME;
use engine::param::ParamId;
use engine::playback::GUARD_LATENCY_FRAMES;
use hal::gesture::{Control, FakeSurface, Motion, Position};

use super::support_tests::{Stage, TAPE, note};
use crate::control::binding::Act;
use crate::settings::box_file::BoxConfig;
use crate::settings::patch::Patch;

const ID: ParamId = ParamId::VelocityScale;
const FRAMES: usize = TAPE / SAMPLES_PER_LATENT_FRAME;
const PATCH: &str = "[values]\nvelocity_scale = 0.75\n[[map]]\nnote = 1\nto = \"draw\"\n[[map]]\ncc = 1\nto = \"velocity_scale\"\ntakeover = \"jump\"\n\
                     [[map]]\nnote = 2\nto = \"erase-curve\"\n[[map]]\nnote = 3\nto = \"draw-sine\"\n[[map]]\nnote = 4\nto = \"undo\"\n\
                     [[map]]\ncc = 2\nto = \"denoise\"\ntakeover = \"jump\"\n\
                     [[map]]\nnote = 5\nto = \"deepen-curve\"\n[[map]]\ncc = 3\nencoding = \"sign-bit\"\nto = \"deepen-curve\"\n";
/// What the device holds.
const HELD: usize = 4_000;

fn stage(folder: &std::path::Path) -> Stage {
    Stage::new(folder, FakeSurface::default(), BoxConfig::default(), &[PATCH])
}

fn at(frames: usize) -> Duration {
    Duration::from_secs(1) + Duration::from_secs_f64(frames as f64 / 48_000.0)
}

fn turn(number: u8, to: u8) -> Motion {
    Motion::Turned(Control::Cc { channel: 1, number }, Position::Seven(to))
}

fn curve(stage: &Stage) -> Vec<f32> {
    stage.conductor.store().drawn().get(ID).map_or_else(Vec::new, |it| it.to_vec())
}

#[test]
fn a_hands_path_lies_where_it_was_heard_is_one_undo_and_is_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(folder.path());
    // A third of the way round before anything is drawn.
    let mut played = 0;
    let mut play = |stage: &mut Stage, frames: usize| {
        stage.player.delayed_by(HELD);
        stage.player.fill(&mut vec![[0.0; 2]; frames]);
        played += frames;
        stage.conductor.settle(at(played));
        played
    };
    let begun = play(&mut stage, TAPE / 3);
    stage.play(note(1), at(begun));
    let mut path = Vec::new();
    for step in 0..60_u8 {
        let now = play(&mut stage, 960);
        let to = 20 + step;
        stage.play(turn(1, to), at(now));
        // A knob that says the same twice, and another one, are no end of it.
        stage.play(turn(2, step % 3), at(now));
        path.push((now, 0.5 + f64::from(to) / 127.0));
    }
    assert!(curve(&stage).is_empty(), "it is heard when the pen is put down");
    let acts = stage.play(Motion::Released(Control::Note { channel: 1, number: 1 }), at(played_now(&stage)));
    assert_eq!(acts, [Act::Drawn(vec![ID])]);
    let drawn = curve(&stage);
    for (now, value) in &path {
        let heard = now - HELD - GUARD_LATENCY_FRAMES;
        let frame = heard / SAMPLES_PER_LATENT_FRAME % FRAMES;
        let near = [frame, (frame + 1) % FRAMES].map(|it| (f64::from(drawn[it]) - value).abs());
        assert!(near.into_iter().fold(f64::MAX, f64::min) <= 1.0 / 127.0 + 1e-6, "{value} at {frame}: {drawn:?}");
    }
    let before = (TAPE / 3 - HELD) / SAMPLES_PER_LATENT_FRAME - 1;
    assert!(drawn[..before].iter().all(|it| *it == 0.75), "what was not drawn is as it was: {drawn:?}");
    let saved = stage.surface_side.list().playing().expect("it plays").under_hands(stage.conductor.store()).to_text();
    let again = Patch::parse(&saved).expect("a patch").curves;
    assert_eq!(again.iter().map(|(id, it)| (*id, it.resample(FRAMES).to_vec())).collect::<Vec<_>>(), [(ID, drawn)]);
    stage.play(note(4), at(900_000));
    assert!(curve(&stage).is_empty(), "one undo");
    assert_eq!((stage.value(ID), stage.value(ParamId::Denoise)), (0.75, ParamId::Denoise.row().default));
    stage.close();
}

fn played_now(stage: &Stage) -> usize {
    stage.conductor.transport().playhead().played.count() as usize
}

#[test]
fn a_form_is_drawn_for_what_was_moved_last_and_taken_away_and_what_cannot_be_drawn_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(folder.path());
    stage.play(turn(1, 64), at(0));
    assert_eq!(stage.play(note(3), at(10)), [Act::Drawn(vec![ID])]);
    let drawn = curve(&stage);
    assert!(drawn.len() == FRAMES && drawn[0] < 0.6 && drawn[FRAMES / 2] > 1.4, "{drawn:?}");
    assert_eq!(stage.play(note(2), at(20)), [Act::Erased(ID)]);
    assert!(curve(&stage).is_empty());
    stage.play(note(4), at(30));
    assert_eq!(curve(&stage), drawn, "undo brings it back");
    stage.play(turn(2, 64), at(40));
    assert_eq!(stage.play(note(3), at(50)), [Act::TakesNoCurve(ParamId::Denoise)]);
    stage.close();
}

#[test]
fn a_curve_is_made_deeper_by_presses_and_flatter_by_a_turn_each_as_one_undo_and_without_one_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = stage(folder.path());
    stage.play(turn(1, 64), at(0));
    assert_eq!(stage.play(note(5), at(10)), [Act::NothingDrawn(ID)]);
    stage.play(note(3), at(20));
    let drawn = curve(&stage);
    let swing = |of: &[f32]| of.iter().copied().fold(f32::MIN, f32::max) - of.iter().copied().fold(f32::MAX, f32::min);
    // An encoder to the left, six detents in two turns.
    for now in [96_000, 97_000] {
        let acts = stage.play(turn(3, 0x43), at(now));
        assert!(matches!(acts[..], [Act::Scaled(ID, factor)] if (0.4..0.6).contains(&factor)), "{acts:?}");
    }
    let flat = curve(&stage);
    assert!((swing(&flat) / swing(&drawn) - 0.25).abs() < 0.01, "{drawn:?} {flat:?}");
    for now in [200_000, 201_000, 202_000] {
        stage.play(note(5), at(now));
    }
    assert!((swing(&curve(&stage)) / swing(&drawn) - 0.5).abs() < 0.01);
    stage.play(note(4), at(300_000));
    assert_eq!(curve(&stage), flat);
    stage.play(note(4), at(400_000));
    assert_eq!(curve(&stage), drawn);
    stage.close();
}
