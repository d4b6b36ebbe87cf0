//! Goal: a window's sound lies on the tape to the sample, and nothing is decoded that has nowhere to go.
//! Method: a decoder whose every frame is unique; one frame off, or one latent off, is another sound.

use std::sync::{Arc, Mutex};

use engine::latent::SAMPLES_PER_LATENT_FRAME as FRAME;
use engine::live::{Patched, window_lengths};
use engine::param::{ParamId, Values};
use engine::playback::{GUARD_LATENCY_FRAMES, LoopBand, SPLICE_FADE_FRAMES};

use crate::world::{Setting, World, noise};

fn values(window_s: f64) -> Values {
    let mut values = Values::default();
    assert!(values.set(ParamId::WindowS, window_s));
    values
}

/// Frames of `range` on the tape that are not what the law says, by more than a fade between equal sounds rounds.
fn wrong(world: &World, range: std::ops::Range<usize>, law: impl Fn(usize) -> [f32; 2]) -> Vec<usize> {
    let meanwhile = world.meanwhile();
    let tape = meanwhile.player.tape().frames();
    let off = |at: &usize| {
        let expected = law(*at);
        (0..2).any(|channel| (tape[*at][channel] - expected[channel]).abs() > 1e-4)
    };
    range.filter(off).collect()
}

#[test]
fn every_frame_of_the_tape_is_the_frame_of_its_place_wherever_windows_land() {
    for window_s in [0.2, 0.5, 1.0, 3.0] {
        let mut world = World::new(Setting::default());
        let (values, mut inside) = (values(window_s), 0);
        while world.now() < 2 * 150 * FRAME {
            if let Patched::Sent { land, .. } = world.step(&values) {
                inside += usize::from(land % FRAME != 0);
            }
        }
        assert!(10 < inside, "windows of {window_s} s land inside latent frames: {inside}");
        let wrong = wrong(&world, 0..150 * FRAME, |at| noise(at, 1));
        assert!(wrong.is_empty(), "windows of {window_s} s: {} frames are off, from {:?}", wrong.len(), wrong.first());
    }
}

#[test]
fn every_frame_of_a_band_is_the_frame_of_its_place() {
    for (start, length) in [(100_003, 1_920), (40_001, 30_011), (7, 200_000), (280_000, 8_000)] {
        let mut world = World::new(Setting::default());
        let band = LoopBand::new(start, start + length, 150 * FRAME).expect("it lies on the tape");
        world.transport.set_band(band).expect("there is room for an order");
        world.play(&values(0.2), 2 * length + 96_000);
        let wrong = wrong(&world, band.start()..band.end(), |at| noise(at, 1));
        assert!(wrong.is_empty(), "{band:?}: {} frames are off, from {:?}", wrong.len(), wrong.first());
    }
}

#[test]
fn what_is_heard_is_of_the_latent_that_was_newest_when_its_window_was_planned() {
    // The number of the latent, in steps that survive the DC blocker: its sign alternates.
    let law = |place: usize, serial: u64| [serial as f32 / 256.0 * if place.is_multiple_of(2) { 1.0 } else { -1.0 }; 2];
    let mut world = World::new(Setting { law, source: |_| [0.0; 2], ..Setting::default() });
    world.meanwhile().listens = true;
    let (values, mut sent) = (values(0.5), Vec::new());
    while world.now() < 96_000 {
        // The walk's head starts at the tape's first frame and stays in its first lap: moments are places.
        if let Patched::Sent { serial, land, .. } = world.step(&values) {
            sent.push((land, serial));
        }
    }
    let heard = std::mem::take(&mut world.meanwhile().heard);
    let mut compared = 0;
    // Each is heard from the end of its fade to the start of the next one. The first of all waits half a second, and the
    // second is there before it.
    for pair in sent.windows(2).skip(2) {
        let ((land, serial), (next, _)) = (pair[0], pair[1]);
        for at in land + SPLICE_FADE_FRAMES + 10..next.min(heard.len() - GUARD_LATENCY_FRAMES) {
            let level = heard[at + GUARD_LATENCY_FRAMES][0].abs() * 256.0;
            assert!((level - serial as f32).abs() < 0.2, "at {at} latent {level} is heard, not {serial}");
            compared += 1;
        }
    }
    assert!(10_000 < compared, "{compared} frames were compared");
}

#[test]
fn nothing_is_decoded_while_every_box_is_on_its_way() {
    let mut world = World::new(Setting::default());
    // The sound device stands still: no box comes home, but latents go on finishing.
    let course = world.transport.course();
    world.meanwhile().pass(10_000);
    world.meanwhile().stands_still = true;
    let mut sent = 0;
    for _ in 0..50 {
        // A newer latent each time: a window is always called for.
        world.meanwhile().pass(5_000);
        sent += usize::from(matches!(world.patcher.patch(&values(3.0), &course), Patched::Sent { .. }));
    }
    assert_eq!((sent, *world.decoded.lock().expect("one thread")), (4, 4), "as many as there are boxes, then none");
}

#[test]
fn a_window_has_the_prepared_length_nearest_to_what_is_asked_for() {
    let decoded = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&decoded);
    let decode = Box::new(move |keep| {
        told.lock().expect("one thread").push(keep);
        480
    });
    let mut world = World::new(Setting { decode, ..Setting::default() });
    let lengths = window_lengths(150);
    for (place, &keep) in lengths.iter().enumerate() {
        // At its own length, and a third of the way to its neighbours.
        let third = |other: usize| keep as f64 + (other as f64 - keep as f64) / 3.0;
        let neighbours = [place.checked_sub(1), Some(place + 1)].map(|it| lengths.get(it?).map(|&it| third(it)));
        for frames in neighbours.into_iter().flatten().chain([keep as f64]) {
            decoded.lock().expect("one thread").clear();
            world.play(&values(frames / 25.0), 24_000);
            let found = decoded.lock().expect("one thread").clone();
            assert!(!found.is_empty() && found.iter().all(|it| *it == keep), "{frames} frames: {found:?}");
        }
    }
}

#[test]
fn a_latent_goes_on_being_decoded_as_soon_as_less_than_two_leads_are_planned() {
    // One latent and no other: all windows after the first go on from the one before. With feedback the tape never stands.
    let mut world = World::new(Setting { latent_every: 4_800_000, ..Setting::default() });
    world.meanwhile().pass(4_800_000);
    let mut values = values(0.5);
    assert!(values.set(ParamId::TapeFeedback, 0.5));
    assert_eq!(world.patcher.remaining_p5(), None, "nothing has landed");
    let (mut end, mut compared) = (None, 0);
    for _ in 0..20_000 {
        let course = world.transport.course();
        let lead = world.lead(&values) as i64;
        if let Patched::Sent { land, frames, .. } = world.step(&values) {
            let tape = (150 * FRAME) as i64;
            let ahead = end.map(|end: i64| (end - course.place(course.now()) as i64).rem_euclid(tape));
            // The lead itself settles while the first windows land.
            if let Some(ahead) = ahead.filter(|_| 30 < *world.decoded.lock().expect("one thread")) {
                assert!(2 * lead - 600 <= ahead && ahead <= 2 * lead, "{ahead} are planned with a lead of {lead}");
                compared += 1;
            }
            end = Some((land + frames) as i64 - 2 * SPLICE_FADE_FRAMES as i64);
        }
    }
    assert!(20 < compared, "{compared} windows were compared");
    let remaining = world.patcher.remaining_p5().expect("windows have landed");
    assert!(100 < remaining && remaining < 20_000, "{remaining}");
}
